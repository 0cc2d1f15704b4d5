/* SPDX-License-Identifier: MIT */
/* members.c - the members of a list that may be spread over several fields of one name (RFC 9110, section 5.3).
 *
 * What a member is, and where it ends, is tokens.c's. */
#include "http/message/members.h"

static void enter(struct bi_members *members, uint16_t field)
{
    members->field = field;
    if (field != 0) {
        struct bi_span value = members->head->fields[field - 1].value;
        members->rest = (struct bi_view) { members->bytes + value.at, value.size };
    }
}

struct bi_members bi_members_begin(const struct bi_head *head, const uint8_t *bytes, enum bi_name name)
{
    struct bi_members members = { .head = head, .bytes = bytes, .name = name };
    enter(&members, bi_head_first(head, name));
    return members;
}

bool bi_members_next(struct bi_members *members, struct bi_view *member)
{
    while (members->field != 0) {
        if (bi_list_next(&members->rest, member)) {
            return true;
        }
        enter(members, bi_head_next(members->head, members->bytes, members->name, NULL, 0, members->field));
    }
    return false;
}
