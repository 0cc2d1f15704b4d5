/* SPDX-License-Identifier: MIT */
/* peer.h - the inside of a string peer, for string.c and for the recorder, whose sockets have such peers too. */
#ifndef BI_TESTING_KIT_PEER_H
#define BI_TESTING_KIT_PEER_H

#include "testing/kit/stream_end.h"

struct bight_string_peer {
    struct bi_stream_end end; /* first */
    int descriptor;           /* of the socket at the near end; -1: it is a memory bottom */
    bool freed;               /* by its owner */
};

static inline struct bight_string_peer *bi_string_peer_of(struct bi_stream_end *end)
{
    return (struct bight_string_peer *)end;
}

/* Not past the hook: a peer counts as an allocation of the test. NULL when out of memory. */
struct bight_string_peer *bi_string_peer_new(const struct bi_stream_end_ops *ops, struct bight_reactor *reactor);
/* The near end is over: frees the peer when its owner has released it too. */
void bi_string_peer_over(struct bight_string_peer *peer);

#endif
