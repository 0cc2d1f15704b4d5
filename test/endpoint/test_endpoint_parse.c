/* SPDX-License-Identifier: MIT */
/* Endpoint strings as texts: the grammar, the rules, the messages (E6). Nothing listens or connects here. */
#include "support.h"

#include <bight/log.h>
#include <bight/sys/endpoint.h>

#include "endpoint/grammar.h"

static struct bi_parsed_endpoint parsed;
static struct bight_argument arguments[BI_ENDPOINT_PART_LIMIT];

static const struct bight_endpoint_type *read_good(const char *string, enum bi_endpoint_direction direction)
{
    struct bight_failure *failure = NULL;
    const struct bight_endpoint_type *type = bi_endpoint_read(string, direction, &parsed, arguments, &failure);
    ck_assert_msg(type != NULL, "%s: %s", string, failure == NULL ? "" : bight_failure_message(failure));
    ck_assert_ptr_null(failure);
    return type;
}

/* The index of a rule of the type last read. */
static const struct bight_argument *argument(const struct bight_endpoint_type *type, const char *name)
{
    for (size_t i = 0; type->rules[i].name != NULL; i++) {
        if (strcmp(type->rules[i].name, name) == 0) {
            return &arguments[i];
        }
    }
    ck_abort_msg("no rule %s", name);
    return NULL;
}

static void check_text(const struct bight_endpoint_type *type, const char *name, const char *text, size_t column)
{
    const struct bight_argument *found = argument(type, name);
    ck_assert(found->given);
    ck_assert_str_eq(found->text, text);
    ck_assert_uint_eq(found->text_size, strlen(text));
    ck_assert_uint_eq(found->column, column);
}

START_TEST(parts_are_split_at_colons) /* E6 */
{
    const struct bight_endpoint_type *type = read_good("tcp:1234:interface=127.0.0.1:backlog=50", BI_ENDPOINT_LISTEN);
    ck_assert_str_eq(type->name, "tcp");
    ck_assert_int_eq(argument(type, "port")->number, 1234);
    ck_assert_uint_eq(argument(type, "port")->column, 5);
    check_text(type, "interface", "127.0.0.1", 20);
    ck_assert_int_eq(argument(type, "backlog")->number, 50);
    ck_assert(!argument(type, "nodelay")->given);
}
END_TEST

START_TEST(positional_arguments_can_be_given_by_name) /* E6 */
{
    const struct bight_endpoint_type *type = read_good("tcp:port=80", BI_ENDPOINT_LISTEN);
    ck_assert_int_eq(argument(type, "port")->number, 80);
    type = read_good("tcp:host=example.org:port=80", BI_ENDPOINT_CONNECT);
    check_text(type, "host", "example.org", 10);
}
END_TEST

START_TEST(only_the_first_equals_sign_makes_a_keyword) /* E6 */
{
    check_text(read_good("unix:path=/a=b", BI_ENDPOINT_LISTEN), "path", "/a=b", 11);
    check_text(read_good("unix:/a\\=b", BI_ENDPOINT_LISTEN), "path", "/a=b", 6);
}
END_TEST

START_TEST(a_backslash_escapes_any_character) /* E6 */
{
    check_text(read_good("unix:/a\\:b\\\\c\\d", BI_ENDPOINT_LISTEN), "path", "/a:b\\cd", 6);
    check_text(read_good("unix:/\\[", BI_ENDPOINT_LISTEN), "path", "/[", 6);
    check_text(read_good("unix:/]x", BI_ENDPOINT_LISTEN), "path", "/]x", 6);
}
END_TEST

START_TEST(brackets_keep_a_literal_together) /* E6 */
{
    const struct bight_endpoint_type *type = read_good("tcp:[::1]:80", BI_ENDPOINT_CONNECT);
    check_text(type, "host", "[::1]", 5);
    ck_assert_int_eq(argument(type, "port")->number, 80);
    type = read_good("tcp:0:interface=[2001:db8::1]", BI_ENDPOINT_LISTEN);
    check_text(type, "interface", "2001:db8::1", 17);
}
END_TEST

START_TEST(type_names_are_case_insensitive) /* E6 */
{
    ck_assert_str_eq(read_good("TCP:1", BI_ENDPOINT_LISTEN)->name, "tcp");
    ck_assert_str_eq(read_good("Unix:/x", BI_ENDPOINT_CONNECT)->name, "unix");
}
END_TEST

START_TEST(values_are_read_by_their_kind) /* E6 */
{
    const struct bight_endpoint_type *type =
        read_good("tcp:0:reuseport=YES:nodelay=off:keepalive=1:maxconn=0010:defer=7", BI_ENDPOINT_LISTEN);
    ck_assert_int_eq(argument(type, "defer")->number, 7);
    ck_assert_int_eq(argument(type, "reuseport")->number, 1);
    ck_assert_int_eq(argument(type, "nodelay")->number, 0);
    ck_assert_int_eq(argument(type, "keepalive")->number, 1);
    ck_assert_int_eq(argument(type, "maxconn")->number, 10);
    type = read_good("unix:/x:mode=0660", BI_ENDPOINT_LISTEN);
    ck_assert_int_eq(argument(type, "mode")->number, 0660);
    type = read_good("tcp:h:65535:timeout=2.25", BI_ENDPOINT_CONNECT);
    ck_assert(argument(type, "timeout")->seconds > 2.2499 && argument(type, "timeout")->seconds < 2.2501);
    type = read_good("tcp:h:1:timeout=7", BI_ENDPOINT_CONNECT);
    ck_assert(argument(type, "timeout")->seconds > 6.9999 && argument(type, "timeout")->seconds < 7.0001);
}
END_TEST

/* ------------------------------------------------------------------------------------------- bad ones */

struct bad {
    const char *string;
    enum bi_endpoint_direction direction;
    int code;
    const char *message; /* how it begins */
};

static const struct bad bad_strings[] = {
    { NULL, BI_ENDPOINT_LISTEN, BIGHT_E_SYNTAX, "column 1: there is no endpoint, but NULL" },
    { "", BI_ENDPOINT_LISTEN, BIGHT_E_SYNTAX, "column 1: an endpoint begins with its type, such as \"tcp:\"" },
    { ":80", BI_ENDPOINT_LISTEN, BIGHT_E_SYNTAX, "column 1: an endpoint begins with its type, such as \"tcp:\"" },
    { "a=b", BI_ENDPOINT_LISTEN, BIGHT_E_SYNTAX,
        "column 1: an endpoint begins with its type, such as \"tcp:\", not with an argument" },
    { "tpc:80", BI_ENDPOINT_LISTEN, BIGHT_E_UNKNOWN_TYPE, "column 1: there is no type \"tpc\"; did you mean \"tcp\"?" },
    { "TPC:80", BI_ENDPOINT_LISTEN, BIGHT_E_UNKNOWN_TYPE, "column 1: there is no type \"TPC\"; did you mean \"tcp\"?" },
    { "carrier-pigeon:80", BI_ENDPOINT_LISTEN, BIGHT_E_UNKNOWN_TYPE,
        "column 1: there is no type \"carrier-pigeon\" (to listen on there are tcp, tcp6, unix, fd, tls, ssl, "
        "secure)" },
    { "fd:3", BI_ENDPOINT_CONNECT, BIGHT_E_UNKNOWN_TYPE,
        "column 1: \"fd\" can only be listened on (to connect to there are tcp, unix, tls, ssl, secure)" },
    { "x\ny:3", BI_ENDPOINT_CONNECT, BIGHT_E_UNKNOWN_TYPE,
        "column 1: there is no type \"x\ny\" (to connect to there are tcp, unix, tls, ssl, secure)" },
    { "tcp", BI_ENDPOINT_LISTEN, BIGHT_E_MISSING_ARGUMENT, "column 4: the port is missing (tcp:PORT[" },
    { "tcp:", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE, "column 5: the port is empty; it is a number from 0 to 65535" },
    { "tcp:host", BI_ENDPOINT_CONNECT, BIGHT_E_MISSING_ARGUMENT, "column 9: the port is missing (tcp:HOST:PORT" },
    { "tcp::80", BI_ENDPOINT_CONNECT, BIGHT_E_BAD_VALUE, "column 5: the host is empty" },
    { "tcp:h:0", BI_ENDPOINT_CONNECT, BIGHT_E_BAD_VALUE, "column 7: the port is a number from 1 to 65535, not \"0\"" },
    { "tcp:65536", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE,
        "column 5: the port is a number from 0 to 65535, not \"65536\"" },
    { "tcp:-1", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE, "column 5: the port is a number from 0 to 65535, not \"-1\"" },
    { "tcp:+1", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE, "column 5: the port is a number" },
    { "tcp: 1", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE, "column 5: the port is a number" },
    { "tcp:0x10", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE, "column 5: the port is a number" },
    { "tcp:18446744073709551617", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE, "column 5: the port is a number" },
    { "tcp:99999999999999999999999999", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE, "column 5: the port is a number" },
    { "tcp:1:backlog=2147483648", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE,
        "column 15: backlog is a number from 1 to 2147483647, not \"2147483648\"" },
    { "tcp:1:backlog=0", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE, "column 15: backlog is a number from 1" },
    { "tcp:1:backlog=", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE, "column 15: backlog is empty; it is a number" },
    { "tcp:1:defer=0", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE,
        "column 13: defer is a number from 1 to 3600, not \"0\"" },
    { "tcp:1:nodelay=maybe", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE, "column 15: nodelay is yes or no, not \"maybe\"" },
    { "tcp:1:interface=local host", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE,
        "column 17: interface is an IP address or a host's name, not \"local host\"" },
    { "tcp:1:interface=1.2.3", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE, "column 17: interface is an IP address" },
    { "tcp:1:interface=host.0x7f000001", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE, "column 17: interface is an IP addr" },
    { "tcp:1:interface=a..b", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE, "column 17: interface is an IP address" },
    { "tcp:1:interface=.", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE, "column 17: interface is an IP address" },
    { "tcp:1:interface=[localhost]", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE, "column 17: interface is an IP address" },
    { "tcp:a:1:bindport=0", BI_ENDPOINT_CONNECT, BIGHT_E_BAD_VALUE,
        "column 18: bindport is a number from 1 to 65535, not \"0\"" },
    { "tcp:a:1:bind=10.0.0.1:5000", BI_ENDPOINT_CONNECT, BIGHT_E_EXTRA_ARGUMENT,
        "column 23: \"5000\" is one argument too many "
        "(tcp:HOST:PORT[:timeout=SECONDS][:bind=ADDRESS][:bindport=PORT])" },
    { "tcp:a:1:bind=localhost", BI_ENDPOINT_CONNECT, BIGHT_E_BAD_VALUE, "column 14: bind is an IP address, not" },
    { "tcp:1:interfce=::1", BI_ENDPOINT_LISTEN, BIGHT_E_UNKNOWN_ARGUMENT,
        "column 7: tcp has no argument \"interfce\"; did you mean \"interface\"?" },
    { "tcp:1:colour=red", BI_ENDPOINT_LISTEN, BIGHT_E_UNKNOWN_ARGUMENT,
        "column 7: tcp has no argument \"colour\" (tcp:PORT[" },
    { "tcp:1:=red", BI_ENDPOINT_LISTEN, BIGHT_E_SYNTAX, "column 7: the name of an argument is missing before \"=\"" },
    { "tcp:1:2", BI_ENDPOINT_LISTEN, BIGHT_E_EXTRA_ARGUMENT, "column 7: \"2\" is one argument too many (tcp:PORT[" },
    { "tcp:1:", BI_ENDPOINT_LISTEN, BIGHT_E_EXTRA_ARGUMENT,
        "column 7: after the \":\" an argument is missing (tcp:PORT[" },
    { "tcp:1:port=2", BI_ENDPOINT_LISTEN, BIGHT_E_EXTRA_ARGUMENT, "column 7: the port is given twice" },
    { "tcp:1:nodelay=no:nodelay=no", BI_ENDPOINT_LISTEN, BIGHT_E_EXTRA_ARGUMENT, "column 18: nodelay is given twice" },
    { "tcp:[::1:80", BI_ENDPOINT_CONNECT, BIGHT_E_SYNTAX, "column 5: this \"[\" has no \"]\"" },
    { "unix:/x\\", BI_ENDPOINT_LISTEN, BIGHT_E_SYNTAX, "column 8: nothing follows the backslash" },
    { "unix:", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE, "column 6: the path is empty" },
    { "unix:/x:mode=888", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE,
        "column 14: mode is an octal file mode from 0 to 777, not \"888\"" },
    { "unix:/x:mode=1777", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE, "column 14: mode is an octal" },
    { "unix:/x:timeout=-1", BI_ENDPOINT_CONNECT, BIGHT_E_BAD_VALUE,
        "column 17: timeout is a number of seconds such as 2.5, not \"-1\"" },
    { "unix:/x:timeout=1e9", BI_ENDPOINT_CONNECT, BIGHT_E_BAD_VALUE, "column 17: timeout is a number of sec" },
    { "unix:/x:timeout=nan", BI_ENDPOINT_CONNECT, BIGHT_E_BAD_VALUE, "column 17: timeout is a number of sec" },
    { "unix:/x:timeout=5.", BI_ENDPOINT_CONNECT, BIGHT_E_BAD_VALUE, "column 17: timeout is a number of sec" },
    { "unix:/x:timeout=.5", BI_ENDPOINT_CONNECT, BIGHT_E_BAD_VALUE, "column 17: timeout is a number of sec" },
    { "unix:/x:timeout=9999999999", BI_ENDPOINT_CONNECT, BIGHT_E_BAD_VALUE, "column 17: timeout is a number" },
    { "fd:", BI_ENDPOINT_LISTEN, BIGHT_E_BAD_VALUE,
        "column 4: the descriptor is empty; it is a number from 0 to 2147483647" },
};

START_TEST(errors_say_what_was_tried_and_what_is_wrong_in_which_column) /* E6 */
{
    const struct bad *bad = &bad_strings[_i];
    struct bight_failure *failure = NULL;
    ck_assert_ptr_null(bi_endpoint_read(bad->string, bad->direction, &parsed, arguments, &failure));
    ck_assert_ptr_nonnull(failure);
    const char *message = bight_failure_message(failure);
    const char *wrong = strstr(message, "\": column ");
    const char *tried = bad->direction == BI_ENDPOINT_LISTEN ? "cannot listen on \"" : "cannot connect to \"";
    ck_assert_msg(strncmp(message, tried, strlen(tried)) == 0 && wrong != NULL, "%s", message);
    ck_assert_msg(strncmp(wrong + 3, bad->message, strlen(bad->message)) == 0, "%s", message);
    ck_assert_int_eq(bight_failure_code(failure), bad->code);
    ck_assert(bight_failure_is(failure, BIGHT_E_SYNTAX));
    bight_failure_release(failure);
}
END_TEST

static const struct {
    const char *string;
    enum bi_endpoint_direction direction;
    const char *instead; /* NULL: nothing is guessed */
} mistaken[] = {
    { "1234", BI_ENDPOINT_LISTEN, "tcp:1234" },
    { "1234", BI_ENDPOINT_CONNECT, "tcp:localhost:1234" },
    { "65536", BI_ENDPOINT_LISTEN, NULL },
    { "localhost:1234", BI_ENDPOINT_LISTEN, "tcp:1234:interface=127.0.0.1" },
    { "localhost:1234", BI_ENDPOINT_CONNECT, "tcp:localhost:1234" },
    { "192.0.2.1:80", BI_ENDPOINT_LISTEN, "tcp:80:interface=192.0.2.1" },
    { "host.example:80", BI_ENDPOINT_LISTEN, "tcp:80" },
    { "host.example:80", BI_ENDPOINT_CONNECT, "tcp:host.example:80" },
    { "[::1]:80", BI_ENDPOINT_LISTEN, "tcp:80:interface=[::1]" },
    { "[::1]:80", BI_ENDPOINT_CONNECT, "tcp:[::1]:80" },
    { "::1:80", BI_ENDPOINT_CONNECT, "tcp:[::1]:80" },
    { "tcp:::1:80", BI_ENDPOINT_CONNECT, "tcp:[::1]:80" },
    { "TCP:2001:db8::7:80", BI_ENDPOINT_LISTEN, "tcp:80:interface=[2001:db8::7]" },
    { "tcp:80:interface=::1", BI_ENDPOINT_LISTEN, "tcp:80:interface=[::1]" },
    { "/run/echo", BI_ENDPOINT_LISTEN, "unix:/run/echo" },
    { "./a:b", BI_ENDPOINT_CONNECT, "unix:./a\\:b" },
    { "tls6:443", BI_ENDPOINT_LISTEN, NULL },
    { "udp:53", BI_ENDPOINT_LISTEN, NULL },
    { "tls6:example.org:443", BI_ENDPOINT_CONNECT, NULL },
    { "tpc:80", BI_ENDPOINT_LISTEN, NULL },
};

START_TEST(what_was_probably_meant_is_said) /* E6 */
{
    struct bight_failure *failure = NULL;
    const char *instead = mistaken[_i].instead;
    ck_assert_ptr_null(bi_endpoint_read(mistaken[_i].string, mistaken[_i].direction, &parsed, arguments, &failure));
    const char *message = bight_failure_message(failure);
    const char *write = strstr(message, "; write ");
    ck_assert_msg((write != NULL) == (instead != NULL), "%s", message);
    if (instead != NULL) {
        struct bight_failure *none = NULL;
        ck_assert_str_eq(write + 8, instead);
        ck_assert_ptr_nonnull(bi_endpoint_read(instead, mistaken[_i].direction, &parsed, arguments, &none));
    }
    bight_failure_release(failure);
}
END_TEST

START_TEST(what_is_not_there_is_not_taken_for_something_else) /* E6 */
{
    static const char *const strings[] = { "tls6:443", "udp:53", "udp6:53", "DTLS:443" };
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        struct bight_failure *failure = NULL;
        ck_assert_ptr_null(bi_endpoint_read(strings[i], BI_ENDPOINT_LISTEN, &parsed, arguments, &failure));
        ck_assert_ptr_null(strstr(bight_failure_message(failure), "did you mean"));
        ck_assert_ptr_nonnull(strstr(bight_failure_message(failure), "there is no type"));
        bight_failure_release(failure);
    }
}
END_TEST

START_TEST(a_long_string_is_cut_in_its_error) /* E6 */
{
    static char string[BI_ENDPOINT_TEXT_LIMIT];
    struct bight_failure *failure = NULL;
    memset(string, 'x', sizeof string - 1);
    ck_assert_ptr_null(bi_endpoint_read(string, BI_ENDPOINT_LISTEN, &parsed, arguments, &failure));
    ck_assert_uint_lt(strlen(bight_failure_message(failure)), 500);
    ck_assert_ptr_nonnull(strstr(bight_failure_message(failure), "xxx...\": column 1: there is no type \"xxx"));
    bight_failure_release(failure);
}
END_TEST

START_TEST(overlong_strings_and_too_many_parts_are_refused) /* E6 */
{
    static char string[2 * BI_ENDPOINT_TEXT_LIMIT];
    struct bight_failure *failure = NULL;
    memset(string, 'x', sizeof string);
    memcpy(string, "unix:", 5);
    string[BI_ENDPOINT_TEXT_LIMIT] = '\0';
    ck_assert_uint_eq(argument(read_good(string, BI_ENDPOINT_LISTEN), "path")->text_size, BI_ENDPOINT_TEXT_LIMIT - 5);
    string[BI_ENDPOINT_TEXT_LIMIT] = 'x';
    string[BI_ENDPOINT_TEXT_LIMIT + 1] = '\0';
    failure = bi_endpoint_parse(string, &parsed);
    ck_assert_str_eq(bight_failure_message(failure), "column 4097: an endpoint has at most 4096 bytes");
    bight_failure_release(failure);
    memset(string, ':', sizeof string);
    memcpy(string, "tcp", 3);
    string[100] = '\0';
    failure = bi_endpoint_parse(string, &parsed);
    ck_assert_str_eq(bight_failure_message(failure), "column 69: there are more than 64 arguments");
    bight_failure_release(failure);
}
END_TEST

/* Whatever comes, there is a type or a failure, and never both. */
static void try_string(const char *string)
{
    for (int direction = BI_ENDPOINT_LISTEN; direction <= BI_ENDPOINT_CONNECT; direction++) {
        struct bight_failure *failure = NULL;
        const struct bight_endpoint_type *type =
            bi_endpoint_read(string, (enum bi_endpoint_direction)direction, &parsed, arguments, &failure);
        ck_assert((type == NULL) == (failure != NULL));
        if (failure != NULL) {
            ck_assert_msg(strstr(bight_failure_message(failure), "\": column ") != NULL, "%s", string);
        }
        bight_failure_release(failure);
    }
}

static const char *const seeds[] = {
    "tcp:1234:interface=[::1%1]:backlog=50:reuseport=yes:nodelay=no:keepalive=yes:maxconn=10",
    "tcp:[2001:db8::1]:80:timeout=1.5:bind=10.0.0.1",
    "unix:/run/a\\:b\\\\c:mode=660:backlog=1",
    "fd:3",
};

START_TEST(no_prefix_and_no_mutation_does_harm) /* E6 */
{
    static const char replacements[] = { ':', '=', '\\', '[', ']', '0', '9', '-', '%', '.', '\n', (char)0xff, 'x',
        '\0' };
    char string[128];
    const char *seed = seeds[_i];
    size_t size = strlen(seed);
    for (size_t length = 0; length <= size; length++) {
        memcpy(string, seed, length);
        string[length] = '\0';
        try_string(string);
    }
    for (size_t at = 0; at < size; at++) {
        for (size_t i = 0; i < sizeof replacements; i++) {
            strcpy(string, seed);
            string[at] = replacements[i];
            try_string(string);
            memmove(string + at, seed + at, size - at + 1); /* and one left out */
            memmove(string + at, seed + at + 1, size - at);
            try_string(string);
        }
    }
}
END_TEST

/* ------------------------------------------------------------------------------------------- quoting */

START_TEST(a_quoted_text_comes_back_as_it_was) /* E6 */
{
    static const char *const texts[] = { "/plain", "/a:b", "=x", "a=b=c", "\\", "\\\\:", "[::1]", "]", "\n\xff", "@x" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char quoted[64], string[80];
        size_t size = bight_endpoint_quote(texts[i], quoted, sizeof quoted);
        ck_assert_uint_eq(size, strlen(quoted));
        snprintf(string, sizeof string, "unix:%s", quoted);
        ck_assert_str_eq(argument(read_good(string, BI_ENDPOINT_LISTEN), "path")->text, texts[i]);
        snprintf(string, sizeof string, "unix:path=%s", quoted);
        ck_assert_str_eq(argument(read_good(string, BI_ENDPOINT_LISTEN), "path")->text, texts[i]);
    }
}
END_TEST

START_TEST(quoting_tells_the_length_that_it_needs) /* E6 */
{
    char small[4] = "zzz";
    ck_assert_uint_eq(bight_endpoint_quote("a:b:c", small, sizeof small), 7);
    ck_assert_str_eq(small, "a\\:");
    ck_assert_uint_eq(bight_endpoint_quote("a:b:c", NULL, 0), 7);
}
END_TEST

/* ----------------------------------------------------------------------------------------- registering */

static struct bight_deferred *listen_never(
    struct bight_reactor *reactor, const struct bight_argument *given, struct bight_factory *factory)
{
    (void)reactor;
    (void)given;
    (void)factory;
    return bight_succeed(NULL, NULL);
}

static const struct bight_argument_rule pigeon_rules[] = {
    { "loft", BIGHT_ARGUMENT_TEXT, .positional = true, .required = true },
    { "offset", BIGHT_ARGUMENT_NUMBER, .minimum = -5, .maximum = 5 },
    { "many", BIGHT_ARGUMENT_NUMBER },
    { NULL },
};

START_TEST(third_parties_add_types) /* E6 */
{
    static const struct bight_endpoint_type pigeon = {
        .name = "pigeon", .help = "pigeon:LOFT", .rules = pigeon_rules, .listen = listen_never
    };
    ck_assert_int_eq(bight_endpoint_register(&pigeon), 0);
    ck_assert_ptr_eq(read_good("Pigeon:home:offset=-5", BI_ENDPOINT_LISTEN), &pigeon);
    ck_assert_int_eq(argument(&pigeon, "offset")->number, -5);
    read_good("pigeon:home:many=9223372036854775807", BI_ENDPOINT_LISTEN);
    ck_assert_int_eq(argument(&pigeon, "many")->number, INT64_MAX);
    struct bight_failure *failure = NULL;
    ck_assert_ptr_null(bi_endpoint_read("pidgeon:x", BI_ENDPOINT_LISTEN, &parsed, arguments, &failure));
    ck_assert_ptr_nonnull(strstr(bight_failure_message(failure), "did you mean \"pigeon\"?"));
    bight_failure_release(failure);
    size_t count = 0;
    const struct bight_endpoint_type *last = NULL, *type;
    for (size_t cursor = 0; (type = bight_endpoint_next_type(&cursor)) != NULL; count++) {
        last = type;
    }
    ck_assert_ptr_eq(last, &pigeon);
    ck_assert_uint_eq(count, 13);
}
END_TEST

static void refuse_all(const struct bight_log_event *event, void *count)
{
    ck_assert_int_eq(event->level, BIGHT_LOG_ERROR);
    ++*(int *)count;
}

START_TEST(unsound_types_are_refused) /* E6 */
{
    static const struct bight_argument_rule late[] = { { "a", BIGHT_ARGUMENT_TEXT, .positional = true },
        { "b", BIGHT_ARGUMENT_TEXT, .positional = true, .required = true }, { NULL } };
    static const struct bight_argument_rule kindless[] = { { "a" }, { NULL } };
    static const struct bight_argument_rule upside_down[] = {
        { "a", BIGHT_ARGUMENT_NUMBER, .minimum = 2, .maximum = 1 }, { NULL }
    };
    static const struct bight_argument_rule unnamed[] = { { "A", BIGHT_ARGUMENT_TEXT }, { NULL } };
    static const struct bight_argument_rule beyond[] = { { "a", (enum bight_argument_kind)99 }, { NULL } };
    static struct bight_argument_rule many[BI_ENDPOINT_PART_LIMIT + 2];
    for (size_t i = 0; i <= BI_ENDPOINT_PART_LIMIT; i++) {
        many[i] = (struct bight_argument_rule) { "a", BIGHT_ARGUMENT_TEXT };
    }
    const struct bight_endpoint_type types[] = {
        { .name = "tcp", .help = "", .rules = pigeon_rules, .listen = listen_never },
        { .name = "tcp", .help = "", .rules = pigeon_rules, .connect = listen_never },
        { .help = "", .rules = pigeon_rules, .listen = listen_never },
        { .name = "x", .help = "", .rules = unnamed, .listen = listen_never },
        { .name = "x", .help = "", .rules = beyond, .listen = listen_never },
        { .name = "x", .help = "", .rules = many, .listen = listen_never },
        { .name = "Upper", .help = "", .rules = pigeon_rules, .listen = listen_never },
        { .name = "", .help = "", .rules = pigeon_rules, .listen = listen_never },
        { .name = "x", .rules = pigeon_rules, .listen = listen_never },
        { .name = "x", .help = "", .listen = listen_never },
        { .name = "x", .help = "", .rules = pigeon_rules },
        { .name = "x", .help = "", .rules = late, .listen = listen_never },
        { .name = "x", .help = "", .rules = kindless, .listen = listen_never },
        { .name = "x", .help = "", .rules = upside_down, .listen = listen_never },
    };
    int logged = 0;
    bight_log_set_observer(refuse_all, &logged);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        ck_assert_int_eq(bight_endpoint_register(&types[i]), BIGHT_E_INVALID_ARGUMENT);
    }
    ck_assert_int_eq(bight_endpoint_register(NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(logged, (int)(sizeof types / sizeof types[0]) + 1);
    bight_log_set_observer(NULL, NULL);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, parts_are_split_at_colons);
    tcase_add_test(tests, positional_arguments_can_be_given_by_name);
    tcase_add_test(tests, only_the_first_equals_sign_makes_a_keyword);
    tcase_add_test(tests, a_backslash_escapes_any_character);
    tcase_add_test(tests, brackets_keep_a_literal_together);
    tcase_add_test(tests, type_names_are_case_insensitive);
    tcase_add_test(tests, values_are_read_by_their_kind);
    tcase_add_loop_test(tests, errors_say_what_was_tried_and_what_is_wrong_in_which_column, 0,
        (int)(sizeof bad_strings / sizeof bad_strings[0]));
    tcase_add_test(tests, overlong_strings_and_too_many_parts_are_refused);
    tcase_add_loop_test(tests, what_was_probably_meant_is_said, 0, sizeof mistaken / sizeof mistaken[0]);
    tcase_add_test(tests, what_is_not_there_is_not_taken_for_something_else);
    tcase_add_test(tests, a_long_string_is_cut_in_its_error);
    tcase_add_loop_test(tests, no_prefix_and_no_mutation_does_harm, 0, (int)(sizeof seeds / sizeof seeds[0]));
    tcase_add_test(tests, a_quoted_text_comes_back_as_it_was);
    tcase_add_test(tests, quoting_tells_the_length_that_it_needs);
    tcase_add_test(tests, third_parties_add_types);
    tcase_add_test(tests, unsound_types_are_refused);
}

BIGHT_TEST_MAIN("endpoint_parse", add_tests)
