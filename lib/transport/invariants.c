/* SPDX-License-Identifier: MIT */
/* invariants.c - what must be true of a single connection. What the connections of a reactor share, their sums and
 * counts, is in invariants_hub.c.
 *
 * An invariant is one line: what holds, and its name. The obvious way, assertions where things are changed, sees only
 * what the change is about; what is broken is nearly always a consequence that was forgotten elsewhere. So the state is
 * looked at as a whole when it is supposed to be in order. Many of these say that for a connection that waits there is
 * something that will go on with it: a task that is queued, a watch, a timer. */
#include "transport/invariants.h"

#include "transport/close.h"
#include "transport/establish.h"
#include "transport/layer_talk.h"
#include "transport/level_queue.h"
#include "transport/levels.h"
#include "transport/queue.h"
#include "transport/socket.h"
#include "transport/state.h"

#define BRACKETS (BI_IN_HANDLER | BI_IN_LAYER | BI_ADVANCING | BI_IN_CALL)

static bool has(const struct bight_transport *transport, uint32_t flags)
{
    return (transport->state & flags) != 0;
}

static bool is(const struct bight_transport *transport, uint32_t life)
{
    return bi_life_of(transport) == life;
}

static bool is_made(const struct bight_transport *transport)
{
    return (transport->protocol->state & BI_PROTOCOL_MADE) != 0;
}

/* A task that decides again on a later turn. */
static bool has_task(const struct bight_transport *transport)
{
    return transport->extension != NULL && transport->extension->task.run != NULL;
}

static bool has_output_task(const struct bight_transport *transport)
{
    return transport->output != NULL && transport->output->task.run != NULL;
}

/* Only of one that is broken or whose loss is due. */
static bool has_loss_task(const struct bight_transport *transport)
{
    return ((const struct bi_loss *)(const void *)(transport + 1))->task.run != NULL;
}

static bool will_go_on(const struct bight_transport *transport)
{
    return is(transport, BI_BROKEN) ? has_loss_task(transport) : has_task(transport);
}

/* ------------------------------------------------------------------------------------------- always */

static const char *look_at_life(const struct bight_transport *transport)
{
    bool losing = bi_is_losing(transport), cut = bi_is_cut(transport);
    uint32_t end = bi_write_end_of(transport);
    BI_MUST(!is(transport, BI_NEW) || !is_made(transport), "life: what is new has not been started");
    BI_MUST(!is(transport, BI_OPEN) || is_made(transport), "life: what is open was started");
    BI_MUST(!losing || end != BI_WRITE_OPEN, "life: a closing one has ended its output");
    BI_MUST(!losing || !has(transport, BI_PAUSED), "life: a closing one is not paused");
    BI_MUST(!losing || !has(transport, BI_SWITCHING), "life: a closing one does not switch");
    BI_MUST(!is(transport, BI_LINGERING) || end == BI_SHUT, "life: a lingering one has shut its output");
    BI_MUST(cut || !has(transport, BI_RESET), "life: only what has broken or ended is to be reset");
    BI_MUST(!cut || !has(transport, BI_READING | BI_UNREAD), "life: what has broken or ended is not read by its watch");
    BI_MUST(end <= BI_SHUT, "end: the output's end is one of those that there are");
    BI_MUST(end != BI_WRITE_OPEN || !has(transport, BI_WRITE_END_DUE), "end: only an end that was asked for is due");
    return NULL;
}

/* L3: one in whose protocol's place there is one that does nothing. */
static const char *look_at_stand_in(const struct bight_transport *transport)
{
    const struct bi_extension *extension = transport->extension;
    BI_MUST(!is(transport, BI_OPEN), "establishing: what is open has a protocol");
    if (is(transport, BI_LOST)) {
        return NULL;
    }
    BI_MUST(extension != NULL && extension->establishing != NULL, "establishing: somebody sees to it");
    BI_MUST(extension->factory != NULL, "establishing: there is a factory to ask");
    BI_MUST(!is(transport, BI_ESTABLISHING) || extension->facade.is_closed, "establishing: the facade is closed");
    BI_MUST(!is(transport, BI_ESTABLISHING) || bi_wheel_is_armed(&extension->establishing->deadline),
        "establishing: it has a time");
    return NULL;
}

static const char *look_at_protocol(const struct bight_transport *transport)
{
    const struct bight_protocol *protocol = transport->protocol;
    BI_MUST(protocol != NULL, "protocol: there is one");
    if (!bi_has_protocol(transport)) {
        return look_at_stand_in(transport);
    }
    BI_MUST(protocol->holds > 0, "protocol: it is held");
    if (is(transport, BI_LOST)) {
        return NULL;
    }
    BI_MUST(protocol->transport == transport, "protocol: it knows its connection");
    BI_MUST(protocol->state & BI_PROTOCOL_CONNECTED, "protocol: it has been connected");
    BI_MUST(!(protocol->state & BI_PROTOCOL_OVER), "protocol: it is over when its connection is lost");
    BI_MUST(!(protocol->state & BI_PROTOCOL_ABOVE) || protocol->ops->room != NULL,
        "protocol: only one with `room` waits for it");
    return NULL;
}

/* LAYERED, SWITCHING and the like say what lies in the extension. */
static const char *look_at_flags(const struct bight_transport *transport)
{
    const struct bi_extension *extension = transport->extension;
    const uint32_t speak_of_it = BI_LAYERED | BI_SWITCHING | BI_PRODUCING | BI_WAITING | BI_HELD | BI_IN_LAYER;
    if (extension == NULL) {
        BI_MUST(!has(transport, speak_of_it), "extension: what the flags speak of is there");
        return NULL;
    }
    BI_MUST(extension->transport == transport, "extension: it knows its connection");
    BI_MUST(has(transport, BI_LAYERED) == (extension->top != NULL), "layers: LAYERED says that there are some");
    BI_MUST((extension->top == NULL) == (extension->lowest == NULL), "layers: a top one means a lowest one");
    BI_MUST(extension->top == NULL || extension->top->above == NULL, "layers: nothing is above the top one");
    BI_MUST(extension->lowest == NULL || extension->lowest->below == NULL, "layers: nothing is below the lowest one");
    BI_MUST(
        extension->popped == NULL || has(transport, BI_IN_LAYER), "layers: a popped one stays while one is entered");
    BI_MUST(has(transport, BI_SWITCHING) == (extension->next_protocol != NULL), "switch: SWITCHING says to whom");
    BI_MUST(extension->next_protocol == NULL || extension->next_protocol->transport == transport,
        "switch: the next protocol knows its connection");
    BI_MUST(!has(transport, BI_PRODUCING) || extension->producer != NULL, "producer: PRODUCING says that there is one");
    BI_MUST(!extension->producer_paused || extension->streaming, "producer: only one that streams is paused");
    BI_MUST(extension->low < extension->high, "flow: the low mark is below the high one");
    return NULL;
}

static const char *look_at_timers(const struct bight_transport *transport)
{
    const struct bi_extension *extension = transport->extension;
    bool over = bi_is_over(transport);
    BI_MUST(!over || transport->idle.class_number == 0, "timers: what is over is in no class of idle ones");
    BI_MUST(transport->idle.class_number <= transport->hub->idle_class_count, "timers: an idle one's class is there");
    if (extension == NULL) {
        return NULL;
    }
    BI_MUST(!over || !bi_wheel_is_armed(&extension->total_timer), "timers: what is over has no total timeout");
    BI_MUST(!over || !bi_wheel_is_armed(&extension->close_timer), "timers: what is over has no bound of a flush");
    return NULL;
}

static const char *look_at_flow(const struct bight_transport *transport)
{
    const struct bi_output *output = transport->output;
    bool pressed = has(transport, BI_THROTTLED) && !bi_is_over(transport);
    BI_MUST(!pressed || is(transport, BI_OPEN), "flow: only what is open is pressed");
    BI_MUST(!pressed || has(transport, BI_PRESSURE_ON), "flow: only who wants backpressure is pressed");
    if (output == NULL) {
        return NULL;
    }
    BI_MUST(output->transport == transport, "output: it knows its connection");
    BI_MUST(output->counted <= output->queued, "output: what is counted is part of what is queued");
    BI_MUST((output->first == NULL) == (output->last == NULL), "output: a first chunk means a last one");
    BI_MUST(output->first != NULL || output->queued == 0, "output: without chunks nothing is queued");
    BI_MUST(!output->reading || output->watching, "output: one that waits for a file is watching");
    BI_MUST(output->watching || !bi_wheel_is_armed(&output->retry), "output: who retries is watching");
    return NULL;
}

const char *bi_invariants_always(const struct bight_transport *transport)
{
    const char *broken = NULL;
    if (transport->bottom == NULL) {
        return NULL; /* it is being made */
    }
    broken = look_at_life(transport);
    broken = broken != NULL ? broken : look_at_protocol(transport);
    if (is(transport, BI_LOST)) {
        return broken; /* what it has goes, part by part */
    }
    broken = broken != NULL ? broken : look_at_flags(transport);
    broken = broken != NULL ? broken : look_at_timers(transport);
    return broken != NULL ? broken : look_at_flow(transport);
}

/* ------------------------------------------------------------------------------------------ decided */

static const char *look_at_ends(const struct bight_transport *transport)
{
    uint32_t end = bi_write_end_of(transport);
    bool ended = has(transport, BI_EOF_RECEIVED), told = has(transport, BI_EOF_DELIVERED);
    bool due = has(transport, BI_WRITE_END_DUE);
    bool shut = end == BI_SHUT;
    BI_MUST(!is(transport, BI_LOSING) || !shut, "end: a closing one that has shut lingers, or is done");
    BI_MUST(!is(transport, BI_LINGERING) || !ended, "end: nobody lingers when the peer has ended");
    BI_MUST(!is(transport, BI_OPEN) || !told || !shut || due, "end: what has ended both ways is over");
    BI_MUST(!due || !shut || transport->output != NULL || bi_is_cut(transport) || will_go_on(transport),
        "end: the end of writing will be told");
    BI_MUST(!is(transport, BI_BROKEN) || !ended || has(transport, BI_WAITING),
        "end: what has broken, and is delivered, is over");
    if (bi_is_cut(transport)) {
        return NULL;
    }
    BI_MUST(end != BI_END_ASKED || has(transport, BI_PRODUCING | BI_HELD),
        "end: who asks for an end has it, but for a producer or a file");
    BI_MUST(end != BI_END_IN_LAYERS || has(transport, BI_LAYERED), "end: one that layers bring about has layers");
    BI_MUST(end != BI_END_QUEUED || bi_output_queued(transport) > 0, "end: behind the last byte comes the shut");
    BI_MUST(end < BI_END_IN_LAYERS || !has(transport, BI_PRODUCING), "end: an end behind a producer waits for it");
    return NULL;
}

static bool wants_input(const struct bight_transport *transport)
{
    bool hears = (is(transport, BI_OPEN) || is(transport, BI_ESTABLISHING)) && !bi_has_failed(transport) &&
                 bi_levels_want_input(transport);
    return !has(transport, BI_EOF_RECEIVED) && (bi_is_losing(transport) || hears);
}

const char *bi_invariants_decided(const struct bight_transport *transport)
{
    const struct bi_extension *extension = transport->extension;
    if (bi_is_over(transport) || (has(transport, BI_CHANGED) && !bi_flow_awaits_room(transport))) {
        return NULL;
    }
    const char *broken = look_at_ends(transport);
    BI_MUST(broken == NULL, broken);
    BI_MUST(!wants_input(transport) || has(transport, BI_READING), "reading: who wants input is reading");
    BI_MUST(!wants_input(transport) || !has(transport, BI_UNREAD), "reading: what was left unread is looked for");
    BI_MUST(!has(transport, BI_SWITCHING) || will_go_on(transport), "switch: one that is due will come");
    BI_MUST(!has(transport, BI_PRODUCING) || !has(transport, BI_THROTTLED), "flow: a producer is told, nobody pressed");
    BI_MUST(!is(transport, BI_LINGERING) || (extension != NULL && bi_wheel_is_armed(&extension->close_timer)),
        "timers: a linger has a bound");
    return NULL;
}

/* ------------------------------------------------------------------------------- at rest: the output */

struct sums {
    size_t queued, counted;
    const struct bi_chunk *last;
};

static const char *look_at_chunk(const struct bi_chunk *chunk)
{
    BI_MUST(!chunk->borrowed, "output: no chunk lies on the stack of a write");
    BI_MUST(chunk->room == NULL || (chunk->data + chunk->size == chunk->room && chunk->room <= chunk->room_end),
        "output: a block's bytes end where its room begins");
    BI_MUST(chunk->room == NULL || chunk->release == NULL, "output: a block is nobody else's");
    return NULL;
}

/* A queue that is sent, or one that waits to enter a layer. */
static const char *look_at_queue(const struct bi_output *queue)
{
    struct sums sums = { .last = NULL };
    for (const struct bi_chunk *chunk = queue->first; chunk != NULL; chunk = chunk->next) {
        const char *broken = look_at_chunk(chunk);
        BI_MUST(broken == NULL, broken);
        sums.queued += chunk->size;
        sums.counted += chunk->counted ? chunk->size : 0;
        sums.last = chunk;
    }
    BI_MUST(sums.last == queue->last, "output: the last chunk comes last");
    BI_MUST(sums.queued == queue->queued, "output: what is queued is what the chunks have");
    BI_MUST(sums.counted == queue->counted, "output: what is counted is what the counted chunks have");
    BI_MUST(!queue->busy, "output: nobody is busy with it");
    return NULL;
}

/* The watch is the loop's, and where the bottom is a socket, it can be asked. */
static const char *look_at_watches(const struct bight_transport *transport)
{
    struct bight_loop *loop = transport->hub->reactor->loop;
    const struct bi_output *output = transport->output;
    if (transport->bottom != &bi_socket_bottom || bi_is_cut(transport) || is(transport, BI_NEW) ||
        transport->idle.is_early) {
        return NULL;
    }
    BI_MUST(!has(transport, BI_READING) || loop->ops->watch_is_added(loop, bi_watch_of(transport)),
        "reading: READING says that the loop watches");
    if (output != NULL && output->watching && !output->reading && !bi_wheel_is_armed(&output->retry)) {
        BI_MUST(loop->ops->watch_is_added(loop, (const struct bight_watch *)(const void *)(output + 1)),
            "output: who is watching is watched for by the loop, a thread or a timer");
    }
    return NULL;
}

static const char *look_at_output(const struct bight_transport *transport)
{
    const struct bi_output *output = transport->output;
    if (output == NULL) {
        return NULL;
    }
    const char *broken = look_at_queue(output);
    BI_MUST(broken == NULL, broken);
    if (bi_is_cut(transport)) {
        BI_MUST(!output->watching, "output: what has broken or ended is not sent");
        return NULL;
    }
    BI_MUST(output->watching || output->task.run != NULL || has(transport, BI_RESERVED),
        "output: what is queued will be sent");
    BI_MUST((output->most + output->reserved > 0) == has(transport, BI_RESERVED), "output: RESERVED says that room is");
    BI_MUST(output->aside == NULL || output->reserved > 0, "output: what is put aside is reserved");
    BI_MUST(output->held <= output->counted, "output: the cap counts no more than there is");
    BI_MUST(output->held == 0 || output->watching, "output: the cap counts what has been refused");
    BI_MUST(!output->reading || (bi_chunk_is_file(output->first) && bi_file_is_being_read(output->first->context)),
        "output: one that waits for a file waits for one that is read");
    return NULL;
}

/* -------------------------------------------------------------------------------- at rest: the levels */

/* The lowest for which something waits to enter it, or that wants room below. */
static const struct bight_layer *find_held(const struct bight_transport *transport)
{
    const struct bight_layer *layer = transport->extension->lowest;
    while (layer != NULL && !bi_held_has(layer) && !layer->wants_room) {
        layer = layer->above;
    }
    return layer;
}

/* Whether what waits for the layer, or is kept by it, has to wait: for output, or for a file. */
static bool must_wait(const struct bight_transport *transport, const struct bight_layer *layer)
{
    size_t before = bi_output_queued(transport);
    const struct bi_chunk *chunk = layer->wants_room ? NULL : layer->held->first;
    for (layer = layer->wants_room ? layer->below : layer; layer != NULL; layer = layer->below) {
        before += BI_LAYER_HAS(layer, queued) ? layer->ops->queued(layer) : 0;
    }
    return before > 0 || bi_is_cut(transport) || bi_write_end_of(transport) >= BI_END_QUEUED ||
           (chunk != NULL && bi_chunk_is_file(chunk) && bi_file_is_being_read(chunk->context));
}

static const char *look_at_held(const struct bight_transport *transport)
{
    const struct bight_layer *layer = find_held(transport);
    if (bi_is_cut(transport)) {
        return NULL;
    }
    BI_MUST(layer == NULL || has(transport, BI_HELD), "held: HELD says that something waits to enter a layer");
    BI_MUST(layer != NULL || !has(transport, BI_HELD) || will_go_on(transport), "held: HELD ends with what was held");
    BI_MUST(layer == NULL || has_task(transport) || must_wait(transport, layer), "held: what can enter a layer will");
    return NULL;
}

static const char *look_at_layer(const struct bight_transport *transport, const struct bight_layer *layer)
{
    const struct bi_extension *extension = transport->extension;
    BI_MUST(layer->transport == transport, "layers: each knows its connection");
    BI_MUST(!layer->is_popped, "layers: none in the list has been popped");
    BI_MUST(
        layer->above == NULL ? extension->top == layer : layer->above->below == layer, "layers: the one above knows");
    BI_MUST(layer->below == NULL ? extension->lowest == layer : layer->below->above == layer,
        "layers: the one below knows");
    BI_MUST(!layer->waiting.is_secured && layer->waiting.before == 0, "levels: what was secured is told to the facade");
    if (layer->held != NULL) {
        BI_MUST(layer->held->transport == transport, "held: a queue knows its connection");
        BI_MUST(layer->held->held == 0 && !layer->held->watching, "held: a queue is not sent from");
        const char *broken = look_at_queue(layer->held);
        BI_MUST(broken == NULL, broken);
    }
    if (bi_is_over(transport)) {
        return NULL;
    }
    BI_MUST(!layer->waiting.waits || bi_level_is_empty(&layer->waiting) || will_go_on(transport),
        "levels: a layer that waits for a turn has one");
    BI_MUST(!layer->wants_flush || bi_is_cut(transport) || extension->flush_task.run != NULL,
        "layers: one that wants a flush has it");
    return NULL;
}

/* What waits for a layer stands still only while too much waits for the facade. */
static const char *look_at_layers_input(const struct bight_transport *transport, const struct bight_layer *layer)
{
    if (layer->waiting.is_closed) {
        BI_MUST(!is(transport, BI_OPEN) && !is(transport, BI_BROKEN), "levels: what has begun is not closed");
        BI_MUST(!layer->is_prepared, "levels: what is prepared is not closed");
        return NULL;
    }
    size_t above = bi_input_size(transport->extension->facade.input);
    bool unwanted = layer->waiting.is_unwanted && !bi_levels_are_wanted(transport, layer);
    BI_MUST(bi_level_is_empty(&layer->waiting) || unwanted || above >= BI_RECEIVE_SIZE || will_go_on(transport) ||
                bi_is_losing(transport),
        "levels: what a layer can have it will");
    return NULL;
}

static const char *look_at_layers(const struct bight_transport *transport)
{
    const struct bi_extension *extension = transport->extension;
    bool any = !bi_level_is_empty(&extension->facade);
    size_t waiting = bi_input_size(extension->facade.input);
    for (const struct bight_layer *layer = extension->top; layer != NULL; layer = layer->below) {
        const char *broken = look_at_layer(transport, layer);
        BI_MUST(broken == NULL, broken);
        broken = bi_is_over(transport) ? NULL : look_at_layers_input(transport, layer);
        BI_MUST(broken == NULL, broken);
        any = any || !bi_level_is_empty(&layer->waiting);
        waiting += bi_input_size(layer->waiting.input);
    }
    BI_MUST(bi_is_over(transport) || has(transport, BI_WAITING) == any, "levels: WAITING says that something waits");
    BI_MUST(bi_is_over(transport) || extension->held == waiting, "levels: the cap counts what waits");
    return look_at_held(transport);
}

static bool facade_takes(const struct bight_transport *transport)
{
    return bi_is_heard(transport) && !transport->extension->facade.is_closed &&
           !has(transport, BI_EOF_DELIVERED | BI_PAUSED | BI_THROTTLED | BI_SWITCHING);
}

static const char *look_at_facade(const struct bight_transport *transport)
{
    const struct bight_level *facade = &transport->extension->facade;
    BI_MUST(facade->before <= bi_input_size(facade->input), "levels: before a secured layer came part of what waits");
    BI_MUST(facade->before == 0 || facade->is_secured, "levels: only a secured layer cuts what waits in two");
    BI_MUST(bi_level_is_empty(facade) || !facade_takes(transport) || will_go_on(transport),
        "levels: what can be delivered will be");
    BI_MUST(bi_level_is_empty(facade) || !bi_is_losing(transport) || will_go_on(transport),
        "levels: a closing one has no input that waits");
    return NULL;
}

/* ------------------------------------------------------------------------------------------- at rest */

static const char *look_at_brackets(const struct bight_transport *transport)
{
    const struct bi_extension *extension = transport->extension;
    BI_MUST(!has(transport, BRACKETS), "brackets: each that was entered has been left");
    bool changed = has(transport, BI_CHANGED) && !bi_is_over(transport);
    BI_MUST(!changed || will_go_on(transport) || has_output_task(transport) || bi_flow_awaits_room(transport),
        "brackets: what has changed will be decided");
    if (extension == NULL) {
        return NULL;
    }
    BI_MUST(extension->popped == NULL, "layers: what was popped has been freed");
    BI_MUST(extension->rest == NULL, "levels: no piece is being delivered");
    BI_MUST(extension->pushed == NULL || bi_is_over(transport), "levels: no handler is pushing");
    BI_MUST(extension->returned == NULL || bi_is_over(transport), "levels: what was given back waits");
    BI_MUST(extension->reason == NULL || bi_is_losing(transport) ||
                (is(transport, BI_OPEN) && has(transport, BI_WAITING) && !has(transport, BI_EOF_DELIVERED)),
        "life: a layer's failure is kept while it waits, and while it is losing");
    return NULL;
}

static const char *look_at_loss(const struct bight_transport *transport)
{
    if (is(transport, BI_LOST)) {
        BI_MUST(transport->extension == NULL && transport->output == NULL, "life: what is lost has nothing more");
        BI_MUST(transport->protocol->state & BI_PROTOCOL_OVER, "protocol: it is over when its connection is lost");
    }
    BI_MUST(!is(transport, BI_LOSS_DUE) || has_loss_task(transport), "life: a loss that is due will come");
    bool is_read = has(transport, BI_EOF_RECEIVED);
    BI_MUST(!is(transport, BI_BROKEN) || has_loss_task(transport) || is_read || !bi_levels_want_input(transport),
        "life: what is left of a broken connection will be read");
    return NULL;
}

/* Of a connection that is neither over nor broken: if it stands still, something will let it go on. */
static const char *look_at_waits(const struct bight_transport *transport)
{
    const struct bi_extension *extension = transport->extension;
    bool waits = bi_flow_queued(transport) > 0 || has_output_task(transport);
    bool ended = is(transport, BI_OPEN) && has(transport, BI_EOF_RECEIVED) && !has(transport, BI_LAYERED);
    BI_MUST(!has(transport, BI_THROTTLED) || waits, "flow: who is pressed waits for output");
    BI_MUST(!bi_flow_awaits_room(transport) || waits || will_go_on(transport),
        "flow: one that waits for room waits for output");
    BI_MUST(!ended || has(transport, BI_EOF_DELIVERED) || (extension != NULL && extension->facade.is_ended),
        "end: the peer's is told, or waits");
    if (extension == NULL) {
        return NULL;
    }
    BI_MUST(!has(transport, BI_PRODUCING) || !extension->producer_paused || waits,
        "producer: one that is paused waits for output");
    BI_MUST(extension->stall == 0 || bi_has_failed(transport) || !is(transport, BI_OPEN) || transport->output == NULL ||
                !transport->output->watching || bi_wheel_is_armed(&extension->close_timer),
        "timers: what may not stall has a bound");
    return NULL;
}

const char *bi_invariants_at_rest(const struct bight_transport *transport)
{
    const char *broken = bi_invariants_always(transport);
    broken = broken != NULL ? broken : bi_invariants_decided(transport);
    broken = broken != NULL ? broken : look_at_brackets(transport);
    broken = broken != NULL ? broken : look_at_loss(transport);
    broken = broken != NULL ? broken : look_at_output(transport);
    broken = broken != NULL ? broken : look_at_watches(transport);
    if (transport->extension != NULL) {
        broken = broken != NULL ? broken : look_at_layers(transport);
        broken = broken != NULL || bi_is_over(transport) ? broken : look_at_facade(transport);
    }
    return broken != NULL || bi_is_cut(transport) ? broken : look_at_waits(transport);
}
