/* SPDX-License-Identifier: MIT */
/* path_model.h - A1 read once more, slowly and the other way round: a path as a list of decoded segments.
 *
 * protocols/http/message/path.c never has such a list. Shared by its tests and its fuzzer. */
#ifndef BIGHT_TEST_HTTP_PATH_MODEL_H
#define BIGHT_TEST_HTTP_PATH_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The decoded segment of raw[begin] to raw[end] in `out`; -1: it is refused. */
static inline long path_model_decode(const char *raw, size_t begin, size_t end, char *out)
{
    long size = 0;
    for (size_t i = begin; i < end; i++) {
        char digits[3] = { 0 };
        if (raw[i] != '%') {
            out[size++] = raw[i];
            continue;
        }
        memcpy(digits, raw + i + 1, end - i - 1 < 2 ? end - i - 1 : 2);
        if (strspn(digits, "0123456789abcdefABCDEF") != 2 || strcmp(digits, "00") == 0) {
            return -1;
        }
        out[size++] = (char)strtol(digits, NULL, 16);
        i += 2;
    }
    bool dots = (size == 1 && memcmp(out, ".", 1) == 0) || (size == 2 && memcmp(out, "..", 2) == 0);
    return dots ? -1 : size;
}

/* The canonical form of raw in `out`, which has 3 * size bytes; -1: it is refused. `raw` begins with a slash. */
static inline long path_model_read(const char *raw, size_t size, char *out)
{
    long written = 0;
    for (size_t begin = 1; begin <= size;) {
        size_t end = begin;
        while (end < size && raw[end] != '/') {
            end++;
        }
        char *segment = malloc(end - begin + 1);
        long count = end == begin && end < size ? -1 : path_model_decode(raw, begin, end, segment);
        if (count < 0) {
            free(segment);
            return -1;
        }
        out[written++] = '/';
        for (long i = 0; i < count; i++) {
            const char *text = segment[i] == '/' ? "%2F" : "%25";
            size_t length = segment[i] == '/' || segment[i] == '%' ? 3 : 1;
            memcpy(out + written, length == 3 ? text : segment + i, length);
            written += (long)length;
        }
        free(segment);
        begin = end + 1;
    }
    return written;
}

#endif
