/* SPDX-License-Identifier: MIT */
/* secrets.c - arguments that must not be shown (L14): they are read from files, hidden in messages, and wiped.
 *
 * A command line is public, so a secret may stand in a file: "password=@FILE". What a message shows of a string has ***
 * in place of each secret. A string that cannot be parsed may have one anywhere, as far as can be told; of a type that
 * has secrets nothing of it is shown then but the type. */
#include <fcntl.h>
#include <string.h>

#include "base/errno_text.h"
#include "base/text.h"
#include "endpoint/grammar.h"
#include "reactor/reactor.h"

#define HIDDEN "***"

/* --------------------------------------------------------------------------------------------- reading */

/* -errno, or how much of the file there is, of `size` at most. */
static ssize_t read_file(struct bight_system *system, const char *path, char *buffer, size_t size)
{
    size_t used = 0;
    ssize_t got = 1;
    int fd = system->ops->open(system, path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
    if (fd < 0) {
        return fd;
    }
    while (used < size && got > 0) {
        got = system->ops->read(system, fd, buffer + used, size - used);
        used += got > 0 ? (size_t)got : 0;
    }
    (void)system->ops->close(system, fd);
    return got < 0 ? got : (ssize_t)used;
}

static struct bight_failure *refuse(
    const struct bight_argument_rule *rule, const struct bight_argument *argument, int number, const char *what)
{
    char words[BI_ERRNO_TEXT_SIZE];
    return bight_failure_new(BIGHT_E_BAD_VALUE, number, NULL, "column %zu: cannot read the %s from %s: %s",
        argument->column, rule->name, argument->text + 1, number == 0 ? what : bi_errno_text(number, words));
}

/* The first line of the file: people's editors end it. NULL, or what is wrong with it. */
static const char *take_first_line(char *text, size_t size, size_t room, size_t *length)
{
    const char *end = size == 0 ? NULL : memchr(text, '\n', size);
    *length = end == NULL ? size : (size_t)(end - text);
    if (*length == 0) {
        return "its first line is empty";
    }
    if (end == NULL && size == room) {
        return "its first line is too long";
    }
    return memchr(text, '\0', *length) == NULL ? NULL : "it is no text";
}

static struct bight_failure *read_secret(struct bight_system *system, const struct bight_argument_rule *rule,
    struct bi_parsed_endpoint *parsed, struct bight_argument *argument)
{
    char *secret = parsed->secrets + parsed->used;
    size_t room = sizeof parsed->secrets - parsed->used - 1, length = 0;
    ssize_t got = read_file(system, argument->text + 1, secret, room);
    const char *wrong = got < 0 ? "" : take_first_line(secret, (size_t)got, room, &length);
    if (wrong != NULL) {
        explicit_bzero(parsed->secrets, sizeof parsed->secrets); /* nothing of the string is used */
        return refuse(rule, argument, got < 0 ? (int)-got : 0, wrong);
    }
    explicit_bzero(secret + length, (size_t)got - length + 1);
    parsed->used += length + 1 < room ? length + 1 : room;
    argument->text = secret;
    argument->text_size = length;
    return NULL;
}

struct bight_failure *bi_endpoint_read_secrets(struct bight_reactor *reactor, const struct bight_endpoint_type *type,
    struct bi_parsed_endpoint *parsed, struct bight_argument *arguments)
{
    struct bight_failure *failure = NULL;
    for (size_t i = 0; type->rules[i].name != NULL && failure == NULL; i++) {
        if (type->rules[i].secret && arguments[i].given && arguments[i].text[0] == '@') {
            failure = read_secret(reactor->system, &type->rules[i], parsed, &arguments[i]);
        }
    }
    return failure;
}

void bi_endpoint_wipe(struct bi_parsed_endpoint *parsed)
{
    explicit_bzero(parsed->secrets, parsed->used);
}

/* ---------------------------------------------------------------------------------------------- hiding */

static bool has_secrets(const struct bight_endpoint_type *type)
{
    const struct bight_argument_rule *rule = type->rules;
    while (rule->name != NULL && !rule->secret) {
        rule++;
    }
    return rule->name != NULL;
}

/* Of a type that there is not: perhaps one that is mistyped. */
static bool is_secret_somewhere(const char *keyword)
{
    const struct bight_endpoint_type *type;
    for (size_t cursor = 0; keyword != NULL && (type = bight_endpoint_next_type(&cursor)) != NULL;) {
        for (const struct bight_argument_rule *rule = type->rules; rule->name != NULL; rule++) {
            if (rule->secret && strcmp(rule->name, keyword) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool is_secret(
    const struct bight_endpoint_type *type, const struct bi_endpoint_part *part, size_t *place, bool *is_rest)
{
    const struct bight_argument_rule *rule = type == NULL ? NULL : bi_endpoint_rule_for(type, part, place);
    *is_rest = rule != NULL && rule->kind == BIGHT_ARGUMENT_ENDPOINT;
    return rule != NULL ? rule->secret : type != NULL ? has_secrets(type) : is_secret_somewhere(part->keyword);
}

/* What stands in front of the inner endpoint; returns that, or NULL. */
static const char *conceal_one(const struct bi_parsed_endpoint *parsed, enum bi_endpoint_direction direction,
    const char *string, struct bi_text *text)
{
    const struct bight_endpoint_type *type = bi_endpoint_type_named(parsed->type, direction);
    const char *shown = string;
    size_t place = 0;
    for (size_t i = 0; i < parsed->count; i++) {
        const struct bi_endpoint_part *part = &parsed->parts[i];
        bool is_last = i + 1 == parsed->count, is_rest;
        if (is_secret(type, part, &place, &is_rest)) {
            const char *value = string + part->value_column - 1;
            bi_text_append(text, shown, (size_t)(value - shown));
            bi_text_append_string(text, HIDDEN);
            shown = is_last ? string + strlen(string) : string + parsed->parts[i + 1].column - 2;
        } else if (is_rest) {
            const char *rest = bi_endpoint_rest(parsed, part);
            bi_text_append(text, shown, (size_t)(rest - shown));
            return rest;
        }
    }
    bi_text_append_string(text, shown);
    return NULL;
}

/* By the word before the first ':', however wrong the rest is. */
static const struct bight_endpoint_type *type_of(const char *string, enum bi_endpoint_direction direction)
{
    char word[32];
    size_t size = strcspn(string, ":");
    if (size >= sizeof word) {
        return NULL;
    }
    memcpy(word, string, size);
    word[size] = '\0';
    return bi_endpoint_type_named(word, direction);
}

/* A string that is wrong: see above. */
static void conceal_wrong(enum bi_endpoint_direction direction, const char *string, struct bi_text *text)
{
    const struct bight_endpoint_type *type = type_of(string, direction);
    if (type == NULL || !has_secrets(type)) {
        bi_text_append_string(text, string);
        return;
    }
    bi_text_append_string(text, type->name);
    bi_text_append_string(text, ":" HIDDEN);
}

size_t bi_endpoint_conceal(const char *string, enum bi_endpoint_direction direction, char *buffer, size_t size)
{
    struct bi_text text = { buffer, size, 0 };
    struct bi_parsed_endpoint parsed;
    for (unsigned depth = 0; string != NULL && depth <= BI_ENDPOINT_DEPTH_LIMIT; depth++) {
        struct bight_failure *failure = bi_endpoint_parse(string, &parsed);
        if (failure != NULL) {
            bight_failure_release(failure);
            conceal_wrong(direction, string, &text);
            break;
        }
        string = conceal_one(&parsed, direction, string, &text);
    }
    bi_text_end(&text);
    return text.needed;
}
