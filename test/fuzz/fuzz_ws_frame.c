/* SPDX-License-Identifier: MIT */
/* fuzz_ws_frame.c - frames in pieces of several sizes say the same; what is read whole is what a plain reader finds.
 *
 * The first byte says whose frames they are, whether they may be compressed, and how long a message may be. */
#include "frames.h"
#include "fuzz.h"

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Up to where all frames are in order, by a reader that looks at each as a whole; text and reasons are not looked at.
 */
struct plain {
    const struct bi_frame_rule *rule;
    const uint8_t *data;
    size_t size, at;
    unsigned message; /* the opcode */
    uint64_t total;
};

static uint64_t number_at(const uint8_t *data, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        number = number * 256 + data[i];
    }
    return number;
}

/* The payload's size and, in *head, the head's; false: it is not all there, or its length is not in order. */
static bool plain_length(const struct plain *plain, size_t *head, uint64_t *size)
{
    const uint8_t *at = plain->data + plain->at;
    size_t left = plain->size - plain->at;
    unsigned length = left >= 2 ? at[1] & 127 : 0, wide = length == 126 ? 2 : length == 127 ? 8 : 0;
    *head = 2 + wide + (plain->rule->is_masked ? 4 : 0);
    if (left < *head || ((at[1] & 128) != 0) != plain->rule->is_masked) {
        return false;
    }
    *size = wide == 0 ? length : number_at(at + 2, wide);
    return left - *head >= *size && bi_frame_head_size(*size, plain->rule->is_masked) == *head;
}

static bool plain_order(struct plain *plain, uint8_t first, uint64_t size)
{
    unsigned opcode = first & 15;
    bool is_compressed = (first & 64) != 0;
    if ((first & 48) != 0 || (is_compressed && !plain->rule->is_deflated)) {
        return false;
    }
    if (opcode >= 8) {
        return opcode <= 10 && first >= 128 && !is_compressed && size <= 125 && (opcode != 8 || size != 1);
    }
    bool is_taken = opcode == 0 || (opcode == 1 ? plain->rule->takes_text : plain->rule->takes_binary);
    if (opcode > 2 || !is_taken || (opcode == 0) != (plain->message != 0) || (opcode == 0 && is_compressed)) {
        return false;
    }
    plain->total = (opcode == 0 ? plain->total : 0) + size;
    plain->message = first >= 128 ? 0 : 1;
    return is_compressed || plain->total <= plain->rule->limit;
}

static size_t plain_frames(struct plain *plain)
{
    size_t frames = 0, head;
    uint64_t size;
    while (plain_length(plain, &head, &size) && plain_order(plain, plain->data[plain->at], size)) {
        plain->at += head + (size_t)size;
        frames++;
    }
    return frames;
}

/* A violation of frames' order is none before what the plain reader finds to be in order. */
static void require_order(const struct bi_frame_rule *rule, const uint8_t *data, size_t size, const char *text)
{
    struct plain plain = { .rule = rule, .data = data, .size = size };
    (void)plain_frames(&plain);
    const char *violation = strrchr(text, '!'), *at = violation != NULL ? strchr(violation, '@') : NULL;
    if (at != NULL && !rule->is_deflated) {
        require(strtoull(at + 1, NULL, 10) >= plain.at);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct bi_frame_rule rule = { .limit = (data[0] & 4) != 0 ? 20 : 1 << 20,
        .is_masked = (data[0] & 1) != 0,
        .is_deflated = (data[0] & 2) != 0,
        .takes_text = (data[0] & 8) == 0,
        .takes_binary = (data[0] & 16) == 0 };
    data++;
    size--;
    char *bytewise = frames_read(&rule, data, size, 1);
    require_order(&rule, data, size, bytewise);
    for (size_t piece = 2; piece <= size + 1; piece = piece < 8 ? piece + 1 : piece * 3) {
        char *text = frames_read(&rule, data, size, piece);
        /* Of text that is wrong, whole pieces are not said. */
        const char *violation = strrchr(text, '!'), *other = strrchr(bytewise, '!');
        require((violation == NULL) == (other == NULL) && (violation == NULL || strcmp(violation, other) == 0));
        size_t said = violation != NULL ? (size_t)(violation - text) : strlen(text);
        require(strncmp(text, bytewise, said) == 0);
        require(violation != NULL || strcmp(text, bytewise) == 0);
        free(text);
    }
    free(bytewise);
    return 0;
}
