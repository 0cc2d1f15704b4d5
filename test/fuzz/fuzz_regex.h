/* SPDX-License-Identifier: MIT */
/* fuzz_regex.h - grammars as regular expressions: slow models, written as the RFCs write them. */
#ifndef BIGHT_TEST_FUZZ_REGEX_H
#define BIGHT_TEST_FUZZ_REGEX_H

#include <regex.h>
#include <stdlib.h>

#include "http/message/tokens.h"

/* In brackets: tchar, and tchar but the letter q. */
#define REGEX_TCHAR "[!#$%&'*+.^_`|~0-9A-Za-z-]"
#define REGEX_TCHAR_NOT_Q "[!#$%&'*+.^_`|~0-9A-PR-Za-pr-z-]"
#define REGEX_QUOTED "\"([\t !#-[^-~\x80-\xff]|]|\\\\[\t -~\x80-\xff])*\""
#define REGEX_OWS "[ \t]*"

enum { REGEX_ROOM = 4096 };

/* All of `text`, shorter than REGEX_ROOM, is of the expression `pattern`, which is compiled once, into *compiled. It is
 * copied, since ASan's regexec reads on to a NUL. */
static inline bool regex_matches(regex_t **compiled, const char *pattern, struct bi_view text)
{
    static char copy[REGEX_ROOM];
    regmatch_t match = { 0, (regoff_t)text.size };
    if (*compiled == NULL) {
        *compiled = malloc(sizeof **compiled);
        if (*compiled == NULL || regcomp(*compiled, pattern, REG_EXTENDED) != 0) {
            abort();
        }
    }
    memcpy(copy, text.at, text.size);
    copy[text.size] = '\0';
    return regexec(*compiled, copy, 1, &match, REG_STARTEND) == 0 && match.rm_so == 0 &&
           (size_t)match.rm_eo == text.size;
}

#endif
