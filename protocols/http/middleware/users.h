/* SPDX-License-Identifier: MIT */
/* users.h - a file of users and the hashes of their passwords. */
#ifndef BI_HTTP_USERS_H
#define BI_HTTP_USERS_H

#include <bight/sys/hash.h>

#include "http/middleware/password.h"

#define BI_USERS_NAME 255 /* bytes */

/* Users to struct bi_password, which the table owns. */
struct bi_users {
    struct bight_hash table;
};

/* Lines "USER:HASH"; empty ones, and those that begin with "#", are skipped. False, and the line's number and why: one
 * that is none. *why is NULL when out of memory. */
bool bi_users_read(
    struct bi_users *users, struct bi_view text, const uint64_t key[2], unsigned *line, const char **why);
void bi_users_finish(struct bi_users *users);

/* The same of a file, which may have 4 MiB. What is wrong with it is logged. 0, SYNTAX, OUT_OF_MEMORY, TOO_LONG, or its
 * errno's code. */
int bi_users_load(struct bi_users *users, const char *path, const uint64_t key[2]);

/* A name that may be one: 1 to 255 bytes, no colon, no controls (RFC 7617, section 2). */
bool bi_users_is_name(struct bi_view name);

#endif
