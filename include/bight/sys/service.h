/* SPDX-License-Identifier: MIT */
/* bight/sys/service.h - the registry of the runner's services: what `bight SERVICE ENDPOINT ...` can start.
 *
 * A service declares its options in a table and makes a factory from them; the runner parses the command line, prints
 * the help and listens. Built-ins and, later, users' shared objects fill the registry alike. Process-wide: fill it
 * before the first reactor. */
#ifndef BIGHT_SYS_SERVICE_H
#define BIGHT_SYS_SERVICE_H

#include <bight/endpoint.h>

BIGHT_BEGIN

enum bight_service_option_kind { BIGHT_SERVICE_FLAG = 1, BIGHT_SERVICE_TEXT, BIGHT_SERVICE_NUMBER };

struct bight_service_option {
    const char *name; /* --name, or --name=VALUE; NULL ends the table */
    enum bight_service_option_kind kind;
    const char *value_name;   /* "SECONDS" in the help; NULL for a flag */
    const char *help;         /* one line */
    const char *default_text; /* NULL: not given */
    int64_t minimum, maximum; /* NUMBER */
};

/* Indexed as the options are. */
struct bight_service_value {
    bool given; /* on the command line; the default has been filled in otherwise */
    const char *text;
    int64_t number; /* a flag's 0 or 1 */
};

struct bight_service {
    const char *name;
    const char *summary;                        /* one line for `bight --help` */
    const char *examples;                       /* lines for `bight SERVICE --help` */
    const struct bight_service_option *options; /* may be NULL */
    const char *default_endpoint;               /* used when none is given; NULL: one must be given */
    /* A factory for this run, released with stop() when the reactor has gone. NULL with *failure set (taken by the
     * caller) when the options don't fit together. */
    struct bight_factory *(*start)(
        struct bight_reactor *reactor, const struct bight_service_value *values, struct bight_failure **failure);
    void (*stop)(struct bight_factory *factory);
    const char *url_scheme; /* "http" for what browsers speak to: at a terminal its URLs are told; NULL: none */
    /* Called for each endpoint once it is listened on, to warn of what does not go with the options. NULL: none. */
    void (*listening)(const struct bight_service_value *values, struct bight_port *port, bool is_encrypted);
    const void *reserved[2];
};

/* Adds a service (borrowed). INVALID_ARGUMENT for a bad or taken name; OUT_OF_MEMORY. */
BIGHT_API int bight_service_register(const struct bight_service *service);
BIGHT_API const struct bight_service *bight_service_find(const char *name);
/* The registered name that was most likely meant by an unknown one; NULL: none is near. */
BIGHT_API const char *bight_service_suggest(const char *name);
/* Which of the words was most likely meant by an unknown one, say of a program's options; NULL: none is near. */
BIGHT_API const char *bight_suggest(const char *unknown, const char *const *words, size_t count);
/* In order of registration: *cursor starts at 0; NULL at the end. */
BIGHT_API const struct bight_service *bight_service_next(size_t *cursor);

BIGHT_END

#endif
