/* SPDX-License-Identifier: MIT */
/* bight/protocols/http_form.h - forms that browsers send: application/x-www-form-urlencoded (the WHATWG URL standard)
 * and multipart/form-data (RFC 7578), whole or as they come (A11).
 *
 *     bight_deferred_add_both(bight_http_request_form(request, NULL), has_form, request);
 *     ...
 *     const char *name = bight_http_form_value(form, "name");
 *
 * They are read strictly, and the first error ends them. A body that is too large in any way fails with TOO_LONG, 413;
 * what is no form, with SYNTAX, 400; another Content-Type, with HTTP_STATUS, 415; all else as
 * bight_http_request_collect does. Only in the reactor's thread. */
#ifndef BIGHT_PROTOCOLS_HTTP_FORM_H
#define BIGHT_PROTOCOLS_HTTP_FORM_H

#include <bight/protocols/http_request.h>

BIGHT_BEGIN

/* 0, NULL: the default. */
struct bight_http_form_options {
    size_t size;               /* sizeof(struct bight_http_form_options) */
    uint64_t limit;            /* bytes of the body: the route's limit, or the site's; UINT64_MAX: any */
    uint32_t field_limit;      /* fields of an urlencoded form: 1000 */
    uint32_t part_limit;       /* parts of a multipart form, files and others: 100 */
    uint32_t part_head_limit;  /* bytes of a part's head: 8 KiB, at most 65535 */
    uint32_t part_field_limit; /* fields in it: 16, at most 1000 */
    uint32_t value_limit;      /* bytes of a value that is no file (of an urlencoded field with its name): 64 KiB */
    const char *directory;     /* for the temporary file of bight_http_request_form: $TMPDIR, or else /var/tmp */
    const void *reserved[4];
};

/* ------------------------------------------------------------------------------------------- whole forms */

/* What has been sent, never changed, counted. Texts and files belong to it. */
struct bight_http_form;
struct bight_http_form_file;

BIGHT_API struct bight_http_form *bight_http_form_hold(struct bight_http_form *form);
BIGHT_API void bight_http_form_release(struct bight_http_form *form); /* NULL is allowed */
BIGHT_API extern const struct bight_type bight_type_http_form;

/* A Deferred of the whole form (bight_type_http_form); of a request that has neither a body nor a Content-Type, an
 * empty one. The options may be NULL, and are not kept.
 *
 * Values are kept in memory. Files are written, by threads of the reactor's pool, to one temporary file that has no
 * name in any directory, so that nothing stays of it on whatever end; while a thread writes, up to 128 KiB wait in
 * memory, and the client beyond. The file goes with the form. It fails with the errno of what the file system refuses,
 * too. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_request_form(
    struct bight_http_request *request, const struct bight_http_form_options *options);

/* The first value with this name; NULL: there is none, or it holds a NUL. Names have cases. */
BIGHT_API const char *bight_http_form_value(const struct bight_http_form *form, const char *name);
/* The same with its size, whatever it holds; there is a NUL behind it. */
BIGHT_API struct bight_http_view bight_http_form_value_raw(const struct bight_http_form *form, const char *name);

/* All values with this name in their order: *cursor starts at 0. NULL: there are no more. One that holds a NUL is
 * passed over. */
BIGHT_API const char *bight_http_form_next_value(const struct bight_http_form *form, const char *name, size_t *cursor);

/* All fields that are no files in their order: *cursor starts at 0. False at the end. Of one that is not wanted pass
 * NULL. A text that holds a NUL is NULL; the _raw form has it. */
BIGHT_API bool bight_http_form_next(
    const struct bight_http_form *form, size_t *cursor, const char **name, const char **value);
BIGHT_API bool bight_http_form_next_raw(
    const struct bight_http_form *form, size_t *cursor, struct bight_http_view *name, struct bight_http_view *value);

/* The first file with this name; NULL: there is none. What browsers send of an input for which no file was chosen, no
 * name and no bytes, is none. */
BIGHT_API struct bight_http_form_file *bight_http_form_find_file(const struct bight_http_form *form, const char *name);
/* All files in their order: *cursor starts at 0. NULL: there are no more. */
BIGHT_API struct bight_http_form_file *bight_http_form_next_file(const struct bight_http_form *form, size_t *cursor);

/* The field's name. */
BIGHT_API const char *bight_http_form_file_name(const struct bight_http_form_file *file);
/* What the client calls it: a label to show and no path. It is what is behind the last `/` or `\`, without controls; ""
 * where that leaves nothing, or `.` or `..`. Other clients may have files of the same label; any bytes that are no
 * controls may be in it. */
BIGHT_API const char *bight_http_form_file_label(const struct bight_http_form_file *file);
/* The Content-Type that the client says, "" without one. Nobody has looked whether it is true. */
BIGHT_API const char *bight_http_form_file_type(const struct bight_http_form_file *file);
BIGHT_API uint64_t bight_http_form_file_size(const struct bight_http_form_file *file);

/* A descriptor of the temporary file, open for reading and the form's, and where in it this one begins: for
 * bight_transport_send_file and code that reads in a thread with pread. Its bytes are not to be changed. -1: no file of
 * the form has any. */
BIGHT_API int bight_http_form_file_descriptor(const struct bight_http_form_file *file, uint64_t *offset);

/* A Deferred of at most `size` bytes (1 byte to 16 MiB) from `offset` on (bight_type_bytes), fewer at its end, which a
 * thread of the pool reads. The form may go meanwhile. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_form_file_read(
    struct bight_http_form_file *file, uint64_t offset, size_t size);

/* Saves it under a name, as bight_http_request_save does (its options, without `limit` and `progress`), and returns a
 * Deferred of its size (bight_type_integer). The only file of a form, saved in the file system of the temporary one, is
 * not copied. The form
 * may go meanwhile; cancelled, it may have been saved or not. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_form_file_save(
    struct bight_http_form_file *file, const char *path, const struct bight_http_save_options *options);

/* ----------------------------------------------------------------------------------------- as they come */

/* What is said of a part before its data. Texts stay until bight_http_form_consumer.part returns. */
struct bight_http_part;

/* NULL for an urlencoded name that holds a NUL; the _raw form has it. */
BIGHT_API const char *bight_http_part_name(const struct bight_http_part *part);
BIGHT_API struct bight_http_view bight_http_part_name_raw(const struct bight_http_part *part);
/* As bight_http_form_file_label; NULL: it is no file. */
BIGHT_API const char *bight_http_part_label(const struct bight_http_part *part);
/* As bight_http_form_file_type. */
BIGHT_API const char *bight_http_part_type(const struct bight_http_part *part);
/* The first field of its head with this name, any case; NULL: there is none. */
BIGHT_API const char *bight_http_part_field(const struct bight_http_part *part, const char *name);

/* Who has a form pushed to him, part by part; of an urlencoded form each field is one. Any slot may be NULL. */
struct bight_http_form_consumer {
    size_t size; /* sizeof(struct bight_http_form_consumer) */
    /* A part begins. False: it is not wanted; neither data nor part_end is called for it. */
    bool (*part)(struct bight_http_request *request, const struct bight_http_part *part, void *context);
    /* Data of it, 1 byte to 64 KiB, or an urlencoded value in one piece; the view ends when it returns. False: no more
     * for now, until bight_http_request_resume; only the ends may be told yet. */
    bool (*data)(struct bight_http_request *request, const uint8_t *data, size_t size, void *context);
    /* It was whole. */
    void (*part_end)(struct bight_http_request *request, void *context);
    /* Once, unless `failed` is: the form was whole. */
    void (*end)(struct bight_http_request *request, void *context);
    /* Once: there will be no more, and of the part under way neither. `failure` is borrowed. Who does not answer has it
     * answered as bight_http_respond_failure does. */
    void (*failed)(struct bight_http_request *request, const struct bight_failure *failure, void *context);
};

/* Pushes a form to the consumer; nothing is called inside. The table and the context are borrowed. 0; OUT_OF_MEMORY; or
 * a code of bight_http_request_consume. A body of another type is told to `failed`. */
BIGHT_API int bight_http_request_multipart(
    struct bight_http_request *request, const struct bight_http_form_consumer *consumer, void *context);
BIGHT_API int bight_http_request_urlencoded(
    struct bight_http_request *request, const struct bight_http_form_consumer *consumer, void *context);
/* Either kind, with options (NULL: none). */
BIGHT_API int bight_http_request_consume_form(struct bight_http_request *request,
    const struct bight_http_form_options *options, const struct bight_http_form_consumer *consumer, void *context);

BIGHT_END

#endif
