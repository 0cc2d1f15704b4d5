/* SPDX-License-Identifier: MIT */
/* grammar.h - from an endpoint string to checked arguments: what the files of lib/endpoint share (E6).
 *
 * parse.c knows the grammar, rules.c a type's table, registry.c the types, secrets.c what must not be shown, suggest.c
 * how words are mistyped, explain.c how strings are. Nothing here allocates but the failures. */
#ifndef BI_ENDPOINT_GRAMMAR_H
#define BI_ENDPOINT_GRAMMAR_H

#include <bight/sys/endpoint.h>

/* Strings come from command lines and configuration, now and then from a peer: they have limits. */
#define BI_ENDPOINT_TEXT_LIMIT 4096
#define BI_ENDPOINT_PART_LIMIT 64
#define BI_ENDPOINT_DEPTH_LIMIT 10
#define BI_ENDPOINT_SECRETS_LIMIT 1024

/* One part between ':'. Texts are unescaped and lie in the parsed endpoint. Columns count bytes from 1. */
struct bi_endpoint_part {
    const char *keyword; /* NULL: given by its place */
    const char *value;
    size_t value_size;
    size_t column; /* of the part */
    size_t value_column;
};

struct bi_parsed_endpoint {
    const char *string;                      /* as it was given, which must live as long */
    size_t before;                           /* columns of the whole string in front of it */
    unsigned depth;                          /* endpoints in front of it */
    size_t end_column;                       /* one past the last byte */
    const char *type;                        /* NULL: there is none */
    size_t used;                             /* of what follows */
    char secrets[BI_ENDPOINT_SECRETS_LIMIT]; /* that stood in files */
    char text[BI_ENDPOINT_TEXT_LIMIT + 1];
    struct bi_endpoint_part parts[BI_ENDPOINT_PART_LIMIT];
    size_t count; /* of the parts after the type */
};

/* NULL when `string` follows the grammar, else the failure. */
struct bight_failure *bi_endpoint_parse(const char *string, struct bi_parsed_endpoint *parsed);
/* The same for the rest of a string. */
struct bight_failure *bi_endpoint_parse_inner(const struct bight_argument *inner, struct bi_parsed_endpoint *parsed);
/* A part as it stands in the string, up to the end of that. */
static inline const char *bi_endpoint_rest(const struct bi_parsed_endpoint *parsed, const struct bi_endpoint_part *part)
{
    return parsed->string + (part->column - 1 - parsed->before);
}

/* Fills `arguments` (one for each rule) from the parts. NULL, or the failure. */
struct bight_failure *bi_endpoint_check(
    const struct bight_endpoint_type *type, const struct bi_parsed_endpoint *parsed, struct bight_argument *arguments);

enum bi_endpoint_direction { BI_ENDPOINT_LISTEN, BI_ENDPOINT_CONNECT };

/* The type for a parsed string, or NULL with *failure set. */
const struct bight_endpoint_type *bi_endpoint_find_type(
    const struct bi_parsed_endpoint *parsed, enum bi_endpoint_direction direction, struct bight_failure **failure);

/* All of the above: a string's type and arguments. NULL with *failure set. `parsed` must live as long as the
 * arguments are used. */
const struct bight_endpoint_type *bi_endpoint_read(const char *string, enum bi_endpoint_direction direction,
    struct bi_parsed_endpoint *parsed, struct bight_argument *arguments, struct bight_failure **failure);

/* The same for the rest of a string, whose failures do not say what was tried. */
const struct bight_endpoint_type *bi_endpoint_read_inner(const struct bight_argument *inner,
    enum bi_endpoint_direction direction, struct bi_parsed_endpoint *parsed, struct bight_argument *arguments,
    struct bight_failure **failure);

/* Opens the rest of a string. */
struct bight_deferred *bi_endpoint_open_inner(enum bi_endpoint_direction direction, struct bight_reactor *reactor,
    const struct bight_argument *inner, struct bight_factory *factory);
/* The Deferred of opening something with this factory, which is released when it has fired. */
struct bight_deferred *bi_wrapped_release_after(struct bight_deferred *deferred, struct bight_factory *wrapped);

/* The rule for a part: by its keyword, or by its place, which it moves on. NULL: there is none. */
const struct bight_argument_rule *bi_endpoint_rule_for(
    const struct bight_endpoint_type *type, const struct bi_endpoint_part *part, size_t *place);
/* The type of that name; NULL: there is none. */
const struct bight_endpoint_type *bi_endpoint_type_named(const char *name, enum bi_endpoint_direction direction);

/* What stands in files is read. NULL, or the failure. */
struct bight_failure *bi_endpoint_read_secrets(struct bight_reactor *reactor, const struct bight_endpoint_type *type,
    struct bi_parsed_endpoint *parsed, struct bight_argument *arguments);
/* Nothing that was secret is left in it. */
void bi_endpoint_wipe(struct bi_parsed_endpoint *parsed);
/* The string with *** in place of what is secret, cut at the buffer's end; returns its whole size, as snprintf does. */
size_t bi_endpoint_conceal(const char *string, enum bi_endpoint_direction direction, char *buffer, size_t size);

/* Takes a failure of listening or connecting and returns one that says what was tried: "cannot listen on "tcp:x": ...".
 * `string` may be NULL. */
struct bight_failure *bi_endpoint_tried(
    enum bi_endpoint_direction direction, const char *string, struct bight_failure *failure);

/* The same for a Deferred (taken) that has failed already; one that has not, and what fails later, is given back. */
struct bight_deferred *bi_endpoint_tell_tried(
    enum bi_endpoint_direction direction, const char *string, struct bight_deferred *deferred);

/* Writes what to write in place of a string that is no endpoint, "tcp:1234" for "1234". False: there is no telling. */
bool bi_endpoint_guess(const char *string, enum bi_endpoint_direction direction, char *buffer, size_t size);

/* The word nearest to one that is unknown, if it is near enough to be meant. */
struct bi_suggestion {
    const char *word;
    const char *nearest; /* NULL: none */
    unsigned distance;   /* of the nearest */
};
void bi_suggestion_begin(struct bi_suggestion *suggestion, const char *word);
void bi_suggestion_offer(struct bi_suggestion *suggestion, const char *candidate);
/* "; did you mean "tcp"?" or nothing. */
void bi_suggestion_phrase(const struct bi_suggestion *suggestion, char *buffer, size_t size);

/* A piece of the user's text for a message, cut when it is long. As it came: escaping is for the code that shows the
 * message. */
#define BI_EXCERPT_SIZE 44
void bi_endpoint_excerpt(const char *text, size_t size, char buffer[BI_EXCERPT_SIZE]);

/* The number of rules in a table. */
size_t bi_endpoint_rule_count(const struct bight_endpoint_type *type);

#endif
