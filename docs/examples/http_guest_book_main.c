/* SPDX-License-Identifier: MIT */
/* http_guest_book_main.c - the guest book as a program. Usage: http_guest_book [ENDPOINT] */
#include <bight/bight.h>

#include "http_guest_book.h"

int main(int argc, char **argv)
{
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_http_site *site = bight_http_site_new();
    struct guest_book *book = guest_book_new(1000);
    if (book != NULL) {
        bight_http_use_access_log(site, NULL);
        add_guest_book(site, book);
        bight_serve(reactor, argc > 1 ? argv[1] : "tcp:8888:interface=127.0.0.1", bight_http_site_factory(site));
    }
    int status = bight_reactor_run(reactor);
    bight_http_site_free(site);
    guest_book_free(book);
    bight_reactor_free(reactor);
    return status;
}
