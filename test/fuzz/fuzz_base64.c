/* SPDX-License-Identifier: MIT */
/* fuzz_base64.c - base64 and hexadecimal of arbitrary bytes.
 *
 * The first byte chooses the form. What is decoded is encoded to the very same text, so bytes have one text only;
 * whatever is encoded is decoded to the same bytes, in place too; and the room that is said to suffice does, to the
 * byte. */
#include <bight/sys/digest.h>

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Memory of just this size, so that a checker sees what goes beyond. */
static void *copy_of(const void *data, size_t size)
{
    void *copy = malloc(size > 0 ? size : 1);
    check(copy != NULL);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    return copy;
}

static void decode(enum bight_base64 form, const uint8_t *data, size_t size)
{
    char *text = copy_of(data, size), *again = malloc(size + 1);
    uint8_t *bytes = malloc(BIGHT_BASE64_BYTES(size) + 1);
    ssize_t decoded = bight_base64_decode(form, text, size, bytes, BIGHT_BASE64_BYTES(size));
    check(decoded >= 0 || decoded == BIGHT_E_SYNTAX);
    if (decoded >= 0) {
        check(bight_base64_encode(form, bytes, (size_t)decoded, again) == size && memcmp(again, text, size) == 0);
        check(decoded == 0 || bight_base64_decode(form, text, size, bytes, (size_t)decoded - 1) == BIGHT_E_OVERFLOW);
    }
    decoded = bight_hex_decode(text, size, bytes, size / 2);
    check(decoded == BIGHT_E_SYNTAX || (size_t)decoded == size / 2);
    free(text);
    free(again);
    free(bytes);
}

static void encode(enum bight_base64 form, const uint8_t *data, size_t size)
{
    uint8_t *bytes = copy_of(data, size);
    char *text = malloc(BIGHT_BASE64_LENGTH(size) + 1), *hex = malloc(2 * size + 1);
    size_t length = bight_base64_encode(form, bytes, size, text);
    check(length == strlen(text) && length <= BIGHT_BASE64_LENGTH(size) && size <= BIGHT_BASE64_BYTES(length));
    check(bight_base64_decode(form, text, length, text, size) == (ssize_t)size && memcmp(text, data, size) == 0);
    bight_hex_encode(bytes, size, hex);
    check(bight_hex_decode(hex, 2 * size, hex, size) == (ssize_t)size && memcmp(hex, data, size) == 0);
    free(bytes);
    free(text);
    free(hex);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0) {
        enum bight_base64 form = (enum bight_base64)(data[0] % 4);
        decode(form, data + 1, size - 1);
        encode(form, data + 1, size - 1);
    }
    return 0;
}
