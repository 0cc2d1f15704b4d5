/* SPDX-License-Identifier: MIT */
/* bight-echo - sends back what it is sent.
 *
 * The protocol is the one function `echo`; everything else here is the command line. `bight echo` does the same within
 * the runner. This program is also what speed is measured with, so it has nothing in the way of a message. */
#include <bight/bight.h>
#include <bight/sys/service.h>

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "complain.h"

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
                            "  -h, --help             this text\n"
                            "  -V, --version          the version\n"
                            "\n"
                            "  bight-echo tcp:1234:interface=127.0.0.1 unix:/run/echo\n";

static void listening(struct bight_result *result, void *context)
{
    (void)context;
    announce(bight_result_peek(result, &bight_type_port));
}

static void not_listening(struct bight_result *result, void *reactor)
{
    struct bight_failure *failure = bight_result_take_failure(result);
    if (!bight_failure_is(failure, BIGHT_E_SHUTDOWN)) { /* another could not be listened on */
        bight_reactor_fail(reactor, complain_of(failure));
    }
    bight_failure_release(failure);
}

/* "1234" is "tcp:1234"; anything else is as it is. */
static void serve(struct bight_reactor *reactor, const char *endpoint)
{
    char tcp[64];
    size_t size = strlen(endpoint);
    if (size > 0 && size < sizeof tcp - 4 && strspn(endpoint, "0123456789") == size) {
        snprintf(tcp, sizeof tcp, "tcp:%s", endpoint);
        endpoint = tcp;
    }
    struct bight_deferred *port = bight_listen(reactor, endpoint, &echo_factory);
    if (bight_deferred_add_callbacks(port, listening, not_listening, reactor) != 0) {
        bight_reactor_fail(reactor, EX_OSERR);
    }
    bight_deferred_release(port);
}

static int set_log_level(const char *name)
{
    int level = name == NULL ? 0 : bight_log_level_from_name(name);
    if (level == 0) {
        return complain("--log-level is debug, info, warning, error or critical");
    }
    bight_log_set_level((enum bight_log_level)level);
    return 0;
}

static bool is_either(const char *word, const char *name, const char *other)
{
    return strcmp(word, name) == 0 || strcmp(word, other) == 0;
}

/* Takes the options out of argv. Returns -1 to go on, or the status to exit with. */
static int read_options(int *argc, char **argv)
{
    static const char *const options[] = { "--help", "--version", "--log-level" };
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        if (is_either(argv[i], "--help", "-h")) {
            return fputs(usage, stdout) < 0;
        } else if (is_either(argv[i], "--version", "-V")) {
            return printf("bight-echo %s\n", bight_version()) < 0;
        } else if (strncmp(argv[i], "--log-level", 11) == 0 && (argv[i][11] == '=' || argv[i][11] == '\0')) {
            const char *name = argv[i][11] == '=' ? argv[i] + 12 : argv[++i < *argc ? i : *argc];
            if (set_log_level(name) != 0) {
                return EX_USAGE;
            }
        } else if (argv[i][0] == '-') {
            argv[i][strcspn(argv[i], "=")] = '\0';
            return complain_of_unknown("option", argv[i], bight_suggest(argv[i], options, 3), "--help");
        } else {
            argv[kept++] = argv[i];
        }
    }
    argv[kept] = NULL;
    *argc = kept;
    return -1;
}

struct words {
    struct bight_reactor *reactor;
    char **endpoints; /* NULL behind the last */
};

static void begin(void *context)
{
    const struct words *words = context;
    if (words->endpoints[0] == NULL) {
        serve(words->reactor, "tcp:1234");
    }
    for (char **endpoint = words->endpoints; *endpoint != NULL; endpoint++) {
        serve(words->reactor, *endpoint);
    }
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
    struct words words = { reactor, argv + 1 };
    status = EX_OSERR;
    if (bight_call_when_running(reactor, begin, &words) == 0) {
        status = bight_reactor_run(reactor);
    }
    bight_reactor_free(reactor);
    return status;
}
