// SPDX-License-Identifier: MIT
/* src/front/fuse/opens.c, open.c: files opened and closed over the wire. */
#include "openings.h"
#include "peer.h"

#define P struct peer peer, *p = &peer

/* Of open(2). */
enum { RDONLY = 0, WRONLY = 1, RDWR = 2 };

static void open_minded(struct peer *p)
{
    struct lt_mount_options o = peer_options();
    struct lt_fs *fs;
    assert_int_equal(lt_open_fs("mem:size=64m", &fs, NULL), 0);
    mind_openings(fs);
    peer_open_to(p, fs, &o, PEER_FEATURES);
}

static int ask_open(struct peer *p, uint64_t id, uint32_t flags, uint64_t *ret_fh)
{
    struct lt_fuse_open_in in = {.flags = flags};
    int r = ASK(.opcode = LT_FUSE_OPEN, .nodeid = id, .args = &in, .args_len = sizeof(in));
    if (r == 0)
        *ret_fh = BODY(lt_fuse_open_out).fh;
    return r;
}

static uint64_t must_open(struct peer *p, uint64_t id, uint32_t flags)
{
    uint64_t fh = 0;
    assert_int_equal(ask_open(p, id, flags, &fh), 0);
    return fh;
}

static int flush(struct peer *p, uint64_t id, uint64_t fh)
{
    struct lt_fuse_flush_in in = {.fh = fh};
    return ASK(.opcode = LT_FUSE_FLUSH, .nodeid = id, .args = &in, .args_len = sizeof(in));
}

static int release(struct peer *p, uint64_t id, uint64_t fh)
{
    struct lt_fuse_release_in in = {.fh = fh};
    return ASK(.opcode = LT_FUSE_RELEASE, .nodeid = id, .args = &in, .args_len = sizeof(in));
}

static void assert_open(int readers, int writers)
{
    assert_int_equal(openings.readers, readers);
    assert_int_equal(openings.writers, writers);
}

static void test_opens__are_counted_by_what_they_are_for(void **state)
{
    P;
    (void)state;
    open_minded(p);
    uint64_t id = peer_mknod(p, 1, "f");
    uint64_t r = must_open(p, id, RDONLY), w = must_open(p, id, WRONLY);
    assert_open(1, 1);
    uint64_t both = must_open(p, id, RDWR);
    assert_open(2, 2);
    assert_true(r != w && w != both && r != both);
    assert_int_equal(release(p, id, w), 0);
    assert_open(2, 1);
    assert_int_equal(release(p, id, r), 0);
    assert_int_equal(release(p, id, both), 0);
    assert_open(0, 0);
    peer_close(p);
}

static void test_opens__a_created_file_is_open(void **state)
{
    P;
    (void)state;
    struct lt_fuse_create_in in = {.flags = RDWR, .mode = 0100644};
    struct {
        struct lt_fuse_entry_out entry;
        struct lt_fuse_open_out open;
    } out;
    open_minded(p);
    assert_int_equal(ASK(.opcode = LT_FUSE_CREATE, .nodeid = 1, .args = &in, .args_len = sizeof(in),
                         .name = "f"),
                     0);
    memcpy(&out, peer_body(p), sizeof(out));
    assert_open(1, 1);
    assert_int_equal(release(p, out.entry.nodeid, out.open.fh), 0);
    assert_open(0, 0);
    openings.refuse_open = LT_EACCES;
    assert_int_equal(ASK(.opcode = LT_FUSE_CREATE, .nodeid = 1, .args = &in, .args_len = sizeof(in),
                         .name = "g"),
                     LT_EACCES);
    peer_close(p);
}

static void test_opens__what_is_refused_is_not_open(void **state)
{
    P;
    uint64_t fh;
    (void)state;
    open_minded(p);
    uint64_t id = peer_mknod(p, 1, "f");
    openings.refuse_open = LT_EBUSY;
    assert_int_equal(ask_open(p, id, RDONLY, &fh), LT_EBUSY);
    assert_open(0, 0);
    peer_close(p);
}

/* Each close(2) of a duplicated descriptor is a FLUSH; the error is the caller's to hear. */
static void test_opens__each_flush_closes(void **state)
{
    P;
    (void)state;
    open_minded(p);
    uint64_t id = peer_mknod(p, 1, "f"), fh = must_open(p, id, WRONLY);
    openings.refuse_close = LT_EDQUOT;
    assert_int_equal(flush(p, id, fh), LT_EDQUOT);
    assert_open(0, 0);
    assert_int_equal(flush(p, id, fh), LT_EDQUOT);
    assert_open(0, 0);
    openings.refuse_close = 0;
    assert_int_equal(flush(p, id, fh), 0);
    assert_int_equal(openings.opened, 3);
    assert_int_equal(release(p, id, fh), 0);
    assert_int_equal(openings.closed, 3);
    assert_int_equal(flush(p, id, fh), LT_EBADF);
    peer_close(p);
}

static void test_opens__invented_handles_close_nothing(void **state)
{
    P;
    (void)state;
    open_minded(p);
    uint64_t id = peer_mknod(p, 1, "f"), other = peer_mknod(p, 1, "g");
    uint64_t fh = must_open(p, id, WRONLY);
    const uint64_t strange[] = {0, 1, fh + 1, fh ^ UINT64_C(1) << 32, 1u << 20, UINT64_MAX};
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
        assert_int_equal(release(p, id, strange[i]), 0);
        assert_int_equal(flush(p, id, strange[i]), LT_EBADF);
    }
    assert_int_equal(release(p, other, fh), 0);
    assert_open(0, 1);
    assert_int_equal(release(p, id, fh), 0);
    assert_int_equal(release(p, id, fh), 0);
    assert_open(0, 0);
    /* The slot is used again; the old handle stays dead. */
    uint64_t again = must_open(p, id, WRONLY);
    assert_true(again != fh);
    assert_int_equal(release(p, id, fh), 0);
    assert_open(0, 1);
    peer_close(p);
}

static void test_opens__end_with_the_peer(void **state)
{
    P;
    (void)state;
    open_minded(p);
    uint64_t id = peer_mknod(p, 1, "f");
    for (int i = 0; i < 200; i++) /* more than a first few */
        must_open(p, id, i % 2 ? WRONLY : RDONLY);
    flush(p, id, must_open(p, id, RDWR));
    assert_open(100, 100);
    peer_close(p);
    assert_open(0, 0);
}

/* What needs no OPEN says so, and is never asked again. */
static void test_opens__a_ram_disk_has_none(void **state)
{
    P;
    uint64_t fh;
    (void)state;
    peer_open_default(p);
    uint64_t id = peer_mknod(p, 1, "f");
    assert_int_equal(ask_open(p, id, RDONLY, &fh), LT_ENOSYS);
    assert_int_equal(flush(p, id, 0), LT_ENOSYS);
    peer_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opens__are_counted_by_what_they_are_for),
        cmocka_unit_test(test_opens__a_created_file_is_open),
        cmocka_unit_test(test_opens__what_is_refused_is_not_open),
        cmocka_unit_test(test_opens__each_flush_closes),
        cmocka_unit_test(test_opens__invented_handles_close_nothing),
        cmocka_unit_test(test_opens__end_with_the_peer),
        cmocka_unit_test(test_opens__a_ram_disk_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
