/* SPDX-License-Identifier: MIT */
/* testing.h - what the files of lib/testing share. */
#ifndef BI_TESTING_KIT_TESTING_H
#define BI_TESTING_KIT_TESTING_H

#include <bight/testing.h>

#include <bight/sys/system.h>

/* Turns without letting time pass until nothing is left to do, at most `limit`. Inside a handler it does nothing: the
 * turn that is on the stack goes on by itself. */
size_t bi_testing_settle_quietly(struct bight_reactor *reactor, size_t limit);

/* virtual.c: the wheel's earliest deadline, if there is one up to `last`. */
struct bi_wheel;
bool bi_testing_next_deadline(struct bi_wheel *wheel, uint64_t last, uint64_t *deadline);

/* Memory past the hook, for what stands for the kernel's or bookkeeps the hook itself: faults must not hit it. */
void *bi_testing_plain_realloc(void *memory, size_t size);
void bi_testing_plain_free(void *memory);

/* faults.c: an allocator that knows what is out, from here on; what is out is logged (blame.h), counts as lost from
 * then on, and is counted; and the allocator before. */
void bi_testing_track_memory(void);
size_t bi_testing_report_leaks(void);
void bi_testing_untrack_memory(void);

/* Counts one more request, or each `every`-th, for memory that is past the hook. False: it is to be refused. */
bool bi_testing_grants(size_t every);

/* Meanwhile `grants` is asked too before a pooled object is handed out (NULL: no longer). Only for these are the
 * askings of two runs in one process the same, whatever the pools have kept. */
void bi_testing_ask_for_pooled(bool (*grants)(void *context), void *context);

/* faults.c: until threads that were left behind in look-ups have come back, 20 s at most. */
void bi_testing_await_threads(void);

/* timers.c: the pending calls of a reactor, in no order. */
struct bi_wheel_entry;
void bi_testing_visit_calls(
    struct bight_reactor *reactor, void (*visit)(const struct bi_wheel_entry *entry, void *context), void *context);

/* virtual.c: what stands for the kernel's sockets on a testing reactor. Their descriptors are from FIRST_SOCKET on. */
#define BI_TESTING_FIRST_SOCKET (1 << 24)
struct bi_testing_sockets {
    /* Puts its own calls in place of those that refuse. */
    void (*replace)(struct bight_system_ops *calls);
    /* What is watched for on a socket has changed. */
    void (*watched)(struct bi_testing_sockets *sockets, int fd);
};
struct bight_reactor *bi_testing_reactor_with(struct bi_testing_sockets *sockets);
struct bi_testing_sockets *bi_testing_sockets_of(struct bight_system *system);
/* What is watched for; and calls the watch for it, if there is one, as a poll would. */
short bi_testing_watched(struct bight_reactor *reactor, int fd);
void bi_testing_call_watch(struct bight_reactor *reactor, int fd, short what);

#endif
