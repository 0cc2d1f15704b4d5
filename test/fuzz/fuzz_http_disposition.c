/* SPDX-License-Identifier: MIT */
/* fuzz_http_disposition.c - heads of a form's parts: what is read of one keeps its promises, and a name that is written
 * as browsers do is read as it was.
 *
 * Input that begins with an even byte is a Content-Disposition's value; else it is a name. */
#include "http/message/form_data.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_label(struct bi_view label)
{
    require(!bi_view_equal(label, bi_view_of(".")) && !bi_view_equal(label, bi_view_of("..")));
    for (size_t i = 0; i < label.size; i++) {
        uint8_t byte = label.at[i];
        require(byte >= 0x20 && byte != 0x7f && byte != '/' && byte != '\\');
        require(i == 0 || label.at[i - 1] != 0xc2 || byte < 0x80 || byte >= 0xa0);
    }
}

/* The head "Content-Disposition: VALUE" of a part, in memory that ends with it. False: it is none, or refused. */
static bool read_value(const uint8_t *value, size_t size, struct bi_form_part *part, uint8_t **texts)
{
    static const char before[] = "Content-Disposition: ";
    static struct bi_field fields[8];
    size_t head_size = sizeof before - 1 + size + 4;
    uint8_t *bytes = malloc(head_size);
    struct bi_head head = { .fields = fields, .limits = { 65535, 65535, 8 } };
    memcpy(bytes, before, sizeof before - 1);
    memcpy(bytes + sizeof before - 1, value, size);
    memcpy(bytes + head_size - 4, "\r\n\r\n", 4);
    *texts = malloc(head_size);
    bi_head_begin(&head, BI_HEAD_TRAILERS);
    bool is_good =
        bi_head_parse(&head, bytes, head_size) == BI_HEAD_WHOLE && bi_form_part_read(part, &head, bytes, *texts);
    free(bytes);
    return is_good;
}

static void read_any(const uint8_t *data, size_t size)
{
    struct bi_form_part part;
    uint8_t *texts;
    if (read_value(data, size, &part, &texts)) {
        require(strlen((const char *)part.name.at) == part.name.size);
        require(part.is_file || (part.label.at == NULL && !part.is_blank));
        if (part.is_file) {
            require(strlen((const char *)part.label.at) == part.label.size);
            check_label(part.label);
        }
    }
    free(texts);
}

/* A name that a head may hold, its quotes and backslashes escaped, comes back as it was; as a file name, as its label.
 */
static void go_there_and_back(const uint8_t *name, size_t size)
{
    uint8_t *value = malloc(2 * (2 * size + 40)), *label = malloc(size + 1), *texts;
    struct bi_form_part part;
    size_t at = 0;
    for (int round = 0; round < 2; round++) {
        const char *before = round == 0 ? "form-data; name=\"" : "\"; filename=\"";
        memcpy(value + at, before, strlen(before));
        at += strlen(before);
        for (size_t i = 0; i < size; i++) {
            if (name[i] == '"' || name[i] == '\\') {
                value[at++] = '\\';
            }
            value[at++] = name[i];
        }
    }
    value[at++] = '"';
    bool may_be = bi_run((struct bi_view) { name, size }, BI_CLASS_VALUE) == size;
    require(read_value(value, at, &part, &texts) == may_be);
    if (may_be) {
        struct bi_view expected = { label, bi_file_label((struct bi_view) { name, size }, label) };
        require(bi_view_equal(part.name, (struct bi_view) { name, size }));
        require(part.is_file && bi_view_equal(part.label, expected) && part.is_blank == (size == 0));
        check_label(expected);
    }
    free(texts);
    free(label);
    free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 10000) {
        return 0;
    }
    if (data[0] % 2 == 0) {
        read_any(data + 1, size - 1);
    } else {
        go_there_and_back(data + 1, size - 1);
    }
    return 0;
}
