/* SPDX-License-Identifier: MIT */
/* http_chat_main.c - the chat of http_chat.c, served.
 *
 *     http_chat ENDPOINT */
#include "http_chat.h"

/* Those who listen see their streams end, and not break off. */
static struct bight_deferred *say_goodbye(void *context)
{
    (void)context;
    end_chat();
    return NULL;
}

int main(int argc, char **argv)
{
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_http_site *site = bight_http_site_new();
    add_chat(site);
    bight_serve(reactor, argc > 1 ? argv[1] : "tcp:8888", bight_http_site_factory(site));
    bight_add_trigger(reactor, BIGHT_SHUTDOWN, BIGHT_BEFORE, say_goodbye, NULL, NULL, NULL);
    int status = bight_reactor_run(reactor);
    bight_http_site_free(site);
    bight_reactor_free(reactor);
    return status;
}
