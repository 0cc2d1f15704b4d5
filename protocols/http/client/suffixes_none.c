/* SPDX-License-Identifier: MIT */
/* suffixes_none.c - no public suffixes are known, for the library was built without libpsl. */
#include "http/client/suffixes.h"

bool bi_suffixes_are_known(void)
{
    return false;
}

bool bi_suffix_is_public(const char *domain)
{
    (void)domain;
    return true;
}
