/* SPDX-License-Identifier: MIT */
/* test_establish.c - connections whose layers must be ready before there is a protocol (L3, L4), over memory. As
 * endpoint strings, with ports and attempts to connect, in test_knock.c. */
#include "knock.h" /* first, since its names are the usual ones */

#include "transport/transport.h"
#include "transport_support.h"

static struct bight_factory *wrapped;
static char info[512];

static void note_info(const struct bight_log_event *event, void *context)
{
    size_t used = strlen(info);
    (void)context;
    if (event->level == BIGHT_LOG_INFO) {
        snprintf(info + used, sizeof info - used, "%s\n", event->message);
    }
}

static struct bight_factory *wrap(struct bight_factory *factory, struct bight_wrapper wrapper)
{
    int code;
    struct bight_factory *made = bight_wrapped_factory_new(reactor, factory, &wrapper, &code);
    ck_assert_ptr_nonnull(made);
    return made;
}

/* A connection whose peer must knock; or, as a client, that knocks. */
static void connect_through(struct bight_factory *factory, bool accepted)
{
    struct bight_address host, from;
    (void)bight_address_parse_ip(&host, "127.0.0.1", 1234);
    (void)bight_address_parse_ip(&from, "127.0.0.1", 50000);
    peer = bight_string_connect_at(reactor, factory, accepted, &host, &from);
    ck_assert_ptr_nonnull(peer);
    protocol = bight_string_protocol(peer);
}

static void open_reactor(void)
{
    bight_log_set_level(BIGHT_LOG_INFO);
    bight_log_set_observer(note_info, NULL);
    info[0] = heard[0] = '\0';
    reactor = bight_testing_reactor_new();
}

static void begin(void)
{
    open_reactor();
    wrapped = wrap(&probe_factory, knock_wrapper("sesame", false));
    connect_through(wrapped, true);
}

/* The second wrapper stands in front of the first: as "FIRST:SECOND:..." in a string. */
static void begin_with_two(struct bight_wrapper first, struct bight_wrapper second)
{
    open_reactor();
    struct bight_factory *outer = wrap(&probe_factory, first);
    wrapped = wrap(outer, second);
    bight_wrapped_factory_release(outer);
    connect_through(wrapped, true);
}

static void end(void)
{
    bight_wrapped_factory_release(wrapped);
    bight_reactor_free(reactor);
    bight_string_peer_free(peer);
    bight_log_set_observer(NULL, NULL);
    ck_assert_uint_eq(probe_factory.connections, 0);
    ck_assert_uint_eq(probe_factory.ports, 0);
    ck_assert_uint_eq(knock_layers, 0);
    ck_assert_uint_eq(knock_doors, 0);
}

/* It has ended gracefully or with a failure, and the program has not notified of it. */
static void ck_gone(void)
{
    settle();
    ck_assert(bight_string_is_closed(peer));
    ck_heard("");
}

/* It was aborted from here. */
static void ck_cut(void)
{
    ck_assert(bight_string_was_reset(peer));
    ck_heard("");
}

START_TEST(there_is_no_protocol_before_the_layers_are_ready) /* L3 */
{
    begin();
    ck_assert_ptr_null(protocol);
    bight_string_feed_text(peer, "knock ses");
    ck_assert_ptr_null(bight_string_protocol(peer));
    ck_heard("");
    bight_string_feed_text(peer, "ame\n");
    ck_heard("made");
    ck_assert_str_eq(bight_string_written_text(peer), "enter\n");
    bight_string_feed_text(peer, "hello");
    ck_heard("data:hello");
    end();
}
END_TEST

START_TEST(what_comes_with_the_last_message_is_the_protocols) /* L3 */
{
    begin();
    bight_string_feed_text(peer, "knock sesame\nhello");
    ck_heard("made data:hello");
    bight_string_end(peer);
    settle();
    ck_heard("read-lost lost:CONNECTION_DONE");
    end();
}
END_TEST

START_TEST(an_end_behind_the_last_message_is_the_protocols) /* L3, T11 */
{
    begin();
    bight_string_feed_chunked(peer, "knock sesame\nx", 14, 1);
    bight_string_end(peer);
    settle();
    ck_heard("made data:x read-lost lost:CONNECTION_DONE");
    end();
}
END_TEST

START_TEST(a_failed_layer_costs_the_factory_nothing) /* L3 */
{
    begin();
    bight_string_feed_text(peer, "knock simsim\n");
    ck_assert_str_eq(bight_string_written_text(peer), "go away\n"); /* T5: it is flushed */
    ck_assert(bight_string_is_shut(peer));
    bight_string_end(peer);
    ck_gone();
    ck_assert_uint_eq(probe_factory.connections, 0);
    ck_assert_str_eq(info, "a connection from 127.0.0.1:50000 was not established\n");
    end();
}
END_TEST

START_TEST(a_peer_that_goes_has_failed) /* L3 */
{
    begin();
    bight_string_feed_text(peer, "knock ses");
    bight_string_end(peer);
    ck_gone();
    end();
}
END_TEST

START_TEST(a_reset_is_a_failure) /* L3 */
{
    begin();
    bight_string_reset(peer, 0);
    ck_gone();
    end();
}
END_TEST

START_TEST(it_must_be_established_in_time) /* L4 */
{
    begin();
    bight_testing_advance(reactor, 9.9);
    ck_assert(!bight_string_is_closed(peer));
    bight_testing_advance(reactor, 0.2);
    ck_cut();
    end();
}
END_TEST

START_TEST(once_established_it_has_all_the_time) /* L4 */
{
    begin();
    bight_string_feed_text(peer, "knock sesame\n");
    bight_testing_advance(reactor, 100);
    ck_heard("made");
    end();
}
END_TEST

START_TEST(a_peer_that_sends_too_much_is_cut) /* L4 */
{
    static char much[40000];
    begin();
    memset(much, 'x', sizeof much);
    bight_string_feed(peer, much, sizeof much);
    ck_assert(!bight_string_is_closed(peer));
    bight_string_feed(peer, much, sizeof much);
    ck_cut();
    end();
}
END_TEST

START_TEST(a_shutdown_ends_what_is_being_established) /* L3 */
{
    begin();
    ck_assert_uint_ne(probe_factory.ports, 0); /* T16: it is in use */
    end();
    ck_heard("");
    ck_assert_str_eq(info, ""); /* no news */
}
END_TEST

static struct bight_protocol *build_nothing(struct bight_factory *factory, const struct bight_address *from)
{
    char text[BIGHT_ADDRESS_TEXT_SIZE];
    (void)factory;
    bight_address_format(from, text, sizeof text);
    hear("%s", text);
    return NULL;
}

START_TEST(a_factory_that_refuses_closes_in_good_order) /* T15 */
{
    static const struct bight_factory_ops refusing = { .build_protocol = build_nothing };
    probe_factory.ops = &refusing;
    begin();
    bight_string_feed_text(peer, "knock sesame\n");
    ck_heard("127.0.0.1:50000");
    ck_assert_str_eq(bight_string_written_text(peer), "enter\n");
    ck_assert(bight_string_is_shut(peer));
    bight_string_end(peer);
    ck_gone();
    end();
}
END_TEST

/* ----------------------------------------------------------------------------------- several layers */

START_TEST(layers_get_ready_one_after_the_other_from_below) /* K1 */
{
    struct bight_wrapper first = knock_wrapper("outer", false);
    first.place = BIGHT_WRAPPER_BELOW;
    begin_with_two(first, knock_wrapper("inner", false));
    bight_string_feed_text(peer, "knock outer\n");
    ck_assert_str_eq(bight_string_written_text(peer), "enter\n");
    ck_heard("");
    bight_string_feed_text(peer, "knock inner\nhello");
    ck_assert_str_eq(bight_string_written_text(peer), "enter\nenter\n");
    ck_heard("made data:hello");
    end();
}
END_TEST

START_TEST(all_of_it_may_come_in_one_piece_or_bytewise) /* L3 */
{
    static const char all[] = "knock inner\nknock outer\nhello";
    for (size_t chunk = 1; chunk < sizeof all; chunk++) {
        begin_with_two(knock_wrapper("outer", false), knock_wrapper("inner", false));
        bytes_heard = 0;
        bight_string_feed_chunked(peer, all, sizeof all - 1, chunk);
        ck_assert_uint_eq(bytes_heard, 5);
        ck_assert_ptr_nonnull(bight_string_protocol(peer));
        end();
    }
}
END_TEST

START_TEST(a_client_knocks_before_its_protocol_is_made) /* L3 */
{
    open_reactor();
    wrapped = wrap(&probe_factory, knock_wrapper("sesame", true));
    connect_through(wrapped, false);
    ck_assert_str_eq(bight_string_written_text(peer), "knock sesame\n");
    ck_heard("");
    bight_string_feed_text(peer, "enter\nwelcome");
    ck_heard("made data:welcome");
    end();
}
END_TEST

START_TEST(a_layer_that_is_ready_at_once_costs_no_turn) /* L3 */
{
    knock_prepare_code = 0;
    begin();
    ck_assert_ptr_nonnull(protocol);
    ck_heard("made");
    end();
}
END_TEST

START_TEST(a_layer_that_cannot_begin_ends_the_connection) /* L3 */
{
    knock_prepare_code = BIGHT_E_TLS;
    begin();
    bight_string_end(peer);
    ck_gone();
    end();
}
END_TEST

/* -------------------------------------------------------------------------------------- other things */

static void push_a_cutting_layer(struct bight_protocol *made)
{
    push_extra_layer(made->transport, 'c');
}

START_TEST(a_layer_pushed_in_connection_made_gets_what_waited_in_order) /* L3, T19 */
{
    begin();
    on.made = push_a_cutting_layer;
    bight_string_feed_text(peer, "knock sesame\nabcd");
    ck_heard("made data:ab data:cd");
    end();
}
END_TEST

START_TEST(it_can_be_switched_in_connection_made) /* T23 */
{
    begin();
    on.made = NULL;
    bight_string_feed_text(peer, "knock sesame\n");
    struct bight_protocol *first = bight_string_protocol(peer);
    struct bight_protocol *next = bight_protocol_new(&probe_factory);
    ck_assert_int_eq(bight_transport_switch_protocol(first->transport, next, "rest", 4), 0);
    settle();
    ck_heard("made replaced made data:rest");
    end();
}
END_TEST

/* ------------------------------------------------------------------------- whom the layers have learnt of */

static const char *refused; /* the address of whom the factory does not admit */

static bool admit(struct bight_factory *factory, const struct bight_address *from)
{
    char text[BIGHT_ADDRESS_TEXT_SIZE];
    (void)factory;
    bight_address_format(from, text, sizeof text);
    hear("admit:%s", text);
    return refused == NULL || strcmp(text, refused) != 0;
}

static struct bight_protocol *build_for(struct bight_factory *factory, const struct bight_address *from)
{
    char text[BIGHT_ADDRESS_TEXT_SIZE];
    bight_address_format(from, text, sizeof text);
    hear("build:%s", text);
    return bight_protocol_new(factory);
}

static const struct bight_factory_ops choosy = { .build_protocol = build_for, .admit = admit };

static void begin_behind_a_proxy(void)
{
    static struct bight_address true_peer;
    (void)bight_address_parse_ip(&true_peer, "192.0.2.7", 4000);
    knock_peer = &true_peer;
    probe_factory.ops = &choosy;
    begin();
    bight_string_feed_text(peer, "knock sesame\n");
}

START_TEST(the_factory_is_told_of_the_peer_as_the_layers_know_it) /* L3, K4 */
{
    struct bight_address address;
    begin_behind_a_proxy();
    ck_heard("admit:192.0.2.7:4000 build:192.0.2.7:4000 made");
    ck_assert_int_eq(bight_transport_peer(bight_string_protocol(peer)->transport, &address), 0);
    ck_assert(bight_address_equal(&address, knock_peer));
    end();
}
END_TEST

START_TEST(whom_it_does_not_admit_then_is_refused) /* B4 */
{
    refused = "192.0.2.7:4000";
    begin_behind_a_proxy();
    ck_heard("admit:192.0.2.7:4000");
    ck_assert(bight_string_is_shut(peer));
    bight_string_end(peer);
    settle();
    ck_assert_str_eq(info, "a connection from 192.0.2.7:4000 was not established\n");
    end();
}
END_TEST

/* --------------------------------------------------------------------------------------------- draining */

static struct bight_transport *find_connection(void)
{
    size_t cursor = 0;
    return bi_hub_next(bi_hub_of(reactor), &cursor);
}

START_TEST(one_that_is_drained_may_become_established_and_is_told_then) /* L3, V4 */
{
    begin();
    bi_close_drain(find_connection(), true);
    settle();
    ck_assert(!bight_string_is_shut(peer));
    bight_string_feed_text(peer, "knock sesame\n");
    ck_heard("made");
    ck_assert(bight_string_is_shut(peer)); /* it does not know how to finish by itself */
    bight_string_end(peer);
    settle();
    ck_heard("lost:CONNECTION_DONE");
    end();
}
END_TEST

static bool with_faults(void *context)
{
    (void)context;
    struct bight_reactor *own = bight_testing_reactor_new();
    knock_layers = 0;
    struct bight_wrapper wrapper = knock_wrapper("sesame", false);
    struct bight_factory *factory = own == NULL ? NULL : bight_wrapped_factory_new(own, &probe_factory, &wrapper, NULL);
    if (own == NULL) {
        knock_release(wrapper.context);
    }
    struct bight_string_peer *string = factory == NULL ? NULL : bight_string_connect(own, factory, true);
    if (string != NULL) {
        bight_string_feed_text(string, "knock sesame\nhello");
        bight_string_end(string);
    }
    bight_wrapped_factory_release(factory);
    bight_reactor_free(own);
    bight_string_peer_free(string);
    return probe_factory.connections == 0 && probe_factory.ports == 0 && knock_layers == 0 && knock_doors == 0;
}

START_TEST(every_allocation_may_fail) /* D34 */
{
    ck_assert_uint_eq(bight_testing_with_faults(with_faults, NULL, 0), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("establish");
    TCase *tests = tcase_create("establish");
    tcase_add_test(tests, there_is_no_protocol_before_the_layers_are_ready);
    tcase_add_test(tests, what_comes_with_the_last_message_is_the_protocols);
    tcase_add_test(tests, an_end_behind_the_last_message_is_the_protocols);
    tcase_add_test(tests, a_failed_layer_costs_the_factory_nothing);
    tcase_add_test(tests, a_peer_that_goes_has_failed);
    tcase_add_test(tests, a_reset_is_a_failure);
    tcase_add_test(tests, it_must_be_established_in_time);
    tcase_add_test(tests, once_established_it_has_all_the_time);
    tcase_add_test(tests, a_peer_that_sends_too_much_is_cut);
    tcase_add_test(tests, a_shutdown_ends_what_is_being_established);
    tcase_add_test(tests, a_factory_that_refuses_closes_in_good_order);
    tcase_add_test(tests, layers_get_ready_one_after_the_other_from_below);
    tcase_add_test(tests, all_of_it_may_come_in_one_piece_or_bytewise);
    tcase_add_test(tests, a_client_knocks_before_its_protocol_is_made);
    tcase_add_test(tests, a_layer_that_is_ready_at_once_costs_no_turn);
    tcase_add_test(tests, a_layer_that_cannot_begin_ends_the_connection);
    tcase_add_test(tests, a_layer_pushed_in_connection_made_gets_what_waited_in_order);
    tcase_add_test(tests, it_can_be_switched_in_connection_made);
    tcase_add_test(tests, the_factory_is_told_of_the_peer_as_the_layers_know_it);
    tcase_add_test(tests, whom_it_does_not_admit_then_is_refused);
    tcase_add_test(tests, one_that_is_drained_may_become_established_and_is_told_then);
    tcase_add_test(tests, every_allocation_may_fail);
    suite_add_tcase(suite, tests);
    return bight_test_run(suite);
}
