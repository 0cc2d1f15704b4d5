/* SPDX-License-Identifier: MIT */
/* conditional.h - a request's conditions against what its target is now (A12), for the code that answers. */
#ifndef BI_HTTP_CONDITIONAL_H
#define BI_HTTP_CONDITIONAL_H

#include "http/message/precondition.h"
#include "http/server/answer.h"

/* Seconds since 1970, by the clock on the wall. */
int64_t bi_conditional_now(const struct bight_http_request *request);

/* Sets ETag and Last-Modified, as far as there are any. 0, or OUT_OF_MEMORY, and then perhaps some of them. */
int bi_conditional_set(struct bight_http_request *request, const struct bi_representation *now);

/* True: it has been answered, 304 or 412; an answer to GET or HEAD has the fields otherwise. */
bool bi_conditional_answer(struct bight_http_request *request, const struct bi_representation *now);

#endif
