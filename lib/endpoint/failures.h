/* SPDX-License-Identifier: MIT */
/* failures.h - what the errno of listening, and that of an attempt to connect, become. */
#ifndef BI_ENDPOINT_FAILURES_H
#define BI_ENDPOINT_FAILURES_H

#include "transport/socket.h"

/* Of bi_listen_ip and its kin: `number` is their errno. */
struct bight_failure *bi_listen_failure(int number, bool is_path);

/* Of an attempt to connect to `address` from `bind` (NULL: from any). */
struct bight_failure *bi_connect_failure(
    struct bight_reactor *reactor, const struct bight_address *address, const struct bight_address *bind, int number);

#endif
