/* SPDX-License-Identifier: MIT */
/* head_line.h - one line of a head, whole, without its end: what it says, or what is wrong with it and where. */
#ifndef BI_HTTP_HEAD_LINE_H
#define BI_HTTP_HEAD_LINE_H

#include "http/message/head.h"

/* Each looks at bytes[at] up to bytes[end], adds what it reads to the head, and returns false when it refuses. */
bool bi_head_request_line(struct bi_head *head, const uint8_t *bytes, uint32_t at, uint32_t end);
bool bi_head_status_line(struct bi_head *head, const uint8_t *bytes, uint32_t at, uint32_t end);
bool bi_head_field_line(struct bi_head *head, const uint8_t *bytes, uint32_t at, uint32_t end);
/* A field's line that begins with white space. */
bool bi_head_fold(struct bi_head *head, const uint8_t *bytes, uint32_t at, uint32_t end);

/* Returns false, always. */
bool bi_head_refuse(struct bi_head *head, uint16_t status, uint32_t bad_at, const char *why);

#endif
