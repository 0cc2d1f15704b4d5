/* SPDX-License-Identifier: MIT */
/* wrapper.h - factories that put layers under the connections of another. */
#ifndef BI_TRANSPORT_WRAPPER_H
#define BI_TRANSPORT_WRAPPER_H

#include <bight/sys/wrapper.h>

/* The least of what the wrappers of a string ask for. */
struct bi_wrapper_limits {
    uint64_t timeout; /* nanoseconds */
    size_t max_received, max_establishing;
};

bool bi_is_wrapped(const struct bight_factory *factory);

/* Pushes the layers of all wrappers. NULL, or what went wrong. */
struct bight_failure *bi_wrapper_push_layers(struct bight_factory *wrapped, struct bight_transport *transport);

struct bi_wrapper_limits bi_wrapper_limits_of(const struct bight_factory *wrapped);
/* The name of the outermost one. */
const char *bi_wrapper_name(const struct bight_factory *wrapped);

#endif
