/* SPDX-License-Identifier: MIT */
/* http_chat.c - a chat for browsers: what is posted as a form goes to all who listen, as a stream of server-sent
 * events.
 *
 * Who listens is in a channel, to which each event is written once. What waits for a client that does not read is
 * bounded: it does not get the rest, and is told how many it has missed. */
#include "http_chat.h"

#include <stdio.h>
#include <string.h>

#define MAX_TEXT 2000
#define MAX_NAME 40

static struct bight_http_event_channel *channel; /* of those who listen */

static void listen_to_all(struct bight_http_request *request, void *context)
{
    static const struct bight_http_event_options options = {
        .size = sizeof options,
        .limit = 64 << 10,
        .policy = BIGHT_HTTP_EVENT_SKIP,
    };
    (void)context;
    bight_http_event_channel_add(channel, bight_http_respond_events(request, &options));
}

void end_chat(void)
{
    bight_http_event_channel_free(channel);
    channel = NULL;
}

/* ------------------------------------------------------------------------------------------- speakers */

static int digit(char letter)
{
    const char *digits = "0123456789abcdef0123456789ABCDEF", *found = letter != '\0' ? strchr(digits, letter) : NULL;
    return found == NULL ? -1 : (int)(found - digits) % 16;
}

/* Where the value of a form's field begins; NULL: there is no such field. */
static const char *find_field(const char *form, const char *end, const char *name)
{
    size_t size = strlen(name);
    while (form != NULL && (size_t)(end - form) > size) {
        if (memcmp(form, name, size) == 0 && form[size] == '=') {
            return form + size + 1;
        }
        form = memchr(form, '&', (size_t)(end - form));
        form = form != NULL ? form + 1 : NULL;
    }
    return NULL;
}

/* A field of a form, decoded, as a text. False: there is none, or it is empty, too long or broken. */
static bool read_field(const struct bight_bytes *body, const char *name, char *text, size_t size)
{
    const char *form = (const char *)bight_bytes_data(body), *end = form + bight_bytes_size(body);
    size_t length = 0;
    for (form = find_field(form, end, name); form != NULL && form < end && *form != '&'; form++) {
        int byte = *form == '+' ? ' ' : *form;
        if (*form == '%') {
            byte =
                end - form > 2 && digit(form[1]) >= 0 && digit(form[2]) >= 0 ? 16 * digit(form[1]) + digit(form[2]) : 0;
            form += 2;
        }
        if (byte == 0 || length + 1 == size) {
            return false;
        }
        text[length++] = (char)byte;
    }
    text[length] = '\0';
    return length > 0;
}

/* A coroutine: nothing in its result is 204. */
static void say(struct bight_http_request *request, struct bight_result *result, void *context)
{
    char name[MAX_NAME + 1], text[MAX_TEXT + 1], line[MAX_NAME + MAX_TEXT + 3];
    (void)context;
    if (bight_await(bight_http_request_collect(request, 0), result) != 0) {
        return;
    }
    struct bight_bytes *body = bight_result_take(result, &bight_type_bytes);
    bool is_fine = read_field(body, "name", name, sizeof name) && read_field(body, "text", text, sizeof text) &&
                   strpbrk(name, "\r\n") == NULL;
    bight_bytes_release(body);
    snprintf(line, sizeof line, "%s: %s", is_fine ? name : "", is_fine ? text : "");
    int code = is_fine ? bight_http_event_channel_send_text(channel, NULL, line) : BIGHT_E_INVALID_ARGUMENT;
    if (code == BIGHT_E_INVALID_ARGUMENT) { /* as is what is no UTF-8 */
        bight_result_fail(result, bight_http_failure(400, "a form with a name and a text, please"));
    }
}

/* --------------------------------------------------------------------------------------------- the page */

static const char page[] = "<!DOCTYPE html><title>Chat</title>\n"
                           "<form id=f><input name=name placeholder=name size=10> <input name=text size=60 autofocus> "
                           "<button>Say</button></form>\n"
                           "<pre id=all></pre>\n"
                           "<script>\n"
                           "const show = line => { all.textContent = line + '\\n' + all.textContent }\n"
                           "const events = new EventSource('events')\n"
                           "events.onmessage = event => show(event.data)\n"
                           "events.addEventListener('gap', event => show('(' + event.data + ' missed)'))\n"
                           "f.onsubmit = event => {\n"
                           "    event.preventDefault()\n"
                           "    fetch('say', { method: 'POST', body: new URLSearchParams(new FormData(f)) })\n"
                           "    f.text.value = ''\n"
                           "}\n"
                           "</script>\n";

static void show_page(struct bight_http_request *request, void *context)
{
    (void)context;
    bight_http_respond_html(request, 200, page);
}

void add_chat(struct bight_http_site *site)
{
    static const struct bight_http_route_options options = {
        .size = sizeof options,
        .body_limit = 3 * (MAX_NAME + MAX_TEXT) + 20,
        .seconds = 10,
        .cancel_when_gone = true,
    };
    channel = bight_http_event_channel_new();
    bight_http_route(site, "GET /", show_page, NULL);
    bight_http_route(site, "GET /events", listen_to_all, NULL);
    bight_http_route_coroutine_full(site, "POST /say", say, NULL, NULL, &options);
}
