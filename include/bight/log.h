/* SPDX-License-Identifier: MIT */
/* bight/log.h - structured log events and their observer.
 *
 * Until a program installs an observer, warnings and worse go to standard error, one line each, every byte
 * that came from elsewhere escaped. Nothing else is ever printed. Observer and level are process-wide and set
 * before the first reactor. Logging allocates nothing; an observer may be called from any thread. */
#ifndef BIGHT_LOG_H
#define BIGHT_LOG_H

#include <bight/failure.h>

BIGHT_BEGIN

enum bight_log_level {
    BIGHT_LOG_DEBUG = 10,
    BIGHT_LOG_INFO = 20,
    BIGHT_LOG_WARNING = 30,
    BIGHT_LOG_ERROR = 40,
    BIGHT_LOG_CRITICAL = 50
};

enum bight_log_field_kind { BIGHT_FIELD_TEXT = 1, BIGHT_FIELD_INTEGER, BIGHT_FIELD_BYTES };

/* One named value of an event. Text and bytes are borrowed for the call; bytes may hold anything. */
struct bight_log_field {
    const char *name;
    enum bight_log_field_kind kind;
    int64_t integer;
    const void *data;
    size_t size;
};

struct bight_log_event {
    enum bight_log_level level;
    const char *system;                  /* which part speaks: "deferred", "port"; "" or NULL: the program itself */
    const char *message;                 /* one line without a full stop, fully formatted; may hold bytes of a peer */
    const char *place;                   /* where in the source; NULL when that means nothing to the reader */
    const struct bight_failure *failure; /* NULL: none. Borrowed for the call */
    const struct bight_log_field *fields;
    size_t field_count;
};

typedef void (*bight_log_observer)(const struct bight_log_event *event, void *context);

/* Every event from `level` on goes to `observer`, and nothing more goes to standard error. NULL restores the
 * default. */
BIGHT_API void bight_log_set_observer(bight_log_observer observer, void *context);
/* NULL, with a context of NULL: the default. `context` may be NULL. */
BIGHT_API bight_log_observer bight_log_get_observer(void **context);

/* Events below `level` are dropped before they are formatted. The default is WARNING. */
BIGHT_API void bight_log_set_level(enum bight_log_level level);
BIGHT_API enum bight_log_level bight_log_get_level(void);

/* "debug", "info", "warning", "error", "critical" (any case) to the level; 0 for anything else. */
BIGHT_API int bight_log_level_from_name(const char *name);

/* Hands an event to the observer. The macro formats only when the level is wanted; messages longer than 1023 bytes are
 * cut. Where it stands goes along in debug mode (BIGHT_DEBUG=1) only: it helps developers, not operators.
 *
 *     void bight_log(enum bight_log_level level, const char *system, const struct bight_failure *failure,
 *         const char *format, ...); */
#define bight_log(level, system, failure, ...)                                      \
    ((int)(level) >= (int)bight_log_get_level()                                     \
            ? bight_log_from(BIGHT_HERE, (level), (system), (failure), __VA_ARGS__) \
            : (void)0)

/* The same with a place that always goes along, such as the caller's in a usage error. */
BIGHT_API void bight_log_at(const char *place, enum bight_log_level level, const char *system,
    const struct bight_failure *failure, const char *format, ...) BIGHT_PRINTF(5, 6);

/* Hands over an event with fields of the caller's own. */
BIGHT_API void bight_log_event_emit(const struct bight_log_event *event);

/* Writes the default form of an event as one line without newline, every byte outside printable ASCII escaped
 * as \n, \r, \t or \xHH and a backslash doubled, cut to `size` with its NUL. Returns the length written.
 *
 *     PROGRAM: LEVEL: [SYSTEM] MESSAGE NAME=VALUE: FAILURE (PLACE)
 *
 * An error of no system is the program's own and stands without its level, as programs complain: "ask: cannot connect
 * to 127.0.0.1:9: refused". A message that is its failure's description is not said twice. Failures are described;
 * codes and places (bight_failure_format) are shown of critical ones, which a developer has to look into, and in debug
 * mode. */
BIGHT_API size_t bight_log_event_format(const struct bight_log_event *event, char *buffer, size_t size);

/* Escapes `data` as above. Returns the length written, always NUL-terminated and never half an escape. */
BIGHT_API size_t bight_escape(const void *data, size_t data_size, char *buffer, size_t size);

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API void bight_log_from(const char *place, enum bight_log_level level, const char *system,
    const struct bight_failure *failure, const char *format, ...) BIGHT_PRINTF(5, 6);

BIGHT_END

#endif
