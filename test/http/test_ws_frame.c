/* SPDX-License-Identifier: MIT */
/* Tests of frames (protocols/http/websocket/frame.h): what is read of bytes, and what is refused at which. */
#include <check.h>

#include "frames.h"
#include "http/message/ascii.h"
#include "support.h"

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1
#define KEY "\x37\xfa\x21\x3d" /* of the examples in RFC 6455, section 5.7 */

static const struct bi_frame_rule of_client = {
    .limit = 1 << 20, .is_masked = true, .takes_text = true, .takes_binary = true
};
static const struct bi_frame_rule of_server = { .limit = 1 << 20, .takes_text = true, .takes_binary = true };

/* What is read does not depend on the cuts. */
static void reads_as(const struct bi_frame_rule *rule, const uint8_t *data, size_t size, const char *wanted)
{
    for (size_t piece = 1; piece <= size; piece++) {
        char *text = frames_read(rule, data, size, piece);
        ck_assert_str_eq(text, wanted);
        free(text);
    }
}

START_TEST(frames_of_the_rfc_are_read) /* W1 */
{
    reads_as(&of_server, BYTES("\x81\x05Hello"), "T<Hello>");
    reads_as(&of_client, BYTES("\x81\x85" KEY "\x7f\x9f\x4d\x51\x58"), "T<Hello>");
    reads_as(&of_server, BYTES("\x01\x03Hel\x80\x02lo"), "T<Hello>");
    reads_as(&of_server, BYTES("\x89\x05Hello"), "ping(Hello)");
    reads_as(&of_client, BYTES("\x8a\x85" KEY "\x7f\x9f\x4d\x51\x58"), "pong(Hello)");
    reads_as(&of_server, BYTES("\x82\x03\x01\x02\x03\x82\x00"), "B<\\01\\02\\03>B<>");
    reads_as(&of_server,
        BYTES("\x88\x06\x03\xe8"
              "done"),
        "close(\\03\\e8done)");
    reads_as(&of_server, BYTES("\x88\x00"), "close()");
}
END_TEST

START_TEST(control_frames_come_within_a_fragmented_message) /* W1 */
{
    reads_as(&of_server, BYTES("\x01\x02He\x89\x01p\x00\x00\x00\x01l\x8a\x00\x80\x02lo\x89\x00"),
        "T<Heping(p)lpong()lo>ping()");
    reads_as(&of_server, BYTES("\x01\x00\x80\x00"), "T<>");
}
END_TEST

static const struct {
    const struct bi_frame_rule *rule;
    const char *bytes;
    size_t size;
    const char *wanted;
} violations[] = {
#define ROW(rule, text, wanted)              \
    {                                        \
        rule, text, sizeof(text) - 1, wanted \
    }
    ROW(&of_server, "\xc1\x00", "!1002@0 reserved bits are set"),
    ROW(&of_server, "\xa1\x00", "!1002@0 reserved bits are set"),
    ROW(&of_server, "\x91\x00", "!1002@0 reserved bits are set"),
    ROW(&of_server, "\x83\x00", "!1002@0 the opcode is reserved"),
    ROW(&of_server, "\x8b\x00", "!1002@0 the opcode is reserved"),
    ROW(&of_server, "\x09\x00", "!1002@0 a control frame is fragmented"),
    ROW(&of_server, "\x89\x7e\x00\x05", "!1002@1 a control frame is over 125 bytes"),
    ROW(&of_server, "\x80\x00", "!1002@0 a continuation is out of place"),
    ROW(&of_server, "\x81\x00\x80\x00", "T<>!1002@2 a continuation is out of place"),
    ROW(&of_server, "\x01\x00\x81\x00", "!1002@2 a message begins within another"),
    ROW(&of_client, "\x81\x05Hello", "!1002@1 a client's frame has no mask"),
    ROW(&of_server, "\x81\x85" KEY "Hello", "!1002@1 a server's frame has a mask"),
    ROW(&of_server, "\x82\x7e\x00\x7d", "!1002@3 a length is not minimal"),
    ROW(&of_server, "\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", "!1002@7 a length is not minimal"),
    ROW(&of_server, "\x82\x7f\x80\x00\x00\x00\x00\x01\x00\x00", "!1002@2 a length has its top bit set"),
    ROW(&of_server, "\x82\x7f\x00\x00\x00\x00\x01\x00\x00\x00", "!1009@6 a message is too big"),
    ROW(&of_server, "\x82\x7f\x00\x00\x00\x00\x00\x10\x00\x01", "!1009@9 a message is too big"),
    ROW(&of_server, "\x88\x01", "!1002@1 a close frame has one byte"),
    ROW(&of_server, "\x88\x02\x00", "!1002 a close code is not allowed"),
    ROW(&of_server, "\x88\x02\x14", "!1002 a close code is not allowed"),
    ROW(&of_server, "\x88\x02\x07", "!1002 a close code is not allowed"),
    ROW(&of_server, "\x88\x02\x03\xec", "!1002 a close code is not allowed"),
    ROW(&of_server, "\x88\x02\x03\xed", "!1002 a close code is not allowed"),
    ROW(&of_server, "\x88\x02\x03\xf7", "!1002 a close code is not allowed"),
    ROW(&of_server, "\x88\x02\x0b\xb7", "!1002 a close code is not allowed"),
    ROW(&of_server, "\x88\x7d\x03\xe8\xff", "!1007 a reason is not UTF-8"),
    ROW(&of_server, "\x88\x03\x03\xe8\xc3", "!1007 a reason is not UTF-8"),
    ROW(&of_server, "\x81\x7d\xff", "T<!1007 text is not UTF-8"),
    ROW(&of_server, "\x81\x01\xc3", "T<!1007 text is not UTF-8"),
    ROW(&of_server, "\x01\x01\xc3\x80\x00", "T<\\c3!1007 text is not UTF-8"),
#undef ROW
};

START_TEST(a_violation_is_told_at_the_byte_that_proves_it) /* W2 */
{
    size_t size = violations[_i].size;
    reads_as(violations[_i].rule, (const uint8_t *)violations[_i].bytes, size, violations[_i].wanted);
    char *before = frames_read(violations[_i].rule, (const uint8_t *)violations[_i].bytes, size - 1, size);
    const char *at = strchr(violations[_i].wanted, '@');
    bool is_last = at == NULL || (size_t)atoi(at + 1) == size - 1;
    ck_assert_int_eq(strchr(before, '!') == NULL, is_last);
    free(before);
}
END_TEST

START_TEST(text_is_cut_within_its_characters) /* W2 */
{
    reads_as(&of_server, BYTES("\x01\x01\xc3\x00\x01\xa4\x80\x01\xf0"), "T<\\c3\\a4!1007 text is not UTF-8");
    reads_as(&of_server, BYTES("\x01\x02\xf0\x9f\x80\x02\x98\x80"), "T<\\f0\\9f\\98\\80>");
}
END_TEST

START_TEST(a_message_is_limited_by_the_bytes_of_all_its_frames) /* W2 */
{
    struct bi_frame_rule rule = of_server;
    rule.limit = 5;
    reads_as(&rule,
        BYTES("\x82\x05"
              "12345\x82\x06"),
        "B<12345>!1009@8 a message is too big");
    reads_as(&rule,
        BYTES("\x02\x03"
              "123\x00\x00\x89\x06"
              "abcdef\x80\x03"),
        "B<123ping(abcdef)!1009@16 a message is too big");
    rule.limit = 200;
    reads_as(&rule, BYTES("\x82\x7e\x00\xc9"), "!1009@3 a message is too big");
    reads_as(&rule, BYTES("\x82\x7e\x01"), "!1009@2 a message is too big");
    reads_as(&rule, BYTES("\x82\x7f"), "!1009@1 a message is too big");
}
END_TEST

START_TEST(kinds_that_are_not_taken_are_1003) /* W2 */
{
    struct bi_frame_rule rule = of_server;
    rule.takes_binary = false;
    reads_as(&rule, BYTES("\x81\x01x\x82"), "T<x>!1003@3 binary messages are not taken here");
    rule.takes_text = false;
    reads_as(&rule, BYTES("\x81"), "!1003@0 text is not taken here");
}
END_TEST

START_TEST(compressed_messages_are_for_those_who_agreed_on_them) /* W6, W2 */
{
    struct bi_frame_rule rule = of_server;
    rule.is_deflated = true;
    reads_as(&rule, BYTES("\x41\x01\xff\x80\x01\xff\x81\x01x"), "~T<\\ff\\ff>T<x>");
    reads_as(&rule, BYTES("\x41\x00\xc0"), "!1002@2 reserved bits are set");
    reads_as(&rule, BYTES("\xc9"), "!1002@0 reserved bits are set");
    reads_as(&rule, BYTES("\xa1"), "!1002@0 reserved bits are set");
}
END_TEST

START_TEST(what_is_written_is_read_as_the_same)
{
    static const uint64_t sizes[] = { 0, 1, 125, 126, 127, 65535, 65536, 70000 };
    static uint8_t bytes[70000 + BI_FRAME_HEAD];
    const struct bi_frame_rule *rule = _i % 2 == 0 ? &of_server : &of_client;
    bi_mask mask;
    memcpy(&mask, KEY, sizeof mask);
    size_t size = (size_t)sizes[_i / 2];
    size_t head = bi_frame_write_head(bytes, BI_FRAME_FINAL | BI_OPCODE_BINARY, size, _i % 2 == 0 ? NULL : &mask);
    ck_assert_uint_eq(head, bi_frame_head_size(size, _i % 2 != 0));
    for (size_t i = 0; i < size; i++) {
        bytes[head + i] = (uint8_t)('a' ^ (_i % 2 == 0 ? 0 : KEY[i % 4]));
    }
    char *text = frames_read(rule, bytes, head + size, SIZE_MAX / 2);
    ck_assert_uint_eq(strlen(text), size + 3);
    ck_assert_uint_eq(strspn(text + 2, "a"), size);
    free(text);
}
END_TEST

/* ------------------------------------------------------------------------------------------------ masks */

#define MOST 900

static void fill(uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(i * 7 % 128);
    }
}

START_TEST(masks_of_all_means_are_the_same_wherever_they_are_written) /* W3 */
{
    static const uint8_t key[] = { 0x12, 0x34, 0x56, 0x78 };
    bi_mask mask;
    memcpy(&mask, key, sizeof mask);
    if (!bi_mask_choose((enum bi_mask_means)_i)) {
        return;
    }
    for (size_t size = 0; size <= MOST; size += 1 + size / 64) {
        for (size_t before = 0; before < 3; before++) {
            uint8_t bytes[MOST + 8], plain[MOST];
            fill(plain, size);
            memcpy(bytes + 4, plain, size);
            bool is_ascii = bi_mask_apply(bytes + 4 - before, bytes + 4, size, mask);
            for (size_t i = 0; i < size; i++) {
                ck_assert_uint_eq(bytes[4 - before + i], plain[i] ^ key[i % 4]);
            }
            ck_assert(is_ascii);
        }
    }
    ck_assert(bi_mask_choose(BI_MASK_WORDS));
}
END_TEST

START_TEST(one_byte_that_is_not_ascii_is_seen_wherever_it_is) /* W3 */
{
    uint8_t bytes[700], to[700];
    bool has_mask = bi_mask_choose((enum bi_mask_means)_i), has_run = bi_ascii_choose((enum bi_ascii_means)_i);
    if (!has_mask || !has_run) {
        return;
    }
    for (size_t size = 1; size <= sizeof bytes; size++) {
        fill(bytes, size);
        ck_assert_uint_ge(bi_ascii_run(bytes, size) + 127, size);
        bytes[size * 5 % size] ^= 0x80;
        ck_assert(!bi_mask_apply(to, bytes, size, 0));
        ck_assert_uint_le(bi_ascii_run(bytes, size), size * 5 % size);
        bytes[size * 5 % size] ^= 0x80;
        bytes[size - 1] ^= 0x80;
        ck_assert(!bi_mask_apply(to, bytes, size, 0));
        ck_assert_uint_lt(bi_ascii_run(bytes, size), size);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, frames_of_the_rfc_are_read);
    tcase_add_test(tests, control_frames_come_within_a_fragmented_message);
    tcase_add_loop_test(
        tests, a_violation_is_told_at_the_byte_that_proves_it, 0, (int)(sizeof violations / sizeof *violations));
    tcase_add_test(tests, text_is_cut_within_its_characters);
    tcase_add_test(tests, a_message_is_limited_by_the_bytes_of_all_its_frames);
    tcase_add_test(tests, kinds_that_are_not_taken_are_1003);
    tcase_add_test(tests, compressed_messages_are_for_those_who_agreed_on_them);
    tcase_add_loop_test(tests, what_is_written_is_read_as_the_same, 0, 16);
    tcase_add_loop_test(tests, masks_of_all_means_are_the_same_wherever_they_are_written, 0, BI_MASK_MEANS_COUNT);
    tcase_add_loop_test(tests, one_byte_that_is_not_ascii_is_seen_wherever_it_is, 0, BI_MASK_MEANS_COUNT);
}

BIGHT_TEST_MAIN("http_ws_frame", add_tests)
