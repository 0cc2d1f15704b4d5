/* SPDX-License-Identifier: MIT */
/* services.c - the services that the runner brings along: those of protocols/wire, and the chat.
 *
 * Each is a row for the registry and, where it has something to set up, a function that makes its factory from the
 * options. A service runs once in a process, so the simple ones have static factories. The protocols themselves are in
 * protocols/; running a service is serve.c's. */
#include "runner.h"

#include <bight/memory.h>
#include <bight/protocols/chat.h>
#include <bight/protocols/http_client.h>
#include <bight/protocols/wire.h>

#include <stdint.h>

/* ------------------------------------------------------------------------------------ wire services */

static struct bight_factory echo_factory = BIGHT_FACTORY(struct bight_protocol, &bight_echo_ops);
static struct bight_factory discard_factory = BIGHT_FACTORY(struct bight_protocol, &bight_discard_ops);
static struct bight_factory chargen_factory = BIGHT_FACTORY(struct bight_protocol, &bight_chargen_ops);
static struct bight_factory qotd_factory = BIGHT_FACTORY(struct bight_protocol, &bight_qotd_ops);
static struct bight_factory daytime_factory = BIGHT_FACTORY(struct bight_protocol, &bight_daytime_ops);
static struct bight_factory time_factory = BIGHT_FACTORY(struct bight_protocol, &bight_time_ops);

#define START_STATIC(function, factory)                                                                          \
    static struct bight_factory *function(                                                                       \
        struct bight_reactor *reactor, const struct bight_service_value *values, struct bight_failure **failure) \
    {                                                                                                            \
        (void)reactor, (void)values, (void)failure;                                                              \
        return &(factory);                                                                                       \
    }

START_STATIC(start_echo, echo_factory)
START_STATIC(start_discard, discard_factory)
START_STATIC(start_chargen, chargen_factory)
START_STATIC(start_daytime, daytime_factory)
START_STATIC(start_time, time_factory)

static const struct bight_service echo = {
    .name = "echo",
    .summary = "Gives back what it is sent (RFC 862).",
    .examples = "bight echo tcp:1234\nbight echo tcp:7:interface=127.0.0.1 unix:/run/echo",
    .start = start_echo,
};

static const struct bight_service discard = {
    .name = "discard",
    .summary = "Reads and forgets (RFC 863).",
    .examples = "bight discard tcp:9009",
    .start = start_discard,
};

static const struct bight_service chargen = {
    .name = "chargen",
    .summary = "Sends a pattern of lines for as long as somebody reads (RFC 864).",
    .examples = "bight chargen tcp:1919",
    .start = start_chargen,
};

static const struct bight_service daytime = {
    .name = "daytime",
    .summary = "Tells date and time of day as text, in UTC (RFC 867).",
    .examples = "bight daytime tcp:1313",
    .start = start_daytime,
};

static const struct bight_service time_of_day = {
    .name = "time",
    .summary = "Tells the seconds since 1900 as four bytes (RFC 868).",
    .examples = "bight time tcp:3737",
    .start = start_time,
};

/* --------------------------------------------------------------------------------------------- qotd */

static const struct bight_service_option qotd_options[] = {
    { .name = "text",
        .kind = BIGHT_SERVICE_TEXT,
        .value_name = "TEXT",
        .help = "what to say; at most 512 bytes of it" },
    { .name = NULL },
};

static struct bight_factory *start_qotd(
    struct bight_reactor *reactor, const struct bight_service_value *values, struct bight_failure **failure)
{
    (void)reactor, (void)failure;
    qotd_factory.context = values[0].given ? (void *)(uintptr_t)values[0].text : NULL;
    return &qotd_factory;
}

static const struct bight_service qotd = {
    .name = "qotd",
    .summary = "Says a quotation and closes (RFC 865).",
    .examples = "bight qotd tcp:1717\nbight qotd --text='Back at noon.' tcp:1717",
    .options = qotd_options,
    .start = start_qotd,
};

/* --------------------------------------------------------------------------------------------- chat */

enum { CHAT_MEMBERS, CHAT_LINE, CHAT_UNREAD, CHAT_IDLE, CHAT_GREETING };

static const struct bight_service_option chat_options[] = {
    [CHAT_MEMBERS] = { "members", BIGHT_SERVICE_NUMBER, "COUNT", "most connections at once", "1000", 1, 1000000 },
    [CHAT_LINE] = { "line", BIGHT_SERVICE_NUMBER, "BYTES", "longest line", "512", 16, 65536 },
    [CHAT_UNREAD] = { "unread", BIGHT_SERVICE_NUMBER, "BYTES", "most unread output of a member", "1048576", 4096,
        INT32_MAX },
    [CHAT_IDLE] = { "idle", BIGHT_SERVICE_NUMBER, "SECONDS",
        "drop a connection on which nothing moves for so long; 0: never", "0", 0, INT32_MAX },
    [CHAT_GREETING] = { "greeting", BIGHT_SERVICE_NUMBER, "SECONDS", "time to give a name", "60", 1, INT32_MAX },
    { .name = NULL },
};

static struct bight_chat *the_chat;

static struct bight_factory *start_chat(
    struct bight_reactor *reactor, const struct bight_service_value *values, struct bight_failure **failure)
{
    struct bight_chat_options options = {
        .size = sizeof options,
        .member_limit = (size_t)values[CHAT_MEMBERS].number,
        .line_limit = (size_t)values[CHAT_LINE].number,
        .output_limit = (size_t)values[CHAT_UNREAD].number,
        .idle_seconds = (double)values[CHAT_IDLE].number,
        .greeting_seconds = (double)values[CHAT_GREETING].number,
    };
    (void)reactor;
    the_chat = bight_chat_new(&options);
    if (the_chat == NULL) {
        *failure = bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
        return NULL;
    }
    return bight_chat_factory(the_chat);
}

static void stop_chat(struct bight_factory *factory)
{
    (void)factory;
    bight_chat_free(the_chat);
    the_chat = NULL;
}

static const struct bight_service chat = {
    .name = "chat",
    .summary = "Lets those who connect talk to each other, line by line.",
    .examples = "bight chat tcp:4000\nbight chat --members=50 --idle=600 tcp:4000",
    .options = chat_options,
    .start = start_chat,
    .stop = stop_chat,
};

int runner_register_services(void)
{
    static const struct bight_service *const services[] = { &echo, &discard, &chargen, &qotd, &daytime, &time_of_day,
        &chat };
    int code = 0;
    for (size_t i = 0; i < sizeof services / sizeof services[0] && code == 0; i++) {
        code = bight_service_register(services[i]);
    }
    code = code == 0 ? bight_http_register_endpoints() : code;
    code = code == 0 ? runner_register_http_services() : code;
    code = code == 0 ? runner_register_web_service() : code;
    return code == 0 ? runner_register_chatroom() : code;
}
