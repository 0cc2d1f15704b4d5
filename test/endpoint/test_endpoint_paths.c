/* SPDX-License-Identifier: MIT */
/* Listening on UNIX paths, and on descriptors that were handed over (E1, E4, T18). */
#include "endpoint_support.h"

#include <netinet/tcp.h>

/* -------------------------------------------------------------------------------------------- unix */

START_TEST(a_unix_socket_serves_and_leaves_no_file) /* E1, T18 */
{
    begin();
    struct bight_address address;
    char text[BIGHT_ADDRESS_TEXT_SIZE];
    struct bight_port *port = net_listen_on(&net, endpoint);
    ck_assert_int_eq(bight_port_address(port, &address), 0);
    bight_address_format(&address, text, sizeof text);
    ck_assert_str_eq(text, path);
    watch_outcome(bight_connect(net.reactor, endpoint, &probe_factory), &outcome);
    NET_UNTIL(&net, seen.made == 2);
    ck_assert_int_eq(outcome.code, 0);
    stop(port);
    ck_assert_int_ne(access(path, F_OK), 0);
    end();
}
END_TEST

START_TEST(an_abstract_name_needs_no_file) /* E1 */
{
    begin();
    char name[64];
    snprintf(name, sizeof name, "unix:@bight-test-%d", (int)getpid());
    struct bight_port *port = net_listen_on(&net, name);
    listen_in_vain(name, BIGHT_E_ADDRESS_IN_USE);
    forget_outcome(&outcome);
    watch_outcome(bight_connect(net.reactor, name, &probe_factory), &outcome);
    NET_UNTIL(&net, seen.made == 2);
    stop(port);
    end();
}
END_TEST

START_TEST(the_mode_is_as_asked_whatever_the_umask) /* E1 */
{
    static const struct {
        mode_t umask;
        const char *mode;
        mode_t expected;
    } cases[] = { { 077, "660", 0660 }, { 0, "600", 0600 }, { 022, "777", 0777 }, { 0, "0", 0 } };
    begin();
    struct stat status;
    char string[200];
    mode_t before = umask(cases[_i].umask);
    snprintf(string, sizeof string, "%s:mode=%s", endpoint, cases[_i].mode);
    struct bight_port *port = net_listen_on(&net, string);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, cases[_i].expected);
    umask(before);
    stop(port);
    end();
}
END_TEST

static int leave_stale_socket(void)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
    return fd;
}

START_TEST(a_socket_whose_owner_has_died_is_replaced) /* E1 */
{
    begin();
    close(leave_stale_socket());
    struct bight_port *port = net_listen_on(&net, endpoint);
    watch_outcome(bight_connect(net.reactor, endpoint, &probe_factory), &outcome);
    NET_UNTIL(&net, seen.made == 2);
    stop(port);
    end();
}
END_TEST

START_TEST(a_live_socket_and_an_ordinary_file_are_left_alone) /* E1 */
{
    begin();
    int fd = leave_stale_socket();
    ck_assert_int_eq(listen(fd, 1), 0);
    listen_in_vain(endpoint, BIGHT_E_ADDRESS_IN_USE);
    ck_assert_int_eq(access(path, F_OK), 0);
    close(fd);
    unlink(path);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    listen_in_vain(endpoint, BIGHT_E_ADDRESS_IN_USE);
    ck_assert_int_eq(access(path, F_OK), 0);
    unlink(path);
    end();
}
END_TEST

START_TEST(a_socket_that_is_bound_and_will_listen_in_a_moment_is_left_alone) /* E1 */
{
    begin();
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int many[200], fd = leave_stale_socket();
    for (int i = 0; i < 200; i++) { /* the list of sockets is longer than a read of it */
        snprintf(un.sun_path + 1, sizeof un.sun_path - 1, "bight-%d-%d", (int)getpid(), i);
        many[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(many[i], (struct sockaddr *)&un, sizeof un), 0);
    }
    listen_in_vain(endpoint, BIGHT_E_ADDRESS_IN_USE);
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    listen_in_vain(endpoint, BIGHT_E_ADDRESS_IN_USE);
    close(fd);
    struct bight_port *port = net_listen_on(&net, endpoint); /* now it is stale */
    stop(port);
    for (int i = 0; i < 200; i++) {
        close(many[i]);
    }
    end();
}
END_TEST

static int connect_and_be_replaced(struct bight_system *system, int fd, const struct sockaddr *address, socklen_t size)
{
    int result = NET_REAL(connect, fd, address, size);
    char aside[128];
    (void)system;
    snprintf(aside, sizeof aside, "%s.old", path);
    ck_assert_int_eq(rename(path, aside), 0);
    close(leave_stale_socket());
    return result;
}

START_TEST(a_socket_that_another_put_there_meanwhile_is_left_alone) /* E1 */
{
    begin();
    char aside[128];
    snprintf(aside, sizeof aside, "%s.old", path);
    close(leave_stale_socket());
    net.fake.ops.connect = connect_and_be_replaced;
    listen_in_vain(endpoint, BIGHT_E_ADDRESS_IN_USE);
    ck_assert_int_eq(access(path, F_OK), 0);
    unlink(aside);
    end();
}
END_TEST

START_TEST(a_path_that_is_somebody_elses_by_now_is_not_removed) /* T18 */
{
    begin();
    struct bight_port *port = net_listen_on(&net, endpoint);
    char aside[128];
    snprintf(aside, sizeof aside, "%s.old", path);
    ck_assert_int_eq(rename(path, aside), 0);
    int fd = leave_stale_socket();
    stop(port);
    ck_assert_int_eq(access(path, F_OK), 0);
    close(fd);
    unlink(path);
    unlink(aside);
    end();
}
END_TEST

START_TEST(a_path_that_is_too_long_says_so) /* E1 */
{
    char string[200] = "unix:";
    begin();
    memset(string + 5, 'x', 108);
    listen_in_vain(string, BIGHT_E_BAD_VALUE);
    ck_assert_ptr_nonnull(
        strstr(bight_failure_message(outcome.failure), "\": column 6: the path has at most 107 bytes, not 108"));
    forget_outcome(&outcome);
    watch_outcome(bight_connect(net.reactor, string, &probe_factory), &outcome);
    ck_assert_int_eq(outcome.code, BIGHT_E_BAD_VALUE);
    end();
}
END_TEST

START_TEST(a_path_that_cannot_be_a_socket_says_why) /* E1 */
{
    static const struct {
        const char *string, *message;
        int code;
    } cases[] = {
        { "unix:/no/such/folder/socket", "there is no such directory", BIGHT_E_LISTEN },
        { "unix:/dev/null/socket", "a part of the path is no directory", BIGHT_E_LISTEN },
        { "unix:/dev/null", "it exists and is no socket", BIGHT_E_ADDRESS_IN_USE },
    };
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char message[160];
        snprintf(message, sizeof message, "cannot listen on \"%s\": %s", cases[i].string, cases[i].message);
        listen_in_vain(cases[i].string, cases[i].code);
        ck_assert_str_eq(bight_failure_message(outcome.failure), message);
    }
    end();
}
END_TEST

/* ---------------------------------------------------------------------------------------------- fd */

START_TEST(a_listening_descriptor_is_adopted_once) /* E4 */
{
    begin();
    char string[32];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(listen(fd, 5), 0);
    snprintf(string, sizeof string, "fd:%d", fd);
    struct bight_port *port = net_listen_on(&net, string);
    ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    int far = far_connect_to(port);
    NET_UNTIL(&net, seen.made == 1);
    listen_in_vain(string, BIGHT_E_ALREADY_LISTENED);
    stop(port);
    ck_assert_int_lt(fcntl(fd, F_GETFD), 0); /* it was closed */
    listen_in_vain(string, BIGHT_E_ALREADY_LISTENED);
    close(far);
    end();
}
END_TEST

START_TEST(the_number_of_a_closed_descriptor_may_be_another_sockets) /* E4 */
{
    begin();
    char string[32];
    for (int i = 0, first = -1; i < 3; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        ck_assert_int_eq(listen(fd, 5), 0);
        first = first < 0 ? fd : first;
        if (fd != first) {
            ck_assert_int_eq(dup2(fd, first), first);
            close(fd);
        }
        snprintf(string, sizeof string, "fd:%d", first);
        struct bight_port *port = net_listen_on(&net, string);
        listen_in_vain(string, BIGHT_E_ALREADY_LISTENED);
        stop(port);
    }
    end();
}
END_TEST

START_TEST(what_connections_inherit_from_an_adopted_socket_is_as_bight_expects_it) /* E4 */
{
    begin();
    char string[32];
    const struct linger linger = { .l_onoff = 1, .l_linger = 5 };
    const int many = 1000, on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &many, sizeof many), 0);
    ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on), 0);
    ck_assert_int_eq(listen(fd, 5), 0);
    snprintf(string, sizeof string, "fd:%d", fd);
    struct bight_port *port = net_listen_on(&net, string);
    int far = far_connect_to(port), accepted = accept(fd, NULL, NULL);
    struct linger lingers = { .l_onoff = 1 };
    int least = 0, corked = 1;
    socklen_t size = sizeof lingers;
    ck_assert_int_eq(getsockopt(accepted, SOL_SOCKET, SO_LINGER, &lingers, &size), 0);
    size = sizeof least;
    ck_assert_int_eq(getsockopt(accepted, SOL_SOCKET, SO_RCVLOWAT, &least, &size), 0);
    size = sizeof corked;
    ck_assert_int_eq(getsockopt(accepted, IPPROTO_TCP, TCP_CORK, &corked, &size), 0);
    ck_assert_int_eq(lingers.l_onoff, 0);
    ck_assert_int_eq(least, 1);
    ck_assert_int_eq(corked, 0);
    close(accepted);
    close(far);
    stop(port);
    end();
}
END_TEST

START_TEST(a_descriptor_that_does_not_listen_is_left_alone) /* E4 */
{
    begin();
    char string[32];
    int ends[2], fd = socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_eq(pipe(ends), 0);
    const int bad[] = { fd, ends[0], 1000 };
    for (size_t i = 0; i < 3; i++) {
        snprintf(string, sizeof string, "fd:%d", bad[i]);
        listen_in_vain(string, BIGHT_E_BAD_VALUE);
        const char *what = i == 2 ? "column 4: descriptor 1000 is not open" : "is not a listening socket";
        ck_assert_ptr_nonnull(strstr(bight_failure_message(outcome.failure), what));
    }
    ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
    close(fd);
    close(ends[0]);
    close(ends[1]);
    end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_unix_socket_serves_and_leaves_no_file);
    tcase_add_test(tests, an_abstract_name_needs_no_file);
    tcase_add_loop_test(tests, the_mode_is_as_asked_whatever_the_umask, 0, 4);
    tcase_add_test(tests, a_socket_whose_owner_has_died_is_replaced);
    tcase_add_test(tests, a_live_socket_and_an_ordinary_file_are_left_alone);
    tcase_add_test(tests, a_socket_that_is_bound_and_will_listen_in_a_moment_is_left_alone);
    tcase_add_test(tests, a_socket_that_another_put_there_meanwhile_is_left_alone);
    tcase_add_test(tests, a_path_that_is_somebody_elses_by_now_is_not_removed);
    tcase_add_test(tests, a_path_that_is_too_long_says_so);
    tcase_add_test(tests, a_path_that_cannot_be_a_socket_says_why);
    tcase_add_test(tests, a_listening_descriptor_is_adopted_once);
    tcase_add_test(tests, the_number_of_a_closed_descriptor_may_be_another_sockets);
    tcase_add_test(tests, what_connections_inherit_from_an_adopted_socket_is_as_bight_expects_it);
    tcase_add_test(tests, a_descriptor_that_does_not_listen_is_left_alone);
}

BIGHT_TEST_MAIN("endpoint_paths", add_tests)
