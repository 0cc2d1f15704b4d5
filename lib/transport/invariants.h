/* SPDX-License-Identifier: MIT */
/* invariants.h - what must be true of a connection, and of all that a reactor has of them.
 *
 * Each invariant has a name, a sentence that says what holds. They are of three kinds, by when they hold: always, that
 * is whenever a bracket around a handler or a layer is left; decided, when advance has gone through the consequences;
 * at rest, when nothing of the reactor's is on the stack. Builds with debug_checks look at the first two as they go,
 * for these cost a few instructions each; simulations, the testing reactor and the fuzzer of the API look at all. */
#ifndef BI_TRANSPORT_INVARIANTS_H
#define BI_TRANSPORT_INVARIANTS_H

#include "transport/transport.h"

#define BI_INVARIANTS_TEXT 900 /* enough for the words below */

/* For functions that return the name of the first invariant that does not hold, or NULL. */
#define BI_MUST(condition, name)         \
    do {                                 \
        if (BI_UNLIKELY(!(condition))) { \
            return (name);               \
        }                                \
    } while (0)

const char *bi_invariants_always(const struct bight_transport *transport);
const char *bi_invariants_decided(const struct bight_transport *transport);
/* The other two as well. */
const char *bi_invariants_at_rest(const struct bight_transport *transport);

/* Of all connections of the reactor and, at rest, of what they share. *whose: the connection that it is about; NULL: it
 * is about none. */
const char *bi_invariants_find(struct bight_reactor *reactor, bool at_rest, const struct bight_transport **whose);
/* The same; ends the process with the invariant's name, and the connection's state in words, when one is broken. For
 * code that steps reactors. Not at rest after all if a handler is on the stack. */
BI_PRIVATE_API void bi_invariants_check(struct bight_reactor *reactor, bool at_rest);

/* The state of a connection in words, cut at `size`. */
void bi_invariants_describe(const struct bight_transport *transport, char *text, size_t size);
_Noreturn void bi_invariants_broken(const char *name, const struct bight_transport *transport);

/* --- of what only its own file knows, at rest */

/* doubt.c: so many connections are DOUBTED. */
const char *bi_invariants_of_doubts(const struct bi_hub *hub, size_t doubted);
const char *bi_invariants_of_slots(const struct bi_hub *hub); /* hub.c */
const char *bi_invariants_of_idle(const struct bi_hub *hub);  /* idle.c */

/* --- the hot ones, in the midst of things: nothing in a release build */

#ifdef BIGHT_DEBUG_CHECKS
#define BI_CHECK_INVARIANTS(transport, find)                      \
    do {                                                          \
        const char *broken_invariant_ = (find)(transport);        \
        if (BI_UNLIKELY(broken_invariant_ != NULL)) {             \
            bi_invariants_broken(broken_invariant_, (transport)); \
        }                                                         \
    } while (0)
#else
#define BI_CHECK_INVARIANTS(transport, find) ((void)0)
#endif

#endif
