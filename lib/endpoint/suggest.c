/* SPDX-License-Identifier: MIT */
/* suggest.c - which of the known words was meant by an unknown one.
 *
 * The distance is the number of letters put in, left out, replaced or swapped with their neighbour (Damerau,
 * Levenshtein; the "optimal string alignment" form). Two are forgiven, one in a word of three letters or fewer: "udp"
 * is not a mistyped "tcp". */
#include "endpoint/grammar.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LONGEST_WORD 32
#define FORGIVEN 2
#define SHORT_WORD 3

static unsigned least(unsigned left, unsigned right)
{
    return left < right ? left : right;
}

/* Three rows of the table are enough: `row` is being filled, `above` and `twice_above` are done. */
static unsigned distance(const char *from, size_t from_size, const char *to, size_t to_size)
{
    unsigned rows[3][LONGEST_WORD + 1] = { { 0 } };
    for (unsigned column = 0; column <= to_size; column++) {
        rows[0][column] = column;
    }
    for (unsigned line = 1; line <= from_size; line++) {
        unsigned *row = rows[line % 3], *above = rows[(line + 2) % 3], *twice_above = rows[(line + 1) % 3];
        row[0] = line;
        for (unsigned column = 1; column <= to_size; column++) {
            unsigned differs = from[line - 1] != to[column - 1];
            unsigned best = least(above[column] + 1, row[column - 1] + 1);
            best = least(best, above[column - 1] + differs);
            if (line > 1 && column > 1 && from[line - 1] == to[column - 2] && from[line - 2] == to[column - 1]) {
                best = least(best, twice_above[column - 2] + 1);
            }
            row[column] = best;
        }
    }
    return rows[from_size % 3][to_size];
}

void bi_suggestion_begin(struct bi_suggestion *suggestion, const char *word)
{
    *suggestion = (struct bi_suggestion) { .word = word, .distance = FORGIVEN + 1 };
}

void bi_suggestion_offer(struct bi_suggestion *suggestion, const char *candidate)
{
    size_t word_size = strlen(suggestion->word), candidate_size = strlen(candidate);
    if (word_size > LONGEST_WORD || candidate_size > LONGEST_WORD) {
        return;
    }
    unsigned found = distance(suggestion->word, word_size, candidate, candidate_size);
    if (found < suggestion->distance && found < candidate_size && (found <= 1 || candidate_size > SHORT_WORD)) {
        suggestion->distance = found;
        suggestion->nearest = candidate;
    }
}

void bi_suggestion_phrase(const struct bi_suggestion *suggestion, char *buffer, size_t size)
{
    buffer[0] = '\0';
    if (suggestion->nearest != NULL) {
        snprintf(buffer, size, "; did you mean \"%s\"?", suggestion->nearest);
    }
}
