/* SPDX-License-Identifier: MIT */
/* fuzz_http_url.c - URLs against what libc takes for addresses, and references against the RFC's own steps.
 *
 * The first line is a URL, and the base of what follows. What was taken apart must be the same when put together; a
 * host that is a name must be none of the many forms of an address. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "http/message/reference.h"
#include "http/message/url.h"

enum { ROOM = 2048 };

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void check_host(const struct bi_url *url, const uint8_t *bytes)
{
    char host[ROOM];
    struct in_addr ipv4;
    struct in6_addr ipv6;
    memcpy(host, bytes + url->host.at, url->host.size);
    host[url->host.size] = '\0';
    require(url->host.size > 0 && strlen(host) == url->host.size);
    require((inet_pton(AF_INET, host, &ipv4) == 1) == (url->host_kind == BI_HOST_IPV4));
    require((inet_pton(AF_INET6, host, &ipv6) == 1) == (url->host_kind == BI_HOST_IPV6));
    require(url->host_kind != BI_HOST_NAME || inet_aton(host, &ipv4) == 0);
}

static void check_text(const struct bi_url *url, struct bi_view text)
{
    for (size_t at = 0; at < text.size; at++) {
        require(text.at[at] > ' ' && text.at[at] < 0x7f && text.at[at] != '\\');
    }
    size_t authority = (size_t)((const uint8_t *)memchr(text.at, ':', text.size) - text.at) + 3;
    size_t host = authority + (url->has_userinfo ? url->userinfo.size + 1 : 0) + (url->host_kind == BI_HOST_IPV6);
    require(url->host.at == host);
    require(url->path.size == 0 || text.at[url->path.at] == '/');
    require(url->path.at + url->path.size + (url->has_query ? 1 + url->query.size : 0) +
                (url->has_fragment ? 1 + url->fragment.size : 0) ==
            text.size);
    require(
        !url->has_query || (text.at[url->query.at - 1] == '?' && url->query.at == url->path.at + url->path.size + 1));
    require(!url->has_fragment || text.at[url->fragment.at - 1] == '#');
    require(url->port != 0);
}

static bool starts(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Section 5.2.4 as it is written: an input that shrinks, an output that grows. */
static void remove_dots(const char *path, char *output)
{
    char buffer[ROOM * 2], *input = buffer;
    strcpy(buffer, path);
    *output = '\0';
    while (*input != '\0') {
        if (starts(input, "../")) {
            input += 3;
        } else if (starts(input, "./") || starts(input, "/./")) {
            input += 2;
        } else if (strcmp(input, "/.") == 0) {
            *++input = '/';
        } else if (starts(input, "/../") || strcmp(input, "/..") == 0) {
            char *last = strrchr(output, '/');
            *(last == NULL ? output : last) = '\0';
            input += input[3] == '/' ? 3 : 2;
            *input = '/';
        } else if (strcmp(input, ".") == 0 || strcmp(input, "..") == 0) {
            *input = '\0';
        } else {
            size_t size = 1;
            while (input[size] != '\0' && input[size] != '/') {
                size++;
            }
            strncat(output, input, size);
            input += size;
        }
    }
}

/* `reference` is a path that begins with a slash, as text. */
static void check_path(struct bi_view reference)
{
    char path[ROOM + 1], wanted[ROOM * 2] = "http://a";
    uint8_t result[ROOM * 2];
    memcpy(path, reference.at, reference.size);
    path[reference.size] = '\0';
    remove_dots(path, wanted + 8);
    size_t size = bi_reference_resolve(bi_view_of("http://a/x/y"), reference, result, sizeof result);
    require(size == strlen(wanted) && memcmp(result, wanted, size) == 0);
}

static void resolve(struct bi_view base, struct bi_view reference)
{
    uint8_t result[ROOM * 2], again[ROOM * 2];
    size_t enough = base.size + reference.size + 1;
    size_t size = bi_reference_resolve(base, reference, result, enough);
    require(size <= enough);
    if (size > 0) {
        /* What is whole means itself wherever it is found, but for dots that only the base's own path kept. */
        size_t size_again =
            bi_reference_resolve(bi_view_of("x://y/z"), (struct bi_view) { result, size }, again, sizeof again);
        bool kept = reference.size == 0 || *reference.at == '?' || *reference.at == '#';
        require(kept || (size_again == size && memcmp(again, result, size) == 0));
    }
    if (reference.size > 0 && *reference.at == '/' && (reference.size == 1 || reference.at[1] != '/') &&
        memchr(reference.at, '?', reference.size) == NULL && memchr(reference.at, '#', reference.size) == NULL &&
        memchr(reference.at, '\0', reference.size) == NULL) {
        check_path(reference);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bi_url url;
    const uint8_t *end = size == 0 ? NULL : memchr(data, '\n', size);
    struct bi_view text = { data, end == NULL ? size : (size_t)(end - data) };
    if (size == 0 || size >= ROOM) {
        return 0;
    }
    if (bi_url_parse(&url, text)) {
        check_host(&url, data);
        check_text(&url, text);
    } else {
        require(url.why != NULL && url.bad_at <= text.size);
    }
    if (end != NULL) {
        resolve(text, (struct bi_view) { end + 1, size - text.size - 1 });
    }
    return 0;
}
