/* SPDX-License-Identifier: MIT */
/* reactor.c - making, running and freeing a reactor, and its turn (docs/design.md, "A turn of the reactor").
 *
 * The reactor decides what is done when; waiting is the loop's (loop_libevent.c), deadlines the wheel's (timer.c),
 * the phases of starting and ending are in shutdown.c. It has two modes with one turn: on a loop of its own run()
 * takes turns, each ending in a poll; as a guest on a host's event_base the turn is called back, and whatever puts
 * work off asks for one by bi_reactor_wake. */
#include <bight/log.h>
#include <bight/memory.h>

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/options.h"
#include "base/places.h"
#include "deferred/deferred.h"
#include "reactor/state.h"

#define DEFAULT_SHUTDOWN_SECONDS 10.0
#define DEFAULT_THREAD_LIMIT 10
#define DEFAULT_CALL_LIMIT 1000000

/* One allocation. */
struct whole_reactor {
    struct bight_reactor reactor; /* first */
    struct bi_reactor_state state;
};

/* -------------------------------------------------------------------------------------------- turns */

bool bi_reactor_has_work_of_its_own(const struct bight_reactor *reactor)
{
    return reactor->soon.first != NULL || reactor->afterwards.first != NULL || reactor->timers_due ||
           bi_reactor_has_calls_when_running(reactor->state) || bi_reactor_shutdown_is_due(reactor->state) ||
           bi_mailbox_has_taken(reactor);
}

bool bi_reactor_has_work(const struct bight_reactor *reactor)
{
    return bi_reactor_has_work_of_its_own(reactor) || bi_mailbox_has_calls(reactor);
}

/* All of a turn but the poll. */
static void do_work(struct bight_reactor *reactor)
{
    reactor->meter.turns++;
    bi_meter_rest(&reactor->meter);
    if (BI_UNLIKELY(bi_deferred_debug() != reactor->meter.has_places)) {
        bi_meter_adjust(reactor);
    }
    if (reactor->afterwards.first != NULL) { /* was queued outside any handler */
        bi_reactor_enter_for(reactor, bi_handler_task, NULL, 0);
        bi_reactor_leave(reactor);
    }
    if (reactor->soon.first != NULL) {
        bi_reactor_drain_soon(reactor);
    }
    if (BI_UNLIKELY(bi_reactor_has_calls_when_running(reactor->state))) {
        bi_reactor_run_calls_when_running(reactor);
    }
    if (bi_mailbox_has_calls(reactor)) {
        bi_mailbox_run(reactor);
    }
    if (reactor->timers_due) {
        bi_reactor_run_timers(reactor);
    }
}

void bi_reactor_turn(struct bight_reactor *reactor, bool block)
{
    do_work(reactor);
    bi_meter_rest(&reactor->meter);
    if (bi_reactor_is_parents(reactor)) { /* a handler has forked just now: see serve() */
        return;
    }
    int code = reactor->loop->ops->poll(reactor->loop, block && !bi_reactor_has_work(reactor));
    bi_meter_rest(&reactor->meter);
    if (BI_UNLIKELY(code != 0 && !reactor->state->stop_now)) { /* said once: a last turn may follow */
        bight_log(BIGHT_LOG_CRITICAL, "reactor", NULL, "cannot wait for events: %s", bight_error_text(code));
        bight_reactor_fail(reactor, EX_OSERR);
        reactor->state->stop_now = reactor->state->stop_asked;
    }
}

/* R13. True, reported, in the child of a fork that runs what is still its parent's: it would take the parent's events.
 */
static bool is_refused_to_child(const struct bight_reactor *reactor)
{
    if (!bi_reactor_is_parents(reactor)) {
        return false;
    }
    (void)bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE, "running in the child of a fork without bight_reactor_after_fork");
    return true;
}

/* A turn on a host's loop, which does the polling. */
static void take_guest_turn(void *context)
{
    struct bight_reactor *reactor = context;
    if (!reactor->hosted || is_refused_to_child(reactor)) {
        return;
    }
    if (!reactor->state->guest_started) {
        bi_reactor_start(reactor);
    }
    do_work(reactor);
    (void)bi_reactor_serve_on(reactor);
    if (bi_reactor_has_work(reactor)) {
        bi_reactor_wake(reactor);
    }
}

/* ------------------------------------------------------------------------------------------ running */

static void serve(struct bight_reactor *reactor)
{
    bool claimed = !reactor->state->leave_signals && bi_signals_claim(reactor) == 0;
    bi_reactor_start(reactor);
    while (bi_reactor_serve_on(reactor)) {
        bi_reactor_turn(reactor, true);
        if (is_refused_to_child(reactor)) { /* a handler has forked */
            bi_reactor_break_off(reactor, EX_SOFTWARE);
        }
    }
    if (claimed) {
        bi_signals_disown(reactor);
    }
}

static const char reactor_kind[] = "reactor";

/* Debug mode: which thread's it is, for the check whether that thread has others. */
static void note_thread(const struct bight_reactor *reactor, bool is_alive)
{
    if (bi_debug_mode_is_on()) {
        bi_places_note(
            &(struct bi_place) { .object = reactor, .generation = is_alive, .kind = reactor_kind, .is_aside = true });
    }
}

/* It is this thread's from here on. */
static void move_here(struct bight_reactor *reactor)
{
    if (!pthread_equal(reactor->state->thread, pthread_self())) {
        reactor->state->thread = pthread_self();
        note_thread(reactor, true);
    }
}

int bight_reactor_run(struct bight_reactor *reactor)
{
    struct bi_reactor_state *state = reactor->state;
    if (reactor->hosted) {
        (void)bi_usage_error(
            BIGHT_E_NOT_SUPPORTED, BIGHT_HERE, "bight_reactor_run: the reactor is a guest on a host's event_base");
        return EX_SOFTWARE;
    }
    if (state->phase != BI_PHASE_IDLE || reactor->handler_depth > 0) {
        (void)bi_usage_error(BIGHT_E_ALREADY_RUNNING, BIGHT_HERE, "bight_reactor_run: the reactor runs already");
        return EX_SOFTWARE;
    }
    if (is_refused_to_child(reactor)) {
        return EX_SOFTWARE;
    }
    move_here(reactor);
    if (state->exit_status == 0) {
        serve(reactor);
    }
    bi_attachments_tell(reactor, BI_RUN_ENDS);
    int status = state->exit_status;
    state->exit_status = 0;
    return status;
}

/* --------------------------------------------------------------------------------- making and ending */

static void init_state(
    struct bight_reactor *reactor, struct bi_reactor_state *state, const struct bight_reactor_options *options)
{
    double seconds = options->shutdown_seconds;
    if (seconds == 0 || bight_seconds_to_nanoseconds(seconds, &state->shutdown_nanoseconds) != 0) {
        (void)bight_seconds_to_nanoseconds(DEFAULT_SHUTDOWN_SECONDS, &state->shutdown_nanoseconds);
    }
    state->reactor = reactor;
    state->leave_signals = options->leave_signals;
    state->thread_limit = options->thread_limit != 0 ? options->thread_limit : DEFAULT_THREAD_LIMIT;
    state->thread = pthread_self();
    state->seen_now = bi_reactor_now(reactor);
    bi_events_init(state);
    bi_list_init(&state->stop_waiters);
    bi_list_init(&state->foreign);
}

/* Everything that cannot fail. */
static struct bight_reactor *allocate(const struct bight_reactor_options *options)
{
    struct whole_reactor *whole = bight_calloc(1, sizeof *whole);
    if (whole == NULL) {
        return NULL;
    }
    struct bight_reactor *reactor = &whole->reactor;
    reactor->clock.ops = &bi_reactor_clock_ops;
    reactor->system = options->system != NULL ? options->system : bight_system_real();
    reactor->state = &whole->state;
    reactor->hosted = options->host != NULL;
    reactor->forks = bi_fork_count;
    reactor->forks_seen = atomic_load_explicit(&bi_forks_seen, memory_order_relaxed);
    reactor->loop_deadline = UINT64_MAX;
    init_state(reactor, &whole->state, options);
    bi_wheel_init(&reactor->wheel, whole->state.seen_now);
    bi_meter_init(reactor);
    return reactor;
}

/* Takes options->loop, on failure also. */
static struct bight_reactor *make(const struct bight_reactor_options *options)
{
    struct bight_reactor *reactor = allocate(options);
    struct bight_loop *loop = options->loop;
    if (reactor == NULL) {
        goto failed;
    }
    if (loop == NULL) {
        loop = bi_loop_libevent_new(reactor->system, options->host);
    }
    if (loop == NULL) {
        goto failed;
    }
    reactor->loop = loop;
    loop->ops->set_callbacks(loop, bi_reactor_deadline_passed, take_guest_turn, reactor);
    if (bi_mailbox_open(reactor, options->call_limit != 0 ? options->call_limit : DEFAULT_CALL_LIMIT) != 0) {
        bi_mailbox_close(reactor);
        goto failed;
    }
    bi_reactor_wake(reactor); /* a guest starts on its first turn */
    note_thread(reactor, true);
    return reactor;

failed:
    if (loop != NULL) {
        loop->ops->free(loop);
    }
    bight_free(reactor);
    return NULL;
}

struct bight_reactor *bight_reactor_new_full(const struct bight_reactor_options *given)
{
    struct bight_reactor_options options;
    bi_take_options(&options, sizeof options, given);
    if (options.host != NULL && options.loop != NULL) {
        (void)bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_reactor_new_full: both a host and a loop are given");
        options.loop->ops->free(options.loop);
        return NULL;
    }
    struct bight_reactor *reactor = make(&options);
    if (reactor == NULL) {
        bight_log(BIGHT_LOG_ERROR, "reactor", NULL, "cannot make a reactor");
    }
    return reactor;
}

struct bight_reactor *bight_reactor_new(void)
{
    return bight_reactor_new_full(NULL);
}

/* R13: in the child of a fork whose reactor is still its parent's, freeing would take watches out of the parent's
 * epoll, disarm its timerfd and remove its paths. With kernel objects of its own it does none of that. False when it
 * cannot have them: then the reactor stays its parent's and is left alone. */
static bool is_apart(struct bight_reactor *reactor)
{
    return !bi_reactor_is_parents(reactor) || bight_reactor_after_fork(reactor) == 0;
}

static void look_for_reactor(const struct bi_place *place, void *context)
{
    bool *found = context;
    *found = *found || (place->kind == reactor_kind && place->generation != 0);
}

/* Whether this thread has one; debug mode only. */
static bool has_reactor(void)
{
    bool found = false;
    bi_places_visit(look_for_reactor, &found);
    return found;
}

void bight_reactor_free(struct bight_reactor *reactor)
{
    if (reactor == NULL) {
        return;
    }
    if (reactor->handler_depth > 0 || (!reactor->hosted && bi_reactor_is_in_run(reactor->state))) {
        (void)bi_usage_error(BIGHT_E_ALREADY_RUNNING, BIGHT_HERE, "bight_reactor_free: the reactor runs");
        return;
    }
    if (!is_apart(reactor)) {
        return;
    }
    reactor->state->phase = BI_PHASE_FREEING;
    bi_mailbox_end_waiting(reactor);
    bi_reactor_disconnect(reactor);
    bi_reactor_drop_stop_waiters(reactor);
    bi_events_finish(reactor);
    bi_reactor_drop_calls(reactor);
    bi_reactor_drop_watches(reactor);
    bi_reactor_drop_timers(reactor);
    bi_mailbox_close(reactor);
    bi_signals_finish(reactor);
    bi_attachments_free(reactor);
    reactor->loop->ops->free(reactor->loop);
    note_thread(reactor, false);
    bight_free(reactor);
    if (bi_debug_mode_is_on() && !has_reactor()) {
        bi_deferred_name_held();
    }
}

/* ------------------------------------------------------------------------------------------ forking */

static void keep_first(int *code, int next)
{
    *code = *code != 0 ? *code : next;
}

int bight_reactor_after_fork(struct bight_reactor *reactor)
{
    int code = reactor->loop->ops->after_fork(reactor->loop);
    if (code != 0) {
        return code;
    }
    move_here(reactor);
    reactor->forks = bi_fork_count;
    keep_first(&code, bi_mailbox_after_fork(reactor));
    keep_first(&code, bi_signals_after_fork(reactor));
    keep_first(&code, bi_attachments_after_fork(reactor));
    /* The new timer has no deadline: a pass will set it. */
    reactor->loop_deadline = UINT64_MAX;
    reactor->timers_due = true;
    bi_reactor_wake(reactor);
    return code;
}
