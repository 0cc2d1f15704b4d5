/* SPDX-License-Identifier: MIT */
/* api_http_files.c - a directory of files in a site, that are replaced while they are served: whoever gets one gets one
 * version of it (F1 to F4). All bytes of a version are the same letter, and its size tells which. */
#include "api_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bight/sys/system.h>

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    SMALL = 500,
    LARGE = 150000,
    LETTERS = 26,
    SIMULATED = 1000 /* the first descriptor that is the simulation's */
};

static char directory[40];
static bool is_there;
static unsigned version;

static void write_file(const char *name, unsigned base)
{
    static char bytes[LARGE + LETTERS];
    char path[80], draft[80];
    unsigned letter = version % LETTERS;
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    (void)snprintf(draft, sizeof draft, "%s/draft", directory);
    memset(bytes, (int)('a' + letter), base + letter);
    FILE *file = fopen(draft, "w");
    if (file == NULL || fwrite(bytes, 1, base + letter, file) != base + letter || fclose(file) != 0 ||
        rename(draft, path) != 0) {
        abort();
    }
}

static void make_directory(void)
{
    char sub[60];
    if (is_there) {
        return;
    }
    (void)snprintf(directory, sizeof directory, "/tmp/fuzz_api-files-XXXXXX");
    if (mkdtemp(directory) == NULL) {
        abort();
    }
    (void)snprintf(sub, sizeof sub, "%s/sub", directory);
    (void)mkdir(sub, 0700);
    is_there = true;
    write_file("small.s", SMALL);
    write_file("large.l", LARGE);
    write_file("sub/index.html", SMALL);
}

void add_files(struct bight_http_site *site, uint64_t drawn)
{
    static const struct bight_http_file_type types[] = { { "s", "x/small" }, { "l", "x/large" }, { NULL, NULL } };
    const struct bight_http_files_options options = { .size = sizeof options,
        .listing = drawn / 2 % 2 == 0,
        .types = types,
        .memory_limit = drawn / 4 % 2 == 0 ? 400 : 0,
        .fallback = drawn / 8 % 4 == 0 ? "sub/index.html" : NULL };
    if (drawn % 2 == 0) {
        make_directory();
        (void)bight_http_files(site, "/all/files/", directory, &options);
    }
}

void act_rename(struct fuzz_operation *operation, void *context)
{
    (void)context;
    if (is_there) {
        version++;
        write_file(fuzz_choose(operation, 2) == 0 ? "small.s" : "sub/index.html", SMALL);
        write_file("large.l", LARGE);
    }
}

void check_file(const char *type, bool is_part, const char *bytes, size_t size)
{
    size_t base = strcmp(type, "x/small") == 0 ? SMALL : strcmp(type, "x/large") == 0 ? LARGE : 0;
    if (base == 0 || size == 0) {
        return;
    }
    for (size_t i = 1; i < size; i++) {
        if (bytes[i] != bytes[0]) {
            fuzz_fail("a file was sent of two versions, which meet at %zu of %zu", i, size);
        }
    }
    if (!is_part && size != base + (size_t)(bytes[0] - 'a')) {
        fuzz_fail("%zu bytes of a file were sent whose letter is %c", size, bytes[0]);
    }
}

/* --------------------------------------------------------------------------------------------- the disk */

/* The host's files are the simulation's, those that are served are real. */
static const struct bight_system_ops *simulated;
static struct bight_system_ops patched;

static ssize_t read_real(
    struct bight_system *system, int fd, const struct iovec *parts, int count, uint64_t offset, int flags)
{
    if (fd >= SIMULATED) {
        return simulated->preadv2(system, fd, parts, count, offset, flags);
    }
    if ((flags & RWF_NOWAIT) && draw_from(offset + 431u) % 3 == 0) {
        return -EAGAIN;
    }
    ssize_t got = preadv(fd, parts, count, (off_t)offset);
    return got < 0 ? -errno : got;
}

static ssize_t send_real(struct bight_system *system, int socket, int file, uint64_t offset, size_t size)
{
    static char bytes[65536];
    if (file >= SIMULATED) {
        return simulated->sendfile(system, socket, file, offset, size);
    }
    ssize_t got = pread(file, bytes, size < sizeof bytes ? size : sizeof bytes, (off_t)offset);
    return got <= 0 ? got : system->ops->send(system, socket, bytes, (size_t)got, MSG_NOSIGNAL);
}

static void patch(struct bight_system *system)
{
    simulated = system->ops;
    patched = *simulated;
    patched.preadv2 = read_real;
    patched.sendfile = patched.sendfile != NULL ? send_real : NULL;
    system->ops = &patched;
}

/* ----------------------------------------------------------------------------------------- the part */

static void begin(void)
{
    patch(bight_reactor_system(world.reactors[0]));
    is_there = false;
    version = 0;
}

static void check(void)
{
}

static void end(void)
{
}

static void finish(void)
{
    static const char *const names[] = { "small.s", "large.l", "sub/index.html", "sub", "" };
    for (unsigned i = 0; is_there && i < sizeof names / sizeof *names; i++) {
        char path[80];
        (void)snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        (void)remove(path);
    }
    is_there = false;
}

const struct part http_files_part = { begin, check, end, finish };
