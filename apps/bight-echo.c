/* SPDX-License-Identifier: MIT */
/* bight-echo - gives back what it is sent.
 *
 * The protocol is the one function `echo`; everything else here is the command line. `bight echo` does the same within
 * the runner. This program is also what speed is measured with, so it has nothing in the way of a message. */
#include <bight/bight.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static void echo(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    bight_transport_write(p->transport, data, size);
}

static const struct bight_protocol_ops echo_ops = { .data_received = echo };
static struct bight_factory echo_factory = BIGHT_FACTORY(struct bight_protocol, &echo_ops);

static const char usage[] = "Usage: bight-echo [--log-level LEVEL] [ENDPOINT ...]\n"
                            "\n"
                            "Gives back whatever is sent to it. Listens on tcp:1234 unless told otherwise; a\n"
                            "bare number is a TCP port.\n"
                            "\n"
                            "      --log-level LEVEL  debug, info, warning (the default), error or critical;\n"
                            "                         info tells where it listens\n"
                            "      --help             this text\n"
                            "      --version          the version\n"
                            "\n"
                            "  bight-echo tcp:1234:interface=127.0.0.1 unix:/run/echo\n";

/* "1234" as "tcp:1234"; anything else as it is. 0 or a code. */
static int serve(struct bight_reactor *reactor, const char *endpoint)
{
    char tcp[64];
    size_t size = strlen(endpoint);
    if (size > 0 && size < sizeof tcp - 4 && strspn(endpoint, "0123456789") == size) {
        snprintf(tcp, sizeof tcp, "tcp:%s", endpoint);
        endpoint = tcp;
    }
    return bight_serve(reactor, endpoint, &echo_factory);
}

static int complain(const char *what, const char *about)
{
    fprintf(stderr, "bight-echo: %s%s (--help tells more)\n", what, about);
    return EX_USAGE;
}

static int set_log_level(const char *name)
{
    int level = name == NULL ? 0 : bight_log_level_from_name(name);
    if (level == 0) {
        return complain("--log-level is debug, info, warning, error or critical", "");
    }
    bight_log_set_level((enum bight_log_level)level);
    return 0;
}

/* Takes the options out of argv. Gives -1 to go on, or the status to exit with. */
static int read_options(int *argc, char **argv)
{
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return fputs(usage, stdout) < 0;
        } else if (strcmp(argv[i], "--version") == 0) {
            return printf("bight-echo %s\n", bight_version()) < 0;
        } else if (strncmp(argv[i], "--log-level", 11) == 0 && (argv[i][11] == '=' || argv[i][11] == '\0')) {
            const char *name = argv[i][11] == '=' ? argv[i] + 12 : argv[++i < *argc ? i : *argc];
            if (set_log_level(name) != 0) {
                return EX_USAGE;
            }
        } else if (argv[i][0] == '-') {
            return complain("unknown option ", argv[i]);
        } else {
            argv[kept++] = argv[i];
        }
    }
    argv[kept] = NULL;
    *argc = kept;
    return -1;
}

int main(int argc, char **argv)
{
    int status = read_options(&argc, argv);
    if (status >= 0) {
        return status;
    }
    struct bight_reactor *reactor = bight_reactor_new();
    if (reactor == NULL) {
        return EX_OSERR;
    }
    int code = argc == 1 ? serve(reactor, "tcp:1234") : 0;
    for (int i = 1; i < argc && code == 0; i++) {
        code = serve(reactor, argv[i]);
    }
    status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}
