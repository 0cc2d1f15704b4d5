/* SPDX-License-Identifier: MIT */
/* test_publisher.c - what is said to many: order, those who do not keep up under each policy, comings and goings. */
#include <bight/log.h>
#include <bight/publisher.h>

#include <wchar.h>

#include "transport_support.h"

enum { PEERS = 3 };

static struct bight_publisher *publisher;
static struct bight_string_peer *peers[PEERS];
static struct bight_subscription subscriptions[PEERS];

static struct bight_transport *transport_of(int i)
{
    return bight_string_protocol(peers[i])->transport;
}

static void begin(const struct bight_publisher_options *options)
{
    reactor = bight_testing_reactor_new();
    publisher = bight_publisher_new(options);
    ck_assert_ptr_nonnull(publisher);
    for (int i = 0; i < PEERS; i++) {
        peers[i] = bight_string_connect(reactor, &probe_factory, true);
        struct bight_protocol *each = bight_string_protocol(peers[i]);
        ck_assert_int_eq(bight_transport_set_watermarks(each->transport, 2, 4), 0);
        ck_assert_int_eq(bight_publisher_subscribe(publisher, each, &subscriptions[i]), 0);
    }
    heard[0] = '\0';
}

static void end(void)
{
    bight_publisher_free(publisher);
    bight_reactor_free(reactor);
    for (int i = 0; i < PEERS; i++) {
        bight_string_peer_free(peers[i]);
    }
}

static void say(const char *text)
{
    ck_assert_int_eq(bight_publish(publisher, text, strlen(text)), 0);
    bight_testing_settle(reactor, 1000);
}

static struct bight_publisher_figures figures(void)
{
    struct bight_publisher_figures all = { .size = sizeof all };
    ck_assert_int_eq(bight_publisher_read_figures(publisher, &all), 0);
    return all;
}

/* The peer reads on. */
static const char *reads(int i)
{
    bight_string_set_window(peers[i], SIZE_MAX);
    bight_testing_settle(reactor, 1000);
    return bight_string_written_text(peers[i]);
}

static void say_digits(void)
{
    for (const char *digit = "12345678"; *digit != '\0'; digit++) {
        char text[] = { *digit, *digit, *digit, '\0' };
        say(text);
    }
}

START_TEST(all_hear_what_is_published_and_all_but_one)
{
    begin(NULL);
    struct bight_bytes *bytes = bight_bytes_new("b", 1);
    say("a");
    ck_assert_int_eq(bight_publish_bytes_except(publisher, bytes, subscriptions[1]), 0);
    ck_assert_int_eq(bight_publish_bytes(publisher, bytes), 0);
    bight_bytes_release(bytes);
    bight_testing_settle(reactor, 1000);
    ck_assert_str_eq(bight_string_written_text(peers[0]), "abb");
    ck_assert_str_eq(bight_string_written_text(peers[1]), "ab");
    ck_assert_str_eq(bight_string_written_text(peers[2]), "abb");
    ck_assert_uint_eq(figures().published, 3);
    ck_assert_uint_eq(figures().subscribers, PEERS);
    end();
}
END_TEST

START_TEST(what_a_slow_one_does_not_take_waits_and_comes_in_order)
{
    begin(NULL);
    bight_string_set_window(peers[1], 0);
    say_digits();
    ck_assert_str_eq(bight_string_written_text(peers[0]), "111222333444555666777888");
    ck_assert_str_eq(bight_string_written_text(peers[1]), "");
    ck_assert_uint_eq(figures().waiting_messages, 6);
    ck_assert_uint_eq(figures().waiting_bytes, 18);
    bight_string_set_window(peers[1], 10);
    bight_testing_settle(reactor, 1000);
    say("999");
    ck_assert_str_eq(reads(1), "111222333444555666777888999");
    ck_assert_uint_eq(figures().waiting_messages, 0);
    ck_assert_uint_eq(figures().dropped_messages, 0);
    say("000");
    ck_assert_str_eq(reads(1), "111222333444555666777888999000");
    end();
}
END_TEST

START_TEST(past_the_limit_the_subscriber_is_dropped)
{
    struct bight_publisher_options options = { .size = sizeof options, .message_limit = 5 };
    begin(&options);
    bight_string_set_window(peers[1], 0);
    say_digits();
    ck_heard("lost:OVERFLOW");
    ck_assert_uint_eq(figures().dropped_subscribers, 1);
    ck_assert_uint_eq(figures().subscribers, PEERS - 1);
    ck_assert_uint_eq(figures().waiting_messages, 0);
    ck_assert_int_eq(bight_unsubscribe(subscriptions[1]), BIGHT_E_STALE);
    ck_assert_str_eq(bight_string_written_text(peers[2]), "111222333444555666777888");
    end();
}
END_TEST

START_TEST(past_the_limit_the_message_is_dropped)
{
    struct bight_publisher_options options = {
        .size = sizeof options, .message_limit = 2, .policy = BIGHT_DROP_MESSAGE
    };
    begin(&options);
    bight_string_set_window(peers[1], 0);
    say_digits();
    ck_assert_uint_eq(bight_subscription_dropped(subscriptions[1]), 4);
    ck_assert_uint_eq(bight_subscription_dropped(subscriptions[0]), 0);
    ck_assert_uint_eq(figures().dropped_messages, 4);
    ck_assert_str_eq(reads(1), "111222333444");
    end();
}
END_TEST

START_TEST(past_the_limit_the_oldest_are_dropped)
{
    struct bight_publisher_options options = { .size = sizeof options, .byte_limit = 7, .policy = BIGHT_DROP_OLDEST };
    begin(&options);
    bight_string_set_window(peers[1], 0);
    say_digits();
    ck_assert_uint_eq(bight_subscription_dropped(subscriptions[1]), 4);
    say("longer than that");
    ck_assert_uint_eq(bight_subscription_dropped(subscriptions[1]), 5);
    ck_assert_str_eq(reads(1), "111222777888");
    end();
}
END_TEST

START_TEST(a_subscription_ends_with_its_connection)
{
    begin(NULL);
    bight_string_set_window(peers[1], 0);
    say_digits();
    bight_string_reset(peers[1], 0);
    bight_testing_settle(reactor, 1000);
    ck_assert_uint_eq(figures().subscribers, PEERS - 1);
    ck_assert_uint_eq(figures().waiting_messages, 0);
    ck_assert_int_eq(bight_unsubscribe(subscriptions[1]), BIGHT_E_STALE);
    ck_assert_uint_eq(bight_subscription_dropped(subscriptions[1]), 0);
    end();
}
END_TEST

START_TEST(unsubscribed_it_hears_what_was_written_and_nothing_more)
{
    begin(NULL);
    bight_string_set_window(peers[1], 0);
    say_digits();
    ck_assert_int_eq(bight_unsubscribe(subscriptions[1]), 0);
    ck_assert_int_eq(bight_unsubscribe(subscriptions[1]), BIGHT_E_STALE);
    ck_assert_int_eq(bight_unsubscribe((struct bight_subscription) { NULL, 0 }), BIGHT_E_STALE);
    say("999");
    ck_assert_str_eq(reads(1), "111222");
    end();
}
END_TEST

START_TEST(a_connection_that_is_lost_gets_what_waits_first) /* T8 */
{
    begin(NULL);
    bight_string_set_window(peers[1], 0);
    say_digits();
    (void)bight_transport_lose_connection(transport_of(1));
    say("999");
    ck_assert_str_eq(reads(1), "111222333444555666777888");
    ck_assert(bight_string_is_shut(peers[1]));
    end();
}
END_TEST

START_TEST(a_connection_that_is_over_cannot_subscribe)
{
    begin(NULL);
    struct bight_protocol *held = bight_protocol_hold(bight_string_protocol(peers[1]));
    bight_transport_abort_connection(held->transport);
    ck_assert_int_eq(bight_publisher_subscribe(publisher, held, NULL), BIGHT_E_CLOSED);
    bight_testing_settle(reactor, 1000);
    ck_assert_int_eq(bight_publisher_subscribe(publisher, held, NULL), BIGHT_E_CLOSED);
    bight_protocol_release(held);
    end();
}
END_TEST

/* ------------------------------------------------------------------------------ the program's own producer */

static void nothing(void *context)
{
    (void)context;
}

static const struct bight_producer_ops own_producer = { .pause = nothing, .resume = nothing, .stop = nothing };

START_TEST(where_the_program_has_a_producer_nothing_waits) /* T14 */
{
    struct bight_publisher_options options = { .size = sizeof options, .policy = BIGHT_DROP_OLDEST };
    begin(&options);
    ck_assert_int_eq(bight_transport_register_producer(transport_of(1), &own_producer, NULL, true), 0);
    bight_string_set_window(peers[1], 0);
    say_digits();
    ck_assert_uint_eq(bight_subscription_dropped(subscriptions[1]), 6);
    ck_assert_str_eq(reads(1), "111222");
    end();
}
END_TEST

static void publish_inside(void *context)
{
    (void)context;
    ck_assert_int_eq(bight_publish(publisher, "inner", 5), 0);
}

static void free_inside(void *context)
{
    (void)context;
    bight_publisher_free(publisher);
    publisher = NULL;
}

static void publish_with(void (*pause)(void *context))
{
    static struct bight_producer_ops ops;
    ops = (struct bight_producer_ops) { .pause = pause, .resume = nothing, .stop = nothing };
    ck_assert_int_eq(bight_transport_register_producer(transport_of(1), &ops, NULL, true), 0);
    bight_string_set_window(peers[1], 0);
    struct bight_bytes *bytes = bight_bytes_new("a large message", 15);
    ck_assert_int_eq(bight_publish_bytes(publisher, bytes), 0);
    bight_bytes_release(bytes);
    bight_testing_settle(reactor, 1000);
}

START_TEST(what_is_published_inside_a_publish_comes_after_it_for_all)
{
    struct bight_publisher_options options = { .size = sizeof options, .policy = BIGHT_DROP_MESSAGE };
    begin(&options);
    publish_with(publish_inside);
    ck_assert_str_eq(bight_string_written_text(peers[0]), "a large messageinner");
    ck_assert_str_eq(bight_string_written_text(peers[2]), "a large messageinner");
    end();
}
END_TEST

START_TEST(the_publisher_may_be_freed_inside_a_publish)
{
    begin(NULL);
    publish_with(free_inside);
    ck_assert_str_eq(bight_string_written_text(peers[2]), "a large message");
    end();
}
END_TEST

START_TEST(freed_it_drops_what_waits_and_leaves_the_connections)
{
    begin(NULL);
    bight_string_set_window(peers[1], 0);
    say_digits();
    bight_publisher_free(publisher);
    publisher = NULL;
    ck_assert_str_eq(reads(1), "111222");
    ck_assert_int_eq(bight_transport_write(transport_of(1), "x", 1), 0);
    ck_assert_str_eq(reads(1), "111222x");
    ck_heard("");
    bight_publisher_free(NULL);
    end();
}
END_TEST

START_TEST(a_reactor_may_be_freed_while_messages_wait)
{
    begin(NULL);
    bight_string_set_window(peers[1], 0);
    say_digits();
    bight_reactor_free(reactor);
    reactor = NULL;
    ck_assert_uint_eq(figures().subscribers, 0);
    end();
}
END_TEST

START_TEST(what_is_formatted_is_published_whole)
{
    char long_text[1000];
    memset(long_text, 'x', sizeof long_text);
    begin(NULL);
    ck_assert_int_eq(bight_publishf(publisher, "%d%s", 12, " apples\r\n"), 0);
    ck_assert_int_eq(bight_publishf(publisher, "%.*s!", (int)sizeof long_text, long_text), 0);
    bight_testing_settle(reactor, 1000);
    for (int i = 0; i < PEERS; i++) {
        const char *written = reads(i);
        ck_assert_uint_eq(strlen(written), 11 + sizeof long_text + 1);
        ck_assert_int_eq(strncmp(written, "12 apples\r\nx", 12), 0);
        ck_assert_str_eq(written + 11 + sizeof long_text - 1, "x!");
    }
    end();
}
END_TEST

START_TEST(what_printf_cannot_print_is_not_published)
{
    begin(NULL);
    ck_assert_int_eq(bight_publishf(publisher, "%lc", (wint_t)0x7fffffff), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(figures().published, 0);
    end();
}
END_TEST

START_TEST(a_policy_that_there_is_not_is_a_usage_error)
{
    struct bight_publisher_options options = { .size = sizeof options, .policy = (enum bight_publisher_policy)3 };
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    ck_assert_ptr_null(bight_publisher_new(&options));
}
END_TEST

/* -------------------------------------------------------------------------------------------- memory */

static bool publish_without_memory(void *context)
{
    struct bight_publisher_options options = { .size = sizeof options,
        .policy = *(enum bight_publisher_policy *)context };
    bool is_told = false;
    reactor = bight_testing_reactor_new();
    publisher = bight_publisher_new(&options);
    peer = reactor == NULL ? NULL : bight_string_connect(reactor, &probe_factory, true);
    protocol = peer == NULL ? NULL : bight_string_protocol(peer);
    if (publisher != NULL && protocol != NULL &&
        bight_publisher_subscribe(publisher, protocol, &subscriptions[0]) == BIGHT_OK) {
        (void)bight_transport_set_watermarks(protocol->transport, 2, 4);
        bight_string_set_window(peer, 0);
        for (int i = 0; i < 12; i++) {
            (void)(i % 2 == 0 ? bight_publish(publisher, "message", 7) : bight_publishf(publisher, "mess%s", "age"));
        }
        bight_testing_settle(reactor, 1000);
        bight_string_set_window(peer, SIZE_MAX);
        bight_testing_settle(reactor, 1000);
        size_t size;
        (void)bight_string_written(peer, &size);
        is_told = size == 12 * 7;
    }
    bight_publisher_free(publisher);
    bight_reactor_free(reactor);
    bight_string_peer_free(peer);
    heard[0] = '\0';
    return probe_factory.connections == 0 && (is_told || bight_testing_fault_injected());
}

START_TEST(each_allocation_may_fail) /* T15 D34 */
{
    enum bight_publisher_policy policy = (enum bight_publisher_policy)_i;
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    ck_assert_uint_eq(bight_testing_with_faults(publish_without_memory, &policy, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, all_hear_what_is_published_and_all_but_one);
    tcase_add_test(tests, what_a_slow_one_does_not_take_waits_and_comes_in_order);
    tcase_add_test(tests, past_the_limit_the_subscriber_is_dropped);
    tcase_add_test(tests, past_the_limit_the_message_is_dropped);
    tcase_add_test(tests, past_the_limit_the_oldest_are_dropped);
    tcase_add_test(tests, a_subscription_ends_with_its_connection);
    tcase_add_test(tests, unsubscribed_it_hears_what_was_written_and_nothing_more);
    tcase_add_test(tests, a_connection_that_is_lost_gets_what_waits_first);
    tcase_add_test(tests, a_connection_that_is_over_cannot_subscribe);
    tcase_add_test(tests, where_the_program_has_a_producer_nothing_waits);
    tcase_add_test(tests, what_is_published_inside_a_publish_comes_after_it_for_all);
    tcase_add_test(tests, the_publisher_may_be_freed_inside_a_publish);
    tcase_add_test(tests, freed_it_drops_what_waits_and_leaves_the_connections);
    tcase_add_test(tests, a_reactor_may_be_freed_while_messages_wait);
    tcase_add_test(tests, what_is_formatted_is_published_whole);
    tcase_add_test(tests, what_printf_cannot_print_is_not_published);
    tcase_add_test(tests, a_policy_that_there_is_not_is_a_usage_error);
    tcase_add_loop_test(tests, each_allocation_may_fail, 0, BIGHT_DROP_OLDEST + 1);
}

BIGHT_TEST_MAIN("publisher", add_tests)
