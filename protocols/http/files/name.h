/* SPDX-License-Identifier: MIT */
/* name.h - names of files: from what a path means to the name below the directory, the endings of siblings, and the
 * order in which people look for them. Pure. */
#ifndef BI_HTTP_FILES_NAME_H
#define BI_HTTP_FILES_NAME_H

#include "http/message/tokens.h"

#define BI_FILES_NAME_SIZE 2048 /* bytes of a name at most, its NUL among them */

/* Whether a segment is one that may be served: not empty, not hidden (unless `dot_files`), no dot at its end, no slash,
 * backslash or NUL in it. What begins with a dot is `.` or `..`, too. */
bool bi_files_segment_is_good(struct bi_view segment, bool dot_files);

/* What is left of a canonical path (message/path.h) behind the slash of its directory, as a name below that directory,
 * with its NUL; a slash stays at the end of one that has it. Returns the size; -1: it is none that may be served. */
int bi_files_name(struct bi_view rest, bool dot_files, char out[BI_FILES_NAME_SIZE]);

/* Digits by the number that they are, letters in any case; what is the same so far, byte by byte. */
int bi_files_compare_names(const char *one, const char *other);

#endif
