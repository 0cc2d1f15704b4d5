/* SPDX-License-Identifier: MIT */
/* worker_options.c - copies of what a pool of workers needs to start programs for as long as it lives.
 *
 * A list of texts is copied into one block, its pointers first. What the options mean is worker_pool.c's. */
#include <string.h>

#include <bight/memory.h>

#include "process/worker_pool.h"

static const char *const *copy_list(const char *const *list)
{
    size_t count = 0, size = 0;
    for (; list[count] != NULL; count++) {
        size += strlen(list[count]) + 1;
    }
    char **copy = bight_malloc((count + 1) * sizeof *copy + size);
    if (copy == NULL) {
        return NULL;
    }
    char *text = (char *)(copy + count + 1);
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(list[i]) + 1;
        copy[i] = memcpy(text, list[i], length);
        text += length;
    }
    copy[count] = NULL;
    return (const char *const *)(void *)copy;
}

int bi_pool_copy_texts(struct bight_worker_pool_options *options)
{
    struct bight_worker_pool_options given = *options;
    options->path = given.path == NULL ? NULL : bight_strdup(given.path);
    options->directory = given.directory == NULL ? NULL : bight_strdup(given.directory);
    options->argv = given.argv == NULL ? NULL : copy_list(given.argv);
    options->environment = given.environment == NULL ? NULL : copy_list(given.environment);
    bool complete =
        (options->path != NULL || given.path == NULL) && (options->directory != NULL || given.directory == NULL) &&
        (options->argv != NULL || given.argv == NULL) && (options->environment != NULL || given.environment == NULL);
    if (complete) {
        return BIGHT_OK;
    }
    bi_pool_free_texts(options);
    return BIGHT_E_OUT_OF_MEMORY;
}

void bi_pool_free_texts(struct bight_worker_pool_options *options)
{
    bight_free((void *)(uintptr_t)options->path);
    bight_free((void *)(uintptr_t)options->directory);
    bight_free((void *)(uintptr_t)options->argv);
    bight_free((void *)(uintptr_t)options->environment);
}
