/* SPDX-License-Identifier: MIT */
/* form_data.h - what the head of a part of multipart/form-data says: RFC 7578, section 4.
 *
 * - Content-Disposition: form-data, with a name. A name or file name that is there twice is refused, for two readers
 *   would take different ones. `filename*` is ignored, since the RFC forbids it, and some clients send it beside
 *   `filename`; other parameters are, too.
 * - In a quoted text `\"` and `\\` are escapes; any other backslash stands for itself, as browsers mean it. Percent
 *   signs stand for themselves: what browsers write as `%22` stays so, and nothing is decoded that another will decode.
 * - Content-Transfer-Encoding (deprecated by section 4.7) may be one that changes nothing; else it is refused.
 * - A file name is a label (A11): what is behind its last `/` or `\`, without controls, and never `.` or `..`. */
#ifndef BI_HTTP_FORM_DATA_H
#define BI_HTTP_FORM_DATA_H

#include "http/message/head.h"
#include "http/message/tokens.h"

struct bi_disposition {
    struct bi_view name, file_name; /* as they came, escapes included */
    bool is_file;                   /* there is a file name, and it may be empty */
    const char *why;                /* refused: lives for ever */
};

/* The value of a Content-Disposition; false: refused. */
bool bi_disposition_parse(struct bi_disposition *disposition, struct bi_view value);

/* What a text means. `out` has text.size bytes, and may be where they are. Returns the size. */
size_t bi_disposition_unescape(struct bi_view text, uint8_t *out);

/* The label of a file name, likewise; 0: it has none. */
size_t bi_file_label(struct bi_view name, uint8_t *out);

/* A part; texts have a NUL behind them. */
struct bi_form_part {
    struct bi_view name, label;
    struct bi_view type; /* its Content-Type, in the head, without a NUL; NULL: there is none */
    bool is_file;
    bool is_blank;   /* a file of no name at all: what browsers send when none has been chosen */
    const char *why; /* refused: lives for ever */
};

/* Reads a part's head; the texts are written to `out`, which has room for as many bytes as the head has. False:
 * refused. */
bool bi_form_part_read(struct bi_form_part *part, const struct bi_head *head, const uint8_t *bytes, uint8_t *out);

#endif
