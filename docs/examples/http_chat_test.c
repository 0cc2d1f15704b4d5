/* SPDX-License-Identifier: MIT */
/* http_chat_test.c - the tests of http_chat.c: who hears what, and what a slow listener costs. */
#undef NDEBUG
#include <bight/protocols/http_testing.h>
#include <bight/testing/trial.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "http_chat.h"

static struct bight_reactor *reactor;
static struct bight_http_site *site;

static struct bight_http_response *response_of(struct bight_deferred *asked)
{
    struct bight_http_response *response = bight_expect_value(asked, &bight_type_http_response);
    bight_deferred_release(asked);
    return response;
}

/* Posts a form; gives the status. */
static int say(const char *form)
{
    struct bight_http_response *response =
        response_of(bight_http_testing_post(site, "/say", "application/x-www-form-urlencoded", form, strlen(form)));
    int status = bight_http_response_status(response);
    bight_http_response_release(response);
    return status;
}

static void expect_heard(struct bight_deferred *listening, const char *events)
{
    struct bight_http_response *response = response_of(listening);
    assert(strcmp(bight_http_response_field(response, "Content-Type"), "text/event-stream") == 0);
    assert(strcmp(bight_http_testing_text(response), events) == 0);
    bight_http_response_release(response);
}

static void all_who_listen_hear_what_is_said(void)
{
    struct bight_deferred *ann = bight_http_testing_get(site, "/events");
    assert(say("name=Ann&text=anybody+here%3F") == 204);
    struct bight_deferred *bob = bight_http_testing_get(site, "/events");
    assert(say("text=yes&name=Bob") == 204);
    end_chat();
    bight_testing_settle(reactor, 100);
    expect_heard(ann, "data: Ann: anybody here?\n\ndata: Bob: yes\n\n");
    expect_heard(bob, "data: Bob: yes\n\n");
}

static void nobody_says_what_looks_like_another_event(void)
{
    struct bight_deferred *ann = bight_http_testing_get(site, "/events");
    assert(say("name=Eve&text=a%0A%0Adata%3A+Bob%3A+b%0D%0Ac") == 204);
    assert(say("name=a%0A%0Adata%3A&text=b") == 400);
    end_chat();
    bight_testing_settle(reactor, 100);
    expect_heard(ann, "data: Eve: a\ndata: \ndata: data: Bob: b\ndata: c\n\n");
}

static void what_is_no_form_is_refused(void)
{
    static const char *const forms[] = { "", "name=Ann", "text=hello", "name=&text=hello",
        "name=Ann&text=", "name=Ann&text=%0", "name=Ann&text=%zz", "name=Ann&text=%00", "name=%4", "xname=a&text=b",
        "name=a&text=%ff" };
    char large[7000];
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        assert(say(forms[i]) == 400);
    }
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    assert(say(large) == 413);
}

static void there_are_signs_of_life(void)
{
    struct bight_deferred *ann = bight_http_testing_get(site, "/events");
    bight_testing_advance(reactor, 31);
    end_chat();
    bight_testing_settle(reactor, 100);
    expect_heard(ann, ":\n\n:\n\n");
}

static void who_leaves_is_forgotten(void)
{
    struct bight_deferred *ann = bight_http_testing_get(site, "/events");
    bight_deferred_cancel(ann);
    bight_failure_release(bight_expect_failure(ann, BIGHT_E_CANCELLED));
    bight_deferred_release(ann);
    bight_testing_settle(reactor, 100);
    assert(say("name=Bob&text=Ann%3F") == 204);
    bight_testing_advance(reactor, 20);
    assert(bight_testing_timers(reactor) == 0); /* nobody has to be given signs of life */
}

/* She takes nothing, while 2000 texts of 1000 bytes each are said: no more wait for her than may, and she is told of the
 * others. */
static void a_slow_listener_misses_some(void)
{
    char form[1100];
    int start = snprintf(form, sizeof form, "name=Bob&text=");
    memset(form + start, 'x', 1000);
    form[start + 1000] = '\0';
    struct bight_string_peer *ann = bight_string_connect(reactor, bight_http_site_factory(site), true);
    bight_string_feed_text(ann, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    bight_string_set_window(ann, 0);
    struct bight_deferred *bob = bight_http_testing_get(site, "/events");
    for (int i = 0; i < 2000; i++) {
        assert(say(form) == 204);
    }
    bight_string_set_window(ann, SIZE_MAX);
    bight_testing_settle(reactor, 1000);
    const char *heard = bight_string_written_text(ann), *missed = strstr(heard, "event: gap\ndata: ");
    unsigned count = 0, got = 0;
    assert(missed != NULL && sscanf(missed, "event: gap\ndata: %u\n", &count) == 1);
    for (const char *at = heard; (at = strstr(at, "data: Bob")) != NULL; at++) {
        got++;
    }
    assert(got + count == 2000 && got < 200);
    end_chat();
    bight_testing_settle(reactor, 100);
    struct bight_http_response *response = response_of(bob);
    assert(bight_bytes_size(bight_http_response_body(response)) > 2000 * 1000); /* he has missed nothing */
    bight_http_response_release(response);
    bight_string_peer_free(ann);
}

static void try(void (*test)(void))
{
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    add_chat(site);
    test();
    end_chat();
    bight_reactor_free(reactor);
    bight_http_site_free(site);
}

int main(void)
{
    try(all_who_listen_hear_what_is_said);
    try(nobody_says_what_looks_like_another_event);
    try(what_is_no_form_is_refused);
    try(there_are_signs_of_life);
    try(who_leaves_is_forgotten);
    try(a_slow_listener_misses_some);
    return 0;
}
