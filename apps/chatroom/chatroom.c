/* SPDX-License-Identifier: MIT */
/* chatroom.c - `bight chatroom`: rooms to talk in, in a browser. The service: hub, journal and rooms, and their ends.
 * What is served is rooms.c's. */
#include "chatroom.h"

#include "journal.h"
#include "runner.h"

#include <bight/sys/service.h>

#include <math.h>

static const struct bight_service_option options[] = {
    { "journal", BIGHT_SERVICE_TEXT, "FILE", "keep what was said in a file, across restarts" },
    { .name = NULL },
};

static struct bight_http_hub *hub;
static struct rooms *rooms;
static struct journal *journal;

/* What was said last is written before the end. */
static struct bight_deferred *await_journal(void *context)
{
    (void)context;
    return journal != NULL ? journal_rest(journal) : NULL;
}

/* While there is a reactor. */
static struct bight_deferred *end_hub(void *context)
{
    (void)context;
    bight_http_hub_free(hub);
    hub = NULL;
    return NULL;
}

static void stop(struct bight_factory *factory)
{
    (void)factory;
    bight_http_hub_free(hub);
    rooms_free(rooms);
    journal_free(journal);
    hub = NULL;
    rooms = NULL;
    journal = NULL;
}

static int make(struct bight_reactor *reactor)
{
    const struct bight_http_hub_options kept = { .size = sizeof kept,
        .max_age = INFINITY,
        .epoch = journal != NULL ? journal_epoch(journal) : NULL,
        .store = journal != NULL ? &journal_store : NULL,
        .store_context = journal };
    hub = bight_http_hub_new(reactor, journal != NULL ? &kept : NULL);
    rooms = rooms_new(reactor, hub);
    if (rooms == NULL ||
        bight_add_trigger(reactor, BIGHT_SHUTDOWN, BIGHT_BEFORE, await_journal, NULL, NULL, NULL) != BIGHT_OK) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    return bight_add_trigger(reactor, BIGHT_SHUTDOWN, BIGHT_AFTER, end_hub, NULL, NULL, NULL);
}

static void remember(const struct journal_line *line, void *context)
{
    rooms_remember(line->text, context);
}

static struct bight_failure *set_up(struct bight_reactor *reactor, const char *path)
{
    struct bight_failure *failure = NULL;
    if (path != NULL) {
        journal = journal_open(reactor, path, NULL, &failure);
    }
    if (failure == NULL && make(reactor) != BIGHT_OK) {
        failure = bight_failure_new(BIGHT_E_OUT_OF_MEMORY, 0, NULL, "the rooms could not be made");
    }
    return failure == NULL && journal != NULL ? journal_begin(journal, hub, remember, rooms) : failure;
}

static struct bight_factory *start(
    struct bight_reactor *reactor, const struct bight_service_value *values, struct bight_failure **failure)
{
    *failure = set_up(reactor, values[0].text);
    if (*failure != NULL) {
        stop(NULL);
        return NULL;
    }
    return rooms_factory(rooms);
}

static const struct bight_service service = {
    .name = "chatroom",
    .summary = "Rooms to talk in, in a browser (WebSocket, events, polls).",
    .examples = "bight chatroom\nbight chatroom --journal said tcp:8080",
    .options = options,
    .default_endpoint = "tcp:8080:interface=127.0.0.1",
    .start = start,
    .stop = stop,
    .url_scheme = "http",
};

int runner_register_chatroom(void)
{
    return bight_service_register(&service);
}
