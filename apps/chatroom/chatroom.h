/* SPDX-License-Identifier: MIT */
/* chatroom.h - what the files of `bight chatroom` share. */
#ifndef CHATROOM_H
#define CHATROOM_H

#include <bight/bight.h>
#include <bight/protocols/http.h>

/* What a client says: three lines or more, "KEY\nNAME\nTEXT". The key is its own and of no meaning here: it is how a
 * client finds what it said among what all say, and how what it says twice, not knowing whether the first has come, is
 * told once. Views of what was received. */
struct said {
    const char *key, *name, *text;
    size_t key_size, name_size, text_size;
};

enum { SAID_MAX_KEY = 64, SAID_MAX_NAME = 60, SAID_MAX_TEXT = 4000, SAID_MAX = 4200 }; /* bytes */

/* said.c: NULL, or what is wrong with it. */
const char *said_read(struct said *said, const char *bytes, size_t size);

/* said.c: the keys of what was said last, each once; of those that not all know yet, who is about it. */
struct keys;
struct saying; /* rooms.c */
struct keys *keys_new(struct bight_reactor *reactor, size_t most);
void keys_free(struct keys *keys); /* NULL is allowed */
enum key_outcome { KEY_IS_NEW, KEY_IS_BEING_SAID, KEY_IS_KNOWN, KEY_HAS_NO_ROOM };
/* *saying is set when it is being said. */
enum key_outcome keys_add(struct keys *keys, const char *key, size_t size, struct saying **saying);
void keys_begin(struct keys *keys, const char *key, size_t size, struct saying *saying);
/* If it is not known it is new again. */
void keys_settle(struct keys *keys, const char *key, size_t size, bool is_known);

/* rooms.c: the site, whose rooms are topics of a hub. */
struct rooms;
/* The hub is borrowed. NULL when out of memory. */
struct rooms *rooms_new(struct bight_reactor *reactor, struct bight_http_hub *hub);
/* A text that has been told before, in an earlier life: its key is known. */
void rooms_remember(const char *text, void *rooms);
struct bight_factory *rooms_factory(struct rooms *rooms);
void rooms_free(struct rooms *rooms); /* NULL is allowed */

/* Made from the page's files when this is built. */
extern const char chatroom_page[], chatroom_script[], chatroom_style[];

#endif
