/* SPDX-License-Identifier: MIT */
/* send_file_support.h - a connection in memory and a file to send on it, for tests that look how they come out. */
#ifndef BIGHT_TEST_SEND_FILE_SUPPORT_H
#define BIGHT_TEST_SEND_FILE_SUPPORT_H

#include "reactor/reactor.h"
#include "transport/transport.h"

#include "layer_support.h"

#include "file_support.h"

#define BIG 200000

static int file = -1;
static uint8_t *content;
static int released;
static bool inside; /* a call */

static void let_go(void *context)
{
    ck_assert_ptr_eq(context, &released);
    ck_assert(!inside);
    released++;
    hear("released");
}

static int send_part(uint64_t offset, uint64_t size)
{
    inside = true;
    int code = bight_transport_send_file(transport, file, offset, size, let_go, &released);
    inside = false;
    return code;
}

static void begin(size_t size)
{
    content = make_data(size);
    file = make_file(content, size);
    released = 0;
    reactor = bight_testing_reactor_new();
    disk_insert(reactor->system);
    peer = bight_string_connect(reactor, &probe_factory, true);
    protocol = bight_string_protocol(peer);
    transport = protocol->transport;
    ck_heard("made");
}

/* BIG bytes, none of them in memory; with a layer "l", if it is to be. */
__attribute__((unused)) static void begin_cold(bool is_layered)
{
    begin(BIG);
    disk.cold = -EAGAIN;
    if (is_layered) {
        push("l", 0);
    }
}

/* And all of them are to be sent. */
__attribute__((unused)) static void begin_sending(bool is_layered)
{
    begin_cold(is_layered);
    ck_assert_int_eq(send_part(0, BIG), 0);
}

static void end(void)
{
    on.data = NULL;
    disk_work();
    bight_reactor_free(reactor);
    bight_string_peer_free(peer);
    ck_assert_uint_eq(probe_factory.connections, 0);
    close(file);
    free(content);
}

/* Threads and the loop, until neither has anything to do. */
static void work_all(void)
{
    settle();
    while (disk_work() > 0) {
        settle();
    }
}

/* head, `size` bytes of the file from `offset` on, tail; each byte less `key`. */
static void ck_between(const char *head, size_t offset, size_t size, const char *tail, uint8_t key)
{
    size_t written, before = strlen(head);
    const uint8_t *bytes = bight_string_written(peer, &written);
    ck_assert_uint_eq(written, before + size + strlen(tail));
    size_t wrong = 0;
    for (size_t i = 0; i < written; i++) {
        uint8_t expected = i < before          ? (uint8_t)head[i]
                           : i < before + size ? content[offset + i - before]
                                               : (uint8_t)tail[i - before - size];
        wrong += (uint8_t)(bytes[i] + key) != expected;
    }
    ck_assert_uint_eq(wrong, 0);
}

static void write_text(const char *text)
{
    ck_assert_int_eq(bight_transport_write(transport, text, strlen(text)), 0);
}

#endif
