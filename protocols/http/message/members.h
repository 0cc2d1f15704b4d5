/* SPDX-License-Identifier: MIT */
/* members.h - the members of a comma-separated list over all fields of a name, as of Connection. RFC 9110, section 5.3.
 */
#ifndef BI_HTTP_MEMBERS_H
#define BI_HTTP_MEMBERS_H

#include "http/message/head.h"
#include "http/message/tokens.h"

struct bi_members {
    const struct bi_head *head;
    const uint8_t *bytes;
    struct bi_view rest; /* of the field that is read */
    uint16_t field;      /* its index + 1; 0: none is left */
    enum bi_name name;
};

/* `name` is not OTHER. */
struct bi_members bi_members_begin(const struct bi_head *head, const uint8_t *bytes, enum bi_name name);

/* False: there are no more. Empty ones are skipped. */
bool bi_members_next(struct bi_members *members, struct bi_view *member);

#endif
