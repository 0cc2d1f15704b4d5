/* SPDX-License-Identifier: MIT */
/* said.c - what clients say, by whichever way it came: taken apart, checked against the limits, and told to the room
 * once, however often it is sent. The ways are in chatroom.c, the rooms in rooms.c, what is kept in journal.c. */
#include "chatroom.h"

#include <bight/sys/digest.h>
#include <bight/sys/hash.h>

#include <stdlib.h>
#include <string.h>

static bool take_line(const char **line, size_t *line_size, const char **bytes, size_t *size)
{
    const char *end = memchr(*bytes, '\n', *size);
    if (end == NULL) {
        return false;
    }
    *line = *bytes;
    *line_size = (size_t)(end - *bytes);
    *size -= *line_size + 1;
    *bytes = end + 1;
    return true;
}

static bool is_plain(const char *text, size_t size, const char *also)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        if ((byte < 0x20 || byte == 0x7f) && (byte == 0 || strchr(also, byte) == NULL)) {
            return false;
        }
    }
    return true;
}

const char *said_read(struct said *said, const char *bytes, size_t size)
{
    if (!take_line(&said->key, &said->key_size, &bytes, &size) ||
        !take_line(&said->name, &said->name_size, &bytes, &size)) {
        return "a key, a name and a text, please, each on a line";
    }
    said->text = bytes;
    said->text_size = size;
    if (said->key_size == 0 || said->key_size > SAID_MAX_KEY || !is_plain(said->key, said->key_size, "")) {
        return "the key is empty or too long";
    }
    if (said->name_size == 0 || said->name_size > SAID_MAX_NAME || !is_plain(said->name, said->name_size, "")) {
        return "the name is empty or too long";
    }
    if (size == 0 || size > SAID_MAX_TEXT || !is_plain(said->text, size, "\n\t")) {
        return "the text is empty or too long";
    }
    return NULL;
}

/* ------------------------------------------------------------------------------------------- keys */

/* The oldest go when there are too many. One that was removed leaves its place empty. */
struct keys {
    struct bight_hash known; /* the value is the place, and one */
    size_t most, next;
    struct {
        char key[SAID_MAX_KEY];
        uint8_t size;
        struct saying *saying;
    } places[];
};

struct keys *keys_new(struct bight_reactor *reactor, size_t most)
{
    uint64_t secret[2];
    struct keys *keys = calloc(1, sizeof *keys + most * sizeof keys->places[0]);
    if (keys == NULL || bight_random(reactor, secret, sizeof secret) != BIGHT_OK) {
        free(keys);
        return NULL;
    }
    keys->most = most;
    bight_hash_init(&keys->known, secret, NULL);
    return keys;
}

void keys_free(struct keys *keys)
{
    if (keys != NULL) {
        bight_hash_finish(&keys->known);
        free(keys);
    }
}

static void empty(struct keys *keys, size_t place)
{
    if (keys->places[place].size > 0) {
        (void)bight_hash_take(&keys->known, keys->places[place].key, keys->places[place].size);
        keys->places[place].size = 0;
    }
}

enum key_outcome keys_add(struct keys *keys, const char *key, size_t size, struct saying **saying)
{
    uintptr_t known = (uintptr_t)bight_hash_get(&keys->known, key, size);
    if (known != 0) {
        *saying = keys->places[known - 1].saying;
        return *saying != NULL ? KEY_IS_BEING_SAID : KEY_IS_KNOWN;
    }
    size_t place = keys->next;
    empty(keys, place);
    if (bight_hash_set(&keys->known, key, size, (void *)(uintptr_t)(place + 1)) != BIGHT_OK) {
        return KEY_HAS_NO_ROOM;
    }
    memcpy(keys->places[place].key, key, size);
    keys->places[place].size = (uint8_t)size;
    keys->places[place].saying = NULL;
    keys->next = (place + 1) % keys->most;
    return KEY_IS_NEW;
}

void keys_begin(struct keys *keys, const char *key, size_t size, struct saying *saying)
{
    uintptr_t place = (uintptr_t)bight_hash_get(&keys->known, key, size);
    if (place != 0) {
        keys->places[place - 1].saying = saying;
    }
}

void keys_settle(struct keys *keys, const char *key, size_t size, bool is_known)
{
    uintptr_t place = (uintptr_t)bight_hash_get(&keys->known, key, size);
    if (place != 0 && is_known) {
        keys->places[place - 1].saying = NULL;
    } else if (place != 0) {
        empty(keys, place - 1);
    }
}
