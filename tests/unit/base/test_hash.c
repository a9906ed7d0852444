// SPDX-License-Identifier: MIT
#include <base/hash.h>

#include <base/crc32c.h>
#include <base/unicode.h>
#include <base/wire.h>

#include "../test.h"

/* ---- SipHash, written down as its paper defines it ------------------------------------------- */

static uint64_t rotl(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static void rounds(uint64_t v[4], unsigned count)
{
    while (count-- > 0) {
        v[0] += v[1], v[2] += v[3];
        v[1] = rotl(v[1], 13) ^ v[0], v[3] = rotl(v[3], 16) ^ v[2];
        v[0] = rotl(v[0], 32);
        v[2] += v[1], v[0] += v[3];
        v[1] = rotl(v[1], 17) ^ v[2], v[3] = rotl(v[3], 21) ^ v[0];
        v[2] = rotl(v[2], 32);
    }
}

/* SipHash-c-d: the message padded with zeros and its length to whole words. */
static uint64_t reference(unsigned c, unsigned d, const struct lt_hash_key *key,
                          const unsigned char *data, size_t len)
{
    uint64_t v[4] = {
        key->k0 ^ UINT64_C(0x736f6d6570736575),
        key->k1 ^ UINT64_C(0x646f72616e646f6d),
        key->k0 ^ UINT64_C(0x6c7967656e657261),
        key->k1 ^ UINT64_C(0x7465646279746573),
    };

    for (size_t word = 0; word <= len / 8; word++) {
        uint64_t m = 0;

        for (size_t i = 0; i < 8; i++) {
            size_t at = 8 * word + i;
            uint64_t byte = at < len ? data[at] : 0;

            if (word == len / 8 && i == 7)
                byte = len & 0xff;
            m |= byte << (8 * i);
        }
        v[3] ^= m;
        rounds(v, c);
        v[0] ^= m;
    }
    v[2] ^= 0xff;
    rounds(v, d);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The key 00 01 .. 0f of all published vectors. */
static const struct lt_hash_key key = {
    .k0 = UINT64_C(0x0706050403020100),
    .k1 = UINT64_C(0x0f0e0d0c0b0a0908),
};

static void test_hash_bytes__is_siphash_1_3(void **state)
{
    unsigned char data[128];

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char)i;
    /* The paper's own vector (appendix A, SipHash-2-4) shows that the reference is right. */
    assert_true(reference(2, 4, &key, data, 15) == UINT64_C(0xa129ca6149be45e5));
    for (size_t len = 0; len <= sizeof(data); len++)
        assert_true(lt_hash_bytes(&key, data, len) == reference(1, 3, &key, data, len));
    for (size_t from = 0; from < 8; from++) /* wherever in memory it lies */
        assert_true(lt_hash_bytes(&key, data + from, 21) == reference(1, 3, &key, data + from, 21));
}

static void test_hash_bytes__depends_on_the_key(void **state)
{
    struct lt_hash_key other = {key.k0, key.k1 ^ 1};

    (void)state;
    assert_true(lt_hash_bytes(&key, "name", 4) != lt_hash_bytes(&other, "name", 4));
}

static void test_hash_name__is_that_of_the_upper_cased_units(void **state)
{
    static const char *const names[] = {"",
                                        "a",
                                        "Ab",
                                        "abc",
                                        "abcD",
                                        "readme.TXT",
                                        "`az{@AZ[ 0123456789 ~\x7f",
                                        "eight chEIGHT CH\xc3\xa9",
                                        "Gr\xc3\xbc\xc3\x9f",
                                        "\xc3\xa9t\xc3\xa9",
                                        "\xf0\x9f\x98\x80 face",
                                        "\xff\xfe",
                                        "x\xe2\x82",
                                        "\xed\xa0\x80"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct lt_str name = lt_str(names[i]);
        uint16_t units[64];
        struct lt_le16 bytes[64];
        int count = lt_utf8_to_utf16(name, units, 64);

        for (int j = 0; j < count; j++)
            bytes[j] = lt_put_le16(lt_upcase(units[j]));
        assert_true(lt_hash_name_nocase(&key, name) ==
                    lt_hash_bytes(&key, bytes, 2 * (size_t)count));
    }
}

static void test_hash_name__is_equal_for_equal_names(void **state)
{
    (void)state;
    assert_true(lt_hash_name_nocase(&key, lt_str("README")) ==
                lt_hash_name_nocase(&key, lt_str("readme")));
    assert_true(lt_hash_name_nocase(&key, lt_str("\xc3\x89")) ==
                lt_hash_name_nocase(&key, lt_str("\xc3\xa9")));
    assert_true(lt_hash_name_nocase(&key, lt_str("a")) != lt_hash_name_nocase(&key, lt_str("b")));
}

/* ---- CRC-32C --------------------------------------------------------------------------------- */

/* The examples of RFC 3720, B.4. */
static void check_rfc(uint32_t (*crc)(uint32_t crc, const void *data, size_t len))
{
    static const unsigned char read_pdu[48] = {
        0x01, 0xc0, [16] = 0x14, [22] = 0x04, [27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02};
    unsigned char data[32];

    memset(data, 0, sizeof(data));
    assert_int_equal(crc(0, data, sizeof(data)), 0x8a9136aa);
    memset(data, 0xff, sizeof(data));
    assert_int_equal(crc(0, data, sizeof(data)), 0x62a8ab43);
    for (unsigned char i = 0; i < 32; i++)
        data[i] = i;
    assert_int_equal(crc(0, data, sizeof(data)), 0x46dd794e);
    for (unsigned char i = 0; i < 32; i++)
        data[i] = 31 - i;
    assert_int_equal(crc(0, data, sizeof(data)), 0x113fdb5c);
    assert_int_equal(crc(0, read_pdu, sizeof(read_pdu)), 0xd9963a56);
    assert_int_equal(crc(0, "", 0), 0);
}

static void test_crc32c__gives_the_examples_of_the_rfc(void **state)
{
    (void)state;
    check_rfc(lt_crc32c);
    check_rfc(lt_crc32c_table);
}

static void test_crc32c__chains_anywhere_and_both_ways_agree(void **state)
{
    unsigned char data[67];
    uint32_t whole;

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char)lt_hash_u64(i);
    whole = lt_crc32c(0, data, sizeof(data));
    assert_int_equal(whole, lt_crc32c_table(0, data, sizeof(data)));
    for (size_t cut = 0; cut <= sizeof(data); cut++) {
        uint32_t first = lt_crc32c(0, data, cut);

        assert_int_equal(first, lt_crc32c_table(0, data, cut));
        assert_int_equal(lt_crc32c(first, data + cut, sizeof(data) - cut), whole);
        assert_int_equal(lt_crc32c_table(first, data + cut, sizeof(data) - cut), whole);
    }
}

static void test_hash_u64__is_one_to_one_on_small_numbers(void **state)
{
    uint64_t seen[64];

    (void)state;
    for (uint64_t i = 0; i < 64; i++) {
        seen[i] = lt_hash_u64(i);
        for (uint64_t j = 0; j < i; j++)
            assert_true(seen[i] != seen[j]);
    }
}

/* ---- Wire integers --------------------------------------------------------------------------- */

static void test_wire__has_the_order_it_says(void **state)
{
    struct lt_le64 le = lt_put_le64(UINT64_C(0x0102030405060708));
    struct lt_be64 be = lt_put_be64(UINT64_C(0x0102030405060708));

    (void)state;
    assert_memory_equal(le.b, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
    assert_memory_equal(be.b, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
    assert_memory_equal(lt_put_le32(0x01020304).b, "\x04\x03\x02\x01", 4);
    assert_memory_equal(lt_put_be32(0x01020304).b, "\x01\x02\x03\x04", 4);
    assert_memory_equal(lt_put_le16(0x0102).b, "\x02\x01", 2);
    assert_memory_equal(lt_put_be16(0x0102).b, "\x01\x02", 2);
    assert_true(lt_get_le64(le) == UINT64_C(0x0102030405060708));
    assert_true(lt_get_be64(be) == UINT64_C(0x0102030405060708));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_bytes__is_siphash_1_3),
        cmocka_unit_test(test_hash_bytes__depends_on_the_key),
        cmocka_unit_test(test_hash_name__is_that_of_the_upper_cased_units),
        cmocka_unit_test(test_hash_name__is_equal_for_equal_names),
        cmocka_unit_test(test_crc32c__gives_the_examples_of_the_rfc),
        cmocka_unit_test(test_crc32c__chains_anywhere_and_both_ways_agree),
        cmocka_unit_test(test_hash_u64__is_one_to_one_on_small_numbers),
        cmocka_unit_test(test_wire__has_the_order_it_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
