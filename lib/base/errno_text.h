/* SPDX-License-Identifier: MIT */
/* errno_text.h - the C library's words for an errno, whichever of the two forms of strerror_r it has. */
#ifndef BI_BASE_ERRNO_TEXT_H
#define BI_BASE_ERRNO_TEXT_H

#include <string.h>

#define BI_ERRNO_TEXT_SIZE 128

/* glibc's form returns a text and others' an int; _Generic below picks one of these. */
__attribute__((unused)) static inline const char *bi_errno_text_of_gnu(const char *answer, const char *buffer)
{
    (void)buffer;
    return answer;
}

__attribute__((unused)) static inline const char *bi_errno_text_of_posix(int answer, const char *buffer)
{
    return answer == 0 ? buffer : "unknown error";
}

/* In the buffer, or static. */
static inline const char *bi_errno_text(int number, char buffer[BI_ERRNO_TEXT_SIZE])
{
    buffer[0] = '\0';
    return _Generic(strerror_r(number, buffer, BI_ERRNO_TEXT_SIZE), int
                    : bi_errno_text_of_posix, default
                    : bi_errno_text_of_gnu)(strerror_r(number, buffer, BI_ERRNO_TEXT_SIZE), buffer);
}

#endif
