/* SPDX-License-Identifier: MIT */
/* pool.h - pools and their jobs, for the files that share them (pool.c for a pool's life, job.c
 * for what it works on, pool_end.c for its end), and what tests set. */
#ifndef BI_REACTOR_THREAD_POOL_H
#define BI_REACTOR_THREAD_POOL_H

#include <stdatomic.h>

#include "reactor/mailbox.h"

#define BI_THREAD_NAME_SIZE 16 /* the kernel's, with its NUL */

/* The pools of a reactor. */
struct bi_thread_hub {
    struct bi_attachment attachment;
    struct bight_thread_pool *own;   /* the reactor's, NULL until it is first asked for */
    struct bight_thread_pool *names; /* for look-ups, likewise */
    struct bight_thread_pool *pools; /* all of them, linked */
    bool is_ending;                  /* they take no jobs */
};

struct bight_thread_pool {
    pthread_mutex_t lock;
    struct bi_fork_guard guard;
    pthread_cond_t work;  /* there is a job, or a reason to end */
    pthread_cond_t ended; /* a thread is about to end */
    /* under the lock */
    struct bi_link queue; /* jobs that no thread has begun */
    size_t queued;
    size_t queue_limit;
    size_t running; /* jobs that are begun and neither done nor left behind */
    size_t in_jobs; /* threads that are inside a job's function, left behind or not */
    size_t holds;   /* the reactor's and one for each thread */
    unsigned limit;
    unsigned threads; /* that have not decided to end and are not left behind */
    unsigned idle;
    struct bight_thread_pool_figures sums; /* of jobs begun and done */
    /* written under the lock, and read without by a thread that wants to block (blocking_call.c) */
    atomic_bool stopping;
    /* never changed */
    struct bight_mailbox *mailbox;
    struct bight_system *clock; /* for the figures: where the jobs run */
    char name[BI_THREAD_NAME_SIZE];
    /* Nobody waits for a job that runs and that nobody wants any more, cancelled or at a run's end: its thread keeps
     * it, and counts towards the limit until it has come back. */
    bool forgets;
    /* the loop's thread only */
    struct bight_thread_pool *next; /* in the hub's pools */
    struct bi_thread_hub *hub;
    struct bight_reactor *reactor;
    struct bi_link workers;     /* not yet joined */
    struct bi_link outstanding; /* jobs that have not come home */
    uint64_t patience;
    bool freed; /* by the program, while it was being ended */
};

struct bi_pool_thread {
    struct bi_link link;
    struct bight_thread_pool *pool;
    pthread_t thread;
    /* under the lock */
    bool ended;    /* may be joined without waiting long */
    bool detached; /* nobody will: it frees itself */
};

enum bi_job_state { JOB_QUEUED, JOB_RUNNING, JOB_DONE, JOB_ORPHANED };

struct bi_job {
    struct bi_call call;        /* how it comes home */
    struct bi_task task;        /* how it is given up after a fork */
    struct bi_link queued;      /* under the lock */
    struct bi_link outstanding; /* the loop's */
    enum bi_job_state state;    /* under the lock */
    bool cancelled;             /* the loop's: nobody wants the result */
    uint64_t since;             /* when it was queued, by the pool's clock */
    bool settled;               /* the loop's: the Deferred was dealt with before the job came home */
    bool home;                  /* in the child of a fork: it waits in the mailbox */
    struct bight_thread_pool *pool;
    bight_thread_function function;
    void *context;
    bight_release_function release;
    struct bight_result result;
    struct bight_promise promise;
};

/* --- pool.c */

/* The first of a reactor's pools; the others are linked. For figures and for the testing kit. */
BI_PRIVATE_API struct bight_thread_pool *bi_thread_pools(const struct bight_reactor *reactor);

/* Under the lock, which it unlocks: the last to leave frees the pool. */
void bi_pool_unlock_and_release(struct bight_thread_pool *pool);

/* Joins the threads that have ended, or say that they are about to. */
void bi_pool_join_ended(struct bight_thread_pool *pool);

/* The reactor's pool for looking up names, which no program sees; made on first use. NULL without memory. */
struct bight_thread_pool *bi_reactor_name_pool(struct bight_reactor *reactor);

/* Threads of reactors that have gone which were left behind inside a job and have not come back: as long as there are
 * any memory is theirs, and perhaps descriptors. For the testing kit. */
BI_PRIVATE_API unsigned bi_threads_left_behind(void);

/* One more, and one less. */
void bi_threads_leave_behind(void);
void bi_threads_come_back(void);

/* Sees to it that somebody comes for the queue: 0 or a positive errno. */
int bi_pool_find_worker(struct bight_thread_pool *pool);

/* Takes it off its reactor's list and lets go of it. */
void bi_pool_drop(struct bight_thread_pool *pool);

/* Whose thread this is; NULL: no pool's. */
const struct bight_thread_pool *bi_pool_of_this_thread(void);

/* How long a shutdown waits for running jobs, instead of five seconds; 0 waits not at all. */
void bi_thread_pool_set_patience(struct bight_thread_pool *pool, uint64_t nanoseconds);

/* --- pool_end.c */

/* Joins the threads of all pools (R10) and fails what has not begun with SHUTDOWN. Afterwards the pools can be used
 * again. */
void bi_thread_pools_end(struct bi_attachment *hub);
/* In the child of a fork: the threads are not there. */
int bi_thread_pools_after_fork(struct bi_attachment *hub);

/* --- blocking_call.c */

/* Those who block for the loop, or wait to, are told SHUTDOWN: all, or with a pool just its threads. */
void bi_blocking_calls_end(struct bight_mailbox *mailbox, const struct bight_thread_pool *pool);

/* --- job.c */

/* Under the lock, which it gives up while the oldest job that waits runs, and has again afterwards. */
void bi_pool_run_job(struct bight_thread_pool *pool);

/* Deals with the Deferred: with the job's own result, or, when `code` is not 0, with that failure. */
void bi_job_settle(struct bi_job *job, int code);
void bi_job_release_context(struct bi_job *job);

/* For a job that no thread has and none will: settles and frees it. */
void bi_job_fail(struct bi_job *job, int code);

/* Takes it out of the queue; false when a thread has begun it. */
bool bi_job_unqueue(struct bi_job *job);

/* Gives a job that runs to its thread, which discards its result and frees it; false when it has come to its end. */
bool bi_job_orphan(struct bi_job *job);

/* How a job arrives in the loop's thread: its call's function. */
void bi_job_come_home(struct bi_call *call, bool dropped);

#endif
