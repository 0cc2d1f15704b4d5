/* SPDX-License-Identifier: MIT */
/* reverse.c - a protocol of one's own: gives each line back from its end, and says goodbye with a count. */
#include "reverse.h"

#include <string.h>

struct reverser {
    struct bight_line_receiver base;
    unsigned lines;
};

static void say_goodbye(struct reverser *reverser)
{
    bight_line_sendf(&reverser->base, "%u lines, goodbye", reverser->lines);
    bight_transport_lose_connection(bight_line_transport(&reverser->base));
}

static void line_received(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    struct reverser *reverser = bight_line_self(struct reverser, receiver);
    char reversed[512];
    if (size == 4 && memcmp(line, "quit", 4) == 0) {
        say_goodbye(reverser);
        return;
    }
    reverser->lines++;
    for (size_t i = 0; i < size; i++) {
        reversed[i] = line[size - 1 - i];
    }
    bight_line_send(receiver, reversed, size);
}

static void connection_made(struct bight_line_receiver *receiver)
{
    bight_transport_set_idle_timeout(bight_line_transport(receiver), 60);
    bight_line_send_text(receiver, "ready");
}

static const struct bight_line_ops reverse_ops = {
    .connection_made = connection_made,
    .line_received = line_received,
};

struct bight_line_factory reverse_factory = BIGHT_LINE_FACTORY(struct reverser, &reverse_ops);
