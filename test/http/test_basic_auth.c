/* SPDX-License-Identifier: MIT */
/* Tests of basic authentication (protocols/http/middleware/basic_auth.c): who gets in, what waits for a thread, and
 * what becomes of it. Hashes are cheap ones here. */
#include <errno.h>

#include "job_support.h"

#define SALT "AAECAwQFBgcICQoLDA0ODw"
#define SCRYPT "$scrypt$ln=4,r=8,p=1$" SALT "$oYy1YqZ/5izIhYt9GDBzTpfeMo8eLVrdZEeIN+5OHxg"
#define PBKDF2 "$pbkdf2-sha256$i=10$" SALT "$OeYdZAMN84xoBxCWyCNEkjQaRSQw2R3kKUZEN2NOz48"
#define GET(fields) "GET / HTTP/1.1\r\nHost: a.example\r\n" fields "\r\n"
#define ADA "Authorization: Basic YWRhOm9wZW4gc2VzYW1l\r\n"      /* ada:open sesame */
#define BERT "Authorization: Basic YmVydDpvcGVuIHNlc2FtZQ==\r\n" /* bert:open sesame */
#define WRONG "Authorization: Basic YWRhOnNlc2FtZQ==\r\n"        /* ada:sesame */
#define NOBODY "Authorization: Basic eDpvcGVuIHNlc2FtZQ==\r\n"   /* x:open sesame */

static char users[64];
static unsigned handled;

static void tell(struct bight_http_request *request, void *context)
{
    (void)context;
    handled++;
    (void)bight_http_respond_text(request, 200, bight_http_request_user(request));
}

static void begin(struct bight_http_basic_auth_options options)
{
    handled = 0;
    make_directory();
    write_file("users", "ada:" SCRYPT "\nbert:" PBKDF2 "\n");
    begin_site(NULL);
    hold_jobs();
    options.size = sizeof options;
    options.file = options.find == NULL ? in_directory("users") : NULL;
    ck_assert_int_eq(bight_http_use_basic_auth(site, "Some \"where\"", &options), 0);
    add_route("/", tell);
    (void)connect_peer();
}

static void begin_usual(void)
{
    begin((struct bight_http_basic_auth_options) { .size = 0 });
}

static void end(void)
{
    end_site();
    remove_directory();
}

static const char *answer_to(const char *request)
{
    (void)say(request);
    (void)work();
    return take_answer();
}

START_TEST(a_user_with_the_right_password_gets_in) /* A9 */
{
    begin_usual();
    (void)say(_i == 0 ? GET(ADA) : GET(BERT));
    ck_assert_uint_eq(job_count, 1);
    ck_assert_uint_eq(handled, 0);
    (void)work();
    ck_assert_str_eq(body_of(take_answer()), _i == 0 ? "ada" : "bert");
    end();
}
END_TEST

static const char *const refused[] = { GET(WRONG), GET(NOBODY), GET(""), GET("Authorization: Basic x\r\n"),
    GET("Authorization: Bearer YWRhOm9wZW4gc2VzYW1l\r\n") };

START_TEST(all_others_are_401) /* A9 */
{
    begin_usual();
    const char *answer = answer_to(refused[_i]);
    ck_assert_int_eq(strncmp(answer, "HTTP/1.1 401 ", 13), 0);
    ck_assert(has_line(answer, "WWW-Authenticate: Basic realm=\"Some \\\"where\\\"\", charset=\"UTF-8\""));
    ck_assert_uint_eq(handled, 0);
    end();
}
END_TEST

START_TEST(one_whom_there_is_not_costs_a_hash_too) /* A9 */
{
    begin_usual();
    (void)say(GET(NOBODY));
    ck_assert_uint_eq(job_count, 1);
    (void)work();
    end();
}
END_TEST

START_TEST(a_password_that_was_right_is_not_hashed_again_for_a_while) /* A9 */
{
    begin((struct bight_http_basic_auth_options) { .seconds = 10 });
    (void)answer_to(GET(ADA));
    ck_assert_str_eq(body_of(say(GET(ADA))), "ada");
    bight_string_clear(peer);
    ck_assert_uint_eq(job_count, 0);
    (void)say(GET(WRONG)); /* a wrong one is */
    ck_assert_uint_eq(job_count, 1);
    (void)work();
    bight_string_clear(peer);
    bight_testing_advance(reactor, 11);
    (void)say(GET(ADA));
    ck_assert_uint_eq(job_count, 1);
    (void)work();
    ck_assert_uint_eq(handled, 3);
    end();
}
END_TEST

/* Each asks over a connection of its own. */
static void ask_from_many(struct bight_string_peer **peers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        peers[i] = bight_string_connect(reactor, bight_http_site_factory(site), true);
        (void)bight_string_feed_text(peers[i], GET(ADA));
    }
}

START_TEST(so_many_are_hashed_at_once_others_wait_and_more_are_503) /* A9 */
{
    struct bight_string_peer *peers[6];
    begin((struct bight_http_basic_auth_options) { .jobs = 2, .waiting = 3 });
    ask_from_many(peers, 6);
    ck_assert_uint_eq(job_count, 2);
    ck_assert_ptr_nonnull(strstr(bight_string_written_text(peers[5]), "HTTP/1.1 503"));
    ck_assert_ptr_nonnull(strstr(bight_string_written_text(peers[5]), "Retry-After: 1"));
    bight_string_reset(peers[3], ECONNRESET); /* one that waits gives up */
    settle();
    ck_assert_uint_eq(work(), 4);
    for (size_t i = 0; i < 5; i++) {
        const char *answer = bight_string_written_text(peers[i]);
        ck_assert_int_eq(i != 3, answer != NULL && strstr(answer, "HTTP/1.1 200") != NULL);
    }
    for (size_t i = 0; i < 6; i++) {
        bight_string_peer_free(peers[i]);
    }
    end();
}
END_TEST

START_TEST(a_client_that_goes_meanwhile_is_not_handled) /* A9 */
{
    begin_usual();
    (void)say(GET(ADA));
    bight_string_reset(peer, ECONNRESET);
    settle();
    ck_assert_uint_eq(work(), 1);
    ck_assert_uint_eq(handled, 0);
    end();
}
END_TEST

START_TEST(the_site_may_be_freed_while_a_password_is_hashed) /* A9 */
{
    begin((struct bight_http_basic_auth_options) { .jobs = 1 });
    struct bight_string_peer *peers[3];
    ask_from_many(peers, 3);
    bight_http_site_free(site);
    site = NULL;
    (void)work();
    ck_assert_uint_eq(handled, 0);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_ptr_nonnull(strstr(bight_string_written_text(peers[i]), "HTTP/1.1 503"));
        bight_string_peer_free(peers[i]);
    }
    ck_assert_uint_eq(usage_errors + other_errors, 0);
    end();
}
END_TEST

START_TEST(the_reactor_may_end_while_a_password_is_hashed) /* A9 */
{
    begin((struct bight_http_basic_auth_options) { .jobs = 1 });
    struct bight_string_peer *peers[3];
    ask_from_many(peers, 3);
    (void)run_jobs(); /* the first has run, and has not come home */
    for (size_t i = 0; i < 3; i++) {
        bight_string_peer_free(peers[i]);
    }
    end();
    ck_assert_uint_eq(usage_errors, 0);
}
END_TEST

static const char *find(const char *user, void *context)
{
    return strcmp(user, "ada") == 0 ? context : NULL;
}

START_TEST(a_function_can_know_the_users) /* A9 */
{
    begin((struct bight_http_basic_auth_options) { .find = find, .context = (void *)(uintptr_t)SCRYPT });
    ck_assert_str_eq(body_of(answer_to(GET(ADA))), "ada");
    ck_assert_ptr_nonnull(strstr(answer_to(GET(BERT)), "HTTP/1.1 401"));
    end();
}
END_TEST

START_TEST(the_log_names_the_user_and_no_secret) /* A9, A6 */
{
    char text[4096] = "";
    begin_site(NULL);
    hold_jobs();
    make_directory();
    const struct bight_http_access_log_options log = { .size = sizeof log, .path = in_directory("log") };
    const struct bight_http_basic_auth_options auth = {
        .size = sizeof auth, .find = find, .context = (void *)(uintptr_t)SCRYPT
    };
    ck_assert_int_eq(bight_http_use_access_log(site, &log), 0);
    ck_assert_int_eq(bight_http_use_basic_auth(site, "a", &auth), 0);
    add_route("/", tell);
    (void)connect_peer();
    (void)answer_to(GET(ADA));
    (void)answer_to(GET(WRONG));
    end_site();
    FILE *file = fopen(in_directory("log"), "r");
    ck_assert_uint_gt(fread(text, 1, sizeof text - 1, file), 0);
    fclose(file);
    ck_assert_ptr_nonnull(strstr(text, " - ada ["));
    ck_assert_ptr_nonnull(strstr(text, " - - ["));
    ck_assert_ptr_null(strstr(text, "sesame"));
    ck_assert_ptr_null(strstr(text, "YWRh"));
    remove_directory();
}
END_TEST

START_TEST(options_that_cannot_be_are_refused) /* A9 */
{
    const struct bight_http_basic_auth_options none = { .size = sizeof none },
                                               both = { .size = sizeof both, .file = "/dev/null", .find = find },
                                               good = { .size = sizeof good, .find = find },
                                               missing = { .size = sizeof missing, .file = "/nowhere/at/all" };
    begin_site(NULL);
    ck_assert_int_eq(bight_http_use_basic_auth(site, "a", NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_use_basic_auth(site, "a", &none), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_use_basic_auth(site, "a", &both), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_use_basic_auth(site, NULL, &good), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_use_basic_auth(site, "a\nb", &good), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(usage_errors, 5);
    ck_assert_int_eq(bight_http_use_basic_auth(site, "a", &missing), bight_error_from_errno(ENOENT));
    ck_assert_int_eq(bight_http_use_basic_auth(NULL, "a", &good), BIGHT_E_OUT_OF_MEMORY);
    end_site();
}
END_TEST

/* Nobody gets in for lack of memory. */
static bool play(void *context)
{
    (void)context;
    bool good = true;
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    handled = 0;
    const struct bight_http_basic_auth_options options = { .size = sizeof options, .file = users };
    int code = bight_http_route(site, "/", tell, NULL);
    code = code == 0 ? bight_http_use_basic_auth(site, "a", &options) : code;
    peer = code == 0 && reactor != NULL ? bight_string_connect(reactor, bight_http_site_factory(site), true) : NULL;
    if (peer != NULL) {
        hold_jobs();
        (void)bight_string_feed_text(peer, GET(WRONG) GET(ADA));
        (void)work();
        const char *written = bight_string_written_text(peer);
        good = handled <= 1 && (bight_testing_fault_injected() || (written != NULL && strstr(written, "ada") != NULL));
    }
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    peer = NULL;
    return good;
}

START_TEST(every_allocation_may_fail) /* A9, T6 */
{
    make_directory();
    write_file("users", "ada:" SCRYPT "\n");
    (void)snprintf(users, sizeof users, "%s", in_directory("users"));
    ck_assert_uint_eq(bight_testing_with_faults(play, NULL, 0), 0);
    remove_directory();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_user_with_the_right_password_gets_in, 0, 2);
    tcase_add_loop_test(tests, all_others_are_401, 0, (int)(sizeof refused / sizeof *refused));
    tcase_add_test(tests, one_whom_there_is_not_costs_a_hash_too);
    tcase_add_test(tests, a_password_that_was_right_is_not_hashed_again_for_a_while);
    tcase_add_test(tests, so_many_are_hashed_at_once_others_wait_and_more_are_503);
    tcase_add_test(tests, a_client_that_goes_meanwhile_is_not_handled);
    tcase_add_test(tests, the_site_may_be_freed_while_a_password_is_hashed);
    tcase_add_test(tests, the_reactor_may_end_while_a_password_is_hashed);
    tcase_add_test(tests, a_function_can_know_the_users);
    tcase_add_test(tests, the_log_names_the_user_and_no_secret);
    tcase_add_test(tests, options_that_cannot_be_are_refused);
    tcase_add_test(tests, every_allocation_may_fail);
}

BIGHT_TEST_MAIN("http_basic_auth", add_tests)
