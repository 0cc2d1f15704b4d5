/* SPDX-License-Identifier: MIT */
/* fuzz_http_accept.c - lists with weights against their grammar, and choices against the weights of each offer.
 *
 * The first byte chooses the kind of list; lines are lines of the field. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "fuzz_regex.h"
#include "http/message/accept.h"

enum { LINES = 4, OFFERS = 4 };

#define VALUE "(" REGEX_TCHAR "+|" REGEX_QUOTED ")"
#define OTHER "(" REGEX_TCHAR_NOT_Q "|" REGEX_TCHAR REGEX_TCHAR "+)=" VALUE
#define OTHERS "(" REGEX_OWS ";" REGEX_OWS "(" OTHER ")?)*"
#define WEIGHT "[qQ]=(0(\\.[0-9]?[0-9]?[0-9]?)?|1(\\.0?0?0?)?)"

static const char pattern[] =
    "^" REGEX_TCHAR "+(/" REGEX_TCHAR "+)?" OTHERS "(" REGEX_OWS ";" REGEX_OWS WEIGHT OTHERS ")?" REGEX_OWS "$";

static const char *const offers[3][OFFERS] = {
    [BI_ACCEPT_MEDIA] = { "a/b", "a/c", "a/b;c=d", "d/b;e=\"f,g\";h=i" },
    [BI_ACCEPT_CODING] = { "gzip", "br", "a", "x-compress" },
    [BI_ACCEPT_LANGUAGE] = { "en", "en-a", "a-b-c", "de" },
};

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* Members are those of the list that are of the grammar. */
static size_t read_list(struct bi_view list)
{
    static regex_t *compiled = NULL;
    struct bi_view all = list, text;
    struct bi_accept_member member;
    size_t count = 0;
    while (bi_list_next(&all, &text)) {
        if (regex_matches(&compiled, pattern, text)) {
            require(bi_accept_next(&list, &member) && member.range.at == text.at &&
                    member.range.size + member.parameters.size <= text.size && member.weight <= BI_ACCEPT_WEIGHT);
            count++;
        }
    }
    require(!bi_accept_next(&list, &member));
    return count;
}

static void choose(enum bi_accept_kind kind, struct bi_lines lines, size_t members)
{
    int weights[OFFERS], best = 0;
    for (size_t offer = 0; offer < OFFERS; offer++) {
        weights[offer] = bi_accept_weight(kind, lines, offers[kind][offer]);
        require(weights[offer] >= -1 && weights[offer] <= BI_ACCEPT_WEIGHT);
        best = weights[offer] > best ? weights[offer] : best;
    }
    size_t choice = bi_accept_choose(kind, lines, offers[kind], OFFERS);
    if (kind != BI_ACCEPT_CODING && members == 0) {
        require(choice == 0);
    } else if (choice < OFFERS) {
        require(best > 0 && weights[choice] == best);
        for (size_t offer = 0; offer < choice; offer++) {
            require(weights[offer] < best);
        }
    } else if (kind == BI_ACCEPT_CODING) {
        int identity = bi_accept_weight(kind, lines, "identity");
        require(choice == BI_ACCEPT_NONE ? best == 0 && identity == 0 : best == 0 || identity > best);
    } else {
        require(choice == BI_ACCEPT_NONE && best == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bi_view text = { data, size }, lines[LINES];
    size_t count = 0, members = 0;
    if (size == 0 || size >= REGEX_ROOM) {
        return 0;
    }
    enum bi_accept_kind kind = (enum bi_accept_kind)(*bi_take(&text, 1).at % 3);
    while (count < LINES && text.size > 0) {
        const uint8_t *end = memchr(text.at, '\n', text.size);
        lines[count] = bi_take(&text, end == NULL ? text.size : (size_t)(end - text.at));
        (void)bi_take_byte(&text, '\n');
        members += read_list(lines[count++]);
    }
    choose(kind, (struct bi_lines) { lines, count }, members);
    return 0;
}
