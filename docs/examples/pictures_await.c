/* SPDX-License-Identifier: MIT */
/* pictures_await.c - measures every picture of a directory and resizes it to three widths, with ImageMagick, two
 * pictures at a time: the standard example of callback hell, written flat. With coroutines; pictures.c is the same with
 * callbacks.
 *
 * Usage: pictures_await SOURCE DESTINATION */
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

/* The result is the size, as bytes. When one of the three fails the others are cancelled. */
static void resize_to_all(struct bight_result *result, void *name)
{
    struct bight_result resized = { NULL, NULL, NULL };
    if (bight_await(measure(name), result) != 0) {
        return;
    }
    if (bight_await(bight_map_limited(resize, 3, 3, 0, name), &resized) != 0) {
        bight_result_move(result, &resized);
    }
    bight_result_clear(&resized);
}

static struct bight_deferred *picture(size_t index, void *context)
{
    (void)context;
    return bight_spawn(reactor, resize_to_all, files[index]->d_name);
}

/* Whatever went wrong with a picture comes here, and nowhere else; the others do not suffer from it. */
static void print_pictures(const struct bight_results *pictures)
{
    for (size_t i = 0; i < pictures->count; i++) {
        const struct bight_failure *failure = bight_result_failure(&pictures->items[i]);
        if (failure != NULL) { /* what began it: PROCESS_TERMINATED rather than FIRST_ERROR */
            int code = bight_failure_code(bight_failure_root(failure));
            printf("%s: left out, %s\n", files[i]->d_name, bight_error_name(code));
            continue;
        }
        const struct bight_bytes *size = pictures->items[i].value;
        printf("%s: %.*s\n", files[i]->d_name, (int)bight_bytes_size(size), (const char *)bight_bytes_data(size));
    }
}

static int is_visible(const struct dirent *file)
{
    return file->d_name[0] != '.';
}

static void resize_pictures(struct bight_result *result, struct bight_reactor *started, int argc, char **argv)
{
    if (argc != 3) {
        bight_result_fail(
            result, bight_failure_new(BIGHT_E_MISSING_ARGUMENT, 0, NULL, "SOURCE and DESTINATION, please"));
        return;
    }
    reactor = started;
    source = argv[1];
    destination = argv[2];
    count = scandir(source, &files, is_visible, alphasort);
    if (count < 0) {
        bight_result_fail(result, bight_failure_from_errno(errno, source));
        return;
    }
    struct bight_deferred *pictures = bight_map_limited(picture, (size_t)count, 2, BIGHT_ALL_OUTCOMES, NULL);
    if (bight_await(pictures, result) == 0) {
        print_pictures(bight_result_peek(result, &bight_type_results));
    }
}

int main(int argc, char **argv)
{
    int status = bight_main_coroutine(resize_pictures, argc, argv);
    for (int i = 0; i < count; i++) {
        free(files[i]);
    }
    free(files);
    return status;
}
