/* SPDX-License-Identifier: MIT */
/* api_http_file.c - bodies that are saved to files on the real disk, in a directory that each program makes and
 * removes. A file that was saved is whole; nothing stays of any other saving. */
#include "api_http.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE 64

static char directory[PATH_SIZE];

static const char *path_of(unsigned id)
{
    static char path[PATH_SIZE + 20];
    (void)snprintf(path, sizeof path, "%s/saved-%u", directory, id);
    return path;
}

static void check_saved(const struct item *item, size_t size)
{
    static uint8_t bytes[MAX_BODY + 1];
    const struct asked *asked = &http.asked[item->order];
    FILE *saved = fopen(path_of(item->id), "r");
    size_t got = saved == NULL ? 0 : fread(bytes, 1, sizeof bytes, saved);
    if (saved == NULL || got != size) {
        fuzz_fail("the body of request %u was saved, and there are %zu bytes of %zu", asked->id, got, size);
    }
    (void)fclose(saved);
    if (asked->ask == ASKS) {
        return;
    }
    if (size != http.asks[asked->ask].size || http.asks[asked->ask].is_cut) {
        fuzz_fail("%zu bytes of the body of request %u were saved", size, asked->id);
    }
    for (uint32_t i = 0; i < size; i++) {
        if (bytes[i] != body_byte(asked->ask, i)) {
            fuzz_fail("a wrong byte of the body of request %u was saved at %u", asked->id, i);
        }
    }
}

static void on_saved(struct bight_result *result, void *context)
{
    struct item *item = context;
    finish_item(item, result);
    if (bight_result_failure(result) == NULL) {
        check_saved(item, (size_t)bight_integer_value(result->value));
    }
    act_inside(item->id * 311u, NULL);
    bight_result_clear(result);
}

static void goes_on(struct bight_http_request *request, uint64_t saved, int64_t length, void *context)
{
    (void)request;
    (void)length;
    check_not_inside("the progress of a saving");
    act_inside(((struct item *)context)->id * 313u + saved, NULL);
}

void save_body(struct asked *asked, struct fuzz_operation *operation)
{
    struct item *item = world.is_ending ? NULL : new_item("saving of a body", 0);
    if (item == NULL) {
        return;
    }
    struct bight_http_save_options options = { .size = sizeof options,
        .limit = fuzz_choose(operation, 4) == 0 ? 2000 : 0,
        .replace = fuzz_choose(operation, 2) == 0,
        .no_sync = true,
        .progress = goes_on,
        .context = item };
    item->order = asked->id;
    watch_with(item, bight_http_request_save(asked->request, path_of(item->id), &options), on_saved);
    if (!item->has_run) {
        tie_somewhere(operation, item, true);
    }
}

/* ----------------------------------------------------------------------------------------- the part */

static void begin(void)
{
    (void)snprintf(directory, sizeof directory, "/tmp/fuzz_api-XXXXXX");
    if (mkdtemp(directory) == NULL) {
        abort();
    }
}

static void check(void)
{
}

static void end(void)
{
}

static void finish(void)
{
    bool drafts = false;
    DIR *all = opendir(directory);
    for (const struct dirent *entry; all != NULL && (entry = readdir(all)) != NULL;) {
        char path[PATH_SIZE + 300];
        (void)snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        drafts = drafts || strncmp(entry->d_name, ".bight-", 7) == 0;
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            (void)unlink(path);
        }
    }
    if (all != NULL) {
        (void)closedir(all);
    }
    (void)rmdir(directory);
    if (drafts) {
        fuzz_fail("a draft of a body that was to be saved is left");
    }
}

const struct part http_file_part = { begin, check, end, finish };
