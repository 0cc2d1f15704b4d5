/* SPDX-License-Identifier: MIT */
/* port.c - the life of a port: opened, paused, closed, and its memory.
 *
 * A port is counted. Consumers have holds, the port has one of its own while it is open, and connections that it
 * accepted point to it: its memory goes with the last of the three. The factory is used by the port until it is closed
 * and no longer accepting (T16), by the connections after that. Closing is done at once: nothing of a listening socket
 * needs the loop, and the address can be listened on again when stop_listening has returned (T18). */
#include "transport/port.h"

#include <stdio.h>
#include <string.h>

#include <bight/log.h>
#include <bight/memory.h>

#include "base/check.h"

/* -------------------------------------------------------------------------------------------- memory */

static void free_unused(struct bight_port *port)
{
    if (port->holds == 0 && port->connections == 0) {
        bi_peers_free(port->peers);
        bight_free(port);
    }
}

struct bight_port *bight_port_hold(struct bight_port *port)
{
    port->holds++;
    return port;
}

void bight_port_release(struct bight_port *port)
{
    if (port == NULL) {
        return;
    }
    BI_INVARIANT(port->holds > 0);
    port->holds--;
    free_unused(port);
}

static void tell_end_waiters(struct bight_port *port)
{
    bight_port_hold(port);
    BI_LIST_EACH_TAKEN (link, &port->end_waiters) {
        struct bi_port_waiter *waiter = BI_CONTAINER(link, struct bi_port_waiter, link);
        waiter->emptied(waiter);
    }
    bight_port_release(port);
}

void bi_port_connection_ended(struct bight_port *port, int descriptor)
{
    BI_INVARIANT(port->connections > 0);
    if (port->peers != NULL) {
        bi_peers_leave(port->peers, descriptor);
    }
    bool was_full = port->max_connections != 0 && port->connections >= port->max_connections;
    port->connections--;
    if (was_full) {
        bi_port_update(port);
    }
    if (port->connections == 0 && !bi_list_is_empty(&port->end_waiters)) {
        tell_end_waiters(port);
        return;
    }
    free_unused(port);
}

/* ------------------------------------------------------------------------------------------- closing */

/* Another process may have put its own socket there. */
static bool is_still_ours(const struct bight_port *port, const char *path)
{
    struct bight_system *system = port->reactor->system;
    uint64_t identity[2];
    return port->has_identity && system->ops->identity(system, path, identity) >= 0 &&
           memcmp(identity, port->identity, sizeof identity) == 0;
}

static bool get_path(const struct bight_address *address, char path[sizeof address->at.path + 1])
{
    if (address == NULL || address->family != BIGHT_ADDRESS_UNIX || address->path_size == 0 ||
        address->at.path[0] == '\0') {
        return false;
    }
    memcpy(path, address->at.path, address->path_size);
    path[address->path_size] = '\0';
    return true;
}

/* Before the descriptor is closed: so no process finds the path stale and replaces it in between. */
static void remove_path(struct bight_port *port)
{
    char path[sizeof port->address.at.path + 1];
    bool is_ours = port->owns_path && !bi_reactor_is_parents(port->reactor);
    if (is_ours && get_path(&port->address, path) && is_still_ours(port, path)) {
        (void)port->reactor->system->ops->unlink(port->reactor->system, path);
    }
}

void bi_port_leave_factory(struct bight_port *port)
{
    if (port->factory != NULL) {
        struct bight_factory *factory = port->factory;
        port->factory = NULL;
        bi_factory_remove_port(factory);
    }
}

static void close_port(struct bight_port *port)
{
    struct bight_reactor *reactor = port->reactor;
    if (port->descriptor < 0) {
        return;
    }
    bi_open_leave(&port->open);
    reactor->traffic.ports--;
    bi_reactor_disarm(reactor, &port->backoff_timer);
    reactor->loop->ops->watch_remove(reactor->loop, bi_port_watch(port));
    remove_path(port);
    (void)reactor->system->ops->close(reactor->system, port->descriptor);
    port->descriptor = -1;
    if (!port->is_accepting) {
        bi_port_leave_factory(port);
    }
    bight_port_release(port); /* its own */
}

static void end_open(struct bi_open *open)
{
    close_port(BI_CONTAINER(open, struct bight_port, open));
}

static void tell(const struct bi_open *open, char *text, size_t size)
{
    const struct bight_port *port = BI_CONTAINER(open, const struct bight_port, open);
    const char *state = port->is_paused ? "\npaused" : port->is_backing_off ? "\nbacks off" : "";
    char address[BIGHT_ADDRESS_TEXT_SIZE];
    bight_address_format(&port->address, address, sizeof address);
    snprintf(text, size, "\n%s\n%zu accepted connections%s", address, port->connections, state);
}

/* The path is the parent's, which may listen on it for long. */
static void forked(struct bi_open *open)
{
    BI_CONTAINER(open, struct bight_port, open)->owns_path = false;
}

struct bight_deferred *bight_port_stop_listening(struct bight_port *port)
{
    close_port(port);
    return bight_succeed(NULL, NULL);
}

/* ------------------------------------------------------------------------------------ pausing, facts */

static int set_paused(struct bight_port *port, bool is_paused)
{
    if (port->descriptor < 0) {
        return BIGHT_E_CLOSED;
    }
    port->is_paused = is_paused;
    bi_port_update(port);
    return 0;
}

int bight_port_pause(struct bight_port *port)
{
    return set_paused(port, true);
}

int bight_port_resume(struct bight_port *port)
{
    return set_paused(port, false);
}

int bight_port_address(struct bight_port *port, struct bight_address *address)
{
    if (port->descriptor < 0) {
        return BIGHT_E_CLOSED;
    }
    *address = port->address;
    return 0;
}

size_t bight_port_connections(const struct bight_port *port)
{
    return port->connections;
}

/* --------------------------------------------------------------------------------------------- limits */

int bight_port_set_max_connections(struct bight_port *port, size_t count)
{
    if (port->descriptor < 0) {
        return BIGHT_E_CLOSED;
    }
    port->max_connections = count;
    bi_port_update(port);
    return 0;
}

size_t bight_port_get_max_connections(const struct bight_port *port)
{
    return port->max_connections;
}

int bight_port_set_max_per_peer(struct bight_port *port, size_t count)
{
    if (port->descriptor < 0) {
        return BIGHT_E_CLOSED;
    }
    if (port->peers == NULL && count != 0) {
        port->peers = bi_peers_new(port->reactor);
        if (port->peers == NULL) {
            return BIGHT_E_OUT_OF_MEMORY;
        }
    }
    if (port->peers != NULL) {
        bi_peers_set_limit(port->peers, count);
    }
    return 0;
}

size_t bight_port_get_max_per_peer(const struct bight_port *port)
{
    return port->peers == NULL ? 0 : bi_peers_limit(port->peers);
}

uint64_t bight_port_refused(const struct bight_port *port)
{
    return port->refused;
}

bool bi_port_has_descriptor(struct bight_reactor *reactor, int fd)
{
    for (struct bi_open *open = NULL; (open = bi_open_next(reactor, open)) != NULL;) {
        if (open->end == end_open && BI_CONTAINER(open, struct bight_port, open)->descriptor == fd) {
            return true;
        }
    }
    return false;
}

/* -------------------------------------------------------------------------------------------- opening */

static int learn_address(struct bight_port *port)
{
    if (port->owns_path) {
        return 0; /* it was given */
    }
    struct bight_system *system = port->reactor->system;
    struct sockaddr_storage storage;
    socklen_t size = sizeof storage;
    memset(&storage, 0, sizeof storage);
    int result = system->ops->getsockname(system, port->descriptor, (struct sockaddr *)&storage, &size);
    if (result < 0) {
        return bight_error_from_errno(-result);
    }
    return bight_address_from_sockaddr(&port->address, (struct sockaddr *)&storage, size);
}

static void learn_identity(struct bight_port *port)
{
    struct bight_system *system = port->reactor->system;
    char path[sizeof port->address.at.path + 1];
    if (port->owns_path && system->ops->identity != NULL && get_path(&port->address, path)) {
        port->has_identity = system->ops->identity(system, path, port->identity) >= 0;
    }
}

static struct bight_port *allocate(struct bight_reactor *reactor, struct bight_factory *factory, int fd,
    const struct bi_listen_options *options, const struct bight_address *path)
{
    struct bight_port *port = bight_calloc(1, sizeof *port + reactor->loop->ops->watch_size);
    if (port == NULL) {
        return NULL;
    }
    bi_list_init(&port->end_waiters);
    bi_list_init(&port->silent);
    bi_list_init(&port->greeted);
    port->open.end = end_open;
    port->open.forked = forked;
    port->open.tell = tell;
    reactor->traffic.ports++;
    port->reactor = reactor;
    port->factory = port->asked = factory;
    port->holds = 2; /* the caller's and its own */
    port->descriptor = fd;
    port->max_connections = options->max_connections;
    port->is_deferring = options->defer != 0;
    if (path != NULL) {
        port->owns_path = true;
        port->address = *path;
    }
    port->backoff_timer.function = bi_port_backoff_ended;
    reactor->loop->ops->watch_init(reactor->loop, bi_port_watch(port), fd, BIGHT_READABLE, bi_port_acceptable, port);
    return port;
}

static int begin(struct bight_port *port)
{
    int code = learn_address(port);
    learn_identity(port);
    if (code == 0) {
        code = bi_open_join(port->reactor, &port->open);
    }
    if (code == 0) {
        code = bi_reactor_add_watch(port->reactor, bi_port_watch(port), port->descriptor);
    }
    return code;
}

/* Before there is a port: the path has just been bound. */
static void give_back(struct bight_reactor *reactor, int fd, const struct bight_address *address)
{
    char path[sizeof address->at.path + 1];
    if (get_path(address, path)) {
        (void)reactor->system->ops->unlink(reactor->system, path);
    }
    (void)reactor->system->ops->close(reactor->system, fd);
}

struct bight_port *bi_port_new(struct bight_reactor *reactor, struct bight_factory *factory, int fd,
    const struct bi_listen_options *options, const struct bight_address *path, struct bight_failure **failure)
{
    int code = bi_factory_add_port(factory, reactor);
    if (code != 0) {
        give_back(reactor, fd, path);
        *failure = bight_failure_of(code);
        return NULL;
    }
    struct bight_port *port = allocate(reactor, factory, fd, options, path);
    if (port == NULL) {
        give_back(reactor, fd, path);
        bi_factory_remove_port(factory);
        *failure = bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
        return NULL;
    }
    code = begin(port);
    if (code != 0) {
        close_port(port);
        bight_port_release(port);
        *failure = bight_failure_of(code);
        return NULL;
    }
    bi_open_restore_spare(reactor);
    char address[BIGHT_ADDRESS_TEXT_SIZE];
    bight_address_format(&port->address, address, sizeof address);
    bight_log(BIGHT_LOG_INFO, "port", NULL, "listening on %s", address);
    return port;
}

/* ------------------------------------------------------------------------------------------- as a value */

static void release_value(void *value)
{
    bight_port_release(value);
}

static void discard_value(void *value)
{
    close_port(value);
    bight_port_release(value);
}

const struct bight_type bight_type_port = { .name = "port", .destroy = release_value, .discard = discard_value };
