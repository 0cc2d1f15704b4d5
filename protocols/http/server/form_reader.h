/* SPDX-License-Identifier: MIT */
/* form_reader.h - a request's body read as a form and pushed to a consumer: of either kind, within limits. */
#ifndef BI_HTTP_FORM_READER_H
#define BI_HTTP_FORM_READER_H

#include <bight/protocols/http_form.h>

#include "http/message/form_data.h"
#include "http/server/request.h"

#define BI_FORM_URLENCODED 1u
#define BI_FORM_MULTIPART 2u

struct bight_http_part {
    struct bi_form_part form;   /* texts with NULs */
    const struct bi_head *head; /* NULL: it has none */
    uint8_t *bytes;             /* of the head */
};

/* The defaults in place of what is not given. */
struct bight_http_form_options bi_form_options(const struct bight_http_form_options *options);

/* bight_http_request_consume_form, of these kinds. The options are complete. *reader is what bi_form_reader_stop takes;
 * it lives as long as the request. */
struct bi_form_reader;
int bi_form_read(struct bight_http_request *request, unsigned kinds, const struct bight_http_form_options *options,
    const struct bight_http_form_consumer *consumer, void *context, struct bi_form_reader **reader);
/* The consumer wants no more, ever, and is not called again. NULL is allowed. */
void bi_form_reader_stop(struct bi_form_reader *reader);

#endif
