/* SPDX-License-Identifier: MIT */
/* settings.c - how calls are carried out: options over what a client says, over the defaults.
 *
 * Numbers alone: who holds the context for TLS, and copies texts, is the caller's business. */
#include <math.h>
#include <string.h>

#include "http/client/client.h"

#define SECOND BIGHT_NANOSECONDS_PER_SECOND

const struct bi_call_settings bi_settings_default = {
    .connect = 10 * SECOND,
    .first_byte = 60 * SECOND,
    .between = 60 * SECOND,
    .total = BI_FOREVER,
    .redirects = 10,
    .expects_from = 1 << 20,
    .continue_time = SECOND,
    .follows = true,
    .repeats = true,
    .decodes = true,
};

bool bi_settings_seconds(double seconds, uint64_t otherwise, uint64_t *nanoseconds)
{
    if (seconds == 0) {
        *nanoseconds = otherwise;
        return true;
    }
    if (isinf(seconds) && seconds > 0) {
        *nanoseconds = BI_FOREVER;
        return true;
    }
    return bight_seconds_to_nanoseconds(seconds, nanoseconds) == BIGHT_OK;
}

static bool choose(enum bight_http_choice choice, bool otherwise)
{
    return choice == BIGHT_HTTP_BY_DEFAULT ? otherwise : choice == BIGHT_HTTP_YES;
}

int bi_settings_read(
    struct bi_call_settings *settings, const struct bi_call_settings *base, const struct bight_http_call_options *given)
{
    struct bight_http_call_options all = { .size = sizeof all };
    if (given != NULL) {
        memcpy(&all, given, given->size < sizeof all ? given->size : sizeof all);
    }
    *settings = *base;
    if (!bi_settings_seconds(all.connect_seconds, base->connect, &settings->connect) ||
        !bi_settings_seconds(all.first_byte_seconds, base->first_byte, &settings->first_byte) ||
        !bi_settings_seconds(all.between_seconds, base->between, &settings->between) ||
        !bi_settings_seconds(all.continue_seconds, base->continue_time, &settings->continue_time) ||
        !bi_settings_seconds(all.total_seconds, base->total, &settings->total)) {
        return bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "options of an HTTP call: a time is negative, or no number");
    }
    settings->body = all.max_body != 0 ? all.max_body : base->body;
    settings->expects_from = all.expect_from != 0 ? all.expect_from : base->expects_from;
    settings->redirects = all.max_redirects != 0 ? all.max_redirects : base->redirects;
    settings->follows = choose(all.follow_redirects, base->follows);
    settings->downgrades = choose(all.allow_downgrade, base->downgrades);
    settings->repeats_body = choose(all.repeat_body, base->repeats_body);
    settings->repeats = choose(all.repeat, base->repeats);
    settings->decodes = choose(all.decompress, base->decodes);
    settings->fails_on_status = choose(all.fail_on_status, base->fails_on_status);
    settings->tls = all.tls != NULL ? all.tls : base->tls;
    settings->local_address = all.local_address != NULL ? all.local_address : base->local_address;
    return BIGHT_OK;
}
