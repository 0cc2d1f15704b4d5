/* SPDX-License-Identifier: MIT */
/* bight/sys/output.h - output that is composed where it is sent from: for protocols whose messages are put together
 * from parts, instead of a buffer of their own that bight_transport_write copies.
 *
 *     uint8_t *room = bight_transport_reserve(transport, MOST);
 *     if (room == NULL) {
 *         return;
 *     }
 *     size_t size = compose(room, MOST);
 *     (void)bight_transport_commit(transport, size);
 *
 * What is committed has been written, in order with all other writes and as a small write is, whatever its size: it is
 * gathered during a handler and sent behind it (T6), or at once when 64 KiB have gathered. It counts towards the marks
 * and the output limit (T13); what was reserved beyond it counts as nothing and stays room for what is written next. */
#ifndef BIGHT_SYS_OUTPUT_H
#define BIGHT_SYS_OUTPUT_H

#include <stdarg.h>

#include <bight/transport.h>

BIGHT_BEGIN

/* The most that can be reserved at once. Up to 16 KiB cost nothing but the writing; more is allocated for the purpose.
 */
#define BIGHT_MAX_RESERVE ((size_t)1 << 20)

/* Room for `size` bytes, uninitialised, until the commit. Each reservation that is given is to be committed before the
 * handler returns; until then nothing else may be called on the transport (calls on others may), which is a usage
 * error: writes answer USAGE and take nothing, in debug builds so do most other calls.
 *
 * NULL: nothing can be written, and the commit that follows, if there is one, says why. CLOSED; OUT_OF_MEMORY, and then
 * the connection is aborted, as by a write; INVALID_ARGUMENT, a usage error: more than BIGHT_MAX_RESERVE; USAGE, a
 * usage error: the last reservation has not been committed. So a program may look at the commit's code alone. */
BIGHT_API BIGHT_MUST_USE uint8_t *bight_transport_reserve(struct bight_transport *transport, size_t size);

/* The first `size` bytes of the room are written; 0: nothing is. As bight_transport_write, 0; CLOSED, OUT_OF_MEMORY or
 * OVERFLOW, and then nothing was taken and, but for CLOSED, the connection is aborted. In any case the room is
 * bight's again. INVALID_ARGUMENT, a usage error: it is more than was reserved, and nothing was taken. USAGE, a usage
 * error: nothing is reserved. */
BIGHT_API int bight_transport_commit(struct bight_transport *transport, size_t size);

/* A reservation with a text in it, as vprintf would print it: *text and its *size, and room for `more` bytes behind it
 * (the text's NUL is not kept there). In the usual case it is formatted once; one of more than 255 bytes is formatted
 * again when its size is known. To be committed as any reservation, with what has been put behind the text.
 *
 * Any code but 0: nothing is reserved. The codes of bight_transport_reserve, but USAGE leaves an open reservation as it
 * is; TOO_LONG: text and room are more than BIGHT_MAX_RESERVE; INVALID_ARGUMENT: the format cannot be carried out (a
 * wide character that the locale does not have). */
BIGHT_API BIGHT_MUST_USE int bight_transport_reserve_format(struct bight_transport *transport, size_t more, char **text,
    size_t *size, const char *format, va_list arguments) BIGHT_PRINTF(5, 0);

/* ---------------------------------------------------------------------------------- the same to many */

/* The short way for a small message that many connections are sent: it is copied once for those of a reactor, and what
 * they are sent one after the other on a turn is one part of one send, as if it were one message. Otherwise as
 * bight_transport_write_bytes: the same order, marks and limit.
 *
 * False: it does not do, and nothing was taken; bight_transport_write_bytes does, or says why not. That is so when the
 * connection has layers, is closing, or waits with something other than such messages; when more than `most` bytes are
 * queued already; for no bytes, for 4096 and more, and for those that were lent; and when out of memory. */
BIGHT_API BIGHT_MUST_USE bool bight_transport_write_common(
    struct bight_transport *transport, struct bight_bytes *bytes, size_t most);

/* ------------------------------------------------------------------------------- files that are sent often */

/* What has been seen of a file in memory, for code that keeps a descriptor and sends from it again and again. Its owner
 * zeroes it, one for each descriptor; what is in it is bight's. In the reactor's thread. */
struct bight_file_pages {
    uint64_t from, to, since;
    const void *reserved;
};

/* As bight_transport_send_file, but of what has been seen in memory within a second a byte in 1 MiB is asked for, not
 * in 16 KiB: what has just been used is what a system drops last. `pages` (NULL: as if for the first time) is used
 * until the release function is called. */
BIGHT_API int bight_transport_send_file_again(struct bight_transport *transport, int descriptor, uint64_t offset,
    uint64_t size, struct bight_file_pages *pages, bight_release_function release, void *context);

BIGHT_END

#endif
