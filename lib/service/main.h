/* SPDX-License-Identifier: MIT */
/* main.h - a program's main in a reactor that is made elsewhere: the testing kit's. */
#ifndef BI_SERVICE_MAIN_H
#define BI_SERVICE_MAIN_H

#include <bight/coroutine.h>

#include "base/private.h"

/* bight_main or bight_main_coroutine (one of the two is NULL) in this reactor, which is taken; NULL counts as
 * no memory for it. */
BI_PRIVATE_API int bi_main_in(
    struct bight_reactor *reactor, bight_main_function function, bight_main_body body, int argc, char **argv);

#endif
