/* SPDX-License-Identifier: MIT */
/* api_http.h - what the two sides of HTTP know of each other: the server's asked requests, and what clients sent. */
#ifndef BIGHT_TEST_FUZZ_API_API_HTTP_H
#define BIGHT_TEST_FUZZ_API_API_HTTP_H

#include <bight/protocols/http.h>
#include <bight/protocols/http_client.h>

#include "api_company.h"

enum { SITES = 3, ASKED = 400, ASKS = 400, MAX_BODY = 100000, MAX_ATTACHED = 1000 };

/* A request that a handler was given. Its answer's bytes are those of its number. */
struct asked {
    struct bight_http_request *request; /* while we hold it */
    unsigned id, holds, uses;           /* uses: operations on the stack that hold it, and nobody releases */
    unsigned ask;                       /* what the client numbered it; ASKS: nothing that is known */
    bool began, finished, went, pushes, was_blocked;
    int status;           /* of what we have begun to answer */
    int64_t length;       /* that was announced; -1: none was */
    uint32_t written;     /* bytes of the answer's body, as accepted */
    uint32_t got;         /* bytes of the request's body */
    struct item *reading; /* the Deferred of a collect or a read */
    unsigned budget;      /* of its producer */
    bool has_events;      /* it is answered with a stream of events */
    unsigned part;        /* of its form, that comes */
    uint32_t part_got;    /* bytes of that */
};

enum form { NO_FORM, URLENCODED, MULTIPART };

/* What a client has sent. */
struct ask {
    uint32_t size;  /* of its body */
    unsigned asker; /* its client */
    enum form form;
    bool is_cut;     /* not all of it was sent */
    bool was_asked;  /* its handler has been called */
    bool may_repeat; /* it may be called again, by a client that sends it again */
};

extern struct http_state {
    struct asked asked[ASKED];
    struct ask asks[ASKS];
    unsigned asked_count, ask_count;
    unsigned running; /* handlers that are coroutines */
    unsigned freeing; /* sites, whose middleware is told of nothing any more */
    unsigned in_head; /* middleware that is being told of one: no answer can be given */
} http;

extern const struct part http_part, http_answer_part, http_client_part, http_file_part, http_middle_part,
    http_session_part, http_event_part, http_form_part, http_files_part, http_socket_part, http_call_part;

void act_site(struct fuzz_operation *operation, void *context);
void act_ask(struct fuzz_operation *operation, void *context);
void act_answer(struct fuzz_operation *operation, void *context);
void act_use_request(struct fuzz_operation *operation, void *context);
void act_body(struct fuzz_operation *operation, void *context);
void act_leave(struct fuzz_operation *operation, void *context);
void act_proceed(struct fuzz_operation *operation, void *context);
void act_store(struct fuzz_operation *operation, void *context);
void act_session(struct fuzz_operation *operation, void *context);
void act_event_stream(struct fuzz_operation *operation, void *context);
void act_form(struct fuzz_operation *operation, void *context);
void act_socket(struct fuzz_operation *operation, void *context);
void act_call(struct fuzz_operation *operation, void *context);
void act_rename(struct fuzz_operation *operation, void *context);

/* One that we hold, from the subject on; NULL: none. */
struct asked *find_asked(uint64_t subject);
void hold_asked(struct asked *asked);
void let_go_of_asked(struct asked *asked);
void begin_use(struct asked *asked);
void end_use(struct asked *asked);

void respond_to(struct asked *asked, struct fuzz_operation *operation);
void client_has_gone(struct bight_http_request *request, void *asked);
void save_body(struct asked *asked, struct fuzz_operation *operation);
void check_not_inside(const char *what);

/* What a site has beside its routes; some have none of it. */
void add_middleware(struct bight_http_site *site, uint64_t drawn);
void add_sessions(struct bight_http_site *site, uint64_t drawn);
void add_files(struct bight_http_site *site, uint64_t drawn);
void add_sockets(struct bight_http_site *site);

/* Around what lets a request go on that was stopped: handlers may be called within. */
unsigned step_outside(void);
void step_inside(unsigned in_call);

/* The program writes to a request that has events otherwise: they are not looked at any more. */
void spoil_events(void);

/* What whole answers have in them. */
void check_events(const char *text, size_t size);
void check_file(const char *type, bool is_part, const char *bytes, size_t size);

struct description {
    int status;
    char type[100];
};
void check_content(const struct description *description, const uint8_t *data, size_t size);

/* The library's clients: api_http_received.c takes over a response whose body is to come, api_http_upload.c gives a
 * call a body that is made while it is sent, `ask`'s or, if that is ASKS, nobody's. */
void describe(struct bight_http_response *response, struct description *description);
void begin_streamed(void);
void take_streamed(struct bight_http_response *response, bool has_no_body);
void use_streamed(struct fuzz_operation *operation);
void end_streamed(void);
void begin_uploads(void);
void add_upload(struct bight_http_call *call, unsigned ask, uint32_t size, bool has_length);
void use_upload(struct fuzz_operation *operation);
void check_uploads(void);

/* The body of request `number`, and the field that says so. */
size_t make_form(char *text, unsigned number, bool is_multipart);
const char *form_type(bool is_multipart);
/* Byte by byte; what is compared with. */
uint8_t body_byte(unsigned number, uint32_t position);

uint8_t http_byte(unsigned number, uint32_t position);
/* The type of the content of our own answers, which has their number in it. */
#define HTTP_TYPE "x/ours-"

#endif
