/* SPDX-License-Identifier: MIT */
/* Tests of system calls that fail while files are served and saved (protocols/http/files, server/file.c,
 * server/draft.c): what clients are answered, and that no descriptor and no draft is left. They are the linker's to
 * wrap: threads of the pool make them, not the loop, whose table they are not in. */
#include "files_support.h"

#include <stdarg.h>
#include <sys/syscall.h>

static struct {
    const char *call;
    int number;     /* errno */
    unsigned times; /* that it fails; 0: it does not any more */
} fault;

static bool lacks_openat2;

static bool fails(const char *call)
{
    if (fault.times == 0 || strcmp(fault.call, call) != 0) {
        return false;
    }
    fault.times--;
    errno = fault.number;
    return true;
}

/* The wrapped ones are called by these names, which are the linker's. */
#define WRAP(result, name, bad, parameters, arguments)         \
    result __real_##name parameters;                           \
    result __wrap_##name parameters;                           \
    result __wrap_##name parameters                            \
    {                                                          \
        return fails(#name) ? (bad) : __real_##name arguments; \
    }

WRAP(int, open64, -1, (const char *path, int flags, mode_t mode), (path, flags, mode))
WRAP(int, openat64, -1, (int from, const char *path, int flags, mode_t mode), (from, path, flags, mode))
WRAP(int, fstat64, -1, (int fd, struct stat *status), (fd, status))
WRAP(DIR *, fdopendir, NULL, (int fd), (fd))
WRAP(struct dirent *, readdir64, NULL, (DIR * stream), (stream))
WRAP(ssize_t, write, -1, (int fd, const void *data, size_t size), (fd, data, size))
WRAP(int, fsync, -1, (int fd), (fd))
WRAP(int, renameat, -1, (int from, const char *old, int to, const char *name), (from, old, to, name))
WRAP(int, fchmod, -1, (int fd, mode_t mode), (fd, mode))

static void (*meddle)(void); /* while a file is read */

ssize_t __real_pread64(int fd, void *data, size_t size, off_t offset);
ssize_t __wrap_pread64(int fd, void *data, size_t size, off_t offset);
ssize_t __wrap_pread64(int fd, void *data, size_t size, off_t offset)
{
    ssize_t got = fails("pread64") ? -1 : __real_pread64(fd, data, size, offset);
    if (meddle != NULL) {
        meddle();
    }
    return got;
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, long one, long two, long three, long four, long five, long six);
long __wrap_syscall(long number, long one, long two, long three, long four, long five, long six)
{
    if (number == SYS_openat2 && lacks_openat2) {
        errno = ENOSYS;
        return -1;
    }
    return number == SYS_openat2 && fails("openat2") ? -1 : __real_syscall(number, one, two, three, four, five, six);
}

/* ------------------------------------------------------------------------------------------- the site */

static size_t count_descriptors(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 512; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

static void send_one(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_file(request, in_directory("small.html"));
}

static void clear(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
}

static void save_one(struct bight_http_request *request, void *context)
{
    struct bight_http_save_options options = { .size = sizeof options, .replace = true, .mode = 0640 };
    (void)context;
    struct bight_deferred *saving = bight_http_request_save(request, in_directory("saved"), &options);
    (void)bight_deferred_add_callback(saving, clear, NULL);
    (void)bight_http_respond_later(request, saving);
}

static void begin(void)
{
    static const struct bight_http_files_options options = { .size = sizeof options, .listing = true };
    static char large[200001];
    begin_files(&options);
    add_route("GET /one", send_one);
    add_route("POST /save", save_one);
    write_old("small.html", "small");
    memset(large, 'x', sizeof large - 1);
    write_old("large", large);
    write_old("sub/a", "a");
}

#define ALWAYS 1000

static const struct row {
    const char *target, *call;
    int number;
    unsigned times;
    const char *status;
    bool lacks_openat2;
} rows[] = {
    /* without openat2 it goes step by step */
    { "GET /static/small.html", "openat2", ENOSYS, ALWAYS, "200" },
    { "GET /static/small.html", "openat2", EPERM, ALWAYS, "200" },
    { "GET /static/small.html", "openat2", EINTR, 1, "200" },
    { "GET /static/small.html", "openat2", EINTR, 3, "200" },
    { "GET /static/small.html", "openat2", EACCES, ALWAYS, "404" },
    { "GET /static/small.html", "openat2", EMFILE, ALWAYS, "500" },
    { "GET /static/small.html", "openat2", EIO, ALWAYS, "500" },
    { "GET /static/sub/a", "openat64", EINTR, 3, "200", true },
    { "GET /static/sub/a", "openat64", EACCES, ALWAYS, "404", true },
    { "GET /static/sub/a", "openat64", EMFILE, ALWAYS, "500", true },
    { "GET /static/sub/a", "openat64", EIO, ALWAYS, "500", true },
    { "GET /static/sub/a", "openat64", EMFILE, 1, "500", true },
    { "GET /static/small.html", "fstat64", EIO, ALWAYS, "500" },
    { "GET /static/small.html", "pread64", EIO, ALWAYS, "500" },
    { "GET /static/small.html", "pread64", EINTR, 2, "200" },
    { "GET /static/large", "fstat64", EIO, ALWAYS, "500" },
    { "GET /static/sub/", "fdopendir", ENOMEM, ALWAYS, "500" },
    { "GET /static/sub/", "readdir64", EIO, ALWAYS, "500" },
    { "GET /static/sub/", "openat2", EMFILE, ALWAYS, "500" },
    /* a file that the program names: only that it is not there is the client's business */
    { "GET /one", "open64", ENOENT, ALWAYS, "404" },
    { "GET /one", "open64", EACCES, ALWAYS, "500" },
    { "GET /one", "open64", EMFILE, ALWAYS, "500" },
    { "GET /one", "open64", EIO, ALWAYS, "500" },
    { "GET /one", "open64", EINTR, 2, "200" },
    { "GET /one", "fstat64", EIO, ALWAYS, "500" },
    { "POST /save", "open64", EINTR, 2, "200" },
    { "POST /save", "open64", EMFILE, ALWAYS, "500" },
    { "POST /save", "openat64", EINTR, 2, "200" },
    { "POST /save", "openat64", EACCES, ALWAYS, "500" },
    { "POST /save", "openat64", EEXIST, ALWAYS, "500" },
    { "POST /save", "openat64", EEXIST, 2, "200" },
    { "POST /save", "write", ENOSPC, ALWAYS, "500" },
    { "POST /save", "write", EINTR, 2, "200" },
    { "POST /save", "fchmod", EPERM, ALWAYS, "500" },
    { "POST /save", "fsync", EIO, ALWAYS, "500" },
    { "POST /save", "fsync", EINVAL, ALWAYS, "200" },
    { "POST /save", "fsync", EINTR, 1, "200" },
    { "POST /save", "renameat", EIO, ALWAYS, "500" },
    { "POST /save", "renameat", EXDEV, ALWAYS, "500" },
};

/* The status that it is answered with. */
static const char *ask(const struct row *row)
{
    static char status[4];
    char text[300];
    bool posts = row->target[0] == 'P';
    (void)snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: x\r\n%s\r\n%s", row->target,
        posts ? "Content-Length: 5\r\n" : "", posts ? "saved" : "");
    bight_string_peer_free(peer);
    connect_peer();
    say(text);
    work();
    const char *answer = take_answer();
    (void)snprintf(status, sizeof status, "%.3s", strlen(answer) > 12 ? answer + strlen("HTTP/1.1 ") : "");
    return strcmp(status, "204") == 0 ? "200" : status;
}

START_TEST(a_call_that_fails_is_answered_and_leaves_nothing) /* F1, F4, A2 */
{
    const struct row *row = &rows[_i];
    begin();
    size_t files = count_files();
    fault.call = row->call;
    fault.number = row->number;
    fault.times = row->times;
    lacks_openat2 = row->lacks_openat2;
    ck_assert_str_eq(ask(row), row->status);
    ck_assert_msg(fault.times < row->times, "%s is never called", row->call);
    fault.times = 0;
    if (row->target[0] == 'P') {
        bool is_saved = strcmp(row->status, "200") == 0;
        ck_assert_uint_eq(count_files(), files + is_saved);
        ck_assert(!is_saved || file_holds("saved", "saved", 5));
    }
    bight_testing_advance(reactor, 60); /* what is kept open is kept no more */
    work();
    ck_assert_str_eq(ask(row), "200"); /* and nothing is remembered of it */
    end_site();
    remove_files();
}
END_TEST

START_TEST(no_descriptor_is_left) /* F4 */
{
    size_t before = count_descriptors();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin();
        fault.call = rows[i].call;
        fault.number = rows[i].number;
        fault.times = rows[i].times;
        lacks_openat2 = rows[i].lacks_openat2;
        (void)ask(&rows[i]);
        fault.times = 0;
        end_site();
        remove_files();
        ck_assert_msg(count_descriptors() == before, "%s of %s leaves a descriptor", rows[i].call, rows[i].target);
    }
}
END_TEST

/* ------------------------------------------------------------------------------------- while it is read */

static void lengthen(void)
{
    FILE *file = fopen(in_directory("small.html"), "a");
    ck_assert_int_ge(fputs(".", file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void take_away(void)
{
    (void)unlink(in_directory("small.html"));
}

START_TEST(a_file_that_is_written_all_the_time_is_sent_as_it_is_found) /* F1, F4 */
{
    begin();
    meddle = lengthen;
    const char *answer = ask_for("GET /static/small.html HTTP/1.1\r\nHost: x");
    meddle = NULL;
    ck_assert(has_line(answer, "HTTP/1.1 200 OK"));
    ck_assert_str_eq(body_of(answer), "small..");
    end_files();
}
END_TEST

START_TEST(a_file_that_goes_while_it_is_read_is_not_there) /* F1, F4 */
{
    begin();
    meddle = take_away;
    ck_assert(has_line(ask_for("GET /static/small.html HTTP/1.1\r\nHost: x"), "HTTP/1.1 404 Not Found"));
    meddle = NULL;
    end_files();
}
END_TEST

/* ------------------------------------------------------------------------------------- while it is sent */

static int error_of_reading;

static ssize_t read_badly(
    struct bight_system *system, int fd, const struct iovec *parts, int count, uint64_t offset, int flags)
{
    (void)system, (void)fd, (void)parts, (void)count, (void)flags;
    return offset == 0 ? error_of_reading : -EIO;
}

START_TEST(a_file_that_cannot_be_read_aborts_the_exchange) /* F2 */
{
    begin();
    ((struct bight_system_ops *)(uintptr_t)bight_reactor_system(reactor)->ops)->preadv2 = read_badly;
    error_of_reading = -EIO;
    (void)ask_for("GET /static/large HTTP/1.1\r\nHost: x");
    ck_assert(bight_string_is_closed(peer));
    end_files();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_call_that_fails_is_answered_and_leaves_nothing, 0, sizeof rows / sizeof *rows);
    tcase_add_test(tests, no_descriptor_is_left);
    tcase_add_test(tests, a_file_that_is_written_all_the_time_is_sent_as_it_is_found);
    tcase_add_test(tests, a_file_that_goes_while_it_is_read_is_not_there);
    tcase_add_test(tests, a_file_that_cannot_be_read_aborts_the_exchange);
}

BIGHT_TEST_MAIN("http_files_calls", add_tests)
