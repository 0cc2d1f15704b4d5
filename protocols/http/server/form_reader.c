/* SPDX-License-Identifier: MIT */
/* form_reader.c - forms as they come (A11): the body's pieces go through a decoder, and what it finds to the consumer.
 *
 * Where a consumer wants no more, the rest of a piece stays with the connection; nothing is kept here. What a form is
 * collected to is form_collect.c's. */
#include "http/server/form_reader.h"

#include "http/message/media.h"
#include "http/message/multipart.h"
#include "http/message/urlencoded.h"

struct bi_form_reader {
    struct bight_http_request *request;
    const struct bight_http_form_consumer *consumer;
    void *context;
    bool is_multipart, is_over;
    bool is_wanted; /* the part under way */
    uint32_t left;  /* parts that may come */
    uint32_t value_limit;
    uint64_t part_size; /* so far, of what is no file */
    struct bight_http_part part;
    struct bi_multipart multipart;
    struct bi_urlencoded urlencoded;
    uint8_t *texts; /* room for those of a part's head */
};

/* ------------------------------------------------------------------------------------------------ its ends */

static void finish(struct bi_form_reader *reader)
{
    reader->is_over = true;
    bi_urlencoded_finish(&reader->urlencoded);
}

static void tell_failed(struct bight_http_request *request, const struct bight_failure *failure, void *context)
{
    struct bi_form_reader *reader = context;
    finish(reader);
    if (reader->consumer->failed != NULL) {
        reader->consumer->failed(request, failure, reader->context);
    }
}

/* Of a body that has come whole only the form can fail: it is answered as if the body had. */
static void fail(struct bi_form_reader *reader, struct bight_failure *failure)
{
    struct bight_http_request *request = reader->request;
    if (request->input < BI_INPUT_DONE) {
        bi_body_fail(request, failure);
        return;
    }
    bight_failure_release(request->body.failure);
    request->body.failure = failure;
    tell_failed(request, failure, reader);
}

static void refuse(struct bi_form_reader *reader, bool too_large, const char *why)
{
    fail(reader, too_large ? bight_failure_new_status(BIGHT_E_TOO_LONG, 413, NULL, "%s", why)
                           : bight_failure_new_status(BIGHT_E_SYNTAX, 400, NULL, "%s", why));
}

void bi_form_reader_stop(struct bi_form_reader *reader)
{
    if (reader != NULL && !reader->is_over) {
        finish(reader);
        bi_body_stop(reader->request, reader);
    }
}

/* ------------------------------------------------------------------------------------------------ parts */

static void begin_part(struct bi_form_reader *reader)
{
    const struct bight_http_form_consumer *consumer = reader->consumer;
    reader->part_size = 0;
    if (reader->left == 0) {
        refuse(reader, true, "a form has too many parts");
        return;
    }
    reader->left--;
    reader->is_wanted = consumer->part == NULL || consumer->part(reader->request, &reader->part, reader->context);
}

/* False: no more for now. */
static bool hand_data(struct bi_form_reader *reader, struct bi_view data)
{
    const struct bight_http_form_consumer *consumer = reader->consumer;
    struct bi_http_body *body = &reader->request->body;
    reader->part_size += data.size;
    if (!reader->part.form.is_file && reader->part_size > reader->value_limit) {
        refuse(reader, true, "a field of a form is too long");
        return true;
    }
    if (!reader->is_wanted || consumer->data == NULL || data.size == 0) {
        return true;
    }
    body->blocked = true; /* so that a resume inside is not lost */
    if (consumer->data(reader->request, data.at, data.size, reader->context)) {
        body->blocked = false;
    }
    return !body->blocked;
}

static void end_part(struct bi_form_reader *reader)
{
    if (reader->is_wanted && reader->consumer->part_end != NULL) {
        reader->consumer->part_end(reader->request, reader->context);
    }
}

/* -------------------------------------------------------------------------------------------- multipart */

/* Behind a value there are a CR and an LF: room for a NUL. */
static void end_text(struct bight_http_part *part, struct bi_view text)
{
    part->bytes[text.at - part->bytes + text.size] = '\0';
}

static void read_part_head(struct bi_form_reader *reader)
{
    struct bight_http_part *part = &reader->part;
    if (!bi_form_part_read(&part->form, part->head, part->bytes, reader->texts)) {
        refuse(reader, false, part->form.why);
        return;
    }
    if (part->form.type.at != NULL) {
        end_text(part, part->form.type);
    }
    begin_part(reader);
}

/* Takes what is wanted off `text`. False: no more for now. */
static bool take_multipart(struct bi_form_reader *reader, struct bi_view *text)
{
    struct bi_view data;
    bool goes_on = true;
    while (goes_on && !reader->is_over) {
        switch (bi_multipart_next(&reader->multipart, text, &data)) {
        case BI_MULTIPART_PART:
            read_part_head(reader);
            break;
        case BI_MULTIPART_DATA:
            goes_on = hand_data(reader, data);
            break;
        case BI_MULTIPART_PART_END:
            end_part(reader);
            break;
        case BI_MULTIPART_PARTIAL:
            return true;
        case BI_MULTIPART_REFUSED:
            refuse(reader, reader->multipart.too_large, reader->multipart.why);
            return true;
        }
    }
    return goes_on;
}

/* ------------------------------------------------------------------------------------------- urlencoded */

static bool hand_field(struct bi_form_reader *reader, const struct bi_urlencoded_field *field)
{
    bool goes_on = true;
    reader->part.form = (struct bi_form_part) { .name = field->name };
    begin_part(reader);
    if (!reader->is_over) {
        goes_on = hand_data(reader, field->value);
    }
    if (!reader->is_over) {
        end_part(reader);
    }
    return goes_on;
}

/* Likewise; with `ended` all is handed over. */
static bool take_urlencoded(struct bi_form_reader *reader, struct bi_view *text, bool ended)
{
    struct bi_urlencoded_field field;
    bool goes_on = true;
    while ((goes_on || ended) && !reader->is_over) {
        switch (bi_urlencoded_next(&reader->urlencoded, text, ended, &field)) {
        case BI_URLENCODED_FIELD:
            goes_on = hand_field(reader, &field);
            break;
        case BI_URLENCODED_PARTIAL:
        case BI_URLENCODED_END:
            return true;
        case BI_URLENCODED_REFUSED:
            refuse(reader, true, reader->urlencoded.why);
            return true;
        case BI_URLENCODED_NO_MEMORY:
            fail(reader, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
            return true;
        }
    }
    return goes_on;
}

/* -------------------------------------------------------------------------------------------- the body */

static bool take(struct bight_http_request *request, const uint8_t *data, size_t *size, void *context)
{
    struct bi_form_reader *reader = context;
    struct bi_view text = { data, *size };
    (void)request;
    bool goes_on = reader->is_multipart ? take_multipart(reader, &text) : take_urlencoded(reader, &text, false);
    *size -= reader->is_over ? 0 : text.size;
    return goes_on || reader->is_over;
}

static void end_urlencoded(struct bi_form_reader *reader)
{
    struct bi_view nothing = bi_view_of("");
    (void)take_urlencoded(reader, &nothing, true);
}

static void end(struct bight_http_request *request, void *context)
{
    struct bi_form_reader *reader = context;
    if (!reader->is_multipart) {
        end_urlencoded(reader);
    } else if (!bi_multipart_has_ended(&reader->multipart)) {
        refuse(reader, false, "a form ends before its last boundary");
    }
    if (reader->is_over) {
        return;
    }
    finish(reader);
    if (reader->consumer->end != NULL) {
        reader->consumer->end(request, reader->context);
    }
}

static const struct bight_http_consumer body_consumer = {
    .size = sizeof body_consumer,
    .end = end,
    .failed = tell_failed,
};

/* ----------------------------------------------------------------------------------------- asking for it */

/* The only boundary that a type has; false: it has none, two, or one that cannot be. */
static bool find_boundary(
    const struct bi_media_type *media, uint8_t text[BI_MULTIPART_MAX_BOUNDARY], struct bi_view *boundary)
{
    struct bi_view parameters = media->parameters;
    struct bi_parameter parameter;
    unsigned count = 0;
    while (bi_parameter_next(&parameters, &parameter) == BI_PARAMETER_NEXT) {
        if (bi_view_equal_nocase(parameter.name, bi_view_of("boundary"))) {
            *boundary = (struct bi_view) { text, bi_unquote(parameter.value, text, BI_MULTIPART_MAX_BOUNDARY) };
            count++;
        }
    }
    return count == 1 && boundary->size <= BI_MULTIPART_MAX_BOUNDARY && bi_multipart_is_boundary(*boundary);
}

/* RFC 9110, section 12.5.1: in an answer the field says what would be accepted. */
static struct bight_failure *refuse_type(struct bight_http_request *request, unsigned kinds)
{
    static const char *const accepted[] = { "", "application/x-www-form-urlencoded", "multipart/form-data",
        "application/x-www-form-urlencoded, multipart/form-data" };
    if (request->answer.state == BI_ANSWER_NONE) {
        (void)bi_fields_set(&request->answer.fields, "Accept", accepted[kinds], true);
    }
    return bight_http_failure(415, "the body is not said to be a form");
}

/* NULL, or the failure that the body is to end with. */
static struct bight_failure *begin_multipart(
    struct bi_form_reader *reader, const struct bi_media_type *media, const struct bight_http_form_options *options)
{
    size_t head_size = options->part_head_limit, fields_size = options->part_field_limit * sizeof(struct bi_field);
    uint8_t text[BI_MULTIPART_MAX_BOUNDARY];
    struct bi_view boundary;
    if (!find_boundary(media, text, &boundary)) {
        return bight_failure_new_status(BIGHT_E_SYNTAX, 400, NULL, "a form has no boundary that can be one");
    }
    char *memory = bi_request_allocate(reader->request, fields_size + 2 * head_size);
    if (memory == NULL) {
        return bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
    }
    reader->part.bytes = (uint8_t *)memory + fields_size;
    reader->part.head = &reader->multipart.head;
    reader->texts = reader->part.bytes + head_size;
    reader->left = options->part_limit;
    reader->is_multipart = true;
    bi_multipart_begin(&reader->multipart, boundary, reader->part.bytes, options->part_head_limit,
        (struct bi_field *)(void *)memory, (uint16_t)options->part_field_limit);
    return NULL;
}

static void begin_urlencoded(struct bi_form_reader *reader, const struct bight_http_form_options *options)
{
    reader->left = UINT32_MAX; /* the decoder counts them */
    bi_urlencoded_begin(&reader->urlencoded, options->field_limit, options->value_limit);
}

/* A failure that the body is to end with; NULL: it can be read. Without a body there need be no type of it. */
static struct bight_failure *choose(
    struct bi_form_reader *reader, unsigned kinds, const struct bight_http_form_options *options)
{
    struct bight_http_request *request = reader->request;
    struct bight_http_view field = bight_http_request_field_raw(request, "Content-Type");
    struct bi_view type = { (const uint8_t *)field.data, field.size };
    struct bi_media_type media;
    begin_urlencoded(reader, options);
    if (field.data == NULL && request->framing.body == BI_BODY_NONE) {
        return NULL;
    }
    if (field.data == NULL || !bi_media_parse(type, &media)) {
        return refuse_type(request, kinds);
    }
    if ((kinds & BI_FORM_URLENCODED) != 0 && bi_media_is(&media, "application/x-www-form-urlencoded")) {
        return NULL;
    }
    if ((kinds & BI_FORM_MULTIPART) == 0 || !bi_media_is(&media, "multipart/form-data")) {
        return refuse_type(request, kinds);
    }
    return begin_multipart(reader, &media, options);
}

struct bight_http_form_options bi_form_options(const struct bight_http_form_options *options)
{
    struct bight_http_form_options all = { .size = sizeof all };
    if (options != NULL) {
        memcpy(&all, options, options->size < sizeof all ? options->size : sizeof all);
    }
    all.field_limit = all.field_limit != 0 ? all.field_limit : BI_QUERY_MAX_FIELDS;
    all.part_limit = all.part_limit != 0 ? all.part_limit : 100;
    all.part_head_limit = all.part_head_limit != 0 ? all.part_head_limit : 8192;
    all.part_head_limit = all.part_head_limit < BI_HEAD_CEILING ? all.part_head_limit : BI_HEAD_CEILING;
    all.part_field_limit = all.part_field_limit != 0 ? all.part_field_limit : 16;
    all.part_field_limit = all.part_field_limit < BI_HEAD_MAX_FIELDS ? all.part_field_limit : BI_HEAD_MAX_FIELDS;
    all.value_limit = all.value_limit != 0 ? all.value_limit : BI_QUERY_MAX_FIELD;
    return all;
}

int bi_form_read(struct bight_http_request *request, unsigned kinds, const struct bight_http_form_options *options,
    const struct bight_http_form_consumer *consumer, void *context, struct bi_form_reader **made)
{
    struct bi_form_reader *reader = (struct bi_form_reader *)(void *)bi_request_allocate(request, sizeof *reader);
    if (reader == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    *reader = (struct bi_form_reader) {
        .request = request, .consumer = consumer, .context = context, .value_limit = options->value_limit
    };
    *made = reader;
    return bi_body_consume(request, options->limit, choose(reader, kinds, options), &body_consumer, take, reader);
}

/* ------------------------------------------------------------------------------------ the public functions */

static int read_for_program(struct bight_http_request *request, unsigned kinds,
    const struct bight_http_form_options *options, const struct bight_http_form_consumer *consumer, void *context)
{
    struct bight_http_form_options all = bi_form_options(options);
    struct bi_form_reader *reader;
    return bi_form_read(request, kinds, &all, consumer, context, &reader);
}

int bight_http_request_multipart(
    struct bight_http_request *request, const struct bight_http_form_consumer *consumer, void *context)
{
    return read_for_program(request, BI_FORM_MULTIPART, NULL, consumer, context);
}

int bight_http_request_urlencoded(
    struct bight_http_request *request, const struct bight_http_form_consumer *consumer, void *context)
{
    return read_for_program(request, BI_FORM_URLENCODED, NULL, consumer, context);
}

int bight_http_request_consume_form(struct bight_http_request *request, const struct bight_http_form_options *options,
    const struct bight_http_form_consumer *consumer, void *context)
{
    return read_for_program(request, BI_FORM_URLENCODED | BI_FORM_MULTIPART, options, consumer, context);
}

const char *bight_http_part_name(const struct bight_http_part *part)
{
    struct bi_view name = part->form.name;
    return memchr(name.at, '\0', name.size) == NULL ? (const char *)name.at : NULL;
}

struct bight_http_view bight_http_part_name_raw(const struct bight_http_part *part)
{
    return (struct bight_http_view) { (const char *)part->form.name.at, part->form.name.size };
}

const char *bight_http_part_label(const struct bight_http_part *part)
{
    return part->form.is_file ? (const char *)part->form.label.at : NULL;
}

const char *bight_http_part_type(const struct bight_http_part *part)
{
    return part->form.type.at != NULL ? (const char *)part->form.type.at : "";
}

const char *bight_http_part_field(const struct bight_http_part *part, const char *name)
{
    size_t size = strlen(name);
    uint16_t place = part->head == NULL ? 0
                                        : bi_head_next(part->head, part->bytes,
                                              bi_name_find((const uint8_t *)name, size), name, size, 0);
    if (place == 0) {
        return NULL;
    }
    struct bi_span value = part->head->fields[place - 1].value;
    part->bytes[value.at + value.size] = '\0';
    return (const char *)part->bytes + value.at;
}
