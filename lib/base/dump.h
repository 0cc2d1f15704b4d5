/* SPDX-License-Identifier: MIT */
/* dump.h - how a picture of what waits for what is put together, for the rooms that have something in it.
 *
 * A node is what there is, an edge what it waits for, is tied to or passes on to. As text each node is a line, and what
 * its edges say must stand in it; as DOT edges are arrows. The text gathers in memory; when that runs out the rest is
 * nothing, and the dump fails as a whole in the end. */
#ifndef BI_BASE_DUMP_H
#define BI_BASE_DUMP_H

#include <bight/macros.h>

#include "base/private.h"

struct bi_dump {
    bool is_graph; /* DOT, else text */
    char *text;
    size_t size, capacity;
    bool has_failed;
};

/* Of a node, with its NUL. */
#define BI_DUMP_NAME_SIZE 32

/* What stands before the first node and after the last. */
void bi_dump_begin(struct bi_dump *dump);
void bi_dump_end(struct bi_dump *dump);

/* A line with what follows, and with how many there are: "2 timers". `one` is the word for one of them. */
void bi_dump_section(struct bi_dump *dump, size_t count, const char *one);

/* The format returns parts separated by newlines: ", " as text. Bytes of a peer are escaped. */
void bi_dump_node(struct bi_dump *dump, const char *name, const char *shape, const char *format, ...)
    BIGHT_PRINTF(4, 5);

void bi_dump_edge(struct bi_dump *dump, const char *from, const char *to, const char *what);

/* " (chat.c:31)", or nothing when the place is not known. */
#define BI_DUMP_PLACE_SIZE 128
const char *bi_dump_place(const void *object, uint64_t generation, char place[BI_DUMP_PLACE_SIZE]);

#endif
