/* SPDX-License-Identifier: MIT */
/* misbehaving.h - the server that misbehaves: what its files share. script.c reads scripts, compose.c makes an answer's
 * bytes, with packed.c, deliver.c says them; misbehaving.c reads requests and counts. */
#ifndef BI_HTTP_MISBEHAVING_H
#define BI_HTTP_MISBEHAVING_H

#include <bight/protocols/http_client_testing.h>
#include <bight/reactor.h>
#include <bight/transport.h>

#include "http/message/chunked.h"
#include "http/message/tokens.h"
#include "http/server/request.h"

#define BI_NOT_SAID UINT64_MAX

enum { BI_FRAMED_LENGTH, BI_FRAMED_CHUNKED, BI_FRAMED_CLOSE, BI_FRAMED_BOTH, BI_FRAMED_TWICE };
enum { BI_PLAIN, BI_GZIP, BI_BOMB };
enum { BI_ENDS, BI_ENDLESS_HEAD, BI_ENDLESS_INTERIM, BI_ENDLESS_BODY };
enum { BI_AT_REQUEST, BI_AT_HEAD, BI_AT_LINE };
enum { BI_STAY, BI_CLOSE, BI_RESET };
enum { BI_NEXT_ANSWER, BI_NEXT_CLOSE, BI_NEXT_RESET, BI_NEXT_SILENCE };

/* A script that has been read: bight/protocols/http_client_testing.h has what the words mean. A number that was not
 * said is BI_NOT_SAID, so is a choice. */
struct bi_script {
    uint64_t status, size, seed, length, chunk, interim, hops, via, garbage, cut;
    uint64_t framing, coding, endless, when, end, next, loop, bodied;
    double wait, deaf, pace, after;
    struct bi_http_buffer fields, to, unasked;
};

/* 0 is every choice's default. */
static inline unsigned bi_choice(uint64_t said)
{
    return said == BI_NOT_SAID ? 0 : (unsigned)said;
}

void bi_script_begin(struct bi_script *script);
void bi_script_finish(struct bi_script *script);
/* What `words` say, on top of what was said before. 0; INVALID_ARGUMENT for what makes no sense, unless that is to be
 * passed over; OUT_OF_MEMORY. */
int bi_script_read(struct bi_script *script, struct bi_view words, bool strictly);

/* Bytes that are said; from `repeated` on again and again when it has no end. */
struct bi_answer {
    struct bi_http_buffer bytes;
    size_t repeated;
    bool is_endless;
};

/* The answer to a request for `path` with `query`, appended to an empty one. 0 or OUT_OF_MEMORY. */
int bi_answer_compose(
    struct bi_answer *answer, const struct bi_script *script, bool is_head, struct bi_view path, struct bi_view query);

/* Byte `position` of the body `seed`. */
uint8_t bi_body_byte(uint64_t seed, uint64_t position);

/* packed.c: `size` bytes of the body in gzip; the beginning of zeroes without end, and what of it repeats. Appended; 0
 * or OUT_OF_MEMORY. */
int bi_gzip_body(struct bi_http_buffer *out, uint64_t seed, uint64_t size);
int bi_gzip_bomb(struct bi_http_buffer *beginning, struct bi_http_buffer *repeated);

/* What of a request is being read. */
enum bi_talk_reading { BI_READS_HEAD, BI_READS_BODY, BI_READS_CHUNKS, BI_READS_TRAILERS, BI_READS_NOTHING };

/* A connection. */
struct bi_talk {
    struct bight_protocol base;
    struct bi_http_buffer input;
    enum bi_talk_reading reading;
    bool is_taking;   /* the input, in a loop */
    bool is_scripted; /* the line of the request that is being read has been dealt with */
    bool is_handled;  /* and it has its answer, which may be under way */
    bool peer_ended;
    unsigned next; /* what becomes of the next request */
    uint64_t body_left;
    struct bi_chunked chunks;

    bool is_answering, is_pulled, has_produced, is_head;
    uint8_t last;                       /* byte of the answer, when it is lent */
    void (*then)(struct bi_talk *talk); /* when that has left */
    uint64_t said;                      /* bytes of the answer */
    struct bi_script script;
    struct bi_answer answer;
    struct bight_timer timer, hearing;
};

/* deliver.c: says the talk's answer, as its script wants it; and ends the connection so. */
void bi_talk_answer(struct bi_talk *talk);
void bi_talk_end(struct bi_talk *talk, unsigned end);
/* misbehaving.c: the answer's last byte has been written; all is done, and the next request may come. */
void bi_talk_said(struct bi_talk *talk);
void bi_talk_ready(struct bi_talk *talk);

#endif
