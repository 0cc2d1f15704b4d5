/* SPDX-License-Identifier: MIT */
/* http_guest_book_test.c - the guest book's tests: visitors are cookies that are sent back. */
#undef NDEBUG
#include <bight/protocols/http_testing.h>
#include <bight/testing/trial.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "http_guest_book.h"

static struct bight_reactor *reactor;
static struct bight_http_site *site;
static struct guest_book *book;

/* A browser: what it was told to send back. */
struct visitor {
    char cookie[4200]; /* "Cookie: name=value" */
};

static void remember(struct visitor *visitor, struct bight_http_response *response)
{
    const char *told = bight_http_response_field(response, "Set-Cookie");
    if (told != NULL) {
        (void)snprintf(visitor->cookie, sizeof visitor->cookie, "Cookie: %.*s", (int)strcspn(told, ";"), told);
    }
}

static struct bight_http_response *ask(
    struct visitor *visitor, const char *method, const char *target, const char *form, const char *origin)
{
    const char *fields[4] = { "Content-Type: application/x-www-form-urlencoded" };
    size_t count = 1;
    if (visitor->cookie[0] != '\0') {
        fields[count++] = visitor->cookie;
    }
    if (origin != NULL) {
        fields[count++] = origin;
    }
    const struct bight_http_testing_options options = {
        .size = sizeof options, .fields = fields, .body = form, .body_size = form != NULL ? strlen(form) : 0
    };
    struct bight_deferred *asked = bight_http_testing_request(site, method, target, &options);
    struct bight_http_response *response = bight_expect_value(asked, &bight_type_http_response);
    bight_deferred_release(asked);
    remember(visitor, response);
    return response;
}

static int status_of(struct bight_http_response *response)
{
    int status = bight_http_response_status(response);
    bight_http_response_release(response);
    return status;
}

static int post(struct visitor *visitor, const char *target, const char *form)
{
    return status_of(ask(visitor, "POST", target, form, NULL));
}

static bool page_has(struct visitor *visitor, const char *text)
{
    struct bight_http_response *response = ask(visitor, "GET", "/", NULL, NULL);
    assert(bight_http_response_status(response) == 200);
    bool has = strstr(bight_http_testing_text(response), text) != NULL;
    bight_http_response_release(response);
    return has;
}

static void an_entry_is_there_for_all(void)
{
    struct visitor ann = { "" }, bob = { "" };
    assert(post(&ann, "/entries", "name=Ann&text=Good+evening") == 303);
    assert(page_has(&ann, "Good evening"));
    assert(page_has(&bob, "<b>Ann</b>\nGood evening"));
}

static void what_is_written_stays_text(void)
{
    struct visitor eve = { "" };
    assert(post(&eve, "/entries", "name=Eve&text=%3Cscript%3Ealert(1)%3C/script%3E") == 303);
    assert(page_has(&eve, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert(!page_has(&eve, "<script>"));
}

static void the_name_is_remembered(void)
{
    struct visitor ann = { "" };
    assert(!page_has(&ann, "value=\"Ann &#34;A&#34;\""));
    assert(post(&ann, "/entries", "name=Ann+%22A%22&text=x") == 303);
    assert(page_has(&ann, "value=\"Ann &#34;A&#34;\""));
}

static void what_is_wrong_is_said_and_the_text_is_not_lost(void)
{
    struct visitor ann = { "" };
    struct bight_http_response *response = ask(&ann, "POST", "/entries", "name=&text=A+long+story", NULL);
    assert(bight_http_response_status(response) == 422);
    assert(strstr(bight_http_testing_text(response), "A long story</textarea>") != NULL);
    bight_http_response_release(response);
    assert(!page_has(&ann, "A long story"));
    assert(post(&ann, "/entries", "text=alone") == 422);
}

static void only_whose_it_is_can_remove_an_entry(void)
{
    struct visitor ann = { "" }, bob = { "" };
    assert(post(&ann, "/entries", "name=Ann&text=mine") == 303);
    assert(post(&bob, "/entries", "name=Bob&text=hello") == 303);
    assert(post(&bob, "/entries/1/remove", "") == 403);
    assert(page_has(&bob, "mine"));
    assert(post(&ann, "/entries/1/remove", "") == 303);
    assert(!page_has(&ann, "mine"));
    assert(post(&ann, "/entries/1/remove", "") == 404);
}

static void pages_of_other_sites_cannot_write(void)
{
    struct visitor ann = { "" };
    assert(status_of(ask(&ann, "POST", "/entries", "name=Ann&text=x", "Origin: https://evil.example")) == 403);
    assert(!page_has(&ann, "<article>"));
}

static void old_entries_make_room(void)
{
    struct visitor ann = { "" };
    for (unsigned i = 0; i < 12; i++) {
        char form[64];
        (void)snprintf(form, sizeof form, "name=Ann&text=entry-%u.", i);
        assert(post(&ann, "/entries", form) == 303);
    }
    assert(!page_has(&ann, "entry-1."));
    assert(page_has(&ann, "entry-2.") && page_has(&ann, "entry-11."));
}

int main(void)
{
    static void (*const tests[])(void) = { an_entry_is_there_for_all, what_is_written_stays_text,
        the_name_is_remembered, what_is_wrong_is_said_and_the_text_is_not_lost, only_whose_it_is_can_remove_an_entry,
        pages_of_other_sites_cannot_write, old_entries_make_room };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        reactor = bight_testing_reactor_new();
        site = bight_http_site_new();
        book = guest_book_new(10);
        add_guest_book(site, book);
        tests[i]();
        bight_http_site_free(site);
        guest_book_free(book);
        bight_reactor_free(reactor);
    }
    return 0;
}
