/* SPDX-License-Identifier: MIT */
/* scenario.h - what the scenarios share: the audit of a run, ends of connections that keep account, streams of known
 * bytes, and trouble drawn from the seed.
 *
 * A scenario's state begins with a struct audit, its protocols have a struct end in them, and its factories' context
 * is the state. The first thing found wrong is what the scenario answers. */
#ifndef BIGHT_TEST_SCENARIO_H
#define BIGHT_TEST_SCENARIO_H

#include <bight/bight.h>
#include <bight/testing/explorer.h>

#define MAX_REACTORS 8
#define MAX_PORTS 24
#define MAX_SEEN 256 /* connections of a run, by their places in the reactors */

struct audit {
    struct bight_simulation *simulation;
    struct {
        struct bight_reactor *reactor;
        size_t cap; /* of what one connection may have queued */
    } reactors[MAX_REACTORS];
    size_t reactor_count;
    struct bight_port *ports[MAX_PORTS];
    size_t port_count;
    size_t pending; /* Deferreds that have not finished */
    size_t made, lost, connected, failed;
    bool lacks_memory;    /* that some of it is refused may be logged */
    bool lacks_files;     /* the same of descriptors and of the kernel's memory */
    const char *expected; /* an error in the log that the scenario brings about; NULL: none */
    bool layers;          /* connections get some: see layers.c */
    uint64_t seen[MAX_SEEN];
    struct end *held; /* ends whose memory is kept to the end, to see that nobody calls them */
};

/* One end of a connection. */
struct end {
    struct bight_protocol *protocol; /* whose account it is */
    struct end *next_held;
    bool made, lost, peer_ended;
    int reason; /* when lost */
};

/* A run begins and ends. The end frees the reactors and returns what was wrong, or NULL. */
void audit_begin(struct audit *audit, struct bight_simulation *simulation);
const char *audit_end(struct audit *audit);

/* Notes what is wrong; the first stays. */
void audit_wrong(const char *format, ...) BIGHT_PRINTF(1, 2);
bool audit_is_wrong(void);

/* A reactor whose connections may have `cap` bytes queued at most, which is looked at before every step. */
struct bight_reactor *audit_reactor(struct audit *audit, struct bight_host *host, size_t cap);
/* Listens, and keeps the port; it must succeed at once, or fail for want of descriptors or memory (false). */
bool audit_listen(
    struct audit *audit, struct bight_reactor *reactor, const char *endpoint, struct bight_factory *factory);
/* The Deferred must finish before the end; its result is cleared. Takes it. */
void audit_watch(struct audit *audit, struct bight_deferred *deferred);
/* Connects; whether it succeeded is counted. Returns the Deferred with a hold: release it. */
struct bight_deferred *audit_connect(
    struct audit *audit, struct bight_reactor *reactor, const char *endpoint, struct bight_factory *factory);

/* First in connection_made, in every handler, in read_connection_lost and in connection_lost. */
void end_made(struct end *end, struct bight_protocol *protocol);
void end_hears(struct end *end);
void end_hears_the_end(struct end *end);
void end_lost(struct end *end, const struct bight_failure *reason);

/* Byte `position` of stream `key`; writing and checking. */
uint8_t stream_byte(uint32_t key, size_t position);
int stream_write(struct bight_transport *transport, uint32_t key, size_t from, size_t size);
void stream_check(uint32_t key, size_t from, const uint8_t *data, size_t size);

/* layers.c: perhaps one comes or goes, of one connection or of all. The first time that a connection is seen some come.
 */
void layers_in_handler(struct audit *audit, struct bight_transport *transport);
void layers_step(struct audit *audit, struct bight_reactor *reactor);

/* Draws. chance is per cent. */
size_t draw_size(struct audit *audit, size_t most); /* mostly small ones */
double draw_seconds(struct audit *audit, double most);
bool draw(struct audit *audit, unsigned chance);

struct trouble {
    bool resets, refusals, names, files; /* things that programs see may happen */
};
/* Draws whether what programs see happens at all; the rest of the trouble, which bight must hide, always may. */
struct trouble draw_trouble(struct audit *audit);
void set_trouble(struct audit *audit, const struct trouble *trouble, struct bight_host *const *hosts, size_t count);

/* Before the first run: knock.c's endpoint type, which stays. */
void register_knock(void);

extern const struct bight_scenario echo_scenario, chat_scenario, connect_scenario, half_close_scenario, relay_scenario,
    drain_scenario, streams_scenario, flood_scenario, crawl_scenario, ledger_scenario, knock_scenario, tls_scenario,
    http_scenario, feed_scenario, fetch_scenario, room_scenario, journal_scenario;

#endif
