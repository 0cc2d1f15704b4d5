/* SPDX-License-Identifier: MIT */
/* heads.h - rows of heads and what happens to them, as text, tried in every way in which bytes may come. */
#ifndef BIGHT_TEST_HTTP_HEADS_H
#define BIGHT_TEST_HTTP_HEADS_H

#include "http/message/head_reader.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "edge.h"

struct row {
    const char *bytes, *result;
    size_t size; /* of bytes; 0: they are text */
};

/* With its size: for rows in which there is a NUL. */
#define WITH_NUL(text, becomes) .bytes = (text), .result = (becomes), .size = sizeof(text) - 1

#define DESCRIPTION 4096

static inline void describe(char *text, const char *format, ...)
{
    size_t used = strlen(text);
    va_list values;
    va_start(values, format);
    vsnprintf(text + used, DESCRIPTION - used, format, values);
    va_end(values);
}

static inline void describe_fields(char *text, const struct bi_head *head, const uint8_t *bytes)
{
    for (unsigned i = 0; i < head->field_count; i++) {
        const struct bi_field *field = &head->fields[i];
        describe(text, " %.*s=[%.*s]", field->name_size, bytes + field->name_at, (int)field->value.size,
            bytes + field->value.at);
        ck_assert_int_eq(field->name, bi_name_find(bytes + field->name_at, field->name_size));
    }
}

/* `GET / 1.1 name=[value]`, `1.1 200 [OK] name=[value]`, `partial`, or `400@7 why`; with ~ before it if tolerated. */
/* One that is told to be usual has nothing in it that would have to be decoded or refused. */
static inline void check_path(const struct bi_head *head, const uint8_t *bytes)
{
    const uint8_t *path = bytes + head->target.at;
    uint32_t size = head->question != 0 ? head->question - head->target.at : head->target.size;
    for (uint32_t i = 0; head->is_usual_path && i < size; i++) {
        bool strange = path[i] == '%' || (path[i] == '/' && i + 1 < size && strchr("/.", path[i + 1]) != NULL);
        ck_assert_msg(!strange, "%.*s is no usual path", (int)size, (const char *)path);
    }
}

static inline void describe_head(
    char *text, enum bi_head_result result, const struct bi_head *head, const uint8_t *bytes)
{
    *text = '\0';
    if (result == BI_HEAD_PARTIAL) {
        describe(text, "partial");
    } else if (result == BI_HEAD_REFUSED) {
        describe(text, "%u@%u %s", head->status, head->bad_at, head->why);
    } else {
        describe(text, "%s%u:", head->tolerated ? "~" : "", head->size);
        if (head->kind == BI_HEAD_REQUEST) {
            const uint8_t *question = memchr(bytes + head->target.at, '?', head->target.size);
            ck_assert_uint_eq(head->question, question != NULL ? (uint32_t)(question - bytes) : 0);
            check_path(head, bytes);
            describe(text, " %.*s %.*s 1.%u", (int)head->method.size, bytes + head->method.at, (int)head->target.size,
                bytes + head->target.at, head->minor);
        } else if (head->kind == BI_HEAD_RESPONSE) {
            describe(
                text, " 1.%u %u [%.*s]", head->minor, head->status, (int)head->reason.size, bytes + head->reason.at);
        }
        describe_fields(text, head, bytes);
    }
}

#define HEADS_FIELDS BI_HEAD_MAX_FIELDS

static inline void begin_head(struct bi_head *head, enum bi_head_kind kind, const struct bi_head_limits *limits)
{
    static struct bi_field fields[HEADS_FIELDS];
    memset(fields, 0xa5, sizeof fields);
    memset(head, 0xa5, sizeof *head);
    head->fields = fields;
    head->limits = *limits;
    head->known_host = NULL;
    bi_head_begin(head, kind);
}

/* Feeds a first part, if there is one, and the whole; each lies somewhere else. */
static inline void describe_cut(char *text, enum bi_head_kind kind, const struct bi_head_limits *limits,
    const struct row *row, size_t first, size_t size)
{
    struct bi_head head;
    enum bi_head_result result = BI_HEAD_PARTIAL;
    begin_head(&head, kind, limits);
    uint8_t *bytes = edge_copy(row->bytes, first);
    if (first > 0) {
        result = bi_head_parse(&head, bytes, first);
    }
    if (result == BI_HEAD_PARTIAL) {
        bytes = edge_copy(row->bytes, size);
        result = bi_head_parse(&head, bytes, size);
    }
    if (result == BI_HEAD_WHOLE && head.folded) {
        bi_head_unfold(&head, bytes);
    }
    describe_head(text, result, &head, bytes);
}

static inline void describe_trickle(
    char *text, enum bi_head_kind kind, const struct bi_head_limits *limits, const struct row *row, size_t size)
{
    struct bi_head head;
    enum bi_head_result result = BI_HEAD_PARTIAL;
    uint8_t *bytes = NULL;
    begin_head(&head, kind, limits);
    for (size_t come = 1; come <= size && result == BI_HEAD_PARTIAL; come++) {
        bytes = edge_copy(row->bytes, come);
        result = bi_head_parse(&head, bytes, come);
    }
    if (result == BI_HEAD_WHOLE && head.folded) {
        bi_head_unfold(&head, bytes);
    }
    describe_head(text, result, &head, bytes);
}

/* With bytes behind it that would be no part of any head. */
static inline void describe_followed(
    char *text, enum bi_head_kind kind, const struct bi_head_limits *limits, const struct row *row, size_t size)
{
    static const char more[] = "\0\r\r\nX y: z\n\n\r\n\xff and as much of it as anybody looks at in one go, and more";
    char *bytes = malloc(size + sizeof more);
    memcpy(bytes, row->bytes, size);
    memcpy(bytes + size, more, sizeof more);
    describe_cut(text, kind, limits, &(struct row) { .bytes = bytes }, 0, size + sizeof more);
    free(bytes);
}

/* As a server reads one that has come whole, before anything has been begun. What is no such head is left to the
 * parser. */
static inline void check_new(
    const struct row *row, const uint8_t *bytes, size_t size, const struct bi_head_limits *limits)
{
    static char text[DESCRIPTION];
    struct bi_head head;
    size_t seen = size < limits->size ? size : limits->size;
    begin_head(&head, BI_HEAD_REQUEST, limits);
    struct bi_field *fields = head.fields;
    memset(&head, 0xa5, sizeof head);
    head.fields = fields;
    head.limits = *limits;
    bytes = edge_copy(bytes, seen);
    if (bi_head_read_new(&head, bytes, (uint32_t)seen)) {
        head.kind = BI_HEAD_REQUEST;
        head.tolerated = head.folded = false; /* which are responses' */
        text[0] = '\0';
        describe_head(text, BI_HEAD_WHOLE, &head, bytes);
        ck_assert_msg(
            strcmp(text, row->result) == 0, "%s\nread at once is\n%s\nnot\n%s", row->bytes, text, row->result);
    }
}

static inline void check_row_once(const struct row *row, enum bi_head_kind kind, const struct bi_head_limits *limits)
{
    static char text[DESCRIPTION];
    size_t size = row->size > 0 ? row->size : strlen(row->bytes);
    describe_cut(text, kind, limits, row, 0, size);
    ck_assert_msg(strcmp(text, row->result) == 0, "%s\nis\n%s\nnot\n%s", row->bytes, text, row->result);
    if (kind == BI_HEAD_REQUEST) {
        check_new(row, (const uint8_t *)row->bytes, size, limits);
    }
    for (size_t first = 1; first < size; first++) {
        describe_cut(text, kind, limits, row, first, size);
        ck_assert_msg(strcmp(text, row->result) == 0, "%s\ncut at %zu is\n%s", row->bytes, first, text);
    }
    describe_trickle(text, kind, limits, row, size);
    ck_assert_msg(strcmp(text, row->result) == 0, "%s\nbyte by byte is\n%s", row->bytes, text);
    if (strcmp(row->result, "partial") != 0) {
        describe_followed(text, kind, limits, row, size);
        ck_assert_msg(strcmp(text, row->result) == 0, "%s\nwith more behind it is\n%s", row->bytes, text);
    }
}

/* By each reader that there is here. */
static inline void check_row(const struct row *row, enum bi_head_kind kind, const struct bi_head_limits *limits)
{
    for (enum bi_head_means means = 0; means < BI_HEAD_MEANS_COUNT; means++) {
        if (bi_head_choose(means)) {
            check_row_once(row, kind, limits);
        }
    }
}

#define CHECK_ROWS(rows, kind, limits)                      \
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) \
    check_row(&rows[i], kind, limits)

static const struct bi_head_limits usual_limits = { .line = 8192, .size = 32768, .fields = 100 };

#endif
