/* SPDX-License-Identifier: MIT */
/* fuzz_http_routes.c - patterns as any text may have them, and a path: what is found is what the model finds.
 *
 * The first byte is the request's method, the second whose host it is for. Lines follow: patterns, and last a path as
 * it comes. What is narrower is told here by the kinds of segments, in order: text, name, rest. */
#include "http/message/path.h"

#include <stdlib.h>

#include "fuzz.h"
#include "routes_model.h"

enum { PATTERNS = 30, LONGEST = 3000 };

static const enum bi_method methods[] = {
    BI_METHOD_OTHER,
    BI_METHOD_GET,
    BI_METHOD_HEAD,
    BI_METHOD_POST,
    BI_METHOD_OPTIONS,
};

struct table {
    struct bi_routes *routes; /* in memory of its own, so that a step beyond it is seen */
    struct model model;
    struct bi_pattern patterns[PATTERNS];
};

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* The kinds of a shape's segments, and how wide its method is, as text that sorts. */
static char *key_of(struct bi_shape shape, unsigned method)
{
    char *key = malloc(shape.text.size + 3);
    size_t size = 0;
    for (size_t i = 0; i < shape.text.size; i++) {
        if (shape.text.at[i] == '/') {
            bool last = i + 1 == shape.text.size;
            bool name = !last && shape.text.at[i + 1] == BI_SHAPE_NAME;
            key[size++] = last && shape.has_rest ? '3' : name ? '2' : '1';
        }
    }
    key[size++] = method == BI_METHOD_HEAD ? 'a' : method == BI_METHOD_OTHER ? 'c' : 'b';
    key[size] = '\0';
    return key;
}

static void weigh(struct model *model)
{
    char *keys[PATTERNS];
    for (unsigned i = 0; i < model->count; i++) {
        keys[i] = key_of(model->routes[i].shape, model->routes[i].method);
    }
    for (unsigned i = 0; i < model->count; i++) {
        for (unsigned j = 0; j < model->count; j++) {
            model->routes[i].weight += strcmp(keys[j], keys[i]) < 0 ? 1 : 0;
        }
    }
    for (unsigned i = 0; i < model->count; i++) {
        free(keys[i]);
    }
}

/* 1 + the first pattern that has the same host. */
static int host_number(const struct table *table, struct bi_view host)
{
    int number = 0;
    while (host.size > 0 && !bi_view_equal(table->patterns[number++].host, host)) {
    }
    return number;
}

static void check_relation(struct bi_shape one, struct bi_shape other)
{
    enum bi_relation relation = bi_shape_relation(one, other);
    enum bi_relation back = bi_shape_relation(other, one);
    struct bi_view parts[BI_PATTERN_NAMES + 1];
    static uint8_t example[3 * (BI_PATTERN_SIZE + 1)];
    static uint8_t room[sizeof example];
    struct bi_path path;
    require(relation == BI_RELATION_NARROWER ? back == BI_RELATION_WIDER
            : relation == BI_RELATION_WIDER  ? back == BI_RELATION_NARROWER
                                             : back == relation);
    if (relation != BI_RELATION_DISJOINT) {
        size_t size = bi_shape_example(one, other, example, sizeof example);
        require(bi_path_read(&path, (struct bi_view) { example, size }, room));
        require(model_matches(one, path.text, parts) && model_matches(other, path.text, parts));
    }
}

static void add(struct table *table, const char *text)
{
    struct bi_pattern *pattern = &table->patterns[table->model.count];
    struct bi_route_error error;
    bool parsed = bi_pattern_parse(pattern, bi_view_of(text));
    require(parsed || (pattern->bad_at <= strlen(text) && pattern->why != NULL));
    if (parsed) {
        check_relation(pattern->shape, pattern->shape);
        check_relation(pattern->shape, table->patterns[table->model.count / 2].shape);
    }
    bool added = bi_routes_add(table->routes, text, pattern, &error) == 0;
    require(parsed || !added);
    if (added) {
        struct bi_route *route = &table->routes->routes[table->routes->count - 1];
        route->is_mount = route->has_rest && route->method == BI_METHOD_OTHER && table->model.count % 2 == 0;
        table->model.routes[table->model.count++] = (struct model_route) {
            .shape = pattern->shape,
            .method = route->method,
            .is_mount = route->is_mount,
            .host = host_number(table, pattern->host),
        };
    }
}

static void look_up(const struct table *table, struct bi_view path, enum bi_method method, struct bi_view host)
{
    struct bi_route_request request = { method, bi_view_of("FROB"), host, path };
    struct model_request asked = { bi_routes_method(table->routes, method, request.method), 0, path };
    struct bi_view parts[BI_PATTERN_NAMES + 1];
    struct bi_span matched[BI_PATTERN_NAMES];
    struct bi_route_match match = { .parts = matched };
    uint64_t allowed = 0;
    int route;
    asked.host = host_number(table, host);
    enum bi_route_result expected = model_find(&table->model, asked, &route, &allowed);
    require(bi_routes_find(table->routes, &request, &match) == expected);
    if (expected != BI_ROUTE_FOUND) {
        require(match.allowed == allowed);
        return;
    }
    require(match.route == (uint32_t)route && model_matches(table->model.routes[route].shape, path, parts));
    for (unsigned i = 0; i < match.count; i++) {
        struct bi_view name = table->patterns[route].names[i];
        require(match.parts[i].size == parts[i].size && path.at + match.parts[i].at == parts[i].at);
        require(bi_routes_name(table->routes, match.route, name) == (int)i);
    }
}

static void find(const struct table *table, const char *raw, uint8_t method, uint8_t host)
{
    uint8_t *room = malloc(strlen(raw) + 1);
    struct bi_path path;
    struct bi_view none = { NULL, 0 };
    if (bi_path_read(&path, bi_view_of(raw), room)) {
        uint8_t *exact = malloc(path.text.size + BI_WORD);
        memcpy(exact, path.text.at, path.text.size);
        memset(exact + path.text.size, method, BI_WORD);
        path.text.at = exact;
        look_up(table, path.text, methods[method % (sizeof methods / sizeof *methods)],
            host < table->model.count ? table->patterns[host].host : none);
        free(exact);
    }
    free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > LONGEST) {
        return 0;
    }
    static struct table whole;
    struct table *table = &whole;
    char *text = malloc(size - 1);
    table->model = (struct model) { .count = 0 };
    table->routes = calloc(1, sizeof *table->routes);
    memcpy(text, data + 2, size - 2);
    text[size - 2] = '\0';
    char *line = text;
    for (char *end; (end = strchr(line, '\n')) != NULL && table->model.count < PATTERNS; line = end + 1) {
        *end = '\0';
        add(table, line);
    }
    weigh(&table->model);
    find(table, line, data[0], data[1]);
    bi_routes_finish(table->routes);
    free(table->routes);
    free(text);
    return 0;
}
