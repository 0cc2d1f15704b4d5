/* SPDX-License-Identifier: MIT */
/* runner.h - what the files of the runner share. */
#ifndef BIGHT_APPS_RUNNER_H
#define BIGHT_APPS_RUNNER_H

#include <bight/sys/service.h>

#include "complain.h"

/* What every command of the runner takes, and what a service was told. */
struct runner_command {
    const struct bight_service *service; /* NULL: `connect` */
    struct bight_service_value *values;  /* as many as the service has options */
    double drain_seconds;                /* 0: the default */
    bool wants_help;
    bool shows_session; /* `connect`: what TLS has agreed on is told */
    char **endpoints;
    int endpoint_count;
};

/* options.c: fills the command from what follows the service's name. 0, or the status to exit with, and then the
 * complaint has been printed. Free what it holds with runner_command_finish in any case. */
int runner_read_options(struct runner_command *command, int argc, char **argv);
void runner_command_finish(struct runner_command *command);
/* "debug" and so on. 0, or the status to exit with. */
int runner_set_log_level(const char *name);

/* help.c */
void runner_print_usage(void);
void runner_print_service_help(const struct bight_service *service);
void runner_print_connect_help(void);
void runner_print_certificate_help(void);
void runner_print_password_help(void);
void runner_print_version(void);
/* get_options.c, ws_options.c */
void get_print_help(void);
void ws_print_help(void);

/* services.c: what the runner brings along. 0 or a code. */
int runner_register_services(void);
int runner_register_http_services(void);
int runner_register_web_service(void);
int runner_register_chatroom(void);

/* urls.c: prints the URLs of a port, at a terminal. */
void runner_print_urls(struct bight_port *port, const char *scheme, bool is_secure);

/* serve.c, connect.c: do it, and return the exit status. */
int runner_serve(const struct runner_command *command);
int runner_connect(const struct runner_command *command);
/* certificate.c: makes one for the names. */
int runner_make_certificate(int count, char **names);
/* get.c: fetches URLs. */
int runner_get(int count, char **words);
/* ws.c: talks to a WebSocket. */
int runner_ws(int count, char **words);
/* password.c: asks for one, and prints the line of a file of users. */
int runner_print_password(int count, char **words);

#endif
