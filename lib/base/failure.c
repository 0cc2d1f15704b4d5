/* SPDX-License-Identifier: MIT */
/* failure.c - failures: counted, immutable, with causes.
 *
 * A failure is one block: the struct, the pointers to its causes, the message. The shared failures are a
 * constant table with one entry a code; holding and releasing these touches nothing, so they live in
 * read-only memory and can be given when there is no memory left. The one idea: what a release frees is put
 * on a list that runs through the dead failures themselves, so that no depth of causes costs stack (D12). */
#include <bight/failure.h>

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <bight/memory.h>

#include "base/check.h"
#include "base/errno_text.h"
#include "base/error_index.h"
#include "base/text.h"

enum {
    MESSAGE_LIMIT = 1024,      /* with its NUL */
    CAUSES_SPELLED_LIMIT = 16, /* also bounds the recursion that spells them */
};

struct bight_failure {
    atomic_size_t holds;
    bool is_shared;
    int code;
    int number; /* an errno, or 0 */
    int status; /* what it means is the code's; 0: none */
    const char *message;
    const char *place;
    struct bight_failure **causes;
    size_t cause_count;
    size_t index; /* of which of several; SIZE_MAX for most */
    struct bight_failure *next_dead;
};

static const struct bight_failure shared_failures[BI_ERROR_COUNT] = {
#define SHARED(name, value, parent, text) \
    { .is_shared = true, .code = BIGHT_E_##name, .message = text, .place = "", .index = SIZE_MAX },
    BIGHT_ERROR_LIST(SHARED)
#undef SHARED
};

struct bight_failure *bight_failure_of(int code)
{
    int index = bi_error_index(code);
    if (index < 0) {
        bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_failure_of: there is no code %d", code);
        index = BI_ERROR_INDEX_INVALID_ARGUMENT;
    }
    /* Nothing writes to a shared failure; the type is not const so that it can stand where counted ones do.
     */
    return (struct bight_failure *)&shared_failures[index];
}

static void release_all(struct bight_failure *const *failures, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bight_failure_release(failures[i]);
    }
}

static struct bight_failure *allocate(size_t cause_count, size_t message_size)
{
    size_t fixed = sizeof(struct bight_failure) + message_size;
    if (cause_count > (SIZE_MAX - fixed) / sizeof(struct bight_failure *)) {
        return NULL;
    }
    return bight_malloc(fixed + cause_count * sizeof(struct bight_failure *));
}

/* Takes the causes, also when the shared failure for OUT_OF_MEMORY is the answer. */
static struct bight_failure *make(
    const char *place, int code, int number, struct bight_failure *const *causes, size_t count, const char *message)
{
    size_t message_size = strlen(message) + 1;
    struct bight_failure *failure = allocate(count, message_size);
    if (failure == NULL) {
        release_all(causes, count);
        return bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
    }
    struct bight_failure **own_causes = (struct bight_failure **)(void *)(failure + 1);
    char *own_message = (char *)(own_causes + count);
    memcpy(own_message, message, message_size);
    for (size_t i = 0; i < count; i++) {
        own_causes[i] = causes[i];
    }
    *failure = (struct bight_failure) {
        .code = code,
        .number = number,
        .message = own_message,
        .place = place,
        .causes = own_causes,
        .cause_count = count,
        .index = SIZE_MAX,
    };
    atomic_init(&failure->holds, 1);
    return failure;
}

/* The message: formatted in `buffer`, or the code's own text. */
static const char *format_message(char *buffer, size_t size, int code, const char *format, va_list arguments)
{
    if (format == NULL || vsnprintf(buffer, size, format, arguments) < 0) {
        return bight_error_text(code);
    }
    return buffer;
}

/* One with a cause or none. */
static struct bight_failure *make_one(
    const char *place, int code, int number, struct bight_failure *cause, const char *format, va_list arguments)
{
    char buffer[MESSAGE_LIMIT];
    const char *message = format_message(buffer, sizeof buffer, code, format, arguments);
    return make(place, code, number, &cause, cause == NULL ? 0 : 1, message);
}

struct bight_failure *bight_failure_new_at(
    const char *place, int code, int number, struct bight_failure *cause, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct bight_failure *failure = make_one(place, code, number, cause, format, arguments);
    va_end(arguments);
    return failure;
}

struct bight_failure *bight_failure_new_status_at(
    const char *place, int code, int status, struct bight_failure *cause, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct bight_failure *failure = make_one(place, code, 0, cause, format, arguments);
    va_end(arguments);
    if (!failure->is_shared) {
        failure->status = status;
    }
    return failure;
}

struct bight_failure *bight_failure_new_many_at(
    const char *place, int code, struct bight_failure *const *causes, size_t count, const char *format, ...)
{
    char buffer[MESSAGE_LIMIT];
    va_list arguments;
    va_start(arguments, format);
    const char *message = format_message(buffer, sizeof buffer, code, format, arguments);
    va_end(arguments);
    return make(place, code, 0, causes, count, message);
}

struct bight_failure *bight_failure_first_error_at(const char *place, size_t index, struct bight_failure *cause)
{
    if (cause == NULL) {
        cause = bight_failure_of(
            bi_usage_error(BIGHT_E_INVALID_ARGUMENT, place, "bight_failure_first_error: there is no cause"));
    }
    char buffer[64];
    snprintf(buffer, sizeof buffer, "number %zu of several failed", index);
    struct bight_failure *failure = make(place, BIGHT_E_FIRST_ERROR, 0, &cause, 1, buffer);
    if (!failure->is_shared) {
        failure->index = index;
    }
    return failure;
}

struct bight_failure *bight_failure_from_errno_at(const char *place, int number, const char *what)
{
    char buffer[BI_ERRNO_TEXT_SIZE];
    return bight_failure_new_at(
        place, bight_error_from_errno(number), number, NULL, "%s: %s", what, bi_errno_text(number, buffer));
}

struct bight_failure *bight_failure_hold(const struct bight_failure *failure)
{
    struct bight_failure *held = (struct bight_failure *)failure;
    if (!held->is_shared) {
        atomic_fetch_add_explicit(&held->holds, 1, memory_order_relaxed);
    }
    return held;
}

/* Releases one hold; true when it was the last. */
static bool drop(struct bight_failure *failure)
{
    if (failure == NULL || failure->is_shared) {
        return false;
    }
    size_t before = atomic_fetch_sub_explicit(&failure->holds, 1, memory_order_acq_rel);
    BI_INVARIANT(before > 0);
    return before == 1;
}

void bight_failure_release(struct bight_failure *failure)
{
    struct bight_failure *dead = drop(failure) ? failure : NULL;
    while (dead != NULL) {
        struct bight_failure *current = dead;
        dead = current->next_dead;
        for (size_t i = 0; i < current->cause_count; i++) {
            struct bight_failure *cause = current->causes[i];
            if (drop(cause)) {
                cause->next_dead = dead;
                dead = cause;
            }
        }
        bight_free(current);
    }
}

int bight_failure_code(const struct bight_failure *failure)
{
    return failure->code;
}

int bight_failure_errno(const struct bight_failure *failure)
{
    return failure->number;
}

int bight_failure_status(const struct bight_failure *failure)
{
    return failure->status;
}

const char *bight_failure_message(const struct bight_failure *failure)
{
    return failure->message;
}

const char *bight_failure_place(const struct bight_failure *failure)
{
    return failure->place;
}

size_t bight_failure_cause_count(const struct bight_failure *failure)
{
    return failure->cause_count;
}

struct bight_failure *bight_failure_cause(const struct bight_failure *failure, size_t index)
{
    return index < failure->cause_count ? failure->causes[index] : NULL;
}

struct bight_failure *bight_failure_root(const struct bight_failure *failure)
{
    while (failure->cause_count > 0) {
        failure = failure->causes[0];
    }
    return (struct bight_failure *)(uintptr_t)failure;
}

size_t bight_first_error_index(const struct bight_failure *failure)
{
    return failure->index;
}

bool bight_failure_is(const struct bight_failure *failure, int kind)
{
    return bight_error_is(failure->code, kind);
}

/* How a failure and its causes are put into words. */
struct wording {
    const char *of_one, *of_more, *between; /* before the first cause; before the first that is not told; between two */
    bool has_codes_and_places;
};

struct speller {
    struct bi_text text;
    const struct wording *wording;
    unsigned left; /* causes that may still be told */
};

static void say(struct speller *speller, const char *string)
{
    bi_text_append_string(&speller->text, string);
}

/* "message", or "message [CODE] (place)" */
static void spell_one(struct speller *speller, const struct bight_failure *failure)
{
    say(speller, failure->message);
    if (!speller->wording->has_codes_and_places) {
        return;
    }
    say(speller, " [");
    say(speller, bight_error_name(failure->code));
    say(speller, "]");
    if (failure->place[0] != '\0') {
        say(speller, " (");
        say(speller, failure->place);
        say(speller, ")");
    }
}

/* ", because A" or ", because A; and B; and C". Several causes of a cause stand in brackets. */
static void spell_causes(struct speller *speller, const struct bight_failure *failure)
{
    const struct wording *wording = speller->wording;
    for (size_t i = 0; i < failure->cause_count; i++) {
        say(speller, i > 0 ? wording->between : speller->left > 0 ? wording->of_one : wording->of_more);
        if (speller->left == 0) {
            say(speller, "more");
            return;
        }
        speller->left--;
        const struct bight_failure *cause = failure->causes[i];
        bool in_brackets = failure->cause_count > 1 && cause->cause_count > 0;
        say(speller, in_brackets ? "(" : "");
        spell_one(speller, cause);
        spell_causes(speller, cause);
        say(speller, in_brackets ? ")" : "");
    }
}

static size_t spell(const struct bight_failure *failure, const struct wording *wording, char *buffer, size_t size)
{
    struct speller speller = { .text = { buffer, size, 0 }, .wording = wording, .left = CAUSES_SPELLED_LIMIT };
    spell_one(&speller, failure);
    spell_causes(&speller, failure);
    bi_text_end(&speller.text);
    return speller.text.needed;
}

size_t bight_failure_format(const struct bight_failure *failure, char *buffer, size_t size)
{
    static const struct wording exact = { ", because ", ", because of ", "; and ", true };
    return spell(failure, &exact, buffer, size);
}

size_t bight_failure_describe(const struct bight_failure *failure, char *buffer, size_t size)
{
    static const struct wording plain = { ": ", ": ", "; ", false };
    return spell(failure, &plain, buffer, size);
}
