/* SPDX-License-Identifier: MIT */
/* wire.c - the small classic services that answer at once: echo, discard, qotd, daytime, time.
 *
 * Each is a table of handlers and no more; chargen, which goes on for ever, is in chargen.c. Those that speak first
 * write and lose the connection, and bight sees to it that what was written arrives. */
#include <bight/protocols/wire.h>

#include <bight/transport.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

static void say_and_close(struct bight_protocol *protocol, const void *data, size_t size)
{
    (void)bight_transport_write(protocol->transport, data, size);
    (void)bight_transport_lose_connection(protocol->transport);
}

/* ----------------------------------------------------------------------------------- echo, RFC 862 */

static void echo(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    (void)bight_transport_write(protocol->transport, data, size);
}

const struct bight_protocol_ops bight_echo_ops = { .data_received = echo };

/* -------------------------------------------------------------------------------- discard, RFC 863 */

/* Whatever comes is read and dropped: no handler is needed for that. */
const struct bight_protocol_ops bight_discard_ops = { .data_received = NULL };

/* ----------------------------------------------------------------------------------- qotd, RFC 865 */

enum { QUOTATION_LIMIT = 512 };

static void quote(struct bight_protocol *protocol)
{
    const char *text = protocol->factory->context;
    if (text == NULL) {
        text = "The tide waits for nobody, but it tells everybody when it is coming.\r\n";
    }
    say_and_close(protocol, text, strnlen(text, QUOTATION_LIMIT));
}

const struct bight_protocol_ops bight_qotd_ops = { .connection_made = quote };

/* -------------------------------------------------------------------------------- daytime, RFC 867 */

static const char *const day_names[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };
static const char *const month_names[] = { "January", "February", "March", "April", "May", "June", "July", "August",
    "September", "October", "November", "December" };

/* The first form that the RFC shows, "Tuesday, February 22, 1982 17:37:43-PST", in UTC and in English everywhere. */
static void tell_daytime(struct bight_protocol *protocol)
{
    time_t now = time(NULL);
    struct tm parts;
    char text[96];
    if (gmtime_r(&now, &parts) == NULL) {
        (void)bight_transport_lose_connection(protocol->transport);
        return;
    }
    int size = snprintf(text, sizeof text, "%s, %s %d, %d %02d:%02d:%02d-UTC\r\n", day_names[parts.tm_wday],
        month_names[parts.tm_mon], parts.tm_mday, parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
    say_and_close(protocol, text, (size_t)size);
}

const struct bight_protocol_ops bight_daytime_ops = { .connection_made = tell_daytime };

/* ----------------------------------------------------------------------------------- time, RFC 868 */

/* From 1900, where the RFC begins to count, to 1970. */
#define SECONDS_BEFORE_1970 UINT64_C(2208988800)

static void tell_time(struct bight_protocol *protocol)
{
    uint32_t seconds = (uint32_t)((uint64_t)time(NULL) + SECONDS_BEFORE_1970);
    uint8_t bytes[4] = { (uint8_t)(seconds >> 24), (uint8_t)(seconds >> 16), (uint8_t)(seconds >> 8),
        (uint8_t)seconds };
    say_and_close(protocol, bytes, sizeof bytes);
}

const struct bight_protocol_ops bight_time_ops = { .connection_made = tell_time };
