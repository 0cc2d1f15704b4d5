/* SPDX-License-Identifier: MIT */
/* pattern.c - patterns from text, with the column of what is wrong (A5).
 *
 * How two patterns relate is shape.c's; the table of them is routes.c's. */
#include "http/message/names.h"
#include "http/message/path.h"
#include "http/site/pattern.h"

struct parsing {
    struct bi_pattern *pattern;
    struct bi_view text;
    size_t at;
};

static bool refuse(struct parsing *parsing, size_t at, const char *why)
{
    parsing->pattern->bad_at = at;
    parsing->pattern->why = why;
    return false;
}

/* Where the first of these is, from where it is read on; `size`: nowhere. */
static size_t find(const struct parsing *parsing, char byte)
{
    const uint8_t *found = memchr(parsing->text.at + parsing->at, byte, parsing->text.size - parsing->at);
    return found != NULL ? (size_t)(found - parsing->text.at) : parsing->text.size;
}

static struct bi_view part(const struct parsing *parsing, size_t begin, size_t end)
{
    return (struct bi_view) { parsing->text.at + begin, end - begin };
}

static bool is_known_method(struct bi_view text, bool capitals)
{
    for (unsigned method = BI_METHOD_OTHER + 1; method < BI_METHOD_COUNT; method++) {
        struct bi_view known = bi_view_of(bi_method_text((enum bi_method)method));
        if (capitals ? bi_view_equal(text, known) : bi_view_equal_nocase(text, known)) {
            return true;
        }
    }
    return false;
}

static bool parse_method(struct parsing *parsing)
{
    size_t space = find(parsing, ' ');
    if (space > find(parsing, '/') || space == parsing->text.size) {
        return true;
    }
    struct bi_view method = part(parsing, 0, space);
    if (!bi_is_token(method)) {
        return refuse(parsing, 0, "what stands before the space is no method");
    }
    if (is_known_method(method, false) && !is_known_method(method, true)) {
        return refuse(parsing, 0, "methods have cases: this one is written in capitals");
    }
    parsing->pattern->method = method;
    parsing->at = space + 1;
    return true;
}

static bool check_host_byte(struct parsing *parsing, size_t at, bool is_address)
{
    static const char others[] = "-._";
    uint8_t byte = parsing->text.at[at];
    if (is_address || bi_is(byte, BI_CLASS_ALPHA | BI_CLASS_DIGIT) || memchr(others, byte, sizeof others - 1) != NULL) {
        return true;
    }
    return refuse(parsing, at,
        byte == '{'   ? "a host has no names in braces"
        : byte == ':' ? "a host in a pattern has no port: it is for all of them"
                      : "this cannot stand in a host");
}

static bool check_host(struct parsing *parsing, struct bi_view host)
{
    bool is_address = host.at[0] == '[';
    for (size_t i = 0; i < host.size; i++) {
        if (!check_host_byte(parsing, parsing->at + i, is_address)) {
            return false;
        }
    }
    return !is_address || memchr(host.at, ']', host.size) == host.at + host.size - 1 ||
           refuse(parsing, parsing->at, "this is no host");
}

static bool parse_host(struct parsing *parsing)
{
    struct bi_pattern *pattern = parsing->pattern;
    size_t end = find(parsing, '/');
    struct bi_view host = part(parsing, parsing->at, end);
    if (end == parsing->text.size) {
        return refuse(parsing, end, "there is no path: it begins with /");
    }
    if (host.size == 0) {
        return true;
    }
    if (is_known_method(host, true)) {
        return refuse(parsing, end, "a space stands behind a method");
    }
    if (!check_host(parsing, host)) {
        return false;
    }
    pattern->host = (struct bi_view) { pattern->host_room, bi_host_read(host, pattern->host_room) };
    if (pattern->host.size == 0) {
        return refuse(parsing, parsing->at, "this is no host");
    }
    parsing->at = end;
    return true;
}

static void put(struct bi_pattern *pattern, uint8_t byte)
{
    pattern->shape_room[pattern->shape.text.size++] = byte;
}

static bool is_name(struct bi_view text)
{
    for (size_t i = 0; i < text.size; i++) {
        bool letter = bi_is(text.at[i], BI_CLASS_ALPHA) || text.at[i] == '_';
        if (!letter && (i == 0 || !bi_is(text.at[i], BI_CLASS_DIGIT))) {
            return false;
        }
    }
    return text.size > 0;
}

static bool add_name(struct parsing *parsing, size_t at, struct bi_view name)
{
    struct bi_pattern *pattern = parsing->pattern;
    if (!is_name(name)) {
        return refuse(parsing, at, "a name is made of letters, digits and _, and does not begin with a digit");
    }
    for (unsigned i = 0; i < pattern->name_count; i++) {
        if (bi_view_equal(pattern->names[i], name)) {
            return refuse(parsing, at, "this name is there already");
        }
    }
    if (pattern->name_count == BI_PATTERN_NAMES) {
        return refuse(parsing, at, "there are more than 16 names");
    }
    pattern->names[pattern->name_count++] = name;
    return true;
}

/* `{name}` or `{rest...}` from `begin` to `end`, where the segment ends. */
static bool parse_name(struct parsing *parsing, size_t begin, size_t end)
{
    static const char dots[] = "...";
    const size_t dots_size = sizeof dots - 1;
    size_t close = find(parsing, '}');
    if (close >= end) {
        return refuse(parsing, begin, "there is no } behind this {");
    }
    if (close + 1 != end) {
        return refuse(parsing, close + 1, "a name in braces is a whole segment");
    }
    struct bi_view name = part(parsing, begin + 1, close);
    if (bi_view_equal(name, bi_view_of("$"))) {
        return refuse(parsing, begin, "{$} is not needed: a pattern matches the whole path");
    }
    bool is_rest = name.size >= dots_size && memcmp(name.at + name.size - dots_size, dots, dots_size) == 0;
    name.size -= is_rest ? dots_size : 0;
    if (is_rest && end != parsing->text.size) {
        return refuse(parsing, begin, "only the last segment can be the rest");
    }
    if (!is_rest) {
        put(parsing->pattern, BI_SHAPE_NAME);
    }
    parsing->pattern->shape.has_rest = is_rest;
    return add_name(parsing, begin + 1, name);
}

static bool check_literal_bytes(struct parsing *parsing, size_t begin, size_t end)
{
    for (size_t at = begin; at < end; at++) {
        uint8_t byte = parsing->text.at[at];
        if (byte == '{' || byte == '}') {
            return refuse(parsing, at, "a name in braces is a whole segment; a brace that is text is written %7B, %7D");
        }
        if (byte <= ' ' || byte == 0x7f || byte == '?' || byte == '#') {
            return refuse(parsing, at, "this is not part of a path unless it is escaped, as %3F for ?");
        }
    }
    return true;
}

static bool parse_literal(struct parsing *parsing, size_t begin, size_t end)
{
    struct bi_pattern *pattern = parsing->pattern;
    struct bi_path path;
    if (!check_literal_bytes(parsing, begin, end)) {
        return false;
    }
    pattern->shape.text.size +=
        bi_path_read_segment(&path, part(parsing, begin, end), pattern->shape_room + pattern->shape.text.size);
    return path.why == NULL || refuse(parsing, begin + path.bad_at, path.why);
}

static bool parse_segment(struct parsing *parsing)
{
    size_t begin = parsing->at;
    size_t end = find(parsing, '/');
    if (begin == end) {
        return end == parsing->text.size || refuse(parsing, begin, "only the last segment can be empty");
    }
    parsing->at = begin;
    bool parsed = parsing->text.at[begin] == '{' ? parse_name(parsing, begin, end) : parse_literal(parsing, begin, end);
    parsing->at = end;
    return parsed;
}

static bool parse_path(struct parsing *parsing)
{
    struct bi_pattern *pattern = parsing->pattern;
    pattern->shape.text.at = pattern->shape_room;
    while (parsing->at < parsing->text.size) {
        put(pattern, '/');
        parsing->at++;
        if (!parse_segment(parsing)) {
            return false;
        }
    }
    return true;
}

bool bi_pattern_parse(struct bi_pattern *pattern, struct bi_view text)
{
    struct parsing parsing = { pattern, text, 0 };
    pattern->method = pattern->host = pattern->shape.text = (struct bi_view) { NULL, 0 };
    pattern->shape.has_rest = false;
    pattern->name_count = 0;
    if (text.size > BI_PATTERN_SIZE) {
        return refuse(&parsing, BI_PATTERN_SIZE, "a pattern has at most 2048 bytes");
    }
    return parse_method(&parsing) && parse_host(&parsing) && parse_path(&parsing);
}
