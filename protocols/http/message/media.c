/* SPDX-License-Identifier: MIT */
/* media.c - media types and their parameters, as Content-Type has them (RFC 9110, section 8.3.1).
 *
 * Which of several a client wants is accept.c's. */
#include "http/message/media.h"

/* Takes semicolons and white space. False: there was no semicolon, so that nothing may follow. */
static bool take_separator(struct bi_view *text)
{
    bool separated = false;
    bi_skip_space(text);
    while (bi_take_byte(text, ';')) {
        separated = true;
        bi_skip_space(text);
    }
    return separated;
}

static bool take_value(struct bi_view *text, struct bi_parameter *parameter)
{
    parameter->quoted = bi_take_quoted(text, &parameter->value);
    return parameter->quoted || bi_take_token(text, &parameter->value);
}

enum bi_parameter_result bi_parameter_next(struct bi_view *text, struct bi_parameter *parameter)
{
    struct bi_view rest = *text;
    bool separated = take_separator(&rest);
    if (rest.size == 0) {
        *text = rest;
        return BI_PARAMETER_END;
    }
    if (!separated || !bi_take_token(&rest, &parameter->name) || !bi_take_byte(&rest, '=') ||
        !take_value(&rest, parameter)) {
        return BI_PARAMETER_MALFORMED;
    }
    *text = rest;
    return BI_PARAMETER_NEXT;
}

bool bi_media_parse(struct bi_view text, struct bi_media_type *media)
{
    struct bi_parameter parameter;
    enum bi_parameter_result result;
    if (!bi_take_token(&text, &media->type) || !bi_take_byte(&text, '/') || !bi_take_token(&text, &media->subtype)) {
        return false;
    }
    media->parameters = text;
    do {
        result = bi_parameter_next(&text, &parameter);
    } while (result == BI_PARAMETER_NEXT);
    return result == BI_PARAMETER_END;
}

bool bi_media_is(const struct bi_media_type *media, const char *name)
{
    struct bi_view subtype = bi_view_of(name), type = { subtype.at, 0 };
    return bi_take_token(&subtype, &type) && bi_take_byte(&subtype, '/') && bi_view_equal_nocase(media->type, type) &&
           bi_view_equal_nocase(media->subtype, subtype);
}

bool bi_media_parameter(const struct bi_media_type *media, const char *name, struct bi_parameter *parameter)
{
    struct bi_view text = media->parameters, wanted = bi_view_of(name);
    while (bi_parameter_next(&text, parameter) == BI_PARAMETER_NEXT) {
        if (bi_view_equal_nocase(parameter->name, wanted)) {
            return true;
        }
    }
    return false;
}

size_t bi_media_charset(const struct bi_media_type *media, uint8_t *buffer, size_t room)
{
    struct bi_parameter parameter;
    if (!bi_media_parameter(media, "charset", &parameter)) {
        return 0;
    }
    size_t size = bi_unquote(parameter.value, buffer, room);
    for (size_t at = 0; at < size && at < room; at++) {
        buffer[at] = bi_lower(buffer[at]);
    }
    return size;
}

/* Takes a byte of what the value means. */
static uint8_t take_meant(struct bi_view *value)
{
    (void)bi_take(value, value->at[0] == '\\' && value->size > 1 ? 1 : 0);
    return bi_lower(*bi_take(value, 1).at);
}

bool bi_parameter_value_equal(struct bi_view one, struct bi_view other)
{
    while (one.size > 0 && other.size > 0) {
        if (take_meant(&one) != take_meant(&other)) {
            return false;
        }
    }
    return one.size == other.size;
}
