/* SPDX-License-Identifier: MIT */
/* recorder.h - the recorder's sockets, for recorder.c (what a test asks) and recorder_socket.c (what the reactor
 * calls).
 */
#ifndef BI_TESTING_KIT_RECORDER_H
#define BI_TESTING_KIT_RECORDER_H

#include <bight/sys/resolver.h>
#include <bight/testing/recorder.h>

#include "testing/kit/peer.h"

enum bi_recorded_state {
    BI_RECORDED_FRESH,
    BI_RECORDED_LISTENING,
    BI_RECORDED_CONNECTING,
    BI_RECORDED_DECIDED, /* the attempt has succeeded or failed, and was not asked how */
    BI_RECORDED_CONNECTED
};

struct bi_recorded_socket {
    struct bi_link link; /* in the recorder's, or waiting in a port's queue */
    struct bight_recorder *recorder;
    int fd;
    int domain;
    enum bi_recorded_state state;
    struct bight_address local, remote;
    int error;            /* of an attempt, or what accept returns instead of this one */
    bool resets;          /* SO_LINGER was set to nothing */
    struct bi_link queue; /* a port's: connections not yet accepted */
    struct bi_task task;  /* tells of a port's or an attempt's readiness */
    struct bight_string_peer *peer;
};

struct bight_recorder {
    struct bi_testing_sockets sockets; /* first */
    struct bight_reactor *reactor;
    struct bight_resolver resolver;
    struct bi_link all; /* sockets with a descriptor that the reactor knows */
    struct bi_link look_ups;
    int next_descriptor;
    uint16_t next_port;
    int listen_error;
};

extern const struct bi_testing_sockets bi_recorder_sockets;

/* A socket that is in no list. NULL when out of memory. */
struct bi_recorded_socket *bi_recorded_new(struct bight_recorder *recorder, int domain);
/* Its stream begins: there is a peer. False when out of memory. */
bool bi_recorded_connect(struct bi_recorded_socket *socket);
/* Sees to it that a turn tells the reactor what it waits for, if that is so. */
void bi_recorded_announce(struct bi_recorded_socket *socket);

/* The index-th socket in this state; NULL past the end. */
struct bi_recorded_socket *bi_recorded_find(
    const struct bight_recorder *recorder, enum bi_recorded_state state, size_t index);

#endif
