// SPDX-License-Identifier: MIT
/* src/core/winmeta.c, ea.c, windows.c: Windows metadata by its names as attributes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <lintel/lintel.h>
#include <stdlib.h>

static struct lt_fs *fs;
static struct lt_node *file, *directory, *link;
static const struct lt_ctx owner = {.uid = 1000, .gid = 1000};
static const struct lt_ctx stranger = {.uid = 1001, .gid = 1001};

static struct lt_node *make(const char *name, uint32_t mode)
{
    struct lt_create spec = {.mode = mode, .target = lt_str("x")};
    struct lt_entry entry = {.stored = NULL};
    int r = lt_node_create(&owner, lt_fs_root(fs), lt_str(name), &spec, &entry);
    return r == 0 ? entry.node : NULL;
}

static int setup(void **state)
{
    (void)state;
    if (lt_open_fs("mem:size=16m", &fs, NULL) < 0)
        return -1;
    file = make("f", LT_S_IFREG | 0644);
    directory = make("d", LT_S_IFDIR | 0755);
    link = make("l", LT_S_IFLNK | 0777);
    return file && directory && link ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    lt_node_put(file);
    lt_node_put(directory);
    lt_node_put(link);
    return lt_fs_close(fs);
}

static int get(struct lt_node *node, const char *name, void *buf, size_t size)
{
    return lt_winmeta_get(&owner, node, lt_str(name), buf, size, LT_WINMETA_STREAMS);
}

static int set(struct lt_node *node, const char *name, const void *value, size_t len)
{
    return lt_winmeta_set(&owner, node, lt_str(name), lt_strn(value, len), 0, LT_WINMETA_STREAMS);
}

static int drop(struct lt_node *node, const char *name)
{
    return lt_winmeta_remove(&owner, node, lt_str(name), LT_WINMETA_STREAMS);
}

static uint32_t win_attrs(struct lt_node *node)
{
    struct lt_attr attr;
    assert_int_equal(lt_node_getattr(NULL, node, &attr), 0);
    return attr.win_attrs;
}

static void test_winmeta__attributes_in_both_orders(void **state)
{
    (void)state;
    unsigned char buf[8];
    assert_int_equal(set(file, "system.ntfs_attrib", "\x06\0\0\0", 4), 0);
    assert_int_equal(win_attrs(file), LT_WIN_HIDDEN | LT_WIN_SYSTEM);
    assert_int_equal(get(file, "system.ntfs_attrib_be", buf, sizeof(buf)), 4);
    assert_memory_equal(buf, "\0\0\0\x06", 4);
    assert_int_equal(set(file, "system.ntfs_attrib_be", "\0\0\0\x20", 4), 0);
    assert_int_equal(get(file, "system.ntfs_attrib", NULL, 0), 4);
    assert_int_equal(get(file, "system.ntfs_attrib", buf, 4), 4);
    assert_memory_equal(buf, "\x20\0\0\0", 4);
    assert_int_equal(get(file, "system.ntfs_attrib", buf, 3), LT_ERANGE);
    assert_int_equal(set(file, "system.ntfs_attrib", "\0\0\0", 3), LT_EINVAL);
    assert_int_equal(drop(file, "system.ntfs_attrib"), LT_EPERM);
    assert_int_equal(set(file, "system.ntfs_attrib", "\0\0\0\0", 4), 0);
    assert_int_equal(get(file, "system.ntfs_attrib", buf, 4), 4);
    assert_memory_equal(buf, "\x80\0\0\0", 4); /* NORMAL */
    assert_int_equal(get(directory, "system.ntfs_attrib", buf, 4), 4);
    assert_memory_equal(buf, "\x10\0\0\0", 4);
}

static void test_winmeta__times_are_birth_write_access_change(void **state)
{
    (void)state;
    /* 1, 2 and 3 seconds after 1970, in units of 100 ns since 1601. */
    static const unsigned char be[] = {0x01, 0x9d, 0xb1, 0xde, 0xd5, 0xd7, 0x16, 0x80,
                                       0x01, 0x9d, 0xb1, 0xde, 0xd6, 0x6f, 0xad, 0x00,
                                       0x01, 0x9d, 0xb1, 0xde, 0xd7, 0x08, 0x43, 0x80};
    unsigned char buf[40];
    struct lt_attr attr;
    assert_int_equal(set(file, "system.ntfs_times_be", be, sizeof(be)), 0);
    assert_int_equal(lt_node_getattr(NULL, file, &attr), 0);
    assert_int_equal(attr.btime.sec, 1);
    assert_int_equal(attr.mtime.sec, 2);
    assert_int_equal(attr.atime.sec, 3);
    assert_int_equal(get(file, "system.ntfs_times_be", buf, sizeof(buf)), 32);
    assert_memory_equal(buf, be, sizeof(be));
    assert_int_equal(get(file, "system.ntfs_times_be", buf, 17), 16);
    assert_int_equal(get(file, "system.ntfs_times_be", buf, 7), LT_ERANGE);
    assert_int_equal(get(file, "system.ntfs_crtime_be", buf, 8), 8);
    assert_memory_equal(buf, be, 8);
    assert_int_equal(get(file, "system.ntfs_crtime", buf, 8), 8);
    for (int i = 0; i < 8; i++)
        assert_int_equal(buf[i], be[7 - i]);
    assert_int_equal(set(file, "system.ntfs_crtime", be, 16), LT_EINVAL);
    assert_int_equal(set(file, "system.ntfs_times", be, 9), LT_EINVAL);
}

static void test_winmeta__eas_are_one_chain(void **state)
{
    (void)state;
    static const unsigned char chain[] = {
        16, 0, 0, 0, 0,    3, 3, 0, 'O', 'N', 'E', 0, 'a', 'b', 'c', 0, /* next 16 */
        0,  0, 0, 0, 0x80, 1, 1, 0, 'T', 0,   'x',
    };
    unsigned char buf[64];
    struct lt_attr attr;
    assert_int_equal(get(file, "system.ntfs_ea", buf, sizeof(buf)), LT_ENODATA);
    assert_int_equal(set(file, "system.ntfs_ea", chain, sizeof(chain)), 0);
    assert_int_equal(get(file, "system.ntfs_ea", NULL, 0), sizeof(chain));
    assert_int_equal(get(file, "system.ntfs_ea", buf, sizeof(buf)), sizeof(chain));
    assert_memory_equal(buf, chain, sizeof(chain));
    assert_int_equal(lt_node_getattr(NULL, file, &attr), 0);
    assert_true(attr.ea_size > 0);
    for (size_t cut = 0; cut < sizeof(chain); cut++)
        assert_int_equal(set(file, "system.ntfs_ea", chain, cut), LT_EINVAL);
    assert_int_equal(drop(file, "system.ntfs_ea"), 0);
    assert_int_equal(drop(file, "system.ntfs_ea"), LT_ENODATA);
    assert_int_equal(lt_node_getattr(NULL, file, &attr), 0);
    assert_int_equal(attr.ea_size, 0);
}

static void test_winmeta__reparse_data_and_security(void **state)
{
    (void)state;
    static const unsigned char reparse[] = {0x17, 0, 0, 0x80, 4, 0, 0, 0, 1, 2, 3, 4};
    unsigned char buf[64];
    char *sd = NULL;
    size_t len = 0;
    assert_int_equal(set(file, "system.ntfs_reparse_data", reparse, 11), LT_EINVAL);
    assert_int_equal(set(file, "system.ntfs_reparse_data", reparse, sizeof(reparse)), 0);
    assert_true(win_attrs(file) & LT_WIN_REPARSE_POINT);
    assert_int_equal(get(file, "system.ntfs_reparse_data", buf, sizeof(buf)), sizeof(reparse));
    assert_memory_equal(buf, reparse, sizeof(reparse));
    assert_int_equal(drop(file, "system.ntfs_reparse_data"), 0);
    assert_int_equal(get(file, "system.ntfs_reparse_data", buf, sizeof(buf)), LT_ENODATA);
    assert_int_equal(lt_sddl_parse("O:BAG:BAD:(A;;FA;;;WD)", &sd, &len, NULL), 0);
    assert_int_equal(set(directory, "system.ntfs_acl", sd, len), 0);
    assert_int_equal(set(directory, "system.ntfs_acl", sd, len - 1), LT_EINVAL);
    assert_int_equal(get(directory, "system.ntfs_acl", NULL, 0), len);
    assert_int_equal(drop(directory, "system.ntfs_acl"), 0);
    assert_int_equal(get(directory, "system.ntfs_acl", NULL, 0), LT_ENODATA);
    free(sd);
}

static void test_winmeta__dosattrib_is_the_same_as_attrib(void **state)
{
    (void)state;
    char buf[64];
    assert_int_equal(get(file, "user.DOSATTRIB", buf, sizeof(buf)), LT_ENODATA);
    assert_int_equal(set(file, "user.DOSATTRIB", "0x22", 4), 0);
    assert_int_equal(win_attrs(file), LT_WIN_HIDDEN | LT_WIN_ARCHIVE);
    assert_int_equal(get(file, "user.DOSATTRIB", buf, 10), 4);
    assert_memory_equal(buf, "0x22", 4);
    int len = get(file, "user.DOSATTRIB", NULL, 0);
    assert_int_equal(get(file, "user.DOSATTRIB", buf, sizeof(buf)), len);
    assert_int_equal(set(file, "system.ntfs_attrib", "\0\0\0\0", 4), 0);
    assert_int_equal(set(file, "user.DOSATTRIB", buf, (size_t)len), 0);
    assert_int_equal(win_attrs(file), LT_WIN_HIDDEN | LT_WIN_ARCHIVE);
    assert_int_equal(set(file, "user.DOSATTRIB", "junk", 4), LT_EINVAL);
    assert_int_equal(
        lt_winmeta_set(&owner, file, lt_str("user.DOSATTRIB"), lt_str("0x1"), LT_XATTR_CREATE, 0),
        LT_EEXIST);
    assert_int_equal(drop(file, "user.DOSATTRIB"), 0);
    assert_int_equal(win_attrs(file), 0);
    assert_int_equal(drop(file, "user.DOSATTRIB"), LT_ENODATA);
    assert_int_equal(
        lt_winmeta_set(&owner, file, lt_str("user.DOSATTRIB"), lt_str("0x1"), LT_XATTR_REPLACE, 0),
        LT_ENODATA);
    assert_int_equal(set(link, "user.DOSATTRIB", "0x22", 4), LT_EPERM);
}

struct found {
    char names[256];
};

static int collect(void *arg, struct lt_str name)
{
    struct found *f = arg;
    size_t len = strlen(f->names);
    memcpy(f->names + len, name.s, name.len);
    memcpy(f->names + len + name.len, " ", 2);
    return 0;
}

static void test_winmeta__streams_are_user_attributes(void **state)
{
    (void)state;
    char buf[16];
    struct lt_node *stream;
    struct found found = {""};
    assert_int_equal(lt_node_stream_open(NULL, file, lt_str("zone"), LT_STREAM_CREATE, &stream), 0);
    assert_int_equal(lt_node_pwrite(NULL, stream, 0, "content", 7), 7);
    assert_int_equal(get(file, "user.ZONE", buf, sizeof(buf)), 7);
    assert_memory_equal(buf, "content", 7);
    assert_int_equal(get(file, "user.zone", buf, 6), LT_ERANGE);
    assert_int_equal(set(file, "user.zone", "new", 3), 0);
    assert_int_equal(lt_node_pread(NULL, stream, 0, buf, sizeof(buf)), 3);
    assert_memory_equal(buf, "new", 3);
    /* Without a stream of the name: an attribute. */
    assert_int_equal(set(file, "user.other", "plain", 5), 0);
    assert_int_equal(lt_node_stream_open(NULL, file, lt_str("other"), 0, &(struct lt_node *){NULL}),
                     LT_ENOENT);
    assert_int_equal(set(file, "user.DOSATTRIB", "0x2", 3), 0);
    assert_int_equal(lt_node_xattr_set(NULL, file, lt_str("user.zone"), lt_str("hidden"), 0), 0);
    assert_int_equal(lt_winmeta_list(NULL, file, LT_WINMETA_STREAMS, collect, &found), 0);
    assert_string_equal(found.names, "user.DOSATTRIB user.zone user.other ");
    found.names[0] = 0;
    assert_int_equal(lt_winmeta_list(NULL, file, 0, collect, &found), 0);
    assert_non_null(strstr(found.names, "user.zone "));
    assert_int_equal(lt_winmeta_get(NULL, file, lt_str("user.zone"), buf, sizeof(buf), 0), 6);
    assert_int_equal(drop(file, "user.zone"), 0);
    assert_int_equal(get(file, "user.zone", buf, sizeof(buf)), 6);
    struct lt_setattr big = {.mask = LT_SET_SIZE, .size = LT_XATTR_SIZE_MAX + 1};
    lt_node_put(stream);
    assert_int_equal(lt_node_stream_open(NULL, file, lt_str("big"), LT_STREAM_CREATE, &stream), 0);
    assert_int_equal(lt_node_setattr(NULL, stream, &big, NULL), 0);
    assert_int_equal(get(file, "user.big", NULL, 0), LT_E2BIG);
    lt_node_put(stream);
}

static void test_winmeta__strangers_may_look_but_not_change(void **state)
{
    (void)state;
    char buf[64];
    struct lt_str name = lt_str("system.ntfs_attrib"), value = lt_strn("\2\0\0\0", 4);
    assert_int_equal(lt_winmeta_get(&stranger, file, name, buf, sizeof(buf), 0), 4);
    assert_int_equal(lt_winmeta_set(&stranger, file, name, value, 0, 0), LT_EACCES);
    assert_int_equal(
        lt_node_setattr(NULL, file, &(struct lt_setattr){.mask = LT_SET_MODE, .mode = 0606}, NULL),
        0);
    assert_int_equal(lt_winmeta_set(&stranger, file, name, value, 0, 0), 0);
    char *sd = NULL;
    size_t len = 0;
    assert_int_equal(lt_sddl_parse("O:BA", &sd, &len, NULL), 0);
    assert_int_equal(
        lt_winmeta_set(&stranger, file, lt_str("system.ntfs_acl"), lt_strn(sd, len), 0, 0),
        LT_EPERM);
    free(sd);
}

static void test_winmeta__other_names_go_on(void **state)
{
    (void)state;
    assert_int_equal(set(file, "user.plain", "v", 1), 0);
    assert_int_equal(get(file, "user.plain", NULL, 0), 1);
    assert_int_equal(get(file, "system.ntfs_other", NULL, 0), LT_EOPNOTSUPP);
    assert_int_equal(set(file, "system.x", "v", 1), LT_EOPNOTSUPP);
    assert_int_equal(drop(file, "user.none"), LT_ENODATA);
}

/* ---- What lintel/fs.h itself checks of the Windows half -------------------------------------- */

static void test_windows__names_are_checked(void **state)
{
    (void)state;
    struct lt_node *stream;
    static const char *const bad[] = {"", "a:b", "a/b", "a\\b", "\xff"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(lt_node_stream_open(NULL, file, lt_str(bad[i]), LT_STREAM_CREATE, &stream),
                         LT_EINVAL);
    assert_int_equal(lt_node_stream_open(NULL, link, lt_str("s"), LT_STREAM_CREATE, &stream),
                     LT_EINVAL);
    struct lt_ea ea = {.name = lt_str("A=B"), .value = lt_str("x")};
    assert_int_equal(lt_node_ea_set(NULL, file, &ea, 1, false), LT_EINVAL);
    ea.name = lt_str("AB");
    ea.flags = 1;
    assert_int_equal(lt_node_ea_set(NULL, file, &ea, 1, false), LT_EINVAL);
}

static void test_windows__reparse_data_is_checked(void **state)
{
    (void)state;
    static const struct {
        unsigned char bytes[40];
        size_t len;
        int result;
    } cases[] = {
        {{2, 0, 0, 0, 0, 0, 0, 0}, 8, LT_EINVAL},                    /* reserved tag */
        {{3, 0, 0, 0x10, 0, 0, 0, 0}, 8, LT_EINVAL},                 /* no GUID */
        {{3, 0, 0, 0x10, 0, 0, 0, 0}, 24, 0},                        /* a GUID */
        {{0x17, 0, 0, 0x80, 1, 0, 0, 0}, 8, LT_EINVAL},              /* too short */
        {{0x0c, 0, 0, 0xa0, 4, 0, 0, 0, 0, 0, 0, 0}, 12, LT_EINVAL}, /* a symlink without names */
        {{0x0c, 0, 0, 0xa0, 16, 0, 0, 0, 0, 0, 2, 0, 2, 0, 2, 0, 1, 0, 0, 0, 'a', 0, 'b', 0},
         24,
         0},
        {{0x0c, 0, 0, 0xa0, 16, 0, 0, 0, 0, 0, 2, 0, 4, 0, 2, 0, 1, 0, 0, 0, 'a', 0, 'b', 0},
         24,
         LT_EINVAL}, /* a name outside */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lt_str data = lt_strn((const char *)cases[i].bytes, cases[i].len);
        assert_int_equal(lt_node_reparse_set(NULL, file, data), cases[i].result);
        if (cases[i].result == 0)
            assert_int_equal(lt_node_reparse_remove(NULL, file, lt_strn(NULL, 0)), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(winmeta__attributes_in_both_orders),
        TEST(winmeta__times_are_birth_write_access_change),
        TEST(winmeta__eas_are_one_chain),
        TEST(winmeta__reparse_data_and_security),
        TEST(winmeta__dosattrib_is_the_same_as_attrib),
        TEST(winmeta__streams_are_user_attributes),
        TEST(winmeta__strangers_may_look_but_not_change),
        TEST(winmeta__other_names_go_on),
        TEST(windows__names_are_checked),
        TEST(windows__reparse_data_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
