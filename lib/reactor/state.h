/* SPDX-License-Identifier: MIT */
/* state.h - what only lib/reactor knows of a reactor, and the calls between its files.
 *
 * Rooms above see struct bight_reactor (reactor.h) and never this; what they keep of a reactor is an attachment
 * (attachment.h). Calls from threads and signals, which have state of their own, keep it behind their pointers here. */
#ifndef BI_REACTOR_STATE_H
#define BI_REACTOR_STATE_H

#include "reactor/reactor.h"

#define BI_TRIGGER_PHASES 3

/* Something that comes in three phases: a start, a shutdown, what a program names. */
struct bi_event {
    struct bi_link link; /* in state->events */
    const char *name;
    struct bi_link rings[BI_TRIGGER_PHASES]; /* triggers, in the order of adding */
    uint64_t last_before_run; /* its before-triggers have run up to this one, the present time that it comes */
    struct bi_link awaited;   /* triggers whose Deferreds hold up its next phase */
    /* There may be something to do for it: nothing is awaited any more, or a before-trigger has been added. */
    void (*go_on)(struct bight_reactor *reactor, struct bi_event *event);
};

enum bi_reactor_phase {
    BI_PHASE_IDLE,     /* not running: before, between and after runs */
    BI_PHASE_STARTING, /* the before-triggers of startup */
    BI_PHASE_STARTED,  /* its other triggers: from here on the reactor is running */
    BI_PHASE_RUNNING,
    BI_PHASE_STOPPING, /* shutdown: serving, until what was asked for before the stop has been done */
    BI_PHASE_WAITING,  /* shutdown: serving, while Deferreds of before-triggers are awaited */
    BI_PHASE_ENDING,   /* shutdown: disconnecting */
    BI_PHASE_FREEING   /* bight_reactor_free */
};

struct bi_signals;

struct bi_reactor_state {
    struct bight_reactor *reactor;
    enum bi_reactor_phase phase;
    bool stop_asked;    /* stop only marks */
    bool stop_now;      /* asked a second time: wait for nothing more */
    bool leave_signals; /* an option */
    bool in_timer_pass; /* the loop gets the deadline when the pass is over */
    bool loop_woke;     /* the loop's deadline has passed and it has no other yet */
    bool guest_started; /* on a host's loop: the startup triggers have run */
    int exit_status;    /* what bight_reactor_fail set */
    unsigned thread_limit;
    uint64_t shutdown_nanoseconds;
    uint64_t stopped_at; /* when the shutdown began */
    size_t owed_timers;  /* at most so many of those that were due then have not run */
    uint64_t seen_now;   /* the last reading of the clock that this room made: the time is not earlier */
    pthread_t thread;

    struct bi_link events; /* all that have triggers or are under way, and these two */
    struct bi_event startup, shutdown;
    uint64_t last_trigger; /* the last id, of a trigger or of a call when running */
    struct bi_wheel_entry shutdown_timer;
    struct bi_link stop_waiters; /* promises of bight_reactor_stop_later (deferred/promises.h) */

    struct bi_task *soon_last;         /* where the present draining of `soon` ends */
    struct bi_task_queue when_running; /* calls of bight_call_when_running */
    struct bi_task *when_running_last; /* where the present making of them ends */
    struct bi_link foreign;            /* watches of foreign descriptors */

    struct bight_mailbox *mailbox; /* mailbox.c */
    struct bi_signals *signals;    /* signals.c */
};

/* --- mailbox.c */

/* Makes the reactor's mailbox (state->mailbox) for `limit` calls and watches its eventfd. 0 or a code. */
int bi_mailbox_open(struct bight_reactor *reactor, size_t limit);
/* Makes calls that are queued now, a bounded number; the rest and those queued meanwhile wait for the next turn (R9).
 * Each is bracketed as a handler. */
void bi_mailbox_run(struct bight_reactor *reactor);
/* Asked once a turn: cheap. */
bool bi_mailbox_has_calls(const struct bight_reactor *reactor);
/* The loop has taken calls out of the queue and not made all of them: nothing else will wake it for those. */
bool bi_mailbox_has_taken(const struct bight_reactor *reactor);
/* Takes out all that are queued now, to be made before any that comes later. */
void bi_mailbox_take(struct bight_reactor *reactor);
/* The reactor goes: no more calls are taken, contexts of queued ones and the reactor's hold are released. Safe when
 * open failed. */
void bi_mailbox_close(struct bight_reactor *reactor);
/* In the child of a fork, after the loop's after_fork: an eventfd and lock of its own. 0 or a code. */
int bi_mailbox_after_fork(struct bight_reactor *reactor);

/* A run begins, in this thread: blocking callers in others are served. */
void bi_mailbox_begin(struct bight_reactor *reactor);
/* From here on until the next run no thread may block for this loop; callers that do, or wait to, get SHUTDOWN. */
void bi_mailbox_end_waiting(struct bight_reactor *reactor);

/* --- signals.c */

/* run() begins (not on a host, nor with leave_signals): SIGINT and SIGTERM ask for a stop, unless the program has set
 * functions of its own. 0 or a code; with SIGNALS_OWNED, which is silent here, the run goes on without. */
int bi_signals_claim(struct bight_reactor *reactor);
/* run() ends: puts back what claim changed; the program's own functions stay. */
void bi_signals_disown(struct bight_reactor *reactor);
/* The reactor goes: everything back to what it was, memory freed. Fine when there is nothing. */
void bi_signals_finish(struct bight_reactor *reactor);
/* In the child of a fork, after the loop's after_fork. 0 or a code. */
int bi_signals_after_fork(struct bight_reactor *reactor);

/* --- timer.c */

extern const struct bight_clock_ops bi_reactor_clock_ops;
/* One pass over what is due; then tells the loop the next deadline. */
void bi_reactor_run_timers(struct bight_reactor *reactor);
/* A shutdown begins: timers that are due now are owed, until they have run. */
void bi_reactor_owe_due_timers(struct bight_reactor *reactor);
bool bi_reactor_owes_timers(const struct bight_reactor *reactor);
/* The loop's due callback. */
void bi_reactor_deadline_passed(void *reactor);
/* The reactor goes: releases the contexts of all pending calls. */
void bi_reactor_drop_timers(struct bight_reactor *reactor);

/* --- tasks.c */

/* Runs the soon queue as far as it is there now, each task bracketed as a handler. */
void bi_reactor_drain_soon(struct bight_reactor *reactor);
/* True when calls wait for the reactor to run, and it does. */
bool bi_reactor_has_calls_when_running(const struct bi_reactor_state *state);
/* Makes those that are there now, each bracketed as a handler. */
void bi_reactor_run_calls_when_running(struct bight_reactor *reactor);
/* Takes back the one with this id; false: there is none. */
bool bi_reactor_remove_call(struct bight_reactor *reactor, uint64_t id);
/* The reactor goes. */
void bi_reactor_drop_calls(struct bight_reactor *reactor);

/* --- trigger.c */

void bi_event_init(struct bi_event *event, const char *name,
    void (*go_on)(struct bight_reactor *reactor, struct bi_event *event), struct bi_reactor_state *state);
/* Runs the triggers of one phase. */
void bi_event_run(struct bight_reactor *reactor, struct bi_event *event, enum bight_trigger_phase phase);
/* Runs the before-triggers that have not run the present time, and puts their Deferreds into event->awaited; those
 * added meanwhile are left for the next call. */
void bi_event_run_before(struct bight_reactor *reactor, struct bi_event *event);
bool bi_event_has_before(const struct bi_event *event);
/* The wait is over: whatever Deferreds are still out count no more. */
void bi_event_stop_awaiting(struct bi_event *event);
bool bi_event_has_triggers(const struct bi_event *event);
/* Drops all triggers. */
void bi_event_drop(struct bi_event *event);

/* --- event.c */

/* The reactor's own. */
void bi_events_init(struct bi_reactor_state *state);
struct bi_event *bi_event_find(const struct bi_reactor_state *state, const char *name);
/* One of the program's, for a first trigger; NULL when out of memory. */
struct bi_event *bi_event_new(struct bight_reactor *reactor, const char *name);
/* It has one trigger less: one of the program's is forgotten when that was the last. */
void bi_event_lost_trigger(struct bight_reactor *reactor, struct bi_event *event);
/* The reactor goes. */
void bi_events_finish(struct bight_reactor *reactor);

/* --- state.c */

/* Between the beginning of a start and the end of its shutdown. */
bool bi_reactor_is_in_run(const struct bi_reactor_state *state);

/* --- shutdown.c */

/* Runs the startup triggers; the reactor serves from then on. */
void bi_reactor_start(struct bight_reactor *reactor);
/* True when bi_reactor_serve_on has something to do. */
bool bi_reactor_shutdown_is_due(const struct bi_reactor_state *state);
/* Called between turns: begins, goes on with or ends a shutdown. False when the reactor does not run any more. */
bool bi_reactor_serve_on(struct bight_reactor *reactor);
/* The run ends here and now, with this status: no handler is called, nothing is disconnected. */
void bi_reactor_break_off(struct bight_reactor *reactor, int status);
/* Has the attachments disconnected, and runs the work that this deferred (no trigger is called). */
void bi_reactor_disconnect(struct bight_reactor *reactor);
/* The reactor goes: abandons the promises of bight_reactor_stop_later. */
void bi_reactor_drop_stop_waiters(struct bight_reactor *reactor);

/* --- watch.c */

/* The reactor goes. */
void bi_reactor_drop_watches(struct bight_reactor *reactor);

/* --- loop_libevent.c */

/* libevent's loop, with an event_base of its own or on a host's (borrowed). NULL when out of memory or when the kernel
 * refuses. */
struct bight_loop *bi_loop_libevent_new(struct bight_system *system, struct event_base *host);

#endif
