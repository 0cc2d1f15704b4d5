/* SPDX-License-Identifier: MIT */
/* lines.h - the lines of a journal: how they are read, written, and which of them are still needed. */
#ifndef CHATROOM_LINES_H
#define CHATROOM_LINES_H

#include "disk.h"
#include "journal.h"

/* ------------------------------------------------------------------------------------------- writing */

struct text_buffer {
    char *bytes; /* the owner frees them */
    size_t size, room;
};

/* "NUMBER\tROOM\tTEXT\n", or, of one that is there for its key alone, "key\tKEY\n", where tabs, line ends and
 * backslashes of the text are escaped. 0 or OUT_OF_MEMORY. */
int lines_add(struct text_buffer *buffer, const struct journal_line *line);
int lines_add_title(struct text_buffer *buffer, const char *epoch);

/* ------------------------------------------------------------------------------------------- reading */

struct line_reader {
    struct disk *disk;
    struct text_buffer buffer;
    size_t start; /* of what has not been taken yet, in the buffer */
    off_t end;    /* behind the last line that was taken, in the file */
    size_t count; /* of lines so far, the title among them */
    bool is_at_end;
};

#define LINE_READER(disk)                      \
    {                                          \
        (disk), { NULL, 0, 0 }, 0, 0, 0, false \
    }

/* 0; *line is the next whole line without its end, and with a NUL; NULL when there is none. What is cut short at the
 * end is none. Or an errno; EOVERFLOW: it is too long, or holds a NUL. */
int lines_next(struct line_reader *reader, char **line);
void lines_finish(struct line_reader *reader);

/* Takes the line apart, in place. NULL, or what is wrong with it. */
const char *lines_read(char *line, struct journal_line *read);
/* The title's epoch; false: it is none. */
bool lines_read_title(const char *line, char epoch[JOURNAL_EPOCH_SIZE]);
/* A file that has no whole line: whether a crash has left it so when it was new. */
bool lines_is_torn_title(const char *bytes, size_t size);

/* ------------------------------------------------------------------------------------------- rewriting */

/* Puts a file with what is still needed in the place of the disk's, whose lines are right. `secret` is a hash table's.
 * 0, and *end is its size; or an errno, as of disk_put_new. In any thread. */
int lines_rewrite(
    struct disk *disk, const struct journal_limits *limits, const uint64_t secret[2], off_t *end, bool *is_certain);

#endif
