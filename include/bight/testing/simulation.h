/* SPDX-License-Identifier: MIT */
/* bight/testing/simulation.h - a fake kernel and its network: production code on virtual hosts, with faults, from a
 * seed.
 *
 * A simulation has hosts with addresses, links between them, names, one virtual clock and one seeded random source from
 * which everything is drawn. A reactor made on a host is an ordinary reactor: its table of system calls and its loop
 * are the simulation's, the transports above are those that production runs. "tcp:", "unix:" and the rest work inside
 * unchanged. The same seed and program produce the same trace, byte for byte. One thread only. */
#ifndef BIGHT_TESTING_SIMULATION_H
#define BIGHT_TESTING_SIMULATION_H

#include <bight/bight.h>

BIGHT_BEGIN

struct bight_simulation;
struct bight_host;

/* ------------------------------------------------------------------------------------------ making */

/* NULL when out of memory. Time begins at 1 s (monotonic) and 2030-01-01 (wall clock). */
BIGHT_API BIGHT_MUST_USE struct bight_simulation *bight_simulation_new(uint64_t seed);

/* Every reactor on its hosts must have been freed. Hosts go with it. NULL is allowed. */
BIGHT_API void bight_simulation_free(struct bight_simulation *simulation);

/* A host with a name and the next free addresses of 10.0.0.0/16 and fd00::/64 (and 127.0.0.1 and ::1 of its own). The
 * name resolves on every host. NULL when out of memory or when the name is taken. */
BIGHT_API struct bight_host *bight_simulation_host(struct bight_simulation *simulation, const char *name);

/* A reactor on the host; freed with bight_reactor_free. Several may run on one host. Pool jobs and calls from threads
 * run in the one thread, at seeded virtual times. It takes its turns in the simulation's steps, without a run; inside
 * bight_reactor_run the simulation goes on until that reactor is stopped. NULL when out of memory. */
BIGHT_API struct bight_reactor *bight_host_reactor(struct bight_host *host);

BIGHT_API const struct bight_address *bight_host_address(const struct bight_host *host, bool ipv6);

/* ------------------------------------------------------------------------------------------ network */

/* How a way between two hosts behaves, each way by itself. Zeroed: 50 us, no jitter, unlimited, nothing goes wrong.
 * Chances are per mille of the occasions named. */
struct bight_link_conditions {
    double latency, jitter;  /* seconds; jitter is added, evenly drawn */
    double bytes_per_second; /* 0: unlimited */
    unsigned split, join;    /* of a stream's segments: delivered in two, or with the next one */
    unsigned reset;          /* of segments: the stream is reset instead */
    unsigned refuse;         /* of connection attempts: refused */
    unsigned lose_attempt;   /* of connection attempts: never answered */
    /* Of datagrams, the answer of a closed port among them: lost; delivered twice; delivered up to 40 ms late, after
     * those sent meanwhile. Without `reorder` they come in order, whatever the jitter. */
    unsigned drop, duplicate, reorder;
};

/* Both ways between two hosts (NULL: any; a host and itself are a pair too, for what goes over the loopback and, by
 * `refuse`, UNIX sockets). Later settings win. */
BIGHT_API void bight_simulation_link(struct bight_simulation *simulation, struct bight_host *from,
    struct bight_host *to, const struct bight_link_conditions *conditions);

/* Nothing passes between the two (NULL: any other) until it is healed. Streams wait, as behind a cable that was pulled;
 * what was under way comes after the healing. Datagrams are lost. */
BIGHT_API void bight_simulation_partition(
    struct bight_simulation *simulation, struct bight_host *one, struct bight_host *other, bool apart);

/* The host is gone without a word: its streams never answer again (half-open peers) and datagrams from
 * and to it are lost. Its reactors stay usable. */
BIGHT_API void bight_host_vanish(struct bight_host *host);

/* ------------------------------------------------------------------------------------------- faults */

/* What goes wrong inside a host's kernel. Chances are per mille of the calls; zeroed: nothing. */
struct bight_kernel_conditions {
    unsigned short_read, short_write; /* of streams: fewer bytes than there are, or than fit */
    unsigned would_block;             /* EAGAIN where there is something to do */
    unsigned spurious;                /* of polls: a watch is called though nothing is ready */
    unsigned interrupted;             /* EINTR */
    unsigned no_files;                /* EMFILE at socket and accept4 */
    unsigned forbidden;               /* EPERM, EACCES at accept4, by a filter: the connection stays in the queue */
    unsigned no_ports;                /* of connection attempts: EADDRNOTAVAIL, every port is taken */
    unsigned no_buffers;              /* ENOBUFS, ENOMEM where manual pages allow them, but for sends of streams */
    unsigned starved; /* of a stream's sends: ENOBUFS, ENOMEM though there is room; it passes unannounced */
    /* Of a stream's sends: what was sent last is marked, as urgent data and descriptors mark it. A receive stops there
     * though more lies behind, which no edge-triggered loop reports. */
    unsigned mark;
    unsigned shuffle;               /* of polls: the ready watches are called in a shuffled order */
    unsigned name_fails, name_late; /* of look-ups: fails; comes up to 10 s late */
    unsigned thread_late;           /* of pool jobs and calls from threads: up to 1 s late */
    unsigned not_cached;            /* of reads of files that may not wait for the disk: EAGAIN */
    /* Bytes per stream or datagram socket. A datagram that comes to a full receive buffer is lost; one fills a send
     * buffer until it has left, which takes time on a way of limited bandwidth. */
    size_t send_buffer;    /* 0: 208 KiB */
    size_t receive_buffer; /* 0: 128 KiB */
};
BIGHT_API void bight_host_kernel(struct bight_host *host, const struct bight_kernel_conditions *conditions);

/* The wall clock jumps; the monotonic one does not. */
BIGHT_API void bight_simulation_jump_wall_clock(struct bight_simulation *simulation, double seconds);

/* The name resolves to this host too; removed with host NULL (then it is not found). 0 or OUT_OF_MEMORY. */
BIGHT_API int bight_simulation_name(struct bight_simulation *simulation, const char *name, struct bight_host *host);

/* ------------------------------------------------------------------------------------------ running */

/* Everything that is to happen at the next moment: arrivals, timers, one turn of each reactor that has something to do.
 * False when nothing is left to happen, ever, without an outside action. */
BIGHT_API bool bight_simulation_step(struct bight_simulation *simulation);

/* Steps until `seconds` of virtual time have passed (fewer when nothing is left to happen; time ends there all the
 * same). */
BIGHT_API void bight_simulation_run(struct bight_simulation *simulation, double seconds);

/* Steps until nothing is left to happen or `steps` are over. True when it came to rest. */
BIGHT_API bool bight_simulation_settle(struct bight_simulation *simulation, size_t steps);

/* Called before each step, for invariants. */
BIGHT_API void bight_simulation_set_check(
    struct bight_simulation *simulation, void (*check)(void *context), void *context);

BIGHT_API double bight_simulation_now(const struct bight_simulation *simulation); /* virtual seconds since the start */

/* Draws from the simulation's source: 0 to below - 1. For scenarios: whatever they choose belongs to the seed. */
BIGHT_API uint64_t bight_simulation_draw(struct bight_simulation *simulation, uint64_t below);

/* ------------------------------------------------------------------------------ traces and replaying */

/* A hash over every system call with its arguments and answer, every byte, every moment so far. */
BIGHT_API uint64_t bight_simulation_trace_hash(const struct bight_simulation *simulation);

/* Every system call is also written to `file` (a FILE *), one line each. NULL: no longer. */
BIGHT_API void bight_simulation_set_trace(struct bight_simulation *simulation, void *file);

/* Each time that something could go wrong and did is a fault with a number, counted from 0. For shrinking: faults whose
 * number is not allowed do not happen (the random source moves on all the same). NULL allows all; the array of `count`
 * numbers is borrowed, in ascending order. */
BIGHT_API void bight_simulation_allow_faults(
    struct bight_simulation *simulation, const uint32_t *numbers, size_t count);
BIGHT_API uint32_t bight_simulation_fault_count(const struct bight_simulation *simulation);

/* What is open: descriptors of the host, for leak checks. */
BIGHT_API size_t bight_host_descriptors(const struct bight_host *host);

BIGHT_END

#endif
