/* SPDX-License-Identifier: MIT */
/* endpoint_support.h - for tests of endpoints over the real kernel: a reactor, and a folder for one UNIX path. */
#ifndef BIGHT_TEST_ENDPOINT_SUPPORT_H
#define BIGHT_TEST_ENDPOINT_SUPPORT_H

#include "net_support.h"

#include <sys/stat.h>

static struct net net;
static struct outcome outcome;
static char folder[64], path[96], endpoint[160];

static inline void begin(void)
{
    memset(&seen, 0, sizeof seen);
    memset(&outcome, 0, sizeof outcome);
    probe_factory.ops = &probe_factory_ops;
    strcpy(folder, "/tmp/bight-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/socket", folder);
    snprintf(endpoint, sizeof endpoint, "unix:%s", path);
    net_begin(&net);
}

static inline void end(void)
{
    forget_outcome(&outcome);
    net_end(&net);
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing was left in it */
}

static inline void stop(struct bight_port *port)
{
    net_stop(port);
    bight_port_release(port);
}

static inline void listen_in_vain(const char *string, int code)
{
    forget_outcome(&outcome);
    watch_outcome(bight_listen(net.reactor, string, &probe_factory), &outcome);
    ck_assert_int_eq(outcome.fired, 1);
    ck_assert_msg(outcome.code == code, "%s: %s", string == NULL ? "NULL" : string, bight_error_name(outcome.code));
}

/* At once, with this message. */
static inline void fail_to_listen(const char *string, const char *message)
{
    struct outcome failed;
    watch_outcome(bight_listen(net.reactor, string, &probe_factory), &failed);
    ck_assert_int_eq(failed.fired, 1);
    ck_assert_ptr_nonnull(failed.failure);
    ck_assert_str_eq(bight_failure_message(failed.failure), message);
    forget_outcome(&failed);
}

#endif
