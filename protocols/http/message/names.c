/* SPDX-License-Identifier: MIT */
/* names.c - from text to number by length, first and last letter.
 *
 * These three tell all known names apart, so one look into a table finds the only candidate, and one comparison
 * decides. Two names that would share a slot do not compile (-Woverride-init): then the factors have to change. */
#include "http/message/names_table.h"

#define METHOD_SLOTS 16
#define METHOD_SLOT(size, first, last) (((size) + (first)*3u + (last)*5u) % METHOD_SLOTS)

/* clang-format off */
#define FITS(name, text, first, last) _Static_assert(sizeof text - 1 <= BI_KNOWN_LONGEST, text " is too long");
BI_METHODS(FITS)
BI_NAMES(FITS)

#define KNOWN(name, text, first, last) { text, sizeof text - 1 },
static const struct bi_known_name methods[BI_METHOD_COUNT] = { { "", 0 }, BI_METHODS(KNOWN) };
const struct bi_known_name bi_known_names[BI_NAME_COUNT] = { { "", 0 }, BI_NAMES(KNOWN) };

#define SLOT_OF_METHOD(name, text, first, last) [METHOD_SLOT(sizeof text - 1, first, last)] = BI_METHOD_##name,
static const uint8_t method_slots[METHOD_SLOTS] = { BI_METHODS(SLOT_OF_METHOD) };
#define SLOT_OF_NAME(name, text, first, last) [BI_NAME_SLOT(sizeof text - 1, first, last)] = BI_NAME_##name,
const uint8_t bi_name_slots[BI_NAME_SLOTS] = { BI_NAMES(SLOT_OF_NAME) };
/* clang-format on */

_Static_assert(BI_NAME_COUNT <= 64, "sets of names have 64 bits");

enum bi_method bi_method_find(const uint8_t *text, size_t size)
{
    if (size == 0) {
        return BI_METHOD_OTHER;
    }
    unsigned found = method_slots[METHOD_SLOT(size, text[0], text[size - 1])];
    const struct bi_known_name *known = &methods[found];
    return known->size == size && memcmp(known->text, text, size) == 0 ? (enum bi_method)found : BI_METHOD_OTHER;
}

enum bi_name bi_name_find(const uint8_t *text, size_t size)
{
    enum bi_name name = size > 0 ? bi_name_candidate(text, size) : BI_NAME_OTHER;
    return name != BI_NAME_OTHER && bi_known_is(&bi_known_names[name], text, size) ? name : BI_NAME_OTHER;
}

const char *bi_method_text(enum bi_method method)
{
    return method == BI_METHOD_OTHER ? NULL : methods[method].text;
}

const char *bi_name_text(enum bi_name name)
{
    return name == BI_NAME_OTHER ? NULL : bi_known_names[name].text;
}
