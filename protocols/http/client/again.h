/* SPDX-License-Identifier: MIT */
/* again.h - responses that say that the call was asked in a way that the server does not take. */
#ifndef BI_HTTP_CLIENT_AGAIN_H
#define BI_HTTP_CLIENT_AGAIN_H

#include "http/client/client.h"

/* The response whose head the parser shows is to be read for the connection's sake alone, and the call, which has been
 * changed for that, to be sent once more. */
bool bi_again_is_due(struct bight_http_call *call, const struct bi_response_parser *parser);

#endif
