// SPDX-License-Identifier: MIT
/* Streams, EAs, reparse data, security descriptors, Windows attributes. */
#include "volume.h"

#include <stdio.h>

static struct lt_node *file;

static int setup(void **state)
{
    (void)state;
    volume_open("size=64m");
    file = made(root, "file", LT_S_IFREG | 0640);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lt_node_put(file);
    assert_int_equal(drop(root, "file"), 0);
    assert_int_equal(volume_used(), 2 * MEM_PAGE); /* the root and a page of buckets */
    volume_close();
    return 0;
}

/* ---- Streams -------------------------------------------------------------------------------- */

static struct lt_node *stream_made(const char *name)
{
    struct lt_node *stream = NULL;
    assert_int_equal(lt_node_stream_open(NULL, file, lt_str(name), LT_STREAM_CREATE, &stream), 0);
    return stream;
}

static int append_name(void *arg, const struct lt_stream *s)
{
    char *to = arg;
    size_t len = strlen(to);
    (void)snprintf(to + len, 200 - len, "%.*s=%u ", (int)s->name.len, s->name.s, (unsigned)s->size);
    return 0;
}

static void expect_streams(const char *list)
{
    char got[200] = "";
    assert_int_equal(lt_node_stream_list(NULL, file, append_name, got), 0);
    assert_string_equal(got, list);
}

static void test_stream__has_data_of_its_own_and_shares_the_rest(void **state)
{
    (void)state;
    struct lt_node *s = stream_made("info");
    char buf[8] = {0};
    assert_int_equal(lt_node_pwrite(NULL, file, 0, "main", 4), 4);
    assert_int_equal(lt_node_pwrite(NULL, s, 2, "stream", 6), 6);
    struct lt_attr main = attr_of(file), stream = attr_of(s);
    assert_int_equal(main.size, 4);
    assert_int_equal(stream.size, 8);
    assert_int_equal(main.id, stream.id);
    assert_int_equal(main.mtime.nsec, stream.mtime.nsec);
    assert_true(main.has & LT_HAS_STREAM);
    struct lt_setattr set = {.mask = LT_SET_MODE | LT_SET_SIZE | LT_SET_WIN_ATTRS,
                             .mode = 0600,
                             .size = 5,
                             .win_attrs = LT_WIN_HIDDEN};
    assert_int_equal(lt_node_setattr(NULL, s, &set, &stream), 0);
    assert_int_equal(stream.size, 5);
    assert_int_equal(stream.mode, LT_S_IFREG | 0600);
    main = attr_of(file);
    assert_int_equal(main.size, 4);
    assert_int_equal(main.mode, LT_S_IFREG | 0600);
    assert_int_equal(main.win_attrs, LT_WIN_HIDDEN);
    assert_int_equal(lt_node_pread(NULL, s, 0, buf, 8), 5);
    assert_memory_equal(buf, "\0\0str", 5);
    lt_node_put(s);
}

static void test_stream__names_ignore_case_and_are_listed_in_order(void **state)
{
    (void)state;
    struct lt_node *b = stream_made("beta"), *c = stream_made("Charlie"), *a = stream_made("ALPHA"),
                   *again = stream_made("BETA"), *none;
    assert_ptr_equal(b, again);
    assert_int_equal(lt_node_pwrite(NULL, b, 0, "xyz", 3), 3);
    expect_streams("ALPHA=0 beta=3 Charlie=0 ");
    assert_int_equal(
        lt_node_stream_open(NULL, file, lt_str("beta"), LT_STREAM_CREATE | LT_STREAM_EXCL, &none),
        LT_EEXIST);
    assert_int_equal(lt_node_stream_open(NULL, file, lt_str("delta"), 0, &none), LT_ENOENT);
    lt_node_put(a);
    lt_node_put(b);
    lt_node_put(again);
    lt_node_put(c);
    expect_streams("ALPHA=0 beta=3 Charlie=0 ");
}

static void test_stream__keeps_its_data_while_nobody_holds_it(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct lt_node *s = stream_made("s");
        assert_int_equal(attr_of(s).size, i);
        assert_int_equal(lt_node_pwrite(NULL, s, i, "x", 1), 1);
        lt_node_put(s);
    }
}

static void test_stream__outlives_its_name_and_its_file(void **state)
{
    (void)state;
    char buf[4];
    struct lt_node *doomed = made(root, "doomed", LT_S_IFREG), *s, *t;
    assert_int_equal(lt_node_stream_open(NULL, doomed, lt_str("s"), LT_STREAM_CREATE, &s), 0);
    assert_int_equal(lt_node_stream_open(NULL, doomed, lt_str("t"), LT_STREAM_CREATE, &t), 0);
    assert_int_equal(lt_node_pwrite(NULL, s, 0, "data", 4), 4);
    assert_int_equal(lt_node_stream_remove(NULL, doomed, lt_str("S")), 0);
    assert_int_equal(lt_node_stream_remove(NULL, doomed, lt_str("s")), LT_ENOENT);
    lt_node_put(doomed);
    assert_int_equal(drop(root, "doomed"), 0);
    assert_int_equal(lt_node_pread(NULL, s, 0, buf, 4), 4);
    assert_memory_equal(buf, "data", 4);
    assert_int_equal(attr_of(t).nlink, 0);
    lt_node_put(t);
    assert_int_equal(attr_of(s).size, 4); /* s alone keeps the file's attributes */
    lt_node_put(s);
}

static void test_stream__renames(void **state)
{
    (void)state;
    struct lt_node *a = stream_made("a"), *b = stream_made("b");
    assert_int_equal(lt_node_pwrite(NULL, a, 0, "1", 1), 1);
    assert_int_equal(lt_node_stream_rename(NULL, file, lt_str("x"), lt_str("y"), false), LT_ENOENT);
    assert_int_equal(lt_node_stream_rename(NULL, file, lt_str("a"), lt_str("B"), false), LT_EEXIST);
    assert_int_equal(lt_node_stream_rename(NULL, file, lt_str("a"), lt_str("A"), false), 0);
    expect_streams("A=1 b=0 ");
    assert_int_equal(lt_node_stream_rename(NULL, file, lt_str("a"), lt_str("B"), true), 0);
    expect_streams("B=1 ");
    assert_int_equal(lt_node_pwrite(NULL, b, 0, "22", 2), 2); /* replaced, but held */
    lt_node_put(a);
    lt_node_put(b);
    expect_streams("B=1 ");
}

static void test_stream__of_a_directory_is_no_directory(void **state)
{
    (void)state;
    struct lt_node *d = made(root, "d", LT_S_IFDIR | 0755), *s;
    assert_int_equal(lt_node_stream_open(NULL, d, lt_str("s"), LT_STREAM_CREATE, &s), 0);
    assert_true(attr_of(d).win_attrs & LT_WIN_DIRECTORY);
    assert_false(attr_of(s).win_attrs & LT_WIN_DIRECTORY);
    assert_int_equal(attr_of(s).mode, LT_S_IFREG | 0755);
    lt_node_put(s);
    lt_node_put(d);
    assert_int_equal(drop(root, "d"), 0);
}

/* ---- EAs ------------------------------------------------------------------------------------ */

static int append_ea(void *arg, const struct lt_ea *ea)
{
    char *to = arg;
    size_t len = strlen(to);
    (void)snprintf(to + len, 200 - len, "%.*s=%.*s%s ", (int)ea->name.len, ea->name.s,
                   (int)ea->value.len, ea->value.s, ea->flags & LT_EA_NEED ? "!" : "");
    return 0;
}

static void expect_eas(const char *list)
{
    char got[200] = "";
    size_t packed = 0;
    assert_int_equal(lt_node_ea_list(NULL, file, append_ea, got), 0);
    assert_string_equal(got, list);
    for (const char *p = list; *p; p = strchr(p, ' ') + 1) /* 5 bytes, name, value: "N=V " */
        packed += 5 + (size_t)(strchr(p, ' ') - p) - 1 - (strchr(p, ' ')[-1] == '!');
    assert_int_equal(attr_of(file).ea_size, packed);
    assert_int_equal((attr_of(file).has & LT_HAS_EA) != 0, packed > 0);
}

static int set_eas(const char *name, const char *value, uint8_t flags, bool replace_all)
{
    struct lt_ea ea = {.name = lt_str(name), .value = lt_str(value), .flags = flags};
    return lt_node_ea_set(NULL, file, &ea, 1, replace_all);
}

static void test_ea__keeps_order_and_counts_exactly(void **state)
{
    (void)state;
    assert_int_equal(set_eas("ZULU", "one", 0, false), 0);
    assert_int_equal(set_eas("ALPHA", "two", LT_EA_NEED, false), 0);
    expect_eas("ZULU=one ALPHA=two! ");
    assert_int_equal(set_eas("zulu", "longer than before", 0, false), 0);
    assert_int_equal(set_eas("MIKE", "3", 0, false), 0);
    char got[200] = "";
    assert_int_equal(lt_node_ea_list(NULL, file, append_ea, got), 0);
    assert_string_equal(got, "zulu=longer than before ALPHA=two! MIKE=3 ");
    assert_int_equal(attr_of(file).ea_size, 5 + 4 + 18 + 5 + 5 + 3 + 5 + 4 + 1);
    assert_int_equal(set_eas("ZULU", "", 0, false), 0);
    expect_eas("ALPHA=two! MIKE=3 ");
    assert_int_equal(set_eas("ONLY", "1", 0, true), 0);
    expect_eas("ONLY=1 ");
    assert_int_equal(set_eas("ONLY", "", 0, false), 0);
    expect_eas("");
}

static void test_ea__of_a_list_the_last_wins(void **state)
{
    (void)state;
    struct lt_ea list[] = {
        {.name = lt_str("A"), .value = lt_str("1")}, {.name = lt_str("B"), .value = lt_str("2")},
        {.name = lt_str("a"), .value = lt_str("3")}, {.name = lt_str("C"), .value = lt_str("4")},
        {.name = lt_str("C"), .value = lt_str("")},
    };
    assert_int_equal(lt_node_ea_set(NULL, file, list, 5, false), 0);
    expect_eas("B=2 a=3 ");
}

static void test_ea__has_a_limit(void **state)
{
    (void)state;
    static char big[LT_EA_SIZE_MAX];
    struct lt_ea ea = {.name = lt_str("BIG"), .value = lt_strn(big, LT_EA_SIZE_MAX - 5 - 3)};
    assert_int_equal(lt_node_ea_set(NULL, file, &ea, 1, false), 0);
    assert_int_equal(set_eas("X", "1", 0, false), LT_E2BIG);
    assert_int_equal(attr_of(file).ea_size, LT_EA_SIZE_MAX);
    assert_int_equal(set_eas("X", "1", 0, true), 0);
    expect_eas("X=1 ");
}

/* ---- Reparse data --------------------------------------------------------------------------- */

/* A tag that is not Microsoft's, an owner's GUID, one byte of data (MS-FSCC 2.1.2.3). */
static struct lt_str third_party(unsigned char guid, unsigned char data)
{
    static unsigned char buf[25];
    memset(buf, 0, sizeof(buf));
    buf[0] = 0x55;
    buf[4] = 1;
    buf[8] = guid;
    buf[24] = data;
    return lt_strn((const char *)buf, sizeof(buf));
}

static void test_reparse__is_replaced_and_removed_by_its_owner_only(void **state)
{
    (void)state;
    char buf[64];
    assert_int_equal(lt_node_reparse_get(NULL, file, buf, sizeof(buf)), LT_ENODATA);
    assert_int_equal(lt_node_reparse_remove(NULL, file, lt_strn(NULL, 0)), LT_ENODATA);
    assert_int_equal(lt_node_reparse_set(NULL, file, third_party(1, 'a')), 0);
    assert_int_equal(lt_node_reparse_set(NULL, file, third_party(1, 'b')), 0);
    assert_int_equal(lt_node_reparse_set(NULL, file, third_party(2, 'c')), LT_EEXIST);
    assert_int_equal(lt_node_reparse_get(NULL, file, buf, sizeof(buf)), 25);
    assert_int_equal(buf[24], 'b');
    assert_int_equal(lt_node_reparse_get(NULL, file, NULL, 0), 25);
    assert_int_equal(lt_node_reparse_get(NULL, file, buf, 24), LT_ERANGE);
    struct lt_attr attr = attr_of(file);
    assert_int_equal(attr.reparse_tag, 0x55);
    assert_true(attr.win_attrs & LT_WIN_REPARSE_POINT);
    struct lt_str header = third_party(2, 0);
    char bytes[24];
    memcpy(bytes, header.s, sizeof(bytes));
    bytes[4] = 0;
    assert_int_equal(lt_node_reparse_remove(NULL, file, lt_strn(bytes, 24)), LT_EEXIST);
    bytes[8] = 1;
    assert_int_equal(lt_node_reparse_remove(NULL, file, lt_strn(bytes, 24)), 0);
    assert_int_equal(attr_of(file).reparse_tag, 0);
    assert_false(attr_of(file).win_attrs & LT_WIN_REPARSE_POINT);
}

static void test_reparse__not_on_a_directory_with_entries(void **state)
{
    (void)state;
    struct lt_node *d = made(root, "d", LT_S_IFDIR | 0755);
    make_file(d, "x");
    assert_int_equal(lt_node_reparse_set(NULL, d, third_party(1, 'a')), LT_ENOTEMPTY);
    assert_int_equal(drop(d, "x"), 0);
    assert_int_equal(lt_node_reparse_set(NULL, d, third_party(1, 'a')), 0);
    lt_node_put(d);
    assert_int_equal(drop(root, "d"), 0);
}

/* ---- Security descriptors ------------------------------------------------------------------- */

/* A descriptor of 20 bytes: revision 1, self-relative, nothing in it, told apart by a control bit
 * (MS-DTYP 2.4.6). */
static struct lt_str descriptor(unsigned char control)
{
    static char sd[20];
    memset(sd, 0, sizeof(sd));
    sd[0] = 1;
    sd[2] = (char)control;
    sd[3] = (char)0x80;
    return lt_strn(sd, sizeof(sd));
}

static uint64_t stored_descriptors(void)
{
    return mem_fs(fs)->security.tree.count;
}

static void test_security__equal_ones_are_stored_once(void **state)
{
    (void)state;
    char name[8], buf[32];
    for (unsigned i = 0; i < 300; i++) {
        (void)snprintf(name, sizeof(name), "%u", i);
        struct lt_create spec = {.mode = LT_S_IFREG,
                                 .security = descriptor((unsigned char)(i % 3))};
        struct lt_entry e = {.node = NULL};
        assert_int_equal(lt_node_create(NULL, root, lt_str(name), &spec, &e), 0);
        assert_int_equal(lt_node_security_get(NULL, e.node, buf, sizeof(buf)), 20);
        assert_memory_equal(buf, descriptor((unsigned char)(i % 3)).s, 20);
        lt_node_put(e.node);
    }
    assert_int_equal(stored_descriptors(), 3);
    assert_int_equal(lt_node_security_set(NULL, file, descriptor(2)), 0);
    assert_int_equal(lt_node_security_set(NULL, file, descriptor(1)), 0);
    assert_true(attr_of(file).has & LT_HAS_SECURITY);
    for (unsigned i = 0; i < 300; i++) {
        (void)snprintf(name, sizeof(name), "%u", i);
        assert_int_equal(drop(root, name), 0);
    }
    assert_int_equal(stored_descriptors(), 1);
    assert_int_equal(lt_node_security_set(NULL, file, lt_strn(NULL, 0)), 0);
    assert_int_equal(stored_descriptors(), 0);
    assert_int_equal(lt_node_security_get(NULL, file, buf, sizeof(buf)), LT_ENODATA);
}

/* ---- The rest ------------------------------------------------------------------------------- */

static void test_attr__times_are_kept_exactly(void **state)
{
    (void)state;
    static const int64_t seconds[] = {
        0, -1, -11644473600, 253402300799, INT64_C(1) << 40, -(INT64_C(1) << 40)};
    for (unsigned i = 0; i < 6; i++) {
        struct lt_time t = {seconds[i], 999999900};
        struct lt_setattr set = {.mask = LT_SET_BTIME | LT_SET_CTIME | LT_SET_ATIME | LT_SET_MTIME,
                                 .atime = t,
                                 .mtime = t,
                                 .ctime = t,
                                 .btime = t};
        struct lt_attr got;
        assert_int_equal(lt_node_setattr(NULL, file, &set, &got), 0);
        assert_true(got.btime.sec == t.sec && got.btime.nsec == t.nsec);
        assert_true(got.ctime.sec == t.sec && got.mtime.sec == t.sec && got.atime.sec == t.sec);
    }
}

static void test_volume__label_and_options(void **state)
{
    (void)state;
    struct lt_fs *other;
    struct lt_volume v;
    struct lt_diag diag;
    assert_int_equal(lt_memfs_open("size=1m,label=Disk\\, one,serial=0x1234,fsname=NTFS,mode=0700,"
                                   "uid=5,gid=6,case=insensitive,ro",
                                   &other, &diag),
                     0);
    lt_fs_volume(other, &v);
    assert_string_equal(v.label, "Disk, one");
    assert_string_equal(v.fs_name, "NTFS");
    assert_int_equal(v.serial, 0x1234);
    assert_true(v.read_only && v.has_windows && v.name_case == LT_CASE_INSENSITIVE);
    struct lt_attr attr = attr_of(lt_fs_root(other));
    assert_int_equal(attr.mode, LT_S_IFDIR | 0700);
    assert_true(attr.uid == 5 && attr.gid == 6);
    assert_int_equal(make(lt_fs_root(other), "x", LT_S_IFREG, NULL), LT_EROFS);
    assert_int_equal(lt_fs_close(other), 0);
    assert_int_equal(
        lt_memfs_open("size=1m,label=123456789012345678901234567890123", &other, &diag), LT_EINVAL);
    assert_int_equal(lt_memfs_open("size=4k", &other, &diag), LT_ENOSPC);
    assert_int_equal(lt_memfs_open("sise=4k", &other, &diag), LT_EINVAL);
    assert_int_equal(lt_fs_set_label(NULL, fs, lt_str("New name")), 0);
    lt_fs_volume(fs, &v);
    assert_string_equal(v.label, "New name");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stream__has_data_of_its_own_and_shares_the_rest),
        TEST(stream__names_ignore_case_and_are_listed_in_order),
        TEST(stream__keeps_its_data_while_nobody_holds_it),
        TEST(stream__outlives_its_name_and_its_file),
        TEST(stream__renames),
        TEST(stream__of_a_directory_is_no_directory),
        TEST(ea__keeps_order_and_counts_exactly),
        TEST(ea__of_a_list_the_last_wins),
        TEST(ea__has_a_limit),
        TEST(reparse__is_replaced_and_removed_by_its_owner_only),
        TEST(reparse__not_on_a_directory_with_entries),
        TEST(security__equal_ones_are_stored_once),
        TEST(attr__times_are_kept_exactly),
        TEST(volume__label_and_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
