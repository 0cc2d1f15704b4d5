/* SPDX-License-Identifier: MIT */
/* Tests of memory that is refused to a jar: each allocation of calls that set and send cookies, of saving and of
 * loading fails once, and all from it on. Everything ends in one way or the other. */
#include "cookies_support.h"
#include "directory_support.h"

static size_t ended;

static void answer_with_cookies(struct talk *talk, const char *request)
{
    if (strstr(request, "GET /1 ") != NULL) {
        say(talk, "HTTP/1.1 302 X\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d; Max-Age=60\r\nLocation: /2\r\n"
                  "Content-Length: 0\r\n\r\n");
    } else {
        say(talk, HEAD_200 "Set-Cookie: a=e\r\nContent-Length: 2\r\n\r\nHi");
    }
}

static void end_one(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
    ended++;
}

/* Takes the Deferred. */
static void finish(struct bight_deferred *deferred)
{
    (void)bight_deferred_add_both(deferred, end_one, NULL);
    bight_deferred_release(deferred);
    pass(10);
}

static void use_jar(void)
{
    const char *path = in_directory("jar");
    const struct bight_http_client_options options = { .size = sizeof options, .cookies = jar };
    client = bight_http_client_new(client_reactor, &options);
    finish(bight_http_get(client, "http://server/1"));
    (void)bight_http_cookie_jar_set(jar, "http://example.com/", "x=y");
    finish(bight_http_cookie_jar_save(jar, path, true));
    bight_http_cookie_jar_clear(jar);
    finish(bight_http_cookie_jar_load(jar, path));
}

static bool use(void *context)
{
    (void)context;
    ended = 0;
    bight_log_set_observer(count_errors, NULL);
    network = bight_simulation_new(1);
    struct bight_host *host = network != NULL ? bight_simulation_host(network, "client") : NULL;
    client_reactor = host != NULL ? bight_host_reactor(host) : NULL;
    struct peer *server = client_reactor != NULL ? make_peer("server", "tcp:80", NULL) : NULL;
    jar = server != NULL ? bight_http_cookie_jar_new(client_reactor, NULL) : NULL;
    bool is_fine = true;
    if (server != NULL) {
        server->script = answer_with_cookies;
        use_jar();
        is_fine = ended == 3;
    }
    bight_http_cookie_jar_release(jar);
    if (network != NULL) {
        end_world();
    }
    return is_fine;
}

START_TEST(memory_that_is_refused_ends_what_needs_it_and_nothing_else) /* C6 */
{
    make_directory();
    ck_assert_uint_eq(bight_testing_with_faults(use, NULL, 0), 0);
    ck_assert_uint_le(count_files(), 1);
    remove_directory();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, memory_that_is_refused_ends_what_needs_it_and_nothing_else);
}

BIGHT_TEST_MAIN("http_client_cookies_faults", add_tests)
