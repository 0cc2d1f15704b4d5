/* SPDX-License-Identifier: MIT */
/* misbehaving.c - the server that misbehaves on demand: reads requests as far as it must, finds their scripts, counts.
 *
 * Of a request it knows where its head and its body end, and nothing else. While an answer is under way no request
 * behind it is looked at, but what is left of the same one is read. */
#include <bight/memory.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/testing/misbehaving.h"

#define MOST_INPUT ((size_t)64 << 10) /* a head, and what waits behind a request */

struct rule {
    struct rule *next;
    bool is_for_all;
    const char *script;
    char path[];
};

struct bight_http_misbehaving {
    struct bight_factory factory; /* first */
    struct rule *rules;
    struct rule *greeting; /* NULL: none */
    struct bight_http_misbehaving_figures figures;
    struct bi_http_buffer request; /* the last head, with a NUL behind it */
};

static struct bi_talk *talk_of(struct bight_protocol *protocol)
{
    return bight_self(struct bi_talk, protocol);
}

static bool is(struct bi_view view, const char *text)
{
    return view.size == strlen(text) && memcmp(view.at, text, view.size) == 0;
}

static struct bight_http_misbehaving *server_of(const struct bi_talk *talk)
{
    return (struct bight_http_misbehaving *)talk->base.factory;
}

/* ------------------------------------------------------------------------------------------- scripts */

static int read_script(struct bi_talk *talk, struct bi_view path, struct bi_view query)
{
    const struct rule *general = NULL, *rule = server_of(talk)->rules;
    for (; rule != NULL && (rule->is_for_all || !is(path, rule->path)); rule = rule->next) {
        general = rule->is_for_all ? rule : general;
    }
    rule = rule != NULL ? rule : general;
    bi_script_finish(&talk->script);
    bi_script_begin(&talk->script);
    int code = rule == NULL ? BIGHT_OK : bi_script_read(&talk->script, bi_view_of(rule->script), true);
    return code != BIGHT_OK ? code : bi_script_read(&talk->script, query, rule == NULL);
}

static struct bi_view before(struct bi_view text, char end)
{
    const uint8_t *at = text.size == 0 ? NULL : memchr(text.at, end, text.size);
    return (struct bi_view) { text.at, at == NULL ? text.size : (size_t)(at - text.at) };
}

static struct bi_view behind(struct bi_view text, struct bi_view part)
{
    size_t size = part.size < text.size ? part.size + 1 : text.size;
    return bi_view_from(text, size);
}

/* Composes the answer to the request with this line. */
static int compose(struct bi_talk *talk, struct bi_view line)
{
    struct bi_view method = before(line, ' '), rest = behind(line, method);
    struct bi_view target = before(rest, ' '), version = behind(rest, target);
    struct bi_view path = before(target, '?'), query = behind(target, path);
    int code = version.size == 0 ? BIGHT_E_INVALID_ARGUMENT : read_script(talk, path, query);
    if (code == BIGHT_E_INVALID_ARGUMENT) {
        bi_script_finish(&talk->script);
        bi_script_begin(&talk->script);
        talk->script.status = 400;
        server_of(talk)->figures.refused++;
        code = BIGHT_OK;
    }
    talk->answer.bytes.start = talk->answer.bytes.end = 0;
    talk->answer.is_endless = false;
    bool is_head = is(method, "HEAD");
    return code != BIGHT_OK ? code : bi_answer_compose(&talk->answer, &talk->script, is_head, path, query);
}

/* ------------------------------------------------------------------------------------------ requests */

static void consume(struct bi_talk *talk, size_t size)
{
    talk->input.start += size;
    if (talk->input.start == talk->input.end) {
        talk->input.start = talk->input.end = 0;
    }
}

static struct bi_view input_of(const struct bi_talk *talk)
{
    return (struct bi_view) { bi_http_buffer_data(&talk->input), bi_http_buffer_size(&talk->input) };
}

static const uint8_t *find(struct bi_view view, const char *text)
{
    return view.at == NULL ? NULL : memmem(view.at, view.size, text, strlen(text));
}

static void answer(struct bi_talk *talk)
{
    talk->is_handled = true;
    bi_talk_answer(talk);
}

static void request_is_whole(struct bi_talk *talk)
{
    talk->reading = BI_READS_HEAD;
    talk->is_scripted = false;
    if (!talk->is_handled) {
        bi_talk_answer(talk);
    }
    talk->is_handled = false;
}

/* The value of the field, of the last head; NULL: there is none. */
static const char *field_of(const struct bight_http_misbehaving *server, const char *name)
{
    size_t size = strlen(name);
    const char *line = strstr(bight_http_misbehaving_request(server), "\r\n");
    for (; line != NULL; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, size) == 0 && line[2 + size] == ':') {
            return line + 3 + size;
        }
    }
    return NULL;
}

static bool keep_head(struct bight_http_misbehaving *server, struct bi_view head)
{
    server->request.start = server->request.end = 0;
    return bi_http_buffer_append(&server->request, head.at, head.size) == BIGHT_OK &&
           bi_http_buffer_append(&server->request, "", 1) == BIGHT_OK;
}

static void begin_body(struct bi_talk *talk)
{
    const struct bight_http_misbehaving *server = server_of(talk);
    const char *length = field_of(server, "Content-Length"), *coding = field_of(server, "Transfer-Encoding");
    talk->body_left = length != NULL ? strtoull(length, NULL, 10) : 0;
    talk->reading = coding != NULL ? BI_READS_CHUNKS : BI_READS_BODY;
    bi_chunked_begin(&talk->chunks, true);
}

static void hear_again(void *context)
{
    (void)bight_transport_resume(((struct bi_talk *)context)->base.transport);
}

static void be_deaf(struct bi_talk *talk)
{
    struct bight_reactor *reactor = bight_transport_reactor(talk->base.transport);
    if (bight_call_later(reactor, talk->script.deaf, hear_again, talk, &talk->hearing) == BIGHT_OK) {
        (void)bight_transport_pause(talk->base.transport);
    }
}

/* The head has come: `next` may have been waiting for it. */
static void take_head(struct bi_talk *talk, size_t size)
{
    struct bight_http_misbehaving *server = server_of(talk);
    server->figures.requests++;
    if (!keep_head(server, (struct bi_view) { input_of(talk).at, size })) {
        (void)bight_transport_abort_connection(talk->base.transport);
        return;
    }
    consume(talk, size + 4);
    begin_body(talk);
    unsigned next = talk->next;
    talk->next = bi_choice(talk->script.next);
    if (next != BI_NEXT_ANSWER) {
        talk->reading = BI_READS_NOTHING;
        bi_talk_end(talk, next == BI_NEXT_CLOSE ? BI_CLOSE : (next == BI_NEXT_RESET ? BI_RESET : BI_STAY));
        return;
    }
    if (talk->script.deaf > 0 && (talk->reading == BI_READS_CHUNKS || talk->body_left > 0)) {
        be_deaf(talk);
    }
    if (!talk->is_handled && bi_choice(talk->script.when) == BI_AT_HEAD) {
        answer(talk);
    }
}

/* Whether something was taken; so the others, too. */
static bool take_line_and_head(struct bi_talk *talk)
{
    struct bi_view input = input_of(talk);
    if (input.size == 0 || (talk->is_answering && !talk->is_handled)) {
        return false;
    }
    const uint8_t *line = find(input, "\r\n"), *end = find(input, "\r\n\r\n");
    if (line != NULL && !talk->is_scripted) {
        talk->is_scripted = true;
        if (compose(talk, (struct bi_view) { input.at, (size_t)(line - input.at) }) != BIGHT_OK) {
            (void)bight_transport_abort_connection(talk->base.transport);
            return false;
        }
        if (talk->next == BI_NEXT_ANSWER && bi_choice(talk->script.when) == BI_AT_LINE) {
            answer(talk);
        }
    }
    if (end != NULL) {
        take_head(talk, (size_t)(end - input.at));
    }
    return end != NULL;
}

static bool take_body(struct bi_talk *talk)
{
    size_t here = bi_http_buffer_size(&talk->input);
    here = here < talk->body_left ? here : (size_t)talk->body_left;
    consume(talk, here);
    talk->body_left -= here;
    if (talk->body_left > 0) {
        return false;
    }
    request_is_whole(talk);
    return true;
}

static bool take_chunks(struct bi_talk *talk)
{
    struct bi_view input = input_of(talk), data;
    enum bi_chunked_result result;
    do {
        result = bi_chunked_next(&talk->chunks, &input.at, &input.size, &data.at, &data.size);
    } while (result == BI_CHUNKED_DATA);
    consume(talk, bi_http_buffer_size(&talk->input) - input.size);
    if (result == BI_CHUNKED_END) {
        talk->reading = BI_READS_TRAILERS;
    } else if (result == BI_CHUNKED_REFUSED) {
        server_of(talk)->figures.refused++;
        (void)bight_transport_lose_connection(talk->base.transport);
    }
    return result == BI_CHUNKED_END;
}

/* A line at a time; the empty one is the last. */
static bool take_trailer(struct bi_talk *talk)
{
    struct bi_view input = input_of(talk);
    const uint8_t *end = find(input, "\r\n");
    if (end == NULL) {
        return false;
    }
    consume(talk, (size_t)(end - input.at) + 2);
    if (end == input.at) {
        request_is_whole(talk);
    }
    return true;
}

static bool take_some(struct bi_talk *talk)
{
    switch (talk->reading) {
    case BI_READS_HEAD:
        return take_line_and_head(talk);
    case BI_READS_BODY:
        return take_body(talk);
    case BI_READS_CHUNKS:
        return take_chunks(talk);
    case BI_READS_TRAILERS:
        return take_trailer(talk);
    default:
        consume(talk, bi_http_buffer_size(&talk->input));
        return false;
    }
}

static void take_input(struct bi_talk *talk)
{
    if (talk->is_taking) {
        return;
    }
    talk->is_taking = true;
    while (bight_transport_is_open(talk->base.transport) && take_some(talk)) {
    }
    talk->is_taking = false;
}

/* ---------------------------------------------------------------------------------------- connections */

void bi_talk_said(struct bi_talk *talk)
{
    server_of(talk)->figures.answers++;
}

void bi_talk_ready(struct bi_talk *talk)
{
    talk->is_answering = false;
    if (talk->peer_ended) {
        (void)bight_transport_lose_connection(talk->base.transport);
        return;
    }
    take_input(talk);
    if (!bight_timer_is_pending(talk->hearing) && bi_http_buffer_size(&talk->input) <= MOST_INPUT) {
        (void)bight_transport_resume(talk->base.transport);
    }
}

static void greet(struct bi_talk *talk, const struct rule *greeting)
{
    static const struct bi_view nothing = { (const uint8_t *)"", 0 };
    if (bi_script_read(&talk->script, bi_view_of(greeting->script), true) != BIGHT_OK ||
        bi_answer_compose(&talk->answer, &talk->script, false, nothing, nothing) != BIGHT_OK) {
        (void)bight_transport_abort_connection(talk->base.transport);
        return;
    }
    bi_talk_answer(talk);
}

static void connection_made(struct bight_protocol *protocol)
{
    struct bi_talk *talk = talk_of(protocol);
    struct bight_http_misbehaving *server = server_of(talk);
    struct bight_http_misbehaving_figures *figures = &server->figures;
    bi_script_begin(&talk->script);
    figures->connections++;
    figures->open++;
    figures->most_open = figures->open > figures->most_open ? figures->open : figures->most_open;
    if (server->greeting != NULL) {
        greet(talk, server->greeting);
    }
}

static void data_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct bi_talk *talk = talk_of(protocol);
    if (bi_http_buffer_append(&talk->input, data, size) != BIGHT_OK) {
        (void)bight_transport_abort_connection(protocol->transport);
        return;
    }
    take_input(talk);
    if (bi_http_buffer_size(&talk->input) <= MOST_INPUT) {
        return;
    }
    if (talk->is_answering) {
        (void)bight_transport_pause(protocol->transport);
    } else {
        server_of(talk)->figures.refused++;
        (void)bight_transport_lose_connection(protocol->transport);
    }
}

/* Who only ends his own side gets the answer, if it has an end. */
static bool read_connection_lost(struct bight_protocol *protocol)
{
    struct bi_talk *talk = talk_of(protocol);
    talk->peer_ended = true;
    if (talk->is_answering && !talk->answer.is_endless) {
        return true;
    }
    if (talk->is_pulled) {
        (void)bight_transport_abort_connection(protocol->transport);
    }
    return false;
}

static void connection_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct bi_talk *talk = talk_of(protocol);
    struct bight_http_misbehaving_figures *figures = &server_of(talk)->figures;
    (void)reason;
    (void)bight_timer_cancel(talk->timer);
    (void)bight_timer_cancel(talk->hearing);
    figures->open--;
    figures->leftovers += talk->reading != BI_READS_HEAD || bi_http_buffer_size(&talk->input) > 0;
}

static void finish(struct bight_protocol *protocol)
{
    struct bi_talk *talk = talk_of(protocol);
    bi_script_finish(&talk->script);
    bi_http_buffer_free(&talk->answer.bytes);
    bi_http_buffer_free(&talk->input);
}

static const struct bight_protocol_ops talk_ops = {
    .connection_made = connection_made,
    .data_received = data_received,
    .read_connection_lost = read_connection_lost,
    .connection_lost = connection_lost,
    .finish = finish,
};

/* ------------------------------------------------------------------------------------------ the server */

static void free_rules(struct rule *rule)
{
    while (rule != NULL) {
        struct rule *next = rule->next;
        bight_free(rule);
        rule = next;
    }
}

static void release(struct bight_factory *factory)
{
    struct bight_http_misbehaving *server = (struct bight_http_misbehaving *)factory;
    free_rules(server->rules);
    free_rules(server->greeting);
    bi_http_buffer_free(&server->request);
    bight_free(server);
}

static const struct bight_factory_ops factory_ops = { .release = release };

struct bight_http_misbehaving *bight_http_misbehaving_new(void)
{
    struct bight_http_misbehaving *server = bight_calloc(1, sizeof *server);
    if (server != NULL) {
        server->factory = (struct bight_factory)BIGHT_FACTORY(struct bi_talk, &talk_ops);
        server->factory.ops = &factory_ops;
        (void)bight_factory_hold(&server->factory);
    }
    return server;
}

void bight_http_misbehaving_free(struct bight_http_misbehaving *server)
{
    if (server != NULL) {
        bight_factory_release(&server->factory);
    }
}

struct bight_factory *bight_http_misbehaving_factory(struct bight_http_misbehaving *server)
{
    return server != NULL ? &server->factory : NULL;
}

static int check_script(const char *script)
{
    struct bi_script read;
    bi_script_begin(&read);
    int code = bi_script_read(&read, bi_view_of(script), true);
    bi_script_finish(&read);
    return code;
}

static int new_rule(const char *path, const char *script, struct rule **rule)
{
    size_t path_size = strlen(path) + 1, script_size = strlen(script) + 1;
    int code = check_script(script);
    if (code != BIGHT_OK) {
        return code;
    }
    *rule = bight_calloc(1, sizeof **rule + path_size + script_size);
    if (*rule == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    memcpy((*rule)->path, path, path_size);
    memcpy((*rule)->path + path_size, script, script_size);
    (*rule)->script = (*rule)->path + path_size;
    return BIGHT_OK;
}

int bight_http_misbehaving_rule(struct bight_http_misbehaving *server, const char *path, const char *script)
{
    bool is_for_all = path == NULL;
    struct rule *rule = NULL, **place = server != NULL ? &server->rules : NULL;
    int code = place == NULL    ? BIGHT_E_OUT_OF_MEMORY
               : script == NULL ? BIGHT_OK
                                : new_rule(path != NULL ? path : "", script, &rule);
    if (code != BIGHT_OK) {
        return code;
    }
    path = path != NULL ? path : "";
    while (*place != NULL && ((*place)->is_for_all != is_for_all || strcmp((*place)->path, path) != 0)) {
        place = &(*place)->next;
    }
    struct rule *replaced = *place;
    *place = replaced != NULL ? replaced->next : NULL;
    bight_free(replaced);
    if (rule != NULL) {
        rule->is_for_all = is_for_all;
        rule->next = server->rules;
        server->rules = rule;
    }
    return BIGHT_OK;
}

int bight_http_misbehaving_greet(struct bight_http_misbehaving *server, const char *script)
{
    struct rule *greeting = NULL;
    int code = server == NULL ? BIGHT_E_OUT_OF_MEMORY : script == NULL ? BIGHT_OK : new_rule("", script, &greeting);
    if (code == BIGHT_OK) {
        bight_free(server->greeting);
        server->greeting = greeting;
    }
    return code;
}

bool bight_http_misbehaving_is(uint64_t seed, uint64_t from, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    size_t same = 0;
    while (same < size && bytes[same] == bi_body_byte(seed, from + same)) {
        same++;
    }
    return same == size;
}

int bight_http_misbehaving_read_figures(
    const struct bight_http_misbehaving *server, struct bight_http_misbehaving_figures *figures)
{
    size_t size = figures->size;
    if (server == NULL || size < sizeof figures->size) {
        return BIGHT_E_INVALID_ARGUMENT;
    }
    struct bight_http_misbehaving_figures all = server->figures;
    all.size = size;
    memset(figures, 0, size);
    memcpy(figures, &all, size < sizeof all ? size : sizeof all);
    return BIGHT_OK;
}

const char *bight_http_misbehaving_request(const struct bight_http_misbehaving *server)
{
    return bi_http_buffer_size(&server->request) > 0 ? (const char *)bi_http_buffer_data(&server->request) : "";
}
