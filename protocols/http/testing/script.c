/* SPDX-License-Identifier: MIT */
/* script.c - reads the words of a script; what they mean is compose.c's and deliver.c's. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "http/message/query.h"
#include "http/testing/misbehaving.h"

#define LONGEST_WORD 8192

enum kind { NUMBER, SECONDS, CHOICE, TEXT, LINE };

struct word {
    const char *name;
    enum kind kind;
    size_t offset;
    const char *choices; /* each with a space behind it, in the order of their numbers */
};

#define WORD(name, kind, choices)                                \
    {                                                            \
#name, kind, offsetof(struct bi_script, name), (choices) \
    }
static const struct word words[] = {
    WORD(status, NUMBER, NULL),
    WORD(size, NUMBER, NULL),
    WORD(seed, NUMBER, NULL),
    WORD(length, NUMBER, NULL),
    WORD(chunk, NUMBER, NULL),
    WORD(interim, NUMBER, NULL),
    WORD(hops, NUMBER, NULL),
    WORD(via, NUMBER, NULL),
    WORD(garbage, NUMBER, NULL),
    WORD(cut, NUMBER, NULL),
    WORD(framing, CHOICE, "length chunked close both twice "),
    WORD(coding, CHOICE, "identity gzip bomb "),
    WORD(endless, CHOICE, "no head interim body "),
    WORD(when, CHOICE, "request head line "),
    WORD(end, CHOICE, "stay close reset "),
    WORD(next, CHOICE, "answer close reset silence "),
    WORD(loop, CHOICE, "no yes "),
    WORD(bodied, CHOICE, "no yes "),
    WORD(wait, SECONDS, NULL),
    WORD(deaf, SECONDS, NULL),
    WORD(pace, SECONDS, NULL),
    WORD(after, SECONDS, NULL),
    WORD(to, TEXT, NULL),
    WORD(unasked, TEXT, NULL),
    { "field", LINE, offsetof(struct bi_script, fields), NULL },
};

void bi_script_begin(struct bi_script *script)
{
    *script = (struct bi_script) { .wait = 0 };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (words[i].kind == NUMBER || words[i].kind == CHOICE) {
            *(uint64_t *)((char *)script + words[i].offset) = BI_NOT_SAID;
        }
    }
}

void bi_script_finish(struct bi_script *script)
{
    bi_http_buffer_free(&script->fields);
    bi_http_buffer_free(&script->to);
    bi_http_buffer_free(&script->unasked);
}

/* Less than 2^53, so that it may be added to. */
static bool read_number(const char *text, uint64_t *number)
{
    char *end;
    *number = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && *number < (uint64_t)1 << 53;
}

static bool read_seconds(const char *text, double *seconds)
{
    char *end;
    *seconds = strtod(text, &end);
    return end != text && *end == '\0' && *seconds >= 0 && isfinite(*seconds);
}

static bool read_choice(const char *text, const char *choices, uint64_t *number)
{
    size_t size = strlen(text);
    for (*number = 0; *choices != '\0'; ++*number) {
        size_t length = strcspn(choices, " ");
        if (length == size && memcmp(choices, text, size) == 0) {
            return true;
        }
        choices += length + 1;
    }
    return false;
}

static int read_text(const char *text, size_t size, bool is_line, struct bi_http_buffer *buffer)
{
    if (!is_line) {
        buffer->start = buffer->end = 0;
    }
    int code = bi_http_buffer_append(buffer, text, size);
    return code != BIGHT_OK || !is_line ? code : bi_http_buffer_append(buffer, "\r\n", 2);
}

/* `value` has been decoded, and has a NUL behind it. */
static int read_value(struct bi_script *script, const struct word *word, const char *value, size_t size)
{
    char *place = (char *)script + word->offset;
    uint64_t number;
    double seconds;
    switch (word->kind) {
    case NUMBER:
    case CHOICE:
        if (!(word->kind == NUMBER ? read_number(value, &number) : read_choice(value, word->choices, &number))) {
            return BIGHT_E_INVALID_ARGUMENT;
        }
        memcpy(place, &number, sizeof number);
        return BIGHT_OK;
    case SECONDS:
        if (!read_seconds(value, &seconds)) {
            return BIGHT_E_INVALID_ARGUMENT;
        }
        memcpy(place, &seconds, sizeof seconds);
        return BIGHT_OK;
    default:
        return read_text(value, size, word->kind == LINE, (struct bi_http_buffer *)place);
    }
}

static const struct word *find_word(struct bi_view name)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (name.size == strlen(words[i].name) && memcmp(name.at, words[i].name, name.size) == 0) {
            return &words[i];
        }
    }
    return NULL;
}

static int read_field(struct bi_script *script, const struct bi_query_field *field)
{
    char value[LONGEST_WORD + 1];
    const struct word *word = find_word(field->name);
    if (word == NULL || field->value.size > LONGEST_WORD) {
        return BIGHT_E_INVALID_ARGUMENT;
    }
    size_t size = bi_query_decode(field->value, (uint8_t *)value);
    value[size] = '\0';
    return read_value(script, word, value, size);
}

int bi_script_read(struct bi_script *script, struct bi_view text, bool strictly)
{
    struct bi_query query;
    struct bi_query_field field;
    enum bi_query_result result;
    bi_query_begin(&query);
    while ((result = bi_query_next(&query, &text, true, &field)) == BI_QUERY_FIELD) {
        int code = read_field(script, &field);
        if (code == BIGHT_E_OUT_OF_MEMORY || (code != BIGHT_OK && strictly)) {
            return code;
        }
    }
    return result == BI_QUERY_END || !strictly ? BIGHT_OK : BIGHT_E_INVALID_ARGUMENT;
}
