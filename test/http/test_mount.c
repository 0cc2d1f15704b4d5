/* SPDX-License-Identifier: MIT */
/* Tests of sites in sites (protocols/http/site/mount.c): which site answers, with which path, and who goes first. */
#include <bight/protocols/http_testing.h>
#include <bight/testing/trial.h>

#include "http/site/site.h"
#include "site_support.h"

/* What each handler answers: its context, then the path, where it is mounted and the parameter `id`. */
static void tell(struct bight_http_request *request, void *context)
{
    char text[400];
    const char *id = bight_http_request_parameter(request, "id");
    (void)snprintf(text, sizeof text, "%s %s mount=%s id=%s", (const char *)context, bight_http_request_path(request),
        bight_http_request_mount(request), id != NULL ? id : "-");
    (void)bight_http_respond_text(request, 200, text);
}

static struct bight_http_site *inner, *innermost;

static void route(struct bight_http_site *to, const char *pattern, const char *context)
{
    ck_assert_int_eq(bight_http_route(to, pattern, tell, (void *)(uintptr_t)context), 0);
}

static void begin(void)
{
    begin_site(NULL);
    inner = bight_http_site_new();
    innermost = bight_http_site_new();
    route(site, "/", "outer");
    route(site, "/api/own", "outer");
    route(inner, "/", "inner");
    route(inner, "GET /users/{id}", "inner");
    route(inner, "GET /files/{rest...}", "inner");
    route(inner, "GET /dir/", "inner");
    route(innermost, "/", "innermost");
    route(innermost, "POST /x/{id}", "innermost");
    ck_assert_int_eq(bight_http_mount(site, "/api", inner), 0);
    ck_assert_int_eq(bight_http_mount(inner, "/deep/er/", innermost), 0);
    ck_assert_int_eq(bight_http_mount(site, "h.org/", innermost), 0);
}

static void end(void)
{
    end_site();
    bight_http_site_free(inner);
    bight_http_site_free(innermost);
}

static struct bight_http_response *answer_to(const char *method, const char *target, const char *field)
{
    const char *const fields[] = { field, NULL };
    const struct bight_http_testing_options options = { .size = sizeof options, .fields = fields };
    struct bight_deferred *asked = bight_http_testing_request(site, method, target, &options);
    struct bight_http_response *response = bight_expect_value(asked, &bight_type_http_response);
    bight_deferred_release(asked);
    ck_assert_ptr_nonnull(response);
    return response;
}

static int status_of(const char *method, const char *target)
{
    struct bight_http_response *response = answer_to(method, target, NULL);
    int status = bight_http_response_status(response);
    bight_http_response_release(response);
    return status;
}

static const struct {
    const char *method, *target, *host;
    int status;
    const char *body, *field, *value; /* NULL: not looked at */
} asked[] = {
    { "GET", "/", NULL, 200, "outer / mount= id=-", NULL, NULL },
    { "GET", "/api/", NULL, 200, "inner /api/ mount=/api id=-", NULL, NULL },
    { "GET", "/api", NULL, 308, NULL, "Location", "/api/" },
    { "GET", "/api?q=1", NULL, 308, NULL, "Location", "/api/?q=1" },
    { "GET", "/api/own", NULL, 200, "outer /api/own mount= id=-", NULL, NULL },
    { "GET", "/api/users/7", NULL, 200, "inner /api/users/7 mount=/api id=7", NULL, NULL },
    { "HEAD", "/api/users/7", NULL, 200, "", NULL, NULL },
    { "GET", "/api/users/a%2Fb", NULL, 200, "inner /api/users/a%2Fb mount=/api id=a/b", NULL, NULL },
    { "GET", "/ap%69/users/7", NULL, 200, "inner /api/users/7 mount=/api id=7", NULL, NULL },
    { "GET", "/api/files/a/b", NULL, 200, "inner /api/files/a/b mount=/api id=-", NULL, NULL },
    { "GET", "/api/files/a%2Fb", NULL, 404, NULL, NULL, NULL },
    { "POST", "/api/users/7", NULL, 405, NULL, "Allow", "GET, HEAD, OPTIONS" },
    { "OPTIONS", "/api/users/7", NULL, 204, NULL, "Allow", "GET, HEAD, OPTIONS" },
    { "GET", "/api/dir", NULL, 308, NULL, "Location", "/api/dir/" },
    { "GET", "/api/dir/?x", NULL, 200, NULL, NULL, NULL },
    { "GET", "/api/users/7/", NULL, 308, NULL, "Location", "/api/users/7" },
    { "GET", "/api/nowhere", NULL, 404, NULL, NULL, NULL },
    { "GET", "/apis", NULL, 404, NULL, NULL, NULL },
    { "GET", "/api/deep/er/", NULL, 200, "innermost /api/deep/er/ mount=/api/deep/er id=-", NULL, NULL },
    { "POST", "/api/deep/er/x/9", NULL, 200, "innermost /api/deep/er/x/9 mount=/api/deep/er id=9", NULL, NULL },
    { "GET", "/api/deep/er/x/9", NULL, 405, NULL, "Allow", "OPTIONS, POST" },
    { "GET", "/api/deep/", NULL, 404, NULL, NULL, NULL },
    { "GET", "/", "Host: h.org", 200, "innermost / mount= id=-", NULL, NULL },
    { "POST", "/x/9", "Host: H.org:80", 200, "innermost /x/9 mount= id=9", NULL, NULL },
    { "CONNECT", "h.org:80", "Host: h.org:80", 501, NULL, NULL, NULL },
};

START_TEST(what_lies_below_a_mount_is_answered_by_its_site) /* A5 */
{
    begin();
    struct bight_http_response *response = answer_to(asked[_i].method, asked[_i].target, asked[_i].host);
    ck_assert_int_eq(bight_http_response_status(response), asked[_i].status);
    if (asked[_i].body != NULL) {
        ck_assert_str_eq(bight_http_testing_text(response), asked[_i].body);
    }
    if (asked[_i].field != NULL) {
        ck_assert_str_eq(bight_http_response_field(response, asked[_i].field), asked[_i].value);
    }
    bight_http_response_release(response);
    end();
}
END_TEST

START_TEST(a_path_of_the_site_around_is_405_though_it_lies_below_a_mount) /* A5 */
{
    begin();
    route(site, "GET /api/only", "outer");
    struct bight_http_response *response = answer_to("POST", "/api/only", NULL);
    ck_assert_int_eq(bight_http_response_status(response), 405);
    ck_assert_str_eq(bight_http_response_field(response, "Allow"), "GET, HEAD, OPTIONS");
    bight_http_response_release(response);
    ck_assert_int_eq(status_of("OPTIONS", "/api/only"), 204);
    end();
}
END_TEST

START_TEST(routes_are_added_to_a_mounted_site_while_it_serves) /* A5 */
{
    begin();
    ck_assert_int_eq(status_of("GET", "/api/new"), 404);
    route(inner, "/new", "inner");
    ck_assert_int_eq(status_of("GET", "/api/new"), 200);
    end();
}
END_TEST

START_TEST(a_site_is_mounted_twice_and_served_itself) /* A5 */
{
    begin();
    ck_assert_int_eq(bight_http_mount(site, "/again", inner), 0);
    ck_assert_int_eq(status_of("GET", "/again/users/7"), 200);
    ck_assert_int_eq(status_of("GET", "/again/deep/er/"), 200);
    struct bight_deferred *direct = bight_http_testing_get(inner, "/users/7");
    struct bight_http_response *response = bight_expect_value(direct, &bight_type_http_response);
    ck_assert_str_eq(bight_http_testing_text(response), "inner /users/7 mount= id=7");
    bight_http_response_release(response);
    bight_deferred_release(direct);
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------ random sites */

/* xorshift64: the seed is the test's number. */
static unsigned draw(uint64_t *random, unsigned below)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return (unsigned)(*random >> 33) % below;
}

/* A path of up to three segments of the kinds given, with or without a slash at its end. */
static void draw_path(uint64_t *random, char *path, const char *const *segments, unsigned count)
{
    unsigned depth = draw(random, 4);
    path[0] = '\0';
    for (unsigned i = 0; i < depth; i++) {
        strcat(strcat(path, "/"), segments[draw(random, count)]);
    }
    if (depth == 0 || (path[strlen(path) - 1] != '}' && draw(random, 3) == 0)) {
        strcat(path, "/");
    }
}

static const char *const methods[] = { "", "GET ", "POST ", "HEAD " };

/* The same pattern for both, a level apart; one that conflicts does so twice. */
static void add_to_both(uint64_t *random, struct bight_http_site *flat)
{
    static const char *const segments[] = { "a", "b", "a", "{id}" };
    static char contexts[64][8];
    static unsigned used;
    char path[64], pattern[100];
    const char *method = methods[draw(random, 4)];
    draw_path(random, path, segments, 4);
    if (strstr(path, "{id}") != NULL && strstr(strstr(path, "{id}") + 1, "{id}") != NULL) {
        return;
    }
    if (draw(random, 4) == 0) {
        strcat(path, path[strlen(path) - 1] == '/' ? "{rest...}" : "/{rest...}");
    }
    char *context = contexts[used++ % 64];
    (void)snprintf(context, sizeof contexts[0], "%u", used);
    (void)snprintf(pattern, sizeof pattern, "%s%s", method, path);
    int code = bight_http_route(inner, pattern, tell, context);
    inner->is_broken = false;
    (void)snprintf(pattern, sizeof pattern, "%s/m/n%s", method, path);
    ck_assert_int_eq(bight_http_route(flat, pattern, tell, context), code);
    flat->is_broken = false;
}

static struct bight_http_response *ask(struct bight_http_site *of, const char *method, const char *path)
{
    struct bight_deferred *deferred = bight_http_testing_request(of, method, path, NULL);
    struct bight_http_response *response = bight_expect_value(deferred, &bight_type_http_response);
    bight_deferred_release(deferred);
    return response;
}

/* But for where it says that it is mounted. */
static bool are_alike(struct bight_http_response *one, struct bight_http_response *other)
{
    const char *name, *value;
    char body[2][400];
    bool same = bight_http_response_status(one) == bight_http_response_status(other);
    for (size_t cursor = 0; bight_http_response_next_field(one, &cursor, &name, &value);) {
        const char *its = bight_http_response_field(other, name);
        same = same && its != NULL && (strcmp(name, "Content-Length") == 0 || strcmp(its, value) == 0);
    }
    (void)snprintf(body[0], sizeof body[0], "%s", bight_http_testing_text(one));
    (void)snprintf(body[1], sizeof body[1], "%s", bight_http_testing_text(other));
    char *mounted = strstr(body[0], "mount=/m/n");
    if (mounted != NULL) {
        memmove(mounted + 6, mounted + 10, strlen(mounted + 10) + 1);
    }
    return same && strcmp(body[0], body[1]) == 0;
}

START_TEST(what_is_mounted_answers_as_its_routes_would_in_the_site_around) /* A5 */
{
    static const char *const segments[] = { "a", "b", "c", "x%2Fy" };
    static const char *const asked_by[] = { "GET", "POST", "HEAD", "OPTIONS", "PUT" };
    uint64_t random = UINT64_C(0x9E3779B97F4A7C15) * (uint64_t)(_i + 1);
    begin_site(NULL);
    inner = bight_http_site_new();
    innermost = bight_http_site_new();
    struct bight_http_site *flat = bight_http_site_new();
    ck_assert_int_eq(bight_http_mount(site, "/m", innermost), 0);
    ck_assert_int_eq(bight_http_mount(innermost, "/n", inner), 0);
    for (unsigned i = 2 + draw(&random, 12); i > 0; i--) {
        add_to_both(&random, flat);
    }
    for (unsigned i = 0; i < 100; i++) {
        char path[64], whole[100];
        draw_path(&random, path, segments, 4);
        (void)snprintf(whole, sizeof whole, "/m/n%s", path);
        const char *method = asked_by[draw(&random, 5)];
        struct bight_http_response *one = ask(site, method, whole), *other = ask(flat, method, whole);
        if (!are_alike(one, other)) {
            ck_abort_msg(
                "%s %s: %d, not %d", method, whole, bight_http_response_status(one), bight_http_response_status(other));
        }
        bight_http_response_release(one);
        bight_http_response_release(other);
    }
    end();
    bight_http_site_free(flat);
}
END_TEST

/* ----------------------------------------------------------------------------------------- what is refused */

static const struct {
    const char *path;
    int code;
} refused[] = {
    { "", BIGHT_E_SYNTAX },
    { "api", BIGHT_E_SYNTAX },
    { "GET /api", BIGHT_E_SYNTAX },
    { "/{name}", BIGHT_E_SYNTAX },
    { "/a/{rest...}", BIGHT_E_SYNTAX },
    { "/a//b", BIGHT_E_SYNTAX },
    { "/a/../b", BIGHT_E_SYNTAX },
    { "/api", BIGHT_E_INVALID_ARGUMENT },
    { "/api/", BIGHT_E_INVALID_ARGUMENT },
    { "h.org/", BIGHT_E_INVALID_ARGUMENT },
};

START_TEST(a_mount_that_cannot_be_keeps_the_site_from_being_served) /* A5 */
{
    begin();
    struct bight_http_site *other = bight_http_site_new();
    ck_assert_int_eq(bight_http_mount(site, refused[_i].path, other), refused[_i].code);
    ck_assert_uint_eq(other_errors, 1);
    struct bight_deferred *answer = bight_http_testing_get(site, "/");
    bight_failure_release(bight_expect_failure(answer, BIGHT_E_CONFIGURATION));
    bight_deferred_release(answer);
    end();
    bight_http_site_free(other);
}
END_TEST

START_TEST(a_site_in_itself_is_refused) /* A5 */
{
    begin();
    ck_assert_int_eq(bight_http_mount(site, "/a", site), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_mount(inner, "/a", site), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_mount(innermost, "/a", site), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_mount(innermost, "/a", inner), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(other_errors, 4);
    end();
}
END_TEST

START_TEST(without_a_site_there_is_no_mount) /* A5 */
{
    begin();
    ck_assert_int_eq(bight_http_mount(NULL, "/a", site), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_http_mount(site, "/a", NULL), BIGHT_E_OUT_OF_MEMORY);
    end();
}
END_TEST

START_TEST(a_broken_site_breaks_those_that_it_is_mounted_in) /* A5 */
{
    begin();
    ck_assert_int_lt(bight_http_route(innermost, "nothing", tell, NULL), 0);
    struct bight_deferred *answer = bight_http_testing_get(site, "/");
    bight_failure_release(bight_expect_failure(answer, BIGHT_E_CONFIGURATION));
    bight_deferred_release(answer);
    end();
}
END_TEST

/* Each is mounted twice in the next: a walk that came to each by every way would not end. */
START_TEST(sites_that_are_mounted_twice_each_are_gone_through_once) /* A5 */
{
    enum { LEVELS = 60 };
    struct bight_http_site *levels[LEVELS];
    begin();
    for (int i = 0; i < LEVELS; i++) {
        levels[i] = bight_http_site_new();
        if (i > 0) {
            ck_assert_int_eq(bight_http_mount(levels[i], "/a", levels[i - 1]), 0);
            ck_assert_int_eq(bight_http_mount(levels[i], "/b", levels[i - 1]), 0);
        }
    }
    ck_assert_int_eq(bight_http_mount(site, "/many", levels[LEVELS - 1]), 0);
    ck_assert_int_eq(bight_http_mount(levels[0], "/", levels[LEVELS - 1]), BIGHT_E_INVALID_ARGUMENT);
    for (int i = 0; i < LEVELS; i++) {
        bight_http_site_free(levels[i]);
    }
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------- pages and limits */

static void make_page(struct bight_http_request *request, int status, const char *message, void *context)
{
    char text[100];
    (void)message;
    (void)snprintf(text, sizeof text, "%s's %d", (const char *)context, status);
    (void)bight_http_respond_text(request, status, text);
}

static void expect_page(const char *target, const char *body)
{
    struct bight_http_response *response = answer_to("GET", target, NULL);
    ck_assert_str_eq(bight_http_testing_text(response), body);
    bight_http_response_release(response);
}

START_TEST(pages_of_errors_are_made_by_the_innermost_site_that_makes_some) /* A5 */
{
    begin();
    bight_http_site_set_error(site, make_page, (void *)(uintptr_t) "outer");
    expect_page("/api/deep/er/nowhere", "outer's 404");
    bight_http_site_set_error(inner, make_page, (void *)(uintptr_t) "inner");
    expect_page("/nowhere", "outer's 404");
    expect_page("/api/nowhere", "inner's 404");
    expect_page("/api/deep/er/nowhere", "inner's 404");
    bight_http_site_free(inner);
    expect_page("/api/nowhere", "outer's 503");
    end_site();
    bight_http_site_free(innermost);
}
END_TEST

static void collect(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_later(request, bight_http_request_collect(request, 0));
}

static int upload(const char *target, size_t size)
{
    static char body[3 << 20];
    struct bight_deferred *deferred = bight_http_testing_post(site, target, NULL, body, size);
    struct bight_http_response *response = bight_expect_value(deferred, &bight_type_http_response);
    int status = bight_http_response_status(response);
    bight_http_response_release(response);
    bight_deferred_release(deferred);
    return status;
}

START_TEST(bodies_have_the_limit_of_the_innermost_site_that_sets_one) /* A4 */
{
    struct bight_http_site_options wide = { .size = sizeof wide, .body_limit = 2 << 20 };
    struct bight_http_site_options narrow = { .size = sizeof narrow, .body_limit = 100 };
    begin_site(&wide);
    inner = bight_http_site_new();
    innermost = bight_http_site_new_full(&narrow);
    ck_assert_int_eq(bight_http_route(inner, "/up", collect, NULL), 0);
    ck_assert_int_eq(bight_http_route(innermost, "/up", collect, NULL), 0);
    ck_assert_int_eq(bight_http_mount(site, "/a", inner), 0);
    ck_assert_int_eq(bight_http_mount(inner, "/b", innermost), 0);
    ck_assert_int_eq(upload("/a/up", 2 << 20), 200);
    ck_assert_int_eq(upload("/a/up", (2 << 20) + 1), 413);
    ck_assert_int_eq(upload("/a/b/up", 100), 200);
    ck_assert_int_eq(upload("/a/b/up", 101), 413);
    end();
}
END_TEST

/* --------------------------------------------------------------------------------------------- their lives */

/* In any order, also before the site around. */
static const unsigned orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

START_TEST(sites_are_freed_in_any_order) /* A5 */
{
    begin();
    struct bight_http_site *sites[] = { site, inner, innermost };
    ck_assert_int_eq(status_of("GET", "/api/deep/er/"), 200);
    for (int i = 0; i < 3; i++) {
        bight_http_site_free(sites[orders[_i][i]]);
    }
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(below_a_site_that_was_freed_all_is_503) /* A5 */
{
    begin();
    bight_http_site_free(inner);
    ck_assert_int_eq(status_of("GET", "/api/users/7"), 503);
    ck_assert_int_eq(status_of("GET", "/api/deep/er/"), 503);
    ck_assert_int_eq(status_of("GET", "/api/own"), 200);
    end_site();
    bight_http_site_free(innermost);
}
END_TEST

static struct bight_http_request *kept;

static void keep(struct bight_http_request *request, void *context)
{
    (void)context;
    kept = bight_http_request_hold(request);
}

START_TEST(a_request_that_is_held_has_its_parameters_when_both_sites_have_gone) /* A1 */
{
    begin();
    ck_assert_int_eq(bight_http_route(inner, "/keep/{id}", keep, NULL), 0);
    struct bight_deferred *answer = bight_http_testing_get(site, "/api/keep/me");
    bight_http_site_free(_i == 0 ? site : inner);
    bight_http_site_free(_i == 0 ? inner : site);
    ck_assert_str_eq(bight_http_request_parameter(kept, "id"), "me");
    ck_assert_str_eq(bight_http_request_mount(kept), "/api");
    (void)bight_http_respond_text(kept, 200, "yet");
    bight_http_request_release(kept);
    settle();
    struct bight_http_response *response = bight_expect_value(answer, &bight_type_http_response);
    ck_assert_str_eq(bight_http_testing_text(response), "yet");
    bight_http_response_release(response);
    bight_deferred_release(answer);
    bight_reactor_free(reactor);
    bight_http_site_free(innermost);
}
END_TEST

static void free_it(struct bight_http_request *request, void *context)
{
    (void)context;
    bight_http_site_free(inner);
    inner = NULL;
    (void)bight_http_respond_text(request, 200, bight_http_request_parameter(request, "id"));
}

START_TEST(a_handler_frees_its_own_mounted_site) /* A5 */
{
    begin();
    ck_assert_int_eq(bight_http_route(inner, "/free/{id}", free_it, NULL), 0);
    expect_page("/api/free/me", "me");
    ck_assert_int_eq(status_of("GET", "/api/"), 503);
    end();
}
END_TEST

static bool mount_without_memory(void *context)
{
    (void)context;
    struct bight_http_site *one = bight_http_site_new(), *other = bight_http_site_new();
    (void)bight_http_mount(one, "/a", other);
    (void)bight_http_mount(one, "/b/", other);
    bight_http_site_free(other);
    bight_http_site_free(one);
    return true;
}

START_TEST(without_memory_mounting_fails_and_leaves_nothing) /* D34 */
{
    bight_log_set_observer(count_errors, NULL);
    ck_assert_uint_eq(bight_testing_with_faults(mount_without_memory, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, what_lies_below_a_mount_is_answered_by_its_site, 0, sizeof asked / sizeof *asked);
    tcase_add_test(tests, a_path_of_the_site_around_is_405_though_it_lies_below_a_mount);
    tcase_add_test(tests, routes_are_added_to_a_mounted_site_while_it_serves);
    tcase_add_test(tests, a_site_is_mounted_twice_and_served_itself);
    tcase_add_loop_test(
        tests, a_mount_that_cannot_be_keeps_the_site_from_being_served, 0, sizeof refused / sizeof *refused);
    tcase_add_loop_test(tests, what_is_mounted_answers_as_its_routes_would_in_the_site_around, 0, 30);
    tcase_add_test(tests, a_site_in_itself_is_refused);
    tcase_add_test(tests, without_a_site_there_is_no_mount);
    tcase_add_test(tests, a_broken_site_breaks_those_that_it_is_mounted_in);
    tcase_add_test(tests, sites_that_are_mounted_twice_each_are_gone_through_once);
    tcase_add_test(tests, pages_of_errors_are_made_by_the_innermost_site_that_makes_some);
    tcase_add_test(tests, bodies_have_the_limit_of_the_innermost_site_that_sets_one);
    tcase_add_loop_test(tests, sites_are_freed_in_any_order, 0, sizeof orders / sizeof *orders);
    tcase_add_test(tests, below_a_site_that_was_freed_all_is_503);
    tcase_add_loop_test(tests, a_request_that_is_held_has_its_parameters_when_both_sites_have_gone, 0, 2);
    tcase_add_test(tests, a_handler_frees_its_own_mounted_site);
    tcase_add_test(tests, without_memory_mounting_fails_and_leaves_nothing);
}

BIGHT_TEST_MAIN("http_mount", add_tests)
