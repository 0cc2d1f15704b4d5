/* SPDX-License-Identifier: MIT */
/* api_write.c - writing in every form, lent memory, files, and producers (T6, T8, T9, T13, T14).
 *
 * The bytes of an end are numbered: a write takes the next numbers before it is made, since a producer that is paused
 * from inside it may write as well, behind it. */
#include "api_world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bight/sys/output.h>

#include "reactor/reactor.h"

static uint8_t *next_bytes(const struct end *end, size_t size)
{
    uint8_t *bytes = malloc(size + 1);
    if (bytes == NULL) {
        abort();
    }
    for (size_t i = 0; i < size; i++) {
        bytes[i] = byte_at(end->id, end->written + (uint32_t)i);
    }
    return bytes;
}

static bool may_write(const struct end *end)
{
    return !end->lost && !end->aborted && ((!end->losing && !end->write_ended) || end->producer != NULL);
}

static void note_answer(struct end *end, size_t size, int code, bool could_write)
{
    if (code == BIGHT_E_OVERFLOW && (end->is_unsure || world.has_cap) && could_write) {
        return; /* some of it may have been sent before the connection was given up */
    }
    if (code != 0) {
        end->written -= (uint32_t)size;
    }
    if (could_write && code == BIGHT_E_CLOSED && (end->losing || end->has_failed)) {
        return; /* the producer went meanwhile, or a layer cannot go on */
    }
    check_answer(end, "write", code, !could_write);
}

static int write_parts(struct bight_transport *transport, const uint8_t *bytes, size_t size)
{
    struct iovec parts[20];
    for (size_t i = 0; i < 19; i++) {
        parts[i] = (struct iovec) { (void *)(uintptr_t)(bytes + i * (size / 20)), size / 20 };
    }
    parts[19] = (struct iovec) { (void *)(uintptr_t)(bytes + 19 * (size / 20)), size - 19 * (size / 20) };
    return bight_transport_write_sequence(transport, parts, 20);
}

static int write_counted(struct bight_transport *transport, const uint8_t *data, size_t size)
{
    struct bight_bytes *bytes = bight_bytes_new(data, size);
    int code = bight_transport_write_bytes(transport, bytes);
    bight_bytes_release(bytes);
    return code;
}

/* More room than is used, now and then for nothing before. */
static int compose(struct bight_transport *transport, const uint8_t *bytes, size_t size, uint64_t draw)
{
    static const size_t more[] = { 0, 1, 700, 4000, 16240, 50000 };
    if (draw % 4 == 0 && bight_transport_reserve(transport, more[draw / 4 % 6]) != NULL &&
        bight_transport_commit(transport, 0) != 0) {
        fuzz_fail("room that was given is not taken back");
    }
    size_t reserved = size + more[draw / 24 % 6];
    uint8_t *room = bight_transport_reserve(transport, reserved);
    if (room != NULL) {
        memset(room, 0xff, reserved);
        memcpy(room, bytes, size);
    }
    return bight_transport_commit(transport, size);
}

__attribute__((format(printf, 4, 5))) static int print_before(
    struct bight_transport *transport, const uint8_t *behind, size_t size, const char *format, ...)
{
    char *text;
    size_t text_size;
    va_list arguments;
    va_start(arguments, format);
    int code = bight_transport_reserve_format(transport, size, &text, &text_size, format, arguments);
    va_end(arguments);
    if (code != 0) {
        return code;
    }
    memcpy(text + text_size, behind, size);
    return bight_transport_commit(transport, text_size + size);
}

/* What stands before the first NUL is a text. */
static int print(struct bight_transport *transport, const uint8_t *bytes, size_t size)
{
    size_t before = strnlen((const char *)bytes, size);
    return before == size
               ? bight_transport_writef(transport, "%.*s", (int)size, (const char *)bytes)
               : print_before(transport, bytes + before, size - before, "%.*s", (int)before, (const char *)bytes);
}

void write_some(struct end *end, size_t size, unsigned how)
{
    struct bight_transport *transport = transport_of(end);
    uint8_t *bytes = next_bytes(end, size);
    bool could_write = may_write(end);
    int code;
    end->written += (uint32_t)size;
    switch (how) {
    case 0:
        code = bight_transport_write(transport, bytes, size);
        break;
    case 1:
        code = write_parts(transport, bytes, size);
        break;
    case 2:
        code = write_counted(transport, bytes, size);
        break;
    case 4:
        code = print(transport, bytes, size);
        break;
    default:
        code = compose(transport, bytes, size, draw_from(end->id * 13u + end->written));
        break;
    }
    memset(bytes, 0xff, size); /* nothing may refer to it any more */
    free(bytes);
    note_answer(end, size, code, could_write);
}

static size_t choose_size(struct fuzz_operation *operation)
{
    static const size_t sizes[] = { 1, 3, 20, 200, 1023, 1024, 4096, 5000, 16384, 70000 };
    return sizes[fuzz_choose(operation, 10)];
}

void act_write(struct fuzz_operation *operation, void *context)
{
    struct end *end = find_end(operation);
    (void)context;
    if (end != NULL) {
        size_t size = choose_size(operation);
        write_some(end, size, fuzz_choose(operation, 5));
    }
}

/* ---------------------------------------------------------------------------------- lent memory */

static void release_lent(void *context)
{
    struct item *item = context;
    free(item->memory);
    item->memory = NULL;
    if (item->is_inside) {
        fuzz_fail("lent memory comes back from inside the write");
    }
    release_item(item);
}

void act_write_lent(struct fuzz_operation *operation, void *context)
{
    struct end *end = find_end(operation);
    struct item *item = end == NULL ? NULL : new_item("lent memory", end->side);
    (void)context;
    if (item == NULL) {
        return;
    }
    size_t size = choose_size(operation);
    bool could_write = may_write(end);
    item->memory = next_bytes(end, size);
    item->is_inside = true;
    end->written += (uint32_t)size;
    int code = bight_transport_write_lent(transport_of(end), item->memory, size, release_lent, item);
    item->is_inside = false;
    if (code != 0) {
        free(item->memory);
        item->memory = NULL;
        item->is_released = true;
    }
    note_answer(end, size, code, could_write);
}

/* ------------------------------------------------------------------------------------------ files */

static void release_file(void *context)
{
    struct item *item = context;
    struct bight_system *system = world.reactors[item->side]->system;
    (void)system->ops->close(system, item->descriptor); /* a thread that still read it would be found out */
    if (item->is_inside) {
        fuzz_fail("a file comes back from inside the call");
    }
    release_item(item);
}

/* A file of these bytes behind some others; negative when the disk is full. */
static int make_file(struct item *item, const uint8_t *bytes, size_t size, size_t before)
{
    static const uint8_t others[64];
    struct bight_system *system = world.reactors[item->side]->system;
    char path[40];
    (void)snprintf(path, sizeof path, "/files/%u", item->id);
    int fd = system->ops->open(system, path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd >= 0 &&
        (system->ops->write(system, fd, others, before) < 0 || system->ops->write(system, fd, bytes, size) < 0)) {
        (void)system->ops->close(system, fd);
        return -1;
    }
    return fd;
}

void act_send_file(struct fuzz_operation *operation, void *context)
{
    struct end *end = find_end(operation);
    struct item *item = end == NULL ? NULL : new_item("a file", end->side);
    (void)context;
    if (item == NULL) {
        return;
    }
    size_t size = choose_size(operation) % 5001, before = fuzz_choose(operation, 64);
    bool could_write = may_write(end);
    uint8_t *bytes = next_bytes(end, size);
    item->descriptor = make_file(item, bytes, size, before);
    free(bytes);
    if (item->descriptor < 0) {
        item->is_released = true;
        return;
    }
    item->is_inside = true;
    end->written += (uint32_t)size;
    int code = bight_transport_send_file(transport_of(end), item->descriptor, before, size, release_file, item);
    item->is_inside = false;
    if (code != 0) {
        release_file(item);
    }
    note_answer(end, size, code, could_write);
}

/* ------------------------------------------------------------------------------------ producers */

static void check_producer(const struct item *item, const char *what)
{
    fuzz_tell(world.tape, "-> producer of end %u: %s", item->end->id, what);
    if (item->is_released || (!item->is_inside && item->end->producer != item)) {
        fuzz_fail("a producer of end %u hears %s and is not registered", item->end->id, what);
    }
}

static void on_pause(void *context)
{
    struct item *item = context;
    check_producer(item, "pause");
    if (item->is_pull) {
        fuzz_fail("a pull producer is paused");
    }
    act_inside(item->id * 3u + item->budget, NULL);
}

static void unregister(struct end *end)
{
    struct item *item = end->producer;
    int code = bight_transport_unregister_producer(transport_of(end));
    if (code == 0 && item == NULL) {
        fuzz_fail("a producer of end %u is unregistered that there is not", end->id);
    }
    if (code == 0) {
        item->is_released = true;
        end->producer = NULL;
    } else if (code != BIGHT_E_CLOSED && (item != NULL || code != BIGHT_E_INVALID_ARGUMENT)) {
        fuzz_fail("unregister_producer of end %u answers %d", end->id, code);
    }
}

/* A piece more, or the end. */
static void on_resume(void *context)
{
    struct item *item = context;
    struct end *end = item->end;
    check_producer(item, "resume");
    if (item->is_inside || end->protocol == NULL) {
        return;
    }
    world.in_call++;
    if (item->budget > 0) {
        item->budget--;
        write_some(end, 1 + draw_from(item->id * 5u + item->budget) % 9000, item->budget % 2 == 0 ? 0 : 3);
    } else {
        unregister(end);
    }
    world.in_call--;
    act_inside(item->id * 7u + item->budget, NULL);
}

static void on_stop(void *context)
{
    struct item *item = context;
    check_producer(item, "stop");
    item->is_released = true;
    if (item->end->producer == item) {
        item->end->producer = NULL;
    }
    act_inside(item->id * 11u, NULL);
}

static const struct bight_producer_ops push_ops = { .pause = on_pause, .resume = on_resume, .stop = on_stop };

void act_register_producer(struct fuzz_operation *operation, void *context)
{
    struct end *end = find_end(operation);
    struct item *item = end == NULL ? NULL : new_item("producer", end->side);
    (void)context;
    if (item == NULL) {
        return;
    }
    bool had_one = end->producer != NULL;
    item->end = end;
    item->is_pull = fuzz_choose(operation, 2) == 0;
    item->budget = fuzz_choose(operation, 6);
    item->is_inside = true;
    end->producer = had_one ? end->producer : item; /* it may be called, and unregistered, inside */
    int code = bight_transport_register_producer(transport_of(end), &push_ops, item, !item->is_pull);
    item->is_inside = false;
    if (code != 0 && end->producer == item) {
        end->producer = NULL;
    }
    bool is_right =
        code == 0 || (code == BIGHT_E_CLOSED && item->is_released) || (code == BIGHT_E_PRODUCER_REGISTERED && had_one);
    if (!is_right) {
        fuzz_fail("register_producer of end %u answers %d", end->id, code);
    }
    item->is_released = code != 0 || item->is_released;
}

void act_unregister_producer(struct fuzz_operation *operation, void *context)
{
    struct end *end = find_end(operation);
    (void)context;
    if (end != NULL) {
        unregister(end);
    }
}
