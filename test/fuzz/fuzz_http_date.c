/* SPDX-License-Identifier: MIT */
/* fuzz_http_date.c - the reader of dates against libc's calendar.
 *
 * The first eight bytes are a time, the others a text. The text is read as of that time; what is a date must be one of
 * the forms that libc makes of what it meant, and libc's three forms of the time must mean that time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fuzz.h"
#include "http/message/date.h"

enum { FORMS = 4, ROOM = 64 };

static const char *const days[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };
static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
    "Dec" };

/* Where libc has time in 32 bits it is no model of the rest. */
static int is_known(int64_t seconds)
{
    return (int64_t)(time_t)seconds == seconds;
}

/* As of the second before, if it is written as a leap second. */
static void write_forms(char forms[FORMS][ROOM], int64_t seconds, int leap)
{
    time_t time = (time_t)(seconds - leap);
    struct tm tm;
    gmtime_r(&time, &tm);
    const char *day = days[tm.tm_wday], *month = months[tm.tm_mon];
    int year = tm.tm_year + 1900;
    char clock[32];
    snprintf(clock, sizeof clock, "%02d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec + leap);
    snprintf(forms[0], ROOM, "%.3s, %02d %s %04d %s GMT", day, tm.tm_mday, month, year, clock);
    snprintf(forms[1], ROOM, "%s, %02d-%s-%02d %s GMT", day, tm.tm_mday, month, year % 100, clock);
    snprintf(forms[2], ROOM, "%.3s %s %2d %s %04d", day, month, tm.tm_mday, clock, year);
    snprintf(forms[3], ROOM, "%.3s %s %02d %s %04d", day, month, tm.tm_mday, clock, year);
}

static int is_form(const uint8_t *text, size_t size, int64_t seconds, int leap)
{
    char forms[FORMS][ROOM];
    int same = 0;
    write_forms(forms, seconds, leap);
    for (size_t form = 0; form < FORMS; form++) {
        same |= strlen(forms[form]) == size && memcmp(forms[form], text, size) == 0;
    }
    return same;
}

static void read_text(const uint8_t *text, size_t size, int64_t now)
{
    int64_t seconds;
    if (bi_date_parse((struct bi_view) { text, size }, now, &seconds) && is_known(seconds) && is_known(seconds - 1) &&
        !is_form(text, size, seconds, 0) && !(seconds % 86400 == 0 && is_form(text, size, seconds, 1))) {
        abort();
    }
}

static void read_forms(int64_t now)
{
    char forms[FORMS][ROOM], text[BI_DATE_SIZE];
    write_forms(forms, now, 0);
    for (size_t form = 0; form < FORMS; form++) {
        int64_t seconds;
        if (!bi_date_parse(bi_view_of(forms[form]), now, &seconds) || seconds != now) {
            abort();
        }
    }
    bi_date_format(text, now);
    if (memcmp(text, forms[0], BI_DATE_SIZE) != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t now = 0;
    if (size < sizeof now) {
        return 0;
    }
    memcpy(&now, data, sizeof now);
    read_text(data + sizeof now, size - sizeof now, now);
    if (now >= BI_DATE_FIRST && now <= BI_DATE_LAST && is_known(now)) {
        read_forms(now);
    }
    return 0;
}
