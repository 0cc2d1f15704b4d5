/* SPDX-License-Identifier: MIT */
/* printable.h - text of others: whether it is UTF-8, and what of it a terminal shows and does not obey. */
#ifndef BIGHT_APPS_PRINTABLE_H
#define BIGHT_APPS_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character at the beginning of what has `size` of them; 0: it is none of UTF-8. */
size_t runner_utf8_size(const char *at, size_t size);

/* The same; 0 also for what a terminal would obey, or what turns the direction of writing or cannot be seen. */
size_t runner_printable_size(const char *at, size_t size);

bool runner_is_utf8(const char *text, size_t size);

/* Writes `text` with what is not printable as \n, \t, \xHH, and returns how many bytes that has: at most four times
 * `size`. With `keeps_lines` newlines and tabs stay. */
size_t runner_make_printable(const char *text, size_t size, bool keeps_lines, char *shown);

#endif
