/* SPDX-License-Identifier: MIT */
/* trace.h - the steps of requests, noted where they happen and told later (C10).
 *
 * All of these are called where no user code may be; of a call whose client has no hook for steps they do nothing. */
#ifndef BI_HTTP_TRACE_H
#define BI_HTTP_TRACE_H

#include "http/client/client.h"

struct bi_trace {
    struct bight_http_trace shown;
    struct bi_link link; /* among the client's that have something to tell */
    struct bight_http_client *client;
    uint32_t holds;         /* the call's, and the ring's */
    uint32_t reached, told; /* a bit for each step */
    char text[];            /* method and URL, each with a NUL */
};

/* A request begins; when out of memory it is not traced. */
void bi_trace_begin(struct bight_http_call *call);
/* Another request follows, unless it is the same hop's again (417), whose record goes on. */
void bi_trace_go_on(struct bight_http_call *call);
/* `code` is why it fails; 0: its response is whole. */
void bi_trace_end(struct bight_http_call *call, int code);
/* Tells all that has not been told. Calls user code. */
void bi_trace_tell(struct bight_http_client *client);

void bi_trace_reach(struct bi_trace *trace, enum bight_http_step step);

/* NULL: there is no call, or it is not traced. */
static inline void bi_trace_note(struct bight_http_call *call, enum bight_http_step step)
{
    if (call != NULL && call->trace != NULL) {
        bi_trace_reach(call->trace, step);
    }
}

/* The call's request has been written to its connection. */
void bi_trace_sent(struct bight_http_call *call);
/* The head of its response has come. */
void bi_trace_answered(struct bight_http_call *call);

#endif
