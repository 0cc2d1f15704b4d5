/* SPDX-License-Identifier: MIT */
/* request_id.h - which ids of others are taken. */
#ifndef BI_HTTP_REQUEST_ID_H
#define BI_HTTP_REQUEST_ID_H

#include "http/message/tokens.h"

/* 1 to 128 of A-Z a-z 0-9 . _ -: safe in logs, fields and URLs. */
bool bi_request_id_is_valid(struct bi_view id);

#endif
