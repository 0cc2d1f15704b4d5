/* SPDX-License-Identifier: MIT */
/* signal.c - signals by their names, and back.
 *
 * The C library has such a list only in its newer versions, and not everywhere. Sending a signal is in process.c. The
 * real-time signals have no names of their own and are left out. */
#include <signal.h>
#include <string.h>
#include <strings.h>

#include "process/process.h"

#define NAMED(name)            \
    {                          \
        SIG##name, "SIG" #name \
    }

static const struct {
    int number;
    const char *name;
} names[] = {
    NAMED(HUP),
    NAMED(INT),
    NAMED(QUIT),
    NAMED(ILL),
    NAMED(TRAP),
    NAMED(ABRT),
    NAMED(BUS),
    NAMED(FPE),
    NAMED(KILL),
    NAMED(USR1),
    NAMED(SEGV),
    NAMED(USR2),
    NAMED(PIPE),
    NAMED(ALRM),
    NAMED(TERM),
    NAMED(CHLD),
    NAMED(CONT),
    NAMED(STOP),
    NAMED(TSTP),
    NAMED(TTIN),
    NAMED(TTOU),
    NAMED(URG),
    NAMED(XCPU),
    NAMED(XFSZ),
    NAMED(VTALRM),
    NAMED(PROF),
    NAMED(WINCH),
    NAMED(IO),
    NAMED(SYS),
#ifdef SIGPWR
    NAMED(PWR),
#endif
#ifdef SIGSTKFLT
    NAMED(STKFLT),
#endif
};
enum { NAMES = sizeof names / sizeof names[0] };

int bight_signal_number(const char *name)
{
    for (size_t i = 0; name != NULL && i < NAMES; i++) {
        if (strcasecmp(name, names[i].name) == 0 || strcasecmp(name, names[i].name + strlen("SIG")) == 0) {
            return names[i].number;
        }
    }
    return 0;
}

const char *bight_signal_name(int number)
{
    for (size_t i = 0; i < NAMES; i++) {
        if (names[i].number == number) {
            return names[i].name;
        }
    }
    return NULL;
}
