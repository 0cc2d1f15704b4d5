/* SPDX-License-Identifier: MIT */
/* api_world.h - what a program of the whole interface has in its hands, for the files of the fuzzer.
 *
 * Two hosts with a reactor each, ports on the first, connections between them; timers, calls, jobs, Deferreds and
 * scopes on both. Of each thing the world keeps what a program may know, which is the model of what must be seen. */
#ifndef BIGHT_TEST_FUZZ_API_API_WORLD_H
#define BIGHT_TEST_FUZZ_API_API_WORLD_H

#include <bight/sys/layer.h>
#include <bight/testing/simulation.h>
#include <bight/thread.h>

#include "tape.h"

enum { API_PROGRAM_SIZE = 250, MAX_ENDS = 128, MAX_ITEMS = 1024, PORTS = 4, SCOPES = 6, LOCKS = 4, HEADER = 4 };

/* One end of a connection, through all protocols that it is handed to. */
struct end {
    unsigned id, side, events;
    struct bight_protocol *protocol; /* NULL: not made, or gone */
    unsigned holds;                  /* of ours */
    bool made, lost, losing, aborted, write_ended, write_end_heard, read_ended, paused;
    bool switching, is_unsure;  /* something else may close it: a scope, a limit */
    bool is_hearing;            /* data, at present */
    bool has_failed;            /* a layer of it has: calls may answer CLOSED */
    unsigned ties;              /* Deferreds that are tied and have not finished */
    struct item *producer;      /* registered at present */
    uint32_t written, received; /* positions in the two streams */
    int reason;                 /* of the loss */
    uint32_t peer;              /* the other end's id, once HEADER bytes have come */
};

struct api_protocol {
    struct bight_protocol base;
    struct end *end;
};

/* Anything else that is called back: a timer, call, job, lent memory, producer, connect, tied Deferred ... */
struct item {
    unsigned id, side, order;
    const char *what;
    bool has_run, is_released, is_inside; /* is_inside: the call that takes it has not returned */
    bool must_run;                        /* before the program ends */
    struct end *end;
    struct bight_timer timer;
    uint64_t deadline, armed_at, armed_order;
    struct bight_deferred *deferred; /* a hold of ours */
    struct bight_promise promise;
    uint8_t *memory;
    int descriptor;
    unsigned budget, limit;
    bool is_pull;
    bool is_plain, is_outer; /* a Deferred that only the program fires; a coroutine's */
    bool is_awaited;         /* somebody waits for it: to be cancelled, not forgotten */
};

struct layer {
    struct bight_layer base;
    struct end *end;
    unsigned kind;
    uint64_t salt;     /* of what it draws */
    struct kept *kept; /* of what was written */
    bool is_live, end_due;
};

struct scope {
    struct bight_scope *scope;
};

struct world {
    struct fuzz_tape *tape;
    struct bight_simulation *simulation;
    struct bight_host *hosts[2];
    struct bight_reactor *reactors[2]; /* server, client */
    struct bight_mailbox *mailboxes[2];
    struct bight_factory factories[2];
    unsigned factories_started[2];
    struct bight_port *ports[PORTS];
    bool listens[PORTS]; /* asked for or there */
    struct end ends[MAX_ENDS];
    unsigned end_count;
    struct item items[MAX_ITEMS];
    unsigned item_count;
    struct layer layers[MAX_ITEMS];
    unsigned layer_count;
    struct scope scopes[SCOPES];
    struct bight_thread_pool *pools[2];
    struct bight_file_lock *locks[LOCKS]; /* by turns on the one host and the other */
    unsigned in_call;                     /* operations on the stack: no protocol may be called then */
    unsigned calls_made[2], calls_run[2];
    uint64_t timers_armed;
    bool has_cap;                    /* of all connections: whoever writes may be aborted */
    bool has_cancelled;              /* perhaps a connect, whose connection is aborted then */
    bool is_ending, uses_run, parks; /* parks: what is waited for stays until the reactors go */
};

extern struct world world;
extern const struct fuzz_kind api_kinds[];
extern const size_t api_kind_count;

/* ---------------------------------------------------------------- api_world.c */

/* A thing that is called back; NULL when there have been too many. */
struct item *new_item(const char *what, unsigned side);
void run_item(struct item *item); /* checks that it may be run, and marks */
void release_item(void *context);

/* Some operations from inside a callback; how many is drawn from `salt`. `data` is what is being received. */
struct moment {
    struct end *end;
    const uint8_t *data;
    size_t size;
};
void act_inside(uint64_t salt, struct moment *moment);
uint64_t draw_from(uint64_t salt);

/* ---------------------------------------------------------------- api_protocol.c */

uint8_t byte_at(uint32_t id, uint32_t position);
void begin_factories(void);
struct end *end_of(struct bight_protocol *protocol);
struct bight_protocol *new_protocol(struct end *end);

/* A live end from the operation's subject on; NULL when there is none. */
struct end *find_end(const struct fuzz_operation *operation);
struct bight_transport *transport_of(struct end *end);
void let_go_of(struct end *end); /* of one of our holds */

/* Checks an answer of a call on the end's transport: CLOSED when `closed`, else 0 unless it ended on its own. */
void check_answer(struct end *end, const char *call, int code, bool closed);

/* ---------------------------------------------------------------- api_run.c, api_time.c */

int run_client(void); /* until it is stopped; returns run's answer */
void stop_client(void);
/* First in whatever runs because it was asked for: a timer, a call. */
void check_asked(unsigned side, const char *what);
void check_call_from_thread(unsigned side, unsigned order);
bool is_timer(const struct item *item); /* with a handle */

/* ---------------------------------------------------------------- the operations */

void act_write(struct fuzz_operation *operation, void *context);
void act_write_lent(struct fuzz_operation *operation, void *context);
void act_send_file(struct fuzz_operation *operation, void *context);
void act_register_producer(struct fuzz_operation *operation, void *context);
void act_unregister_producer(struct fuzz_operation *operation, void *context);
void write_some(struct end *end, size_t size, unsigned how);

void act_push_layer(struct fuzz_operation *operation, void *context);
void act_pop_layer(struct fuzz_operation *operation, void *context);

void act_call_later(struct fuzz_operation *operation, void *context);
void act_timer(struct fuzz_operation *operation, void *context);
void act_call_from_thread(struct fuzz_operation *operation, void *context);
void act_calls_from_threads(struct fuzz_operation *operation, void *context);
void act_call_when_running(struct fuzz_operation *operation, void *context);
void act_trigger(struct fuzz_operation *operation, void *context);
void act_defer_to_thread(struct fuzz_operation *operation, void *context);
void act_tie(struct fuzz_operation *operation, void *context);
void act_fire(struct fuzz_operation *operation, void *context);
void act_cancel(struct fuzz_operation *operation, void *context);
void act_release(struct fuzz_operation *operation, void *context);
void act_scope(struct fuzz_operation *operation, void *context);
void act_scope_timer(struct fuzz_operation *operation, void *context);
void act_end_scope(struct fuzz_operation *operation, void *context);
void act_stop(struct fuzz_operation *operation, void *context);

void act_pool(struct fuzz_operation *operation, void *context);
void act_lock(struct fuzz_operation *operation, void *context);
void end_shares(void);

void act_listen(struct fuzz_operation *operation, void *context);
void act_port(struct fuzz_operation *operation, void *context);
void act_connect(struct fuzz_operation *operation, void *context);
/* The endpoint type of support/knock.h: before anything else. */
void register_knock(void);
void stop_port(unsigned number);
void watch_deferred(struct item *item, struct bight_deferred *deferred); /* must finish; the hold is the item's */
void finish_item(struct item *item, const struct bight_result *result);  /* first in a handler that watches */

#endif
