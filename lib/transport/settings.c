/* SPDX-License-Identifier: MIT */
/* settings.c - what a program can set of a connection, read back: the setting, or the default that stands without an
 * extension. Where they are set, and what they do, is in flow.c, timeouts.c, idle.c and close.c. */
#include "base/moment.h"
#include "transport/state.h"

/* NULL: nothing has been set. */
static const struct bi_extension *settings_of(const struct bight_transport *transport)
{
    return bi_is_over(transport) ? NULL : transport->extension;
}

static double seconds_of(const struct bight_transport *transport, uint64_t unless_set)
{
    return bi_is_over(transport) ? 0 : bi_seconds_of(unless_set);
}

void bight_transport_get_watermarks(const struct bight_transport *transport, size_t *low, size_t *high)
{
    const struct bi_extension *extension = settings_of(transport);
    bool is_over = bi_is_over(transport);
    *low = is_over ? 0 : extension != NULL ? extension->low : BI_LOW_WATERMARK;
    *high = is_over ? 0 : extension != NULL ? extension->high : BI_HIGH_WATERMARK;
}

bool bight_transport_get_backpressure(const struct bight_transport *transport)
{
    return !bi_is_over(transport) && (transport->state & BI_PRESSURE_ON) != 0;
}

size_t bight_transport_get_output_limit(const struct bight_transport *transport)
{
    return bi_is_over(transport) ? 0 : bi_flow_limit(transport);
}

double bight_transport_get_idle_timeout(const struct bight_transport *transport)
{
    return seconds_of(transport, bi_idle_timeout(transport));
}

double bight_transport_get_total_timeout(const struct bight_transport *transport)
{
    const struct bi_extension *extension = settings_of(transport);
    if (extension == NULL || !bi_wheel_is_armed(&extension->total_timer)) {
        return 0;
    }
    return bi_seconds_until(bi_reactor_now(transport->hub->reactor), extension->total_timer.deadline);
}

double bight_transport_get_write_timeout(const struct bight_transport *transport)
{
    const struct bi_extension *extension = settings_of(transport);
    return seconds_of(transport, extension != NULL ? extension->stall : 0);
}

double bight_transport_get_flush_timeout(const struct bight_transport *transport)
{
    const struct bi_extension *extension = settings_of(transport);
    return seconds_of(
        transport, extension != NULL ? extension->flush : BI_FLUSH_SECONDS * BIGHT_NANOSECONDS_PER_SECOND);
}

size_t bight_transport_get_least_progress(const struct bight_transport *transport)
{
    const struct bi_extension *extension = settings_of(transport);
    size_t bytes = extension != NULL ? extension->least_progress : BI_MIN_PROGRESS;
    return bi_is_over(transport) ? 0 : bytes;
}

void bight_transport_get_linger(const struct bight_transport *transport, double *seconds, size_t *bytes)
{
    const struct bi_extension *extension = settings_of(transport);
    bool is_none = transport->idle.no_linger || bi_is_over(transport);
    uint64_t time = extension != NULL ? extension->linger : BI_LINGER_SECONDS * BIGHT_NANOSECONDS_PER_SECOND;
    *seconds = is_none ? 0 : seconds_of(transport, time);
    *bytes = is_none ? 0 : extension != NULL ? extension->linger_bytes : BI_LINGER_BYTES;
}

size_t bight_reactor_get_held_limit(struct bight_reactor *reactor)
{
    const struct bi_hub *hub = bi_hub_of(reactor);
    return hub == NULL ? 0 : hub->held_limit;
}
