/* SPDX-License-Identifier: MIT */
/* credentials.c - reading Authorization: Basic. RFC 7617, section 2. */
#include "http/middleware/credentials.h"

#include <bight/sys/digest.h>

#include "http/middleware/users.h"

static bool take_scheme(struct bi_view *field)
{
    struct bi_view scheme;
    bool is_basic = bi_take_token(field, &scheme) && bi_view_equal_nocase(scheme, bi_view_of("Basic"));
    return is_basic && bi_run(*field, BI_CLASS_SPACE) > 0;
}

static bool has_control(struct bi_view text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] < ' ' || text.at[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

static bool split(struct bi_credentials *credentials)
{
    struct bi_view all = { credentials->bytes, credentials->size };
    credentials->user = bi_take(&all, bi_before(all, ":"));
    bool has_colon = bi_take_byte(&all, ':');
    credentials->password = all;
    return has_colon && bi_users_is_name(credentials->user) && !has_control(all);
}

bool bi_credentials_read(struct bi_credentials *credentials, struct bi_view field)
{
    if (field.at == NULL || !take_scheme(&field)) {
        return false;
    }
    bi_skip_space(&field);
    ssize_t size =
        bight_base64_decode(BIGHT_BASE64, (const char *)field.at, field.size, credentials->bytes, BI_CREDENTIALS_MOST);
    credentials->size = size > 0 ? (size_t)size : 0;
    return size > 0 && split(credentials);
}
