/* SPDX-License-Identifier: MIT */
/* http_chat.h - a chat as a part of a site. */
#include <bight/bight.h>
#include <bight/protocols/http.h>

/* Its routes: a page, GET /events for those who listen, POST /say for those who speak. One chat a process. */
void add_chat(struct bight_http_site *site);

/* Ends the streams of all who listen. */
void end_chat(void);
