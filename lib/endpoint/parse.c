/* SPDX-License-Identifier: MIT */
/* parse.c - the grammar of endpoint strings (E6), and nothing of what the parts mean.
 *
 *   endpoint = type *( ":" part )        part = value / keyword "=" value
 *
 * '\' makes any character an ordinary one; between '[' and ']' neither ':' nor '=' separates, so that an IPv6 literal
 * stays together, and the brackets stay in the text. A ']' without a '[' is an ordinary character. Unescaping only
 * shortens, so the parts are written one after the other into a buffer of the string's own size, a NUL in place of
 * each separator. Quoting is the inverse: it escapes whatever means something anywhere, so that the result fits any
 * place of any string, and what a user has typed does not become an argument of its own. */
#include <bight/endpoint.h>

#include <string.h>

#include "base/text.h"
#include "endpoint/grammar.h"

struct reader {
    const char *string;
    size_t at; /* of the next character */
    struct bi_parsed_endpoint *parsed;
    size_t used;    /* of parsed->text */
    size_t bracket; /* column of an open '[', 0: none */
};

/* Of the character at `at`. */
static size_t column_of(const struct reader *reader, size_t at)
{
    return reader->parsed->before + at + 1;
}

void bi_endpoint_excerpt(const char *text, size_t size, char buffer[BI_EXCERPT_SIZE])
{
    const size_t longest = BI_EXCERPT_SIZE - sizeof "...";
    bool is_long = size > longest;
    size_t length = is_long ? longest : size;
    memcpy(buffer, text, length);
    memcpy(buffer + length, is_long ? "..." : "", is_long ? 4 : 1);
}

static void put(struct reader *reader, char character)
{
    reader->parsed->text[reader->used++] = character;
}

/* Reads one character that is not a separator. */
static struct bight_failure *read_character(struct reader *reader)
{
    char character = reader->string[reader->at++];
    if (character == '\\') {
        character = reader->string[reader->at];
        if (character == '\0') {
            return bight_failure_new(BIGHT_E_SYNTAX, 0, NULL, "column %zu: nothing follows the backslash",
                column_of(reader, reader->at - 1));
        }
        reader->at++;
    } else if (character == '[' && reader->bracket == 0) {
        reader->bracket = column_of(reader, reader->at - 1);
    } else if (character == ']') {
        reader->bracket = 0;
    }
    put(reader, character);
    return NULL;
}

static bool is_separator(const struct reader *reader, char character, const struct bi_endpoint_part *part)
{
    if (reader->bracket != 0) {
        return false;
    }
    return character == ':' || (character == '=' && part->keyword == NULL);
}

static void begin_value(struct reader *reader, struct bi_endpoint_part *part)
{
    part->value = reader->parsed->text + reader->used;
    part->value_column = column_of(reader, reader->at);
}

static struct bight_failure *end_keyword(struct reader *reader, struct bi_endpoint_part *part)
{
    if (column_of(reader, reader->at) == part->column) {
        return bight_failure_new(
            BIGHT_E_SYNTAX, 0, NULL, "column %zu: the name of an argument is missing before \"=\"", part->column);
    }
    part->keyword = part->value;
    put(reader, '\0');
    reader->at++;
    begin_value(reader, part);
    return NULL;
}

/* Reads up to the next ':' or the end. */
static struct bight_failure *read_part(struct reader *reader, struct bi_endpoint_part *part)
{
    *part = (struct bi_endpoint_part) { .column = column_of(reader, reader->at) };
    begin_value(reader, part);
    for (;;) {
        char character = reader->string[reader->at];
        if (character == '\0' || (character == ':' && reader->bracket == 0)) {
            break;
        }
        struct bight_failure *failure =
            is_separator(reader, character, part) ? end_keyword(reader, part) : read_character(reader);
        if (failure != NULL) {
            return failure;
        }
    }
    part->value_size = (size_t)(reader->parsed->text + reader->used - part->value);
    put(reader, '\0');
    if (reader->bracket != 0) {
        return bight_failure_new(BIGHT_E_SYNTAX, 0, NULL, "column %zu: this \"[\" has no \"]\"", reader->bracket);
    }
    return NULL;
}

static struct bight_failure *read_type(struct reader *reader)
{
    struct bi_endpoint_part part;
    struct bight_failure *failure = read_part(reader, &part);
    if (failure != NULL) {
        return failure;
    }
    if (part.keyword != NULL || part.value_size == 0) {
        return bight_failure_new(BIGHT_E_SYNTAX, 0, NULL,
            "column %zu: an endpoint begins with its type, such as \"tcp:\"%s", part.column,
            part.keyword != NULL ? ", not with an argument" : "");
    }
    reader->parsed->type = part.value;
    return NULL;
}

static struct bight_failure *read_parts(struct reader *reader)
{
    struct bi_parsed_endpoint *parsed = reader->parsed;
    while (reader->string[reader->at] == ':') {
        reader->at++;
        if (parsed->count == BI_ENDPOINT_PART_LIMIT) {
            return bight_failure_new(BIGHT_E_SYNTAX, 0, NULL, "column %zu: there are more than %d arguments",
                column_of(reader, reader->at), BI_ENDPOINT_PART_LIMIT);
        }
        struct bight_failure *failure = read_part(reader, &parsed->parts[parsed->count++]);
        if (failure != NULL) {
            return failure;
        }
    }
    return NULL;
}

static struct bight_failure *parse(const char *string, struct bi_parsed_endpoint *parsed)
{
    size_t length = strnlen(string, BI_ENDPOINT_TEXT_LIMIT + 1);
    parsed->string = string;
    parsed->type = NULL;
    parsed->count = parsed->used = 0;
    if (length > BI_ENDPOINT_TEXT_LIMIT) {
        return bight_failure_new(BIGHT_E_SYNTAX, 0, NULL, "column %d: an endpoint has at most %d bytes",
            BI_ENDPOINT_TEXT_LIMIT + 1, BI_ENDPOINT_TEXT_LIMIT);
    }
    parsed->end_column = parsed->before + length + 1;
    struct reader reader = { .string = string, .parsed = parsed };
    struct bight_failure *failure = read_type(&reader);
    return failure != NULL ? failure : read_parts(&reader);
}

struct bight_failure *bi_endpoint_parse(const char *string, struct bi_parsed_endpoint *parsed)
{
    parsed->before = parsed->depth = 0;
    parsed->used = 0;
    if (string == NULL) {
        return bight_failure_new(BIGHT_E_SYNTAX, 0, NULL, "column 1: there is no endpoint, but NULL");
    }
    return parse(string, parsed);
}

struct bight_failure *bi_endpoint_parse_inner(const struct bight_argument *inner, struct bi_parsed_endpoint *parsed)
{
    parsed->before = inner->column - 1;
    parsed->depth = (unsigned)inner->number;
    parsed->used = 0;
    if (parsed->depth >= BI_ENDPOINT_DEPTH_LIMIT) {
        return bight_failure_new(BIGHT_E_SYNTAX, 0, NULL, "column %zu: endpoints are nested %d deep at most",
            inner->column, BI_ENDPOINT_DEPTH_LIMIT);
    }
    return parse(inner->text, parsed);
}

size_t bight_endpoint_quote(const char *text, char *buffer, size_t size)
{
    struct bi_text quoted = { buffer, size, 0 };
    for (; *text != '\0'; text++) {
        if (strchr("\\:=[", *text) != NULL) {
            bi_text_append(&quoted, "\\", 1);
        }
        bi_text_append(&quoted, text, 1);
    }
    bi_text_end(&quoted);
    return quoted.needed;
}
