// SPDX-License-Identifier: MIT
/*
 * SipHash (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012) with
 * one round a word and three at the end: enough against flooding a hash table,
 * where nobody sees the hashes.
 */
#include "hash.h"

#include "ascii.h"
#include "unicode.h"
#include "upcase.h"
#include "wire.h"

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v2 = rotl(s->v2, 32);
}

static inline struct sip sip_begin(const struct lt_hash_key *key)
{
    return (struct sip){
        .v0 = key->k0 ^ UINT64_C(0x736f6d6570736575),
        .v1 = key->k1 ^ UINT64_C(0x646f72616e646f6d),
        .v2 = key->k0 ^ UINT64_C(0x6c7967656e657261),
        .v3 = key->k1 ^ UINT64_C(0x7465646279746573),
    };
}

static inline void sip_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

/* `rest`: the len % 8 bytes that fill no word, little-endian. */
static inline uint64_t sip_end(struct sip *s, uint64_t rest, uint64_t len)
{
    sip_word(s, rest | len << 56);
    s->v2 ^= 0xff;
    sip_round(s);
    sip_round(s);
    sip_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static inline uint64_t load_le64(const unsigned char *p)
{
    struct lt_le64 w;

    memcpy(w.b, p, sizeof(w.b));
    return lt_get_le64(w);
}

uint64_t lt_hash_bytes(const struct lt_hash_key *key, const void *data, size_t len)
{
    struct sip s = sip_begin(key);
    const unsigned char *p = data;
    uint64_t rest = 0;
    size_t left;

    for (left = len; left >= 8; left -= 8, p += 8)
        sip_word(&s, load_le64(p));
    for (size_t i = 0; i < left; i++)
        rest |= (uint64_t)p[i] << (8 * i);
    return sip_end(&s, rest, len);
}

/* The words of the ASCII characters that `name` begins with, eight at a time; returns how many. */
static size_t sip_ascii_run(struct sip *s, struct lt_str name)
{
    size_t pos = 0;
    uint64_t chars;

    for (; lt_ascii_next8(name.s + pos, name.len - pos, &chars); pos += 8) {
        chars = lt_ascii_upcase8(chars);
        sip_word(s, lt_ascii_units4((uint32_t)chars));
        sip_word(s, lt_ascii_units4((uint32_t)(chars >> 32)));
    }
    return pos;
}

/* The end of a name that is ASCII throughout: `chars` are its last `len` % 8 characters. */
static uint64_t sip_ascii_end(struct sip *s, uint64_t chars, size_t len)
{
    chars = lt_ascii_upcase8(chars);
    if (len % 8 >= 4) {
        sip_word(s, lt_ascii_units4((uint32_t)chars));
        chars >>= 32;
    }
    return sip_end(s, lt_ascii_units4((uint32_t)chars), 2 * (uint64_t)len);
}

uint64_t lt_hash_name_nocase(const struct lt_hash_key *key, struct lt_str name)
{
    struct sip s = sip_begin(key);
    size_t pos = sip_ascii_run(&s, name);
    uint64_t word, count = pos; /* units so far */

    if (lt_ascii_rest(name.s + pos, name.len - pos, &word))
        return sip_ascii_end(&s, word, name.len);
    word = 0;
    while (pos < name.len) {
        uint16_t units[2];
        unsigned n = lt_utf8_next(name, &pos, units);

        for (unsigned i = 0; i < n; i++, count++) {
            word |= (uint64_t)lt_upcase_unit(units[i]) << (16 * (count % 4));
            if (count % 4 == 3) {
                sip_word(&s, word);
                word = 0;
            }
        }
    }
    return sip_end(&s, word, 2 * count);
}
