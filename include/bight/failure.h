/* SPDX-License-Identifier: MIT */
/* bight/failure.h - a failure: what went wrong, where it began, and what caused it.
 *
 * Immutable and counted; holds may be taken and released in any thread. Code, errno, message, the place in the source
 * and any number of causes travel together. Making one never fails: when out of memory the result is the shared failure
 * for OUT_OF_MEMORY. The shared failures of bight_failure_of() allocate nothing and may be held and released like any
 * other. */
#ifndef BIGHT_FAILURE_H
#define BIGHT_FAILURE_H

#include <bight/error.h>

BIGHT_BEGIN

struct bight_failure;

/* A new failure with a printf-style message (NULL: the code's own text; cut after 1023 bytes). `number` is an
 * errno or 0; `cause` is taken (NULL: none). The caller owns one hold. Never NULL.
 *
 *     struct bight_failure *bight_failure_new(int code, int number, struct bight_failure *cause, const char *format,
 *         ...); */
#define bight_failure_new(code, number, cause, ...) \
    bight_failure_new_at(BIGHT_HERE, (code), (number), (cause), __VA_ARGS__)

/* A new failure with a status, whose meaning is its code's (see bight_failure_status); without an errno. Else as
 * bight_failure_new.
 *
 *     struct bight_failure *bight_failure_new_status(int code, int status, struct bight_failure *cause,
 *         const char *format, ...); */
#define bight_failure_new_status(code, status, cause, ...) \
    bight_failure_new_status_at(BIGHT_HERE, (code), (status), (cause), __VA_ARGS__)

/* A new failure with `count` causes, in order; each is taken, the array is not. Never NULL.
 *
 *     struct bight_failure *bight_failure_new_many(int code, struct bight_failure *const *causes, size_t count,
 *         const char *format, ...); */
#define bight_failure_new_many(code, causes, count, ...) \
    bight_failure_new_many_at(BIGHT_HERE, (code), (causes), (count), __VA_ARGS__)

/* FIRST_ERROR: `cause` (taken) is what went wrong with the one at `index` of several. Never NULL.
 *
 *     struct bight_failure *bight_failure_first_error(size_t index, struct bight_failure *cause); */
#define bight_failure_first_error(index, cause) bight_failure_first_error_at(BIGHT_HERE, (index), (cause))

/* The failure of a system call: `number` is a positive errno, the code is bight_error_from_errno()'s, the
 * message is `what` and the system's text. Never NULL.
 *
 *     struct bight_failure *bight_failure_from_errno(int number, const char *what); */
#define bight_failure_from_errno(number, what) bight_failure_from_errno_at(BIGHT_HERE, (number), (what))

/* The shared failure of a code: no errno, the code's own text, no cause, nothing allocated. Never NULL. */
BIGHT_API BIGHT_MUST_USE struct bight_failure *bight_failure_of(int code);

/* One more hold; returns the failure. */
BIGHT_API struct bight_failure *bight_failure_hold(const struct bight_failure *failure);

/* Releases one hold; NULL is allowed. A million causes deep is freed in constant stack (D12). */
BIGHT_API void bight_failure_release(struct bight_failure *failure);

BIGHT_API int bight_failure_code(const struct bight_failure *failure);

/* The errno that came with it, 0 when none did. */
BIGHT_API int bight_failure_errno(const struct bight_failure *failure);

/* The status with which something answered or ended that is no system call; 0 when there is none. What it means is the
 * code's: of PROCESS_TERMINATED the status with which the process exited, or the signal that ended it, negated; of
 * HTTP_STATUS the answer's, 400 to 599; of a program's own failures whatever the program says. */
BIGHT_API int bight_failure_status(const struct bight_failure *failure);

/* One line without a full stop, in which bytes of a peer or user stand as they came; lives as long as the failure. */
BIGHT_API const char *bight_failure_message(const struct bight_failure *failure);

/* "file.c:123" where it was made; "" for a shared failure. */
BIGHT_API const char *bight_failure_place(const struct bight_failure *failure);

BIGHT_API size_t bight_failure_cause_count(const struct bight_failure *failure);

/* The cause at `index` (borrowed), NULL past the end. */
BIGHT_API struct bight_failure *bight_failure_cause(const struct bight_failure *failure, size_t index);

/* What began it (borrowed): the first cause of the first cause, and so on; the failure itself when it has none. It is
 * CONNECTION_REFUSED, say, where the failure of a list of lists is FIRST_ERROR. */
BIGHT_API struct bight_failure *bight_failure_root(const struct bight_failure *failure);

/* Which of several failed first; SIZE_MAX when the failure was not made by bight_failure_first_error(). */
BIGHT_API size_t bight_first_error_index(const struct bight_failure *failure);

/* bight_error_is() of its code. */
BIGHT_API bool bight_failure_is(const struct bight_failure *failure, int kind);

/* Writes the failure and its causes, most recent first, as one line of at most `size` bytes with its NUL; at
 * most 16 causes are spelled out. Returns the length that the whole text needs, as snprintf does. */
BIGHT_API size_t bight_failure_format(const struct bight_failure *failure, char *buffer, size_t size);

/* The same for a program's users, not its developers: messages alone, without codes and places, as in "cannot connect
 * to localhost: [::1]:9: refused; 127.0.0.1:9: refused". Bytes of a peer or user are as they came: bight_escape()
 * before a terminal sees them. */
BIGHT_API size_t bight_failure_describe(const struct bight_failure *failure, char *buffer, size_t size);

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API BIGHT_MUST_USE struct bight_failure *bight_failure_new_at(
    const char *place, int code, int number, struct bight_failure *cause, const char *format, ...) BIGHT_PRINTF(5, 6);
BIGHT_API BIGHT_MUST_USE struct bight_failure *bight_failure_new_status_at(
    const char *place, int code, int status, struct bight_failure *cause, const char *format, ...) BIGHT_PRINTF(5, 6);
BIGHT_API BIGHT_MUST_USE struct bight_failure *bight_failure_new_many_at(const char *place, int code,
    struct bight_failure *const *causes, size_t count, const char *format, ...) BIGHT_PRINTF(5, 6);
BIGHT_API BIGHT_MUST_USE struct bight_failure *bight_failure_first_error_at(
    const char *place, size_t index, struct bight_failure *cause);
BIGHT_API BIGHT_MUST_USE struct bight_failure *bight_failure_from_errno_at(
    const char *place, int number, const char *what);

BIGHT_END

#endif
