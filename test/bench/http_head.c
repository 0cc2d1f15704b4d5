/* SPDX-License-Identifier: MIT */
/* http_head.c - what reading the head of a request costs, beside a parser in picohttpparser's manner.
 *
 * http_head [ROUNDS]: the median nanoseconds of rounds in turn. http_head NAME HEAD COUNT runs one alone, for
 * callgrind: `NAME` is pico, plain, words, sse2 or avx2, with `+` behind it for what framing.h decides, too; `HEAD` is
 * short or long.
 *
 * The other parser is written here from its description: tables of characters for short elements, the string
 * instruction of SSE4.2 with ranges for long ones, views into the caller's bytes. It knows no names, checks neither
 * repetition nor framing, and lets bare LF pass. */
#include "http/message/framing.h"
#include "http/message/head_reader.h"
#include "http/message/tokens.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

#define FIELDS 100

static const char short_head[] = "GET / HTTP/1.1\r\nHost: www.example.org:80\r\n\r\n";
static const char long_head[] =
    "GET /shop/garden/tools/watering-can-large-green.html?from=search&page=3 HTTP/1.1\r\n"
    "Host: www.example.org\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: de,en-US;q=0.7,en;q=0.3\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Referer: https://www.example.org/shop/search?words=watering+can&sort=price\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: session=kq3vT0mYb1RzN8cXe5Jw2A; theme=light; basket=1a2b3c4d5e6f; seen=rake%2Cspade%2Ctrowel"
    "%2Chose; consent=analytics.0:ads.0:maps.1:video.1:fonts.1:chat.0:analytics.0:ads.0:maps.1:video.1:fo"
    "nts.1:chat.0:analytics.\r\n"
    "\r\n";

_Static_assert(sizeof short_head - 1 == 44 && sizeof long_head - 1 == 703, "what the figures are told of");

struct head_text {
    const char *name, *bytes;
    size_t size;
};

static const struct head_text heads[] = {
    { "short", short_head, sizeof short_head - 1 },
    { "long", long_head, sizeof long_head - 1 },
};

/* So that nothing is left out for having no use. */
static volatile unsigned sink;

#if defined(__x86_64__)

#define SSE42 __attribute__((target("sse4.2")))

struct text {
    const char *at;
    size_t size;
};

struct other_field {
    struct text name, value;
};

struct other_request {
    struct text method, target;
    int minor;
    size_t count;
    struct other_field fields[FIELDS];
};

/* The first byte within one of the ranges, as far as there are sixteen bytes left; the rest is the caller's. */
SSE42 static inline const char *find_range(const char *at, const char *end, const char ranges[16], int size)
{
    __m128i wanted = _mm_loadu_si128((const __m128i *)(const void *)ranges);
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        int found = _mm_cmpestri(wanted, size, bytes, 16, _SIDD_LEAST_SIGNIFICANT | _SIDD_CMP_RANGES | _SIDD_UBYTE_OPS);
        if (found != 16) {
            return at + found;
        }
    }
    return at;
}

/* Up to a space. */
SSE42 static const char *other_word(const char *at, const char *end, struct text *word)
{
    static const char ranges[16] = "\0 \x7f\x7f";
    const char *stop = find_range(at, end, ranges, 4);
    while (stop < end && *stop != ' ') {
        if ((unsigned char)*stop < 0x20 || *stop == 0x7f) {
            return NULL;
        }
        stop++;
    }
    *word = (struct text) { at, (size_t)(stop - at) };
    return stop < end ? stop + 1 : NULL;
}

static const char *other_method(const char *at, const char *end, struct text *word)
{
    const char *stop = at;
    while (stop < end && *stop != ' ') {
        if (!bi_is((uint8_t)*stop, BI_CLASS_TOKEN)) {
            return NULL;
        }
        stop++;
    }
    *word = (struct text) { at, (size_t)(stop - at) };
    return stop < end ? stop + 1 : NULL;
}

SSE42 static const char *other_name(const char *at, const char *end, struct text *name)
{
    static const char ranges[17] = "\0 \"\"(),,//:@[]{\xff";
    const char *stop = find_range(at, end, ranges, 16);
    while (stop < end && *stop != ':') {
        if (!bi_is((uint8_t)*stop, BI_CLASS_TOKEN)) {
            return NULL;
        }
        stop++;
    }
    *name = (struct text) { at, (size_t)(stop - at) };
    return stop < end && stop > at ? stop + 1 : NULL;
}

/* Behind the end of the line, CRLF or LF. */
SSE42 static const char *other_line(const char *at, const char *end, struct text *value)
{
    static const char ranges[16] = "\0\x08\n\x1f\x7f\x7f";
    const char *stop = find_range(at, end, ranges, 6);
    while (stop < end && bi_is((uint8_t)*stop, BI_CLASS_VALUE)) {
        stop++;
    }
    *value = (struct text) { at, (size_t)(stop - at) };
    if (end - stop >= 2 && stop[0] == '\r' && stop[1] == '\n') {
        return stop + 2;
    }
    return stop < end && *stop == '\n' ? stop + 1 : NULL;
}

static const char *other_field(const char *at, const char *end, struct other_field *field)
{
    at = other_name(at, end, &field->name);
    while (at != NULL && at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    at = at != NULL ? other_line(at, end, &field->value) : NULL;
    struct text *value = &field->value;
    while (at != NULL && value->size > 0 && bi_is((uint8_t)value->at[value->size - 1], BI_CLASS_SPACE)) {
        value->size--;
    }
    return at;
}

static const char *other_fields(const char *at, const char *end, struct other_request *request)
{
    for (request->count = 0; at != NULL && at < end && request->count < FIELDS; request->count++) {
        if (end - at >= 2 && at[0] == '\r' && at[1] == '\n') {
            return at + 2;
        }
        at = other_field(at, end, &request->fields[request->count]);
    }
    return NULL;
}

/* The size of the head, 0: it is none. */
static size_t other_parse(const char *bytes, size_t size, struct other_request *request)
{
    const char *end = bytes + size, *at = other_method(bytes, end, &request->method);
    at = at != NULL ? other_word(at, end, &request->target) : NULL;
    if (at == NULL || end - at < 10 || memcmp(at, "HTTP/1.", 7) != 0 || memcmp(at + 8, "\r\n", 2) != 0) {
        return 0;
    }
    request->minor = at[7] - '0';
    at = other_fields(at + 10, end, request);
    return at != NULL ? (size_t)(at - bytes) : 0;
}

static void run_other(const struct head_text *head, unsigned count)
{
    static struct other_request request;
    for (unsigned i = 0; i < count; i++) {
        sink += other_parse(head->bytes, head->size, &request) == head->size;
    }
}
#endif

static bool decides; /* framing.h, too */

/* As a server reads what has come whole. */
static bool read_ours(struct bi_head *head, const struct head_text *text)
{
    const uint8_t *bytes = (const uint8_t *)text->bytes;
    if (bi_head_read_new(head, bytes, (uint32_t)text->size)) {
        return true;
    }
    bi_head_begin(head, BI_HEAD_REQUEST);
    return bi_head_parse(head, bytes, text->size) == BI_HEAD_WHOLE;
}

static void run_ours(const struct head_text *text, unsigned count)
{
    static struct bi_field fields[FIELDS];
    static struct bi_known_host known;
    static struct bi_head head = { .fields = fields, .limits = { 8192, 32768, FIELDS }, .known_host = &known };
    static struct bi_framing framing;
    for (unsigned i = 0; i < count; i++) {
        sink += read_ours(&head, text);
        sink += decides && bi_framing_of_request(&framing, &head, (const uint8_t *)text->bytes);
    }
}

struct contender {
    const char *name;
    enum bi_head_means means;
    bool other;
};

static const struct contender contenders[] = {
#if defined(__x86_64__)
    { "pico", BI_HEAD_PLAIN, true },
#endif
    { "plain", BI_HEAD_PLAIN, false },
    { "words", BI_HEAD_WORDS, false },
    { "sse2", BI_HEAD_SSE2, false },
    { "avx2", BI_HEAD_AVX2, false },
};

#define CONTENDERS (sizeof contenders / sizeof *contenders)

static void run(const struct contender *contender, const struct head_text *head, unsigned count)
{
#if defined(__x86_64__)
    if (contender->other) {
        run_other(head, count);
        return;
    }
#endif
    if (bi_head_choose(contender->means)) {
        run_ours(head, count);
    }
}

#define MAX_ROUNDS 10000
#define IN_A_ROUND 200

/* Each in turn in each round, so that what the machine does meanwhile meets all. */
static void compare_all(const struct head_text *head, unsigned rounds)
{
    static double times[CONTENDERS][MAX_ROUNDS];
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t i = 0; i < CONTENDERS; i++) {
            double begin = now();
            run(&contenders[i], head, IN_A_ROUND);
            times[i][round] = (now() - begin) / IN_A_ROUND;
        }
    }
    double of_first = median(times[0], rounds);
    for (size_t i = 0; i < CONTENDERS; i++) {
        double time = median(times[i], rounds);
        printf("%-5s %3zu bytes, %s: %6.1f ns, %.2f of %s\n", contenders[i].name, head->size,
            decides ? "read and decided" : "read", time, time / of_first, contenders[0].name);
    }
}

static void run_alone(const char *name, const char *which, unsigned count)
{
    for (size_t i = 0; i < CONTENDERS; i++) {
        if (strncmp(name, contenders[i].name, strlen(contenders[i].name)) == 0) {
            run(&contenders[i], &heads[strcmp(which, "long") == 0], count);
        }
    }
}

int main(int count, char **words)
{
    if (count > 3) {
        decides = strstr(words[1], "+") != NULL;
        run_alone(words[1], words[2], (unsigned)strtoul(words[3], NULL, 10));
        return EXIT_SUCCESS;
    }
    unsigned rounds = count > 1 ? (unsigned)strtoul(words[1], NULL, 10) : 5001;
    rounds = rounds < 1 ? 1 : rounds > MAX_ROUNDS ? MAX_ROUNDS : rounds;
    for (size_t i = 0; i < 4; i++) {
        decides = i % 2 == 1;
        compare_all(&heads[i / 2], rounds);
    }
    return sink > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
