/* SPDX-License-Identifier: MIT */
/* complain.h - the programs' messages to their user: a line on standard error, "bight: ...". */
#ifndef BIGHT_APPS_COMPLAIN_H
#define BIGHT_APPS_COMPLAIN_H

#include <bight/failure.h>
#include <bight/port.h>

/* Something is wrong, and not with the program. Returns EX_USAGE. */
int complain(const char *format, ...) BIGHT_PRINTF(1, 2);

/* The failure's description. Returns its sysexits status. */
int complain_of(const struct bight_failure *failure);

/* Of a word that is none of those that are known: "unknown WHAT "WORD"; did you mean "NEAREST"?", or where they are
 * listed when none is near. Returns EX_USAGE. */
int complain_of_unknown(const char *what, const char *word, const char *nearest, const char *listed);

/* "listening on ADDRESS", at a terminal; not printed when the log level shows it. */
void announce(struct bight_port *port);

#endif
