/* SPDX-License-Identifier: MIT */
/* access_line.c - one request as a line of an access log: combined as nginx and Apache write it, or JSON.
 *
 * Every byte of a client's that is not harmless in a terminal is escaped. Who is asked for what the line says, and
 * where it goes, is access_log.c's. */
#include "http/middleware/access_line.h"

#include "http/message/date.h"

#define MOST_PER_BYTE 6 /* \u007f */
#define BYTES(byte) (UINT64_C(0x0101010101010101) * (byte))
#define FEW 1024  /* bytes of all together, most requests */
#define FIXED 512 /* all that is no client's: names of members, numbers, quotes */

/* ----------------------------------------------------------------------------------------------- time */

static unsigned month_of(const char name[3])
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    unsigned month = 0;
    while (month < 11 && memcmp(names + 3 * month, name, 3) != 0) {
        month++;
    }
    return month + 1;
}

void bi_access_time(char text[BI_ACCESS_TIME], enum bight_http_log_format format, int64_t seconds)
{
    char date[BI_DATE_SIZE]; /* "Sun, 06 Nov 1994 08:49:37 GMT" */
    bi_date_format(date, seconds);
    if (format == BIGHT_HTTP_LOG_COMBINED) {
        memcpy(text, "DD/Mmm/YYYY:hh:mm:ss +0000", 27);
        memcpy(text, date + 5, 2);
        memcpy(text + 3, date + 8, 3);
        memcpy(text + 7, date + 12, 4);
        memcpy(text + 12, date + 17, 8);
        return;
    }
    unsigned month = month_of(date + 8);
    memcpy(text, "YYYY-MM-DDThh:mm:ssZ", 21);
    memcpy(text, date + 12, 4);
    text[5] = (char)('0' + month / 10);
    text[6] = (char)('0' + month % 10);
    memcpy(text + 8, date + 5, 2);
    memcpy(text + 11, date + 17, 8);
}

/* ---------------------------------------------------------------------------------------------- pieces */

static char *put(char *at, const char *text)
{
    size_t size = strlen(text);
    memcpy(at, text, size);
    return at + size;
}

static char *put_view(char *at, struct bi_view text)
{
    memcpy(at, text.at, text.size);
    return at + text.size;
}

static char *put_number(char *at, uint64_t number)
{
    char digits[20];
    size_t size = 0;
    do {
        digits[size++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (size > 0) {
        *at++ = digits[--size];
    }
    return at;
}

/* With three digits behind the point. */
static char *put_seconds(char *at, double seconds)
{
    uint64_t milliseconds = seconds < 1e15 ? (uint64_t)(seconds * 1e3 + 0.5) : UINT64_C(1000000000000000000);
    at = put_number(at, milliseconds / 1000);
    unsigned rest = (unsigned)(milliseconds % 1000);
    *at++ = '.';
    *at++ = (char)('0' + rest / 100);
    *at++ = (char)('0' + rest / 10 % 10);
    *at++ = (char)('0' + rest % 10);
    return at;
}

static struct bi_view at_most(struct bi_view text, size_t size)
{
    return (struct bi_view) { text.at, text.size < size ? text.size : size };
}

/* What stands before the query. */
static struct bi_view cut_query(struct bi_view text, bool cuts)
{
    const uint8_t *mark = cuts && text.at != NULL ? memchr(text.at, '?', text.size) : NULL;
    return mark != NULL ? (struct bi_view) { text.at, (size_t)(mark - text.at) } : text;
}

static struct bi_view target_of(const struct bi_access_entry *entry)
{
    return at_most(cut_query(entry->target, entry->without_query), BI_ACCESS_TARGET);
}

static struct bi_view referer_of(const struct bi_access_entry *entry)
{
    return at_most(cut_query(entry->referer, entry->without_query), BI_ACCESS_REFERER);
}

static struct bi_view agent_of(const struct bi_access_entry *entry)
{
    return at_most(entry->agent, BI_ACCESS_AGENT);
}

size_t bi_access_line_room(const struct bi_access_entry *entry)
{
    size_t all = entry->target.size + entry->referer.size + entry->agent.size + entry->address.size + entry->user.size +
                 entry->method.size + entry->id.size + entry->pattern.size;
    if (all <= FEW) {
        return MOST_PER_BYTE * all + FIXED;
    }
    const struct bi_view *others[] = { &entry->address, &entry->user, &entry->method, &entry->id, &entry->pattern };
    size_t size = target_of(entry).size + referer_of(entry).size + agent_of(entry).size;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        size += at_most(*others[i], BI_ACCESS_SHORT).size;
    }
    return MOST_PER_BYTE * size + FIXED;
}

/* -------------------------------------------------------------------------------------------- combined */

static bool stands_for_itself(uint8_t byte)
{
    return byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\';
}

/* The high bit of each byte that is 0; a byte above one may be found, too. */
static uint64_t zeros(uint64_t word)
{
    return (word - BYTES(1)) & ~word;
}

/* Whether all eight stand for themselves: none below a space or from 0x7f on, no quote, no backslash. */
static bool stand_for_themselves(uint64_t word)
{
    uint64_t wrong =
        word | ((word - BYTES(' ')) & ~word) | (word + BYTES(1)) | zeros(word ^ BYTES('"')) | zeros(word ^ BYTES('\\'));
    return (wrong & BYTES(0x80)) == 0;
}

/* Copies what stands for itself at the beginning; most of what clients send does all along. Of the last eight bytes
 * some are looked at twice. */
static char *put_plain(char *at, struct bi_view *text)
{
    size_t size = 0;
    uint64_t word;
    while (text->size - size >= sizeof word) {
        memcpy(&word, text->at + size, sizeof word);
        if (!stand_for_themselves(word)) {
            break;
        }
        memcpy(at + size, &word, sizeof word);
        size += sizeof word;
        size_t left = text->size - size;
        size -= left > 0 && left < sizeof word ? sizeof word - left : 0;
    }
    while (size < text->size && stands_for_itself(text->at[size])) {
        at[size] = (char)text->at[size];
        size++;
    }
    (void)bi_take(text, size);
    return at + size;
}

static char *put_escaped(char *at, struct bi_view text)
{
    static const char digits[] = "0123456789ABCDEF";
    at = put_plain(at, &text);
    while (text.size > 0) {
        uint8_t byte = *bi_take(&text, 1).at;
        *at++ = '\\';
        *at++ = 'x';
        *at++ = digits[byte >> 4];
        *at++ = digits[byte & 15];
        at = put_plain(at, &text);
    }
    return at;
}

static char *put_or_dash(char *at, struct bi_view text)
{
    return text.size > 0 ? put_escaped(at, text) : put(at, "-");
}

/* A user's name stands between spaces: those in it are escaped, too. */
static char *put_word(char *at, struct bi_view text)
{
    at = text.size > 0 ? put_escaped(at, bi_take(&text, bi_before(text, " "))) : put(at, "-");
    while (bi_take_byte(&text, ' ')) {
        at = put(at, "\\x20");
        at = put_escaped(at, bi_take(&text, bi_before(text, " ")));
    }
    return at;
}

static char *put_request(char *at, const struct bi_access_entry *entry)
{
    if (entry->method.size == 0) {
        return put(at, "-");
    }
    at = put_view(at, at_most(entry->method, BI_ACCESS_SHORT));
    *at++ = ' ';
    at = put_escaped(at, target_of(entry));
    at = put(at, " HTTP/1.");
    *at++ = (char)('0' + entry->minor);
    return at;
}

static char *put_more(char *at, const struct bi_access_entry *entry)
{
    if (entry->with_seconds) {
        *at++ = ' ';
        at = put_seconds(at, entry->seconds);
    }
    if (entry->with_id) {
        *at++ = ' ';
        at = put_or_dash(at, at_most(entry->id, BI_ACCESS_SHORT));
    }
    if (entry->with_pattern) {
        at = put(at, " \"");
        at = put_or_dash(at, at_most(entry->pattern, BI_ACCESS_SHORT));
        *at++ = '"';
    }
    return at;
}

static char *put_combined(char *at, const struct bi_access_entry *entry)
{
    at = entry->address.size > 0 ? put_view(at, at_most(entry->address, BI_ACCESS_SHORT)) : put(at, "-");
    at = put(at, " - ");
    at = put_word(at, at_most(entry->user, BI_ACCESS_SHORT));
    at = put(at, " [");
    memcpy(at, entry->time, BI_ACCESS_TIME - 1);
    at += BI_ACCESS_TIME - 1;
    at = put(at, "] \"");
    at = put_request(at, entry);
    at = put(at, "\" ");
    at = put_number(at, (uint64_t)entry->status);
    *at++ = ' ';
    at = put_number(at, entry->bytes);
    at = put(at, " \"");
    at = put_or_dash(at, referer_of(entry));
    at = put(at, "\" \"");
    at = put_or_dash(at, agent_of(entry));
    *at++ = '"';
    return put_more(at, entry);
}

/* ------------------------------------------------------------------------------------------------ JSON */

/* Bytes of the UTF-8 character that `text` begins with, and the character; 0: it is none (RFC 3629). */
static size_t read_character(struct bi_view text, uint32_t *character)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    uint8_t first = text.at[0];
    size_t size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (size == 0 || size > text.size) {
        return 0;
    }
    *character = size == 1 ? first : first & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((text.at[i] & 0xc0) != 0x80) {
            return 0;
        }
        *character = *character << 6 | (text.at[i] & 0x3fu);
    }
    bool is_one = *character >= least[size] && *character <= 0x10ffff && (*character < 0xd800 || *character > 0xdfff);
    return is_one ? size : 0;
}

/* Controls, those from U+0080 on too, which terminals obey. */
static char *put_character_escaped(char *at, uint32_t character)
{
    static const char digits[] = "0123456789abcdef";
    if (character == '"' || character == '\\') {
        *at++ = '\\';
        *at++ = (char)character;
        return at;
    }
    at = put(at, "\\u00");
    *at++ = digits[character >> 4 & 15];
    *at++ = digits[character & 15];
    return at;
}

static char *put_string(char *at, struct bi_view text)
{
    uint32_t character = 0;
    *at++ = '"';
    while (text.size > 0) {
        at = put_plain(at, &text);
        if (text.size == 0) {
            break;
        }
        size_t size = read_character(text, &character);
        if (size == 0) {
            at = put(at, "\xef\xbf\xbd"); /* U+FFFD */
            size = 1;
        } else if (character < 0xa0) {
            at = put_character_escaped(at, character);
        } else {
            memcpy(at, text.at, size);
            at += size;
        }
        (void)bi_take(&text, size);
    }
    *at++ = '"';
    return at;
}

/* `name` with all that stands before the value: ,"user": . */
static char *put_member(char *at, const char *name, struct bi_view text)
{
    if (text.at == NULL) {
        return at;
    }
    at = put(at, name);
    return put_string(at, text);
}

static char *put_json(char *at, const struct bi_access_entry *entry)
{
    static const struct bi_view nothing = { NULL, 0 };
    at = put(at, "{\"time\":\"");
    at = put(at, entry->time);
    at = put(at, "\"");
    at = put_member(at, ",\"address\":", at_most(entry->address, BI_ACCESS_SHORT));
    at = put_member(at, ",\"user\":", at_most(entry->user, BI_ACCESS_SHORT));
    if (entry->method.size > 0) {
        at = put_member(at, ",\"method\":", at_most(entry->method, BI_ACCESS_SHORT));
        at = put_member(at, ",\"target\":", target_of(entry));
        at = put(at, ",\"version\":\"1.");
        *at++ = (char)('0' + entry->minor);
        *at++ = '"';
    }
    at = put(at, ",\"status\":");
    at = put_number(at, (uint64_t)entry->status);
    at = put(at, ",\"bytes\":");
    at = put_number(at, entry->bytes);
    at = put_member(at, ",\"referer\":", referer_of(entry));
    at = put_member(at, ",\"user_agent\":", agent_of(entry));
    if (entry->with_seconds) {
        at = put(at, ",\"seconds\":");
        at = put_seconds(at, entry->seconds);
    }
    at = put_member(at, ",\"request_id\":", entry->with_id ? at_most(entry->id, BI_ACCESS_SHORT) : nothing);
    at = put_member(at, ",\"pattern\":", entry->with_pattern ? at_most(entry->pattern, BI_ACCESS_SHORT) : nothing);
    return put(at, "}");
}

size_t bi_access_line_write(const struct bi_access_entry *entry, enum bight_http_log_format format, char *room)
{
    char *at = format == BIGHT_HTTP_LOG_JSON ? put_json(room, entry) : put_combined(room, entry);
    *at++ = '\n';
    return (size_t)(at - room);
}
