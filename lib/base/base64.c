/* SPDX-License-Identifier: MIT */
/* base64.c - base64 and hexadecimal (RFC 4648; bight/sys/digest.h).
 *
 * Decoding takes what encoding produces and nothing else: two texts for the same bytes would be two names for one thing
 * (a session, a signature). What is no digit has a value with a bit that no digit has, so that four are read before it
 * is asked whether one of them was none. */
#include <bight/sys/digest.h>

#define NO_DIGIT 0x80u

static const char alphabets[2][65] = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

static bool is_url(enum bight_base64 form)
{
    return form == BIGHT_BASE64URL || form == BIGHT_BASE64URL_FILLED;
}

static bool is_filled(enum bight_base64 form)
{
    return form == BIGHT_BASE64 || form == BIGHT_BASE64URL_FILLED;
}

/* ----------------------------------------------------------------------------------------- encoding */

/* The last one or two bytes; returns the end of their text. */
static char *encode_rest(const char *alphabet, const uint8_t *rest, size_t size, bool filled, char *text)
{
    uint32_t bits = (uint32_t)rest[0] << 16 | (size > 1 ? (uint32_t)rest[1] << 8 : 0);
    *text++ = alphabet[bits >> 18];
    *text++ = alphabet[bits >> 12 & 63];
    if (size > 1) {
        *text++ = alphabet[bits >> 6 & 63];
    }
    for (size_t i = size; filled && i < 3; i++) {
        *text++ = '=';
    }
    return text;
}

size_t bight_base64_encode(enum bight_base64 form, const void *data, size_t size, char *text)
{
    const char *alphabet = alphabets[is_url(form)];
    const uint8_t *at = data;
    char *begin = text;
    for (; size >= 3; size -= 3, at += 3) {
        uint32_t bits = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
        *text++ = alphabet[bits >> 18];
        *text++ = alphabet[bits >> 12 & 63];
        *text++ = alphabet[bits >> 6 & 63];
        *text++ = alphabet[bits & 63];
    }
    if (size > 0) {
        text = encode_rest(alphabet, at, size, is_filled(form), text);
    }
    *text = '\0';
    return (size_t)(text - begin);
}

/* ----------------------------------------------------------------------------------------- decoding */

static uint32_t digit_of(char character, bool url)
{
    if (character >= 'A' && character <= 'Z') {
        return (uint32_t)(character - 'A');
    }
    if (character >= 'a' && character <= 'z') {
        return (uint32_t)(character - 'a') + 26;
    }
    if (character >= '0' && character <= '9') {
        return (uint32_t)(character - '0') + 52;
    }
    if (character == (url ? '-' : '+')) {
        return 62;
    }
    return character == (url ? '_' : '/') ? 63 : NO_DIGIT;
}

/* `count` digits, the first one highest, of the 24 bits of four; NO_DIGIT << 24 among them if one is none. */
static uint32_t read_digits(const char *text, size_t count, bool url)
{
    uint32_t bits = 0, wrong = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t digit = digit_of(text[i], url);
        wrong |= digit & NO_DIGIT;
        bits |= (digit & 63) << (18 - 6 * i);
    }
    return bits | wrong << 24;
}

/* Without the "=" that are due; -1: one is due that is not there. */
static ssize_t without_filling(const char *text, size_t length, bool filled)
{
    if (!filled) {
        return (ssize_t)length;
    }
    if (length % 4 != 0) {
        return -1;
    }
    if (length > 0 && text[length - 1] == '=') {
        length -= text[length - 2] == '=' ? 2 : 1;
    }
    return (ssize_t)length;
}

/* The two or three digits behind the last four. Those of a text have no bits that belong to no byte. */
static bool decode_rest(const char *text, size_t count, bool url, uint8_t *data)
{
    uint32_t bits = read_digits(text, count, url);
    if (bits >> 24 != 0 || (bits & (count == 2 ? 0xffffu : 0xffu)) != 0) {
        return false;
    }
    data[0] = (uint8_t)(bits >> 16);
    if (count == 3) {
        data[1] = (uint8_t)(bits >> 8);
    }
    return true;
}

ssize_t bight_base64_decode(enum bight_base64 form, const char *text, size_t length, void *data, size_t room)
{
    bool url = is_url(form);
    ssize_t digits = without_filling(text, length, is_filled(form));
    if (digits < 0 || digits % 4 == 1) {
        return BIGHT_E_SYNTAX;
    }
    size_t groups = (size_t)digits / 4, rest = (size_t)digits % 4;
    size_t size = groups * 3 + (rest > 0 ? rest - 1 : 0);
    if (size > room) {
        return BIGHT_E_OVERFLOW;
    }
    uint8_t *at = data;
    for (; groups > 0; groups--, text += 4, at += 3) {
        uint32_t bits = read_digits(text, 4, url);
        if (bits >> 24 != 0) {
            return BIGHT_E_SYNTAX;
        }
        at[0] = (uint8_t)(bits >> 16);
        at[1] = (uint8_t)(bits >> 8);
        at[2] = (uint8_t)bits;
    }
    return rest > 0 && !decode_rest(text, rest, url, at) ? BIGHT_E_SYNTAX : (ssize_t)size;
}

/* -------------------------------------------------------------------------------------- hexadecimal */

void bight_hex_encode(const void *data, size_t size, char *text)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *at = data;
    for (size_t i = 0; i < size; i++) {
        *text++ = digits[at[i] >> 4];
        *text++ = digits[at[i] & 15];
    }
    *text = '\0';
}

static uint32_t hex_digit_of(char character)
{
    if (character >= '0' && character <= '9') {
        return (uint32_t)(character - '0');
    }
    if (character >= 'a' && character <= 'f') {
        return (uint32_t)(character - 'a') + 10;
    }
    return character >= 'A' && character <= 'F' ? (uint32_t)(character - 'A') + 10 : NO_DIGIT;
}

ssize_t bight_hex_decode(const char *text, size_t length, void *data, size_t room)
{
    uint8_t *bytes = data;
    if (length % 2 != 0) {
        return BIGHT_E_SYNTAX;
    }
    if (length / 2 > room) {
        return BIGHT_E_OVERFLOW;
    }
    for (size_t i = 0; i < length / 2; i++) {
        uint32_t high = hex_digit_of(text[2 * i]), low = hex_digit_of(text[2 * i + 1]);
        if (((high | low) & NO_DIGIT) != 0) {
            return BIGHT_E_SYNTAX;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return (ssize_t)(length / 2);
}
