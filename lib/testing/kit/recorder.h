/* SPDX-License-Identifier: MIT */
/* recorder.h - the recorder's sockets, for recorder.c (what a test asks) and recorder_socket.c (what the reactor
 * calls).
 */
#ifndef BIGHT_TESTING_RECORDER_INTERNAL_H
#define BIGHT_TESTING_RECORDER_INTERNAL_H

#include <bight/testing/recorder.h>

#include "testing/kit/peer.h"

enum bight_recorded_state {
    BIGHT_RECORDED_FRESH,
    BIGHT_RECORDED_LISTENING,
    BIGHT_RECORDED_CONNECTING,
    BIGHT_RECORDED_DECIDED, /* the attempt has succeeded or failed, and was not asked how */
    BIGHT_RECORDED_CONNECTED
};

struct bight_recorded_socket {
    struct bight_link link; /* in the recorder's, or waiting in a port's queue */
    struct bight_recorder *recorder;
    int fd;
    int domain;
    enum bight_recorded_state state;
    struct bight_address local, remote;
    int error;               /* of an attempt, or what accept gives instead of this one */
    bool resets;             /* SO_LINGER was set to nothing */
    struct bight_link queue; /* a port's: connections that nobody has accepted */
    struct bight_task task;  /* tells of a port's or an attempt's readiness */
    struct bight_string_peer *peer;
};

struct bight_recorder {
    struct bight_testing_sockets sockets; /* first */
    struct bight_reactor *reactor;
    struct bight_resolver resolver;
    struct bight_link all; /* sockets with a descriptor that the reactor knows */
    struct bight_link look_ups;
    int next_descriptor;
    uint16_t next_port;
    int listen_error;
};

extern const struct bight_testing_sockets bight_recorder_sockets;

/* A socket that is in no list. NULL without memory. */
struct bight_recorded_socket *bight_recorded_new(struct bight_recorder *recorder, int domain);
/* Its stream begins: there is a peer. False without memory. */
bool bight_recorded_connect(struct bight_recorded_socket *socket);
/* Sees to it that a turn tells the reactor what it waits for, if that is so. */
void bight_recorded_announce(struct bight_recorded_socket *socket);

/* The index-th socket in this state; NULL past the end. */
struct bight_recorded_socket *bight_recorded_find(
    const struct bight_recorder *recorder, enum bight_recorded_state state, size_t index);

#endif
