/* SPDX-License-Identifier: MIT */
/* bight/protocols/http_client.h - a client of HTTP/1.1: calls, and the pool of connections that carries them.
 *
 *     static void print(struct bight_result *result, void *context)
 *     {
 *         struct bight_http_response *response = bight_result_peek(result, &bight_type_http_response);
 *         printf("%d\n", bight_http_response_status(response));
 *     }
 *
 *     struct bight_http_client *client = bight_http_client_new(reactor, NULL);
 *     struct bight_deferred *asked = bight_http_get(client, "https://example.org/");
 *     bight_deferred_add_callback(asked, print, NULL);
 *     bight_deferred_release(asked);
 *
 * A *call* is what goes out, a *response* (bight/protocols/http_respond.h) what comes back. Functions accept the NULL
 * of a failed `_new`, and a call remembers the first thing that was wrong with it, so only the end is looked at: the
 * Deferred that bight_http_call_send returns. Everything happens in the reactor's thread. The statements C1 to C11 of
 * docs/semantics.md are the contract. */
#ifndef BIGHT_PROTOCOLS_HTTP_CLIENT_H
#define BIGHT_PROTOCOLS_HTTP_CLIENT_H

#include <bight/protocols/http_respond.h>
#include <bight/reactor.h>
#include <bight/tls.h>

BIGHT_BEGIN

struct bight_http_client;
struct bight_http_call;
struct bight_http_cookie_jar;   /* bight/protocols/http_client_cookies.h */
struct bight_http_client_hooks; /* bight/protocols/http_client_hooks.h */

/* ------------------------------------------------------------------------------------------ options */

/* A switch of a call: what its client says, or the default. */
enum bight_http_choice { BIGHT_HTTP_BY_DEFAULT, BIGHT_HTTP_YES, BIGHT_HTTP_NO };

/* How a call is carried out. Of a call's own, 0 and NULL are what its client says; of a client's, the default. Times
 * are in seconds, INFINITY is none; each ends the call with a failure of its own (enum bight_http_time). They are never
 * cut short, and end at most a sixteenth and 3 ms late; time in which the loop was held up does not count. */
struct bight_http_call_options {
    size_t size;               /* sizeof(struct bight_http_call_options) */
    double connect_seconds;    /* to look a name up, connect, and establish TLS: 10 */
    double first_byte_seconds; /* from the request's last byte to the response's first: 60 */
    double between_seconds;    /* between bytes, of the response and of a request that is being taken: 60 */
    double total_seconds;      /* all together, waiting for a connection and redirects included: none */
    uint64_t max_body;         /* bytes of the response's body: 16 MiB; of one that is streamed, any */
    unsigned max_redirects;    /* in a row: 10 */
    enum bight_http_choice follow_redirects; /* yes: C4 */
    enum bight_http_choice allow_downgrade;  /* no: a redirect from https to http fails */
    enum bight_http_choice repeat_body;      /* no: 307 and 308 send a body to another origin again */
    enum bight_http_choice repeat;           /* yes: C2, a call that is safe to repeat and met a dead connection */
    enum bight_http_choice fail_on_status;   /* no: a status from 400 on is a failure, HTTP_STATUS */
    enum bight_http_choice decompress;       /* yes: gzip is asked for, and undone, unless the
                                                call has an Accept-Encoding or a Range of its own */
    /* For https: whom to trust, and who we are (bight_tls_client_new). It is held. NULL: what the system trusts, made
     * in a thread when it is first needed. */
    struct bight_tls *tls;
    /* Of bodies (bight/protocols/http_client_bodies.h): from how many bytes on the server is asked first whether it
     * wants one, 1 MiB, UINT64_MAX: never; and for how many seconds that is waited for, 1. */
    uint64_t expect_from;
    double continue_seconds;
    const char *local_address; /* connections come from this address; NULL: from any, and so with an endpoint */
    /* C7: "http://[USER:PASSWORD@]HOST[:PORT]", an HTTP proxy; "": none. Whom it is not asked for is said by
     * `no_proxy`, as NO_PROXY does: "localhost,.example.org,10.0.0.0/8,[::1]:8080", "*". Both are copied. */
    const char *proxy, *no_proxy;
    /* Without `proxy`. Yes: what http_proxy, https_proxy, all_proxy and, without `no_proxy`, no_proxy say now, all but
     * the first in capitals too. HTTP_PROXY is never looked at, which a CGI program has from its client. */
    enum bight_http_choice proxy_environment;
    const void *reserved[4];
};

/* The status (bight_failure_status) of a failure because a time was up. CONNECT comes with the code CONNECT_TIMED_OUT,
 * the others with TIMED_OUT. */
enum bight_http_time {
    BIGHT_HTTP_TIME_CONNECT = 1,
    BIGHT_HTTP_TIME_FIRST_BYTE,
    BIGHT_HTTP_TIME_BETWEEN,
    BIGHT_HTTP_TIME_TOTAL,
    BIGHT_HTTP_TIME_IN_QUEUE /* the total time, and no connection was free for it so far */
};

struct bight_http_client_options {
    size_t size;                                 /* sizeof(struct bight_http_client_options) */
    unsigned max_per_host;                       /* connections to one host (C2): 8 */
    unsigned max_connections;                    /* in all: 256 */
    double idle_seconds;                         /* for which a connection is kept that nobody uses: 15 */
    uint32_t max_head;                           /* bytes of a response's head, at most 65535, which is the default */
    uint16_t max_fields;                         /* in it, at most 1000: 256 */
    uint8_t max_interim;                         /* responses 1xx before the response: 16 */
    const char *user_agent;                      /* the field User-Agent; NULL: "bight/" and its version, "": none */
    const struct bight_http_call_options *calls; /* of calls that say nothing else; NULL: the defaults */
    struct bight_http_cookie_jar *cookies;       /* of this reactor; it is held (C6). NULL: none are kept or sent */
    const struct bight_http_client_hooks *hooks; /* who is told of the steps of requests (C10), and asked where to
                                                    connect to (C11); they are copied. NULL: nobody */
    bool public_only; /* no: addresses of URLs and redirects that are not of the public Internet are refused (C11) */
    const void *reserved[5];
};

/* ------------------------------------------------------------------------------------------ clients */

/* A client for this reactor, with its pool of connections (C2). Options may be NULL, and are copied. NULL: there is no
 * memory, or, as a usage error, an option is out of range. */
BIGHT_API BIGHT_MUST_USE struct bight_http_client *bight_http_client_new(
    struct bight_reactor *reactor, const struct bight_http_client_options *options);

/* Takes no more calls (they fail with CLOSED) and fires, empty, when those that there are have ended, the waiting ones
 * too, and every connection is closed. Cancelling only stops the waiting. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_client_close(struct bight_http_client *client);

/* Ends it, at any time and in any callback: calls that have been sent fail with ABANDONED, inside, and connections are
 * closed. Calls that have not been sent fail with CLOSED when they are. It must be freed before its reactor is. NULL is
 * allowed. */
BIGHT_API void bight_http_client_free(struct bight_http_client *client);

/* ------------------------------------------------------------------------------------------ calls */

/* GET: as bight_http_call_new and bight_http_call_send. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_get(struct bight_http_client *client, const char *url);

/* A call: `method` is a token as it is sent ("PUT"), `url` an absolute http: or https: URL without a user (RFC 3986,
 * C11). Both are copied. NULL when out of memory; what is wrong with the texts fails the sending: SYNTAX. */
BIGHT_API BIGHT_MUST_USE struct bight_http_call *bight_http_call_new(
    struct bight_http_client *client, const char *method, const char *url);

/* A call that is not to be sent. NULL is allowed. */
BIGHT_API void bight_http_call_free(struct bight_http_call *call);

/* The functions that fill a call return 0 or a code, which sending it then fails with, too: OUT_OF_MEMORY, also for a
 * call of NULL; INVALID_ARGUMENT, a usage error, for what no message may hold (H6). All copy what they are given.
 *
 * A field: set replaces those with the name, add adds one more. Host may be set; how the message is framed and the
 * connection goes on is the library's (Connection, Content-Length, Transfer-Encoding, Expect, Upgrade and their kin).
 * Past 64 KiB in all: TOO_LONG. */
BIGHT_API int bight_http_call_set(struct bight_http_call *call, const char *name, const char *value);
BIGHT_API int bight_http_call_add(struct bight_http_call *call, const char *name, const char *value);

/* A field with this name, set or not, is for the first origin only, as Authorization and Cookie are (C4). At most 16
 * names, LIMIT. */
BIGHT_API int bight_http_call_secret(struct bight_http_call *call, const char *name);

/* Authorization (RFC 7617, RFC 6750): a user without a colon and a password, in UTF-8; a token. */
BIGHT_API int bight_http_call_basic_auth(struct bight_http_call *call, const char *user, const char *password);
BIGHT_API int bight_http_call_bearer(struct bight_http_call *call, const char *token);

/* The body, and its Content-Type (NULL: none is set): bytes by a hold of its own, data and text are copied. */
BIGHT_API int bight_http_call_body(struct bight_http_call *call, const void *data, size_t size, const char *type);
BIGHT_API int bight_http_call_body_bytes(struct bight_http_call *call, struct bight_bytes *bytes, const char *type);
BIGHT_API int bight_http_call_body_text(struct bight_http_call *call, const char *text);

/* A field of a form, urlencoded, which is the body of the call then (A11): name and value, in UTF-8. */
BIGHT_API int bight_http_call_form_field(struct bight_http_call *call, const char *name, const char *value);

/* What it is sent through, in place of the URL's host and port: any endpoint string to connect with,
 * "unix:/run/docker.sock". TLS of an https: URL comes on top of it. It stays with redirects to the same origin. */
BIGHT_API int bight_http_call_endpoint(struct bight_http_call *call, const char *endpoint);

/* In place of its client's; a second one replaces the first. */
BIGHT_API int bight_http_call_configure(struct bight_http_call *call, const struct bight_http_call_options *options);

/* Sends the call, which is taken, and returns a Deferred of the response (bight_type_http_response), its body within
 * the limit. A status of 400 or more is a response too. Cancelling it ends what is under way.
 *
 * It fails with what was wrong with the call; as bight_connect does, or with what TLS failed with; CONNECT_TIMED_OUT or
 * TIMED_OUT (enum bight_http_time); INCOMPLETE or another of the kind CONNECTION when the connection ended before the
 * response was whole; SYNTAX for one that is not HTTP, or points to what is no URL of http; TOO_LONG
 * past a limit, LIMIT past that of redirects; HTTP_STATUS if that was asked for, and for a redirect that is not
 * followed unless it is allowed; CLOSED for a client that has been closed, ABANDONED when it was freed meanwhile;
 * SHUTDOWN. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_call_send(struct bight_http_call *call);

/* The same, but it fires when the head has come: the body is read from the response then, in the one way or the other,
 * and has no limit unless max_body is given. What fails later, fails the reading. The response belongs to the reactor's
 * thread; releasing its last hold before the body has ended ends the call. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_call_stream(struct bight_http_call *call);

/* ------------------------------------------------------------------------------------------ bodies that are streamed
 */

/* A program that does not read does not receive: nothing more is taken from the connection then, and the server waits
 * (C1). The time between bytes does not run meanwhile.
 *
 * A Deferred of 1 to `limit` bytes (0: 64 KiB, which is the most) as soon as there are any; at the end of size 0. It
 * fails as bight_http_call_send does. One at a time; cancelling one ends the asking alone. USAGE, a usage error, for a
 * response that is not streamed or whose body is being read already. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_response_read(
    struct bight_http_response *response, size_t limit);

/* Who has a body pushed to him. Any slot may be NULL. */
struct bight_http_response_consumer {
    size_t size; /* sizeof(struct bight_http_response_consumer) */
    /* 1 byte to 64 KiB; the view ends when it returns. False: no more for now, until bight_http_response_resume. */
    bool (*data)(struct bight_http_response *response, const uint8_t *data, size_t size, void *context);
    /* Once, unless `failed` is: the body was whole, and there are the trailers. */
    void (*end)(struct bight_http_response *response, void *context);
    /* Once: there will be no more. `failure` is borrowed. */
    void (*failed)(struct bight_http_response *response, const struct bight_failure *failure, void *context);
};

/* Pushes what is left of the body to the consumer, on coming turns. The table and the context are borrowed until it has
 * been told of the end, or the response is released. 0; USAGE as above; OUT_OF_MEMORY. */
BIGHT_API int bight_http_response_consume(
    struct bight_http_response *response, const struct bight_http_response_consumer *consumer, void *context);
BIGHT_API void bight_http_response_resume(struct bight_http_response *response);

/* ------------------------------------------------------------------------------------------ responses */

/* Where the response has come from in the end, without a fragment; NULL: from no client. It stays as long as the
 * response. */
BIGHT_API const char *bight_http_response_url(const struct bight_http_response *response);

/* The redirects that led there, the first one first: the URL that was asked, and the status that it answered. False
 * past the last; of what is not wanted pass NULL. */
BIGHT_API bool bight_http_response_hop(
    const struct bight_http_response *response, size_t index, const char **url, int *status);

/* The first field of the trailers with this name; NULL: there is none, or no memory. It stays until the next one, or a
 * field, is asked for. */
BIGHT_API const char *bight_http_response_trailer(struct bight_http_response *response, const char *name);

/* ------------------------------------------------------------------------------------------- endpoints */

/* Adds libbight-http's types to those of endpoint strings (bight/endpoint.h): `connect:HOST:PORT[:user=NAME]
 * [:password=TEXT]:ENDPOINT`, a connection to HOST and PORT by way of the HTTP proxy at ENDPOINT, of which it is asked
 * with CONNECT ("connect:example.org:22:tcp:proxy:3128"; a client's option `proxy` needs no such thing), and
 * `ws:HOST:PORT[:path=/PATH]` and `wss:`, a connection whose bytes go within the binary messages of a WebSocket (W8).
 * For any protocol. Before the first reactor, as bight_endpoint_register; once more does nothing. 0, or a code of that.
 */
BIGHT_API int bight_http_register_endpoints(void);

/* ------------------------------------------------------------------------------------------- references */

/* Where `reference` leads, as found in what came from the URL `base` (RFC 3986, section 5.2): written as a whole URL,
 * without a fragment, and with a NUL into `size` bytes. As many bytes as the two have, and two more, are always enough.
 * 0; SYNTAX: to nothing that a call can be made for (`mailto:`, a space in it, another user); TOO_LONG: there is no
 * room for it. */
BIGHT_API int bight_http_resolve(const char *base, const char *reference, char *url, size_t size);

BIGHT_END

#endif
