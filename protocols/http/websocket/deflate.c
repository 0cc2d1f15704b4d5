/* SPDX-License-Identifier: MIT */
/* deflate.c - the terms of permessage-deflate, read strictly; messages compressed and undone by what their factory's
 * sockets share. */
#include "http/websocket/deflate.h"

#include <bight/memory.h>

#include "http/message/members.h"
#include "http/websocket/socket.h"

#define LEVEL 6

/* ---------------------------------------------------------------------------------------------- terms */

enum { SERVER_ALONE = 1, CLIENT_ALONE = 2, SERVER_BITS = 4, CLIENT_BITS = 8 };

struct terms {
    unsigned given; /* which of the four there are */
    unsigned server_bits;
};

static const struct {
    const char *name;
    unsigned bit;
    bool has_value, may_lack_value;
} parameters[] = {
    { "server_no_context_takeover", SERVER_ALONE, false, true },
    { "client_no_context_takeover", CLIENT_ALONE, false, true },
    { "server_max_window_bits", SERVER_BITS, true, false },
    { "client_max_window_bits", CLIENT_BITS, true, true },
};

/* 8 to 15, without leading zeros, perhaps quoted; 0: it is not that. */
static unsigned read_bits(struct bi_view *text)
{
    struct bi_view value;
    if (!bi_take_token(text, &value) && !bi_take_quoted(text, &value)) {
        return 0;
    }
    if (value.size == 1 && (value.at[0] == '8' || value.at[0] == '9')) {
        return value.at[0] - (unsigned)'0';
    }
    bool is_two = value.size == 2 && value.at[0] == '1' && value.at[1] >= '0' && value.at[1] <= '5';
    return is_two ? 10 + (value.at[1] - (unsigned)'0') : 0;
}

static bool read_value(struct terms *terms, struct bi_view *text, size_t which)
{
    bi_skip_space(text);
    if (!bi_take_byte(text, '=')) {
        return parameters[which].may_lack_value;
    }
    bi_skip_space(text);
    unsigned bits = parameters[which].has_value ? read_bits(text) : 0;
    if (parameters[which].bit == SERVER_BITS) {
        terms->server_bits = bits;
    }
    return bits != 0;
}

static bool read_parameter(struct terms *terms, struct bi_view *text)
{
    struct bi_view name;
    bi_skip_space(text);
    if (!bi_take_token(text, &name)) {
        return false;
    }
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        if (bi_view_equal(name, bi_view_of(parameters[i].name))) {
            bool is_new = (terms->given & parameters[i].bit) == 0;
            terms->given |= parameters[i].bit;
            return is_new && read_value(terms, text, i);
        }
    }
    return false;
}

/* False: it is another extension, or malformed. */
static bool read_terms(struct terms *terms, struct bi_view text)
{
    struct bi_view name;
    *terms = (struct terms) { .given = 0 };
    if (!bi_take_token(&text, &name) || !bi_view_equal(name, bi_view_of("permessage-deflate"))) {
        return false;
    }
    for (bi_skip_space(&text); bi_take_byte(&text, ';'); bi_skip_space(&text)) {
        if (!read_parameter(terms, &text)) {
            return false;
        }
    }
    return text.size == 0;
}

bool bi_deflate_is_offered(const struct bi_head *head, const uint8_t *bytes)
{
    struct bi_members members = bi_members_begin(head, bytes, BI_NAME_SEC_WEBSOCKET_EXTENSIONS);
    struct bi_view member;
    struct terms terms;
    while (bi_members_next(&members, &member)) {
        if (read_terms(&terms, member) && (terms.server_bits == 0 || terms.server_bits == 15)) {
            return true;
        }
    }
    return false;
}

bool bi_deflate_is_agreed(const struct bi_head *head, const uint8_t *bytes)
{
    struct bi_members members = bi_members_begin(head, bytes, BI_NAME_SEC_WEBSOCKET_EXTENSIONS);
    struct bi_view member;
    struct terms terms;
    if (!bi_members_next(&members, &member) || !read_terms(&terms, member)) {
        return false;
    }
    bool is_ours = (terms.given & SERVER_ALONE) != 0 && (terms.given & CLIENT_BITS) == 0;
    return is_ours && !bi_members_next(&members, &member);
}

/* -------------------------------------------------------------------------------------------- messages */

uint8_t *bi_deflate_message(struct bi_shared *shared, struct bi_view data, size_t *size)
{
    if (data.size < BI_DEFLATE_FROM) {
        return NULL;
    }
    if (shared->deflater == NULL) {
        shared->deflater = bi_raw_deflater_new(LEVEL);
    }
    uint8_t *room = shared->deflater != NULL ? bight_malloc(data.size) : NULL;
    *size = room != NULL ? bi_raw_deflate(shared->deflater, data, room, data.size) : 0;
    if (*size == 0) {
        bight_free(room);
        return NULL;
    }
    return room;
}

/* As far as the room goes that there is, or one that is twice as large. */
static enum bi_inflate_result inflate_some(
    struct bi_shared *shared, struct bi_view *data, uint64_t limit, struct bi_gathered **plain)
{
    size_t has = *plain != NULL ? (*plain)->size : 0, wanted = has + 4 * data->size + 256;
    size_t most = wanted - has < limit - has ? wanted - has : (size_t)(limit - has);
    uint8_t *room = bi_gathered_room(plain, most, 0);
    if (room == NULL) {
        return BI_INFLATE_NO_MEMORY;
    }
    enum bi_inflate_result result = bi_raw_inflate(shared->inflater, data, room, &most);
    (*plain)->size += most;
    return result;
}

/* One byte more than the limit tells that it is passed. */
enum bi_inflate_result bi_inflate_message(
    struct bi_shared *shared, struct bi_view data, uint64_t limit, struct bi_gathered **plain)
{
    enum bi_inflate_result result = BI_INFLATE_FULL;
    uint64_t ceiling = limit < SIZE_MAX / 8 ? limit + 1 : SIZE_MAX / 8;
    *plain = NULL;
    if (shared->inflater == NULL) {
        shared->inflater = bi_raw_inflater_new();
    }
    if (shared->inflater == NULL) {
        return BI_INFLATE_NO_MEMORY;
    }
    bi_raw_inflater_begin(shared->inflater);
    while (result == BI_INFLATE_FULL && (*plain == NULL || (*plain)->size < ceiling)) {
        result = inflate_some(shared, &data, ceiling, plain);
    }
    if (result == BI_INFLATE_MORE && (*plain)->size > limit) {
        result = BI_INFLATE_FULL;
    }
    if (result != BI_INFLATE_MORE) {
        bi_gathered_drop(plain);
    }
    return result;
}
