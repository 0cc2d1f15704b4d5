/* SPDX-License-Identifier: MIT */
/* names.c - from text to number by length, first and last letter.
 *
 * These three tell all known names apart, so one look into a table gives the only candidate, and one comparison
 * decides. Two names that would share a slot do not compile (-Woverride-init): then the factors have to change. */
#include "http/message/names.h"

#include <string.h>

#include "http/message/tokens.h"

#define ROOM 32 /* whole words, of which the longest name leaves some bytes zero */

struct known {
    char text[ROOM];
    size_t size;
};

#define METHOD_SLOT(size, first, last) (((size) + (first)*3u + (last)*5u) % 16)
#define NAME_SLOT(size, first, last) (((size)*5 + (first)*3u + (last)*8u) % 256)

/* clang-format off */
#define KNOWN(name, text, first, last) { text, sizeof text - 1 },
static const struct known methods[] = { { "", 0 }, BI_METHODS(KNOWN) };
static const struct known names[] = { { "", 0 }, BI_NAMES(KNOWN) };

#define SLOT_OF_METHOD(name, text, first, last) [METHOD_SLOT(sizeof text - 1, first, last)] = BI_METHOD_##name,
static const uint8_t method_slots[16] = { BI_METHODS(SLOT_OF_METHOD) };
#define SLOT_OF_NAME(name, text, first, last) [NAME_SLOT(sizeof text - 1, first, last)] = BI_NAME_##name,
static const uint8_t name_slots[256] = { BI_NAMES(SLOT_OF_NAME) };
/* clang-format on */

_Static_assert(BI_NAME_COUNT <= 64, "sets of names have 64 bits");

enum bi_method bi_method_find(const uint8_t *text, size_t size)
{
    if (size == 0) {
        return BI_METHOD_OTHER;
    }
    unsigned found = method_slots[METHOD_SLOT(size, text[0], text[size - 1])];
    const struct known *known = &methods[found];
    return known->size == size && memcmp(known->text, text, size) == 0 ? (enum bi_method)found : BI_METHOD_OTHER;
}

static bool is_text(const struct known *known, const uint8_t *text)
{
    for (size_t i = 0; i < known->size; i++) {
        if (bi_lower(text[i]) != (uint8_t)known->text[i]) {
            return false;
        }
    }
    return true;
}

enum bi_name bi_name_find(const uint8_t *text, size_t size)
{
    if (size == 0) {
        return BI_NAME_OTHER;
    }
    unsigned found = name_slots[NAME_SLOT(size, text[0] | 0x20u, text[size - 1] | 0x20u)];
    const struct known *known = &names[found];
    return known->size == size && is_text(known, text) ? (enum bi_name)found : BI_NAME_OTHER;
}

const char *bi_method_text(enum bi_method method)
{
    return method == BI_METHOD_OTHER ? NULL : methods[method].text;
}

const char *bi_name_text(enum bi_name name)
{
    return name == BI_NAME_OTHER ? NULL : names[name].text;
}
