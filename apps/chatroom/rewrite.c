/* SPDX-License-Identifier: MIT */
/* rewrite.c - a journal rewritten with the lines that are still needed (lines.h).
 *
 * Those are what the hub keeps of each topic, and one more, which it drops when it is given back: so it knows that
 * there was something before, and tells whoever has missed it of a gap. Of what goes the keys stay, if they are not too
 * old, so that what is said again after a restart is still told once. */
#include "lines.h"

#include <bight/sys/hash.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_COST 64 /* as the hub counts it */
#define WRITE_SIZE 65536

/* What of a topic is behind the place that is looked at. */
struct behind {
    size_t messages, bytes;
};

struct rewriting {
    struct disk *disk;
    const struct journal_limits *limits;
    struct bight_hash topics; /* struct behind */
    size_t lines;             /* of all topics, behind the place that is looked at */
    struct text_buffer buffer;
    off_t written;
};

/* 0 or an errno. */
typedef int (*line_function)(struct rewriting *rewriting, const struct journal_line *line);

static struct behind *topic_of(struct rewriting *rewriting, const char *topic)
{
    struct behind *behind = bight_hash_get(&rewriting->topics, topic, strlen(topic));
    if (behind == NULL) {
        behind = calloc(1, sizeof *behind);
        if (behind != NULL && bight_hash_set(&rewriting->topics, topic, strlen(topic), behind) != BIGHT_OK) {
            free(behind);
            behind = NULL;
        }
    }
    return behind;
}

static int count(struct rewriting *rewriting, const struct journal_line *line)
{
    rewriting->lines++;
    if (line->number == 0) {
        return 0;
    }
    struct behind *behind = topic_of(rewriting, line->topic);
    if (behind == NULL) {
        return ENOMEM;
    }
    behind->messages++;
    behind->bytes += line->size + MESSAGE_COST;
    return 0;
}

static int write_out(struct rewriting *rewriting)
{
    int number = disk_add_new(rewriting->disk, rewriting->buffer.bytes, rewriting->buffer.size);
    rewriting->written += (off_t)rewriting->buffer.size;
    rewriting->buffer.size = 0;
    return number;
}

static int add(struct rewriting *rewriting, const struct journal_line *line)
{
    if (lines_add(&rewriting->buffer, line) != BIGHT_OK) {
        return ENOMEM;
    }
    return rewriting->buffer.size >= WRITE_SIZE ? write_out(rewriting) : 0;
}

static bool is_needed(struct rewriting *rewriting, const struct journal_line *line)
{
    struct behind *behind =
        line->number > 0 ? bight_hash_get(&rewriting->topics, line->topic, strlen(line->topic)) : NULL;
    if (behind == NULL) {
        return false;
    }
    behind->messages--;
    behind->bytes -= line->size + MESSAGE_COST;
    return behind->messages <= rewriting->limits->messages && behind->bytes <= rewriting->limits->bytes;
}

static int add_if_needed(struct rewriting *rewriting, const struct journal_line *line)
{
    rewriting->lines--;
    if (is_needed(rewriting, line)) {
        return add(rewriting, line);
    }
    struct journal_line key = { .text = line->text, .size = strcspn(line->text, "\n") };
    bool is_wanted = rewriting->lines < rewriting->limits->keys && key.size <= rewriting->limits->key_size;
    return is_wanted ? add(rewriting, &key) : 0;
}

static int title(struct rewriting *rewriting, const char *line)
{
    char epoch[JOURNAL_EPOCH_SIZE];
    if (line == NULL || !lines_read_title(line, epoch)) {
        return EIO;
    }
    return lines_add_title(&rewriting->buffer, epoch) == BIGHT_OK ? 0 : ENOMEM;
}

/* All lines in order; the title, if it is wanted. */
static int each(struct rewriting *rewriting, line_function function, bool wants_title)
{
    struct line_reader reader = LINE_READER(rewriting->disk);
    struct journal_line read;
    char *line;
    int number = lines_next(&reader, &line);
    if (number == 0 && wants_title) {
        number = title(rewriting, line);
    }
    while (number == 0 && (number = lines_next(&reader, &line)) == 0 && line != NULL) {
        number = lines_read(line, &read) == NULL ? function(rewriting, &read) : EIO;
    }
    lines_finish(&reader);
    return number;
}

static int write_new(struct rewriting *rewriting)
{
    int number = each(rewriting, count, false);
    number = number == 0 ? disk_begin_new(rewriting->disk) : number;
    number = number == 0 ? each(rewriting, add_if_needed, true) : number;
    return number == 0 ? write_out(rewriting) : number;
}

int lines_rewrite(
    struct disk *disk, const struct journal_limits *limits, const uint64_t secret[2], off_t *end, bool *is_certain)
{
    struct rewriting rewriting = { .disk = disk, .limits = limits };
    bight_hash_init(&rewriting.topics, secret, free);
    *is_certain = true;
    int number = write_new(&rewriting);
    number = number == 0 ? disk_put_new(disk, is_certain) : number;
    if (number != 0) {
        disk_drop_new(disk);
    } else {
        *end = rewriting.written;
    }
    bight_hash_finish(&rewriting.topics);
    free(rewriting.buffer.bytes);
    return number;
}
