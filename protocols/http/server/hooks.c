/* SPDX-License-Identifier: MIT */
/* hooks.c - when middleware is told of an answer's head and of an exchange's end (A6).
 *
 * Who is told, and in which order, is site/middleware.c's. A hook may do anything. */
#include "http/server/filter.h"

/* Within, the answer is neither none nor begun: fields may be set, and nothing can answer a second time. */
int bi_hooks_announce(struct bight_http_request *request, int status)
{
    request->answer.state = BI_ANSWER_ANNOUNCED;
    request->answer.status = (uint16_t)status;
    request->holds++;
    request->server->ops->announced(request->server, request, status);
    if (request->answer.state == BI_ANSWER_ANNOUNCED) {
        request->answer.state = BI_ANSWER_NONE;
    }
    /* An abort in there is no second answer. The status has been looked at before, and may be 101. */
    int code = request->answer.state == BI_ANSWER_NONE ? bi_answer_check(request, 200) : BIGHT_E_CLOSED;
    bi_request_release(request);
    return code;
}

/* What holds and releases the request in there does not have it answered for nobody. */
void bi_hooks_end(struct bight_http_request *request)
{
    request->due &= (uint8_t)~BI_DUE_HOOKS;
    request->pending++;
    bi_filter_set(request, NULL, NULL);
    request->server->ops->ended(request->server, request);
    request->pending--;
}
