/* SPDX-License-Identifier: MIT */
/* Datagrams between simulated hosts: what links, buffers and faults do to them, the same with each run of a seed. What
 * each call answers is compared with the kernel's in test_simulation_kernel_datagrams.c. */
#include "simulation_support.h"

#include <errno.h>
#include <netinet/in.h>

#include <bight/testing.h>

#include "testing/simulation/simulation.h"

enum { SEEDS = 25 };

static uint8_t bytes[2000];

/* ------------------------------------------------------------------------------------- between two hosts */

/* A sender on the client's host, a receiver on the server's at port 7; datagrams are numbered. */
struct pair {
    struct world *world;
    struct bight_system *from, *to;
    int sender, receiver;
    uint32_t next;
    size_t came, doubled, overtaken; /* what the receiver had */
    uint32_t last;
    uint8_t seen[4096];
};

static struct sockaddr_in server_address(void)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(7) };
    in.sin_addr.s_addr = htonl(0x0a000001);
    return in;
}

static int udp_socket(struct bight_system *system)
{
    return system->ops->socket(system, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
}

static struct pair *pair_new(uint64_t seed, const struct bight_link_conditions *link)
{
    struct pair *pair = calloc(1, sizeof *pair);
    const struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(7) }, server = server_address();
    pair->world = world_new(seed);
    if (link != NULL) {
        bight_simulation_link(pair->world->simulation, NULL, NULL, link);
    }
    pair->from = system_of(pair->world->client);
    pair->to = system_of(pair->world->server);
    pair->sender = udp_socket(pair->from);
    pair->receiver = udp_socket(pair->to);
    ck_assert_int_eq(pair->to->ops->bind(pair->to, pair->receiver, (const struct sockaddr *)&in, sizeof in), 0);
    ck_assert_int_eq(
        pair->from->ops->connect(pair->from, pair->sender, (const struct sockaddr *)&server, sizeof server), 0);
    return pair;
}

static uint64_t pair_free(struct pair *pair)
{
    pair->from->ops->close(pair->from, pair->sender);
    pair->to->ops->close(pair->to, pair->receiver);
    uint64_t hash = world_free(pair->world);
    free(pair);
    return hash;
}

static ssize_t send_next(struct pair *pair, size_t size)
{
    memcpy(bytes, &pair->next, sizeof pair->next);
    ssize_t result = pair->from->ops->send(pair->from, pair->sender, bytes, size, MSG_NOSIGNAL);
    pair->next += result == (ssize_t)size;
    return result;
}

static void send_many(struct pair *pair, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(send_next(pair, 100), 100);
    }
}

/* Everything that has come; returns the last answer of recv. */
static ssize_t take_all(struct pair *pair)
{
    uint32_t number;
    uint8_t buffer[2000];
    ssize_t result;
    while ((result = pair->to->ops->recv(pair->to, pair->receiver, buffer, sizeof buffer, 0)) >= 0) {
        memcpy(&number, buffer, sizeof number);
        ck_assert_uint_lt(number, pair->next);
        pair->doubled += pair->seen[number]++ != 0;
        pair->overtaken += pair->came != 0 && number < pair->last;
        pair->last = number;
        pair->came++;
    }
    return result;
}

static void run(struct pair *pair, double seconds)
{
    bight_simulation_run(pair->world->simulation, seconds);
    (void)take_all(pair);
}

static unsigned ready_of(struct bight_system *system, int fd)
{
    return bi_sim_file_get(bi_sim_loop_of(system), fd, "ready", NULL)->ready;
}

START_TEST(latency_and_jitter_keep_datagrams_in_order)
{
    struct pair *pair = pair_new(1, &(struct bight_link_conditions) { .latency = 0.1, .jitter = 0.05 });
    for (int i = 0; i < 50; i++) {
        send_many(pair, 1);
        run(pair, 0.001);
    }
    ck_assert_uint_eq(pair->came, 0);
    run(pair, 0.2);
    ck_assert_uint_eq(pair->came, 50);
    ck_assert_uint_eq(pair->overtaken, 0);
    ck_assert_uint_eq(bight_simulation_fault_count(pair->world->simulation), 0);
    pair_free(pair);
}
END_TEST

START_TEST(bandwidth_holds_datagrams_back_and_fills_the_send_buffer)
{
    struct pair *pair = pair_new(2, &(struct bight_link_conditions) { .bytes_per_second = 10000 });
    bight_host_kernel(pair->world->client_host, &(const struct bight_kernel_conditions) { .send_buffer = 5000 });
    size_t sent = 0;
    while (send_next(pair, 1000) > 0) {
        sent++;
    }
    ck_assert_uint_ge(sent, 3);
    ck_assert_uint_le(sent, 5);
    ck_assert_int_eq(send_next(pair, 1000), -EAGAIN);
    ck_assert_uint_eq(ready_of(pair->from, pair->sender), 0);
    run(pair, 0.15);
    ck_assert_uint_eq(pair->came, 1); /* a tenth of a second each */
    ck_assert_int_eq(send_next(pair, 1000), 1000);
    run(pair, 0.35);
    ck_assert_uint_eq(ready_of(pair->from, pair->sender), BIGHT_WRITABLE);
    run(pair, 1);
    ck_assert_uint_eq(pair->came, sent + 1);
    pair_free(pair);
}
END_TEST

START_TEST(dropped_datagrams_do_not_come)
{
    struct pair *pair = pair_new(3, &(struct bight_link_conditions) { .drop = 300 });
    send_many(pair, 200);
    run(pair, 1);
    size_t lost = bight_simulation_fault_count(pair->world->simulation);
    ck_assert_uint_gt(lost, 30);
    ck_assert_uint_lt(lost, 100);
    ck_assert_uint_eq(pair->came, 200 - lost);
    ck_assert_uint_eq(pair->overtaken + pair->doubled, 0);
    pair_free(pair);
}
END_TEST

START_TEST(duplicated_datagrams_come_twice)
{
    struct pair *pair = pair_new(4, &(struct bight_link_conditions) { .duplicate = 300 });
    send_many(pair, 200);
    run(pair, 1);
    ck_assert_uint_eq(pair->doubled, bight_simulation_fault_count(pair->world->simulation));
    ck_assert_uint_gt(pair->doubled, 30);
    ck_assert_uint_eq(pair->came, 200 + pair->doubled);
    pair_free(pair);
}
END_TEST

START_TEST(reordered_datagrams_are_overtaken)
{
    struct pair *pair = pair_new(5, &(struct bight_link_conditions) { .reorder = 300 });
    send_many(pair, 200);
    run(pair, 0.001);
    size_t late = bight_simulation_fault_count(pair->world->simulation);
    ck_assert_uint_gt(late, 30);
    ck_assert_uint_ge(pair->came, 200 - late);
    ck_assert_uint_lt(pair->came, 200);
    run(pair, 0.05);
    ck_assert_uint_eq(pair->came, 200);
    ck_assert_uint_gt(pair->overtaken, 10);
    pair_free(pair);
}
END_TEST

START_TEST(faults_of_datagrams_that_are_left_out_do_not_happen)
{
    static const uint32_t some[] = { 1, 4 };
    struct pair *pair = pair_new(6, &(struct bight_link_conditions) { .drop = 1000, .duplicate = 0 });
    bight_simulation_allow_faults(pair->world->simulation, some, 2);
    send_many(pair, 6);
    run(pair, 1);
    ck_assert_uint_eq(bight_simulation_fault_count(pair->world->simulation), 6);
    ck_assert_uint_eq(pair->came, 4);
    ck_assert_uint_eq(pair->seen[1] + pair->seen[4], 0);
    pair_free(pair);
}
END_TEST

START_TEST(a_partition_loses_datagrams)
{
    struct pair *pair = pair_new(7, &(struct bight_link_conditions) { .latency = 0.1 });
    send_many(pair, 1);
    run(pair, 0.05);
    bight_simulation_partition(pair->world->simulation, NULL, NULL, true);
    send_many(pair, 1); /* neither this one nor that under way */
    run(pair, 0.06);
    send_many(pair, 1);
    bight_simulation_partition(pair->world->simulation, NULL, NULL, false);
    send_many(pair, 1);
    run(pair, 1);
    ck_assert_uint_eq(pair->came, 1);
    ck_assert_uint_eq(pair->seen[3], 1);
    pair_free(pair);
}
END_TEST

START_TEST(a_vanished_host_gets_and_sends_no_datagrams)
{
    for (int which = 0; which < 2; which++) {
        struct pair *pair = pair_new(8, NULL);
        send_many(pair, 1);
        bight_host_vanish(which ? pair->world->server_host : pair->world->client_host);
        send_many(pair, 1);
        run(pair, 1);
        ck_assert_uint_eq(pair->came, 0);
        ck_assert_int_eq(send_next(pair, 100), 100); /* and no refusal either */
        pair_free(pair);
    }
}
END_TEST

START_TEST(a_full_receive_buffer_loses_datagrams)
{
    struct pair *pair = pair_new(9, NULL);
    bight_host_kernel(pair->world->server_host, &(const struct bight_kernel_conditions) { .receive_buffer = 3000 });
    send_many(pair, 50);
    run(pair, 1);
    ck_assert_uint_gt(pair->came, 3);
    ck_assert_uint_lt(pair->came, 30);
    ck_assert_uint_eq(pair->last, pair->came - 1); /* the first ones */
    size_t before = pair->came;
    send_many(pair, 1);
    run(pair, 1);
    ck_assert_uint_eq(pair->came, before + 1);
    pair_free(pair);
}
END_TEST

START_TEST(a_refusal_takes_its_time_and_may_be_lost)
{
    for (int cut = 0; cut < 2; cut++) {
        struct pair *pair = pair_new(10, &(struct bight_link_conditions) { .latency = 0.1 });
        pair->to->ops->close(pair->to, pair->receiver);
        pair->receiver = udp_socket(pair->to);
        send_many(pair, 1);
        bight_simulation_run(pair->world->simulation, 0.15);
        bight_simulation_partition(pair->world->simulation, NULL, NULL, cut != 0);
        ck_assert_uint_eq(ready_of(pair->from, pair->sender), BIGHT_WRITABLE);
        bight_simulation_run(pair->world->simulation, 0.1);
        ck_assert_int_eq(send_next(pair, 10), cut ? 10 : -ECONNREFUSED);
        pair_free(pair);
    }
}
END_TEST

static ssize_t send_into_network(struct pair *pair, uint32_t ip)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(7), .sin_addr.s_addr = htonl(ip) };
    struct iovec part = { bytes, 5 };
    struct msghdr message = { .msg_name = &in, .msg_namelen = sizeof in, .msg_iov = &part, .msg_iovlen = 1 };
    ssize_t result = pair->from->ops->sendmsg(pair->from, pair->sender, &message, 0);
    bight_simulation_run(pair->world->simulation, 1);
    return result;
}

START_TEST(addresses_that_are_nobodys_swallow_or_have_no_route)
{
    struct pair *pair = pair_new(11, NULL);
    ck_assert_int_eq(send_into_network(pair, 0x0a0000f0), 5);
    ck_assert_int_eq(send_into_network(pair, 0xc0000201), -ENETUNREACH);
    ck_assert_int_eq(send_into_network(pair, 0x0a0000f0), 5); /* no error came */
    pair_free(pair);
}
END_TEST

START_TEST(a_source_on_the_loopback_stays_on_its_host)
{
    struct pair *pair = pair_new(15, NULL);
    const struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    pair->from->ops->close(pair->from, pair->sender);
    pair->sender = udp_socket(pair->from);
    ck_assert_int_eq(pair->from->ops->bind(pair->from, pair->sender, (const struct sockaddr *)&in, sizeof in), 0);
    ck_assert_int_eq(send_into_network(pair, 0x0a000001), -EINVAL);
    ck_assert_int_eq(send_into_network(pair, 0x0a000002), 5); /* its own */
    pair_free(pair);
}
END_TEST

START_TEST(datagrams_go_over_ipv6)
{
    struct world *world = world_new(16);
    struct bight_system *to = system_of(world->server), *from = system_of(world->client);
    struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(7) }, server = any, sender;
    memcpy(&server.sin6_addr, bight_host_address(world->server_host, true)->at.ipv6, 16);
    struct iovec part = { bytes, 40 };
    struct msghdr out = { .msg_name = &server, .msg_namelen = sizeof server, .msg_iov = &part, .msg_iovlen = 1 };
    struct msghdr in = { .msg_name = &sender, .msg_namelen = sizeof sender, .msg_iov = &part, .msg_iovlen = 1 };
    int receiver = to->ops->socket(to, AF_INET6, SOCK_DGRAM, 0), fd = from->ops->socket(from, AF_INET6, SOCK_DGRAM, 0);
    ck_assert_int_eq(to->ops->bind(to, receiver, (struct sockaddr *)&any, sizeof any), 0);
    ck_assert_int_eq(from->ops->sendmsg(from, fd, &out, 0), 40);
    bight_simulation_run(world->simulation, 1);
    ck_assert_int_eq(to->ops->recvmsg(to, receiver, &in, 0), 40);
    ck_assert_uint_eq(in.msg_namelen, sizeof sender);
    ck_assert_mem_eq(&sender.sin6_addr, bight_host_address(world->client_host, true)->at.ipv6, 16);
    from->ops->close(from, fd);
    to->ops->close(to, receiver);
    world_free(world);
}
END_TEST

START_TEST(a_peer_stays_with_one_of_the_sockets_that_share_a_port)
{
    struct world *world = world_new(12);
    struct bight_system *to = system_of(world->server), *from = system_of(world->client);
    const struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(7) }, server = server_address();
    int shared[3], got[3] = { 0, 0, 0 };
    for (int i = 0; i < 3; i++) {
        shared[i] = udp_socket(to);
        to->ops->setsockopt(to, shared[i], SOL_SOCKET, SO_REUSEPORT, &(const int) { 1 }, sizeof(int));
        ck_assert_int_eq(to->ops->bind(to, shared[i], (const struct sockaddr *)&in, sizeof in), 0);
    }
    for (int i = 0; i < 30; i++) {
        int fd = udp_socket(from), had = 0;
        ck_assert_int_eq(from->ops->connect(from, fd, (const struct sockaddr *)&server, sizeof server), 0);
        for (int times = 0; times < 3; times++) {
            ck_assert_int_eq(from->ops->send(from, fd, bytes, 1, 0), 1);
        }
        bight_simulation_run(world->simulation, 0.01);
        for (int k = 0; k < 3; k++) {
            int count = 0;
            while (to->ops->recv(to, shared[k], bytes, 1, 0) == 1) {
                count++;
            }
            got[k] += count;
            had += count == 3;
        }
        ck_assert_int_eq(had, 1);
        from->ops->close(from, fd);
    }
    for (int i = 0; i < 3; i++) {
        ck_assert_int_gt(got[i], 0);
        to->ops->close(to, shared[i]);
    }
    world_free(world);
}
END_TEST

/* ----------------------------------------------------------------------------------------- above the table */

static void take_when_ready(int fd, short what, void *context)
{
    struct pair *pair = context;
    ck_assert_int_eq(fd, pair->receiver);
    ck_assert_int_eq(what, BIGHT_READABLE);
    (void)take_all(pair);
}

START_TEST(a_watch_is_called_when_datagrams_have_come) /* R12 */
{
    struct pair *pair = pair_new(13, NULL);
    struct bight_foreign_watch watch;
    ck_assert_int_eq(bight_watch_descriptor(
                         pair->world->server, pair->receiver, BIGHT_READABLE, take_when_ready, pair, NULL, &watch),
        0);
    send_many(pair, 3);
    bight_simulation_run(pair->world->simulation, 1);
    ck_assert_uint_eq(pair->came, 3);
    send_many(pair, 2);
    bight_simulation_run(pair->world->simulation, 1);
    ck_assert_uint_eq(pair->came, 5);
    ck_assert_int_eq(bight_unwatch_descriptor(watch), 0);
    pair_free(pair);
}
END_TEST

static bool one_datagram(void *context)
{
    struct bight_faulty_system from, to;
    struct pair *pair = pair_new(14, NULL);
    uint8_t buffer[200];
    struct sockaddr_in name = server_address();
    struct iovec out[2] = { { bytes, 60 }, { bytes, 40 } }, in = { buffer, sizeof buffer };
    struct msghdr sent = { .msg_name = &name, .msg_namelen = sizeof name, .msg_iov = out, .msg_iovlen = 2 };
    struct msghdr got = { .msg_name = &name, .msg_namelen = sizeof name, .msg_iov = &in, .msg_iovlen = 1 };
    (void)context;
    bight_faulty_system_init(&from, pair->from);
    bight_faulty_system_init(&to, pair->to);
    bool is_whole = from.system.ops->sendmsg(&from.system, pair->sender, &sent, 0) == 100;
    bight_simulation_run(pair->world->simulation, 1);
    is_whole = to.system.ops->recvmsg(&to.system, pair->receiver, &got, 0) == 100 && is_whole;
    pair_free(pair);
    return is_whole || bight_testing_system_fault_injected();
}

/* Whole or not at all: a count is never short. */
START_TEST(a_datagram_copes_with_each_call_that_fails)
{
    static const char *const calls[] = { "sendmsg", "recvmsg" };
    for (size_t i = 0; i < 2; i++) {
        const struct bight_system_fault_options options = { .size = sizeof options, .only = calls[i] };
        ck_assert_uint_eq(bight_testing_with_system_faults(one_datagram, NULL, &options), 0);
        ck_assert_uint_gt(bight_testing_system_fault_runs(), 5);
    }
}
END_TEST

/* ------------------------------------------------------------------------------------------ reproducing */

static const struct bight_link_conditions bad_link = {
    .latency = 0.01, .jitter = 0.02, .bytes_per_second = 20000, .drop = 100, .duplicate = 100, .reorder = 100
};
static const struct bight_kernel_conditions bad_kernel = {
    .would_block = 100, .interrupted = 100, .no_buffers = 50, .send_buffer = 3000, .receive_buffer = 3000
};

/* Datagrams under all conditions, the pair closed with some under way. */
static uint64_t suffer(uint64_t seed)
{
    struct pair *pair = pair_new(seed, &bad_link);
    bight_host_kernel(pair->world->client_host, &bad_kernel);
    bight_host_kernel(pair->world->server_host, &bad_kernel);
    for (int i = 0; i < 200; i++) {
        ssize_t result = send_next(pair, 4 + (size_t)i);
        ck_assert(result == 4 + i || result == -EAGAIN || result == -EINTR || result == -ENOMEM);
        bight_simulation_run(pair->world->simulation, 0.005);
        result = take_all(pair);
        ck_assert(result == -EAGAIN || result == -EINTR || result == -ENOMEM);
    }
    ck_assert_uint_gt(pair->came, 20);
    ck_assert_uint_gt(bight_simulation_fault_count(pair->world->simulation), 20);
    return pair_free(pair);
}

START_TEST(the_same_seed_gives_the_same_datagrams)
{
    uint64_t before = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t hash = suffer(seed);
        ck_assert_uint_eq(suffer(seed), hash);
        ck_assert_uint_ne(hash, before);
        before = hash;
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, latency_and_jitter_keep_datagrams_in_order);
    tcase_add_test(tests, bandwidth_holds_datagrams_back_and_fills_the_send_buffer);
    tcase_add_test(tests, dropped_datagrams_do_not_come);
    tcase_add_test(tests, duplicated_datagrams_come_twice);
    tcase_add_test(tests, reordered_datagrams_are_overtaken);
    tcase_add_test(tests, faults_of_datagrams_that_are_left_out_do_not_happen);
    tcase_add_test(tests, a_partition_loses_datagrams);
    tcase_add_test(tests, a_vanished_host_gets_and_sends_no_datagrams);
    tcase_add_test(tests, a_full_receive_buffer_loses_datagrams);
    tcase_add_test(tests, a_refusal_takes_its_time_and_may_be_lost);
    tcase_add_test(tests, addresses_that_are_nobodys_swallow_or_have_no_route);
    tcase_add_test(tests, a_source_on_the_loopback_stays_on_its_host);
    tcase_add_test(tests, datagrams_go_over_ipv6);
    tcase_add_test(tests, a_peer_stays_with_one_of_the_sockets_that_share_a_port);
    tcase_add_test(tests, a_watch_is_called_when_datagrams_have_come);
    tcase_add_test(tests, a_datagram_copes_with_each_call_that_fails);
    tcase_add_test(tests, the_same_seed_gives_the_same_datagrams);
}

BIGHT_TEST_MAIN("simulation_datagrams", add_tests)
