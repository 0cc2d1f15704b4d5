/* SPDX-License-Identifier: MIT */
/* path.h - the path of a request: what is refused, and the one form in which everything above sees it.
 *
 * RFC 3986, section 3.3; A1. A path is split at literal `/` first, then each segment is decoded, once. Text that has
 * been decoded has lost where segments end, and text that has not is spelled in many ways; so what is handed on is the
 * *canonical form*: all is decoded, but a `/` inside a segment stays `%2F` and a `%` stays `%25`. In it `/` always
 * separates, two paths are the same exactly if their bytes are, and it is never longer than what came. Nearly every
 * path that comes is its own canonical form already, and is not copied.
 *
 * A canonical path begins with `/`, has no empty segment but perhaps the last, no segment `.` or `..` and no NUL. */
#ifndef BI_HTTP_PATH_H
#define BI_HTTP_PATH_H

#include "http/message/tokens.h"
#include "http/message/words.h"

/* How many bytes a look-up of a path may read behind it, whatever they are. Behind one in a head is its version. */
#define BI_PATH_BEHIND BI_WORD

struct bi_path {
    struct bi_view text; /* canonical: the bytes that came, or those written into the room */

    /* Of a path that is refused, with 400. */
    uint32_t bad_at; /* in what came */
    const char *why; /* lives for ever */
};

/* Reads what came, without its query; the head has seen to it that it holds no NUL. An empty one is `/` (RFC 9110,
 * section 4.2.3). `room` has raw.size bytes, and may not be where it came. False: refused. */
bool bi_path_read(struct bi_path *path, struct bi_view raw, uint8_t *room);

/* The same for one segment of it, without slashes: writes its canonical form and returns that form's size, for code
 * that takes paths from others than peers. On failure path->why is set. */
size_t bi_path_read_segment(struct bi_path *path, struct bi_view raw, uint8_t *room);

/* What a segment, or several, of a canonical path mean: without the escapes that are left. `out` has canonical.size
 * bytes, and may be where they are. Returns the size. */
size_t bi_path_decode(struct bi_view canonical, uint8_t *out);

/* Whether slashes in it are all separators, and no `\` could be taken for one: only then may it be decoded in one go,
 * or become a file's name. */
bool bi_path_is_plain(struct bi_view canonical);

/* Where a peer is sent to: a path of this host. */
struct bi_location {
    struct bi_view path; /* canonical */
    enum bi_location_slash {
        BI_SLASH_AS_IS,
        BI_SLASH_ADDED,
        BI_SLASH_REMOVED, /* the path ends with one, and is not `/` */
    } slash;
    bool has_query;
    struct bi_view query; /* as it came, without `?` */
};

/* Writes the value of a Location field: the path escaped, the query as it was with what may not stand there escaped.
 * It begins with exactly one `/`, holds no `\`, and nothing but visible ASCII (A5). Returns its size, and has written
 * it whole if that is not more than `room`; at most 3 * (path.size + query.size) + 2. */
size_t bi_location_write(const struct bi_location *location, uint8_t *out, size_t room);

#endif
