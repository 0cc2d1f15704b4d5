/* SPDX-License-Identifier: MIT */
/* again.c - calls that are sent once more because of how they were asked, not of what: each reason counts once.
 *
 * A server that cannot say 100 answers 417 (RFC 9110, section 15.5.18): then it is not asked to. */
#include "http/client/again.h"

#include "http/client/sending.h"

bool bi_again_is_due(struct bight_http_call *call, const struct bi_response_parser *parser)
{
    if (parser->head.status != 417 || !bi_sending_asks(call) || !bi_sending_is_repeatable(call)) {
        return false;
    }
    call->asks_no_more = true;
    return true;
}
