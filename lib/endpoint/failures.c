/* SPDX-License-Identifier: MIT */
/* failures.c - what the errno of listening, and that of an attempt to connect, become.
 *
 * One errno means different things to the two: EADDRNOTAVAIL of bind(2) is a wrong address, of connect(2) mostly that
 * no port is left; EACCES is a privilege that is missing, or a firewall. So each has its own reading, and a code of
 * neither's kind, CONNECT or LISTEN, becomes the kind itself: a caller that retries tests for that. What the machine is
 * short of, and what is unexpected, keeps the code that it has everywhere. */
#include "endpoint/failures.h"

#include <errno.h>

#include "base/errno_text.h"

static int code_of_kind(int number, int kind)
{
    int code = bight_error_from_errno(number);
    bool is_common = bight_error_is(code, BIGHT_E_SYSTEM) || bight_error_is(code, BIGHT_E_OUT_OF_MEMORY);
    return is_common || bight_error_is(code, kind) ? code : kind;
}

/* ------------------------------------------------------------------------------------------- listening */

/* Of a path the system's words are too general: which file or directory is it that is not there? */
static const char *words_of_path(int number)
{
    switch (number) {
    case ENOENT:
        return "there is no such directory";
    case ENOTDIR:
        return "a part of the path is no directory";
    case ENOTSOCK:
        return "it exists and is no socket";
    case EROFS:
        return "the file system is read-only";
    default:
        return NULL;
    }
}

struct bight_failure *bi_listen_failure(int number, bool is_path)
{
    const char *words = is_path ? words_of_path(number) : NULL;
    int code = number == ENOTSOCK ? BIGHT_E_ADDRESS_IN_USE : code_of_kind(number, BIGHT_E_LISTEN);
    if (words != NULL) {
        return bight_failure_new(code == BIGHT_E_SYSTEM ? BIGHT_E_LISTEN : code, number, NULL, "%s", words);
    }
    if (code == BIGHT_E_SYSTEM) {
        return bight_failure_from_errno(number, "listening");
    }
    return bight_failure_new(code, number, NULL, NULL);
}

/* ------------------------------------------------------------------------------------------ connecting */

static int connect_code(
    struct bight_reactor *reactor, const struct bight_address *address, const struct bight_address *bind, int number)
{
    switch (number) {
    case ENOENT:
        return BIGHT_E_NO_SUCH_SOCKET;
    case EAFNOSUPPORT:
        return BIGHT_E_NO_LOCAL_ADDRESS;
    case EADDRNOTAVAIL:
    case EADDRINUSE:
        return bi_connector_has_source(reactor, address, bind) ? BIGHT_E_NO_LOCAL_PORT : BIGHT_E_NO_LOCAL_ADDRESS;
    case EACCES:
    case EPERM:
        return BIGHT_E_CONNECT; /* most often a firewall's word, and no reason to ask for permission */
    default:
        return code_of_kind(number, BIGHT_E_CONNECT);
    }
}

/* In a few words, behind an address; of the rest the code's own, or the system's where the code says no more than that
 * it failed. */
static const char *reason_of(int code, int number, char words[BI_ERRNO_TEXT_SIZE])
{
    switch (code) {
    case BIGHT_E_CONNECTION_REFUSED:
        return "refused";
    case BIGHT_E_UNREACHABLE:
        return "unreachable";
    case BIGHT_E_CONNECT_TIMED_OUT:
        return "no answer";
    case BIGHT_E_CONNECT:
    case BIGHT_E_SYSTEM:
        return bi_errno_text(number, words);
    default:
        return bight_error_text(code);
    }
}

struct bight_failure *bi_connect_failure(
    struct bight_reactor *reactor, const struct bight_address *address, const struct bight_address *bind, int number)
{
    char text[BIGHT_ADDRESS_TEXT_SIZE], words[BI_ERRNO_TEXT_SIZE];
    int code = connect_code(reactor, address, bind, number);
    bight_address_format(address, text, sizeof text);
    return bight_failure_new(code, number, NULL, "%s: %s", text, reason_of(code, number, words));
}
