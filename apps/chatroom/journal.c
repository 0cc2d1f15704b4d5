/* SPDX-License-Identifier: MIT */
/* journal.c - a file with a line for each message, in order: its number, its topic, its text, with tabs between them.
 * The first line says whose numbers these are: "bight chatroom 1 EPOCH".
 *
 * A thread writes, and all that has gathered meanwhile is written and synced at once, so that a disk that is slow makes
 * messages late, and not fewer. What was begun and not finished by a crash is the last line, without its end, and is
 * cut off. A write that fails is undone, and its messages with it; if it cannot be undone nothing more is kept. */
#include "journal.h"

#include <bight/thread.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TITLE "bight chatroom 1 "
#define MAX_LINE 70000 /* bytes: more than a message of the hub can need here */

/* Somebody whose line is written. */
struct waiter {
    struct waiter *next;
    struct bight_promise promise;
};

struct batch {
    char *bytes;
    size_t size, room;
    struct waiter *first, **behind;
};

struct journal {
    struct bight_reactor *reactor;
    char *path;
    int descriptor;
    bool is_writing, is_broken;
    struct batch gathering, writing;
    off_t end;   /* behind the last whole line */
    int outcome; /* the job's: 0 or an errno */
    struct bight_promise resting;
    char epoch[40];
};

static struct bight_failure *wrong(const struct journal *journal, const char *what)
{
    return bight_failure_new(BIGHT_E_BAD_VALUE, 0, NULL, "--journal %s: %s", journal->path, what);
}

static struct bight_failure *wrong_line(const struct journal *journal, size_t line, const char *what)
{
    return bight_failure_new(BIGHT_E_BAD_VALUE, 0, NULL, "--journal %s:%zu: %s", journal->path, line, what);
}

/* ------------------------------------------------------------------------------------------- lines */

/* Room for `size` bytes more; NULL when out of memory. */
static char *room_in(struct batch *batch, size_t size)
{
    if (batch->size + size > batch->room) {
        size_t room = 2 * (batch->size + size);
        char *bytes = realloc(batch->bytes, room);
        if (bytes == NULL) {
            return NULL;
        }
        batch->bytes = bytes;
        batch->room = room;
    }
    return batch->bytes + batch->size;
}

static char *put_escaped(char *at, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bool is_special = text[i] == '\\' || text[i] == '\n' || text[i] == '\t';
        if (is_special) {
            *at++ = '\\';
        }
        *at++ = text[i] == '\n' ? 'n' : (text[i] == '\t' ? 't' : text[i]);
    }
    return at;
}

/* In place; false: there is no such escape. */
static bool unescape(char *text)
{
    char *to = text;
    for (; *text != '\0'; text++) {
        if (*text != '\\') {
            *to++ = *text;
            continue;
        }
        text++;
        if (*text != '\\' && *text != 'n' && *text != 't') {
            return false;
        }
        *to++ = *text == 'n' ? '\n' : (*text == 't' ? '\t' : '\\');
    }
    *to = '\0';
    return true;
}

static int add_line(struct batch *batch, const struct bight_http_hub_message *message)
{
    size_t size;
    const char *text = bight_http_hub_message_text(message, &size), *topic = bight_http_hub_message_topic(message);
    char *line = room_in(batch, 2 * size + strlen(topic) + 32), *at = line;
    if (line == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    at += sprintf(at, "%llu\t%s\t", (unsigned long long)bight_http_hub_message_number(message), topic);
    at = put_escaped(at, text, size);
    *at++ = '\n';
    batch->size += (size_t)(at - line);
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------------- writing */

static int write_all(int descriptor, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(descriptor, bytes, size);
        if (written < 0 && errno != EINTR) {
            return errno;
        }
        bytes += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
    return fdatasync(descriptor) == 0 ? 0 : errno;
}

/* In a thread. */
static void write_batch(struct bight_result *result, void *context)
{
    struct journal *journal = context;
    (void)result;
    journal->outcome = write_all(journal->descriptor, journal->writing.bytes, journal->writing.size);
    if (journal->outcome == 0) {
        journal->end += (off_t)journal->writing.size;
    } else if (ftruncate(journal->descriptor, journal->end) != 0) {
        journal->is_broken = true;
    }
}

static void answer_waiters(struct batch *batch, int number)
{
    while (batch->first != NULL) {
        struct waiter *waiter = batch->first;
        batch->first = waiter->next;
        (void)(number == 0 ? bight_callback(waiter->promise, NULL, NULL)
                           : bight_errback(waiter->promise, bight_failure_from_errno(number, "writing the journal")));
        free(waiter);
    }
    batch->behind = &batch->first;
    batch->size = 0;
}

static void begin_writing(struct journal *journal);

/* The waiters may have more to write. */
static void was_written(struct bight_result *result, void *context)
{
    struct journal *journal = context;
    int number = bight_result_failure(result) != NULL ? ECANCELED : journal->outcome;
    bight_result_clear(result);
    answer_waiters(&journal->writing, number);
    journal->is_writing = false;
    if (journal->gathering.size > 0) {
        begin_writing(journal);
    } else if (bight_promise_is_open(journal->resting)) {
        (void)bight_callback(journal->resting, NULL, NULL);
    }
}

static void begin_writing(struct journal *journal)
{
    struct batch empty = journal->writing;
    journal->writing = journal->gathering;
    if (journal->writing.first == NULL) {
        journal->writing.behind = &journal->writing.first;
    }
    journal->gathering = empty;
    journal->gathering.size = 0;
    journal->gathering.behind = &journal->gathering.first;
    journal->is_writing = true;
    struct bight_deferred *job =
        bight_thread_pool_defer(bight_reactor_thread_pool(journal->reactor), write_batch, journal);
    (void)bight_deferred_add_both(job, was_written, journal);
    bight_deferred_release(job);
}

/* On a turn of its own, so that what is said in one turn is written together. */
static struct bight_deferred *keep(const struct bight_http_hub_message *message, void *context)
{
    struct journal *journal = context;
    struct waiter *waiter = calloc(1, sizeof *waiter);
    if (waiter == NULL || journal->is_broken || add_line(&journal->gathering, message) != BIGHT_OK) {
        free(waiter);
        return bight_fail(journal->is_broken ? bight_failure_new(BIGHT_E_SYSTEM, EIO, NULL, "the journal is broken")
                                             : bight_failure_new(BIGHT_E_OUT_OF_MEMORY, 0, NULL, "no memory"));
    }
    struct bight_deferred *deferred = bight_deferred_new(&waiter->promise, NULL, NULL);
    *journal->gathering.behind = waiter;
    journal->gathering.behind = &waiter->next;
    if (!journal->is_writing) {
        begin_writing(journal);
    }
    return deferred;
}

const struct bight_http_hub_store journal_store = { .size = sizeof journal_store, .keep = keep };

struct bight_deferred *journal_rest(struct journal *journal)
{
    return journal->is_writing ? bight_deferred_new(&journal->resting, NULL, NULL) : NULL;
}

/* ------------------------------------------------------------------------------------------- opening */

/* Its epoch, if it is not new. */
static struct bight_failure *read_title(struct journal *journal, FILE *file)
{
    char line[sizeof TITLE + sizeof journal->epoch], end;
    if (fgets(line, sizeof line, file) == NULL) {
        return NULL;
    }
    if (sscanf(line, TITLE "%32[0-9A-Za-z]%c", journal->epoch, &end) != 2 || end != '\n') {
        return wrong_line(journal, 1, "this is no journal of a chat room");
    }
    journal->end = (off_t)strlen(line);
    return NULL;
}

static struct bight_failure *take(struct journal *journal)
{
    if (flock(journal->descriptor, LOCK_EX | LOCK_NB) != 0) {
        return wrong(journal, errno == EWOULDBLOCK ? "another chat room has it" : strerror(errno));
    }
    int copy = fcntl(journal->descriptor, F_DUPFD_CLOEXEC, 0);
    FILE *file = copy >= 0 ? fdopen(copy, "r") : NULL;
    if (file == NULL) {
        return wrong(journal, strerror(errno));
    }
    struct bight_failure *failure = read_title(journal, file);
    (void)fclose(file);
    return failure;
}

struct journal *journal_open(struct bight_reactor *reactor, const char *path, struct bight_failure **failure)
{
    struct journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL || (journal->path = strdup(path)) == NULL) {
        free(journal);
        *failure = bight_failure_new(BIGHT_E_OUT_OF_MEMORY, 0, NULL, "no memory");
        return NULL;
    }
    journal->reactor = reactor;
    journal->gathering.behind = &journal->gathering.first;
    journal->writing.behind = &journal->writing.first;
    journal->descriptor = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    *failure = journal->descriptor < 0 ? wrong(journal, strerror(errno)) : take(journal);
    if (*failure != NULL) {
        journal_free(journal);
        return NULL;
    }
    return journal;
}

void journal_free(struct journal *journal)
{
    if (journal == NULL) {
        return;
    }
    answer_waiters(&journal->gathering, ECANCELED);
    if (journal->descriptor >= 0) {
        (void)close(journal->descriptor);
    }
    free(journal->gathering.bytes);
    free(journal->writing.bytes);
    free(journal->path);
    free(journal);
}

const char *journal_epoch(const struct journal *journal)
{
    return journal->epoch[0] != '\0' ? journal->epoch : NULL;
}

/* ------------------------------------------------------------------------------------------- beginning */

static struct bight_failure *begin_new(struct journal *journal, const struct bight_http_hub *hub)
{
    char title[sizeof TITLE + sizeof journal->epoch];
    int size = snprintf(title, sizeof title, TITLE "%s\n", bight_http_hub_epoch(hub));
    int number = write_all(journal->descriptor, title, (size_t)size);
    journal->end = size;
    return number == 0 ? NULL : wrong(journal, strerror(number));
}

/* A whole line without its end. */
static const char *restore(
    char *line, struct bight_http_hub *hub, void (*told)(const char *text, void *context), void *context)
{
    char *end, *topic = strchr(line, '\t'), *text = topic != NULL ? strchr(topic + 1, '\t') : NULL;
    if (text == NULL) {
        return "a number, a room and a text were expected";
    }
    *text++ = '\0';
    unsigned long long number = strtoull(line, &end, 10);
    if (end != topic || *line < '1' || *line > '9' || !unescape(text)) {
        return "a number that is none, or an escape";
    }
    if (bight_http_hub_restore(hub, topic + 1, number, text, strlen(text)) != BIGHT_OK) {
        return "it cannot be restored: numbers grow, texts are UTF-8 and not too long";
    }
    told(text, context);
    return NULL;
}

static struct bight_failure *restore_lines(struct journal *journal, FILE *file, struct bight_http_hub *hub,
    void (*told)(const char *text, void *context), void *context)
{
    char *line = NULL;
    size_t room = 0, number = 1;
    ssize_t size = getline(&line, &room, file); /* the title */
    const char *why = NULL;
    while (why == NULL && (size = getline(&line, &room, file)) > 0 && line[size - 1] == '\n') {
        line[size - 1] = '\0';
        number++;
        why = size > MAX_LINE || strlen(line) != (size_t)size - 1 ? "a line that is too long, or holds a NUL"
                                                                  : restore(line, hub, told, context);
        journal->end += size;
    }
    bool has_failed = ferror(file) != 0;
    free(line);
    if (has_failed) {
        return wrong(journal, strerror(EIO));
    }
    return why == NULL ? NULL : wrong_line(journal, number, why);
}

struct bight_failure *journal_begin(
    struct journal *journal, struct bight_http_hub *hub, void (*told)(const char *text, void *context), void *context)
{
    if (journal_epoch(journal) == NULL) {
        return begin_new(journal, hub);
    }
    FILE *file = fopen(journal->path, "re");
    if (file == NULL) {
        return wrong(journal, strerror(errno));
    }
    struct bight_failure *failure = restore_lines(journal, file, hub, told, context);
    (void)fclose(file);
    if (failure == NULL && ftruncate(journal->descriptor, journal->end) != 0) {
        failure = wrong(journal, strerror(errno));
    }
    return failure;
}
