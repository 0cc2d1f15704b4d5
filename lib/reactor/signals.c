/* SPDX-License-Identifier: MIT */
/* signals.c - signals, delivered in the loop (R1, R3).
 *
 * Signals belong to the process, so one reactor at a time owns them: process-wide state, under a lock. The handler
 * only sets a bit and wakes the owner's loop, where the functions are called. What stood before is remembered and
 * put back. A child of a fork that has not called after_fork must not wake its parent's loop: there a signal puts
 * back what stood before and strikes again.
 *
 * sigaction, raise and getpid are not in the table of system calls: they are the process's, not a reactor's. */
#include <bight/log.h>
#include <bight/memory.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/fork.h"
#include "reactor/state.h"
#include "reactor/waker.h"

#define BITS 32 /* of a word: one of 64 is no single access on machines of 32, and a lock is nothing for a handler */
#define WORDS ((NSIG + BITS - 1) / BITS)

struct asked_signal {
    struct {
        bight_signal_function function; /* NULL: it has set none */
        void *context;
    } hearers[BI_SIGNAL_HEARERS];
    bool claimed;   /* run() wants it, to stop */
    bool installed; /* our handler is in place */
};

/* The owner's. The loop's thread only, but for the waker. */
struct bi_signals {
    struct bight_reactor *reactor;
    struct bi_waker waker;
    bool dispatching;
    struct asked_signal asked[NSIG];
    max_align_t watch[]; /* the loop's watch_size bytes */
};

/* The process's. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* over `owner` */
static struct bight_reactor *owner;
static struct sigaction before[NSIG]; /* written before the handler is installed */

/* What the handler uses. */
static _Atomic(const struct bi_waker *) wake;
static _Atomic pid_t process;
static atomic_uint inside; /* handlers running now, in whatever thread */
static _Atomic uint32_t arrived[WORDS];

/* Threads that were in a handler are not there. */
static void forget_handlers(struct bi_fork_guard *guard)
{
    (void)guard;
    atomic_store(&inside, 0);
}

BI_FORK_GUARD(lock, BI_FORK_SIGNALS, forget_handlers)

/* ------------------------------------------------------------------------------------------ the handler */

static void strike_again(int number)
{
    sigaction(number, &before[number], NULL);
    raise(number); /* comes when the handler has returned */
}

static void on_signal(int number)
{
    int saved = errno;
    if (getpid() != atomic_load(&process)) {
        strike_again(number);
        errno = saved;
        return;
    }
    atomic_fetch_add(&inside, 1);
    const struct bi_waker *waker = atomic_load(&wake);
    atomic_fetch_or(&arrived[number / BITS], UINT32_C(1) << (number % BITS));
    if (waker != NULL) {
        bi_waker_write(waker);
    }
    atomic_fetch_sub(&inside, 1);
    errno = saved;
}

static void set_handler(struct sigaction *action)
{
    memset(action, 0, sizeof *action);
    action->sa_handler = on_signal;
    action->sa_flags = SA_RESTART;
    sigfillset(&action->sa_mask);
}

static int install(struct bi_signals *signals, int number)
{
    struct sigaction action, found;
    if (signals->asked[number].installed) {
        return 0;
    }
    if (sigaction(number, NULL, &found) != 0) {
        return errno == EINVAL ? BIGHT_E_INVALID_ARGUMENT : BIGHT_E_SYSTEM;
    }
    if (found.sa_handler != on_signal) { /* it is in a child of a fork that forsook its parent's reactor */
        before[number] = found;
    }
    set_handler(&action);
    if (sigaction(number, &action, NULL) != 0) {
        return errno == EINVAL ? BIGHT_E_INVALID_ARGUMENT : BIGHT_E_SYSTEM;
    }
    signals->asked[number].installed = true;
    return 0;
}

static void uninstall(struct bi_signals *signals, int number)
{
    if (signals->asked[number].installed) {
        sigaction(number, &before[number], NULL);
        signals->asked[number].installed = false;
    }
}

/* Afterwards no handler uses the waker any more. In a child that has not said so, handlers do not come this far. */
static void silence(void)
{
    atomic_store(&wake, NULL);
    while (getpid() == atomic_load(&process) && atomic_load(&inside) != 0) {
        sched_yield();
    }
}

/* ------------------------------------------------------------------------------------------ in the loop */

static void deliver(struct bi_signals *signals, int number)
{
    struct bight_reactor *reactor = signals->reactor;
    const struct asked_signal *asked = &signals->asked[number];
    bool is_the_programs = asked->hearers[BI_SIGNAL_PROGRAM].function != NULL;
    bi_reactor_enter_for(reactor, "signal", NULL, 0);
    for (int i = 0; i < BI_SIGNAL_HEARERS; i++) { /* each may have been taken back by the one before */
        if (asked->hearers[i].function != NULL) {
            asked->hearers[i].function(number, asked->hearers[i].context);
        }
    }
    if (!is_the_programs && asked->claimed) {
        bight_log(BIGHT_LOG_INFO, "reactor", NULL, "stopping on signal %d", number);
        (void)bight_reactor_stop(reactor);
    }
    bi_reactor_leave(reactor);
}

static void let_go_when_idle(struct bight_reactor *reactor);

static void on_wake_up(int fd, short what, void *context)
{
    struct bi_signals *signals = context;
    struct bight_reactor *reactor = signals->reactor;
    (void)fd;
    (void)what;
    bi_waker_drain(&signals->waker);
    signals->dispatching = true;
    for (int word = 0; word < WORDS; word++) {
        uint32_t bits = atomic_exchange(&arrived[word], 0);
        for (; bits != 0; bits &= bits - 1) {
            deliver(signals, word * BITS + __builtin_ctz(bits));
        }
    }
    signals->dispatching = false;
    let_go_when_idle(reactor);
    bi_reactor_wake(reactor);
}

static int start_watching(struct bi_signals *signals)
{
    struct bight_loop *loop = signals->reactor->loop;
    struct bight_watch *watch = (struct bight_watch *)signals->watch;
    loop->ops->watch_init(loop, watch, signals->waker.read_fd, BIGHT_READABLE, on_wake_up, signals);
    return bi_reactor_add_watch(signals->reactor, watch, signals->waker.read_fd);
}

/* ------------------------------------------------------------------------------------------ ownership */

static int become_owner(struct bight_reactor *reactor)
{
    pthread_mutex_lock(&lock);
    bool free_or_ours = owner == NULL || owner == reactor || getpid() != atomic_load(&process);
    if (free_or_ours) {
        owner = reactor;
    }
    pthread_mutex_unlock(&lock);
    return free_or_ours ? 0 : BIGHT_E_SIGNALS_OWNED;
}

static bool is_owner(const struct bight_reactor *reactor)
{
    pthread_mutex_lock(&lock);
    bool is = owner == reactor;
    pthread_mutex_unlock(&lock);
    return is;
}

static void give_up_ownership(struct bight_reactor *reactor)
{
    pthread_mutex_lock(&lock);
    if (owner == reactor) {
        owner = NULL;
    }
    pthread_mutex_unlock(&lock);
}

static void forget_arrived(void)
{
    for (int word = 0; word < WORDS; word++) {
        atomic_store(&arrived[word], 0);
    }
}

static void announce(struct bi_signals *signals)
{
    forget_arrived();
    atomic_store(&process, getpid());
    atomic_store(&wake, &signals->waker);
}

static int open_signals(struct bight_reactor *reactor)
{
    struct bi_signals *signals = bight_calloc(1, sizeof *signals + reactor->loop->ops->watch_size);
    if (signals == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    signals->reactor = reactor;
    int code = bi_waker_open(&signals->waker, reactor->system);
    if (code == 0) {
        code = start_watching(signals);
    }
    if (code != 0) {
        bi_waker_close(&signals->waker);
        bight_free(signals);
        return code;
    }
    reactor->state->signals = signals;
    announce(signals);
    return 0;
}

/* The reactor's state of signals, made when there is none, which makes it the owner. 0 or a code. */
static int own(struct bight_reactor *reactor)
{
    int code = become_owner(reactor);
    if (code != 0 || reactor->state->signals != NULL) {
        return code;
    }
    code = open_signals(reactor);
    if (code != 0) {
        give_up_ownership(reactor);
    }
    return code;
}

void bi_signals_finish(struct bight_reactor *reactor)
{
    struct bi_signals *signals = reactor->state->signals;
    if (signals == NULL) {
        return;
    }
    if (is_owner(reactor)) {
        for (int number = 1; number < NSIG; number++) {
            uninstall(signals, number);
        }
        silence();
    }
    reactor->loop->ops->watch_remove(reactor->loop, (struct bight_watch *)signals->watch);
    bi_waker_close(&signals->waker);
    reactor->state->signals = NULL;
    bight_free(signals);
    give_up_ownership(reactor);
}

static void let_go_when_idle(struct bight_reactor *reactor)
{
    struct bi_signals *signals = reactor->state->signals;
    if (signals == NULL || signals->dispatching) {
        return;
    }
    for (int number = 1; number < NSIG; number++) {
        if (signals->asked[number].installed) {
            return;
        }
    }
    bi_signals_finish(reactor);
}

/* --------------------------------------------------------------------------------------- for run() */

/* By the program's parent: a shell does so for what it leaves in the background. */
static bool is_ignored(int number)
{
    struct sigaction found;
    bool is_known = sigaction(number, NULL, &found) == 0;
    const struct sigaction *action = is_known && found.sa_handler == on_signal ? &before[number] : &found;
    return is_known && action->sa_handler == SIG_IGN;
}

static int claim_one(struct bi_signals *signals, int number)
{
    if (is_ignored(number)) {
        return 0;
    }
    signals->asked[number].claimed = true;
    return install(signals, number);
}

int bi_signals_claim(struct bight_reactor *reactor)
{
    int code = own(reactor);
    if (code != 0) {
        return code;
    }
    code = claim_one(reactor->state->signals, SIGINT);
    if (code == 0) {
        code = claim_one(reactor->state->signals, SIGTERM);
    }
    if (code != 0) {
        bi_signals_disown(reactor);
        return code;
    }
    let_go_when_idle(reactor); /* both are ignored */
    return 0;
}

static void uninstall_unheard(struct bi_signals *signals, int number)
{
    const struct asked_signal *asked = &signals->asked[number];
    bool is_heard = asked->claimed;
    for (int i = 0; i < BI_SIGNAL_HEARERS; i++) {
        is_heard = is_heard || asked->hearers[i].function != NULL;
    }
    if (!is_heard) {
        uninstall(signals, number);
    }
}

static void disown_one(struct bi_signals *signals, int number)
{
    signals->asked[number].claimed = false;
    uninstall_unheard(signals, number);
}

void bi_signals_disown(struct bight_reactor *reactor)
{
    struct bi_signals *signals = reactor->state->signals;
    if (signals == NULL) {
        return;
    }
    disown_one(signals, SIGINT);
    disown_one(signals, SIGTERM);
    let_go_when_idle(reactor);
}

int bi_signals_after_fork(struct bight_reactor *reactor)
{
    struct bi_signals *signals = reactor->state->signals;
    if (signals == NULL) {
        return 0;
    }
    reactor->loop->ops->watch_remove(reactor->loop, (struct bight_watch *)signals->watch);
    bi_waker_close(&signals->waker);
    int code = bi_waker_open(&signals->waker, reactor->system);
    if (code == 0) {
        code = start_watching(signals);
    }
    announce(signals);
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action; /* again: a signal may have struck before */
        set_handler(&action);
        if (signals->asked[number].installed) {
            sigaction(number, &action, NULL);
        }
    }
    return code;
}

/* ----------------------------------------------------------------------------- for the program and us */

/* The handler of a fault returns to the fault: such signals cannot be delivered in the loop. */
static bool can_be_heard(int number)
{
    static const int never[] = { SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL };
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        if (number == never[i]) {
            return false;
        }
    }
    return number >= 1 && number < NSIG;
}

static void unset(struct bight_reactor *reactor, enum bi_signal_hearer hearer, int number)
{
    struct bi_signals *signals = reactor->state->signals;
    if (signals == NULL) {
        return;
    }
    signals->asked[number].hearers[hearer].function = NULL;
    uninstall_unheard(signals, number);
    let_go_when_idle(reactor);
}

static int set(struct bight_reactor *reactor, enum bi_signal_hearer hearer, int number, bight_signal_function function,
    void *context)
{
    int code = own(reactor);
    if (code != 0) {
        return code;
    }
    code = install(reactor->state->signals, number);
    if (code != 0) {
        let_go_when_idle(reactor);
        return code;
    }
    struct asked_signal *asked = &reactor->state->signals->asked[number];
    asked->hearers[hearer].function = function;
    asked->hearers[hearer].context = context;
    return 0;
}

int bi_signals_hear(struct bight_reactor *reactor, enum bi_signal_hearer hearer, int number,
    bight_signal_function function, void *context)
{
    int code = bi_reactor_check_thread(reactor, "bight_on_signal");
    if (code != 0) {
        return code;
    }
    if (reactor->hosted) {
        return bi_usage_error(
            BIGHT_E_NOT_SUPPORTED, BIGHT_HERE, "bight_on_signal: on a host's event_base signals are the host's");
    }
    code = BIGHT_E_INVALID_ARGUMENT;
    if (can_be_heard(number)) {
        if (function == NULL) {
            unset(reactor, hearer, number);
            return 0;
        }
        code = set(reactor, hearer, number, function, context);
    }
    return bight_error_is(code, BIGHT_E_USAGE)
               ? bi_usage_error(code, BIGHT_HERE, "bight_on_signal: signal %d: %s", number,
                     code == BIGHT_E_INVALID_ARGUMENT ? "there is none, or none can catch it" : bight_error_text(code))
               : code;
}

int bight_on_signal(struct bight_reactor *reactor, int number, bight_signal_function function, void *context)
{
    return bi_signals_hear(reactor, BI_SIGNAL_PROGRAM, number, function, context);
}

/* ---------------------------------------------------------------------------------------- for children */

bool bi_signals_heed_children(void)
{
    struct sigaction found;
    pthread_mutex_lock(&lock);
    bool is_known = sigaction(SIGCHLD, NULL, &found) == 0;
    bool is_ours = is_known && found.sa_handler == on_signal;
    struct sigaction *action = is_ours ? &before[SIGCHLD] : &found;
    bool was_ignored = is_known && (action->sa_handler == SIG_IGN || (action->sa_flags & SA_NOCLDWAIT) != 0);
    if (was_ignored) {
        action->sa_handler = action->sa_handler == SIG_IGN ? SIG_DFL : action->sa_handler;
        action->sa_flags &= ~SA_NOCLDWAIT;
    }
    if (was_ignored && !is_ours) {
        (void)sigaction(SIGCHLD, action, NULL);
    }
    pthread_mutex_unlock(&lock);
    return was_ignored;
}
