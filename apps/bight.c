/* SPDX-License-Identifier: MIT */
/* bight - runs a service from the command line, or connects to one.
 *
 * Only the first words are dealt with here: options of the runner itself, and which command it is. What a command's
 * options mean is in options.c, the texts in help.c, the work in serve.c and connect.c. Nothing is printed on success
 * that was not asked for. */
#include <bight/bight.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "runner.h"

/* Not of the registry's services only: what stands in a service's place. */
static int unknown_service(const char *name)
{
    static const char *const commands[] = { "connect", "certificate", "get", "password", "ws", "help" };
    const char *nearest = bight_service_suggest(name);
    if (strchr(name, ':') != NULL) {
        return complain("which service shall there be on \"%s\"? (bight --help lists them)", name);
    }
    if (nearest == NULL) {
        nearest = bight_suggest(name, commands, sizeof commands / sizeof commands[0]);
    }
    return complain_of_unknown("service", name, nearest, "bight --help");
}

static void print_help(const struct bight_service *service)
{
    if (service == NULL) {
        runner_print_connect_help();
    } else {
        runner_print_service_help(service);
    }
}

/* `bight help`, `bight help SERVICE` */
static int help(const char *name)
{
    if (name == NULL) {
        runner_print_usage();
        return 0;
    }
    if (strcmp(name, "certificate") == 0) {
        runner_print_certificate_help();
        return 0;
    }
    if (strcmp(name, "password") == 0) {
        runner_print_password_help();
        return 0;
    }
    if (strcmp(name, "get") == 0) {
        get_print_help();
        return 0;
    }
    if (strcmp(name, "ws") == 0) {
        ws_print_help();
        return 0;
    }
    const struct bight_service *service = bight_service_find(name);
    if (service == NULL && strcmp(name, "connect") != 0) {
        return unknown_service(name);
    }
    print_help(service);
    return 0;
}

/* `bight certificate NAME ...`, `bight password USER`: what takes names, and no options but one. */
static int run_with_names(const char *command, int (*run)(int count, char **names), int count, char **words)
{
    if (count > 0 && (strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0)) {
        return help(command);
    }
    if (count > 0 && words[0][0] == '-') {
        return complain("%s takes names, no options", command);
    }
    return run(count, words);
}

static int run_command(int argc, char **argv)
{
    struct runner_command command = { .service = bight_service_find(argv[0]) };
    bool connects = strcmp(argv[0], "connect") == 0;
    if (strcmp(argv[0], "help") == 0) {
        return help(argv[1]);
    }
    if (strcmp(argv[0], "certificate") == 0) {
        return run_with_names("certificate", runner_make_certificate, argc - 1, argv + 1);
    }
    if (strcmp(argv[0], "get") == 0) {
        return runner_get(argc - 1, argv + 1);
    }
    if (strcmp(argv[0], "ws") == 0) {
        return runner_ws(argc - 1, argv + 1);
    }
    if (strcmp(argv[0], "password") == 0) {
        return run_with_names("password", runner_print_password, argc - 1, argv + 1);
    }
    if (command.service == NULL && !connects) {
        return unknown_service(argv[0]);
    }
    int status = runner_read_options(&command, argc - 1, argv + 1);
    if (status == 0 && command.wants_help) {
        print_help(command.service);
    } else if (status == 0) {
        status = connects ? runner_connect(&command) : runner_serve(&command);
    }
    runner_command_finish(&command);
    return status;
}

/* Options before the service's name. Returns how many words they were, or -1 with *status set. */
static int read_global_options(int argc, char **argv, int *status)
{
    static const char *const options[] = { "--help", "--version", "--log-level" };
    int at = 1;
    *status = 0;
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
            runner_print_usage();
            return -1;
        } else if (strcmp(argv[at], "--version") == 0 || strcmp(argv[at], "-V") == 0) {
            runner_print_version();
            return -1;
        } else if (strncmp(argv[at], "--log-level=", 12) == 0) {
            *status = runner_set_log_level(argv[at] + 12);
        } else if (strcmp(argv[at], "--log-level") == 0) {
            at++;
            *status = runner_set_log_level(at < argc ? argv[at] : NULL);
        } else {
            argv[at][strcspn(argv[at], "=")] = '\0';
            *status = complain_of_unknown("option", argv[at], bight_suggest(argv[at], options, 3), "bight --help");
        }
        if (*status != 0) {
            return -1;
        }
    }
    return at;
}

static int run(int argc, char **argv)
{
    int status;
    int at = read_global_options(argc, argv, &status);
    if (at < 0) {
        return status;
    }
    if (at >= argc) {
        return complain("which service? (bight --help lists them)");
    }
    return run_command(argc - at, argv + at);
}

/* One that was closed is as if it had been /dev/null: an input at its end, an output that is not read. */
static void open_standard_descriptors(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO) {
        close(fd);
    }
}

int main(int argc, char **argv)
{
    open_standard_descriptors();
    int code = runner_register_services();
    int status = code == 0 ? run(argc, argv) : bight_error_exit_status(code);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return status == 0 ? EX_IOERR : status;
    }
    return status;
}
