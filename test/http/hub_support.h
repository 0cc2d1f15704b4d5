/* SPDX-License-Identifier: MIT */
/* hub_support.h - a hub with the epoch `e` on a site, listeners that write down what they are told, and what a
 * publisher is told. */
#ifndef BIGHT_TEST_HTTP_HUB_SUPPORT_H
#define BIGHT_TEST_HTTP_HUB_SUPPORT_H

#include "site_support.h"

static struct bight_http_hub *hub;
static struct bight_http_hub_options hub_options;
static char noted[1 << 16]; /* what happened */

static inline void note(const char *what, const char *more)
{
    size_t used = strlen(noted);
    (void)snprintf(noted + used, sizeof noted - used, "%s%s ", what, more);
}

static inline const char *take_notes(void)
{
    static char text[sizeof noted];
    (void)memcpy(text, noted, sizeof noted);
    noted[0] = '\0';
    return text;
}

static inline void begin_hub(void)
{
    noted[0] = '\0';
    begin_site(NULL);
    hub_options.size = sizeof hub_options;
    hub_options.epoch = "e";
    hub = bight_http_hub_new(reactor, &hub_options);
    ck_assert_ptr_nonnull(hub);
}

static inline void end_hub(void)
{
    bight_http_hub_free(hub);
    hub = NULL;
    settle();
    end_site();
    hub_options = (struct bight_http_hub_options) { .size = 0 };
}

/* ------------------------------------------------------------------------------------------- publishing */

static inline void note_outcome(struct bight_result *result, void *context)
{
    const struct bight_failure *failure = bight_result_failure(result);
    (void)context;
    note(failure != NULL ? bight_error_name(bight_failure_code(failure)) : bight_result_peek(result, &bight_type_text),
        "!");
    bight_result_clear(result);
}

/* Its id is noted when it is acknowledged. */
static inline struct bight_deferred *publish_to(const char *topic, const char *text)
{
    struct bight_deferred *published = bight_http_hub_publish(hub, topic, text, strlen(text));
    ck_assert_int_eq(bight_deferred_add_both(published, note_outcome, NULL), 0);
    return published;
}

static inline void publish(const char *text)
{
    bight_deferred_release(publish_to("t", text));
}

/* Messages of 50000 bytes, `settles`: each on a turn of its own. */
static inline void publish_large(int count, bool settles)
{
    static char text[50001];
    memset(text, 'x', sizeof text - 1);
    for (int i = 0; i < count; i++) {
        publish(text);
        if (settles) {
            settle();
        }
    }
}

/* ------------------------------------------------------------------------------------------- listening */

static inline bool note_message(
    struct bight_http_hub_subscription *subscription, const struct bight_http_hub_message *message, void *context)
{
    (void)subscription;
    note(context, bight_http_hub_message_text(message, NULL));
    return true;
}

static inline bool note_gap(struct bight_http_hub_subscription *subscription, const char *id, void *context)
{
    (void)subscription;
    (void)context;
    note("gap:", id);
    return true;
}

static inline void note_end(struct bight_http_hub_subscription *subscription, void *context)
{
    (void)subscription;
    note(context, "ended");
}

static const struct bight_http_hub_listener noting = {
    .size = sizeof noting, .message = note_message, .gap = note_gap, .ended = note_end
};

static inline struct bight_http_hub_subscription *listen_as(const char *name, const char *after)
{
    int code;
    struct bight_http_hub_subscription *subscription =
        bight_http_hub_subscribe(hub, "t", after, &noting, (void *)(uintptr_t)name, &code);
    ck_assert_int_eq(code, 0);
    ck_assert_ptr_nonnull(subscription);
    return subscription;
}

#define ck_noted(text) ck_assert_str_eq(take_notes(), (text))

#endif
