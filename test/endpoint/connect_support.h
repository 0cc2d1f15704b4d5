/* SPDX-License-Identifier: MIT */
/* connect_support.h - a network for attempts to connect that does what the test says.
 *
 * The names are a fake resolver's, and the attempts end when the test says so: a fake socket is one end of a pair whose
 * buffer is full, and so not writable, until the attempt is decided. Time is the fake system's. */
#ifndef BIGHT_TEST_CONNECT_SUPPORT_H
#define BIGHT_TEST_CONNECT_SUPPORT_H

#include "net_support.h"

#include <bight/sys/resolver.h>

#include <bight/memory.h>

enum { MAX_ATTEMPTS = 64 };

struct attempt {
    int fd, far;
    int error; /* what SO_ERROR returns */
    uint64_t started;
    char address[BIGHT_ADDRESS_TEXT_SIZE];
    bool bound;
};

static struct net net;
static struct attempt attempts[MAX_ATTEMPTS];
static size_t attempt_count;
static int at_once[MAX_ATTEMPTS]; /* what connect returns for the n-th attempt instead of -EINPROGRESS; 1: connected */

/* ------------------------------------------------------------------------------------- fake sockets */

static inline int fake_socket(struct bight_system *system, int domain, int type, int protocol)
{
    static const char block[65536];
    int ends[2];
    (void)system;
    (void)domain;
    (void)protocol;
    ck_assert_int_eq(type & ~(SOCK_STREAM | SOCK_DGRAM), SOCK_NONBLOCK | SOCK_CLOEXEC);
    ck_assert_int_lt((int)attempt_count, MAX_ATTEMPTS);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    while (write(ends[0], block, sizeof block) > 0) {
    }
    attempts[attempt_count++] =
        (struct attempt) { .fd = ends[0], .far = ends[1], .started = ((struct net *)system)->fake.now };
    return ends[0];
}

static inline struct attempt *find_attempt(int fd)
{
    for (size_t i = attempt_count; i-- > 0;) {
        if (attempts[i].fd == fd) {
            return &attempts[i];
        }
    }
    ck_abort_msg("no attempt");
    return NULL;
}

static inline int fake_bind(struct bight_system *system, int fd, const struct sockaddr *address, socklen_t size)
{
    (void)system;
    (void)address;
    (void)size;
    find_attempt(fd)->bound = true;
    return 0;
}

static inline void drain(struct attempt *attempt)
{
    char block[65536];
    while (read(attempt->far, block, sizeof block) > 0) {
    }
}

static inline int fake_connect(struct bight_system *system, int fd, const struct sockaddr *address, socklen_t size)
{
    struct attempt *attempt = find_attempt(fd);
    struct bight_address to;
    (void)system;
    ck_assert_int_eq(bight_address_from_sockaddr(&to, address, size), 0);
    bight_address_format(&to, attempt->address, sizeof attempt->address);
    int result = at_once[attempt - attempts];
    if (result == 1) {
        drain(attempt);
    }
    return result == 0 ? -EINPROGRESS : result == 1 ? 0 : result;
}

static inline int fake_getsockopt(
    struct bight_system *system, int fd, int level, int name, void *value, socklen_t *size)
{
    if (level == SOL_SOCKET && name == SO_ERROR) {
        *(int *)value = find_attempt(fd)->error;
        return 0;
    }
    return net_getsockopt(system, fd, level, name, value, size);
}

/* Ends the attempt with an errno, 0: connected. */
static inline void decide(size_t index, int error)
{
    attempts[index].error = error;
    drain(&attempts[index]);
    net_turn(&net, 2);
}

static inline bool is_closed(size_t index)
{
    char byte;
    drain(&attempts[index]);
    return read(attempts[index].far, &byte, 1) == 0;
}

/* ------------------------------------------------------------------------------------ fake resolver */

struct fake_resolver {
    struct bight_resolver base; /* first */
    struct bight_promise promise;
    int asked, cancelled;
    char name[300];
};
static struct fake_resolver resolver;

static inline void look_up_cancelled(struct bight_promise promise, void *context)
{
    (void)promise;
    ((struct fake_resolver *)context)->cancelled++;
}

static inline struct bight_deferred *fake_resolve(struct bight_resolver *base, const char *name, uint16_t port)
{
    struct fake_resolver *fake = (struct fake_resolver *)base;
    ck_assert_uint_eq(port, 80);
    fake->asked++;
    snprintf(fake->name, sizeof fake->name, "%s", name);
    return bight_deferred_new(&fake->promise, look_up_cancelled, fake);
}

static inline void free_nothing(struct bight_resolver *base)
{
    (void)base;
}

static const struct bight_resolver_ops resolver_ops = {
    .size = sizeof resolver_ops, .resolve = fake_resolve, .free = free_nothing
};

/* "1 2 a b": one character an address; digits are 192.0.2.N, letters 2001:db8::N. */
static inline void answer(const char *names)
{
    struct bight_address_list *list = bight_address_list_new(strlen(names));
    for (size_t i = 0; names[i] != '\0'; i++) {
        char text[64];
        snprintf(text, sizeof text, names[i] < 'a' ? "192.0.2.%c" : "2001:db8::%c", names[i]);
        ck_assert_int_eq(bight_address_parse_ip(&list->addresses[i], text, 80), 0);
    }
    ck_assert_int_eq(bight_callback(resolver.promise, &bight_type_address_list, list), 0);
}

/* ------------------------------------------------------------------------------------------- frame */

static struct outcome outcome;
static int descriptors_before;

static inline void begin(void)
{
    memset(&seen, 0, sizeof seen);
    memset(at_once, 0, sizeof at_once);
    attempt_count = 0;
    memset(&outcome, 0, sizeof outcome);
    memset(&resolver, 0, sizeof resolver);
    resolver.base.ops = &resolver_ops;
    probe_factory.ops = &probe_factory_ops;
    descriptors_before = count_descriptors();
    net_begin(&net);
    net.fake.ops.socket = fake_socket;
    net.fake.ops.bind = fake_bind;
    net.fake.ops.connect = fake_connect;
    net.fake.ops.getsockopt = fake_getsockopt;
    bight_reactor_set_resolver(net.reactor, &resolver.base);
}

static inline void end(void)
{
    forget_outcome(&outcome);
    net_end(&net);
    for (size_t i = 0; i < attempt_count; i++) {
        close(attempts[i].far);
    }
    ck_assert_int_eq(count_descriptors(), descriptors_before);
    ck_assert_int_eq(seen.started, seen.stopped);
}

static inline struct bight_deferred *connect_to(const char *endpoint)
{
    struct bight_deferred *deferred = bight_connect(net.reactor, endpoint, &probe_factory);
    ck_assert_int_eq(bight_deferred_add_both(deferred, note_outcome, &outcome), 0);
    return deferred;
}

/* As far as the look-up's answer. */
static inline struct bight_deferred *connect_by_name(const char *addresses)
{
    struct bight_deferred *deferred = connect_to("tcp:example.org:80");
    net_turn(&net, 2);
    ck_assert_int_eq(resolver.asked, 1);
    ck_assert_str_eq(resolver.name, "example.org");
    answer(addresses);
    net_turn(&net, 2);
    return deferred;
}

static inline void advance(double seconds)
{
    fake_advance(&net.fake, net.reactor, (uint64_t)(seconds * 1e9 + 0.5));
}

#endif
