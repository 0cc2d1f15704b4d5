/* SPDX-License-Identifier: MIT */
/* reverse.h - the protocol of reverse.c, for the program and for its test. */
#ifndef REVERSE_H
#define REVERSE_H

#include <bight/protocols/line.h>

extern struct bight_line_factory reverse_factory;

#endif
