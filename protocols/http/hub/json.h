/* SPDX-License-Identifier: MIT */
/* json.h - a hub's messages as JSON. */
#ifndef BI_HTTP_HUB_JSON_H
#define BI_HTTP_HUB_JSON_H

#include "http/hub/hub.h"
#include "http/server/request.h"

/* 0 or OUT_OF_MEMORY. */
int bi_hub_json_message(struct bi_http_buffer *buffer, const struct bight_http_hub_message *message);

#endif
