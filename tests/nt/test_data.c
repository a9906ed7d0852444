// SPDX-License-Identifier: MIT
/* Reading and writing: N123. */
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TEST(test_n123__past_the_end)
{
    char buf[64];
    size_t got = 99;
    make_text("\\f", "content");
    struct nt_file *f = open_file("\\f", "r");
    is(END_OF_FILE, nt_read(f, buf, sizeof(buf), 7, &got));
    is(END_OF_FILE, nt_read(f, buf, sizeof(buf), 1000, &got));
    ok(nt_read(f, buf, sizeof(buf), 3, &got));
    assert_int_equal(got, 4);
    assert_memory_equal(buf, "tent", 4);
    make_file("\\empty");
    is(END_OF_FILE, nt_read(open_file("\\empty", "r"), buf, 1, 0, &got));
}

TEST(test_n123__nothing_at_all_is_fine)
{
    char buf[1];
    size_t got = 99;
    struct nt_file *f = open_file("\\f", "create r w");
    ok(nt_write(f, buf, 0, 0, &got));
    assert_int_equal(got, 0);
    ok(nt_write(f, buf, 0, 1000, &got));
    assert_int_equal(size_of(f), 0);
    ok(nt_read(f, buf, 0, 0, &got));
    assert_int_equal(got, 0);
}

/* NTFS says INVALID_DEVICE_REQUEST (dagger). */
TEST(test_n123__directories_have_no_data)
{
    char buf[8];
    size_t got = 0;
    make_dir("\\d");
    struct nt_file *d = open_file("\\d", "a");
    is(INVALID_PARAMETER, nt_read(d, buf, sizeof(buf), 0, &got));
    is(INVALID_PARAMETER, nt_write(d, buf, sizeof(buf), 0, &got));
}

TEST(test_n123__appending)
{
    struct nt_file *f = open_file("\\f", "create r w");
    size_t got = 0;
    put_text(f, NT_END, "one ");
    put_text(f, NT_END, "two ");
    put_text(f, 0, "ONE");
    put_text(f, NT_END, "three");
    expect_text(f, 0, "ONE two three");
    /* A handle that may only append does so wherever it says. */
    struct nt_file *a = open_file("\\f", "append sync");
    ok(nt_write(a, " four", 5, 0, &got));
    close_file(a);
    close_file(f);
    expect_content("\\f", "ONE two three four");
}

TEST(test_n123__what_one_handle_writes_another_reads)
{
    static const char *const kinds[] = {"r w", "r w through", "r w unbuffered"};
    make_file("\\f");
    struct nt_file *files[3];
    for (size_t i = 0; i < 3; i++)
        files[i] = open_file("\\f", kinds[i]);
    for (size_t round = 0; round < 9; round++) {
        put_bytes(files[round % 3], round * 512, 512, (unsigned char)round);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(size_of(files[i]), (round + 1) * 512);
            expect_bytes(files[i], round * 512, 512, (unsigned char)round);
        }
    }
    ok(set_size(files[0], 512));
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(size_of(files[i]), 512);
}

TEST(test_n123__mappings_agree)
{
    size_t len = 0;
    struct nt_section *section = NULL;
    struct nt_file *f = open_file("\\f", "create r w");
    put_bytes(f, 0, 10000, 3);
    ok(nt_section_open(f, false, &section));
    const unsigned char *view = nt_section_view(section, &len);
    bool same = len == 10000;
    for (size_t i = 0; same && i < len; i++)
        same = view[i] == 3;
    nt_section_close(section);
    assert_true(same);
}

/* The file against a copy of it in memory: writes of any length anywhere, sizes, reads. */
TEST(test_n123__many_random_operations)
{
    enum { MAX = 200000 };
    unsigned char *model = calloc(1, MAX), *buf = malloc(MAX);
    size_t size = 0, got = 0;
    unsigned seed = 12345;
    assert_non_null(model);
    assert_non_null(buf);
    struct nt_file *f = open_file("\\f", "create r w");
    for (int i = 0; i < 400; i++) {
        seed = seed * 1664525 + 1013904223;
        size_t at = (seed >> 8) % (MAX / 2), len = 1 + (seed >> 4) % (i % 7 == 0 ? 70000 : 3000);
        unsigned what = (seed >> 28) % 4;
        if (what <= 1) {
            memset(buf, i, len);
            ok(nt_write(f, buf, len, at, &got));
            assert_int_equal(got, len);
            memset(model + at, i, len);
            size = at + len > size ? at + len : size;
        } else if (what == 2) {
            ok(set_size(f, at));
            if (at < size)
                memset(model + at, 0, size - at);
            size = at;
        } else {
            int32_t status = nt_read(f, buf, len, at, &got);
            size_t want = at >= size ? 0 : len < size - at ? len : size - at;
            if (want == 0)
                is(END_OF_FILE, status);
            else
                ok(status);
            assert_int_equal(want == 0 ? 0 : got, want);
            assert_memory_equal(buf, model + at, want);
        }
        assert_int_equal(size_of(f), size);
    }
    free(model);
    free(buf);
}

TEST(test_n123__beyond_4_gib)
{
    struct nt_file *f = open_file("\\f", "create r w");
    const uint64_t far = (UINT64_C(5) << 30) + 123;
    put_text(f, far, "far");
    assert_int_equal(size_of(f), far + 3);
    expect_text(f, far, "far");
    expect_bytes(f, far - 1000, 1000, 0);
    ok(set_size(f, far + 1));
    assert_int_equal(size_of(f), far + 1);
    ok(set_size(f, 0));
}

TEST(test_n123__flushing)
{
    struct nt_file *f = open_file("\\f", "create r w");
    put_text(f, 0, "content");
    ok(nt_flush(f));
    ok(nt_flush_volume(vol));
    is(ACCESS_DENIED, nt_flush(open_file("\\f", "r")));
}
