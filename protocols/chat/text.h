/* SPDX-License-Identifier: MIT */
/* text.h - what strangers may put on other people's screens. */
#ifndef BI_PROTOCOLS_CHAT_TEXT_H
#define BI_PROTOCOLS_CHAT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* True when all of it is UTF-8 and printable. */
bool bi_chat_text_is_printable(const char *text, size_t size);

/* Copies `text` to `out`, every byte that is not part of a printable character as \xHH. Returns the length; `out` NULL
 * only counts. */
size_t bi_chat_text_clean(const char *text, size_t size, char *out);

#endif
