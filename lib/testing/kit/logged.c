/* SPDX-License-Identifier: MIT */
/* logged.c - the log while a trial lasts: errors are kept, to fail it unless the test has expected and flushed them.
 *
 * The explorer does the same with each run of a scenario. Events may come from any thread. Those that do not fit are
 * counted. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/fork.h"
#include "testing/kit/trial.h"

#define MOST 32
#define LINE 240

struct logged {
    int code; /* of the event's failure; 0: it has none */
    char line[LINE];
};

static struct {
    pthread_mutex_t lock;
    struct logged events[MOST];
    size_t kept, dropped;
    FILE *copy; /* where each is written at once; NULL: nowhere */
} logged = { .lock = PTHREAD_MUTEX_INITIALIZER };
BI_FORK_GUARD(logged.lock, BI_FORK_KIT, NULL)

static void write_copy(const struct bight_log_event *event)
{
    char line[LINE];
    if (logged.copy != NULL) {
        (void)bight_log_event_format(event, line, sizeof line);
        (void)fprintf(logged.copy, "%s\n", line);
    }
}

static void observe(const struct bight_log_event *event, void *context)
{
    (void)context;
    if (event->level < BIGHT_LOG_ERROR) {
        return;
    }
    pthread_mutex_lock(&logged.lock);
    if (logged.kept < MOST) {
        struct logged *entry = &logged.events[logged.kept++];
        entry->code = event->failure == NULL ? 0 : bight_failure_code(event->failure);
        (void)bight_log_event_format(event, entry->line, sizeof entry->line);
    } else {
        logged.dropped++;
    }
    write_copy(event);
    pthread_mutex_unlock(&logged.lock);
}

void bi_trial_begin_logging(FILE *copy)
{
    logged.kept = logged.dropped = 0;
    logged.copy = copy;
    bight_log_set_observer(observe, NULL);
}

void bi_trial_end_logging(void)
{
    bight_log_set_observer(NULL, NULL);
}

size_t bight_trial_flush_logged(int kind)
{
    size_t flushed = 0, kept = 0;
    pthread_mutex_lock(&logged.lock);
    for (size_t i = 0; i < logged.kept; i++) {
        const struct logged *entry = &logged.events[i];
        if (kind == BIGHT_OK || (entry->code != 0 && bight_error_is(entry->code, kind))) {
            flushed++;
        } else {
            logged.events[kept++] = *entry;
        }
    }
    logged.kept = kept;
    if (kind == BIGHT_OK) {
        flushed += logged.dropped;
        logged.dropped = 0;
    }
    pthread_mutex_unlock(&logged.lock);
    return flushed;
}

size_t bi_trial_first_logged(char *line, size_t size)
{
    pthread_mutex_lock(&logged.lock);
    size_t count = logged.kept + logged.dropped;
    (void)snprintf(line, size, "%s", logged.kept > 0 ? logged.events[0].line : "");
    pthread_mutex_unlock(&logged.lock);
    return count;
}

size_t bi_trial_write_logged(struct bi_trial_text *to)
{
    pthread_mutex_lock(&logged.lock);
    size_t count = logged.kept + logged.dropped;
    for (size_t i = 0; i < logged.kept; i++) {
        bi_trial_write(to, "logged: %s\n", logged.events[i].line);
    }
    if (logged.dropped > 0) {
        bi_trial_write(to, "logged: %zu more\n", logged.dropped);
    }
    pthread_mutex_unlock(&logged.lock);
    return count;
}
