/* SPDX-License-Identifier: MIT */
/* error.c - names, texts and parents of the error codes, and what they are outside of bight.
 *
 * Everything about a code is made from BIGHT_ERROR_LIST; nothing here holds state or allocates. Failures,
 * which carry a code with a message and causes, are in failure.c. The one idea: a code's place in the list is
 * found by a switch that the list itself writes, so that a gap in the numbers costs nothing. */
#include <bight/error.h>

#include <errno.h>
#include <sysexits.h>

#include "base/error_index.h"

struct error_entry {
    int parent;
    const char *name, *text;
};

static const struct error_entry entries[BI_ERROR_COUNT] = {
#define ENTRY(name, value, parent, text) { BIGHT_E_##parent, #name, text },
    BIGHT_ERROR_LIST(ENTRY)
#undef ENTRY
};

int bi_error_index(int code)
{
    switch (code) {
#define CASE(name, value, parent, text) \
    case value:                         \
        return BI_ERROR_INDEX_##name;
        BIGHT_ERROR_LIST(CASE)
#undef CASE
    default:
        return -1;
    }
}

const char *bight_error_name(int code)
{
    int index = bi_error_index(code);
    return index < 0 ? "UNKNOWN" : entries[index].name;
}

const char *bight_error_text(int code)
{
    int index = bi_error_index(code);
    return index < 0 ? "unknown error" : entries[index].text;
}

bool bight_error_is(int code, int kind)
{
    for (;;) {
        if (code == kind) {
            return true;
        }
        int index = bi_error_index(code);
        if (index < 0 || entries[index].parent == code) {
            return false;
        }
        code = entries[index].parent;
    }
}

int bight_error_from_errno(int number)
{
    switch (number) {
    case 0:
        return BIGHT_OK;
    case ECONNREFUSED:
        return BIGHT_E_CONNECTION_REFUSED;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
        return BIGHT_E_UNREACHABLE;
    case ETIMEDOUT: /* on an established connection the transport says CONNECTION_LOST */
        return BIGHT_E_CONNECT_TIMED_OUT;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
        return BIGHT_E_CONNECTION_LOST;
    case EADDRINUSE:
        return BIGHT_E_ADDRESS_IN_USE;
    case EADDRNOTAVAIL:
        return BIGHT_E_ADDRESS_NOT_AVAILABLE;
    case EACCES:
    case EPERM:
        return BIGHT_E_PERMISSION_DENIED;
    case EMFILE:
    case ENFILE:
        return BIGHT_E_TOO_MANY_FILES;
    case ENOMEM:
    case ENOBUFS:
        return BIGHT_E_OUT_OF_MEMORY;
    case ECANCELED:
        return BIGHT_E_CANCELLED;
    default:
        return BIGHT_E_SYSTEM;
    }
}

/* The nearest of a code and its parents decides. */
int bight_error_exit_status(int code)
{
    static const struct {
        int kind, status;
    } statuses[] = {
        { BIGHT_OK, EX_OK },
        { BIGHT_E_NAME_NOT_FOUND, EX_NOHOST },
        { BIGHT_E_NAME_UNAVAILABLE, EX_TEMPFAIL },
        { BIGHT_E_PERMISSION_DENIED, EX_NOPERM },
        { BIGHT_E_TOO_LONG, EX_PROTOCOL },
        { BIGHT_E_CANCELLED, EX_TEMPFAIL },
        { BIGHT_E_CONNECTION, EX_UNAVAILABLE },
        { BIGHT_E_CONNECT, EX_UNAVAILABLE },
        { BIGHT_E_LISTEN, EX_UNAVAILABLE },
        { BIGHT_E_TIMED_OUT, EX_TEMPFAIL },
        { BIGHT_E_LIMIT, EX_UNAVAILABLE },
        { BIGHT_E_OUT_OF_MEMORY, EX_OSERR },
        { BIGHT_E_LOCKED, EX_TEMPFAIL },
        { BIGHT_E_SYSTEM, EX_OSERR },
        { BIGHT_E_SYNTAX, EX_USAGE },
        { BIGHT_E_COMPOUND, EX_UNAVAILABLE },
        { BIGHT_E_UNUSABLE_CERTIFICATE, EX_CONFIG },
        { BIGHT_E_CONFIGURATION, EX_CONFIG },
        { BIGHT_E_TLS, EX_PROTOCOL },
        { BIGHT_E_PROCESS, EX_UNAVAILABLE },
        { BIGHT_E_BUSY, EX_UNAVAILABLE },
        { BIGHT_E_HTTP_STATUS, EX_UNAVAILABLE },
    };
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (bight_error_is(code, statuses[i].kind)) {
            return statuses[i].status;
        }
    }
    return EX_SOFTWARE;
}
