/* SPDX-License-Identifier: MIT */
/* Tests of downloads from a server that misbehaves on demand: a file is whole or not there, each download ends in the
 * documented way and in its time, and the client is sound behind it. */
#include <bight/protocols/http_download.h>

#include "misbehaved_support.h"

#include "directory_support.h"

static const struct {
    const char *script, *expected;
    double seconds;
} rows[] = {
    { "size=5", "5", 1 },
    { "size=100000&framing=chunked", "100000", 1 },
    { "size=100000&framing=close", "100000", 1 },
    { "hops=3&size=5", "5", 1 },
    { "interim=16&size=5", "5", 1 },
    { "pace=1&size=3", "3", 100 },
    { "length=10&size=5&end=close", "INCOMPLETE", 1 },
    { "length=10&size=5&end=reset", "INCOMPLETE", 1 },
    { "framing=chunked&cut=50&end=close", "INCOMPLETE", 1 },
    { "length=10&size=5", "TIMED_OUT/3", 64 },
    { "wait=61", "TIMED_OUT/2", 64 },
    { "framing=both", "SYNTAX", 1 },
    { "framing=twice", "SYNTAX", 1 },
    { "garbage=100000", "SYNTAX", 1 },
    { "endless=head", "TOO_LONG", 1 },
    { "endless=interim", "TOO_LONG", 1 },
    { "endless=body&framing=chunked", "TOO_LONG", 30 },
    { "length=99999999999999&size=5", "TOO_LONG", 1 },
    { "loop=yes", "LIMIT/302", 1 },
    { "status=404&size=5", "HTTP_STATUS/404", 1 },
    { "status=206&size=5", "SYNTAX", 1 },
    { "status=206&size=5&field=Content-Range%3A+bytes+0-4/5", "SYNTAX", 1 },
    { "status=416&size=5&field=Content-Range%3A+bytes+*/0", "HTTP_STATUS/416", 1 },
};

static void note_size(struct bight_result *result, void *context)
{
    struct bight_failure *failure = bight_result_failure(result);
    (void)context;
    if (failure == NULL) {
        hear("%d", (int)bight_integer_value(bight_result_peek(result, &bight_type_integer)));
    } else if (bight_failure_status(failure) != 0) {
        hear("%s/%d", bight_error_name(bight_failure_code(failure)), bight_failure_status(failure));
    } else {
        hear("%s", bight_error_name(bight_failure_code(failure)));
    }
    bight_result_clear(result);
}

START_TEST(a_file_is_whole_or_not_there) /* C12 */
{
    const struct bight_http_download_options options = {
        .size = sizeof options, .limit = 10 << 20, .resume = _i % 2 == 1
    };
    char url[1000];
    begin();
    make_directory();
    (void)snprintf(url, sizeof url, "http://server/x?%s", rows[_i / 2].script);
    struct bight_deferred *got = bight_http_download(client, url, in_directory("a"), &options);
    bight_deferred_add_both(got, note_size, NULL);
    bight_deferred_release(got);
    pass(rows[_i / 2].seconds);
    ck_heard(rows[_i / 2].expected);
    ck_assert_uint_eq(count_files(), rows[_i / 2].expected[0] <= '9' ? 1 : 0);
    remove_directory();
    end_sound();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_file_is_whole_or_not_there, 0, 2 * sizeof rows / sizeof *rows);
}

BIGHT_TEST_MAIN("http_client_download_misbehaved", add_tests)
