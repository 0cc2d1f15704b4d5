/* SPDX-License-Identifier: MIT */
/* provided.h - what the files of this room share: options, and adding a middleware to its site. */
#ifndef BI_HTTP_PROVIDED_H
#define BI_HTTP_PROVIDED_H

#include <bight/protocols/http_provided.h>

#include "http/site/site.h"

/* The member of options, NULL and an older caller's too; 0 where there is none. */
#define BI_GIVEN(options, member)                                                                                      \
    ((options) != NULL && (options)->size >=                                                                           \
                              (size_t)((const char *)(&(options)->member + 1) - (const char *)(const void *)(options)) \
            ? (options)->member                                                                                        \
            : 0)

/* Adds it; the context, which NULL stands for no memory for, goes with the site, or at once on a code. */
int bi_provided_use(struct bight_http_site *site, const struct bight_http_middleware_ops *ops, void *context,
    bight_release_function release);

/* Options that cannot be: the site does not serve. Returns INVALID_ARGUMENT. */
int bi_provided_refuse(struct bight_http_site *site, const char *what);

/* From 0 on, infinity included. */
bool bi_provided_is_time(double seconds);

#endif
