/* SPDX-License-Identifier: MIT */
/* request_id.c - an id for each request, by which its traces in logs and in other services are found.
 *
 * Random bytes are asked for in blocks: one id at a time would cost more than all else about it. */
#include <bight/memory.h>
#include <bight/sys/digest.h>

#include "http/middleware/request_id.h"
#include "http/middleware/provided.h"

#define ID_BYTES 16
#define BLOCK (64 * ID_BYTES)
#define MOST 128 /* characters of one that came */
#define DEFAULT_FIELD "X-Request-ID"

struct request_ids {
    bool takes_any;
    size_t used; /* bytes of the block */
    uint8_t block[BLOCK];
    size_t field_size;
    char field[];
};

bool bi_request_id_is_valid(struct bi_view id)
{
    for (size_t i = 0; i < id.size; i++) {
        uint8_t byte = id.at[i];
        if (!bi_is(byte, BI_CLASS_ALPHA | BI_CLASS_DIGIT) && byte != '.' && byte != '_' && byte != '-') {
            return false;
        }
    }
    return id.size > 0 && id.size <= MOST;
}

/* Eight digits of four bytes, at once, in the order that comes of it: they are random. */
static void write_digits(char *at, const uint8_t *bytes)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint32_t four;
    memcpy(&four, bytes, sizeof four);
    uint64_t digits = four;
    digits = (digits | digits << 16) & UINT64_C(0x0000ffff0000ffff);
    digits = (digits | digits << 8) & UINT64_C(0x00ff00ff00ff00ff);
    digits = (digits | digits << 4) & (0x0f * each);
    uint64_t letters = ((digits + 6 * each) >> 4) & each;
    digits += '0' * each + letters * ('a' - '9' - 1);
    memcpy(at, &digits, sizeof digits);
}

/* NULL when there is no memory, or no random bytes: the request goes on without. */
static const char *make(struct request_ids *ids, struct bight_http_request *request)
{
    char *id = bi_request_allocate(request, 2 * ID_BYTES + 1);
    if (id == NULL) {
        return NULL;
    }
    if (ids->used == BLOCK) {
        if (bight_random(bight_http_request_reactor(request), ids->block, BLOCK) != BIGHT_OK) {
            return NULL;
        }
        ids->used = 0;
    }
    for (size_t i = 0; i < ID_BYTES; i += 4) {
        write_digits(id + 2 * i, ids->block + ids->used + i);
    }
    id[2 * ID_BYTES] = '\0';
    ids->used += ID_BYTES;
    return id;
}

static const char *take(const struct request_ids *ids, struct bight_http_request *request)
{
    struct bight_http_view given = bight_http_request_field_raw(request, ids->field);
    return bi_request_id_is_valid((struct bi_view) { (const uint8_t *)given.data, given.size })
               ? bi_request_text(request, given.data, given.size)
               : NULL;
}

static bool identify(struct bight_http_request *request, void *context)
{
    struct request_ids *ids = context;
    const char *id = ids->takes_any ? take(ids, request) : NULL;
    request->hooks.id = id != NULL ? id : make(ids, request);
    return true;
}

static void tell(struct bight_http_request *request, int status, void *context)
{
    const struct request_ids *ids = context;
    (void)status;
    if (request->hooks.id != NULL) {
        (void)bi_fields_put(request, ids->field, ids->field_size, request->hooks.id);
    }
}

const char *bight_http_request_id(const struct bight_http_request *request)
{
    return request->has_hooks ? request->hooks.id : NULL;
}

static const struct bight_http_middleware_ops request_id_ops = {
    .size = sizeof request_id_ops, .before = identify, .head = tell
};

int bight_http_use_request_id(struct bight_http_site *site, const struct bight_http_request_id_options *options)
{
    const char *field = BI_GIVEN(options, field);
    field = field != NULL ? field : DEFAULT_FIELD;
    if (!bi_is_token(bi_view_of(field))) {
        return bi_provided_refuse(site, "request ids: the field's name is no token");
    }
    size_t size = strlen(field) + 1;
    struct request_ids *ids = bight_calloc(1, sizeof *ids + size);
    if (ids != NULL) {
        ids->takes_any = BI_GIVEN(options, takes_any);
        ids->used = BLOCK;
        ids->field_size = size - 1;
        memcpy(ids->field, field, size);
    }
    return bi_provided_use(site, &request_id_ops, ids, bight_free);
}
