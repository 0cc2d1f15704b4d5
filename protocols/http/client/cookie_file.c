/* SPDX-License-Identifier: MIT */
/* cookie_file.c - a jar is saved to a file, and loaded from one, by threads of the pool (C6).
 *
 * A thread has a text, or a store, of its own: the jar is the loop's. The lines are cookies_txt.c's. */
#include <bight/address.h>
#include <bight/memory.h>
#include <bight/sys/digest.h>
#include <bight/thread.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/client/cookie_jar.h"
#include "http/client/suffixes.h"
#include "http/message/cookies_txt.h"
#include "http/server/draft.h"

#define MOST_BYTES ((size_t)16 << 20) /* of a file */

/* ------------------------------------------------------------------------------------------- saving */

struct saving {
    struct bi_draft draft;
    struct bi_http_buffer text;
    size_t count;
    char path[];
};

static void free_saving(void *context)
{
    struct saving *saving = context;
    bi_http_buffer_free(&saving->text);
    bight_free(saving);
}

/* In the thread. */
static void write_file(struct bight_result *result, void *context)
{
    struct saving *saving = context;
    const struct bi_http_buffer *text = &saving->text;
    int number = bi_draft_write(&saving->draft, bi_http_buffer_data(text), bi_http_buffer_size(text));
    number = number == 0 ? bi_draft_keep(&saving->draft) : number;
    if (number != 0) {
        bi_draft_discard(&saving->draft);
        bight_result_fail(result, bight_failure_from_errno(number, saving->path));
    } else {
        bight_result_set(result, &bight_type_integer, bight_integer((intptr_t)saving->count));
    }
}

static int write_cookie(struct saving *saving, const struct bi_stored_cookie *cookie)
{
    uint8_t *room = bi_http_buffer_room(&saving->text, bi_cookies_txt_room(cookie));
    if (room == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    saving->text.end += (size_t)(bi_cookies_txt_write(cookie, room) - room);
    saving->count++;
    return BIGHT_OK;
}

/* Programs that read such files look at the first line. */
static int write_text(struct saving *saving, const struct bight_http_cookie_jar *jar, bool with_session)
{
    static const char first[] = "# Netscape HTTP Cookie File\n# Saved by bight. It holds secrets.\n\n";
    int code = bi_http_buffer_append(&saving->text, first, sizeof first - 1);
    int64_t now = bi_cookie_jar_now(jar);
    for (struct bi_link *link = jar->store.all.next; link != &jar->store.all && code == BIGHT_OK; link = link->next) {
        const struct bi_stored_cookie *cookie = &BI_LINKED(struct bi_kept_cookie, all, link)->stored;
        if ((cookie->is_persistent || with_session) && !bi_cookie_has_expired(cookie, now) &&
            bi_cookies_txt_can_tell(cookie)) {
            code = write_cookie(saving, cookie);
        }
    }
    return code;
}

/* The draft's name is one that others do not guess. */
static struct saving *new_saving(const struct bight_http_cookie_jar *jar, const char *path, bool with_session)
{
    size_t size = strlen(path) + 1;
    struct saving *saving = bight_calloc(1, sizeof *saving + size);
    if (saving == NULL) {
        return NULL;
    }
    memcpy(saving->path, path, size);
    saving->draft = (struct bi_draft) {
        .path = saving->path,
        .name = bi_draft_name_in(saving->path),
        .replaces = true,
        .directory = -1,
        .file = -1,
    };
    if (bight_random(jar->reactor, &saving->draft.number, sizeof saving->draft.number) != BIGHT_OK ||
        write_text(saving, jar, with_session) != BIGHT_OK) {
        free_saving(saving);
        return NULL;
    }
    return saving;
}

static struct bight_deferred *refuse(const char *why)
{
    return bight_fail(bight_failure_of(bi_http_usage(BIGHT_E_INVALID_ARGUMENT, why)));
}

struct bight_deferred *bight_http_cookie_jar_save(
    struct bight_http_cookie_jar *jar, const char *path, bool with_session)
{
    if (path == NULL || bi_draft_name_in(path) == NULL) {
        return refuse("a jar of cookies: its path names no file to save it to");
    }
    struct saving *saving = jar != NULL ? new_saving(jar, path, with_session) : NULL;
    if (saving == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    return bight_defer_to_thread_full(jar->reactor, write_file, saving, free_saving);
}

/* ------------------------------------------------------------------------------------------- loading */

/* What the thread is told. */
struct loading {
    int64_t now;
    uint64_t key[2];
    size_t most, most_of_domain;
    char path[];
};

/* And what comes of it. */
struct loaded {
    struct bi_cookie_store store;
    size_t skipped;
};

static void free_loaded(void *value)
{
    struct loaded *loaded = value;
    bi_cookie_store_finish(&loaded->store);
    bight_free(loaded);
}

static const struct bight_type loaded_type = { .name = "cookies of a file", .destroy = free_loaded };

static struct bight_failure *read_bytes(int file, const char *path, struct bi_http_buffer *text)
{
    struct stat status;
    if (fstat(file, &status) != 0) {
        return bight_failure_from_errno(errno, path);
    }
    if (!S_ISREG(status.st_mode)) {
        return bight_failure_new(BIGHT_E_INVALID_ARGUMENT, 0, NULL, "no file to load cookies from: %s", path);
    }
    if ((uint64_t)status.st_size > MOST_BYTES) {
        return bight_failure_new(BIGHT_E_TOO_LONG, 0, NULL, "a file of cookies has more than 16 MiB: %s", path);
    }
    size_t left = (size_t)status.st_size;
    uint8_t *room = bi_http_buffer_room(text, left + 1);
    ssize_t size = 1;
    for (; room != NULL && left > 0 && size != 0; left -= size > 0 ? (size_t)size : 0) {
        size = read(file, room + text->end, left);
        if (size < 0 && errno != EINTR) {
            return bight_failure_from_errno(errno, path);
        }
        text->end += size > 0 ? (size_t)size : 0;
    }
    return room != NULL ? NULL : bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
}

/* Nothing that it could have to wait for, such as a pipe without a writer. */
static struct bight_failure *read_file(const char *path, struct bi_http_buffer *text)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0) {
        return bight_failure_from_errno(errno, path);
    }
    struct bight_failure *failure = read_bytes(file, path, text);
    (void)close(file);
    return failure;
}

static bool is_ip(const char *domain)
{
    struct bight_address address;
    return bight_address_parse_ip(&address, domain, 0) == BIGHT_OK;
}

/* For whom it may be here: false, for nobody. */
static bool settle(struct bi_stored_cookie *cookie, int64_t now, char room[BI_COOKIE_MAX_DOMAIN + 1])
{
    int64_t limit = now + BI_COOKIE_MAX_SECONDS;
    cookie->expires = cookie->expires < limit ? cookie->expires : limit;
    cookie->domain = bi_cookie_lower_domain(cookie->domain, room);
    if (cookie->is_host_only) {
        return true;
    }
    if (!bi_suffixes_are_known() || is_ip(room)) {
        cookie->is_host_only = true;
        return true;
    }
    return bi_cookie_domain_is_sound(cookie->domain) && !bi_suffix_is_public(room);
}

static int take_line(struct loaded *loaded, struct bi_view line, int64_t now)
{
    struct bi_stored_cookie cookie;
    char room[BI_COOKIE_MAX_DOMAIN + 1];
    enum bi_cookies_txt what = bi_cookies_txt_read(line, &cookie);
    if (what == BI_COOKIES_TXT_COOKIE && settle(&cookie, now, room)) {
        return bi_cookie_store_put(&loaded->store, &cookie, now);
    }
    loaded->skipped += what != BI_COOKIES_TXT_NOTHING;
    return BIGHT_OK;
}

static int take_lines(struct loaded *loaded, struct bi_view text, int64_t now)
{
    int code = BIGHT_OK;
    while (text.size > 0 && code == BIGHT_OK) {
        const uint8_t *end = memchr(text.at, '\n', text.size);
        struct bi_view line = bi_take(&text, end != NULL ? (size_t)(end - text.at) : text.size);
        (void)bi_take_byte(&text, '\n');
        code = take_line(loaded, line, now);
    }
    return code;
}

/* In the thread. */
static void load(struct bight_result *result, void *context)
{
    const struct loading *loading = context;
    struct bi_http_buffer text = { .bytes = NULL };
    struct bight_failure *failure = read_file(loading->path, &text);
    struct loaded *loaded = failure == NULL ? bight_calloc(1, sizeof *loaded) : NULL;
    if (loaded != NULL) {
        bi_cookie_store_init(&loaded->store, loading->key, loading->most, loading->most_of_domain);
        struct bi_view bytes = { bi_http_buffer_data(&text), bi_http_buffer_size(&text) };
        bight_result_set(result, &loaded_type, loaded);
        if (take_lines(loaded, bytes, loading->now) != BIGHT_OK) {
            failure = bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
        }
    } else if (failure == NULL) {
        failure = bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
    }
    bi_http_buffer_free(&text);
    if (failure != NULL) {
        bight_result_fail(result, failure);
    }
}

/* In the loop: what has come meanwhile is newer than the file. */
static void merge(struct bight_result *result, void *context)
{
    struct bight_http_cookie_jar *jar = context;
    struct loaded *loaded = bight_result_peek(result, &loaded_type);
    int64_t now = bi_cookie_jar_now(jar);
    int code = BIGHT_OK;
    for (struct bi_link *link = loaded->store.all.next; link != &loaded->store.all; link = link->next) {
        const struct bi_stored_cookie *cookie = &BI_LINKED(struct bi_kept_cookie, all, link)->stored;
        if (code == BIGHT_OK && bi_cookie_store_find(&jar->store, cookie) == NULL) {
            code = bi_cookie_store_put(&jar->store, cookie, now);
        }
    }
    if (code != BIGHT_OK) {
        bight_result_fail(result, bight_failure_of(code));
    } else {
        bight_result_set(result, &bight_type_integer, bight_integer((intptr_t)loaded->skipped));
    }
}

static struct loading *new_loading(const struct bight_http_cookie_jar *jar, const char *path)
{
    size_t size = strlen(path) + 1;
    struct loading *loading = bight_calloc(1, sizeof *loading + size);
    if (loading != NULL) {
        loading->now = bi_cookie_jar_now(jar);
        memcpy(loading->key, jar->key, sizeof jar->key);
        loading->most = jar->store.most;
        loading->most_of_domain = jar->store.most_of_domain;
        memcpy(loading->path, path, size);
    }
    return loading;
}

static void release_jar(void *jar)
{
    bight_http_cookie_jar_release(jar);
}

struct bight_deferred *bight_http_cookie_jar_load(struct bight_http_cookie_jar *jar, const char *path)
{
    if (path == NULL) {
        return refuse("a jar of cookies: there is no path to load it from");
    }
    struct loading *loading = jar != NULL ? new_loading(jar, path) : NULL;
    if (loading == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    struct bight_deferred *deferred = bight_defer_to_thread_full(jar->reactor, load, loading, bight_free);
    (void)bight_http_cookie_jar_hold(jar);
    if (bight_deferred_add_callbacks_full(deferred, merge, NULL, jar, release_jar) != BIGHT_OK) {
        bight_http_cookie_jar_release(jar);
        bight_deferred_cancel(deferred);
        bight_deferred_release(deferred);
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    return deferred;
}
