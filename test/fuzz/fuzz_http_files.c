/* SPDX-License-Identifier: MIT */
/* fuzz_http_files.c - paths that become names of files: what is taken leads nowhere but down, whatever came. And the
 * order of names, which has to be one. */
#include "http/files/name.h"
#include "http/message/path.h"

#include <stdlib.h>

#include "fuzz.h"

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool is_good(const char *segment, size_t size, bool dot_files)
{
    return size > 0 && segment[size - 1] != '.' && (dot_files || segment[0] != '.') &&
           memchr(segment, '\\', size) == NULL;
}

/* Segment by segment, as open(2) would take it. */
static void check_name(const char *name, size_t size, bool dot_files)
{
    require(strlen(name) == size && size < BI_FILES_NAME_SIZE && name[0] != '/');
    while (*name != '\0') {
        size_t segment = strcspn(name, "/");
        require(is_good(name, segment, dot_files));
        name += segment + (name[segment] == '/');
    }
}

static void read_path(const uint8_t *data, size_t size)
{
    uint8_t *room = malloc(size + BI_PATH_BEHIND);
    struct bi_path path;
    char name[BI_FILES_NAME_SIZE];
    if (bi_path_read(&path, (struct bi_view) { data, size }, room)) {
        for (int dot_files = 0; dot_files < 2; dot_files++) {
            int got = bi_files_name(bi_view_from(path.text, 1), dot_files, name);
            if (got >= 0) {
                check_name(name, (size_t)got, dot_files);
            }
        }
    }
    free(room);
}

static int sign_of(int order)
{
    return (order > 0) - (order < 0);
}

/* The lines of a text: equal only to themselves, the same either way round, and never in a circle. */
static void compare(char *text)
{
    const char *names[3] = { "", "", "" };
    for (size_t i = 0; i < 3 && *text != '\0'; i++) {
        names[i] = text;
        text += strcspn(text, "\n");
        text += *text == '\n' ? (*text = '\0', 1) : 0;
    }
    int order = bi_files_compare_names(names[0], names[1]), next = bi_files_compare_names(names[1], names[2]);
    require(sign_of(order) == -sign_of(bi_files_compare_names(names[1], names[0])));
    require((order == 0) == (strcmp(names[0], names[1]) == 0));
    require(order > 0 || next > 0 || bi_files_compare_names(names[0], names[2]) <= 0);
    require(order < 0 || next < 0 || bi_files_compare_names(names[0], names[2]) >= 0);
}

/* A head lets no NUL through. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || memchr(data, '\0', size) != NULL) {
        return 0;
    }
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    text[0] = '/';
    read_path((const uint8_t *)text, size);
    compare(text + 1);
    free(text);
    return 0;
}
