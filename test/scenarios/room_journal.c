/* SPDX-License-Identifier: MIT */
/* room_journal.c - the scenario journal: the room's server with the journal of `bight chatroom` as its store, on a disk
 * whose power goes within any operation, or which is full, and a program that is killed (journal_disk.c).
 *
 * What is acknowledged is safe at that moment, and known in every later life: as a message, or, when the file has been
 * rewritten without it, by its key, and then the hub would not have kept it either. */
#include "room.h"

#include <stdio.h>
#include <stdlib.h>

#include "chatroom/journal.h"
#include "journal_disk.h"

static void fall(void *context)
{
    room_crash(context);
}

/* In the midst of an operation. */
static void power_has_gone(void *context)
{
    struct room_world *world = context;
    (void)bight_call_later(world->server, 0, fall, world, NULL);
}

void room_journal_begin(struct room_world *world)
{
    if (!world->has_journal) {
        return;
    }
    world->keeps = true;
    world->lives = 1 + (unsigned)bight_simulation_draw(world->audit.simulation, MAX_JOURNAL_LIVES);
    journal_disk_begin(world->audit.simulation, power_has_gone, world);
    journal_disk_trouble(world->may_fail ? 5 : 0);
}

void room_journal_end(void)
{
    journal_disk_end();
}

/* Now and then the power goes with it. */
bool room_journal_falls(struct room_world *world)
{
    if (!world->has_journal || !draw(&world->audit, 60)) {
        return false;
    }
    journal_disk_cut_off(draw(&world->audit, 50));
    return true;
}

/* A disk that has failed is not asked again in the same life. */
void room_journal_calm(struct room_world *world)
{
    if (world->has_journal) {
        journal_disk_burn(0);
        journal_disk_trouble(0);
        room_crash(world);
    }
}

/* ------------------------------------------------------------------------------------------- a life */

bool room_journal_open(struct room_world *world)
{
    struct bight_failure *failure = NULL;
    if (!world->has_journal || world->journal != NULL) {
        return true;
    }
    if (journal_disk_is_off()) {
        journal_disk_switch_on();
    }
    const struct journal_limits limits = { .messages = world->hub_options.max_messages,
        .bytes = world->hub_options.max_bytes,
        .keys = KEYS,
        .key_size = MAX_SAID,
        .file = 200 + draw_size(&world->audit, 5000) };
    bool burns = world->life < world->lives && !world->is_calm && draw(&world->audit, 50);
    journal_disk_burn(burns ? 1 + (unsigned)draw_size(&world->audit, 100) : 0);
    world->journal = journal_open(world->server, "said", &limits, &failure);
    if (failure != NULL && !journal_disk_is_off() && strstr(bight_failure_message(failure), "another") == NULL) {
        audit_wrong("the journal cannot be opened: %s", bight_failure_message(failure));
    }
    bight_failure_release(failure);
    return world->journal != NULL;
}

void room_journal_close(struct room_world *world)
{
    struct journal *journal = world->journal;
    world->journal = NULL;
    journal_free(journal);
}

bool room_journal_has(uint64_t number)
{
    char beginning[24];
    (void)snprintf(beginning, sizeof beginning, "%lu\t", (unsigned long)number);
    return journal_disk_is_safe(beginning);
}

/* ------------------------------------------------------------------------------------------- what is back */

static void is_told(const struct journal_line *line, void *context)
{
    struct room_world *world = context;
    const struct epoch *epoch = &world->epochs[world->epoch];
    unsigned key = (unsigned)strtoul(line->text, NULL, 10);
    if (key >= KEYS) {
        audit_wrong("the journal has a line of nobody: %.20s", line->text);
        return;
    }
    if (line->number > 0 && (epoch->count == 0 || epoch->told[epoch->count - 1].number < line->number)) {
        room_note_told(world, room_topic(line->topic), key, line->number);
    }
    world->states[key] = IS_TOLD;
    world->is_restored[key] = line->number > 0;
}

/* Of what the hub keeps nothing may be missing. */
static void check_restored(const struct room_world *world)
{
    const struct epoch *epoch = &world->epochs[world->epoch];
    size_t messages[TOPICS] = { 0 }, bytes[TOPICS] = { 0 };
    size_t most = world->hub_options.max_messages, most_bytes = world->hub_options.max_bytes;
    char text[MAX_SAID];
    for (size_t i = epoch->count; i > 0; i--) {
        const struct told *told = &epoch->told[i - 1];
        if (world->states[told->key] != IS_TOLD) {
            audit_wrong("message %lu was told, and is not known any more", (unsigned long)told->number);
        }
        messages[told->topic]++;
        bytes[told->topic] += room_text(world, told->key, text) + 64;
        bool is_within = messages[told->topic] <= (most > 0 ? most : 1000) &&
                         bytes[told->topic] <= (most_bytes > 0 ? most_bytes : 1 << 20);
        if (is_within && !world->is_restored[told->key]) {
            audit_wrong("message %lu was told, and is lost", (unsigned long)told->number);
        }
    }
}

struct bight_http_hub *room_journal_hub(struct room_world *world, struct bight_http_hub_options *options)
{
    bool is_new = journal_epoch(world->journal) == NULL;
    options->epoch = journal_epoch(world->journal);
    options->store = &journal_store;
    options->store_context = world->journal;
    struct bight_http_hub *hub = bight_http_hub_new(world->server, options);
    if (is_new && world->epochs[world->epoch].count > 0) {
        audit_wrong("the journal is gone");
    }
    world->epoch += is_new && world->epochs[world->epoch].name[0] != '\0';
    (void)snprintf(world->epochs[world->epoch].name, sizeof world->epochs[0].name, "%s", bight_http_hub_epoch(hub));
    memset(world->is_restored, 0, sizeof world->is_restored);
    struct epoch *epoch = &world->epochs[world->epoch];
    size_t count = epoch->count;
    enum key_state states[KEYS];
    memcpy(states, world->states, sizeof states);
    struct bight_failure *failure = journal_begin(world->journal, hub, is_told, world);
    if (failure == NULL) {
        check_restored(world);
        return hub;
    }
    epoch->count = count; /* nobody has been told what was read: it was not safe yet */
    memcpy(world->states, states, sizeof states);
    if (!journal_disk_is_off() && !world->may_fail) {
        audit_wrong("the journal cannot begin: %s", bight_failure_message(failure));
    }
    bight_failure_release(failure);
    bight_http_hub_free(hub);
    if (!journal_disk_is_off()) {
        power_has_gone(world);
    }
    return NULL;
}
