/* SPDX-License-Identifier: MIT */
/* path.c - where a program is looked for: the directories of PATH, as execvp does, but before there is a child.
 *
 * The child's own PATH counts when it is given one. An empty entry is the directory that the child starts in. Starting
 * what was found is spawn.c's. */
#include <string.h>
#include <unistd.h>

#include <bight/memory.h>

#include "process/process.h"

#define DEFAULT_PATH "/usr/bin:/bin"

static const char *find_search_path(const char *const *environment)
{
    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, "PATH=", 5) == 0) {
            return *environment + 5;
        }
    }
    return DEFAULT_PATH;
}

static size_t count_entries(const char *path)
{
    size_t count = 1;
    for (; *path != '\0'; path++) {
        count += *path == ':';
    }
    return count;
}

/* "directory/program" at `out`; returns where the next may stand. */
static char *join(char *out, const char *directory, size_t size, const char *program)
{
    memcpy(out, directory, size);
    out += size;
    if (size > 0) {
        *out++ = '/';
    }
    size_t length = strlen(program) + 1;
    memcpy(out, program, length);
    return out + length;
}

static const char **search(const char *program, const char *path)
{
    size_t count = count_entries(path);
    size_t text_size = strlen(path) + count * (strlen(program) + 2);
    const char **paths = bight_malloc((count + 1) * sizeof *paths + text_size);
    if (paths == NULL) {
        return NULL;
    }
    char *out = (char *)(paths + count + 1);
    for (size_t i = 0; i < count; i++) {
        size_t size = strcspn(path, ":");
        paths[i] = out;
        out = join(out, path, size, program);
        path += size + 1;
    }
    paths[count] = NULL;
    return paths;
}

const char **bi_process_paths(const char *program, const char *const *environment)
{
    if (strchr(program, '/') == NULL && *program != '\0') {
        return search(program, find_search_path(environment));
    }
    size_t size = strlen(program) + 1;
    const char **paths = bight_malloc(2 * sizeof *paths + size);
    if (paths != NULL) {
        paths[0] = memcpy(paths + 2, program, size);
        paths[1] = NULL;
    }
    return paths;
}
