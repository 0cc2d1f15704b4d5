/* SPDX-License-Identifier: MIT */
/* fuzz_http_forwarded.c - what proxies say, read from the end: members, their pairs, addresses. What a proxy appends is
 * read the same whatever stands before it. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "http/message/forwarded.h"

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static bool is_inside(struct bi_view part, struct bi_view all)
{
    return part.at == NULL || (part.at >= all.at && part.at + part.size <= all.at + all.size);
}

/* An address that was read is read again from its own text. */
static void read_address(struct bi_view node)
{
    struct bight_address address = { .family = BIGHT_ADDRESS_NONE }, again = address;
    char text[BIGHT_ADDRESS_TEXT_SIZE];
    if (bi_forwarded_address(node, &address)) {
        require(address.family == BIGHT_ADDRESS_IPV4 || address.family == BIGHT_ADDRESS_IPV6);
        require(address.scope == 0);
        (void)bight_address_format(&address, text, sizeof text);
        require(bi_forwarded_address(bi_view_of(text), &again));
        require(bight_address_equal(&address, &again));
    }
}

static void read_member(struct bi_view member)
{
    struct bi_forwarded forwarded;
    read_address(member);
    if (bi_forwarded_parse(&forwarded, member)) {
        require(is_inside(forwarded.client, member) && is_inside(forwarded.protocol, member));
        require(is_inside(forwarded.host, member));
        if (forwarded.client.at != NULL) {
            read_address(forwarded.client);
        }
    }
}

static void read_all(struct bi_view list)
{
    struct bi_view all = list, member;
    const uint8_t *before = list.at + list.size;
    while (bi_forwarded_last(&list, &member)) {
        require(member.size > 0 && is_inside(member, all) && is_inside(list, all));
        require(member.at + member.size <= before);
        before = member.at;
        read_member(member);
    }
    require(list.size == 0);
}

/* The nearest proxy's own. */
static void append(const uint8_t *data, size_t size)
{
    static const char own[] = ", for=\"[2001:db8::1]:4711\";proto=https";
    uint8_t *bytes = malloc(size + sizeof own - 1);
    require(bytes != NULL);
    if (size > 0) {
        memcpy(bytes, data, size);
    }
    memcpy(bytes + size, own, sizeof own - 1);
    struct bi_view list = { bytes, size + sizeof own - 1 }, member;
    require(bi_forwarded_last(&list, &member) && bi_view_equal(member, bi_view_of(own + 2)));
    require(list.size <= size);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_all((struct bi_view) { data, size });
    append(data, size);
    return 0;
}
