/* SPDX-License-Identifier: MIT */
/* Tests of the table of routes (protocols/http/site/routes.h): look-ups as a table, errors, hosts, methods, memory. */
#include "http/site/routes.h"
#include "http/message/names.h"

#include <bight/error.h>

#include "edge.h"
#include "faults.h"
#include "support.h"

/* A look-up made of text: "METHOD path", or "METHOD host path". */
/* Behind a path are bytes that may be read, and make no difference, and then none. */
static const uint8_t *edge_path(struct bi_view path)
{
    uint8_t text[512];
    ck_assert_uint_le(path.size + BI_WORD, sizeof text);
    memcpy(text, path.at, path.size);
    memset(text + path.size, '/', BI_WORD);
    return edge_copy(text, path.size + BI_WORD);
}

static struct bi_route_request request_of(const char *text)
{
    struct bi_view line = bi_view_of(text);
    struct bi_view parts[3] = { { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };
    unsigned count = 0;
    while (line.size > 0) {
        const uint8_t *space = count < 2 ? memchr(line.at, ' ', line.size) : NULL;
        parts[count++] = bi_take(&line, space != NULL ? (size_t)(space - line.at) : line.size);
        (void)bi_take_byte(&line, ' ');
    }
    struct bi_view path = parts[count - 1];
    return (struct bi_route_request) {
        .method_known = bi_method_find(parts[0].at, parts[0].size),
        .method = parts[0],
        .authority = count == 3 ? parts[1] : (struct bi_view) { NULL, 0 },
        .path = { edge_path(path), path.size },
    };
}

/* What was found, as text: the pattern and what its names stand for, or what else. */
static const char *outcome(const struct bi_routes *routes, const char *text)
{
    static const char *const words[] = { "", "OPTIONS", "+/", "-/", "405", "404" };
    static char out[1024];
    struct bi_route_request request = request_of(text);
    struct bi_span matched[BI_PATTERN_NAMES];
    struct bi_route_match match = { .parts = matched };
    enum bi_route_result result = bi_routes_find(routes, &request, &match);
    if (result == BI_ROUTE_FOUND) {
        struct bi_view pattern = bi_routes_pattern(routes, match.route);
        int size = sprintf(out, "%.*s", (int)pattern.size, (const char *)pattern.at);
        for (unsigned i = 0; i < match.count; i++) {
            size += sprintf(out + size, " %.*s", (int)match.parts[i].size,
                match.parts[i].size > 0 ? (const char *)request.path.at + match.parts[i].at : "");
        }
        ck_assert_ptr_eq(match.value, routes->routes[match.route].value);
        return out;
    }
    strcpy(out, words[result]);
    if (result == BI_ROUTE_OPTIONS || result == BI_ROUTE_NOT_ALLOWED) {
        uint8_t list[256];
        size_t size = bi_routes_allow(routes, match.allowed, list, sizeof list);
        sprintf(out + strlen(out), " %.*s", (int)size, (const char *)list);
    }
    return out;
}

static void add(struct bi_routes *routes, const char *pattern)
{
    struct bi_route_error error;
    int code = bi_routes_add(routes, pattern, (void *)(uintptr_t)(routes->count + 1), &error);
    ck_assert_msg(code == BIGHT_OK, "%s", error.text);
}

static const char *const site[] = {
    "GET /",
    "/users",
    "GET /users/{id}",
    "GET /users/me",
    "DELETE /users/{user}",
    "POST /users/me/avatar",
    "GET /users/{id}/posts/{post}",
    "/users/{id}/{rest...}",
    "GET /files/{path...}",
    "GET /files/index",
    "GET /files/",
    "/dir/",
    "POST /orders",
    "GET /orders/",
    "POST /basket",
    "HEAD /orders/",
    "M-SEARCH /search",
    "OPTIONS /cors",
    "GET /cors",
    "GET /caf%C3%A9/%2Fx",
    "PATCH /{top}/{x}",
    "api.example.org/{rest...}",
    "GET api.example.org/users/{id}",
    "POST [::1]/users/me",
};

static const struct {
    const char *request, *outcome;
} lookups[] = {
    { "GET /", "GET /" },
    { "HEAD /", "GET /" },
    { "POST /", "405 GET, HEAD, OPTIONS" },
    { "OPTIONS /", "OPTIONS GET, HEAD, OPTIONS" },
    /* Without a method a pattern is for all, unknown ones and OPTIONS among them. */
    { "GET /users", "/users" },
    { "FROB /users", "/users" },
    { "OPTIONS /users", "/users" },
    /* Text before names before the rest. */
    { "GET /users/me", "GET /users/me" },
    { "GET /users/5", "GET /users/{id} 5" },
    { "GET /users/m", "GET /users/{id} m" },
    { "GET /users/mean", "GET /users/{id} mean" },
    { "GET /users/averylongidentifier", "GET /users/{id} averylongidentifier" },
    { "GET /users/5/posts/17", "GET /users/{id}/posts/{post} 5 17" },
    { "GET /users/me/posts/17", "GET /users/{id}/posts/{post} me 17" },
    { "GET /users/me/avatar", "/users/{id}/{rest...} me avatar" },
    { "POST /users/me/avatar", "POST /users/me/avatar" },
    { "GET /users/me/", "/users/{id}/{rest...} me " },
    { "GET /users/5/posts", "/users/{id}/{rest...} 5 posts" },
    { "GET /users/5/posts/", "/users/{id}/{rest...} 5 posts/" },
    { "POST /users/5/posts/17", "/users/{id}/{rest...} 5 posts/17" },
    /* What has another method may be behind a name. */
    { "DELETE /users/me", "DELETE /users/{user} me" },
    { "PUT /users/me", "405 GET, HEAD, OPTIONS, DELETE, PATCH" },
    { "FROB /users/7", "405 GET, HEAD, OPTIONS, DELETE, PATCH" },
    { "PATCH /users/me", "PATCH /{top}/{x} users me" },
    { "PATCH /orders/5", "PATCH /{top}/{x} orders 5" },
    { "PATCH /use/5", "PATCH /{top}/{x} use 5" },
    { "PATCH /users/me/", "/users/{id}/{rest...} me " },
    { "PATCH /orders/5/", "-/" },
    /* A name is never empty, a rest may be. */
    { "PUT /users/", "-/" },
    { "GET /files/", "GET /files/" },
    { "GET /files/a/b/c", "GET /files/{path...} a/b/c" },
    { "GET /files/index", "GET /files/index" },
    { "GET /files/index/", "GET /files/{path...} index/" },
    { "GET /files/indexes", "GET /files/{path...} indexes" },
    /* An escaped slash, or a backslash, is part of a name, and never of a rest. */
    { "GET /users/a%2Fb", "GET /users/{id} a%2Fb" },
    { "GET /users/a\\b", "GET /users/{id} a\\b" },
    { "GET /users/a%25b", "GET /users/{id} a%25b" },
    { "GET /files/a%2Fb", "404" },
    { "GET /files/a\\b", "404" },
    { "POST /files/a%2Fb", "405 OPTIONS, PATCH" },
    { "POST /files/a/%2F", "404" },
    { "POST /files/a", "405 GET, HEAD, OPTIONS, PATCH" },
    { "POST /files/a/b", "405 GET, HEAD, OPTIONS" },
    { "GET /files/a%25b", "GET /files/{path...} a%25b" },
    { "GET /users/%2F/x", "/users/{id}/{rest...} %2F x" },
    /* The last slash, when the other path has the method. */
    { "GET /files", "+/" },
    { "POST /files", "404" },
    { "GET /dir", "+/" },
    { "FROB /dir", "+/" },
    { "GET /dir/", "/dir/" },
    { "GET /dir/x", "405 OPTIONS, PATCH" },
    { "GET /dir/x/y", "404" },
    { "GET /orders", "405 OPTIONS, POST" },
    { "POST /orders/", "405 GET, HEAD, OPTIONS" },
    { "POST /basket/", "-/" },
    { "GET /basket/", "404" },
    { "PUT /orders/", "405 GET, HEAD, OPTIONS" },
    { "PUT /orders", "405 OPTIONS, POST" },
    { "GET /users/5/x/", "/users/{id}/{rest...} 5 x/" },
    { "HEAD /orders/", "HEAD /orders/" },
    { "GET /orders/", "GET /orders/" },
    /* Methods. */
    { "M-SEARCH /search", "M-SEARCH /search" },
    { "M-SEARCH /orders/", "405 GET, HEAD, OPTIONS" },
    { "m-search /search", "405 OPTIONS, M-SEARCH" },
    { "get /users/5", "405 GET, HEAD, OPTIONS, DELETE, PATCH" },
    { "OPTIONS /cors", "OPTIONS /cors" },
    { "OPTIONS /users/5", "OPTIONS GET, HEAD, OPTIONS, DELETE, PATCH" },
    { "OPTIONS /nowhere", "404" },
    { "OPTIONS /files", "404" },
    /* Text is compared as decoded. */
    { "GET /caf\xc3\xa9/%2Fx", "GET /caf%C3%A9/%2Fx" },
    { "GET /Users", "404" },
    { "GET /user", "404" },
    { "GET /userss", "404" },
    { "GET /u", "404" },
    /* A host's own go first. */
    { "GET api.example.org /users/me", "GET api.example.org/users/{id} me" },
    { "GET API.example.ORG:8080 /users/me", "GET api.example.org/users/{id} me" },
    { "POST api.example.org. /users/me", "api.example.org/{rest...} users/me" },
    { "GET api.example.org /", "api.example.org/{rest...} " },
    { "GET www.api.example.org /users/me", "GET /users/me" },
    { "GET api.example.orgs /users/me", "GET /users/me" },
    { "GET api.example /users/me", "GET /users/me" },
    { "GET api.example.org /users/a%2Fb", "GET api.example.org/users/{id} a%2Fb" },
    { "POST api.example.org /users/a%2Fb", "404" },
    { "POST [0::1]:80 /users/me", "POST [::1]/users/me" },
    { "GET [::1] /users/me", "GET /users/me" },
    { "PUT [::1] /users/me", "405 GET, HEAD, OPTIONS, POST, DELETE, PATCH" },
};

START_TEST(a_request_is_served_by_the_narrowest_of_the_patterns_that_match) /* A5 */
{
    struct bi_routes routes = { .count = 0 };
    size_t count = sizeof site / sizeof *site;
    for (size_t i = 0; i < count; i++) {
        add(&routes, site[_i % 2 == 0 ? i : count - 1 - i]); /* the order means nothing */
    }
    for (size_t i = 0; i < sizeof lookups / sizeof *lookups; i++) {
        ck_assert_msg(strcmp(outcome(&routes, lookups[i].request), lookups[i].outcome) == 0, "%s: %s, not %s",
            lookups[i].request, outcome(&routes, lookups[i].request), lookups[i].outcome);
    }
    bi_routes_finish(&routes);
}
END_TEST

START_TEST(redirects_of_slashes_can_be_turned_off) /* A5 */
{
    struct bi_routes routes = { .ignores_slashes = true };
    add(&routes, "GET /dir/");
    ck_assert_str_eq(outcome(&routes, "GET /dir"), "404");
    routes.ignores_slashes = false;
    ck_assert_str_eq(outcome(&routes, "GET /dir"), "+/");
    bi_routes_finish(&routes);
}
END_TEST

START_TEST(an_empty_table_finds_nothing) /* A5 */
{
    struct bi_routes routes = { .count = 0 };
    ck_assert_str_eq(outcome(&routes, "GET /"), "404");
    bi_routes_finish(&routes);
}
END_TEST

static const struct {
    const char *there, *added, *text;
} conflicts[] = {
    { "GET /a/{x}", "GET /{y}/b",
        "route \"GET /{y}/b\" conflicts with \"GET /a/{x}\": both match GET /a/b, and neither matches less than the "
        "other" },
    { "/a/{x}", "GET /{y}/b",
        "route \"GET /{y}/b\" conflicts with \"/a/{x}\": both match GET /a/b, and neither matches less than the "
        "other" },
    { "GET /a/{x}", "/a/b",
        "route \"/a/b\" conflicts with \"GET /a/{x}\": both match GET /a/b, and neither matches less than the other" },
    { "HEAD /a/{x}", "GET /a/b",
        "route \"GET /a/b\" conflicts with \"HEAD /a/{x}\": both match HEAD /a/b, and neither matches less than the "
        "other" },
    { "/a/{x}", "/{y}/b",
        "route \"/{y}/b\" conflicts with \"/a/{x}\": both match GET /a/b, and neither matches less than the other" },
    { "POST h.org/{x}/c", "POST H.org/b/{y...}",
        "route \"POST H.org/b/{y...}\" conflicts with \"POST h.org/{x}/c\": both match POST h.org/b/c, and neither "
        "matches less than the other" },
    { "/a/{x}", "FROB /{y}/b",
        "route \"FROB /{y}/b\" conflicts with \"/a/{x}\": both match FROB /a/b, and neither matches less than the "
        "other" },
    { "GET /a/{x}", "GET /%61/{id}", "route \"GET /%61/{id}\" is the same as \"GET /a/{x}\": both match GET /a/x" },
    { "M-GET /", "M-GET /", "route \"M-GET /\" is the same as \"M-GET /\": both match M-GET /" },
};

START_TEST(a_conflict_is_refused_with_both_patterns_and_an_example) /* A5 */
{
    struct bi_routes routes = { .count = 0 };
    struct bi_route_error error;
    add(&routes, conflicts[_i].there);
    ck_assert_int_eq(bi_routes_add(&routes, conflicts[_i].added, NULL, &error), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_str_eq(error.text, conflicts[_i].text);
    ck_assert_uint_eq(error.column, 0);
    ck_assert_int_eq(bi_routes_add(&routes, conflicts[_i].added, NULL, NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(routes.count, 1);
    bi_routes_finish(&routes);
}
END_TEST

START_TEST(patterns_of_different_hosts_and_methods_do_not_conflict) /* A5 */
{
    struct bi_routes routes = { .count = 0 };
    add(&routes, "GET /a/{x}");
    add(&routes, "POST /{y}/b");
    add(&routes, "GET h.org/{y}/b");
    add(&routes, "GET i.org/{y}/b");
    add(&routes, "/{z}/{x}");
    add(&routes, "HEAD /a/{x}");
    ck_assert_str_eq(outcome(&routes, "HEAD /a/b"), "HEAD /a/{x} b");
    ck_assert_str_eq(outcome(&routes, "PUT /a/b"), "/{z}/{x} a b");
    bi_routes_finish(&routes);
}
END_TEST

START_TEST(a_pattern_that_is_wrong_is_refused_with_its_column) /* A5 */
{
    struct bi_routes routes = { .count = 0 };
    struct bi_route_error error;
    ck_assert_int_eq(bi_routes_add(&routes, "GET /a/{b", NULL, &error), BIGHT_E_SYNTAX);
    ck_assert_str_eq(error.text, "route \"GET /a/{b\", column 8: there is no } behind this {");
    ck_assert_uint_eq(error.column, 8);
    ck_assert_int_eq(bi_routes_add(&routes, "", NULL, NULL), BIGHT_E_SYNTAX);
    bi_routes_finish(&routes);
}
END_TEST

START_TEST(parts_are_found_by_the_names_of_the_route_itself) /* A5 */
{
    struct bi_routes routes = { .count = 0 };
    add(&routes, "GET h.org/{id}/x/{identity}/{rest...}");
    add(&routes, "POST h.org/{a}/x/{b}/{c...}");
    add(&routes, "GET /none");
    ck_assert_int_eq(bi_routes_name(&routes, 0, bi_view_of("id")), 0);
    ck_assert_int_eq(bi_routes_name(&routes, 0, bi_view_of("identity")), 1);
    ck_assert_int_eq(bi_routes_name(&routes, 0, bi_view_of("rest")), 2);
    ck_assert_int_eq(bi_routes_name(&routes, 0, bi_view_of("rest...")), -1);
    ck_assert_int_eq(bi_routes_name(&routes, 0, bi_view_of("rest.")), -1);
    ck_assert_int_eq(bi_routes_name(&routes, 0, bi_view_of("res")), -1);
    ck_assert_int_eq(bi_routes_name(&routes, 0, bi_view_of("")), -1);
    ck_assert_int_eq(bi_routes_name(&routes, 0, bi_view_of("a")), -1);
    ck_assert_int_eq(bi_routes_name(&routes, 1, bi_view_of("b")), 1);
    ck_assert_int_eq(bi_routes_name(&routes, 1, bi_view_of("c")), 2);
    ck_assert_int_eq(bi_routes_name(&routes, 2, bi_view_of("none")), -1);
    bi_routes_finish(&routes);
}
END_TEST

START_TEST(an_allow_list_is_written_within_its_room_and_its_size_told) /* A5 */
{
    static const char list[] = "GET, HEAD, OPTIONS, M-SEARCH";
    struct bi_routes routes = { .count = 0 };
    add(&routes, "M-SEARCH /");
    add(&routes, "GET /");
    uint64_t allowed = UINT64_C(1) << BI_METHOD_GET | UINT64_C(1) << BI_METHOD_COUNT;
    for (size_t room = 0; room < sizeof list + 2; room++) {
        uint8_t *out = edge_copy("..................................", room);
        ck_assert_uint_eq(bi_routes_allow(&routes, allowed, out, room), sizeof list - 1);
        ck_assert(room < sizeof list - 1 || memcmp(out, list, sizeof list - 1) == 0);
    }
    bi_routes_finish(&routes);
}
END_TEST

START_TEST(a_table_has_sixty_four_methods) /* A5 */
{
    struct bi_routes routes = { .count = 0 };
    struct bi_route_error error;
    char pattern[32];
    for (unsigned i = BI_METHOD_COUNT; i < BI_ROUTE_METHODS; i++) {
        sprintf(pattern, "X%u /", i);
        add(&routes, pattern);
    }
    ck_assert_int_eq(bi_routes_add(&routes, "Y /", NULL, &error), BIGHT_E_LIMIT);
    ck_assert_str_eq(error.text, "route \"Y /\": there are too many methods");
    add(&routes, "X63 /more");
    ck_assert_str_eq(outcome(&routes, "X63 /"), "X63 /");
    ck_assert_str_eq(outcome(&routes, "Y /more"), "405 OPTIONS, X63");
    bi_routes_finish(&routes);
}
END_TEST

START_TEST(sixteen_names_are_found) /* A5 */
{
    struct bi_routes routes = { .count = 0 };
    add(&routes, "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}/{j}/{k}/{l}/{m}/{n}/{o}/{p...}");
    ck_assert_str_eq(outcome(&routes, "GET /1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"),
        "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}/{j}/{k}/{l}/{m}/{n}/{o}/{p...} 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 "
        "16/17");
    bi_routes_finish(&routes);
}
END_TEST

static void make_pattern(char *pattern, unsigned i)
{
    sprintf(pattern, "%s%s/r%u/{id}/x%u", i % 3 == 0 ? "GET " : "", i % 5 == 0 ? "h.org" : "", i * 7919 % 1000, i);
}

START_TEST(routes_are_added_while_others_are_looked_up) /* A5 */
{
    struct bi_routes routes = { .count = 0 };
    char pattern[64], request[64];
    for (unsigned added = 0; added < 1000; added++) {
        make_pattern(pattern, added);
        add(&routes, pattern);
        unsigned i = added * 31 % (added + 1);
        make_pattern(pattern, i);
        sprintf(request, "GET h.org /r%u/5/x%u", i * 7919 % 1000, i);
        strcat(pattern, " 5");
        ck_assert_str_eq(outcome(&routes, request), pattern);
    }
    bi_routes_finish(&routes);
}
END_TEST

static void add_with_fault(struct bi_routes *routes, unsigned fail_nth, int *code)
{
    struct bight_test_memory memory;
    bight_test_fail_nth(&memory, fail_nth);
    *code = bi_routes_add(routes, "M-SEARCH new.org/a/{b}/c/{d}/e/{f...}", NULL, NULL);
    bight_set_allocator(NULL);
}

START_TEST(without_memory_the_table_is_as_it_was) /* A5, G3 */
{
    for (unsigned count = 0; count < 70; count++) {
        int code = BIGHT_E_OUT_OF_MEMORY;
        for (unsigned nth = 1; code != BIGHT_OK; nth++) {
            struct bi_routes routes = { .count = 0 };
            char pattern[64];
            for (unsigned i = 0; i < count; i++) {
                make_pattern(pattern, i);
                add(&routes, pattern);
            }
            add_with_fault(&routes, nth, &code);
            ck_assert_uint_eq(routes.count, code == BIGHT_OK ? count + 1 : count);
            ck_assert_str_eq(outcome(&routes, "M-SEARCH new.org /a/1/c/2/e/3"),
                code == BIGHT_OK ? "M-SEARCH new.org/a/{b}/c/{d}/e/{f...} 1 2 3" : "404");
            if (count > 0) {
                ck_assert_str_eq(outcome(&routes, "GET h.org /r0/5/x0"), "GET h.org/r0/{id}/x0 5");
            }
            add(&routes, "M-SEARCH new.org/a/b");
            bi_routes_finish(&routes);
        }
    }
}
END_TEST

START_TEST(a_look_up_allocates_nothing) /* H7 */
{
    struct bi_routes routes = { .count = 0 };
    struct bight_test_memory memory;
    for (size_t i = 0; i < sizeof site / sizeof *site; i++) {
        add(&routes, site[i]);
    }
    bight_test_fail_nth(&memory, 0);
    for (size_t i = 0; i < sizeof lookups / sizeof *lookups; i++) {
        (void)outcome(&routes, lookups[i].request);
    }
    bight_set_allocator(NULL);
    ck_assert_uint_eq(memory.asked, 0);
    bi_routes_finish(&routes);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_request_is_served_by_the_narrowest_of_the_patterns_that_match, 0, 2);
    tcase_add_test(tests, redirects_of_slashes_can_be_turned_off);
    tcase_add_test(tests, an_empty_table_finds_nothing);
    tcase_add_loop_test(
        tests, a_conflict_is_refused_with_both_patterns_and_an_example, 0, (int)(sizeof conflicts / sizeof *conflicts));
    tcase_add_test(tests, patterns_of_different_hosts_and_methods_do_not_conflict);
    tcase_add_test(tests, a_pattern_that_is_wrong_is_refused_with_its_column);
    tcase_add_test(tests, parts_are_found_by_the_names_of_the_route_itself);
    tcase_add_test(tests, an_allow_list_is_written_within_its_room_and_its_size_told);
    tcase_add_test(tests, a_table_has_sixty_four_methods);
    tcase_add_test(tests, sixteen_names_are_found);
    tcase_add_test(tests, routes_are_added_while_others_are_looked_up);
    tcase_add_test(tests, without_memory_the_table_is_as_it_was);
    tcase_add_test(tests, a_look_up_allocates_nothing);
}

BIGHT_TEST_MAIN("http_routes", add_tests)
