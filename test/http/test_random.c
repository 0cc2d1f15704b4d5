/* SPDX-License-Identifier: MIT */
/* Random conversations with a site: requests of every kind cut anywhere, handlers that answer in every way and at any
 * time, clients that stall, end and reset. Answers come whole, once and in order, and nothing stays for ever. */
#include "site_support.h"

#define CONNECTIONS 3
#define MAX_KEPT 64
#define SEEDS 300
#define FAULTY_SEEDS 20

/* ------------------------------------------------------------------------------------------------- chance */

static uint64_t state;

static unsigned below(unsigned limit)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(state >> 33) % limit;
}

static bool one_in(unsigned count)
{
    return below(count) == 0;
}

/* ------------------------------------------------------------------------------------------------ the site */

static struct bight_http_request *held[MAX_KEPT];
static size_t held_count;

static void echo_made(struct bight_protocol *protocol)
{
    if (bight_transport_set_idle_timeout(protocol->transport, 50) != BIGHT_OK) {
        (void)bight_transport_abort_connection(protocol->transport);
    }
}

static void echo_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    (void)bight_transport_write(protocol->transport, data, size);
}

static const struct bight_protocol_ops echo_ops = { .connection_made = echo_made, .data_received = echo_received };
static struct bight_factory echo_factory = BIGHT_FACTORY(struct bight_protocol, &echo_ops);

static void answer(struct bight_http_request *request)
{
    const char *id = bight_http_request_parameter(request, "id");
    id = id != NULL ? id : "none";
    if (bight_http_request_upgrades(request) && one_in(3)) {
        (void)bight_http_respond_upgrade(request, "echo", bight_protocol_new(&echo_factory));
        return;
    }
    switch (below(6)) {
    case 0:
        (void)bight_http_respond_set(request, "X-Set", "value");
        (void)bight_http_respond_text(request, 200, id);
        break;
    case 1:
        (void)bight_http_respond_begin(request, 200, NULL, (int64_t)strlen(id));
        (void)bight_http_respond_write(request, id, strlen(id));
        (void)bight_http_respond_finish(request);
        break;
    case 2:
        (void)bight_http_respond_begin(request, 200, NULL, -1);
        (void)bight_http_respond_writef(request, "%s", id);
        (void)bight_http_respond_finish(request);
        break;
    case 3:
        (void)bight_http_respond_later(request, bight_succeed(&bight_type_text, bight_strdup(id)));
        break;
    case 4:
        (void)bight_http_respond_text(request, 200, id);
        (void)bight_http_respond_text(request, 200, "twice");
        break;
    default:
        if (one_in(3)) {
            bight_http_respond_close(request);
        }
        (void)bight_http_respond_text(request, 200, id);
        break;
    }
}

static void keep(struct bight_http_request *request)
{
    if (held_count < MAX_KEPT) {
        held[held_count++] = bight_http_request_hold(request);
    }
}

/* Whatever happens to the body: sooner or later it is answered, or let go. */
static void go_on(struct bight_http_request *request)
{
    if (one_in(3)) {
        keep(request);
    } else if (!one_in(10)) {
        answer(request);
    }
}

static void read_more(struct bight_http_request *request);

static void has_come(struct bight_result *result, void *context)
{
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure != NULL) {
        (void)bight_http_respond_failure(context, failure);
    } else {
        go_on(context);
    }
    bight_result_discard(result);
}

static void has_been_read(struct bight_result *result, void *context)
{
    bool more = bight_result_failure(result) == NULL && bight_bytes_size(result->value) > 0;
    if (more && !one_in(6)) {
        read_more(context);
        bight_result_discard(result);
    } else {
        has_come(result, context);
    }
}

static void await(struct bight_deferred *deferred, bight_handler handler, struct bight_http_request *request)
{
    (void)bight_deferred_add_both(deferred, handler, request);
    if (one_in(12)) {
        bight_deferred_cancel(deferred);
    }
    bight_deferred_release(deferred);
}

static void read_more(struct bight_http_request *request)
{
    await(bight_http_request_read(request, one_in(2) ? 3 : 0), has_been_read, request);
}

static bool consume_data(struct bight_http_request *request, const uint8_t *data, size_t size, void *context)
{
    (void)data;
    (void)size;
    (void)context;
    if (one_in(8)) {
        answer(request);
    }
    if (one_in(4)) {
        keep(request);
        return false; /* resumed when it is taken up again */
    }
    return true;
}

static void consume_end(struct bight_http_request *request, void *context)
{
    (void)context;
    go_on(request);
}

static void consume_failed(struct bight_http_request *request, const struct bight_failure *failure, void *context)
{
    (void)context;
    (void)bight_http_respond_failure(request, bight_failure_hold((struct bight_failure *)(uintptr_t)failure));
}

static const struct bight_http_consumer consumer = {
    .size = sizeof consumer, .data = consume_data, .end = consume_end, .failed = consume_failed
};

static void use(struct bight_http_request *request)
{
    switch (below(8)) {
    case 0:
        await(bight_http_request_collect(request, one_in(4) ? 5 : 0), has_come, request);
        break;
    case 1:
        read_more(request);
        break;
    case 2:
        (void)bight_http_request_consume(request, 0, &consumer, NULL);
        break;
    case 3:
        await(bight_http_request_collect(request, 0), has_come, request);
        answer(request);
        break;
    default:
        go_on(request);
        break;
    }
}

static void handle(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_request_field(request, "Host");
    if (one_in(100)) {
        bight_http_respond_abort(request);
    } else if (bight_http_request_upgrades(request) && one_in(2)) {
        (void)bight_http_respond_upgrade(request, "echo", bight_protocol_new(&echo_factory));
    } else {
        use(request);
    }
}

/* Takes up a request that was kept: it may have gone long ago. */
static void take_up(void)
{
    if (held_count > 0) {
        size_t index = below((unsigned)held_count);
        struct bight_http_request *request = held[index];
        held[index] = held[--held_count];
        bight_http_request_resume(request);
        if (!one_in(5)) {
            answer(request);
        }
        bight_http_request_release(request);
    }
}

/* --------------------------------------------------------------------------------------------- the clients */

static struct client {
    struct bight_string_peer *peer;
    char said[65536];
    size_t size, fed, asked;
    bool is_slow;
} clients[CONNECTIONS];

static void put(struct client *client, const char *text)
{
    size_t size = strlen(text);
    if (client->size + size < sizeof client->said) {
        memcpy(client->said + client->size, text, size);
        client->size += size;
    }
}

static void put_body(struct client *client)
{
    char text[64];
    unsigned size = below(40);
    const char *expect = one_in(4) ? "Expect: 100-continue\r\n" : "";
    if (one_in(2)) {
        (void)snprintf(text, sizeof text, "Content-Length: %u\r\n%s\r\n", size, expect);
        put(client, text);
        for (unsigned i = 0; i < size; i++) {
            put(client, "b");
        }
        return;
    }
    put(client, "Transfer-Encoding: chunked\r\n");
    put(client, expect);
    put(client, "\r\n");
    for (unsigned i = 0; i < size % 5; i++) {
        put(client, "5;x=y\r\nGET /\r\n");
    }
    put(client, one_in(2) ? "0\r\n\r\n" : "0\r\nA: b\r\n\r\n");
}

static void put_request(struct client *client)
{
    char text[64];
    bool is_post = one_in(2);
    if (one_in(40)) {
        put(client, "NONSENSE\r\n\r\n");
    }
    (void)snprintf(text, sizeof text, "%s /%05zu HTTP/1.1\r\nHost: x\r\n", is_post ? "POST" : "GET", ++client->asked);
    put(client, text);
    if (one_in(30)) {
        put(client, "Connection: close\r\n");
    }
    if (one_in(15)) {
        put(client, "Connection: upgrade\r\nUpgrade: echo\r\n");
    }
    if (is_post) {
        put_body(client);
    } else {
        put(client, "\r\n");
    }
}

/* With so many requests at most; false: when out of memory. */
static bool begin_client(struct client *client, unsigned most)
{
    *client = (struct client) { .peer = bight_string_connect(reactor, bight_http_site_factory(site), true) };
    if (client->peer == NULL) {
        return false;
    }
    for (unsigned count = 1 + below(most); count > 0; count--) {
        put_request(client);
    }
    client->is_slow = one_in(4);
    if (client->is_slow) {
        bight_string_set_window(client->peer, below(300));
    }
    return true;
}

static void feed(struct client *client)
{
    size_t left = client->size - client->fed;
    size_t piece = left == 0 ? 0 : 1 + below(one_in(3) ? 5 : 400);
    piece = piece < left ? piece : left;
    if (piece > 0 && !bight_string_is_closed(client->peer)) {
        (void)bight_string_feed(client->peer, client->said + client->fed, piece);
        client->fed += piece;
    }
}

/* The ids of the bodies stand in the order of the requests, each once. */
static void check_order(struct client *client)
{
    size_t size;
    const uint8_t *written = bight_string_written(client->peer, &size);
    unsigned last = 0;
    size = written != NULL ? size : 0;
    for (size_t at = 0; at + 9 <= size; at++) {
        unsigned id;
        char text[8];
        bool is_body = memcmp(written + at, "\r\n0", 3) == 0 && at + 7 <= size;
        if (is_body) {
            memcpy(text, written + at + 2, 5);
            text[5] = '\0';
            if (strspn(text, "0123456789") == 5 && sscanf(text, "%u", &id) == 1) {
                ck_assert_uint_gt(id, last);
                last = id;
            }
        }
    }
    ck_assert(size == 0 || memmem(written, size, "twice", 5) == NULL);
}

static void drain(struct bight_protocol *protocol)
{
    if (protocol != NULL && protocol->ops->drain != NULL) {
        (void)protocol->ops->drain(protocol);
    }
}

static void act(struct client *client)
{
    switch (below(30)) {
    case 0:
        bight_testing_advance(reactor, below(40));
        break;
    case 1:
        if (one_in(8)) {
            bight_string_end(client->peer);
        }
        break;
    case 2:
        if (one_in(10)) {
            bight_string_reset(client->peer, 0);
        }
        break;
    case 3:
        if (one_in(20)) {
            drain(bight_string_protocol(client->peer));
        }
        break;
    case 4:
        if (client->is_slow) {
            bight_string_set_window(client->peer, one_in(3) ? SIZE_MAX : below(300));
        }
        break;
    case 5:
    case 6:
    case 7:
    case 8:
        take_up();
        break;
    default:
        feed(client);
        break;
    }
}

/* Time passes, and what is kept meanwhile is taken up. */
static void end_all(void)
{
    for (unsigned round = 0; round < 100 && (round < 10 || held_count > 0); round++) {
        while (held_count > 0) {
            take_up();
        }
        bight_testing_advance(reactor, 100);
    }
}

static bool set_up(int seed)
{
    struct bight_http_site_options options = { .size = sizeof options, .half_close = seed % 2 == 1 };
    state = (uint64_t)seed * 7919 + 1;
    held_count = 0;
    memset(clients, 0, sizeof clients);
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new_full(&options);
    return reactor != NULL && bight_http_route(site, "/{id}", handle, NULL) == BIGHT_OK;
}

static void converse(unsigned steps, unsigned most)
{
    unsigned count = 0;
    while (count < CONNECTIONS && begin_client(&clients[count], most)) {
        count++;
    }
    for (; count > 0 && steps > 0; steps--) {
        act(&clients[below(count)]);
    }
    if (one_in(4)) {
        bight_http_site_free(site);
        site = NULL;
    }
    while (held_count > 0) {
        take_up();
    }
    (void)bight_testing_settle(reactor, 1000);
    for (unsigned i = 0; i < count; i++) {
        check_order(&clients[i]);
        bight_string_set_window(clients[i].peer, 0);
    }
    end_all();
}

/* True when no connection is left. */
static bool tear_down(void)
{
    bool all_closed = true;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        all_closed = all_closed && (clients[i].peer == NULL || bight_string_is_closed(clients[i].peer));
        bight_string_peer_free(clients[i].peer);
    }
    while (held_count > 0) {
        bight_http_request_release(held[--held_count]);
    }
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    return all_closed;
}

START_TEST(answers_are_whole_and_in_order_whatever_happens) /* H1, H4, H6, A2 */
{
    ck_assert(set_up(_i));
    converse(200 + below(400), 20);
    ck_assert(tear_down());
}
END_TEST

static bool play(void *context)
{
    if (set_up(*(const int *)context)) {
        converse(100, 6);
    }
    return tear_down();
}

START_TEST(so_they_are_when_memory_is_refused) /* H6, T6 */
{
    int seed = _i;
    ck_assert_uint_eq(bight_testing_with_faults(play, &seed, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, answers_are_whole_and_in_order_whatever_happens, 0, SEEDS);
    tcase_add_loop_test(tests, so_they_are_when_memory_is_refused, 0, FAULTY_SEEDS);
}

BIGHT_TEST_MAIN("http_random", add_tests)
