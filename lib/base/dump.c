/* SPDX-License-Identifier: MIT */
/* dump.c - nodes and edges written down, as lines or as DOT.
 *
 * Whatever comes from elsewhere (a peer's path, a program's name of a type) passes bight_escape first; quotes and
 * backslashes are then escaped once more for DOT. Nothing here knows what the nodes are. */
#include "base/dump.h"

#include <bight/log.h>
#include <bight/memory.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/places.h"
#include "base/text.h"

#define FIRST_CAPACITY 4096
#define LABEL_SIZE 1536
#define PART_SIZE (4 * LABEL_SIZE)

/* ------------------------------------------------------------------------------------------ the text */

static bool make_room(struct bi_dump *dump, size_t size)
{
    size_t needed = dump->size + size;
    if (dump->has_failed || needed <= dump->capacity) {
        return !dump->has_failed;
    }
    size_t capacity = dump->capacity == 0 ? FIRST_CAPACITY : dump->capacity * 2;
    capacity = capacity < needed ? needed : capacity;
    char *text = bight_realloc(dump->text, capacity);
    dump->has_failed = text == NULL;
    if (text == NULL) {
        return false;
    }
    dump->text = text;
    dump->capacity = capacity;
    return true;
}

static void append(struct bi_dump *dump, const char *data, size_t size)
{
    if (size > 0 && make_room(dump, size)) {
        memcpy(dump->text + dump->size, data, size);
        dump->size += size;
    }
}

static void append_string(struct bi_dump *dump, const char *string)
{
    append(dump, string, strlen(string));
}

static void append_quoted(struct bi_dump *dump, const char *string)
{
    for (const char *at = string; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\') {
            append(dump, "\\", 1);
        }
        append(dump, at, 1);
    }
}

/* The parts of a label, each escaped, with `separator` between. */
static void append_label(struct bi_dump *dump, const char *label, const char *separator)
{
    for (const char *part = label; part != NULL;) {
        char escaped[PART_SIZE];
        const char *end = strchr(part, '\n');
        size_t size = end == NULL ? strlen(part) : (size_t)(end - part);
        (void)bight_escape(part, size, escaped, sizeof escaped);
        if (dump->is_graph) {
            append_quoted(dump, escaped);
        } else {
            append_string(dump, escaped);
        }
        part = end == NULL ? NULL : end + 1;
        append_string(dump, part == NULL ? "" : separator);
    }
}

/* --------------------------------------------------------------------------------- nodes and edges */

void bi_dump_section(struct bi_dump *dump, size_t count, const char *one)
{
    char line[96];
    const char *begin = dump->is_graph ? "\n  // " : "\n";
    snprintf(line, sizeof line, "%s%zu %s%s\n", begin, count, one, count == 1 ? "" : "s");
    append_string(dump, line);
}

void bi_dump_node(struct bi_dump *dump, const char *name, const char *shape, const char *format, ...)
{
    char label[LABEL_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(label, sizeof label, format, arguments);
    va_end(arguments);
    if (!dump->is_graph) {
        append_string(dump, "  ");
        append_label(dump, label, ", ");
        append_string(dump, "\n");
        return;
    }
    append_string(dump, "  \"");
    append_quoted(dump, name);
    append_string(dump, "\" [shape=");
    append_string(dump, shape);
    append_string(dump, ", label=\"");
    append_label(dump, label, "\\n");
    append_string(dump, "\"];\n");
}

void bi_dump_edge(struct bi_dump *dump, const char *from, const char *to, const char *what)
{
    if (!dump->is_graph) {
        return;
    }
    append_string(dump, "  \"");
    append_quoted(dump, from);
    append_string(dump, "\" -> \"");
    append_quoted(dump, to);
    append_string(dump, "\" [label=\"");
    append_quoted(dump, what);
    append_string(dump, "\"];\n");
}

/* -------------------------------------------------------------------------------------------- names */

const char *bi_dump_place(const void *object, uint64_t generation, char text[BI_DUMP_PLACE_SIZE])
{
    const char *place = bi_places_find(object, generation, NULL);
    text[0] = '\0';
    if (place != NULL) {
        snprintf(text, BI_DUMP_PLACE_SIZE, " (%s)", place);
    }
    return text;
}

/* ---------------------------------------------------------------------------------- beginning, ending */

void bi_dump_begin(struct bi_dump *dump)
{
    if (dump->is_graph) {
        append_string(dump, "digraph bight {\n  rankdir=LR;\n  node [fontname=\"monospace\", fontsize=10];\n"
                            "  edge [fontname=\"monospace\", fontsize=9];\n");
    }
}

void bi_dump_end(struct bi_dump *dump)
{
    if (dump->is_graph) {
        append_string(dump, "}\n");
    }
}
