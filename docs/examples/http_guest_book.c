/* SPDX-License-Identifier: MIT */
/* http_guest_book.c - a guest book: a form, a list, and a session that remembers the visitor's name and which entries
 * are theirs, so that nobody else can take them away. */
#include "http_guest_book.h"

#include <bight/memory.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME 60
#define TEXT 1000

struct entry {
    uint64_t number; /* 0: there is none, or no more */
    char name[NAME + 1], text[TEXT + 1], owner[24];
};

struct guest_book {
    size_t limit;
    uint64_t count, visitors; /* so far */
    struct entry entries[];   /* number n is at n % limit */
};

struct guest_book *guest_book_new(size_t limit)
{
    struct guest_book *book = bight_calloc(1, sizeof *book + limit * sizeof *book->entries);
    if (book != NULL) {
        book->limit = limit;
    }
    return book;
}

void guest_book_free(struct guest_book *book)
{
    bight_free(book);
}

/* -------------------------------------------------------------------------------------------- the page */

static const char style[] =
    ":root { color-scheme: light dark; font: 1.1em/1.5 system-ui, sans-serif }\n"
    "body { max-width: 38em; margin: 2em auto; padding: 0 1em }\n"
    "article { border-top: 1px solid; margin-top: 1em; white-space: pre-wrap }\n"
    "label, textarea, input { display: block; width: 100%; box-sizing: border-box; font: inherit }\n"
    ".wrong { font-weight: bold }\n";

static void show_style(struct bight_http_request *request, void *context)
{
    (void)context;
    bight_http_respond_set(request, "Cache-Control", "max-age=3600");
    bight_http_respond(request, 200, "text/css; charset=utf-8", style, sizeof style - 1);
}

static void write_text(struct bight_http_request *request, const char *markup)
{
    bight_http_respond_write(request, markup, strlen(markup));
}

static bool is_own(struct bight_http_request *request, const struct entry *entry)
{
    const char *visitor = bight_http_session_get(request, "visitor");
    return visitor != NULL && strcmp(visitor, entry->owner) == 0;
}

static void write_entry(struct bight_http_request *request, const struct entry *entry)
{
    write_text(request, "<article><b>");
    bight_http_respond_write_escaped(request, entry->name);
    write_text(request, "</b>\n");
    bight_http_respond_write_escaped(request, entry->text);
    if (is_own(request, entry)) {
        bight_http_respond_writef(request,
            "<form method=post action=\"/entries/%" PRIu64 "/remove\"><button>Remove</button></form>", entry->number);
    }
    write_text(request, "</article>\n");
}

static void write_form(struct bight_http_request *request, const char *wrong, const char *text)
{
    const char *name = bight_http_session_get(request, "name");
    if (wrong != NULL) {
        write_text(request, "<p class=wrong role=alert>");
        bight_http_respond_write_escaped(request, wrong);
    }
    write_text(request, "<form method=post action=\"/entries\"><label>Name <input name=name required value=\"");
    bight_http_respond_write_escaped(request, name != NULL ? name : "");
    write_text(request, "\"></label><label>Text <textarea name=text rows=4 required>");
    bight_http_respond_write_escaped(request, text);
    write_text(request, "</textarea></label><button>Write</button></form>\n");
}

/* The book, newest entries first; `wrong` says what was wrong with `text`, which is not lost. */
static void show_page(
    struct bight_http_request *request, const struct guest_book *book, int status, const char *wrong, const char *text)
{
    bight_http_respond_set(request, "Cache-Control", "no-store");
    bight_http_respond_begin(request, status, "text/html; charset=utf-8", -1);
    write_text(request, "<!doctype html><html lang=en><title>Guest book</title>"
                        "<meta name=viewport content=\"width=device-width\"><link rel=stylesheet href=\"/style.css\">"
                        "<h1>Guest book</h1>\n");
    write_form(request, wrong, text);
    for (size_t i = 0; i < book->limit && i < book->count; i++) {
        const struct entry *entry = &book->entries[(book->count - i) % book->limit];
        if (entry->number != 0) {
            write_entry(request, entry);
        }
    }
    bight_http_respond_finish(request);
}

static void show_book(struct bight_http_request *request, void *book)
{
    show_page(request, book, 200, NULL, "");
}

/* ------------------------------------------------------------------------------------------- writing */

/* Who writes for the first time becomes a visitor with a number. */
static const char *visitor_of(struct bight_http_request *request, struct guest_book *book)
{
    char number[24];
    if (bight_http_session_get(request, "visitor") == NULL) {
        (void)snprintf(number, sizeof number, "%" PRIu64, ++book->visitors);
        bight_http_session_set(request, "visitor", number);
    }
    return bight_http_session_get(request, "visitor");
}

static void add_entry(struct bight_http_request *request, struct guest_book *book, const char *name, const char *text)
{
    struct entry *entry = &book->entries[++book->count % book->limit];
    entry->number = book->count;
    (void)snprintf(entry->name, sizeof entry->name, "%s", name);
    (void)snprintf(entry->text, sizeof entry->text, "%s", text);
    (void)snprintf(entry->owner, sizeof entry->owner, "%s", visitor_of(request, book));
    bight_http_session_set(request, "name", name);
}

/* What is wrong, to be shown; NULL: nothing. */
static const char *mistake_in(const char *name, const char *text)
{
    if (name == NULL || text == NULL || *name == '\0' || *text == '\0') {
        return "Name and text are both needed.";
    }
    return strlen(name) > NAME ? "The name is too long." : strlen(text) > TEXT ? "The text is too long." : NULL;
}

/* Behind a form that was accepted the browser is sent to the page: reloading it does not write again. */
static void write_in_book(struct bight_http_request *request, struct bight_result *result, void *context)
{
    if (bight_await(bight_http_request_form(request, NULL), result) != 0) {
        return; /* what has failed is the answer: 413, 415 ... */
    }
    const struct bight_http_form *form = result->value;
    const char *name = bight_http_form_value(form, "name"), *text = bight_http_form_value(form, "text");
    const char *wrong = mistake_in(name, text);
    if (wrong != NULL) {
        show_page(request, context, 422, wrong, text != NULL ? text : "");
    } else {
        add_entry(request, context, name, text);
        bight_http_respond_redirect(request, 303, "/");
    }
}

static void remove_entry(struct bight_http_request *request, void *context)
{
    struct guest_book *book = context;
    uint64_t number = strtoull(bight_http_request_parameter(request, "number"), NULL, 10);
    struct entry *entry = &book->entries[number % book->limit];
    if (number == 0 || entry->number != number) {
        bight_http_respond_error(request, 404, "there is no such entry");
    } else if (!is_own(request, entry)) {
        bight_http_respond_error(request, 403, "it is somebody else's");
    } else {
        *entry = (struct entry) { .number = 0 };
        bight_http_respond_redirect(request, 303, "/");
    }
}

void add_guest_book(struct bight_http_site *site, struct guest_book *book)
{
    static const struct bight_http_security_options strict = {
        .size = sizeof strict,
        .content_policy = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'",
    };
    bight_http_use_security_fields(site, &strict);
    bight_http_use_sessions(site, NULL);
    bight_http_route(site, "GET /", show_book, book);
    bight_http_route(site, "GET /style.css", show_style, NULL);
    bight_http_route_coroutine(site, "POST /entries", write_in_book, book);
    bight_http_route(site, "POST /entries/{number}/remove", remove_entry, book);
}
