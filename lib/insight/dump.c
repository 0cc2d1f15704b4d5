/* SPDX-License-Identifier: MIT */
/* dump.c - what waits for what: the reactor's figures, the Deferreds of this thread, its timers, and what the
 * rooms above hang on it.
 *
 * Which Deferreds there are only debug mode knows (base/places.h); the rest is read off the reactor's own books. All is
 * written into memory first, so that the receiver of the text may change anything. */
#include <bight/debug.h>

#include <bight/log.h>
#include <bight/memory.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/dump.h"
#include "base/places.h"
#include "base/text.h"
#include "deferred/deferred.h"
#include "deferred/describe.h"
#include "reactor/state.h"

/* The soonest; the others are counted. */
#define MAX_TIMERS 1000

#define STATE_SIZE 512

static double seconds(uint64_t nanoseconds)
{
    return (double)nanoseconds / (double)BIGHT_NANOSECONDS_PER_SECOND;
}

/* ------------------------------------------------------------------------------------------ figures */

static void describe_reactor(struct bight_reactor *reactor, struct bi_dump *dump)
{
    struct bight_reactor_figures figures = { .size = sizeof figures };
    char longest[160] = "";
    (void)bight_reactor_read_figures(reactor, &figures);
    if (figures.longest_kind != NULL) {
        const char *place = figures.longest_place != NULL ? figures.longest_place : "";
        snprintf(longest, sizeof longest, "\nlongest %.6f s: %s%s%s", seconds(figures.longest_handler),
            figures.longest_kind, *place != '\0' ? " " : "", place);
    }
    bi_dump_node(dump, "reactor", "ellipse",
        "reactor: %llu turns\n%llu handlers%s\n%llu bytes received\n%llu sent\n%u threads with %llu jobs waiting",
        (unsigned long long)figures.turns, (unsigned long long)figures.handlers, longest,
        (unsigned long long)figures.bytes_received, (unsigned long long)figures.bytes_sent, figures.threads,
        (unsigned long long)figures.jobs_queued);
    if (!bi_deferred_debug()) {
        bi_dump_node(dump, "debug mode", "note",
            "debug mode is off (BIGHT_DEBUG=1): %llu Deferreds in this process\nnot known which",
            (unsigned long long)figures.deferreds);
    }
}

/* ---------------------------------------------------------------------------------------- Deferreds */

struct writer {
    struct bi_dump *dump;
    const struct bight_deferred *deferred;
    char name[BI_DUMP_NAME_SIZE];
    struct bi_text state; /* parts, each after a newline */
};

/* " #12", and an edge. */
static void name_other(struct writer *writer, const struct bight_deferred *other, const char *edge)
{
    char name[BI_DUMP_NAME_SIZE];
    bi_dump_name(other, name);
    bi_text_append_string(&writer->state, " ");
    bi_text_append_string(&writer->state, name);
    if (edge != NULL) {
        bi_dump_edge(writer->dump, writer->name, name, edge);
    }
}

static void write_result(struct writer *writer)
{
    const struct bight_result *result = &writer->deferred->result;
    char line[160];
    if (result->type == NULL) {
        bi_text_append_string(&writer->state, "\nwith no value");
    } else if (result->type == &bight_type_failure) {
        snprintf(line, sizeof line, "\nwith a failure: %s", bight_error_name(bight_failure_code(result->value)));
        bi_text_append_string(&writer->state, line);
    } else {
        const char *name = result->type->name;
        snprintf(line, sizeof line, "\nwith a value: %s", name != NULL ? name : "of a type without a name");
        bi_text_append_string(&writer->state, line);
    }
}

static void write_firing(struct writer *writer)
{
    const struct bight_deferred *deferred = writer->deferred;
    struct bi_text *state = &writer->state;
    if ((deferred->flags & BI_DEFERRED_COROUTINE) != 0) {
        bi_text_append_string(state, "\nof a coroutine");
    }
    if ((deferred->flags & BI_DEFERRED_FIRED) == 0) {
        bi_text_append_string(state, "\nnot fired");
        return;
    }
    const char *place = (deferred->flags & BI_DEFERRED_HAS_PLACES) != 0 ? deferred->fired_at : NULL;
    bi_text_append_string(state, "\nfired at ");
    bi_text_append_string(state, place != NULL ? place : "an unknown place");
    if ((deferred->flags & BI_DEFERRED_BLOCKED) == 0) {
        write_result(writer);
    }
}

static void write_waits(struct writer *writer)
{
    const struct bight_deferred *deferred = writer->deferred;
    struct bi_text *state = &writer->state;
    if ((deferred->flags & (BI_DEFERRED_RUNNING | BI_DEFERRED_FORWARDING)) != 0) {
        bi_text_append_string(state, "\nrunning");
    }
    if ((deferred->flags & BI_DEFERRED_PAUSED) != 0) {
        bi_text_append_string(state, "\npaused");
    }
    if ((deferred->flags & BI_DEFERRED_WAITING) != 0) {
        bi_text_append_string(state, "\nwaits for");
        name_other(writer, deferred->waiting_on, "waits for");
    }
    if ((deferred->flags & BI_DEFERRED_WAITED) != 0) {
        bi_text_append_string(state, "\nawaited by");
        for (const struct bight_deferred *each = deferred->first_waiter; each != NULL; each = each->next_waiter) {
            name_other(writer, each, NULL);
        }
    }
    if ((deferred->flags & BI_DEFERRED_TIED) != 0) {
        bi_text_append_string(state, deferred->owner->ended ? "\ntied to what has ended" : "\ntied");
    }
}

/* Handlers to call, and Deferreds that the result will go on to. */
static void write_levels(struct writer *writer)
{
    const struct bight_deferred *deferred = writer->deferred;
    unsigned handlers = 0;
    for (uint32_t i = deferred->next; i < deferred->count; i++) {
        const struct bi_level *level = &deferred->levels[i];
        const struct bight_deferred *heir = bi_deferred_successor(level);
        handlers += level->callback != bi_listener_tag ? 1 : 0;
        if (heir != NULL) {
            bi_text_append_string(&writer->state, "\ngives on to");
            name_other(writer, heir, "gives on to");
        }
    }
    char line[48];
    snprintf(line, sizeof line, "\n%u handler%s to call", handlers, handlers == 1 ? "" : "s");
    bi_text_append_string(&writer->state, handlers > 0 ? line : "");
    bi_text_append_string(&writer->state, deferred->holds == 0 ? "\nheld by nobody" : "");
}

static void describe_deferred(struct bi_dump *dump, const struct bi_place *place, uint64_t now)
{
    char state[STATE_SIZE];
    struct writer writer = { .dump = dump, .deferred = place->object, .state = { state, sizeof state, 0 } };
    bi_dump_name(writer.deferred, writer.name);
    write_firing(&writer);
    write_waits(&writer);
    write_levels(&writer);
    (void)bi_text_end(&writer.state);
    bi_dump_node(dump, writer.name, "box", "%s (%s)%s\n%.1f s old", writer.name,
        place->place != NULL ? place->place : "an unknown place", state, seconds(now - place->made));
}

static bool is_our_deferred(const struct bi_place *place)
{
    return strcmp(place->kind, "Deferred") == 0 && pthread_equal(place->thread, pthread_self());
}

static int compare_places(const void *left, const void *right)
{
    const struct bi_place *one = left, *other = right;
    return one->number < other->number ? -1 : one->number > other->number;
}

static void describe_deferreds(struct bi_dump *dump)
{
    size_t all = bi_places_live_slots(0, NULL, 0);
    struct bi_place *places = bight_malloc(all * sizeof *places);
    if (places == NULL) {
        dump->has_failed = true;
        return;
    }
    size_t count = 0;
    size_t found = bi_places_live_slots(0, places, all);
    found = found < all ? found : all; /* other threads go on */
    for (size_t i = 0; i < found; i++) {
        if (is_our_deferred(&places[i])) {
            places[count++] = places[i];
        }
    }
    qsort(places, count, sizeof *places, compare_places);
    bi_dump_section(dump, count, "Deferred");
    uint64_t now = bi_places_now();
    for (size_t i = 0; i < count; i++) {
        describe_deferred(dump, &places[i], now);
    }
    bight_free(places);
}

/* ------------------------------------------------------------------------------------------- timers */

struct timers {
    const struct bi_wheel_entry **entries;
    size_t count;
};

static void list_timer(const struct bi_wheel_entry *entry, void *context)
{
    struct timers *timers = context;
    timers->entries[timers->count++] = entry;
}

static int compare_deadlines(const void *left, const void *right)
{
    const struct bi_wheel_entry *one = *(const struct bi_wheel_entry *const *)left;
    const struct bi_wheel_entry *other = *(const struct bi_wheel_entry *const *)right;
    return one->deadline < other->deadline ? -1 : one->deadline > other->deadline;
}

static void describe_timer(struct bi_dump *dump, const struct bi_wheel_entry *entry, size_t index, uint64_t now)
{
    char name[BI_DUMP_NAME_SIZE];
    char place[BI_DUMP_PLACE_SIZE];
    bool is_call = bi_reactor_call_of(entry) != NULL;
    bool is_late = entry->deadline <= now;
    snprintf(name, sizeof name, "timer %zu", index + 1);
    bi_dump_node(dump, name, "box, style=rounded", "%s%s\n%s%.6f s", is_call ? "call" : "timeout",
        bi_dump_place(entry, entry->generation, place), is_late ? "due since " : "due in ",
        is_late ? seconds(now - entry->deadline) : seconds(entry->deadline - now));
}

static void describe_timers(struct bight_reactor *reactor, struct bi_dump *dump)
{
    size_t all = (size_t)reactor->wheel.armed;
    struct timers timers = { bight_malloc(all * sizeof *timers.entries), 0 };
    if (timers.entries == NULL) {
        dump->has_failed = true;
        return;
    }
    bi_wheel_visit(&reactor->wheel, list_timer, &timers);
    if (timers.count > 0) {
        qsort(timers.entries, timers.count, sizeof *timers.entries, compare_deadlines);
    }
    bi_dump_section(dump, timers.count, "timer");
    uint64_t now = bi_reactor_now(reactor);
    for (size_t i = 0; i < timers.count && i < MAX_TIMERS; i++) {
        describe_timer(dump, timers.entries[i], i, now);
    }
    bight_free(timers.entries);
}

/* ---------------------------------------------------------------------------------------- the whole */

/* Puts the whole together. The text is the caller's to bight_free. 0 or OUT_OF_MEMORY. */
static int make_dump(struct bight_reactor *reactor, struct bi_dump *dump)
{
    bi_dump_begin(dump);
    describe_reactor(reactor, dump);
    if (bi_deferred_debug()) {
        describe_deferreds(dump);
    }
    describe_timers(reactor, dump);
    for (struct bi_attachment *each = reactor->attachments; each != NULL; each = each->next) {
        if (each->kind->describe != NULL) {
            each->kind->describe(each, dump);
        }
    }
    bi_dump_end(dump);
    return dump->has_failed ? BIGHT_E_OUT_OF_MEMORY : 0;
}

int bight_debug_dump(
    struct bight_reactor *reactor, enum bight_dump_format format, bight_dump_function write, void *context)
{
    if ((format != BIGHT_DUMP_TEXT && format != BIGHT_DUMP_DOT) || write == NULL) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE,
            write == NULL ? "bight_debug_dump: there is no function" : "bight_debug_dump: there is no such format");
    }
    struct bi_dump dump = { .is_graph = format == BIGHT_DUMP_DOT };
    int code = bi_reactor_check_thread(reactor, "bight_debug_dump");
    if (code == 0) {
        code = make_dump(reactor, &dump);
    }
    if (code == 0) {
        write(dump.text, dump.size, context);
    }
    bight_free(dump.text);
    return code;
}
