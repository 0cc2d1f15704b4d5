/* SPDX-License-Identifier: MIT */
/* listen.c - makes sockets that listen: TCP on one address or on all, UNIX on a path or an abstract name. Those that
 * come from elsewhere are adopt.c's.
 *
 * Options that connections inherit (TCP_NODELAY, SO_KEEPALIVE) are set here, once. A UNIX socket's mode is set between
 * bind and listen: until it listens no peer can connect, so at no time is the socket open to more than was asked for. A
 * path whose owner has died is replaced. Everything returns -errno. */
#include "transport/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The kernel cuts it to net.core.somaxconn. */
#define DEFAULT_BACKLOG 4096

static int close_with(struct bight_system *system, int fd, int result)
{
    (void)system->ops->close(system, fd);
    return result;
}

static int set(struct bight_system *system, int fd, int level, int name, int value)
{
    return system->ops->setsockopt(system, fd, level, name, &value, sizeof value);
}

/* The kernel keeps what is connected until it brings something, or the time is over (tcp(7)). */
static int defer_accepting(struct bight_system *system, int fd, int seconds)
{
#ifdef TCP_DEFER_ACCEPT
    return set(system, fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, seconds);
#else
    (void)system;
    (void)fd;
    (void)seconds;
    return -EOPNOTSUPP;
#endif
}

static int begin_listening(struct bight_system *system, int fd, const struct bi_listen_options *options)
{
    return system->ops->listen(system, fd, options->backlog > 0 ? options->backlog : DEFAULT_BACKLOG);
}

static int bind_to(struct bight_system *system, int fd, const struct bight_address *address)
{
    struct sockaddr_storage storage;
    socklen_t size = sizeof storage;
    if (bight_address_to_sockaddr(address, &storage, &size) != 0) {
        return -EINVAL;
    }
    return system->ops->bind(system, fd, (struct sockaddr *)&storage, size);
}

static int open_socket(struct bight_system *system, int domain)
{
    return system->ops->socket(system, domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* ----------------------------------------------------------------------------------------------- TCP */

static int set_inherited(struct bight_system *system, int fd, const struct bi_listen_options *options)
{
    int result = 0;
    if (options->no_delay) {
        result = set(system, fd, IPPROTO_TCP, TCP_NODELAY, 1);
    }
    if (result >= 0 && options->keepalive) {
        result = set(system, fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    }
    return result;
}

static int prepare_ip(
    struct bight_system *system, int fd, const struct bight_address *address, const struct bi_listen_options *options)
{
    int result = set(system, fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (result >= 0 && options->reuse_port) {
        result = set(system, fd, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    if (result >= 0 && address->family == BIGHT_ADDRESS_IPV6) {
        result = set(system, fd, IPPROTO_IPV6, IPV6_V6ONLY, !options->dual_stack);
    }
    if (result >= 0) {
        result = set_inherited(system, fd, options);
    }
    if (result >= 0 && options->defer != 0) {
        result = defer_accepting(system, fd, options->defer);
    }
    if (result >= 0) {
        result = bind_to(system, fd, address);
    }
    return result >= 0 ? begin_listening(system, fd, options) : result;
}

int bi_listen_ip(
    struct bight_reactor *reactor, const struct bight_address *address, const struct bi_listen_options *options)
{
    struct bight_system *system = reactor->system;
    int fd = open_socket(system, address->family == BIGHT_ADDRESS_IPV6 ? AF_INET6 : AF_INET);
    if (fd < 0) {
        return fd;
    }
    int result = prepare_ip(system, fd, address, options);
    return result < 0 ? close_with(system, fd, result) : fd;
}

int bi_listen_any(struct bight_reactor *reactor, uint16_t port, const struct bi_listen_options *options)
{
    struct bi_listen_options dual = *options;
    dual.dual_stack = !options->only_ipv6;
    const struct bight_address any6 = { .family = BIGHT_ADDRESS_IPV6, .port = port };
    int fd = bi_listen_ip(reactor, &any6, &dual);
    if (options->only_ipv6 || (fd != -EAFNOSUPPORT && fd != -EADDRNOTAVAIL)) {
        return fd;
    }
    const struct bight_address any4 = { .family = BIGHT_ADDRESS_IPV4, .port = port };
    return bi_listen_ip(reactor, &any4, options);
}

/* ---------------------------------------------------------------------------------------------- UNIX */

static bool has_path(const struct bight_address *address)
{
    return address->path_size != 0 && address->at.path[0] != '\0';
}

/* A line of /proc/net/unix: the name of a socket that is neither connected nor listens? */
static bool is_about_to_listen(const char *line, const char *path)
{
    unsigned flags, type, state;
    int end = 0;
    int count = sscanf(line, "%*s %*x %*x %x %x %x %*u%n", &flags, &type, &state, &end);
    return count == 3 && end > 0 && flags == 0 && state == 1 && line[end] == ' ' && strcmp(line + end + 1, path) == 0;
}

/* Looks through the complete lines of a text, which it cuts; returns how much they take. */
static size_t find_line(char *text, size_t size, const char *path, bool *found)
{
    char *begin = text, *end;
    while ((end = memchr(begin, '\n', size - (size_t)(begin - text))) != NULL) {
        *end = '\0';
        *found = *found || is_about_to_listen(begin, path);
        begin = end + 1;
    }
    return (size_t)(begin - text);
}

/* A socket between its bind and its listen refuses connections as a dead one does; Linux says which it is. Where there
 * is no such list, it cannot be known. */
static bool has_owner_that_will_listen(struct bight_system *system, const char *path)
{
    char text[4096];
    size_t size = 0;
    ssize_t count;
    bool found = false;
    int fd = system->ops->open(system, "/proc/net/unix", O_RDONLY | O_CLOEXEC, 0);
    while (fd >= 0 && !found && (count = system->ops->read(system, fd, text + size, sizeof text - size)) > 0) {
        size_t used = find_line(text, size + (size_t)count, path, &found);
        size += (size_t)count - used;
        memmove(text, text + used, size);
    }
    if (fd >= 0) {
        (void)system->ops->close(system, fd);
    }
    return found;
}

/* Connects to the path; only a refusal says that no process listens there. */
static bool is_refused(struct bight_system *system, const struct bight_address *address)
{
    struct sockaddr_storage storage;
    socklen_t size = sizeof storage;
    if (bight_address_to_sockaddr(address, &storage, &size) != 0) {
        return false;
    }
    int fd = open_socket(system, AF_UNIX);
    if (fd < 0) {
        return false;
    }
    int result = system->ops->connect(system, fd, (struct sockaddr *)&storage, size);
    return close_with(system, fd, result) == -ECONNREFUSED;
}

/* Whether no process will ever listen there again. In this order: one that was not about to listen, but listens by
 * then, is dead only if it refuses. */
static bool is_dead(struct bight_system *system, const struct bight_address *address, const char *path)
{
    return !has_owner_that_will_listen(system, path) && is_refused(system, address);
}

static int identify(struct bight_system *system, const char *path, uint64_t identity[2])
{
    identity[0] = identity[1] = 0;
    return system->ops->identity == NULL ? 0 : system->ops->identity(system, path, identity);
}

/* Removes what was found dead, unless another process has put its own socket there meanwhile. */
static int remove_dead(struct bight_system *system, const struct bight_address *address, const char *path)
{
    uint64_t before[2], now[2];
    int result = identify(system, path, before);
    if (result >= 0 && !is_dead(system, address, path)) {
        return -EADDRINUSE;
    }
    if (result >= 0) {
        result = identify(system, path, now);
    }
    if (result >= 0 && memcmp(before, now, sizeof now) != 0) {
        return -EADDRINUSE;
    }
    if (result >= 0) {
        result = system->ops->unlink(system, path);
    }
    return result == -ENOENT ? 0 : result;
}

static int replace_stale(struct bight_system *system, int fd, const struct bight_address *address, const char *path)
{
    mode_t type = 0;
    int result = system->ops->lstat(system, path, &type);
    if (result < 0 && result != -ENOENT) {
        return -EADDRINUSE;
    }
    if (result >= 0 && (type & S_IFMT) != S_IFSOCK) {
        return -ENOTSOCK;
    }
    result = result < 0 ? 0 : remove_dead(system, address, path);
    return result < 0 ? result : bind_to(system, fd, address);
}

static int finish_unix(struct bight_system *system, int fd, const char *path, const struct bi_listen_options *options)
{
    int result = 0;
    if (path != NULL && options->has_mode) {
        result = system->ops->chmod(system, path, options->mode);
    }
    if (result >= 0) {
        result = begin_listening(system, fd, options);
    }
    if (result < 0 && path != NULL) {
        (void)system->ops->unlink(system, path);
    }
    return result;
}

int bi_listen_unix(
    struct bight_reactor *reactor, const struct bight_address *address, const struct bi_listen_options *options)
{
    struct bight_system *system = reactor->system;
    char path[sizeof address->at.path + 1] = "";
    memcpy(path, address->at.path, address->path_size);
    int fd = open_socket(system, AF_UNIX);
    if (fd < 0) {
        return fd;
    }
    int result = bind_to(system, fd, address);
    if (result == -EADDRINUSE && has_path(address)) {
        result = replace_stale(system, fd, address, path);
    }
    if (result >= 0) {
        result = finish_unix(system, fd, has_path(address) ? path : NULL, options);
    }
    return result < 0 ? close_with(system, fd, result) : fd;
}
