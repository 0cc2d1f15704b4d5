/* SPDX-License-Identifier: MIT */
/* last_event_id.c - which event a client says it got last (A13). */
#include "http/events/events.h"
#include "http/message/event.h"

const char *bight_http_request_last_event_id(struct bight_http_request *request)
{
    const char *id = bight_http_request_field_raw(request, "Last-Event-ID").data != NULL
                         ? bight_http_request_field(request, "Last-Event-ID")
                         : bight_http_request_query(request, "lastEventId");
    return id != NULL && *id != '\0' && bi_event_is_id(bi_view_of(id)) ? id : NULL;
}
