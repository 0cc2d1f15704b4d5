/* SPDX-License-Identifier: MIT */
/* test_queue_random.c - queues under random calls, from inside handlers too, against a model that knows the rules and
 * nothing of how they are kept. See sync_random.h. */
#include "sync_random.h"

enum kind { GET, PUT, JOIN };

/* --------------------------------------------------------------------------------------------- values */

enum { UNUSED, ALIVE, ENDED };
static char values[RECORDS * 2];
static int value_count;

static void end_value(void *value)
{
    must(*(char *)value == ALIVE);
    *(char *)value = ENDED;
}

static const struct bight_type value_type = { .name = "value", .destroy = end_value };

static void *new_value(void)
{
    values[value_count] = ALIVE;
    return &values[value_count++];
}

/* ---------------------------------------------------------------------------------------------- model */

struct stored {
    void *value;
    int64_t priority;
};

static struct bight_queue *queue; /* NULL: freed */
static struct bight_queue_options options;
static struct stored store[RECORDS * 2];
static int stored;
static size_t size_limit, backlog_limit, unfinished;
static struct list getters, putters, joiners, told;
static bool is_shut;

static void store_value(void *value, int64_t priority)
{
    store[stored++] = (struct stored) { value, priority };
}

static void *next_value(void)
{
    int at = options.order == BIGHT_QUEUE_LIFO ? stored - 1 : 0;
    for (int i = 1; options.order == BIGHT_QUEUE_PRIORITY && i < stored; i++) {
        at = store[i].priority < store[at].priority ? i : at;
    }
    void *value = store[at].value;
    stored--;
    memmove(&store[at], &store[at + 1], (size_t)(stored - at) * sizeof(store[0]));
    return value;
}

static bool has_room(void)
{
    return putters.count == 0 && (stored < getters.count || (size_t)(stored - getters.count) < size_limit);
}

static size_t lacking(void)
{
    int coming = stored + putters.count;
    return getters.count > coming ? (size_t)(getters.count - coming) : 0;
}

/* What a get would meet: 0 for a value at once. */
static int expect_get(void)
{
    if (getters.count == 0 && (stored > 0 || (putters.count > 0 && !is_shut))) {
        return BIGHT_OK;
    }
    return is_shut && stored == 0 ? BIGHT_E_SHUTDOWN : BIGHT_E_QUEUE_UNDERFLOW;
}

static void *take_value(void)
{
    if (stored > 0) {
        return next_value();
    }
    struct record *putter = shift(&putters);
    void *value = putter->value;
    unfinished++;
    decide(putter, BIGHT_OK, NULL);
    return value;
}

static void count_done(void)
{
    if (--unfinished == 0) {
        while (joiners.count > 0) {
            add_to(&told, shift(&joiners));
        }
    }
}

static void compare(void)
{
    if (queue != NULL) {
        must(bight_queue_size(queue) == (size_t)(stored > getters.count ? stored - getters.count : 0));
        must(bight_queue_waiting(queue) == lacking());
        must(bight_queue_waiting_puts(queue) == (size_t)putters.count);
        must(bight_queue_unfinished(queue) == unfinished);
    }
}

static void must_be_at_rest(void)
{
    must(told.count == 0);
    must(stored == 0 || getters.count == 0);
    must(putters.count == 0 || (size_t)stored >= size_limit);
    must(!is_shut || getters.count + putters.count == 0);
    for (int i = 0; i < record_count; i++) {
        must(!records[i].is_decided || records[i].has_fired);
    }
}

/* ----------------------------------------------------------------------------------------- firing */

static void got(struct record *record, int code, void *value)
{
    must(shift(&getters) == record);
    if (code == BIGHT_E_SHUTDOWN) {
        must(is_shut && stored == 0);
    } else {
        must(code == BIGHT_OK && stored > 0);
        must(value == next_value());
    }
}

/* The value of a put goes to the waiters when nothing is stored, else to the store. */
static void put_in(struct record *record, int code)
{
    must(shift(&putters) == record);
    if (code == BIGHT_E_SHUTDOWN) {
        must(is_shut);
        return;
    }
    must(code == BIGHT_OK && !is_shut);
    unfinished++;
    if (getters.count > 0 && stored == 0) {
        decide(shift(&getters), BIGHT_OK, record->value);
    } else {
        must((size_t)stored < size_limit);
        store_value(record->value, record->priority);
    }
}

static void random_calls(void);

static void check_firing(struct record *record, int code, void *value)
{
    must(!record->has_fired);
    record->has_fired = true;
    if (record->is_decided) {
        must(code == record->code);
        must(record->kind == PUT || code != BIGHT_OK || value == record->value);
    } else if (record->kind == GET) {
        got(record, code, value);
    } else if (record->kind == PUT) {
        put_in(record, code);
    } else {
        must(code == BIGHT_OK && shift(&told) == record);
    }
}

static void on_firing(struct bight_result *result, void *context)
{
    const struct bight_failure *failure = bight_result_failure(result);
    int code = failure != NULL ? bight_failure_code(failure) : BIGHT_OK;
    check_firing(context, code, result->value);
    if (failure != NULL) {
        bight_result_clear(result);
    }
    compare();
    if (depth < DEPTH && roll(3) == 0) {
        random_calls();
    }
}

/* ------------------------------------------------------------------------------------------- calls */

static void call_put(void)
{
    int64_t priority = options.order == BIGHT_QUEUE_PRIORITY ? roll(4) : 0;
    void *value = new_value();
    int expected = is_shut ? BIGHT_E_SHUTDOWN : has_room() ? BIGHT_OK : BIGHT_E_QUEUE_OVERFLOW;
    if (expected == BIGHT_OK) {
        unfinished++;
        store_value(value, priority);
    } else {
        *(char *)value = ENDED;
    }
    int code = options.order == BIGHT_QUEUE_PRIORITY ? bight_queue_put_priority(queue, priority, &value_type, value)
                                                     : bight_queue_put(queue, &value_type, value);
    must(code == expected);
}

static void call_put_later(void)
{
    struct record *record = new_record(PUT);
    record->value = new_value();
    record->priority = options.order == BIGHT_QUEUE_PRIORITY ? roll(4) : 0;
    if (is_shut) {
        decide(record, BIGHT_E_SHUTDOWN, record->value);
    } else if (has_room()) {
        decide(record, BIGHT_OK, record->value);
        unfinished++;
        store_value(record->value, record->priority);
    } else {
        add_to(&putters, record);
    }
    listen_for(record, bight_queue_put_priority_later(queue, record->priority, &value_type, record->value), on_firing);
}

static void call_get(void)
{
    struct record *record = new_record(GET);
    int expected = expect_get();
    if (expected == BIGHT_OK) {
        decide(record, BIGHT_OK, take_value());
    } else if (expected == BIGHT_E_SHUTDOWN || lacking() >= backlog_limit) {
        decide(record, expected, NULL);
    } else {
        add_to(&getters, record);
    }
    listen_for(record, bight_queue_get(queue), on_firing);
}

static void call_try_get(void)
{
    struct bight_result result = { 0 };
    int expected = expect_get();
    void *value = expected == BIGHT_OK ? take_value() : NULL;
    must(bight_queue_try_get(queue, &result) == expected);
    must(result.value == value);
    bight_result_clear(&result);
}

static void call_join(void)
{
    struct record *record = new_record(JOIN);
    if (unfinished == 0) {
        decide(record, BIGHT_OK, NULL);
    } else {
        add_to(&joiners, record);
    }
    listen_for(record, bight_queue_join(queue), on_firing);
}

static void call_task_done(void)
{
    int expected = unfinished > 0 ? BIGHT_OK : BIGHT_E_USAGE;
    if (expected == BIGHT_OK) {
        count_done();
    }
    must(bight_queue_task_done(queue) == expected);
}

static void call_shutdown(void)
{
    bool immediate = roll(3) == 0;
    is_shut = true;
    for (; immediate && stored > 0; stored--) {
        if (unfinished > 0) {
            count_done();
        }
    }
    bight_queue_shutdown(queue, immediate);
}

static void call_cancel(void)
{
    struct record *record = pick(false);
    if (record == NULL) {
        return;
    }
    if (remove_from(&getters, record) || remove_from(&putters, record) || remove_from(&joiners, record) ||
        remove_from(&told, record)) {
        decide(record, BIGHT_E_CANCELLED, record->value);
    }
    bight_deferred_cancel(record->deferred);
}

static void abandon(struct list *list)
{
    while (list->count > 0) {
        struct record *record = shift(list);
        decide(record, BIGHT_E_ABANDONED, record->value);
    }
}

static void call_free(void)
{
    struct bight_queue *freed = queue;
    queue = NULL;
    abandon(&putters);
    abandon(&getters);
    abandon(&joiners);
    stored = 0;
    bight_queue_free(freed);
}

/* By hundreds. */
static void random_call(void)
{
    static const struct {
        unsigned share;
        void (*call)(void);
    } calls[] = { { 26, call_put }, { 16, call_put_later }, { 28, call_get }, { 8, call_try_get }, { 12, call_cancel },
        { 4, call_join }, { 30, call_task_done } };
    unsigned number = roll(1000);
    if (number < 2) {
        call_free();
    } else if (number < 5) {
        call_shutdown();
    } else {
        size_t i = 0;
        for (number = roll(124); number >= calls[i].share; i++) {
            number -= calls[i].share;
        }
        calls[i].call();
    }
}

static bool has_space(void)
{
    return queue != NULL && record_count < RECORDS && value_count < (int)sizeof(values);
}

static void random_calls(void)
{
    depth++;
    for (unsigned count = roll(4); count > 0 && has_space(); count--) {
        random_call();
        compare();
    }
    struct record *record = pick(true);
    if (record != NULL && roll(4) == 0) {
        let_go(record);
    }
    depth--;
}

/* ------------------------------------------------------------------------------------------ rounds */

static void begin_round(void)
{
    static const size_t limits[] = { 0, BIGHT_QUEUE_NOTHING, 1, 2, 5 };
    options = (struct bight_queue_options) { sizeof(options), limits[roll(5)], limits[roll(5)],
        (enum bight_queue_order)roll(3) };
    size_limit = options.size_limit == 0 ? SIZE_MAX : options.size_limit == SIZE_MAX ? 0 : options.size_limit;
    backlog_limit = options.backlog_limit == 0          ? SIZE_MAX
                    : options.backlog_limit == SIZE_MAX ? 0
                                                        : options.backlog_limit;
    queue = bight_queue_new(&options);
    stored = record_count = value_count = depth = 0;
    unfinished = 0;
    getters.count = putters.count = joiners.count = told.count = 0;
    is_shut = false;
}

static void end_round(void)
{
    if (queue != NULL) {
        call_free();
    }
    for (int i = 0; i < record_count; i++) {
        must(records[i].has_fired);
        if (records[i].deferred != NULL) {
            let_go(&records[i]);
        }
    }
    for (int i = 0; i < value_count; i++) {
        must(values[i] == ENDED);
    }
}

START_TEST(random_calls_do_what_the_model_does) /* D30 */
{
    begin();
    uint64_t first = first_seed();
    for (uint64_t number = first; number < first + 4000; number++) {
        begin_random(number);
        begin_round();
        for (int i = 0; i < 60 && has_space(); i++) {
            random_calls();
            must_be_at_rest();
        }
        end_round();
    }
    ck_assert_int_eq(reports, 0);
}

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, random_calls_do_what_the_model_does);
}

BIGHT_TEST_MAIN("queue_random", add_tests)
