/* SPDX-License-Identifier: MIT */
/* partition.c - the chat server on a simulated network whose cable is pulled: a scenario for the explorer. */
#include <bight/bight.h>
#include <bight/protocols/chat.h>
#include <bight/protocols/line.h>
#include <bight/testing/explorer.h>

#include <stdio.h>
#include <string.h>

struct member {
    struct bight_line_receiver base;
    const char *name;
    int heard; /* the last number that the other one has said */
    bool lost;
};
static const char *wrong;

static void heard(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    struct member *member = bight_line_self(struct member, receiver);
    int number;
    (void)size;
    if (sscanf(line, "ann: %d", &number) == 1) {
        if (number != member->heard + 1) {
            wrong = "a line is missing, or came twice";
        }
        member->heard = number;
    }
}

static void lost(struct bight_line_receiver *receiver, const struct bight_failure *reason)
{
    (void)reason;
    bight_line_self(struct member, receiver)->lost = true;
}

static const struct bight_line_ops member_ops = { .line_received = heard, .connection_lost = lost };

static void connected(struct bight_result *result, void *context)
{
    struct member **member = context;
    if (bight_result_failure(result) == NULL) {
        struct bight_protocol *protocol = bight_result_take(result, &bight_type_protocol);
        *member = bight_line_self(struct member, bight_self(struct bight_line_receiver, protocol));
    }
    bight_result_clear(result);
}

/* A member on a host of its own; NULL when it did not get in. */
static struct member *join(struct bight_simulation *simulation, struct bight_reactor *reactor,
    struct bight_line_factory *factory, const char *name)
{
    struct member *member = NULL;
    struct bight_deferred *connecting = bight_connect(reactor, "tcp:server:4000", &factory->base);
    bight_deferred_add_both(connecting, connected, &member);
    bight_simulation_run(simulation, 1);
    bight_deferred_cancel(connecting); /* unless it has come to its end */
    bight_deferred_release(connecting);
    if (member != NULL) {
        bight_line_send_text(&member->base, name);
        bight_simulation_run(simulation, 1);
    }
    return member;
}

static void leave(struct member *member)
{
    if (member != NULL) {
        bight_protocol_release(&member->base.base);
    }
}

static void count_aloud(struct member *member, int from, int to)
{
    for (int number = from; number <= to; number++) {
        bight_line_sendf(&member->base, "%d", number);
    }
}

/* Bob is cut off while Ann speaks. */
static const char *talk(struct bight_simulation *simulation, struct bight_host *server, struct bight_host *bobs,
    struct member *ann, struct member *bob)
{
    count_aloud(ann, 1, 10);
    bight_simulation_partition(simulation, server, bobs, true);
    bight_simulation_run(simulation, 30);
    count_aloud(ann, 11, 20);
    bight_simulation_run(simulation, 30);
    if (bob->heard > 10) {
        return "Bob hears through a cable that was pulled";
    }
    bight_simulation_partition(simulation, server, bobs, false);
    bight_simulation_run(simulation, 30);
    if (bob->heard != 20 && !ann->lost && !bob->lost) {
        return "both are connected, and Bob has not heard everything";
    }
    return wrong;
}

/* What goes wrong besides, at moments that the seed decides. */
static void make_trouble(struct bight_simulation *simulation, struct bight_host *server)
{
    const struct bight_link_conditions link = {
        .latency = 0.02, .jitter = 0.03, .split = 200, .join = 200, .reset = 5
    };
    const struct bight_kernel_conditions kernel = { .short_read = 200, .short_write = 200, .would_block = 100 };
    bight_simulation_link(simulation, NULL, NULL, &link);
    bight_host_kernel(server, &kernel);
}

static const char *partition(struct bight_simulation *simulation, void *context)
{
    struct bight_line_factory anns = BIGHT_LINE_FACTORY(struct member, &member_ops), bobs = anns;
    struct bight_host *hosts[] = { bight_simulation_host(simulation, "server"),
        bight_simulation_host(simulation, "one"), bight_simulation_host(simulation, "other") };
    struct bight_reactor *reactors[] = { bight_host_reactor(hosts[0]), bight_host_reactor(hosts[1]),
        bight_host_reactor(hosts[2]) };
    struct bight_chat *chat = bight_chat_new(NULL);
    const char *found = wrong = NULL;
    (void)context;
    make_trouble(simulation, hosts[0]);
    bight_serve(reactors[0], "tcp:4000", bight_chat_factory(chat));
    struct member *ann = join(simulation, reactors[1], &anns, "ann");
    struct member *bob = join(simulation, reactors[2], &bobs, "bob");
    if (ann != NULL && bob != NULL) {
        found = talk(simulation, hosts[0], hosts[2], ann, bob);
    }
    for (int i = 0; i < 3; i++) {
        bight_reactor_free(reactors[i]);
    }
    leave(ann);
    leave(bob);
    bight_chat_free(chat);
    return found;
}

int main(int argc, char **argv)
{
    const struct bight_scenario scenario = { "partition", partition, NULL };
    return bight_explorer_main(&scenario, 1, argc, argv);
}
