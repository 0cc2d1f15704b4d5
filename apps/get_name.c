/* SPDX-License-Identifier: MIT */
/* get_name.c - names for files from URLs. Whoever made the link made the name: what is left of it is no path, no hidden
 * file and no terminal's control. Whether there is such a file already is get_transfer.c's question. */
#include <string.h>

#include "get.h"
#include "printable.h"

#define LONGEST 200 /* bytes: room for what is put behind it meanwhile */

static int digit_of(char byte)
{
    return byte >= '0' && byte <= '9'   ? byte - '0'
           : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
           : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                        : -1;
}

/* What is no text, or among `others`, is `_`. */
static void clean(char *text, const char *others)
{
    size_t size = strlen(text), at = 0;
    while (at < size) {
        size_t count = runner_printable_size(text + at, size - at);
        if (count == 0 || strchr(others, text[at]) != NULL) {
            text[at] = '_';
            count = 1;
        }
        at += count;
    }
}

void get_make_printable(const char *text, char shown[GET_NAME])
{
    size_t size = strlen(text);
    size = size < GET_NAME ? size : GET_NAME - 1;
    memcpy(shown, text, size);
    shown[size] = '\0';
    clean(shown, "");
}

/* Decoded once. */
static void decode(const char *from, size_t size, char name[GET_NAME])
{
    size_t count = 0;
    for (size_t i = 0; i < size && count < LONGEST; i++) {
        bool is_escape = from[i] == '%' && i + 2 < size && digit_of(from[i + 1]) >= 0 && digit_of(from[i + 2]) >= 0;
        char byte = is_escape ? (char)(digit_of(from[i + 1]) * 16 + digit_of(from[i + 2])) : from[i];
        name[count++] = byte == '\0' ? '_' : byte;
        i += is_escape ? 2 : 0;
    }
    name[count] = '\0';
}

void get_name_of_url(const char *url, char name[GET_NAME])
{
    const char *path = strstr(url, "://");
    path = path != NULL ? path + 3 : url;
    size_t size = strcspn(path, "?#");
    const char *end = path + size, *begin = end;
    while (begin > path && begin[-1] != '/') {
        begin--;
    }
    bool has_path = memchr(path, '/', size) != NULL;
    decode(begin, has_path ? (size_t)(end - begin) : 0, name);
    clean(name, "/\\");
    if (name[0] == '\0') {
        memcpy(name, "index.html", sizeof "index.html");
    }
    if (name[0] == '.' || name[0] == '-') {
        name[0] = '_';
    }
}
