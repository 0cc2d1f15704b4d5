/* SPDX-License-Identifier: MIT */
/* fuzz_http_no_proxy.c - NO_PROXY: the first line is the host, the rest the list. What is named stays named when more
 * is added to the list, and whatever the case of letters. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "http/client/no_proxy.h"

enum { PORT = 8080, MOST = 4096 };

static enum bi_host_kind kind_of(struct bi_view host)
{
    return bi_before(host, ":") < host.size                                 ? BI_HOST_IPV6
           : host.size > 0 && bi_is(host.at[host.size - 1], BI_CLASS_DIGIT) ? BI_HOST_IPV4
                                                                            : BI_HOST_NAME;
}

static bool has(const uint8_t *list, size_t size, struct bi_view host)
{
    return bi_no_proxy_has((struct bi_view) { list, size }, host, kind_of(host), PORT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t copy[MOST];
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    if (end == NULL || size + 4 > sizeof copy) {
        return 0;
    }
    struct bi_view host = { data, (size_t)(end - data) };
    size_t list_size = size - host.size - 1;
    bool is_named = has(end + 1, list_size, host);
    for (size_t i = 0; i < list_size; i++) {
        copy[i] = bi_lower(end[1 + i]);
    }
    if (has(copy, list_size, host) != is_named) {
        abort();
    }
    memcpy(copy + list_size, ",x:1", 4);
    if (has(copy, list_size + 4, host) != is_named && bi_before((struct bi_view) { copy, list_size + 4 }, "\n") > 0) {
        abort();
    }
    return 0;
}
