/* SPDX-License-Identifier: MIT */
/* test_address.c - addresses: text, the kernel's form and back, literals; with the odd paths of unix(7). */
#include <bight/address.h>

#include <netinet/in.h>
#include <sys/un.h>

#include "support.h"

#define PATH_OFFSET offsetof(struct sockaddr_un, sun_path)

static struct bight_address unix_address(const char *path, size_t size)
{
    struct bight_address address = { .family = BIGHT_ADDRESS_UNIX, .path_size = (uint16_t)size };
    memcpy(address.at.path, path, size);
    return address;
}

static void check_text(const struct bight_address *address, const char *wanted)
{
    char text[BIGHT_ADDRESS_TEXT_SIZE];
    ck_assert_uint_eq(bight_address_format(address, text, sizeof text), strlen(wanted));
    ck_assert_str_eq(text, wanted);
}

static void check_literal(const char *literal, uint16_t port, const char *wanted)
{
    struct bight_address address;
    ck_assert_int_eq(bight_address_parse_ip(&address, literal, port), 0);
    check_text(&address, wanted);
}

static void check_round_trip(const struct bight_address *address)
{
    struct sockaddr_storage storage;
    struct bight_address back;
    socklen_t size = sizeof storage;
    memset(&storage, 0xa5, sizeof storage);
    ck_assert_int_eq(bight_address_to_sockaddr(address, &storage, &size), 0);
    ck_assert_int_eq(bight_address_from_sockaddr(&back, (struct sockaddr *)&storage, size), 0);
    ck_assert(bight_address_equal(address, &back));
    ck_assert_uint_eq(address->flow, back.flow);
}

START_TEST(literals_of_both_families_are_parsed_and_formatted) /* E5 */
{
    check_literal("192.0.2.1", 80, "192.0.2.1:80");
    check_literal("0.0.0.0", 0, "0.0.0.0:0");
    check_literal("::", 65535, "[::]:65535");
    check_literal("2001:DB8::1", 443, "[2001:db8::1]:443");
    check_literal("::ffff:192.0.2.1", 1, "[::ffff:192.0.2.1]:1");
    check_literal("fe80::1%7", 22, "[fe80::1%7]:22");
    check_literal("fe80::1%4294967295", 22, "[fe80::1%4294967295]:22");
}
END_TEST

START_TEST(a_zone_may_be_an_interface_name) /* E5 */
{
    struct bight_address address;
    ck_assert_int_eq(bight_address_parse_ip(&address, "fe80::1%lo", 1), 0);
    ck_assert_uint_ne(address.scope, 0);
}
END_TEST

START_TEST(what_is_no_literal_is_a_syntax_error_and_leaves_no_address) /* E6 */
{
    static const char *const bad[] = { "", " ", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ",
        "0x7f.1", "[::1]", "::1%", "::1%0", "::1%nosuchinterface0", "::1%averyveryverylonginterfacename", "1::2::3",
        "::1%4294967296", "::1%99999999999999999999", "1.2.3.4%1", "12345::", ":", "%", "::g",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999", "00000000000000000000000000000000000000000000000000::1" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bight_address address;
        memset(&address, 0xff, sizeof address);
        ck_assert_msg(bight_address_parse_ip(&address, bad[i], 9) == BIGHT_E_SYNTAX, "\"%s\"", bad[i]);
        ck_assert_int_eq(address.family, BIGHT_ADDRESS_NONE);
    }
}
END_TEST

START_TEST(every_family_survives_the_way_to_the_kernel_and_back) /* E5 */
{
    static const char *const literals[] = { "192.0.2.77", "2001:db8::77", "fe80::1%3", "::ffff:10.0.0.1" };
    for (size_t i = 0; i < sizeof literals / sizeof literals[0]; i++) {
        struct bight_address address;
        ck_assert_int_eq(bight_address_parse_ip(&address, literals[i], 4321), 0);
        check_round_trip(&address);
        address.flow = address.family == BIGHT_ADDRESS_IPV6 ? 0x0b112345 : 0;
        check_round_trip(&address);
    }
    char longest[108];
    memset(longest, 'x', sizeof longest);
    struct bight_address paths[] = { unix_address("/run/socket", 11), unix_address("\0name", 5),
        unix_address("\0a\0b", 4), unix_address("\0", 1), unix_address("", 0), unix_address(longest, 107),
        unix_address(longest, 108) };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        check_round_trip(&paths[i]);
    }
}
END_TEST

START_TEST(paths_are_formatted_with_their_odd_bytes_escaped)
{
    struct bight_address address = unix_address("/run/socket", 11);
    check_text(&address, "/run/socket");
    address = unix_address("\0abstract", 9);
    check_text(&address, "@abstract");
    address = unix_address("\0a\0b\n", 5);
    check_text(&address, "@a\\x00b\\n");
    address = unix_address("/tmp/\x1b[2J\xff", 10);
    check_text(&address, "/tmp/\\x1b[2J\\xff");
    address = unix_address("", 0);
    check_text(&address, "");
    check_text(&(struct bight_address) { .family = BIGHT_ADDRESS_NONE }, "");
}
END_TEST

START_TEST(the_longest_text_fits_the_promised_size)
{
    char worst[108];
    char text[BIGHT_ADDRESS_TEXT_SIZE];
    memset(worst, '\x01', sizeof worst);
    struct bight_address address = unix_address(worst, sizeof worst);
    ck_assert_uint_eq(bight_address_format(&address, text, sizeof text), 4 * sizeof worst);
    address.at.path[0] = '\0';
    ck_assert_uint_eq(bight_address_format(&address, text, sizeof text), 4 * (sizeof worst - 1) + 1);
}
END_TEST

START_TEST(a_small_buffer_gets_what_fits_and_the_whole_length_is_told)
{
    struct bight_address address;
    char text[5] = "....";
    ck_assert_int_eq(bight_address_parse_ip(&address, "192.0.2.1", 80), 0);
    ck_assert_uint_eq(bight_address_format(&address, text, sizeof text), 12);
    ck_assert_str_eq(text, "192.");
    ck_assert_uint_eq(bight_address_format(&address, NULL, 0), 12);
}
END_TEST

START_TEST(a_path_may_or_may_not_count_its_nul)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/run/x" };
    struct bight_address with, without;
    ck_assert_int_eq(bight_address_from_sockaddr(&with, (struct sockaddr *)&un, PATH_OFFSET + 7), 0);
    ck_assert_int_eq(bight_address_from_sockaddr(&without, (struct sockaddr *)&un, PATH_OFFSET + 6), 0);
    ck_assert_uint_eq(with.path_size, 6);
    ck_assert(bight_address_equal(&with, &without));
}
END_TEST

START_TEST(a_size_beyond_the_structure_is_not_believed)
{
    struct sockaddr_storage storage = { .ss_family = AF_UNIX };
    struct bight_address address;
    memset((char *)&storage + PATH_OFFSET, 'p', sizeof storage - PATH_OFFSET);
    ck_assert_int_eq(
        bight_address_from_sockaddr(&address, (struct sockaddr *)&storage, sizeof(struct sockaddr_un) + 1), 0);
    ck_assert_uint_eq(address.path_size, sizeof address.at.path);
}
END_TEST

START_TEST(what_the_kernel_could_not_have_given_is_refused)
{
    struct sockaddr_storage storage = { .ss_family = AF_INET };
    const struct sockaddr *from = (const struct sockaddr *)&storage;
    struct bight_address address;
    ck_assert_int_eq(bight_address_from_sockaddr(&address, NULL, 0), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_address_from_sockaddr(&address, from, 1), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(
        bight_address_from_sockaddr(&address, from, sizeof(struct sockaddr_in) - 1), BIGHT_E_INVALID_ARGUMENT);
    storage.ss_family = AF_INET6;
    ck_assert_int_eq(
        bight_address_from_sockaddr(&address, from, sizeof(struct sockaddr_in6) - 1), BIGHT_E_INVALID_ARGUMENT);
    storage.ss_family = AF_UNSPEC;
    ck_assert_int_eq(bight_address_from_sockaddr(&address, from, sizeof storage), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(address.family, BIGHT_ADDRESS_NONE);
}
END_TEST

START_TEST(addresses_without_a_kernel_form_are_refused)
{
    struct sockaddr_storage storage;
    socklen_t size = sizeof storage;
    struct bight_address address = { .family = BIGHT_ADDRESS_NONE };
    ck_assert_int_eq(bight_address_to_sockaddr(&address, &storage, &size), BIGHT_E_INVALID_ARGUMENT);
    address = unix_address("/a\0b", 4);
    ck_assert_int_eq(bight_address_to_sockaddr(&address, &storage, &size), BIGHT_E_INVALID_ARGUMENT);
    address.path_size = 109;
    ck_assert_int_eq(bight_address_to_sockaddr(&address, &storage, &size), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_address_parse_ip(&address, "::1", 1), 0);
    size = sizeof(struct sockaddr_in6) - 1;
    ck_assert_int_eq(bight_address_to_sockaddr(&address, &storage, &size), BIGHT_E_INVALID_ARGUMENT);
}
END_TEST

START_TEST(equal_looks_at_the_family_s_own_fields_only)
{
    struct bight_address left, right;
    ck_assert_int_eq(bight_address_parse_ip(&left, "192.0.2.1", 80), 0);
    right = left;
    right.at.path[50] = 'x';
    right.scope = 9;
    ck_assert(bight_address_equal(&left, &right));
    right.port = 81;
    ck_assert(!bight_address_equal(&left, &right));
    ck_assert_int_eq(bight_address_parse_ip(&right, "::ffff:192.0.2.1", 80), 0);
    ck_assert(!bight_address_equal(&left, &right));
    left = right;
    left.scope = 1;
    ck_assert(!bight_address_equal(&left, &right));
    left = right;
    left.flow = 7; /* which is of one connection, not of the peer */
    ck_assert(bight_address_equal(&left, &right));
    left = right;
    left.port = 81;
    ck_assert(!bight_address_equal(&left, &right));
    left = right;
    left.at.ipv6[15]++;
    ck_assert(!bight_address_equal(&left, &right));
    ck_assert_int_eq(bight_address_parse_ip(&left, "192.0.2.1", 80), 0);
    ck_assert_int_eq(bight_address_parse_ip(&right, "192.0.2.2", 80), 0);
    ck_assert(!bight_address_equal(&left, &right));
    left = unix_address("/a", 2);
    right = unix_address("/ab", 3);
    ck_assert(!bight_address_equal(&left, &right));
    right = unix_address("/b", 2);
    ck_assert(!bight_address_equal(&left, &right));
    left = right = (struct bight_address) { .family = BIGHT_ADDRESS_NONE };
    ck_assert(bight_address_equal(&left, &right));
}
END_TEST

/* Mutated literals: whatever is accepted must format to a text that is accepted again and means the same. */
START_TEST(mutated_literals_never_break_the_parser)
{
    static const char *const seeds[] = { "192.0.2.1", "2001:db8::1", "fe80::1%12", "::ffff:1.2.3.4", "::" };
    static const char alphabet[] = "0123456789abcdef:.%[]x -";
    uint64_t random = UINT64_C(0x9e3779b97f4a7c15);
    unsigned accepted = 0;
    for (unsigned round = 0; round < 100000; round++) {
        char text[64];
        strcpy(text, seeds[round % 5]);
        for (unsigned edits = 0; edits < 1 + round % 3; edits++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407U;
            text[(random >> 33) % strlen(text)] = alphabet[(random >> 50) % (sizeof alphabet - 1)];
        }
        struct bight_address address, again;
        if (bight_address_parse_ip(&address, text, 5) != 0) {
            continue;
        }
        accepted++;
        char formatted[BIGHT_ADDRESS_TEXT_SIZE];
        bight_address_format(&address, formatted, sizeof formatted);
        *strrchr(formatted, ':') = '\0';
        char *literal = formatted[0] == '[' ? formatted + 1 : formatted;
        literal[strcspn(literal, "]")] = '\0';
        ck_assert_msg(bight_address_parse_ip(&again, literal, 5) == 0, "\"%s\" from \"%s\"", literal, text);
        ck_assert(bight_address_equal(&address, &again));
    }
    ck_assert_uint_gt(accepted, 1000);
    ck_assert_uint_lt(accepted, 99000);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, literals_of_both_families_are_parsed_and_formatted);
    tcase_add_test(tests, a_zone_may_be_an_interface_name);
    tcase_add_test(tests, what_is_no_literal_is_a_syntax_error_and_leaves_no_address);
    tcase_add_test(tests, every_family_survives_the_way_to_the_kernel_and_back);
    tcase_add_test(tests, paths_are_formatted_with_their_odd_bytes_escaped);
    tcase_add_test(tests, the_longest_text_fits_the_promised_size);
    tcase_add_test(tests, a_small_buffer_gets_what_fits_and_the_whole_length_is_told);
    tcase_add_test(tests, a_path_may_or_may_not_count_its_nul);
    tcase_add_test(tests, a_size_beyond_the_structure_is_not_believed);
    tcase_add_test(tests, what_the_kernel_could_not_have_given_is_refused);
    tcase_add_test(tests, addresses_without_a_kernel_form_are_refused);
    tcase_add_test(tests, equal_looks_at_the_family_s_own_fields_only);
    tcase_add_test(tests, mutated_literals_never_break_the_parser);
}

BIGHT_TEST_MAIN("address", add_tests)
