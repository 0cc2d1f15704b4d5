/* SPDX-License-Identifier: MIT */
/* fuzz.h - what a harness defines: one run with one input. libFuzzer calls it, or replay.c with a corpus. */
#ifndef BIGHT_TEST_FUZZ_H
#define BIGHT_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
