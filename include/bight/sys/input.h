/* SPDX-License-Identifier: MIT */
/* bight/sys/input.h - input that is worked on where it lies: for protocols that would otherwise copy what they change.
 */
#ifndef BIGHT_SYS_INPUT_H
#define BIGHT_SYS_INPUT_H

#include <bight/protocol.h>

BIGHT_BEGIN

/* Whether `size` bytes that the protocol is being given (within what data_received got) may be changed in place, for
 * good: they lie in memory of bight's own, and nobody else looks at them. False for what a layer or another protocol
 * hands on from elsewhere, constants say; such input is to be copied first. What is not consumed
 * (bight_transport_give_back) must be as it came. */
BIGHT_API bool bight_input_may_change(const struct bight_protocol *protocol, const void *data, size_t size);

BIGHT_END

#endif
