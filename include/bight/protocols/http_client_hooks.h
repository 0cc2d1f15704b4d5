/* SPDX-License-Identifier: MIT */
/* bight/protocols/http_client_hooks.h - what an HTTP client is doing (C10), and where it may connect to (C11).
 *
 *     static void log_time(const struct bight_http_trace *trace, enum bight_http_step step, void *context)
 *     {
 *         if (step == BIGHT_HTTP_STEP_DONE) {
 *             printf("%s %d in %.3f s\n", trace->url, trace->status, trace->at[step] - trace->at[0]);
 *         }
 *     }
 *
 *     const struct bight_http_client_hooks hooks = { .size = sizeof hooks, .step = log_time };
 *     const struct bight_http_client_options options = { .size = sizeof options, .hooks = &hooks };
 *
 * A client without hooks pays nothing for them. */
#ifndef BIGHT_PROTOCOLS_HTTP_CLIENT_HOOKS_H
#define BIGHT_PROTOCOLS_HTTP_CLIENT_HOOKS_H

#include <bight/address.h>
#include <bight/protocols/http_client.h>

BIGHT_BEGIN

/* ------------------------------------------------------------------------------------------ steps */

/* The steps of a request, in their order. A request on a kept connection has none from RESOLVED to SECURED; nor has one
 * whose connection was made for another. */
enum bight_http_step {
    BIGHT_HTTP_STEP_QUEUED,     /* the program has sent the call, or a redirect has led here */
    BIGHT_HTTP_STEP_CONNECTING, /* a connection is being made for it: its name is looked up */
    BIGHT_HTTP_STEP_RESOLVED,   /* that has been, and the first of its addresses is tried */
    BIGHT_HTTP_STEP_CONNECTED,  /* to one of them */
    BIGHT_HTTP_STEP_SECURED,    /* TLS is established */
    BIGHT_HTTP_STEP_SENT,       /* its head has been written to a connection, and a body that does not come later */
    BIGHT_HTTP_STEP_FIRST_BYTE, /* of a response, 1xx too, has come */
    BIGHT_HTTP_STEP_DONE,       /* once and last: the response is whole, or the request has failed */
    BIGHT_HTTP_STEPS
};

/* What is known of a request. A call has one for each of its hops (C4). */
struct bight_http_trace {
    uint64_t call; /* the same for all hops of a call; the client's calls are numbered from 1 */
    unsigned hop;  /* from 0 */
    const char *method, *url;
    double at[BIGHT_HTTP_STEPS];  /* when each step was reached, in seconds of the reactor's clock; NAN: it was not */
    struct bight_address address; /* that it was sent to; family NONE: not yet */
    bool is_reused;               /* the connection had carried others before */
    int status;                   /* of the response; 0: none has come */
    int code;                     /* when it is done: 0, or why it failed (CANCELLED too) */
    const void *reserved[4];
};

/* Any slot may be NULL. All are called in the reactor's thread. */
struct bight_http_client_hooks {
    size_t size; /* sizeof(struct bight_http_client_hooks) */
    /* A step has been reached. It is told on a coming turn, each step once and in order, so that anything may be done
     * in here, freeing the client too; `trace` says when it was, ends with the call of this function, and may know
     * later steps already. Of a request that is sent again (C2) the times are the later ones, and what comes before a
     * step that has been told is not told. What has not been told when the client is freed is told inside. When out of
     * memory, a request may be left out. */
    void (*step)(const struct bight_http_trace *trace, enum bight_http_step step, void *context);
    /* Whether this address may be connected to, that of a proxy and of bight_http_call_endpoint (perhaps a UNIX path)
     * too. Asked after the name has been looked up, before each attempt, with the very address that is connected to
     * then (C11). False: other addresses of the name are tried; when none is left the call fails with ADDRESS_REFUSED.
     * `host` is the URL's. */
    bool (*may_connect)(const struct bight_address *address, const char *host, void *context);
    void *context; /* borrowed until the client is freed */
    const void *reserved[4];
};

/* ------------------------------------------------------------------------------------------ addresses */

/* Whether the address is one of the public Internet: what the option `public_only` allows. False for UNIX paths and for
 * all that IANA's registries of special addresses do not call globally reachable: loopback, private, shared (CGNAT),
 * link-local and unique-local ones, those of documentation, multicast, unspecified; and for IPv6 addresses that stand
 * for such an IPv4 address: mapped, NAT64's (64:ff9b::/96), 6to4's. IPv4-compatible ones, local NAT64's and Teredo's
 * are never public. */
BIGHT_API bool bight_http_address_is_public(const struct bight_address *address);

BIGHT_END

#endif
