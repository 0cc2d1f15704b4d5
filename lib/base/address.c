/* SPDX-License-Identifier: MIT */
/* address.c - addresses by value: to text, to and from the kernel's form, and literals.
 *
 * Nothing is looked up here and nothing allocated; names are the resolver's. An address that came from the
 * kernel goes back to it unchanged, so IPv4 addresses mapped into IPv6 stay mapped. Paths are counted, not
 * NUL-terminated: an abstract name begins with NUL and may hold more of them, and the kernel fills all 108
 * bytes if asked to. */
#include <bight/address.h>
#include <bight/log.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define UNIX_PATH_OFFSET offsetof(struct sockaddr_un, sun_path)

_Static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) == sizeof(((struct bight_address *)0)->at.path),
    "the kernel's paths have another size");

/* ------------------------------------------------------------------------------------------ as text */

static void format_ip(const struct bight_address *address, char *text, size_t size)
{
    char digits[INET6_ADDRSTRLEN];
    if (address->family == BIGHT_ADDRESS_IPV4) {
        inet_ntop(AF_INET, address->at.ipv4, digits, sizeof digits);
        snprintf(text, size, "%s:%u", digits, (unsigned)address->port);
        return;
    }
    inet_ntop(AF_INET6, address->at.ipv6, digits, sizeof digits);
    if (address->scope != 0) {
        snprintf(text, size, "[%s%%%u]:%u", digits, (unsigned)address->scope, (unsigned)address->port);
    } else {
        snprintf(text, size, "[%s]:%u", digits, (unsigned)address->port);
    }
}

static size_t path_size(const struct bight_address *address)
{
    size_t size = address->path_size;
    return size < sizeof address->at.path ? size : sizeof address->at.path;
}

static void format_path(const struct bight_address *address, char *text, size_t size)
{
    const char *path = address->at.path;
    size_t length = path_size(address);
    if (length != 0 && path[0] == '\0') {
        *text++ = '@';
        size--;
        path++;
        length--;
    }
    bight_escape(path, length, text, size);
}

size_t bight_address_format(const struct bight_address *address, char *buffer, size_t size)
{
    char text[BIGHT_ADDRESS_TEXT_SIZE] = "";
    switch (address->family) {
    case BIGHT_ADDRESS_IPV4:
    case BIGHT_ADDRESS_IPV6:
        format_ip(address, text, sizeof text);
        break;
    case BIGHT_ADDRESS_UNIX:
        format_path(address, text, sizeof text);
        break;
    case BIGHT_ADDRESS_NONE:
        break;
    }
    size_t length = strlen(text);
    if (size == 0) {
        return length;
    }
    size_t fits = length < size ? length : size - 1;
    memcpy(buffer, text, fits);
    buffer[fits] = '\0';
    return length;
}

/* --------------------------------------------------------------------------------- the kernel's form */

static int from_ipv4(struct bight_address *address, const struct sockaddr *from, socklen_t size)
{
    struct sockaddr_in in;
    if (size < sizeof in) {
        return BIGHT_E_INVALID_ARGUMENT;
    }
    memcpy(&in, from, sizeof in);
    address->family = BIGHT_ADDRESS_IPV4;
    address->port = ntohs(in.sin_port);
    memcpy(address->at.ipv4, &in.sin_addr, sizeof address->at.ipv4);
    return 0;
}

static int from_ipv6(struct bight_address *address, const struct sockaddr *from, socklen_t size)
{
    struct sockaddr_in6 in6;
    if (size < sizeof in6) {
        return BIGHT_E_INVALID_ARGUMENT;
    }
    memcpy(&in6, from, sizeof in6);
    address->family = BIGHT_ADDRESS_IPV6;
    address->port = ntohs(in6.sin6_port);
    address->scope = in6.sin6_scope_id;
    address->flow = ntohl(in6.sin6_flowinfo);
    memcpy(address->at.ipv6, &in6.sin6_addr, sizeof address->at.ipv6);
    return 0;
}

/* unix(7): a path name may or may not count its NUL, and getsockname may claim one byte past the structure.
 */
static int from_unix(struct bight_address *address, const struct sockaddr *from, socklen_t size)
{
    const char *path = (const char *)from + UNIX_PATH_OFFSET;
    size_t length = size - UNIX_PATH_OFFSET;
    if (length > sizeof address->at.path) {
        length = sizeof address->at.path;
    }
    if (length != 0 && path[0] != '\0') {
        length = strnlen(path, length);
    }
    address->family = BIGHT_ADDRESS_UNIX;
    address->path_size = (uint16_t)length;
    memcpy(address->at.path, path, length);
    return 0;
}

int bight_address_from_sockaddr(struct bight_address *address, const struct sockaddr *from, socklen_t size)
{
    memset(address, 0, sizeof *address);
    sa_family_t family;
    if (from == NULL || size < sizeof family) {
        return BIGHT_E_INVALID_ARGUMENT;
    }
    memcpy(&family, (const char *)from + offsetof(struct sockaddr, sa_family), sizeof family);
    switch (family) {
    case AF_INET:
        return from_ipv4(address, from, size);
    case AF_INET6:
        return from_ipv6(address, from, size);
    case AF_UNIX:
        return from_unix(address, from, size);
    default:
        return BIGHT_E_INVALID_ARGUMENT;
    }
}

static int give_sockaddr(struct sockaddr_storage *to, socklen_t *size, const void *form, size_t used)
{
    if (*size < used) {
        return BIGHT_E_INVALID_ARGUMENT;
    }
    memcpy(to, form, used);
    *size = (socklen_t)used;
    return 0;
}

static int to_ipv4(const struct bight_address *address, struct sockaddr_storage *to, socklen_t *size)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(address->port) };
    memcpy(&in.sin_addr, address->at.ipv4, sizeof address->at.ipv4);
    return give_sockaddr(to, size, &in, sizeof in);
}

static int to_ipv6(const struct bight_address *address, struct sockaddr_storage *to, socklen_t *size)
{
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
        .sin6_port = htons(address->port),
        .sin6_flowinfo = htonl(address->flow),
        .sin6_scope_id = address->scope };
    memcpy(&in6.sin6_addr, address->at.ipv6, sizeof address->at.ipv6);
    return give_sockaddr(to, size, &in6, sizeof in6);
}

static int to_unix(const struct bight_address *address, struct sockaddr_storage *to, socklen_t *size)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    size_t length = address->path_size;
    const char *path = address->at.path;
    if (length > sizeof un.sun_path) {
        return BIGHT_E_INVALID_ARGUMENT;
    }
    bool is_name = length != 0 && path[0] != '\0';
    if (is_name && strnlen(path, length) != length) {
        return BIGHT_E_INVALID_ARGUMENT; /* the kernel would take another, shorter name */
    }
    memcpy(un.sun_path, path, length);
    size_t used = UNIX_PATH_OFFSET + length + (is_name && length < sizeof un.sun_path ? 1 : 0);
    return give_sockaddr(to, size, &un, used);
}

int bight_address_to_sockaddr(const struct bight_address *address, struct sockaddr_storage *to, socklen_t *size)
{
    switch (address->family) {
    case BIGHT_ADDRESS_IPV4:
        return to_ipv4(address, to, size);
    case BIGHT_ADDRESS_IPV6:
        return to_ipv6(address, to, size);
    case BIGHT_ADDRESS_UNIX:
        return to_unix(address, to, size);
    case BIGHT_ADDRESS_NONE:
        break;
    }
    return BIGHT_E_INVALID_ARGUMENT;
}

/* ------------------------------------------------------------------------------------------ literals */

/* RFC 4007, section 11: a zone is an interface's index or its name. */
static int parse_scope(const char *text, uint32_t *scope)
{
    uint64_t number = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != '\0') {
        *scope = strlen(text) < IF_NAMESIZE ? if_nametoindex(text) : 0;
        return *scope != 0 ? 0 : BIGHT_E_SYNTAX;
    }
    if (digits > 10) {
        return BIGHT_E_SYNTAX;
    }
    for (size_t i = 0; i < digits; i++) {
        number = number * 10 + (uint64_t)(text[i] - '0');
    }
    if (number == 0 || number > UINT32_MAX) {
        return BIGHT_E_SYNTAX;
    }
    *scope = (uint32_t)number;
    return 0;
}

static int parse_ipv6(struct bight_address *address, const char *text)
{
    char digits[INET6_ADDRSTRLEN];
    size_t length = strcspn(text, "%");
    if (length >= sizeof digits) {
        return BIGHT_E_SYNTAX;
    }
    memcpy(digits, text, length);
    digits[length] = '\0';
    if (inet_pton(AF_INET6, digits, address->at.ipv6) != 1) {
        return BIGHT_E_SYNTAX;
    }
    address->family = BIGHT_ADDRESS_IPV6;
    return text[length] == '%' ? parse_scope(text + length + 1, &address->scope) : 0;
}

int bight_address_parse_ip(struct bight_address *address, const char *text, uint16_t port)
{
    struct bight_address parsed = { .port = port };
    int code = 0;
    if (inet_pton(AF_INET, text, parsed.at.ipv4) == 1) {
        parsed.family = BIGHT_ADDRESS_IPV4;
    } else {
        memset(&parsed.at, 0, sizeof parsed.at);
        code = parse_ipv6(&parsed, text);
    }
    if (code != 0) {
        memset(&parsed, 0, sizeof parsed);
    }
    *address = parsed;
    return code;
}

/* ---------------------------------------------------------------------------------------- comparing */

bool bight_address_equal(const struct bight_address *left, const struct bight_address *right)
{
    if (left->family != right->family) {
        return false;
    }
    switch (left->family) {
    case BIGHT_ADDRESS_IPV4:
        return left->port == right->port && memcmp(left->at.ipv4, right->at.ipv4, sizeof left->at.ipv4) == 0;
    case BIGHT_ADDRESS_IPV6:
        return left->port == right->port && left->scope == right->scope &&
               memcmp(left->at.ipv6, right->at.ipv6, sizeof left->at.ipv6) == 0;
    case BIGHT_ADDRESS_UNIX:
        return path_size(left) == path_size(right) && memcmp(left->at.path, right->at.path, path_size(left)) == 0;
    case BIGHT_ADDRESS_NONE:
        break;
    }
    return true;
}
