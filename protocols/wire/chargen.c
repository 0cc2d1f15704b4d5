/* SPDX-License-Identifier: MIT */
/* chargen.c - the character generator of RFC 864, which sends until the peer has had enough.
 *
 * It is a pull producer: asked for a piece whenever there is room, at most once a turn, so that neither a peer that
 * does not read nor one that reads fast can fill the memory or hold up the others. A piece is one whole round of the
 * pattern, so there is no position to keep. */
#include <bight/protocols/wire.h>

#include <bight/transport.h>

#include <string.h>

enum { FIRST = ' ', CHARACTERS = 95, COLUMNS = 72, LINE = COLUMNS + 2, ROUND = CHARACTERS * LINE };

static void fill(char *round)
{
    for (int line = 0; line < CHARACTERS; line++) {
        char *at = round + line * LINE;
        for (int column = 0; column < COLUMNS; column++) {
            at[column] = (char)(FIRST + (line + column) % CHARACTERS);
        }
        memcpy(at + COLUMNS, "\r\n", 2);
    }
}

static void produce(void *context)
{
    struct bight_protocol *protocol = context;
    char round[ROUND];
    fill(round);
    (void)bight_transport_write(protocol->transport, round, sizeof round);
}

static void stop(void *context)
{
    (void)context;
}

static const struct bight_producer_ops producer = { .resume = produce, .stop = stop };

static void begin(struct bight_protocol *protocol)
{
    if (bight_transport_register_producer(protocol->transport, &producer, protocol, false) != 0) {
        (void)bight_transport_abort_connection(protocol->transport);
    }
}

/* A client that only listens may well have closed its side. */
static bool go_on(struct bight_protocol *protocol)
{
    (void)protocol;
    return true;
}

const size_t bight_chargen_size = sizeof(struct bight_protocol);
const struct bight_protocol_ops bight_chargen_ops = { .connection_made = begin, .read_connection_lost = go_on };
