/* SPDX-License-Identifier: MIT */
/* room_ear.c - the scenario room: what somebody was sent, in each of the three ways, held against the truth: all of it,
 * once and in order, from the id on that he has named, or he is told of a gap, for which there must be a reason. */
#include "room.h"

#include <stdlib.h>
#include <string.h>

struct place {
    size_t epoch;
    uint64_t number;
};

/* False: there is no such epoch. */
static bool read_id(const struct room_world *world, const char *id, size_t size, struct place *place)
{
    for (size_t i = 0; i <= world->epoch; i++) {
        size_t name = strlen(world->epochs[i].name);
        if (size > name + 1 && memcmp(id, world->epochs[i].name, name) == 0 && id[name] == '-') {
            *place = (struct place) { i, strtoull(id + name + 1, NULL, 10) };
            return true;
        }
    }
    audit_wrong("an id of no hub: %.*s", (int)(size < 60 ? size : 60), id);
    return false;
}

static void go_to(struct person *person, struct place place, size_t at)
{
    person->has_place = true;
    person->epoch = place.epoch;
    person->last = place.number;
    person->at = at;
}

/* Behind all up to the number. */
static size_t behind(const struct epoch *epoch, uint64_t number)
{
    size_t at = 0;
    while (at < epoch->count && epoch->told[at].number <= number) {
        at++;
    }
    return at;
}

/* The next one that he is to hear; NULL: there is none. */
static const struct told *next_of(struct person *person)
{
    const struct epoch *epoch = &person->world->epochs[person->epoch];
    while (person->at < epoch->count && epoch->told[person->at].topic != person->topic) {
        person->at++;
    }
    return person->at < epoch->count ? &epoch->told[person->at] : NULL;
}

/* Without a place of his it is where he was when he joined. */
static bool find_place(struct person *person)
{
    if (!person->has_place && person->has_joined) {
        go_to(person, (struct place) { person->joined_epoch, 0 }, person->joined_at);
    }
    return person->has_place;
}

static void check_text(struct person *person, const struct told *told, const char *text, size_t size)
{
    char expected[MAX_SAID];
    if (size != room_text(person->world, told->key, expected) || memcmp(text, expected, size) != 0) {
        audit_wrong("message %lu has another text", (unsigned long)told->number);
    }
    if (told->key / MAX_SAYINGS == person->number) {
        person->is_done[told->key % MAX_SAYINGS] = true;
    }
}

void person_hears(struct person *person, const char *id, size_t id_size, const char *text, size_t size)
{
    struct place place;
    if (!read_id(person->world, id, id_size, &place)) {
        return;
    }
    if (!find_place(person) || place.epoch != person->epoch) {
        audit_wrong("person %u hears %.*s, of another hub, without a gap", person->number, (int)id_size, id);
        return;
    }
    const struct told *told = next_of(person);
    if (told == NULL || told->number != place.number) {
        audit_wrong("person %u hears %.*s (way %d) behind %lu, where %lu comes next", person->number, (int)id_size, id,
            (int)person->way, (unsigned long)person->last, told != NULL ? (unsigned long)told->number : 0);
        return;
    }
    go_to(person, place, person->at + 1);
    check_text(person, told, text, size);
}

/* Of the hub's that he is connected to, he must have named what it cannot know, or has dropped. */
static void check_reason(const struct person *person, struct place place)
{
    bool is_another = !person->has_named || person->named_epoch != place.epoch;
    if (!person->world->may_drop && !person->is_stranger && (!person->has_named || !is_another)) {
        audit_wrong("person %u is told of a gap at %lu without a reason", person->number, (unsigned long)place.number);
    }
    if (person->has_place && person->epoch == place.epoch && place.number < person->last) {
        audit_wrong("person %u is told of a gap at %lu, and was at %lu", person->number, (unsigned long)place.number,
            (unsigned long)person->last);
    }
}

void person_hears_of_a_gap(struct person *person, const char *id, size_t id_size)
{
    struct place place;
    if (read_id(person->world, id, id_size, &place)) {
        check_reason(person, place);
        go_to(person, place, behind(&person->world->epochs[place.epoch], place.number));
        person->was_told_of_a_gap = true;
    }
}

void person_hears_where_it_stands(struct person *person, const char *id, size_t id_size)
{
    struct place place;
    if (read_id(person->world, id, id_size, &place)) {
        go_to(person, place, behind(&person->world->epochs[place.epoch], place.number));
    }
}

/* --------------------------------------------------------------------------------------------- formats */

/* What follows `words`, which must be there. NULL: it is not. */
static const char *skip(const char *at, const char *end, const char *words)
{
    size_t size = strlen(words);
    if (at == NULL || (size_t)(end - at) < size || memcmp(at, words, size) != 0) {
        return NULL;
    }
    return at + size;
}

/* A string up to its quote, behind which it goes on; the texts of this scenario have nothing to be escaped. */
static const char *take_string(const char *at, const char *end, const char **text, size_t *size)
{
    const char *quote = at != NULL ? memchr(at, '"', (size_t)(end - at)) : NULL;
    if (quote == NULL) {
        return NULL;
    }
    *text = at;
    *size = (size_t)(quote - at);
    return quote + 1;
}

/* {"id":"e-17","text":"hello"} or {"id":"e-17","gap":true}. Returns what is behind; NULL: it is neither. */
static const char *take_message(struct person *person, const char *at, const char *end)
{
    const char *id = NULL, *text = NULL;
    size_t id_size = 0, size = 0;
    at = take_string(skip(at, end, "{\"id\":\""), end, &id, &id_size);
    const char *gap = skip(at, end, ",\"gap\":true}");
    if (gap != NULL) {
        person_hears_of_a_gap(person, id, id_size);
        return gap;
    }
    at = skip(take_string(skip(at, end, ",\"text\":\""), end, &text, &size), end, "}");
    if (at != NULL) {
        person_hears(person, id, id_size, text, size);
    }
    return at;
}

void person_hears_json(struct person *person, const char *json, size_t size)
{
    if (take_message(person, json, json + size) != json + size) {
        audit_wrong("a socket says %.80s", json);
    }
}

/* A gap is before the first of the messages, whose place is not said then. */
static void take_gap_before(struct person *person, const char *message, const char *end)
{
    struct place place;
    const char *id;
    size_t size;
    if (take_string(skip(message, end, "{\"id\":\""), end, &id, &size) == NULL ||
        !read_id(person->world, id, size, &place)) {
        return;
    }
    const struct epoch *epoch = &person->world->epochs[place.epoch];
    size_t at = place.number > 0 ? behind(epoch, place.number - 1) : 0;
    check_reason(person, place);
    go_to(person, (struct place) { place.epoch, place.number - 1 }, at);
    person->was_told_of_a_gap = true;
}

/* {"id":"e-18","gap":false,"messages":[...]} */
void person_hears_poll(struct person *person, const char *json, size_t size)
{
    const char *end = json + size, *id = NULL, *at;
    size_t id_size = 0;
    at = take_string(skip(json, end, "{\"id\":\""), end, &id, &id_size);
    bool has_gap = skip(at, end, ",\"gap\":true") != NULL;
    at = skip(skip(at, end, has_gap ? ",\"gap\":true" : ",\"gap\":false"), end, ",\"messages\":[");
    bool is_empty = skip(at, end, "]}") != NULL;
    if (has_gap && is_empty) {
        person_hears_of_a_gap(person, id, id_size);
    } else if (has_gap) {
        take_gap_before(person, at, end);
    } else if (!person->has_named && !person->is_stranger) {
        person_hears_where_it_stands(person, id, id_size);
    }
    while (at != NULL && skip(at, end, "]}") == NULL) {
        at = take_message(person, at, end);
        at = at != NULL && *at == ',' ? at + 1 : at;
    }
    struct place place;
    if (at == NULL || !read_id(person->world, id, id_size, &place)) {
        audit_wrong("a poll is answered %.80s", json);
    } else if (place.epoch != person->epoch || place.number != person->last) {
        audit_wrong("person %u is to go on at %.*s, and has heard up to %lu (epoch %zu)", person->number, (int)id_size,
            id, (unsigned long)person->last, person->epoch);
    }
}

/* Of an event, whose lines end at `end`. */
static const char *line_of(const char *event, const char *end, const char *name, size_t *size)
{
    for (const char *line = event; line < end; line = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1) {
        const char *value = skip(line, end, name);
        if (value != NULL) {
            *size = (size_t)((const char *)memchr(value, '\n', (size_t)(end - value)) - value);
            return value;
        }
    }
    return NULL;
}

static void take_event(struct person *person, const char *event, const char *end)
{
    size_t id_size = 0, type_size = 0, size = 0;
    const char *id = line_of(event, end, "id: ", &id_size), *type = line_of(event, end, "event: ", &type_size);
    const char *text = line_of(event, end, "data: ", &size);
    if (id != NULL && type != NULL && type_size == 3 && memcmp(type, "gap", 3) == 0) {
        person_hears_of_a_gap(person, id, id_size);
    } else if (id != NULL && text != NULL && type == NULL) {
        person_hears(person, id, id_size, text, size);
    } else if (event[0] != ':') {
        audit_wrong("an event that is none: %.60s", event);
    }
}

void person_hears_events(struct person *person)
{
    struct text *heard = &person->heard;
    size_t used = 0;
    while (used < heard->size) {
        const char *event = (const char *)heard->data + used;
        const char *end = memmem(event, heard->size - used, "\n\n", 2);
        if (end == NULL) {
            break;
        }
        take_event(person, event, end + 1);
        used = (size_t)(end + 2 - (const char *)heard->data);
    }
    if (used > 0) {
        text_drop(heard, used);
    }
}
