/* SPDX-License-Identifier: MIT */
/* fuzz_ws_talk.c - any bytes of a peer to a whole socket, of either side, that says back what it is told and does some
 * of what it is asked for: all at once and in pieces it is told the same, sends the same, and nothing that is wrong.
 *
 * The first byte says what kind of socket it is, the second how large the pieces are. Each piece is a turn of the
 * reactor, which is what an execution costs: so a handshake, which other harnesses cut, is cut in one of eight. */
#include "fuzz.h"
#include "http/coding/gzip.h"
#include "ws_talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct ws_talk talk = { .is_client = (data[0] & 1) != 0,
        .deflates = (data[0] & 2) != 0 && bi_gzip_is_built_in(),
        .takes_over = (data[0] & 64) != 0,
        .in_pieces = (data[0] & 4) != 0,
        .obeys = (data[0] & 8) != 0,
        .limit = (data[0] & 16) != 0 ? 300 : 0,
        .joined = true };
    char *whole = ws_talk(&talk, data + 2, size - 2);
    talk.most = 1 + data[1] % 64;
    talk.chance = data[1];
    talk.whole_handshake = data[1] % 8 > 0;
    talk.joined = (data[0] & 32) != 0;
    char *cut = ws_talk(&talk, data + 2, size - 2);
    ws_require(strcmp(whole, cut) == 0);
    free(whole);
    free(cut);
    return 0;
}
