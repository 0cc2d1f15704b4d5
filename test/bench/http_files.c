/* SPDX-License-Identifier: MIT */
/* http_files.c - a directory of files, for as many requests as a connection likes: what compare_http.py asks beside nginx.
 *
 * Usage: http_files DIRECTORY ENDPOINT */
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <stdio.h>

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(stderr, "usage: http_files DIRECTORY ENDPOINT\n");
        return 64;
    }
    const struct bight_http_site_options options = { .size = sizeof options, .request_limit = UINT32_MAX };
    const struct bight_http_files_options listing = { .size = sizeof listing, .listing = true };
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_http_site *site = bight_http_site_new_full(&options);
    (void)bight_http_files(site, "/", argv[1], &listing);
    bight_serve(reactor, argv[2], bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_http_site_free(site);
    bight_reactor_free(reactor);
    return status;
}
