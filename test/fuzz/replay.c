/* SPDX-License-Identifier: MIT */
/* replay.c - runs a harness with every file of the directories that are named: the corpus as an ordinary test.
 *
 * Inputs that once broke something are added to the corpus and are tried by every run of the tests, with any compiler.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

enum { INPUT_LIMIT = 1 << 20 };

static int replay_file(const char *directory, const char *name)
{
    static uint8_t input[INPUT_LIMIT];
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return -1;
    }
    size_t size = fread(input, 1, sizeof input, file);
    fclose(file);
    return LLVMFuzzerTestOneInput(input, size);
}

/* How many files there were, or -1. */
static int replay_directory(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    int count = 0;
    if (directory == NULL) {
        perror(path);
        return -1;
    }
    while (count >= 0 && (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.') {
            count = replay_file(path, entry->d_name) < 0 ? -1 : count + 1;
        }
    }
    closedir(directory);
    return count;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int count = replay_directory(argv[i]);
        printf("%s: %d inputs\n", argv[i], count);
        if (count <= 0) {
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}
