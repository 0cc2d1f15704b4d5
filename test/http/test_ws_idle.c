/* SPDX-License-Identifier: MIT */
/* Tests of what a WebSocket holds between messages (W1, W6): all that went through the allocation hook, on real
 * sockets.
 *
 * A process of its own is the clients, one after the other; each asks once and stays. */
#include <bight/memory.h>
#include <bight/protocols/websocket.h>
#include <bight/testing/trial.h>

#include <arpa/inet.h>
#include <malloc.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ws_support.h"

#define FIRST 272 /* from here on only what each connection takes comes on top; a slab of them has 256 */
#define MORE 512
#define MOST 360 /* bytes: its slot with the loop's watch, and the socket */

/* --------------------------------------------------------------------------------------------- the hook */

static size_t live, size_at_first, size_at_last, messages;

static void *count_allocate(void *context, size_t size)
{
    void *memory = malloc(size);
    (void)context;
    live += malloc_usable_size(memory);
    return memory;
}

static void *count_reallocate(void *context, void *memory, size_t size)
{
    (void)context;
    live -= malloc_usable_size(memory);
    void *grown = realloc(memory, size);
    live += malloc_usable_size(grown != NULL ? grown : memory);
    return grown;
}

static void count_release(void *context, void *memory)
{
    (void)context;
    live -= malloc_usable_size(memory);
    free(memory);
}

static const struct bight_allocator counting = {
    .size = sizeof counting, .allocate = count_allocate, .reallocate = count_reallocate, .release = count_release
};

/* ------------------------------------------------------------------------------------------- the clients */

static void need(bool is_fine)
{
    if (!is_fine) {
        _exit(1);
    }
}

static void ask_once(const struct sockaddr_in *server, const char *request)
{
    uint8_t frame[BI_FRAME_HEAD + 100], room[1024];
    char text[100];
    int client = socket(AF_INET, SOCK_STREAM, 0);
    need(connect(client, (const struct sockaddr *)server, sizeof *server) == 0);
    need(send(client, request, strlen(request), 0) == (ssize_t)strlen(request));
    need(recv(client, room, sizeof room, 0) > 12 && memcmp(room, "HTTP/1.1 101", 12) == 0);
    memset(text, 'x', sizeof text);
    size_t size = ws_frame(frame, WS_TEXT, text, sizeof text);
    need(send(client, frame, size, 0) == (ssize_t)size);
    need(recv(client, room, sizeof room, 0) > 0);
}

static void be_clients(uint16_t port, const char *request)
{
    struct sockaddr_in server = { .sin_family = AF_INET, .sin_port = htons(port) };
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < FIRST + MORE; i++) {
        ask_once(&server, request);
    }
    (void)pause();
}

/* -------------------------------------------------------------------------------------------- the server */

static void echo(struct bight_websocket *socket, const char *text, size_t size)
{
    ck_assert_int_eq(bight_websocket_send_text(socket, text, size), 0);
    if (++messages == FIRST) {
        size_at_first = live;
    } else if (messages == FIRST + MORE) {
        size_at_last = live;
        (void)bight_reactor_stop(bight_websocket_reactor(socket));
    }
}

static const struct bight_websocket_ops echo_ops = { .text_received = echo };
static struct bight_websocket_options options = { .size = sizeof options, .ping_seconds = 600 };
static struct bight_websocket_factory echoes =
    BIGHT_WEBSOCKET_FACTORY_FULL(struct bight_websocket, &echo_ops, &options);

static void run(const char *request)
{
    ck_assert_int_eq(bight_set_allocator(&counting), 0);
    reactor = bight_reactor_new();
    site = bight_http_site_new();
    struct bight_port *port;
    uint16_t number = ws_listen("/echo", &echoes, &port);
    pid_t clients = fork();
    if (clients == 0) {
        be_clients(number, request);
    }
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    (void)kill(clients, SIGKILL);
    (void)waitpid(clients, NULL, 0);
    ck_assert_uint_eq(messages, FIRST + MORE);
    bight_port_release(port);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    ck_assert_uint_le((size_at_last - size_at_first) / MORE, MOST);
}

START_TEST(an_idle_socket_holds_its_slot_and_itself) /* W1 */
{
    run(WS_REQUEST("/echo", ""));
}
END_TEST

START_TEST(an_idle_socket_that_compresses_holds_no_more) /* W6 */
{
    options.deflate = true;
    run(WS_REQUEST("/echo", "Sec-WebSocket-Extensions: permessage-deflate\r\n"));
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, an_idle_socket_holds_its_slot_and_itself);
    tcase_add_test(tests, an_idle_socket_that_compresses_holds_no_more);
}

BIGHT_TEST_MAIN("http_ws_idle", add_tests)
