/* SPDX-License-Identifier: MIT */
/* The way without hardware, by itself: for its test. Private to src/base. */
#ifndef LT_BASE_CRC32C_H
#define LT_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t lt_crc32c_table(uint32_t crc, const void *data, size_t len);

#endif
