/* SPDX-License-Identifier: MIT */
/* http_mounts.c - a site made of parts: a shop below /shop, and what it has done below /inside and at a host of its
 * own.
 *
 *     http_mounts ENDPOINT */
#include <bight/bight.h>
#include <bight/protocols/http.h>

/* The shop knows no path but its own. Where it is, is asked for when a page links to another. */
static void show_item(struct bight_http_request *request, void *context)
{
    (void)context;
    if (bight_http_respond_begin(request, 200, "text/plain; charset=utf-8", -1) != 0) {
        return;
    }
    bight_http_respond_writef(request, "item %s\n", bight_http_request_parameter(request, "id"));
    bight_http_respond_writef(request, "back to %s/items\n", bight_http_request_mount(request));
    bight_http_respond_finish(request);
}

static void list_items(struct bight_http_request *request, void *context)
{
    (void)context;
    bight_http_respond_text(request, 200, "3, 7\n");
}

static struct bight_http_site *new_shop(void)
{
    struct bight_http_site *shop = bight_http_site_new();
    bight_http_route(shop, "GET /items", list_items, NULL);
    bight_http_route(shop, "GET /items/{id}", show_item, NULL);
    return shop;
}

int main(int argc, char **argv)
{
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_http_site *site = bight_http_site_new(), *inside = bight_http_site_new(), *shop = new_shop();
    bight_http_route(inside, "GET /metrics", bight_http_figures_handler, site);
    bight_http_mount(site, "/shop", shop);
    bight_http_mount(site, "/inside", inside);
    bight_http_mount(site, "inside.example.org/", inside);
    bight_serve(reactor, argc > 1 ? argv[1] : "tcp:8888", bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_http_site_free(site);
    bight_http_site_free(inside);
    bight_http_site_free(shop);
    bight_reactor_free(reactor);
    return status;
}
