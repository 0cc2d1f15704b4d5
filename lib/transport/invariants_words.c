/* SPDX-License-Identifier: MIT */
/* invariants_words.c - the state of a connection in words, for the report of a broken invariant. For operators of
 * programs describe.c says less, and more plainly. */
#include "transport/invariants.h"

#include <stdarg.h>
#include <stdio.h>

#include "transport/state.h"

struct text {
    char *end;
    size_t left;
};

static void add(struct text *text, const char *format, ...) BIGHT_PRINTF(2, 3);
static void add(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text->end, text->left, format, arguments);
    va_end(arguments);
    size_t written = size < 0 ? 0 : (size_t)size;
    written = written < text->left ? written : text->left - 1;
    text->end += written;
    text->left -= written;
}

static const char *name_life(const struct bight_transport *transport)
{
    static const char *const names[] = {
        [BI_OPEN] = "OPEN",
        [BI_NEW] = "NEW",
        [BI_ESTABLISHING] = "ESTABLISHING",
        [BI_LOSING] = "LOSING",
        [BI_LINGERING] = "LINGERING",
        [BI_BROKEN] = "BROKEN",
        [BI_LOSS_DUE] = "LOSS_DUE",
        [BI_LOST] = "LOST",
    };
    const char *name = names[bi_life_of(transport)];
    return name == NULL ? "a life without a name" : name;
}

static const char *name_end(const struct bight_transport *transport)
{
    static const char *const names[8] = { "open", "END_ASKED", "END_IN_LAYERS", "END_QUEUED", "SHUT" };
    const char *name = names[bi_write_end_of(transport) >> 3];
    return name == NULL ? "an end without a name" : name;
}

#define FLAG(name)       \
    {                    \
        BI_##name, #name \
    }

static void add_flags(struct text *text, uint32_t state)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } flags[] = { FLAG(EOF_RECEIVED), FLAG(EOF_DELIVERED), FLAG(ACCEPTED), FLAG(PRESSURE_ON), FLAG(RESET),
        FLAG(LAYERED), FLAG(INHERITED), FLAG(PAUSED), FLAG(THROTTLED), FLAG(SWITCHING), FLAG(PRODUCING), FLAG(WAITING),
        FLAG(WRITE_END_DUE), FLAG(CHANGED), FLAG(HELD), FLAG(RESERVED), FLAG(IN_HANDLER), FLAG(IN_LAYER),
        FLAG(ADVANCING), FLAG(IN_CALL), FLAG(LOOKS_ON), FLAG(READING), FLAG(SENT), FLAG(LOOK_LATER), FLAG(UNREAD),
        FLAG(DOUBTED) };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (state & flags[i].flag) {
            add(text, " %s", flags[i].name);
        }
    }
}

static void add_output(struct text *text, const struct bi_output *output)
{
    if (output == NULL) {
        return;
    }
    add(text, "; output: %zu queued, %zu counted, %zu held%s%s%s%s%s", output->queued, output->counted, output->held,
        output->watching ? ", watching" : "", output->reading ? ", reading" : "", output->busy ? ", busy" : "",
        bi_wheel_is_armed(&output->retry) ? ", retries" : "", output->task.run != NULL ? ", task" : "");
}

static void add_level(struct text *text, const char *name, const struct bight_level *level)
{
    add(text, "; %s: %zu bytes%s%s%s", name, bi_input_size(level->input), level->is_ended ? ", ended" : "",
        level->is_secured ? ", secured" : "", level->waits ? ", waits" : "");
}

static void add_extension(struct text *text, const struct bi_extension *extension)
{
    add_level(text, "facade", &extension->facade);
    for (const struct bight_layer *layer = extension->top; layer != NULL && text->left > 1; layer = layer->below) {
        add_level(text, "layer", &layer->waiting);
        if (layer->held != NULL) {
            add_output(text, layer->held);
        }
    }
    add(text, "; held %zu%s%s%s%s", extension->held, extension->task.run != NULL ? ", task" : "",
        extension->flush_task.run != NULL ? ", flush task" : "",
        bi_wheel_is_armed(&extension->close_timer) ? ", close timer" : "",
        bi_wheel_is_armed(&extension->total_timer) ? ", total timer" : "");
}

void bi_invariants_describe(const struct bight_transport *transport, char *buffer, size_t size)
{
    struct text text = { buffer, size };
    if (transport == NULL) {
        add(&text, "of no connection in particular");
        return;
    }
    add(&text, "connection %llu: %s, output %s;", (unsigned long long)transport->id, name_life(transport),
        name_end(transport));
    add_flags(&text, transport->state);
    add_output(&text, transport->output);
    if (transport->extension != NULL) {
        add_extension(&text, transport->extension);
    }
}
