/* SPDX-License-Identifier: MIT */
/* Hashes: SipHash-1-3 where a user chooses the input (names), CRC-32C for stored bytes, a mixer for
 * integers. */
#ifndef LT_BASE_HASH_H
#define LT_BASE_HASH_H

#include <lintel/types.h>

struct lt_hash_key {
    uint64_t k0, k1; /* random per volume */
};

/* SipHash-1-3 of the bytes. */
uint64_t lt_hash_bytes(const struct lt_hash_key *key, const void *data, size_t len);

/* SipHash-1-3 of the upper-cased UTF-16 units (little-endian): equal for names that
 * lt_name_equal_nocase(). */
uint64_t lt_hash_name_nocase(const struct lt_hash_key *key, struct lt_str name);

/* CRC-32C (Castagnoli, RFC 3720 B.4), chained: start with crc 0. */
uint32_t lt_crc32c(uint32_t crc, const void *data, size_t len);

/* Spreads an integer over 64 bits (the finaliser of MurmurHash3, public domain constants). */
static inline uint64_t lt_hash_u64(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    x ^= x >> 33;
    return x;
}

#endif
