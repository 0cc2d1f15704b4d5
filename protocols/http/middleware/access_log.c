/* SPDX-License-Identifier: MIT */
/* access_log.c - a line for each request of a site, at its end.
 *
 * How a line looks is access_line.c's, where it goes log_sink.c's. No clock is read and nothing is allocated: the time
 * is that of the field Date, whose second has a text here, too. */
#include <bight/memory.h>

#include "http/middleware/access_line.h"
#include "http/middleware/client.h"
#include "http/middleware/log_sink.h"
#include "http/middleware/provided.h"

#define LEAST_BUFFER 65536
#define DEFAULT_BUFFER ((size_t)1 << 20)
#define DEFAULT_SECONDS 1.0
#define CLIENT_LEFT 499 /* nginx's, of requests without an answer */
#define ABORTED 444

struct access_log {
    struct bi_log_sink *sink;
    enum bight_http_log_format format;
    bool without_query, with_seconds, with_id, with_pattern;
    int64_t second; /* that `time` is for */
    char time[BI_ACCESS_TIME];
    struct bi_client_text client; /* of the last request */
};

/* -------------------------------------------------------------------------------------------- a request */

static struct bi_view span_of(const struct bight_http_request *request, struct bi_span span)
{
    return (struct bi_view) { request->bytes + span.at, span.size };
}

static struct bi_view text_or_none(const char *text)
{
    return text != NULL ? bi_view_of(text) : (struct bi_view) { NULL, 0 };
}

static const char *time_of(struct access_log *log, struct bi_http_server *server)
{
    (void)bi_http_server_date(server);
    if (log->second != server->date.second || log->time[0] == '\0') {
        log->second = server->date.second;
        bi_access_time(log->time, log->format, log->second);
    }
    return log->time;
}

static int status_of(const struct bight_http_request *request, const struct bight_http_outcome *outcome)
{
    return outcome->status != 0 ? outcome->status : request->hooks.was_aborted ? ABORTED : CLIENT_LEFT;
}

static void write_line(struct access_log *log, struct bight_reactor *reactor, const struct bi_access_entry *entry)
{
    char *room = bi_log_sink_reserve(log->sink, reactor, bi_access_line_room(entry));
    if (room != NULL) {
        bi_log_sink_commit(log->sink, reactor, bi_access_line_write(entry, log->format, room));
    }
}

static void note(struct bight_http_request *request, const struct bight_http_outcome *outcome, void *context)
{
    struct access_log *log = context;
    const struct bi_http_hooks *hooks = &request->hooks;
    struct bight_reactor *reactor = bight_http_request_reactor(request);
    if (reactor == NULL) {
        return;
    }
    const struct bi_access_entry entry = {
        .address = text_or_none(hooks->address),
        .user = text_or_none(hooks->user),
        .method = span_of(request, request->head.method),
        .target = span_of(request, request->head.target),
        .referer = bi_request_field(request, BI_NAME_REFERER),
        .agent = bi_request_field(request, BI_NAME_USER_AGENT),
        .id = text_or_none(hooks->id),
        .pattern = text_or_none(log->with_pattern ? bight_http_request_pattern(request) : NULL),
        .time = time_of(log, request->server),
        .minor = request->head.minor,
        .status = status_of(request, outcome),
        .bytes = outcome->status != 0 ? hooks->sent - hooks->head : 0,
        .seconds = outcome->seconds,
        .without_query = log->without_query,
        .with_seconds = log->with_seconds,
        .with_id = log->with_id,
        .with_pattern = log->with_pattern,
    };
    write_line(log, reactor, &entry);
}

/* Of a client that has gone, the kernel does not know any more. */
static bool note_client(struct bight_http_request *request, void *context)
{
    struct access_log *log = context;
    struct bi_view client = bi_client_text(&log->client, request);
    request->hooks.address = client.at != NULL ? bi_request_text(request, client.at, client.size) : NULL;
    return true;
}

static const struct bight_http_middleware_ops access_log_ops = {
    .size = sizeof access_log_ops, .before = note_client, .done = note
};

/* ---------------------------------------------------------------------------------------------- options */

static void free_log(void *context)
{
    struct access_log *log = context;
    bi_log_sink_close(log->sink);
    bight_free(log);
}

static struct access_log *make(const struct bight_http_access_log_options *options, int *code)
{
    const char *path = BI_GIVEN(options, path);
    size_t room = BI_GIVEN(options, buffer);
    double seconds = BI_GIVEN(options, flush_seconds);
    struct access_log *log = bight_calloc(1, sizeof *log);
    if (log == NULL) {
        *code = BIGHT_E_OUT_OF_MEMORY;
        return NULL;
    }
    log->format = BI_GIVEN(options, format);
    log->without_query = BI_GIVEN(options, without_query);
    log->with_seconds = BI_GIVEN(options, with_seconds);
    log->with_id = BI_GIVEN(options, with_request_id);
    log->with_pattern = BI_GIVEN(options, with_pattern);
    log->sink = bi_log_sink_open(path != NULL && strcmp(path, "-") != 0 ? path : NULL, BI_GIVEN(options, write),
        BI_GIVEN(options, context),
        room == 0             ? DEFAULT_BUFFER
        : room > LEAST_BUFFER ? room
                              : LEAST_BUFFER,
        seconds > 0 ? seconds : DEFAULT_SECONDS, code);
    if (log->sink == NULL) {
        bight_free(log);
        return NULL;
    }
    return log;
}

int bight_http_use_access_log(struct bight_http_site *site, const struct bight_http_access_log_options *options)
{
    int code;
    unsigned format = (unsigned)BI_GIVEN(options, format);
    if (format > BIGHT_HTTP_LOG_JSON || !bi_provided_is_time(BI_GIVEN(options, flush_seconds))) {
        return bi_provided_refuse(site, "an access log: a format or a time that is none");
    }
    struct access_log *log = make(options, &code);
    int used = bi_provided_use(site, &access_log_ops, log, free_log);
    return log != NULL ? used : code;
}

void bight_http_access_log_reopen(struct bight_http_site *site)
{
    for (uint32_t i = 0; site != NULL && i < site->use_count; i++) {
        if (site->uses[i].ops == &access_log_ops) {
            bi_log_sink_reopen(((struct access_log *)site->uses[i].context)->sink, site->server.factory.reactor);
        }
    }
}
