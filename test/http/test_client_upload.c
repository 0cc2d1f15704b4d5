/* SPDX-License-Identifier: MIT */
/* Tests of files as bodies of calls, over the loopback: a site that says what has come, and files that are there, or
 * not, or not for long. */
#include <bight/protocols/http_client_bodies.h>

#include <sys/stat.h>
#include <unistd.h>

#include "job_support.h"

#define LARGE (3 << 20)

static struct bight_http_client *client;
static char endpoint[128], big[LARGE];

/* ------------------------------------------------------------------------------------------- the world */

static void echo(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_later(request, bight_http_request_collect(request, 8 << 20));
}

static void go_elsewhere(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_redirect(request, 307, "/");
}

static void refuse(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 403, "No");
}

/* ------------------------------------------------------------------------------------------- asking */

static char got[100];

static void note_end(struct bight_result *result, void *context)
{
    struct bight_http_response *response = bight_result_peek(result, &bight_type_http_response);
    struct bight_failure *failure = bight_result_failure(result);
    (void)context;
    if (response != NULL) {
        struct bight_bytes *body = bight_http_response_body(response);
        bool is_big = bight_bytes_size(body) == LARGE && memcmp(bight_bytes_data(body), big, LARGE) == 0;
        (void)snprintf(got, sizeof got, "%d %.90s", bight_http_response_status(response),
            is_big ? "big" : (const char *)bight_bytes_data(body));
    } else {
        (void)snprintf(got, sizeof got, "%s", bight_error_name(bight_failure_code(failure)));
    }
    bight_result_clear(result);
    bight_reactor_stop(reactor);
}

static void begin(void)
{
    make_directory();
    reactor = bight_reactor_new();
    site = bight_http_site_new();
    add_route("POST /", echo);
    add_route("POST /first", go_elsewhere);
    add_route("POST /closed", refuse);
    (void)snprintf(endpoint, sizeof endpoint, "unix:%s/socket", directory);
    ck_assert_int_eq(bight_serve(reactor, endpoint, bight_http_site_factory(site)), 0);
    client = bight_http_client_new(reactor, NULL);
    for (size_t i = 0; i < LARGE; i++) {
        big[i] = (char)('a' + i % 23);
    }
}

static void end(void)
{
    bight_http_client_free(client);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    remove_directory();
}

static struct bight_http_call *post(const char *path)
{
    char url[100];
    (void)snprintf(url, sizeof url, "http://server%s", path);
    struct bight_http_call *call = bight_http_call_new(client, "POST", url);
    ck_assert_int_eq(bight_http_call_endpoint(call, endpoint), 0);
    return call;
}

/* Takes the call. */
static void carry_out(struct bight_http_call *call)
{
    struct bight_deferred *asked = bight_http_call_send(call);
    got[0] = '\0';
    bight_deferred_add_both(asked, note_end, NULL);
    bight_deferred_release(asked);
    if (got[0] == '\0') {
        ck_assert_int_eq(bight_reactor_run(reactor), 0);
    }
}

static void write_big(const char *name)
{
    FILE *file = fopen(in_directory(name), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(big, 1, LARGE, file), LARGE);
    ck_assert_int_eq(fclose(file), 0);
}

/* ------------------------------------------------------------------------------------------- tests */

START_TEST(a_file_is_a_body) /* C8 */
{
    begin();
    write_file("a", "Hello");
    struct bight_http_call *call = post("/");
    ck_assert_int_eq(bight_http_call_body_file(call, in_directory("a"), "text/plain"), 0);
    carry_out(call);
    ck_assert_str_eq(got, "200 Hello");
    end();
}
END_TEST

START_TEST(an_empty_file_is_an_empty_body) /* C8 */
{
    begin();
    write_file("a", "");
    struct bight_http_call *call = post("/");
    ck_assert_int_eq(bight_http_call_body_file(call, in_directory("a"), NULL), 0);
    carry_out(call);
    ck_assert_str_eq(got, "200 ");
    end();
}
END_TEST

START_TEST(a_large_file_is_asked_about_and_sent_whole) /* C8 */
{
    begin();
    write_big("a");
    struct bight_http_call *call = post("/");
    ck_assert_int_eq(bight_http_call_body_file(call, in_directory("a"), NULL), 0);
    carry_out(call);
    ck_assert_str_eq(got, "200 big");
    end();
}
END_TEST

START_TEST(a_file_goes_through_tls) /* C8 C9 */
{
    const char *const names[] = { "server" };
    char pem[128], over_tls[300], socket[128];
    struct bight_failure *failure = NULL;
    begin();
    write_big("a");
    struct bight_bytes *made = bight_tls_self_signed(names, 1, 2, &failure);
    write_file("pem", (const char *)bight_bytes_data(made));
    bight_bytes_release(made);
    (void)snprintf(pem, sizeof pem, "%s", in_directory("pem"));
    ck_assert_int_eq(chmod(pem, 0600), 0);
    (void)snprintf(socket, sizeof socket, "unix:%s/tls", directory);
    (void)snprintf(over_tls, sizeof over_tls, "secure:cert=%s:%s", pem, socket);
    ck_assert_int_eq(bight_serve(reactor, over_tls, bight_http_site_factory(site)), 0);
    const struct bight_tls_client_options trusting = { .size = sizeof trusting, .ca.file = pem };
    struct bight_tls *tls = bight_tls_client_new(&trusting, &failure);
    const struct bight_http_call_options options = { .size = sizeof options, .tls = tls };
    struct bight_http_call *call = bight_http_call_new(client, "POST", "https://server/");
    ck_assert_int_eq(bight_http_call_endpoint(call, socket), 0);
    ck_assert_int_eq(bight_http_call_configure(call, &options), 0);
    ck_assert_int_eq(bight_http_call_body_file(call, in_directory("a"), NULL), 0);
    carry_out(call);
    ck_assert_str_eq(got, "200 big");
    bight_tls_release(tls);
    end();
}
END_TEST

START_TEST(a_redirect_has_the_file_sent_again) /* C4 C8 */
{
    begin();
    write_big("a");
    struct bight_http_call *call = post("/first");
    ck_assert_int_eq(bight_http_call_body_file(call, in_directory("a"), NULL), 0);
    carry_out(call);
    ck_assert_str_eq(got, "200 big");
    end();
}
END_TEST

START_TEST(a_server_that_does_not_want_the_file_is_not_sent_it) /* C8 */
{
    const uint64_t froms[] = { 0, UINT64_MAX };
    const struct bight_http_call_options options = { .size = sizeof options, .expect_from = froms[_i] };
    begin();
    write_big("a");
    struct bight_http_call *call = post("/closed");
    ck_assert_int_eq(bight_http_call_configure(call, &options), 0);
    ck_assert_int_eq(bight_http_call_body_file(call, in_directory("a"), NULL), 0);
    carry_out(call);
    ck_assert_str_eq(got, "403 No");
    end();
}
END_TEST

static const struct {
    const char *name, *expected;
} not_there[] = { { "none", "SYSTEM" }, { ".", "SYSTEM" }, { "pipe", "SYSTEM" } };

START_TEST(a_file_that_cannot_be_had_fails_the_call) /* C8 */
{
    begin();
    ck_assert_int_eq(mkfifo(in_directory("pipe"), 0600), 0);
    struct bight_http_call *call = post("/");
    ck_assert_int_eq(bight_http_call_body_file(call, in_directory(not_there[_i].name), NULL), 0);
    carry_out(call);
    ck_assert_str_eq(got, not_there[_i].expected);
    end();
}
END_TEST

/* In place of the route's: what the file has become is told by then. */
static void shorten(struct bight_http_request *request, void *context)
{
    ck_assert_int_eq(truncate(in_directory("a"), 1 << 20), 0);
    echo(request, context);
}

static void lengthen(struct bight_http_request *request, void *context)
{
    ck_assert_int_eq(truncate(in_directory("a"), LARGE + 1), 0);
    echo(request, context);
}

START_TEST(a_file_that_has_become_shorter_fails_the_call) /* C8 */
{
    begin();
    write_big("a");
    add_route("POST /shorter", shorten);
    struct bight_http_call *call = post("/shorter");
    ck_assert_int_eq(bight_http_call_body_file(call, in_directory("a"), NULL), 0);
    carry_out(call);
    ck_assert_str_eq(got, "INCOMPLETE");
    end();
}
END_TEST

START_TEST(of_a_file_that_has_grown_as_much_is_sent_as_was_said) /* C8 */
{
    begin();
    write_big("a");
    add_route("POST /longer", lengthen);
    struct bight_http_call *call = post("/longer");
    ck_assert_int_eq(bight_http_call_body_file(call, in_directory("a"), NULL), 0);
    carry_out(call);
    ck_assert_str_eq(got, "200 big");
    end();
}
END_TEST

static void say_form(struct bight_result *result, void *context)
{
    (void)context;
    struct bight_http_form *form = bight_result_peek(result, &bight_type_http_form);
    char said[200] = "none";
    if (form != NULL) {
        struct bight_http_form_file *file = bight_http_form_find_file(form, "a");
        struct bight_http_form_file *second = bight_http_form_find_file(form, "b");
        (void)snprintf(said, sizeof said, "%s %s %s %d %s %d", bight_http_form_value(form, "title"),
            bight_http_form_file_label(file), bight_http_form_file_type(file), (int)bight_http_form_file_size(file),
            bight_http_form_file_label(second), (int)bight_http_form_file_size(second));
        bight_result_clear(result);
        bight_result_set(result, &bight_type_bytes, bight_bytes_new(said, strlen(said)));
    }
}

static void read_form(struct bight_http_request *request, void *context)
{
    const struct bight_http_form_options options = { .size = sizeof options, .limit = 8 << 20 };
    (void)context;
    struct bight_deferred *read = bight_http_request_form(request, &options);
    bight_deferred_add_both(read, say_form, NULL);
    (void)bight_http_respond_later(request, read);
}

START_TEST(files_of_a_form_are_read_by_a_site) /* C8 A11 */
{
    begin();
    write_big("a.bin");
    write_file("b", "Hello");
    add_route("POST /form", read_form);
    struct bight_http_call *call = post("/form");
    ck_assert_int_eq(bight_http_call_part_file(call, "a", in_directory("a.bin"), NULL, NULL), 0);
    ck_assert_int_eq(bight_http_call_part_text(call, "title", "T"), 0);
    ck_assert_int_eq(bight_http_call_part_file(call, "b", in_directory("b"), "c.txt", "text/plain"), 0);
    carry_out(call);
    ck_assert_str_eq(got, "200 T a.bin application/octet-stream 3145728 c.txt 5");
    end();
}
END_TEST

static void forget(struct bight_result *result, void *context)
{
    (void)context;
    ck_assert_int_eq(bight_failure_code(bight_result_failure(result)), BIGHT_E_CANCELLED);
    bight_result_clear(result);
}

START_TEST(a_call_may_be_cancelled_while_its_file_is_opened) /* C1 C8 */
{
    begin();
    write_file("a", "Hello");
    struct bight_http_call *call = post("/"), *another = post("/");
    ck_assert_int_eq(bight_http_call_body_file(call, in_directory("a"), NULL), 0);
    struct bight_deferred *asked = bight_http_call_send(call);
    bight_deferred_add_both(asked, forget, NULL);
    bight_deferred_cancel(asked);
    bight_deferred_release(asked);
    ck_assert_int_eq(bight_http_call_body_text(another, "on"), 0);
    carry_out(another);
    ck_assert_str_eq(got, "200 on");
    end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_file_is_a_body);
    tcase_add_test(tests, an_empty_file_is_an_empty_body);
    tcase_add_test(tests, a_large_file_is_asked_about_and_sent_whole);
    tcase_add_test(tests, a_file_goes_through_tls);
    tcase_add_test(tests, a_redirect_has_the_file_sent_again);
    tcase_add_loop_test(tests, a_server_that_does_not_want_the_file_is_not_sent_it, 0, 2);
    tcase_add_loop_test(tests, a_file_that_cannot_be_had_fails_the_call, 0, 3);
    tcase_add_test(tests, a_file_that_has_become_shorter_fails_the_call);
    tcase_add_test(tests, of_a_file_that_has_grown_as_much_is_sent_as_was_said);
    tcase_add_test(tests, files_of_a_form_are_read_by_a_site);
    tcase_add_test(tests, a_call_may_be_cancelled_while_its_file_is_opened);
}

BIGHT_TEST_MAIN("http_client_upload", add_tests)
