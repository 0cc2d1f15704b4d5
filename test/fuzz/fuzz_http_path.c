/* SPDX-License-Identifier: MIT */
/* fuzz_http_path.c - paths against the model, and the way back: what a Location says is read as the same path again. */
#include "http/message/path.h"

#include <stdlib.h>

#include "fuzz.h"
#include "path_model.h"

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* `text` is canonical. */
static void go_there_and_back(struct bi_view text)
{
    struct bi_location location = { .path = text, .has_query = true, .query = text };
    size_t most = 3 * (text.size + text.size) + 2;
    uint8_t *out = malloc(most);
    uint8_t *room = malloc(most);
    size_t size = bi_location_write(&location, out, most);
    struct bi_path path;
    require(size <= most && out[0] == '/' && (size < 2 || out[1] != '/'));
    for (size_t i = 0; i < size; i++) {
        require(out[i] > ' ' && out[i] < 0x7f && out[i] != '\\' && out[i] != '#');
    }
    const uint8_t *query = memchr(out, '?', size);
    require(query != NULL && bi_path_read(&path, (struct bi_view) { out, (size_t)(query - out) }, room));
    require(bi_view_equal(path.text, text));
    free(room);
    free(out);
}

static void compare(const char *raw, size_t size)
{
    uint8_t *room = malloc(size);
    uint8_t *decoded = malloc(size);
    char *expected = malloc(3 * size);
    struct bi_path path;
    long count = path_model_read(raw, size, expected);
    bool taken = bi_path_read(&path, (struct bi_view) { (const uint8_t *)raw, size }, room);
    require(taken == (count >= 0));
    if (taken) {
        require(path.text.size == (size_t)count && memcmp(path.text.at, expected, path.text.size) == 0);
        require(bi_path_decode(path.text, decoded) <= size);
        require(bi_path_is_plain(path.text) ==
                (memchr(expected, '\\', (size_t)count) == NULL && memmem(expected, (size_t)count, "%2F", 3) == NULL));
        go_there_and_back(path.text);
    } else {
        require(path.bad_at < size && path.why != NULL);
    }
    free(expected);
    free(decoded);
    free(room);
}

/* A head lets no NUL through. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || memchr(data, '\0', size) != NULL) {
        return 0;
    }
    char *raw = malloc(size);
    memcpy(raw, data, size);
    raw[0] = '/';
    compare(raw, size);
    free(raw);
    return 0;
}
