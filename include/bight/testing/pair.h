/* SPDX-License-Identifier: MIT */
/* bight/testing/pair.h - a loopback pair: two protocols joined in memory.
 *
 * What one side writes, the other receives, in chunks that the test chooses, when the testing reactor turns:
 * bight_testing_settle and bight_testing_advance pump, and so does bight_pair_pump, to the end. A chunk is received by
 * itself, and the next one goes only when the last was read, so a side that pauses reading holds the other up. Half
 * close, close and reset reach the far side behind what was written, as through a kernel. */
#ifndef BIGHT_TESTING_PAIR_H
#define BIGHT_TESTING_PAIR_H

#include <bight/bight.h>

BIGHT_BEGIN

struct bight_pair;

enum bight_pair_side { BIGHT_PAIR_CLIENT, BIGHT_PAIR_SERVER };

/* Joins a protocol of each factory, on a testing reactor (bight_testing_reactor_new). The server's connection_made
 * comes first; the client's has run too when this returns, and nothing has crossed yet. NULL when a factory gave no
 * protocol or when out of memory. */
BIGHT_API BIGHT_MUST_USE struct bight_pair *bight_pair_connect(
    struct bight_reactor *reactor, struct bight_factory *server, struct bight_factory *client);

/* Resets what is still connected. Also after the connections or the reactor have gone. NULL is allowed. */
BIGHT_API void bight_pair_free(struct bight_pair *pair);

/* The protocol at one side; NULL after its connection_lost. */
BIGHT_API struct bight_protocol *bight_pair_protocol(const struct bight_pair *pair, enum bight_pair_side side);

/* The most bytes that cross at once, either way. SIZE_MAX, the default: all that there is. */
BIGHT_API void bight_pair_set_chunk(struct bight_pair *pair, size_t size);

/* Asks how many of the `available` bytes from `from` cross next: at least 1, or 0 for none on this turn. NULL goes back
 * to the size that was set. */
typedef size_t (*bight_pair_chunk_function)(enum bight_pair_side from, size_t available, void *context);
BIGHT_API void bight_pair_set_chunk_function(
    struct bight_pair *pair, bight_pair_chunk_function function, void *context);

/* How many bytes from `from` may be under way before its sends meet EAGAIN. SIZE_MAX, the default: any number. */
BIGHT_API void bight_pair_set_window(struct bight_pair *pair, enum bight_pair_side from, size_t bytes);

/* Nothing crosses, neither bytes nor ends, until it is let through again. */
BIGHT_API void bight_pair_block(struct bight_pair *pair, bool blocked);

/* The connection is reset: both sides meet `number` (0: ECONNRESET), what was under way is gone. */
BIGHT_API void bight_pair_reset(struct bight_pair *pair, int number);

/* Bytes that `from` has written and the other side has not read. */
BIGHT_API size_t bight_pair_under_way(const struct bight_pair *pair, enum bight_pair_side from);

/* Turns the reactor, without letting time pass, until nothing crosses any more and nothing is left to do, however many
 * chunks that takes; at most `turns` times (0: a million). True when it came to rest. */
BIGHT_API bool bight_pair_pump(struct bight_pair *pair, size_t turns);

/* Starts TLS on both sides and pumps until the handshakes are done. The client wants the server to be `name` (NULL:
 * "localhost"). NULL for either context: both are made for the purpose, by a CA that only this client trusts. 0; TLS
 * when a handshake failed (the protocols know why); the codes of bight_transport_start_tls. */
BIGHT_API int bight_pair_start_tls(
    struct bight_pair *pair, struct bight_tls *server, struct bight_tls *client, const char *name);

/* True when both connections have ended. */
BIGHT_API bool bight_pair_is_over(const struct bight_pair *pair);

BIGHT_END

#endif
