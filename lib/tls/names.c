/* SPDX-License-Identifier: MIT */
/* names.c - the directory of certificates, and the table of names that is made of it (RFC 6066, 3).
 *
 * The names in the certificates count, since those are what clients verify; the names of files are for people. A table
 * is made once and never changed: reloading makes another. */
#include "tls/names.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bight/log.h>
#include <bight/memory.h>
#include <bight/sys/hash.h>

#include "base/random.h"
#include "tls/certificate.h"
#include "tls/source.h"

enum { MAX_ENTRIES = 10000, PATH_SIZE = 4096 };

struct bi_tls_names {
    struct bight_hash table;    /* from a name, or "*.example" */
    struct bi_tls_named *first; /* all, in no order */
};

/* -------------------------------------------------------------------------------------- coming, going */

struct bi_tls_names *bi_tls_names_new(struct bi_tls_problems *problems)
{
    uint64_t key[2];
    int code = bi_random_openssl(NULL, key, sizeof key);
    struct bi_tls_names *names = code == BIGHT_OK ? bight_calloc(1, sizeof *names) : NULL;
    if (names == NULL) {
        bi_tls_add_problem(problems, bight_failure_of(code == BIGHT_OK ? BIGHT_E_OUT_OF_MEMORY : code));
        return NULL;
    }
    bight_hash_init(&names->table, key, NULL);
    return names;
}

static void free_named(struct bi_tls_named *named)
{
    bi_tls_identity_release(named->identity);
    bight_free(named->path);
    bight_free(named);
}

void bi_tls_names_free(struct bi_tls_names *names)
{
    if (names == NULL) {
        return;
    }
    while (names->first != NULL) {
        struct bi_tls_named *named = names->first;
        names->first = named->next;
        free_named(named);
    }
    bight_hash_finish(&names->table);
    bight_free(names);
}

/* ------------------------------------------------------------------------------------------ adding */

/* In lower case; false: no host has such a name. */
static bool fold(char *folded, const char *name, size_t size)
{
    if (size == 0 || size >= BI_TLS_NAME_SIZE) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)name[i];
        bool is_wildcard = c == '*' && i == 0 && size > 2 && name[1] == '.';
        if (!isalnum(c) && c != '-' && c != '_' && c != '.' && c != ':' && !is_wildcard) {
            return false;
        }
        folded[i] = (char)tolower(c);
    }
    folded[size] = '\0';
    return true;
}

struct adding {
    struct bi_tls_names *names;
    struct bi_tls_named *named;
    bool lacks_memory;
};

static bool ends_later(const struct bi_tls_named *one, const struct bi_tls_named *other)
{
    return bi_tls_seconds_of(X509_get0_notAfter(one->identity->own)) >
           bi_tls_seconds_of(X509_get0_notAfter(other->identity->own));
}

/* Of two for one name. */
static bool is_better(const struct bi_tls_named *one, const struct bi_tls_named *other, const char *name)
{
    if (one->is_for_everybody || other == one) {
        return false;
    }
    bool is = ends_later(one, other);
    bight_log(BIGHT_LOG_WARNING, "tls", NULL, "%s and %s are both certificates for %s: %s is served, which ends last",
        one->path, other->path, name, is ? one->path : other->path);
    return is;
}

static bool add_name(void *context, const char *name, size_t size)
{
    char folded[BI_TLS_NAME_SIZE];
    struct adding *adding = context;
    if (!fold(folded, name, size)) {
        return true;
    }
    const struct bi_tls_named *other = bight_hash_get(&adding->names->table, folded, size);
    if (other == NULL || is_better(adding->named, other, folded)) {
        adding->lacks_memory = bight_hash_set(&adding->names->table, folded, size, adding->named) != BIGHT_OK;
    }
    return !adding->lacks_memory;
}

/* Takes `identity`; `path` is copied. */
static void add(
    struct bi_tls_names *names, struct bi_tls_identity *identity, const char *path, struct bi_tls_problems *problems)
{
    struct bi_tls_named *named = bight_calloc(1, sizeof *named);
    if (named == NULL) {
        bi_tls_identity_release(identity);
        bi_tls_add_problem(problems, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        return;
    }
    *named = (struct bi_tls_named) { .identity = identity, .is_for_everybody = path == NULL, .next = names->first };
    names->first = named;
    named->path = path == NULL ? NULL : bight_strdup(path);
    struct adding adding = { names, named, path != NULL && named->path == NULL };
    if (adding.lacks_memory || !bi_tls_each_name(identity->own, add_name, &adding) || adding.lacks_memory) {
        bi_tls_add_problem(problems, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
}

void bi_tls_names_add_default(
    struct bi_tls_names *names, struct bi_tls_identity *identity, struct bi_tls_problems *problems)
{
    add(names, bi_tls_identity_hold(identity), NULL, problems);
}

/* -------------------------------------------------------------------------------------- a directory */

static const struct bi_tls_named *find_old(const struct bi_tls_names *old, const char *path)
{
    const struct bi_tls_named *named = old == NULL ? NULL : old->first;
    while (named != NULL && (named->path == NULL || strcmp(named->path, path) != 0)) {
        named = named->next;
    }
    return named;
}

/* What a directory is loaded with. */
struct loading {
    struct bi_tls_names *names;
    const char *directory;
    const struct bi_tls_names *old;
    SSL_CTX *trial;
    struct bi_tls_problems *problems;
};

static void keep_entry(const struct loading *loading, const char *certificate)
{
    const struct bi_tls_named *before = find_old(loading->old, certificate);
    if (before != NULL) {
        add(loading->names, bi_tls_identity_hold(before->identity), certificate, loading->problems);
    }
}

static void load_entry(const struct loading *loading, const char *certificate, const char *key)
{
    const struct bight_tls_identity from = { .certificate.file = certificate, .key.file = key };
    struct bi_tls_identity *identity = bi_tls_identity_load(&from, loading->trial, loading->problems);
    if (identity != NULL) {
        add(loading->names, identity, certificate, loading->problems);
    } else {
        keep_entry(loading, certificate);
    }
}

static bool ends_with(const char *name, const char *end)
{
    size_t size = strlen(name), end_size = strlen(end);
    return size > end_size && strcmp(name + size - end_size, end) == 0;
}

static struct bight_failure *open_to_all(const char *path)
{
    return bight_failure_new(
        BIGHT_E_UNUSABLE_CERTIFICATE, 0, NULL, "%s: everybody may write to this directory (chmod o-w helps)", path);
}

/* "NAME/fullchain.pem" with "NAME/privkey.pem", when they are there: certbot puts a README beside its directories. */
static void look_into(const struct loading *loading, const char *path)
{
    char certificate[PATH_SIZE + 16], key[PATH_SIZE + 16];
    (void)snprintf(certificate, sizeof certificate, "%s/fullchain.pem", path);
    (void)snprintf(key, sizeof key, "%s/privkey.pem", path);
    if (!bi_disk_is_there(certificate)) {
        return;
    }
    if (!bi_disk_is_open_to_all(path)) {
        load_entry(loading, certificate, key);
    } else {
        bi_tls_add_problem(loading->problems, open_to_all(path));
        keep_entry(loading, certificate);
    }
}

static void look_at(const struct loading *loading, const char *name)
{
    char path[PATH_SIZE];
    int length = snprintf(path, sizeof path, "%s/%s", loading->directory, name);
    if (length < 0 || (size_t)length >= sizeof path) {
        bi_tls_add_problem(loading->problems, bi_tls_cannot_read("certificate", name, ENAMETOOLONG));
    } else if (ends_with(name, ".pem")) {
        load_entry(loading, path, NULL);
    } else {
        look_into(loading, path);
    }
}

static void keep_old(struct bi_tls_names *names, const struct bi_tls_names *old, struct bi_tls_problems *problems)
{
    for (const struct bi_tls_named *named = old == NULL ? NULL : old->first; named != NULL; named = named->next) {
        if (named->path != NULL) {
            add(names, bi_tls_identity_hold(named->identity), named->path, problems);
        }
    }
}

static struct bight_failure *list(const char *path, struct bi_disk_directory *directory)
{
    int result = bi_disk_list(path, MAX_ENTRIES, directory);
    if (result < 0) {
        return bi_tls_cannot_read("directory of certificates", path, -result);
    }
    if (!directory->others_may_write) {
        return NULL;
    }
    bight_free(directory->names);
    return open_to_all(path);
}

void bi_tls_names_load(struct bi_tls_names *names, const char *directory, const struct bi_tls_names *old,
    SSL_CTX *trial, struct bi_tls_problems *problems)
{
    const struct loading loading = { names, directory, old, trial, problems };
    struct bi_disk_directory found;
    struct bight_failure *failure = list(directory, &found);
    if (failure != NULL) {
        bi_tls_add_problem(problems, failure);
        keep_old(names, old, problems);
        return;
    }
    for (size_t i = 0; i < found.count; i++) {
        look_at(&loading, found.names[i]);
    }
    bight_free(found.names);
}

/* ----------------------------------------------------------------------------------------- finding */

/* A wildcard stands for one whole label (RFC 9525, 6.3). */
const struct bi_tls_named *bi_tls_names_find(const struct bi_tls_names *names, const char *name)
{
    char wildcard[BI_TLS_NAME_SIZE + 1] = "*";
    const struct bi_tls_named *found = bight_hash_get(&names->table, name, strlen(name));
    const char *rest = strchr(name, '.');
    if (found != NULL || rest == NULL || rest == name || strlen(rest) >= BI_TLS_NAME_SIZE) {
        return found;
    }
    memcpy(wildcard + 1, rest, strlen(rest) + 1);
    return bight_hash_get(&names->table, wildcard, strlen(wildcard));
}
