/* SPDX-License-Identifier: MIT */
/* give_back.c - what a protocol says of the input that it has been given, or would be: that it does not want it now,
 * that it wants to know whether more may come, that what waits is to be forgotten. What happens to it is in levels.c.
 */
#include "transport/levels.h"
#include "transport/state.h"

/* The end of the piece that the handler has been given, with nothing given back behind it. */
static bool is_end_of_piece(const struct bi_extension *extension, const uint8_t *data, size_t size)
{
    const struct bi_rest *rest = extension->rest;
    return rest != NULL && extension->returned == NULL && data + size == rest->data;
}

int bi_levels_return(struct bight_transport *transport, const void *data, size_t size)
{
    struct bi_extension *extension = bi_extension_of(transport);
    if (extension == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (!is_end_of_piece(extension, data, size)) {
        return bi_input_prepend(&extension->returned, data, size);
    }
    extension->rest->data = data;
    extension->rest->size += size;
    return BIGHT_OK;
}

/* After the peer's end nothing can come any more, unless another protocol is notified of it again. */
bool bi_levels_can_return(const struct bight_transport *transport)
{
    return bi_is_heard(transport) && ((transport->state & BI_SWITCHING) || !(transport->state & BI_EOF_DELIVERED));
}

int bight_transport_give_back(struct bight_transport *transport, const void *data, size_t size)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_give_back");
    if (!bi_levels_can_return(transport)) {
        return BIGHT_E_CLOSED;
    }
    if (size == 0) {
        return BIGHT_OK;
    }
    int code = bi_levels_return(transport, data, size);
    if (code != BIGHT_OK) {
        bi_close_end(transport, bight_failure_of(code), true);
        return code;
    }
    transport->extension->facade.waits = true; /* or it would come again at once, and again */
    bi_transport_later(transport);
    bi_transport_changed(transport);
    return BIGHT_OK;
}

BI_HOT bool bight_transport_takes_input(const struct bight_transport *transport)
{
    const uint32_t own = BI_PAUSED | BI_THROTTLED | BI_SWITCHING | BI_EOF_DELIVERED;
    if (BI_LIKELY(!(transport->state & (own | BI_LIFE | BI_LAYERED)))) {
        return true;
    }
    const struct bi_extension *extension = transport->extension;
    return bi_is_heard(transport) && !(transport->state & own) && (extension == NULL || extension->pushed == NULL);
}

size_t bight_transport_forget_input(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension;
    if (extension == NULL) {
        return 0;
    }
    size_t size = bi_input_size(extension->facade.input) + bi_input_size(extension->returned);
    bi_levels_forget(transport);
    if (extension->rest != NULL) {
        size += extension->rest->size;
        extension->rest->size = 0;
    } else {
        extension->facade.before = 0;
    }
    bi_transport_changed(transport);
    return size;
}
