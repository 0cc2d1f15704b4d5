/* SPDX-License-Identifier: MIT */
/* client.c - a request's client as logs name it: its address without the port. */
#include "http/middleware/client.h"

static bool is_same(const struct bight_address *one, const struct bight_address *other)
{
    if (one->family != other->family) {
        return false;
    }
    switch (one->family) {
    case BIGHT_ADDRESS_IPV4:
        return memcmp(one->at.ipv4, other->at.ipv4, sizeof one->at.ipv4) == 0;
    case BIGHT_ADDRESS_IPV6:
        return memcmp(one->at.ipv6, other->at.ipv6, sizeof one->at.ipv6) == 0 && one->scope == other->scope;
    case BIGHT_ADDRESS_UNIX:
    case BIGHT_ADDRESS_NONE:
        break;
    }
    return true;
}

/* Without the port, and the brackets that part it from an IPv6 address. */
static void format(struct bi_client_text *kept)
{
    char text[BIGHT_ADDRESS_TEXT_SIZE];
    if (kept->address.family == BIGHT_ADDRESS_UNIX) {
        kept->size = strlen("unix:");
        memcpy(kept->text, "unix:", kept->size);
        return;
    }
    (void)bight_address_format(&kept->address, text, sizeof text);
    const char *begin = text[0] == '[' ? text + 1 : text;
    const char *end = text[0] == '[' ? strrchr(text, ']') : strrchr(text, ':');
    size_t size = end != NULL ? (size_t)(end - begin) : 0;
    kept->size = size < sizeof kept->text ? size : sizeof kept->text;
    memcpy(kept->text, begin, kept->size);
}

struct bi_view bi_client_text(struct bi_client_text *kept, struct bight_http_request *request)
{
    struct bight_address address;
    if (bight_http_request_peer(request, &address) != BIGHT_OK || address.family == BIGHT_ADDRESS_NONE) {
        return (struct bi_view) { NULL, 0 };
    }
    if (kept->size == 0 || !is_same(&kept->address, &address)) {
        kept->address = address;
        format(kept);
    }
    return (struct bi_view) { (const uint8_t *)kept->text, kept->size };
}
