/* SPDX-License-Identifier: MIT */
/* form.c - a collected form, as the program reads it (A11).
 *
 * A form has a thousand fields at most, unless the program wants more: what has a name is searched for one after the
 * other. Reading and saving its files is form_file.c's. */
#include "http/server/form.h"

#include <bight/memory.h>

#include <string.h>

/* ------------------------------------------------------------------------------------------------ its life */

struct bight_http_form *bi_form_new(struct bight_reactor *reactor)
{
    struct bight_http_form *form = bight_calloc(1, sizeof *form);
    if (form != NULL) {
        form->holds = 1;
        form->reactor = reactor;
    }
    return form;
}

struct bight_http_form *bight_http_form_hold(struct bight_http_form *form)
{
    form->holds++;
    return form;
}

void bight_http_form_release(struct bight_http_form *form)
{
    if (form == NULL || --form->holds > 0) {
        return;
    }
    bi_http_buffer_free(&form->texts);
    bight_free(form->fields);
    bight_free(form->files);
    bi_spool_drop(form->spool);
    bight_free(form);
}

static void destroy(void *form)
{
    bight_http_form_release(form);
}

const struct bight_type bight_type_http_form = { .name = "form", .destroy = destroy };

/* ----------------------------------------------------------------------------------------------- filling */

bool bi_form_end_text(struct bight_http_form *form)
{
    return bi_http_buffer_append(&form->texts, "", 1) == BIGHT_OK;
}

bool bi_form_add_text(struct bight_http_form *form, const void *data, size_t size, struct bi_form_text *text)
{
    *text = (struct bi_form_text) { form->texts.end, size };
    return bi_http_buffer_append(&form->texts, data, size) == BIGHT_OK && bi_form_end_text(form);
}

/* Room for one more in an array of elements of `size` bytes; false: out of memory. */
static bool grow(void **array, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return true;
    }
    size_t wanted = *room > 0 ? 2 * *room : 8;
    void *larger = bight_realloc(*array, wanted * size);
    if (larger == NULL) {
        return false;
    }
    *array = larger;
    *room = wanted;
    return true;
}

struct bi_form_field *bi_form_add_field(struct bight_http_form *form)
{
    void *fields = form->fields;
    if (!grow(&fields, form->field_count, &form->field_room, sizeof *form->fields)) {
        return NULL;
    }
    form->fields = fields;
    struct bi_form_field *field = &form->fields[form->field_count++];
    memset(field, 0, sizeof *field);
    return field;
}

struct bight_http_form_file *bi_form_add_file(struct bight_http_form *form)
{
    void *files = form->files;
    if (!grow(&files, form->file_count, &form->file_room, sizeof *form->files)) {
        return NULL;
    }
    form->files = files;
    struct bight_http_form_file *file = &form->files[form->file_count++];
    *file = (struct bight_http_form_file) { .form = form };
    return file;
}

/* ----------------------------------------------------------------------------------------------- reading */

const char *bi_form_text(const struct bight_http_form *form, struct bi_form_text text)
{
    return (const char *)form->texts.bytes + text.at;
}

static struct bight_http_view view_of(const struct bight_http_form *form, struct bi_form_text text)
{
    return (struct bight_http_view) { bi_form_text(form, text), text.size };
}

/* NULL: a NUL is in it. */
static const char *without_nul(const struct bight_http_form *form, struct bi_form_text text)
{
    const char *found = bi_form_text(form, text);
    return memchr(found, '\0', text.size) == NULL ? found : NULL;
}

static bool has_name(const struct bight_http_form *form, struct bi_form_text text, const char *name)
{
    size_t size = strlen(name);
    return text.size == size && memcmp(bi_form_text(form, text), name, size) == 0;
}

/* The next one of this name from *cursor on; NULL: there is none. */
static const struct bi_form_field *find(const struct bight_http_form *form, const char *name, size_t *cursor)
{
    while (*cursor < form->field_count) {
        const struct bi_form_field *field = &form->fields[(*cursor)++];
        if (has_name(form, field->name, name)) {
            return field;
        }
    }
    return NULL;
}

const char *bight_http_form_value(const struct bight_http_form *form, const char *name)
{
    size_t cursor = 0;
    const struct bi_form_field *field = find(form, name, &cursor);
    return field != NULL ? without_nul(form, field->value) : NULL;
}

struct bight_http_view bight_http_form_value_raw(const struct bight_http_form *form, const char *name)
{
    size_t cursor = 0;
    const struct bi_form_field *field = find(form, name, &cursor);
    return field != NULL ? view_of(form, field->value) : (struct bight_http_view) { NULL, 0 };
}

const char *bight_http_form_next_value(const struct bight_http_form *form, const char *name, size_t *cursor)
{
    const struct bi_form_field *field;
    const char *value = NULL;
    while (value == NULL && (field = find(form, name, cursor)) != NULL) {
        value = without_nul(form, field->value);
    }
    return value;
}

bool bight_http_form_next(const struct bight_http_form *form, size_t *cursor, const char **name, const char **value)
{
    if (*cursor >= form->field_count) {
        return false;
    }
    const struct bi_form_field *field = &form->fields[(*cursor)++];
    if (name != NULL) {
        *name = without_nul(form, field->name);
    }
    if (value != NULL) {
        *value = without_nul(form, field->value);
    }
    return true;
}

bool bight_http_form_next_raw(
    const struct bight_http_form *form, size_t *cursor, struct bight_http_view *name, struct bight_http_view *value)
{
    if (*cursor >= form->field_count) {
        return false;
    }
    const struct bi_form_field *field = &form->fields[(*cursor)++];
    if (name != NULL) {
        *name = view_of(form, field->name);
    }
    if (value != NULL) {
        *value = view_of(form, field->value);
    }
    return true;
}

/* ------------------------------------------------------------------------------------------------- files */

struct bight_http_form_file *bight_http_form_next_file(const struct bight_http_form *form, size_t *cursor)
{
    return *cursor < form->file_count ? &form->files[(*cursor)++] : NULL;
}

struct bight_http_form_file *bight_http_form_find_file(const struct bight_http_form *form, const char *name)
{
    for (size_t i = 0; i < form->file_count; i++) {
        if (has_name(form, form->files[i].name, name)) {
            return &form->files[i];
        }
    }
    return NULL;
}

const char *bight_http_form_file_name(const struct bight_http_form_file *file)
{
    return bi_form_text(file->form, file->name);
}

const char *bight_http_form_file_label(const struct bight_http_form_file *file)
{
    return bi_form_text(file->form, file->label);
}

const char *bight_http_form_file_type(const struct bight_http_form_file *file)
{
    return bi_form_text(file->form, file->type);
}

uint64_t bight_http_form_file_size(const struct bight_http_form_file *file)
{
    return file->size;
}

int bight_http_form_file_descriptor(const struct bight_http_form_file *file, uint64_t *offset)
{
    if (offset != NULL) {
        *offset = file->offset;
    }
    return bi_spool_descriptor(file->form->spool);
}
