/* SPDX-License-Identifier: MIT */
/* kernel_script.h - scripts of system calls that run on the kernel and on the simulated one: every answer is written
 * down, and the two texts must be the same.
 *
 * Real sockets are on the loopback, where everything has happened when a call returns. COMPARED makes a test of a
 * script. */
#ifndef BIGHT_TEST_KERNEL_SCRIPT_H
#define BIGHT_TEST_KERNEL_SCRIPT_H

#include "simulation_support.h"

#include <netinet/in.h>
#include <unistd.h>

struct script {
    struct bight_system *system;
    const struct bight_system_ops *ops;
    struct bight_simulation *simulation; /* NULL: the kernel's own */
    const char *path;
    char text[16384];
    size_t used;
};

static inline void note(struct script *script, const char *what, long result)
{
    int size = snprintf(script->text + script->used, sizeof script->text - script->used, "%s %ld\n", what, result);
    script->used += (size_t)size;
    ck_assert_uint_lt(script->used, sizeof script->text);
}

static inline void let_happen(struct script *script)
{
    if (script->simulation != NULL) {
        bight_simulation_run(script->simulation, 0.01);
    }
}

/* A number or a descriptor: which number a descriptor has does not count. */
static inline int sign(int result)
{
    return result < 0 ? result : 0;
}

static inline void receive(struct script *script, const char *what, int fd)
{
    char buffer[100];
    let_happen(script);
    note(script, what, script->ops->recv(script->system, fd, buffer, sizeof buffer, 0));
}

static inline void send_text(struct script *script, const char *what, int fd, const char *text)
{
    note(script, what, script->ops->send(script->system, fd, text, strlen(text), MSG_NOSIGNAL));
    let_happen(script);
}

static inline void tell_error(struct script *script, int fd)
{
    int error = -1;
    socklen_t size = sizeof error;
    let_happen(script);
    note(script, "getsockopt", script->ops->getsockopt(script->system, fd, SOL_SOCKET, SO_ERROR, &error, &size));
    note(script, "SO_ERROR", error);
}

static inline void close_fd(struct script *script, int fd)
{
    ck_assert_int_eq(script->ops->close(script->system, fd), 0);
    let_happen(script);
}

static inline struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return in;
}

static inline uint16_t port_of(struct script *script, int fd)
{
    struct sockaddr_in in;
    socklen_t size = sizeof in;
    ck_assert_int_eq(script->ops->getsockname(script->system, fd, (struct sockaddr *)&in, &size), 0);
    ck_assert_uint_eq(size, sizeof in);
    return ntohs(in.sin_port);
}

static inline uint16_t port_of_any(struct script *script, int fd)
{
    struct sockaddr_in6 in6;
    socklen_t size = sizeof in6;
    ck_assert_int_eq(script->ops->getsockname(script->system, fd, (struct sockaddr *)&in6, &size), 0);
    return ntohs(in6.sin6_port); /* at the same place in both forms */
}

/* False where the machine does not speak IPv6: then there is nothing to compare with. */
static inline bool has_ipv6(struct script *script)
{
    int fd = bight_system_real()->ops->socket(bight_system_real(), AF_INET6, SOCK_STREAM, 0);
    note(script, "IPv6", fd >= 0);
    if (fd >= 0) {
        bight_system_real()->ops->close(bight_system_real(), fd);
    }
    return fd >= 0;
}

/* ------------------------------------------------------------------------------------------ comparing */

static inline void compare(void (*run)(struct script *script))
{
    char directory[] = "/tmp/bight-kernel-XXXXXX", path[64];
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/socket", directory);
    struct world *world = world_new(1);
    struct script simulated = { .system = system_of(world->server), .simulation = world->simulation, .path = path };
    struct script real = { .system = bight_system_real(), .path = path };
    simulated.ops = simulated.system->ops;
    real.ops = real.system->ops;
    run(&real);
    run(&simulated);
    rmdir(directory);
    ck_assert_str_eq(simulated.text, real.text);
    ck_assert_uint_gt(real.used, 0);
    world_free(world);
}

#define COMPARED(name, script) \
    START_TEST(name)           \
    {                          \
        compare(script);       \
    }                          \
    END_TEST

#endif
