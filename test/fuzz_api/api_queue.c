/* SPDX-License-Identifier: MIT */
/* api_queue.c - queues of every order and limit, between anybody who puts and anybody who gets (D30).
 *
 * Values are numbered. Each that was put is got once or released once, also in queues that are shut down or freed, and
 * no queue at rest has both what somebody waits for and somebody who waits. */
#include "api_company.h"

#include <bight/queue.h>

#include <string.h>

enum { QUEUES = 4, VALUES = 1024 };

static struct {
    struct line {
        struct bight_queue *queue;
        unsigned age, waits, putters, given_up; /* given_up: gets, for which values may have been put */
    } lines[QUEUES];
    struct value {
        bool is_out; /* in a queue, or in a result */
    } values[VALUES];
    unsigned count;
} state;

/* ------------------------------------------------------------------------------------------ values */

static void let_go_of_value(void *pointer)
{
    struct value *value = pointer;
    if (!value->is_out) {
        fuzz_fail("value %u is let go of twice", (unsigned)(value - state.values));
    }
    value->is_out = false;
    act_inside((uint64_t)(value - state.values) * 137u, NULL);
}

static const struct bight_type type_value = { .name = "fuzzed value", .destroy = let_go_of_value };

static struct value *new_value(void)
{
    struct value *value = state.count == VALUES ? NULL : &state.values[state.count++];
    if (value != NULL) {
        value->is_out = true;
    }
    return value;
}

/* ------------------------------------------------------------------------------------------ queues */

static const struct bight_queue_options kinds[QUEUES] = {
    { sizeof(struct bight_queue_options), 0, 0, BIGHT_QUEUE_FIFO },
    { sizeof(struct bight_queue_options), 3, 4, BIGHT_QUEUE_LIFO },
    { sizeof(struct bight_queue_options), 2, 0, BIGHT_QUEUE_PRIORITY },
    { sizeof(struct bight_queue_options), BIGHT_QUEUE_NOTHING, 0, BIGHT_QUEUE_FIFO },
};
static const size_t room[QUEUES] = { SIZE_MAX, 3, 2, 0 };

static struct line *find_line(unsigned number)
{
    struct line *line = &state.lines[number % QUEUES];
    if (line->queue == NULL && !world.is_ending) {
        line->queue = bight_queue_new(&kinds[number % QUEUES]);
    }
    return line->queue == NULL ? NULL : line;
}

static struct item *item_of_line(const char *what, unsigned number)
{
    const struct line *line = find_line(number);
    struct item *item = line == NULL ? NULL : new_item(what, number % 2);
    if (item != NULL) {
        item->order = number % QUEUES;
        item->budget = line->age;
    }
    return item;
}

static struct line *line_of(const struct item *item)
{
    struct line *line = &state.lines[item->order];
    return line->age == item->budget ? line : NULL;
}

static void check_value(const struct bight_result *result)
{
    const struct value *value = bight_result_peek(result, &type_value);
    if (value == NULL || !value->is_out) {
        fuzz_fail("what was got is not what was put");
    }
}

/* Some values go on to the waiters for the same Deferred; what happens to them there is counted all the same. */
static void on_got(struct bight_result *result, void *context)
{
    struct item *item = context;
    struct line *line = line_of(item);
    bool is_got = bight_result_failure(result) == NULL;
    finish_item(item, result);
    if (line != NULL) {
        line->waits--;
        line->given_up += !is_got;
    }
    if (is_got) {
        check_value(result);
    }
    act_inside(item->id * 139u, NULL);
    line = line_of(item);
    if (is_got && line != NULL && item->id % 4 != 0) {
        (void)bight_queue_task_done(line->queue);
    }
    if (!is_got || item->id % 3 != 0) {
        bight_result_clear(result);
    }
}

struct bight_deferred *value_of_queue(unsigned number, struct item **given)
{
    struct item *item = item_of_line("get", number);
    if (item == NULL) {
        return NULL;
    }
    struct line *line = find_line(number);
    line->waits++;
    struct bight_deferred *deferred = bight_queue_get(line->queue);
    (void)bight_deferred_hold(deferred);
    watch_with(item, deferred, on_got);
    if (given != NULL) {
        *given = item;
    }
    return deferred;
}

static void on_put(struct bight_result *result, void *context)
{
    struct item *item = context;
    struct line *line = line_of(item);
    finish_item(item, result);
    if (line != NULL) {
        line->putters--;
    }
    act_inside(item->id * 149u, NULL);
    bight_result_clear(result);
}

static void put(struct fuzz_operation *operation, unsigned number)
{
    struct line *line = find_line(number);
    struct value *value = new_value();
    int code = value == NULL ? BIGHT_E_LIMIT : 0;
    if (value != NULL && number % QUEUES == 2) {
        code = bight_queue_put_priority(line->queue, fuzz_choose(operation, 3), &type_value, value);
    } else if (value != NULL) {
        code = bight_queue_put(line->queue, &type_value, value);
    }
    if (code != 0 && value != NULL) {
        value->is_out = false;
    }
    if (code != 0 && code != BIGHT_E_LIMIT && code != BIGHT_E_QUEUE_OVERFLOW && code != BIGHT_E_SHUTDOWN) {
        fuzz_fail("putting answers %d", code);
    }
}

static void put_later(struct fuzz_operation *operation, unsigned number)
{
    struct item *item = item_of_line("put", number);
    struct value *value = item == NULL ? NULL : new_value();
    if (item != NULL && value == NULL) {
        item->is_released = true;
    }
    if (value != NULL) {
        struct line *line = find_line(number);
        line->putters++;
        watch_with(item, bight_queue_put_later(line->queue, &type_value, value), on_put);
        tie_somewhere(operation, item, false);
    }
}

static void try_get(struct line *line)
{
    struct bight_result result = { NULL, NULL, NULL };
    unsigned age = line->age;
    int code = bight_queue_try_get(line->queue, &result);
    if (code == 0) {
        check_value(&result);
        (void)(line->age == age ? bight_queue_task_done(line->queue) : 0); /* it lets a putter in, who may free it */
    } else if (code != BIGHT_E_QUEUE_UNDERFLOW && code != BIGHT_E_SHUTDOWN) {
        fuzz_fail("trying to get answers %d", code);
    }
    bight_result_clear(&result);
}

static void end_line(struct line *line)
{
    struct bight_queue *queue = line->queue;
    *line = (struct line) { .age = line->age + 1 };
    bight_queue_free(queue);
}

static void join(struct line *line, unsigned number)
{
    struct item *item = item_of_line("join", number);
    if (item != NULL) {
        watch_deferred(item, bight_queue_join(line->queue));
    }
}

void act_queue(struct fuzz_operation *operation, void *context)
{
    unsigned number = operation->subject, how = fuzz_choose(operation, 32);
    struct line *line = find_line(number);
    struct item *item = NULL;
    (void)context;
    if (line == NULL) {
        return;
    }
    if (how == 0) {
        end_line(line);
    } else if (how == 1) {
        bight_queue_shutdown(line->queue, fuzz_choose(operation, 2) == 0);
    } else if (how == 2) {
        join(line, number);
    } else if (how < 5) {
        try_get(line);
    } else if (how < 13) {
        put(operation, number);
    } else if (how < 18) {
        put_later(operation, number);
    } else {
        bight_deferred_release(value_of_queue(number, &item));
        tie_somewhere(operation, item, false);
    }
}

/* ----------------------------------------------------------------------------------------- the part */

static void begin(void)
{
    memset(&state, 0, sizeof state);
}

static void check_line(const struct line *line, size_t most)
{
    size_t size = bight_queue_size(line->queue), waiting = bight_queue_waiting(line->queue);
    size_t putters = bight_queue_waiting_puts(line->queue);
    bool is_shut = bight_queue_is_shut_down(line->queue);
    if (waiting != line->waits || putters != line->putters) {
        fuzz_fail("%zu get and %zu put, instead of %u and %u", waiting, putters, line->waits, line->putters);
    }
    if ((waiting > 0 && (size > 0 || putters > 0)) || (putters > 0 && size < most)) {
        fuzz_fail("%zu wait for %zu values, and %zu for room", waiting, size, putters);
    }
    bool is_full = most != SIZE_MAX && size > most + line->given_up;
    if (is_full || (is_shut && waiting + putters > 0) || bight_queue_unfinished(line->queue) < size) {
        fuzz_fail("a queue of %zu has %zu values%s", most, size, is_shut ? ", and is shut down" : "");
    }
}

static void check(void)
{
    for (unsigned i = 0; i < QUEUES; i++) {
        if (state.lines[i].queue != NULL) {
            check_line(&state.lines[i], room[i]);
        }
    }
}

static void end(void)
{
    for (unsigned i = 0; i < QUEUES; i++) {
        end_line(&state.lines[i]);
    }
}

static void finish(void)
{
    for (unsigned i = 0; i < state.count; i++) {
        if (state.values[i].is_out) {
            fuzz_fail("value %u was lost", i);
        }
    }
}

const struct part queue_part = { begin, check, end, finish };
