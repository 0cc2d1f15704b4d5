/* SPDX-License-Identifier: MIT */
/* common.c - small bytes that many connections are sent (bight/sys/output.h).
 *
 * They are copied once, behind what was sent to many before, into a block that is common to the connections of a hub;
 * an output refers to a stretch of it with a chunk that is the output's own. Whoever has been sent the bytes that come
 * right before gets the next ones by moving the end of that stretch, so that what many are sent on a turn costs each of
 * them a few words, and is one part of one send. The first other bytes end this for that output until it is empty:
 * behind them everything is queued as usual. Since nobody gets a stretch while he waits for the kernel, each output
 * keeps a single block in memory however long it waits.
 *
 * What was copied last is held, so that no other bytes are taken for it. */
#include <bight/sys/output.h>

#include <string.h>

#include "base/bytes.h"
#include "transport/common.h"
#include "transport/output.h"
#include "transport/queue.h"

/* With one of these a write needs a closer look. */
#define UNUSUAL ((BI_LIFE & ~BI_NEW) | BI_WRITE_END | BI_LAYERED | BI_RESERVED)

/* -------------------------------------------------------------------------------------------- blocks */

static struct bi_common_block *new_block(struct bi_hub *hub)
{
    struct bi_common_block *block = bi_pool_take(&hub->blocks);
    if (block != NULL) {
        uint8_t *bytes = (uint8_t *)(block + 1);
        *block = (struct bi_common_block) { .room = bytes, .end = bytes + BI_BLOCK_BYTES };
        hub->common.blocks++;
    }
    return block;
}

void bi_common_retire(struct bi_output *output)
{
    struct bi_hub *hub = output->transport->hub;
    struct bi_common *common = &hub->common;
    struct bi_common_block *block = output->common.context;
    if (--block->users > 0) {
        return;
    }
    if (block == common->block) {
        bight_bytes_release(common->bytes);
        *common = (struct bi_common) { .blocks = common->blocks };
    }
    common->blocks--;
    bi_pool_give(&hub->blocks, block);
}

static bool has_room(const struct bi_common_block *block, size_t size)
{
    return block != NULL && size <= (size_t)(block->end - block->room);
}

/* In a block that is too full others refer to it: it goes with them. */
static bool place(struct bi_hub *hub, struct bight_bytes *bytes, size_t size)
{
    struct bi_common *common = &hub->common;
    struct bi_common_block *block = has_room(common->block, size) ? common->block : new_block(hub);
    if (block == NULL) {
        return false;
    }
    bight_bytes_release(common->bytes);
    common->block = block;
    common->bytes = bight_bytes_hold(bytes);
    common->at = block->room;
    common->size = size;
    memcpy(block->room, bight_bytes_data(bytes), size);
    block->room += size;
    return true;
}

/* ------------------------------------------------------------------------------------------- outputs */

/* There is nothing to look at behind it, as in bi_output_check_limits. One with a stretch at its end is not watching.
 */
static inline bool takes_more(const struct bi_output *output, size_t size, size_t most)
{
    const struct bi_extension *extension = output->transport->extension;
    return output->last == &output->common && output->task.run != NULL && output->queued <= most &&
           output->queued + size < BI_MAX_GATHERED && (extension == NULL || output->counted + size <= extension->limit);
}

static inline bool ends_at(const struct bi_output *output, const uint8_t *at)
{
    return output->common.data + output->common.size == at;
}

static inline void extend(struct bi_output *output, size_t size)
{
    output->common.size += size;
    output->queued += size;
    output->counted += size;
}

/* Nothing is queued. */
static bool begin(struct bight_transport *transport, struct bight_bytes *bytes, size_t size)
{
    struct bi_hub *hub = transport->hub;
    struct bi_common *common = &hub->common;
    struct bi_output *output = bi_output_of(transport);
    if (output == NULL) {
        return false;
    }
    if (common->bytes != bytes && !place(hub, bytes, size)) {
        bi_output_put_back(output);
        return false;
    }
    output->common = (struct bi_chunk) { .data = common->at, .size = size, .context = common->block, .counted = true };
    common->block->users++;
    bi_queue_append(output, &output->common);
    output->queued = output->counted = size;
    bi_reactor_afterwards(hub->reactor, &output->task, bi_output_run_flush);
    return true;
}

/* The first to get these bytes, or to get anything. */
static bool __attribute__((noinline))
write_first(struct bight_transport *transport, struct bight_bytes *bytes, size_t most)
{
    size_t size = bight_bytes_size(bytes);
    struct bi_output *output = transport->output;
    if ((transport->state & UNUSUAL) || size - 1 >= BI_LARGE_WRITE - 1 || bi_bytes_calls_back(bytes)) {
        return false;
    }
    struct bi_hub *hub = transport->hub;
    if (output == NULL) {
        return (transport->extension == NULL || size <= transport->extension->limit) && begin(transport, bytes, size);
    }
    bool goes_on = takes_more(output, size, most) && has_room(hub->common.block, size) &&
                   ends_at(output, hub->common.block->room) && place(hub, bytes, size);
    if (goes_on) {
        extend(output, size);
    }
    return goes_on;
}

bool bight_transport_write_common(struct bight_transport *transport, struct bight_bytes *bytes, size_t most)
{
    if (BI_UNLIKELY(transport->hub != NULL &&
                    bi_reactor_check_thread(transport->hub->reactor, "bight_transport_write_common") != 0)) {
        return false;
    }
    struct bi_output *output = transport->output;
    if (BI_UNLIKELY((transport->state & UNUSUAL) || output == NULL)) {
        return write_first(transport, bytes, most);
    }
    const struct bi_common *common = &transport->hub->common;
    size_t size = common->size;
    if (BI_UNLIKELY(common->bytes != bytes || !ends_at(output, common->at) || !takes_more(output, size, most))) {
        return write_first(transport, bytes, most);
    }
    extend(output, size);
    return true;
}
