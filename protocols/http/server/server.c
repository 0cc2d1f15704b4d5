/* SPDX-License-Identifier: MIT */
/* server.c - the factory of connections, with its limits, the requests that it keeps for reuse, and the date.
 *
 * What happens on a connection is connection.c's and exchange.c's; routes are the site's. */
#include "http/server/server.h"

#include <bight/log.h>
#include <bight/memory.h>
#include <bight/sys/system.h>

#include <string.h>

#include "http/server/request.h"

const struct bi_http_limits bi_http_default_limits = {
    .head = { .line = 8192, .size = 32768, .fields = 100 },
    .body = 1 << 20,
    .requests = 1000,
    .body_rate = 1024,
    .read_rate = 1024,
    .head_seconds = 10,
    .idle_seconds = 75,
};

int bi_http_usage(int code, const char *what)
{
    bight_log_at(NULL, BIGHT_LOG_ERROR, "usage", NULL, "%s [%s]", what, bight_error_name(code));
    return code;
}

/* ------------------------------------------------------------------------------------------- its life */

static struct bi_http_server *server_of(struct bight_factory *factory)
{
    return (struct bi_http_server *)factory;
}

static void check_gone(struct bi_http_server *server)
{
    if (!server->freed || server->is_freeing || server->is_serving || bi_http_server_requests(server) > 0) {
        return;
    }
    while (server->spare != NULL) {
        struct bight_http_request *request = server->spare;
        server->spare = request->next;
        server->spare_count--;
        server->made--;
        bight_free(request);
    }
    bi_http_peers_free(server);
    server->ops->gone(server);
}

static void started(struct bight_factory *factory)
{
    server_of(factory)->is_serving = true;
}

static void stopped(struct bight_factory *factory)
{
    struct bi_http_server *server = server_of(factory);
    server->is_serving = false;
    bight_timer_cancel(server->date_timer);
    server->date_is_fresh = false;
    check_gone(server);
}

static struct bight_protocol *build_protocol(struct bight_factory *factory, const struct bight_address *peer)
{
    (void)peer;
    struct bight_protocol *protocol = server_of(factory)->freed ? NULL : bight_protocol_new(factory);
    bi_http_peers_forget(server_of(factory), (const struct bi_http_connection *)protocol);
    return protocol;
}

static struct bight_failure *check(const struct bight_factory *factory)
{
    const struct bi_http_server *server = (const struct bi_http_server *)factory;
    return server->ops->check(server);
}

static const struct bight_factory_ops factory_ops = {
    .check = check,
    .build_protocol = build_protocol,
    .started = started,
    .stopped = stopped,
};

void bi_http_server_init(struct bi_http_server *server, const struct bi_http_server_ops *ops)
{
    *server = (struct bi_http_server) {
        .factory = BIGHT_FACTORY(struct bi_http_connection, &bi_http_connection_ops),
        .ops = ops,
        .limits = bi_http_default_limits,
        .most_spare = BI_HTTP_SPARE_REQUESTS,
    };
    server->factory.ops = &factory_ops;
}

void bi_http_server_begin_free(struct bi_http_server *server)
{
    server->freed = server->is_freeing = true;
}

void bi_http_server_free(struct bi_http_server *server)
{
    server->is_freeing = false;
    server->most_spare = 0;
    bi_http_buffer_free(&server->spare_fields);
    check_gone(server);
}

/* -------------------------------------------------------------------------------------------- requests */

struct bight_http_request *bi_http_server_make(struct bi_http_server *server)
{
    struct bight_http_request *request =
        bight_malloc(sizeof *request + server->limits.head.fields * sizeof *request->fields);
    if (request != NULL) {
        request->answer.fields = request->kept = request->backlog = (struct bi_http_buffer) { .bytes = NULL };
        request->answer.drain = NULL;
        request->head.fields = request->fields;
        request->head.limits = server->limits.head;
        request->head.known_host = &server->known_host;
        server->made++;
    }
    return request;
}

void bi_http_server_drop(struct bi_http_server *server, struct bight_http_request *request)
{
    bight_free(request);
    server->made--;
    check_gone(server);
}

/* ---------------------------------------------------------------------------------------------- the date */

static void date_has_aged(void *context)
{
    struct bi_http_server *server = context;
    server->date_is_fresh = false;
    server->ready.status = 0;
}

/* Asked for the first time in a second. A timer says when it has aged, so that no request reads a clock; a server
 * without requests has none. */
static void format_date(struct bi_http_server *server)
{
    struct bight_system *system = bight_reactor_system(server->factory.reactor);
    uint64_t now = system->ops->wall_time(system);
    double left = (double)(BIGHT_NANOSECONDS_PER_SECOND - now % BIGHT_NANOSECONDS_PER_SECOND) / 1e9;
    bi_date_cache_set(&server->date, (int64_t)(now / BIGHT_NANOSECONDS_PER_SECOND));
    server->date_is_fresh =
        bight_call_later(server->factory.reactor, left, date_has_aged, server, &server->date_timer) == BIGHT_OK;
}

const char *bi_http_server_date(struct bi_http_server *server)
{
    if (!server->date_is_fresh) {
        format_date(server);
    }
    return server->date.line;
}
