/* SPDX-License-Identifier: MIT */
/* http_guest_book.h - a guest book: what its site and its tests share. */
#ifndef HTTP_GUEST_BOOK_H
#define HTTP_GUEST_BOOK_H

#include <bight/protocols/http.h>

struct guest_book;

/* Keeps the last `limit` entries. NULL when out of memory. */
struct guest_book *guest_book_new(size_t limit);
void guest_book_free(struct guest_book *book);

/* Its routes, and what is in front of them. */
void add_guest_book(struct bight_http_site *site, struct guest_book *book);

#endif
