/* SPDX-License-Identifier: MIT */
/* Tests of files in forms (protocols/http/server/form_file.c, spool.c): temporary without a name, read, saved; how much
 * waits for the thread; memory that is refused. */
#include <errno.h>
#include <fcntl.h>

#include "form_support.h"

#define LARGE (1 << 20)

static struct bight_http_form_options options;
static struct bight_deferred *asking;
static struct bight_http_form *form;
static int failed, number;

/* What the file system is made to lack. */
static bool lacks_unnamed, lacks_links, lacks_copies;
static int refused; /* files without a name */

int __wrap_open(const char *path, int flags, mode_t mode);
int __wrap_open64(const char *path, int flags, mode_t mode); /* the same, where files may be large */
int __wrap_linkat(int from, const char *path, int to, const char *name, int flags);
int __real_linkat(int from, const char *path, int to, const char *name, int flags);
ssize_t __wrap_copy_file_range(int from, off_t *at, int to, off_t *where, size_t size, unsigned flags);
ssize_t __real_copy_file_range(int from, off_t *at, int to, off_t *where, size_t size, unsigned flags);

int __wrap_open(const char *path, int flags, mode_t mode)
{
    if (lacks_unnamed && (flags & O_TMPFILE) == O_TMPFILE) {
        refused++;
        errno = EOPNOTSUPP;
        return -1;
    }
    return openat(AT_FDCWD, path, flags, mode);
}

int __wrap_open64(const char *path, int flags, mode_t mode)
{
    return __wrap_open(path, flags, mode);
}

int __wrap_linkat(int from, const char *path, int to, const char *name, int flags)
{
    if (lacks_links && flags != 0) {
        errno = EXDEV;
        return -1;
    }
    return __real_linkat(from, path, to, name, flags);
}

ssize_t __wrap_copy_file_range(int from, off_t *at, int to, off_t *where, size_t size, unsigned flags)
{
    if (lacks_copies) {
        errno = EXDEV;
        return -1;
    }
    return __real_copy_file_range(from, at, to, where, size, flags);
}

static void has_form(struct bight_result *result, void *context)
{
    struct bight_http_request *request = context;
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure != NULL) {
        failed = bight_failure_code(failure);
        number = bight_failure_errno(failure);
        (void)bight_http_respond_failure(request, failure);
        return;
    }
    form = bight_result_take(result, &bight_type_http_form);
    (void)bight_http_respond_empty(request, 204);
}

static void ask(struct bight_http_request *request, void *context)
{
    (void)context;
    asking = bight_http_request_form(request, &options);
    if (bight_deferred_add_both(asking, has_form, request) != BIGHT_OK) {
        bight_deferred_cancel(asking);
    }
}

static void start(void)
{
    lacks_unnamed = lacks_links = lacks_copies = false;
    refused = 0;
    options = (struct bight_http_form_options) { .size = sizeof options, .limit = UINT64_MAX, .directory = directory };
    asking = NULL;
    form = NULL;
    failed = number = 0;
}

static void begin(void)
{
    make_directory();
    start();
    begin_site(NULL);
    hold_jobs();
    add_route("/form", ask);
    connect_peer();
}

static void end(size_t files)
{
    bight_deferred_release(asking);
    bight_http_form_release(form);
    work();
    end_site();
    ck_assert_uint_eq(count_files(), files);
    remove_directory();
}

static struct bight_bytes *got;
static intptr_t saved;

static void keep_result(struct bight_result *result, void *context)
{
    struct bight_failure *failure = bight_result_take_failure(result);
    (void)context;
    got = NULL;
    saved = number = 0;
    if (failure != NULL) {
        failed = bight_failure_code(failure);
        number = bight_failure_errno(failure);
        bight_failure_release(failure);
    } else if (result->type == &bight_type_bytes) {
        got = bight_result_take(result, &bight_type_bytes);
    } else {
        ck_assert_ptr_eq(result->type, &bight_type_integer);
        saved = bight_integer_value(result->value);
    }
    bight_result_discard(result);
}

/* Lets it and all that waits run. */
static void await(struct bight_deferred *deferred)
{
    ck_assert_int_eq(bight_deferred_add_both(deferred, keep_result, NULL), 0);
    bight_deferred_release(deferred);
    work();
}

static bool holds(struct bight_http_form_file *file, uint64_t offset, size_t size, const void *data, size_t expected)
{
    await(bight_http_form_file_read(file, offset, size));
    bool is_same =
        bight_bytes_size(got) == expected && (expected == 0 || memcmp(bight_bytes_data(got), data, expected) == 0);
    bight_bytes_release(got);
    return is_same;
}

static const char two_files[] = FIELD("a", "1") FILE_PART("f", "C:\\x\\one.txt", "text/plain", "first")
    FILE_PART("f", "../two", "image/png", "\r\n--second\r\n") FIELD("a", "2") FILE_PART("g", "", "x", "")
        FILE_PART("h", "empty", "x", "") END;

START_TEST(files_are_told_apart_and_have_labels) /* A11 */
{
    size_t cursor = 0;
    begin();
    for (size_t piece = 1; piece <= sizeof two_files; piece += _i == 0 ? 7 : 10000) {
        send_body("/form", MULTIPART, two_files, sizeof two_files - 1, piece);
        work();
        ck_assert_ptr_nonnull(form);
        ck_assert_uint_eq(count_files(), 0); /* no name of it is anywhere */
        cursor = 0;
        struct bight_http_form_file *one = bight_http_form_next_file(form, &cursor);
        struct bight_http_form_file *two = bight_http_form_next_file(form, &cursor);
        struct bight_http_form_file *empty = bight_http_form_next_file(form, &cursor);
        ck_assert_ptr_null(bight_http_form_next_file(form, &cursor)); /* none was chosen for `g` */
        ck_assert_ptr_eq(bight_http_form_find_file(form, "f"), one);
        ck_assert_ptr_null(bight_http_form_find_file(form, "a"));
        ck_assert_str_eq(bight_http_form_file_name(two), "f");
        ck_assert_str_eq(bight_http_form_file_label(one), "one.txt");
        ck_assert_str_eq(bight_http_form_file_label(two), "two");
        ck_assert_str_eq(bight_http_form_file_type(two), "image/png");
        ck_assert_uint_eq(bight_http_form_file_size(empty), 0);
        ck_assert(holds(one, 0, 100, "first", 5));
        ck_assert(holds(one, 1, 3, "irs", 3));
        ck_assert(holds(two, 0, 100, "\r\n--second\r\n", 12));
        ck_assert(holds(two, 12, 100, "", 0));
        ck_assert(holds(two, UINT64_MAX, 100, "", 0));
        ck_assert(holds(empty, 0, 100, "", 0));
        ck_assert_str_eq(bight_http_form_value(form, "a"), "1");
        bight_http_form_release(form);
        bight_deferred_release(asking);
        form = NULL;
        asking = NULL;
        work();
    }
    end(0);
}
END_TEST

START_TEST(a_descriptor_and_a_place_are_enough_to_read_a_file) /* A11 */
{
    char text[16] = "";
    uint64_t offset;
    begin();
    send_text("/form", MULTIPART, two_files);
    work();
    size_t cursor = 1;
    int descriptor = bight_http_form_file_descriptor(bight_http_form_next_file(form, &cursor), &offset);
    ck_assert_int_eq(pread(descriptor, text, 12, (off_t)offset), 12);
    ck_assert_str_eq(text, "\r\n--second\r\n");
    ck_assert_int_eq(bight_http_form_file_descriptor(bight_http_form_find_file(form, "f"), NULL), descriptor);
    bight_http_form_release(form);
    form = NULL;
    ck_assert_uint_eq(work(), 1); /* a thread closes it */
    ck_assert_int_eq(fcntl(descriptor, F_GETFD), -1);
    end(0);
}
END_TEST

/* ----------------------------------------------------------------------------------------------- saving */

static char *make_large(size_t *size)
{
    static char body[LARGE + 512];
    static const char head[] = "--b\r\nContent-Disposition: form-data; name=f; filename=large\r\n\r\n";
    memcpy(body, head, sizeof head - 1);
    for (size_t i = 0; i < LARGE; i++) {
        body[sizeof head - 1 + i] = (char)(i * 7 + i / 251);
    }
    *size = sizeof head - 1 + LARGE;
    memcpy(body + *size, "\r\n" END, strlen("\r\n" END));
    *size += strlen("\r\n" END);
    return body + sizeof head - 1;
}

#define ONE_FILE FILE_PART("f", "one", "x", "first") FIELD("a", "1") END

static mode_t mode_of(const char *name, nlink_t *links, ino_t *inode)
{
    struct stat status;
    ck_assert_int_eq(lstat(in_directory(name), &status), 0);
    *links = status.st_nlink;
    *inode = status.st_ino;
    return status.st_mode & 07777;
}

START_TEST(a_file_is_saved_under_a_name) /* A4, A11 */
{
    struct bight_http_save_options saving = { .size = sizeof saving, .mode = 0640, .no_sync = _i == 1 };
    struct stat temporary;
    nlink_t links;
    ino_t inode;
    begin();
    send_text("/form", MULTIPART, ONE_FILE);
    work();
    struct bight_http_form_file *file = bight_http_form_find_file(form, "f");
    ck_assert_int_eq(fstat(bight_http_form_file_descriptor(file, NULL), &temporary), 0);
    await(bight_http_form_file_save(file, in_directory("file"), &saving));
    ck_assert_int_eq(saved, 5);
    ck_assert(file_holds("file", "first", 5));
    ck_assert_int_eq(mode_of("file", &links, &inode), 0640);
    ck_assert_uint_eq(links, 1);
    ck_assert_uint_eq(inode, temporary.st_ino); /* it is the same */
    await(bight_http_form_file_save(file, in_directory("again"), NULL));
    ck_assert(file_holds("again", "first", 5));
    ck_assert_int_eq(mode_of("again", &links, &inode), 0600);
    ck_assert_uint_ne(inode, temporary.st_ino); /* a second is a copy */
    ck_assert(holds(file, 0, 10, "first", 5));
    end(2);
}
END_TEST

START_TEST(of_several_files_each_is_copied) /* A11 */
{
    size_t cursor = 0;
    begin();
    send_text("/form", MULTIPART, two_files);
    work();
    await(bight_http_form_file_save(bight_http_form_next_file(form, &cursor), in_directory("1"), NULL));
    await(bight_http_form_file_save(bight_http_form_next_file(form, &cursor), in_directory("2"), NULL));
    await(bight_http_form_file_save(bight_http_form_next_file(form, &cursor), in_directory("3"), NULL));
    ck_assert(file_holds("1", "first", 5));
    ck_assert(file_holds("2", "\r\n--second\r\n", 12));
    ck_assert(file_holds("3", "", 0));
    end(3);
}
END_TEST

START_TEST(a_file_is_saved_whatever_the_file_system_lacks) /* A11 */
{
    size_t size;
    const char *data = make_large(&size);
    const char *body = data - strlen("--b\r\nContent-Disposition: form-data; name=f; filename=large\r\n\r\n");
    char head[256];
    begin();
    lacks_unnamed = (_i & 1) != 0;
    lacks_links = (_i & 2) != 0;
    lacks_copies = (_i & 4) != 0;
    (void)snprintf(head, sizeof head,
        "POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: " MULTIPART "\r\nContent-Length: %zu\r\n\r\n", size);
    say(head);
    (void)bight_string_feed(peer, (const uint8_t *)body, size);
    work();
    ck_assert_ptr_nonnull(form);
    ck_assert_uint_eq(count_files(), 0);
    struct bight_http_form_file *file = bight_http_form_find_file(form, "f");
    await(bight_http_form_file_save(file, in_directory("file"), NULL));
    ck_assert_int_eq(saved, LARGE);
    ck_assert(file_holds("file", data, LARGE));
    ck_assert(holds(file, 5, 10, data + 5, 10));
    ck_assert_int_eq(refused, _i & 1);
    end(1);
}
END_TEST

START_TEST(a_name_that_is_taken_stays_or_is_replaced) /* A4, A11 */
{
    struct bight_http_save_options saving = { .size = sizeof saving, .replace = _i == 1 };
    begin();
    write_file("file", "old");
    send_text("/form", MULTIPART, ONE_FILE);
    work();
    struct bight_http_form_file *file = bight_http_form_find_file(form, "f");
    await(bight_http_form_file_save(file, in_directory("file"), &saving));
    ck_assert_int_eq(number, _i == 1 ? 0 : EEXIST);
    ck_assert(_i == 1 ? file_holds("file", "first", 5) : file_holds("file", "old", 3));
    await(bight_http_form_file_save(file, in_directory("none/file"), &saving));
    ck_assert_int_eq(number, ENOENT);
    end(1);
}
END_TEST

START_TEST(a_form_may_go_while_its_files_are_read_and_saved) /* A11 */
{
    begin();
    send_text("/form", MULTIPART, ONE_FILE);
    work();
    struct bight_http_form_file *file = bight_http_form_find_file(form, "f");
    struct bight_deferred *reading = bight_http_form_file_read(file, 0, 10);
    struct bight_deferred *saving = bight_http_form_file_save(file, in_directory("file"), NULL);
    bight_http_form_release(form);
    form = NULL;
    await(reading);
    ck_assert_uint_eq(bight_bytes_size(got), 5);
    bight_bytes_release(got);
    await(saving);
    ck_assert_int_eq(saved, 5);
    end(1);
}
END_TEST

START_TEST(nonsense_is_a_usage_error) /* A11 */
{
    begin();
    send_text("/form", MULTIPART, ONE_FILE);
    work();
    struct bight_http_form_file *file = bight_http_form_find_file(form, "f");
    await(bight_http_form_file_save(file, "", NULL));
    ck_assert_int_eq(failed, BIGHT_E_INVALID_ARGUMENT);
    await(bight_http_form_file_save(file, NULL, NULL));
    await(bight_http_form_file_read(file, 0, 0));
    ck_assert_uint_eq(usage_errors, 3);
    end(0);
}
END_TEST

/* ------------------------------------------------------------------------------------------------ how much */

START_TEST(no_more_is_received_than_the_thread_writes) /* A4, A11 */
{
    char head[256];
    size_t size;
    const char *data = make_large(&size);
    const char *body = data - strlen("--b\r\nContent-Disposition: form-data; name=f; filename=large\r\n\r\n");
    begin();
    (void)snprintf(head, sizeof head,
        _i == 0 ? "POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: " MULTIPART "\r\nContent-Length: %zu\r\n\r\n"
                : "POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: " MULTIPART
                  "\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n",
        size);
    say(head);
    size_t left = bight_string_feed(peer, (const uint8_t *)body, size);
    ck_assert_uint_le(size - left, 5 * 65536); /* what a thread has, what waits for it, the backlog, a receive */
    ck_assert_uint_eq(job_count, 1);
    bight_testing_advance(reactor, 100); /* and nobody is blamed */
    ck_assert_uint_gt(work(), 4);
    if (_i == 1) {
        say("\r\n0\r\n\r\n");
        work();
    }
    ck_assert_ptr_nonnull(form);
    struct bight_http_form_file *file = bight_http_form_find_file(form, "f");
    ck_assert_uint_eq(bight_http_form_file_size(file), LARGE);
    ck_assert(holds(file, 0, LARGE, data, LARGE));
    end(0);
}
END_TEST

/* ----------------------------------------------------------------------------------------------- its ends */

#define HALF_A_FILE                                                                                 \
    "POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: " MULTIPART "\r\nContent-Length: 1000\r\n\r\n" \
    "--b\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\n12345"

START_TEST(nothing_stays_of_a_form_that_was_not_whole) /* A3, A11 */
{
    begin();
    say(HALF_A_FILE);
    if (_i > 0) {
        work();
    }
    if (_i > 1) {
        say("678");
    }
    if (_i > 2) {
        bight_deferred_cancel(asking);
    } else {
        bight_string_reset(peer, 0);
    }
    ck_assert_int_eq(failed, _i > 2 ? BIGHT_E_CANCELLED : BIGHT_E_CLOSED);
    end(0);
}
END_TEST

START_TEST(the_end_of_the_reactor_leaves_nothing) /* A11, R10 */
{
    begin();
    say(HALF_A_FILE);
    work();
    say("6");
    ck_assert_uint_eq(job_count, 1);
    bight_string_peer_free(peer);
    peer = NULL;
    bight_reactor_free(reactor);
    ck_assert_int_ne(failed, 0);
    ck_assert_uint_eq(count_files(), 0);
    bight_http_site_free(site);
    bight_deferred_release(asking);
    remove_directory();
}
END_TEST

START_TEST(a_form_may_outlive_its_reactor) /* A11 */
{
    begin();
    send_text("/form", MULTIPART, ONE_FILE);
    work();
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    ck_assert_uint_eq(bight_http_form_file_size(bight_http_form_find_file(form, "f")), 5);
    bight_http_form_release(form);
    bight_deferred_release(asking);
    remove_directory();
}
END_TEST

START_TEST(a_directory_that_is_none_is_the_failure) /* A11 */
{
    begin();
    options.directory = "/nowhere/at/all";
    send_text("/form", MULTIPART, ONE_FILE);
    work();
    ck_assert_int_eq(number, ENOENT);
    ck_assert(has_line(take_answer(), "HTTP/1.1 500 Internal Server Error"));
    end(0);
}
END_TEST

/* ------------------------------------------------------------------------------------------------- no memory */

/* A form is whole or there is none, and who was answered 204 has it. */
static bool collect_without_memory(void *context)
{
    bool good = true;
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    peer = NULL;
    start();
    if (reactor != NULL && bight_http_route(site, "/form", ask, NULL) == BIGHT_OK) {
        hold_jobs();
        peer = bight_string_connect(reactor, bight_http_site_factory(site), true);
    }
    if (peer != NULL) {
        const char *body = context;
        send_body("/form", *body == '-' ? MULTIPART : URLENCODED, body, strlen(body), 40);
        work();
        good = form != NULL || bight_testing_fault_injected();
        good = good && (form == NULL || strcmp(bight_http_form_value(form, "a"), "1") == 0);
    }
    if (form != NULL && *(const char *)context == '-') {
        struct bight_deferred *saving =
            bight_http_form_file_save(bight_http_form_find_file(form, "f"), in_directory("file"), NULL);
        struct bight_deferred *reading = bight_http_form_file_read(bight_http_form_find_file(form, "f"), 0, 10);
        work();
        bight_deferred_release(saving);
        bight_deferred_release(reading);
    }
    bight_http_form_release(form);
    bight_deferred_release(asking);
    if (peer != NULL) {
        work();
    }
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    good = good && (access(in_directory("file"), F_OK) != 0 || file_holds("file", "first", 5));
    (void)unlink(in_directory("file"));
    return good && count_files() == 0;
}

START_TEST(every_allocation_of_a_form_may_fail) /* A11, T6 */
{
    static char bodies[][512] = { ONE_FILE, "b=2&a=1&c=%41" };
    make_directory();
    ck_assert_uint_eq(bight_testing_with_faults(collect_without_memory, bodies[_i], 0), 0);
    remove_directory();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, files_are_told_apart_and_have_labels, 0, 2);
    tcase_add_test(tests, a_descriptor_and_a_place_are_enough_to_read_a_file);
    tcase_add_loop_test(tests, a_file_is_saved_under_a_name, 0, 2);
    tcase_add_test(tests, of_several_files_each_is_copied);
    tcase_add_loop_test(tests, a_file_is_saved_whatever_the_file_system_lacks, 0, 8);
    tcase_add_loop_test(tests, a_name_that_is_taken_stays_or_is_replaced, 0, 2);
    tcase_add_test(tests, a_form_may_go_while_its_files_are_read_and_saved);
    tcase_add_test(tests, nonsense_is_a_usage_error);
    tcase_add_loop_test(tests, no_more_is_received_than_the_thread_writes, 0, 2);
    tcase_add_loop_test(tests, nothing_stays_of_a_form_that_was_not_whole, 0, 4);
    tcase_add_test(tests, the_end_of_the_reactor_leaves_nothing);
    tcase_add_test(tests, a_form_may_outlive_its_reactor);
    tcase_add_test(tests, a_directory_that_is_none_is_the_failure);
    tcase_add_loop_test(tests, every_allocation_of_a_form_may_fail, 0, 2);
}

BIGHT_TEST_MAIN("http_form_file", add_tests)
