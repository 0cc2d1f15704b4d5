/* SPDX-License-Identifier: MIT */
/* form_data.c - names, file names and types of the parts of a form (A11).
 *
 * Where parts begin and end is multipart.c's. */
#include "http/message/form_data.h"

#include "http/message/media.h"

static bool refuse(const char **why, const char *words)
{
    *why = words;
    return false;
}

/* ------------------------------------------------------------------------------------------- disposition */

/* One of the two parameters that mean something, or another. */
static bool take_parameter(struct bi_disposition *disposition, const struct bi_parameter *parameter)
{
    bool is_name = bi_view_equal_nocase(parameter->name, bi_view_of("name"));
    if (!is_name && !bi_view_equal_nocase(parameter->name, bi_view_of("filename"))) {
        return true;
    }
    if (is_name ? disposition->name.at != NULL : disposition->is_file) {
        return refuse(&disposition->why, "a part of a form has two names");
    }
    *(is_name ? &disposition->name : &disposition->file_name) = parameter->value;
    disposition->is_file = disposition->is_file || !is_name;
    return true;
}

bool bi_disposition_parse(struct bi_disposition *disposition, struct bi_view value)
{
    struct bi_parameter parameter;
    struct bi_view type;
    enum bi_parameter_result result;
    *disposition = (struct bi_disposition) { .is_file = false };
    if (!bi_take_token(&value, &type) || !bi_view_equal_nocase(type, bi_view_of("form-data"))) {
        return refuse(&disposition->why, "a part of a form is not said to be form-data");
    }
    while ((result = bi_parameter_next(&value, &parameter)) == BI_PARAMETER_NEXT) {
        if (!take_parameter(disposition, &parameter)) {
            return false;
        }
    }
    if (result == BI_PARAMETER_MALFORMED) {
        return refuse(&disposition->why, "the Content-Disposition of a part of a form is malformed");
    }
    return disposition->name.at != NULL || refuse(&disposition->why, "a part of a form has no name");
}

size_t bi_disposition_unescape(struct bi_view text, uint8_t *out)
{
    size_t size = 0;
    while (text.size > 0) {
        bool escapes = text.size > 1 && text.at[0] == '\\' && (text.at[1] == '"' || text.at[1] == '\\');
        (void)bi_take(&text, escapes);
        out[size++] = *bi_take(&text, 1).at;
    }
    return size;
}

/* ------------------------------------------------------------------------------------------------- labels */

/* How many bytes a control at the beginning of `text` has: one of ASCII's, or of U+0080 to U+009F in UTF-8. 0: there is
 * none. */
static size_t control_size(struct bi_view text)
{
    if (text.at[0] < 0x20 || text.at[0] == 0x7f) {
        return 1;
    }
    return text.size > 1 && text.at[0] == 0xc2 && text.at[1] >= 0x80 && text.at[1] < 0xa0 ? 2 : 0;
}

static struct bi_view last_component(struct bi_view name)
{
    size_t begin = name.size;
    while (begin > 0 && name.at[begin - 1] != '/' && name.at[begin - 1] != '\\') {
        begin--;
    }
    return bi_view_from(name, begin);
}

static bool is_dots(const uint8_t *text, size_t size)
{
    return (size == 1 || size == 2) && text[0] == '.' && text[size - 1] == '.';
}

/* What is left when a control is removed may be one: `C2`, control, `9F`. So no byte of theirs stays before one. */
size_t bi_file_label(struct bi_view name, uint8_t *out)
{
    struct bi_view text = last_component(name);
    size_t size = 0;
    while (text.size > 0) {
        size_t control = control_size(text);
        uint8_t byte = *text.at;
        (void)bi_take(&text, control > 0 ? control : 1);
        if (control > 0) {
            continue;
        }
        if (size > 0 && out[size - 1] == 0xc2 && byte >= 0x80 && byte < 0xa0) {
            size--;
        } else {
            out[size++] = byte;
        }
    }
    return is_dots(out, size) ? 0 : size;
}

/* --------------------------------------------------------------------------------------------------- parts */

static struct bi_view value_of(const struct bi_head *head, const uint8_t *bytes, uint16_t place)
{
    struct bi_span span = head->fields[place - 1].value;
    return (struct bi_view) { bytes + span.at, span.size };
}

/* The place of the only field of a name; 0: there is none. */
static bool find_only(
    const struct bi_head *head, const uint8_t *bytes, const char *name, uint16_t *place, const char **why)
{
    size_t size = strlen(name);
    enum bi_name known = bi_name_find((const uint8_t *)name, size);
    *place = bi_head_next(head, bytes, known, name, size, 0);
    return *place == 0 || bi_head_next(head, bytes, known, name, size, *place) == 0 ||
           refuse(why, "a part of a form has a field twice");
}

/* Those of RFC 2045 that are no encoding. */
static bool is_identity(struct bi_view coding)
{
    return bi_view_equal_nocase(coding, bi_view_of("binary")) || bi_view_equal_nocase(coding, bi_view_of("8bit")) ||
           bi_view_equal_nocase(coding, bi_view_of("7bit"));
}

/* The text that `make` makes of `from`, at *out, which is advanced behind its NUL. */
static struct bi_view write_text(struct bi_view from, size_t (*make)(struct bi_view from, uint8_t *out), uint8_t **out)
{
    struct bi_view text = { *out, make(from, *out) };
    (*out)[text.size] = '\0';
    *out += text.size + 1;
    return text;
}

/* The quotes, or names of the parameters, make room for the NULs. */
static void write_texts(struct bi_form_part *part, const struct bi_disposition *disposition, uint8_t *out)
{
    part->name = write_text(disposition->name, bi_disposition_unescape, &out);
    part->is_file = disposition->is_file;
    if (part->is_file) {
        struct bi_view raw = { out, bi_disposition_unescape(disposition->file_name, out) };
        part->label = write_text(raw, bi_file_label, &out);
        part->is_blank = raw.size == 0;
    }
}

bool bi_form_part_read(struct bi_form_part *part, const struct bi_head *head, const uint8_t *bytes, uint8_t *out)
{
    struct bi_disposition disposition;
    uint16_t place, coding, type;
    *part = (struct bi_form_part) { .is_file = false };
    if (!find_only(head, bytes, "content-disposition", &place, &part->why) ||
        !find_only(head, bytes, "content-transfer-encoding", &coding, &part->why) ||
        !find_only(head, bytes, "content-type", &type, &part->why)) {
        return false;
    }
    if (place == 0) {
        return refuse(&part->why, "a part of a form has no Content-Disposition");
    }
    if (coding != 0 && !is_identity(value_of(head, bytes, coding))) {
        return refuse(&part->why, "a part of a form has a Content-Transfer-Encoding");
    }
    if (!bi_disposition_parse(&disposition, value_of(head, bytes, place))) {
        return refuse(&part->why, disposition.why);
    }
    part->type = type != 0 ? value_of(head, bytes, type) : part->type;
    write_texts(part, &disposition, out);
    return true;
}
