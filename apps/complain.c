/* SPDX-License-Identifier: MIT */
/* complain.c - the programs' messages to their user.
 *
 * Lines have the form that the log gives to errors of no part of bight but of the program, so that what bight_serve
 * would say looks the same, escaping and debug mode's places included. They are no events of the log: no level may keep
 * a program from saying why it ends. */
#include "complain.h"

#include <bight/address.h>
#include <bight/log.h>

#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

enum { LONGEST_TEXT = 2048, LONGEST_LINE = 4096 };

static void say(const char *text, const struct bight_failure *failure)
{
    const struct bight_log_event event = { .level = BIGHT_LOG_ERROR, .message = text, .failure = failure };
    char line[LONGEST_LINE];
    (void)bight_log_event_format(&event, line, sizeof line);
    fprintf(stderr, "%s\n", line);
}

int complain(const char *format, ...)
{
    char text[LONGEST_TEXT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    say(text, NULL);
    return EX_USAGE;
}

int complain_of(const struct bight_failure *failure)
{
    char text[LONGEST_TEXT];
    (void)bight_failure_describe(failure, text, sizeof text);
    say(text, failure);
    return bight_error_exit_status(bight_failure_code(failure));
}

int complain_of_unknown(const char *what, const char *word, const char *nearest, const char *listed)
{
    if (nearest != NULL) {
        return complain("unknown %s \"%s\"; did you mean \"%s\"?", what, word, nearest);
    }
    return complain("unknown %s \"%s\" (%s lists them)", what, word, listed);
}

void announce(struct bight_port *port)
{
    struct bight_address address;
    char shown[BIGHT_ADDRESS_TEXT_SIZE], text[LONGEST_TEXT];
    bool is_logged = bight_log_get_level() <= BIGHT_LOG_INFO;
    if (is_logged || !isatty(STDERR_FILENO) || bight_port_address(port, &address) != 0) {
        return;
    }
    bight_address_format(&address, shown, sizeof shown);
    snprintf(text, sizeof text, "listening on %s", shown);
    say(text, NULL);
}
