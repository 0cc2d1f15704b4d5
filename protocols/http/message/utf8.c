/* SPDX-License-Identifier: MIT */
/* utf8.c - whether text is UTF-8: an automaton, of which a step is a shift, and ASCII in large strides.
 *
 * A state is where its six bits are in each row; a row, of which each class of bytes has one, holds in them what comes
 * next. So the rows and classes of many bytes are looked up at once, and only the shifts wait for each other. That no
 * byte leads out of REFUSED is why a stride is looked at behind its last byte alone. */
#include "http/message/utf8.h"

#include <string.h>

#include "http/message/ascii.h"

#define STRIDE 32
#define LONG_RUN 256 /* from so much ASCII on, the widest means of the processor are worth a call */

enum {
    WHOLE = 0,    /* between characters */
    REFUSED = 6,  /* for ever */
    ONE = 12,     /* one more byte is to come */
    TWO = 18,     /* two */
    THREE = 24,   /* three */
    LONG_3 = 30,  /* two, behind 0xe0: not 0x80 to 0x9f first, for that would be overlong */
    PAIR = 36,    /* two, behind 0xed: not 0xa0 to 0xbf first, for those would be surrogates */
    LONG_4 = 42,  /* three, behind 0xf0: not 0x80 to 0x8f first, overlong */
    BEYOND = 48,  /* three, behind 0xf4: not 0x90 to 0xbf first, over U+10FFFF */
    STATE = 0x3f, /* its bits */
};

#define FROM(state, next) ((uint64_t)(next) << (state))
#define NOWHERE                                                                                                       \
    (FROM(WHOLE, REFUSED) | FROM(REFUSED, REFUSED) | FROM(ONE, REFUSED) | FROM(TWO, REFUSED) | FROM(THREE, REFUSED) | \
        FROM(LONG_3, REFUSED) | FROM(PAIR, REFUSED) | FROM(LONG_4, REFUSED) | FROM(BEYOND, REFUSED))
/* To be XORed with NOWHERE. */
#define TO(state, next) FROM(state, REFUSED ^ (next))
#define GOES_ON (TO(ONE, WHOLE) ^ TO(TWO, ONE) ^ TO(THREE, TWO))

enum class {
    ASCII,
    LOW,    /* 0x80 to 0x8f */
    MIDDLE, /* 0x90 to 0x9f */
    HIGH,   /* 0xa0 to 0xbf */
    NEVER,
    OF_TWO, /* what begins a character of so many bytes */
    OF_THREE,
    OF_FOUR,
    E0,
    ED,
    F0,
    F4,
};

static const uint64_t rows[] = {
    [ASCII] = NOWHERE ^ TO(WHOLE, WHOLE),
    [LOW] = NOWHERE ^ GOES_ON ^ TO(PAIR, ONE) ^ TO(BEYOND, TWO),
    [MIDDLE] = NOWHERE ^ GOES_ON ^ TO(PAIR, ONE) ^ TO(LONG_4, TWO),
    [HIGH] = NOWHERE ^ GOES_ON ^ TO(LONG_3, ONE) ^ TO(LONG_4, TWO),
    [NEVER] = NOWHERE,
    [OF_TWO] = NOWHERE ^ TO(WHOLE, ONE),
    [OF_THREE] = NOWHERE ^ TO(WHOLE, TWO),
    [OF_FOUR] = NOWHERE ^ TO(WHOLE, THREE),
    [E0] = NOWHERE ^ TO(WHOLE, LONG_3),
    [ED] = NOWHERE ^ TO(WHOLE, PAIR),
    [F0] = NOWHERE ^ TO(WHOLE, LONG_4),
    [F4] = NOWHERE ^ TO(WHOLE, BEYOND),
};

#define FOUR(class) class, class, class, class
#define SIXTEEN(class) FOUR(class), FOUR(class), FOUR(class), FOUR(class)

/* clang-format off */
static const uint8_t classes[256] = { /* ASCII is 0 */
    [0x80] = SIXTEEN(LOW),
    [0x90] = SIXTEEN(MIDDLE),
    [0xa0] = SIXTEEN(HIGH), SIXTEEN(HIGH),
    [0xc0] = NEVER, NEVER, OF_TWO, OF_TWO, FOUR(OF_TWO), FOUR(OF_TWO), FOUR(OF_TWO), SIXTEEN(OF_TWO),
    [0xe0] = E0, OF_THREE, OF_THREE, OF_THREE, FOUR(OF_THREE), FOUR(OF_THREE), OF_THREE, ED, OF_THREE, OF_THREE,
    [0xf0] = F0, OF_FOUR, OF_FOUR, OF_FOUR, F4, NEVER, NEVER, NEVER, FOUR(NEVER), FOUR(NEVER),
};
/* clang-format on */

static inline uint8_t step(uint8_t state, uint8_t byte)
{
    return (uint8_t)(rows[classes[byte]] >> state & STATE);
}

/* Of a stride: what a compiler makes two loads of 16 bytes of. */
static inline bool is_ascii(const uint8_t *at)
{
    uint64_t words[STRIDE / sizeof(uint64_t)];
    memcpy(words, at, sizeof words);
    return ((words[0] | words[1] | words[2] | words[3]) & UINT64_C(0x8080808080808080)) == 0;
}

static inline uint8_t walk(uint8_t state, const uint8_t *at, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        state = step(state, at[i]);
    }
    return state;
}

/* How many bytes of a stride that is ASCII, and of those behind it, are ASCII for certain. */
static inline size_t pass_ascii(const uint8_t *at, size_t size)
{
    return size >= LONG_RUN ? STRIDE + bi_ascii_run(at + STRIDE, size - STRIDE) : STRIDE;
}

bool bi_utf8_feed(struct bi_utf8 *utf8, const void *data, size_t size)
{
    const uint8_t *at = data, *end = at + size;
    uint8_t state = utf8->state;
    while (end - at >= STRIDE && state != REFUSED) {
        if (state == WHOLE && is_ascii(at)) {
            at += pass_ascii(at, (size_t)(end - at));
        } else {
            state = walk(state, at, STRIDE);
            at += STRIDE;
        }
    }
    utf8->state = state == REFUSED ? state : walk(state, at, (size_t)(end - at));
    return utf8->state != REFUSED;
}

bool bi_is_utf8(const void *data, size_t size)
{
    struct bi_utf8 utf8 = { .state = WHOLE };
    return bi_utf8_feed(&utf8, data, size) && bi_utf8_is_complete(&utf8);
}
