/* SPDX-License-Identifier: MIT */
/* http_chat.c - a chat for browsers: what is posted as a form goes to all who listen, as a stream of server-sent
 * events.
 *
 * An event is made once and counted. Each listener is a producer: while its client takes what is written, events are
 * written at once; while it does not, they wait in a queue of the listener's, of which the oldest give way, and the
 * client is told how many it has missed. So a slow one neither holds the others up nor takes more than it may. */
#include "http_chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAITING 64 /* events a listener */
#define MAX_TEXT 2000
#define MAX_NAME 40
#define BEAT 15.0 /* seconds between signs of life, for proxies, and to notice who has gone */

struct listener {
    struct bight_http_request *request; /* held */
    struct bight_bytes *waiting[WAITING];
    unsigned first, count, missed;
    bool takes;            /* the client takes what is written */
    bool is_busy, is_over; /* a call that writes to it is under way; its client has gone meanwhile */
    struct listener *next, **previous;
};

static struct listener *listeners;
static struct bight_timer beat_timer;

/* ------------------------------------------------------------------------------------------ listeners */

/* Takes a hold of the event. */
static void queue(struct listener *listener, struct bight_bytes *event)
{
    if (listener->count == WAITING) {
        bight_bytes_release(listener->waiting[listener->first]);
        listener->first = (listener->first + 1) % WAITING;
        listener->count--;
        listener->missed++;
    }
    listener->waiting[(listener->first + listener->count++) % WAITING] = bight_bytes_hold(event);
}

static void drop_waiting(struct listener *listener)
{
    for (; listener->count > 0; listener->count--) {
        bight_bytes_release(listener->waiting[listener->first]);
        listener->first = (listener->first + 1) % WAITING;
    }
}

static void free_listener(struct listener *listener)
{
    *listener->previous = listener->next;
    if (listener->next != NULL) {
        listener->next->previous = listener->previous;
    }
    drop_waiting(listener);
    bight_http_request_release(listener->request);
    free(listener);
}

/* Whoever writes finds out what can no more be written to: true while it is there. */
static bool end_writing(struct listener *listener)
{
    listener->is_busy = false;
    if (listener->is_over) {
        free_listener(listener);
        return false;
    }
    return true;
}

static bool write_event(struct listener *listener, const void *data, size_t size)
{
    listener->is_busy = true;
    bight_http_respond_write(listener->request, data, size);
    return end_writing(listener);
}

static void pause_listener(void *context)
{
    ((struct listener *)context)->takes = false;
}

/* What waits goes first; writing it may pause the listener again. */
static void resume_listener(void *context)
{
    struct listener *listener = context;
    char text[64];
    listener->takes = true;
    if (listener->missed > 0) {
        int size = snprintf(text, sizeof text, "event: missed\ndata: %u\n\n", listener->missed);
        listener->missed = 0;
        if (!write_event(listener, text, (size_t)size)) {
            return;
        }
    }
    bool is_there = true;
    while (is_there && listener->takes && listener->count > 0) {
        struct bight_bytes *event = listener->waiting[listener->first];
        listener->first = (listener->first + 1) % WAITING;
        listener->count--;
        is_there = write_event(listener, bight_bytes_data(event), bight_bytes_size(event));
        bight_bytes_release(event);
    }
}

/* The client has gone. */
static void stop_listener(void *context)
{
    struct listener *listener = context;
    listener->is_over = true;
    if (!listener->is_busy) {
        free_listener(listener);
    }
}

static const struct bight_producer_ops listener_ops = { pause_listener, resume_listener, stop_listener };

static void tell_all(struct bight_bytes *event)
{
    struct listener *next;
    for (struct listener *listener = listeners; event != NULL && listener != NULL; listener = next) {
        next = listener->next;
        if (listener->takes) {
            write_event(listener, bight_bytes_data(event), bight_bytes_size(event));
        } else {
            queue(listener, event);
        }
    }
    bight_bytes_release(event);
}

static void beat(void *context)
{
    struct listener *next;
    for (struct listener *listener = listeners; listener != NULL; listener = next) {
        next = listener->next;
        if (listener->takes) {
            write_event(listener, ":\n\n", 3);
        }
    }
    if (listeners != NULL) {
        bight_call_later(context, BEAT, beat, context, &beat_timer);
    }
}

static void add_listener(struct listener *listener, struct bight_http_request *request)
{
    struct bight_reactor *reactor = bight_http_request_reactor(request);
    listener->request = bight_http_request_hold(request);
    listener->takes = true;
    listener->next = listeners;
    listener->previous = &listeners;
    if (listeners != NULL) {
        listeners->previous = &listener->next;
    }
    listeners = listener;
    if (!bight_timer_is_pending(beat_timer)) {
        bight_call_later(reactor, BEAT, beat, reactor, &beat_timer);
    }
}

static void listen_to_all(struct bight_http_request *request, void *context)
{
    struct listener *listener = calloc(1, sizeof *listener);
    (void)context;
    if (listener == NULL) {
        bight_http_respond_error(request, 503, NULL);
        return;
    }
    bight_http_respond_set(request, "Cache-Control", "no-store");
    bight_http_respond_set(request, "X-Accel-Buffering", "no");
    if (bight_http_respond_begin(request, 200, "text/event-stream", -1) != 0) {
        free(listener);
        return;
    }
    bight_http_respond_write(request, ": welcome\n\n", 11);
    add_listener(listener, request);
    int code = bight_http_respond_register_producer(request, &listener_ops, listener, true);
    if (code != 0 && code != BIGHT_E_CLOSED) { /* CLOSED: it has been stopped, and is gone */
        bight_http_respond_abort(request);
        free_listener(listener);
    }
}

/* One whose answer cannot be finished is about to be stopped. */
void end_chat(void)
{
    struct listener *next;
    for (struct listener *listener = listeners; listener != NULL; listener = next) {
        next = listener->next;
        listener->is_busy = true;
        bool is_finished = bight_http_respond_finish(listener->request) == 0;
        if (end_writing(listener) && is_finished) {
            free_listener(listener);
        }
    }
    bight_timer_cancel(beat_timer);
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

/* Whoever speaks must not say what looks like another event: each line of his is one of data. */
static struct bight_bytes *make_event(const char *name, const char *text)
{
    char event[MAX_NAME + 7 * MAX_TEXT + 20];
    size_t size = (size_t)snprintf(event, sizeof event, "data: %s: ", name);
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            size += (size_t)snprintf(event + size, sizeof event - size, "\ndata: ");
        } else if (*text != '\r') {
            event[size++] = *text;
        }
    }
    size += (size_t)snprintf(event + size, sizeof event - size, "\n\n");
    return bight_bytes_new(event, size);
}

/* A coroutine: nothing in its result is 204. */
static void say(struct bight_http_request *request, struct bight_result *result, void *context)
{
    char name[MAX_NAME + 1], text[MAX_TEXT + 1];
    (void)context;
    if (bight_await(bight_http_request_collect(request, 0), result) != 0) {
        return;
    }
    struct bight_bytes *body = bight_result_take(result, &bight_type_bytes);
    bool is_fine = read_field(body, "name", name, sizeof name) && read_field(body, "text", text, sizeof text) &&
                   strpbrk(name, "\r\n") == NULL;
    bight_bytes_release(body);
    if (!is_fine) {
        bight_result_fail(result, bight_http_failure(400, "a form with a name and a text, please"));
        return;
    }
    tell_all(make_event(name, text));
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
                           "events.addEventListener('missed', event => show('(' + event.data + ' missed)'))\n"
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
    bight_http_route(site, "GET /", show_page, NULL);
    bight_http_route(site, "GET /events", listen_to_all, NULL);
    bight_http_route_coroutine_full(site, "POST /say", say, NULL, NULL, &options);
}
