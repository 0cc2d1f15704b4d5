/* SPDX-License-Identifier: MIT */
/* registry.c - the services that a runner can start, by name.
 *
 * A process-wide list in order of registration, filled before the first reactor and read-only afterwards. The services
 * themselves are their owners' static tables. What a table may not look like is refused here, so that the runner can
 * trust it. */
#include <bight/sys/service.h>

#include <bight/memory.h>

#include <string.h>

#include "base/check.h"
#include "endpoint/grammar.h"

static const struct bight_service **services;
static size_t service_count, service_room;

/* Lower case letters, digits and '-', beginning with a letter. */
static bool is_name(const char *name)
{
    if (name == NULL || name[0] < 'a' || name[0] > 'z') {
        return false;
    }
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static bool is_option(const struct bight_service_option *option)
{
    bool is_flag = option->kind == BIGHT_SERVICE_FLAG;
    bool has_kind = is_flag || option->kind == BIGHT_SERVICE_TEXT || option->kind == BIGHT_SERVICE_NUMBER;
    return is_name(option->name) && has_kind && is_flag == (option->value_name == NULL) && option->help != NULL &&
           (option->kind != BIGHT_SERVICE_NUMBER || option->minimum <= option->maximum);
}

static bool is_service(const struct bight_service *service)
{
    if (!is_name(service->name) || service->summary == NULL || service->start == NULL) {
        return false;
    }
    for (const struct bight_service_option *each = service->options; each != NULL && each->name != NULL; each++) {
        if (!is_option(each)) {
            return false;
        }
    }
    return true;
}

static int make_room(void)
{
    if (service_count < service_room) {
        return 0;
    }
    size_t room = service_room == 0 ? 16 : service_room * 2;
    const struct bight_service **grown = bight_realloc(services, room * sizeof *grown);
    if (grown == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    services = grown;
    service_room = room;
    return 0;
}

int bight_service_register(const struct bight_service *service)
{
    bool is_sound = is_service(service);
    if (!is_sound || bight_service_find(service->name) != NULL) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE,
            is_sound ? "bight_service_register: there is a service of this name"
                     : "bight_service_register: the name, the summary, start or an option is missing or malformed");
    }
    int code = make_room();
    if (code == 0) {
        services[service_count++] = service;
    }
    return code;
}

const struct bight_service *bight_service_find(const char *name)
{
    for (size_t i = 0; i < service_count; i++) {
        if (strcmp(services[i]->name, name) == 0) {
            return services[i];
        }
    }
    return NULL;
}

const char *bight_service_suggest(const char *name)
{
    struct bi_suggestion suggestion;
    bi_suggestion_begin(&suggestion, name);
    for (size_t i = 0; i < service_count; i++) {
        bi_suggestion_offer(&suggestion, services[i]->name);
    }
    return suggestion.nearest;
}

const char *bight_suggest(const char *unknown, const char *const *words, size_t count)
{
    struct bi_suggestion suggestion;
    bi_suggestion_begin(&suggestion, unknown);
    for (size_t i = 0; i < count; i++) {
        bi_suggestion_offer(&suggestion, words[i]);
    }
    return suggestion.nearest;
}

const struct bight_service *bight_service_next(size_t *cursor)
{
    return *cursor < service_count ? services[(*cursor)++] : NULL;
}
