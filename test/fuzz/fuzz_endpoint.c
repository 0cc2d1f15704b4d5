/* SPDX-License-Identifier: MIT */
/* fuzz_endpoint.c - the endpoint parser under arbitrary strings, and quoting as its inverse.
 *
 * A string is read as a server's and as a client's; nothing is opened. What quoting makes of it must be read back as
 * one argument with the very same text. */
#include <bight/memory.h>

#include <stdlib.h>
#include <string.h>

#include "endpoint/grammar.h"
#include "fuzz.h"

static void read_as(const char *string, enum bi_endpoint_direction direction)
{
    struct bi_parsed_endpoint parsed;
    struct bight_argument arguments[BI_ENDPOINT_PART_LIMIT];
    struct bight_failure *failure = NULL;
    (void)bi_endpoint_read(string, direction, &parsed, arguments, &failure);
    bight_failure_release(failure);
}

static void quote_and_read(const char *text)
{
    char string[BI_ENDPOINT_TEXT_LIMIT + 1] = "unix:";
    struct bi_parsed_endpoint parsed;
    size_t size = strlen(text);
    size_t needed = bight_endpoint_quote(text, string + 5, sizeof string - 5);
    if (size == 0 || needed >= sizeof string - 5) {
        return;
    }
    if (bi_endpoint_parse(string, &parsed) != NULL || parsed.count != 1 || parsed.parts[0].keyword != NULL ||
        parsed.parts[0].value_size != size || memcmp(parsed.parts[0].value, text, size) != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *string = malloc(size + 1);
    memcpy(string, data, size);
    string[size] = '\0';
    read_as(string, BI_ENDPOINT_LISTEN);
    read_as(string, BI_ENDPOINT_CONNECT);
    quote_and_read(string);
    free(string);
    return 0;
}
