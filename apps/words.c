/* SPDX-License-Identifier: MIT */
/* words.c - the words of a command, by its table of options: long ones and letters, their values, all else.
 *
 * What an option means is its command's to know. Those of services are options.c's. */
#include "words.h"

#include <bight/sys/service.h>

#include <stdio.h>
#include <string.h>

#include "complain.h"

struct words {
    const struct runner_grammar *grammar;
    void *context;
    int count; /* that are left */
    char **words;
};

static int unknown(const struct runner_grammar *grammar, const char *word)
{
    const char *names[RUNNER_MOST_OPTIONS];
    for (size_t i = 0; i < grammar->count; i++) {
        names[i] = grammar->options[i].name;
    }
    char name[64];
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    const char *nearest = bight_suggest(name, names, grammar->count);
    return nearest != NULL ? complain("unknown option \"--%s\"; did you mean \"--%s\"?", name, nearest)
                           : complain("unknown option \"--%s\" (--help lists them)", name);
}

/* `behind` is the value that stands in the same word; NULL: the next one is it. */
static int read_value(struct words *words, size_t option, const char *behind)
{
    const struct runner_option *found = &words->grammar->options[option];
    if (found->value == NULL) {
        return behind == NULL ? words->grammar->set(words->context, option, NULL)
                              : complain("--%s takes no value", found->name);
    }
    if (behind == NULL && words->count == 0) {
        return complain("--%s needs a value", found->name);
    }
    if (behind == NULL) {
        behind = *words->words++;
        words->count--;
    }
    return words->grammar->set(words->context, option, behind);
}

static int read_long(struct words *words, const char *word)
{
    const struct runner_grammar *grammar = words->grammar;
    size_t size = strcspn(word, "=");
    for (size_t i = 0; i < grammar->count; i++) {
        if (strlen(grammar->options[i].name) == size && strncmp(grammar->options[i].name, word, size) == 0) {
            return read_value(words, i, word[size] == '=' ? word + size + 1 : NULL);
        }
    }
    return unknown(grammar, word);
}

/* One letter, and its value behind it. */
static int read_short(struct words *words, const char *word)
{
    const struct runner_grammar *grammar = words->grammar;
    for (size_t i = 0; i < grammar->count; i++) {
        if (grammar->options[i].letter != '\0' && grammar->options[i].letter == word[0]) {
            return read_value(words, i, word[1] != '\0' ? word + 1 : NULL);
        }
    }
    return complain("unknown option \"-%.1s\" (--help lists them)", word);
}

int runner_read_words(const struct runner_grammar *grammar, int count, char **all, void *context)
{
    struct words words = { grammar, context, count, all };
    bool has_options = true;
    int status = 0;
    while (words.count > 0 && status == 0) {
        const char *word = *words.words++;
        words.count--;
        if (!has_options || word[0] != '-' || word[1] == '\0') {
            status = grammar->add(context, word);
        } else if (strcmp(word, "--") == 0) {
            has_options = false;
        } else {
            status = word[1] == '-' ? read_long(&words, word + 2) : read_short(&words, word + 1);
        }
    }
    return status;
}

int runner_check_field(const char *text)
{
    size_t name = strcspn(text, ":");
    return name > 0 && text[name] != '\0' ? 0 : complain("--header is NAME: VALUE, not \"%s\"", text);
}

void runner_print_options(const struct runner_grammar *grammar)
{
    for (size_t i = 0; i < grammar->count; i++) {
        const struct runner_option *option = &grammar->options[i];
        char name[64], letter[8] = "    ";
        if (option->letter != '\0') {
            (void)snprintf(letter, sizeof letter, "-%c, ", option->letter);
        }
        (void)snprintf(name, sizeof name, "--%s%s%s", option->name, option->value != NULL ? " " : "",
            option->value != NULL ? option->value : "");
        printf("  %s%-24s  %s\n", letter, name, option->help);
    }
}
