/* SPDX-License-Identifier: MIT */
/* fuzz_http_content_range.c - what is read of Content-Range is what, written down again, is the same but for zeroes and
 * cases, and lies inside. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "http/message/content_range.h"

/* Without the zeroes in front of numbers. */
static void shorten(const char *from, char *to)
{
    bool is_inside = false;
    for (; *from != '\0'; from++) {
        bool is_digit = *from >= '0' && *from <= '9', goes_on = from[1] >= '0' && from[1] <= '9';
        if (*from != '0' || is_inside || !goes_on) {
            *to++ = *from >= 'A' && *from <= 'Z' ? (char)(*from - 'A' + 'a') : *from;
            is_inside = is_digit;
        }
    }
    *to = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bi_content_range range;
    char given[256], shortened[256], total[24] = "*", written[256];
    if (size >= sizeof given || !bi_content_range_parse((struct bi_view) { data, size }, &range)) {
        return 0;
    }
    memcpy(given, data, size);
    given[size] = '\0';
    shorten(given, shortened);
    if (range.total >= 0) {
        (void)snprintf(total, sizeof total, "%" PRId64, range.total);
    }
    if (range.is_unsatisfied) {
        (void)snprintf(written, sizeof written, "bytes */%s", total);
    } else {
        (void)snprintf(written, sizeof written, "bytes %" PRIu64 "-%" PRIu64 "/%s", range.first, range.last, total);
    }
    bool is_inside = range.total < 0 || range.is_unsatisfied || range.last < (uint64_t)range.total;
    if (strlen(given) != size || strcmp(shortened, written) != 0 || !is_inside || range.first > range.last) {
        abort();
    }
    return 0;
}
