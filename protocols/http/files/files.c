/* SPDX-License-Identifier: MIT */
/* files.c - a directory as a part of a site: its options and its route; from a request to what is kept of its file, or
 * to a look-up (F1, F3). */
#include "http/files/files.h"

#include <bight/log.h>
#include <bight/memory.h>
#include <bight/sys/system.h>

#include <stdio.h>
#include <string.h>

#include "http/message/accept.h"
#include "http/site/site.h"

#define DEFAULT_MEMORY ((size_t)16 << 20)
#define DEFAULT_MEMORY_FILE ((size_t)64 << 10)
#define MOST_MEMORY_FILE ((size_t)1 << 20)
#define DEFAULT_LISTING 100000

/* ------------------------------------------------------------------------------------------ its life */

void bi_files_release(void *context)
{
    struct bi_files *files = context;
    if (atomic_fetch_sub_explicit(&files->holds, 1, memory_order_acq_rel) > 1) {
        return;
    }
    bight_hash_finish(&files->looking);
    bi_below_finish(&files->below);
    bight_free(files->index);
    bight_free(files->fallback);
    bight_free(files);
}

/* The route goes; look-ups that are under way come to nothing. */
static void leave(void *context)
{
    struct bi_files *files = context;
    files->is_gone = true;
    (void)bight_timer_cancel(files->sweeping);
    bi_files_cache_finish(&files->cache);
    bi_files_release(files);
}

/* ------------------------------------------------------------------------------------------- a request */

struct bi_lines bi_files_lines(
    const struct bight_http_request *request, enum bi_name name, struct bi_view room[BI_FILES_LINES])
{
    size_t count = 0;
    for (uint16_t place = bi_head_first(&request->head, name); place != 0 && count < BI_FILES_LINES;
         place = bi_head_next(&request->head, request->bytes, name, NULL, 0, place)) {
        struct bi_span value = request->fields[place - 1].value;
        room[count++] = (struct bi_view) { request->bytes + value.at, value.size };
    }
    return (struct bi_lines) { room, count };
}

/* Those of the siblings that the client takes. */
static unsigned find_accepted(const struct bi_files *files, const struct bight_http_request *request)
{
    struct bi_view room[BI_FILES_LINES];
    struct bi_lines lines = bi_files_lines(request, BI_NAME_ACCEPT_ENCODING, room);
    unsigned accepted = 0;
    for (unsigned i = 0; lines.count > 0 && i < BI_FILES_CODINGS; i++) {
        bool is_taken = (files->precompressed >> i & 1) != 0 &&
                        bi_accept_weight(BI_ACCEPT_CODING, lines, bi_files_codings[i].name) > 0;
        accepted |= (unsigned)is_taken << i;
    }
    return accepted;
}

/* False: nothing may be served for it. */
static bool read_key(const struct bi_files *files, const struct bight_http_request *request, struct bi_files_key *key)
{
    struct bi_span rest = request->parameters[request->parameter_count - 1];
    int size =
        bi_files_name((struct bi_view) { request->path.at + rest.at, rest.size }, files->dot_files, key->text + 1);
    key->text[0] = (char)(files->precompressed != 0 ? find_accepted(files, request) : 0);
    key->size = 1 + (size_t)size;
    return size >= 0;
}

/* What was checked in this second, or is still as it was as far as the kernel knows without asking a disk. */
static bool is_current(struct bi_files *files, struct bi_files_entry *entry, const struct bi_http_server *server)
{
    if (entry->checked == server->date.second) {
        return true;
    }
    if (!bi_files_entry_holds(files, entry)) {
        return false;
    }
    entry->checked = server->date.second;
    return true;
}

/* NULL: it has to be looked up. */
static struct bi_files_entry *find_entry(
    struct bi_files *files, const struct bight_http_request *request, const struct bi_files_key *key)
{
    struct bi_files_entry *entry = bi_files_cache_get(&files->cache, key);
    if (entry == NULL) {
        return NULL;
    }
    (void)bi_http_server_date(request->server); /* so that its second is this one */
    return is_current(files, entry, request->server) ? entry : NULL;
}

static void serve(struct bight_http_request *request, void *context)
{
    struct bi_files *files = context;
    struct bi_files_key key;
    if (!read_key(files, request, &key)) {
        (void)bight_http_respond_error(request, 404, NULL);
        return;
    }
    struct bi_files_entry *entry = find_entry(files, request, &key);
    if (entry != NULL) {
        bi_files_send(files, request, entry);
    } else {
        (void)bi_answer_later(request, bi_files_look_up(files, request, &key, false));
    }
}

/* -------------------------------------------------------------------------------------- what was found */

/* By name: a program that accepts anything does not want a page for a picture. */
static bool asks_for_a_page(const struct bight_http_request *request)
{
    struct bi_view room[BI_FILES_LINES];
    struct bi_lines lines = bi_files_lines(request, BI_NAME_ACCEPT, room);
    for (size_t i = 0; i < lines.count; i++) {
        struct bi_view list = lines.lines[i];
        struct bi_accept_member member;
        while (bi_accept_next(&list, &member)) {
            if (member.weight > 0 && bi_view_equal_nocase(member.range, bi_view_of("text/html"))) {
                return true;
            }
        }
    }
    return false;
}

static struct bight_deferred *answer_absent(
    struct bi_files *files, struct bight_http_request *request, const struct bi_files_key *key)
{
    struct bi_files_key other;
    if (files->fallback == NULL || !asks_for_a_page(request)) {
        (void)bight_http_respond_error(request, 404, NULL);
        return NULL;
    }
    other.text[0] = key->text[0];
    other.size = 1 + strlen(files->fallback);
    memcpy(other.text + 1, files->fallback, other.size);
    struct bi_files_entry *entry = find_entry(files, request, &other);
    if (entry == NULL) {
        return bi_files_look_up(files, request, &other, true);
    }
    bi_files_send_fallback(request, entry);
    return NULL;
}

struct bight_deferred *bi_files_answer(struct bi_files *files, struct bight_http_request *request,
    const struct bi_files_key *key, const struct bi_files_found *found, bool is_fallback)
{
    if (is_fallback && found->kind == BI_FILES_FILE) {
        bi_files_send_fallback(request, found->entry);
    } else if (is_fallback) {
        (void)bight_http_respond_error(request, 404, NULL);
    } else if (found->kind == BI_FILES_FILE) {
        bi_files_send(files, request, found->entry);
    } else if (found->kind == BI_FILES_DIRECTORY) {
        bi_site_redirect_slash(request, true);
    } else {
        return found->kind == BI_FILES_LISTED ? bi_files_list(files, request, key) : answer_absent(files, request, key);
    }
    return NULL;
}

/* --------------------------------------------------------------------------------------------- options */

/* The member, of an older caller's struct too; 0 where there is none. */
#define GIVEN(options, member)                                                                                 \
    ((options) != NULL &&                                                                                      \
                (options)->size >= offsetof(struct bight_http_files_options, member) + sizeof(options)->member \
            ? (options)->member                                                                                \
            : 0)

static int refuse(int code, const char *why)
{
    bight_log(BIGHT_LOG_ERROR, "usage", NULL, "bight_http_files: %s", why);
    return code;
}

/* A name that could be asked for, too; one segment of it, or several. */
static bool is_name(const char *text, bool dot_files, bool has_slashes)
{
    char name[BI_FILES_NAME_SIZE];
    struct bi_view view = bi_view_of(text);
    return has_slashes ? view.size > 0 && view.size < sizeof name && view.at[view.size - 1] != '/' &&
                             strchr(text, '%') == NULL && bi_files_name(view, dot_files, name) > 0
                       : bi_files_segment_is_good(view, dot_files) && view.size < 256;
}

static int take_texts(struct bi_files *files, const struct bight_http_files_options *options)
{
    const char *index = GIVEN(options, index), *fallback = GIVEN(options, fallback);
    index = index == NULL ? "index.html" : index;
    if ((*index != '\0' && !is_name(index, files->dot_files, false)) ||
        (fallback != NULL && !is_name(fallback, files->dot_files, true))) {
        return refuse(BIGHT_E_INVALID_ARGUMENT, "an index or a fallback that is no name of a file to be served");
    }
    files->index = *index != '\0' ? bight_strdup(index) : NULL;
    files->fallback = fallback != NULL ? bight_strdup(fallback) : NULL;
    bool is_short = (*index != '\0' && files->index == NULL) || (fallback != NULL && files->fallback == NULL);
    return is_short ? BIGHT_E_OUT_OF_MEMORY : BIGHT_OK;
}

static int take_options(struct bi_files *files, const struct bight_http_files_options *options)
{
    size_t memory = GIVEN(options, memory_limit), of_file = GIVEN(options, memory_file_limit);
    files->listing = GIVEN(options, listing);
    files->dot_files = GIVEN(options, dot_files);
    files->cache_seconds = GIVEN(options, cache_seconds);
    files->precompressed = GIVEN(options, precompressed) & ((1u << BI_FILES_CODINGS) - 1);
    files->types = GIVEN(options, types);
    files->listing_limit = GIVEN(options, listing_limit) != 0 ? GIVEN(options, listing_limit) : DEFAULT_LISTING;
    files->cache.limit = memory != 0 ? memory : DEFAULT_MEMORY;
    files->memory_file_limit = of_file != 0 ? of_file : DEFAULT_MEMORY_FILE;
    if (files->memory_file_limit > MOST_MEMORY_FILE) {
        return refuse(BIGHT_E_INVALID_ARGUMENT, "a file in memory of more than 1 MiB");
    }
    return take_texts(files, options);
}

/* The first random bytes of a process take milliseconds, in which OpenSSL sets itself up: before the loop runs they
 * hold up nobody. No reactor is known by then; nothing but the places in the tables follows from the key. */
static int make_tables(struct bi_files *files)
{
    uint64_t key[2];
    if (bight_system_real()->ops->random(bight_system_real(), key, sizeof key) != 0) {
        return BIGHT_E_SYSTEM;
    }
    bight_hash_init(&files->cache.table, key, NULL);
    bight_hash_init(&files->looking, key, NULL);
    return BIGHT_OK;
}

static int open_directory(struct bi_files *files, const char *directory, bool follows)
{
    int result = bi_below_init(&files->below, directory, follows);
    if (result == 0) {
        return BIGHT_OK;
    }
    struct bight_failure *failure = bight_failure_from_errno(-result, directory);
    int code = bight_failure_code(failure);
    bight_log(BIGHT_LOG_ERROR, "http", failure, "a directory cannot be served");
    bight_failure_release(failure);
    return code;
}

/* ------------------------------------------------------------------------------------------- its route */

static int add_route(struct bight_http_site *site, const char *path, struct bi_files *files)
{
    char pattern[BI_PATTERN_SIZE];
    const struct bight_http_route_options options = { .size = sizeof options, .cancel_when_gone = true };
    size_t size = strlen(path);
    if (size == 0 || path[size - 1] != '/') {
        leave(files);
        return refuse(BIGHT_E_SYNTAX, "a path without a slash at its end");
    }
    if (snprintf(pattern, sizeof pattern, "GET %s{path...}", path) >= (int)sizeof pattern) {
        leave(files);
        return refuse(BIGHT_E_SYNTAX, "a path that is too long");
    }
    return bight_http_route_full(site, pattern, serve, files, leave, &options);
}

static int add(struct bight_http_site *site, const char *path, const char *directory,
    const struct bight_http_files_options *options)
{
    struct bi_files *files = bight_calloc(1, sizeof *files);
    if (files == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    atomic_init(&files->holds, 1);
    files->below.directory = -1;
    int code = take_options(files, options);
    if (code == BIGHT_OK) {
        code = open_directory(files, directory, GIVEN(options, follow_links));
    }
    if (code == BIGHT_OK) {
        code = make_tables(files);
    }
    if (code != BIGHT_OK) {
        leave(files);
        return code;
    }
    return add_route(site, path, files);
}

int bight_http_files(struct bight_http_site *site, const char *path, const char *directory,
    const struct bight_http_files_options *options)
{
    if (site == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    int code = add(site, path, directory, options);
    site->is_broken |= code != BIGHT_OK;
    return code;
}
