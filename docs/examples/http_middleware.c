/* SPDX-License-Identifier: MIT */
/* http_middleware.c - a site with what stands before its handlers: what bight provides, and one piece of its own, which
 * wants a key whose owner has to be looked up.
 *
 *     http_middleware ENDPOINT */
#include <bight/bight.h>
#include <bight/memory.h>
#include <bight/protocols/http.h>

#include <string.h>

/* Whose key it is; goes along with the request. */
static const struct bight_type tenant_type = { .name = "tenant", .destroy = bight_free };

/* In a thread: a database may take its time. */
static void look_up(struct bight_result *result, void *key)
{
    char *name = strcmp(key, "4711") == 0 ? bight_malloc(sizeof "Smith & Sons") : NULL;
    if (name == NULL) {
        bight_result_fail(result, bight_http_failure(403, "nobody has this key"));
        return;
    }
    bight_result_set(result, &tenant_type, memcpy(name, "Smith & Sons", sizeof "Smith & Sons"));
}

static void has_looked_up(struct bight_result *result, void *context)
{
    struct bight_http_request *request = context;
    if (bight_result_failure(result) != NULL) {
        bight_http_respond_failure(request, bight_result_take_failure(result));
    } else if (bight_http_request_attach(request, &tenant_type, bight_result_take(result, &tenant_type)) == 0) {
        bight_http_request_proceed(request);
    }
    bight_http_request_release(request);
}

static bool ask_for_key(struct bight_http_request *request, void *context)
{
    const char *key = bight_http_request_field(request, "X-Key");
    (void)context;
    if (key == NULL) {
        bight_http_respond_error(request, 401, "a key is needed");
        return false;
    }
    bight_http_request_hold(request);
    struct bight_deferred *looking = bight_defer_to_thread(bight_http_request_reactor(request), look_up, (void *)key);
    bight_deferred_add_both(looking, has_looked_up, request);
    bight_deferred_release(looking);
    return false; /* not yet */
}

static void forbid_keeping(struct bight_http_request *request, int status, void *context)
{
    (void)status;
    (void)context;
    bight_http_respond_set(request, "Cache-Control", "no-store");
}

static const struct bight_http_middleware_ops keys = {
    .size = sizeof keys, .before = ask_for_key, .head = forbid_keeping
};

static void greet(struct bight_http_request *request, void *context)
{
    const char *tenant = bight_http_request_attached(request, &tenant_type);
    (void)context;
    bight_http_respond_text(request, 200, tenant != NULL ? tenant : "anybody");
}

int main(int argc, char **argv)
{
    static const char *const proxies[] = { "10.0.0.0/8", "unix", NULL };
    static const char *const origins[] = { "https://app.example.org", NULL };
    const struct bight_http_access_log_options log = { .size = sizeof log, .format = BIGHT_HTTP_LOG_JSON };
    const struct bight_http_cors_options cors = { .size = sizeof cors, .origins = origins, .fields = "X-Key" };
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_http_site *site = bight_http_site_new(), *inside = bight_http_site_new();
    bight_http_use_trusted_proxies(site, proxies, NULL); /* first: whose request it is */
    bight_http_use_access_log(site, &log);               /* then what is to see all, whoever answers */
    bight_http_use_request_id(site, NULL);
    bight_http_use_security_fields(site, NULL);
    bight_http_use_rate_limit(site, NULL); /* then what refuses, the cheapest first */
    bight_http_use_cors(site, &cors);
    bight_http_use_limits(site, NULL);
    bight_http_use(inside, &keys, NULL); /* only below /inside */
    bight_http_route(inside, "GET /", greet, NULL);
    bight_http_route(site, "GET /", greet, NULL);
    bight_http_mount(site, "/inside", inside);
    bight_serve(reactor, argc > 1 ? argv[1] : "tcp:8888", bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_http_site_free(site);
    bight_http_site_free(inside);
    bight_reactor_free(reactor);
    return status;
}
