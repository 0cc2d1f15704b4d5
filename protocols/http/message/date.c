/* SPDX-License-Identifier: MIT */
/* date.c - times as HTTP writes them: a calendar, a writer of one form, a reader of three.
 *
 * strftime and strptime know locales, gmtime time zones; none of them knows that two digits of a year depend on what
 * year it is. So the calendar is done here, and the forms are read from patterns as strptime's are. */
#include "http/message/date.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 86400, DAYS_OF_400_YEARS = 146097 };

struct civil {
    int year, month, day; /* from 1 on */
    int hour, minute, second;
    int weekday; /* 0: Sunday */
};

static const char weekdays[7][10] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };
static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
    "Dec" };

/* Years that begin in March have their odd day last, and then each number below is one division. They are counted from
 * March of the year -400 on, so that none is negative. */
enum { EPOCH = 719468 + DAYS_OF_400_YEARS };

/* Of years from -399 on. A day too many for its month is one of the next. */
static int64_t days_of(const struct civil *date)
{
    int64_t year = date->year + 400 - (date->month < 3 ? 1 : 0);
    int64_t month = (date->month + 9) % 12;
    return 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + date->day - 1 - EPOCH;
}

static int64_t seconds_of(const struct civil *date)
{
    return days_of(date) * DAY + date->hour * HOUR + date->minute * MINUTE + date->second;
}

static int weekday_of(int64_t days)
{
    return (int)((days + EPOCH + 3) % 7);
}

static int64_t within_years(int64_t seconds)
{
    return seconds < BI_DATE_FIRST ? BI_DATE_FIRST : seconds > BI_DATE_LAST ? BI_DATE_LAST : seconds;
}

static struct civil civil_of(int64_t seconds)
{
    int64_t whole = within_years(seconds) + (int64_t)EPOCH * DAY;
    int64_t days = whole / DAY;
    int time = (int)(whole % DAY);
    int weekday = weekday_of(days - EPOCH);
    int64_t century = (4 * days + 3) / DAYS_OF_400_YEARS;
    days -= century * DAYS_OF_400_YEARS / 4;
    int64_t year = (4 * days + 3) / 1461;
    days -= year * 1461 / 4;
    int month = (int)(5 * days + 2) / 153;
    return (struct civil) {
        .year = (int)(century * 100 + year) - 400 + (month > 9 ? 1 : 0),
        .month = month > 9 ? month - 9 : month + 3,
        .day = (int)days - (153 * month + 2) / 5 + 1,
        .hour = time / HOUR,
        .minute = time % HOUR / MINUTE,
        .second = time % MINUTE,
        .weekday = weekday,
    };
}

static void put_two(char *text, int number)
{
    text[0] = (char)('0' + number / 10);
    text[1] = (char)('0' + number % 10);
}

void bi_date_format(char text[BI_DATE_SIZE], int64_t seconds)
{
    struct civil date = civil_of(seconds);
    memcpy(text, "Sun, 06 Nov 1994 08:49:37 GMT", BI_DATE_SIZE);
    memcpy(text, weekdays[date.weekday], 3);
    put_two(text + 5, date.day);
    memcpy(text + 8, months[date.month - 1], 3);
    put_two(text + 12, date.year / 100);
    put_two(text + 14, date.year % 100);
    put_two(text + 17, date.hour);
    put_two(text + 20, date.minute);
    put_two(text + 23, date.second);
}

static bool take_digits(struct bi_view *text, size_t count, int *number)
{
    if (bi_run(*text, BI_CLASS_DIGIT) < count) {
        return false;
    }
    struct bi_view digits = bi_take(text, count);
    *number = 0;
    for (size_t at = 0; at < count; at++) {
        *number = *number * 10 + (digits.at[at] - '0');
    }
    return true;
}

static bool take_text(struct bi_view *text, const char *wanted, size_t size)
{
    if (text->size < size || memcmp(text->at, wanted, size) != 0) {
        return false;
    }
    (void)bi_take(text, size);
    return true;
}

/* `size` 0: whole names. */
static bool take_weekday(struct bi_view *text, size_t size, int *weekday)
{
    *weekday = 0;
    while (*weekday < 7 && !take_text(text, weekdays[*weekday], size > 0 ? size : strlen(weekdays[*weekday]))) {
        ++*weekday;
    }
    return *weekday < 7;
}

static bool take_month(struct bi_view *text, int *month)
{
    *month = 1;
    while (*month < 13 && !take_text(text, months[*month - 1], 3)) {
        ++*month;
    }
    return *month < 13;
}

static bool take_time(struct bi_view *text, struct civil *date)
{
    return take_digits(text, 2, &date->hour) && bi_take_byte(text, ':') && take_digits(text, 2, &date->minute) &&
           bi_take_byte(text, ':') && take_digits(text, 2, &date->second);
}

/* One conversion, named as strptime's are. */
static bool take_part(struct bi_view *text, char conversion, struct civil *date)
{
    switch (conversion) {
    case 'a':
        return take_weekday(text, 3, &date->weekday);
    case 'A':
        return take_weekday(text, 0, &date->weekday);
    case 'b':
        return take_month(text, &date->month);
    case 'd':
        return take_digits(text, 2, &date->day);
    case 'e':
        return take_digits(text, bi_take_byte(text, ' ') ? 1 : 2, &date->day);
    case 'T':
        return take_time(text, date);
    case 'y':
        return take_digits(text, 2, &date->year);
    default: /* Y */
        return take_digits(text, 4, &date->year);
    }
}

/* All of `text` by all of `pattern`. */
static bool read_by(struct bi_view text, const char *pattern, struct civil *date)
{
    for (; *pattern != '\0'; pattern++) {
        bool converted = *pattern == '%';
        pattern += converted ? 1 : 0;
        if (converted ? !take_part(&text, *pattern, date) : !bi_take_byte(&text, (uint8_t)*pattern)) {
            return false;
        }
    }
    return text.size == 0;
}

/* The latest year that ends in these two digits and makes it a time of at most 50 years after `now`. */
static void choose_century(struct civil *date, int64_t now)
{
    struct civil limit = civil_of(now);
    int of_century = date->year;
    limit.year += 50;
    date->year = limit.year - limit.year % 100 + of_century;
    if (within_years(seconds_of(&limit)) < seconds_of(date)) {
        date->year -= 100;
    }
}

/* The form is told by the fourth byte: a comma, a space, or a letter of the day's whole name. */
static bool read_civil(struct bi_view text, int64_t now, struct civil *date)
{
    uint8_t fourth = text.size > 3 ? text.at[3] : 0;
    if (fourth == ',') {
        return read_by(text, "%a, %d %b %Y %T GMT", date);
    }
    if (fourth == ' ') {
        return read_by(text, "%a %b %e %T %Y", date);
    }
    if (!read_by(text, "%A, %d-%b-%y %T GMT", date)) {
        return false;
    }
    choose_century(date, now);
    return true;
}

static int days_of_month(const struct civil *date)
{
    struct civil first = { .year = date->year, .month = date->month, .day = 1 };
    struct civil next = { .year = date->year + date->month / 12, .month = date->month % 12 + 1, .day = 1 };
    return (int)(days_of(&next) - days_of(&first));
}

static bool is_possible(const struct civil *date)
{
    bool leap_second = date->hour == 23 && date->minute == 59 && date->second == 60;
    return date->day >= 1 && date->day <= days_of_month(date) && date->hour < 24 && date->minute < 60 &&
           (date->second < 60 || leap_second) && date->weekday == weekday_of(days_of(date));
}

bool bi_date_parse(struct bi_view text, int64_t now, int64_t *seconds)
{
    struct civil date = { 0 };
    if (!read_civil(text, now, &date) || date.year < 0 || !is_possible(&date)) {
        return false;
    }
    *seconds = seconds_of(&date);
    return true;
}

bool bi_date_of(int year, int month, int day, int64_t second, int64_t *seconds)
{
    struct civil date = { .year = year, .month = month, .day = day };
    if (day > days_of_month(&date)) {
        return false;
    }
    *seconds = days_of(&date) * DAY + second;
    return true;
}

void bi_date_cache_set(struct bi_date_cache *cache, int64_t now)
{
    memcpy(cache->line, "Date: ", 6);
    bi_date_format(cache->line + 6, now);
    memcpy(cache->line + 6 + BI_DATE_SIZE, "\r\n", 2);
    cache->second = now;
}
