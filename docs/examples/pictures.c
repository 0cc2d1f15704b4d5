/* SPDX-License-Identifier: MIT */
/* pictures.c - measures every picture of a directory and resizes it to three widths, with ImageMagick, two pictures at
 * a time: the standard example of callback hell, written flat. With callbacks; pictures_await.c is the same with
 * coroutines.
 *
 * Usage: pictures SOURCE DESTINATION */
#define _POSIX_C_SOURCE 200809L

#include <bight/bight.h>
#include <bight/process.h>
#include <bight/process_output.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct bight_reactor *reactor;
static const char *source, *destination;
static struct dirent **files;
static int count;

/* What a program prints; its failure when it fails, or takes too long. */
static struct bight_deferred *run(const char *const *argv)
{
    struct bight_process_output_options options = { .size = sizeof options, .argv = argv, .timeout_seconds = 60 };
    return bight_get_process_output(reactor, &options);
}

static struct bight_deferred *measure(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", source, name);
    return run((const char *const[]) { "identify", "-format", "%wx%h", path, NULL });
}

static struct bight_deferred *resize(size_t index, void *context)
{
    static const char *const widths[] = { "10", "20", "40" };
    const char *name = context, *width = widths[index];
    char from[4096], to[4096];
    snprintf(from, sizeof from, "%s/%s", source, name);
    snprintf(to, sizeof to, "%s/w%s_%s", destination, width, name);
    return run((const char *const[]) { "convert", from, "-resize", width, to, NULL });
}

/* The result is the size, and what the three programs printed: nothing. When one fails the others are cancelled. */
static void resize_to_all(struct bight_result *result, void *name)
{
    struct bight_bytes *size = bight_result_take(result, &bight_type_bytes);
    struct bight_deferred *both[] = { bight_succeed(&bight_type_bytes, size),
        bight_map_limited(resize, 3, 3, 0, name) };
    bight_result_chain(result, bight_gather_results(both, 2));
}

static struct bight_deferred *picture(size_t index, void *context)
{
    (void)context;
    struct bight_deferred *resized = measure(files[index]->d_name);
    bight_deferred_add_callback(resized, resize_to_all, files[index]->d_name);
    return resized;
}

/* Whatever went wrong with a picture comes here, and nowhere else; the others do not suffer from it. */
static void report(struct bight_result *result, void *context)
{
    const struct bight_results *pictures = bight_result_peek(result, &bight_type_results);
    (void)context;
    for (size_t i = 0; i < pictures->count; i++) {
        const struct bight_failure *failure = bight_result_failure(&pictures->items[i]);
        if (failure != NULL) { /* what began it: PROCESS_TERMINATED rather than FIRST_ERROR */
            int code = bight_failure_code(bight_failure_root(failure));
            printf("%s: left out, %s\n", files[i]->d_name, bight_error_name(code));
            continue;
        }
        const struct bight_results *resized = pictures->items[i].value;
        const struct bight_bytes *size = resized->items[0].value;
        printf("%s: %.*s\n", files[i]->d_name, (int)bight_bytes_size(size), (const char *)bight_bytes_data(size));
    }
}

static int is_visible(const struct dirent *file)
{
    return file->d_name[0] != '.';
}

static struct bight_deferred *start(struct bight_reactor *started, int argc, char **argv)
{
    if (argc != 3) {
        return bight_fail(bight_failure_new(BIGHT_E_MISSING_ARGUMENT, 0, NULL, "SOURCE and DESTINATION, please"));
    }
    reactor = started;
    source = argv[1];
    destination = argv[2];
    count = scandir(source, &files, is_visible, alphasort);
    if (count < 0) {
        return bight_fail(bight_failure_from_errno(errno, source));
    }
    struct bight_deferred *done = bight_map_limited(picture, (size_t)count, 2, BIGHT_ALL_OUTCOMES, NULL);
    bight_deferred_add_callback(done, report, NULL);
    return done;
}

int main(int argc, char **argv)
{
    int status = bight_main(start, argc, argv);
    for (int i = 0; i < count; i++) {
        free(files[i]);
    }
    free(files);
    return status;
}
