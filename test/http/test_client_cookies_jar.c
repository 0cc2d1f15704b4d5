/* SPDX-License-Identifier: MIT */
/* Tests of a jar by itself (protocols/http/client/cookie_jar.c, cookie_store.c): who may put what in, what goes where
 * and in which order, what goes when there is too much, and how a program looks at it. */
#include "cookies_support.h"

/* ------------------------------------------------------------------------------------------- what goes where */

static const struct {
    const char *from, *cookie, *to, *sent; /* sent NULL: the cookie is ignored */
    bool needs_suffixes;
} rows[] = {
    /* hosts */
    { "http://example.com/", "a=b", "http://example.com/", "a=b", false },
    { "http://example.com/", "a=b", "http://EXAMPLE.com:8080/x", "a=b", false },
    { "http://example.com/", "a=b", "http://www.example.com/", "", false },
    { "http://www.example.com/", "a=b", "http://example.com/", "", false },
    { "http://example.com/", "a=b", "http://example.com./", "", false },
    /* domains */
    { "http://example.com/", "a=b; Domain=example.com", "http://www.example.com/", "a=b", true },
    { "http://www.example.com/", "a=b; Domain=.EXAMPLE.com", "http://example.com/", "a=b", true },
    { "http://www.example.com/", "a=b; Domain=example.com", "http://badexample.com/", "", false },
    { "http://www.example.com/", "a=b; Domain=example.com", "http://www.example.com/", "a=b", false },
    { "http://example.com/", "a=b; Domain=www.example.com", NULL, NULL, false },
    { "http://example.com/", "a=b; Domain=example.org", NULL, NULL, false },
    { "http://example.com/", "a=b; Domain=example.com.", NULL, NULL, false },
    { "http://example.com./", "a=b; Domain=com.", NULL, NULL, false },
    { "http://example.com./", "a=b; Domain=com", NULL, NULL, false },
    { "http://example.com/", "a=b; Domain=ex\xc3\xa4mple.com", NULL, NULL, false },
    { "http://example.com/", "a=b; Domain=example.com; Domain=", "http://www.example.com/", "", false },
    /* public suffixes */
    { "http://example.com/", "a=b; Domain=com", NULL, NULL, true },
    { "http://example.co.uk/", "a=b; Domain=co.uk", NULL, NULL, true },
    { "http://example.co.uk/", "a=b; Domain=CO.UK", NULL, NULL, true },
    { "http://me.github.io/", "a=b; Domain=github.io", NULL, NULL, true },
    { "http://localhost/", "a=b; Domain=localhost", "http://localhost/", "a=b", false },
    { "http://localhost/", "a=b; Domain=localhost", "http://x.localhost/", "", false },
    /* addresses */
    { "http://10.0.0.1/", "a=b", "http://10.0.0.1/", "a=b", false },
    { "http://10.0.0.1/", "a=b; Domain=10.0.0.1", "http://10.0.0.1/", "a=b", false },
    { "http://10.0.0.1/", "a=b; Domain=0.0.1", NULL, NULL, false },
    { "http://[::1]/", "a=b; Domain=::1", "http://[::1]/", "a=b", false },
    /* paths */
    { "http://example.com/x/y", "a=b", "http://example.com/x/z?q", "a=b", false },
    { "http://example.com/x/y", "a=b", "http://example.com/xy", "", false },
    { "http://example.com/x/y", "a=b; Path=/", "http://example.com", "a=b", false },
    { "http://example.com/x", "a=b; Path=/z", "http://example.com/z/1", "a=b", false },
    { "http://example.com/x", "a=b; Path=/z", "http://example.com/x", "", false },
    { "http://example.com/x?/y/z", "a=b", "http://example.com/", "a=b", false },
    /* Secure and HttpOnly */
    { "https://example.com/", "a=b; Secure", "https://example.com/", "a=b", false },
    { "https://example.com/", "a=b; Secure", "http://example.com/", "", false },
    { "http://example.com/", "a=b; Secure", NULL, NULL, false },
    { "http://example.com/", "a=b; HttpOnly", "http://example.com/", "a=b", false },
    /* SameSite */
    { "https://example.com/", "a=b; SameSite=None", NULL, NULL, false },
    { "https://example.com/", "a=b; SameSite=None; Secure", "https://example.com/", "a=b", false },
    { "http://example.com/", "a=b; SameSite=Strict", "http://example.com/", "a=b", false },
    /* prefixes */
    { "https://example.com/", "__Secure-a=b; Secure", "https://example.com/", "__Secure-a=b", false },
    { "https://example.com/", "__secure-a=b", NULL, NULL, false },
    { "https://example.com/x/y", "__Host-a=b; Secure; Path=/", "https://example.com/", "__Host-a=b", false },
    { "https://example.com/x/y", "__Host-a=b; Secure", NULL, NULL, false },
    { "https://example.com/", "__HOST-a=b; Path=/", NULL, NULL, false },
    { "https://example.com/", "__Host-a=b; Secure; Path=/; Domain=example.com", NULL, NULL, false },
    { "https://example.com/", "=__Host-a=b; Secure; Path=/", NULL, NULL, false },
    { "https://example.com/", "__Secure-a; Secure; Path=/", NULL, NULL, false },
    /* names and times */
    { "http://example.com/", "b", "http://example.com/", "b", false },
    { "http://example.com/", "a=", "http://example.com/", "a=", false },
    { "http://example.com/", "a=b; Max-Age=0", "http://example.com/", "", false },
    { "http://example.com/", "a=b; Max-Age=1", "http://example.com/", "a=b", false },
    { "http://example.com/", "=", NULL, NULL, false },
    { "ftp://example.com/", "a=b", NULL, NULL, false },
    { "http://exa mple.com/", "a=b", NULL, NULL, false },
};

START_TEST(a_cookie_goes_where_it_may) /* C6 */
{
    begin_jar(NULL);
    if (bi_suffixes_are_known() || !rows[_i].needs_suffixes) {
        int code = bight_http_cookie_jar_set(jar, rows[_i].from, rows[_i].cookie);
        ck_assert_int_eq(code, rows[_i].sent != NULL ? 0 : BIGHT_E_SYNTAX);
        if (code == 0) {
            ck_assert_str_eq(sent_to(rows[_i].to), rows[_i].sent);
        } else {
            ck_assert_uint_eq(count_cookies(), 0);
        }
    }
    end_jar();
}
END_TEST

START_TEST(without_public_suffixes_every_cookie_is_host_only) /* C6 */
{
    begin_jar(NULL);
    set("http://www.example.com/", "a=b; Domain=example.com");
    const struct bight_http_kept_cookie *cookie = bight_http_cookie_jar_next(jar, NULL);
    ck_assert_int_eq(cookie->host_only, !bi_suffixes_are_known());
    ck_assert_str_eq(cookie->domain, bi_suffixes_are_known() ? "example.com" : "www.example.com");
    end_jar();
}
END_TEST

START_TEST(longer_paths_go_first_and_then_older_cookies) /* C6 */
{
    begin_jar(NULL);
    set("http://example.com/", "first=1; Path=/");
    set("http://example.com/", "second=2; Path=/x/y");
    set("http://example.com/", "third=3; Path=/");
    set("http://example.com/", "fourth=4; Path=/x");
    set("http://example.com/", "fifth=5; Path=/x/y");
    set("http://example.com/", "first=6; Path=/");
    ck_assert_str_eq(sent_to("http://example.com/x/y"), "second=2; fifth=5; fourth=4; first=6; third=3");
    end_jar();
}
END_TEST

START_TEST(domains_are_merged_in_that_order) /* C6 */
{
    begin_jar(NULL);
    if (bi_suffixes_are_known()) {
        set("http://a.example.com/", "a=1; Domain=example.com; Path=/");
        set("http://a.example.com/", "b=2; Path=/");
        set("http://a.example.com/", "c=3; Domain=example.com; Path=/x");
        set("http://a.example.com/", "a=4; Domain=a.example.com; Path=/");
        ck_assert_str_eq(sent_to("http://a.example.com/x"), "c=3; a=1; b=2; a=4");
        ck_assert_str_eq(sent_to("http://example.com/x"), "c=3; a=1");
    }
    end_jar();
}
END_TEST

/* ------------------------------------------------------------------------------------------- replacing */

START_TEST(name_domain_path_and_host_only_make_a_cookie) /* C6 */
{
    begin_jar(NULL);
    set("http://example.com/", "a=1; Path=/");
    set("http://example.com/", "A=2; Path=/");
    set("http://example.com/", "a=3; Path=/x");
    set("http://example.com/", "a=4; Path=/");
    ck_assert_uint_eq(count_cookies(), 3);
    ck_assert_str_eq(sent_to("http://example.com/x"), "a=3; a=4; A=2");
    set("http://example.com/", "a=; Path=/; Max-Age=0");
    ck_assert_str_eq(sent_to("http://example.com/x"), "a=3; A=2");
    end_jar();
}
END_TEST

static const struct {
    const char *from, *cookie;
    bool may, needs_suffixes;
} overlays[] = {
    { "http://www.example.com/", "a=evil", false, false },
    { "http://www.example.com/login", "a=evil; Path=/login/x", false, false },
    { "http://www.example.com/", "a=evil; Path=/", true, false },
    { "http://www.example.com/", "a=evil; Path=/login", false, false },
    { "http://www.example.com/", "b=fine; Path=/login", true, false },
    { "http://x.www.example.com/", "a=evil; Path=/login", false, false },
    { "http://example.com/", "a=evil; Domain=example.com; Path=/login", false, false },
    { "http://other.example.com/", "a=fine; Path=/login", true, false },
    { "https://www.example.com/", "a=fine; Path=/login", true, false },
};

START_TEST(a_secure_cookie_is_not_hidden_from_the_open) /* C6 */
{
    begin_jar(NULL);
    set("https://www.example.com/", _i == 0 ? "a=b; Secure; Path=/" : "a=b; Secure; Path=/login");
    ck_assert_int_eq(
        bight_http_cookie_jar_set(jar, overlays[_i].from, overlays[_i].cookie), overlays[_i].may ? 0 : BIGHT_E_SYNTAX);
    end_jar();
}
END_TEST

/* ------------------------------------------------------------------------------------------- time */

START_TEST(a_cookie_goes_until_it_expires) /* C6 */
{
    begin_jar(NULL);
    set("http://example.com/", "a=b; Max-Age=100");
    set("http://example.com/", "s=t");
    pass(99);
    ck_assert_str_eq(sent_to("http://example.com/"), "a=b; s=t");
    pass(2);
    ck_assert_str_eq(sent_to("http://example.com/"), "s=t");
    ck_assert_uint_eq(count_cookies(), 1);
    end_jar();
}
END_TEST

START_TEST(no_cookie_is_kept_for_more_than_400_days) /* C6 */
{
    begin_jar(NULL);
    set("http://example.com/", "a=b; Expires=Fri, 31 Dec 2100 23:59:59 GMT");
    ck_assert_int_eq(bight_http_cookie_jar_next(jar, NULL)->expires, NOW + 400 * DAY);
    bight_simulation_jump_wall_clock(network, 401.0 * (double)DAY);
    ck_assert_str_eq(sent_to("http://example.com/"), "");
    end_jar();
}
END_TEST

/* ------------------------------------------------------------------------------------------- limits */

static void set_numbered(const char *url, unsigned number, const char *more)
{
    char text[64];
    (void)snprintf(text, sizeof text, "n%u=%u%s", number, number, more);
    set(url, text);
}

static bool has(const char *url, const char *name)
{
    return bight_http_cookie_jar_find(jar, url, name) != NULL;
}

START_TEST(a_domain_has_50_and_the_one_used_longest_ago_goes) /* C6 */
{
    begin_jar(NULL);
    set("http://example.com/", "old=1; Path=/used");
    for (unsigned number = 0; number < 49; number++) {
        set_numbered("http://example.com/", number, "");
    }
    set("http://example.org/", "other=1");
    (void)sent_to("http://example.com/used");
    ck_assert_uint_eq(count_cookies(), 51);
    (void)sent_to("http://example.com/used"); /* all of them, the longer path first */
    set("http://example.com/", "new=1");
    ck_assert_uint_eq(count_cookies(), 51);
    ck_assert(!has("http://example.com/used", "old"));
    ck_assert(has("http://example.com/", "n0"));
    ck_assert(has("http://example.com/", "new"));
    ck_assert(has("http://example.org/", "other"));
    end_jar();
}
END_TEST

START_TEST(of_a_domain_what_has_expired_goes_first_then_what_is_not_secure) /* C6 */
{
    const struct bight_http_cookie_jar_options options = { .size = sizeof options, .max_per_domain = 3 };
    begin_jar(&options);
    set("https://example.com/", "s1=1; Secure");
    set("https://example.com/", "s2=1; Secure");
    set("https://example.com/", "e=1; Secure; Max-Age=10");
    pass(11);
    set("https://example.com/", "n=1");
    ck_assert_str_eq(sent_to("https://example.com/"), "s1=1; s2=1; n=1");
    set("https://example.com/", "s3=1; Secure");
    ck_assert_str_eq(sent_to("https://example.com/"), "s1=1; s2=1; s3=1");
    set("http://example.com/", "m=1"); /* from the open it pushes out none that is secure */
    ck_assert_str_eq(sent_to("https://example.com/"), "s1=1; s2=1; s3=1");
    set("https://example.com/", "s4=1; Secure");
    ck_assert_str_eq(sent_to("https://example.com/"), "s2=1; s3=1; s4=1");
    end_jar();
}
END_TEST

START_TEST(there_are_3000_in_all) /* C6 */
{
    char url[64];
    begin_jar(NULL);
    for (unsigned number = 0; number < 3001; number++) {
        (void)snprintf(url, sizeof url, "http://host%u.example/", number / 10);
        set_numbered(url, number, "");
    }
    ck_assert_uint_eq(count_cookies(), 3000);
    ck_assert(!has("http://host0.example/", "n0"));
    ck_assert(has("http://host0.example/", "n1"));
    ck_assert(has("http://host300.example/", "n3000"));
    end_jar();
}
END_TEST

START_TEST(a_field_has_150_cookies_and_8_kib) /* C6 */
{
    const struct bight_http_cookie_jar_options options = { .size = sizeof options, .max_per_domain = 1000 };
    char text[5000];
    begin_jar(&options);
    for (unsigned number = 0; number < 200; number++) {
        set_numbered("http://example.com/", number, number < 10 ? "; Path=/" : "; Path=/x");
    }
    const char *sent = sent_to("http://example.com/x");
    ck_assert_int_eq(strncmp(sent, "n10=10; n11=11; ", 16), 0);
    ck_assert_ptr_nonnull(strstr(sent, "n159=159"));
    ck_assert_ptr_null(strstr(sent, "n160="));
    bight_http_cookie_jar_clear(jar);
    for (unsigned number = 0; number < 3; number++) {
        (void)snprintf(text, sizeof text, "long%u=%04000u", number, 0);
        set("http://example.com/", text);
    }
    set("http://example.com/", "short=1");
    ck_assert_uint_eq(strlen(sent_to("http://example.com/")), 2 * 4006 + 2);
    end_jar();
}
END_TEST

/* ------------------------------------------------------------------------------------------- the program's */

START_TEST(a_program_looks_at_cookies_in_the_order_in_which_they_came) /* C6 */
{
    begin_jar(NULL);
    set("https://example.com/x/y", "a=1; Secure; HttpOnly; SameSite=Strict; Max-Age=60");
    set("http://example.com/", "b=2");
    set("https://example.com/x/y", "a=3; Secure");
    const struct bight_http_kept_cookie *cookie = bight_http_cookie_jar_next(jar, NULL);
    ck_assert_str_eq(cookie->name, "a");
    ck_assert_str_eq(cookie->value, "3");
    ck_assert_str_eq(cookie->domain, "example.com");
    ck_assert_str_eq(cookie->path, "/x");
    ck_assert(cookie->secure && cookie->host_only && !cookie->http_only);
    ck_assert_int_eq(cookie->expires, 0);
    ck_assert_ptr_null(cookie->same_site);
    cookie = bight_http_cookie_jar_next(jar, cookie);
    ck_assert_str_eq(cookie->name, "b");
    ck_assert_ptr_null(bight_http_cookie_jar_next(jar, cookie));
    end_jar();
}
END_TEST

START_TEST(a_program_finds_what_would_be_sent) /* C6 */
{
    begin_jar(NULL);
    set("http://example.com/", "a=1; Path=/");
    set("http://example.com/", "a=2; Path=/x");
    ck_assert_str_eq(bight_http_cookie_jar_find(jar, "http://example.com/x", "a")->value, "2");
    ck_assert_str_eq(bight_http_cookie_jar_find(jar, "http://example.com/y", "a")->value, "1");
    ck_assert_ptr_null(bight_http_cookie_jar_find(jar, "http://example.com/", "b"));
    ck_assert_ptr_null(bight_http_cookie_jar_find(jar, "no URL", "a"));
    end_jar();
}
END_TEST

START_TEST(cookies_are_removed_one_by_one_by_session_or_all) /* C6 */
{
    begin_jar(NULL);
    set("http://example.com/", "a=1; Path=/");
    set("http://example.com/", "a=2; Path=/x");
    set("http://example.com/", "b=3; Max-Age=60");
    set("http://example.com/", "c=4; Max-Age=60");
    ck_assert(!bight_http_cookie_jar_remove(jar, "example.com", "/", "x"));
    ck_assert(!bight_http_cookie_jar_remove(jar, "example.org", "/", "a"));
    ck_assert(bight_http_cookie_jar_remove(jar, "example.com", "/", "c"));
    ck_assert_uint_eq(count_cookies(), 3);
    bight_http_cookie_jar_end_session(jar);
    ck_assert_str_eq(sent_to("http://example.com/x"), "b=3");
    bight_http_cookie_jar_clear(jar);
    ck_assert_uint_eq(count_cookies(), 0);
    ck_assert_str_eq(sent_to("http://example.com/x"), "");
    end_jar();
}
END_TEST

START_TEST(a_jar_that_was_not_made_is_put_up_with) /* C6 */
{
    begin_jar(NULL);
    ck_assert_ptr_null(bight_http_cookie_jar_new(NULL, NULL));
    ck_assert_ptr_null(bight_http_cookie_jar_hold(NULL));
    bight_http_cookie_jar_release(NULL);
    ck_assert_int_eq(bight_http_cookie_jar_set(NULL, "http://example.com/", "a=b"), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_ptr_null(bight_http_cookie_jar_next(NULL, NULL));
    ck_assert_ptr_null(bight_http_cookie_jar_find(NULL, "http://example.com/", "a"));
    ck_assert(!bight_http_cookie_jar_remove(NULL, "example.com", "/", "a"));
    bight_http_cookie_jar_clear(NULL);
    bight_http_cookie_jar_end_session(NULL);
    end_jar();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_cookie_goes_where_it_may, 0, sizeof rows / sizeof *rows);
    tcase_add_test(tests, without_public_suffixes_every_cookie_is_host_only);
    tcase_add_test(tests, longer_paths_go_first_and_then_older_cookies);
    tcase_add_test(tests, domains_are_merged_in_that_order);
    tcase_add_test(tests, name_domain_path_and_host_only_make_a_cookie);
    tcase_add_loop_test(tests, a_secure_cookie_is_not_hidden_from_the_open, 0, sizeof overlays / sizeof *overlays);
    tcase_add_test(tests, a_cookie_goes_until_it_expires);
    tcase_add_test(tests, no_cookie_is_kept_for_more_than_400_days);
    tcase_add_test(tests, a_domain_has_50_and_the_one_used_longest_ago_goes);
    tcase_add_test(tests, of_a_domain_what_has_expired_goes_first_then_what_is_not_secure);
    tcase_add_test(tests, there_are_3000_in_all);
    tcase_add_test(tests, a_field_has_150_cookies_and_8_kib);
    tcase_add_test(tests, a_program_looks_at_cookies_in_the_order_in_which_they_came);
    tcase_add_test(tests, a_program_finds_what_would_be_sent);
    tcase_add_test(tests, cookies_are_removed_one_by_one_by_session_or_all);
    tcase_add_test(tests, a_jar_that_was_not_made_is_put_up_with);
}

BIGHT_TEST_MAIN("http_client_cookies_jar", add_tests)
