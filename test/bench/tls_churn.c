/* SPDX-License-Identifier: MIT */
/* tls_churn.c - echoes, each over a TLS connection of its own, while the server's certificate changes again and again
 * (L13).
 *
 * Usage: tls_churn [-n CONNECTIONS] [-t THREADS] PORT PID FILE NEXT...
 * FILE is the server's certificate, in PEM. As the connections go by each NEXT is moved to its place, and the server
 * (PID) gets SIGHUP; two changes are at least 1.5 s apart. Nothing is resumed and nothing verified: which certificate
 * is served is what counts. Prints what it saw; the status is 1 when an echo was lost, or a connection that began more
 * than a second after a change met the certificate of before. */
#include <arpa/inet.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "measure.h"

enum { MAX_CERTIFICATES = 64, MAX_THREADS = 64 };

#define SECOND 1e9

static unsigned total = 100000, thread_count = 8;
static int port, pid;
static SSL_CTX *ctx;
static X509 *certificates[MAX_CERTIFICATES];
static unsigned certificate_count;
static _Atomic double changed[MAX_CERTIFICATES]; /* when each came; 0: not yet */
static atomic_uint begun, done, lost, late;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static double longest_old; /* how long after a change the old one was still met, by when the connection began */

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void load(const char *path)
{
    FILE *file = fopen(path, "r");
    X509 *certificate = file == NULL ? NULL : PEM_read_X509(file, NULL, NULL, NULL);
    if (certificate == NULL || certificate_count == MAX_CERTIFICATES) {
        fail(path);
    }
    fclose(file);
    certificates[certificate_count++] = certificate;
}

/* ------------------------------------------------------------------------------------------------ echoes */

static int connect_to_server(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct timeval patience = { .tv_sec = 30 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        fail("connect");
    }
    return fd;
}

static int number_of(X509 *certificate)
{
    for (unsigned i = 0; certificate != NULL && i < certificate_count; i++) {
        if (X509_cmp(certificate, certificates[i]) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* The number of the certificate that was served; -1: the echo was lost. */
static int echo(SSL *ssl)
{
    char answer[5] = "";
    size_t size = 0, part;
    if (SSL_connect(ssl) != 1 || SSL_write(ssl, "hello", 5) != 5) {
        return -1;
    }
    while (size < 5 && SSL_read_ex(ssl, answer + size, 5 - size, &part) == 1) {
        size += part;
    }
    if (size < 5 || memcmp(answer, "hello", 5) != 0 || SSL_shutdown(ssl) < 0) {
        return -1;
    }
    return number_of(SSL_get0_peer_certificate(ssl));
}

static void judge(int number, double began)
{
    if (number < 0) {
        lost++;
        return;
    }
    double gone = (unsigned)number + 1 < certificate_count ? changed[number + 1] : 0;
    if (gone == 0 || began < gone) {
        return;
    }
    late += began - gone > SECOND ? 1 : 0;
    pthread_mutex_lock(&lock);
    longest_old = began - gone > longest_old ? began - gone : longest_old;
    pthread_mutex_unlock(&lock);
}

static void *churn(void *context)
{
    (void)context;
    while (begun++ < total) {
        double began = now();
        int fd = connect_to_server();
        SSL *ssl = SSL_new(ctx);
        SSL_set_fd(ssl, fd);
        judge(echo(ssl), began);
        SSL_free(ssl);
        close(fd);
        done++;
    }
    return NULL;
}

/* ----------------------------------------------------------------------------------------------- changes */

static void change(unsigned number, const char *next, const char *path)
{
    if (rename(next, path) != 0) {
        fail(next);
    }
    changed[number] = now();
    if (kill(pid, SIGHUP) != 0) {
        fail("kill");
    }
}

/* At even distances. */
static void change_all(char **next, const char *path)
{
    double last = now();
    for (unsigned i = 1; i < certificate_count; i++) {
        while (done < (uint64_t)total * i / certificate_count || now() - last < 1.5 * SECOND) {
            usleep(1000);
        }
        change(i, next[i - 1], path);
        last = now();
    }
}

static int report(double seconds)
{
    printf("{\"connections\":%u,\"lost\":%u,\"changes\":%u,\"late\":%u,\"old_ms\":%.1f,\"per_second\":%.0f}\n",
        (unsigned)done, (unsigned)lost, certificate_count - 1, (unsigned)late, longest_old / 1e6,
        (double)done / seconds);
    return lost > 0 || late > 0 || done < total ? 1 : 0;
}

static int run(char **next, const char *path)
{
    pthread_t threads[MAX_THREADS];
    double began = now();
    for (unsigned i = 0; i < thread_count; i++) {
        pthread_create(&threads[i], NULL, churn, NULL);
    }
    change_all(next, path);
    for (unsigned i = 0; i < thread_count; i++) {
        pthread_join(threads[i], NULL);
    }
    return report((now() - began) / SECOND);
}

static bool options(int argc, char **argv)
{
    int option;
    while ((option = getopt(argc, argv, "n:t:")) != -1) {
        if (option == '?') {
            return false;
        }
        *(option == 'n' ? &total : &thread_count) = (unsigned)atoi(optarg);
    }
    return argc - optind >= 4 && thread_count > 0 && thread_count <= MAX_THREADS;
}

int main(int argc, char **argv)
{
    if (!options(argc, argv)) {
        fprintf(stderr, "usage: tls_churn [-n CONNECTIONS] [-t THREADS] PORT PID FILE NEXT...\n");
        return 64;
    }
    signal(SIGPIPE, SIG_IGN);
    port = atoi(argv[optind]);
    pid = atoi(argv[optind + 1]);
    ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    for (int i = optind + 2; i < argc; i++) {
        load(argv[i]);
    }
    return run(&argv[optind + 3], argv[optind + 2]);
}
