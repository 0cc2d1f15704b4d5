/* SPDX-License-Identifier: MIT */
/* help.c - what the runner says about itself.
 *
 * The services tell their own part: name, summary, options and examples come from the registry, so a service that a
 * user's library registered is shown as the built-in ones are. */
#include "runner.h"

#include <bight/version.h>

#include <stdio.h>
#include <string.h>

enum { NAME_WIDTH = 20 };

void runner_print_version(void)
{
    printf("bight %s\n%s", bight_version(), bight_features());
}

void runner_print_usage(void)
{
    const struct bight_service *service;
    puts("Usage: bight [--log-level LEVEL] SERVICE [OPTIONS] ENDPOINT ...\n"
         "       bight connect ENDPOINT\n"
         "       bight get [OPTIONS] URL ...\n"
         "       bight ws [OPTIONS] URL\n"
         "       bight certificate NAME ...\n"
         "       bight password USER\n"
         "       bight help [SERVICE]\n"
         "\n"
         "Serves on the endpoints until it is told to stop, connects standard input and\n"
         "output to one, fetches URLs, or talks to a WebSocket.\n"
         "\n"
         "Services:");
    for (size_t cursor = 0; (service = bight_service_next(&cursor)) != NULL;) {
        printf("  %-*s  %s\n", NAME_WIDTH, service->name, service->summary);
    }
    puts("\n"
         "Options:\n"
         "  --log-level LEVEL     debug, info, warning (the default), error or critical\n"
         "  -h, --help            this text; after a service's name: its own\n"
         "  -V, --version         the version, and of the libraries that it runs on\n"
         "\n"
         "Endpoints to serve on:  tcp:PORT[:interface=HOST][:maxconn=N]  tcp6:PORT\n"
         "                        unix:PATH[:mode=660]  fd:N  tls:PORT:cert=FILE\n"
         "                        secure:cert=FILE:ENDPOINT\n"
         "Endpoints to connect to:  tcp:HOST:PORT[:timeout=SECONDS]  unix:PATH\n"
         "                        tls:HOST:PORT[:ca=FILE][:verify=no]\n"
         "\n"
         "Examples:\n"
         "  bight echo tcp:1234\n"
         "  bight chat --help\n"
         "  bight connect tcp:localhost:1234");
}

static void print_option(const struct bight_service_option *option)
{
    char name[64];
    bool has_value = option->value_name != NULL;
    snprintf(name, sizeof name, "--%s%s%s", option->name, has_value ? " " : "", has_value ? option->value_name : "");
    printf("  %-*s  %s", NAME_WIDTH, name, option->help);
    if (option->default_text != NULL) {
        printf(" (%s)", option->default_text);
    }
    putchar('\n');
}

/* Each line of the text, indented. */
static void print_examples(const char *text)
{
    puts("\nExamples:");
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        printf("  %.*s\n", (int)size, text);
        text += size + (text[size] == '\n');
    }
}

void runner_print_service_help(const struct bight_service *service)
{
    const char *fallback = service->default_endpoint;
    printf("Usage: bight %s [OPTIONS] %s\n\n%s", service->name, fallback == NULL ? "ENDPOINT ..." : "[ENDPOINT ...]",
        service->summary);
    if (fallback != NULL) {
        printf("\nServes on %s unless told otherwise.", fallback);
    }
    puts("\n\nOptions:");
    for (const struct bight_service_option *each = service->options; each != NULL && each->name != NULL; each++) {
        print_option(each);
    }
    puts("  --keylog FILE         append the keys of TLS sessions to it, for Wireshark\n"
         "  --drain SECONDS       how long open connections may go on after SIGTERM (10)\n"
         "  --log-level LEVEL     info tells where it listens, debug of every connection\n"
         "  -h, --help            this text\n"
         "\n"
         "An endpoint of TCP takes maxconn=N, the most connections that are open at once, and\n"
         "interface=HOST; without one it serves on all addresses.");
    if (service->examples != NULL) {
        print_examples(service->examples);
    }
}

void runner_print_connect_help(void)
{
    puts("Usage: bight connect [--show] [--keylog FILE] [--log-level LEVEL] ENDPOINT\n"
         "\n"
         "Sends standard input to a connection and writes what comes back to standard\n"
         "output. The end of the input shuts the connection's writing side; the end of what\n"
         "the peer sends ends the output. It exits when both have ended, and at a terminal\n"
         "as soon as the peer has.\n"
         "\n"
         "Options:\n"
         "  --show                tell the version, cipher and protocol of TLS, and if the\n"
         "                        peer is verified\n"
         "  --keylog FILE         append the keys of TLS sessions to it, for Wireshark\n"
         "\n"
         "Examples:\n"
         "  bight connect tcp:localhost:1234\n"
         "  bight connect unix:/run/echo < question > answer\n"
         "  bight connect tcp:example.org:80:timeout=5\n"
         "  bight connect --show tls:example.org:443 < /dev/null");
}

void runner_print_certificate_help(void)
{
    puts("Usage: bight certificate NAME ...\n"
         "\n"
         "Makes a private key and a certificate for these host names or addresses, which has\n"
         "signed itself: for trying things out. Writes both to NAME.pem of the first one, which\n"
         "only its owner may read, and which must not exist.\n"
         "\n"
         "Examples:\n"
         "  bight certificate localhost 127.0.0.1\n"
         "  bight echo tls:4433:cert=localhost.pem\n"
         "  bight connect tls:localhost:4433:ca=localhost.pem");
}

void runner_print_password_help(void)
{
    puts("Usage: bight password USER\n"
         "\n"
         "Asks for a password, or reads it from the first line of standard input, and prints\n"
         "USER and the password's hash (scrypt): a line of the file of users that sites check\n"
         "passwords against.\n"
         "\n"
         "Examples:\n"
         "  bight password ada >> users\n"
         "  pwgen 20 1 | tee secret | bight password ada >> users");
}
