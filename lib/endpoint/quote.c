/* SPDX-License-Identifier: MIT */
/* quote.c - puts a program's own text safely into an endpoint string: the inverse of parse.c's unescaping.
 *
 * What a user has typed must not become an argument of its own. Every character that means something to the grammar is
 * escaped wherever it stands, so the result fits any place of any string. */
#include <bight/endpoint.h>

#include "base/text.h"

size_t bight_endpoint_quote(const char *text, char *buffer, size_t size)
{
    struct bi_text quoted = { buffer, size, 0 };
    for (; *text != '\0'; text++) {
        if (strchr("\\:=[", *text) != NULL) {
            bi_text_append(&quoted, "\\", 1);
        }
        bi_text_append(&quoted, text, 1);
    }
    bi_text_end(&quoted);
    return quoted.needed;
}
