/* SPDX-License-Identifier: MIT */
/* fuzz_http_range.c - ranges against a reading that copies the value and has libc convert the numbers.
 *
 * The first eight bytes are the size of the representation. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fuzz.h"
#include "http/message/range.h"

enum { ROOM = 256 };

struct part {
    enum bi_range_result result;
    uint64_t first, count;
};

static const struct part whole = { BI_RANGE_WHOLE, 0, 0 }, nothing = { BI_RANGE_UNSATISFIABLE, 0, 0 };

/* Decimal digits alone, saturating. */
static bool convert(const char *text, uint64_t *number)
{
    if (*text == '\0' || strspn(text, "0123456789") != strlen(text)) {
        return false;
    }
    *number = strtoull(text, NULL, 10);
    return true;
}

static char *trimmed(char *text)
{
    text += strspn(text, " \t");
    size_t size = strlen(text);
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t')) {
        text[--size] = '\0';
    }
    return text;
}

/* The only member of a list that is not empty; NULL: there is none, or there are several. */
static char *only_member(char *list)
{
    char *only = NULL, *rest = list, *member;
    while ((member = strsep(&rest, ",")) != NULL) {
        member = trimmed(member);
        if (*member != '\0' && only != NULL) {
            return NULL;
        }
        only = *member != '\0' ? member : only;
    }
    return only;
}

static struct part read_member(char *member, uint64_t size)
{
    char *last_text = member;
    const char *first_text = strsep(&last_text, "-");
    uint64_t first = 0, last = UINT64_MAX;
    if (last_text == NULL) {
        return whole;
    }
    if (*first_text == '\0') {
        if (!convert(last_text, &last) || (last > 0 && size == 0)) {
            return whole;
        }
        first = last < size ? size - last : 0;
        return last == 0 ? nothing : (struct part) { BI_RANGE_PART, first, size - first };
    }
    if (!convert(first_text, &first) || (*last_text != '\0' && !convert(last_text, &last)) || last < first) {
        return whole;
    }
    if (first >= size) {
        return nothing;
    }
    last = last >= size ? size - 1 : last;
    return (struct part) { BI_RANGE_PART, first, last - first + 1 };
}

static struct part read_value(char *value, uint64_t size)
{
    value = trimmed(value);
    if (strncasecmp(value, "bytes=", 6) != 0) {
        return whole;
    }
    char *member = only_member(value + 6);
    return member == NULL ? whole : read_member(member, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct part found, model;
    char value[ROOM];
    uint64_t bytes;
    if (size < sizeof bytes || size >= sizeof bytes + ROOM) {
        return 0;
    }
    memcpy(&bytes, data, sizeof bytes);
    data += sizeof bytes;
    size -= sizeof bytes;
    found.result = bi_range_parse((struct bi_view) { data, size }, bytes, &found.first, &found.count);
    if (found.first > bytes || found.count > bytes - found.first ||
        (found.result == BI_RANGE_PART && found.count == 0) ||
        (found.result == BI_RANGE_WHOLE && found.count != bytes)) {
        abort();
    }
    memcpy(value, data, size);
    value[size] = '\0';
    model = read_value(value, bytes);
    if (memchr(data, '\0', size) == NULL &&
        (model.result != found.result ||
            (found.result == BI_RANGE_PART && (model.first != found.first || model.count != found.count)))) {
        abort();
    }
    return 0;
}
