/* SPDX-License-Identifier: MIT */
/* options.c - the words after a service's name: its options, those that every service takes, endpoints.
 *
 * A service's options are a table; the values are checked against it here, so that a service only sees what fits.
 * Options and endpoints may be mixed; everything after "--" is an endpoint. */
#include "runner.h"

#include <bight/log.h>
#include <bight/memory.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { MAX_OPTIONS = 64 }; /* among which one that was meant is looked for */

/* The words that are still to be read. */
struct words {
    int count;
    char **words;
};

static size_t option_count(const struct bight_service *service)
{
    size_t count = 0;
    while (service != NULL && service->options != NULL && service->options[count].name != NULL) {
        count++;
    }
    return count;
}

int runner_set_log_level(const char *name)
{
    int level = name == NULL ? 0 : bight_log_level_from_name(name);
    if (level == 0) {
        return complain("--log-level is debug, info, warning, error or critical");
    }
    bight_log_set_level((enum bight_log_level)level);
    return 0;
}

/* ---------------------------------------------------------------------------------------- one value */

static int set_number(struct bight_service_value *value, const struct bight_service_option *option, const char *text)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == ' ' || number < option->minimum ||
        number > option->maximum) {
        return complain("--%s is a number from %lld to %lld, not \"%s\"", option->name, (long long)option->minimum,
            (long long)option->maximum, text);
    }
    value->number = number;
    return 0;
}

static int set_value(struct bight_service_value *value, const struct bight_service_option *option, const char *text)
{
    value->text = text;
    if (option->kind == BIGHT_SERVICE_NUMBER) {
        return set_number(value, option, text);
    }
    value->number = option->kind == BIGHT_SERVICE_FLAG;
    return 0;
}

static int set_drain_seconds(struct runner_command *command, const char *text)
{
    char *end;
    command->drain_seconds = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(command->drain_seconds) || command->drain_seconds < 0) {
        return complain("--drain is a number of seconds, not \"%s\"", text);
    }
    command->drain_seconds = command->drain_seconds == 0 ? 1e-9 : command->drain_seconds;
    return 0;
}

/* -------------------------------------------------------------------------------------- one option */

/* The value behind `=`, or the next word. NULL, and a complaint, when there is none. */
static const char *take_value(struct words *words, const char *name, const char *behind)
{
    if (behind != NULL) {
        return behind;
    }
    if (words->count == 0) {
        (void)complain("--%s needs a value", name);
        return NULL;
    }
    words->count--;
    return *words->words++;
}

/* Also used where the name is too long to be one. */
static int unknown_option(const struct runner_command *command, const char *name)
{
    const char *names[MAX_OPTIONS] = { "log-level", "help", "keylog", command->service == NULL ? "show" : "drain" };
    size_t count = 4;
    for (size_t i = 0; i < option_count(command->service) && count < MAX_OPTIONS; i++) {
        names[count++] = command->service->options[i].name;
    }
    const char *nearest = bight_suggest(name, names, count);
    if (nearest != NULL) {
        return complain("unknown option \"--%s\"; did you mean \"--%s\"?", name, nearest);
    }
    return complain("unknown option \"--%s\" (--help lists them)", name);
}

/* Whose value is `text`. */
static int set_common(struct runner_command *command, const char *name, const char *text)
{
    if (strcmp(name, "log-level") == 0) {
        return runner_set_log_level(text);
    }
    if (strcmp(name, "keylog") == 0) {
        bight_endpoint_set_keylog(text);
        return 0;
    }
    return set_drain_seconds(command, text);
}

static int read_common(struct runner_command *command, struct words *words, const char *name, const char *behind)
{
    if (strcmp(name, "show") == 0 && command->service == NULL && behind == NULL) {
        command->shows_session = true;
        return 0;
    }
    bool is_for_all = strcmp(name, "log-level") == 0 || strcmp(name, "keylog") == 0;
    if (!is_for_all && (strcmp(name, "drain") != 0 || command->service == NULL)) {
        return unknown_option(command, name);
    }
    const char *text = take_value(words, name, behind);
    return text == NULL ? EX_USAGE : set_common(command, name, text);
}

static int read_option(struct runner_command *command, struct words *words, const char *name, const char *behind)
{
    for (size_t i = 0; i < option_count(command->service); i++) {
        const struct bight_service_option *option = &command->service->options[i];
        if (strcmp(option->name, name) != 0) {
            continue;
        }
        bool is_flag = option->kind == BIGHT_SERVICE_FLAG;
        if (is_flag && behind != NULL) {
            return complain("--%s takes no value", name);
        }
        const char *text = is_flag ? "" : take_value(words, name, behind);
        command->values[i].given = text != NULL;
        return text == NULL ? EX_USAGE : set_value(&command->values[i], option, text);
    }
    return read_common(command, words, name, behind);
}

/* "--name" or "--name=value". */
static int read_long_option(struct runner_command *command, struct words *words, const char *word)
{
    char name[64];
    size_t size = strcspn(word, "=");
    if (size >= sizeof name || size == 0) {
        return unknown_option(command, word);
    }
    memcpy(name, word, size);
    name[size] = '\0';
    if (strcmp(word, "help") == 0) {
        command->wants_help = true;
        return 0;
    }
    return read_option(command, words, name, word[size] == '=' ? word + size + 1 : NULL);
}

/* ------------------------------------------------------------------------------------- the command */

static int fill_in_defaults(struct runner_command *command)
{
    size_t count = option_count(command->service);
    command->values = bight_calloc(count + 1, sizeof *command->values);
    if (command->values == NULL) {
        return EX_OSERR;
    }
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        const struct bight_service_option *option = &command->service->options[i];
        if (option->default_text != NULL) {
            status = set_value(&command->values[i], option, option->default_text);
        }
    }
    return status;
}

static int read_words(struct runner_command *command, struct words *words)
{
    bool only_endpoints = false;
    int status = 0;
    while (words->count > 0 && status == 0) {
        char *word = *words->words++;
        words->count--;
        if (only_endpoints || word[0] != '-') {
            command->endpoints[command->endpoint_count++] = word;
        } else if (strcmp(word, "--") == 0) {
            only_endpoints = true;
        } else if (strcmp(word, "-h") == 0) {
            command->wants_help = true;
        } else if (word[1] != '-') {
            status = complain("unknown option \"%s\" (--help lists them)", word);
        } else {
            status = read_long_option(command, words, word + 2);
        }
    }
    return status;
}

int runner_read_options(struct runner_command *command, int argc, char **argv)
{
    struct words words = { argc, argv };
    command->endpoints = bight_calloc((size_t)argc + 1, sizeof *command->endpoints);
    if (command->endpoints == NULL) {
        return EX_OSERR;
    }
    int status = fill_in_defaults(command);
    return status != 0 ? status : read_words(command, &words);
}

void runner_command_finish(struct runner_command *command)
{
    bight_free(command->endpoints);
    bight_free(command->values);
}
