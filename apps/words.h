/* SPDX-License-Identifier: MIT */
/* words.h - the words of a command that has a table of options of its own, as `bight get` and `bight ws` have. */
#ifndef BIGHT_APPS_WORDS_H
#define BIGHT_APPS_WORDS_H

#include <stddef.h>

#define RUNNER_MOST_OPTIONS 64

struct runner_option {
    const char *name, *value; /* "header", "'NAME: VALUE'"; NULL: a flag */
    const char *help;         /* one line */
    char letter;              /* NUL: none */
};

/* Both functions return 0, or the status to exit with, and then the complaint has been printed. */
struct runner_grammar {
    const struct runner_option *options;
    size_t count; /* RUNNER_MOST_OPTIONS at most */
    /* An option, by its place in the table, with its value; NULL: a flag. */
    int (*set)(void *context, size_t option, const char *value);
    /* A word that is none. */
    int (*add)(void *context, const char *word);
};

/* Options and other words may be mixed; everything after "--" is no option, nor is "-". 0, or what the grammar's
 * functions return. */
int runner_read_words(const struct runner_grammar *grammar, int count, char **words, void *context);

/* 0 for what may be a field of a request, "NAME: VALUE"; else the status to exit with. */
int runner_check_field(const char *text);

/* For the help: a line for each option. */
void runner_print_options(const struct runner_grammar *grammar);

#endif
