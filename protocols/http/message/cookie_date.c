/* SPDX-License-Identifier: MIT */
/* cookie_date.c - the dates of Set-Cookie: words between any delimiters, of which the first that can be the time, the
 * day, the month and the year are those.
 *
 * A year of two digits is one from 1970 to 2069, whatever year it is. The day of the week and the zone are not looked
 * at. */
#include "http/message/cookie_date.h"

#include "http/message/date.h"

struct parts {
    bool has_time, has_day, has_month, has_year;
    int hour, minute, second, day, month, year;
};

static bool is_delimiter(uint8_t byte)
{
    return byte == '\t' || (byte >= 0x20 && byte <= 0x2f) || (byte >= 0x3b && byte <= 0x40) ||
           (byte >= 0x5b && byte <= 0x60) || (byte >= 0x7b && byte <= 0x7e);
}

/* From `least` to `most` digits, and not one more. */
static bool take_number(struct bi_view *text, size_t least, size_t most, int *number)
{
    size_t digits = bi_run(*text, BI_CLASS_DIGIT);
    if (digits < least || digits > most) {
        return false;
    }
    struct bi_view taken = bi_take(text, digits);
    *number = 0;
    for (size_t at = 0; at < taken.size; at++) {
        *number = *number * 10 + (taken.at[at] - '0');
    }
    return true;
}

static bool read_time(struct parts *parts, struct bi_view word)
{
    int hour, minute, second;
    if (!take_number(&word, 1, 2, &hour) || !bi_take_byte(&word, ':') || !take_number(&word, 1, 2, &minute) ||
        !bi_take_byte(&word, ':') || !take_number(&word, 1, 2, &second)) {
        return false;
    }
    parts->hour = hour;
    parts->minute = minute;
    parts->second = second;
    return true;
}

static bool read_month(struct parts *parts, struct bi_view word)
{
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    if (word.size < 3) {
        return false;
    }
    for (int month = 0; month < 12; month++) {
        const char *name = months + 3 * month;
        if (bi_lower(word.at[0]) == name[0] && bi_lower(word.at[1]) == name[1] && bi_lower(word.at[2]) == name[2]) {
            parts->month = month + 1;
            return true;
        }
    }
    return false;
}

static void read_word(struct parts *parts, struct bi_view word)
{
    if (!parts->has_time && read_time(parts, word)) {
        parts->has_time = true;
    } else if (!parts->has_day && take_number(&word, 1, 2, &parts->day)) {
        parts->has_day = true;
    } else if (!parts->has_month && read_month(parts, word)) {
        parts->has_month = true;
    } else if (!parts->has_year && take_number(&word, 2, 4, &parts->year)) {
        parts->has_year = true;
    }
}

static struct bi_view take_word(struct bi_view *text)
{
    size_t size = 0;
    while (text->size > 0 && is_delimiter(*text->at)) {
        (void)bi_take(text, 1);
    }
    while (size < text->size && !is_delimiter(text->at[size])) {
        size++;
    }
    return bi_take(text, size);
}

static bool is_possible(const struct parts *parts)
{
    return parts->has_time && parts->has_day && parts->has_month && parts->has_year && parts->day >= 1 &&
           parts->day <= 31 && parts->year >= 1601 && parts->hour <= 23 && parts->minute <= 59 && parts->second <= 59;
}

bool bi_cookie_date_parse(struct bi_view text, int64_t *seconds)
{
    struct parts parts = { .has_time = false };
    for (struct bi_view word = take_word(&text); word.size > 0; word = take_word(&text)) {
        read_word(&parts, word);
    }
    if (parts.has_year && parts.year < 100) {
        parts.year += parts.year >= 70 ? 1900 : 2000;
    }
    return is_possible(&parts) && bi_date_of(parts.year, parts.month, parts.day,
                                      parts.hour * 3600 + parts.minute * 60 + parts.second, seconds);
}
