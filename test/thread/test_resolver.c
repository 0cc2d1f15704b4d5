/* SPDX-License-Identifier: MIT */
/* test_resolver.c - names to addresses (E5): what needs no look-up, what getaddrinfo answers, and a loop that turns
 * on while a look-up is held. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <unistd.h>

#include "thread/resolver.h"
#include "thread/pool.h"
#include "thread_support.h"

static struct bight_reactor *reactor;

/* A getaddrinfo that is told what to say. */
static int answer;
static int answer_errno;
static unsigned answer_count;
static struct gate *answer_gate;
static atomic_int asked_flags, asked_type;
static atomic_uint looked_up, let_go;

static struct addrinfo *make_answer(unsigned number)
{
    struct addrinfo *info = calloc(1, sizeof *info);
    struct sockaddr_in *in = calloc(1, sizeof *in);
    in->sin_family = AF_INET;
    in->sin_addr.s_addr = htonl(0x0a000000 + number);
    info->ai_family = AF_INET;
    info->ai_addr = (struct sockaddr *)in;
    info->ai_addrlen = sizeof *in;
    return info;
}

static int fake_look_up(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    (void)name;
    (void)service;
    atomic_store(&asked_flags, hints->ai_flags);
    atomic_store(&asked_type, hints->ai_socktype);
    atomic_fetch_add(&looked_up, 1);
    if (answer_gate != NULL) {
        gate_pass(answer_gate);
    }
    *found = NULL;
    for (unsigned number = answer == 0 ? answer_count : 0; number > 0; number--) {
        struct addrinfo *info = make_answer(number);
        info->ai_next = *found;
        *found = info;
    }
    errno = answer_errno;
    return answer;
}

static void fake_let_go(struct addrinfo *found)
{
    while (found != NULL) {
        struct addrinfo *next = found->ai_next;
        free(found->ai_addr);
        free(found);
        found = next;
    }
    atomic_fetch_add(&let_go, 1);
}

static const struct bi_look_up fake = { fake_look_up, fake_let_go };

static void make_reactor(void)
{
    reactor = bight_reactor_new();
    ck_assert_ptr_nonnull(reactor);
    bight_reactor_set_resolver(reactor, bi_resolver_threaded_new(reactor, &fake));
}

/* What a look-up came to. */
struct outcome {
    bool here;
    struct bight_address_list *list;
    struct bight_failure *failure;
};

static void take_outcome(struct bight_result *result, void *context)
{
    struct outcome *came = context;
    came->here = true;
    came->failure = bight_result_take_failure(result);
    if (came->failure == NULL) {
        came->list = bight_result_take(result, &bight_type_address_list);
    }
}

static struct outcome resolve(const char *name, uint16_t port)
{
    struct outcome came = { 0 };
    struct bight_deferred *deferred = bight_resolve(reactor, name, port);
    ck_assert_int_eq(bight_deferred_add_both(deferred, take_outcome, &came), 0);
    bight_deferred_release(deferred);
    turn_until(reactor, came.here);
    return came;
}

static void forget(struct outcome *came)
{
    bight_free(came->list);
    bight_failure_release(came->failure);
}

static void check_failure(const char *name, int code, int number)
{
    struct outcome came = resolve(name, 1);
    ck_assert_ptr_nonnull(came.failure);
    ck_assert_int_eq(bight_failure_code(came.failure), code);
    ck_assert_int_eq(bight_failure_errno(came.failure), number);
    forget(&came);
}

START_TEST(literals_skip_the_look_up) /* E5 */
{
    struct bight_thread_pool_figures figures = { .size = sizeof figures };
    char text[BIGHT_ADDRESS_TEXT_SIZE];
    make_reactor();
    struct outcome came = resolve("2001:db8::5", 443);
    ck_assert_uint_eq(came.list->count, 1);
    bight_address_format(&came.list->addresses[0], text, sizeof text);
    ck_assert_str_eq(text, "[2001:db8::5]:443");
    (void)bight_thread_pool_read_figures(bight_reactor_thread_pool(reactor), &figures);
    ck_assert_uint_eq(figures.threads, 0);
    ck_assert_uint_eq(looked_up, 0);
    forget(&came);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(names_that_cannot_be_names_fail_without_a_look_up) /* E5 */
{
    char name[256];
    make_reactor();
    memset(name, 'x', sizeof name);
    name[254] = '\0';
    check_failure(name, BIGHT_E_NAME_NOT_FOUND, 0);
    check_failure("", BIGHT_E_NAME_NOT_FOUND, 0);
    ck_assert_uint_eq(looked_up, 0);
    name[253] = '\0';
    answer_count = 1;
    struct outcome came = resolve(name, 1);
    ck_assert_ptr_nonnull(came.list);
    ck_assert_uint_eq(looked_up, 1);
    forget(&came);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(the_addresses_come_in_the_resolver_s_order_with_the_port) /* E5 */
{
    make_reactor();
    answer_count = 3;
    struct outcome came = resolve("host.example", 8080);
    ck_assert_uint_eq(came.list->count, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(came.list->addresses[i].family, BIGHT_ADDRESS_IPV4);
        ck_assert_uint_eq(came.list->addresses[i].at.ipv4[3], i + 1);
        ck_assert_uint_eq(came.list->addresses[i].port, 8080);
    }
    ck_assert_uint_eq(let_go, 1);
    ck_assert_int_eq(asked_flags, AI_ADDRCONFIG);
    ck_assert_int_eq(asked_type, SOCK_STREAM);
    forget(&came);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(this_machine_s_own_name_is_looked_up_in_both_families) /* E5 */
{
    static const char *const own[] = { "localhost", "LocalHost.", "a.localhost" };
    static const char *const others[] = { "notlocalhost", "localhost.example", "host" };
    make_reactor();
    answer_count = 1;
    for (size_t i = 0; i < 3; i++) {
        struct outcome came = resolve(own[i], 1);
        ck_assert_int_eq(asked_flags, 0);
        forget(&came);
        came = resolve(others[i], 1);
        ck_assert_int_eq(asked_flags, AI_ADDRCONFIG);
        forget(&came);
    }
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(more_addresses_than_anybody_tries_are_cut_off) /* E5 */
{
    make_reactor();
    answer_count = 1000;
    struct outcome came = resolve("many.example", 1);
    ck_assert_uint_eq(came.list->count, 64);
    forget(&came);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(getaddrinfo_s_errors_become_two_kinds) /* E5 */
{
    make_reactor();
    answer = EAI_NONAME;
    check_failure("a.example", BIGHT_E_NAME_NOT_FOUND, 0);
    answer = EAI_NODATA;
    check_failure("a.example", BIGHT_E_NAME_NOT_FOUND, 0);
    answer = EAI_AGAIN;
    check_failure("a.example", BIGHT_E_NAME_UNAVAILABLE, 0);
    answer = EAI_FAIL;
    check_failure("a.example", BIGHT_E_NAME_UNAVAILABLE, 0);
    answer = EAI_MEMORY;
    check_failure("a.example", BIGHT_E_NAME_UNAVAILABLE, 0);
    answer = EAI_SYSTEM;
    answer_errno = EMFILE;
    check_failure("a.example", BIGHT_E_NAME_UNAVAILABLE, EMFILE);
    ck_assert_uint_eq(let_go, 0);
    answer = 0; /* a success without addresses */
    check_failure("a.example", BIGHT_E_NAME_NOT_FOUND, 0);
    ck_assert_uint_eq(let_go, 1);
    bight_reactor_free(reactor);
}
END_TEST

/* glibc without descriptors: it cannot read the hosts file, and says that there is no such name. */
START_TEST(a_name_that_could_not_be_asked_for_is_not_unknown) /* E5 */
{
    static const int shortages[] = { EMFILE, ENFILE, ENOMEM, ENOBUFS };
    make_reactor();
    answer = EAI_NONAME;
    for (size_t i = 0; i < 4; i++) {
        answer_errno = shortages[i];
        check_failure("localhost", BIGHT_E_NAME_UNAVAILABLE, shortages[i]);
    }
    answer_errno = ENOENT; /* a file that need not be there */
    check_failure("localhost", BIGHT_E_NAME_NOT_FOUND, 0);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(this_machine_without_descriptors_is_no_unknown_name) /* E5 */
{
    struct rlimit before, none;
    reactor = bight_reactor_new();
    getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    int lowest = dup(0);
    close(lowest);
    none.rlim_cur = (rlim_t)lowest;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct outcome came = resolve("localhost", 1);
    struct outcome literal = resolve("127.0.0.1", 1);
    setrlimit(RLIMIT_NOFILE, &before);
    ck_assert(came.failure == NULL || bight_failure_code(came.failure) == BIGHT_E_NAME_UNAVAILABLE);
    ck_assert_ptr_null(literal.failure);
    forget(&came);
    forget(&literal);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_failure_names_the_name) /* E5 */
{
    make_reactor();
    answer = EAI_NONAME;
    struct outcome came = resolve("nobody.example", 1);
    ck_assert_ptr_nonnull(strstr(bight_failure_message(came.failure), "nobody.example"));
    ck_assert_ptr_nonnull(strstr(bight_failure_message(came.failure), gai_strerror(EAI_NONAME)));
    forget(&came);
    bight_reactor_free(reactor);
}
END_TEST

static void count_and_go_on(void *context)
{
    ++*(unsigned *)context;
    ck_assert_int_eq(bight_call_later(reactor, 0, count_and_go_on, context, NULL), 0);
}

START_TEST(the_loop_turns_on_while_a_look_up_is_held) /* E5 R10 */
{
    static struct gate gate = GATE;
    unsigned timers = 0;
    struct outcome came = { 0 };
    make_reactor();
    answer_gate = &gate;
    answer_count = 1;
    struct bight_deferred *deferred = bight_resolve(reactor, "slow.example", 1);
    bight_deferred_add_both(deferred, take_outcome, &came);
    bight_deferred_release(deferred);
    gate_await(&gate, 1);
    count_and_go_on(&timers);
    turn_until(reactor, timers == 100);
    ck_assert(!came.here);
    gate_open(&gate);
    turn_until(reactor, came.here);
    ck_assert_ptr_nonnull(came.list);
    forget(&came);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_cancelled_look_up_leaves_nothing_behind) /* E3 E5 */
{
    static struct gate gate = GATE;
    int code;
    memory_install();
    int out = memory_out;
    make_reactor();
    answer_gate = &gate;
    answer_count = 5;
    struct bight_deferred *deferred = bight_resolve(reactor, "slow.example", 1);
    struct bight_deferred *held = bight_deferred_hold(deferred);
    watch_outcome(deferred, &code);
    gate_await(&gate, 1);
    bight_deferred_cancel(held);
    bight_deferred_release(held);
    ck_assert_int_eq(code, BIGHT_E_CANCELLED);
    if (_i == 0) {
        gate_open(&gate);
    }
    bight_reactor_free(reactor); /* waits for nobody */
    gate_open(&gate);
    while (bi_threads_left_behind() != 0) { /* it cleans up behind itself */
        sched_yield();
    }
    ck_assert_int_eq(memory_out, out);
    ck_assert_uint_eq(let_go, 1);
}
END_TEST

enum { THREADS = 16, MANY = 40 };

static struct bight_deferred *resolve_held(const char *name, int *code)
{
    struct bight_deferred *deferred = bight_deferred_hold(bight_resolve(reactor, name, 1));
    watch_outcome(deferred, code);
    return deferred;
}

static void do_nothing(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
}

static void hold_job(struct bight_result *result, void *context)
{
    (void)result;
    gate_pass(context);
}

START_TEST(jobs_do_not_wait_for_look_ups) /* E5 R10 */
{
    static struct gate gate = GATE;
    int codes[MANY], job;
    make_reactor();
    answer_gate = &gate;
    answer_count = 1;
    for (int i = 0; i < MANY; i++) {
        bight_deferred_release(resolve_held("slow.example", &codes[i]));
    }
    gate_await(&gate, THREADS);
    watch_outcome(bight_defer_to_thread(reactor, do_nothing, NULL), &job);
    turn_until(reactor, job != 1);
    ck_assert_int_eq(job, 0);
    gate_open(&gate);
    for (int i = 0; i < MANY; i++) {
        turn_until(reactor, codes[i] != 1);
        ck_assert_int_eq(codes[i], 0);
    }
    ck_assert_uint_eq(looked_up, MANY);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(look_ups_do_not_wait_for_jobs_nor_for_their_queue) /* E5 R10 */
{
    static struct gate gate = GATE;
    int job, name;
    make_reactor();
    answer_count = 1;
    bight_thread_pool_resize(bight_reactor_thread_pool(reactor), 1);
    bight_thread_pool_set_queue_limit(bight_reactor_thread_pool(reactor), 0);
    watch_outcome(bight_defer_to_thread(reactor, hold_job, &gate), &job);
    gate_await(&gate, 1);
    watch_outcome(bight_resolve(reactor, "host.example", 1), &name);
    turn_until(reactor, name != 1);
    ck_assert_int_eq(name, 0);
    gate_open(&gate);
    turn_until(reactor, job != 1);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(forgotten_look_ups_count_until_they_have_come_back) /* E3 E5 */
{
    static struct gate gate = GATE;
    struct bight_deferred *held[THREADS];
    int codes[THREADS], name;
    make_reactor();
    answer_gate = &gate;
    answer_count = 1;
    for (int i = 0; i < THREADS; i++) {
        held[i] = resolve_held("slow.example", &codes[i]);
    }
    gate_await(&gate, THREADS);
    for (int i = 0; i < THREADS; i++) {
        bight_deferred_cancel(held[i]);
        bight_deferred_release(held[i]);
        ck_assert_int_eq(codes[i], BIGHT_E_CANCELLED);
    }
    watch_outcome(bight_resolve(reactor, "host.example", 1), &name);
    for (int i = 0; i < 10; i++) {
        bi_reactor_turn(reactor, false);
    }
    ck_assert_int_eq(name, 1);
    ck_assert_uint_eq(looked_up, THREADS);
    gate_open(&gate);
    turn_until(reactor, name != 1);
    ck_assert_int_eq(name, 0);
    bight_reactor_free(reactor);
}
END_TEST

static void stop(void *context)
{
    (void)context;
    ck_assert_int_eq(bight_reactor_stop(reactor), 0);
}

static int warnings;

static void count_warnings(const struct bight_log_event *event, void *context)
{
    (void)context;
    warnings += event->level >= BIGHT_LOG_WARNING;
}

START_TEST(the_end_of_a_run_waits_for_no_look_up) /* R3 R10 */
{
    static struct gate gate = GATE;
    int name, later, queued[THREADS];
    bight_log_set_observer(count_warnings, NULL);
    make_reactor();
    answer_gate = &gate;
    answer_count = 1;
    watch_outcome(bight_resolve(reactor, "slow.example", 1), &name);
    for (int i = 0; i < THREADS; i++) { /* the last has no thread */
        watch_outcome(bight_resolve(reactor, "slow.example", 1), &queued[i]);
    }
    gate_await(&gate, THREADS);
    bight_call_later(reactor, 0, stop, NULL, NULL);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_int_eq(name, BIGHT_E_SHUTDOWN);
    ck_assert_int_eq(queued[THREADS - 1], BIGHT_E_SHUTDOWN);
    ck_assert_int_eq(warnings, 0);
    watch_outcome(bight_resolve(reactor, "host.example", 1), &later);
    gate_open(&gate);
    turn_until(reactor, later != 1);
    ck_assert_int_eq(later, 0);
    bight_reactor_free(reactor);
    bight_log_set_observer(NULL, NULL);
}
END_TEST

/* A resolver of the program's own. */
static unsigned freed;

static struct bight_deferred *refuse(struct bight_resolver *resolver, const char *name, uint16_t port)
{
    (void)resolver;
    (void)name;
    (void)port;
    return bight_fail(bight_failure_of(BIGHT_E_NAME_UNAVAILABLE));
}

static void count_free(struct bight_resolver *resolver)
{
    (void)resolver;
    freed++;
}

START_TEST(another_resolver_can_be_installed_also_while_a_look_up_is_held) /* E5 */
{
    static const struct bight_resolver_ops ops = { .size = sizeof ops, .resolve = refuse, .free = count_free };
    static struct bight_resolver own = { &ops }, another = { &ops };
    static struct gate gate = GATE;
    struct outcome came = { 0 };
    make_reactor();
    answer_gate = &gate;
    answer_count = 1;
    struct bight_deferred *deferred = bight_resolve(reactor, "slow.example", 1);
    bight_deferred_add_both(deferred, take_outcome, &came);
    bight_deferred_release(deferred);
    bight_reactor_set_resolver(reactor, &own);
    check_failure("host.example", BIGHT_E_NAME_UNAVAILABLE, 0);
    bight_reactor_set_resolver(reactor, &another);
    ck_assert_uint_eq(freed, 1);
    gate_open(&gate);
    turn_until(reactor, came.here);
    ck_assert_ptr_nonnull(came.list);
    forget(&came);
    bight_reactor_free(reactor);
    ck_assert_uint_eq(freed, 2);
}
END_TEST

START_TEST(the_built_in_resolver_asks_the_system) /* E5 */
{
    reactor = bight_reactor_new();
    struct outcome came = resolve("127.1", 7); /* not a literal of ours; getaddrinfo knows it without asking anybody */
    ck_assert_ptr_nonnull(came.list);
    ck_assert_uint_eq(came.list->addresses[0].at.ipv4[0], 127);
    ck_assert_uint_eq(came.list->addresses[0].port, 7);
    forget(&came);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_list_too_large_for_memory_is_refused) /* D34 */
{
    ck_assert_ptr_null(bight_address_list_new(SIZE_MAX / sizeof(struct bight_address)));
    ck_assert_ptr_null(bight_address_list_new(SIZE_MAX));
}
END_TEST

static void look_up_once(void)
{
    int name, literal;
    int out = memory_out;
    answer_count = 2;
    reactor = bight_reactor_new();
    if (reactor != NULL) {
        struct bight_resolver *resolver = bi_resolver_threaded_new(reactor, &fake);
        if (resolver != NULL && bight_reactor_set_resolver(reactor, resolver) != BIGHT_OK) {
            resolver->ops->free(resolver);
        } else if (resolver != NULL) {
            watch_outcome(bight_resolve(reactor, "host.example", 1), &name);
            watch_outcome(bight_resolve(reactor, "::1", 1), &literal);
            turn_until(reactor, name != 1);
            ck_assert(name == 0 || name == BIGHT_E_OUT_OF_MEMORY);
            ck_assert(literal == 0 || literal == BIGHT_E_OUT_OF_MEMORY);
        }
        bight_reactor_free(reactor);
    }
    while (bi_threads_left_behind() != 0) { /* of a look-up that was cancelled for want of memory */
        sched_yield();
    }
    ck_assert_int_eq(memory_out, out);
}

START_TEST(the_resolver_survives_each_allocation_failing) /* D34 E5 */
{
    quiet_log();
    memory_each(look_up_once);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, literals_skip_the_look_up);
    tcase_add_test(tests, names_that_cannot_be_names_fail_without_a_look_up);
    tcase_add_test(tests, the_addresses_come_in_the_resolver_s_order_with_the_port);
    tcase_add_test(tests, this_machine_s_own_name_is_looked_up_in_both_families);
    tcase_add_test(tests, more_addresses_than_anybody_tries_are_cut_off);
    tcase_add_test(tests, getaddrinfo_s_errors_become_two_kinds);
    tcase_add_test(tests, a_name_that_could_not_be_asked_for_is_not_unknown);
    tcase_add_test(tests, this_machine_without_descriptors_is_no_unknown_name);
    tcase_add_test(tests, a_failure_names_the_name);
    tcase_add_test(tests, the_loop_turns_on_while_a_look_up_is_held);
    tcase_add_loop_test(tests, a_cancelled_look_up_leaves_nothing_behind, 0, 2);
    tcase_add_test(tests, jobs_do_not_wait_for_look_ups);
    tcase_add_test(tests, look_ups_do_not_wait_for_jobs_nor_for_their_queue);
    tcase_add_test(tests, forgotten_look_ups_count_until_they_have_come_back);
    tcase_add_test(tests, the_end_of_a_run_waits_for_no_look_up);
    tcase_add_test(tests, another_resolver_can_be_installed_also_while_a_look_up_is_held);
    tcase_add_test(tests, the_built_in_resolver_asks_the_system);
    tcase_add_test(tests, a_list_too_large_for_memory_is_refused);
    tcase_add_test(tests, the_resolver_survives_each_allocation_failing);
}

BIGHT_TEST_MAIN("resolver", add_tests)
