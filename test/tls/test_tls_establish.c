/* SPDX-License-Identifier: MIT */
/* test_tls_establish.c - TLS that is done before there is a protocol (L3): what an endpoint string puts under a
 * connection. */
#include "tls_pair_support.h"

#include <bight/sys/wrapper.h>

#include "tls/layer.h"

static struct bight_layer *make_layer(
    void *context, struct bight_transport *transport, struct bight_failure **failure)
{
    const struct end *end = context;
    struct bi_tls_layer *layer =
        bi_tls_layer_new(bight_transport_reactor(transport), end->tls, end->peer_name, 443, failure);
    return layer == NULL ? NULL : &layer->base;
}

static struct bight_factory *wrap(struct end *end)
{
    int code;
    const struct bight_wrapper wrapper = {
        .size = sizeof wrapper, .name = "tls", .make_layer = make_layer, .context = end
    };
    end->starts_late = true;
    struct bight_factory *wrapped = bight_wrapped_factory_new(reactor, &end->factory, &wrapper, &code);
    ck_assert_ptr_nonnull(wrapped);
    return wrapped;
}

static void join_wrapped(void)
{
    struct bight_factory *server = wrap(&ends[SERVER]), *client = wrap(&ends[CLIENT]);
    pair = bight_pair_connect(reactor, server, client);
    ck_assert_ptr_nonnull(pair);
    bight_wrapped_factory_release(server);
    bight_wrapped_factory_release(client);
}

START_TEST(a_protocol_comes_when_the_connection_is_secure_and_hears_data) /* L3 */
{
    join_wrapped();
    ck_assert_uint_eq(ends[CLIENT].factory.connections, 0);
    pump();
    ck_assert_uint_eq(ends[CLIENT].factory.connections, 1);
    ck_heard("");
    struct bight_transport *client = transport_of(CLIENT);
    ck_assert_ptr_nonnull(bight_transport_tls(client));
    ends[SERVER].data = echo;
    write_to(CLIENT, "hello", 5);
    pump();
    ck_got(CLIENT, "hello", 5);
    bight_transport_lose_connection(client);
    pump();
    ck_heard("s:end s:CONNECTION_DONE c:CONNECTION_DONE");
}
END_TEST

START_TEST(a_handshake_that_fails_costs_the_factory_nothing) /* L3 */
{
    ends[CLIENT].peer_name = "example.com";
    join_wrapped();
    pump();
    ck_assert(bight_pair_is_over(pair));
    ck_heard("");
    ck_assert_uint_eq(ends[CLIENT].factory.connections, 0);
    ck_assert_uint_eq(ends[SERVER].factory.connections, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_protocol_comes_when_the_connection_is_secure_and_hears_data);
    tcase_add_test(tests, a_handshake_that_fails_costs_the_factory_nothing);
}

BIGHT_TEST_MAIN("tls_establish", add_tests)
