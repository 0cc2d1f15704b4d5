/* SPDX-License-Identifier: MIT */
/* http_routes.c - what finding a route costs, among 200: nanoseconds by the clock; instructions by callgrind,
 *
 *     valgrind --tool=callgrind --toggle-collect=bi_routes_find http_routes 1000 /api/v1/users/4711/posts/17
 *
 * which prints the instructions of 1000 look-ups. Without a path several are tried, and adding is timed. */
#include "http/message/path.h"
#include "http/site/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char *const resources[] = {
    "accounts",
    "addresses",
    "albums",
    "alerts",
    "articles",
    "assets",
    "audits",
    "badges",
    "banners",
    "branches",
    "campaigns",
    "cards",
    "carts",
    "categories",
    "channels",
    "comments",
    "companies",
    "contacts",
    "coupons",
    "customers",
    "devices",
    "domains",
    "events",
    "exports",
    "files",
    "folders",
    "groups",
    "images",
    "imports",
    "invoices",
    "issues",
    "items",
    "jobs",
    "keys",
    "labels",
    "licenses",
    "locations",
    "messages",
    "orders",
    "payments",
    "pages",
    "photos",
    "products",
    "projects",
    "reports",
    "reviews",
    "roles",
    "sessions",
    "tokens",
    "users",
};

static const char *const forms[] = {
    "GET /api/v1/%s",
    "POST /api/v1/%s",
    "GET /api/v1/%s/{id}",
    "GET /api/v1/%s/{id}/posts/{post}",
};

static const char *const tried[] = {
    "/api/v1/users/4711/posts/17",
    "/api/v1/products/4711",
    "/api/v1/orders",
    "/api/v1/users/0b6cb5a2-6d3f-4f0b-9f0e-0a4d5ce6a1b2/posts/17",
    "/api/v1/nothing/4711",
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void add_all(struct bi_routes *routes)
{
    for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
        for (size_t j = 0; j < sizeof forms / sizeof *forms; j++) {
            char pattern[128];
            struct bi_route_error error;
            snprintf(pattern, sizeof pattern, forms[j], resources[i]);
            if (bi_routes_add(routes, pattern, NULL, &error) != 0) {
                fprintf(stderr, "%s\n", error.text);
                exit(EXIT_FAILURE);
            }
        }
    }
}

static void look_up(const struct bi_routes *routes, const char *path, long count)
{
    char text[256] = "";
    struct bi_span parts[BI_PATTERN_NAMES];
    struct bi_route_request request = { .method_known = BI_METHOD_GET, .path = { (uint8_t *)text, strlen(path) } };
    struct bi_route_match match = { .parts = parts };
    strncpy(text, path, sizeof text - BI_WORD);
    enum bi_route_result result = BI_ROUTE_NOT_FOUND;
    double began = now();
    for (long i = 0; i < count; i++) {
        result = bi_routes_find(routes, &request, &match);
    }
    double each = (now() - began) / (double)count;
    struct bi_view pattern = result == BI_ROUTE_FOUND ? bi_routes_pattern(routes, match.route) : bi_view_of("nothing");
    printf("%6.1f ns  %s -> %.*s\n", each, path, (int)pattern.size, (const char *)pattern.at);
}

static void read_path(const char *text, long count)
{
    static uint8_t room[256];
    struct bi_path path = { .bad_at = 0 };
    double began = now();
    for (long i = 0; i < count; i++) {
        (void)bi_path_read(&path, bi_view_of(text), room);
    }
    printf("%6.1f ns  reading %s\n", (now() - began) / (double)count, text);
}

int main(int argc, char **argv)
{
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : 10000000;
    struct bi_routes routes = { .count = 0 };
    double began = now();
    add_all(&routes);
    printf("%6.1f us  adding %u routes\n", (now() - began) / 1000, routes.count);
    if (argc > 2) {
        look_up(&routes, argv[2], count);
    }
    for (size_t i = 0; argc <= 2 && i < sizeof tried / sizeof *tried; i++) {
        look_up(&routes, tried[i], count);
        read_path(tried[i], count);
    }
    bi_routes_finish(&routes);
    return EXIT_SUCCESS;
}
