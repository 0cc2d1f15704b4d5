/* SPDX-License-Identifier: MIT */
/* fuzz_http_llhttp.c - requests read by the codec and by llhttp, node's parser: what both take, both understand alike.
 *
 * It is built where llhttp's C sources are, which Debian's package node-llhttp has. What only the codec refuses is its
 * strictness, see docs/http_refused.md. What only llhttp refuses has to be one of what is known and harmless:
 * is_known_to_differ says what and why.
 *
 * Compared are, message by message, method, target, version, fields, trailers, body, and where it ends. */
#include "http_stream.h"

#include <llhttp.h>
#include <stdio.h>

#include "fuzz.h"

/* What was understood, as text: a line for each event. */
struct account {
    char text[1 << 16];
    size_t size;
    size_t complete; /* of the text: as far as messages have ended */
    char last;       /* the event before: parts of one body, or of one value, belong together */
};

static void write_down(struct account *account, char event, const void *data, size_t size)
{
    if (account->last != event || event == '.' || event == 'N' || event == 'M') {
        account->text[account->size++] = '\n';
        account->text[account->size++] = event;
    }
    account->last = event;
    if (size > 0) {
        memcpy(account->text + account->size, data, size);
        account->size += size;
    }
}

static struct account ours, theirs;

/* Of ours, what llhttp tells of as well. */
static void note_event(struct stream *stream, char event, const void *data, size_t size)
{
    char minor = (char)('0' + stream->head.minor);
    if (event == 'v') {
        write_down(&ours, 'v', &minor, 1);
    } else if (strchr("MTNVB.", event) != NULL) {
        write_down(&ours, event, data, size);
    }
    ours.complete = event == '.' ? ours.size : ours.complete;
}

static int hear_method(llhttp_t *parser, const char *at, size_t size)
{
    (void)parser;
    write_down(&theirs, 'M', at, size);
    return 0;
}

static int hear_url(llhttp_t *parser, const char *at, size_t size)
{
    (void)parser;
    write_down(&theirs, 'T', at, size);
    return 0;
}

static int hear_version(llhttp_t *parser)
{
    char minor = (char)('0' + llhttp_get_http_minor(parser));
    write_down(&theirs, 'v', &minor, 1);
    return 0;
}

static int hear_name(llhttp_t *parser, const char *at, size_t size)
{
    (void)parser;
    write_down(&theirs, 'N', at, size);
    return 0;
}

static int hear_value(llhttp_t *parser, const char *at, size_t size)
{
    (void)parser;
    write_down(&theirs, 'V', at, size);
    return 0;
}

/* White space behind a value is a part of it for them, and an empty one may not have been told. */
static int hear_value_end(llhttp_t *parser)
{
    (void)parser;
    write_down(&theirs, 'V', NULL, 0);
    while (theirs.text[theirs.size - 1] == ' ' || theirs.text[theirs.size - 1] == '\t') {
        theirs.size--;
    }
    return 0;
}

static int hear_body(llhttp_t *parser, const char *at, size_t size)
{
    (void)parser;
    write_down(&theirs, 'B', at, size);
    return 0;
}

static int hear_end(llhttp_t *parser)
{
    (void)parser;
    write_down(&theirs, '.', NULL, 0);
    return 0;
}

static enum llhttp_errno read_theirs(const uint8_t *data, size_t size, const char **why)
{
    llhttp_settings_t settings;
    llhttp_t parser;
    llhttp_settings_init(&settings);
    settings.on_method = hear_method;
    settings.on_url = hear_url;
    settings.on_version_complete = hear_version;
    settings.on_header_field = hear_name;
    settings.on_header_value = hear_value;
    settings.on_header_value_complete = hear_value_end;
    settings.on_body = hear_body;
    settings.on_message_complete = hear_end;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    enum llhttp_errno code = llhttp_execute(&parser, (const char *)data, size);
    *why = parser.reason != NULL ? parser.reason : "";
    return code;
}

/* Refused by them and not by us: harmless. `extended`: there may be chunk extensions. */
static bool is_known_to_differ(enum llhttp_errno code, const char *why, bool extended)
{
    switch (code) {
    case HPE_INVALID_METHOD: /* they have a list of methods; ours are tokens */
    case HPE_INVALID_CONSTANT:
    case HPE_INVALID_VERSION: /* HTTP/1.2 to 1.9, which are 1.1 (RFC 9110, section 2.5) */
    case HPE_INVALID_URL:     /* what a URL is made of; ours is whatever is visible */
        return true;
    case HPE_STRICT: /* the grammar of chunk extensions, that nobody knows; the line's end is not in doubt */
    case HPE_INVALID_CHUNK_SIZE:
        return extended && strstr(why, "chunk") != NULL;
    default:
        return false;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stream stream = {
        .kind = BI_HEAD_REQUEST, .limits = { 8192, 32768, STREAM_FIELDS }, .note = note_event
    };
    if (size < 1 || size > 8000) {
        return 0;
    }
    ours.size = ours.complete = theirs.size = 0;
    ours.last = theirs.last = 0;
    stream_read(&stream, data + 1, size - 1, size);
    const char *why;
    enum llhttp_errno code = read_theirs(data + 1, size - 1, &why);
    if (is_known_to_differ(code, why, memchr(data, ';', size) != NULL)) {
        return 0;
    }
    if (theirs.size < ours.complete || memcmp(ours.text, theirs.text, ours.complete) != 0) {
        fprintf(stderr, "OURS (%s)%.*s\nTHEIRS (%s, %s)%.*s\n", stream.why != NULL ? stream.why : "in order",
            (int)ours.complete, ours.text, llhttp_errno_name(code), why, (int)theirs.size, theirs.text);
        abort();
    }
    return 0;
}
