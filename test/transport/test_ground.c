/* SPDX-License-Identifier: MIT */
/* test_ground.c - everything at once, over real sockets: a room of line-based clients with timers, ties and a shutdown
 * while memory runs out at every place in turn; what is true of every descriptor and of every function that returns a
 * Deferred; and what begins while everything is ended. */
#include <dirent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <bight/bight.h>
#include <bight/protocols/line.h>
#include <bight/sys/resolver.h>
#include <bight/testing.h>

#include "reactor/reactor.h"
#include "support.h"

#define CLIENTS 20

static struct bight_reactor *reactor;
static char endpoint[64];

static void ignore_log(const struct bight_log_event *event, void *context)
{
    (void)event;
    (void)context;
}

static void clear(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
}

/* Nobody else looks at it. When out of memory for the handler the log tells, which ignores it. */
static void forget(struct bight_deferred *deferred)
{
    (void)bight_deferred_add_both(deferred, clear, NULL);
    bight_deferred_release(deferred);
}

/* What is open, and which of it would be handed on to a program that is executed. */
static int count_descriptors(int *inherited)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    struct dirent *entry;
    *inherited = 0;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        int fd = atoi(entry->d_name);
        count += entry->d_name[0] != '.' && fd != dirfd(directory);
        *inherited += entry->d_name[0] != '.' && (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0;
    }
    closedir(directory);
    return count;
}

/* ----------------------------------------------------------------------------------------- the room */

struct member {
    struct bight_line_receiver base;
    struct bight_promise answer; /* of a Deferred that is tied to it */
    bool counted;
};

static struct {
    struct bight_line_receiver *members[CLIENTS];
    size_t member_count;
    int made, lost, said, heard, answered, ticks, connected, refused, started, stopped;
} room;

static void answered(struct bight_result *result, void *context)
{
    (void)context;
    room.answered++;
    bight_result_clear(result);
}

static void member_made(struct bight_line_receiver *receiver)
{
    struct member *member = bight_line_self(struct member, receiver);
    struct bight_deferred *deferred = bight_deferred_new(&member->answer, NULL, NULL);
    room.made++;
    (void)bight_deferred_add_timeout(deferred, 1000, bight_reactor_clock(reactor));
    (void)bight_deferred_add_both(deferred, answered, NULL);
    bight_deferred_release(bight_protocol_tie(&receiver->base, deferred));
    (void)bight_transport_set_idle_timeout(bight_line_transport(receiver), 1000);
    if (room.member_count < CLIENTS) {
        room.members[room.member_count++] = receiver;
        member->counted = true;
    }
}

/* Odd members' Deferreds are answered, the others' end with their connections. */
static void member_said(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    room.said++;
    if (room.said % 2 == 1) {
        (void)bight_callback(bight_line_self(struct member, receiver)->answer, NULL, NULL);
    }
    for (size_t i = 0; i < room.member_count; i++) {
        (void)bight_line_send(room.members[i], line, size);
    }
}

static void member_lost(struct bight_line_receiver *receiver, const struct bight_failure *reason)
{
    (void)reason;
    room.lost++;
    for (size_t i = 0; i < room.member_count; i++) {
        if (room.members[i] == receiver) {
            room.members[i] = room.members[--room.member_count];
        }
    }
}

static void guest_made(struct bight_line_receiver *receiver)
{
    room.made++;
    (void)bight_line_send_text(receiver, "hello");
}

/* Every third one goes when it has heard enough. */
static void guest_heard(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    (void)line;
    (void)size;
    if (++room.heard % (3 * CLIENTS) == 0) {
        (void)bight_transport_lose_connection(bight_line_transport(receiver));
    }
}

static void guest_lost(struct bight_line_receiver *receiver, const struct bight_failure *reason)
{
    (void)receiver;
    (void)reason;
    room.lost++;
}

static void started(struct bight_factory *factory)
{
    (void)factory;
    room.started++;
}

static void stopped(struct bight_factory *factory)
{
    (void)factory;
    room.stopped++;
}

static const struct bight_factory_ops factory_ops = { .started = started, .stopped = stopped };
static const struct bight_line_ops member_ops = {
    .connection_made = member_made, .line_received = member_said, .connection_lost = member_lost
};
static const struct bight_line_ops guest_ops = {
    .connection_made = guest_made, .line_received = guest_heard, .connection_lost = guest_lost
};
static struct bight_line_factory members = BIGHT_LINE_FACTORY(struct member, &member_ops);
static struct bight_line_factory guests = BIGHT_LINE_FACTORY(struct bight_line_receiver, &guest_ops);

static void tick(void *left)
{
    room.ticks++;
    if (--*(int *)left > 0) {
        (void)bight_call_later(reactor, 0, tick, left, NULL);
    }
}

static void connected(struct bight_result *result, void *context)
{
    (void)context;
    struct bight_failure *failure = bight_result_failure(result);
    bool honest = failure == NULL || bight_testing_fault_injected();
    room.connected += failure == NULL;
    room.refused += failure != NULL && honest;
    bight_result_clear(result);
}

static void stop(void *context)
{
    (void)context;
    (void)bight_reactor_stop(reactor);
}

/* One whole life. The connections are made and talk in turns that do not wait; the shutdown finds them open. */
static void live(void)
{
    static int left[8];
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        left[i] = 5;
        (void)bight_call_later(reactor, 0, tick, &left[i], NULL);
    }
    forget(bight_listen(reactor, endpoint, &members.base));
    for (int i = 0; i < CLIENTS; i++) {
        struct bight_deferred *deferred = bight_connect(reactor, endpoint, &guests.base);
        if (bight_deferred_add_both(deferred, connected, NULL) != 0) {
            room.refused++;
            bight_deferred_cancel(deferred);
        }
        bight_deferred_release(deferred);
    }
    for (int i = 0; i < 120; i++) {
        bi_reactor_turn(reactor, false);
    }
    if (bight_call_when_running(reactor, stop, NULL) == 0) {
        (void)bight_reactor_run(reactor);
    }
}

static bool is_whole(void)
{
    if (room.made != room.lost || room.started != room.stopped || room.connected + room.refused != CLIENTS) {
        return false;
    }
    if (bight_testing_fault_injected()) {
        return true;
    }
    return room.made == 2 * CLIENTS && room.said == CLIENTS && room.answered == CLIENTS && room.ticks == 40 &&
           room.heard > CLIENTS;
}

static bool one_life(void *context)
{
    int inherited, before = count_descriptors(&inherited);
    (void)context;
    memset(&room, 0, sizeof room);
    members.base.ops = guests.base.ops = &factory_ops;
    bight_log_set_observer(ignore_log, NULL);
    reactor = bight_reactor_new();
    if (reactor == NULL) {
        return bight_testing_fault_injected();
    }
    live();
    bight_reactor_free(reactor);
    return is_whole() && count_descriptors(&inherited) == before;
}

START_TEST(a_room_full_of_clients_survives_every_lack_of_memory) /* D34, T6, T15, E1, E2, R3 */
{
    snprintf(endpoint, sizeof endpoint, "unix:@bight-ground-%d", (int)getpid());
    ck_assert_uint_eq(bight_testing_with_faults(one_life, NULL, 0), 0);
}
END_TEST

/* ----------------------------------------------------------------------------- Deferreds, never NULL */

static void work(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
}

/* False when it is NULL. */
static bool is_given(struct bight_deferred *deferred)
{
    if (deferred != NULL) {
        forget(deferred);
    }
    return deferred != NULL;
}

static bool ask_everybody(void)
{
    static const char *const strings[] = { "tcp:0:interface=127.0.0.1", "tcp:127.0.0.1:1", "tcp:localhost:1",
        "unix:/no/such/place", "nonsense", "tcp:", "fd:77" };
    struct bight_promise promise;
    bool given = true;
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        given = is_given(bight_listen(reactor, strings[i], &members.base)) && given;
        given = is_given(bight_connect(reactor, strings[i], &guests.base)) && given;
    }
    given = is_given(bight_resolve(reactor, "localhost", 1)) && given;
    given = is_given(bight_resolve(reactor, "127.0.0.1", 1)) && given;
    given = is_given(bight_defer_to_thread(reactor, work, NULL)) && given;
    given = is_given(bight_deferred_new(&promise, NULL, NULL)) && given;
    (void)bight_callback(promise, NULL, NULL);
    given = is_given(bight_succeed(NULL, NULL)) && given;
    given = is_given(bight_fail(bight_failure_new(BIGHT_E_SYSTEM, 1, NULL, "x"))) && given;
    given = is_given(bight_reactor_stop_later(reactor)) && given;
    struct bight_scope *scope = bight_scope_new(bight_reactor_clock(reactor));
    given = (scope == NULL || is_given(bight_scope_close(scope, 0))) && given;
    bight_scope_free(scope);
    return given;
}

static bool ask_and_end(void *context)
{
    (void)context;
    members.base.ops = guests.base.ops = NULL;
    bight_log_set_observer(ignore_log, NULL);
    reactor = bight_reactor_new();
    bool given = reactor == NULL || ask_everybody();
    bight_reactor_free(reactor);
    return given;
}

START_TEST(what_gives_a_deferred_never_gives_null) /* D34, E1, E2 */
{
    ck_assert_uint_eq(bight_testing_with_faults(ask_and_end, NULL, 0), 0);
}
END_TEST

/* ----------------------------------------------------------------------- descriptors, and the very end */

static int inherited_inside;

/* When both ends of the connection have been made. */
static void look_at_descriptors(void *context)
{
    if (room.made < 2) {
        bight_call_later(reactor, 0, look_at_descriptors, context, NULL);
        return;
    }
    (void)count_descriptors(&inherited_inside);
    (void)bight_reactor_stop(reactor);
}

static void nothing(int number, void *context)
{
    (void)number;
    (void)context;
}

START_TEST(no_descriptor_is_handed_on_to_another_program) /* E1, E2, T17 */
{
    int inherited;
    (void)count_descriptors(&inherited);
    reactor = bight_reactor_new();
    snprintf(endpoint, sizeof endpoint, "unix:@bight-ground-%d", (int)getpid());
    ck_assert_int_eq(bight_serve(reactor, endpoint, &members.base), 0);
    ck_assert_int_eq(bight_on_signal(reactor, SIGUSR1, nothing, NULL), 0);
    forget(bight_listen(reactor, "tcp:0", &members.base));
    forget(bight_defer_to_thread(reactor, work, NULL));
    forget(bight_connect(reactor, endpoint, &guests.base));
    bight_call_later(reactor, 0, look_at_descriptors, NULL, NULL);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_int_eq(inherited_inside, inherited);
    ck_assert_int_eq(room.made, 2);
    bight_reactor_free(reactor);
}
END_TEST

static int codes[2];
static size_t code_count;

static void note_code(struct bight_result *result, void *context)
{
    (void)context;
    struct bight_failure *failure = bight_result_failure(result);
    codes[code_count++] = failure == NULL ? 0 : bight_failure_code(failure);
    bight_result_clear(result);
}

static void begin_anew(struct bight_line_receiver *receiver, const struct bight_failure *reason)
{
    (void)reason;
    struct bight_reactor *whose = bight_transport_reactor(bight_line_transport(receiver));
    struct bight_deferred *deferred = bight_connect(whose, endpoint, &guests.base);
    bight_deferred_add_both(deferred, note_code, NULL);
    bight_deferred_release(deferred);
}

static bool aborts;

/* An aborted one is notified of its end in the last of the shutdown, the other first of all. */
static void stop_when_made(struct bight_line_receiver *receiver)
{
    (void)bight_reactor_stop(reactor);
    if (aborts) {
        (void)bight_transport_abort_connection(bight_line_transport(receiver));
    }
}

START_TEST(who_connects_again_while_all_is_disconnected_is_refused) /* R3, E2 */
{
    static const struct bight_line_ops again_ops = { .connection_made = stop_when_made, .connection_lost = begin_anew };
    guests.ops = &again_ops;
    aborts = _i == 1;
    reactor = bight_reactor_new();
    snprintf(endpoint, sizeof endpoint, "unix:@bight-ground-%d", (int)getpid());
    ck_assert_int_eq(bight_serve(reactor, endpoint, &members.base), 0);
    forget(bight_connect(reactor, endpoint, &guests.base));
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_uint_eq(code_count, 1);
    ck_assert_int_eq(codes[0], BIGHT_E_SHUTDOWN);
    ck_assert_uint_eq(guests.base.connections + guests.base.ports, 0);
    ck_assert_uint_eq(members.base.connections + members.base.ports, 0);
    bight_reactor_free(reactor);
}
END_TEST

/* --------------------------------------------------------------------------------- on a host's loop */

static struct event_base *host;
static struct bight_protocol *guest;
static char guest_heard_of[64];

static void guest_hears(const char *what)
{
    strncat(guest_heard_of, what, sizeof guest_heard_of - strlen(guest_heard_of) - 1);
}

static void guest_connected(struct bight_protocol *protocol)
{
    guest = protocol;
}

static void guest_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    guest_hears("data ");
    (void)bight_transport_write(protocol->transport, data, size);
}

static bool guest_read_ended(struct bight_protocol *protocol)
{
    guest_hears("end ");
    (void)bight_transport_write(protocol->transport, "answer", 6);
    return true;
}

static void guest_write_ended(struct bight_protocol *protocol)
{
    (void)protocol;
    guest_hears("shut ");
}

static void guest_ended(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    (void)protocol;
    guest = NULL;
    guest_hears(bight_error_name(bight_failure_code(reason)));
}

static const struct bight_protocol_ops host_ops = {
    .connection_made = guest_connected,
    .data_received = guest_received,
    .read_connection_lost = guest_read_ended,
    .write_connection_lost = guest_write_ended,
    .connection_lost = guest_ended,
};
static struct bight_factory host_factory = BIGHT_FACTORY(struct bight_protocol, &host_ops);

static void host_turns(void)
{
    for (int i = 0; i < 20; i++) {
        event_base_loop(host, EVLOOP_NONBLOCK);
    }
}

static void ck_far_end(int fd, const char *expected)
{
    char text[64] = "";
    host_turns();
    ssize_t got = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
    ck_assert_str_eq(got > 0 ? text : "", expected);
}

static int begin_on_host(void)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int length = snprintf(un.sun_path + 1, sizeof un.sun_path - 1, "bight-ground-%d", (int)getpid());
    host = event_base_new();
    const struct bight_reactor_options options = { .size = sizeof options, .host = host };
    reactor = bight_reactor_new_full(&options);
    snprintf(endpoint, sizeof endpoint, "unix:@bight-ground-%d", (int)getpid());
    ck_assert_int_eq(bight_serve(reactor, endpoint, &host_factory), 0);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&un, size), 0);
    host_turns();
    ck_assert_ptr_nonnull(guest);
    return fd;
}

START_TEST(a_guests_connection_lives_on_the_hosts_turns) /* R3, T11 */
{
    int fd = begin_on_host();
    ck_assert_int_eq(bight_transport_write(guest->transport, "outside", 7), 0); /* of any handler */
    ck_far_end(fd, "outside");
    ck_assert_int_eq(send(fd, "ping", 4, MSG_NOSIGNAL), 4);
    ck_far_end(fd, "ping");
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    ck_far_end(fd, "answer");
    ck_assert_int_eq(bight_transport_lose_write(guest->transport), 0); /* outside, too */
    ck_assert_str_eq(guest_heard_of, "data end ");
    host_turns();
    ck_assert_str_eq(guest_heard_of, "data end shut CONNECTION_DONE");
    close(fd);
    bight_reactor_free(reactor);
    event_base_free(host);
}
END_TEST

static void note_stopped(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    guest_hears(" stopped");
}

START_TEST(stopping_a_guest_ends_its_connections_and_then_tells) /* R3, T5 */
{
    int fd = begin_on_host();
    struct bight_deferred *stopped = bight_reactor_stop_later(reactor);
    bight_deferred_add_callback(stopped, note_stopped, NULL);
    ck_assert_str_eq(guest_heard_of, "");
    host_turns();
    ck_assert_str_eq(guest_heard_of, "CONNECTION_LOST stopped");
    ck_assert_uint_eq(host_factory.connections + host_factory.ports, 0);
    bight_deferred_release(stopped);
    close(fd);
    bight_reactor_free(reactor);
    ck_assert_int_eq(event_base_loop(host, EVLOOP_NONBLOCK), 1); /* nothing of bight's is left on it */
    event_base_free(host);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_room_full_of_clients_survives_every_lack_of_memory);
    tcase_add_test(tests, what_gives_a_deferred_never_gives_null);
    tcase_add_test(tests, no_descriptor_is_handed_on_to_another_program);
    tcase_add_test(tests, a_guests_connection_lives_on_the_hosts_turns);
    tcase_add_test(tests, stopping_a_guest_ends_its_connections_and_then_tells);
    tcase_add_loop_test(tests, who_connects_again_while_all_is_disconnected_is_refused, 0, 2);
}

BIGHT_TEST_MAIN("ground", add_tests)
