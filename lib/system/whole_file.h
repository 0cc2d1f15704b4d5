/* SPDX-License-Identifier: MIT */
/* whole_file.h - a file that is small and wanted as a whole, for what belongs to no reactor and so has no table. */
#ifndef BI_SYSTEM_WHOLE_FILE_H
#define BI_SYSTEM_WHOLE_FILE_H

#include <bight/macros.h>

/* 0 with its content in memory of bight_malloc's, or -errno: EINVAL when it is no regular file, EFBIG when it has more
 * than `limit` bytes. Blocks. */
int bi_read_whole_file(const char *path, size_t limit, uint8_t **content, size_t *size);

#endif
