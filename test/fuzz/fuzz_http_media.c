/* SPDX-License-Identifier: MIT */
/* fuzz_http_media.c - media types against their grammar, and written again with everything quoted. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "fuzz_regex.h"
#include "http/message/media.h"

enum { ROOM = 4096 };

static const char pattern[] = "^" REGEX_TCHAR "+/" REGEX_TCHAR "+(" REGEX_OWS ";" REGEX_OWS "(" REGEX_TCHAR
                              "+=(" REGEX_TCHAR "+|" REGEX_QUOTED "))?)*" REGEX_OWS "$";

struct text {
    uint8_t bytes[2 * ROOM];
    size_t size;
};

static void append(struct text *text, struct bi_view view)
{
    memcpy(text->bytes + text->size, view.at, view.size);
    text->size += view.size;
}

static void append_quoted(struct text *text, struct bi_view value)
{
    append(text, bi_view_of("\""));
    for (size_t at = 0; at < value.size; at++) {
        append(text, bi_view_of("\\"));
        append(text, (struct bi_view) { value.at + at, 1 });
    }
    append(text, bi_view_of("\""));
}

static struct bi_view meaning(struct bi_view value, uint8_t buffer[ROOM])
{
    return (struct bi_view) { buffer, bi_unquote(value, buffer, ROOM) };
}

static void write_again(const struct bi_media_type *media, struct text *text)
{
    struct bi_view rest = media->parameters;
    struct bi_parameter parameter;
    uint8_t buffer[ROOM];
    append(text, media->type);
    append(text, bi_view_of("/"));
    append(text, media->subtype);
    while (bi_parameter_next(&rest, &parameter) == BI_PARAMETER_NEXT) {
        append(text, bi_view_of(";"));
        append(text, parameter.name);
        append(text, bi_view_of("="));
        append_quoted(text, meaning(parameter.value, buffer));
    }
}

static void compare(const struct bi_media_type *one, const struct bi_media_type *other)
{
    struct bi_view rests[2] = { one->parameters, other->parameters };
    struct bi_parameter parameters[2];
    uint8_t buffers[2][ROOM];
    enum bi_parameter_result result;
    do {
        result = bi_parameter_next(&rests[0], &parameters[0]);
        if (bi_parameter_next(&rests[1], &parameters[1]) != result) {
            abort();
        }
        if (result == BI_PARAMETER_NEXT &&
            (!bi_view_equal(parameters[0].name, parameters[1].name) ||
                !bi_view_equal(meaning(parameters[0].value, buffers[0]), meaning(parameters[1].value, buffers[1])) ||
                !bi_parameter_value_equal(parameters[0].value, parameters[1].value))) {
            abort();
        }
    } while (result == BI_PARAMETER_NEXT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static regex_t *compiled = NULL;
    struct bi_media_type media, again;
    struct text text = { .size = 0 };
    struct bi_view value = { data, size };
    if (size >= ROOM / 2) {
        return 0;
    }
    bool is_media = bi_media_parse(value, &media);
    if (is_media != regex_matches(&compiled, pattern, value)) {
        abort();
    }
    if (is_media) {
        write_again(&media, &text);
        if (!bi_media_parse((struct bi_view) { text.bytes, text.size }, &again)) {
            abort();
        }
        compare(&media, &again);
    }
    return 0;
}
