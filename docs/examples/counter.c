/* SPDX-License-Identifier: MIT */
/* counter.c - adds to the number in a file, one process at a time: counter FILE TIMES. */
#include <bight/bight.h>
#include <bight/file_lock.h>

#include <stdio.h>
#include <stdlib.h>

static struct bight_file_lock *lock;

static struct bight_deferred *add_one(void *context)
{
    const char *path = context;
    long number = 0;
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        (void)!fscanf(file, "%ld", &number);
        fclose(file);
    }
    file = fopen(path, "w");
    if (file == NULL) {
        return bight_fail(bight_failure_new(BIGHT_E_APPLICATION, 0, NULL, "cannot write %s", path));
    }
    fprintf(file, "%ld\n", number + 1);
    fclose(file);
    return NULL;
}

static void done(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    bight_file_lock_free(lock);
}

static struct bight_deferred *count(struct bight_reactor *reactor, int argc, char **argv)
{
    static char lock_path[4096];
    if (argc != 3) {
        return bight_fail(bight_failure_new(BIGHT_E_SYNTAX, 0, NULL, "usage: counter FILE TIMES"));
    }
    snprintf(lock_path, sizeof lock_path, "%s.lock", argv[1]);
    lock = bight_file_lock_new(reactor, lock_path);
    for (int left = atoi(argv[2]); left > 1; left--) {
        bight_deferred_release(bight_file_lock_run(lock, add_one, argv[1]));
    }
    struct bight_deferred *last = bight_file_lock_run(lock, add_one, argv[1]);
    bight_deferred_add_timeout(last, 30, bight_reactor_clock(reactor));
    bight_deferred_add_both(last, done, NULL);
    return last;
}

int main(int argc, char **argv)
{
    return bight_main(count, argc, argv);
}
