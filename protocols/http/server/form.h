/* SPDX-License-Identifier: MIT */
/* form.h - a form that has been collected: values in one piece of memory, files in one spool.
 *
 * Filled by form_collect.c, and never changed once it has been handed out. */
#ifndef BI_HTTP_FORM_H
#define BI_HTTP_FORM_H

#include <bight/protocols/http_form.h>

#include "http/server/request.h"
#include "http/server/spool.h"

/* A text in the form's, with a NUL behind it. */
struct bi_form_text {
    size_t at, size;
};

struct bi_form_field {
    struct bi_form_text name, value;
};

struct bight_http_form_file {
    struct bight_http_form *form;
    struct bi_form_text name, label, type;
    uint64_t offset, size; /* in the spool */
};

struct bight_http_form {
    size_t holds;
    struct bight_reactor *reactor;
    struct bi_http_buffer texts;
    struct bi_form_field *fields;
    struct bight_http_form_file *files;
    size_t field_count, field_room, file_count, file_room;
    struct bi_spool *spool; /* NULL: there are no files */
    bool is_given;          /* the spool has a name, or is about to get one */
};

/* NULL when out of memory. */
struct bight_http_form *bi_form_new(struct bight_reactor *reactor);

/* Appends a text; false: out of memory. And the NUL behind what was appended in pieces. */
bool bi_form_add_text(struct bight_http_form *form, const void *data, size_t size, struct bi_form_text *text);
bool bi_form_end_text(struct bight_http_form *form);
/* A zeroed one at the end; NULL when out of memory. */
struct bi_form_field *bi_form_add_field(struct bight_http_form *form);
struct bight_http_form_file *bi_form_add_file(struct bight_http_form *form);

const char *bi_form_text(const struct bight_http_form *form, struct bi_form_text text);

#endif
