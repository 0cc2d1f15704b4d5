/* SPDX-License-Identifier: MIT */
/* rules.c - checks the parts of an endpoint string against the table of its type, and reads the values.
 *
 * What a type sees has been checked: every required argument is there, none twice, numbers are in their range. What
 * does not fit is a failure that names the column and says what is wrong there and what would be right. Values are read
 * without the C library's number functions, which take signs, blanks, locales and more. */
#include "endpoint/grammar.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LONGEST_SECONDS INT64_C(1000000000)

/* ------------------------------------------------------------------------------------------- values */

static bool read_digits(const char *text, unsigned base, uint64_t limit, uint64_t *number)
{
    *number = 0;
    for (; *text != '\0'; text++) {
        unsigned digit = (unsigned char)*text - (unsigned)'0';
        if (digit >= base || *number > (limit - digit) / base) {
            return false;
        }
        *number = *number * base + digit;
    }
    return true;
}

static bool read_number(const struct bight_argument_rule *rule, unsigned base, struct bight_argument *argument)
{
    const char *text = argument->text;
    bool is_negative = rule->minimum < 0 && text[0] == '-' && text[1] != '\0';
    uint64_t number;
    if (!read_digits(text + is_negative, base, INT64_MAX, &number)) {
        return false;
    }
    argument->number = is_negative ? -(int64_t)number : (int64_t)number;
    return argument->number >= rule->minimum && argument->number <= rule->maximum;
}

/* digits [ "." digits ], to the nanosecond. */
static bool read_seconds(struct bight_argument *argument)
{
    char whole[16] = "0", fraction[16] = "";
    uint64_t seconds, parts;
    int used = 0;
    int got = sscanf(argument->text, "%10[0-9]%n.%9[0-9]%n", whole, &used, fraction, &used);
    if (got < 1 || argument->text[used] != '\0') {
        return false;
    }
    if (!read_digits(whole, 10, (uint64_t)LONGEST_SECONDS, &seconds) || !read_digits(fraction, 10, 999999999, &parts)) {
        return false;
    }
    double scale = 1;
    for (size_t i = strlen(fraction); i > 0; i--) {
        scale *= 10;
    }
    argument->seconds = (double)seconds + (double)parts / scale;
    return true;
}

static bool read_boolean(struct bight_argument *argument)
{
    static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "0", "1" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(argument->text, words[i]) == 0) {
            argument->number = i % 2;
            return true;
        }
    }
    return false;
}

/* Brackets around an IPv6 literal are allowed, and not part of it. */
static bool read_address(struct bight_argument *argument, char *text)
{
    size_t size = argument->text_size;
    if (size >= 2 && text[0] == '[' && text[size - 1] == ']') {
        text[size - 1] = '\0';
        argument->text++;
        argument->text_size -= 2;
    }
    struct bight_address address;
    return bight_address_parse_ip(&address, argument->text, 0) == 0;
}

/* As far as one can tell without asking: what ends in a number is no name but a literal that was mistyped, which a
 * resolver may read as it likes ("127.1", "0x7f000001"). */
static bool is_host_name(const char *text, size_t size)
{
    static const char digits[] = "0123456789";
    static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    size -= size > 1 && text[size - 1] == '.' ? 1 : 0; /* of one that is whole */
    if (size == 0 || size > 253 || strspn(text, all) < size || text[0] == '.' || strstr(text, "..") != NULL) {
        return false;
    }
    size_t last = size;
    while (last > 0 && text[last - 1] != '.') {
        last--;
    }
    return strspn(text + last, digits) < size - last && strncasecmp(text + last, "0x", 2) != 0;
}

static bool read_value(const struct bight_argument_rule *rule, struct bight_argument *argument)
{
    switch (rule->kind) {
    case BIGHT_ARGUMENT_TEXT:
    case BIGHT_ARGUMENT_ENDPOINT:
        return true;
    case BIGHT_ARGUMENT_PORT:
    case BIGHT_ARGUMENT_NUMBER:
        return read_number(rule, 10, argument);
    case BIGHT_ARGUMENT_OCTAL:
        return read_number(rule, 8, argument);
    case BIGHT_ARGUMENT_SECONDS:
        return read_seconds(argument);
    case BIGHT_ARGUMENT_BOOLEAN:
        return read_boolean(argument);
    case BIGHT_ARGUMENT_ADDRESS:
        return read_address(argument, (char *)argument->text);
    case BIGHT_ARGUMENT_HOST:
        return is_host_name(argument->text, argument->text_size) || read_address(argument, (char *)argument->text);
    }
    return false;
}

/* ----------------------------------------------------------------------------------------- messages */

static void describe_range(const char *what, const struct bight_argument_rule *rule, char *buffer, size_t size)
{
    const char *format = rule->kind == BIGHT_ARGUMENT_OCTAL ? "%s from %llo to %llo" : "%s from %lld to %lld";
    if (rule->kind != BIGHT_ARGUMENT_OCTAL && rule->maximum == INT64_MAX) {
        format = "%s not below %lld";
    }
    snprintf(buffer, size, format, what, (long long)rule->minimum, (long long)rule->maximum);
}

/* "a number from 1 to 10"; nothing for a text, of which only the empty one is wrong. */
static void describe_expected(const struct bight_argument_rule *rule, char *buffer, size_t size)
{
    switch (rule->kind) {
    case BIGHT_ARGUMENT_PORT:
    case BIGHT_ARGUMENT_NUMBER:
        describe_range("a number", rule, buffer, size);
        return;
    case BIGHT_ARGUMENT_OCTAL:
        describe_range("an octal file mode", rule, buffer, size);
        return;
    case BIGHT_ARGUMENT_SECONDS:
        snprintf(buffer, size, "a number of seconds such as 2.5");
        return;
    case BIGHT_ARGUMENT_BOOLEAN:
        snprintf(buffer, size, "yes or no");
        return;
    case BIGHT_ARGUMENT_ADDRESS:
        snprintf(buffer, size, "an IP address");
        return;
    case BIGHT_ARGUMENT_HOST:
        snprintf(buffer, size, "an IP address or a host's name");
        return;
    case BIGHT_ARGUMENT_ENDPOINT:
        snprintf(buffer, size, "an endpoint such as tcp:1234");
        return;
    case BIGHT_ARGUMENT_TEXT:
        break;
    }
    buffer[0] = '\0';
}

/* What is given by its place has no name in the string: "the port is", but "backlog is". */
static const char *article(const struct bight_argument_rule *rule)
{
    return rule->positional ? "the " : "";
}

static struct bight_failure *bad_value(const struct bight_argument_rule *rule, const struct bi_endpoint_part *part)
{
    char expected[96], excerpt[BI_EXCERPT_SIZE];
    describe_expected(rule, expected, sizeof expected);
    if (part->value_size == 0) {
        return bight_failure_new(BIGHT_E_BAD_VALUE, 0, NULL, "column %zu: %s%s is empty%s%s", part->value_column,
            article(rule), rule->name, expected[0] == '\0' ? "" : "; it is ", expected);
    }
    bi_endpoint_excerpt(part->value, part->value_size, excerpt);
    return bight_failure_new(BIGHT_E_BAD_VALUE, 0, NULL, "column %zu: %s%s is %s, not \"%s\"", part->value_column,
        article(rule), rule->name, expected, excerpt);
}

static struct bight_failure *unknown_keyword(
    const struct bight_endpoint_type *type, const struct bi_endpoint_part *part)
{
    char excerpt[BI_EXCERPT_SIZE], phrase[64];
    struct bi_suggestion suggestion;
    bi_suggestion_begin(&suggestion, part->keyword);
    for (const struct bight_argument_rule *rule = type->rules; rule->name != NULL; rule++) {
        if (rule->kind != BIGHT_ARGUMENT_ENDPOINT) {
            bi_suggestion_offer(&suggestion, rule->name);
        }
    }
    bi_suggestion_phrase(&suggestion, phrase, sizeof phrase);
    bi_endpoint_excerpt(part->keyword, strlen(part->keyword), excerpt);
    if (phrase[0] != '\0') {
        return bight_failure_new(BIGHT_E_UNKNOWN_ARGUMENT, 0, NULL, "column %zu: %s has no argument \"%s\"%s",
            part->column, type->name, excerpt, phrase);
    }
    return bight_failure_new(BIGHT_E_UNKNOWN_ARGUMENT, 0, NULL, "column %zu: %s has no argument \"%s\" (%s)",
        part->column, type->name, excerpt, type->help);
}

static struct bight_failure *too_many(const struct bight_endpoint_type *type, const struct bi_endpoint_part *part)
{
    char excerpt[BI_EXCERPT_SIZE];
    if (part->value_size == 0) {
        return bight_failure_new(BIGHT_E_EXTRA_ARGUMENT, 0, NULL,
            "column %zu: after the \":\" an argument is missing (%s)", part->column, type->help);
    }
    for (const struct bight_argument_rule *rule = type->rules; rule->name != NULL; rule++) {
        if (rule->secret) { /* it may be the rest of one that has a ':' */
            return bight_failure_new(BIGHT_E_EXTRA_ARGUMENT, 0, NULL, "column %zu: there is one argument too many (%s)",
                part->column, type->help);
        }
    }
    bi_endpoint_excerpt(part->value, part->value_size, excerpt);
    return bight_failure_new(BIGHT_E_EXTRA_ARGUMENT, 0, NULL, "column %zu: \"%s\" is one argument too many (%s)",
        part->column, excerpt, type->help);
}

/* ----------------------------------------------------------------------------------------- matching */

size_t bi_endpoint_rule_count(const struct bight_endpoint_type *type)
{
    size_t count = 0;
    while (type->rules[count].name != NULL) {
        count++;
    }
    return count;
}

static const struct bight_argument_rule *find_keyword(const struct bight_endpoint_type *type, const char *keyword)
{
    for (const struct bight_argument_rule *rule = type->rules; rule->name != NULL; rule++) {
        if (strcmp(rule->name, keyword) == 0 && rule->kind != BIGHT_ARGUMENT_ENDPOINT) {
            return rule;
        }
    }
    return NULL;
}

static const struct bight_argument_rule *find_place(const struct bight_endpoint_type *type, size_t place)
{
    for (const struct bight_argument_rule *rule = type->rules; rule->name != NULL; rule++) {
        if (rule->positional && place-- == 0) {
            return rule;
        }
    }
    return NULL;
}

const struct bight_argument_rule *bi_endpoint_rule_for(
    const struct bight_endpoint_type *type, const struct bi_endpoint_part *part, size_t *place)
{
    return part->keyword != NULL ? find_keyword(type, part->keyword) : find_place(type, (*place)++);
}

/* Bounds that were left zero mean the kind's own. */
static struct bight_argument_rule with_bounds(const struct bight_argument_rule *rule)
{
    struct bight_argument_rule bounded = *rule;
    if (rule->minimum == 0 && rule->maximum == 0) {
        bounded.maximum = rule->kind == BIGHT_ARGUMENT_PORT    ? 65535
                          : rule->kind == BIGHT_ARGUMENT_OCTAL ? 07777
                                                               : INT64_MAX;
    }
    return bounded;
}

static struct bight_failure *fill(
    const struct bight_argument_rule *table_rule, const struct bi_endpoint_part *part, struct bight_argument *argument)
{
    if (argument->given) {
        return bight_failure_new(BIGHT_E_EXTRA_ARGUMENT, 0, NULL, "column %zu: %s%s is given twice", part->column,
            article(table_rule), table_rule->name);
    }
    struct bight_argument_rule rule = with_bounds(table_rule);
    *argument = (struct bight_argument) {
        .given = true, .column = part->value_column, .text = part->value, .text_size = part->value_size
    };
    if (part->value_size == 0 || !read_value(&rule, argument)) {
        return bad_value(&rule, part);
    }
    return NULL;
}

static struct bight_failure *find_missing(const struct bight_endpoint_type *type,
    const struct bi_parsed_endpoint *parsed, const struct bight_argument *arguments)
{
    for (size_t i = 0; type->rules[i].name != NULL; i++) {
        if (type->rules[i].required && !arguments[i].given) {
            return bight_failure_new(BIGHT_E_MISSING_ARGUMENT, 0, NULL, "column %zu: %s%s is missing (%s)",
                parsed->end_column, article(&type->rules[i]), type->rules[i].name, type->help);
        }
    }
    return NULL;
}

/* As it stands, since it will be parsed by itself. */
static void take_rest(
    const struct bi_parsed_endpoint *parsed, const struct bi_endpoint_part *part, struct bight_argument *argument)
{
    argument->text = bi_endpoint_rest(parsed, part);
    argument->text_size = strlen(argument->text);
    argument->column = part->column;
    argument->number = parsed->depth + 1;
}

struct bight_failure *bi_endpoint_check(
    const struct bight_endpoint_type *type, const struct bi_parsed_endpoint *parsed, struct bight_argument *arguments)
{
    size_t place = 0;
    memset(arguments, 0, bi_endpoint_rule_count(type) * sizeof *arguments);
    for (size_t i = 0; i < parsed->count; i++) {
        const struct bi_endpoint_part *part = &parsed->parts[i];
        const struct bight_argument_rule *rule = bi_endpoint_rule_for(type, part, &place);
        if (rule == NULL) {
            return part->keyword != NULL ? unknown_keyword(type, part) : too_many(type, part);
        }
        struct bight_failure *failure = fill(rule, part, &arguments[rule - type->rules]);
        if (failure != NULL) {
            return failure;
        }
        if (rule->kind == BIGHT_ARGUMENT_ENDPOINT) {
            take_rest(parsed, part, &arguments[rule - type->rules]);
            break;
        }
    }
    return find_missing(type, parsed, arguments);
}
