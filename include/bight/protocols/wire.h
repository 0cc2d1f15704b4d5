/* SPDX-License-Identifier: MIT */
/* bight/protocols/wire.h - the small classic services over streams: echo (RFC 862), discard (863), chargen (864),
 * qotd (865), daytime (867), time (868).
 *
 * Ready-made factories; each may serve one reactor at a time. Programs that serve one in several reactors initialise
 * factories of their own from the BIGHT_WIRE_ tables. */
#ifndef BIGHT_PROTOCOLS_WIRE_H
#define BIGHT_PROTOCOLS_WIRE_H

#include <bight/protocol.h>

BIGHT_BEGIN

extern BIGHT_API const struct bight_protocol_ops bight_echo_ops;
extern BIGHT_API const struct bight_protocol_ops bight_discard_ops;

/* A producer of the RFC's rotating pattern: stops when the peer does not read, resumes when it does. The protocol's
 * size is bight_chargen_size. */
extern BIGHT_API const struct bight_protocol_ops bight_chargen_ops;
extern BIGHT_API const size_t bight_chargen_size;

/* The factory's context is the NUL-terminated quotation (borrowed; at most 512 bytes are sent); NULL: a built-in one.
 */
extern BIGHT_API const struct bight_protocol_ops bight_qotd_ops;
extern BIGHT_API const struct bight_protocol_ops bight_daytime_ops;
extern BIGHT_API const struct bight_protocol_ops bight_time_ops;

BIGHT_END

#endif
