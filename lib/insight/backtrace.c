/* SPDX-License-Identifier: MIT */
/* backtrace.c - asking a thread where it is: a signal, a handler that walks its own stack, names for what it found.
 *
 * Process-wide: the signal, taken once under a lock, and the one request that may be open. The request is a pointer
 * that the handler takes away when it begins, so that the asking thread knows, after a second without an answer,
 * whether the handler will still write. In the handler stands nothing but backtrace(3), which is safe there once it has
 * been called before (the first call loads a library). Names are looked up by the asking thread, without allocating:
 * the other may be stuck in malloc. */
#include "insight/backtrace.h"

#if BIGHT_HAS_BACKTRACE

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/fork.h"
#include "base/text.h"

/* The handler's own frame and the kernel's way back. */
#define FRAMES_OF_THE_HANDLER 2
#define MILLISECONDS_OF_PATIENCE 1000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* over taking the signal */
static int number;                                       /* of the signal; 0: none yet */

static struct bi_backtrace *request;

/* The thread that asked is not there. */
static void forget_request(struct bi_fork_guard *guard)
{
    (void)guard;
    __atomic_store_n(&request, NULL, __ATOMIC_RELAXED);
}

BI_FORK_GUARD(lock, BI_FORK_BACKTRACE, forget_request)

static void answer(int signal_number)
{
    int saved = errno;
    (void)signal_number;
    struct bi_backtrace *open = __atomic_exchange_n(&request, NULL, __ATOMIC_ACQUIRE);
    if (open != NULL) {
        open->count = backtrace(open->frames, BI_BACKTRACE_FRAMES);
        __atomic_store_n(&open->is_done, 1, __ATOMIC_RELEASE);
    }
    errno = saved;
}

/* A real-time signal that is not in use. It is never given back: one that is still pending would end the process. */
static bool take_signal(void)
{
    struct sigaction former, action = { .sa_handler = answer, .sa_flags = SA_RESTART | SA_ONSTACK };
    (void)sigfillset(&action.sa_mask);
    for (int candidate = SIGRTMAX; candidate >= SIGRTMIN; candidate--) {
        bool is_free = sigaction(candidate, NULL, &former) == 0 && (former.sa_flags & SA_SIGINFO) == 0 &&
                       former.sa_handler == SIG_DFL;
        if (is_free && sigaction(candidate, &action, NULL) == 0) {
            number = candidate;
            return true;
        }
    }
    return false;
}

bool bi_backtrace_begin(void)
{
    void *frame[1];
    (void)backtrace(frame, 1);
    pthread_mutex_lock(&lock);
    bool is_there = number != 0 || take_signal();
    pthread_mutex_unlock(&lock);
    return is_there;
}

static void wait_a_millisecond(void)
{
    const struct timespec millisecond = { .tv_nsec = 1000000 };
    (void)nanosleep(&millisecond, NULL);
}

static bool is_done(const struct bi_backtrace *where)
{
    return __atomic_load_n(&where->is_done, __ATOMIC_ACQUIRE) != 0;
}

/* Another watchdog may be asking its own thread. */
static bool open_request(struct bi_backtrace *where)
{
    for (int i = 0; i < MILLISECONDS_OF_PATIENCE; i++) {
        struct bi_backtrace *none = NULL;
        if (__atomic_compare_exchange_n(&request, &none, where, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
            return true;
        }
        wait_a_millisecond();
    }
    return false;
}

/* True when the handler will not touch it any more. */
static bool withdraw(struct bi_backtrace *where)
{
    struct bi_backtrace *ours = where;
    return __atomic_compare_exchange_n(&request, &ours, NULL, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

bool bi_backtrace_take(pthread_t thread, struct bi_backtrace *where)
{
    where->count = 0;
    where->is_done = 0;
    if (!open_request(where)) {
        return false;
    }
    if (pthread_kill(thread, number) != 0) {
        (void)withdraw(where);
        return false;
    }
    for (int i = 0; i < MILLISECONDS_OF_PATIENCE && !is_done(where); i++) {
        wait_a_millisecond();
    }
    if (!is_done(where) && withdraw(where)) {
        return false;
    }
    while (!is_done(where)) { /* it is being written */
        wait_a_millisecond();
    }
    return true;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static void append_frame(struct bi_text *text, void *frame)
{
    char one[256];
    Dl_info info;
    bool is_known = dladdr(frame, &info) != 0;
    if (is_known && info.dli_sname != NULL) {
        snprintf(one, sizeof one, "%s+0x%zx", info.dli_sname, (size_t)((char *)frame - (char *)info.dli_saddr));
    } else if (is_known && info.dli_fname != NULL) {
        snprintf(
            one, sizeof one, "%s+0x%zx", base_name(info.dli_fname), (size_t)((char *)frame - (char *)info.dli_fbase));
    } else {
        snprintf(one, sizeof one, "%p", frame);
    }
    bi_text_append_string(text, one);
}

void bi_backtrace_format(const struct bi_backtrace *where, char *buffer, size_t size)
{
    struct bi_text text = { buffer, size, 0 };
    for (int i = FRAMES_OF_THE_HANDLER; i < where->count; i++) {
        bi_text_append_string(&text, i > FRAMES_OF_THE_HANDLER ? " < " : "");
        append_frame(&text, where->frames[i]);
    }
    (void)bi_text_end(&text);
}

#else

bool bi_backtrace_begin(void)
{
    return false;
}

bool bi_backtrace_take(pthread_t thread, struct bi_backtrace *where)
{
    (void)thread;
    (void)where;
    return false;
}

void bi_backtrace_format(const struct bi_backtrace *where, char *buffer, size_t size)
{
    (void)where;
    buffer[0] = size > 0 ? '\0' : buffer[0];
}

#endif
