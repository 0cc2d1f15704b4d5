/* SPDX-License-Identifier: MIT */
/* terms.c - the terms of permessage-deflate, read strictly, and written.
 *
 * A window is kept from message to message only with takeover, and then none is larger than the wish's: a peer that
 * cannot be held to that may not take over. Without takeover windows cost nothing, and may have any size. */
#include "http/websocket/terms.h"

#include <stdio.h>

#include "http/message/members.h"

enum { SERVER_ALONE = 1, CLIENT_ALONE = 2, SERVER_BITS = 4, CLIENT_BITS = 8 };

/* As they were written; bits of 0: there is no number. */
struct written {
    unsigned given; /* which of the four there are */
    unsigned server_bits, client_bits;
};

static const struct {
    const char *name;
    unsigned bit;
    bool has_value, may_lack_value;
} parameters[] = {
    { "server_no_context_takeover", SERVER_ALONE, false, true },
    { "client_no_context_takeover", CLIENT_ALONE, false, true },
    { "server_max_window_bits", SERVER_BITS, true, false },
    { "client_max_window_bits", CLIENT_BITS, true, true },
};

/* --------------------------------------------------------------------------------------------- reading */

/* 8 to 15, without leading zeros, perhaps quoted; 0: it is not that. */
static unsigned read_bits(struct bi_view *text)
{
    struct bi_view value;
    if (!bi_take_token(text, &value) && !bi_take_quoted(text, &value)) {
        return 0;
    }
    if (value.size == 1 && (value.at[0] == '8' || value.at[0] == '9')) {
        return value.at[0] - (unsigned)'0';
    }
    bool is_two = value.size == 2 && value.at[0] == '1' && value.at[1] >= '0' && value.at[1] <= '5';
    return is_two ? 10 + (value.at[1] - (unsigned)'0') : 0;
}

static bool read_value(struct written *written, struct bi_view *text, size_t which)
{
    bi_skip_space(text);
    if (!bi_take_byte(text, '=')) {
        return parameters[which].may_lack_value;
    }
    bi_skip_space(text);
    unsigned bits = parameters[which].has_value ? read_bits(text) : 0;
    *(parameters[which].bit == SERVER_BITS ? &written->server_bits : &written->client_bits) = bits;
    return bits != 0;
}

static bool read_parameter(struct written *written, struct bi_view *text)
{
    struct bi_view name;
    bi_skip_space(text);
    if (!bi_take_token(text, &name)) {
        return false;
    }
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        if (bi_view_equal(name, bi_view_of(parameters[i].name))) {
            bool is_new = (written->given & parameters[i].bit) == 0;
            written->given |= parameters[i].bit;
            return is_new && read_value(written, text, i);
        }
    }
    return false;
}

/* False: it is another extension, or malformed. */
static bool read_terms(struct written *written, struct bi_view text)
{
    struct bi_view name;
    *written = (struct written) { .given = 0 };
    if (!bi_take_token(&text, &name) || !bi_view_equal(name, bi_view_of("permessage-deflate"))) {
        return false;
    }
    for (bi_skip_space(&text); bi_take_byte(&text, ';'); bi_skip_space(&text)) {
        if (!read_parameter(written, &text)) {
            return false;
        }
    }
    return text.size == 0;
}

static bool is_given(const struct written *written, unsigned bit)
{
    return (written->given & bit) != 0;
}

static unsigned smaller_of(unsigned one, unsigned other)
{
    return one < other ? one : other;
}

/* --------------------------------------------------------------------------------------------- writing */

static void put(char text[BI_TERMS_TEXT], const char *name, unsigned bits)
{
    char part[40];
    size_t size = strlen(text), more = (size_t)snprintf(part, sizeof part, bits != 0 ? "%s=%u" : "%s", name, bits);
    memcpy(text + size, part, more + 1); /* all parameters together have room */
}

static void begin(char text[BI_TERMS_TEXT])
{
    memcpy(text, "permessage-deflate", sizeof "permessage-deflate");
}

/* -------------------------------------------------------------------------------------------- a server */

/* A window of the client's is kept here if it may be, and is no larger than the wish's. */
static void limit_client(
    const struct written *offer, const struct bi_deflate_wish *wish, struct bi_deflate_terms *terms)
{
    unsigned hint = offer->client_bits != 0 ? offer->client_bits : BI_LARGEST_WINDOW;
    bool is_wanted = wish->takeover && !is_given(offer, CLIENT_ALONE), may_be_limited = is_given(offer, CLIENT_BITS);
    terms->in_bits = (uint8_t)(is_wanted && may_be_limited ? smaller_of(hint, wish->bits) : hint);
    terms->keeps_in = is_wanted && terms->in_bits <= wish->bits;
}

static void limit_server(
    const struct written *offer, const struct bi_deflate_wish *wish, struct bi_deflate_terms *terms)
{
    unsigned asked = is_given(offer, SERVER_BITS) ? offer->server_bits : BI_LARGEST_WINDOW;
    terms->keeps_out = wish->takeover && !is_given(offer, SERVER_ALONE);
    terms->out_bits = (uint8_t)(terms->keeps_out ? smaller_of(asked, wish->bits) : asked);
}

static void write_answer(const struct written *offer, const struct bi_deflate_terms *terms, char text[BI_TERMS_TEXT])
{
    begin(text);
    if (!terms->keeps_out) {
        put(text, "; server_no_context_takeover", 0);
    }
    if (!terms->keeps_in) {
        put(text, "; client_no_context_takeover", 0);
    }
    if (is_given(offer, SERVER_BITS) || terms->out_bits < BI_LARGEST_WINDOW) {
        put(text, "; server_max_window_bits", terms->out_bits);
    }
    bool is_narrower = terms->in_bits < (offer->client_bits != 0 ? offer->client_bits : BI_LARGEST_WINDOW);
    if (is_narrower) {
        put(text, "; client_max_window_bits", terms->in_bits);
    }
}

bool bi_terms_accept(const struct bi_head *head, const uint8_t *bytes, const struct bi_deflate_wish *wish,
    struct bi_deflate_terms *terms, char text[BI_TERMS_TEXT])
{
    struct bi_members members = bi_members_begin(head, bytes, BI_NAME_SEC_WEBSOCKET_EXTENSIONS);
    struct bi_view member;
    struct written offer;
    while (wish->is_there && bi_members_next(&members, &member)) {
        if (read_terms(&offer, member) && offer.server_bits != 8) {
            limit_server(&offer, wish, terms);
            limit_client(&offer, wish, terms);
            write_answer(&offer, terms, text);
            return true;
        }
    }
    return false;
}

/* -------------------------------------------------------------------------------------------- a client */

static bool limits_server(const struct bi_deflate_wish *wish)
{
    return wish->takeover && wish->bits < BI_LARGEST_WINDOW;
}

/* A server that can limit its window may take over, and one that cannot is asked not to. */
void bi_terms_offer(const struct bi_deflate_wish *wish, char text[BI_TERMS_TEXT])
{
    begin(text);
    if (limits_server(wish)) {
        put(text, "; server_max_window_bits", wish->bits);
        put(text, "; client_max_window_bits", wish->bits);
        put(text, ", permessage-deflate", 0);
    }
    if (!wish->takeover || limits_server(wish)) {
        put(text, "; server_no_context_takeover", 0);
    }
    if (!wish->takeover) {
        put(text, "; client_no_context_takeover", 0);
    }
    put(text, "; client_max_window_bits", limits_server(wish) ? wish->bits : 0);
}

bool bi_terms_are_agreed(const struct bi_head *head, const uint8_t *bytes, const struct bi_deflate_wish *wish,
    struct bi_deflate_terms *terms)
{
    struct bi_members members = bi_members_begin(head, bytes, BI_NAME_SEC_WEBSOCKET_EXTENSIONS);
    struct bi_view member;
    struct written answer;
    if (!wish->is_there || !bi_members_next(&members, &member) || !read_terms(&answer, member)) {
        return false;
    }
    bool has_value = !is_given(&answer, CLIENT_BITS) || answer.client_bits != 0;
    unsigned promised = limits_server(wish) ? wish->bits : BI_LARGEST_WINDOW;
    unsigned out = answer.client_bits != 0 ? smaller_of(answer.client_bits, promised) : promised;
    terms->in_bits = (uint8_t)(answer.server_bits != 0 ? answer.server_bits : BI_LARGEST_WINDOW);
    terms->keeps_in = !is_given(&answer, SERVER_ALONE);
    terms->keeps_out = wish->takeover && !is_given(&answer, CLIENT_ALONE) && out > 8;
    terms->out_bits = (uint8_t)out;
    bool is_ours = !terms->keeps_in || (wish->takeover && terms->in_bits <= wish->bits);
    return has_value && is_ours && !bi_members_next(&members, &member);
}
