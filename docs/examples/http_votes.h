/* SPDX-License-Identifier: MIT */
/* http_votes.h - a site that counts votes. */
#include <bight/bight.h>
#include <bight/protocols/http.h>

/* The routes of the site, which forgets its votes with `site`. */
void add_votes(struct bight_http_site *site);
