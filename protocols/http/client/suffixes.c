/* SPDX-License-Identifier: MIT */
/* suffixes.c - the public suffixes that libpsl was built with. suffixes_none.c stands in for it.
 *
 * A newer list in a file would be read from a disk; what the library has costs nothing, and comes with its updates. */
#include "http/client/suffixes.h"

#include <libpsl.h>

bool bi_suffixes_are_known(void)
{
    return psl_builtin() != NULL;
}

/* Of a domain that no rule names, the last label is one. */
bool bi_suffix_is_public(const char *domain)
{
    return psl_is_public_suffix(psl_builtin(), domain) != 0;
}
