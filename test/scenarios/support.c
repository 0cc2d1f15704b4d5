/* SPDX-License-Identifier: MIT */
/* support.c - the audit of a run and the trouble that is drawn for it; see scenario.h.
 *
 * What is always wrong is found here: a handler after connection_lost or before connection_made, an end that is never
 * lost, more queued than the cap, a Deferred that does not finish, an error in the log, but for what results from
 * memory or descriptors that the run refuses. */
#include "scenario.h"

#include <bight/log.h>
#include <bight/sys/output.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "transport/transport.h"

static char wrong[300];

void audit_wrong(const char *format, ...)
{
    va_list arguments;
    if (wrong[0] != '\0') {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(wrong, sizeof wrong, format, arguments);
    va_end(arguments);
}

bool audit_is_wrong(void)
{
    return wrong[0] != '\0';
}

/* ------------------------------------------------------------------------------------------- a run */

/* What the run does to bight on purpose: nothing that a peer could do is among it. */
static bool is_expected(const struct audit *audit, const struct bight_log_event *event)
{
    if (audit->lacks_files && strcmp(event->system, "port") == 0) {
        return strncmp(event->message, "cannot accept", 13) == 0;
    }
    if (audit->expected != NULL && strcmp(event->message, audit->expected) == 0) {
        return true;
    }
    bool is_of_memory = strncmp(event->message, "no memory for", 13) == 0 ||
                        (event->failure != NULL && bight_failure_is(event->failure, BIGHT_E_OUT_OF_MEMORY));
    return audit->lacks_memory && is_of_memory;
}

static void hear_log(const struct bight_log_event *event, void *context)
{
    const struct audit *audit = context;
    char line[400];
    if (event->level < BIGHT_LOG_ERROR) {
        return;
    }
    bight_log_event_format(event, line, sizeof line);
    (void)fprintf(stderr, "%s\n", line);
    if (!is_expected(audit, event)) {
        audit_wrong("logged: %.200s", line);
    }
}

/* Before every step. */
static void look_around(void *context)
{
    struct audit *audit = context;
    for (size_t i = 0; i < audit->reactor_count; i++) {
        layers_step(audit, audit->reactors[i].reactor);
        const struct bi_hub *hub = bi_hub_of(audit->reactors[i].reactor);
        const struct bight_transport *transport;
        for (size_t cursor = 0; hub != NULL && (transport = bi_hub_next(hub, &cursor)) != NULL;) {
            if (bight_transport_queued(transport) > audit->reactors[i].cap) {
                audit_wrong("a connection of reactor %zu has more queued than %zu", i, audit->reactors[i].cap);
            }
        }
    }
}

void audit_begin(struct audit *audit, struct bight_simulation *simulation)
{
    wrong[0] = '\0';
    audit->simulation = simulation;
    bight_log_set_observer(hear_log, audit);
    bight_simulation_set_check(simulation, look_around, audit);
    audit->layers = draw(audit, 50);
}

static void release_held(struct audit *audit)
{
    while (audit->held != NULL) {
        struct end *end = audit->held;
        audit->held = end->next_held;
        bight_protocol_release(end->protocol);
    }
}

const char *audit_end(struct audit *audit)
{
    bight_simulation_set_check(audit->simulation, NULL, NULL);
    for (size_t i = 0; i < audit->port_count; i++) {
        bight_port_release(audit->ports[i]);
    }
    for (size_t i = 0; i < audit->reactor_count; i++) {
        bight_reactor_free(audit->reactors[i].reactor);
    }
    if (audit->made != audit->lost) {
        audit_wrong("ends made and lost: %zu and %zu", audit->made, audit->lost);
    }
    if (audit->pending != 0) {
        audit_wrong("Deferreds that did not finish: %zu", audit->pending);
    }
    release_held(audit);
    bight_log_set_observer(NULL, NULL);
    return wrong[0] == '\0' ? NULL : wrong;
}

struct bight_reactor *audit_reactor(struct audit *audit, struct bight_host *host, size_t cap)
{
    struct bight_reactor *reactor = bight_host_reactor(host);
    audit->reactors[audit->reactor_count].reactor = reactor;
    audit->reactors[audit->reactor_count++].cap = cap;
    return reactor;
}

static void note_port(struct bight_result *result, void *context)
{
    struct audit *audit = context;
    const struct bight_failure *failure = bight_result_failure(result);
    if (failure != NULL) {
        int code = bight_failure_code(failure);
        if (code != BIGHT_E_TOO_MANY_FILES && code != BIGHT_E_OUT_OF_MEMORY && code != BIGHT_E_SYSTEM) {
            audit_wrong("cannot listen: %s", bight_failure_message(failure));
        }
        bight_result_clear(result);
        return;
    }
    audit->ports[audit->port_count++] = bight_result_take(result, &bight_type_port);
}

bool audit_listen(
    struct audit *audit, struct bight_reactor *reactor, const char *endpoint, struct bight_factory *factory)
{
    size_t before = audit->port_count;
    struct bight_deferred *listening = bight_listen(reactor, endpoint, factory);
    (void)bight_deferred_add_both(listening, note_port, audit);
    bight_deferred_release(listening);
    return audit->port_count > before;
}

static void finish_watched(struct bight_result *result, void *context)
{
    struct audit *audit = context;
    audit->pending--;
    bight_result_clear(result);
}

void audit_watch(struct audit *audit, struct bight_deferred *deferred)
{
    audit->pending++;
    (void)bight_deferred_add_both(deferred, finish_watched, audit);
    bight_deferred_release(deferred);
}

static void note_connection(struct bight_result *result, void *context)
{
    struct audit *audit = context;
    struct bight_protocol *protocol = bight_result_peek(result, &bight_type_protocol);
    if (protocol == NULL) {
        audit->failed++;
        return;
    }
    audit->connected++;
    if (protocol->transport == NULL) {
        audit_wrong("connected before connection_made");
    }
}

struct bight_deferred *audit_connect(
    struct audit *audit, struct bight_reactor *reactor, const char *endpoint, struct bight_factory *factory)
{
    struct bight_deferred *connecting = bight_connect(reactor, endpoint, factory);
    (void)bight_deferred_add_both(connecting, note_connection, audit);
    audit_watch(audit, bight_deferred_hold(connecting));
    return connecting;
}

/* -------------------------------------------------------------------------------------------- ends */

static struct audit *audit_of(struct end *end)
{
    return end->protocol->factory->context;
}

void end_made(struct end *end, struct bight_protocol *protocol)
{
    end->protocol = protocol;
    struct audit *audit = audit_of(end);
    if (end->made) {
        audit_wrong("connection_made came twice");
    }
    end->made = true;
    audit->made++;
    layers_in_handler(audit, protocol->transport);
    if (draw(audit, 50)) {
        bight_protocol_hold(protocol);
        end->next_held = audit->held;
        audit->held = end;
    }
}

void end_hears(struct end *end)
{
    if (!end->made || end->lost) {
        audit_wrong("a handler was called %s", end->lost ? "after connection_lost" : "before connection_made");
    }
    layers_in_handler(audit_of(end), end->protocol->transport);
}

void end_hears_the_end(struct end *end)
{
    end_hears(end);
    if (end->peer_ended) {
        audit_wrong("read_connection_lost came twice");
    }
    end->peer_ended = true;
}

void end_lost(struct end *end, const struct bight_failure *reason)
{
    end_hears(end);
    end->lost = true;
    end->reason = bight_failure_code(reason);
    audit_of(end)->lost++;
    if (bight_transport_write(end->protocol->transport, "x", 1) != BIGHT_E_CLOSED) {
        audit_wrong("a lost connection takes what is written");
    }
}

/* ----------------------------------------------------------------------------------------- streams */

uint8_t stream_byte(uint32_t key, size_t position)
{
    uint32_t mixed = (key * 2654435761u) ^ ((uint32_t)position * 2246822519u);
    return (uint8_t)(mixed >> 24);
}

static void stream_fill(uint8_t *bytes, uint32_t key, size_t from, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bytes[i] = stream_byte(key, from + i);
    }
}

static int write_part(struct bight_transport *transport, uint32_t key, size_t from, size_t size)
{
    uint8_t bytes[4096];
    stream_fill(bytes, key, from, size);
    return bight_transport_write(transport, bytes, size);
}

/* More room than is used. */
static int compose_part(struct bight_transport *transport, uint32_t key, size_t from, size_t size)
{
    uint8_t *room = bight_transport_reserve(transport, size * 2);
    if (room != NULL) {
        stream_fill(room, key, from, size);
    }
    return bight_transport_commit(transport, size);
}

int stream_write(struct bight_transport *transport, uint32_t key, size_t from, size_t size)
{
    int code = 0;
    for (size_t part; size > 0 && code == 0; from += part, size -= part) {
        part = size < 4096 ? size : 4096;
        code =
            (part + from) % 2 == 0 ? write_part(transport, key, from, part) : compose_part(transport, key, from, part);
    }
    return code;
}

void stream_check(uint32_t key, size_t from, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != stream_byte(key, from + i)) {
            audit_wrong("another byte than was sent, at %zu of stream %lu", from + i, (unsigned long)key);
            return;
        }
    }
}

/* ------------------------------------------------------------------------------------------- draws */

bool draw(struct audit *audit, unsigned chance)
{
    return bight_simulation_draw(audit->simulation, 100) < chance;
}

size_t draw_size(struct audit *audit, size_t most)
{
    uint64_t limit = bight_simulation_draw(audit->simulation, 3) == 0 ? most : most / 50;
    return (size_t)bight_simulation_draw(audit->simulation, limit + 1);
}

double draw_seconds(struct audit *audit, double most)
{
    return most * (double)bight_simulation_draw(audit->simulation, 1000001) / 1e6;
}

/* Each kind is in half of the runs that may have it, with a chance up to `most` per mille. */
static unsigned draw_chance(struct audit *audit, bool may, unsigned most)
{
    bool has = draw(audit, 50);
    unsigned chance = 1 + (unsigned)bight_simulation_draw(audit->simulation, most);
    return may && has ? chance : 0;
}

struct trouble draw_trouble(struct audit *audit)
{
    bool any = draw(audit, 60);
    return (struct trouble) {
        .resets = any && draw(audit, 60),
        .refusals = any && draw(audit, 60),
        .names = any && draw(audit, 60),
        .files = any && draw(audit, 60),
    };
}

static void set_link(struct audit *audit, const struct trouble *trouble)
{
    double latency = draw_seconds(audit, 0.05);
    const struct bight_link_conditions link = {
        .latency = latency,
        .jitter = draw(audit, 50) ? latency : 0,
        .bytes_per_second = draw(audit, 30) ? 200000 + draw_seconds(audit, 2e6) : 0,
        .split = draw_chance(audit, true, 400),
        .join = draw_chance(audit, true, 400),
        .reset = draw_chance(audit, trouble->resets, 20),
        .refuse = draw_chance(audit, trouble->refusals, 200),
        .lose_attempt = draw_chance(audit, trouble->refusals, 100),
    };
    bight_simulation_link(audit->simulation, NULL, NULL, &link);
}

void set_trouble(struct audit *audit, const struct trouble *trouble, struct bight_host *const *hosts, size_t count)
{
    set_link(audit, trouble);
    audit->lacks_files = trouble->files;
    for (size_t i = 0; i < count; i++) {
        const struct bight_kernel_conditions kernel = {
            .short_read = draw_chance(audit, true, 500),
            .short_write = draw_chance(audit, true, 500),
            .mark = draw_chance(audit, true, 300),
            .would_block = draw_chance(audit, true, 300),
            .spurious = draw_chance(audit, true, 300),
            .interrupted = draw_chance(audit, true, 200),
            .starved = draw_chance(audit, true, 100),
            .forbidden = draw_chance(audit, true, 100),
            .no_ports = draw_chance(audit, trouble->refusals, 100),
            .shuffle = draw_chance(audit, true, 1000),
            .thread_late = draw_chance(audit, true, 200),
            .not_cached = draw_chance(audit, true, 500),
            .no_files = draw_chance(audit, trouble->files, 100),
            .no_buffers = draw_chance(audit, trouble->files, 20),
            .name_fails = draw_chance(audit, trouble->names, 300),
            .name_late = draw_chance(audit, true, 300),
            .send_buffer = draw(audit, 40) ? 1024 + draw_size(audit, 60000) : 0,
            .receive_buffer = draw(audit, 40) ? 1024 + draw_size(audit, 60000) : 0,
        };
        bight_host_kernel(hosts[i], &kernel);
    }
}
