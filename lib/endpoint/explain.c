/* SPDX-License-Identifier: MIT */
/* explain.c - what was tried when an endpoint string failed, and what its writer probably meant.
 *
 * A message that reaches a program's operator must stand alone: "cannot listen on", the string, what is wrong, and what
 * to write instead when that can be told. The guesses cover what users of other programs write: a bare port, HOST:PORT,
 * a bare path, an IPv6 address without brackets. A guess is never acted on. */
#include "endpoint/grammar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Of the string, bytes. */
#define LONGEST_SHOWN 200

#define DIGITS "0123456789"
#define LONGEST_HOST 253

/* ------------------------------------------------------------------------------------------- guesses */

static bool is_port(const char *text)
{
    size_t size = strlen(text);
    return size > 0 && size <= 5 && strspn(text, DIGITS) == size && atoi(text) <= UINT16_MAX;
}

static bool join(char *buffer, size_t size, const char *first, const char *second, const char *third, const char *last)
{
    int length = snprintf(buffer, size, "%s%s%s%s", first, second, third, last);
    return length > 0 && (size_t)length < size;
}

/* `host` as it stands in an endpoint, in brackets if need be. */
static bool guess_tcp(
    enum bi_endpoint_direction direction, const char *host, const char *port, char *buffer, size_t size)
{
    struct bight_address address;
    char literal[BIGHT_ADDRESS_TEXT_SIZE];
    size_t length = strlen(host);
    if (direction == BI_ENDPOINT_CONNECT) {
        return join(buffer, size, "tcp:", host, ":", port);
    }
    bool in_brackets = length >= 2 && host[0] == '[' && host[length - 1] == ']';
    snprintf(literal, sizeof literal, "%.*s", (int)(in_brackets ? length - 2 : length), host + in_brackets);
    if (strcasecmp(host, "localhost") == 0) {
        return join(buffer, size, "tcp:", port, ":interface=", "127.0.0.1");
    }
    if (bight_address_parse_ip(&address, literal, 0) == 0) {
        return join(buffer, size, "tcp:", port, ":interface=", host);
    }
    return join(buffer, size, "tcp:", port, "", "");
}

/* "::1:80", of which only the last colon is not the address's. */
static bool guess_brackets(const char *text, enum bi_endpoint_direction direction, char *buffer, size_t size)
{
    struct bight_address address;
    char host[BIGHT_ADDRESS_TEXT_SIZE], bare[BIGHT_ADDRESS_TEXT_SIZE];
    const char *last = strrchr(text, ':');
    if (last == NULL || (size_t)(last - text) >= sizeof bare - 2 || !is_port(last + 1)) {
        return false;
    }
    snprintf(bare, sizeof bare, "%.*s", (int)(last - text), text);
    if (bight_address_parse_ip(&address, bare, 0) != 0 || address.family != BIGHT_ADDRESS_IPV6) {
        return false;
    }
    snprintf(host, sizeof host, "[%.*s]", (int)(last - text), text);
    return guess_tcp(direction, host, last + 1, buffer, size);
}

/* "localhost:80", "host.example:80", "[::1]:80". A word alone is more likely meant as a type: in place of "tls:443" no
 * user is advised to write "tcp:443". */
static bool guess_host(const char *text, enum bi_endpoint_direction direction, char *buffer, size_t size)
{
    static const char of_hosts[] = DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._[]:";
    char host[LONGEST_HOST + 1];
    const char *last = strrchr(text, ':');
    bool has_brackets = text[0] == '[' && last != NULL && last > text && last[-1] == ']';
    if (last == NULL || last == text || (size_t)(last - text) >= sizeof host || !is_port(last + 1)) {
        return false;
    }
    snprintf(host, sizeof host, "%.*s", (int)(last - text), text);
    bool is_host = has_brackets || strchr(host, '.') != NULL || strcasecmp(host, "localhost") == 0;
    if (!is_host || host[strspn(host, of_hosts)] != '\0' || (strchr(host, ':') != NULL && !has_brackets)) {
        return false;
    }
    return guess_tcp(direction, host, last + 1, buffer, size);
}

/* "tcp:80:interface=::1" */
static bool guess_value_in_brackets(const char *text, char *buffer, size_t size)
{
    struct bight_address address;
    const char *value = strrchr(text, '=');
    if (value == NULL || bight_address_parse_ip(&address, value + 1, 0) != 0 || address.family != BIGHT_ADDRESS_IPV6) {
        return false;
    }
    int length = snprintf(buffer, size, "%.*s[%s]", (int)(value + 1 - text), text, value + 1);
    return length > 0 && (size_t)length < size;
}

static bool guess_path(const char *text, char *buffer, size_t size)
{
    char quoted[LONGEST_SHOWN];
    size_t begin = strspn(text, ".");
    if (begin > 2 || text[begin] != '/' || bight_endpoint_quote(text, quoted, sizeof quoted) >= sizeof quoted) {
        return false;
    }
    return join(buffer, size, "unix:", quoted, "", "");
}

bool bi_endpoint_guess(const char *string, enum bi_endpoint_direction direction, char *buffer, size_t size)
{
    if (strncasecmp(string, "tcp:", 4) == 0) {
        return guess_brackets(string + 4, direction, buffer, size) || guess_value_in_brackets(string, buffer, size);
    }
    if (is_port(string)) {
        bool listens = direction == BI_ENDPOINT_LISTEN;
        return join(buffer, size, "tcp:", listens ? "" : "localhost:", string, "");
    }
    return guess_path(string, buffer, size) || guess_brackets(string, direction, buffer, size) ||
           guess_host(string, direction, buffer, size);
}

/* ------------------------------------------------------------------------------------- what was tried */

/* What goes wrong with every endpoint alike. */
static bool needs_no_endpoint(const struct bight_failure *failure)
{
    return bight_failure_is(failure, BIGHT_E_USAGE) || bight_failure_is(failure, BIGHT_E_CANCELLED) ||
           bight_failure_is(failure, BIGHT_E_OUT_OF_MEMORY);
}

struct bight_failure *bi_endpoint_tried(
    enum bi_endpoint_direction direction, const char *string, struct bight_failure *failure)
{
    char instead[LONGEST_SHOWN + 32] = "", shown[LONGEST_SHOWN + 1];
    if (needs_no_endpoint(failure)) {
        return failure;
    }
    string = string == NULL ? "" : string;
    bool is_wrong = bight_failure_is(failure, BIGHT_E_SYNTAX);
    bool has_guess = is_wrong && bi_endpoint_guess(string, direction, instead, sizeof instead);
    bool is_cut = bi_endpoint_conceal(string, direction, shown, sizeof shown) >= sizeof shown;
    struct bight_failure *told =
        bight_failure_new_at(bight_failure_place(failure), bight_failure_code(failure), bight_failure_errno(failure),
            NULL, "cannot %s \"%s%s\": %s%s%s", direction == BI_ENDPOINT_LISTEN ? "listen on" : "connect to", shown,
            is_cut ? "..." : "", bight_failure_message(failure), has_guess ? "; write " : "", has_guess ? instead : "");
    if (bight_failure_is(told, BIGHT_E_OUT_OF_MEMORY)) {
        return failure; /* it says more */
    }
    bight_failure_release(failure);
    return told;
}

struct bight_deferred *bi_endpoint_tell_tried(
    enum bi_endpoint_direction direction, const char *string, struct bight_deferred *deferred)
{
    struct bight_result *result = bight_deferred_result(deferred);
    const struct bight_failure *failure = result == NULL ? NULL : bight_result_failure(result);
    if (failure == NULL || needs_no_endpoint(failure)) {
        return deferred;
    }
    struct bight_failure *told = bi_endpoint_tried(direction, string, bight_result_take_failure(result));
    bight_deferred_release(deferred);
    return bight_fail_at(bight_failure_place(told), told);
}
