/* SPDX-License-Identifier: MIT */
/* gzip_support.h - answers taken apart: the head, and the body without its chunks and its coding. */
#ifndef BIGHT_TEST_HTTP_GZIP_SUPPORT_H
#define BIGHT_TEST_HTTP_GZIP_SUPPORT_H

#include "http/coding/gzip.h"
#include "http/message/chunked.h"
#include "job_support.h"

/* What was read of gzip, NUL-terminated; the size so far is 0 and is_whole false when it is none. */
struct unpacked {
    char *text;
    size_t size;
    bool is_whole;
};

static inline struct unpacked unpack(const void *data, size_t size)
{
    struct unpacked unpacked = { .text = malloc(64 << 20) };
    struct bi_inflater *inflater = bi_inflater_new();
    struct bi_view rest = { data, size };
    enum bi_inflate_result result = BI_INFLATE_FULL;
    ck_assert_ptr_nonnull(inflater);
    while (result == BI_INFLATE_FULL && unpacked.size < (63 << 20)) {
        size_t room = 100000;
        result = bi_inflater_read(inflater, &rest, (uint8_t *)unpacked.text + unpacked.size, &room);
        unpacked.size += room;
    }
    unpacked.is_whole = result == BI_INFLATE_MORE && bi_inflater_is_whole(inflater);
    unpacked.text[unpacked.size] = '\0';
    bi_inflater_free(inflater);
    return unpacked;
}

struct answer {
    char head[4096];
    uint8_t *body; /* without its chunks */
    size_t size;
    bool has_end; /* of a chunked one: the last chunk has come */
};

static inline void unchunk(struct answer *answer, const uint8_t *data, size_t size)
{
    struct bi_chunked chunked;
    const uint8_t *piece;
    size_t piece_size;
    enum bi_chunked_result result;
    bi_chunked_begin(&chunked, false);
    while ((result = bi_chunked_next(&chunked, &data, &size, &piece, &piece_size)) == BI_CHUNKED_DATA) {
        memcpy(answer->body + answer->size, piece, piece_size);
        answer->size += piece_size;
    }
    ck_assert_int_ne(result, BI_CHUNKED_REFUSED);
    answer->has_end = result == BI_CHUNKED_END;
}

/* What the peer has been sent since; to be freed with free_answer. */
static inline struct answer take_parts(void)
{
    struct answer answer = { .size = 0 };
    size_t size;
    const uint8_t *written = bight_string_written(peer, &size);
    const uint8_t *end = size > 0 ? memmem(written, size, "\r\n\r\n", 4) : NULL;
    ck_assert_ptr_nonnull(end);
    size_t head = (size_t)(end - written) + 4;
    ck_assert_uint_lt(head, sizeof answer.head);
    memcpy(answer.head, written, head);
    answer.body = malloc(size - head + 1);
    if (has_line(answer.head, "Transfer-Encoding: chunked")) {
        unchunk(&answer, end + 4, size - head);
    } else {
        memcpy(answer.body, end + 4, size - head);
        answer.size = size - head;
    }
    bight_string_clear(peer);
    return answer;
}

static inline void free_answer(struct answer *answer)
{
    free(answer->body);
}

static inline bool is_packed(const struct answer *answer)
{
    return has_line(answer->head, "Content-Encoding: gzip");
}

/* That it is compressed, whole, and this. */
static inline bool unpacks_to(const struct answer *answer, const void *data, size_t size)
{
    struct unpacked unpacked = unpack(answer->body, answer->size);
    bool is_it =
        is_packed(answer) && unpacked.is_whole && unpacked.size == size && memcmp(unpacked.text, data, size) == 0;
    free(unpacked.text);
    return is_it;
}

#endif
