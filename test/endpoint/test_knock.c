/* SPDX-License-Identifier: MIT */
/* test_knock.c - an endpoint type in front of another, as a third party would write it (knock.h): strings, ports,
 * attempts to connect, limits, secrets (L3, L4, L14, K1, K2). */
#include "endpoint_support.h"

#include "knock.h"

static struct bight_port *port;
static char address[160];

static void begin_knocking(void)
{
    static bool is_registered;
    if (!is_registered) {
        ck_assert_int_eq(bight_endpoint_register(&knock_type), 0);
        is_registered = true;
    }
    begin();
}

static void end_knocking(void)
{
    if (port != NULL) {
        stop(port);
    }
    end();
    ck_assert_uint_eq(knock_layers, 0);
    ck_assert_uint_eq(knock_doors, 0);
    ck_assert_int_eq(seen.started, seen.stopped);
}

static void listen_at(const char *string)
{
    begin_knocking();
    port = net_listen_on(&net, string);
    snprintf(address, sizeof address, "knock:sesame:tcp:127.0.0.1:%u", (unsigned)net_port_number(port));
}

static void connect_with(const char *string)
{
    forget_outcome(&outcome);
    watch_outcome(bight_connect(net.reactor, string, &probe_factory), &outcome);
}

START_TEST(both_sides_are_established_before_connect_fires) /* L3 */
{
    listen_at("knock:sesame:tcp:0:interface=127.0.0.1");
    connect_with(address);
    ck_assert_int_eq(outcome.fired, 0);
    NET_UNTIL(&net, outcome.fired == 1 && seen.made == 2);
    ck_assert_int_eq(outcome.code, 0);
    ck_assert_ptr_eq(outcome.type, &bight_type_protocol);
    seen.echo = false;
    struct bight_protocol *protocol = outcome.value;
    ck_assert_int_eq(bight_transport_write(protocol->transport, "hello", 5), 0);
    NET_UNTIL(&net, seen.received == 5);
    ck_assert_mem_eq(seen.bytes, "hello", 5);
    end_knocking();
}
END_TEST

START_TEST(over_a_unix_socket_too) /* K1 */
{
    char string[200];
    begin_knocking();
    snprintf(string, sizeof string, "knock:sesame:%s", endpoint);
    port = net_listen_on(&net, string);
    connect_with(string);
    NET_UNTIL(&net, outcome.fired == 1 && seen.made == 2);
    ck_assert_int_eq(outcome.code, 0);
    end_knocking();
}
END_TEST

START_TEST(connect_fails_with_what_the_layer_failed_with) /* L3, K2 */
{
    listen_at("knock:other:tcp:0:interface=127.0.0.1");
    connect_with(address);
    NET_UNTIL(&net, outcome.fired == 1);
    ck_assert_int_eq(outcome.code, BIGHT_E_PERMISSION_DENIED);
    ck_assert_str_eq(bight_failure_message(bight_failure_cause(outcome.failure, 0)), "sent away");
    ck_assert_int_eq(seen.made, 0);
    end_knocking();
}
END_TEST

START_TEST(cancelling_connect_aborts_it_and_tells_nobody) /* L3 */
{
    listen_at("tcp:0:interface=127.0.0.1");
    struct bight_deferred *deferred = bight_connect(net.reactor, address, &probe_factory);
    NET_UNTIL(&net, seen.received > 0); /* it has knocked */
    bight_deferred_cancel(deferred);
    NET_UNTIL(&net, seen.lost == 1);
    ck_assert_int_eq(seen.made, 1); /* the server's, which knows nothing of knocking */
    ck_assert_uint_eq(knock_layers, 0);
    bight_deferred_release(deferred);
    end_knocking();
}
END_TEST

START_TEST(the_time_of_connect_holds_over_the_whole) /* K2 */
{
    char string[200];
    listen_at("tcp:0:interface=127.0.0.1");
    snprintf(string, sizeof string, "%s:timeout=3", address);
    connect_with(string);
    NET_UNTIL(&net, seen.received > 0);
    fake_advance(&net.fake, net.reactor, UINT64_C(2900000000));
    ck_assert_int_eq(outcome.fired, 0);
    fake_advance(&net.fake, net.reactor, UINT64_C(200000000));
    net_turn(&net, 2);
    ck_assert_int_eq(outcome.code, BIGHT_E_CONNECT_TIMED_OUT);
    NET_UNTIL(&net, seen.lost == 1);
    end_knocking();
}
END_TEST

START_TEST(a_client_has_a_time_for_establishing_too) /* L4 */
{
    char string[200];
    listen_at("tcp:0:interface=127.0.0.1");
    snprintf(string, sizeof string, "knock:sesame:patience=2:%s", address + sizeof "knock:sesame:" - 1);
    connect_with(string);
    NET_UNTIL(&net, seen.received > 0);
    fake_advance(&net.fake, net.reactor, UINT64_C(2100000000));
    net_turn(&net, 2);
    ck_assert_int_eq(outcome.code, BIGHT_E_TIMED_OUT);
    end_knocking();
}
END_TEST

/* -------------------------------------------------------------------------------------------- ports */

START_TEST(what_is_being_established_counts_for_maxconn) /* L3 */
{
    listen_at("knock:sesame:tcp:0:interface=127.0.0.1:maxconn=1");
    int first = far_connect_to(port);
    NET_UNTIL(&net, bight_port_connections(port) == 1);
    int second = far_connect_to(port);
    net_turn(&net, 20);
    ck_assert_uint_eq(bight_port_connections(port), 1);
    close(first);
    NET_UNTIL(&net, bight_port_connections(port) == 0 || knock_layers == 1);
    ck_assert_int_eq(write(second, "knock sesame\n", 13), 13);
    NET_UNTIL(&net, seen.made == 1);
    close(second);
    end_knocking();
}
END_TEST

START_TEST(stop_listening_lets_it_finish) /* L3 */
{
    listen_at("knock:sesame:tcp:0:interface=127.0.0.1");
    int far = far_connect_to(port);
    NET_UNTIL(&net, bight_port_connections(port) == 1);
    stop(port);
    port = NULL;
    ck_assert_int_eq(seen.stopped, 0);
    ck_assert_int_eq(write(far, "knock sesame\n", 13), 13);
    NET_UNTIL(&net, seen.made == 1);
    close(far);
    NET_UNTIL(&net, seen.stopped == 1);
    end_knocking();
}
END_TEST

START_TEST(a_port_may_be_gone_before_the_connection_is_lost) /* L3, T18 */
{
    listen_at("knock:sesame:tcp:0:interface=127.0.0.1");
    int far = far_connect_to(port);
    NET_UNTIL(&net, bight_port_connections(port) == 1);
    stop(port);
    port = NULL;
    close(far);
    NET_UNTIL(&net, seen.stopped == 1); /* under AddressSanitizer: without a look at the port's memory */
    end_knocking();
}
END_TEST

static struct bight_deferred *few_listen(
    struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory)
{
    struct bight_wrapper wrapper = knock_wrapper(arguments[KNOCK_PASSWORD].text, false);
    wrapper.max_establishing = 3;
    return bight_listen_through(reactor, &arguments[KNOCK_INNER], factory, &wrapper);
}

static const struct bight_endpoint_type few_type = {
    .name = "few", .help = "few:PASSWORD:ENDPOINT", .rules = knock_rules, .listen = few_listen
};

START_TEST(the_one_that_has_waited_longest_makes_room) /* L4 */
{
    int far[4];
    begin_knocking();
    ck_assert_int_eq(bight_endpoint_register(&few_type), 0);
    port = net_listen_on(&net, "few:sesame:tcp:0:interface=127.0.0.1");
    for (size_t i = 0; i < 3; i++) {
        far[i] = far_connect_to(port);
        NET_UNTIL(&net, bight_port_connections(port) == i + 1);
    }
    ck_assert(!far_is_closed(far[0]));
    far[3] = far_connect_to(port);
    NET_UNTIL(&net, far_is_closed(far[0]));
    ck_assert_int_eq(write(far[3], "knock sesame\n", 13), 13);
    ck_assert_int_eq(write(far[1], "knock sesame\n", 13), 13);
    NET_UNTIL(&net, seen.made == 2);
    ck_assert(!far_is_closed(far[2]));
    for (size_t i = 0; i < 4; i++) {
        close(far[i]);
    }
    end_knocking();
}
END_TEST

static int admitted;

static bool admit_some(struct bight_factory *factory, const struct bight_address *peer)
{
    (void)factory;
    ck_assert_uint_eq(peer->family, BIGHT_ADDRESS_IPV4);
    return admitted-- > 0;
}

static void refuse_at(const char *string)
{
    static struct bight_factory_ops ops;
    begin_knocking();
    ops = plain_factory_ops;
    ops.admit = admit_some;
    probe_factory.ops = &ops;
    port = net_listen_on(&net, string);
    int first = far_connect_to(port), second = far_connect_to(port);
    NET_UNTIL(&net, far_is_closed(second));
    ck_assert(!far_is_closed(first));
    ck_assert_uint_eq(bight_port_connections(port), 1);
    close(first);
    close(second);
    NET_UNTIL(&net, bight_port_connections(port) == 0);
    end_knocking();
}

START_TEST(a_factory_is_asked_whom_it_admits_before_anything_else) /* B4 */
{
    admitted = 1;
    refuse_at("tcp:0:interface=127.0.0.1");
}
END_TEST

START_TEST(and_so_is_one_behind_a_layer) /* B4 */
{
    admitted = 1;
    refuse_at("knock:sesame:tcp:0:interface=127.0.0.1");
}
END_TEST

/* ------------------------------------------------------------------------------------------ strings */

START_TEST(an_error_of_the_inner_endpoint_has_its_column_in_the_whole_string) /* K1 */
{
    begin_knocking();
    fail_to_listen("knock:a:knock:b:tcp:x",
        "cannot listen on \"knock:***:knock:***:tcp:x\": column 21: the port is a number from 0 to 65535, not \"x\"");
    fail_to_listen("knock:a:tpc:1",
        "cannot listen on \"knock:***:tpc:1\": column 9: there is no type \"tpc\"; did you mean \"tcp\"?");
    fail_to_listen("knock:a:tcp",
        "cannot listen on \"knock:***:tcp\": column 12: the port is missing (tcp:PORT[:interface=HOST][:backlog=N]"
        "[:reuseport=yes][:nodelay=no][:keepalive=yes][:maxconn=N][:defer=SECONDS])");
    fail_to_listen("knock:a", "cannot listen on \"knock:***\": column 8: the endpoint is missing "
                              "(knock:PASSWORD[:patience=SECONDS]:ENDPOINT)");
    fail_to_listen("knock:a:tcp:1\\", "cannot listen on \"knock:***\": column 14: nothing follows the backslash");
    fail_to_listen("knock:a:endpoint=tcp:1",
        "cannot listen on \"knock:***:endpoint=***:1\": column 9: knock has no argument \"endpoint\""
        " (knock:PASSWORD[:patience=SECONDS]:ENDPOINT)");
    end_knocking();
}
END_TEST

START_TEST(escapes_of_the_inner_endpoint_are_its_own) /* K1 */
{
    char string[240], *colon;
    begin_knocking();
    rmdir(folder);
    colon = strchr(folder, '-');
    *colon = ':';
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    snprintf(path, sizeof path, "%s/socket", folder);
    char quoted[160];
    bight_endpoint_quote(path, quoted, sizeof quoted);
    snprintf(string, sizeof string, "knock:se\\:same:unix:%s", quoted);
    port = net_listen_on(&net, string);
    connect_with(string);
    NET_UNTIL(&net, outcome.fired == 1);
    ck_assert_int_eq(outcome.code, 0);
    end_knocking();
}
END_TEST

START_TEST(they_nest_ten_deep_at_most) /* K1 */
{
    char string[256] = "";
    begin_knocking();
    for (int i = 0; i < 10; i++) {
        strcat(string, "knock:a:");
    }
    strcat(string, "tcp:0:interface=127.0.0.1");
    ck_assert_ptr_null(port);
    forget_outcome(&outcome);
    watch_outcome(bight_listen(net.reactor, string, &probe_factory), &outcome);
    ck_assert_int_eq(outcome.code, BIGHT_E_SYNTAX);
    ck_assert_ptr_nonnull(strstr(bight_failure_message(outcome.failure), "column 81: endpoints are nested 10 deep"));
    forget_outcome(&outcome);
    port = net_listen_on(&net, string + 8);
    end_knocking();
}
END_TEST

START_TEST(a_string_that_is_too_long_shows_no_secret) /* L14 */
{
    static char string[5000];
    begin_knocking();
    memset(string, 'x', sizeof string - 1);
    memcpy(string, "knock:sesame:", 13);
    fail_to_listen(string, "cannot listen on \"knock:***\": column 4097: an endpoint has at most 4096 bytes");
    end_knocking();
}
END_TEST

START_TEST(a_secret_may_stand_in_a_file) /* L14 */
{
    char string[200], file[96];
    begin_knocking();
    snprintf(file, sizeof file, "%s/secret", folder);
    FILE *stream = fopen(file, "w");
    fputs("sesame\nnot this\n", stream);
    fclose(stream);
    snprintf(string, sizeof string, "knock:@%s:tcp:0:interface=127.0.0.1", file);
    port = net_listen_on(&net, string);
    snprintf(address, sizeof address, "knock:sesame:tcp:127.0.0.1:%u", (unsigned)net_port_number(port));
    connect_with(address);
    NET_UNTIL(&net, outcome.fired == 1);
    ck_assert_int_eq(outcome.code, 0);
    unlink(file);
    fail_to_listen("knock:@/nowhere:tcp:0",
        "cannot listen on \"knock:***:tcp:0\": column 7: cannot read the password from /nowhere: No such file or"
        " directory");
    end_knocking();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("knock");
    TCase *tests = tcase_create("knock");
    tcase_add_test(tests, both_sides_are_established_before_connect_fires);
    tcase_add_test(tests, over_a_unix_socket_too);
    tcase_add_test(tests, connect_fails_with_what_the_layer_failed_with);
    tcase_add_test(tests, cancelling_connect_aborts_it_and_tells_nobody);
    tcase_add_test(tests, the_time_of_connect_holds_over_the_whole);
    tcase_add_test(tests, a_client_has_a_time_for_establishing_too);
    tcase_add_test(tests, what_is_being_established_counts_for_maxconn);
    tcase_add_test(tests, stop_listening_lets_it_finish);
    tcase_add_test(tests, a_port_may_be_gone_before_the_connection_is_lost);
    tcase_add_test(tests, the_one_that_has_waited_longest_makes_room);
    tcase_add_test(tests, a_factory_is_asked_whom_it_admits_before_anything_else);
    tcase_add_test(tests, and_so_is_one_behind_a_layer);
    tcase_add_test(tests, an_error_of_the_inner_endpoint_has_its_column_in_the_whole_string);
    tcase_add_test(tests, escapes_of_the_inner_endpoint_are_its_own);
    tcase_add_test(tests, they_nest_ten_deep_at_most);
    tcase_add_test(tests, a_string_that_is_too_long_shows_no_secret);
    tcase_add_test(tests, a_secret_may_stand_in_a_file);
    suite_add_tcase(suite, tests);
    return bight_test_run(suite);
}
