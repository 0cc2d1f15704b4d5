/* SPDX-License-Identifier: MIT */
/* urls.c - at a terminal, the URLs under which a service can be reached that browsers speak to: a port on all addresses
 * has one for each of this machine's. The ports themselves are opened by lib/service. */
#include "runner.h"

#include <bight/address.h>

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MOST_URLS 8

static void print_url(const char *scheme, const struct bight_address *address)
{
    char text[BIGHT_ADDRESS_TEXT_SIZE];
    (void)bight_address_format(address, text, sizeof text);
    fprintf(stderr, "  %s://%s/\n", scheme, text);
}

static bool is_any(const struct bight_address *address)
{
    static const uint8_t zeros[16];
    return address->family == BIGHT_ADDRESS_IPV4 ? memcmp(address->at.ipv4, zeros, 4) == 0
                                                 : memcmp(address->at.ipv6, zeros, 16) == 0;
}

/* Those that a URL can name: not bound to one link. The addresses of both families lead to a port of all of IPv6. */
static bool is_of_use(const struct ifaddrs *interface, enum bight_address_family family, struct bight_address *found)
{
    socklen_t size = interface->ifa_addr == NULL                  ? 0
                     : interface->ifa_addr->sa_family == AF_INET  ? sizeof(struct sockaddr_in)
                     : interface->ifa_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                                  : 0;
    return (interface->ifa_flags & IFF_UP) != 0 && size > 0 &&
           bight_address_from_sockaddr(found, interface->ifa_addr, size) == 0 &&
           (found->family == family || family == BIGHT_ADDRESS_IPV6) && found->scope == 0;
}

static void print_all_of_this_machine(const char *scheme, const struct bight_address *any)
{
    struct ifaddrs *interfaces;
    struct bight_address found;
    int count = 0;
    if (getifaddrs(&interfaces) != 0) {
        return;
    }
    for (const struct ifaddrs *each = interfaces; each != NULL && count < MOST_URLS; each = each->ifa_next) {
        if (is_of_use(each, any->family, &found)) {
            found.port = any->port;
            print_url(scheme, &found);
            count++;
        }
    }
    freeifaddrs(interfaces);
}

void runner_print_urls(struct bight_port *port, const char *scheme, bool is_secure)
{
    struct bight_address address;
    char with_tls[16];
    (void)snprintf(with_tls, sizeof with_tls, "%s%s", scheme, is_secure ? "s" : "");
    if (!isatty(STDERR_FILENO) || bight_port_address(port, &address) != 0 ||
        (address.family != BIGHT_ADDRESS_IPV4 && address.family != BIGHT_ADDRESS_IPV6)) {
        return;
    }
    if (is_any(&address)) {
        print_all_of_this_machine(with_tls, &address);
    } else {
        print_url(with_tls, &address);
    }
}
