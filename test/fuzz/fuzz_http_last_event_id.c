/* SPDX-License-Identifier: MIT */
/* fuzz_http_last_event_id.c - what a stranger says it got last, in a field and in a query: nothing gets through that is
 * no id, and what gets through is what was said.
 *
 * The first byte says where it stands. */
#include <stdlib.h>
#include <string.h>

#include <bight/protocols/http.h>
#include <bight/testing.h>

#include "fuzz.h"

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static char told[512];
static bool is_told;

static void note(struct bight_http_request *request, void *context)
{
    const char *id = bight_http_request_last_event_id(request);
    (void)context;
    is_told = id != NULL;
    if (is_told) {
        require(strlen(id) > 0 && strlen(id) <= 256 && strpbrk(id, "\r\n") == NULL);
        memcpy(told, id, strlen(id) + 1);
        struct bight_http_event *event = bight_http_event_new(id, NULL, "", 0);
        require(event != NULL); /* it could be one's own */
        bight_http_event_release(event);
    }
    (void)bight_http_respond_empty(request, 204);
}

static void quiet(const struct bight_log_event *event, void *context)
{
    (void)event;
    (void)context;
}

/* One site for all runs. */
static struct bight_reactor *reactor;
static struct bight_http_site *site;

static void ask(const char *request, size_t size)
{
    if (site == NULL) {
        bight_log_set_observer(quiet, NULL);
        reactor = bight_testing_reactor_new();
        site = bight_http_site_new();
        require(bight_http_route(site, "GET /", note, NULL) == 0);
    }
    is_told = false;
    struct bight_string_peer *peer = bight_string_connect(reactor, bight_http_site_factory(site), true);
    (void)bight_string_feed(peer, request, size);
    bight_string_peer_free(peer);
    (void)bight_testing_settle(reactor, 100);
}

static bool is_plain(uint8_t byte)
{
    return byte > ' ' && byte < 0x7f && strchr("%+&#", byte) == NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char request[4096];
    if (size == 0 || size > 1024) {
        return 0;
    }
    bool is_field = (data[0] & 1) != 0, plain = size > 1 && size <= 257;
    for (size_t i = 1; i < size; i++) {
        plain = plain && is_plain(data[i]);
    }
    const char *before = is_field ? "GET / HTTP/1.1\r\nHost: x\r\nLast-Event-ID: " : "GET /?lastEventId=";
    const char *behind = is_field ? "\r\n\r\n" : " HTTP/1.1\r\nHost: x\r\n\r\n";
    size_t length = strlen(before);
    memcpy(request, before, length);
    memcpy(request + length, data + 1, size - 1);
    length += size - 1;
    memcpy(request + length, behind, strlen(behind));
    ask(request, length + strlen(behind));
    require(!plain || (is_told && strlen(told) == size - 1 && memcmp(told, data + 1, size - 1) == 0));
    return 0;
}

/* So that what is found to be left is. */
static void __attribute__((destructor)) end(void)
{
    bight_reactor_free(reactor);
    bight_http_site_free(site);
}
