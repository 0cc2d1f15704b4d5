/* SPDX-License-Identifier: MIT */
/* test_system_faults.c - the faults of system calls, and what the rooms below do when each call fails in each way.
 *
 * Every body runs on the kernel with a clock of its own, so that what is tried again in a moment is tried at once. It
 * says what must hold whatever failed: nothing hangs, every protocol that was made loses its connection once, every
 * Deferred finishes; descriptors and memory are the loop's to look at. When nothing failed, that it all worked. */
#include <bight/testing.h>
#include <bight/testing/syscalls.h>
#include <bight/memory.h>
#include <bight/sys/resolver.h>
#include <bight/thread.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "support.h"

#include "fake_system.h"

/* ------------------------------------------------------------------------------------------ a world */

struct world {
    struct fake_system fake;
    struct bight_faulty_system faulty;
    struct bight_reactor *reactor;
    int made, lost, fired, failed;
    bool said; /* the bytes came back */
};
static struct world *world;

/* NULL when the reactor could not be made, which only a fault excuses. */
static struct bight_reactor *begin(struct world *fresh)
{
    memset(fresh, 0, sizeof *fresh);
    world = fresh;
    fake_init(&fresh->fake);
    bight_faulty_system_init(&fresh->faulty, &fresh->fake.system);
    struct bight_reactor_options options = {
        .size = sizeof options, .system = &fresh->faulty.system, .leave_signals = true
    };
    return fresh->reactor = bight_reactor_new_full(&options);
}

/* Turns until the condition holds, letting time pass now and then. */
static bool drive(bool (*holds)(void))
{
    for (int turns = 0; turns < 4000 && !holds(); turns++) {
        bi_reactor_turn(world->reactor, false);
        if (turns % 40 == 39) {
            world->fake.now += BIGHT_NANOSECONDS_PER_SECOND / 4;
            fake_ring(&world->fake);
            sched_yield();
        }
    }
    return holds();
}

static bool injected(void)
{
    return bight_testing_system_fault_injected();
}

/* Everything has been freed: what must hold now. */
static bool end(bool worked)
{
    bight_reactor_free(world->reactor);
    return world->made == world->lost && (worked || injected());
}

/* ---------------------------------------------------------------------------------------- protocols */

struct echo {
    struct bight_protocol base;
    bool is_client;
    size_t size;
};

static const char text[] = "some words that go there and back";

static void on_made(struct bight_protocol *protocol)
{
    struct echo *echo = bight_self(struct echo, protocol);
    world->made++;
    if (echo->is_client) {
        bight_transport_write(protocol->transport, text, 10);
        bight_transport_write(protocol->transport, text + 10, sizeof text - 10);
    }
}

static void on_data(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct echo *echo = bight_self(struct echo, protocol);
    echo->size += size;
    if (!echo->is_client) {
        bight_transport_write(protocol->transport, data, size);
    } else if (echo->size == sizeof text) {
        world->said = true;
        bight_transport_lose_connection(protocol->transport);
    }
}

static void on_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    (void)protocol;
    (void)reason;
    world->lost++;
}

static const struct bight_protocol_ops echo_ops = {
    .connection_made = on_made, .data_received = on_data, .connection_lost = on_lost
};

static struct bight_protocol *build_client(struct bight_factory *factory, const struct bight_address *peer)
{
    struct bight_protocol *protocol = bight_protocol_new(factory);
    (void)peer;
    if (protocol != NULL) {
        bight_self(struct echo, protocol)->is_client = true;
    }
    return protocol;
}

static const struct bight_factory_ops client_factory_ops = { .build_protocol = build_client };
static struct bight_factory server_factory = BIGHT_FACTORY(struct echo, &echo_ops);
static struct bight_factory client_factory = BIGHT_FACTORY(struct echo, &echo_ops);

/* The port, if listening worked. */
static struct bight_port *listen_on(const char *endpoint)
{
    struct bight_deferred *deferred = bight_listen(world->reactor, endpoint, &server_factory);
    struct bight_result *result = bight_deferred_result(deferred);
    struct bight_failure *failure = bight_result_take_failure(result);
    struct bight_port *port = failure == NULL ? bight_result_take(result, &bight_type_port) : NULL;
    bight_failure_release(failure);
    bight_deferred_release(deferred);
    return port;
}

static void stop(struct bight_port *port)
{
    bight_deferred_release(bight_port_stop_listening(port));
    bight_port_release(port);
}

static void note(struct bight_result *result, void *context)
{
    (void)context;
    world->fired++;
    world->failed += bight_result_failure(result) != NULL;
    bight_result_clear(result);
}

static bool all_is_over(void)
{
    return world->made > 0 && world->made == world->lost;
}

/* ------------------------------------------------------------------- listen, accept, echo and close */

static int call_port(struct bight_port *port)
{
    struct bight_address address;
    struct sockaddr_in in = { .sin_family = AF_INET };
    (void)bight_port_address(port, &address);
    in.sin_port = htons(address.port);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&in, sizeof in), 0);
    ck_assert_int_eq(write(fd, text, sizeof text), (ssize_t)sizeof text);
    return fd;
}

static int far_end;
static size_t far_size;

static bool far_has_ended(void)
{
    char buffer[64];
    ssize_t got = recv(far_end, buffer, sizeof buffer, MSG_DONTWAIT);
    far_size += got > 0 ? (size_t)got : 0;
    world->said = far_size == sizeof text;
    return world->said || got == 0 || (got < 0 && errno != EAGAIN);
}

static bool serve(void *context)
{
    struct world fresh;
    (void)context;
    if (begin(&fresh) == NULL) {
        return injected();
    }
    struct bight_port *port = listen_on("tcp:0:interface=127.0.0.1");
    if (port == NULL) {
        return end(false);
    }
    far_end = call_port(port);
    far_size = 0;
    bool ended = drive(far_has_ended);
    close(far_end);
    ended = ended && (world->made == 0 || drive(all_is_over));
    stop(port);
    return end(world->said && world->made == 1) && ended;
}

START_TEST(a_server_copes_with_each_call_that_fails) /* T17 */
{
    ck_assert_uint_eq(bight_testing_with_system_faults(serve, NULL, NULL), 0);
    ck_assert_uint_gt(bight_testing_system_fault_runs(), 100);
}
END_TEST

/* ------------------------------------------------------------------------------- connecting by name */

static struct bight_deferred *both_families(struct bight_resolver *resolver, const char *name, uint16_t port)
{
    struct bight_address_list *list = bight_address_list_new(2);
    (void)resolver;
    (void)name;
    if (list == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    (void)bight_address_parse_ip(&list->addresses[0], "127.0.0.1", port);
    (void)bight_address_parse_ip(&list->addresses[1], "127.0.0.2", port);
    return bight_succeed(&bight_type_address_list, list);
}

static void keep_resolver(struct bight_resolver *resolver)
{
    (void)resolver;
}

static const struct bight_resolver_ops resolver_ops = {
    .size = sizeof(struct bight_resolver_ops), .resolve = both_families, .free = keep_resolver
};
static struct bight_resolver resolver = { &resolver_ops };

static bool connecting_is_over(void)
{
    return world->fired == 1 && world->made == world->lost;
}

static bool connect_to(const char *endpoint, struct bight_port *port)
{
    struct bight_deferred *deferred = bight_connect(world->reactor, endpoint, &client_factory);
    ck_assert_int_eq(bight_deferred_add_both(deferred, note, NULL), 0);
    bight_deferred_release(deferred);
    bool ended = drive(connecting_is_over);
    stop(port);
    return end(world->said && world->failed == 0) && ended;
}

static bool connect_by_name(void *context)
{
    struct world fresh;
    struct bight_address address;
    char endpoint[64];
    (void)context;
    if (begin(&fresh) == NULL) {
        return injected();
    }
    bight_reactor_set_resolver(fresh.reactor, &resolver);
    struct bight_port *port = listen_on("tcp:0:interface=0.0.0.0");
    if (port == NULL) {
        return end(false);
    }
    (void)bight_port_address(port, &address);
    (void)snprintf(endpoint, sizeof endpoint, "tcp:two.example:%u", address.port);
    return connect_to(endpoint, port);
}

START_TEST(connecting_by_name_copes_with_each_call_that_fails) /* E5 */
{
    client_factory.ops = &client_factory_ops;
    ck_assert_uint_eq(bight_testing_with_system_faults(connect_by_name, NULL, NULL), 0);
    ck_assert_uint_gt(bight_testing_system_fault_runs(), 100);
}
END_TEST

/* ------------------------------------------------------------------------------------- UNIX sockets */

static bool talk_over_unix(void *context)
{
    struct world fresh;
    char endpoint[80];
    if (begin(&fresh) == NULL) {
        return injected();
    }
    (void)snprintf(endpoint, sizeof endpoint, "unix:%s:mode=600", (const char *)context);
    struct bight_port *port = listen_on(endpoint);
    if (port == NULL) {
        (void)unlink(context); /* it may be the unlink that failed */
        return end(false);
    }
    (void)snprintf(endpoint, sizeof endpoint, "unix:%s", (const char *)context);
    bool well = connect_to(endpoint, port);
    (void)unlink(context);
    return well;
}

START_TEST(unix_sockets_cope_with_each_call_that_fails)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/tmp/bight-faults-%d", (int)getpid());
    client_factory.ops = &client_factory_ops;
    ck_assert_uint_eq(bight_testing_with_system_faults(talk_over_unix, path, NULL), 0);
}
END_TEST

/* ------------------------------------------------------------------------------- timers and mailbox */

static void count_call(void *context)
{
    (*(int *)context)++;
}

static int calls_made;

static bool three_calls(void)
{
    return calls_made >= 3;
}

static bool wait_for_calls(void *context)
{
    struct world fresh;
    (void)context;
    calls_made = 0;
    if (begin(&fresh) == NULL) {
        return injected();
    }
    struct bight_mailbox *mailbox = bight_reactor_mailbox(fresh.reactor);
    bight_call_later(fresh.reactor, 0.5, count_call, &calls_made, NULL);
    bight_call_later(fresh.reactor, 0, count_call, &calls_made, NULL);
    bool asked = bight_call_from_thread(mailbox, count_call, &calls_made) == 0;
    bight_mailbox_release(mailbox);
    return end(drive(three_calls) && asked);
}

START_TEST(timers_and_calls_from_threads_cope_with_each_call_that_fails) /* R9 */
{
    ck_assert_uint_eq(bight_testing_with_system_faults(wait_for_calls, NULL, NULL), 0);
}
END_TEST

/* ---------------------------------------------------------------------------------- the loop itself */

static struct bight_faulty_system bare;
static int plan_seen[8];

static bool open_and_lose(void *context)
{
    (void)context;
    bight_faulty_system_init(&bare, NULL);
    int fd = bare.system.ops->eventfd(&bare.system, 0, 0);
    if (fd == -EMFILE && bight_testing_system_fault_injected()) {
        plan_seen[0]++;
        return true;
    }
    int second = bare.system.ops->eventfd(&bare.system, 0, 0);
    plan_seen[1] += second == -ENFILE;
    if (second < 0) {
        return true; /* fd is lost */
    }
    (void)bare.system.ops->close(&bare.system, fd);
    (void)bare.system.ops->close(&bare.system, second);
    return true;
}

static char logged[8192];

static void observe(const struct bight_log_event *event, void *context)
{
    (void)context;
    strncat(logged, event->message, sizeof logged - strlen(logged) - 2);
    strcat(logged, "\n");
}

START_TEST(a_descriptor_that_is_left_open_is_reported_with_call_number_and_errno)
{
    const struct bight_system_fault_options options = { .size = sizeof options, .only = "eventfd" };
    bight_log_set_observer(observe, NULL);
    size_t wrong = bight_testing_with_system_faults(open_and_lose, NULL, &options);
    bight_log_set_observer(NULL, NULL);
    ck_assert_uint_eq(wrong, 5); /* the second one's five errnos */
    ck_assert_int_eq(plan_seen[0], 1);
    ck_assert_int_eq(plan_seen[1], 1);
    ck_assert_msg(strstr(logged, "eventfd number 2 ENFILE: left descriptor") != NULL, "%s", logged);
    ck_assert_msg(strstr(logged, "; hit in ") != NULL, "%s", logged);
    ck_assert_ptr_null(strstr(logged, "number 3"));
}
END_TEST

static bool keep_memory(void *context)
{
    (void)context;
    bight_faulty_system_init(&bare, NULL);
    int fd = bare.system.ops->eventfd(&bare.system, 0, 0);
    if (fd < 0) {
        return bight_malloc(10) != NULL;
    }
    return bare.system.ops->close(&bare.system, fd) == 0;
}

START_TEST(memory_that_is_left_and_a_body_that_says_no_are_reported)
{
    struct bight_system_fault_options options = { .size = sizeof options, .only = "eventfd" };
    bight_log_set_observer(observe, NULL);
    ck_assert_uint_eq(bight_testing_with_system_faults(keep_memory, NULL, &options), 5);
    ck_assert_ptr_nonnull(strstr(logged, "eventfd number 1 EMFILE: left 10 bytes"));
    options.only = "close";
    ck_assert_uint_eq(bight_testing_with_system_faults(keep_memory, NULL, &options), 4);
    ck_assert_ptr_nonnull(strstr(logged, "close number 1 EINTR: the body gave false"));
    bight_log_set_observer(NULL, NULL);
}
END_TEST

static bool hang(void *context)
{
    (void)context;
    bight_faulty_system_init(&bare, NULL);
    int fd = bare.system.ops->eventfd(&bare.system, 0, 0);
    while (fd < 0) {
        sched_yield();
    }
    return bare.system.ops->close(&bare.system, fd) == 0;
}

START_TEST(a_run_that_hangs_ends_the_process)
{
    const struct bight_system_fault_options options = { .size = sizeof options, .only = "eventfd", .seconds = 1 };
    (void)bight_testing_with_system_faults(hang, NULL, &options);
    ck_abort_msg("it came back");
}
END_TEST

START_TEST(simulated_hosts_may_have_faulty_systems_too)
{
    struct bight_reactor *reactor = bight_testing_reactor_new();
    bight_faulty_system_insert(&bare, reactor);
    ck_assert_uint_eq(bight_clock_now(bight_reactor_clock(reactor)), BIGHT_NANOSECONDS_PER_SECOND);
    bight_testing_advance(reactor, 2);
    ck_assert_uint_eq(bight_clock_now(bight_reactor_clock(reactor)), 3 * BIGHT_NANOSECONDS_PER_SECOND);
    bight_reactor_free(reactor);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_descriptor_that_is_left_open_is_reported_with_call_number_and_errno);
    tcase_add_test(tests, memory_that_is_left_and_a_body_that_says_no_are_reported);
    tcase_add_test_raise_signal(tests, a_run_that_hangs_ends_the_process, SIGABRT);
    tcase_add_test(tests, simulated_hosts_may_have_faulty_systems_too);
    tcase_add_test(tests, timers_and_calls_from_threads_cope_with_each_call_that_fails);
    tcase_add_test(tests, a_server_copes_with_each_call_that_fails);
    tcase_add_test(tests, connecting_by_name_copes_with_each_call_that_fails);
    tcase_add_test(tests, unix_sockets_cope_with_each_call_that_fails);
}

BIGHT_TEST_MAIN("system faults", add_tests)
