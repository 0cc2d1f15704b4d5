/* SPDX-License-Identifier: MIT */
/* deflate.c - messages compressed and undone by what their factory's sockets share, or with takeover by the socket's
 * own. */
#include "http/websocket/deflate.h"

#include <bight/memory.h>

#include "http/websocket/socket.h"

#define LEVEL 6
#define SMALL 1024
#define MAY_GROW 64 /* as much as a receiver of bight's takes beyond its limit, whatever that is */

/* What was agreed on; usual terms are not remembered. */
static struct bi_deflate_terms terms_of(const struct bight_websocket_state *own)
{
    static const struct bi_deflate_terms usual = { .out_bits = BI_LARGEST_WINDOW, .in_bits = BI_LARGEST_WINDOW };
    return own->extras == NULL || bi_terms_are_usual(&own->extras->terms) ? usual : own->extras->terms;
}

/* Made when the first message needs one, of a socket with terms of its own. NULL when out of memory. */
static struct bi_kept *kept_of(const struct bight_websocket_state *own)
{
    struct bi_extras *extras = own->extras;
    extras->kept = extras->kept != NULL ? extras->kept : bight_calloc(1, sizeof *extras->kept);
    return extras->kept;
}

void bi_kept_drop(struct bight_websocket_state *own)
{
    struct bi_kept *kept = own->extras != NULL ? own->extras->kept : NULL;
    if (kept != NULL) {
        own->extras->kept = NULL;
        bi_raw_deflater_free(kept->deflater);
        bi_raw_inflater_free(kept->inflater);
        bight_free(kept);
    }
}

/* ----------------------------------------------------------------------------------------- compressing */

static uint8_t *deflate_by(struct bi_raw_deflater *deflater, struct bi_view data, size_t most, size_t *size)
{
    uint8_t *room = deflater != NULL ? bight_malloc(most) : NULL;
    *size = room != NULL ? bi_raw_deflate(deflater, data, room, most) : 0;
    if (*size == 0) {
        bight_free(room);
        return NULL;
    }
    return room;
}

uint8_t *bi_deflate_shared(struct bi_shared *shared, struct bi_view data, size_t *size)
{
    if (data.size < BI_DEFLATE_FROM) {
        return NULL;
    }
    if (shared->deflater == NULL) {
        shared->deflater = bi_raw_deflater_new(LEVEL, BI_LARGEST_WINDOW, false);
    }
    return deflate_by(shared->deflater, data, data.size, size);
}

/* A small one also if it grows by it, for the next one may refer to it. */
static uint8_t *deflate_on(struct bight_websocket_state *own, struct bi_view data, size_t *size)
{
    struct bi_kept *kept = data.size >= BI_DEFLATE_FROM_WITH_TAKEOVER ? kept_of(own) : NULL;
    if (kept == NULL) {
        return NULL;
    }
    if (kept->deflater == NULL) {
        kept->deflater = bi_raw_deflater_new(LEVEL, terms_of(own).out_bits, true);
    }
    return deflate_by(kept->deflater, data, data.size < SMALL ? data.size + MAY_GROW : data.size, size);
}

/* In a message that is no longer than a window nothing refers further back than it reaches. */
bool bi_deflate_may_share(const struct bight_websocket_state *own, size_t size)
{
    struct bi_deflate_terms terms = terms_of(own);
    return own->is_deflated && !terms.keeps_out && size <= (size_t)1 << terms.out_bits;
}

uint8_t *bi_deflate_message(struct bight_websocket_state *own, struct bi_view data, size_t *size)
{
    return own->is_deflated && terms_of(own).keeps_out ? deflate_on(own, data, size)
           : bi_deflate_may_share(own, data.size)      ? bi_deflate_shared(own->shared, data, size)
                                                       : NULL;
}

/* --------------------------------------------------------------------------------------------- undoing */

/* As far as the room goes that there is, or one that is twice as large. */
static enum bi_inflate_result inflate_some(
    struct bi_raw_inflater *inflater, struct bi_view *data, uint64_t limit, struct bi_gathered **plain)
{
    size_t has = *plain != NULL ? (*plain)->size : 0, wanted = has + 4 * data->size + 256;
    size_t most = wanted - has < limit - has ? wanted - has : (size_t)(limit - has);
    uint8_t *room = bi_gathered_room(plain, most, 0);
    if (room == NULL) {
        return BI_INFLATE_NO_MEMORY;
    }
    enum bi_inflate_result result = bi_raw_inflate(inflater, data, room, &most);
    (*plain)->size += most;
    return result;
}

/* The one for the next message, at its beginning; NULL when out of memory. */
static struct bi_raw_inflater *begin_inflating(struct bight_websocket_state *own)
{
    struct bi_deflate_terms terms = terms_of(own);
    struct bi_kept *kept = terms.keeps_in ? kept_of(own) : NULL;
    if (terms.keeps_in && kept == NULL) {
        return NULL;
    }
    struct bi_raw_inflater **inflater = kept != NULL ? &kept->inflater : &own->shared->inflater;
    if (*inflater == NULL) {
        *inflater = bi_raw_inflater_new(kept != NULL ? terms.in_bits : BI_LARGEST_WINDOW, kept != NULL);
    }
    if (*inflater != NULL) {
        bi_raw_inflater_begin(*inflater);
    }
    return *inflater;
}

/* One byte more than the limit tells that it is passed. */
enum bi_inflate_result bi_inflate_message(
    struct bight_websocket_state *own, struct bi_view data, uint64_t limit, struct bi_gathered **plain)
{
    enum bi_inflate_result result = BI_INFLATE_FULL;
    uint64_t ceiling = limit < SIZE_MAX / 8 ? limit + 1 : SIZE_MAX / 8;
    struct bi_raw_inflater *inflater = begin_inflating(own);
    *plain = NULL;
    if (inflater == NULL) {
        return BI_INFLATE_NO_MEMORY;
    }
    while (result == BI_INFLATE_FULL && (*plain == NULL || (*plain)->size < ceiling)) {
        result = inflate_some(inflater, &data, ceiling, plain);
    }
    if (result == BI_INFLATE_MORE && (*plain)->size > limit) {
        result = BI_INFLATE_FULL;
    }
    if (result != BI_INFLATE_MORE) {
        bi_gathered_drop(plain);
    }
    return result;
}
