/* SPDX-License-Identifier: MIT */
/* turns.c - an evening in a small restaurant: who waits for whom. */
#include <bight/bight.h>

#include <stdio.h>

static struct bight_reactor *reactor;
static struct bight_event *open_door;
static struct bight_barrier *party;
static struct bight_semaphore *stoves;
static struct bight_lock *room;
static struct bight_condition *table_freed;
static struct bight_queue *orders;
static int tables = 1;
static char ada[] = "Ada", ben[] = "Ben", cleo[] = "Cleo";

/* Something that takes a while. */
static struct bight_deferred *work(void)
{
    return bight_sleep(bight_reactor_clock(reactor), 0.005);
}

/* A step that nobody waits for. */
static void then(struct bight_deferred *deferred, bight_handler handler, void *context)
{
    bight_deferred_add_callback(deferred, handler, context);
    bight_deferred_release(deferred);
}

/* -------------------------------------------------------------------------------- event and barrier */

static void arrives(struct bight_result *result, void *context)
{
    intptr_t place = bight_integer_value(bight_result_peek(result, &bight_type_integer));
    printf("barrier: %s, %ld of 0 to 2\n", (const char *)context, (long)place);
}

static void comes_in(struct bight_result *result, void *context)
{
    (void)result;
    printf("event: %s comes in\n", (const char *)context);
    then(bight_barrier_wait(party), arrives, context);
}

static void evening(void)
{
    then(bight_event_wait(open_door), comes_in, ada);
    then(bight_event_wait(open_door), comes_in, ben);
    bight_event_set(open_door);
    then(bight_event_wait(open_door), comes_in, cleo);
}

/* ------------------------------------------------------------------------------------------- semaphore */

static void cooked(struct bight_result *result, void *context)
{
    (void)result;
    printf("semaphore: %s is done\n", (const char *)context);
}

static struct bight_deferred *cook(void *context)
{
    printf("semaphore: %s on a stove\n", (const char *)context);
    struct bight_deferred *dish = work();
    bight_deferred_add_callback(dish, cooked, context);
    return dish;
}

static void kitchen(void)
{
    static char soup[] = "soup", fish[] = "fish", tart[] = "tart";
    bight_deferred_release(bight_semaphore_run(stoves, cook, soup));
    bight_deferred_release(bight_semaphore_run(stoves, cook, fish));
    bight_deferred_release(bight_semaphore_run(stoves, cook, tart));
}

/* ------------------------------------------------------------------------------------ lock and condition */

static void look_again(struct bight_result *result, void *context);

/* Runs with the lock held. */
static struct bight_deferred *sit_down(void *context)
{
    if (tables == 0) {
        printf("condition: %s waits for a table\n", (const char *)context);
        struct bight_deferred *freed = bight_condition_wait(table_freed);
        bight_deferred_add_callback(freed, look_again, context);
        return freed;
    }
    tables--;
    printf("condition: %s sits down\n", (const char *)context);
    return NULL;
}

static void look_again(struct bight_result *result, void *context)
{
    struct bight_deferred *freed = sit_down(context);
    if (freed != NULL) {
        bight_result_chain(result, freed);
    }
}

static struct bight_deferred *get_up(void *context)
{
    printf("condition: %s gets up\n", (const char *)context);
    tables++;
    bight_condition_notify(table_freed, 1);
    return NULL;
}

static void dining_room(void)
{
    bight_deferred_release(bight_lock_run(room, sit_down, ada));
    bight_deferred_release(bight_lock_run(room, sit_down, ben));
    bight_deferred_release(bight_lock_run(room, get_up, ada));
}

/* ------------------------------------------------------------------------------------------------ queue */

static void serve_next(void);

static void served(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    bight_queue_task_done(orders);
    serve_next();
}

static void serve(struct bight_result *result, void *context)
{
    (void)context;
    printf("queue: order %ld\n", (long)bight_integer_value(result->value));
    bight_result_clear(result);
    then(work(), served, NULL);
}

/* SHUTDOWN: there will be no more. */
static void closed(struct bight_result *result, void *context)
{
    (void)context;
    printf("queue: %s\n", bight_error_name(bight_failure_code(bight_result_failure(result))));
    bight_result_clear(result);
    bight_reactor_stop(reactor);
}

static void serve_next(void)
{
    struct bight_deferred *order = bight_queue_get(orders);
    bight_deferred_add_callbacks(order, serve, closed, NULL);
    bight_deferred_release(order);
}

static void all_served(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    printf("queue: all served\n");
    bight_queue_shutdown(orders, false);
}

static void counter(void *context)
{
    (void)context;
    bight_queue_put(orders, &bight_type_integer, bight_integer(1));
    bight_queue_put(orders, &bight_type_integer, bight_integer(2));
    if (bight_queue_put(orders, &bight_type_integer, bight_integer(3)) == BIGHT_E_QUEUE_OVERFLOW) {
        printf("queue: full\n");
    }
    bight_deferred_release(bight_queue_put_later(orders, &bight_type_integer, bight_integer(3)));
    serve_next();
    then(bight_queue_join(orders), all_served, NULL);
}

int main(void)
{
    struct bight_queue_options two = { .size = sizeof(two), .size_limit = 2 };
    reactor = bight_reactor_new();
    open_door = bight_event_new();
    party = bight_barrier_new(3);
    stoves = bight_semaphore_new(2);
    room = bight_lock_new();
    table_freed = bight_condition_new(room);
    orders = bight_queue_new(&two);
    evening();
    dining_room();
    kitchen();
    bight_call_later(reactor, 0.03, counter, NULL, NULL);
    int status = bight_reactor_run(reactor);
    bight_queue_free(orders);
    bight_condition_free(table_freed);
    bight_lock_free(room);
    bight_semaphore_free(stoves);
    bight_barrier_free(party);
    bight_event_free(open_door);
    bight_reactor_free(reactor);
    return status;
}
