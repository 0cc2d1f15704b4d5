/* SPDX-License-Identifier: MIT */
/* Tests that a whole socket, of either side, does not depend on how the peer's bytes are cut (W1, W2): the same calls,
 * and the same sent. That frames do not is test_ws_frame.c's. */
#include <check.h>

#include "support.h"
#include "ws_talk.h"

#include "ws_streams.h"

/* Which of the kinds of sockets: five bits. */
static struct ws_talk talk_of(int kind)
{
    return (struct ws_talk) { .is_client = (kind & 1) != 0,
        .deflates = (kind & 2) != 0 && bi_gzip_is_built_in(),
        .takes_over = (kind & 16) != 0,
        .in_pieces = (kind & 4) != 0,
        .obeys = (kind & 8) != 0,
        .limit = 66000,
        .joined = true };
}

static void says_the_same(const struct ws_talk *talk, const struct ws_stream *stream, const char *wanted)
{
    char *text = ws_talk(talk, stream->bytes, stream->size);
    ck_assert_msg(
        strcmp(text, wanted) == 0, "in pieces of up to %zu:\n%.1000s\nelse:\n%.1000s", talk->most, text, wanted);
    free(text);
}

START_TEST(cuts_make_no_difference) /* W1, W2, W6 */
{
    static struct ws_stream stream;
    struct ws_talk talk = talk_of(_i);
    stream = (struct ws_stream) {
        .chance = (uint64_t)_i, .is_masked = !talk.is_client, .is_deflated = talk.deflates, .keeps = talk.takes_over
    };
    for (unsigned i = 0; i < 40; i++) {
        ws_draw_stream(&stream);
        talk.most = 0;
        char *whole = ws_talk(&talk, stream.bytes, stream.size);
        for (talk.most = stream.size < 3000 ? 1 : 1000; talk.most <= stream.size; talk.most *= 6) {
            talk.chance = stream.chance;
            talk.joined = talk.chance % 2 == 0;
            says_the_same(&talk, &stream, whole);
        }
        free(whole);
    }
    bi_raw_deflater_free(stream.deflater);
    ws_talk_end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, cuts_make_no_difference, 0, 32);
}

BIGHT_TEST_MAIN("http_ws_cuts", add_tests)
