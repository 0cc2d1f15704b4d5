/* SPDX-License-Identifier: MIT */
/* Random tables of routes against the model (routes_model.h): which patterns conflict, and what every path finds.
 *
 * All paths are those of up to four segments of a few texts, so whatever two patterns of up to three segments match can
 * be counted: their relation is that of two finite sets. */
#include <bight/error.h>

#include "routes_model.h"
#include "support.h"

enum {
    TEXTS = 4,
    DEPTH = 4,
    PATHS = 1 + 2 * (4 + 16 + 64 + 256),
    METHODS = 6,
    HOSTS = 3,
    MOST = 24,
};

static const char *const texts[TEXTS] = { "a", "ab", "b", "x%2Fy" }; /* no pattern has the last */
static const char *const hosts[HOSTS] = { "", "h.org", "h.orgs" };

/* No pattern has PUT or OPTIONS. */
static const enum bi_method methods[METHODS] = {
    BI_METHOD_OTHER,
    BI_METHOD_GET,
    BI_METHOD_HEAD,
    BI_METHOD_POST,
    BI_METHOD_PUT,
    BI_METHOD_OPTIONS,
};

static char paths[PATHS][32];

/* With and without a slash at the end; then longer ones. */
static unsigned make_paths(const char *path, unsigned depth, unsigned count)
{
    for (unsigned i = 0; depth < DEPTH && i < TEXTS; i++) {
        char longer[32];
        strcpy(longer, path);
        strcat(strcat(longer, "/"), texts[i]);
        strcpy(paths[count++], longer);
        strcat(strcpy(paths[count++], longer), "/");
        count = make_paths(longer, depth + 1, count);
    }
    return count;
}

/* xorshift64: the seed is the test's number. */
static unsigned draw(uint64_t *random, unsigned below)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return (unsigned)(*random >> 33) % below;
}

/* A pattern in two forms: its text, and what the model has. */
struct candidate {
    char text[128], shape[64];
    size_t shape_size;
    struct model_route route;
    bool matches[PATHS];
};

static void add_segment(struct candidate *candidate, const char *text, const char *shape, size_t shape_size)
{
    strcat(strcat(candidate->text, "/"), text);
    candidate->shape[candidate->shape_size++] = '/';
    memcpy(candidate->shape + candidate->shape_size, shape, shape_size);
    candidate->shape_size += shape_size;
}

static void draw_segments(uint64_t *random, struct candidate *candidate)
{
    static const char *const names[] = { "{n}", "{m}", "{l}" };
    unsigned depth = draw(random, DEPTH);
    for (unsigned i = 0; i < depth; i++) {
        unsigned kind = draw(random, TEXTS + 1);
        if (kind < TEXTS - 1) {
            add_segment(candidate, texts[kind], texts[kind], strlen(texts[kind]));
        } else {
            add_segment(candidate, names[i], "", 1);
        }
    }
    unsigned end = depth == 0 ? 1 + draw(random, 2) : draw(random, 3);
    if (end > 0) {
        add_segment(candidate, end == 1 ? "" : "{rest...}", "", 0);
    }
    candidate->route.shape = (struct bi_shape) { { (uint8_t *)candidate->shape, candidate->shape_size }, end == 2 };
}

static void draw_candidate(uint64_t *random, struct candidate *candidate)
{
    struct bi_view parts[BI_PATTERN_NAMES + 1];
    memset(candidate, 0, sizeof *candidate);
    enum bi_method method = methods[draw(random, 4)];
    candidate->route.host = (int)draw(random, HOSTS);
    candidate->route.method = method;
    sprintf(candidate->text, "%s%s%s", method != BI_METHOD_OTHER ? bi_method_text(method) : "",
        method != BI_METHOD_OTHER ? " " : "", hosts[candidate->route.host]);
    draw_segments(random, candidate);
    for (unsigned i = 0; i < PATHS; i++) {
        candidate->matches[i] = model_matches(candidate->route.shape, bi_view_of(paths[i]), parts);
    }
    for (unsigned i = 0; i < METHODS; i++) {
        for (unsigned j = 0; j < PATHS; j++) {
            candidate->route.weight += candidate->matches[j] && model_accepts(method, methods[i]) ? 1 : 0;
        }
    }
}

/* How many pairs of method and path both match. */
static size_t common_weight(const struct candidate *one, const struct candidate *other)
{
    size_t both = 0;
    size_t count = 0;
    for (unsigned i = 0; i < PATHS; i++) {
        both += one->matches[i] && other->matches[i] ? 1 : 0;
    }
    for (unsigned i = 0; i < METHODS; i++) {
        count += model_accepts(one->route.method, methods[i]) && model_accepts(other->route.method, methods[i]) ? 1 : 0;
    }
    return both * count;
}

static bool conflict(const struct candidate *one, const struct candidate *other)
{
    size_t common = common_weight(one, other);
    size_t least = one->route.weight < other->route.weight ? one->route.weight : other->route.weight;
    bool equal = one->route.weight == other->route.weight;
    return one->route.host == other->route.host && common > 0 && (common < least || equal);
}

/* The example is one that both match: "both match METHOD HOST/path". */
static void check_example(const struct candidate *added, const struct candidate *there, const char *text)
{
    struct bi_view parts[BI_PATTERN_NAMES + 1];
    char example[256], method[16];
    ck_assert_int_eq(sscanf(strstr(text, "both match "), "both match %15s %255[^,]", method, example), 2);
    unsigned number = bi_method_find((const uint8_t *)method, strlen(method));
    struct bi_view path = bi_view_of(strchr(example, '/'));
    ck_assert(model_accepts(added->route.method, number) && model_accepts(there->route.method, number));
    ck_assert(model_matches(added->route.shape, path, parts) && model_matches(there->route.shape, path, parts));
}

static void add_candidate(struct bi_routes *routes, struct model *model, struct candidate *added)
{
    struct candidate *candidate = &added[model->count];
    struct bi_route_error error;
    const struct candidate *other = NULL;
    for (unsigned i = 0; i < model->count && other == NULL; i++) {
        other = conflict(candidate, &added[i]) ? &added[i] : NULL;
    }
    int code = bi_routes_add(routes, candidate->text, NULL, &error);
    ck_assert_msg(
        (code == BIGHT_OK) == (other == NULL), "%s: %s", candidate->text, other != NULL ? other->text : error.text);
    if (other != NULL) {
        ck_assert_int_eq(code, BIGHT_E_INVALID_ARGUMENT);
        check_example(candidate, other, error.text);
        return;
    }
    struct model_route *route = &model->routes[model->count++];
    *route = candidate->route;
    if (route->shape.has_rest && route->method == BI_METHOD_OTHER && model->count % 2 == 0) {
        route->is_mount = routes->routes[routes->count - 1].is_mount = true;
    }
}

/* An assertion of Check's costs a system call, so there is one only for what is wrong. */
static bool has_parts(const struct bi_route_match *match, struct bi_shape shape, struct bi_view path)
{
    struct bi_view parts[BI_PATTERN_NAMES + 1];
    bool same = model_matches(shape, path, parts);
    for (unsigned i = 0; i < match->count; i++) {
        same &= match->parts[i].size == parts[i].size && path.at + match->parts[i].at == parts[i].at;
    }
    return same;
}

static void check_path(const struct bi_routes *routes, const struct model *model, struct model_request asked)
{
    struct bi_route_request request = {
        .method_known = (enum bi_method)asked.method,
        .method = bi_view_of("FROB"),
        .authority = bi_view_of(hosts[asked.host]),
        .path = asked.path,
    };
    struct bi_span matched[BI_PATTERN_NAMES];
    struct bi_route_match match = { .parts = matched };
    uint64_t allowed = 0;
    int route;
    enum bi_route_result expected = model_find(model, asked, &route, &allowed);
    enum bi_route_result result = bi_routes_find(routes, &request, &match);
    bool same = result == expected;
    if (same && result == BI_ROUTE_FOUND) {
        same = match.route == (uint32_t)route && has_parts(&match, model->routes[route].shape, asked.path);
    } else if (same) {
        same = match.allowed == allowed;
    }
    if (!same) {
        ck_abort_msg("%d, not %d: %u %s%s", result, expected, asked.method, hosts[asked.host], asked.path.at);
    }
}

static void check_all_paths(const struct bi_routes *routes, const struct model *model)
{
    for (unsigned i = 0; i < METHODS; i++) {
        for (int host = 0; host < HOSTS; host++) {
            for (unsigned path = 0; path < PATHS; path++) {
                check_path(routes, model, (struct model_request) { methods[i], host, bi_view_of(paths[path]) });
            }
        }
    }
}

START_TEST(every_path_finds_in_a_random_table_what_the_model_finds) /* A5 */
{
    static struct candidate added[MOST + 1];
    strcpy(paths[0], "/");
    ck_assert_uint_eq(make_paths("", 0, 1), PATHS);
    uint64_t random = UINT64_C(0x9E3779B97F4A7C15) * (uint64_t)(_i + 1);
    for (unsigned table = 0; table < 10; table++) {
        struct bi_routes routes = { .count = 0 };
        struct model model = { .count = 0 };
        unsigned tries = 2 + draw(&random, 80);
        for (unsigned i = 0; i < tries && model.count < MOST; i++) {
            draw_candidate(&random, &added[model.count]);
            add_candidate(&routes, &model, added);
        }
        check_all_paths(&routes, &model);
        bi_routes_finish(&routes);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, every_path_finds_in_a_random_table_what_the_model_finds, 0, 30);
}

BIGHT_TEST_MAIN("http_routes_model", add_tests)
