/* SPDX-License-Identifier: MIT */
/* failure.c - failures and the statuses that clients see of them (A2).
 *
 * A failure that has a status (bight_failure_status) may be of any code of the program's own. Only the words of
 * bight_http_failure are shown; all others are the program's own business, and logged. */
#include <bight/log.h>

#include <string.h>

#include "http/message/status.h"
#include "http/server/answer.h"

struct bight_failure *bight_http_failure_at(const char *place, int status, const char *message)
{
    if (status < 400 || status > 599) {
        (void)bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "bight_http_failure: the status is not from 400 to 599");
        status = 500;
    }
    return bight_failure_new_status_at(
        place, BIGHT_E_HTTP_STATUS, status, NULL, "%s", message != NULL ? message : bi_status_words(status));
}

int bi_status_of_failure(const struct bight_failure *failure, const char **message)
{
    int status = bight_failure_status(failure);
    *message = bight_failure_code(failure) == BIGHT_E_HTTP_STATUS ? bight_failure_message(failure) : NULL;
    if (*message != NULL && strcmp(*message, bi_status_words(status)) == 0) {
        *message = NULL; /* the program gave none, and the page has these anyway */
    }
    return status >= 400 && status <= 599 ? status : 500;
}

int bight_http_respond_failure(struct bight_http_request *request, struct bight_failure *failure)
{
    const char *message;
    int status = bi_status_of_failure(failure, &message);
    int code = bi_answer_check(request, status);
    if (code == BIGHT_OK) {
        if (status == 500) {
            bight_log(BIGHT_LOG_ERROR, "http", failure, "a request has failed: 500");
        }
        request->server->ops->failed(request->server, request, status, message);
    }
    bight_failure_release(failure);
    return code;
}
