/* SPDX-License-Identifier: MIT */
/* registry.c - the types of endpoints: the built-in ones and those that programs add.
 *
 * Process-wide, set before the first reactor and only read afterwards; so there is no lock. A type that both
 * listens and connects with different arguments stands here twice. */
#include "endpoint/grammar.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <bight/memory.h>

#include "base/check.h"
#include "base/text.h"
#include "endpoint/types/types.h"

struct addition {
    struct addition *next;
    const struct bight_endpoint_type *type;
};

static struct addition *additions;

static const struct bight_endpoint_type *const built_in[] = {
    &bi_endpoint_tcp_server,
    &bi_endpoint_tcp6_server,
    &bi_endpoint_unix_server,
    &bi_endpoint_fd_server,
    &bi_endpoint_tls_server,
    &bi_endpoint_ssl_server,
    &bi_endpoint_secure_server,
    &bi_endpoint_tcp_client,
    &bi_endpoint_unix_client,
    &bi_endpoint_tls_client,
    &bi_endpoint_ssl_client,
    &bi_endpoint_secure_client,
};
#define BUILT_IN_COUNT (sizeof built_in / sizeof built_in[0])

const struct bight_endpoint_type *bight_endpoint_next_type(size_t *cursor)
{
    size_t index = (*cursor)++;
    if (index < BUILT_IN_COUNT) {
        return built_in[index];
    }
    const struct addition *addition = additions;
    for (index -= BUILT_IN_COUNT; index > 0 && addition != NULL; index--) {
        addition = addition->next;
    }
    if (addition == NULL) {
        (*cursor)--;
        return NULL;
    }
    return addition->type;
}

static bool goes(const struct bight_endpoint_type *type, enum bi_endpoint_direction direction)
{
    return direction == BI_ENDPOINT_LISTEN ? type->listen != NULL : type->connect != NULL;
}

const struct bight_endpoint_type *bi_endpoint_type_named(const char *name, enum bi_endpoint_direction direction)
{
    const struct bight_endpoint_type *type;
    for (size_t cursor = 0; (type = bight_endpoint_next_type(&cursor)) != NULL;) {
        if (goes(type, direction) && strcasecmp(type->name, name) == 0) {
            return type;
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------------------------- unknown ones */

/* A type that is missing must not be mistaken for one that is merely spelled like it: a user who asked for TLS is not
 * advised to do without, nor one who wants datagrams to take a stream. */
static bool is_another_transport(const char *name)
{
    static const char *const names[] = { "tls6", "udp", "udp6", "dtls", "quic", "sctp" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* " (to listen on there are tcp, tcp6, unix, fd)" */
static void list_types(enum bi_endpoint_direction direction, char *buffer, size_t size)
{
    struct bi_text list = { buffer, size, 0 };
    size_t begin;
    bi_text_append_string(&list, direction == BI_ENDPOINT_LISTEN ? " (to listen on" : " (to connect to");
    bi_text_append_string(&list, " there are ");
    begin = list.needed;
    const struct bight_endpoint_type *type;
    for (size_t cursor = 0; (type = bight_endpoint_next_type(&cursor)) != NULL;) {
        if (goes(type, direction)) {
            bi_text_append_string(&list, list.needed == begin ? "" : ", ");
            bi_text_append_string(&list, type->name);
        }
    }
    bi_text_append_string(&list, ")");
    bi_text_end(&list);
}

/* "; did you mean "tcp"?", or the list of what there is. */
static void suggest_type(const char *name, enum bi_endpoint_direction direction, char *buffer, size_t size)
{
    struct bi_suggestion suggestion;
    const struct bight_endpoint_type *type;
    bi_suggestion_begin(&suggestion, name);
    for (size_t cursor = 0; (type = bight_endpoint_next_type(&cursor)) != NULL;) {
        if (goes(type, direction) && !is_another_transport(name)) {
            bi_suggestion_offer(&suggestion, type->name);
        }
    }
    if (suggestion.nearest != NULL) {
        bi_suggestion_phrase(&suggestion, buffer, size);
    } else {
        list_types(direction, buffer, size);
    }
}

static struct bight_failure *unknown_type(const char *name, size_t column, enum bi_endpoint_direction direction)
{
    char excerpt[BI_EXCERPT_SIZE], instead[256], lower[40];
    bool listens = direction == BI_ENDPOINT_LISTEN;
    size_t size = strnlen(name, sizeof lower - 1);
    for (size_t i = 0; i < size; i++) {
        lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    }
    lower[size] = '\0';
    suggest_type(lower, direction, instead, sizeof instead);
    bi_endpoint_excerpt(name, strlen(name), excerpt);
    if (bi_endpoint_type_named(name, listens ? BI_ENDPOINT_CONNECT : BI_ENDPOINT_LISTEN) != NULL) {
        return bight_failure_new(BIGHT_E_UNKNOWN_TYPE, 0, NULL, "column %zu: \"%s\" can only be %s%s", column, excerpt,
            listens ? "connected to" : "listened on", instead);
    }
    return bight_failure_new(
        BIGHT_E_UNKNOWN_TYPE, 0, NULL, "column %zu: there is no type \"%s\"%s", column, excerpt, instead);
}

const struct bight_endpoint_type *bi_endpoint_find_type(
    const struct bi_parsed_endpoint *parsed, enum bi_endpoint_direction direction, struct bight_failure **failure)
{
    const struct bight_endpoint_type *type = bi_endpoint_type_named(parsed->type, direction);
    if (type == NULL) {
        *failure = unknown_type(parsed->type, parsed->before + 1, direction);
    }
    return type;
}

/* Of what has been parsed with this failure, or NULL. */
static const struct bight_endpoint_type *check(struct bight_failure *parse_failure,
    enum bi_endpoint_direction direction, const struct bi_parsed_endpoint *parsed, struct bight_argument *arguments,
    struct bight_failure **failure)
{
    *failure = parse_failure;
    if (parse_failure != NULL) {
        return NULL;
    }
    const struct bight_endpoint_type *type = bi_endpoint_find_type(parsed, direction, failure);
    if (type != NULL) {
        *failure = bi_endpoint_check(type, parsed, arguments);
    }
    return *failure == NULL ? type : NULL;
}

const struct bight_endpoint_type *bi_endpoint_read_inner(const struct bight_argument *inner,
    enum bi_endpoint_direction direction, struct bi_parsed_endpoint *parsed, struct bight_argument *arguments,
    struct bight_failure **failure)
{
    return check(bi_endpoint_parse_inner(inner, parsed), direction, parsed, arguments, failure);
}

const struct bight_endpoint_type *bi_endpoint_read(const char *string, enum bi_endpoint_direction direction,
    struct bi_parsed_endpoint *parsed, struct bight_argument *arguments, struct bight_failure **failure)
{
    struct bight_failure *parse_failure = bi_endpoint_parse(string, parsed);
    const struct bight_endpoint_type *type = check(parse_failure, direction, parsed, arguments, failure);
    if (type == NULL) {
        *failure = bi_endpoint_tried(direction, string, *failure);
    }
    return type;
}

/* ------------------------------------------------------------------------------------------- adding */

#define OF_WORDS "abcdefghijklmnopqrstuvwxyz0123456789-"

static bool is_word(const char *name, const char *characters)
{
    return name != NULL && name[0] != '\0' && name[strspn(name, characters)] == '\0';
}

static bool is_kind_sound(const struct bight_argument_rule *rule)
{
    if (rule->kind == BIGHT_ARGUMENT_ENDPOINT && !rule->positional) {
        return false;
    }
    return rule->kind >= BIGHT_ARGUMENT_TEXT && rule->kind <= BIGHT_ARGUMENT_ENDPOINT &&
           (!rule->secret || rule->kind == BIGHT_ARGUMENT_TEXT);
}

/* A positional argument that is required cannot stand behind one that is not, and nothing behind the rest. */
static bool are_rules_sound(const struct bight_argument_rule *rules)
{
    bool optional_seen = false;
    size_t count = 0;
    for (const struct bight_argument_rule *rule = rules; rule->name != NULL; rule++, count++) {
        if (count == BI_ENDPOINT_PART_LIMIT || !is_word(rule->name, OF_WORDS "_") || !is_kind_sound(rule) ||
            rule->minimum > rule->maximum) {
            return false;
        }
        if (rule->positional && rule->required && optional_seen) {
            return false;
        }
        bool ends = rule->positional && (!rule->required || rule->kind == BIGHT_ARGUMENT_ENDPOINT);
        optional_seen = optional_seen || ends;
    }
    return true;
}

static bool is_sound(const struct bight_endpoint_type *type)
{
    return type != NULL && is_word(type->name, OF_WORDS) && type->help != NULL && type->rules != NULL &&
           (type->listen != NULL || type->connect != NULL) && are_rules_sound(type->rules);
}

static bool is_taken(const struct bight_endpoint_type *type)
{
    return (type->listen != NULL && bi_endpoint_type_named(type->name, BI_ENDPOINT_LISTEN) != NULL) ||
           (type->connect != NULL && bi_endpoint_type_named(type->name, BI_ENDPOINT_CONNECT) != NULL);
}

int bight_endpoint_register(const struct bight_endpoint_type *type)
{
    bool sound = is_sound(type);
    if (!sound || is_taken(type)) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE,
            sound ? "bight_endpoint_register: there is a type of this name"
                  : "bight_endpoint_register: the name, the help, a rule or both functions are missing or malformed");
    }
    struct addition *addition = bight_malloc(sizeof *addition);
    if (addition == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    struct addition **end = &additions;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *addition = (struct addition) { .type = type };
    *end = addition;
    return 0;
}
