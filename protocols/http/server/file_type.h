/* SPDX-License-Identifier: MIT */
/* file_type.h - what a file's name says of what is in it. */
#ifndef BI_HTTP_FILE_TYPE_H
#define BI_HTTP_FILE_TYPE_H

/* The media type by the last ending of the name in a path; one that is not known is application/octet-stream. */
const char *bi_file_type(const char *path);

#endif
