/* SPDX-License-Identifier: MIT */
/*
 * What a fuzz target is: one function that takes any bytes and aborts if something
 * is wrong with what Lintel makes of them. libFuzzer calls it (meson -Dfuzz=true),
 * and so does driver.c, with every compiler and in every run of the tests.
 */
#ifndef LT_TESTS_FUZZ_FUZZ_H
#define LT_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As assert, in every build. */
#define FUZZ_CHECK(condition)                                                         \
    do {                                                                              \
        if (!(condition)) {                                                           \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                  \
        }                                                                             \
    } while (0)

#endif
