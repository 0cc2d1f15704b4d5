/* SPDX-License-Identifier: MIT */
/* http.c - scenario: a site (http_site.c) and clients that speak HTTP by hand.
 *
 * They pipeline, upload with a length and in chunks, cut what they say anywhere, read slowly, half-close, fall silent,
 * talk nonsense, reset and leave. Answers come in the order of the questions, each once and byte for byte, none is cut
 * but by an abort; who did nothing wrong has all of his; who is silent is gone in time; and every request that a
 * handler was given ends. */
#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define MAX_CALLERS 10
#define MAX_ASKED 10 /* questions a caller */
#define IDLE_SECONDS 75
#define SILENT_SECONDS (IDLE_SECONDS + 60) /* after which who says nothing has been ended for long */
#define RUN_SECONDS 600

/* What a client does besides asking. PLAIN ones leave when they have their answers. */
enum act { PLAIN, HALF, IDLE, GARBAGE, CUT, RESET, LEAVE, ACTS };

struct caller {
    struct bight_protocol base;
    struct end end;
    enum act act;
    uint32_t first, count, answered; /* questions */
    bool leaves;                     /* it has ended its side, or will hear no more */
    bool is_refused;                 /* the site's last word */
    bool was_last;                   /* an answer said that it closes */
    struct text said, heard;
    size_t sent;
    double heard_at;
    struct bight_timer timer, leaving, resume, patience;
};

static struct http_world *world_of(const struct caller *caller)
{
    return caller->base.factory->context;
}

static struct audit *audit_of(const struct caller *caller)
{
    return &world_of(caller)->audit;
}

/* ------------------------------------------------------------------------------------------- composing */

static void put_chunks(struct caller *caller, uint32_t key, size_t size)
{
    struct audit *audit = audit_of(caller);
    char line[40];
    for (size_t piece, at = 0; at < size; at += piece) {
        piece = size - at <= 20 ? size - at : 1 + draw_size(audit, size - at - 1);
        (void)snprintf(line, sizeof line, "%zx%s\r\n", piece, draw(audit, 20) ? ";name=\"va;lue\"" : "");
        put(&caller->said, line);
        put_stream(&caller->said, key, at, piece);
        put(&caller->said, "\r\n");
    }
    put(&caller->said, draw(audit, 20) ? "0\r\nChecksum: none\r\n\r\n" : "0\r\n\r\n");
}

static void put_upload(struct caller *caller, uint32_t id, const struct question *question)
{
    char line[60];
    put(&caller->said, question->expects ? "Expect: 100-continue\r\n" : "");
    if (draw(audit_of(caller), 50)) {
        (void)snprintf(line, sizeof line, "Content-Length: %zu\r\n\r\n", question->upload);
        put(&caller->said, line);
        put_stream(&caller->said, UPLOAD_KEY + id, 0, question->upload);
    } else {
        put(&caller->said, "Transfer-Encoding: chunked\r\n\r\n");
        put_chunks(caller, UPLOAD_KEY + id, question->upload);
    }
}

static void put_question(struct caller *caller, uint32_t id, const struct question *question)
{
    struct audit *audit = audit_of(caller);
    bool uploads = question->way <= UNREAD;
    char line[100];
    (void)snprintf(line, sizeof line, "%s /%s/%lu HTTP/1.1\r\nHost: server\r\n",
        question->is_head ? "HEAD" : (uploads ? "POST" : "GET"), question->way == TIMED ? "timed" : "ask",
        (unsigned long)id);
    put(&caller->said, draw(audit, 10) ? "\r\n" : "");
    put(&caller->said, line);
    for (size_t count = draw_size(audit, 50); count > 0; count--) {
        put(&caller->said, "X-Filler: so that heads are cut as well\r\n");
    }
    if (uploads) {
        put_upload(caller, id, question);
    } else {
        put(&caller->said, "\r\n");
    }
}

/* What is never answered comes last. */
static enum way draw_way(struct audit *audit, bool is_last)
{
    enum way way = (enum way)bight_simulation_draw(audit->simulation, is_last ? NEVER + 1 : NEVER);
    return way == LET_GO || way == TIMED ? (enum way)bight_simulation_draw(audit->simulation, NEVER) : way;
}

static void put_questions(struct caller *caller)
{
    struct http_world *world = world_of(caller);
    caller->first = (uint32_t)world->question_count;
    caller->count = 1 + (uint32_t)draw_size(&world->audit, MAX_ASKED - 1);
    if (draw(&world->audit, 50)) {
        caller->count = 1 + (uint32_t)bight_simulation_draw(world->audit.simulation, MAX_ASKED);
    }
    world->question_count += caller->count;
    for (uint32_t i = 0; i < caller->count; i++) {
        struct question *question = &world->questions[caller->first + i];
        question->asker = caller->first;
        question->way = draw_way(&world->audit, i + 1 == caller->count);
        question->answer = draw_size(&world->audit, MAX_ANSWER);
        question->upload = question->way <= UNREAD ? draw_size(&world->audit, MAX_UPLOAD) : 0;
        question->expects = question->way < UNREAD && draw(&world->audit, 20);
        question->is_head = question->way > UNREAD && draw(&world->audit, 20);
        put_question(caller, caller->first + i, question);
    }
}

static void put_garbage(struct caller *caller)
{
    static const char *const words[] = { "GET / HTTP/1.1\r\nHost : x\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n",
        "GET /  HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "GET / HTTP/1.1\nHost: x\n\n", "GET / HTTP/3.0\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", "SSH-2.0-OpenSSH_9.9\r\n" };
    struct audit *audit = audit_of(caller);
    put(&caller->said, words[bight_simulation_draw(audit->simulation, sizeof words / sizeof *words)]);
    put_stream(&caller->said, 0, 0, draw_size(audit, 3000));
}

/* --------------------------------------------------------------------------------------------- hearing */

/* The value of the field in a head of `size` bytes; NULL: there is none. */
static const char *find_field(const struct text *heard, size_t size, const char *name)
{
    char line[40];
    (void)snprintf(line, sizeof line, "\r\n%s: ", name);
    const char *at = memmem(heard->data, size, line, strlen(line));
    return at == NULL ? NULL : at + strlen(line);
}

static bool has_field(const struct text *heard, size_t size, const char *name, const char *value)
{
    const char *found = find_field(heard, size, name);
    return found != NULL && strncmp(found, value, strlen(value)) == 0;
}

/* An answer's body, as it is taken apart; `used` are bytes of the message. */
struct body {
    size_t used, size;
    bool is_whole;
};

static void check_piece(const uint32_t *key, size_t from, const uint8_t *data, size_t size)
{
    if (key != NULL) {
        stream_check(*key, from, data, size);
    }
}

static struct body take_sized(const struct text *heard, size_t head, const uint32_t *key)
{
    size_t size = strtoul(find_field(heard, head, "Content-Length"), NULL, 10);
    size_t here = heard->size - head < size ? heard->size - head : size;
    check_piece(key, 0, heard->data + head, here);
    return (struct body) { .used = head + here, .size = here, .is_whole = here == size };
}

static struct body take_chunked(const struct text *heard, size_t head, const uint32_t *key)
{
    struct body body = { .used = head };
    for (;;) {
        const uint8_t *at = heard->data + body.used;
        size_t left = heard->size - body.used;
        const uint8_t *line = at == NULL || left == 0 ? NULL : memmem(at, left, "\r\n", 2);
        if (line == NULL) {
            return body;
        }
        size_t piece = strtoul((const char *)at, NULL, 16), before = (size_t)(line - at) + 2;
        if (left < before + piece + 2) {
            return body;
        }
        if (memcmp(at + before + piece, "\r\n", 2) != 0) {
            audit_wrong("a chunk that does not end with its length");
        }
        check_piece(key, body.size, at + before, piece);
        body.size += piece;
        body.used += before + piece + 2;
        body.is_whole = piece == 0;
        if (body.is_whole) {
            return body;
        }
    }
}

static struct body take_body(const struct text *heard, size_t head, bool is_head, const uint32_t *key)
{
    bool is_chunked = has_field(heard, head, "Transfer-Encoding", "chunked");
    if (is_chunked == (find_field(heard, head, "Content-Length") != NULL)) {
        audit_wrong("an answer that is framed in no way, or in two");
        return (struct body) { .used = head };
    }
    if (is_head) {
        return (struct body) { .used = head, .is_whole = true };
    }
    return is_chunked ? take_chunked(heard, head, key) : take_sized(heard, head, key);
}

static int status_for(const struct question *question)
{
    return question->way == LET_GO ? 500 : (question->way == TIMED ? 503 : 200);
}

/* Whether the site may refuse what comes next. */
static bool may_be_refused(const struct caller *caller, int status)
{
    bool has_asked_all = caller->answered == caller->count;
    return (world_of(caller)->is_freed && status == 503) || (caller->act == CUT && status == 408) ||
           (caller->act == GARBAGE && has_asked_all && status >= 400 && status <= 505);
}

/* A whole answer whose body has been compared as far as it can be. */
static void note_answer(struct caller *caller, size_t head, int status, const struct body *body)
{
    const struct question *question = &world_of(caller)->questions[caller->first + caller->answered];
    const char *id = find_field(&caller->heard, head, "X-Id");
    bool is_wanted = caller->answered < caller->count && status == status_for(question);
    if (!is_wanted && !may_be_refused(caller, status)) {
        audit_wrong("question %lu of %lu (%d) was answered with %d", (unsigned long)caller->answered,
            (unsigned long)caller->count, (int)question->way, status);
    }
    caller->is_refused = !is_wanted;
    if (is_wanted && status == 200) {
        if (id == NULL || strtoul(id, NULL, 10) != caller->first + caller->answered) {
            audit_wrong("the answer to another question");
        }
        if (!question->is_head && body->size != question->answer) {
            audit_wrong("an answer of %zu bytes instead of %zu", body->size, question->answer);
        }
    }
    caller->answered += is_wanted ? 1 : 0;
}

/* Whether an answer was whole. It is gone then. */
static bool take_answer(struct caller *caller)
{
    struct text *heard = &caller->heard;
    size_t head = find_head(heard);
    if (head == 0) {
        return false;
    }
    int status = memcmp(heard->data, "HTTP/1.1 ", 9) == 0 ? atoi((const char *)heard->data + 9) : 0;
    const struct question *question = &world_of(caller)->questions[caller->first + caller->answered];
    bool is_asked = caller->answered < caller->count;
    struct body body = { .used = head, .is_whole = true };
    if (caller->was_last || status == 0 || (status == 100 && !(is_asked && question->expects))) {
        audit_wrong("no answer is due, and one comes with status %d", status);
    } else if (status != 100) {
        uint32_t key = caller->first + caller->answered;
        body = take_body(heard, head, is_asked && question->is_head, status == 200 ? &key : NULL);
    }
    if (body.is_whole && status != 100) {
        note_answer(caller, head, status, &body);
        caller->was_last = has_field(heard, head, "Connection", "close");
    }
    if (body.is_whole) {
        text_drop(heard, body.used);
    }
    return body.is_whole && !audit_is_wrong();
}

static void go_on(void *context)
{
    (void)bight_transport_resume(((struct caller *)context)->base.transport);
}

static void is_impatient(void *context)
{
    struct caller *caller = context;
    const struct http_world *world = world_of(caller);
    if (world->questions[caller->first + caller->count - 1].way != NEVER) {
        audit_wrong("a client (%d) that said nothing for %d s is still there, with %lu of %lu answers",
            (int)caller->act, SILENT_SECONDS, (unsigned long)caller->answered, (unsigned long)caller->count);
    }
    caller->leaves = true;
    (void)bight_transport_abort_connection(caller->base.transport);
}

static void be_patient(struct caller *caller)
{
    (void)bight_timer_cancel(caller->patience);
    (void)bight_call_later(world_of(caller)->client, SILENT_SECONDS, is_impatient, caller, &caller->patience);
}

static void caller_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct caller *caller = bight_self(struct caller, protocol);
    struct audit *audit = audit_of(caller);
    end_hears(&caller->end);
    memcpy(text_room(&caller->heard, size), data, size);
    caller->heard_at = bight_simulation_now(audit->simulation);
    be_patient(caller);
    while (take_answer(caller)) {
    }
    if (caller->act == PLAIN && caller->answered == caller->count) {
        caller->leaves = true;
        (void)bight_transport_lose_connection(protocol->transport);
    } else if (draw(audit, 10) && bight_transport_pause(protocol->transport) == BIGHT_OK) {
        (void)bight_call_later(world_of(caller)->client, draw_seconds(audit, 0.5), go_on, caller, &caller->resume);
    }
}

/* --------------------------------------------------------------------------------------------- talking */

static void leave(void *context)
{
    struct caller *caller = context;
    caller->leaves = true;
    if (caller->act == RESET || world_of(caller)->half_close) { /* there an end is no leaving */
        (void)bight_transport_abort_connection(caller->base.transport);
    } else {
        (void)bight_transport_lose_connection(caller->base.transport);
    }
}

static void has_said_all(struct caller *caller)
{
    be_patient(caller);
    if (caller->act == HALF) {
        caller->leaves = !world_of(caller)->half_close;
        (void)bight_transport_lose_write(caller->base.transport);
    }
}

static void say_on(void *context)
{
    struct caller *caller = context;
    struct audit *audit = audit_of(caller);
    size_t left = caller->said.size - caller->sent;
    size_t piece = left <= 100 ? left : 1 + draw_size(audit, left - 1);
    piece = draw(audit, 20) ? left : piece;
    if (bight_transport_write(caller->base.transport, caller->said.data + caller->sent, piece) != BIGHT_OK) {
        return;
    }
    caller->sent += piece;
    if (caller->sent == caller->said.size) {
        has_said_all(caller);
        return;
    }
    (void)bight_call_later(world_of(caller)->client, draw_seconds(audit, 0.05), say_on, caller, &caller->timer);
}

static void caller_made(struct bight_protocol *protocol)
{
    struct caller *caller = bight_self(struct caller, protocol);
    struct audit *audit = audit_of(caller);
    end_made(&caller->end, protocol);
    caller->act = draw(audit, 30) ? PLAIN : (enum act)bight_simulation_draw(audit->simulation, ACTS);
    put_questions(caller);
    if (caller->act == GARBAGE) {
        put_garbage(caller);
    } else if (caller->act == CUT) {
        caller->said.size = 1 + (size_t)bight_simulation_draw(audit->simulation, caller->said.size);
    } else if (caller->act == RESET || caller->act == LEAVE) {
        (void)bight_call_later(world_of(caller)->client, draw_seconds(audit, 3), leave, caller, &caller->leaving);
    }
    say_on(caller);
}

/* ---------------------------------------------------------------------------------------------- ending */

static bool nothing_was_wrong(const struct http_world *world)
{
    return !world->trouble.resets && !world->trouble.files && !world->is_freed;
}

/* Who did nothing that ends it before. */
static bool has_a_right_to_all(const struct caller *caller)
{
    const struct http_world *world = world_of(caller);
    bool is_answered = world->questions[caller->first + caller->count - 1].way != NEVER;
    return is_answered && nothing_was_wrong(world) && caller->act != CUT && caller->act != RESET &&
           caller->act != LEAVE && (caller->act != HALF || world->half_close);
}

static void check_end(struct caller *caller)
{
    const struct http_world *world = world_of(caller);
    /* to the client's ears answers come later than they were sent, a slow one's much later */
    double silent = bight_simulation_now(world->audit.simulation) - caller->heard_at;
    /* whether a head that was cut belongs to a HEAD is seen or not */
    bool may_have_more = caller->is_refused && world->questions[caller->first + caller->answered].is_head;
    if (caller->end.reason == BIGHT_E_CONNECTION_DONE && !caller->leaves && caller->heard.size > 0 && !may_have_more) {
        audit_wrong("done, in the middle of answer %lu", (unsigned long)caller->answered);
    }
    if (has_a_right_to_all(caller) && caller->answered < caller->count) {
        audit_wrong("nothing was wrong, and a client (%d) has %lu of %lu answers: %s", (int)caller->act,
            (unsigned long)caller->answered, (unsigned long)caller->count, bight_error_name(caller->end.reason));
    }
    if (has_a_right_to_all(caller) && caller->act == GARBAGE && !caller->is_refused) {
        audit_wrong("nonsense was not refused: %s", bight_error_name(caller->end.reason));
    }
    if (has_a_right_to_all(caller) && caller->act == IDLE && !caller->was_last && silent < IDLE_SECONDS - 30) {
        audit_wrong("an idle client was ended after %.3f s", silent);
    }
}

static void caller_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct caller *caller = bight_self(struct caller, protocol);
    end_lost(&caller->end, reason);
    (void)bight_timer_cancel(caller->timer);
    (void)bight_timer_cancel(caller->leaving);
    (void)bight_timer_cancel(caller->resume);
    (void)bight_timer_cancel(caller->patience);
    check_end(caller);
    text_free(&caller->said);
    text_free(&caller->heard);
}

static const struct bight_protocol_ops caller_ops = {
    .connection_made = caller_made, .data_received = caller_received, .connection_lost = caller_lost
};

/* ------------------------------------------------------------------------------------------------ runs */

static void start_caller(void *context)
{
    struct http_world *world = context;
    bight_deferred_release(audit_connect(&world->audit, world->client, "tcp:10.0.0.1:80", &world->callers));
}

static void free_site(void *context)
{
    struct http_world *world = context;
    world->is_freed = true;
    bight_http_site_free(world->site);
    world->site = NULL;
}

static void run_http(struct http_world *world)
{
    struct audit *audit = &world->audit;
    struct bight_host *hosts[2] = { bight_simulation_host(audit->simulation, "server"),
        bight_simulation_host(audit->simulation, "client") };
    size_t count = 1 + (size_t)bight_simulation_draw(audit->simulation, MAX_CALLERS);
    world->server = audit_reactor(audit, hosts[0], 1024 * 1024);
    world->client = audit_reactor(audit, hosts[1], 1024 * 1024);
    world->half_close = draw(audit, 50);
    make_site(world);
    (void)audit_listen(audit, world->server, "tcp:80", bight_http_site_factory(world->site));
    world->trouble = draw_trouble(audit);
    set_trouble(audit, &world->trouble, hosts, 2);
    for (size_t i = 0; i < count; i++) {
        (void)bight_call_later(world->client, draw_seconds(audit, 2), start_caller, world, NULL);
    }
    if (draw(audit, 10)) {
        (void)bight_call_later(world->server, draw_seconds(audit, 4), free_site, world, NULL);
    }
    bight_simulation_run(audit->simulation, RUN_SECONDS);
    if (audit->pending != 0 || audit->made != audit->lost || world->begun != world->ended) {
        audit_wrong("something has not come to an end: %zu of %zu ends, %zu of %zu requests", audit->lost, audit->made,
            world->ended, world->begun);
    }
}

static const char *run(struct bight_simulation *simulation, void *context)
{
    struct http_world world = { .callers = BIGHT_FACTORY(struct caller, &caller_ops) };
    (void)context;
    world.callers.context = &world;
    audit_begin(&world.audit, simulation);
    world.audit.expected = "a request was released without an answer: 500";
    run_http(&world);
    const char *wrong = audit_end(&world.audit);
    bight_http_site_free(world.site);
    return wrong;
}

const struct bight_scenario http_scenario = { "http", run, NULL };
