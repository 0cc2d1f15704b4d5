/* SPDX-License-Identifier: MIT */
/* test_debug_dump_output.c - the picture of what waits for what: as DOT, and where it goes.
 *
 * DOT is read by a small parser of its grammar, as far as the dump uses it: nodes, edges and attributes with quoted
 * strings. The text may go to a function, to a file, or to a file when a signal comes. What is in the picture is in
 * test_debug_dump.c. */
#include "debug_dump_support.h"

#include <ctype.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

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
    bi_reactor_turn(reactor, false);
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

/* The signal comes on a turn of its own, and the file is written within one. */
static void stop_when_written(void *context)
{
    if (access(path, F_OK) == 0) {
        bight_reactor_stop(real);
        return;
    }
    bight_call_later(real, 0, stop_when_written, context, NULL);
}

static int heard;

static void hear(int number, void *context)
{
    (void)context;
    heard = number;
}

START_TEST(a_signal_that_the_program_hears_too_is_heard_by_both) /* G6, R3 */
{
    ck_assert_int_eq(bight_on_signal(real, SIGUSR2, hear, NULL), 0);
    ck_assert_int_eq(bight_debug_dump_on_signal(real, SIGUSR2, BIGHT_DUMP_TEXT, path), 0);
    raise(SIGUSR2);
    while (heard == 0) {
        bi_reactor_turn(real, true);
    }
    read_back();
    expect("bight ", "");
    ck_assert_int_eq(bight_debug_dump_on_signal(real, SIGUSR2, BIGHT_DUMP_TEXT, NULL), 0);
    heard = 0;
    raise(SIGUSR2);
    while (heard == 0) {
        bi_reactor_turn(real, true);
    }
}
END_TEST

#ifdef BIGHT_DEBUG_CHECKS
static void *take_it_back(void *code)
{
    *(int *)code = bight_debug_dump_on_signal(real, SIGUSR2, BIGHT_DUMP_TEXT, NULL);
    return NULL;
}

static void take_it_back_elsewhere(void *code)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, take_it_back, code), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    raise_it(NULL);
}

START_TEST(another_thread_cannot_take_the_signal_back) /* G6 */
{
    int code = 0;
    bight_log_set_level((enum bight_log_level)99);
    ck_assert_int_eq(bight_debug_dump_on_signal(real, SIGUSR2, BIGHT_DUMP_TEXT, path), 0);
    bight_call_later(real, 0, take_it_back_elsewhere, &code, NULL);
    bight_call_later(real, 0, stop_when_written, NULL, NULL);
    ck_assert_int_eq(bight_reactor_run(real), 0);
    ck_assert_int_eq(code, BIGHT_E_WRONG_THREAD);
    read_back();
    ck_assert_int_eq(bight_debug_dump_on_signal(real, SIGUSR2, BIGHT_DUMP_TEXT, NULL), 0);
}
END_TEST
#endif

START_TEST(a_signal_has_it_written_from_the_loop) /* G6 */
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new_at("a.c:1", &promise, NULL, NULL, NULL);
    ck_assert_int_eq(bight_debug_dump_on_signal(real, SIGUSR1, BIGHT_DUMP_DOT, "/nonexistent"), 0);
    ck_assert_int_eq(bight_debug_dump_on_signal(real, SIGUSR2, BIGHT_DUMP_TEXT, path), 0);
    bight_call_later(real, 0, raise_it, NULL, NULL);
    bight_call_later(real, 0, stop_when_written, NULL, NULL);
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

int main(void)
{
    Suite *suite = suite_create("debug_dump_output");
    TCase *pictures = tcase_create("pictures"), *files = tcase_create("files"), *faults = tcase_create("faults");
    tcase_add_checked_fixture(pictures, set_up, tear_down);
    tcase_add_test(pictures, as_dot_what_waits_is_an_edge);
    tcase_add_test(pictures, as_dot_all_there_is_is_a_graph);
    tcase_add_test(pictures, who_gets_the_text_may_do_anything);
    tcase_add_test(pictures, a_dump_without_a_format_or_a_taker_is_refused);
    tcase_add_checked_fixture(files, set_up_files, tear_down_files);
    tcase_add_test(files, a_file_is_made_for_its_owner_and_overwritten);
    tcase_add_test(files, a_file_that_cannot_be_written_gives_a_code);
    tcase_add_test(files, a_signal_has_it_written_from_the_loop);
    tcase_add_test(files, a_signal_that_the_program_hears_too_is_heard_by_both);
#ifdef BIGHT_DEBUG_CHECKS
    tcase_add_test(files, another_thread_cannot_take_the_signal_back);
#endif
    tcase_add_test(faults, without_memory_nothing_is_written_and_the_code_says_so);
    tcase_set_timeout(faults, 60);
    suite_add_tcase(suite, pictures);
    suite_add_tcase(suite, files);
    suite_add_tcase(suite, faults);
    return bight_test_run(suite);
}
