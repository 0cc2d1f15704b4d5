/* SPDX-License-Identifier: MIT */
/* bight/protocols/wire.h - the small classic services over streams: echo (RFC 862), discard (863), chargen (864),
 * qotd (865), daytime (867), time (868).
 *
 * Tables for factories of a program's own: static struct bight_factory echo = BIGHT_FACTORY(struct bight_protocol,
 * &bight_echo_ops). None of them keeps anything for a connection. */
#ifndef BIGHT_PROTOCOLS_WIRE_H
#define BIGHT_PROTOCOLS_WIRE_H

#include <bight/protocol.h>

BIGHT_BEGIN

extern BIGHT_API const struct bight_protocol_ops bight_echo_ops;
extern BIGHT_API const struct bight_protocol_ops bight_discard_ops;

/* A pull producer of the RFC's rotating pattern: stops when the peer does not read, goes on when it does, also to a
 * peer that has shut its own side. The protocol's size is bight_chargen_size. */
extern BIGHT_API const struct bight_protocol_ops bight_chargen_ops;
extern BIGHT_API const size_t bight_chargen_size;

/* The factory's context is the NUL-terminated quotation (borrowed; at most 512 bytes are sent); NULL: a built-in one.
 */
extern BIGHT_API const struct bight_protocol_ops bight_qotd_ops;

/* "Tuesday, February 22, 1982 17:37:43-UTC": the RFC's first example, always in UTC. */
extern BIGHT_API const struct bight_protocol_ops bight_daytime_ops;

/* Four bytes, the highest first: seconds since 1900, modulo 2^32. */
extern BIGHT_API const struct bight_protocol_ops bight_time_ops;

BIGHT_END

#endif
