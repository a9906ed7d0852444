// SPDX-License-Identifier: MIT
/*
 * The limit of a volume, hit in the middle of every operation: it is never exceeded, what
 * failed left nothing behind, and what works without more memory works on a full volume.
 */
#include "volume.h"

#include <fault.h>
#include <lintel/acl.h>
#include <stdio.h>

static struct lt_node *dir, *file, *other;
static char big[70000];

/* A directory whose index is a full leaf, so that a name more needs new nodes; two files, and a
 * name to replace. */
static void prepare(const char *options)
{
    char name[16];
    volume_open(options);
    dir = made(root, "dir", LT_S_IFDIR | 0755);
    for (unsigned i = 0; i < 251; i++) {
        (void)snprintf(name, sizeof(name), "entry%u", i);
        make_file(dir, name);
    }
    file = made(dir, "file", LT_S_IFREG | 0644);
    other = made(dir, "other", LT_S_IFREG | 0644);
    make_file(dir, "old");
    assert_int_equal(lt_node_pwrite(NULL, other, 0, big, sizeof(big)), sizeof(big));
    assert_int_equal(make(dir, "sub", LT_S_IFDIR | 0755, NULL), 0);
}

static void finish(void)
{
    lt_node_put(dir);
    lt_node_put(file);
    lt_node_put(other);
    volume_close();
}

/* ---- The operations. Each is tried with more and more memory until it succeeds, then undone -- */

struct operation {
    const char *name;
    int (*run)(void);
    void (*undo)(void);
};

static int create_dir(void)
{
    static const char sd[20] = {1, 0, 0, (char)0x80};
    struct lt_create spec = {.mode = LT_S_IFDIR | 0755, .security = lt_strn(sd, sizeof(sd))};
    struct lt_entry e = {.node = NULL};
    int error = lt_node_create(NULL, dir, lt_str("new"), &spec, &e);
    if (!error)
        lt_node_put(e.node);
    return error;
}

static int create_symlink(void)
{
    static char target[3000];
    memset(target, 't', sizeof(target));
    struct lt_create spec = {.mode = LT_S_IFLNK | 0777, .target = lt_strn(target, sizeof(target))};
    struct lt_entry e = {.node = NULL};
    int error = lt_node_create(NULL, dir, lt_str("new"), &spec, &e);
    if (!error)
        lt_node_put(e.node);
    return error;
}

static void drop_new(void)
{
    assert_int_equal(drop(dir, "new"), 0);
}

static int create_unnamed(void)
{
    struct lt_create spec = {.mode = LT_S_IFREG | 0755};
    struct lt_entry e = {.node = NULL};
    int error = lt_node_create(NULL, dir, lt_strn(NULL, 0), &spec, &e);
    if (!error)
        lt_node_put(e.node);
    return error;
}

static void nothing(void)
{
}

static int link_file(void)
{
    struct lt_entry e = {.node = NULL};
    int error = lt_node_link(NULL, file, dir, lt_str("new"), &e);
    if (!error)
        lt_node_put(e.node);
    return error;
}

static int rename_to_new(void)
{
    return move(dir, "old", dir, "a longer name than it had before", 0);
}

static void rename_back(void)
{
    assert_int_equal(move(dir, "a longer name than it had before", dir, "old", 0), 0);
}

static int rename_to_root(void)
{
    return move(dir, "sub", root, "sub", 0);
}

static void rename_from_root(void)
{
    assert_int_equal(move(root, "sub", dir, "sub", 0), 0);
}

static int rename_whiteout(void)
{
    return move(dir, "old", dir, "new", LT_RENAME_WHITEOUT);
}

static void rename_over_whiteout(void)
{
    assert_int_equal(move(dir, "new", dir, "old", 0), 0);
}

static int rename_exchange(void)
{
    return move(dir, "old", dir, "sub", LT_RENAME_EXCHANGE);
}

static void exchange_back(void)
{
    assert_int_equal(rename_exchange(), 0);
}

static int set_xattr(void)
{
    return lt_node_xattr_set(NULL, file, lt_str("user.x"), lt_strn(big, 65536), 0);
}

static void remove_xattr(void)
{
    assert_int_equal(lt_node_xattr_remove(NULL, file, lt_str("user.x")), 0);
}

static int set_eas(void)
{
    struct lt_ea list[] = {{.name = lt_str("ONE"), .value = lt_strn(big, 30000)},
                           {.name = lt_str("TWO"), .value = lt_strn(big, 30000)}};
    return lt_node_ea_set(NULL, file, list, 2, false);
}

static void remove_eas(void)
{
    assert_int_equal(lt_node_ea_set(NULL, file, NULL, 0, true), 0);
}

static int set_reparse(void)
{
    static char data[8 + 9000] = {0, 0, 0, (char)0x90};
    data[4] = (char)(9000 & 0xff);
    data[5] = (char)(9000 >> 8);
    data[3] = (char)0x80;
    data[0] = 0x17;
    return lt_node_reparse_set(NULL, file, lt_strn(data, sizeof(data)));
}

static void remove_reparse(void)
{
    assert_int_equal(lt_node_reparse_remove(NULL, file, lt_strn(NULL, 0)), 0);
}

static int set_security(void)
{
    static const char sd[20] = {1, 0, 0, (char)0x80};
    return lt_node_security_set(NULL, file, lt_strn(sd, sizeof(sd)));
}

static void remove_security(void)
{
    assert_int_equal(lt_node_security_set(NULL, file, lt_strn(NULL, 0)), 0);
}

static int make_stream(void)
{
    struct lt_node *stream;
    int error = lt_node_stream_open(NULL, file, lt_str("stream"), LT_STREAM_CREATE, &stream);
    if (!error)
        lt_node_put(stream);
    return error;
}

static void remove_stream(void)
{
    assert_int_equal(lt_node_stream_remove(NULL, file, lt_str("stream")), 0);
}

static int set_acl(void)
{
    /* user::rwx user:7:rwx group::r-x mask::rwx other::r-- (linux/posix_acl_xattr.h) */
    static const unsigned char acl[] = {
        2, 0, 0,    0,    1,    0,    7,    0, 0xff, 0xff, 0xff, 0xff, 2,    0,    7,
        0, 7, 0,    0,    0,    4,    0,    5, 0,    0xff, 0xff, 0xff, 0xff, 0x10, 0,
        7, 0, 0xff, 0xff, 0xff, 0xff, 0x20, 0, 4,    0,    0xff, 0xff, 0xff, 0xff,
    };
    return lt_node_xattr_set(NULL, file, lt_str(LT_ACL_ACCESS),
                             lt_strn((const char *)acl, sizeof(acl)), 0);
}

static void remove_acl(void)
{
    assert_int_equal(lt_node_xattr_remove(NULL, file, lt_str(LT_ACL_ACCESS)), 0);
}

static int reserve(void)
{
    return lt_node_allocate(NULL, file, 0, UINT64_C(5) << 30, 40 * MEM_PAGE);
}

static void truncate_file(void)
{
    struct lt_setattr set = {.mask = LT_SET_SIZE, .size = 0};
    assert_int_equal(lt_node_setattr(NULL, file, &set, NULL), 0);
}

static int insert_range(void)
{
    return lt_node_allocate(NULL, other, LT_FALLOC_INSERT, MEM_PAGE, UINT64_C(4) << 30);
}

static void collapse_range(void)
{
    assert_int_equal(lt_node_allocate(NULL, other, LT_FALLOC_COLLAPSE, MEM_PAGE, UINT64_C(4) << 30),
                     0);
}

static const struct operation operations[] = {
    {"mkdir", create_dir, drop_new},
    {"symlink", create_symlink, drop_new},
    {"tmpfile", create_unnamed, nothing},
    {"link", link_file, drop_new},
    {"rename", rename_to_new, rename_back},
    {"rename across", rename_to_root, rename_from_root},
    {"rename, whiteout", rename_whiteout, rename_over_whiteout},
    {"rename, exchange", rename_exchange, exchange_back},
    {"setxattr", set_xattr, remove_xattr},
    {"EAs", set_eas, remove_eas},
    {"reparse", set_reparse, remove_reparse},
    {"security", set_security, remove_security},
    {"stream", make_stream, remove_stream},
    {"ACL", set_acl, remove_acl},
    {"fallocate", reserve, truncate_file},
    {"insert range", insert_range, collapse_range},
};

static void expect_untouched(const struct operation *op, uint64_t used, const struct lt_attr *was)
{
    struct lt_attr is = attr_of(file);
    if (volume_used() != used)
        fail_msg("%s: %llu bytes used, %llu before", op->name, (unsigned long long)volume_used(),
                 (unsigned long long)used);
    assert_int_equal(is.version, was->version);
    assert_int_equal(is.nlink, was->nlink);
    assert_int_equal(is.size, was->size);
    assert_int_equal(is.has, was->has);
    assert_int_equal(attr_of(dir).size, (256 + 0) * 20 + 40 - 20);
}

static void try_until_it_works(const struct operation *op)
{
    uint64_t used = volume_used(), more = 0, entries = attr_of(dir).size;
    struct lt_attr was = attr_of(file);
    int error;
    assert_int_equal(entries, 255 * 20 + 40);
    do {
        uint64_t limit;
        volume_limit(more++);
        limit = mem_fs(fs)->arena.limit;
        error = op->run();
        assert_true(mem_arena_used(&mem_fs(fs)->arena) <= limit);
        volume_limit(UINT64_MAX / MEM_PAGE - mem_arena_used(&mem_fs(fs)->arena));
        if (error) {
            if (error != LT_ENOSPC)
                fail_msg("%s: %s", op->name, lt_error_name(error));
            expect_untouched(op, used, &was);
        }
    } while (error && more < 1000);
    assert_int_equal(error, 0);
    op->undo();
}

static void test_limit__nothing_is_half_done(void **state)
{
    (void)state;
    prepare("size=1g");
    /* Twice: the first round lets structures reach the size that they then keep. */
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
            const struct operation *op = &operations[i];
            uint64_t used = volume_used();
            try_until_it_works(op);
            if (round == 1 && volume_used() != used)
                fail_msg("%s: %lld bytes stay", op->name, (long long)(volume_used() - used));
        }
    }
    finish();
}

/* The same with the system out of memory instead of the volume. */
static void test_limit__no_memory_from_the_system(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        prepare("size=1g");
        /* Use up what the arena has mapped, so that every page must come from the system. */
        static struct lt_seg segs[4096];
        int held = 0;
        struct mem_arena *arena = &mem_fs(fs)->arena;
        void *meta[1024];
        int metas = 0;
        fault_arm_from(1);
        while (held < 4096 && lt_fs_pages_get(fs, &segs[held], 1) == 1)
            held++;
        while (metas < 1024 && mem_pages_alloc(arena, MEM_META, &meta[metas], 1, 0) == 1)
            metas++;
        uint64_t used = volume_used();
        int error = operations[i].run();
        fault_disarm();
        if (error) {
            if (error != LT_ENOSPC)
                fail_msg("%s: %s", operations[i].name, lt_error_name(error));
            assert_int_equal(volume_used(), used);
        } else {
            operations[i].undo();
        }
        mem_pages_free(arena, meta, (size_t)metas, 0);
        lt_fs_pages_put(fs, segs, (size_t)held);
        assert_int_equal(operations[i].run(), 0);
        operations[i].undo();
        finish();
    }
}

static void test_limit__a_write_is_short_and_what_it_wrote_is_right(void **state)
{
    (void)state;
    static char got[sizeof(big)];
    prepare("size=1g");
    memset(big, 'b', sizeof(big));
    uint64_t used = volume_used();
    for (uint64_t more = 0; more < 25; more++) {
        volume_limit(more);
        int done = lt_node_pwrite(NULL, file, 100, big, sizeof(big));
        assert_true(done == LT_ENOSPC || done > 0);
        assert_int_equal(attr_of(file).size, done > 0 ? 100 + done : 0);
        assert_int_equal(lt_node_pread(NULL, file, 100, got, sizeof(got)), done > 0 ? done : 0);
        if (done > 0)
            assert_memory_equal(got, big, (size_t)done);
        truncate_file(); /* works on the full volume */
        assert_int_equal(volume_used(), used);
    }
    memset(big, 0, sizeof(big));
    volume_limit(UINT64_MAX / MEM_PAGE / 2);
    finish();
}

static void test_limit__a_full_volume_lets_go(void **state)
{
    (void)state;
    volume_open("size=1m");
    uint64_t empty = volume_used();
    struct lt_node *f = made(root, "f", LT_S_IFREG | 0644);
    uint64_t offset = 0;
    int done;
    while ((done = lt_node_pwrite(NULL, f, offset, big, 7777)) > 0)
        offset += (unsigned)done;
    assert_int_equal(done, LT_ENOSPC);
    assert_true(volume_used() >= (1u << 20) - MEM_PAGE);
    assert_int_equal(lt_node_pwrite(NULL, f, 0, big, 7777), 7777); /* what is there can change */
    assert_int_equal(
        lt_node_allocate(NULL, f, LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE, 5000, 20000), 0);
    assert_true(volume_used() <= (1u << 20) - 3 * MEM_PAGE);
    lt_node_put(f);
    assert_int_equal(drop(root, "f"), 0);
    assert_int_equal(volume_used(), empty);
    volume_close();
}

static void test_limit__nodes(void **state)
{
    (void)state;
    volume_open("size=1g,nodes=3");
    make_file(root, "a");
    make_file(root, "b");
    assert_int_equal(make(root, "c", LT_S_IFREG, NULL), LT_ENOSPC);
    assert_int_equal(make(root, "a", LT_S_IFREG, NULL), LT_EEXIST);
    assert_int_equal(drop(root, "a"), 0);
    make_file(root, "c");
    volume_close();
}

static void test_limit__statfs_counts_all_that_exists(void **state)
{
    (void)state;
    char name[32];
    volume_open("size=64m");
    struct lt_statfs s;
    uint64_t empty = volume_used();
    for (unsigned i = 0; i < 3000; i++) {
        (void)snprintf(name, sizeof(name), "%u", i);
        make_file(root, name);
    }
    assert_int_equal(lt_fs_statfs(NULL, fs, &s), 0);
    assert_int_equal(s.total, 64u << 20);
    assert_int_equal(s.nodes, 3001);
    assert_true(s.used > 3000 * 160);
    for (unsigned i = 0; i < 3000; i++) {
        (void)snprintf(name, sizeof(name), "%u", (i * 7) % 3000);
        assert_int_equal(drop(root, name), 0);
    }
    assert_int_equal(volume_used(), empty);
    volume_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit__nothing_is_half_done),
        cmocka_unit_test(test_limit__no_memory_from_the_system),
        cmocka_unit_test(test_limit__a_write_is_short_and_what_it_wrote_is_right),
        cmocka_unit_test(test_limit__a_full_volume_lets_go),
        cmocka_unit_test(test_limit__nodes),
        cmocka_unit_test(test_limit__statfs_counts_all_that_exists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
