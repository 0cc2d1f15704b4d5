/* SPDX-License-Identifier: MIT */
/* suffixes.h - the domains under which anybody may have one, such as "co.uk": no cookie is for all of one. */
#ifndef BI_HTTP_SUFFIXES_H
#define BI_HTTP_SUFFIXES_H

#include <stdbool.h>

/* False: nobody knows them here, so no cookie is for more than a host. */
bool bi_suffixes_are_known(void);

/* Whether it is one, in lower case and ASCII. In any thread. */
bool bi_suffix_is_public(const char *domain);

#endif
