/* SPDX-License-Identifier: MIT */
/* api_http_client.c - those who ask the sites: requests of every kind, whole, cut, broken, one behind the other; they
 * stop reading, leave at any moment, and read all that comes.
 *
 * What comes is a message of HTTP whatever the server's program has done, or less than one and then the end. An answer
 * that says that it is ours has just the bytes that were written. */
#include "api_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/client/response_reader.h"
#include "http/coding/gzip.h"

enum { ASKERS = 40, MAX_ASKED = 64 };

static struct asker {
    struct bight_protocol base;
    unsigned id;
    bool made, lost, is_deaf, is_broken; /* is_deaf: what comes is not read; is_broken: nothing more can be asked */
    enum bi_method methods[MAX_ASKED];   /* asked, and not answered */
    unsigned asked, answered;
    char cookie[5000];                 /* "name=value", of its session */
    struct bi_response_reader *reader; /* of the next answer */
} * askers[ASKERS];
static unsigned asker_count;
static struct bight_factory factory;

/* ------------------------------------------------------------------------------------------- answers */

/* Without its coding, as it is sent to who accepts one. Stays until the next call. */
static const uint8_t *unpack(const struct asker *asker, const uint8_t *data, size_t *size)
{
    static uint8_t text[1 << 20];
    struct bi_inflater *inflater = bi_inflater_new();
    struct bi_view rest = { data, *size };
    size_t room = sizeof text;
    enum bi_inflate_result result = bi_inflater_read(inflater, &rest, text, &room);
    if (result != BI_INFLATE_MORE || !bi_inflater_is_whole(inflater)) {
        fuzz_fail("asker %u gets what is no gzip, after %zu bytes", asker->id, room);
    }
    bi_inflater_free(inflater);
    *size = room;
    return text;
}

static void keep_cookie(struct asker *asker, struct bight_http_response *response)
{
    const char *cookie = bight_http_response_field(response, "Set-Cookie");
    if (cookie != NULL) {
        (void)snprintf(asker->cookie, sizeof asker->cookie, "%.*s", (int)strcspn(cookie, ";"), cookie);
    }
}

static void check_answer_of(struct asker *asker, struct bight_http_response *response, enum bi_method method)
{
    struct description description;
    const uint8_t *data = bight_bytes_data(bight_http_response_body(response));
    size_t size = bight_bytes_size(bight_http_response_body(response));
    describe(response, &description);
    keep_cookie(asker, response);
    if (method == BI_METHOD_HEAD) {
        return;
    }
    if (size > 0 && bight_http_response_field(response, "Content-Encoding") != NULL) {
        data = unpack(asker, data, &size);
    }
    check_content(&description, data, size);
}

static void begin_reader(struct asker *asker)
{
    bi_response_reader_init(asker->reader);
    asker->reader->limit = (size_t)64 << 20;
    asker->reader->upgrades = true;
}

static void take_answer(struct asker *asker)
{
    struct bight_http_response *response = bi_response_reader_take(asker->reader);
    fuzz_tell(world.tape, "-> asker %u is answered %d", asker->id, bight_http_response_status(response));
    if (asker->answered >= asker->asked && !asker->is_broken && bight_http_response_status(response) != 408) {
        fuzz_fail("asker %u is answered %d, and has not asked", asker->id, bight_http_response_status(response));
    }
    check_answer_of(asker, response, asker->reader->asked);
    asker->answered++;
    /* To half of a head the server answers 408 and knows nothing of HEAD. */
    asker->is_deaf = bight_http_response_status(response) == 101 || bight_http_response_status(response) == 408;
    bight_http_response_release(response);
    bi_response_reader_finish(asker->reader);
    begin_reader(asker);
}

static void check_reader(const struct asker *asker)
{
    if (asker->reader->state == BI_READER_FAILED && asker->reader->code != BIGHT_E_INCOMPLETE) {
        fuzz_fail("asker %u gets what is no answer: %s", asker->id, asker->reader->why);
    }
}

static void received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct asker *asker = (struct asker *)protocol;
    size_t used = 0;
    while (used < size && !asker->is_deaf) {
        asker->reader->asked = asker->answered < asker->asked ? asker->methods[asker->answered] : BI_METHOD_GET;
        used += bi_response_reader_feed(asker->reader, data + used, size - used);
        check_reader(asker);
        if (asker->reader->state == BI_READER_WHOLE) {
            take_answer(asker);
        }
    }
    act_inside(asker->id * 283u + asker->answered, NULL);
}

static bool read_lost(struct bight_protocol *protocol)
{
    struct asker *asker = (struct asker *)protocol;
    bi_response_reader_end(asker->reader);
    if (asker->reader->state == BI_READER_WHOLE) {
        take_answer(asker);
    }
    return false;
}

static void made(struct bight_protocol *protocol)
{
    ((struct asker *)protocol)->made = true;
}

static void lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct asker *asker = (struct asker *)protocol;
    (void)reason;
    asker->lost = true;
    act_inside(asker->id * 293u, NULL);
}

static const struct bight_protocol_ops asker_ops = {
    .connection_made = made,
    .data_received = received,
    .read_connection_lost = read_lost,
    .connection_lost = lost,
};

static struct bight_protocol *build(struct bight_factory *from, const struct bight_address *peer)
{
    struct asker *asker = asker_count < ASKERS ? (struct asker *)bight_protocol_new(from) : NULL;
    (void)peer;
    if (asker == NULL) {
        return NULL;
    }
    asker->id = asker_count;
    asker->reader = malloc(sizeof *asker->reader);
    begin_reader(asker);
    askers[asker_count++] = asker;
    return bight_protocol_hold(&asker->base);
}

static const struct bight_factory_ops factory_ops = { .build_protocol = build };

/* ------------------------------------------------------------------------------------------- requests */

/* Those in front lead to a handler if there is a site. */
static const char *const paths[] = { "/all/a/b", "/all/?a=%20b", "/all/files/small.s", "/coroutine",
    "/all/files/large.l", "/all/c", "/all/files/", "/all/files/sub", "/all/files/sub/", "/all/files/none",
    "/m/all/files/large.l", "/m/all/x", "/m/n/all/x", "/get", "/post", "/nowhere", "/get/", "/new/a%2Fb?a=1" };
enum { PATHS = sizeof paths / sizeof *paths, GOOD_PATHS = 5 };

/* A form is made as a whole, and once for all that ask behind each other. */
uint8_t body_byte(unsigned number, uint32_t position)
{
    static char form[MAX_BODY];
    static unsigned made = ASKS;
    static enum form made_as;
    const struct ask *ask = &http.asks[number];
    if (ask->form == NO_FORM) {
        return http_byte(number, position);
    }
    if (made != number || made_as != ask->form) {
        (void)make_form(form, number, ask->form == MULTIPART);
        made = number;
        made_as = ask->form;
    }
    return (uint8_t)form[position];
}

static uint32_t choose_body(struct fuzz_operation *operation, unsigned number, enum form form)
{
    static const uint32_t sizes[] = { 0, 1, 100, 3000, 30000, MAX_BODY };
    static char text[MAX_BODY];
    return form != NO_FORM ? (uint32_t)make_form(text, number, form == MULTIPART) : sizes[fuzz_choose(operation, 6)];
}

static size_t add_fields(const struct asker *asker, struct fuzz_operation *operation, char *text)
{
    static const char *const ranges[] = { "bytes=0-9", "bytes=100-", "bytes=-20", "bytes=9-1,2",
        "bytes=140000-200000" };
    size_t at = 0;
    if (asker->cookie[0] != '\0') {
        at += (size_t)sprintf(text + at, "Cookie: %s\r\n", asker->cookie);
    }
    at += fuzz_choose(operation, 3) == 0 ? (size_t)sprintf(text + at, "Accept-Encoding: gzip\r\n") : 0;
    at += fuzz_choose(operation, 8) == 0 ? (size_t)sprintf(text + at, "Last-Event-ID: \xc3\xa9%c\r\n", "a\xff"[at % 2])
                                         : 0;
    return at + (fuzz_choose(operation, 4) == 0
                        ? (size_t)sprintf(text + at, "Range: %s\r\n", ranges[fuzz_choose(operation, 5)])
                        : 0);
}

static size_t add_body(char *text, const struct ask *ask, unsigned number, bool chunked, size_t sent)
{
    size_t at = 0;
    for (size_t done = 0; done < sent;) {
        size_t piece = chunked && sent - done > 700 ? 700 : sent - done;
        at += chunked ? (size_t)snprintf(text + at, 20, "%zx\r\n", piece) : 0;
        for (size_t i = 0; i < piece; i++) {
            text[at++] = (char)body_byte(number, (uint32_t)(done + i));
        }
        at += chunked ? (size_t)sprintf(text + at, "\r\n") : 0;
        done += piece;
    }
    if (chunked && sent == ask->size) {
        at += (size_t)sprintf(text + at, "0\r\nX-Trailer: a\r\n\r\n");
    }
    return at;
}

/* A request whose head is whole; its body may be cut. Returns its size. */
static size_t make_request(struct asker *asker, struct fuzz_operation *operation, char *text)
{
    static const char *const methods[] = { "GET", "POST", "HEAD", "POST", "OPTIONS", "PUT" };
    struct ask *ask = &http.asks[http.ask_count];
    unsigned number = http.ask_count++, method = fuzz_choose(operation, 6);
    bool has_body = method % 2 == 1, chunked = fuzz_choose(operation, 2) == 0, expects = fuzz_choose(operation, 5) == 0;
    bool is_old = !(has_body && chunked) && fuzz_choose(operation, 6) == 0;
    bool upgrades = !has_body && fuzz_choose(operation, 4) == 0;
    enum form form = has_body ? (enum form)fuzz_choose(operation, 3) : NO_FORM;
    *ask = (struct ask) { .asker = asker->id, .form = form };
    ask->size = has_body ? choose_body(operation, number, form) : 0;
    size_t sent = fuzz_choose(operation, 6) == 0 ? ask->size / 2 : ask->size;
    ask->is_cut = asker->is_broken = sent < ask->size;
    asker->methods[asker->asked++] = strcmp(methods[method], "HEAD") == 0 ? BI_METHOD_HEAD : BI_METHOD_GET;
    size_t at = (size_t)sprintf(text, "%s %s HTTP/1.%d\r\nHost: %s\r\nX-Ask: %u\r\n", methods[method],
        paths[fuzz_choose(operation, fuzz_choose(operation, 3) == 0 ? PATHS : GOOD_PATHS)], !is_old,
        fuzz_choose(operation, 5) == 0 ? "h.org" : "server", number);
    if (has_body && chunked) {
        at += (size_t)sprintf(text + at, "Transfer-Encoding: chunked\r\n");
    } else if (has_body) {
        at += (size_t)sprintf(text + at, "Content-Length: %u\r\n", ask->size);
    }
    at += form != NO_FORM ? (size_t)sprintf(text + at, "%s", form_type(form == MULTIPART)) : 0;
    struct fuzz_operation more = { .detail = (uint32_t)draw_from(number * 419u) };
    at += add_fields(asker, &more, text + at);
    at += (size_t)sprintf(text + at, "%s%s%s\r\n", has_body && expects ? "Expect: 100-continue\r\n" : "",
        upgrades ? "Connection: upgrade\r\nUpgrade: echo\r\n" : "",
        fuzz_choose(operation, 8) == 0 && !upgrades ? "Connection: close\r\n" : "");
    return at + (has_body ? add_body(text + at, ask, number, chunked, sent) : 0);
}

static struct asker *find_asker(uint64_t subject)
{
    for (unsigned i = 0; i < asker_count && !world.is_ending; i++) {
        struct asker *asker = askers[(subject + i) % asker_count];
        if (asker->made && !asker->lost) {
            return asker;
        }
    }
    return NULL;
}

static void say(struct asker *asker, struct fuzz_operation *operation)
{
    static char text[MAX_BODY * 2 + 8000];
    static const char *const broken[] = { "GET", " / HTTP/1.1\r\n", "\r\n", "GET / HTTP/3.0\r\n\r\n", "0\r\n\r\n" };
    if (asker->is_broken || asker->asked == MAX_ASKED || http.ask_count == ASKS) {
        return;
    }
    if (fuzz_choose(operation, 12) == 0) {
        const char *bytes = broken[fuzz_choose(operation, 5)];
        asker->is_broken = true;
        (void)bight_transport_write(asker->base.transport, bytes, strlen(bytes));
        return;
    }
    size_t size = make_request(asker, operation, text);
    (void)bight_transport_write(asker->base.transport, text, size);
}

static void connect_asker(struct fuzz_operation *operation)
{
    static const char *const endpoints[SITES] = { "tcp:server:301", "tcp:server:302", "tcp:server:303" };
    struct item *item = new_item("asker's connection", 1);
    if (item != NULL) {
        watch_deferred(item, bight_connect(world.reactors[1], endpoints[fuzz_choose(operation, SITES)], &factory));
    }
}

void act_ask(struct fuzz_operation *operation, void *context)
{
    struct asker *asker = find_asker(operation->subject);
    unsigned count = 1 + (fuzz_choose(operation, 4) == 0 ? fuzz_choose(operation, 5) : 0);
    (void)context;
    if (world.is_ending) {
        return;
    }
    if (asker == NULL || fuzz_choose(operation, 6) == 0) {
        connect_asker(operation);
        return;
    }
    uint64_t salt = operation->position * 307u;
    while (count-- > 0) {
        struct fuzz_operation drawn = { .detail = (uint32_t)draw_from(salt + count) };
        say(asker, &drawn);
    }
}

void act_leave(struct fuzz_operation *operation, void *context)
{
    struct asker *asker = find_asker(operation->subject);
    (void)context;
    if (asker == NULL) {
        return;
    }
    struct bight_transport *transport = asker->base.transport;
    switch (fuzz_choose(operation, 6)) {
    case 0:
        (void)bight_transport_lose_connection(transport);
        break;
    case 1:
        (void)bight_transport_abort_connection(transport);
        break;
    case 2:
        (void)bight_transport_lose_write(transport);
        break;
    case 3:
        (void)bight_transport_pause(transport);
        break;
    default:
        (void)bight_transport_resume(transport);
        break;
    }
}

/* ----------------------------------------------------------------------------------------- the part */

static void begin(void)
{
    memset(askers, 0, sizeof askers);
    asker_count = 0;
    factory = (struct bight_factory)BIGHT_FACTORY(struct asker, &asker_ops);
    factory.ops = &factory_ops;
}

static void check(void)
{
}

static void end(void)
{
    for (unsigned i = 0; i < asker_count; i++) {
        if (askers[i]->made && !askers[i]->lost) {
            (void)bight_transport_abort_connection(askers[i]->base.transport);
        }
    }
}

static void finish(void)
{
    for (unsigned i = 0; i < asker_count; i++) {
        if (askers[i]->made && !askers[i]->lost) {
            fuzz_fail("asker %u was never lost", i);
        }
        bi_response_reader_finish(askers[i]->reader);
        free(askers[i]->reader);
        bight_protocol_release(&askers[i]->base);
    }
    if (factory.connections > 0) {
        fuzz_fail("askers are left: %u", factory.connections);
    }
}

const struct part http_client_part = { begin, check, end, finish };
