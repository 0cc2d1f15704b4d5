/* SPDX-License-Identifier: MIT */
/* compose.c - an answer's bytes, whole, as its script wants them: interim responses, head, body in its framing. When
 * they are said is deliver.c's, and how many of them. */
#include <stdio.h>
#include <string.h>

#include "http/testing/misbehaving.h"

#define DEFAULT_SIZE 5
#define DEFAULT_CHUNK 1000
#define ENDLESS_LENGTH ((uint64_t)1 << 40)
#define FILLER "X-Filler: a field of a head that does not end, and is not meant to\r\n"
#define INTERIM "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"

/* What an answer is made from, and where to. The first thing that fails stays in `code`. */
struct composing {
    const struct bi_script *script;
    struct bi_answer *answer;
    unsigned status;
    bool is_head;
    struct bi_view path, query;
    struct bi_http_buffer body, repeated; /* before its framing */
    int code;
};

/* splitmix64's mixing of what tells a byte from all others. */
static uint64_t mix(uint64_t seed, uint64_t position)
{
    uint64_t mixed = seed * 0x9e3779b97f4a7c15u + position + 1;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

uint8_t bi_body_byte(uint64_t seed, uint64_t position)
{
    return (uint8_t)('a' + mix(seed, position) % 26);
}

static void add(struct composing *composing, const void *data, size_t size)
{
    if (composing->code == BIGHT_OK) {
        composing->code = bi_http_buffer_append(&composing->answer->bytes, data, size);
    }
}

static void add_text(struct composing *composing, const char *text)
{
    add(composing, text, strlen(text));
}

static void add_buffer(struct composing *composing, const struct bi_http_buffer *buffer)
{
    add(composing, bi_http_buffer_data(buffer), bi_http_buffer_size(buffer));
}

static void add_length(struct composing *composing, uint64_t length)
{
    char line[60];
    (void)snprintf(line, sizeof line, "Content-Length: %llu\r\n", (unsigned long long)length);
    add_text(composing, line);
}

/* What follows is said again and again. */
static void repeat(struct composing *composing)
{
    composing->answer->repeated = bi_http_buffer_size(&composing->answer->bytes);
    composing->answer->is_endless = true;
}

/* ------------------------------------------------------------------------------------------- the body */

static bool is_redirect(const struct bi_script *script)
{
    return bi_http_buffer_size(&script->to) > 0 || bi_choice(script->loop) != 0 ||
           (script->hops != BI_NOT_SAID && script->hops > 0);
}

static unsigned status_of(const struct bi_script *script)
{
    uint64_t said = is_redirect(script) ? script->via : script->status;
    return said != BI_NOT_SAID ? (unsigned)said : (is_redirect(script) ? 302 : 200);
}

static bool has_no_body(const struct composing *composing)
{
    unsigned status = composing->status;
    return composing->script->size == BI_NOT_SAID && (status < 200 || status == 204 || status == 304);
}

static uint64_t size_of_body(const struct composing *composing)
{
    const struct bi_script *script = composing->script;
    bool is_empty = is_redirect(script) || has_no_body(composing);
    return script->size != BI_NOT_SAID ? script->size : (is_empty ? 0 : DEFAULT_SIZE);
}

static int fill(struct bi_http_buffer *out, uint64_t seed, uint64_t size)
{
    uint8_t piece[1024];
    int code = BIGHT_OK;
    for (uint64_t from = 0; from < size && code == BIGHT_OK; from += sizeof piece) {
        size_t count = size - from < sizeof piece ? (size_t)(size - from) : sizeof piece;
        for (size_t i = 0; i < count; i++) {
            piece[i] = bi_body_byte(seed, from + i);
        }
        code = bi_http_buffer_append(out, piece, count);
    }
    return code;
}

static void make_body(struct composing *composing)
{
    const struct bi_script *script = composing->script;
    uint64_t seed = script->seed != BI_NOT_SAID ? script->seed : 0, size = size_of_body(composing);
    if (bi_choice(script->coding) == BI_BOMB) {
        composing->code = bi_gzip_bomb(&composing->body, &composing->repeated);
    } else if (bi_choice(script->coding) == BI_GZIP) {
        composing->code = bi_gzip_body(&composing->body, seed, size);
    } else {
        composing->code = fill(&composing->body, seed, size);
    }
    if (bi_choice(script->endless) == BI_ENDLESS_BODY && bi_choice(script->coding) != BI_BOMB) {
        composing->code = composing->code != BIGHT_OK ? composing->code : fill(&composing->repeated, seed, 1024);
    }
}

static bool is_chunked(const struct composing *composing)
{
    unsigned framing = bi_choice(composing->script->framing);
    return !has_no_body(composing) && (framing == BI_FRAMED_CHUNKED || framing == BI_FRAMED_BOTH);
}

static void add_chunks(struct composing *composing, const struct bi_http_buffer *body)
{
    uint64_t said = composing->script->chunk;
    size_t most = said == BI_NOT_SAID || said == 0 ? DEFAULT_CHUNK : (size_t)said;
    size_t size = bi_http_buffer_size(body);
    for (size_t piece, from = 0; from < size; from += piece) {
        char line[BI_CHUNK_LINE];
        piece = size - from < most ? size - from : most;
        add(composing, line, bi_chunk_line(line, piece));
        add(composing, bi_http_buffer_data(body) + from, piece);
        add_text(composing, "\r\n");
    }
}

static void add_part(struct composing *composing, const struct bi_http_buffer *part)
{
    if (is_chunked(composing)) {
        add_chunks(composing, part);
    } else {
        add_buffer(composing, part);
    }
}

static void add_body(struct composing *composing)
{
    if (composing->is_head && bi_choice(composing->script->bodied) == 0) {
        return;
    }
    add_part(composing, &composing->body);
    if (bi_http_buffer_size(&composing->repeated) > 0) {
        repeat(composing);
        add_part(composing, &composing->repeated);
    } else if (is_chunked(composing)) {
        add_text(composing, "0\r\n\r\n");
    }
}

/* ------------------------------------------------------------------------------------------- the head */

/* The same target, with one hop less. */
static void add_next_hop(struct composing *composing)
{
    char hops[40];
    add(composing, composing->path.at, composing->path.size);
    add_text(composing, "?");
    add(composing, composing->query.at, composing->query.size);
    if (bi_choice(composing->script->loop) == 0) {
        (void)snprintf(hops, sizeof hops, "%shops=%llu", composing->query.size > 0 ? "&" : "",
            (unsigned long long)composing->script->hops - 1);
        add_text(composing, hops);
    }
}

static void add_location(struct composing *composing)
{
    if (!is_redirect(composing->script)) {
        return;
    }
    add_text(composing, "Location: ");
    if (bi_http_buffer_size(&composing->script->to) > 0) {
        add_buffer(composing, &composing->script->to);
    } else {
        add_next_hop(composing);
    }
    add_text(composing, "\r\n");
}

static void add_framing(struct composing *composing)
{
    const struct bi_script *script = composing->script;
    unsigned framing = bi_choice(script->framing);
    bool is_endless = bi_http_buffer_size(&composing->repeated) > 0;
    uint64_t length = is_endless ? ENDLESS_LENGTH : bi_http_buffer_size(&composing->body);
    if (has_no_body(composing) && script->length == BI_NOT_SAID) {
        return;
    }
    length = script->length != BI_NOT_SAID ? script->length : length;
    if (is_chunked(composing)) {
        add_text(composing, "Transfer-Encoding: chunked\r\n");
    }
    if (framing != BI_FRAMED_CHUNKED && framing != BI_FRAMED_CLOSE) {
        add_length(composing, length);
    }
    if (framing == BI_FRAMED_TWICE) {
        add_length(composing, length + 1);
    }
}

static void add_head(struct composing *composing)
{
    const struct bi_script *script = composing->script;
    char line[80];
    (void)snprintf(line, sizeof line, "HTTP/1.1 %u %s\r\n", composing->status, composing->status == 200 ? "OK" : "So");
    add_text(composing, line);
    add_buffer(composing, &script->fields);
    add_location(composing);
    add_text(composing, bi_choice(script->coding) != BI_PLAIN ? "Content-Encoding: gzip\r\n" : "");
    if (bi_choice(script->endless) == BI_ENDLESS_HEAD) {
        repeat(composing);
        add_text(composing, FILLER);
        return;
    }
    add_framing(composing);
    add_text(composing, "\r\n");
}

static void add_interim(struct composing *composing)
{
    uint64_t count = composing->script->interim;
    for (uint64_t i = 0; count != BI_NOT_SAID && i < count && composing->code == BIGHT_OK; i++) {
        add_text(composing, INTERIM);
    }
    if (bi_choice(composing->script->endless) == BI_ENDLESS_INTERIM) {
        repeat(composing);
        add_text(composing, INTERIM);
    }
}

/* Bytes of any kind; the first two are no beginning of HTTP. */
static void add_garbage(struct composing *composing)
{
    for (uint64_t i = 0; i < composing->script->garbage && composing->code == BIGHT_OK; i++) {
        uint8_t byte = i == 0 ? 0x16 : (uint8_t)mix(1, i);
        add(composing, &byte, 1);
    }
}

static void add_all(struct composing *composing)
{
    if (composing->script->garbage != BI_NOT_SAID) {
        add_garbage(composing);
        return;
    }
    make_body(composing);
    add_interim(composing);
    if (!composing->answer->is_endless) {
        add_head(composing);
    }
    if (!composing->answer->is_endless) {
        add_body(composing);
    }
}

int bi_answer_compose(
    struct bi_answer *answer, const struct bi_script *script, bool is_head, struct bi_view path, struct bi_view query)
{
    struct composing composing = { .script = script,
        .answer = answer,
        .is_head = is_head,
        .path = path,
        .query = query,
        .status = status_of(script) };
    add_all(&composing);
    bi_http_buffer_free(&composing.body);
    bi_http_buffer_free(&composing.repeated);
    return composing.code;
}
