/* SPDX-License-Identifier: MIT */
/* describe.h - how a Deferred and what is tied to an owner appear in a dump (base/dump.h). */
#ifndef BI_DEFERRED_DESCRIBE_H
#define BI_DEFERRED_DESCRIBE_H

#include "base/dump.h"

struct bight_deferred;
struct bight_owner;

/* "#12", the number under which debug mode knows it, or its address. */
void bi_dump_name(const struct bight_deferred *deferred, char name[BI_DUMP_NAME_SIZE]);

/* "\ntied to it: #12 #13", or nothing; with an edge each from `name`. owner may be NULL. */
#define BI_DUMP_LIST_SIZE 512
const char *bi_dump_ties(
    struct bi_dump *dump, const char *name, const struct bight_owner *owner, char list[BI_DUMP_LIST_SIZE]);

#endif
