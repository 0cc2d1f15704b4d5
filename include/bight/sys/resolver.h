/* SPDX-License-Identifier: MIT */
/* bight/sys/resolver.h - how host names become addresses. Never blocks the loop (E5).
 *
 * A reactor has one resolver; the built-in one calls getaddrinfo in threads of its own: at most 16, which the program's
 * jobs do not use. A look-up that is cancelled, or under way when a run ends, is forgotten: its thread is not waited
 * for. */
#ifndef BIGHT_SYS_RESOLVER_H
#define BIGHT_SYS_RESOLVER_H

#include <bight/address.h>
#include <bight/reactor.h>

BIGHT_BEGIN

/* A list of addresses as a value of bight_type_address_list: made with bight_address_list_new, freed by its type. */
struct bight_address_list {
    size_t count;
    struct bight_address *addresses; /* right behind; in the resolver's order of preference */
};
extern BIGHT_API const struct bight_type bight_type_address_list;

/* Room for `count` zeroed addresses; NULL when out of memory. Freed with bight_free. */
BIGHT_API BIGHT_MUST_USE struct bight_address_list *bight_address_list_new(size_t count);

struct bight_resolver;

struct bight_resolver_ops {
    size_t size; /* sizeof(struct bight_resolver_ops) */
    /* A Deferred of a bight_address_list with at least one address, each with `port`; fails with NAME_NOT_FOUND or
     * NAME_UNAVAILABLE. `name` is borrowed for the call. Cancellable. */
    struct bight_deferred *(*resolve)(struct bight_resolver *resolver, const char *name, uint16_t port);
    void (*free)(struct bight_resolver *resolver);
    const void *reserved[4];
};

struct bight_resolver {
    const struct bight_resolver_ops *ops;
};

/* Asks the reactor's resolver. Names longer than 253 bytes fail at once. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_resolve(
    struct bight_reactor *reactor, const char *name, uint16_t port);

/* Installs another (taken: freed with the reactor or when replaced); NULL: the built-in one, when it is needed next. 0,
 * INVALID_ARGUMENT for one without a table, which is a usage error, or OUT_OF_MEMORY: then nothing was taken. */
BIGHT_API int bight_reactor_set_resolver(struct bight_reactor *reactor, struct bight_resolver *resolver);

/* The one that was installed (borrowed); NULL: the built-in one answers. */
BIGHT_API struct bight_resolver *bight_reactor_get_resolver(struct bight_reactor *reactor);

BIGHT_END

#endif
