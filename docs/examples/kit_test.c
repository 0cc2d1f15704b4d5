/* SPDX-License-Identifier: MIT */
/* kit_test.c - the pieces of docs/testing.md: reverse.c's protocol under each part of the testing kit. */
#undef NDEBUG
#include <bight/testing.h>
#include <bight/testing/trial.h>

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "reverse.h"

struct reader {
    struct bight_protocol base;
    char text[200];
    size_t size;
};

static void read_text(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct reader *reader = bight_self(struct reader, protocol);
    assert(size < sizeof reader->text - reader->size);
    memcpy(reader->text + reader->size, data, size);
    reader->size += size;
}

static const struct bight_protocol_ops reader_ops = { .data_received = read_text };
static struct bight_factory reader_factory = BIGHT_FACTORY(struct reader, &reader_ops);

static void any_chunking_gives_the_same_lines(void)
{
    for (size_t chunk = 1; chunk < 12; chunk++) {
        struct bight_reactor *reactor = bight_testing_reactor_new();
        struct bight_pair *pair = bight_pair_connect(reactor, &reverse_factory.base, &reader_factory);
        struct bight_protocol *client = bight_pair_protocol(pair, BIGHT_PAIR_CLIENT);
        bight_pair_set_chunk(pair, chunk);
        bight_transport_write(client->transport, "tide\r\n", 6);
        bight_pair_pump(pair, 0);
        assert(strcmp(bight_self(struct reader, client)->text, "ready\r\nedit\r\n") == 0);
        bight_pair_free(pair);
        bight_reactor_free(reactor);
    }
}

static void a_caller_is_served(void)
{
    struct bight_recorder *recorder = bight_recorder_new();
    struct bight_reactor *reactor = bight_recorder_reactor(recorder);
    bight_serve(reactor, "tcp:8000:interface=127.0.0.1", &reverse_factory.base);
    struct bight_string_peer *caller = bight_recorder_accept(recorder, 0, NULL);
    bight_string_feed_text(caller, "tide\r\n");
    assert(strcmp(bight_string_written_text(caller), "ready\r\nedit\r\n") == 0);
    bight_string_peer_free(caller);
    bight_recorder_free(recorder);
}

static void a_refused_connection_is_a_failure(void)
{
    struct bight_recorder *recorder = bight_recorder_new();
    struct bight_reactor *reactor = bight_recorder_reactor(recorder);
    struct bight_deferred *connecting = bight_connect(reactor, "tcp:192.0.2.1:8000", &reader_factory);
    bight_testing_settle(reactor, 10);
    bight_expect_no_result(connecting);
    bight_recorder_fail(recorder, 0, ECONNREFUSED);
    bight_failure_release(bight_expect_failure(connecting, BIGHT_E_CONNECTION_REFUSED));
    bight_deferred_release(connecting);
    bight_recorder_free(recorder);
}

static void fire(void *context)
{
    bight_callback(*(struct bight_promise *)context, NULL, NULL);
}

static struct bight_deferred *an_hour_passes(struct bight_reactor *reactor, void *context)
{
    struct bight_promise *promise = context;
    struct bight_deferred *hour = bight_deferred_new(promise, NULL, NULL);
    bight_call_later(reactor, 3600, fire, promise, NULL);
    return hour;
}

static void a_test_waits_for_its_deferred(void)
{
    struct bight_promise promise;
    struct bight_reactor *reactor = bight_testing_reactor_new();
    bight_trial_run(reactor, an_hour_passes, &promise, 4000);
    bight_reactor_free(reactor);
}

static bool talk(void *context)
{
    struct bight_reactor *reactor = bight_testing_reactor_new();
    (void)context;
    if (reactor == NULL) {
        return true;
    }
    struct bight_string_peer *peer = bight_string_connect(reactor, &reverse_factory.base, true);
    if (peer != NULL) {
        bight_string_feed_text(peer, "tide\r\n");
        bight_string_peer_free(peer);
    }
    bight_reactor_free(reactor);
    return true;
}

static void lack_of_memory_does_no_harm(void)
{
    assert(bight_testing_with_faults(talk, NULL, 0) == 0);
}

static bool listen_once(void *context)
{
    struct bight_faulty_system faulty;
    bight_faulty_system_init(&faulty, NULL);
    struct bight_reactor_options options = { .size = sizeof options, .system = &faulty.system };
    struct bight_reactor *reactor = bight_reactor_new_full(&options);
    (void)context;
    if (reactor == NULL) {
        return bight_testing_system_fault_injected();
    }
    struct bight_deferred *listening = bight_listen(reactor, "tcp:0:interface=127.0.0.1", &reverse_factory.base);
    bool well = bight_deferred_has_fired(listening);
    bight_result_clear(bight_deferred_result(listening));
    bight_deferred_release(listening);
    bight_reactor_free(reactor);
    return well;
}

static void calls_that_fail_do_no_harm(void)
{
    assert(bight_testing_with_system_faults(listen_once, NULL, NULL) == 0);
}

static void be_silent(const struct bight_log_event *event, void *context)
{
    (void)event;
    (void)context;
}

int main(void)
{
    reverse_factory.limit = 512;
    any_chunking_gives_the_same_lines();
    a_caller_is_served();
    a_refused_connection_is_a_failure();
    a_test_waits_for_its_deferred();
    bight_log_set_observer(be_silent, NULL); /* what fails on purpose is logged */
    lack_of_memory_does_no_harm();
    calls_that_fail_do_no_harm();
    return 0;
}
