/* SPDX-License-Identifier: MIT */
/* command.c - an endpoint type of one's own: "command:WORDS" connects to what a command of the shell reads and writes.
 * The proxy over it is a service like inetd's: whoever connects has a program of his own.
 *
 * Usage: command ENDPOINT ENDPOINT, as in command tcp:1079 'command:sort -n' */
#include <bight/process.h>
#include <bight/sys/endpoint.h>

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy.h"

static void ended(struct bight_process_protocol *child, const struct bight_failure *reason)
{
    (void)reason;
    bight_free(child);
}

static const struct bight_process_protocol_ops child_ops = { .process_ended = ended };

/* Starts the command with `end` as its input and output. NULL, or why it does not run. */
static struct bight_failure *start(struct bight_reactor *reactor, const struct bight_argument *arguments, int end)
{
    const char *const argv[] = { "sh", "-c", arguments[0].text, NULL };
    const struct bight_child_descriptor descriptors[] = {
        { 0, BIGHT_CHILD_INHERIT, end },
        { 1, BIGHT_CHILD_INHERIT, end },
        { 2, BIGHT_CHILD_INHERIT, STDERR_FILENO },
    };
    struct bight_process_options options = {
        .size = sizeof options,
        .argv = argv,
        .directory = arguments[1].text,
        .descriptors = descriptors,
        .descriptor_count = 3,
    };
    struct bight_failure *failure = NULL;
    struct bight_process_protocol *child = bight_calloc(1, sizeof *child);
    if (child == NULL) {
        return bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
    }
    child->ops = &child_ops;
    if (bight_spawn_process(reactor, child, &options, &failure) != 0) {
        bight_free(child);
    }
    return failure;
}

static struct bight_deferred *run(
    struct bight_reactor *reactor, const struct bight_argument *arguments, struct bight_factory *factory)
{
    int ends[2];
    struct bight_protocol *protocol;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return bight_fail(bight_failure_from_errno(errno, "socketpair"));
    }
    struct bight_failure *failure = start(reactor, arguments, ends[1]);
    close(ends[1]);
    int code = failure == NULL ? bight_adopt_connection(reactor, ends[0], factory, &protocol) : 0;
    if (failure != NULL || code != 0) {
        close(ends[0]);
        return bight_fail(failure != NULL ? failure : bight_failure_of(code));
    }
    return bight_succeed(&bight_type_protocol, protocol);
}

static const struct bight_argument_rule rules[] = {
    { .name = "words", .kind = BIGHT_ARGUMENT_TEXT, .positional = true, .required = true },
    { .name = "directory", .kind = BIGHT_ARGUMENT_TEXT },
    { .name = NULL },
};
static const struct bight_endpoint_type command = {
    .name = "command", .help = "command:WORDS[:directory=PATH]", .rules = rules, .connect = run
};

int main(int argc, char **argv)
{
    if (argc != 3 || bight_endpoint_register(&command) != 0) {
        fprintf(stderr, "usage: command ENDPOINT ENDPOINT\n");
        return 64;
    }
    struct bight_reactor *reactor = bight_reactor_new();
    proxy_factory.context = argv[2];
    bight_serve(reactor, argv[1], &proxy_factory);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}
