// SPDX-License-Identifier: MIT
/* Share modes: N035 to N039. */
#include "kit.h"

#include <stdio.h>
#include <string.h>

/* Words for a set of {read, write, delete} as access, and as share mode. */
static const char *access_words(unsigned set)
{
    static const char *const words[] = {
        "sync",   "sync read_data",   "sync write_data",   "sync read_data write_data",
        "sync d", "sync read_data d", "sync write_data d", "sync read_data write_data d"};
    return words[set];
}

static const char *opening(unsigned access, unsigned share)
{
    static const char *const shares[] = {"share=",  "share=r",  "share=w",  "share=rw",
                                         "share=d", "share=rd", "share=wd", "share=rwd"};
    static char text[128];
    snprintf(text, sizeof(text), "%s %s", access_words(access), shares[share]);
    return text;
}

/* Two openings may be there together if each shares what the other does; one that does none of
 * these three takes no part. */
static bool compatible(unsigned access1, unsigned share1, unsigned access2, unsigned share2)
{
    return access1 == 0 || access2 == 0 || ((access1 & ~share2) == 0 && (access2 & ~share1) == 0);
}

TEST(test_n035__the_whole_matrix)
{
    make_file("\\f");
    for (unsigned access1 = 0; access1 < 8; access1++) {
        for (unsigned share1 = 0; share1 < 8; share1++) {
            struct nt_file *f = open_file("\\f", opening(access1, share1));
            for (unsigned i = 0; i < 64; i++) {
                int32_t status = try_open("\\f", opening(i % 8, i / 8));
                bool fits = compatible(access1, share1, i % 8, i / 8);
                if (status != (fits ? LT_STATUS_SUCCESS : LT_STATUS_SHARING_VIOLATION))
                    fail_msg("open as %u/%u, then as %u/%u: %s", access1, share1, i % 8, i / 8,
                             lt_status_name(status));
            }
            close_file(f);
        }
    }
}

TEST(test_n035__a_third_opening_meets_both)
{
    make_file("\\f");
    struct nt_file *reader = open_file("\\f", "read_data share=rw");
    struct nt_file *writer = open_file("\\f", "write_data share=rwd");
    is(SHARING_VIOLATION, try_open("\\f", "d"));
    is(SHARING_VIOLATION, try_open("\\f", "read_data share=rd"));
    close_file(reader);
    ok(try_open("\\f", "d"));
    close_file(writer);
    ok(try_open("\\f", "read_data share=rd"));
}

TEST(test_n035__append_and_execute_count_as_write_and_read)
{
    make_file("\\f");
    struct nt_file *f = open_file("\\f", "append share=r");
    is(SHARING_VIOLATION, try_open("\\f", "exec share=r"));
    ok(try_open("\\f", "exec share=rw"));
    close_file(f);
    f = open_file("\\f", "exec share=w");
    is(SHARING_VIOLATION, try_open("\\f", "append share=w"));
    close_file(f);
}

TEST(test_n035__directories_too)
{
    make_dir("\\d");
    struct nt_file *d = open_file("\\d", "list share=r");
    is(SHARING_VIOLATION, try_open("\\d", "d"));
    is(SHARING_VIOLATION, try_open("\\d", "list share="));
    ok(try_open("\\d", "list share=r"));
    ok(try_open("\\d\\f", "create r w")); /* what is in it is another matter */
    close_file(d);
    ok(try_open("\\d", "d list share="));
}

TEST(test_n036__openings_for_attributes_never_conflict)
{
    make_file("\\f");
    struct nt_file *f = open_file("\\f", "r w d share=");
    ok(try_open("\\f", "read_attr share="));
    ok(try_open("\\f", "write_attr sync share="));
    ok(try_open("\\f", "read_control share="));
    ok(try_open("\\f", "sync share="));
    ok(try_open("\\f", "read_ea write_ea share="));
    struct nt_file *attr = open_file("\\f", "read_attr share=");
    close_file(f);
    ok(try_open("\\f", "r w d share="));
    close_file(attr);
}

TEST(test_n037__overwriting_what_is_open_for_reading)
{
    make_text("\\f", "kept");
    struct nt_file *f = open_file("\\f", "r share=r");
    is(SHARING_VIOLATION, try_open("\\f", "overwrite_if r w share=r"));
    is(SHARING_VIOLATION, try_open("\\f", "overwrite r share=rwd"));
    expect_text(f, 0, "kept");
}

TEST(test_n038__what_a_disposition_does_counts)
{
    make_text("\\f", "kept");
    /* Overwrite writes, whatever access it asks for; supersede deletes. */
    struct nt_file *f = open_file("\\f", "r share=rd");
    is(SHARING_VIOLATION, try_open("\\f", "overwrite read_attr"));
    is(SHARING_VIOLATION, try_open("\\f", "overwrite_if read_attr"));
    expect_text(f, 0, "kept");
    ok(try_open("\\f", "supersede read_attr"));
    assert_int_equal(size_of(f), 0);
    close_file(f);
    f = open_file("\\f", "r w share=rw");
    put_text(f, 0, "again");
    is(SHARING_VIOLATION, try_open("\\f", "supersede read_attr"));
    expect_text(f, 0, "again");
    ok(try_open("\\f", "overwrite read_attr"));
    assert_int_equal(size_of(f), 0);
    close_file(f);
}

TEST(test_n038__a_failed_opening_leaves_no_share_behind)
{
    make_file("\\f");
    struct nt_file *f = open_file("\\f", "read_data share=r");
    is(SHARING_VIOLATION, try_open("\\f", "write_data share="));
    ok(try_open("\\f", "read_data share=r"));
    close_file(f);
    ok(try_open("\\f", "r w d share="));
}

/* An allocation that nothing can hold gets past the opening and fails in the second phase. */
TEST(test_n039__a_failed_overwrite_leaves_no_handle_and_the_content)
{
    make_text("\\f", "kept");
    struct nt_create c = how("\\f", "overwrite_if r w share=");
    c.allocation = UINT64_C(1) << 60;
    is(DISK_FULL, try_with(c));
    expect_content("\\f", "kept");
    ok(try_open("\\f", "r w d share="));
    ok(remove_file("\\f"));
    assert_false(exists("\\f"));
}
