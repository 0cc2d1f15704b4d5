/* SPDX-License-Identifier: MIT */
/* input.h - bytes that came and have not been consumed yet.
 *
 * Transports keep in it what they cannot deliver, streams what has not been read, line receivers the beginning of a
 * line and what waits. The one idea: it is a pointer to one block that says of itself how much it holds, and NULL when
 * there is nothing. So a holder of nothing pays for a pointer, and handing all of it on is handing on the pointer. */
#ifndef BI_TRANSPORT_INPUT_H
#define BI_TRANSPORT_INPUT_H

#include <stddef.h>
#include <string.h>

#include <bight/clock.h>
#include <bight/protocol.h>

struct bight_input {
    size_t start, end, room; /* held is what lies between start and end; never nothing */
    size_t searched;         /* before this, from start, no separator begins */
    uint8_t bytes[];
};

static inline size_t bi_input_size(const struct bight_input *input)
{
    return input == NULL ? 0 : input->end - input->start;
}

/* NULL when there is nothing. */
static inline const uint8_t *bi_input_bytes(const struct bight_input *input)
{
    return input == NULL ? NULL : input->bytes + input->start;
}

/* --- Each of these returns 0, or OUT_OF_MEMORY: then all is as it was. */

/* Behind what is held. Bytes that come one by one are copied a constant number of times. */
int bi_input_append(struct bight_input **input, const void *data, size_t size);
/* Before what is held. */
int bi_input_prepend(struct bight_input **input, const void *data, size_t size);
/* Makes sure that what follows cannot fail: putting `front` bytes in all before, and `back` bytes behind it. */
int bi_input_reserve(struct bight_input **input, size_t front, size_t back);
/* Puts what is left of input that was taken before what has come meanwhile, and takes it, also when that fails. */
int bi_input_give_back(struct bight_input **input, struct bight_input *rest);

/* --- These do not fail. */

/* All of it: the caller's, to consume or drop. */
static inline struct bight_input *bi_input_take(struct bight_input **input)
{
    struct bight_input *taken = *input;
    *input = NULL;
    return taken;
}

void bi_input_drop(struct bight_input **input);
/* Forgets the first `size` of the bytes that are held. */
static inline void bi_input_consume(struct bight_input **input, size_t size)
{
    struct bight_input *block = *input;
    block->start += size;
    block->searched = 0;
    if (block->start == block->end) {
        bi_input_drop(input);
    }
}

/* Where the first separator that begins at `from` or later ends; 0: there is none. */
static inline size_t bi_input_find(
    const uint8_t *data, size_t size, size_t from, const void *separator, size_t separator_size)
{
    if (size < separator_size || from > size - separator_size) {
        return 0;
    }
    const uint8_t *found = separator_size == 1 ? memchr(data + from, *(const uint8_t *)separator, size - from)
                                               : memmem(data + from, size - from, separator, separator_size);
    return found == NULL ? 0 : (size_t)(found - data) + separator_size;
}

/* The same in the first `limit` bytes of what is held, which is not nothing. Each is looked at once, however many
 * pieces they come in: until something is consumed, or something else is searched for. */
size_t bi_input_search(struct bight_input *input, size_t limit, const void *separator, size_t separator_size);
static inline void bi_input_search_anew(struct bight_input *input)
{
    if (input != NULL) {
        input->searched = 0;
    }
}

/* Whether what the protocol is being given lies in memory of bight's own, where a receiver may change bytes while a
 * handler of its own runs and put them back behind it. A layer or a protocol in between may hand on whatever it likes:
 * constants, say. */
bool bi_input_is_own(const struct bight_protocol *protocol, const uint8_t *data, size_t size);

/* Calls `go_on` with the protocol on a later turn: for a caller that has delivered enough in a row, or must not deliver
 * now. `leave` is called after it, or instead of it at the end of the reactor, and releases the hold that is taken
 * here. The codes of bight_call_later; then nothing is called. */
int bi_input_go_on_later(struct bight_protocol *protocol, bight_timer_function go_on, bight_release_function leave);

#endif
