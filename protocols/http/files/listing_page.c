/* SPDX-License-Identifier: MIT */
/* listing_page.c - a directory as a page of HTML or as JSON, written piece by piece.
 *
 * Names are anybody's: each is escaped for where it stands, in a link byte by byte, in text as UTF-8, of which what is
 * none becomes U+FFFD. The page needs no script, and its own Content-Security-Policy allows none. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "http/files/listing.h"
#include "http/message/escape.h"

#define ITEM_SIZE 4096 /* more than an item takes, of whose name each byte becomes nine at most, and the page's end */

struct writer {
    char *out;
    size_t size;
};

/* ----------------------------------------------------------------------------------------------- escaping */

static void put(struct writer *writer, const char *text, size_t size)
{
    memcpy(writer->out + writer->size, text, size);
    writer->size += size;
}

static void put_text(struct writer *writer, const char *text)
{
    put(writer, text, strlen(text));
}

/* Unreserved bytes alone stay, so that no name can be taken for a scheme, a query or the end of the attribute. */
static void put_link(struct writer *writer, const char *name)
{
    for (; *name != '\0'; name++) {
        uint8_t byte = (uint8_t)*name;
        if (bi_is(byte, BI_CLASS_ALPHA | BI_CLASS_DIGIT) || strchr("-._~", byte) != NULL) {
            put(writer, name, 1);
        } else {
            bi_escape_write((uint8_t *)writer->out + writer->size, byte);
            writer->size += BI_ESCAPE_SIZE;
        }
    }
}

static bool continues(char byte)
{
    return ((uint8_t)byte & 0xc0) == 0x80;
}

/* Bytes of the UTF-8 character at the beginning of a text; 0: there is none. */
static size_t character_size(const char *text)
{
    uint8_t first = (uint8_t)text[0], second = (uint8_t)text[1];
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xc2 || first > 0xf4 || !continues(text[1])) {
        return 0;
    }
    if (first < 0xe0) {
        return 2;
    }
    if (first < 0xf0) {
        bool is_good = continues(text[2]) && !(first == 0xe0 && second < 0xa0) && !(first == 0xed && second > 0x9f);
        return is_good ? 3 : 0;
    }
    bool is_good = continues(text[2]) && continues(text[3]) && !(first == 0xf0 && second < 0x90) &&
                   !(first == 0xf4 && second > 0x8f);
    return is_good ? 4 : 0;
}

/* Of one byte; NULL: it stands for itself. */
static const char *escape_html(char byte, char room[8])
{
    (void)room;
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return (uint8_t)byte < ' ' || byte == 0x7f ? "\xef\xbf\xbd" : NULL;
    }
}

static const char *escape_json(char byte, char room[8])
{
    if (byte != '"' && byte != '\\' && (uint8_t)byte >= ' ' && byte != 0x7f) {
        return NULL;
    }
    (void)snprintf(room, 8, "\\u%04x", (unsigned)(uint8_t)byte);
    return room;
}

static void put_escaped(struct writer *writer, const char *text, const char *(*escape)(char byte, char room[8]))
{
    char room[8];
    while (*text != '\0') {
        size_t size = character_size(text);
        const char *escaped = size == 0 ? "\xef\xbf\xbd" : size == 1 ? escape(*text, room) : NULL;
        if (escaped != NULL) {
            put_text(writer, escaped);
        } else {
            put(writer, text, size);
        }
        text += size > 0 ? size : 1;
    }
}

/* ------------------------------------------------------------------------------------------ sizes, times */

static void put_size(struct writer *writer, uint64_t size)
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    char text[32];
    double shown = (double)size / 1024;
    size_t unit = 0;
    if (size < 1024) {
        (void)snprintf(text, sizeof text, "%" PRIu64 " B", size);
    } else {
        for (; shown >= 1023.5 && unit < sizeof units / sizeof *units - 1; unit++) {
            shown /= 1024;
        }
        (void)snprintf(text, sizeof text, "%.*f %s", shown < 9.95 ? 1 : 0, shown, units[unit]);
    }
    put_text(writer, text);
}

/* In UTC; `format` is strftime's. */
static void put_time(struct writer *writer, int64_t seconds, const char *format)
{
    char text[48];
    time_t time = (time_t)seconds;
    struct tm parts;
    if (gmtime_r(&time, &parts) != NULL) {
        put(writer, text, strftime(text, sizeof text, format, &parts));
    }
}

/* --------------------------------------------------------------------------------------------------- HTML */

static const char style[] =
    "<meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\n"
    "<style>\n"
    ":root{color-scheme:light dark;--line:#ddd;--dim:#666;--link:#06c}\n"
    "@media(prefers-color-scheme:dark){:root{--line:#333;--dim:#999;--link:#7bf}}\n"
    "body{font:16px/1.5 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em}\n"
    "h1{font-size:1.25em;overflow-wrap:anywhere}table{border-collapse:collapse;width:100%}\n"
    "th,td{text-align:left;padding:.2em .5em;border-bottom:1px solid var(--line)}\n"
    "td:first-child{overflow-wrap:anywhere}th+th,td+td{text-align:right;white-space:nowrap;color:var(--dim)}\n"
    "a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}\n"
    "</style>\n";

/* A column's head leads to the page in its order, and if it is in that, in the other direction. */
static void put_column(struct writer *writer, const struct bi_listing_page *page, enum bi_listing_order order)
{
    static const char *const names[] = { "name", "size", "time" }, *const titles[] = { "Name", "Size",
        "Modified (UTC)" };
    bool is_this = page->order == order;
    put_text(writer, is_this && !page->reverse ? "<th aria-sort=\"ascending\">"
                     : is_this                 ? "<th aria-sort=\"descending\">"
                                               : "<th>");
    put_text(writer, "<a href=\"?sort=");
    put_text(writer, names[order]);
    put_text(writer, is_this && !page->reverse ? "&amp;reverse" : "");
    put_text(writer, "\">");
    put_text(writer, titles[order]);
    put_text(writer, is_this ? page->reverse ? " &darr;</a></th>" : " &uarr;</a></th>" : "</a></th>");
}

static void put_html_head(struct writer *writer, const struct bi_listing_page *page)
{
    put_text(writer, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
    put_escaped(writer, page->path, escape_html);
    put_text(writer, "</title>\n");
    put_text(writer, style);
    put_text(writer, "</head><body><h1>");
    put_escaped(writer, page->path, escape_html);
    put_text(writer, "</h1>\n");
    if (page->listing->is_cut) {
        char text[128];
        (void)snprintf(text, sizeof text,
            "<p><strong>There are more names here than these %zu; the others are not shown.</strong></p>\n",
            page->listing->count);
        put_text(writer, text);
    }
    put_text(writer, "<table><thead><tr>");
    put_column(writer, page, BI_LISTING_BY_NAME);
    put_column(writer, page, BI_LISTING_BY_SIZE);
    put_column(writer, page, BI_LISTING_BY_TIME);
    put_text(writer, "</tr></thead><tbody>\n");
    put_text(writer, page->has_parent ? "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n" : "");
}

static void put_html_item(struct writer *writer, const struct bi_listing_item *item)
{
    const char *slash = item->is_directory ? "/" : "";
    put_text(writer, "<tr><td><a href=\"");
    put_link(writer, item->name);
    put_text(writer, slash);
    put_text(writer, "\">");
    put_escaped(writer, item->name, escape_html);
    put_text(writer, slash);
    put_text(writer, "</a></td><td>");
    if (!item->is_directory) {
        put_size(writer, item->size);
    }
    put_text(writer, "</td><td>");
    put_time(writer, item->modified, "%Y-%m-%d %H:%M");
    put_text(writer, "</td></tr>\n");
}

/* --------------------------------------------------------------------------------------------------- JSON */

static void put_json_head(struct writer *writer, const struct bi_listing_page *page)
{
    put_text(writer, "{\"path\":\"");
    put_escaped(writer, page->path, escape_json);
    put_text(
        writer, page->listing->is_cut ? "\",\"truncated\":true,\"entries\":[" : "\",\"truncated\":false,\"entries\":[");
}

static void put_json_item(struct writer *writer, const struct bi_listing_item *item, bool is_first)
{
    char text[48];
    put_text(writer, is_first ? "\n{\"name\":\"" : ",\n{\"name\":\"");
    put_escaped(writer, item->name, escape_json);
    put_text(writer, "\",\"href\":\"");
    put_link(writer, item->name);
    if (item->is_directory) {
        put_text(writer, "/\",\"type\":\"directory\",\"modified\":\"");
    } else {
        (void)snprintf(text, sizeof text, "\",\"type\":\"file\",\"size\":%" PRIu64, item->size);
        put_text(writer, text);
        put_text(writer, ",\"modified\":\"");
    }
    put_time(writer, item->modified, "%Y-%m-%dT%H:%M:%SZ");
    put_text(writer, "\"}");
}

/* ------------------------------------------------------------------------------------------------- pieces */

static void put_item(struct writer *writer, struct bi_listing_page *page)
{
    const struct bi_listing_item *item = &page->listing->items[page->at];
    if (page->is_json) {
        put_json_item(writer, item, page->at == 0);
    } else {
        put_html_item(writer, item);
    }
    page->at++;
}

size_t bi_listing_write(struct bi_listing_page *page, char *out, size_t room)
{
    struct writer writer = { out, 0 };
    if (page->stage == BI_PAGE_HEAD) {
        (page->is_json ? put_json_head : put_html_head)(&writer, page);
        page->stage = BI_PAGE_ITEMS;
    }
    while (page->at < page->listing->count && room - writer.size > ITEM_SIZE) {
        put_item(&writer, page);
    }
    if (page->at == page->listing->count) {
        put_text(&writer, page->is_json ? "\n]}\n" : "</tbody></table></body></html>\n");
        page->stage = BI_PAGE_DONE;
    }
    return writer.size;
}
