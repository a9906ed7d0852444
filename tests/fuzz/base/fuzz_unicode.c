// SPDX-License-Identifier: MIT
/* UTF-8, UTF-16, comparison without case, and JSON: any bytes. */
#include <base/hash.h>
#include <base/json.h>
#include <base/unicode.h>
#include <lintel/error.h>

#include "../fuzz.h"

static void check_bytes(struct lt_str s)
{
    size_t count = lt_utf8_units(s);
    uint16_t *units = malloc((count + 1) * sizeof(*units));
    char *back = malloc(s.len + 1);

    FUZZ_CHECK(units && back);
    FUZZ_CHECK(count <= s.len);
    FUZZ_CHECK(lt_utf8_to_utf16(s, units, count) == (int)count);
    FUZZ_CHECK(count == 0 || lt_utf8_to_utf16(s, units, count - 1) == LT_ERANGE);
    FUZZ_CHECK(lt_utf16_to_utf8(units, count, back, s.len) == (int)s.len);
    FUZZ_CHECK(memcmp(back, s.s, s.len) == 0);
    free(units);
    free(back);
}

static void check_units(const uint8_t *data, size_t size)
{
    size_t count = size / 2, max = 3 * count;
    uint16_t *units = malloc(size + 1), *again = malloc(size + 1);
    char *bytes = malloc(max + 1);
    int len;

    FUZZ_CHECK(units && again && bytes);
    memcpy(units, data, 2 * count);
    len = lt_utf16_to_utf8(units, count, bytes, max);
    FUZZ_CHECK(len >= 0 || len == LT_EILSEQ);
    if (len >= 0) {
        struct lt_str s = lt_strn(bytes, (size_t)len);

        FUZZ_CHECK(lt_utf8_to_utf16(s, again, count) == (int)count);
        FUZZ_CHECK(memcmp(units, again, 2 * count) == 0);
    }
    free(units);
    free(again);
    free(bytes);
}

static void check_order(struct lt_str a, struct lt_str b)
{
    static const struct lt_hash_key key = {1, 2};
    int order = lt_name_compare_nocase(a, b), reverse = lt_name_compare_nocase(b, a);

    FUZZ_CHECK((order < 0) == (reverse > 0) && (order == 0) == (reverse == 0));
    FUZZ_CHECK((order == 0) == lt_name_equal_nocase(a, b));
    FUZZ_CHECK(lt_name_equal_nocase(a, a));
    if (order == 0)
        FUZZ_CHECK(lt_hash_name_nocase(&key, a) == lt_hash_name_nocase(&key, b));
}

static void check_json(struct lt_str s)
{
    struct lt_buffer buffer = {0};
    struct lt_json j;

    lt_json_init(&j, lt_buffer_write, &buffer, false);
    lt_json_str(&j, NULL, s);
    FUZZ_CHECK(j.error == 0 && buffer.len >= 2);
    FUZZ_CHECK(lt_utf8_valid(lt_strn(buffer.text, buffer.len)));
    for (size_t i = 0; i < buffer.len; i++)
        FUZZ_CHECK((unsigned char)buffer.text[i] >= 0x20);
    free(buffer.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lt_str s = lt_strn((const char *)data, size);

    check_bytes(s);
    check_units(data, size);
    check_order(lt_strn(s.s, size / 2), lt_strn(s.s + size / 2, size - size / 2));
    check_json(s);
    return 0;
}
