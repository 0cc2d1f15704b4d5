/* SPDX-License-Identifier: MIT */
/* bight/protocol.h - protocols, which react to a connection's events, and factories, which make them.
 *
 * A protocol with state is a struct whose first member is `struct bight_protocol base`; a factory carries its size and
 * the table of handlers, and bight hands out zeroed memory for each connection. A receiver (lines, netstrings ...) is
 * a protocol with a table of its own; a program's protocol over it embeds the receiver and fills that table. The
 * statements T1 to T24 of docs/semantics.md are the contract. Handlers may close, abort, free, switch or stop
 * anything, this connection included (T22). */
#ifndef BIGHT_PROTOCOL_H
#define BIGHT_PROTOCOL_H

#include <bight/address.h>
#include <bight/deferred.h>

BIGHT_BEGIN

struct bight_protocol;
struct bight_transport;
struct bight_factory;
struct bight_reactor;
struct bight_scope;

/* What a protocol reacts to. Any slot may be NULL. */
struct bight_protocol_ops {
    /* Once, before any data; the transport is set (T1). */
    void (*connection_made)(struct bight_protocol *protocol);
    /* 1 byte to 64 KiB, in any chunking; the view ends when the handler returns (T2). */
    void (*data_received)(struct bight_protocol *protocol, const uint8_t *data, size_t size);
    /* Exactly once and last, from the loop, unless the protocol was replaced (T3). `reason` is borrowed (T5). */
    void (*connection_lost)(struct bight_protocol *protocol, const struct bight_failure *reason);
    /* The peer will send nothing more (T11). True: handled, the connection stays writable; false: as without the
     * slot, the connection is lost gracefully. */
    bool (*read_connection_lost)(struct bight_protocol *protocol);
    /* What was written before lose_write has gone out (T11). */
    void (*write_connection_lost)(struct bight_protocol *protocol);
    /* Instead of connection_lost: another protocol has the connection now (T23). */
    void (*protocol_replaced)(struct bight_protocol *protocol);
    /* The handshake of a secure layer is done; before the first data that came through it (T19). */
    void (*handshake_completed)(struct bight_protocol *protocol);
    /* The memory goes, now that the last hold has gone (T3): frees what the protocol's struct owns, and does nothing
     * else. The factory is still there if it has a `release`; any other may have gone before. */
    void (*finish)(struct bight_protocol *protocol);
    /* For protocols that keep input which they have not consumed. A layer is being pushed: returns all of it with
     * bight_transport_give_back, so that nothing is taken for what came through the layer (T19), and does nothing else.
     * Called inside bight_transport_push_layer. */
    void (*return_input)(struct bight_protocol *protocol);
    /* For protocols that hold their own output back (T13). What is queued was above the high watermark and is below the
     * low one: from the loop, once for each time, and not while a producer is registered, which is called instead. */
    void (*room)(struct bight_protocol *protocol);
    /* Once, from the loop: the connection's port is being drained (bight_drain). True: the protocol
     * finishes what it does and loses the connection by itself; false: as without the slot. What is left when the time
     * of the drain is up is disconnected. */
    bool (*drain)(struct bight_protocol *protocol);
    /* For receivers, whose structs show a pointer to what they keep and not what it is: bight_protocol_new makes so
     * many bytes, zeroed, together with the protocol, and says where they are before it is handed out. They go with it.
     * 0 and NULL: none. */
    size_t memory_size;
    void (*set_memory)(struct bight_protocol *protocol, void *memory);
    void (*reserved[2])(void);
};

/* The base of every protocol, in memory that bight owns. Programs read `transport` and `factory` and touch nothing
 * else. The layout is frozen. */
struct bight_protocol {
    union {
        const struct bight_protocol_ops *ops;
        const struct bight_protocol_ops *base; /* for the compile-time check of BIGHT_SIZE_OVER alone */
    };
    struct bight_transport *transport; /* never NULL from connection_made on; answers CLOSED after the end */
    struct bight_factory *factory;
    uint32_t holds; /* bight's */
    uint32_t state; /* bight's */
    void *reserved;
};

/* What a factory may do apart from making protocols. Any slot, and the whole table, may be NULL. */
struct bight_factory_ops {
    /* A protocol for a connection from or to `peer`, made with bight_protocol_new(); NULL refuses it (T15). */
    struct bight_protocol *(*build_protocol)(struct bight_factory *factory, const struct bight_address *peer);
    /* Before its first port, connection or attempt to connect (T16). */
    void (*started)(struct bight_factory *factory);
    /* After its last port, connection and attempt, one that failed or was cancelled too (T16). One without `release`
     * and without holds may be freed in here. */
    void (*stopped)(struct bight_factory *factory);
    /* After a connection's connection_lost has returned (T4). */
    void (*connection_ended)(struct bight_factory *factory, const struct bight_failure *reason);
    /* Asked when a connection from `peer` is accepted, before anything is read or established; and again when a layer
     * has learnt that it comes from somewhere else. False: it is closed at once, without notice. */
    bool (*admit)(struct bight_factory *factory, const struct bight_address *peer);
    /* Asked by bight_listen, bight_serve and bight_connect before anything is done: why it cannot be used (taken), or
     * NULL. */
    struct bight_failure *(*check)(const struct bight_factory *factory);
    /* Once and last, when the factory is no longer needed: no port, connection or attempt uses it, the memory of its
     * protocols has been freed, and it is not held (bight_factory_hold). Frees the factory, and does nothing else. A
     * factory with this slot is taken by whatever is given it (bight_listen, bight_connect, bight_serve ...), on
     * failure too; so one from the heap is allocated, served and forgotten. It must not be freed in `stopped`. */
    void (*release)(struct bight_factory *factory);
    /* Asked before each attempt to connect a socket to an address, those of a race too, with the address that is
     * connected to then: no name is looked up in between. False: it is not, and the attempt fails with ADDRESS_REFUSED;
     * what else the name has is tried. */
    bool (*may_connect)(struct bight_factory *factory, const struct bight_address *address);
    void (*reserved[2])(void);
};

/* Often static: BIGHT_FACTORY(struct member, &chat_ops). Programs may set `ops`, `context` and `inner`; the rest is
 * bight's. It must outlive its ports and connections (see `release`). The layout is frozen. */
struct bight_factory {
    size_t protocol_size;
    const struct bight_protocol_ops *protocol_ops;
    const struct bight_factory_ops *ops;
    void *context;
    struct bight_reactor *reactor; /* the one that uses it at present */
    uint32_t ports, connections;
    bool out_of_memory; /* the last bight_protocol_new() found none */
    uint32_t holds;
    struct bight_factory *inner; /* the factory that this one stands in front of (BIGHT_FACTORY_OVER), or NULL */
    void *reserved[1];
};

/* The initialiser of a factory. `type` is struct bight_protocol, or a struct whose first member is
 * `struct bight_protocol base`; anything else does not compile. */
#define BIGHT_FACTORY(type, protocol_ops) \
    BIGHT_FACTORY_OF_SIZE(BIGHT_SIZE_OVER(type, struct bight_protocol), (protocol_ops), NULL)

/* For receivers, which have factories of their own around this one: the same with a size and a context.
 * BIGHT_SIZE_OVER(type, base_type) is sizeof(type), and compiles only if that is `base_type` or has a `base_type base`
 * as its first member. Each receiver checks for its own struct, so a table never meets a struct that is too small for
 * it, however often a receiver extends another. BIGHT_OFFSET_OF_BASE is offsetof(type, base), for what need not stand
 * first. */
#define BIGHT_FACTORY_OF_SIZE(size, protocol_ops, context)                   \
    {                                                                        \
        (size), (protocol_ops), NULL, (context), NULL, 0, 0, false, 0, NULL, \
        {                                                                    \
            NULL                                                             \
        }                                                                    \
    }

/* The initialiser of a factory that stands in front of another, for a policy: which peers are admitted, what is counted
 * or logged. What its table does not answer, `inner` answers: without build_protocol that one makes the protocols, and
 * its `admit`, `check` and `may_connect` are asked after this one's have agreed. As long as this factory is used (T16)
 * it is a use of the inner one, which is started before it and stopped after it; while it is held, so is the inner one.
 * A connection's end is reported to the factory that made the protocol first, then to those in front of it, the
 * outermost first. Factories stack to any depth, and the inner one may be used by others too, in the same reactor. */
#define BIGHT_FACTORY_OVER(inner_factory, factory_ops, context)                   \
    {                                                                             \
        0, NULL, (factory_ops), (context), NULL, 0, 0, false, 0, (inner_factory), \
        {                                                                         \
            NULL                                                                  \
        }                                                                         \
    }
#ifdef __cplusplus
#define BIGHT_OFFSET_OF_BASE(type, base_type) (bight_offset_of_base<type, base_type>::value)
#define BIGHT_SIZE_OVER(type, base_type) (bight_size_over<type, base_type>::value)
#else
#define BIGHT_OFFSET_OF_BASE(type, base_type)                                                                        \
    (offsetof(type, base) + 0 * sizeof(struct {                                                                      \
        _Static_assert(                                                                                              \
            _Generic(&((type *)0)->base, base_type * : 1, default : 0), #type " must have a `" #base_type " base`"); \
        char complete;                                                                                               \
    }))
#define BIGHT_SIZE_OVER(type, base_type)                                                                         \
    (sizeof(type) + 0 * sizeof(struct {                                                                          \
        _Static_assert(                                                                                          \
            offsetof(type, base) == 0 && _Generic((type *)0, base_type * : 1, default                            \
                                                  : _Generic(&((type *)0)->base, base_type * : 1, default : 0)), \
            #type " must begin with `" #base_type " base`");                                                     \
        char complete;                                                                                           \
    }))
#endif

/* The program's own struct around `protocol`: struct member *m = bight_self(struct member, p). NULL, with a usage
 * error logged, when the factory made something smaller. A `type` that could not be given to BIGHT_FACTORY does not
 * compile. Receivers have the like for their own struct. */
#define bight_self(type, protocol) \
    ((type *)bight_protocol_self((protocol), BIGHT_SIZE_OVER(type, struct bight_protocol), BIGHT_HERE))
BIGHT_API void *bight_protocol_self_failed(const char *place);
static inline void *bight_protocol_self(struct bight_protocol *protocol, size_t size, const char *place);

/* A zeroed protocol of the factory's size with its table set; what the default build_protocol does. NULL without
 * memory. One that no connection will take is freed with bight_protocol_free. */
BIGHT_API BIGHT_MUST_USE struct bight_protocol *bight_protocol_new(struct bight_factory *factory);

/* Frees a protocol that has not been connected; NULL is allowed. Usage error for any other. */
BIGHT_API void bight_protocol_free(struct bight_protocol *protocol);

/* A protocol made by `factory` for a connection from or to `peer`, as if it had been asked itself: for a factory that
 * stands in front of another, which returns it from its own build_protocol, or for a protocol that has read enough to
 * choose its successor (bight_transport_switch_protocol). The connection then counts with both factories. The caller
 * owns it until then, and frees one that no connection takes with bight_protocol_free. `asking` is the factory in whose
 * build_protocol this is called, so that running out of memory is told apart from a refusal; NULL elsewhere. `admit` is
 * not asked. NULL: the factory refused, or there is no memory. */
BIGHT_API BIGHT_MUST_USE struct bight_protocol *bight_factory_build_protocol(
    struct bight_factory *factory, const struct bight_address *peer, struct bight_factory *asking);

/* A hold defers `release`, and nothing else: it is no use (T16), and starts and stops nothing. For a factory from the
 * heap that is used again after its last connection has ended, or used by another as by a switch on the first line.
 * Returns the factory. In the reactor's thread. */
BIGHT_API struct bight_factory *bight_factory_hold(struct bight_factory *factory);
/* The last one calls `release`, when nothing uses the factory; NULL is allowed. */
BIGHT_API void bight_factory_release(struct bight_factory *factory);

/* A hold keeps the memory of protocol and transport beyond connection_lost (T3). Returns the protocol. Releasing NULL
 * is allowed. */
BIGHT_API struct bight_protocol *bight_protocol_hold(struct bight_protocol *protocol);
BIGHT_API void bight_protocol_release(struct bight_protocol *protocol);

/* For bight_deferred_tie: what is tied is cancelled when the connection ends or the protocol is replaced (D32).
 * NULL when out of memory: bight_protocol_tie copes with that. */
BIGHT_API struct bight_owner *bight_protocol_owner(struct bight_protocol *protocol);

/* Ties `deferred` to the protocol's connection and returns it. When the connection has ended, or when the tie cannot be
 * allocated, the Deferred is cancelled at once. */
BIGHT_API struct bight_deferred *bight_protocol_tie(struct bight_protocol *protocol, struct bight_deferred *deferred);

/* D37: the connection is lost when the scope closes and aborted at its deadline. 0, CANCELLED when the scope is
 * closing, CLOSED, OUT_OF_MEMORY; on every code but 0 nothing has changed. */
BIGHT_API int bight_protocol_join_scope(struct bight_protocol *protocol, struct bight_scope *scope);

/* The type of a result that is a `struct bight_protocol *` with a hold: destroying releases the hold, discarding
 * aborts the connection too (E2, D31). */
extern BIGHT_API const struct bight_type bight_type_protocol;

/* --------------------------------------------------------------------------------------- inline bodies */

static inline void *bight_protocol_self(struct bight_protocol *protocol, size_t size, const char *place)
{
    if (protocol->factory == NULL || protocol->factory->protocol_size < size) {
        return bight_protocol_self_failed(place);
    }
    return protocol;
}

BIGHT_END

#ifdef __cplusplus
template <typename Left, typename Right> struct bight_same_type {
    static constexpr bool value = false;
};
template <typename Same> struct bight_same_type<Same, Same> {
    static constexpr bool value = true;
};
template <typename Type, typename Base> struct bight_offset_of_base {
    static_assert(
        bight_same_type<decltype(Type::base), Base>::value, "the struct must have the `base` that this macro is for");
    static constexpr size_t value = offsetof(Type, base);
};
template <typename Type, typename Base> struct bight_size_over {
    static_assert(offsetof(Type, base) == 0 &&
                      (bight_same_type<Type, Base>::value || bight_same_type<decltype(Type::base), Base>::value),
        "the struct must begin with the `base` that this macro is for");
    static constexpr size_t value = sizeof(Type);
};
#endif

#endif
