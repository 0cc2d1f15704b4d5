/* SPDX-License-Identifier: MIT */
/* precondition.h - whether a request with conditions goes on, as of what its target is now.
 *
 * RFC 9110, section 13. Pure: fields and state in, a decision out. The caller has made sure that the answer without the
 * conditions would be a 2xx or a 412 (section 13.2.1): an error is an error whatever the conditions say. */
#ifndef BI_HTTP_PRECONDITION_H
#define BI_HTTP_PRECONDITION_H

#include "http/message/etag.h"
#include "http/message/names.h"

/* The conditions of a request; a field that is not there has no lines. */
struct bi_conditions {
    struct bi_lines if_match, if_none_match;
    struct bi_lines if_modified_since, if_unmodified_since;
};

/* What the target is now. */
struct bi_representation {
    bool exists;
    bool has_etag, has_modified;
    struct bi_etag etag;
    int64_t modified; /* seconds since 1970 */
};

enum bi_precondition_result {
    BI_PRECONDITION_PROCEED,
    BI_PRECONDITION_NOT_MODIFIED, /* 304; GET and HEAD alone */
    BI_PRECONDITION_FAILED,       /* 412 */
};

/* The conditions in the order of section 13.2.2, but If-Range. Methods that neither select nor change a representation
 * (CONNECT, OPTIONS, TRACE) have none. A date that is none, or is there twice, is as if it were not there. In a list of
 * tags those before the first that is none count. A list that is broken and so far has no match is taken for the worse
 * by what changes something: If-Match and If-None-Match both fail then; GET and HEAD see no match, so that they answer
 * in full. `now` is for bi_date_parse. */
enum bi_precondition_result bi_precondition(enum bi_method method, const struct bi_conditions *conditions,
    const struct bi_representation *representation, int64_t now);

/* Whether Range may be followed, as far as If-Range (its value) says: the tag is strong and the same, or the date is
 * Last-Modified exactly and a second that is over. Anything else: the whole is sent, as if there were no Range. */
bool bi_if_range_holds(struct bi_view if_range, const struct bi_representation *representation, int64_t now);

#endif
