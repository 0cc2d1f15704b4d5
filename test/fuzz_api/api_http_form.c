/* SPDX-License-Identifier: MIT */
/* api_http_form.c - forms: what clients send, made from the request's number, and what handlers get, whole or part by
 * part, paused, cut and cancelled: each value and each byte of a file is the one that was sent (A11). */
#include "api_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOUNDARY "a fuzzed form"

enum { FIELDS = 6, FORMS = 20 };

static struct bight_http_form *forms[FORMS]; /* that are kept for a while */
static unsigned form_count;

/* ------------------------------------------------------------------------------------- what is sent */

static unsigned fields_of(unsigned number)
{
    return number % FIELDS;
}

static bool is_file(unsigned number, unsigned field)
{
    return (number + field) % 3 == 0;
}

static uint32_t size_of(unsigned number, unsigned field)
{
    return is_file(number, field) ? (number * 31u + field * 97u) % 9000u : (number * 7u + field * 13u) % 200u;
}

/* Letters only, so that no form needs escapes. */
static char letter_of(unsigned number, unsigned field, uint32_t position)
{
    return (char)('a' + http_byte(number + field, position) % 26);
}

static size_t put_value(char *text, unsigned number, unsigned field)
{
    uint32_t size = size_of(number, field);
    for (uint32_t i = 0; i < size; i++) {
        text[i] = letter_of(number, field, i);
    }
    return size;
}

size_t make_form(char *text, unsigned number, bool is_multipart)
{
    size_t at = 0;
    for (unsigned field = 0; field < fields_of(number); field++) {
        if (is_multipart) {
            at += (size_t)sprintf(text + at, "--" BOUNDARY "\r\nContent-Disposition: form-data; name=f%u%s\r\n\r\n",
                field, is_file(number, field) ? "; filename=\"a/label\"\r\nContent-Type: x/y" : "");
        } else {
            at += (size_t)sprintf(text + at, "%sf%u=", field > 0 ? "&" : "", field);
        }
        at += put_value(text + at, number, field);
        at += is_multipart ? (size_t)sprintf(text + at, "\r\n") : 0;
    }
    return at + (is_multipart ? (size_t)sprintf(text + at, "--" BOUNDARY "--\r\n") : 0);
}

const char *form_type(bool is_multipart)
{
    return is_multipart ? "Content-Type: multipart/form-data; boundary=\"" BOUNDARY "\"\r\n"
                        : "Content-Type: application/x-www-form-urlencoded\r\n";
}

static bool is_one(const struct asked *asked)
{
    return asked->ask < ASKS && http.asks[asked->ask].form != NO_FORM;
}

static void check_bytes(const struct asked *asked, unsigned field, uint32_t from, const char *data, size_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        if (from + i >= size_of(asked->ask, field) || data[i] != letter_of(asked->ask, field, from + i)) {
            fuzz_fail("field %u of the form of request %u has a wrong byte at %u", field, asked->id, from + i);
        }
    }
}

/* ---------------------------------------------------------------------------------------- whole forms */

static void check_form(const struct asked *asked, const struct bight_http_form *form)
{
    bool is_multipart = http.asks[asked->ask].form == MULTIPART;
    for (unsigned field = 0; field < fields_of(asked->ask); field++) {
        char name[10];
        (void)snprintf(name, sizeof name, "f%u", field);
        const struct bight_http_form_file *file = bight_http_form_find_file(form, name);
        struct bight_http_view value = bight_http_form_value_raw(form, name);
        bool is_right = is_multipart && is_file(asked->ask, field)
                            ? file != NULL && bight_http_form_file_size(file) == size_of(asked->ask, field) &&
                                  strcmp(bight_http_form_file_label(file), "label") == 0
                            : file == NULL && value.data != NULL && value.size == size_of(asked->ask, field);
        if (!is_right || http.asks[asked->ask].is_cut) {
            fuzz_fail("field %u of the form of request %u is not what was sent", field, asked->id);
        }
        if (file == NULL) {
            check_bytes(asked, field, 0, value.data, value.size);
        }
    }
}

static void on_file(struct bight_result *result, void *context)
{
    struct item *item = context;
    finish_item(item, result);
    struct bight_bytes *bytes = bight_result_peek(result, &bight_type_bytes);
    if (bytes != NULL) {
        check_bytes(
            &http.asked[item->order], item->budget, 0, (const char *)bight_bytes_data(bytes), bight_bytes_size(bytes));
    }
    act_inside(item->id * 373u, NULL);
    bight_result_clear(result);
}

static void read_file(const struct asked *asked, struct bight_http_form *form)
{
    size_t cursor = 0;
    struct bight_http_form_file *file = bight_http_form_next_file(form, &cursor);
    struct item *item = file == NULL || world.is_ending ? NULL : new_item("read of a form's file", 0);
    if (item != NULL) {
        item->order = asked->id;
        item->budget = (unsigned)atoi(bight_http_form_file_name(file) + 1);
        watch_with(item, bight_http_form_file_read(file, 0, 20000), on_file);
    }
}

static void on_form(struct bight_result *result, void *context)
{
    struct item *item = context;
    struct asked *asked = &http.asked[item->order];
    finish_item(item, result);
    struct bight_http_form *form = bight_result_peek(result, &bight_type_http_form);
    if (form != NULL) {
        form = bight_result_take(result, &bight_type_http_form);
        if (is_one(asked)) {
            check_form(asked, form);
            read_file(asked, form);
        }
        if (form_count < FORMS && item->id % 2 == 0 && !world.is_ending) {
            forms[form_count++] = form;
        } else {
            bight_http_form_release(form);
        }
    }
    act_inside(item->id * 379u, NULL);
    bight_result_clear(result);
}

static void take_form(struct asked *asked, struct fuzz_operation *operation)
{
    struct item *item = world.is_ending ? NULL : new_item("form of a request", 0);
    const struct bight_http_form_options options = { .size = sizeof options,
        .part_limit = fuzz_choose(operation, 6) == 0 ? 2 : 0,
        .limit = fuzz_choose(operation, 6) == 0 ? 100 : 0,
        .directory = "/tmp" };
    if (item == NULL) {
        return;
    }
    item->order = asked->id;
    watch_with(item, bight_http_request_form(asked->request, &options), on_form);
    if (!item->has_run) {
        tie_somewhere(operation, item, true);
    }
}

/* --------------------------------------------------------------------------------------- part by part */

static bool part_begins(struct bight_http_request *request, const struct bight_http_part *part, void *context)
{
    struct asked *asked = context;
    (void)request;
    check_not_inside("a part");
    const char *name = bight_http_part_name(part);
    asked->part = name != NULL && name[0] == 'f' ? (unsigned)atoi(name + 1) : FIELDS;
    asked->part_got = 0;
    act_inside(asked->id * 383u, NULL);
    return asked->id % 5 > 0;
}

static bool part_data(struct bight_http_request *request, const uint8_t *data, size_t size, void *context)
{
    struct asked *asked = context;
    (void)request;
    if (asked->was_blocked) {
        fuzz_fail("the form of request %u goes on before it is wanted", asked->id);
    }
    if (is_one(asked)) {
        check_bytes(asked, asked->part, asked->part_got, (const char *)data, size);
    }
    asked->part_got += (uint32_t)size;
    unsigned drawn = (unsigned)draw_from(asked->id * 389u + asked->part_got);
    asked->was_blocked = drawn % 4 == 0;
    act_inside(drawn, NULL);
    return !asked->was_blocked;
}

static void part_ends(struct bight_http_request *request, void *context)
{
    struct asked *asked = context;
    (void)request;
    if (is_one(asked) && asked->part_got != size_of(asked->ask, asked->part)) {
        fuzz_fail("part %u of the form of request %u has %u bytes", asked->part, asked->id, asked->part_got);
    }
    act_inside(asked->id * 397u, NULL);
}

static void form_ends(struct bight_http_request *request, void *context)
{
    struct asked *asked = context;
    (void)request;
    check_not_inside("the end of a form");
    asked->pushes = false;
    if (is_one(asked) && http.asks[asked->ask].is_cut) {
        fuzz_fail("the form of request %u is whole, and was cut", asked->id);
    }
    act_inside(asked->id * 401u, NULL);
}

static void form_fails(struct bight_http_request *request, const struct bight_failure *failure, void *context)
{
    (void)request;
    (void)failure;
    ((struct asked *)context)->pushes = false;
    act_inside(((struct asked *)context)->id * 409u, NULL);
}

void act_form(struct fuzz_operation *operation, void *context)
{
    static const struct bight_http_form_consumer consumer = { sizeof consumer, part_begins, part_data, part_ends,
        form_ends, form_fails };
    struct asked *asked = find_asked(operation->subject);
    (void)context;
    if (asked == NULL || asked->pushes || asked->reading != NULL) {
        return;
    }
    begin_use(asked);
    if (fuzz_choose(operation, 2) == 0) {
        take_form(asked, operation);
    } else {
        asked->was_blocked = false;
        asked->pushes = bight_http_request_consume_form(asked->request, NULL, &consumer, asked) == 0;
    }
    end_use(asked);
}

/* ----------------------------------------------------------------------------------------- the part */

static void begin(void)
{
    form_count = 0;
}

static void check(void)
{
}

static void end(void)
{
    while (form_count > 0) {
        bight_http_form_release(forms[--form_count]);
    }
}

const struct part http_form_part = { begin, check, end, end };
