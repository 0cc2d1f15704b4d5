/* SPDX-License-Identifier: MIT */
/* json.h - JSON as bytes, for other files that send it. */
#ifndef BI_HTTP_JSON_H
#define BI_HTTP_JSON_H

#include <bight/protocols/http_json.h>

/* The value, which is taken. 0; OUT_OF_MEMORY, also for NULL; INVALID_ARGUMENT for what cannot be written;
 * NOT_SUPPORTED, a usage error, where there is no jansson. */
int bi_json_write(struct json_t *json, struct bight_bytes **bytes);

#endif
