/* SPDX-License-Identifier: MIT */
/* http.h - the scenario http: what its site and its clients share, the questions that are asked.
 *
 * Question N is asked at most once, as /ask/N or /timed/N; its upload is stream UPLOAD_KEY + N, its answer stream N.
 * The site notes what it does of each, the clients what has come back. */
#ifndef BIGHT_TEST_SCENARIO_HTTP_H
#define BIGHT_TEST_SCENARIO_HTTP_H

#include <bight/protocols/http.h>

#include "scenario.h"

#define MAX_QUESTIONS 200
#define MAX_ANSWER 60000
#define MAX_UPLOAD 20000
#define UPLOAD_KEY 1000000
#define TIMED_SECONDS 2.0

/* How the site deals with a question. Those with uploads come first. */
enum way { COLLECT, CONSUME, READ, UNREAD, LET_GO, TIMED, NOW, LATER, STREAM, NEVER };

struct question {
    enum way way;
    uint32_t asker; /* the first question of its caller */
    size_t upload, answer;
    bool is_head, expects, is_settled;
    unsigned handled;
};

struct http_world {
    struct audit audit;
    struct trouble trouble;
    bool half_close, is_freed;
    struct bight_http_site *site;
    struct bight_reactor *server, *client;
    struct bight_factory callers;
    struct question questions[MAX_QUESTIONS];
    size_t question_count;
    size_t begun, ended; /* requests that handlers were given, and that have been freed */
};

/* http_site.c: the site with its routes. */
void make_site(struct http_world *world);

#endif
