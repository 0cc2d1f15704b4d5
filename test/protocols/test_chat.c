/* SPDX-License-Identifier: MIT */
/* test_chat.c - the chat, with members in memory: what one does is read at the others' ends. */
#include <bight/protocols/chat.h>
#include <bight/testing.h>

#include "support.h"

static struct bight_reactor *reactor;
static struct bight_chat *chat;

static void set_up(void)
{
    reactor = bight_testing_reactor_new();
    chat = bight_chat_new(NULL);
    ck_assert_ptr_nonnull(reactor);
    ck_assert_ptr_nonnull(chat);
}

static void tear_down(void)
{
    bight_reactor_free(reactor);
    bight_chat_free(chat);
}

static void open_with(const struct bight_chat_options *options)
{
    bight_chat_free(chat);
    chat = bight_chat_new(options);
    ck_assert_ptr_nonnull(chat);
}

static struct bight_string_peer *come(void)
{
    struct bight_string_peer *peer = bight_string_connect(reactor, bight_chat_factory(chat), true);
    ck_assert_ptr_nonnull(peer);
    bight_testing_settle(reactor, 10);
    return peer;
}

static struct bight_string_peer *join(const char *name)
{
    char line[64];
    struct bight_string_peer *peer = come();
    snprintf(line, sizeof line, "%s\r\n", name);
    bight_string_feed_text(peer, line);
    ck_assert_ptr_nonnull(strstr(bight_string_written_text(peer), "Welcome."));
    bight_string_clear(peer);
    return peer;
}

/* What the peer got since it was last asked. */
static void expect_heard(struct bight_string_peer *peer, const char *text)
{
    ck_assert_str_eq(bight_string_written_text(peer), text);
    bight_string_clear(peer);
}

START_TEST(what_one_says_all_others_hear)
{
    struct bight_string_peer *ann = join("ann"), *bob = join("bob"), *eve = join("eve");
    bight_string_clear(ann);
    bight_string_clear(bob);
    bight_string_feed_text(ann, "hello, you two\r\n\r\n");
    expect_heard(ann, "");
    expect_heard(bob, "ann: hello, you two\r\n");
    expect_heard(eve, "ann: hello, you two\r\n");
    bight_string_peer_free(ann);
    bight_string_peer_free(bob);
    bight_string_peer_free(eve);
}
END_TEST

START_TEST(coming_and_going_is_announced)
{
    struct bight_string_peer *ann = join("ann"), *bob = join("bob"), *eve = join("eve");
    expect_heard(ann, "* bob has joined\r\n* eve has joined\r\n");
    bight_string_feed_text(bob, "/quit\r\nsaid too late\r\n");
    expect_heard(bob, "* eve has joined\r\nGoodbye.\r\n");
    bight_string_end(bob);
    expect_heard(ann, "* bob has left\r\n");
    bight_string_reset(eve, 0);
    expect_heard(ann, "* eve has left\r\n");
    ck_assert_uint_eq(bight_chat_member_count(chat), 1);
    bight_string_peer_free(ann);
    bight_string_peer_free(bob);
    bight_string_peer_free(eve);
}
END_TEST

START_TEST(names_are_unique_printable_and_short)
{
    struct bight_string_peer *ann = join("ann"), *other = come();
    static const char *const refused[] = { "", "two words", "/slash", "esc\x1b[2J", "bad\xff", "over\xc0\xafLong",
        "zero\xe2\x80\x8bwidth", "right\xe2\x80\xaeleft", "cut\xe2\x82", "sur\xed\xa0\x80",
        "thirty-three-bytes-are-one-too-many" };
    expect_heard(other, "Your name?\r\n");
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        bight_string_feed_text(other, refused[i]);
        bight_string_feed_text(other, "\n");
        ck_assert_int_eq(strncmp(bight_string_written_text(other), "A name has", 10), 0);
        bight_string_clear(other);
    }
    bight_string_feed_text(other, "ann\n");
    expect_heard(other, "That name is taken. Another?\r\n");
    bight_string_feed_text(other, "Z\xc3\xbcrich\n");
    ck_assert_int_eq(strncmp(bight_string_written_text(other), "Welcome.", 8), 0);
    expect_heard(ann, "* Z\xc3\xbcrich has joined\r\n");
    ck_assert_uint_eq(bight_chat_member_count(chat), 2);
    bight_string_peer_free(ann);
    bight_string_peer_free(other);
}
END_TEST

START_TEST(what_would_disturb_a_terminal_is_escaped)
{
    struct bight_string_peer *ann = join("ann"), *bob = join("bob");
    bight_string_feed_text(ann, "\x1b[2J \xe2\x82\xac \xff\xe2\x82 \r \xe2\x80\xae.\n");
    expect_heard(bob, "ann: \\x1b[2J \xe2\x82\xac \\xff\\xe2\\x82 \\x0d \\xe2\\x80\\xae.\r\n");
    bight_string_peer_free(ann);
    bight_string_peer_free(bob);
}
END_TEST

START_TEST(names_lists_the_members_and_other_commands_are_explained)
{
    struct bight_string_peer *ann = join("ann"), *bob = join("bob");
    bight_string_feed_text(bob, "/names\n/dance\n");
    expect_heard(bob, "  ann\r\n  bob\r\nThere are /names and /quit.\r\n");
    bight_string_clear(ann);
    bight_string_peer_free(ann);
    bight_string_peer_free(bob);
}
END_TEST

START_TEST(whoever_gives_no_name_is_dismissed_in_time)
{
    struct bight_chat_options options = { .size = sizeof options, .greeting_seconds = 5 };
    open_with(&options);
    struct bight_string_peer *silent = come(), *ann = join("ann");
    bight_testing_advance(reactor, 4.9);
    expect_heard(silent, "Your name?\r\n");
    bight_testing_advance(reactor, 0.2);
    expect_heard(silent, "No name, no chat.\r\n");
    ck_assert(bight_string_is_shut(silent));
    bight_testing_advance(reactor, 3600);
    ck_assert(!bight_string_is_shut(ann));
    bight_string_peer_free(silent);
    bight_string_peer_free(ann);
}
END_TEST

START_TEST(a_connection_on_which_nothing_moves_for_too_long_is_dropped) /* T24 */
{
    struct bight_chat_options options = { .size = sizeof options, .idle_seconds = 100 };
    open_with(&options);
    struct bight_string_peer *ann = join("ann"), *bob = join("bob");
    bight_testing_advance(reactor, 60);
    bight_string_feed_text(ann, "still here\n");
    bight_testing_advance(reactor, 99);
    ck_assert(!bight_string_is_closed(bob)); /* he has heard her */
    bight_testing_advance(reactor, 9);
    ck_assert(bight_string_is_closed(bob));
    ck_assert(bight_string_is_closed(ann));
    bight_string_peer_free(ann);
    bight_string_peer_free(bob);
}
END_TEST

START_TEST(a_full_room_turns_newcomers_away)
{
    struct bight_chat_options options = { .size = sizeof options, .member_limit = 2 };
    open_with(&options);
    struct bight_string_peer *ann = join("ann"), *silent = come(), *late = come();
    expect_heard(late, "The room is full.\r\n");
    ck_assert(bight_string_is_shut(late));
    bight_string_end(late);
    bight_string_end(silent);
    struct bight_string_peer *bob = join("bob");
    ck_assert_uint_eq(bight_chat_member_count(chat), 2);
    bight_string_peer_free(ann);
    bight_string_peer_free(silent);
    bight_string_peer_free(late);
    bight_string_peer_free(bob);
}
END_TEST

START_TEST(a_line_that_is_too_long_ends_the_membership)
{
    char line[600];
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\0';
    struct bight_string_peer *ann = join("ann");
    bight_string_feed_text(ann, line);
    expect_heard(ann, "That line was too long. Goodbye.\r\n");
    ck_assert(bight_string_is_shut(ann));
    bight_string_peer_free(ann);
}
END_TEST

START_TEST(a_member_who_does_not_read_is_dropped_and_the_others_are_not) /* T13 */
{
    struct bight_chat_options options = { .size = sizeof options, .output_limit = 20000 };
    open_with(&options);
    struct bight_string_peer *ann = join("ann"), *slow = join("slow"), *bob = join("bob");
    char line[402];
    memset(line, 'x', sizeof line);
    strcpy(line + 400, "\n");
    bight_string_set_window(slow, 0);
    for (int i = 0; i < 60; i++) {
        bight_string_feed_text(ann, line);
        bight_string_clear(bob);
    }
    ck_assert(bight_string_is_closed(slow));
    ck_assert(!bight_string_is_closed(ann));
    ck_assert(!bight_string_is_closed(bob));
    ck_assert_uint_eq(bight_chat_member_count(chat), 2);
    bight_string_peer_free(ann);
    bight_string_peer_free(slow);
    bight_string_peer_free(bob);
}
END_TEST

START_TEST(a_flood_in_one_chunk_reaches_all_and_drops_nobody_who_reads)
{
    enum { LINES = 8000 };
    static char flood[LINES * 2 + 1];
    struct bight_chat_options options = { .size = sizeof options, .output_limit = 20000 };
    open_with(&options);
    struct bight_string_peer *ann = join("ann"), *bob = join("bob");
    for (int i = 0; i < LINES; i++) {
        memcpy(flood + i * 2, "x\n", 2);
    }
    bight_string_feed(ann, flood, LINES * 2);
    bight_testing_settle(reactor, LINES);
    size_t size;
    bight_string_written(bob, &size);
    ck_assert(!bight_string_is_closed(bob));
    ck_assert_uint_eq(size, LINES * strlen("ann: x\r\n"));
    bight_string_peer_free(ann);
    bight_string_peer_free(bob);
}
END_TEST

static bool talk(void *context)
{
    (void)context;
    struct bight_reactor *own = bight_testing_reactor_new();
    struct bight_chat *room = bight_chat_new(NULL);
    struct bight_string_peer *peers[2] = { NULL, NULL };
    bool heard = false;
    if (own != NULL && room != NULL) {
        for (int i = 0; i < 2; i++) {
            peers[i] = bight_string_connect(own, bight_chat_factory(room), true);
            if (peers[i] != NULL) {
                bight_string_feed_text(peers[i], i == 0 ? "ann\n" : "bob\n");
            }
        }
        if (peers[0] != NULL && peers[1] != NULL) {
            bight_string_feed_text(peers[0], "hel");
            bight_string_feed_text(peers[0], "lo\n/names\n/quit\n");
            heard = strstr(bight_string_written_text(peers[1]), "ann: hello\r\n") != NULL;
        }
    }
    for (int i = 0; i < 2; i++) {
        if (peers[i] != NULL) {
            bight_string_peer_free(peers[i]);
        }
    }
    bight_reactor_free(own);
    bight_chat_free(room);
    return heard || bight_testing_fault_injected();
}

START_TEST(every_failing_allocation_is_survived)
{
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    ck_assert_uint_eq(bight_testing_with_faults(talk, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_one_says_all_others_hear);
    tcase_add_test(tests, coming_and_going_is_announced);
    tcase_add_test(tests, names_are_unique_printable_and_short);
    tcase_add_test(tests, what_would_disturb_a_terminal_is_escaped);
    tcase_add_test(tests, names_lists_the_members_and_other_commands_are_explained);
    tcase_add_test(tests, whoever_gives_no_name_is_dismissed_in_time);
    tcase_add_test(tests, a_connection_on_which_nothing_moves_for_too_long_is_dropped);
    tcase_add_test(tests, a_full_room_turns_newcomers_away);
    tcase_add_test(tests, a_line_that_is_too_long_ends_the_membership);
    tcase_add_test(tests, a_member_who_does_not_read_is_dropped_and_the_others_are_not);
    tcase_add_test(tests, a_flood_in_one_chunk_reaches_all_and_drops_nobody_who_reads);
    tcase_add_test(tests, every_failing_allocation_is_survived);
}

BIGHT_TEST_MAIN("chat", add_tests)
