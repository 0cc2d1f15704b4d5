/* SPDX-License-Identifier: MIT */
/* input.c - the one buffer for input: how it grows, is consumed, searched and given back, and going on with it later.
 *
 * The block grows to twice what it holds, and what was consumed is stepped over: it is moved away only where that frees
 * more than is moved. So neither bytes that come one by one nor those that go so are copied more than a few times. */
#include "transport/input.h"

#include <bight/error.h>
#include <bight/memory.h>
#include <bight/reactor.h>
#include <bight/sys/input.h>
#include <bight/transport.h>

#include "transport/transport.h"

enum { SMALLEST = 96 };

/* A new block with `front` bytes of room before what is held, and `back` behind it. */
static struct bight_input *make_block(const struct bight_input *input, size_t front, size_t back)
{
    size_t held = bi_input_size(input), most = SIZE_MAX / 4;
    if (held > most || front > most || back > most - sizeof *input) {
        return NULL;
    }
    size_t room = front + held + (back > held ? back : held);
    room = room < SMALLEST ? SMALLEST : room;
    struct bight_input *block = bight_malloc(sizeof *block + room);
    if (block == NULL) {
        return NULL;
    }
    *block = (struct bight_input) { front, front + held, room, input == NULL ? 0 : input->searched };
    if (held > 0) {
        memcpy(block->bytes + front, bi_input_bytes(input), held);
    }
    return block;
}

int bi_input_reserve(struct bight_input **input, size_t front, size_t back)
{
    struct bight_input *block = *input;
    size_t held = bi_input_size(block);
    if ((front | back) == 0 || (block != NULL && front <= block->start && back <= block->room - block->end)) {
        return BIGHT_OK;
    }
    if (block != NULL && front == 0 && held <= block->start && back <= block->room - held) {
        memcpy(block->bytes, block->bytes + block->start, held);
        block->start = 0;
        block->end = held;
        return BIGHT_OK;
    }
    block = make_block(*input, front, back);
    if (block == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    bight_free(*input);
    *input = block;
    return BIGHT_OK;
}

int bi_input_append(struct bight_input **input, const void *data, size_t size)
{
    int code = bi_input_reserve(input, 0, size);
    struct bight_input *block = *input;
    if (code == BIGHT_OK && size > 0) {
        memcpy(block->bytes + block->end, data, size);
        block->end += size;
    }
    return code;
}

int bi_input_prepend(struct bight_input **input, const void *data, size_t size)
{
    int code = bi_input_reserve(input, size, 0);
    struct bight_input *block = *input;
    if (code == BIGHT_OK && size > 0) {
        block->start -= size;
        block->searched = 0;
        memcpy(block->bytes + block->start, data, size);
    }
    return code;
}

int bi_input_give_back(struct bight_input **input, struct bight_input *rest)
{
    if (*input == NULL) {
        *input = rest;
        return BIGHT_OK;
    }
    int code = bi_input_prepend(input, bi_input_bytes(rest), bi_input_size(rest));
    bight_free(rest);
    return code;
}

void bi_input_drop(struct bight_input **input)
{
    bight_free(bi_input_take(input));
}

size_t bi_input_search(struct bight_input *input, size_t limit, const void *separator, size_t separator_size)
{
    size_t held = input->end - input->start, size = held < limit ? held : limit;
    size_t end = bi_input_find(input->bytes + input->start, size, input->searched, separator, separator_size);
    if (end == 0 && size >= separator_size) {
        input->searched = size - separator_size + 1;
    }
    return end;
}

static bool lies_in(const uint8_t *data, size_t size, const uint8_t *memory, size_t memory_size)
{
    uintptr_t offset = (uintptr_t)data - (uintptr_t)memory;
    return memory != NULL && offset < memory_size && size <= memory_size - offset;
}

bool bi_input_is_own(const struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    const struct bi_hub *hub = protocol->transport->hub;
    return hub != NULL && (lies_in(data, size, hub->receive_buffer, BI_RECEIVE_SIZE) ||
                              lies_in(data, size, hub->own.data, hub->own.size));
}

BI_HOT bool bight_input_may_change(const struct bight_protocol *protocol, const void *data, size_t size)
{
    return bi_input_is_own(protocol, data, size);
}

int bi_input_go_on_later(struct bight_protocol *protocol, bight_timer_function go_on, bight_release_function leave)
{
    bight_protocol_hold(protocol);
    int code = bight_call_later_full(bight_transport_reactor(protocol->transport), 0, go_on, protocol, leave, NULL);
    if (code != BIGHT_OK) {
        bight_protocol_release(protocol);
    }
    return code;
}
