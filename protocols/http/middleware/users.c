/* SPDX-License-Identifier: MIT */
/* users.c - a file of users and the hashes of their passwords, as htpasswd's are, but with hashes that cost something.
 *
 * It is read once, when it is added to a site. */
#include "http/middleware/users.h"

#include <bight/log.h>
#include <bight/memory.h>

#include <errno.h>
#include <stdio.h>

#define MOST_BYTES (4u << 20)

bool bi_users_is_name(struct bi_view name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (name.at[i] < ' ' || name.at[i] == 0x7f || name.at[i] == ':') {
            return false;
        }
    }
    return name.size > 0 && name.size <= BI_USERS_NAME;
}

/* NULL, or why not; *is_memory: for lack of it. */
static const char *add_line(struct bi_users *users, struct bi_view line, bool *is_memory)
{
    struct bi_password read;
    struct bi_view name = bi_take(&line, bi_before(line, ":"));
    if (!bi_take_byte(&line, ':') || !bi_users_is_name(name)) {
        return "it does not begin with a user's name and a colon";
    }
    if (bight_hash_get(&users->table, name.at, name.size) != NULL) {
        return "the user is listed before";
    }
    if (!bi_password_parse(&read, line)) {
        return "what stands behind the name is no hash of PBKDF2 or scrypt";
    }
    struct bi_password *password = bight_malloc(sizeof *password);
    *is_memory = password == NULL;
    if (password != NULL) {
        *password = read;
        *is_memory = bight_hash_set(&users->table, name.at, name.size, password) != BIGHT_OK;
    }
    if (*is_memory) {
        bight_free(password);
    }
    return NULL;
}

bool bi_users_read(struct bi_users *users, struct bi_view text, const uint64_t key[2], unsigned *line, const char **why)
{
    bool is_memory = false;
    *line = 0;
    *why = NULL;
    bight_hash_init(&users->table, key, bight_free);
    while (text.size > 0 && *why == NULL && !is_memory) {
        const uint8_t *end = memchr(text.at, '\n', text.size);
        struct bi_view one = bi_take(&text, end != NULL ? (size_t)(end - text.at) : text.size);
        (void)bi_take_byte(&text, '\n');
        one.size -= one.size > 0 && one.at[one.size - 1] == '\r';
        ++*line;
        if (one.size > 0 && *one.at != '#') {
            *why = add_line(users, one, &is_memory);
        }
    }
    if (*why != NULL || is_memory) {
        bi_users_finish(users);
        return false;
    }
    return true;
}

void bi_users_finish(struct bi_users *users)
{
    bight_hash_finish(&users->table);
}

/* ------------------------------------------------------------------------------------------- the file */

static int report(const char *path, int code, const char *what)
{
    bight_log(BIGHT_LOG_ERROR, "http", NULL, "users of %s: %s", path, what);
    return code;
}

static int read_text(struct bi_users *users, const char *path, struct bi_view text, const uint64_t key[2])
{
    unsigned line;
    const char *why;
    if (bi_users_read(users, text, key, &line, &why)) {
        return BIGHT_OK;
    }
    if (why == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    bight_log(BIGHT_LOG_ERROR, "http", NULL, "users of %s: line %u: %s", path, line, why);
    return BIGHT_E_SYNTAX;
}

int bi_users_load(struct bi_users *users, const char *path, const uint64_t key[2])
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        int number = errno;
        return report(path, bight_error_from_errno(number), strerror(number));
    }
    int code = BIGHT_E_OUT_OF_MEMORY;
    uint8_t *bytes = bight_malloc(MOST_BYTES + 1);
    if (bytes != NULL) {
        size_t size = fread(bytes, 1, MOST_BYTES + 1, file);
        code = ferror(file)        ? report(path, BIGHT_E_SYSTEM, "it cannot be read")
               : size > MOST_BYTES ? report(path, BIGHT_E_TOO_LONG, "it has more than 4 MiB")
                                   : read_text(users, path, (struct bi_view) { bytes, size }, key);
        bight_free(bytes);
    }
    (void)fclose(file);
    return code;
}
