/* SPDX-License-Identifier: MIT */
/* tickets.h - the secrets with which a server encrypts what it would have to remember of sessions (RFC 5077, RFC 8446
 * 4.6.1): one for each hour. Counted, for all threads. */
#ifndef BI_TLS_TICKETS_H
#define BI_TLS_TICKETS_H

#include <bight/tls.h>

#include <openssl/ssl.h>

struct bi_tls_tickets;

struct bi_tls_tickets *bi_tls_tickets_new(void); /* NULL when out of memory */
struct bi_tls_tickets *bi_tls_tickets_hold(struct bi_tls_tickets *tickets);
void bi_tls_tickets_release(struct bi_tls_tickets *tickets); /* NULL is allowed */

/* Those of the context's material, for its sessions. False: want of memory. */
bool bi_tls_tickets_use(SSL_CTX *ctx);

/* As bight_tls_add_ticket_secret; `now` in hours since 1970. */
int bi_tls_tickets_add(struct bi_tls_tickets *tickets, uint64_t now, uint64_t hour, const uint8_t *secret);

/* The number of secrets that are there at `now`; those whose time is over have been wiped. For tests. */
size_t bi_tls_tickets_count(struct bi_tls_tickets *tickets, uint64_t now);

/* In hours since 1970. */
uint64_t bi_tls_tickets_hour(void);

#endif
