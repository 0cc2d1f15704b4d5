/* SPDX-License-Identifier: MIT */
/* accept.c - lists with weights, and which of several offers they prefer.
 *
 * How well a member speaks of an offer is a number, one function a kind; the rest is the same for all. */
#include "http/message/accept.h"

#include "http/message/media.h"

/* How specific a member is; of media types and languages also anything over NAMED. */
enum specificity { SILENT, ANYTHING, PARTLY, NAMED };

/* qvalue: 0 or 1, and up to three decimals, which are zeros behind a 1. */
static bool read_weight(struct bi_view text, uint16_t *weight)
{
    unsigned value, decimal = BI_ACCEPT_WEIGHT;
    if (text.size == 0 || text.size > 5 || text.at[0] < '0' || text.at[0] > '1' ||
        (text.size > 1 && text.at[1] != '.')) {
        return false;
    }
    value = (unsigned)(text.at[0] - '0') * decimal;
    for (size_t at = 2; at < text.size && bi_is(text.at[at], BI_CLASS_DIGIT); at++) {
        decimal /= 10;
        value += (unsigned)(text.at[at] - '0') * decimal;
    }
    *weight = (uint16_t)value;
    return value <= BI_ACCEPT_WEIGHT &&
           (text.size < 3 || bi_run(bi_view_from(text, 2), BI_CLASS_DIGIT) == text.size - 2);
}

/* "text/html" of "text/html;level=1": a token, or two with a slash between. */
static bool take_range(struct bi_view *text, struct bi_view *range)
{
    struct bi_view part, whole = *text;
    if (!bi_take_token(text, &part) || (bi_take_byte(text, '/') && !bi_take_token(text, &part))) {
        return false;
    }
    *range = (struct bi_view) { whole.at, whole.size - text->size };
    return true;
}

static bool read_member(struct bi_view text, struct bi_accept_member *member)
{
    struct bi_parameter parameter;
    enum bi_parameter_result result;
    bool weighted = false;
    if (!take_range(&text, &member->range)) {
        return false;
    }
    member->parameters = (struct bi_view) { text.at, 0 };
    member->weight = BI_ACCEPT_WEIGHT;
    while ((result = bi_parameter_next(&text, &parameter)) == BI_PARAMETER_NEXT) {
        bool is_weight = bi_view_equal_nocase(parameter.name, bi_view_of("q"));
        if (is_weight && (weighted || parameter.quoted || !read_weight(parameter.value, &member->weight))) {
            return false;
        }
        weighted = weighted || is_weight;
        member->parameters.size = weighted ? member->parameters.size : (size_t)(text.at - member->parameters.at);
    }
    return result == BI_PARAMETER_END;
}

bool bi_accept_next(struct bi_view *list, struct bi_accept_member *member)
{
    struct bi_view text;
    while (bi_list_next(list, &text)) {
        if (read_member(text, member)) {
            return true;
        }
    }
    return false;
}

static bool is_any(struct bi_view text)
{
    return bi_view_equal(text, bi_view_of("*"));
}

/* How many parameters there are, all of which the offer has; -1: it lacks one. */
static int count_matching(struct bi_view parameters, const struct bi_media_type *offer)
{
    struct bi_parameter wanted, offered;
    int count = 0;
    while (bi_parameter_next(&parameters, &wanted) == BI_PARAMETER_NEXT) {
        struct bi_view name = wanted.name;
        struct bi_view rest = offer->parameters;
        bool found = false;
        while (!found && bi_parameter_next(&rest, &offered) == BI_PARAMETER_NEXT) {
            found = bi_view_equal_nocase(offered.name, name);
        }
        if (!found || !bi_parameter_value_equal(offered.value, wanted.value)) {
            return -1;
        }
        count++;
    }
    return count;
}

/* Ranges first, then how many parameters: there are fewer than a step of the former. */
static int of_media(const struct bi_accept_member *member, struct bi_view offer)
{
    struct bi_media_type range, media;
    if (!bi_media_parse(member->range, &range) || !bi_media_parse(offer, &media)) {
        return SILENT;
    }
    bool any_type = is_any(range.type), any_subtype = is_any(range.subtype);
    bool is_type = any_type || bi_view_equal_nocase(range.type, media.type);
    bool is_subtype = any_subtype || (!any_type && bi_view_equal_nocase(range.subtype, media.subtype));
    int matching = count_matching(member->parameters, &media);
    if (!is_type || !is_subtype || matching < 0) {
        return SILENT;
    }
    return (any_type ? ANYTHING : any_subtype ? PARTLY : NAMED) * 0x100000 + matching;
}

static struct bi_view modern_coding(struct bi_view name)
{
    bool old = bi_view_equal_nocase(name, bi_view_of("x-gzip")) || bi_view_equal_nocase(name, bi_view_of("x-compress"));
    return bi_view_from(name, old ? 2 : 0);
}

static int of_coding(const struct bi_accept_member *member, struct bi_view offer)
{
    if (member->parameters.size > 0) {
        return SILENT;
    }
    if (bi_view_equal_nocase(modern_coding(member->range), modern_coding(offer))) {
        return NAMED;
    }
    return is_any(member->range) ? ANYTHING : SILENT;
}

/* Whether the first subtags of `tag` are `start`. */
static bool begins_with(struct bi_view tag, struct bi_view start)
{
    return start.size <= tag.size && (start.size == tag.size || tag.at[start.size] == '-') &&
           bi_view_equal_nocase((struct bi_view) { tag.at, start.size }, start);
}

static int of_language(const struct bi_accept_member *member, struct bi_view offer)
{
    if (member->parameters.size > 0) {
        return SILENT;
    }
    if (begins_with(offer, member->range)) {
        return NAMED + (int)member->range.size;
    }
    if (member->weight > 0 && begins_with(member->range, offer)) {
        return PARTLY;
    }
    return is_any(member->range) ? ANYTHING : SILENT;
}

typedef int specificity_of(const struct bi_accept_member *member, struct bi_view offer);

static specificity_of *const kinds[] = {
    [BI_ACCEPT_MEDIA] = of_media,
    [BI_ACCEPT_CODING] = of_coding,
    [BI_ACCEPT_LANGUAGE] = of_language,
};

int bi_accept_weight(enum bi_accept_kind kind, struct bi_lines lines, const char *offer)
{
    struct bi_accept_member member;
    int best = SILENT, weight = -1;
    for (size_t line = 0; line < lines.count; line++) {
        struct bi_view list = lines.lines[line];
        while (bi_accept_next(&list, &member)) {
            int specificity = kinds[kind](&member, bi_view_of(offer));
            bool better = specificity > best || (specificity == best && member.weight > weight);
            if (specificity != SILENT && better) {
                best = specificity;
                weight = member.weight;
            }
        }
    }
    return weight;
}

static bool has_member(struct bi_lines lines)
{
    struct bi_accept_member member;
    for (size_t line = 0; line < lines.count; line++) {
        struct bi_view list = lines.lines[line];
        if (bi_accept_next(&list, &member)) {
            return true;
        }
    }
    return false;
}

/* Identity's place beside the best of what is offered, which has `weight`. */
static size_t weigh_identity(struct bi_lines lines, size_t best, int weight)
{
    int identity = bi_accept_weight(BI_ACCEPT_CODING, lines, "identity");
    if (best == BI_ACCEPT_NONE) {
        return identity == 0 ? BI_ACCEPT_NONE : BI_ACCEPT_IDENTITY;
    }
    return identity > weight ? BI_ACCEPT_IDENTITY : best;
}

size_t bi_accept_choose(enum bi_accept_kind kind, struct bi_lines lines, const char *const *offers, size_t count)
{
    size_t best = BI_ACCEPT_NONE;
    int weight = 0;
    if (kind != BI_ACCEPT_CODING && !has_member(lines)) {
        return count > 0 ? 0 : BI_ACCEPT_NONE;
    }
    for (size_t offer = 0; offer < count; offer++) {
        int own = bi_accept_weight(kind, lines, offers[offer]);
        if (own > weight) {
            weight = own;
            best = offer;
        }
    }
    return kind == BI_ACCEPT_CODING ? weigh_identity(lines, best, weight) : best;
}
