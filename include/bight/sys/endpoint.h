/* SPDX-License-Identifier: MIT */
/* bight/sys/endpoint.h - the parsed form of endpoint strings, and the registry of their types.
 *
 * A type declares its arguments in a table; the parser has checked them against it before the type sees them, and
 * reports what does not fit with the column. The registry is process-wide: add types before the first reactor. */
#ifndef BIGHT_SYS_ENDPOINT_H
#define BIGHT_SYS_ENDPOINT_H

#include <bight/endpoint.h>
#include <bight/sys/wrapper.h>

BIGHT_BEGIN

enum bight_argument_kind {
    BIGHT_ARGUMENT_TEXT = 1, /* not empty */
    BIGHT_ARGUMENT_PORT,     /* 0 to 65535 (a client's: 1 to 65535, see minimum) */
    BIGHT_ARGUMENT_NUMBER,   /* decimal, minimum to maximum */
    BIGHT_ARGUMENT_OCTAL,    /* a file mode */
    BIGHT_ARGUMENT_SECONDS,  /* decimal fraction, not negative */
    BIGHT_ARGUMENT_BOOLEAN,  /* yes, no, true, false, on, off, 1, 0 */
    BIGHT_ARGUMENT_ADDRESS,  /* an IP literal, brackets allowed */
    BIGHT_ARGUMENT_HOST,     /* an IP literal, brackets allowed, or a host's name */
    BIGHT_ARGUMENT_ENDPOINT  /* the rest of the string, as it stands: another endpoint (bight/sys/wrapper.h). By its
                              * place,  the last one */
};

struct bight_argument_rule {
    const char *name; /* usable as keyword=value, and for positional ones by place too; NULL ends the table */
    enum bight_argument_kind kind;
    bool positional;
    bool required;
    int64_t minimum, maximum; /* NUMBER, PORT, OCTAL */
    /* L14. A TEXT that no message and no log shows, but ***; "@FILE" stands for the first line of the file. */
    bool secret;
};

/* One argument as given; text is unescaped and NUL-terminated. Indexed as the rules are. */
struct bight_argument {
    bool given;
    size_t column; /* of its value, counted from 1 in the whole string */
    const char *text;
    size_t text_size; /* an escaped text may hold anything but NUL */
    int64_t number;   /* of an ENDPOINT: how deep it is nested */
    double seconds;
};

struct bight_endpoint_type {
    const char *name; /* lower case letters, digits, '-' */
    const char *help; /* "tcp:PORT[:interface=HOST]...", one line */
    const struct bight_argument_rule *rules;
    /* A server type fills listen, a client type connect. Both return a Deferred as bight_listen and bight_connect do.
     * The arguments are there for the call only. */
    struct bight_deferred *(*listen)(
        struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory);
    struct bight_deferred *(*connect)(
        struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory);
    const void *reserved[2];
};

/* Adds a type (borrowed, static as a rule). A type that both listens and connects with different arguments is added as
 * two. INVALID_ARGUMENT for a bad table or a name that is taken in that direction; OUT_OF_MEMORY. */
BIGHT_API int bight_endpoint_register(const struct bight_endpoint_type *type);

/* As bight_listen and bight_connect, of an inner endpoint: an argument of the kind BIGHT_ARGUMENT_ENDPOINT, whose
 * errors have their column in the whole string. The wrapper is copied, its context taken in any case. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_listen_through(struct bight_reactor *reactor,
    const struct bight_argument *inner, struct bight_factory *factory, const struct bight_wrapper *wrapper);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_connect_through(struct bight_reactor *reactor,
    const struct bight_argument *inner, struct bight_factory *factory, const struct bight_wrapper *wrapper);

/* Walks the registered types: *cursor starts at 0; NULL at the end. */
BIGHT_API const struct bight_endpoint_type *bight_endpoint_next_type(size_t *cursor);

BIGHT_END

#endif
