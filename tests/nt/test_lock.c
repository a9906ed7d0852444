// SPDX-License-Identifier: MIT
/* Byte-range locks: N124. */
#include "kit.h"

#include <string.h>
#include <time.h>

enum { SECTOR = 512 };

TEST(test_n124__ranges_that_touch_are_two)
{
    struct nt_file *f = open_file("\\f", "create r w");
    ok(nt_lock(f, SECTOR / 2, SECTOR, true, true));
    ok(nt_lock(f, SECTOR + SECTOR / 2, SECTOR, true, true));
    ok(nt_unlock(f, SECTOR / 2, SECTOR));
    ok(nt_unlock(f, SECTOR + SECTOR / 2, SECTOR));
}

TEST(test_n124__exclusive_and_shared)
{
    make_file("\\f");
    struct nt_file *a = open_file("\\f", "r w"), *b = open_file("\\f", "r w");
    ok(nt_lock(a, 0, 100, false, true));
    ok(nt_lock(b, 50, 100, false, true));
    is(LOCK_NOT_GRANTED, nt_lock(b, 0, 10, true, true));
    is(LOCK_NOT_GRANTED, nt_lock(a, 140, 10, true, true));
    ok(nt_lock(a, 200, 10, true, true));
    is(LOCK_NOT_GRANTED, nt_lock(b, 205, 100, true, true));
    is(LOCK_NOT_GRANTED, nt_lock(b, 205, 100, false, true));
    is(LOCK_NOT_GRANTED, nt_lock(a, 209, 1, true, true)); /* by the same handle too */
    ok(nt_lock(b, 210, 10, true, true));
}

TEST(test_n124__unlock_names_the_range_exactly)
{
    make_file("\\f");
    struct nt_file *a = open_file("\\f", "r w"), *b = open_file("\\f", "r w");
    ok(nt_lock(a, 10, 100, true, true));
    is(RANGE_NOT_LOCKED, nt_unlock(a, 10, 50));
    is(RANGE_NOT_LOCKED, nt_unlock(a, 11, 99));
    is(RANGE_NOT_LOCKED, nt_unlock(a, 10, 101));
    is(RANGE_NOT_LOCKED, nt_unlock(b, 10, 100));
    ok(nt_unlock(a, 10, 100));
    is(RANGE_NOT_LOCKED, nt_unlock(a, 10, 100));
}

TEST(test_n124__what_is_locked_is_locked_for_others)
{
    char buf[100];
    size_t got = 0;
    struct nt_file *a = open_file("\\f", "create r w"), *b = open_file("\\f", "r w");
    put_bytes(a, 0, 1000, 1);
    ok(nt_lock(a, 100, 100, true, true));
    is(FILE_LOCK_CONFLICT, nt_read(b, buf, 100, 50, &got));
    is(FILE_LOCK_CONFLICT, nt_write(b, buf, 1, 199, &got));
    ok(nt_read(b, buf, 100, 0, &got));
    ok(nt_write(b, buf, 100, 200, &got));
    put_bytes(a, 100, 100, 2);
    expect_bytes(a, 100, 100, 2);
    /* Shared: all may read, nobody may write, the owner neither. */
    ok(nt_unlock(a, 100, 100));
    ok(nt_lock(a, 100, 100, false, true));
    ok(nt_read(b, buf, 100, 100, &got));
    ok(nt_read(a, buf, 100, 100, &got));
    is(FILE_LOCK_CONFLICT, nt_write(b, buf, 1, 100, &got));
    is(FILE_LOCK_CONFLICT, nt_write(a, buf, 1, 100, &got));
}

TEST(test_n124__behind_the_end_of_the_file)
{
    make_file("\\f");
    struct nt_file *a = open_file("\\f", "r w"), *b = open_file("\\f", "r w");
    size_t got = 0;
    ok(nt_lock(a, UINT64_C(1) << 40, 100, true, true));
    is(LOCK_NOT_GRANTED, nt_lock(b, (UINT64_C(1) << 40) + 99, 1, true, true));
    ok(nt_lock(a, 0, 10, true, true));
    is(FILE_LOCK_CONFLICT, nt_write(b, "x", 1, 5, &got));
    ok(nt_lock(a, 20, 0, true, true)); /* of no length: in nobody's way */
    ok(nt_lock(b, 20, 10, true, true));
}

TEST(test_n124__directories_have_no_ranges)
{
    make_dir("\\d");
    struct nt_file *d = open_file("\\d", "a");
    is(INVALID_PARAMETER, nt_lock(d, 0, 1, true, true));
    is(INVALID_PARAMETER, nt_unlock(d, 0, 1));
}

/* Dagger: as NTFS does. */
TEST(test_n124__released_with_the_handle)
{
    make_file("\\f");
    struct nt_file *a = open_file("\\f", "r w"), *b = open_file("\\f", "r w");
    ok(nt_lock(a, 0, 100, true, true));
    is(LOCK_NOT_GRANTED, nt_lock(b, 0, 100, true, true));
    close_file(a);
    ok(nt_lock(b, 0, 100, true, true));
}

struct waiter {
    struct nt_file *f;
    atomic_bool done;
    int32_t status;
};

static void wait_for_lock(void *arg)
{
    struct waiter *w = arg;
    w->status = nt_lock(w->f, 0, 100, true, false);
    atomic_store(&w->done, true);
}

TEST(test_n124__waiting_for_a_range)
{
    static struct waiter w;
    make_file("\\f");
    struct nt_file *a = open_file("\\f", "r w");
    memset(&w, 0, sizeof(w));
    w.f = open_file("\\f", "r w");
    ok(nt_lock(a, 50, 1, true, true));
    start_thread(wait_for_lock, &w);
    nanosleep(&(struct timespec){0, 20000000}, NULL);
    bool early = atomic_load(&w.done);
    ok(nt_unlock(a, 50, 1));
    join_threads(false);
    assert_false(early);
    ok(w.status);
    is(LOCK_NOT_GRANTED, nt_lock(a, 0, 1, true, true));
}

TEST(test_n124__streams_have_ranges_of_their_own)
{
    need_windows();
    make_file("\\f:s");
    struct nt_file *f = open_file("\\f", "r w"), *s = open_file("\\f:s", "r w");
    size_t got = 0;
    ok(nt_lock(f, 0, 100, true, true));
    ok(nt_lock(s, 0, 100, true, true));
    struct nt_file *g = open_file("\\f", "r w");
    is(FILE_LOCK_CONFLICT, nt_write(g, "x", 1, 0, &got));
    ok(nt_write(s, "x", 1, 0, &got));
}
