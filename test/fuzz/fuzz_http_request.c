/* SPDX-License-Identifier: MIT */
/* fuzz_http_request.c - requests one behind another: however cut, and whoever reads the heads, the same is read.
 *
 * The first byte chooses how the stream is cut and how small the limits are. A head that was read whole is looked at
 * once more by rules that know nothing of the parser. */
#include "http/message/head_reader.h"
#include "http/message/tokens.h"
#include "http_stream.h"

#include "fuzz.h"

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void note_event(struct stream *stream, char event, const void *data, size_t size)
{
    struct bi_view text = { data, size };
    switch (event) {
    case 'M':
        require(bi_is_token(text));
        break;
    case 'N':
        require(bi_is_token(text));
        break;
    case 'T':
        require(size > 0 && bi_run(text, BI_CLASS_VISIBLE) == size && memchr(data, '#', size) == NULL);
        break;
    case 'V':
        require(bi_is_field_value(text));
        break;
    case 'A':
        require(memchr(data, '@', size) == NULL && memchr(data, '/', size) == NULL);
        break;
    default:
        break;
    }
    note_digest(stream, event, data, size);
}

/* Every line of a head ends with CRLF and there are no others: as many as it has fields and two more. */
static void check_lines(const uint8_t *data, size_t size)
{
    static struct bi_field fields[STREAM_FIELDS];
    struct bi_head head = { .fields = fields, .limits = { 8192, 32768, STREAM_FIELDS } };
    unsigned returns = 0, feeds = 0;
    bi_head_begin(&head, BI_HEAD_REQUEST);
    if (bi_head_parse(&head, data, size) != BI_HEAD_WHOLE) {
        return;
    }
    for (uint32_t i = 0; i < head.size; i++) {
        require(data[i] != '\0');
        returns += data[i] == '\r';
        feeds += data[i] == '\n' && i > 0 && data[i - 1] == '\r';
        require(data[i] != '\n' || (i > 0 && data[i - 1] == '\r'));
    }
    require(returns == feeds && feeds == head.field_count + 2u + (head.method.at == 2));
}

static bool is_same(const struct bi_head *one, const struct bi_head *other)
{
    uint64_t strange = 0;
    for (unsigned name = 0; name < BI_NAME_COUNT; name++) {
        strange |= bi_head_first(one, name) ^ bi_head_first(other, name);
    }
    return strange == 0 && one->size == other->size && one->field_count == other->field_count &&
           one->present == other->present && one->repeated == other->repeated && one->minor == other->minor &&
           one->method_known == other->method_known && one->question == other->question &&
           memcmp(&one->method, &other->method, sizeof one->method) == 0 &&
           memcmp(&one->target, &other->target, sizeof one->target) == 0 &&
           memcmp(one->fields, other->fields, one->field_count * sizeof *one->fields) == 0;
}

/* A head that is read at once is what the parser makes of it. */
static void check_at_once(const uint8_t *data, size_t size, struct bi_head_limits limits)
{
    static struct bi_field fields[2][STREAM_FIELDS];
    struct bi_head head = { .fields = fields[0], .limits = limits }, plain = { .fields = fields[1], .limits = limits };
    if (!bi_head_read_new(&head, data, (uint32_t)(size < limits.size ? size : limits.size))) {
        return;
    }
    bi_head_begin(&plain, BI_HEAD_REQUEST);
    require(bi_head_parse(&plain, data, size) == BI_HEAD_WHOLE);
    require(is_same(&head, &plain));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stream stream;
    if (size < 1) {
        return 0;
    }
    size_t piece = 1 + data[0] % 32;
    bool small = data[0] >= 0xc0;
    stream.kind = BI_HEAD_REQUEST;
    stream.note = note_event;
    stream.limits =
        small ? (struct bi_head_limits) { 40, 120, 4 } : (struct bi_head_limits) { 8192, 32768, STREAM_FIELDS };
    require(bi_head_choose(BI_HEAD_PLAIN));
    stream_read(&stream, data + 1, size - 1, size);
    uint64_t plain = stream.digest;
    for (enum bi_head_means means = 0; means < BI_HEAD_MEANS_COUNT; means++) {
        if (bi_head_choose(means)) {
            stream_read(&stream, data + 1, size - 1, size);
            require(stream.digest == plain);
            stream_read(&stream, data + 1, size - 1, piece);
            require(stream.digest == plain);
            check_at_once(data + 1, size - 1, stream.limits);
        }
    }
    check_lines(data + 1, size - 1);
    return 0;
}
