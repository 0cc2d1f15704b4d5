/* SPDX-License-Identifier: MIT */
/* journal.c - a file with a line for each message, in order. The first line says whose numbers these are.
 *
 * A thread writes, and all that has gathered meanwhile is written and synced at once, so that a disk that is slow makes
 * messages late, and not fewer. What was begun and not finished by a crash is the last line, without its end, and is
 * cut off. A write that fails is undone, and its messages with it; if it cannot be undone nothing more is kept.
 *
 * What is not needed any more goes when the file has become several times as large as it was without that: it is
 * rewritten by the same thread, between two batches. How lines look is lines.c's, which are needed rewrite.c's, and
 * the calls of the system disk.c's. */
#include "journal.h"

#include "disk.h"
#include "lines.h"

#include <bight/sys/digest.h>
#include <bight/thread.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES 1000
#define BYTES ((size_t)1 << 20)
#define KEYS 10000
#define KEY_SIZE 64
#define FILE_SIZE ((size_t)1 << 20)
#define GROWTH 4 /* times what was needed when it was rewritten */

/* Somebody whose line is written. */
struct waiter {
    struct waiter *next;
    struct bight_promise promise;
};

struct batch {
    struct text_buffer text;
    struct waiter *first, **behind;
};

struct journal {
    struct bight_reactor *reactor;
    char *path;
    struct disk *disk;
    struct journal_limits limits;
    uint64_t secret[2];
    bool is_writing, is_broken, is_freed;
    struct batch gathering, writing;
    off_t end;   /* behind the last whole line */
    off_t most;  /* then it is rewritten */
    int outcome; /* the job's: 0 or an errno */
    struct bight_promise resting;
    char epoch[JOURNAL_EPOCH_SIZE];
};

static struct bight_failure *wrong(const struct journal *journal, const char *what)
{
    return bight_failure_new(BIGHT_E_BAD_VALUE, 0, NULL, "--journal %s: %s", journal->path, what);
}

static struct bight_failure *wrong_line(const struct journal *journal, size_t line, const char *what)
{
    return bight_failure_new(BIGHT_E_BAD_VALUE, 0, NULL, "--journal %s:%zu: %s", journal->path, line, what);
}

/* ------------------------------------------------------------------------------------------- life */

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
    batch->text.size = 0;
}

static void destroy(struct journal *journal)
{
    disk_close(journal->disk);
    free(journal->gathering.text.bytes);
    free(journal->writing.text.bytes);
    free(journal->path);
    free(journal);
}

/* The job that there may be does it when it is over. */
void journal_free(struct journal *journal)
{
    if (journal == NULL || journal->is_freed) {
        return;
    }
    journal->is_freed = true;
    answer_waiters(&journal->gathering, ECANCELED);
    if (!journal->is_writing) {
        destroy(journal);
    }
}

/* ------------------------------------------------------------------------------------------- writing */

/* In a thread. */
static void write_batch(struct bight_result *result, void *context)
{
    struct journal *journal = context;
    (void)result;
    journal->outcome = disk_append(journal->disk, journal->writing.text.bytes, journal->writing.text.size);
    if (journal->outcome == 0) {
        journal->end += (off_t)journal->writing.text.size;
    } else if (disk_cut(journal->disk, journal->end) != 0) {
        journal->is_broken = true;
    }
}

/* In a thread. The file that there was goes on if there can be no other, and grows as large again. */
static void rewrite(struct bight_result *result, void *context)
{
    struct journal *journal = context;
    bool is_certain;
    (void)result;
    journal->outcome = lines_rewrite(journal->disk, &journal->limits, journal->secret, &journal->end, &is_certain);
    journal->is_broken |= !is_certain;
    off_t growth = journal->outcome == 0 ? GROWTH : 2;
    journal->most =
        growth * journal->end > (off_t)journal->limits.file ? growth * journal->end : (off_t)journal->limits.file;
}

static void go_on(struct journal *journal);

static void complain(const struct journal *journal)
{
    bight_log(BIGHT_LOG_WARNING, "chatroom", NULL, "the journal %s cannot be rewritten, and grows: %s", journal->path,
        strerror(journal->outcome));
}

/* The waiters may have more to write, and may free the journal. */
static void has_ended(struct bight_result *result, void *context)
{
    struct journal *journal = context;
    int number = bight_result_failure(result) != NULL ? ECANCELED : journal->outcome;
    bight_result_clear(result);
    if (journal->writing.first == NULL && number != 0 && number != ECANCELED && !journal->is_freed) {
        complain(journal);
    }
    answer_waiters(&journal->writing, number);
    if (journal->is_broken) {
        answer_waiters(&journal->gathering, EIO);
    }
    journal->is_writing = false;
    if (journal->is_freed) {
        destroy(journal);
    } else {
        go_on(journal);
    }
}

static void begin_job(struct journal *journal, void (*job)(struct bight_result *result, void *context))
{
    journal->is_writing = true;
    struct bight_deferred *done = bight_thread_pool_defer(bight_reactor_thread_pool(journal->reactor), job, journal);
    (void)bight_deferred_add_both(done, has_ended, journal);
    bight_deferred_release(done);
}

static void begin_writing(struct journal *journal)
{
    struct batch empty = journal->writing;
    journal->writing = journal->gathering;
    journal->gathering = empty;
    journal->gathering.text.size = 0;
    journal->gathering.behind = &journal->gathering.first;
    begin_job(journal, write_batch);
}

static void go_on(struct journal *journal)
{
    if (journal->end > journal->most && !journal->is_broken) {
        begin_job(journal, rewrite);
    } else if (journal->gathering.text.size > 0) {
        begin_writing(journal);
    } else if (bight_promise_is_open(journal->resting)) {
        (void)bight_callback(journal->resting, NULL, NULL);
    }
}

static struct bight_deferred *keep(const struct bight_http_hub_message *message, void *context)
{
    struct journal *journal = context;
    struct journal_line line = { bight_http_hub_message_number(message), bight_http_hub_message_topic(message) };
    line.text = bight_http_hub_message_text(message, &line.size);
    struct waiter *waiter = calloc(1, sizeof *waiter);
    if (waiter == NULL || journal->is_broken || lines_add(&journal->gathering.text, &line) != BIGHT_OK) {
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

static void take_limits(struct journal *journal, const struct journal_limits *given)
{
    struct journal_limits *limits = &journal->limits;
    *limits = given != NULL ? *given : (struct journal_limits) { .messages = 0 };
    limits->messages = limits->messages > 0 ? limits->messages : MESSAGES;
    limits->bytes = limits->bytes > 0 ? limits->bytes : BYTES;
    limits->keys = limits->keys > 0 ? limits->keys : KEYS;
    limits->key_size = limits->key_size > 0 ? limits->key_size : KEY_SIZE;
    limits->file = limits->file > 0 ? limits->file : FILE_SIZE;
}

static const char *why_not(int number)
{
    return number == EWOULDBLOCK ? "another chat room has it"
           : number == EINVAL    ? "this is no file"
           : number == EOVERFLOW ? "a line that is too long, or holds a NUL"
                                 : strerror(number);
}

/* Its epoch, if it is not new. */
static struct bight_failure *open_disk(struct journal *journal)
{
    int number;
    char *line;
    journal->disk = disk_open(journal->path, &number);
    if (journal->disk == NULL) {
        return wrong(journal, why_not(number));
    }
    struct line_reader reader = LINE_READER(journal->disk);
    number = lines_next(&reader, &line);
    bool is_empty = number == 0 && line == NULL && lines_is_torn_title(reader.buffer.bytes, reader.buffer.size);
    bool is_title = number == 0 && line != NULL && lines_read_title(line, journal->epoch);
    lines_finish(&reader);
    if (is_empty || is_title) {
        return NULL;
    }
    return number == 0 || number == EOVERFLOW ? wrong_line(journal, 1, "this is no journal of a chat room")
                                              : wrong(journal, strerror(number));
}

struct journal *journal_open(struct bight_reactor *reactor, const char *path, const struct journal_limits *limits,
    struct bight_failure **failure)
{
    struct journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL || (journal->path = strdup(path)) == NULL ||
        bight_random(reactor, journal->secret, sizeof journal->secret) != BIGHT_OK) {
        *failure = bight_failure_new(BIGHT_E_OUT_OF_MEMORY, 0, NULL, "no memory");
    } else {
        journal->reactor = reactor;
        journal->gathering.behind = &journal->gathering.first;
        journal->writing.behind = &journal->writing.first;
        take_limits(journal, limits);
        *failure = open_disk(journal);
    }
    if (*failure != NULL && journal != NULL) {
        destroy(journal);
    }
    return *failure == NULL ? journal : NULL;
}

const char *journal_epoch(const struct journal *journal)
{
    return journal->epoch[0] != '\0' ? journal->epoch : NULL;
}

/* ------------------------------------------------------------------------------------------- beginning */

/* At once in the empty file where there can be no other one. */
static struct bight_failure *begin_new(struct journal *journal, const struct bight_http_hub *hub)
{
    struct text_buffer title = { .size = 0 };
    bool is_certain = true;
    int number = lines_add_title(&title, bight_http_hub_epoch(hub)) == BIGHT_OK ? 0 : ENOMEM;
    number = number == 0 ? disk_begin_new(journal->disk) : number;
    number = number == 0 ? disk_add_new(journal->disk, title.bytes, title.size) : number;
    number = number == 0 ? disk_put_new(journal->disk, &is_certain) : number;
    if (number != 0) {
        disk_drop_new(journal->disk);
    }
    if (number != 0 && is_certain && title.size > 0) {
        number = disk_cut(journal->disk, 0);
        number = number == 0 ? disk_append(journal->disk, title.bytes, title.size) : number;
    }
    journal->end = (off_t)title.size;
    free(title.bytes);
    return number == 0 ? NULL : wrong(journal, strerror(number));
}

struct telling {
    struct bight_http_hub *hub;
    void (*told)(const struct journal_line *line, void *context);
    void *context;
};

static const char *restore(char *line, const struct telling *telling)
{
    struct journal_line read;
    const char *why = lines_read(line, &read);
    if (why != NULL) {
        return why;
    }
    if (read.number > 0 &&
        bight_http_hub_restore(telling->hub, read.topic, read.number, read.text, read.size) != BIGHT_OK) {
        return "it cannot be restored: numbers grow, texts are UTF-8 and not too long";
    }
    telling->told(&read, telling->context);
    return NULL;
}

static struct bight_failure *restore_lines(struct journal *journal, const struct telling *telling)
{
    struct line_reader reader = LINE_READER(journal->disk);
    char *line;
    const char *why = NULL;
    int number = lines_next(&reader, &line); /* the title */
    while (why == NULL && number == 0 && (number = lines_next(&reader, &line)) == 0 && line != NULL) {
        why = restore(line, telling);
    }
    why = number == EOVERFLOW ? why_not(number) : why;
    journal->end = reader.end;
    lines_finish(&reader);
    if (why != NULL) {
        return wrong_line(journal, reader.count, why);
    }
    return number == 0 ? NULL : wrong(journal, strerror(number));
}

/* What was read is on the disk for good before anybody is told of it. */
static struct bight_failure *begin_again(struct journal *journal, const struct telling *telling)
{
    struct bight_failure *failure = restore_lines(journal, telling);
    int number = failure == NULL ? disk_cut(journal->disk, journal->end) : 0;
    if (failure == NULL && number == 0 && journal->end > (off_t)journal->limits.file) {
        rewrite(NULL, journal);
        number = journal->is_broken ? journal->outcome : 0;
    }
    return number == 0 ? failure : wrong(journal, strerror(number));
}

struct bight_failure *journal_begin(struct journal *journal, struct bight_http_hub *hub,
    void (*told)(const struct journal_line *line, void *context), void *context)
{
    const struct telling telling = { hub, told, context };
    journal->most = (off_t)journal->limits.file;
    return journal_epoch(journal) == NULL ? begin_new(journal, hub) : begin_again(journal, &telling);
}
