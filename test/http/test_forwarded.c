/* SPDX-License-Identifier: MIT */
/* Tests of what proxies say of those before them (protocols/http/message/forwarded.c), without anybody's trust. */
#include "http/message/forwarded.h"

#include "support.h"

static const struct {
    const char *list, *members; /* from the last one, each in brackets */
} lists[] = {
    { "", "" },
    { "a", "[a]" },
    { "a, b,c", "[c][b][a]" },
    { " , a ,, ", "[a]" },
    { "a\t,\tb", "[b][a]" },
    { "\"a,b\"", "[\"a,b\"]" },
    { "for=\"a,b\", for=c", "[for=c][for=\"a,b\"]" },
    { "for=\"a\\\"b\", c", "[c][for=\"a\\\"b\"]" },
    { "for=\"a\\\\\", c", "[c][for=\"a\\\\\"]" },
    { "\"x\\\", y\", c", "[c][\"x\\\", y\"]" },
    /* what stands before the nearest proxy's cannot change how that is read */
    { "for=\", for=192.0.2.1", "[for=192.0.2.1][for=\"]" },
    { "for=\"a, for=\"192.0.2.1\"", "[for=\"192.0.2.1\"][for=\"a]" },
    { "a\\, for=\"b\"", "[for=\"b\"][a\\]" },
    { "\", b", "[b][\"]" },
    { "a\", b", "[b][a\"]" },
    { "\"", "[\"]" },
    { "\\\"", "[\\\"]" },
};

START_TEST(a_list_is_read_from_its_end) /* A8 */
{
    char found[256] = "";
    struct bi_view list = bi_view_of(lists[_i].list), member;
    while (bi_forwarded_last(&list, &member)) {
        size_t used = strlen(found);
        (void)snprintf(found + used, sizeof found - used, "[%.*s]", (int)member.size, (const char *)member.at);
    }
    ck_assert_str_eq(found, lists[_i].members);
}
END_TEST

static const struct {
    const char *member;
    bool is_good;
    const char *client, *protocol, *host;
} members[] = {
    { "for=192.0.2.43", true, "192.0.2.43", NULL, NULL },
    { "For=\"[2001:db8:cafe::17]:4711\"", true, "[2001:db8:cafe::17]:4711", NULL, NULL },
    { "for=192.0.2.60;proto=http;by=203.0.113.43", true, "192.0.2.60", "http", NULL },
    { "host=a.example;PROTO=https; for=\"_x\"", true, "_x", "https", "a.example" },
    { "secret=x", true, NULL, NULL, NULL }, { "", true, NULL, NULL, NULL }, { ";;for=a;", true, "a", NULL, NULL },
    { "for=a;for=b", false, NULL, NULL, NULL }, { "for=", false, NULL, NULL, NULL }, { "for", false, NULL, NULL, NULL },
    { "for =a", false, NULL, NULL, NULL }, { "for=a b", false, NULL, NULL, NULL },
    { "for=\"a", false, NULL, NULL, NULL }, { "for=\"a\"b", false, NULL, NULL, NULL },
    { "for=[2001:db8::1]", false, NULL, NULL, NULL }, /* needs quotes */
};

static void expect(struct bi_view found, const char *wanted)
{
    ck_assert_int_eq(found.at != NULL, wanted != NULL);
    ck_assert(wanted == NULL || bi_view_equal(found, bi_view_of(wanted)));
}

START_TEST(a_member_is_pairs) /* A8 */
{
    struct bi_forwarded forwarded;
    ck_assert_int_eq(bi_forwarded_parse(&forwarded, bi_view_of(members[_i].member)), members[_i].is_good);
    if (members[_i].is_good) {
        expect(forwarded.client, members[_i].client);
        expect(forwarded.protocol, members[_i].protocol);
        expect(forwarded.host, members[_i].host);
    }
}
END_TEST

static const struct {
    const char *node, *address; /* NULL: none */
} nodes[] = {
    { "192.0.2.1", "192.0.2.1:0" },
    { "192.0.2.1:4711", "192.0.2.1:4711" },
    { "2001:db8::1", "[2001:db8::1]:0" },
    { "[2001:db8::1]", "[2001:db8::1]:0" },
    { "[2001:db8::1]:4711", "[2001:db8::1]:4711" },
    { "::ffff:192.0.2.1", "192.0.2.1:0" },
    { "[::ffff:c000:201]:80", "192.0.2.1:80" },
    { "", NULL },
    { "unknown", NULL },
    { "_hidden", NULL },
    { "a.example", NULL },
    { "192.0.2.1:", NULL },
    { "192.0.2.1:65536", NULL },
    { "192.0.2.1:_x", NULL },
    { "192.0.2", NULL },
    { "192.0.2.1.", NULL },
    { "192.0.2.256", NULL },
    { "192.0.2.1 ", NULL },
    { "[192.0.2.1]", NULL },
    { "[2001:db8::1", NULL },
    { "[2001:db8::1]x", NULL },
    { "[2001:db8::1]:", NULL },
    { "fe80::1%lo", NULL },
    { "[fe80::1%1]", NULL },
    { "[]", NULL },
    { "[", NULL },
    { ":", NULL },
    { "1:2:3:4:5:6:7:8:9:10:11:12:13:14:15:16:17:18:19:20:21:22", NULL },
};

START_TEST(an_address_is_a_literal) /* A8 */
{
    struct bight_address address = { .family = BIGHT_ADDRESS_NONE };
    char text[BIGHT_ADDRESS_TEXT_SIZE];
    bool is_one = bi_forwarded_address(bi_view_of(nodes[_i].node), &address);
    ck_assert_int_eq(is_one, nodes[_i].address != NULL);
    if (is_one) {
        (void)bight_address_format(&address, text, sizeof text);
        ck_assert_str_eq(text, nodes[_i].address);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_list_is_read_from_its_end, 0, (int)(sizeof lists / sizeof *lists));
    tcase_add_loop_test(tests, a_member_is_pairs, 0, (int)(sizeof members / sizeof *members));
    tcase_add_loop_test(tests, an_address_is_a_literal, 0, (int)(sizeof nodes / sizeof *nodes));
}

BIGHT_TEST_MAIN("http_forwarded", add_tests)
