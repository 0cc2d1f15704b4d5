/* SPDX-License-Identifier: MIT */
/* feed.h - the scenario feed: what its site and its clients share. Events are numbered from 1, and their text is known
 * by their number; of an upload the bytes are stream UPLOAD_KEY + its number. */
#ifndef BIGHT_TEST_SCENARIO_FEED_H
#define BIGHT_TEST_SCENARIO_FEED_H

#include <bight/protocols/http.h>

#include "scenario.h"

#define MAX_SEATS 4
#define MAX_UPLOADS 6
#define MAX_EVENT 3000
#define KEPT 20 /* events that the site keeps */
#define UPLOAD_KEY 2000000

struct feed_world;

/* A listener, through all its connections. */
struct seat {
    uint32_t last; /* that it has got */
    unsigned connections;
    bool wants; /* a connection, which is under way */
    bool is_done, may_skip;
};

struct upload {
    size_t size;
    bool is_cut, is_sent; /* not all of it will be sent; all of it was */
    bool was_handled, has_ended, has_failed, was_answered;
};

struct feed_world {
    struct audit audit;
    struct trouble trouble;
    struct bight_http_site *site;
    struct bight_http_event_channel *channel;
    struct bight_reactor *server, *client;
    struct bight_factory listeners, uploaders;
    uint32_t published, planned; /* events */
    struct seat seats[MAX_SEATS];
    struct upload uploads[MAX_UPLOADS];
    size_t seat_count, upload_count, uploads_begun;
};

/* The text of an event: letters. Returns its size. */
size_t event_text(uint32_t number, char text[MAX_EVENT]);

/* feed_site.c: the site, and its events from now on. */
void make_feed(struct feed_world *world);
uint32_t first_kept(const struct feed_world *world);

#endif
