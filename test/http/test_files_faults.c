/* SPDX-License-Identifier: MIT */
/* Tests of memory that is refused while a directory is served (protocols/http/files/): an answer is whole, or says that
 * something is wrong, or the connection has been reset; nothing is left. */
#include "files_support.h"

static struct bight_http_files_options options = {
    .size = sizeof options, .listing = true, .fallback = "small.html", .precompressed = BIGHT_HTTP_FILES_GZIP
};

struct question {
    const char *text, *end; /* end: of the whole answer */
};

static bool serve_without_memory(void *context)
{
    const struct question *question = context;
    bool good = true;
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    peer = NULL;
    if (reactor != NULL && site != NULL && bight_http_files(site, "/static/", directory, &options) == BIGHT_OK) {
        hold_jobs();
        peer = bight_string_connect(reactor, bight_http_site_factory(site), true);
    }
    for (int i = 0; peer != NULL && i < 2; i++) { /* looked up, and kept */
        say(question->text);
        work();
        size_t size = 0;
        const char *answer = bight_string_written_text(peer);
        (void)bight_string_written(peer, &size);
        bool is_whole = answer != NULL && size > strlen(question->end) &&
                        strcmp(answer + size - strlen(question->end), question->end) == 0;
        good = good && (is_whole || bight_testing_fault_injected());
        bight_string_clear(peer);
    }
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    return good;
}

static const struct question questions[] = {
    { "GET /static/small.html HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\nsmall" },
    { "GET /static/small.html HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nRange: bytes=0-2\r\n\r\n",
        "\r\n\r\npac" },
    { "GET /static/large HTTP/1.1\r\nHost: x\r\n\r\n", "xxxx" },
    { "GET /static/none HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n", "\r\n\r\nsmall" },
    { "GET /static/?sort=size HTTP/1.1\r\nHost: x\r\n\r\n", "</html>\n" },
    { "GET /static/many/ HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\r\n", "]}\n\r\n0\r\n\r\n" },
};

START_TEST(every_allocation_may_fail) /* F1, T6 */
{
    char large[70001], name[300];
    begin_files(NULL);
    write_old("small.html", "small");
    write_old("small.html.gz", "packed");
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    write_old("large", large);
    memset(name, 'n', sizeof name);
    for (int i = 0; i < 150; i++) {
        (void)snprintf(name + 200, sizeof name - 200, "%d", i);
        char path[240];
        (void)snprintf(path, sizeof path, "many/%.210s", name);
        write_old(path, "");
    }
    end_site();
    ck_assert_uint_eq(bight_testing_with_faults(serve_without_memory, (void *)(uintptr_t)&questions[_i], 0), 0);
    remove_files();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, every_allocation_may_fail, 0, sizeof questions / sizeof *questions);
}

BIGHT_TEST_MAIN("http_files_faults", add_tests)
