/* SPDX-License-Identifier: MIT */
/* counted_calls.h - the kernel's table of system calls, with receives and sends on one descriptor counted. */
#ifndef BIGHT_TEST_HTTP_COUNTED_CALLS_H
#define BIGHT_TEST_HTTP_COUNTED_CALLS_H

#include <bight/sys/system.h>

static struct bight_system counting;
static struct bight_system_ops counting_ops;
static int watched = -1; /* the server's end */
static size_t receives, sends;

static ssize_t count_recv(struct bight_system *system, int fd, void *buffer, size_t size, int flags)
{
    (void)system;
    receives += fd == watched ? 1 : 0;
    return bight_system_real()->ops->recv(bight_system_real(), fd, buffer, size, flags);
}

static ssize_t count_send(struct bight_system *system, int fd, const void *data, size_t size, int flags)
{
    (void)system;
    sends += fd == watched ? 1 : 0;
    return bight_system_real()->ops->send(bight_system_real(), fd, data, size, flags);
}

static ssize_t count_sendmsg(struct bight_system *system, int fd, const struct msghdr *message, int flags)
{
    (void)system;
    sends += fd == watched ? 1 : 0;
    return bight_system_real()->ops->sendmsg(bight_system_real(), fd, message, flags);
}

static void begin_counting(void)
{
    counting_ops = *bight_system_real()->ops;
    counting_ops.recv = count_recv;
    counting_ops.send = count_send;
    counting_ops.sendmsg = count_sendmsg;
    counting.ops = &counting_ops;
}

#endif
