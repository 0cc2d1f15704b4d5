/* SPDX-License-Identifier: MIT */
/* bight/result.h - the slot in which a result travels down a chain, and the types of results.
 *
 * A handler is given the slot and edits it in place (D3): left untouched the result passes on; peeked at, it
 * still passes on; taken, set or cleared, it changes; failed, the chain turns to failure; chained, it waits
 * for another Deferred. A value is destroyed by its type's own function exactly once, unless taken (D31). */
#ifndef BIGHT_RESULT_H
#define BIGHT_RESULT_H

#include <bight/failure.h>

BIGHT_BEGIN

struct bight_deferred;

/* Says what a value is. Make one `extern const` object for each kind of value; its address is the type. Both functions
 * may also be given where a bight_release_function is asked for: bight_type_bytes.destroy for a hold on bytes,
 * bight_type_stream.discard for a stream that is to be aborted as well. */
struct bight_type {
    const char *name;
    /* Releases a value; never called for a NULL one. NULL: nothing to do. */
    void (*destroy)(void *value);
    /* Releases a value that will never be delivered: a connection is aborted as well. NULL: destroy. */
    void (*discard)(void *value);
    const void *reserved[3];
};

struct bight_result {
    const struct bight_type *type; /* NULL: empty */
    void *value;
    struct bight_deferred *deferred; /* whose slot this is; NULL for a result that stands alone */
};

/* Built-in types: a failure; an integer kept in the pointer itself (see bight_integer); a NUL-terminated text from
 * bight_malloc; a pointer without an owner. */
extern BIGHT_API const struct bight_type bight_type_failure;
extern BIGHT_API const struct bight_type bight_type_integer;
extern BIGHT_API const struct bight_type bight_type_text;
extern BIGHT_API const struct bight_type bight_type_pointer;

/* An integer as a value of bight_type_integer, and back. */
static inline void *bight_integer(intptr_t number);
static inline intptr_t bight_integer_value(const void *value);

/* The value when it is of `type`, else NULL. It stays in the slot. */
static inline void *bight_result_peek(const struct bight_result *result, const struct bight_type *type);

/* The failure (borrowed) when the result is one, else NULL. */
static inline struct bight_failure *bight_result_failure(const struct bight_result *result);

/* True for the empty result, which is a success without a value. */
static inline bool bight_result_is_empty(const struct bight_result *result);

/* The value, now the caller's, when it is of `type`; the slot is empty then. Else NULL, and a usage error is
 * logged: nothing is taken. */
BIGHT_API BIGHT_MUST_USE void *bight_result_take(struct bight_result *result, const struct bight_type *type);

/* The failure, now the caller's (it counts as handled), or NULL when the result is a value. */
BIGHT_API BIGHT_MUST_USE struct bight_failure *bight_result_take_failure(struct bight_result *result);

/* Puts a value in the slot, which takes it; what was there is destroyed. */
BIGHT_API void bight_result_set(struct bight_result *result, const struct bight_type *type, void *value);

/* Destroys what is there; the result is an empty success. */
BIGHT_API void bight_result_clear(struct bight_result *result);

/* As clear, but with the type's discard: the value will never be delivered. */
BIGHT_API void bight_result_discard(struct bight_result *result);

/* Turns the chain to failure; takes `failure`. The slot's failure itself may be given again. */
BIGHT_API void bight_result_fail(struct bight_result *result, struct bight_failure *failure);

/* In a handler: the chain waits for `inner`, taking its consumer's end, and goes on with its result (D5 to
 * D8). What was in the slot is destroyed. On a result that stands alone this is a usage error: the slot then
 * holds that failure and `inner` is released. */
BIGHT_API void bight_result_chain(struct bight_result *result, struct bight_deferred *inner);

/* Moves what `from` holds into `to` (whose old content is destroyed); `from` is empty afterwards. */
BIGHT_API void bight_result_move(struct bight_result *to, struct bight_result *from);

/* --------------------------------------------------------------------------------------- inline bodies */

static inline void *bight_integer(intptr_t number)
{
    return (void *)number;
}

static inline intptr_t bight_integer_value(const void *value)
{
    return (intptr_t)value;
}

static inline void *bight_result_peek(const struct bight_result *result, const struct bight_type *type)
{
    return result->type == type ? result->value : NULL;
}

static inline struct bight_failure *bight_result_failure(const struct bight_result *result)
{
    return (struct bight_failure *)bight_result_peek(result, &bight_type_failure);
}

static inline bool bight_result_is_empty(const struct bight_result *result)
{
    return result->type == NULL;
}

BIGHT_END

#endif
