/* SPDX-License-Identifier: MIT */
/* hub_id.c - ids of a hub's messages, written and read. */
#include "http/message/hub_id.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "http/message/tokens.h"

bool bi_hub_is_epoch(const char *text)
{
    struct bi_view view = bi_view_of(text);
    return view.size > 0 && view.size < BI_HUB_EPOCH_SIZE && bi_run(view, BI_CLASS_ALPHA | BI_CLASS_DIGIT) == view.size;
}

void bi_hub_id_write(char id[BI_HUB_ID_SIZE], const char *epoch, uint64_t number)
{
    (void)snprintf(id, BI_HUB_ID_SIZE, "%s-%" PRIu64, epoch, number);
}

/* Up to 19 digits, which always fit. */
static bool read_number(struct bi_view digits, uint64_t *number)
{
    if (digits.size == 0 || digits.size > 19 || bi_run(digits, BI_CLASS_DIGIT) != digits.size ||
        (digits.at[0] == '0' && digits.size > 1)) {
        return false;
    }
    *number = 0;
    for (size_t i = 0; i < digits.size; i++) {
        *number = *number * 10 + (uint64_t)(digits.at[i] - '0');
    }
    return true;
}

bool bi_hub_id_read(const char *id, const char *epoch, uint64_t *number)
{
    size_t size = strlen(epoch);
    return strncmp(id, epoch, size) == 0 && id[size] == '-' && read_number(bi_view_of(id + size + 1), number);
}
