// SPDX-License-Identifier: MIT
/* The Windows half: streams, EAs, reparse data, security descriptors, attributes, the label. */
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct lt_node *stream(struct lt_node *node, const char *name)
{
    struct lt_node *ret = NULL;
    ok(lt_node_stream_open(NULL, node, lt_str(name), LT_STREAM_CREATE, &ret));
    return keep(ret);
}

static int try_stream(struct lt_node *node, const char *name, uint32_t flags)
{
    struct lt_node *ret = NULL;
    int result = lt_node_stream_open(NULL, node, lt_str(name), flags, &ret);
    lt_node_put(ret);
    return result;
}

/* ---- Streams --------------------------------------------------------------------------------- */

TEST(stream__has_its_own_data)
{
    (void)state;
    need_windows();
    struct lt_node *file = make_file(root, "f");
    put_text(file, 0, "main");
    struct lt_node *s = stream(file, "Info");
    assert_int_equal(s->type, LT_S_STREAM);
    put_text(s, 0, "beside");
    expect_text(file, 0, "main");
    expect_text(s, 0, "beside");
    assert_int_equal(attr(s).size, 6);
    assert_int_equal(attr(file).size, 4);
    assert_true(attr(file).has & LT_HAS_STREAM);
    put_bytes(s, 100000, 100000, 5);
    ok(set_size(s, 3));
    expect_text(s, 0, "bes");
    assert_ptr_equal(stream(file, "iNFO"), s); /* compared without case */
    assert_string_equal(list_streams(file), "Info");
}

TEST(stream__open_flags_and_errors)
{
    (void)state;
    need_windows();
    struct lt_node *file = make_file(root, "f");
    fails(LT_ENOENT, try_stream(file, "s", 0));
    ok(try_stream(file, "s", LT_STREAM_CREATE | LT_STREAM_EXCL));
    ok(try_stream(file, "S", 0));
    ok(try_stream(file, "s", LT_STREAM_CREATE));
    fails(LT_EEXIST, try_stream(file, "S", LT_STREAM_CREATE | LT_STREAM_EXCL));
    fails(LT_EINVAL, try_stream(file, "", LT_STREAM_CREATE));
    fails(LT_EINVAL, try_stream(file, "a:b", LT_STREAM_CREATE));
    fails(LT_EINVAL, try_stream(file, "a/b", LT_STREAM_CREATE));
    fails(LT_EINVAL, try_stream(file, "a\\b", LT_STREAM_CREATE));
    fails(LT_ENOENT, lt_node_stream_remove(NULL, file, lt_str("other")));
    int result = try_stream(stream(file, "s"), "nested", LT_STREAM_CREATE);
    assert_true(result < 0);
    char name[LT_NAME_UNITS_MAX + 2];
    memset(name, 'n', sizeof(name));
    name[LT_NAME_UNITS_MAX + 1] = '\0';
    fails(LT_ENAMETOOLONG, try_stream(file, name, LT_STREAM_CREATE));
    name[LT_NAME_UNITS_MAX] = '\0';
    ok(try_stream(file, name, LT_STREAM_CREATE));
}

TEST(stream__on_directories_too)
{
    (void)state;
    need_windows();
    struct lt_node *dir = make_dir(root, "d");
    put_text(stream(dir, "s"), 0, "of a directory");
    assert_string_equal(list_dir(dir), "");
    ok(try_remove(root, "d", LT_REMOVE_DIR)); /* streams do not make it non-empty */
}

TEST(stream__listed_in_order_of_upper_case)
{
    (void)state;
    need_windows();
    struct lt_node *file = make_file(root, "f");
    stream(file, "b");
    stream(file, "C");
    stream(file, "a");
    stream(file, "_");
    assert_string_equal(list_streams(file), "a,b,C,_");
}

TEST(stream__renamed)
{
    (void)state;
    need_windows();
    struct lt_node *file = make_file(root, "f");
    struct lt_node *a = stream(file, "a");
    put_text(a, 0, "A");
    put_text(stream(file, "b"), 0, "B");
    fails(LT_EEXIST, lt_node_stream_rename(NULL, file, lt_str("a"), lt_str("B"), false));
    fails(LT_ENOENT, lt_node_stream_rename(NULL, file, lt_str("x"), lt_str("y"), false));
    ok(lt_node_stream_rename(NULL, file, lt_str("a"), lt_str("B"), true));
    assert_string_equal(list_streams(file), "B");
    assert_ptr_equal(stream(file, "b"), a);
    ok(lt_node_stream_rename(NULL, file, lt_str("B"), lt_str("b"), false)); /* case alone */
    assert_string_equal(list_streams(file), "b");
}

TEST(stream__lives_on_while_referenced)
{
    (void)state;
    need_windows();
    struct lt_node *file = make_file(root, "f");
    struct lt_node *s = stream(file, "s");
    put_text(s, 0, "kept");
    ok(lt_node_stream_remove(NULL, file, lt_str("s")));
    expect_text(s, 0, "kept");
    fails(LT_ENOENT, try_stream(file, "s", 0));
    struct lt_node *again = stream(file, "s");
    assert_ptr_not_equal(again, s);
    put_text(again, 0, "new");
    ok(try_remove(root, "f", 0));
    drop(file);
    expect_text(again, 0, "new");
    expect_text(s, 0, "kept");
    put_bytes(again, 0, 50000, 1);
}

TEST(stream__data_operations)
{
    (void)state;
    need_windows();
    struct lt_node *s = stream(make_file(root, "f"), "s");
    struct lt_node *file = make_file(root, "g");
    uint64_t at = 0;
    put_bytes(s, 50000, 1000, 3);
    ok(lt_node_seek(NULL, s, 0, LT_SEEK_DATA, &at));
    assert_true(at <= 50000 && at + attr(s).block_size > 50000);
    ok(lt_node_allocate(NULL, s, LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE, 50000, 500));
    expect_bytes(s, 50000, 500, 0);
    expect_bytes(s, 50500, 500, 3);
    uint64_t done = 0;
    ok(lt_node_copy_range(NULL, s, 50500, file, 0, 500, &done));
    assert_int_equal(done, 500);
    expect_bytes(file, 0, 500, 3);
}

TEST(stream__shares_attributes_with_its_file)
{
    (void)state;
    need_windows();
    struct lt_node *file = make_file(root, "f");
    struct lt_node *s = stream(file, "s");
    struct lt_setattr set = {.mask = LT_SET_UID | LT_SET_MODE, .uid = 77, .mode = 0600};
    ok(lt_node_setattr(NULL, file, &set, NULL));
    assert_int_equal(attr(s).uid, 77);
    assert_int_equal(attr(s).mode & LT_S_PERM, 0600);
    fails(LT_EPERM, try_link(s, root, "x"));
}

/* ---- EAs ------------------------------------------------------------------------------------- */

static struct lt_ea ea(const char *name, const char *value)
{
    return (struct lt_ea){lt_str(name), lt_str(value), 0};
}

static int ea_size(struct lt_node *node)
{
    return (int)attr(node).ea_size;
}

TEST(ea__set_in_one_step)
{
    (void)state;
    need_windows();
    struct lt_node *file = make_file(root, "f");
    struct lt_ea list[] = {ea("ONE", "1"), ea("Two", "22"), ea("three", "333")};
    ok(lt_node_ea_set(NULL, file, list, 3, false));
    assert_string_equal(list_eas(file), "ONE,Two,three");
    assert_true(attr(file).has & LT_HAS_EA);
    assert_true(ea_size(file) > 0);
    struct lt_ea change[] = {ea("two", "changed"), ea("ONE", ""), ea("four", "4")};
    ok(lt_node_ea_set(NULL, file, change, 3, false));
    assert_true(strstr(list_eas(file), "ONE") == NULL);
    assert_true(strstr(list_eas(file), "three,four") != NULL);
    struct lt_ea only[] = {ea("last", "x")};
    ok(lt_node_ea_set(NULL, file, only, 1, true));
    assert_string_equal(list_eas(file), "last");
    ok(lt_node_ea_set(NULL, file, NULL, 0, true));
    assert_string_equal(list_eas(file), "");
    assert_int_equal(ea_size(file), 0);
    assert_false(attr(file).has & LT_HAS_EA);
}

TEST(ea__bad_lists_change_nothing)
{
    (void)state;
    need_windows();
    struct lt_node *file = make_file(root, "f");
    char *big = malloc(LT_EA_SIZE_MAX + 1);
    assert_non_null(big);
    memset(big, 'v', LT_EA_SIZE_MAX + 1);
    struct lt_ea good = ea("good", "1");
    struct lt_ea lists[][2] = {
        {good, ea("", "1")}, {good, ea("a*b", "1")}, {good, ea("\xc3\xa4", "1")}};
    for (size_t i = 0; i < 3; i++) {
        fails(LT_EINVAL, lt_node_ea_set(NULL, file, lists[i], 2, false));
    }
    struct lt_ea huge[] = {good, {lt_str("huge"), lt_strn(big, LT_EA_SIZE_MAX), 0}};
    fails(LT_E2BIG, lt_node_ea_set(NULL, file, huge, 2, false));
    assert_string_equal(list_eas(file), "");
    free(big);
}

static int on_ea_value(void *arg, const struct lt_ea *e)
{
    struct lt_ea *want = arg;
    assert_int_equal(e->value.len, want->value.len);
    assert_memory_equal(e->value.s, want->value.s, want->value.len);
    assert_int_equal(e->flags, want->flags);
    return 0;
}

TEST(ea__values_and_flags_are_kept)
{
    (void)state;
    need_windows();
    struct lt_node *dir = make_dir(root, "d");
    struct lt_ea one = {lt_str("name"), lt_strn("\0\1\2\0", 4), LT_EA_NEED};
    ok(lt_node_ea_set(NULL, dir, &one, 1, false));
    ok(lt_node_ea_list(NULL, dir, on_ea_value, &one));
}

/* ---- Reparse data ---------------------------------------------------------------------------- */

/* A REPARSE_DATA_BUFFER with a Microsoft tag; returns its length. */
static size_t reparse(unsigned char *buf, uint32_t tag, const char *data)
{
    size_t len = strlen(data);
    memset(buf, 0, 8);
    for (unsigned i = 0; i < 4; i++) {
        buf[i] = (unsigned char)(tag >> (8 * i));
    }
    buf[4] = (unsigned char)len;
    buf[5] = (unsigned char)(len >> 8);
    memcpy(buf + 8, data, len);
    return 8 + len;
}

#define TAG_DEDUP 0x80000013u
#define TAG_OTHER 0x80000017u

static int set_reparse(struct lt_node *node, uint32_t tag, const char *data)
{
    unsigned char buf[256];
    size_t len = reparse(buf, tag, data);
    return lt_node_reparse_set(NULL, node, lt_strn((const char *)buf, len));
}

TEST(reparse__set_get_remove)
{
    (void)state;
    need_windows();
    struct lt_node *file = make_file(root, "f");
    unsigned char buf[256];
    unsigned char want[256];
    size_t len = reparse(want, TAG_DEDUP, "payload");
    fails(LT_ENODATA, lt_node_reparse_get(NULL, file, NULL, 0));
    ok(set_reparse(file, TAG_DEDUP, "payload"));
    counts(len, lt_node_reparse_get(NULL, file, NULL, 0));
    counts(len, lt_node_reparse_get(NULL, file, buf, sizeof(buf)));
    assert_memory_equal(buf, want, len);
    fails(LT_ERANGE, lt_node_reparse_get(NULL, file, buf, 4));
    assert_int_equal(attr(file).reparse_tag, TAG_DEDUP);
    assert_true(attr(file).win_attrs & LT_WIN_REPARSE_POINT);
    assert_true(attr(file).has & LT_HAS_REPARSE);
    ok(set_reparse(file, TAG_DEDUP, "other payload"));
    fails(LT_EEXIST, set_reparse(file, TAG_OTHER, "x"));
    unsigned char header[8];
    reparse(header, TAG_OTHER, "");
    fails(LT_EEXIST, lt_node_reparse_remove(NULL, file, lt_strn((char *)header, 8)));
    reparse(header, TAG_DEDUP, "");
    ok(lt_node_reparse_remove(NULL, file, lt_strn((char *)header, 8)));
    assert_int_equal(attr(file).reparse_tag, 0);
    assert_false(attr(file).win_attrs & LT_WIN_REPARSE_POINT);
    fails(LT_ENODATA, lt_node_reparse_remove(NULL, file, lt_str("")));
    ok(set_reparse(file, TAG_OTHER, "x"));
    ok(lt_node_reparse_remove(NULL, file, lt_str("")));
}

TEST(reparse__directories_must_be_empty)
{
    (void)state;
    need_windows();
    struct lt_node *dir = make_dir(root, "d");
    make_file(dir, "f");
    fails(LT_ENOTEMPTY, set_reparse(dir, TAG_DEDUP, "x"));
    ok(try_remove(dir, "f", 0));
    ok(set_reparse(dir, TAG_DEDUP, "x"));
}

TEST(reparse__malformed_is_refused)
{
    (void)state;
    need_windows();
    struct lt_node *file = make_file(root, "f");
    unsigned char buf[LT_REPARSE_SIZE_MAX + 8];
    memset(buf, 0, sizeof(buf));
    size_t len = reparse(buf, TAG_DEDUP, "data");
    fails(LT_EINVAL, lt_node_reparse_set(NULL, file, lt_strn((char *)buf, len - 1)));
    fails(LT_EINVAL, lt_node_reparse_set(NULL, file, lt_strn((char *)buf, len + 1)));
    fails(LT_EINVAL, lt_node_reparse_set(NULL, file, lt_strn((char *)buf, 7)));
    fails(LT_EINVAL, lt_node_reparse_set(NULL, file, lt_strn((char *)buf, 0)));
    fails(LT_EINVAL, set_reparse(file, 0, "x"));
    fails(LT_EINVAL, set_reparse(file, 1, "x"));
    reparse(buf, TAG_DEDUP, "");
    buf[4] = (unsigned char)(LT_REPARSE_SIZE_MAX & 0xff);
    buf[5] = (unsigned char)(LT_REPARSE_SIZE_MAX >> 8);
    fails(LT_EINVAL,
          lt_node_reparse_set(NULL, file, lt_strn((char *)buf, LT_REPARSE_SIZE_MAX + 8)));
    assert_int_equal(attr(file).reparse_tag, 0);
}

TEST(reparse__other_vendors_need_the_guid)
{
    (void)state;
    need_windows();
    struct lt_node *file = make_file(root, "f");
    unsigned char buf[64];
    unsigned char moved[64] = {0};
    size_t len = reparse(buf, 0x00000042u, "abcd");
    memcpy(moved, buf, 8);
    memset(moved + 8, 0x11, 16);
    memcpy(moved + 24, "abcd", 4);
    fails(LT_EINVAL, lt_node_reparse_set(NULL, file, lt_strn((char *)buf, len)));
    ok(lt_node_reparse_set(NULL, file, lt_strn((char *)moved, 28)));
    moved[8] = 0x22; /* another GUID */
    fails(LT_EEXIST, lt_node_reparse_set(NULL, file, lt_strn((char *)moved, 28)));
}

/* ---- Security -------------------------------------------------------------------------------- */

/* Revision 1, self-relative, owner S-1-1-0, nothing else. */
static const unsigned char descriptor[] = {1, 0, 0x00, 0x80, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                           0, 0, 0,    0,    1,  1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};

TEST(security__stored_as_given)
{
    (void)state;
    need_windows();
    struct lt_node *file = make_file(root, "f");
    struct lt_str value = lt_strn((const char *)descriptor, sizeof(descriptor));
    unsigned char buf[64];
    fails(LT_ENODATA, lt_node_security_get(NULL, file, NULL, 0));
    ok(lt_node_security_set(NULL, file, value));
    counts(sizeof(descriptor), lt_node_security_get(NULL, file, NULL, 0));
    counts(sizeof(descriptor), lt_node_security_get(NULL, file, buf, sizeof(buf)));
    assert_memory_equal(buf, descriptor, sizeof(descriptor));
    fails(LT_ERANGE, lt_node_security_get(NULL, file, buf, 10));
    assert_true(attr(file).has & LT_HAS_SECURITY);
    ok(lt_node_security_set(NULL, file, lt_str("")));
    fails(LT_ENODATA, lt_node_security_get(NULL, file, NULL, 0));
    assert_false(attr(file).has & LT_HAS_SECURITY);
}

TEST(security__malformed_is_refused)
{
    (void)state;
    need_windows();
    struct lt_node *file = make_file(root, "f");
    unsigned char bad[sizeof(descriptor)];
    for (size_t len = 1; len < sizeof(descriptor); len++) {
        fails(LT_EINVAL, lt_node_security_set(NULL, file, lt_strn((const char *)descriptor, len)));
    }
    memcpy(bad, descriptor, sizeof(bad));
    bad[0] = 2; /* revision */
    fails(LT_EINVAL, lt_node_security_set(NULL, file, lt_strn((char *)bad, sizeof(bad))));
    memcpy(bad, descriptor, sizeof(bad));
    bad[3] = 0; /* not self-relative */
    fails(LT_EINVAL, lt_node_security_set(NULL, file, lt_strn((char *)bad, sizeof(bad))));
    memcpy(bad, descriptor, sizeof(bad));
    bad[5] = 0xff; /* owner far outside */
    fails(LT_EINVAL, lt_node_security_set(NULL, file, lt_strn((char *)bad, sizeof(bad))));
    memcpy(bad, descriptor, sizeof(bad));
    bad[21] = 15; /* more sub-authorities than there are bytes */
    fails(LT_EINVAL, lt_node_security_set(NULL, file, lt_strn((char *)bad, sizeof(bad))));
}

TEST(security__given_at_creation)
{
    (void)state;
    need_windows();
    struct lt_create spec = {.mode = LT_S_IFREG | 0644,
                             .win_attrs = LT_WIN_HIDDEN | LT_WIN_ARCHIVE,
                             .security = lt_strn((const char *)descriptor, sizeof(descriptor))};
    struct lt_entry entry = {0};
    ok(lt_node_create(NULL, root, lt_str("f"), &spec, &entry));
    keep(entry.node);
    counts(sizeof(descriptor), lt_node_security_get(NULL, entry.node, NULL, 0));
    assert_int_equal(entry.attr.win_attrs, LT_WIN_HIDDEN | LT_WIN_ARCHIVE);
    spec.security = lt_str("nonsense");
    fails(LT_EINVAL, lt_node_create(NULL, root, lt_str("g"), &spec, &entry));
    assert_string_equal(list_dir(root), "f");
}

/* ---- Attributes and label -------------------------------------------------------------------- */

TEST(win_attrs__set_and_derived)
{
    (void)state;
    need_windows();
    struct lt_node *file = make_file(root, "f");
    struct lt_node *dir = make_dir(root, "d");
    struct lt_setattr set = {.mask = LT_SET_WIN_ATTRS, .win_attrs = LT_WIN_SETTABLE};
    ok(lt_node_setattr(NULL, file, &set, NULL));
    assert_int_equal(attr(file).win_attrs, LT_WIN_SETTABLE);
    set.win_attrs = LT_WIN_HIDDEN | LT_WIN_DIRECTORY | LT_WIN_REPARSE_POINT | LT_WIN_NORMAL;
    ok(lt_node_setattr(NULL, file, &set, NULL));
    assert_int_equal(attr(file).win_attrs, LT_WIN_HIDDEN);
    assert_int_equal(attr(dir).win_attrs & LT_WIN_DIRECTORY, LT_WIN_DIRECTORY);
    set.win_attrs = 0;
    ok(lt_node_setattr(NULL, dir, &set, NULL));
    assert_int_equal(attr(dir).win_attrs, LT_WIN_DIRECTORY);
}

TEST(label__set_and_limited)
{
    (void)state;
    char label[200];
    struct lt_volume v;
    int result = lt_fs_set_label(NULL, fs, lt_str("My disk \xe2\x82\xac"));
    if (result == LT_EOPNOTSUPP) {
        skip();
    }
    ok(result);
    lt_fs_volume(fs, &v);
    assert_string_equal(v.label, "My disk \xe2\x82\xac");
    memset(label, 'l', sizeof(label));
    ok(lt_fs_set_label(NULL, fs, lt_strn(label, LT_LABEL_UNITS_MAX)));
    fails(LT_EINVAL, lt_fs_set_label(NULL, fs, lt_strn(label, LT_LABEL_UNITS_MAX + 1)));
    for (unsigned i = 0; i < LT_LABEL_UNITS_MAX; i++) {
        memcpy(label + 3 * i, "\xe2\x82\xac", 3);
    }
    ok(lt_fs_set_label(NULL, fs, lt_strn(label, 3 * LT_LABEL_UNITS_MAX)));
    lt_fs_volume(fs, &v);
    assert_int_equal(strlen(v.label), 3 * LT_LABEL_UNITS_MAX);
    ok(lt_fs_set_label(NULL, fs, lt_str("")));
}
