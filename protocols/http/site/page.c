/* SPDX-License-Identifier: MIT */
/* page.c - the pages of errors: the program's own, or a line of text when it has none or makes none.
 *
 * Which status it is has been decided by others. */
#include <stdio.h>

#include "http/message/status.h"
#include "http/site/site.h"

static void answer_plainly(struct bight_http_request *request, int status, const char *message)
{
    char text[512];
    int size = snprintf(text, sizeof text, "%d %s\n%s%s", status, bi_status_words(status),
        message != NULL ? message : "", message != NULL ? "\n" : "");
    size_t shown = size < 0 ? 0 : (size_t)size < sizeof text ? (size_t)size : sizeof text - 1;
    (void)bight_http_respond(request, status, "text/plain; charset=utf-8", text, shown);
}

/* What was set for the body that does not come would say of the page what is not so. */
static void forget_body(struct bi_http_buffer *fields)
{
    static const char *const names[] = { "Content-Type", "Content-Encoding", "Content-Language", "Content-Disposition",
        "ETag", "Last-Modified" };
    for (size_t i = 0; i < sizeof names / sizeof *names && bi_http_buffer_size(fields) > 0; i++) {
        bi_fields_remove(fields, names[i]);
    }
}

/* A handler of pages that does not answer, keeps the request for later, or asks for a page itself, is asked no more
 * than it can do: then the plain line has to serve. */
void bi_site_failed(struct bi_http_server *server, struct bight_http_request *request, int status, const char *message)
{
    struct bight_http_site *site = request->is_mounted ? request->mount.pages : bi_site_of(server);
    if (site->error == NULL) { /* since the request has come to it */
        site = bi_site_of(server);
    }
    forget_body(&request->answer.fields);
    if (site->error != NULL && request->dispatched && !request->paging) {
        request->paging = true;
        site->error(request, status, message, site->error_context);
        request->paging = false;
    }
    if (request->answer.state == BI_ANSWER_NONE) {
        answer_plainly(request, status, message);
    }
}
