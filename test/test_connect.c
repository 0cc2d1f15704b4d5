/* SPDX-License-Identifier: MIT */
/* Connecting: the race of RFC 8305, cancelling, timeouts, what becomes of failures (E2, E3, E5, T15).
 *
 * The names are a fake resolver's, and the attempts end when the test says so: a fake socket is one end of a pair whose
 * buffer is full, and so not writable, until the attempt is decided. Time is the fake system's. */
#include "net_support.h"

#include <bight/sys/resolver.h>

#include <bight/memory.h>

enum { MOST_ATTEMPTS = 64 };

struct attempt {
    int fd, far;
    int error; /* what SO_ERROR gives */
    uint64_t started;
    char address[BIGHT_ADDRESS_TEXT_SIZE];
    bool bound;
};

static struct net net;
static struct attempt attempts[MOST_ATTEMPTS];
static size_t attempt_count;
static int at_once[MOST_ATTEMPTS]; /* what connect gives for the n-th attempt instead of -EINPROGRESS; 1: connected */

/* ------------------------------------------------------------------------------------- fake sockets */

static int fake_socket(struct bight_system *system, int domain, int type, int protocol)
{
    static const char block[65536];
    int ends[2];
    (void)system;
    (void)domain;
    (void)protocol;
    ck_assert_int_eq(type, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC);
    ck_assert_int_lt((int)attempt_count, MOST_ATTEMPTS);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    while (write(ends[0], block, sizeof block) > 0) {
    }
    attempts[attempt_count++] =
        (struct attempt) { .fd = ends[0], .far = ends[1], .started = ((struct net *)system)->fake.now };
    return ends[0];
}

static struct attempt *find_attempt(int fd)
{
    for (size_t i = attempt_count; i-- > 0;) {
        if (attempts[i].fd == fd) {
            return &attempts[i];
        }
    }
    ck_abort_msg("no attempt");
    return NULL;
}

static int fake_bind(struct bight_system *system, int fd, const struct sockaddr *address, socklen_t size)
{
    (void)system;
    (void)address;
    (void)size;
    find_attempt(fd)->bound = true;
    return 0;
}

static void drain(struct attempt *attempt)
{
    char block[65536];
    while (read(attempt->far, block, sizeof block) > 0) {
    }
}

static int fake_connect(struct bight_system *system, int fd, const struct sockaddr *address, socklen_t size)
{
    struct attempt *attempt = find_attempt(fd);
    struct bight_address to;
    (void)system;
    ck_assert_int_eq(bight_address_from_sockaddr(&to, address, size), 0);
    bight_address_format(&to, attempt->address, sizeof attempt->address);
    int result = at_once[attempt - attempts];
    if (result == 1) {
        drain(attempt);
    }
    return result == 0 ? -EINPROGRESS : result == 1 ? 0 : result;
}

static int fake_getsockopt(struct bight_system *system, int fd, int level, int name, void *value, socklen_t *size)
{
    if (level == SOL_SOCKET && name == SO_ERROR) {
        *(int *)value = find_attempt(fd)->error;
        return 0;
    }
    return net_getsockopt(system, fd, level, name, value, size);
}

/* Ends the attempt with an errno, 0: connected. */
static void decide(size_t index, int error)
{
    attempts[index].error = error;
    drain(&attempts[index]);
    net_turn(&net, 2);
}

static bool is_closed(size_t index)
{
    char byte;
    drain(&attempts[index]);
    return read(attempts[index].far, &byte, 1) == 0;
}

/* ------------------------------------------------------------------------------------ fake resolver */

struct fake_resolver {
    struct bight_resolver base; /* first */
    struct bight_promise promise;
    int asked, cancelled;
    char name[300];
};
static struct fake_resolver resolver;

static void look_up_cancelled(struct bight_promise promise, void *context)
{
    (void)promise;
    ((struct fake_resolver *)context)->cancelled++;
}

static struct bight_deferred *fake_resolve(struct bight_resolver *base, const char *name, uint16_t port)
{
    struct fake_resolver *fake = (struct fake_resolver *)base;
    ck_assert_uint_eq(port, 80);
    fake->asked++;
    snprintf(fake->name, sizeof fake->name, "%s", name);
    return bight_deferred_new(&fake->promise, look_up_cancelled, fake);
}

static void free_nothing(struct bight_resolver *base)
{
    (void)base;
}

static const struct bight_resolver_ops resolver_ops = {
    .size = sizeof resolver_ops, .resolve = fake_resolve, .free = free_nothing
};

/* "1 2 a b": one character an address; digits are 192.0.2.N, letters 2001:db8::N. */
static void answer(const char *names)
{
    struct bight_address_list *list = bight_address_list_new(strlen(names));
    for (size_t i = 0; names[i] != '\0'; i++) {
        char text[64];
        snprintf(text, sizeof text, names[i] < 'a' ? "192.0.2.%c" : "2001:db8::%c", names[i]);
        ck_assert_int_eq(bight_address_parse_ip(&list->addresses[i], text, 80), 0);
    }
    ck_assert_int_eq(bight_callback(resolver.promise, &bight_type_address_list, list), 0);
}

/* ------------------------------------------------------------------------------------------- frame */

static struct outcome outcome;
static int descriptors_before;

static void begin(void)
{
    memset(&seen, 0, sizeof seen);
    memset(at_once, 0, sizeof at_once);
    attempt_count = 0;
    memset(&outcome, 0, sizeof outcome);
    memset(&resolver, 0, sizeof resolver);
    resolver.base.ops = &resolver_ops;
    probe_factory.ops = &probe_factory_ops;
    descriptors_before = count_descriptors();
    net_begin(&net);
    net.fake.ops.socket = fake_socket;
    net.fake.ops.bind = fake_bind;
    net.fake.ops.connect = fake_connect;
    net.fake.ops.getsockopt = fake_getsockopt;
    bight_reactor_set_resolver(net.reactor, &resolver.base);
}

static void end(void)
{
    forget_outcome(&outcome);
    net_end(&net);
    for (size_t i = 0; i < attempt_count; i++) {
        close(attempts[i].far);
    }
    ck_assert_int_eq(count_descriptors(), descriptors_before);
    ck_assert_int_eq(seen.started, seen.stopped);
}

static struct bight_deferred *connect_to(const char *endpoint)
{
    struct bight_deferred *deferred = bight_connect(net.reactor, endpoint, &probe_factory);
    ck_assert_int_eq(bight_deferred_add_both(deferred, note_outcome, &outcome), 0);
    return deferred;
}

/* As far as the look-up's answer. */
static struct bight_deferred *connect_by_name(const char *addresses)
{
    struct bight_deferred *deferred = connect_to("tcp:example.org:80");
    net_turn(&net, 2);
    ck_assert_int_eq(resolver.asked, 1);
    ck_assert_str_eq(resolver.name, "example.org");
    answer(addresses);
    net_turn(&net, 2);
    return deferred;
}

static void advance(double seconds)
{
    fake_advance(&net.fake, net.reactor, (uint64_t)(seconds * 1e9 + 0.5));
}

/* ------------------------------------------------------------------------------------------ one address */

START_TEST(the_deferred_gives_the_protocol_after_its_connection_made) /* E2 */
{
    begin();
    struct bight_deferred *deferred = connect_to("tcp:192.0.2.1:80");
    ck_assert_uint_eq(attempt_count, 0); /* nothing happens inside the call */
    ck_assert_int_eq(seen.started, 1);
    net_turn(&net, 2);
    ck_assert_str_eq(attempts[0].address, "192.0.2.1:80");
    ck_assert_int_eq(outcome.fired, 0);
    decide(0, 0);
    ck_assert_int_eq(outcome.fired, 1);
    ck_assert_ptr_eq(outcome.type, &bight_type_protocol);
    ck_assert_ptr_eq(outcome.value, seen.last);
    ck_assert_int_eq(seen.made, 1);
    ck_assert_int_eq(resolver.asked, 0); /* E5: literals skip the look-up */
    ck_assert_int_eq(seen.peer.port, 80);
    bight_deferred_release(deferred);
    end();
    ck_assert_int_eq(seen.lost, 1);
}
END_TEST

START_TEST(connecting_at_once_makes_no_difference) /* E2 */
{
    begin();
    at_once[0] = 1;
    struct bight_deferred *deferred = connect_to("tcp:[2001:db8::1]:80");
    ck_assert_int_eq(seen.made, 0);
    net_turn(&net, 1);
    ck_assert_str_eq(attempts[0].address, "[2001:db8::1]:80");
    ck_assert_int_eq(outcome.fired, 1);
    ck_assert_ptr_eq(outcome.value, seen.last);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(the_value_holds_the_protocol_beyond_its_connection) /* E2, T3 */
{
    begin();
    at_once[0] = 1;
    struct bight_deferred *deferred = connect_to("tcp:192.0.2.1:80");
    net_turn(&net, 2);
    struct bight_protocol *protocol = outcome.value;
    close(attempts[0].far);
    attempts[0].far = dup(0);
    NET_UNTIL(&net, seen.lost == 1);
    net_turn(&net, 3);
    ck_assert_int_eq(bight_transport_write(protocol->transport, "x", 1), BIGHT_E_CLOSED);
    bight_deferred_release(deferred);
    end();
}
END_TEST

static void abort_in_made(struct bight_protocol *protocol)
{
    bight_transport_abort_connection(protocol->transport);
}

START_TEST(a_connection_aborted_in_connection_made_still_gives_its_protocol) /* E2, T3 */
{
    begin();
    at_once[0] = 1;
    seen.on_made = abort_in_made;
    struct bight_deferred *deferred = connect_to("tcp:192.0.2.1:80");
    net_turn(&net, 1);
    ck_assert_int_eq(outcome.fired, 1);
    ck_assert_int_eq(outcome.code, 0);
    ck_assert(!bight_transport_is_open(((struct bight_protocol *)outcome.value)->transport));
    NET_UNTIL(&net, seen.lost == 1);
    ck_assert_int_eq(seen.reason, BIGHT_E_CONNECTION_ABORTED);
    bight_deferred_release(deferred);
    end();
}
END_TEST

static struct bight_deferred *cancelled_in_made;

static void cancel_in_made(struct bight_protocol *protocol)
{
    (void)protocol;
    bight_deferred_cancel(cancelled_in_made);
}

START_TEST(a_cancel_in_connection_made_discards_the_connection) /* E3, D31 */
{
    begin();
    at_once[0] = 1;
    seen.on_made = cancel_in_made;
    cancelled_in_made = connect_to("tcp:192.0.2.1:80");
    net_turn(&net, 1);
    ck_assert_int_eq(outcome.fired, 1);
    ck_assert_int_eq(outcome.code, BIGHT_E_CANCELLED);
    NET_UNTIL(&net, seen.lost == 1);
    ck_assert_int_eq(seen.reason, BIGHT_E_CONNECTION_ABORTED);
    bight_deferred_release(cancelled_in_made);
    end();
}
END_TEST

struct refusal {
    int number, code;
    const char *message;
};
static const struct refusal refusals[] = {
    { ECONNREFUSED, BIGHT_E_CONNECTION_REFUSED, "192.0.2.1:80: the connection was refused" },
    { ENETUNREACH, BIGHT_E_UNREACHABLE, "192.0.2.1:80: the peer cannot be reached" },
    { EHOSTUNREACH, BIGHT_E_UNREACHABLE, "192.0.2.1:80: the peer cannot be reached" },
    { ETIMEDOUT, BIGHT_E_CONNECT_TIMED_OUT, "192.0.2.1:80: the connection attempt took too long" },
    { EACCES, BIGHT_E_CONNECT, "192.0.2.1:80: the connection could not be made" },
};

START_TEST(a_failed_attempt_is_a_failure_with_its_address) /* E2 */
{
    const struct refusal *refusal = &refusals[_i / 2];
    begin();
    at_once[0] = _i % 2 == 0 ? -refusal->number : 0;
    struct bight_deferred *deferred = connect_to("tcp:192.0.2.1:80");
    net_turn(&net, 2);
    if (_i % 2 == 1) {
        ck_assert_int_eq(outcome.fired, 0);
        decide(0, refusal->number);
    }
    ck_assert_int_eq(outcome.fired, 1);
    ck_assert_int_eq(outcome.code, refusal->code);
    ck_assert(bight_failure_is(outcome.failure, BIGHT_E_CONNECT));
    ck_assert_int_eq(bight_failure_errno(outcome.failure), refusal->number);
    ck_assert_str_eq(bight_failure_message(outcome.failure), refusal->message);
    ck_assert(is_closed(0));
    ck_assert_int_eq(seen.made, 0);
    ck_assert_int_eq(seen.stopped, 1);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(a_factory_that_makes_no_protocol_fails_the_connection) /* T15 */
{
    begin();
    seen.refuse = true;
    at_once[0] = 1;
    struct bight_deferred *deferred = connect_to("tcp:192.0.2.1:80");
    net_turn(&net, 2);
    ck_assert_int_eq(outcome.code, BIGHT_E_NO_PROTOCOL);
    ck_assert(is_closed(0));
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(an_attempt_takes_no_longer_than_its_timeout) /* E5 */
{
    static const char *const endpoints[] = { "tcp:192.0.2.1:80", "tcp:192.0.2.1:80:timeout=1.5" };
    static const double seconds[] = { 30, 1.5 };
    begin();
    struct bight_deferred *deferred = connect_to(endpoints[_i]);
    net_turn(&net, 2);
    advance(seconds[_i] - 0.001);
    ck_assert_int_eq(outcome.fired, 0);
    advance(0.001);
    ck_assert_int_eq(outcome.code, BIGHT_E_CONNECT_TIMED_OUT);
    ck_assert(is_closed(0));
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(the_local_address_can_be_chosen) /* E2 */
{
    begin();
    struct bight_deferred *deferred = connect_to("tcp:example.org:80:bind=10.0.0.1");
    net_turn(&net, 2);
    answer("a1b");
    net_turn(&net, 2);
    ck_assert_uint_eq(attempt_count, 1);
    ck_assert_str_eq(attempts[0].address, "192.0.2.1:80");
    ck_assert(attempts[0].bound);
    decide(0, ECONNREFUSED);
    ck_assert_int_eq(outcome.code, BIGHT_E_CONNECTION_REFUSED); /* one attempt: its own failure */
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(a_local_address_of_another_family_reaches_nothing) /* E2 */
{
    begin();
    struct bight_deferred *deferred = connect_to("tcp:192.0.2.1:80:bind=[::1]");
    net_turn(&net, 2);
    ck_assert_uint_eq(attempt_count, 0);
    ck_assert_int_eq(outcome.code, BIGHT_E_UNREACHABLE);
    bight_deferred_release(deferred);
    end();
}
END_TEST

/* ---------------------------------------------------------------------------------------- many addresses */

static void check_order(const char *expected)
{
    char order[MOST_ATTEMPTS + 1] = "";
    for (size_t i = 0; i < attempt_count; i++) {
        const char *text = attempts[i].address;
        order[i] = text[0] == '[' ? text[strlen("[2001:db8::")] : text[strlen("192.0.2.")];
    }
    ck_assert_str_eq(order, expected);
}

struct order {
    const char *answered, *tried;
};
static const struct order orders[] = { { "abc123", "a1b2c3" }, { "123abc", "1a2b3c" }, { "ab1cd", "a1bcd" },
    { "1", "1" }, { "12", "12" }, { "a12345", "a12345" }, { "a1b2", "a1b2" } };

START_TEST(families_take_turns_beginning_with_the_first_answers) /* E5 */
{
    begin();
    struct bight_deferred *deferred = connect_by_name(orders[_i].answered);
    for (int i = 0; i < 8; i++) {
        advance(0.25);
    }
    check_order(orders[_i].tried);
    bight_deferred_cancel(deferred);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(the_next_attempt_begins_after_a_quarter_of_a_second) /* E5 */
{
    begin();
    struct bight_deferred *deferred = connect_by_name("a1b");
    check_order("a");
    advance(0.249999999);
    check_order("a");
    advance(0.000000001);
    check_order("a1");
    advance(0.25);
    check_order("a1b");
    ck_assert(!is_closed(0)); /* they run on side by side */
    bight_deferred_cancel(deferred);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(the_next_attempt_begins_at_once_when_one_fails) /* E5 */
{
    begin();
    struct bight_deferred *deferred = connect_by_name("a1b2");
    decide(0, ECONNREFUSED);
    check_order("a1");
    advance(0.2);
    decide(1, ENETUNREACH);
    check_order("a1b");
    advance(0.249); /* the head start counts from the latest attempt */
    check_order("a1b");
    advance(0.001);
    check_order("a1b2");
    bight_deferred_cancel(deferred);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(the_first_success_wins_and_the_others_are_closed) /* E5 */
{
    begin();
    struct bight_deferred *deferred = connect_by_name("a1b2");
    advance(0.25);
    advance(0.25);
    check_order("a1b");
    decide(1, 0);
    ck_assert_int_eq(outcome.fired, 1);
    ck_assert_ptr_eq(outcome.value, seen.last);
    ck_assert_int_eq(seen.peer.family, BIGHT_ADDRESS_IPV4);
    ck_assert(is_closed(0));
    ck_assert(!is_closed(1));
    ck_assert(is_closed(2));
    advance(60);
    check_order("a1b");
    ck_assert_int_eq(seen.made, 1);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(two_that_succeed_in_one_turn_make_one_connection) /* E5 */
{
    begin();
    struct bight_deferred *deferred = connect_by_name("a1");
    advance(0.25);
    drain(&attempts[0]);
    decide(1, 0);
    ck_assert_int_eq(seen.made, 1);
    ck_assert_int_eq(is_closed(0) + is_closed(1), 1);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(when_all_fail_one_failure_lists_them) /* E5 */
{
    begin();
    at_once[1] = -ENETUNREACH;
    struct bight_deferred *deferred = connect_by_name("a1b");
    decide(0, ECONNREFUSED);
    check_order("a1b");
    ck_assert_int_eq(outcome.fired, 0);
    decide(2, ETIMEDOUT);
    ck_assert_int_eq(outcome.code, BIGHT_E_ALL_FAILED);
    ck_assert_uint_eq(bight_failure_cause_count(outcome.failure), 3);
    ck_assert_int_eq(bight_failure_code(bight_failure_cause(outcome.failure, 0)), BIGHT_E_CONNECTION_REFUSED);
    ck_assert_int_eq(bight_failure_code(bight_failure_cause(outcome.failure, 1)), BIGHT_E_UNREACHABLE);
    ck_assert_int_eq(bight_failure_code(bight_failure_cause(outcome.failure, 2)), BIGHT_E_CONNECT_TIMED_OUT);
    ck_assert_str_eq(
        bight_failure_message(bight_failure_cause(outcome.failure, 0)), "[2001:db8::a]:80: the connection was refused");
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(the_timeout_covers_look_up_and_all_attempts) /* E5 */
{
    begin();
    struct bight_deferred *deferred = connect_to("tcp:example.org:80:timeout=2");
    net_turn(&net, 2);
    advance(1.5);
    answer("a1");
    net_turn(&net, 2);
    decide(0, ECONNREFUSED);
    advance(0.499);
    ck_assert_int_eq(outcome.fired, 0);
    advance(0.001);
    ck_assert_int_eq(outcome.code, BIGHT_E_CONNECT_TIMED_OUT);
    ck_assert_uint_eq(bight_failure_cause_count(outcome.failure), 1);
    ck_assert(is_closed(1));
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(a_name_with_a_thousand_addresses_has_a_limit) /* E5 */
{
    char many[1001];
    begin();
    memset(many, '1', sizeof many - 1);
    many[sizeof many - 1] = '\0';
    for (int i = 0; i < MOST_ATTEMPTS; i++) {
        at_once[i] = -ECONNREFUSED;
    }
    struct bight_deferred *deferred = connect_by_name(many);
    ck_assert_uint_eq(attempt_count, 32);
    ck_assert_int_eq(outcome.code, BIGHT_E_ALL_FAILED);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(a_failed_look_up_is_the_failure) /* E5 */
{
    begin();
    struct bight_deferred *deferred = connect_to("tcp:example.org:80");
    net_turn(&net, 2);
    bight_errback(resolver.promise, bight_failure_of(BIGHT_E_NAME_NOT_FOUND));
    ck_assert_int_eq(outcome.code, BIGHT_E_NAME_NOT_FOUND);
    bight_deferred_release(deferred);
    end();
    ck_assert_int_eq(net.log_count, 0);
}
END_TEST

START_TEST(brackets_hold_literals_only) /* E6 */
{
    begin();
    struct bight_deferred *deferred = connect_to("tcp:[example.org]:80");
    ck_assert_int_eq(outcome.code, BIGHT_E_BAD_VALUE);
    ck_assert_str_eq(bight_failure_message(outcome.failure), "column 5: expected an IPv6 address in the brackets");
    bight_deferred_release(deferred);
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------ cancelling */

enum stage { BEFORE_TURN, LOOKING_UP, FIRST_ATTEMPT, THREE_ATTEMPTS, STAGES };

START_TEST(a_cancel_at_any_stage_stops_everything) /* E3 */
{
    begin();
    struct bight_deferred *deferred = connect_to("tcp:example.org:80");
    if (_i >= LOOKING_UP) {
        net_turn(&net, 2);
    }
    if (_i >= FIRST_ATTEMPT) {
        answer("a1b2");
        net_turn(&net, 2);
    }
    if (_i >= THREE_ATTEMPTS) {
        advance(0.25);
        advance(0.25);
    }
    bight_deferred_cancel(deferred);
    ck_assert_int_eq(outcome.code, BIGHT_E_CANCELLED);
    ck_assert_int_eq(seen.stopped, 1);
    ck_assert_int_eq(resolver.cancelled, _i == LOOKING_UP);
    for (size_t i = 0; i < attempt_count; i++) {
        ck_assert(is_closed(i));
    }
    size_t count = attempt_count;
    advance(60);
    ck_assert_uint_eq(attempt_count, count);
    ck_assert_int_eq(outcome.fired, 1);
    bight_deferred_release(deferred);
    end();
    ck_assert_int_eq(net.log_count, 0);
}
END_TEST

START_TEST(a_cancel_after_the_connection_does_nothing) /* E3 */
{
    begin();
    at_once[0] = 1;
    struct bight_deferred *deferred = connect_to("tcp:192.0.2.1:80");
    net_turn(&net, 2);
    bight_deferred_cancel(deferred);
    net_turn(&net, 3);
    ck_assert_int_eq(seen.lost, 0);
    ck_assert_int_eq(outcome.fired, 1);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(the_end_of_the_reactor_ends_the_attempt) /* E3 */
{
    begin();
    struct bight_deferred *deferred = connect_to("tcp:example.org:80");
    if (_i >= LOOKING_UP) {
        net_turn(&net, 2);
    }
    if (_i >= FIRST_ATTEMPT) {
        answer("a1b2");
        net_turn(&net, 2);
    }
    net_end(&net);
    ck_assert_int_eq(outcome.code, BIGHT_E_SHUTDOWN);
    ck_assert_int_eq(seen.stopped, 1);
    bight_deferred_release(deferred);
    forget_outcome(&outcome);
    for (size_t i = 0; i < attempt_count; i++) {
        close(attempts[i].far);
    }
    ck_assert_int_eq(count_descriptors(), descriptors_before);
}
END_TEST

START_TEST(a_full_backlog_of_a_unix_socket_is_tried_again) /* E2 */
{
    begin();
    at_once[0] = at_once[1] = -EAGAIN;
    at_once[2] = 1;
    struct bight_deferred *deferred = connect_to("unix:/somewhere");
    net_turn(&net, 2);
    ck_assert_uint_eq(attempt_count, 1);
    advance(0.02);
    ck_assert_uint_eq(attempt_count, 2);
    advance(0.02);
    ck_assert_uint_eq(attempt_count, 3);
    ck_assert_ptr_eq(outcome.value, seen.last);
    bight_deferred_release(deferred);
    end();
}
END_TEST

START_TEST(a_backlog_that_stays_full_ends_in_a_timeout) /* E2 */
{
    begin();
    for (int i = 0; i < MOST_ATTEMPTS; i++) {
        at_once[i] = -EAGAIN;
    }
    struct bight_deferred *deferred = connect_to("unix:/somewhere:timeout=0.1");
    net_turn(&net, 2);
    for (int i = 0; i < 6; i++) {
        advance(0.02);
    }
    ck_assert_int_eq(outcome.code, BIGHT_E_CONNECT_TIMED_OUT);
    bight_deferred_release(deferred);
    end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, the_deferred_gives_the_protocol_after_its_connection_made);
    tcase_add_test(tests, connecting_at_once_makes_no_difference);
    tcase_add_test(tests, the_value_holds_the_protocol_beyond_its_connection);
    tcase_add_test(tests, a_connection_aborted_in_connection_made_still_gives_its_protocol);
    tcase_add_test(tests, a_cancel_in_connection_made_discards_the_connection);
    tcase_add_loop_test(tests, a_failed_attempt_is_a_failure_with_its_address, 0, 10);
    tcase_add_test(tests, a_factory_that_makes_no_protocol_fails_the_connection);
    tcase_add_loop_test(tests, an_attempt_takes_no_longer_than_its_timeout, 0, 2);
    tcase_add_test(tests, the_local_address_can_be_chosen);
    tcase_add_test(tests, a_local_address_of_another_family_reaches_nothing);
    tcase_add_loop_test(tests, families_take_turns_beginning_with_the_first_answers, 0, 7);
    tcase_add_test(tests, the_next_attempt_begins_after_a_quarter_of_a_second);
    tcase_add_test(tests, the_next_attempt_begins_at_once_when_one_fails);
    tcase_add_test(tests, the_first_success_wins_and_the_others_are_closed);
    tcase_add_test(tests, two_that_succeed_in_one_turn_make_one_connection);
    tcase_add_test(tests, when_all_fail_one_failure_lists_them);
    tcase_add_test(tests, the_timeout_covers_look_up_and_all_attempts);
    tcase_add_test(tests, a_name_with_a_thousand_addresses_has_a_limit);
    tcase_add_test(tests, a_failed_look_up_is_the_failure);
    tcase_add_test(tests, brackets_hold_literals_only);
    tcase_add_loop_test(tests, a_cancel_at_any_stage_stops_everything, 0, STAGES);
    tcase_add_test(tests, a_cancel_after_the_connection_does_nothing);
    tcase_add_loop_test(tests, the_end_of_the_reactor_ends_the_attempt, 0, THREE_ATTEMPTS);
    tcase_add_test(tests, a_full_backlog_of_a_unix_socket_is_tried_again);
    tcase_add_test(tests, a_backlog_that_stays_full_ends_in_a_timeout);
}

BIGHT_TEST_MAIN("connect", add_tests)
