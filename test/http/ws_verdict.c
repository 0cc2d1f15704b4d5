/* SPDX-License-Identifier: MIT */
/* ws_verdict.c - what sockets make of streams of bytes by chance, for comparing it with what others do: a line each, of
 * `client` or `server`, `plain`, `deflate` or `takeover`, the bytes in hexadecimal, and behind a tab what came of them
 * (ws_talk.h).
 *
 *     ws_verdict SEED COUNT LIMIT */
#include "ws_talk.h"

#include "ws_streams.h"

static void print_one(const struct ws_talk *talk, const struct ws_stream *stream)
{
    char *text = ws_talk(talk, stream->bytes, stream->size), *sent = strstr(text, "sent: ");
    printf("%s %s ", talk->is_client ? "client" : "server",
        talk->takes_over ? "takeover"
        : talk->deflates ? "deflate"
                         : "plain");
    for (size_t i = 0; i < stream->size; i++) {
        printf("%02x", stream->bytes[i]);
    }
    printf("\t%.*s\n", (int)(sent != NULL ? sent - text : 0), text);
    free(text);
}

int main(int argc, char **argv)
{
    static struct ws_stream stream;
    if (argc != 4) {
        fprintf(stderr, "usage: ws_verdict SEED COUNT LIMIT\n");
        return 64;
    }
    stream.chance = strtoull(argv[1], NULL, 10);
    unsigned long count = strtoul(argv[2], NULL, 10);
    for (unsigned long i = 0; i < count; i++) {
        struct ws_talk talk = { .is_client = i % 2 == 0,
            .deflates = bi_gzip_is_built_in() && i / 2 % 2 == 0,
            .takes_over = bi_gzip_is_built_in() && i / 2 % 4 == 0,
            .in_pieces = i / 8 % 2 == 0,
            .limit = strtoull(argv[3], NULL, 10),
            .joined = true };
        stream.is_masked = !talk.is_client;
        stream.is_deflated = talk.deflates;
        stream.keeps = talk.takes_over;
        ws_draw_stream(&stream);
        print_one(&talk, &stream);
    }
    bi_raw_deflater_free(stream.deflater);
    ws_talk_end();
    return 0;
}
