/* SPDX-License-Identifier: MIT */
/* lines.c - a journal's lines, written and read (lines.h): what each kind of them has, how text is escaped, and what is
 * no line of a journal. Which of them are still needed is rewrite.c's, and when they are on the disk journal.c's. */
#include "lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TITLE "bight chatroom 1 "
#define KEY "key\t"
#define MAX_LINE 140000 /* bytes: more than a message of the hub can need here */
#define READ_SIZE 65536

/* ------------------------------------------------------------------------------------------- writing */

/* Room for `size` bytes more; NULL when out of memory. */
static char *room_in(struct text_buffer *buffer, size_t size)
{
    if (buffer->size + size > buffer->room) {
        size_t room = 2 * (buffer->size + size);
        char *bytes = realloc(buffer->bytes, room);
        if (bytes == NULL) {
            return NULL;
        }
        buffer->bytes = bytes;
        buffer->room = room;
    }
    return buffer->bytes + buffer->size;
}

static char *put_escaped(char *at, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bool is_special = text[i] == '\\' || text[i] == '\n' || text[i] == '\t';
        if (is_special) {
            *at++ = '\\';
        }
        *at++ = text[i] == '\n' ? 'n' : (text[i] == '\t' ? 't' : text[i]);
    }
    return at;
}

int lines_add(struct text_buffer *buffer, const struct journal_line *line)
{
    size_t topic_size = line->number > 0 ? strlen(line->topic) : 0;
    char *start = room_in(buffer, 2 * line->size + topic_size + 32), *at = start;
    if (start == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    at +=
        line->number > 0 ? sprintf(at, "%llu\t%s\t", (unsigned long long)line->number, line->topic) : sprintf(at, KEY);
    at = put_escaped(at, line->text, line->size);
    *at++ = '\n';
    buffer->size += (size_t)(at - start);
    return BIGHT_OK;
}

int lines_add_title(struct text_buffer *buffer, const char *epoch)
{
    char *at = room_in(buffer, sizeof TITLE + strlen(epoch) + 1);
    if (at == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    buffer->size += (size_t)sprintf(at, TITLE "%s\n", epoch);
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------------- reading */

/* What was taken makes room. */
static int read_more(struct line_reader *reader)
{
    struct text_buffer *buffer = &reader->buffer;
    size_t left = buffer->size - reader->start, size = READ_SIZE;
    if (left > 0) {
        memmove(buffer->bytes, buffer->bytes + reader->start, left);
    }
    buffer->size = left;
    reader->start = 0;
    char *room = room_in(buffer, READ_SIZE);
    if (room == NULL) {
        return ENOMEM;
    }
    int number = disk_read(reader->disk, reader->end + (off_t)left, room, &size);
    buffer->size += number == 0 ? size : 0;
    reader->is_at_end = size < READ_SIZE;
    return number;
}

static int find_end(struct line_reader *reader, char **end)
{
    const struct text_buffer *buffer = &reader->buffer;
    size_t seen = 0;
    for (;;) {
        size_t left = buffer->size - reader->start;
        *end = left > seen ? memchr(buffer->bytes + reader->start + seen, '\n', left - seen) : NULL;
        if (*end != NULL || reader->is_at_end) {
            return 0;
        }
        if (left > MAX_LINE) {
            reader->count++;
            return EOVERFLOW;
        }
        seen = left;
        int number = read_more(reader);
        if (number != 0) {
            return number;
        }
    }
}

int lines_next(struct line_reader *reader, char **line)
{
    char *end;
    int number = find_end(reader, &end);
    *line = NULL;
    if (number != 0 || end == NULL) {
        return number;
    }
    char *start = reader->buffer.bytes + reader->start;
    size_t size = (size_t)(end - start);
    *end = '\0';
    reader->count++;
    if (size > MAX_LINE || strlen(start) != size) {
        return EOVERFLOW;
    }
    reader->start += size + 1;
    reader->end += (off_t)size + 1;
    *line = start;
    return 0;
}

void lines_finish(struct line_reader *reader)
{
    free(reader->buffer.bytes);
}

/* ------------------------------------------------------------------------------------------- taking apart */

/* In place; false: there is no such escape. */
static bool unescape(char *text, size_t *size)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if (*from != '\\') {
            *to++ = *from;
            continue;
        }
        from++;
        if (*from != '\\' && *from != 'n' && *from != 't') {
            return false;
        }
        *to++ = *from == 'n' ? '\n' : (*from == 't' ? '\t' : '\\');
    }
    *to = '\0';
    *size = (size_t)(to - text);
    return true;
}

const char *lines_read(char *line, struct journal_line *read)
{
    char *end, *topic = strchr(line, '\t'), *text = topic != NULL ? strchr(topic + 1, '\t') : NULL;
    *read = (struct journal_line) { .number = 0 };
    if (strncmp(line, KEY, strlen(KEY)) == 0) {
        read->text = text = line + strlen(KEY);
        return unescape(text, &read->size) ? NULL : "an escape that is none";
    }
    if (text == NULL) {
        return "a number, a room and a text were expected";
    }
    *text++ = '\0';
    read->number = strtoull(line, &end, 10);
    read->topic = topic + 1;
    read->text = text;
    return end == topic && *line >= '1' && *line <= '9' && unescape(text, &read->size)
               ? NULL
               : "a number that is none, or an escape";
}

bool lines_read_title(const char *line, char epoch[JOURNAL_EPOCH_SIZE])
{
    char more;
    return sscanf(line, TITLE "%32[0-9A-Za-z]%c", epoch, &more) == 1;
}

bool lines_is_torn_title(const char *bytes, size_t size)
{
    size_t written = size > 0 ? strnlen(bytes, size) : 0, common = written < strlen(TITLE) ? written : strlen(TITLE);
    return size < strlen(TITLE) + JOURNAL_EPOCH_SIZE && (common == 0 || memcmp(bytes, TITLE, common) == 0);
}
