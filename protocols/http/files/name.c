/* SPDX-License-Identifier: MIT */
/* name.c - names of files, as bytes (F1). What is behind a name is below.c's. */
#include "http/files/name.h"

#include "http/message/path.h"

/* ------------------------------------------------------------------------------------------ from a path */

bool bi_files_segment_is_good(struct bi_view segment, bool dot_files)
{
    if (segment.size == 0 || segment.at[segment.size - 1] == '.' || (segment.at[0] == '.' && !dot_files)) {
        return false;
    }
    return memchr(segment.at, '/', segment.size) == NULL && memchr(segment.at, '\\', segment.size) == NULL &&
           memchr(segment.at, '\0', segment.size) == NULL;
}

/* All of them but the last, which may be empty: then the name is a directory's. */
static bool segments_are_good(struct bi_view name, bool dot_files)
{
    while (name.size > 0) {
        struct bi_view segment = bi_take(&name, bi_before(name, "/"));
        if (!bi_files_segment_is_good(segment, dot_files)) {
            return false;
        }
        (void)bi_take_byte(&name, '/');
    }
    return true;
}

/* Decoded slashes would part segments that are one, so they are looked for before. */
int bi_files_name(struct bi_view rest, bool dot_files, char out[BI_FILES_NAME_SIZE])
{
    if (rest.size >= BI_FILES_NAME_SIZE || !bi_path_is_plain(rest)) {
        return -1;
    }
    size_t size = bi_path_decode(rest, (uint8_t *)out);
    out[size] = '\0';
    struct bi_view name = { (const uint8_t *)out, size };
    return segments_are_good(name, dot_files) ? (int)size : -1;
}

/* --------------------------------------------------------------------------------------------- the order */

static size_t count_digits(const char *text)
{
    size_t count = 0;
    while (bi_is((uint8_t)text[count], BI_CLASS_DIGIT)) {
        count++;
    }
    return count;
}

static const char *skip_zeros(const char *text)
{
    while (*text == '0') {
        text++;
    }
    return text;
}

/* Runs of digits: without the zeros before them the longer one is the larger number. */
static int compare_numbers(const char **one, const char **other)
{
    const char *left = skip_zeros(*one), *right = skip_zeros(*other);
    size_t left_size = count_digits(left), right_size = count_digits(right);
    *one = left + left_size;
    *other = right + right_size;
    if (left_size != right_size) {
        return left_size < right_size ? -1 : 1;
    }
    return memcmp(left, right, left_size);
}

static bool is_digit(char byte)
{
    return bi_is((uint8_t)byte, BI_CLASS_DIGIT);
}

static int compare_naturally(const char *one, const char *other)
{
    while (*one != '\0' && *other != '\0') {
        int order = is_digit(*one) && is_digit(*other)
                        ? compare_numbers(&one, &other)
                        : (int)bi_lower((uint8_t)*one++) - (int)bi_lower((uint8_t)*other++);
        if (order != 0) {
            return order;
        }
    }
    return (*one != '\0') - (*other != '\0');
}

int bi_files_compare_names(const char *one, const char *other)
{
    int order = compare_naturally(one, other);
    return order != 0 ? order : strcmp(one, other);
}
