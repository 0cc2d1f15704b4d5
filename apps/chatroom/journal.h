/* SPDX-License-Identifier: MIT */
/* journal.h - what was said, in a file: the store of a hub (bight/protocols/http_hub.h). */
#ifndef CHATROOM_JOURNAL_H
#define CHATROOM_JOURNAL_H

#include "chatroom.h"

struct journal;

/* Opens the file, which is made if need be, and is nobody else's then. NULL: *failure says why, and where. */
struct journal *journal_open(struct bight_reactor *reactor, const char *path, struct bight_failure **failure);
/* NULL is allowed. What is being written is waited for. */
void journal_free(struct journal *journal);

/* That of the hub whose messages it has; NULL: it is new. */
const char *journal_epoch(const struct journal *journal);

extern const struct bight_http_hub_store journal_store; /* its context is the journal */

/* Gives the hub, which has the journal's epoch and the journal as its store, what there is, and each message's text to
 * `told`; writes the epoch of a new hub. NULL, or what is wrong. */
struct bight_failure *journal_begin(
    struct journal *journal, struct bight_http_hub *hub, void (*told)(const char *text, void *context), void *context);

/* Fires, empty, when nothing is being written. */
struct bight_deferred *journal_rest(struct journal *journal);

#endif
