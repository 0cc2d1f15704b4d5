/* SPDX-License-Identifier: MIT */
/* values.c - a session's values, and the session as bytes: for a store, and to be signed. */
#include <string.h>

#include "http/session/session.h"

/* The pair behind this one. */
static const char *behind(const char *pair)
{
    const char *value = pair + strlen(pair) + 1;
    return value + strlen(value) + 1;
}

static const char *find_pair(const struct bi_session *session, const char *name)
{
    const char *at = (const char *)bi_http_buffer_data(&session->values);
    const char *end = at != NULL ? at + bi_http_buffer_size(&session->values) : NULL;
    while (at != end && strcmp(at, name) != 0) {
        at = behind(at);
    }
    return at == end ? NULL : at;
}

const char *bi_session_find(const struct bi_session *session, const char *name)
{
    const char *pair = find_pair(session, name);
    return pair != NULL ? pair + strlen(pair) + 1 : NULL;
}

/* It goes; those behind it take its place. */
static void cut(struct bi_session *session, const char *pair)
{
    struct bi_http_buffer *values = &session->values;
    uint8_t *at = values->bytes + ((const uint8_t *)pair - values->bytes);
    const uint8_t *next = (const uint8_t *)behind(pair);
    memmove(at, next, (size_t)(values->bytes + values->end - next));
    values->end -= (size_t)(next - at);
}

int bi_session_put(struct bi_session *session, const char *name, const char *value, size_t most)
{
    const char *pair = find_pair(session, name);
    size_t former = pair != NULL ? (size_t)(behind(pair) - pair) : 0;
    size_t name_size = strlen(name) + 1, value_size = value != NULL ? strlen(value) + 1 : 0;
    if (value != NULL) {
        size_t kept = bi_http_buffer_size(&session->values) - former;
        if (name_size > most || value_size > most - name_size || kept > most - name_size - value_size) {
            return BIGHT_E_TOO_LONG;
        }
        uint8_t *room = bi_http_buffer_room(&session->values, name_size + value_size);
        if (room == NULL) {
            return BIGHT_E_OUT_OF_MEMORY;
        }
        memcpy(room, name, name_size);
        memcpy(room + name_size, value, value_size);
        pair = find_pair(session, name); /* it may have moved */
        session->values.end += name_size + value_size;
    }
    if (pair != NULL) {
        cut(session, pair);
    }
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------------------ bytes */

static void write_time(uint8_t *at, int64_t time)
{
    for (int i = 7; i >= 0; i--) {
        at[i] = (uint8_t)time;
        time >>= 8;
    }
}

static int64_t read_time(const uint8_t *at)
{
    uint64_t time = 0;
    for (int i = 0; i < 8; i++) {
        time = time << 8 | at[i];
    }
    return (int64_t)time;
}

void bi_session_write(const struct bi_session *session, uint8_t *bytes)
{
    size_t size = bi_http_buffer_size(&session->values);
    write_time(bytes, session->began);
    write_time(bytes + 8, session->saved);
    if (size > 0) {
        memcpy(bytes + BI_SESSION_HEAD, bi_http_buffer_data(&session->values), size);
    }
}

/* Whole pairs, each with both its NULs. */
static bool are_pairs(const uint8_t *bytes, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        count += bytes[i] == '\0';
    }
    return size == 0 || (bytes[size - 1] == '\0' && count % 2 == 0);
}

bool bi_session_read(struct bi_session *session, const uint8_t *bytes, size_t size, bool *no_memory)
{
    *no_memory = false;
    if (size < BI_SESSION_HEAD || !are_pairs(bytes + BI_SESSION_HEAD, size - BI_SESSION_HEAD)) {
        return false;
    }
    if (bi_http_buffer_append(&session->values, bytes + BI_SESSION_HEAD, size - BI_SESSION_HEAD) != BIGHT_OK) {
        *no_memory = true;
        return false;
    }
    session->began = read_time(bytes);
    session->saved = read_time(bytes + 8);
    return true;
}
