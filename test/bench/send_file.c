/* SPDX-License-Identifier: MIT */
/* send_file.c - what a file costs that is sent, beside one that is read and written: the server's processor time for
 * each answer, over the loopback. A process of its own asks with a byte and reads the answer.
 *
 * Usage: send_file SIZE [ROUNDS] */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bight/bight.h>

#include "measure.h"

#define RUNS 5

static struct {
    int file;
    size_t size;
    unsigned rounds;
    bool copies;
    struct bight_reactor *reactor;
} bench;

static void free_bytes(void *bytes)
{
    free(bytes);
}

static void answer(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    if (!bench.copies) {
        (void)bight_transport_send_file(protocol->transport, bench.file, 0, bench.size, NULL, NULL);
        return;
    }
    void *bytes = malloc(bench.size);
    if (bytes != NULL && pread(bench.file, bytes, bench.size, 0) == (ssize_t)bench.size &&
        bight_transport_write_lent(protocol->transport, bytes, bench.size, free_bytes, bytes) == 0) {
        return;
    }
    free(bytes);
    (void)bight_transport_abort_connection(protocol->transport);
}

static void lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    (void)protocol;
    (void)reason;
    (void)bight_reactor_stop(bench.reactor);
}

static const struct bight_protocol_ops ops = { .data_received = answer, .connection_lost = lost };
static struct bight_factory factory = BIGHT_FACTORY(struct bight_protocol, &ops);

static bool read_answer(int fd, uint8_t *block, size_t room)
{
    for (size_t left = bench.size; left > 0;) {
        ssize_t got = recv(fd, block, left < room ? left : room, 0);
        if (got <= 0) {
            return false;
        }
        left -= (size_t)got;
    }
    return true;
}

static void ask(const struct bight_address *address)
{
    static uint8_t block[1 << 18];
    struct sockaddr_storage storage;
    socklen_t size = sizeof storage;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bight_address_to_sockaddr(address, &storage, &size) != 0 ||
        connect(fd, (struct sockaddr *)&storage, size) != 0) {
        _exit(1);
    }
    for (unsigned i = 0; i < bench.rounds; i++) {
        if (send(fd, "?", 1, 0) != 1 || !read_answer(fd, block, sizeof block)) {
            _exit(1);
        }
    }
    _exit(0);
}

static void listening(struct bight_result *result, void *context)
{
    struct bight_address address;
    struct bight_port *port = bight_result_take(result, &bight_type_port);
    (void)context;
    if (port == NULL || bight_port_address(port, &address) != 0) {
        exit(1);
    }
    if (fork() == 0) {
        ask(&address);
    }
    bight_port_release(port);
}

static double processor_time(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e9 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3;
}

/* Nanoseconds of processor time for each answer. */
static double run_once(bool copies)
{
    double before = processor_time();
    int status;
    bench.copies = copies;
    bench.reactor = bight_reactor_new();
    if (bench.reactor == NULL) {
        exit(1);
    }
    struct bight_deferred *deferred = bight_listen(bench.reactor, "tcp:0:interface=127.0.0.1", &factory);
    (void)bight_deferred_add_callback(deferred, listening, NULL);
    bight_deferred_release(deferred);
    (void)bight_reactor_run(bench.reactor);
    bight_reactor_free(bench.reactor);
    if (wait(&status) < 0 || status != 0) {
        exit(1);
    }
    return (processor_time() - before) / bench.rounds;
}

static void fill_file(void)
{
    uint8_t *bytes = calloc(1, bench.size);
    FILE *file = tmpfile();
    if (bytes == NULL || file == NULL || fwrite(bytes, 1, bench.size, file) != bench.size || fflush(file) != 0) {
        exit(1);
    }
    bench.file = fileno(file);
    free(bytes);
}

int main(int argc, char **argv)
{
    double sent[RUNS], copied[RUNS];
    if (argc < 2) {
        (void)fprintf(stderr, "usage: send_file SIZE [ROUNDS]\n");
        return 2;
    }
    bench.size = strtoul(argv[1], NULL, 10);
    bench.rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1000;
    fill_file();
    for (unsigned i = 0; i < RUNS; i++) {
        sent[i] = run_once(false);
        copied[i] = run_once(true);
    }
    double file = median(sent, RUNS), copy = median(copied, RUNS);
    printf("%zu bytes: sent %.1f us, read and written %.1f us, ratio %.2f\n", bench.size, file / 1e3, copy / 1e3,
        file / copy);
    return 0;
}
