/* SPDX-License-Identifier: MIT */
/* proxy.h - the proxy of proxy.c, for its main and for its simulation. */
#ifndef PROXY_H
#define PROXY_H

#include <bight/bight.h>

/* Whoever connects talks with the endpoint that is its context, a string. */
extern struct bight_factory proxy_factory;

#endif
