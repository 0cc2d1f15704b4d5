/* SPDX-License-Identifier: MIT */
/* ws.h - what the files of `bight ws` share. */
#ifndef BIGHT_APPS_WS_H
#define BIGHT_APPS_WS_H

#include "runner.h"

/* What the command line says. */
struct ws_options {
    const char *url, *origin;
    const char **subprotocols, **headers; /* ended by NULL */
    size_t subprotocol_count, header_count;
    double wait; /* seconds, also INFINITY, from the end of the input until it is closed */
    bool is_binary, is_quiet, wants_help;
};

/* ws_options.c: 0, or the status to exit with, and then the complaint has been printed. */
int ws_read_options(struct ws_options *options, int count, char **words);
void ws_finish_options(struct ws_options *options);

#endif
