/* SPDX-License-Identifier: MIT */
/* room.h - the scenario room: what its server and its people share.
 *
 * What is said has a key, by which its text is known. What the server has acknowledged, in the order of the ids, is the
 * truth, against which everybody's hearing is checked. */
#ifndef BIGHT_TEST_SCENARIO_ROOM_H
#define BIGHT_TEST_SCENARIO_ROOM_H

#include <bight/protocols/http.h>
#include <bight/protocols/http_client.h>
#include <bight/protocols/websocket.h>

#include "scenario.h"
#include "text.h"

#define MAX_PEOPLE 5
#define MAX_SAYINGS 5 /* of each */
#define TOPICS 2
#define CHATTER (MAX_PEOPLE * MAX_SAYINGS) /* the first key of the server's own */
#define MAX_CHATTER 100
#define LAST_WORDS (CHATTER + MAX_CHATTER) /* the keys of what is said in the end, one of a topic */
#define KEYS (LAST_WORDS + TOPICS)
#define MAX_SAID 16000
#define MAX_LIVES 5          /* that are begun of the server's own accord */
#define MAX_JOURNAL_LIVES 12 /* with those that end with the power */
#define MAX_EPOCHS (MAX_JOURNAL_LIVES + 4)

struct room_world;

/* A message that was acknowledged. */
struct told {
    uint64_t number;
    unsigned topic, key;
};

/* What is known of the hubs of an epoch. */
struct epoch {
    char name[40];
    struct told told[KEYS];
    size_t count;
};

enum way { BY_SOCKET, BY_EVENTS, BY_POLLS, WAYS };

/* Somebody who listens, through all connections. */
struct person {
    struct room_world *world;
    unsigned number, topic, attempt;
    enum way way;
    /* How far he has heard: of an epoch all up to `last`; `at` is where the truth goes on. */
    bool has_place, has_joined;
    size_t epoch, at, joined_epoch, joined_at;
    uint64_t last;
    /* His connection. */
    bool is_connected; /* or is about to be */
    struct bight_deferred *asked, *reading, *posted;
    struct bight_websocket *socket;
    struct bight_http_response *response;
    struct text heard;
    struct bight_timer again, leaving, slow, saying;
    size_t named_epoch;
    bool has_named, is_stranger; /* he has named the id that he had; one that nobody knows */
    /* What he says. */
    unsigned sayings, posting;
    bool is_done[MAX_SAYINGS], was_said_here[MAX_SAYINGS];
    bool was_told_of_a_gap;
};

enum key_state { NOT_SAID, IS_PENDING, IS_TOLD };

struct room_world {
    struct audit audit;
    struct trouble trouble;
    struct bight_host *hosts[3];
    struct bight_reactor *server, *clients[2];
    struct bight_http_client *http[2];
    size_t client_count;
    /* The server. */
    struct bight_http_hub *hub;   /* NULL: there is none for now */
    struct bight_http_site *site; /* likewise */
    struct bight_websocket_factory visitors;
    struct bight_websocket_options visitor_options;
    struct bight_http_hub_options hub_options;
    struct bight_http_event_options event_options;
    struct bight_timer ending; /* of the hub */
    bool may_drop;             /* the history is short, or topics end soon */
    unsigned life, lives;      /* hubs so far, and how many there may be */
    struct epoch epochs[MAX_EPOCHS];
    size_t epoch; /* the one of now */
    bool is_serving, is_draining;
    enum key_state states[KEYS];
    unsigned chatter, most_chatter;
    size_t most_text;
    /* Its store. */
    bool keeps, may_fail;
    struct told kept[KEYS]; /* in the order of numbers */
    size_t kept_count, keeping;
    /* Or its journal. */
    bool has_journal;
    struct journal *journal;
    bool is_restored[KEYS];
    /* Its people. */
    struct bight_websocket_factory sockets;
    struct person people[MAX_PEOPLE];
    size_t person_count, opened, closed;
    bool is_calm, is_over; /* nothing goes wrong any more; everybody goes home */
};

/* room_site.c */
size_t room_text(const struct room_world *world, unsigned key, char text[MAX_SAID]);
/* From now on; and at last. */
void room_open(struct room_world *world);
void room_say_last_words(struct room_world *world);
void room_close(struct room_world *world);
extern const struct bight_websocket_ops room_visitor_ops;

/* A message has been acknowledged, or was told in an earlier life. */
void room_note_told(struct room_world *world, unsigned topic, unsigned key, uint64_t number);
unsigned room_topic(const char *name);
/* What the server is ends at once, and is there again some time later. */
void room_crash(struct room_world *world);

/* room_journal.c: a server whose store is the journal of `bight chatroom`, on a disk whose power goes. */
void room_journal_begin(struct room_world *world);
void room_journal_end(void);
void room_journal_calm(struct room_world *world);
/* False: it is not there yet. */
bool room_journal_open(struct room_world *world);
void room_journal_close(struct room_world *world);
/* Makes a hub with it, and gives it back what there is; NULL: it fell over this. */
struct bight_http_hub *room_journal_hub(struct room_world *world, struct bight_http_hub_options *options);
bool room_journal_has(uint64_t number);
bool room_journal_falls(struct room_world *world);

/* room_ear.c: what somebody was sent is held against the truth. */
void person_hears(struct person *person, const char *id, size_t id_size, const char *text, size_t size);
void person_hears_of_a_gap(struct person *person, const char *id, size_t id_size);
void person_hears_json(struct person *person, const char *json, size_t size);
void person_hears_poll(struct person *person, const char *json, size_t size);
void person_hears_events(struct person *person);
void person_hears_where_it_stands(struct person *person, const char *id, size_t id_size);

/* room.c */
struct visitor {
    struct bight_websocket base;
    struct bight_http_hub_subscription *subscription;
    unsigned topic;
};
struct caller {
    struct bight_websocket base;
    struct person *person; /* NULL: he has left */
};

#endif
