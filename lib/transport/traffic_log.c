/* SPDX-License-Identifier: MIT */
/* traffic_log.c - a layer that logs what passes it, as DEBUG events, and hands everything on unchanged.
 *
 * It is also the smallest whole layer: an example for authors of layers. The data of a peer goes out as a field of
 * bytes, which the log escapes. The line that each connection has in the log is connection_log.c's. */
#include <bight/log.h>
#include <bight/memory.h>
#include <bight/sys/layer.h>

#include <stdio.h>
#include <string.h>

struct traffic_log {
    struct bight_layer base;
    char *name;
    size_t limit;
};

static void emit(struct traffic_log *log, const char *direction, const uint8_t *data, size_t size)
{
    if (bight_log_get_level() > BIGHT_LOG_DEBUG) {
        return;
    }
    char message[160];
    snprintf(message, sizeof message, "%.64s: %s %zu bytes", log->name, direction, size);
    size_t shown = size < log->limit ? size : log->limit;
    struct bight_log_field fields[] = {
        { .name = "direction", .kind = BIGHT_FIELD_TEXT, .data = direction, .size = strlen(direction) },
        { .name = "size", .kind = BIGHT_FIELD_INTEGER, .integer = (int64_t)size },
        { .name = "data", .kind = BIGHT_FIELD_BYTES, .data = data, .size = shown },
    };
    struct bight_log_event event = {
        .level = BIGHT_LOG_DEBUG,
        .system = "traffic",
        .message = message,
        .fields = fields,
        .field_count = shown > 0 ? 3 : 2,
    };
    bight_log_event_emit(&event);
}

static void received(struct bight_layer *layer, const uint8_t *data, size_t size)
{
    emit((struct traffic_log *)layer, "received", data, size);
    bight_layer_deliver(layer, data, size);
}

static void received_end(struct bight_layer *layer)
{
    emit((struct traffic_log *)layer, "received the end", NULL, 0);
    bight_layer_deliver_end(layer);
}

static int written(struct bight_layer *layer, const struct bight_piece *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        emit((struct traffic_log *)layer, "sent", pieces[i].data, pieces[i].size);
    }
    return bight_layer_send(layer, pieces, count);
}

static void write_ended(struct bight_layer *layer)
{
    emit((struct traffic_log *)layer, "sent the end", NULL, 0);
    bight_layer_send_end(layer);
}

static void free_log(struct bight_layer *layer)
{
    struct traffic_log *log = (struct traffic_log *)layer;
    bight_free(log->name);
    bight_free(log);
}

static const struct bight_layer_ops traffic_log_ops = {
    .size = sizeof(struct bight_layer_ops),
    .received = received,
    .received_end = received_end,
    .write = written,
    .write_end = write_ended,
    .free = free_log,
};

struct bight_layer *bight_traffic_log_new(const char *name, size_t limit)
{
    struct traffic_log *log = bight_calloc(1, sizeof *log);
    char *copy = bight_strdup(name);
    if (log == NULL || copy == NULL) {
        bight_free(log);
        bight_free(copy);
        return NULL;
    }
    log->base.ops = &traffic_log_ops;
    log->name = copy;
    log->limit = limit;
    return &log->base;
}
