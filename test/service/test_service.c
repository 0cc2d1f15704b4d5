/* SPDX-License-Identifier: MIT */
/* test_service.c - the registry of services, draining a port, the versions. Sockets are real ones on the loopback. */
#include <bight/bight.h>
#include <bight/service.h>
#include <bight/sys/service.h>

#include <math.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"

/* ------------------------------------------------------------------------------------------ registry */

static struct bight_factory *start(
    struct bight_reactor *reactor, const struct bight_service_value *values, struct bight_failure **failure)
{
    (void)reactor, (void)values, (void)failure;
    return NULL;
}

static const struct bight_service echo = { .name = "echo", .summary = "echoes", .start = start };
static const struct bight_service chat = { .name = "chat", .summary = "chats", .start = start };

START_TEST(services_are_found_by_name_and_walked_in_order)
{
    size_t cursor = 0;
    ck_assert_int_eq(bight_service_register(&echo), 0);
    ck_assert_int_eq(bight_service_register(&chat), 0);
    ck_assert_ptr_eq(bight_service_find("chat"), &chat);
    ck_assert_ptr_null(bight_service_find("cha"));
    ck_assert_ptr_eq(bight_service_next(&cursor), &echo);
    ck_assert_ptr_eq(bight_service_next(&cursor), &chat);
    ck_assert_ptr_null(bight_service_next(&cursor));
}
END_TEST

START_TEST(an_unknown_name_is_told_the_nearest_one)
{
    bight_service_register(&echo);
    bight_service_register(&chat);
    ck_assert_str_eq(bight_service_suggest("ecko"), "echo");
    ck_assert_str_eq(bight_service_suggest("chatt"), "chat");
    ck_assert_ptr_null(bight_service_suggest("something-else"));
}
END_TEST

START_TEST(a_bad_table_and_a_taken_name_are_refused)
{
    static const struct bight_service_option no_help[] = { { .name = "x", .kind = BIGHT_SERVICE_FLAG }, { NULL } };
    static const struct bight_service_option no_range[] = { { "x", BIGHT_SERVICE_NUMBER, "N", "help", NULL, 2, 1 },
        { NULL } };
    struct bight_service service = echo;
    ck_assert_int_eq(bight_service_register(&echo), 0);
    ck_assert_int_eq(bight_service_register(&service), BIGHT_E_INVALID_ARGUMENT);
    service.name = "Echo 2";
    ck_assert_int_eq(bight_service_register(&service), BIGHT_E_INVALID_ARGUMENT);
    service.name = "echo2";
    service.options = no_help;
    ck_assert_int_eq(bight_service_register(&service), BIGHT_E_INVALID_ARGUMENT);
    service.options = no_range;
    ck_assert_int_eq(bight_service_register(&service), BIGHT_E_INVALID_ARGUMENT);
    service.options = NULL;
    service.start = NULL;
    ck_assert_int_eq(bight_service_register(&service), BIGHT_E_INVALID_ARGUMENT);
    service.start = start;
    service.summary = NULL;
    ck_assert_int_eq(bight_service_register(&service), BIGHT_E_INVALID_ARGUMENT);
    service.summary = "echoes";
    service.name = NULL;
    ck_assert_int_eq(bight_service_register(&service), BIGHT_E_INVALID_ARGUMENT);
    service.name = "{";
    ck_assert_int_eq(bight_service_register(&service), BIGHT_E_INVALID_ARGUMENT);
}
END_TEST

START_TEST(options_that_cannot_be_are_refused)
{
    static const struct bight_service_option options[][2] = {
        { { "Upper", BIGHT_SERVICE_FLAG, .help = "help" } },
        { { "x", (enum bight_service_option_kind)9, .value_name = "N", .help = "help" } },
        { { "x", BIGHT_SERVICE_FLAG, .value_name = "N", .help = "help" } },
        { { "x", BIGHT_SERVICE_TEXT, .help = "help" } },
        { { "x", BIGHT_SERVICE_TEXT, .value_name = "N" } },
    };
    static const struct bight_service_option fine[] = { { "x", BIGHT_SERVICE_TEXT, .value_name = "N", .help = "help" },
        { NULL } };
    struct bight_service service = echo;
    service.name = "echo3";
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        service.options = options[i];
        ck_assert_int_eq(bight_service_register(&service), BIGHT_E_INVALID_ARGUMENT);
    }
    service.options = fine;
    ck_assert_int_eq(bight_service_register(&service), 0);
}
END_TEST

START_TEST(a_hundred_services_fit)
{
    static struct bight_service services[100];
    static char names[100][8];
    for (int i = 0; i < 100; i++) {
        snprintf(names[i], sizeof names[i], "s%d", i);
        services[i] = (struct bight_service) { .name = names[i], .summary = "one of many", .start = start };
        ck_assert_int_eq(bight_service_register(&services[i]), 0);
    }
    ck_assert_ptr_eq(bight_service_find("s99"), &services[99]);
    ck_assert_ptr_eq(bight_service_find("s0"), &services[0]);
}
END_TEST

/* ------------------------------------------------------------------------------------------ draining */

static struct bight_reactor *reactor;
static struct bight_port *port;
static int client;
static bool does_leave;
static char order[64];

static void note(const char *what)
{
    strncat(order, what, sizeof order - strlen(order) - 1);
}

static void client_leaves(void *context)
{
    (void)context;
    note("leaves ");
    shutdown(client, SHUT_WR);
}

/* A client that leaves does so a while after the stop, however long that took. */
static void echoed(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    bight_transport_write(protocol->transport, data, size);
    if (data[0] == 's') {
        note("stop ");
        bight_reactor_stop(reactor);
        if (does_leave) {
            bight_call_later(reactor, 0.05, client_leaves, NULL, NULL);
        }
    }
}

static void lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    (void)protocol;
    note(bight_failure_is(reason, BIGHT_E_CONNECTION_DONE) ? "done " : "lost ");
}

static const struct bight_protocol_ops ops = { .data_received = echoed, .connection_lost = lost };
static struct bight_factory factory = BIGHT_FACTORY(struct bight_protocol, &ops);

static void keep_port(struct bight_result *result, void *context)
{
    (void)context;
    port = bight_port_hold(bight_result_peek(result, &bight_type_port));
}

/* A reactor that listens, and a client that has asked it to stop. */
static void set_the_stage(double shutdown_seconds, bool lose)
{
    struct bight_reactor_options options = { .size = sizeof options, .shutdown_seconds = shutdown_seconds };
    reactor = bight_reactor_new_full(&options);
    struct bight_deferred *listening = bight_listen(reactor, "tcp:0:interface=127.0.0.1", &factory);
    bight_deferred_add_callback(listening, keep_port, NULL);
    bight_deferred_release(listening);
    struct bight_address address;
    ck_assert_int_eq(bight_port_address(port, &address), 0);
    ck_assert_int_eq(bight_drain_at_shutdown(port, INFINITY, lose), 0);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(address.port) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&to, sizeof to), 0);
    ck_assert_int_eq(write(client, "s", 1), 1);
}

static void strike_the_stage(void)
{
    close(client);
    bight_port_release(port);
    bight_reactor_free(reactor);
}

START_TEST(a_drained_port_waits_for_its_connections) /* R3 */
{
    set_the_stage(30, false);
    does_leave = true;
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_str_eq(order, "stop leaves done ");
    ck_assert_uint_eq(bight_port_connections(port), 0);
    strike_the_stage();
}
END_TEST

static bool finish_up(struct bight_protocol *protocol)
{
    note("drain ");
    bight_transport_write(protocol->transport, "bye", 3);
    bight_transport_lose_connection(protocol->transport);
    return true;
}

static bool pay_no_heed(struct bight_protocol *protocol)
{
    (void)protocol;
    note("drain ");
    return false;
}

static void drain_with(bool (*drain)(struct bight_protocol *), bool lose)
{
    static struct bight_protocol_ops draining;
    draining = ops;
    draining.drain = drain;
    factory.protocol_ops = &draining;
    set_the_stage(30, lose);
    ck_assert_int_eq(bight_drain_at_shutdown(port, INFINITY, lose), 0);
}

START_TEST(a_protocol_that_is_drained_finishes_by_itself_and_is_told_once) /* V4 */
{
    char text[8] = "";
    drain_with(finish_up, false);
    does_leave = true; /* so that nobody lingers */
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_str_eq(order, "stop drain leaves done ");
    ck_assert_int_eq(recv(client, text, sizeof text - 1, MSG_WAITALL), 4);
    ck_assert_str_eq(text, "sbye");
    strike_the_stage();
}
END_TEST

static void finish_later(void *context)
{
    note("later ");
    bight_transport_lose_connection(context);
    client_leaves(NULL);
}

static bool go_on_for_a_while(struct bight_protocol *protocol)
{
    note("drain ");
    bight_call_later(reactor, 0.02, finish_later, protocol->transport, NULL);
    return true;
}

START_TEST(a_protocol_that_closes_by_itself_is_not_lost_before) /* V4 */
{
    drain_with(go_on_for_a_while, true);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_str_eq(order, "stop drain later leaves done ");
    strike_the_stage();
}
END_TEST

START_TEST(a_protocol_that_does_not_is_lost_when_that_was_asked_for) /* V4 */
{
    drain_with(pay_no_heed, true);
    does_leave = true;
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_str_eq(order, "stop drain leaves done "); /* it is losing when the second drain comes */
    strike_the_stage();
}
END_TEST

/* Otherwise the shutdown would wait for the first one's Deferred as long as it may, which is for ever here. */
START_TEST(a_port_may_be_drained_by_several) /* R3 */
{
    set_the_stage(1e6, false);
    ck_assert_int_eq(bight_drain_at_shutdown(port, INFINITY, false), 0);
    does_leave = true;
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_str_eq(order, "stop leaves done ");
    strike_the_stage();
}
END_TEST

START_TEST(what_does_not_end_in_time_is_disconnected) /* R3 */
{
    set_the_stage(0.05, false);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_str_eq(order, "stop lost ");
    strike_the_stage();
}
END_TEST

START_TEST(connections_may_be_asked_to_end) /* R3 T7 */
{
    char answer[8];
    set_the_stage(30, true);
    does_leave = true;
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_int_eq(read(client, answer, sizeof answer), 1);
    ck_assert_int_eq(read(client, answer, sizeof answer), 0);
    ck_assert_str_eq(order, "stop leaves done ");
    strike_the_stage();
}
END_TEST

static void stop_it(void *context)
{
    bight_reactor_stop(context);
}

START_TEST(a_port_without_connections_holds_up_nothing)
{
    set_the_stage(30, false);
    close(client);
    bight_call_later(reactor, 0.05, stop_it, reactor, NULL);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    struct bight_address address;
    ck_assert_int_eq(bight_port_address(port, &address), BIGHT_E_CLOSED);
    strike_the_stage();
}
END_TEST

/* ---------------------------------------------------------------------------------------- versions */

START_TEST(the_versions_are_told)
{
    ck_assert_str_eq(bight_version(), BIGHT_VERSION);
    ck_assert_int_eq(strncmp(bight_features(), "libevent 2.", 11), 0);
    ck_assert_ptr_nonnull(strstr(bight_features(), "\nOpenSSL 3."));
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, services_are_found_by_name_and_walked_in_order);
    tcase_add_test(tests, an_unknown_name_is_told_the_nearest_one);
    tcase_add_test(tests, a_bad_table_and_a_taken_name_are_refused);
    tcase_add_test(tests, options_that_cannot_be_are_refused);
    tcase_add_test(tests, a_hundred_services_fit);
    tcase_add_test(tests, a_drained_port_waits_for_its_connections);
    tcase_add_test(tests, a_port_may_be_drained_by_several);
    tcase_add_test(tests, a_protocol_that_is_drained_finishes_by_itself_and_is_told_once);
    tcase_add_test(tests, a_protocol_that_closes_by_itself_is_not_lost_before);
    tcase_add_test(tests, a_protocol_that_does_not_is_lost_when_that_was_asked_for);
    tcase_add_test(tests, what_does_not_end_in_time_is_disconnected);
    tcase_add_test(tests, connections_may_be_asked_to_end);
    tcase_add_test(tests, a_port_without_connections_holds_up_nothing);
    tcase_add_test(tests, the_versions_are_told);
}

BIGHT_TEST_MAIN("service", add_tests)
