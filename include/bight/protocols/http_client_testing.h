/* SPDX-License-Identifier: MIT */
/* bight/protocols/http_client_testing.h - a server of HTTP/1.1 that misbehaves on demand, to test clients against. Link
 * with `pkg-config bight-http-testing`.
 *
 *     struct bight_http_misbehaving *server = bight_http_misbehaving_new();
 *     bight_serve(reactor, "tcp:8080", bight_http_misbehaving_factory(server));
 *     ... GET /?size=100&cut=150&end=reset
 *
 * It is an ordinary factory: it serves on the network, in a simulated one and over connections in memory, under TLS
 * too, and its times are the reactor's. What it does with a request is said by a script, in the request itself or
 * beforehand; without one it behaves well. Requests are counted, connections too, so that a test sees what a client's
 * pool does. It is for tests: it takes from a client what it is given. */
#ifndef BIGHT_PROTOCOLS_HTTP_CLIENT_TESTING_H
#define BIGHT_PROTOCOLS_HTTP_CLIENT_TESTING_H

#include <bight/protocol.h>

BIGHT_BEGIN

struct bight_http_misbehaving;

/* NULL when out of memory. It is used in one reactor's thread. */
BIGHT_API BIGHT_MUST_USE struct bight_http_misbehaving *bight_http_misbehaving_new(void);

/* At any time, in a handler too: what still listens or is connected goes on, and the memory goes with the last of it.
 * NULL is allowed. */
BIGHT_API void bight_http_misbehaving_free(struct bight_http_misbehaving *server);

/* For bight_serve, bight_listen and bight_pair_connect, any number of times; the server keeps it. NULL for NULL. */
BIGHT_API struct bight_factory *bight_http_misbehaving_factory(struct bight_http_misbehaving *server);

/* ------------------------------------------------------------------------------------------ scripts */

/* A script is the query of a request, or text of the same form: words `name=value`, joined by `&`, in any order, texts
 * with %-escapes. Of a word that is said twice the last counts. Sizes are bytes, times seconds.
 *
 * What the answer is:
 *     status=N           200
 *     size=N seed=N      so many bytes of the body `seed` (bight_http_misbehaving_is): 5 of 0; none with a status
 *                        that has no body, and of a redirect
 *     field=TEXT         one more line of the head, "Connection: close"; each adds one
 *     to=URL             a redirect to there
 *     hops=N             so many redirects to the same script, one after the other, before the answer
 *     loop=yes           a redirect to itself
 *     via=N              the status of redirects: 302
 *     bodied=yes         with a body to HEAD, too
 *     coding=gzip|bomb   gzip; gzip of zeroes without an end, each byte of which stands for 158
 * How it is framed:
 *     framing=length|chunked|close|both|twice
 *                        Content-Length; chunked; neither, and it ends with the connection; chunked with a
 *                        Content-Length; two that differ
 *     length=N           the Content-Length, whatever comes
 *     chunk=N            most bytes of a chunk: 1000
 * What is wrong with it:
 *     interim=N          so many responses 103 before
 *     endless=head|interim|body
 *     garbage=N          so many bytes that are not HTTP, instead
 *     cut=N              its first N bytes, of head and body, and no more
 *     unasked=TEXT       behind it, as if it had been asked for
 * When it comes:
 *     when=request|head|line
 *                        the whole request, its head, or its first line has been read
 *     deaf=N             nothing behind the head is read for so long, if there is a body
 *     wait=N             so long after that
 *     pace=N             a byte each so many seconds
 * What is then:
 *     end=stay|close|reset
 *                        the connection stays, for one more request unless the answer was cut or is endless; closes; is
 *                        reset, when the bytes are out. With framing=close it closes, unless this is said
 *     after=N            so long after the last byte; what is unasked, too
 *     next=answer|close|reset|silence
 *                        what becomes of the next request on this connection when it has come
 *
 * A script that makes no sense is answered with 400, and counted. */

/* Requests for `path` (without a query; NULL: for any that has no script of its own) are dealt with by `script`, and by
 * the query's words on top of it; other words of the query are then not looked at. A later one replaces it; NULL
 * removes it. 0; OUT_OF_MEMORY, also for a server of NULL, and INVALID_ARGUMENT for what is no script: then nothing has
 * changed. */
BIGHT_API int bight_http_misbehaving_rule(struct bight_http_misbehaving *server, const char *path, const char *script);

/* Each new connection is told an answer that nobody has asked for. NULL: none. The codes of
 * bight_http_misbehaving_rule. */
BIGHT_API int bight_http_misbehaving_greet(struct bight_http_misbehaving *server, const char *script);

/* Whether that is what stands at byte `from` on in the body `seed`: letters that look random. */
BIGHT_API bool bight_http_misbehaving_is(uint64_t seed, uint64_t from, const void *data, size_t size);

/* ------------------------------------------------------------------------------------------ figures */

struct bight_http_misbehaving_figures {
    size_t size;          /* sizeof(struct bight_http_misbehaving_figures) */
    uint64_t connections; /* that have been accepted */
    uint64_t requests;    /* whose heads have come */
    uint64_t answers;     /* whose last byte, also of one that was cut, has been written */
    uint64_t refused;     /* scripts that made no sense, and requests that were not HTTP */
    uint64_t leftovers;   /* connections that ended in the middle of a request */
    size_t open;          /* connections, now */
    size_t most_open;     /* at once, so far */
};

/* As much as figures->size says. 0, or INVALID_ARGUMENT for a server of NULL and for what is no size. */
BIGHT_API int bight_http_misbehaving_read_figures(
    const struct bight_http_misbehaving *server, struct bight_http_misbehaving_figures *figures);

/* The head of the last request that came, without the empty line behind it; "" before the first, and when there was no
 * memory to keep it. It stays until the next one. */
BIGHT_API const char *bight_http_misbehaving_request(const struct bight_http_misbehaving *server);

BIGHT_END

#endif
