/* SPDX-License-Identifier: MIT */
/* test_debug_dump.c - the picture of what waits for what.
 *
 * Places are given by hand, so that lines can be compared as a whole but for numbers and ages. DOT is read by a small
 * parser of its grammar, as far as the dump uses it: nodes, edges and attributes with quoted strings. */
#include "support.h"

#include <ctype.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bight/bight.h>
#include <bight/testing.h>

#include "transport/transport.h"

static struct bight_reactor *reactor;
static char text[65536];
static unsigned writes;

static void set_up(void)
{
    bight_deferred_set_debug(true);
    reactor = bight_testing_reactor_new();
    ck_assert_ptr_nonnull(reactor);
}

static void tear_down(void)
{
    bight_reactor_free(reactor);
}

static void gather(const char *data, size_t size, void *context)
{
    (void)context;
    writes++;
    ck_assert_uint_lt(size, sizeof text);
    memcpy(text, data, size);
    text[size] = '\0';
}

static void dump(enum bight_dump_format format)
{
    text[0] = '\0';
    ck_assert_int_eq(bight_debug_dump(reactor, format, gather, NULL), 0);
}

/* The line with `words`, with a NUL behind it, cut out of the text. */
static const char *line_with(const char *words)
{
    static char line[4096];
    const char *at = strstr(text, words);
    ck_assert_msg(at != NULL, "no \"%s\" in:\n%s", words, text);
    while (at > text && at[-1] != '\n') {
        at--;
    }
    snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
    return line;
}

static void expect(const char *line, const char *words)
{
    ck_assert_msg(strstr(line, words) != NULL, "no \"%s\" in \"%s\"", words, line);
}

static void expect_not(const char *line, const char *words)
{
    ck_assert_msg(strstr(line, words) == NULL, "\"%s\" in \"%s\"", words, line);
}

/* "#12", of the Deferred made at this place. */
static const char *name_of(const char *place)
{
    static char name[8][32];
    static unsigned next;
    char *mine = name[next++ % 8];
    const char *line = line_with(place);
    ck_assert_int_eq(sscanf(line, " %31s", mine), 1);
    return mine;
}

static void pass(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
}

static void chain_inner(struct bight_result *result, void *inner)
{
    bight_result_chain(result, inner);
}

/* ------------------------------------------------------------------------------------ the Deferreds */

START_TEST(without_debug_mode_it_says_so_and_how_many_deferreds_there_are) /* G5 */
{
    struct bight_promise promise;
    bight_deferred_set_debug(false);
    struct bight_deferred *deferred = bight_deferred_new_at("a.c:1", &promise, NULL, NULL, NULL);
    dump(BIGHT_DUMP_TEXT);
    expect(line_with("debug mode"), "debug mode is off (BIGHT_DEBUG=1): 1 Deferreds in this process, not known which");
    expect_not(text, "a.c:1");
    bight_callback(promise, NULL, NULL);
    bight_deferred_release(deferred);
}
END_TEST

START_TEST(a_deferred_has_its_place_state_age_and_handlers) /* G5 */
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new_at("a.c:1", &promise, NULL, NULL, NULL);
    bight_deferred_add_callback(deferred, pass, NULL);
    bight_deferred_add_both(deferred, pass, NULL);
    dump(BIGHT_DUMP_TEXT);
    expect(text, "\n1 Deferred\n");
    const char *line = line_with("a.c:1");
    expect(line, " (a.c:1), not fired, 2 handlers to call, ");
    expect(line, " s old");
    ck_assert_int_eq(line[2], '#');
    bight_callback(promise, NULL, NULL);
    dump(BIGHT_DUMP_TEXT);
    line = line_with("a.c:1");
    expect(line, " (a.c:1), fired at ");
    expect(line, "with no value");
    expect_not(line, "handler");
    bight_deferred_release(deferred);
    dump(BIGHT_DUMP_TEXT);
    expect(text, "\n0 Deferreds\n");
    expect_not(text, "a.c:1");
}
END_TEST

START_TEST(what_it_fired_with_is_named) /* G5 */
{
    struct bight_deferred *failed = bight_fail_at("f.c:1", bight_failure_of(BIGHT_E_TIMED_OUT));
    struct bight_deferred *succeeded = bight_succeed_at("s.c:1", &bight_type_text, bight_strdup("secret"));
    dump(BIGHT_DUMP_TEXT);
    expect(line_with("f.c:1"), "with a failure: ");
    expect(line_with("f.c:1"), bight_error_name(BIGHT_E_TIMED_OUT));
    expect(line_with("s.c:1"), "with a value: text");
    expect_not(text, "secret");
    bight_result_clear(bight_deferred_result(failed));
    bight_deferred_release(failed);
    bight_deferred_release(succeeded);
}
END_TEST

START_TEST(waiting_is_shown_from_both_ends) /* G5 */
{
    struct bight_promise inner_promise, outer_promise;
    struct bight_deferred *inner = bight_deferred_new_at("inner.c:1", &inner_promise, NULL, NULL, NULL);
    struct bight_deferred *outer = bight_deferred_new_at("outer.c:1", &outer_promise, NULL, NULL, NULL);
    char waits[64], awaited[64];
    bight_deferred_add_callback(outer, chain_inner, inner);
    bight_deferred_add_callback(outer, pass, NULL);
    bight_callback_at("fire.c:9", outer_promise, NULL, NULL);
    dump(BIGHT_DUMP_TEXT);
    snprintf(waits, sizeof waits, "waits for %s", name_of("inner.c:1"));
    snprintf(awaited, sizeof awaited, "awaited by %s", name_of("outer.c:1"));
    expect(line_with("(outer.c:1)"), waits);
    expect(line_with("(outer.c:1)"), "fired at fire.c:9");
    expect(line_with("(outer.c:1)"), "1 handler to call");
    expect(line_with("(inner.c:1)"), awaited);
    bight_callback(inner_promise, NULL, NULL);
    bight_deferred_release(outer);
}
END_TEST

START_TEST(what_a_result_goes_on_to_is_shown) /* G5 D9 */
{
    struct bight_promise promises[3];
    struct bight_deferred *made[3];
    char gives[64];
    for (int i = 0; i < 3; i++) {
        const char *const places[] = { "one.c:1", "two.c:1", "three.c:1" };
        made[i] = bight_deferred_new_at(places[i], &promises[i], NULL, NULL, NULL);
    }
    bight_deferred_chain(made[0], promises[1]);
    struct bight_deferred *all = bight_gather_results_at("all.c:1", &made[1], 2);
    dump(BIGHT_DUMP_TEXT);
    snprintf(gives, sizeof gives, "gives on to %s", name_of("two.c:1"));
    expect(line_with("(one.c:1)"), gives);
    snprintf(gives, sizeof gives, "gives on to %s", name_of("all.c:1"));
    expect(line_with("(two.c:1)"), gives);
    expect(line_with("(three.c:1)"), gives);
    bight_callback(promises[0], NULL, NULL);
    bight_callback(promises[2], NULL, NULL);
    bight_deferred_release(made[0]);
    bight_deferred_release(all);
}
END_TEST

static void dump_inside(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    dump(BIGHT_DUMP_TEXT);
}

START_TEST(a_handler_may_ask_and_sees_itself_running) /* G5 */
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new_at("a.c:1", &promise, NULL, NULL, NULL);
    bight_deferred_add_callback(deferred, dump_inside, NULL);
    bight_callback(promise, NULL, NULL);
    expect(line_with("a.c:1"), "running");
    bight_deferred_release(deferred);
}
END_TEST

START_TEST(pausing_is_shown) /* G5 */
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new_at("a.c:1", &promise, NULL, NULL, NULL);
    bight_deferred_pause(deferred);
    dump(BIGHT_DUMP_TEXT);
    expect(line_with("a.c:1"), "not fired, paused");
    bight_deferred_unpause(deferred);
    bight_callback(promise, NULL, NULL);
    bight_deferred_release(deferred);
}
END_TEST

START_TEST(what_nobody_holds_is_told) /* G5 */
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new_at("a.c:1", &promise, NULL, NULL, NULL);
    bight_deferred_release(deferred);
    dump(BIGHT_DUMP_TEXT);
    expect(line_with("a.c:1"), "held by nobody");
    bight_callback(promise, NULL, NULL);
}
END_TEST

static void await_it(struct bight_result *result, void *deferred)
{
    (void)bight_await(deferred, result);
}

START_TEST(a_coroutine_waits_for_what_it_awaits) /* G5 D35 */
{
    struct bight_promise promise;
    char waits[64];
    struct bight_deferred *inner = bight_deferred_new_at("inner.c:1", &promise, NULL, NULL, NULL);
    struct bight_deferred *outer = bight_spawn_at("spawn.c:1", reactor, await_it, inner);
    bight_testing_settle(reactor, 100);
    dump(BIGHT_DUMP_TEXT);
    snprintf(waits, sizeof waits, "of a coroutine, not fired, waits for %s", name_of("inner.c:1"));
    expect(line_with("(spawn.c:1)"), waits);
    bight_callback(promise, NULL, NULL);
    bight_testing_settle(reactor, 100);
    bight_deferred_release(outer);
}
END_TEST

static void *make_in_thread(void *promise)
{
    return bight_deferred_new_at("thread.c:1", promise, NULL, NULL, NULL);
}

START_TEST(only_this_threads_deferreds_are_shown) /* G5 */
{
    pthread_t thread;
    void *deferred;
    struct bight_promise promise;
    ck_assert_int_eq(pthread_create(&thread, NULL, make_in_thread, &promise), 0);
    pthread_join(thread, &deferred);
    dump(BIGHT_DUMP_TEXT);
    expect(text, "\n0 Deferreds\n");
    bight_callback(promise, NULL, NULL);
    bight_deferred_release(deferred);
}
END_TEST

/* ------------------------------------------------------------------------------- what else there is */

static void ignore(void *context)
{
    (void)context;
}

START_TEST(timers_stand_in_the_order_in_which_they_are_due) /* G5 */
{
    bight_call_later_at("late.c:1", reactor, 2.5, ignore, NULL, NULL);
    bight_call_later_at("soon.c:1", reactor, 0.25, ignore, NULL, NULL);
    dump(BIGHT_DUMP_TEXT);
    expect(text, "\n2 timers\n  call (soon.c:1), due in 0.250000 s\n  call (late.c:1), due in 2.500000 s\n");
    bight_deferred_set_debug(false);
    bight_call_later(reactor, 5, ignore, NULL, NULL);
    dump(BIGHT_DUMP_TEXT);
    expect(text, "  call, due in 5.000000 s\n");
}
END_TEST

static const struct bight_protocol_ops silent_ops = { .connection_made = NULL };
static struct bight_factory factory = BIGHT_FACTORY(struct bight_protocol, &silent_ops);

START_TEST(a_connection_has_peer_state_unsent_bytes_and_ties) /* G5 D32 */
{
    struct bight_address host, peer_address;
    struct bight_promise promise;
    char ties[64];
    bight_address_parse_ip(&host, "192.0.2.1", 80);
    bight_address_parse_ip(&peer_address, "192.0.2.7", 4711);
    struct bight_string_peer *peer = bight_string_connect_at(reactor, &factory, true, &host, &peer_address);
    struct bight_protocol *protocol = bight_string_protocol(peer);
    struct bight_deferred *tied = bight_deferred_new_at("tied.c:1", &promise, NULL, NULL, NULL);
    bight_deferred_hold(bight_protocol_tie(protocol, tied));
    bight_string_set_window(peer, 0);
    bight_transport_write(protocol->transport, "hello", 5);
    dump(BIGHT_DUMP_TEXT);
    expect(text, "\n1 connection\n");
    const char *line = line_with("peer");
    expect(line, ", open, peer 192.0.2.7:4711, 5 bytes to send");
    snprintf(ties, sizeof ties, "tied to it: %s", name_of("tied.c:1"));
    expect(line_with("peer"), ties);
    expect(line_with("(tied.c:1)"), "tied");
    bight_transport_lose_connection(protocol->transport);
    dump(BIGHT_DUMP_TEXT);
    expect(line_with("peer"), "closing, flushes its output");
    bight_string_peer_free(peer);
    bight_deferred_release(tied);
    bight_deferred_release(tied);
}
END_TEST

START_TEST(looking_changes_nothing) /* G5 */
{
    struct bight_address peer_address;
    bight_address_parse_ip(&peer_address, "192.0.2.7", 4711);
    struct bight_string_peer *peer = bight_string_connect_at(reactor, &factory, true, NULL, &peer_address);
    const struct bight_transport *transport = bight_string_protocol(peer)->transport;
    bool had_extension = transport->extension != NULL;
    dump(BIGHT_DUMP_TEXT);
    ck_assert(had_extension == (transport->extension != NULL));
    ck_assert_ptr_null(bight_string_protocol(peer)->reserved);
    ck_assert(!bight_reactor_has_work(reactor));
    bight_string_peer_free(peer);
}
END_TEST

START_TEST(ports_have_address_and_connections) /* G5 */
{
    struct bight_reactor *real = bight_reactor_new();
    struct bight_deferred *listening = bight_listen_at("serve.c:1", real, "tcp:0:interface=127.0.0.1", &factory);
    bight_reactor_turn(real, false);
    ck_assert_int_eq(bight_debug_dump(real, BIGHT_DUMP_TEXT, gather, NULL), 0);
    expect(line_with("  port"), "port (serve.c:1), 127.0.0.1:");
    expect(line_with("  port"), ", 0 accepted connections");
    bight_deferred_release(listening);
    bight_reactor_free(real);
}
END_TEST

START_TEST(the_reactors_figures_come_first) /* G5 */
{
    bight_reactor_set_timing(reactor, true);
    bight_testing_advance(reactor, 1);
    dump(BIGHT_DUMP_TEXT);
    expect(text, "  reactor: ");
    ck_assert_ptr_eq(strstr(text, "  reactor: "), text);
}
END_TEST

/* ----------------------------------------------------------------------------------------------- DOT */

static const char *skip_space(const char *at)
{
    while (isspace((unsigned char)*at) || (at[0] == '/' && at[1] == '/')) {
        at += *at == '/' ? strcspn(at, "\n") : 1;
    }
    return at;
}

/* A quoted string or a word; NULL when there is neither. */
static const char *skip_name(const char *at)
{
    at = skip_space(at);
    if (*at != '"') {
        size_t size = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        return size == 0 ? NULL : at + size;
    }
    for (at++; *at != '"'; at++) {
        if (*at == '\0' || (unsigned char)*at < ' ' || (unsigned char)*at > '~') {
            return NULL;
        }
        if (*at == '\\' && *++at == '\0') {
            return NULL;
        }
    }
    return at + 1;
}

static const char *skip_attributes(const char *at)
{
    at = skip_space(at);
    if (*at != '[') {
        return at;
    }
    do {
        at = skip_name(at + 1);
        if (at == NULL || *(at = skip_space(at)) != '=') {
            return NULL;
        }
        at = skip_name(at + 1);
        at = at == NULL ? "" : skip_space(at);
    } while (*at == ',');
    return *at == ']' ? at + 1 : NULL;
}

/* A node, an edge, or an assignment, up to its semicolon. */
static const char *skip_statement(const char *at, unsigned *edges)
{
    at = skip_name(at);
    if (at == NULL) {
        return NULL;
    }
    at = skip_space(at);
    if (*at == '=' || strncmp(at, "->", 2) == 0) {
        *edges += *at == '-' ? 1 : 0;
        at = skip_name(at + (*at == '-' ? 2 : 1));
    }
    at = at == NULL ? NULL : skip_attributes(at);
    return at == NULL || *(at = skip_space(at)) != ';' ? NULL : skip_space(at + 1);
}

static unsigned expect_graph(void)
{
    unsigned edges = 0;
    const char *begin = "digraph bight {";
    ck_assert_int_eq(strncmp(text, begin, strlen(begin)), 0);
    const char *at = skip_space(text + strlen(begin));
    while (*at != '}') {
        const char *next = skip_statement(at, &edges);
        ck_assert_msg(next != NULL, "not DOT: %.200s", at);
        at = next;
    }
    ck_assert_str_eq(at, "}\n");
    return edges;
}

START_TEST(as_dot_what_waits_is_an_edge) /* G5 */
{
    struct bight_promise inner_promise, outer_promise;
    struct bight_deferred *inner = bight_deferred_new_at("inner.c:1", &inner_promise, NULL, NULL, NULL);
    struct bight_deferred *outer = bight_deferred_new_at("outer.c:1", &outer_promise, NULL, NULL, NULL);
    char edge[128];
    bight_deferred_add_callback(outer, chain_inner, inner);
    bight_callback(outer_promise, NULL, NULL);
    dump(BIGHT_DUMP_TEXT);
    snprintf(edge, sizeof edge, "  \"%s\" -> \"%s\" [label=\"waits for\"];\n", name_of("(outer.c:1)"),
        name_of("(inner.c:1)"));
    dump(BIGHT_DUMP_DOT);
    expect(text, edge);
    ck_assert_uint_eq(expect_graph(), 1);
    bight_callback(inner_promise, NULL, NULL);
    bight_deferred_release(outer);
}
END_TEST

START_TEST(as_dot_all_there_is_is_a_graph) /* G5 */
{
    struct bight_promise promises[2];
    struct bight_deferred *made[2];
    struct bight_address path = { .family = BIGHT_ADDRESS_NONE };
    bight_address_parse_ip(&path, "192.0.2.7", 1);
    for (int i = 0; i < 2; i++) {
        made[i] = bight_deferred_new_at("a \"quoted\\\" place\n\x1b:1", &promises[i], NULL, NULL, NULL);
    }
    struct bight_deferred *all = bight_gather_results(made, 2);
    struct bight_string_peer *peer = bight_string_connect_at(reactor, &factory, true, NULL, &path);
    bight_protocol_tie(bight_string_protocol(peer), all);
    bight_call_later_at("\"", reactor, 1, ignore, NULL, NULL);
    dump(BIGHT_DUMP_DOT);
    ck_assert_uint_eq(expect_graph(), 3); /* two give on, one is tied */
    bight_deferred_set_debug(false);
    dump(BIGHT_DUMP_DOT);
    expect_graph();
    bight_string_peer_free(peer);
    bight_reactor_turn(reactor, false);
}
END_TEST

/* ---------------------------------------------------------------------------------- where it goes */

static void write_and_end(const char *data, size_t size, void *context)
{
    struct bight_promise *promise = context;
    bight_callback(*promise, NULL, NULL);
    gather(data, size, NULL);
}

START_TEST(who_gets_the_text_may_do_anything) /* G6 */
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new_at("a.c:1", &promise, NULL, NULL, NULL);
    bight_deferred_release(deferred);
    ck_assert_int_eq(bight_debug_dump(reactor, BIGHT_DUMP_TEXT, write_and_end, &promise), 0);
    expect(line_with("a.c:1"), "not fired");
    dump(BIGHT_DUMP_TEXT);
    expect_not(text, "a.c:1");
}
END_TEST

START_TEST(a_dump_without_a_format_or_a_taker_is_refused) /* G6 */
{
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    ck_assert_int_eq(bight_debug_dump(reactor, 0, gather, NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_debug_dump(reactor, BIGHT_DUMP_DOT, NULL, NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_debug_dump_file(reactor, BIGHT_DUMP_DOT, NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_debug_dump_on_signal(reactor, SIGUSR2, 7, "x"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(writes, 0);
}
END_TEST

static char directory[64], path[128];
static struct bight_reactor *real;

static void set_up_files(void)
{
    bight_deferred_set_debug(true);
    real = bight_reactor_new();
    snprintf(directory, sizeof directory, "/tmp/bight-dump-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/dump", directory);
}

static void tear_down_files(void)
{
    unlink(path);
    rmdir(directory);
    bight_reactor_free(real);
}

static void read_back(void)
{
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
}

START_TEST(a_file_is_made_for_its_owner_and_overwritten) /* G6 */
{
    struct stat status;
    ck_assert_int_eq(bight_debug_dump_file(real, BIGHT_DUMP_TEXT, path), 0);
    read_back();
    expect(text, "  reactor: ");
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);
    ck_assert_int_eq(bight_debug_dump_file(real, BIGHT_DUMP_DOT, path), 0);
    read_back();
    expect_graph();
}
END_TEST

START_TEST(a_file_that_cannot_be_written_gives_a_code) /* G6 */
{
    char other[160];
    snprintf(other, sizeof other, "%s/no/such", directory);
    ck_assert_int_lt(bight_debug_dump_file(real, BIGHT_DUMP_TEXT, other), 0);
    ck_assert_int_eq(symlink("/tmp/bight-dump-target", path), 0);
    ck_assert_int_lt(bight_debug_dump_file(real, BIGHT_DUMP_TEXT, path), 0);
    ck_assert_int_ne(access("/tmp/bight-dump-target", F_OK), 0);
}
END_TEST

static void raise_it(void *context)
{
    (void)context;
    raise(SIGUSR2);
}

static void stop(void *context)
{
    bight_reactor_stop(context);
}

START_TEST(a_signal_has_it_written_from_the_loop) /* G6 */
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new_at("a.c:1", &promise, NULL, NULL, NULL);
    ck_assert_int_eq(bight_debug_dump_on_signal(real, SIGUSR1, BIGHT_DUMP_DOT, "/nonexistent"), 0);
    ck_assert_int_eq(bight_debug_dump_on_signal(real, SIGUSR2, BIGHT_DUMP_TEXT, path), 0);
    bight_call_later(real, 0, raise_it, NULL, NULL);
    bight_call_later(real, 0.01, stop, real, NULL);
    ck_assert_int_eq(bight_reactor_run(real), 0);
    read_back();
    expect(line_with("a.c:1"), "not fired");
    ck_assert_int_eq(bight_debug_dump_on_signal(real, SIGUSR2, BIGHT_DUMP_TEXT, NULL), 0);
    ck_assert_int_eq(bight_debug_dump_on_signal(real, SIGUSR2, BIGHT_DUMP_TEXT, NULL), 0);
    struct sigaction action;
    ck_assert_int_eq(sigaction(SIGUSR2, NULL, &action), 0);
    ck_assert(action.sa_handler == SIG_DFL);
    bight_callback(promise, NULL, NULL);
    bight_deferred_release(deferred);
}
END_TEST

/* ---------------------------------------------------------------------------------------- no memory */

static bool dump_with_faults(void *context)
{
    struct bight_reactor *one = bight_testing_reactor_new();
    if (one == NULL) {
        return bight_testing_fault_injected();
    }
    writes = 0;
    bight_call_later(one, 1, ignore, NULL, NULL);
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new_at("a.c:1", &promise, NULL, NULL, NULL);
    int code = bight_debug_dump(one, BIGHT_DUMP_DOT, gather, context);
    bool is_good =
        code == 0 ? writes == 1 : code == BIGHT_E_OUT_OF_MEMORY && writes == 0 && bight_testing_fault_injected();
    bight_callback(promise, NULL, NULL);
    bight_deferred_release(deferred);
    bight_reactor_free(one);
    return is_good;
}

static void be_quiet(const struct bight_log_event *event, void *context)
{
    (void)event;
    (void)context;
}

START_TEST(without_memory_nothing_is_written_and_the_code_says_so) /* G6 D34 */
{
    bight_deferred_set_debug(true);
    bight_log_set_observer(be_quiet, NULL);
    ck_assert_uint_eq(bight_testing_with_faults(dump_with_faults, NULL, 0), 0);
}
END_TEST

static void add_pictures(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, without_debug_mode_it_says_so_and_how_many_deferreds_there_are);
    tcase_add_test(tests, a_deferred_has_its_place_state_age_and_handlers);
    tcase_add_test(tests, what_it_fired_with_is_named);
    tcase_add_test(tests, waiting_is_shown_from_both_ends);
    tcase_add_test(tests, what_a_result_goes_on_to_is_shown);
    tcase_add_test(tests, a_handler_may_ask_and_sees_itself_running);
    tcase_add_test(tests, pausing_is_shown);
    tcase_add_test(tests, what_nobody_holds_is_told);
    tcase_add_test(tests, a_coroutine_waits_for_what_it_awaits);
    tcase_add_test(tests, only_this_threads_deferreds_are_shown);
    tcase_add_test(tests, timers_stand_in_the_order_in_which_they_are_due);
    tcase_add_test(tests, a_connection_has_peer_state_unsent_bytes_and_ties);
    tcase_add_test(tests, looking_changes_nothing);
    tcase_add_test(tests, ports_have_address_and_connections);
    tcase_add_test(tests, the_reactors_figures_come_first);
    tcase_add_test(tests, as_dot_what_waits_is_an_edge);
    tcase_add_test(tests, as_dot_all_there_is_is_a_graph);
    tcase_add_test(tests, who_gets_the_text_may_do_anything);
    tcase_add_test(tests, a_dump_without_a_format_or_a_taker_is_refused);
}

int main(void)
{
    Suite *suite = suite_create("debug_dump");
    TCase *pictures = tcase_create("pictures"), *files = tcase_create("files"), *faults = tcase_create("faults");
    add_pictures(pictures);
    tcase_add_checked_fixture(files, set_up_files, tear_down_files);
    tcase_add_test(files, a_file_is_made_for_its_owner_and_overwritten);
    tcase_add_test(files, a_file_that_cannot_be_written_gives_a_code);
    tcase_add_test(files, a_signal_has_it_written_from_the_loop);
    tcase_add_test(faults, without_memory_nothing_is_written_and_the_code_says_so);
    tcase_set_timeout(faults, 60);
    suite_add_tcase(suite, pictures);
    suite_add_tcase(suite, files);
    suite_add_tcase(suite, faults);
    return bight_test_run(suite);
}
