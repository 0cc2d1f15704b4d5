/* SPDX-License-Identifier: MIT */
/* tls_words.c - the failures of TLS contexts, in terms of the strings that they were made from.
 *
 * A context knows files, a string has columns; the reader of the message has written the string. */
#include "endpoint/types/tls_words.h"

#include <stdio.h>
#include <string.h>

#include "base/errno_text.h"
#include "base/text.h"

/* As a word of its own. */
static bool names(const char *message, const char *file)
{
    size_t size = strlen(file);
    for (const char *at = strstr(message, file); at != NULL; at = strstr(at + 1, file)) {
        if (at > message && at[-1] == ' ' && strchr(" ,:;", at[size]) != NULL) {
            return true;
        }
    }
    return false;
}

/* The argument that a message speaks of; NULL: none of them. */
static const struct bight_argument *find_guilty(
    const struct bight_argument *arguments, const unsigned *files, size_t count, const char *message)
{
    for (size_t i = 0; i < count; i++) {
        const struct bight_argument *argument = &arguments[files[i]];
        if (argument->given && names(message, argument->text)) {
            return argument;
        }
    }
    return NULL;
}

static void append(struct bi_text *words, const struct bight_argument *guilty, const struct bight_failure *failure)
{
    char column[32] = "", system_words[BI_ERRNO_TEXT_SIZE];
    int number = bight_failure_errno(failure);
    if (guilty != NULL) {
        snprintf(column, sizeof column, "column %zu: ", guilty->column);
    }
    bi_text_append_string(words, words->needed == 0 ? "" : "; ");
    bi_text_append_string(words, column);
    bi_text_append_string(words, bight_failure_message(failure));
    if (number > 0) {
        bi_text_append_string(words, ": ");
        bi_text_append_string(words, bi_errno_text(number, system_words));
    }
}

struct bight_failure *bi_tls_with_columns(
    const struct bight_argument *arguments, const unsigned *files, size_t count, struct bight_failure *failure)
{
    char buffer[1024];
    struct bi_text words = { buffer, sizeof buffer, 0 };
    size_t causes = bight_failure_cause_count(failure);
    for (size_t i = 0; i < causes || (i == 0 && causes == 0); i++) {
        const struct bight_failure *each = causes == 0 ? failure : bight_failure_cause(failure, i);
        append(&words, find_guilty(arguments, files, count, bight_failure_message(each)), each);
    }
    (void)bi_text_end(&words);
    struct bight_failure *told = bight_failure_new_at(
        bight_failure_place(failure), bight_failure_code(failure), bight_failure_errno(failure), NULL, "%s", buffer);
    bight_failure_release(failure);
    return told;
}
