/* SPDX-License-Identifier: MIT */
/* range.h - which part of a representation is asked for.
 *
 * RFC 9110, section 14. One range of bytes is followed; several are not, for answering them is more work than asking.
 */
#ifndef BI_HTTP_RANGE_H
#define BI_HTTP_RANGE_H

#include "http/message/tokens.h"

enum bi_range_result {
    BI_RANGE_WHOLE,         /* no range, several, another unit, or what is malformed: as if it were not there */
    BI_RANGE_PART,          /* 206: *first and *count are inside, *count is not 0 */
    BI_RANGE_UNSATISFIABLE, /* 416 */
};

/* `value` is that of Range, `size` how many bytes there are. Numbers of any length are read. The last bytes of nothing
 * are the whole of it, since no Content-Range could describe them. */
enum bi_range_result bi_range_parse(struct bi_view value, uint64_t size, uint64_t *first, uint64_t *count);

#endif
