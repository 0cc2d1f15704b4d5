/* SPDX-License-Identifier: MIT */
/* child.c - child processes: one that is talked to, one on a terminal, one that cannot be started.
 *
 *     child WORD... */
#include <bight/bight.h>
#include <bight/process.h>

#include <stdio.h>
#include <string.h>

struct sorter {
    struct bight_process_protocol base;
    struct bight_reactor *reactor;
    char **words;
};

static void run_on_terminal(struct bight_reactor *reactor);

/* ------------------------------------------------------------------------------------ one to talk to */

static void send_words(struct bight_process_protocol *protocol)
{
    struct sorter *sorter = bight_process_self(struct sorter, protocol);
    for (char **word = sorter->words; *word != NULL; word++) {
        bight_process_write(protocol->process, 0, *word, strlen(*word));
        bight_process_write(protocol->process, 0, "\n", 1);
    }
    bight_process_close(protocol->process, 0);
}

static void show(struct bight_process_protocol *protocol, int child_fd, const uint8_t *data, size_t size)
{
    (void)protocol;
    fwrite(data, 1, size, child_fd == 1 ? stdout : stderr);
}

static void sorted(struct bight_process_protocol *protocol, const struct bight_failure *reason)
{
    struct sorter *sorter = bight_process_self(struct sorter, protocol);
    printf("sort: %s\n", bight_failure_message(reason));
    run_on_terminal(sorter->reactor);
}

static const struct bight_process_protocol_ops sorter_ops = {
    .process_made = send_words,
    .child_data_received = show,
    .process_ended = sorted,
};

static int sort(struct sorter *sorter)
{
    const char *const argv[] = { "sort", "-r", NULL };
    struct bight_process_options options = { .size = sizeof options, .argv = argv };
    struct bight_failure *failure;
    sorter->base.ops = &sorter_ops;
    int code = bight_spawn_process(sorter->reactor, &sorter->base, &options, &failure);
    if (code != 0) {
        fprintf(stderr, "%s\n", bight_failure_message(failure));
        bight_failure_release(failure);
    }
    return code;
}

/* -------------------------------------------------------------------------------------- on a terminal */

struct on_terminal {
    struct bight_process_protocol base;
    struct bight_reactor *reactor;
};

static void interrupt(struct bight_process_protocol *protocol, int child_fd, const uint8_t *data, size_t size)
{
    show(protocol, child_fd, data, size);
    bight_process_write(protocol->process, 0, "\003", 1); /* control-C */
}

static void terminal_ended(struct bight_process_protocol *protocol, const struct bight_failure *reason)
{
    struct on_terminal *on_terminal = bight_process_self(struct on_terminal, protocol);
    printf("on the terminal: signal %s\n", bight_signal_name(bight_process_exit_signal(reason)));
    bight_reactor_stop(on_terminal->reactor);
}

static const struct bight_process_protocol_ops terminal_ops = {
    .child_data_received = interrupt,
    .process_ended = terminal_ended,
};

static void run_on_terminal(struct bight_reactor *reactor)
{
    static struct on_terminal child = { .base = BIGHT_PROCESS_PROTOCOL(&terminal_ops) };
    const char *const argv[] = { "sh", "-c", "stty -echo; stty size; exec sleep 1000", NULL };
    struct bight_process_options options = {
        .size = sizeof options, .argv = argv, .terminal = true, .rows = 30, .columns = 100
    };
    child.reactor = reactor;
    bight_spawn_process(reactor, &child.base, &options, NULL);
}

/* ------------------------------------------------------------------------------------ no such program */

static void fail(struct bight_reactor *reactor)
{
    static struct bight_process_protocol nobody = BIGHT_PROCESS_PROTOCOL(&terminal_ops);
    struct bight_process_options options = { .size = sizeof options, .path = "/no/such/program" };
    struct bight_failure *failure;
    if (bight_spawn_process(reactor, &nobody, &options, &failure) != 0) {
        printf("%s\n", bight_failure_message(failure));
        bight_failure_release(failure);
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    struct bight_reactor *reactor = bight_reactor_new();
    struct sorter sorter = { .reactor = reactor, .words = argv + 1 };
    fail(reactor);
    if (sort(&sorter) != 0) {
        return 1;
    }
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}
