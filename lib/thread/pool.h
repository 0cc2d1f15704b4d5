/* SPDX-License-Identifier: MIT */
/* pool.h - pools and their jobs, for the files that share them, and what tests set. Each file calls those before it:
 * job.c for what a pool works on, pool_threads.c for its workers, pool.c for its life, defer.c for handing in. */
#ifndef BI_THREAD_POOL_H
#define BI_THREAD_POOL_H

#include <bight/sync.h>

#include "thread/blocking_call.h"

#define BI_THREAD_NAME_SIZE 16 /* the kernel's, with its NUL */
#define BI_POOL_LIMIT 1024     /* of threads */

/* The pools of a reactor. */
struct bi_thread_hub {
    struct bi_attachment attachment;
    struct bight_thread_pool *own;   /* the reactor's, NULL until it is first asked for */
    struct bight_thread_pool *names; /* for look-ups, likewise */
    struct bight_thread_pool *files; /* for reading files that are sent, likewise */
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
    size_t running; /* jobs that are begun and neither done nor ended */
    size_t in_jobs; /* threads that are inside a job's function, left behind or not */
    size_t holds;   /* the reactor's and one for each thread */
    unsigned limit;
    unsigned threads; /* that have not decided to end and are not left behind */
    unsigned idle;
    struct bight_thread_pool_figures sums; /* of jobs begun and done */
    struct bi_crew crew;                   /* its threads; written under the lock */
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
    struct bi_link outstanding; /* jobs that have not ended */
    struct bight_event *joined; /* set and freed when no job is left; NULL: there is no waiter */
    struct bi_task join_task;
    uint64_t patience;
    bool freed; /* by the program, while it was being ended */
};

struct bi_pool_thread {
    struct bi_link link;
    struct bight_thread_pool *pool;
    pthread_t thread;
    /* under the lock */
    bool ended;    /* may be joined without waiting long */
    bool detached; /* it will not be joined: it frees itself */
};

/* The holder of a job, until it has ended; then the thread that is in its function or the mailbox that it is in frees
 * it. */
enum bi_job_place {
    BI_JOB_LOOPS, /* the loop alone: not queued yet, at home, or lost in a fork */
    BI_JOB_QUEUED,
    BI_JOB_RUNNING, /* a thread */
    BI_JOB_POSTED,  /* the mailbox */
    BI_JOB_ENDED
};

struct bi_job {
    struct bi_call call;        /* how it comes home */
    struct bi_task task;        /* how it is given up after a fork */
    struct bi_link queued;      /* under the lock */
    struct bi_link outstanding; /* the loop's */
    enum bi_job_place place;    /* under the lock */
    uint64_t since;             /* when it was queued, by the pool's clock */
    struct bight_thread_pool *pool;
    bight_thread_function function;
    void *context;
    bight_release_function release;
    struct bight_result result;
    struct bight_promise promise;
};

/* --- job.c */

/* NULL when out of memory. The caller makes its promise. */
struct bi_job *bi_job_new(
    struct bight_thread_pool *pool, bight_thread_function function, void *context, bight_release_function release);

/* Hands it to the pool's threads; false when there are none yet. */
bool bi_job_queue(struct bi_job *job);

/* Under the lock, which it releases while the oldest job that waits runs, and has again afterwards. */
void bi_job_run_oldest(struct bight_thread_pool *pool);

/* In the loop's thread: the end of a job that has not ended, wherever it is, with a failure's code or, 0, its own
 * result. Deals with its Deferred, its result, its context and its memory. Takes it off all lists first: handlers may
 * do anything. */
void bi_job_end(struct bi_job *job, int code);

/* In the child of a fork: one that was not on its way home ends soon, with ABANDONED. */
void bi_job_lose(struct bi_job *job);

/* --- pool_threads.c */

/* Threads of reactors that have gone which were left behind inside a job and have not come back: as long as there are
 * any memory is theirs, and perhaps descriptors. For the testing kit. */
BI_PRIVATE_API unsigned bi_threads_left_behind(void);

/* Under the lock, which it unlocks: the last to leave frees the pool. */
void bi_pool_unlock_and_release(struct bight_thread_pool *pool);

/* Sees to it that a thread comes for the queue: 0 or a positive errno. */
int bi_pool_find_worker(struct bight_thread_pool *pool);

/* Joins the threads that have ended, or say that they are about to. */
void bi_pool_join_ended(struct bight_thread_pool *pool);

/* They begin nothing more. */
void bi_pool_stop_threads(struct bight_thread_pool *pool);

/* Joins them, as far as they end within the pool's patience from `since` on, by the real clock. */
void bi_pool_await_threads(struct bight_thread_pool *pool, uint64_t since);

/* Lets the threads go that have not ended, and says how many there were. */
unsigned bi_pool_detach_threads(struct bight_thread_pool *pool);

/* In the child of a fork: they are not there. */
void bi_pool_forget_threads(struct bight_thread_pool *pool);

/* --- join.c */

/* A job has left the pool: when it was the last, the waiters for that are notified later, when the handlers of its
 * Deferred have run. */
void bi_pool_job_left(struct bight_thread_pool *pool);

/* A run has ended and all jobs with it: the waiters are notified now, since there is no later turn. */
void bi_pool_end_joins(struct bight_thread_pool *pool);

/* The pool goes: the waiters fail with ABANDONED. */
void bi_pool_abandon_joins(struct bight_thread_pool *pool);

/* --- pool.c */

/* The first of a reactor's pools; the others are linked. For figures and for the testing kit. */
BI_PRIVATE_API struct bight_thread_pool *bi_thread_pools(const struct bight_reactor *reactor);

/* The reactor's pool for looking up names, which no program sees; made on first use. NULL when out of memory. */
struct bight_thread_pool *bi_reactor_name_pool(struct bight_reactor *reactor);
/* Likewise, for reading what is to be sent of files. */
struct bight_thread_pool *bi_reactor_file_pool(struct bight_reactor *reactor);

/* How long a shutdown waits for running jobs, instead of five seconds; 0 waits not at all. */
void bi_thread_pool_set_patience(struct bight_thread_pool *pool, uint64_t nanoseconds);

#endif
