// SPDX-License-Identifier: MIT
/* What few files have, in an image: it survives, it is shared, it goes with its file, and damage to
 * it does no harm. */
#include "image_volume.h"

#include <fault.h>
#include <fs/image/store/varint.h>
#include <lintel/acl.h>
#include <stdio.h>
#include <stdlib.h>

#define VOLUME_SIZE (32u << 20)

static int set_up(void **state)
{
    (void)state;
    volume_open(VOLUME_SIZE);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    volume_close();
    return 0;
}

/* ---- Short forms --------------------------------------------------------------------------- */

static unsigned char big[LT_XATTR_SIZE_MAX];

static struct lt_str bytes(size_t len, int fill)
{
    memset(big, fill, len);
    return lt_strn((const char *)big, len);
}

static int set(struct lt_node *node, const char *name, struct lt_str value)
{
    return lt_node_xattr_set(NULL, node, lt_str(name), value, 0);
}

/* The length of an attribute all of `fill`, or the error. */
static int value_of(struct lt_node *node, const char *name, int fill)
{
    static unsigned char value[LT_XATTR_SIZE_MAX];
    int len = lt_node_xattr_get(NULL, node, lt_str(name), value, sizeof(value));
    for (int i = 0; i < len; i++)
        assert_int_equal(value[i], fill);
    return len;
}

static int count_name(void *arg, struct lt_str name)
{
    (void)name;
    ++*(int *)arg;
    return 0;
}

static int count_xattrs(struct lt_node *node)
{
    int count = 0;
    int r = lt_node_xattr_list(NULL, node, count_name, &count);
    return r < 0 ? r : count;
}

static int open_stream(struct lt_node *node, const char *name, uint32_t flags, struct lt_node **ret)
{
    return lt_node_stream_open(NULL, node, lt_str(name), flags, ret);
}

static struct lt_node *stream(struct lt_node *node, const char *name)
{
    struct lt_node *ret = NULL;
    assert_int_equal(open_stream(node, name, LT_STREAM_CREATE, &ret), 0);
    return ret;
}

static int find_stream(struct lt_node *node, const char *name)
{
    struct lt_node *ret = NULL;
    int r = open_stream(node, name, 0, &ret);
    lt_node_put(ret);
    return r;
}

static int count_stream(void *arg, const struct lt_stream *s)
{
    (void)s;
    ++*(int *)arg;
    return 0;
}

static int count_streams(struct lt_node *node)
{
    int count = 0;
    int r = lt_node_stream_list(NULL, node, count_stream, &count);
    return r < 0 ? r : count;
}

static void write_text(struct lt_node *node, const char *text)
{
    assert_int_equal(lt_node_pwrite(NULL, node, 0, text, strlen(text)), strlen(text));
}

static void expect_text(struct lt_node *node, const char *text)
{
    char buf[64] = "";
    assert_int_equal(lt_node_pread(NULL, node, 0, buf, sizeof(buf)), strlen(text));
    assert_string_equal(buf, text);
}

/* Self-relative, owner S-1-1-0, and an ACL of `aces` entries. */
static struct lt_str descriptor(size_t aces)
{
    static unsigned char sd[LT_SECURITY_SIZE_MAX];
    static const unsigned char head[] = {1,  0, 4, 0x80, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                         32, 0, 0, 0,    1,  1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};
    size_t acl = 8 + 20 * aces;
    memset(sd, 0, sizeof(head) + acl);
    memcpy(sd, head, sizeof(head));
    unsigned char *at = sd + sizeof(head);
    at[0] = 2;
    at[2] = (unsigned char)acl;
    at[3] = (unsigned char)(acl >> 8);
    at[4] = (unsigned char)aces;
    at[5] = (unsigned char)(aces >> 8);
    for (at += 8; aces-- > 0; at += 20) {
        at[2] = 20;
        at[8] = at[9] = at[15] = 1;
    }
    return lt_strn((const char *)sd, sizeof(head) + acl);
}

static int secure(struct lt_node *node, struct lt_str sd)
{
    return lt_node_security_set(NULL, node, sd);
}

static int security_length(struct lt_node *node)
{
    return lt_node_security_get(NULL, node, NULL, 0);
}

static int set_reparse(struct lt_node *node, uint32_t tag, size_t len)
{
    unsigned char data[8 + 4000] = {(unsigned char)tag,         (unsigned char)(tag >> 8),
                                    (unsigned char)(tag >> 16), (unsigned char)(tag >> 24),
                                    (unsigned char)len,         (unsigned char)(len >> 8)};
    return lt_node_reparse_set(NULL, node, lt_strn((const char *)data, 8 + len));
}

static int set_ea(struct lt_node *node, const char *name, struct lt_str value)
{
    const struct lt_ea ea = {lt_str(name), value, LT_EA_NEED};
    return lt_node_ea_set(NULL, node, &ea, 1, false);
}

static int add_ea(void *arg, const struct lt_ea *ea)
{
    *(size_t *)arg += ea->name.len + ea->value.len;
    return 0;
}

static int ea_bytes(struct lt_node *node)
{
    size_t total = 0;
    int r = lt_node_ea_list(NULL, node, add_ea, &total);
    return r < 0 ? r : (int)total;
}

/* ---- Extended attributes ------------------------------------------------------------------- */

static void test_xattr__survives(void **state)
{
    (void)state;
    struct lt_node *f = made_file("f");
    assert_int_equal(set(f, "user.small", bytes(3, 's')), 0);
    assert_int_equal(set(f, "user.none", lt_str("")), 0);
    assert_int_equal(set(f, "user.large", bytes(LT_XATTR_SIZE_MAX, 'l')), 0);
    assert_int_equal(set(f, "security.capability", bytes(20, 'c')), 0);
    for (int i = 0; i < 2; i++) {
        lt_node_put(f);
        volume_reopen(i > 0);
        f = found("f");
        assert_int_equal(value_of(f, "user.small", 's'), 3);
        assert_int_equal(value_of(f, "user.none", 0), 0);
        assert_int_equal(value_of(f, "user.large", 'l'), LT_XATTR_SIZE_MAX);
        assert_int_equal(attr_of(f).has, LT_HAS_XATTR | LT_HAS_CAPABILITY);
        assert_int_equal(count_xattrs(f), 4);
    }
    lt_node_put(f);
}

static void test_xattr__has_tells_what_is_left(void **state)
{
    (void)state;
    struct lt_node *d = made(root, "d", LT_S_IFDIR | 0755);
    unsigned char acl[] = {2, 0, 0,   0,   1,   0,   7,  0, 255, 255, 255, 255, 4,   0,
                           5, 0, 255, 255, 255, 255, 32, 0, 5,   0,   255, 255, 255, 255};
    struct lt_str value = lt_strn((const char *)acl, sizeof(acl));
    assert_int_equal(set(d, LT_ACL_DEFAULT, value), 0);
    assert_int_equal(set(d, "user.a", lt_str("1")), 0);
    assert_int_equal(set(d, "security.capability", lt_str("1")), 0);
    assert_int_equal(attr_of(d).has, LT_HAS_DEFAULT_ACL | LT_HAS_XATTR | LT_HAS_CAPABILITY);
    assert_int_equal(lt_node_xattr_remove(NULL, d, lt_str("security.capability")), 0);
    assert_int_equal(attr_of(d).has, LT_HAS_DEFAULT_ACL | LT_HAS_XATTR);
    assert_int_equal(lt_node_xattr_remove(NULL, d, lt_str("user.a")), 0);
    assert_int_equal(attr_of(d).has, LT_HAS_DEFAULT_ACL);
    assert_int_equal(lt_node_xattr_remove(NULL, d, lt_str(LT_ACL_DEFAULT)), 0);
    assert_int_equal(attr_of(d).has, 0);
    lt_node_put(d);
}

static void test_xattr__go_with_their_file(void **state)
{
    char name[32];
    (void)state;
    size_t before = volume_count(0);
    struct lt_node *f = made_file("f");
    for (int i = 0; i < 700; i++) {
        (void)snprintf(name, sizeof(name), "user.%d", i);
        assert_int_equal(set(f, name, bytes(i % 3 ? 10 : 2500, 'x')), 0);
    }
    assert_int_equal(count_xattrs(f), 700);
    assert_int_equal(drop("f"), 0);
    assert_int_equal(count_xattrs(f), 700); /* it is still there */
    lt_node_put(f);
    assert_int_equal(volume_count(0), before);
}

/* ---- Streams ------------------------------------------------------------------------------- */

static void test_stream__survives(void **state)
{
    (void)state;
    struct lt_node *f = made_file("f"), *s = stream(f, "Info");
    uint64_t id = s->id;
    write_text(s, "beside");
    for (int i = 0; i < 2; i++) {
        lt_node_put(s);
        lt_node_put(f);
        volume_reopen(i > 0);
        f = found("f");
        assert_int_equal(attr_of(f).has, LT_HAS_STREAM);
        assert_int_equal(open_stream(f, "iNFO", 0, &s), 0);
        assert_int_equal(s->id, id);
        assert_int_equal(s->type, LT_S_STREAM);
        expect_text(s, "beside");
    }
    lt_node_put(s);
    lt_node_put(f);
}

static void test_stream__removed_while_open_goes_after_a_cut(void **state)
{
    (void)state;
    struct lt_node *f = made_file("f");
    lt_node_put(f);
    size_t before = volume_count(0);
    f = found("f");
    struct lt_node *s = stream(f, "s");
    write_text(s, "text");
    assert_int_equal(lt_node_stream_remove(NULL, f, lt_str("s")), 0);
    assert_int_equal(volume_count(IMG_ORPHAN), 1);
    expect_text(s, "text");
    assert_int_equal(lt_fs_sync(NULL, fs), 0);
    struct lt_device *copy;
    assert_int_equal(lt_sim_cut(disk, lt_sim_time(disk), 0, &copy), 0);
    lt_node_put(s);
    lt_node_put(f);
    assert_int_equal(volume_count(0), before);
    lt_imgfs_abandon(fs);
    assert_int_equal(volume_try_open(copy, "commit=0"), 0);
    assert_int_equal(volume_count(0), before);
    f = found("f");
    assert_int_equal(count_streams(f), 0);
    assert_int_equal(attr_of(f).has, 0);
    lt_node_put(f);
}

static void test_stream__go_with_their_file(void **state)
{
    char name[32];
    (void)state;
    size_t before = volume_count(0);
    struct lt_node *f = made_file("f"), *kept = NULL;
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof(name), "s%d", i);
        struct lt_node *s = stream(f, name);
        write_text(s, name);
        if (i == 50)
            kept = lt_node_get(s);
        lt_node_put(s);
    }
    assert_int_equal(count_streams(f), 100);
    assert_int_equal(drop("f"), 0);
    lt_node_put(f);
    expect_text(kept, "s50"); /* and keeps its file, with all streams */
    lt_node_put(kept);
    assert_int_equal(volume_count(0), before);
}

static void test_stream__of_a_removed_file_goes_after_a_cut(void **state)
{
    (void)state;
    size_t before = volume_count(0);
    struct lt_node *f = made_file("f"), *s = stream(f, "s"), *t = stream(f, "t");
    lt_node_put(t);
    assert_int_equal(drop("f"), 0);
    struct lt_device *copy;
    assert_int_equal(lt_fs_sync(NULL, fs), 0);
    assert_int_equal(lt_sim_cut(disk, lt_sim_time(disk), 0, &copy), 0);
    lt_node_put(s);
    lt_node_put(f);
    lt_imgfs_abandon(fs);
    assert_int_equal(volume_try_open(copy, "commit=0"), 0);
    assert_int_equal(volume_count(0), before);
}

static void test_stream__replaced_by_rename_goes(void **state)
{
    (void)state;
    struct lt_node *f = made_file("f"), *a = stream(f, "a"), *b = stream(f, "b");
    write_text(a, "A");
    write_text(b, "B");
    lt_node_put(b);
    size_t before = volume_count(IMG_INODE);
    assert_int_equal(lt_node_stream_rename(NULL, f, lt_str("a"), lt_str("B"), false), LT_EEXIST);
    assert_int_equal(lt_node_stream_rename(NULL, f, lt_str("a"), lt_str("B"), true), 0);
    assert_int_equal(volume_count(IMG_INODE), before - 1);
    assert_int_equal(volume_count(IMG_STREAM), 1);
    lt_node_put(a);
    lt_node_put(f);
    volume_reopen(false);
    f = found("f");
    assert_int_equal(find_stream(f, "a"), LT_ENOENT);
    b = stream(f, "b");
    expect_text(b, "A");
    lt_node_put(b);
    lt_node_put(f);
}

/* ---- EAs, reparse data --------------------------------------------------------------------- */

static void test_ea_and_reparse__survive(void **state)
{
    (void)state;
    struct lt_node *f = made_file("f");
    assert_int_equal(set_ea(f, "one", bytes(60000, 1)), 0);
    assert_int_equal(set_ea(f, "two", bytes(20, 2)), 0);
    assert_int_equal(set_reparse(f, 0x80000013, 3000), 0);
    struct lt_attr before = attr_of(f);
    for (int i = 0; i < 2; i++) {
        lt_node_put(f);
        volume_reopen(i > 0);
        f = found("f");
        struct lt_attr after = attr_of(f);
        assert_int_equal(after.has, LT_HAS_EA | LT_HAS_REPARSE);
        assert_int_equal(after.ea_size, before.ea_size);
        assert_int_equal(after.reparse_tag, 0x80000013);
        assert_int_equal(after.version, before.version);
        assert_int_equal(ea_bytes(f), 60026);
        assert_int_equal(lt_node_reparse_get(NULL, f, NULL, 0), 3008);
    }
    assert_int_equal(set_ea(f, "one", lt_str("")), 0);
    assert_int_equal(volume_count(IMG_EA), 1);
    assert_int_equal(lt_node_ea_set(NULL, f, NULL, 0, true), 0);
    assert_int_equal(lt_node_reparse_remove(NULL, f, lt_str("")), 0);
    assert_int_equal(volume_count(IMG_EA) + volume_count(IMG_REPARSE), 0);
    assert_int_equal(attr_of(f).has, 0);
    lt_node_put(f);
}

/* ---- Security descriptors ------------------------------------------------------------------ */

static uint32_t refs_of(size_t n)
{
    uint8_t value[IMG_CHUNK];
    size_t len;
    (void)volume_item(IMG_SECURITY, n, value, &len);
    return (uint32_t)value[0] | (uint32_t)value[1] << 8;
}

static void test_security__is_stored_once(void **state)
{
    struct lt_node *files[300];
    char name[16];
    (void)state;
    size_t before = volume_count(0);
    for (int i = 0; i < 300; i++) {
        (void)snprintf(name, sizeof(name), "%d", i);
        files[i] = made_file(name);
        assert_int_equal(secure(files[i], descriptor((size_t)i % 2)), 0);
    }
    assert_int_equal(volume_count(IMG_SECURITY), 2);
    assert_int_equal(refs_of(0), 150);
    assert_int_equal(refs_of(1), 150);
    assert_int_equal(secure(files[0], descriptor(0)), 0); /* the same once more */
    assert_int_equal(secure(files[1], lt_str("")), 0);
    assert_int_equal(refs_of(0) + refs_of(1), 299);
    for (int i = 0; i < 300; i++) {
        (void)snprintf(name, sizeof(name), "%d", i);
        lt_node_put(files[i]);
        assert_int_equal(drop(name), 0);
    }
    assert_int_equal(volume_count(0), before);
}

static void test_security__long_ones_survive(void **state)
{
    (void)state;
    struct lt_node *f = made_file("f"), *g = made_file("g");
    struct lt_str sd = descriptor(3200);
    assert_int_equal(secure(f, sd), 0);
    assert_int_equal(secure(g, sd), 0);
    assert_int_equal(volume_count(IMG_SECURITY), (sd.len + 4 + 1023) / 1024);
    lt_node_put(f);
    lt_node_put(g);
    volume_reopen(true);
    g = found("g");
    assert_int_equal(security_length(g), sd.len);
    lt_node_put(g);
    assert_int_equal(drop("f"), 0);
    assert_int_equal(refs_of(0), 1);
    assert_int_equal(drop("g"), 0);
    assert_int_equal(volume_count(IMG_SECURITY), 0);
}

static void test_security__a_full_count_is_not_shared(void **state)
{
    uint8_t value[IMG_CHUNK];
    size_t len;
    (void)state;
    struct lt_node *f = made_file("f"), *g = made_file("g");
    assert_int_equal(secure(f, descriptor(1)), 0);
    struct img_key key = volume_item(IMG_SECURITY, 0, value, &len);
    memset(value, 0xff, 4);
    volume_damage(key, value, len);
    assert_int_equal(secure(g, descriptor(1)), 0);
    assert_int_equal(volume_count(IMG_SECURITY), 2);
    assert_int_equal(security_length(g), descriptor(1).len);
    lt_node_put(f);
    lt_node_put(g);
}

static void test_create__with_all_of_it(void **state)
{
    (void)state;
    unsigned char acl[4 + 8 * 5] = {2, 0, 0,   0,   1,   0,   7,  0, 255, 255, 255, 255, 2,   0,  7,
                                    0, 1, 0,   0,   0,   4,   0,  5, 0,   255, 255, 255, 255, 16, 0,
                                    7, 0, 255, 255, 255, 255, 32, 0, 5,   0,   255, 255, 255, 255};
    assert_int_equal(set(root, LT_ACL_DEFAULT, lt_strn((const char *)acl, sizeof(acl))), 0);
    size_t before = volume_count(0);
    struct lt_create spec = {.mode = LT_S_IFDIR | 0777, .security = descriptor(3000)};
    struct lt_entry e = {.node = NULL};
    assert_int_equal(lt_node_create(NULL, root, lt_str("d"), &spec, &e), 0);
    assert_int_equal(e.attr.has, LT_HAS_ACL | LT_HAS_DEFAULT_ACL | LT_HAS_SECURITY);
    assert_int_equal(security_length(e.node), descriptor(3000).len);
    lt_node_put(e.node);
    assert_int_equal(drop("d"), 0);
    assert_int_equal(volume_count(0), before);
}

/* ---- Lack of memory ------------------------------------------------------------------------ */

static int all_kinds(struct lt_node *f, unsigned which)
{
    switch (which) {
    case 0:
        return set(f, "user.n", bytes(3000, 'n'));
    case 1:
        return set_ea(f, "new", bytes(3000, 'n'));
    case 2:
        return set_reparse(f, 0x80000013, 2000);
    case 3:
        return secure(f, descriptor(200));
    case 4:
        return lt_node_stream_rename(NULL, f, lt_str("old"), lt_str("new"), false);
    case 5:
        return lt_node_stream_remove(NULL, f, lt_str("new"));
    default:
        return find_stream(f, "kept");
    }
}

static void test_nomem__changes_nothing(void **state)
{
    (void)state;
    struct lt_node *f = made_file("f");
    lt_node_put(stream(f, "old"));
    lt_node_put(stream(f, "kept"));
    for (unsigned which = 0; which < 7; which++) {
        size_t before = volume_count(0);
        struct lt_attr attr = attr_of(f);
        FAULT_EACH(n)
        {
            int r = all_kinds(f, which);
            if (!fault_disarm()) {
                assert_int_equal(r, 0);
            } else if (r < 0) {
                assert_int_equal(r, LT_ENOMEM);
                assert_int_equal(attr_of(f).version, attr.version);
                assert_int_equal(attr_of(f).has, attr.has);
                assert_int_equal(volume_count(0), before);
            } else {
                break; /* it could do without */
            }
        }
        (void)fault_disarm();
    }
    lt_node_put(f);
}

/* ---- A full volume ------------------------------------------------------------------------- */

/* Values as long as they may be, until nothing fits: then the operation changes nothing. */
static void fill_up(struct lt_node *f)
{
    char name[32];
    int r = 0;
    for (int i = 0; r == 0; i++) {
        (void)snprintf(name, sizeof(name), "user.fill%d", i);
        r = set(f, name, bytes(LT_XATTR_SIZE_MAX, 'f'));
    }
    assert_int_equal(r, LT_ENOSPC);
    assert_int_equal(value_of(f, name, 'f'), LT_ENODATA);
    for (size_t len = LT_XATTR_SIZE_MAX / 2; len > 0; len /= 2) {
        (void)snprintf(name, sizeof(name), "user.%zu", len);
        r = set(f, name, bytes(len, 'f'));
        assert_true(r == 0 || r == LT_ENOSPC);
    }
}

static void test_nospace__leaves_what_there_is_and_removing_works(void **state)
{
    (void)state;
    volume_close();
    volume_open(4u << 20);
    size_t before = volume_count(0);
    struct lt_node *f = made_file("f"), *g = made_file("g"), *s = NULL;
    assert_int_equal(set(g, "user.a", bytes(3000, 'a')), 0);
    assert_int_equal(set_ea(g, "one", bytes(3000, 1)), 0);
    assert_int_equal(secure(g, descriptor(150)), 0);
    assert_int_equal(set_reparse(g, 0x80000013, 3000), 0);
    lt_node_put(stream(g, "s"));
    fill_up(f);
    struct lt_attr attr = attr_of(g);
    assert_int_equal(set(g, "user.a", bytes(LT_XATTR_SIZE_MAX, 'b')), LT_ENOSPC);
    assert_int_equal(set_ea(g, "two", bytes(60000, 1)), LT_ENOSPC);
    assert_int_equal(secure(g, descriptor(3000)), LT_ENOSPC);
    assert_int_equal(attr_of(g).version, attr.version);
    assert_int_equal(value_of(g, "user.a", 'a'), 3000);
    assert_int_equal(ea_bytes(g), 3003);
    assert_int_equal(security_length(g), descriptor(150).len);
    assert_int_equal(open_stream(g, "s", 0, &s), 0);
    lt_node_put(s);
    assert_int_equal(lt_node_stream_remove(NULL, g, lt_str("s")), 0);
    assert_int_equal(lt_node_ea_set(NULL, g, NULL, 0, true), 0);
    assert_int_equal(lt_node_reparse_remove(NULL, g, lt_str("")), 0);
    assert_int_equal(secure(g, lt_str("")), 0);
    assert_int_equal(lt_node_xattr_remove(NULL, g, lt_str("user.a")), 0);
    lt_node_put(g);
    lt_node_put(f);
    assert_int_equal(drop("f"), 0);
    assert_int_equal(drop("g"), 0);
    assert_int_equal(volume_count(0), before);
}

/* ---- A disk that fails --------------------------------------------------------------------- */

static void test_ioerr__leaves_a_state_that_was(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 12; n++) {
        volume_close();
        volume_open_with(&(struct lt_image_params){.size = VOLUME_SIZE}, "commit=0,sync=always");
        struct lt_node *f = made_file("f");
        assert_int_equal(set(f, "user.a", bytes(2000, 'a')), 0);
        lt_sim_fail(disk, n, LT_EIO, true);
        int r = set(f, "user.a", bytes(5000, 'b'));
        int r2 = secure(f, descriptor(5));
        lt_sim_fail(disk, 0, 0, false);
        lt_node_put(f);
        assert_int_equal(volume_cut(), 0);
        f = found("f");
        bool is_new = lt_node_xattr_get(NULL, f, lt_str("user.a"), NULL, 0) == 5000;
        assert_int_equal(value_of(f, "user.a", is_new ? 'b' : 'a'), is_new ? 5000 : 2000);
        if (r == 0)
            assert_true(is_new);
        if (r2 == 0)
            assert_int_equal(security_length(f), descriptor(5).len);
        lt_node_put(f);
    }
}

/* ---- Damage -------------------------------------------------------------------------------- */

static void test_hostile__security_that_leads_nowhere(void **state)
{
    uint8_t value[IMG_CHUNK];
    size_t len;
    (void)state;
    struct lt_node *f = made_file("f");
    assert_int_equal(secure(f, descriptor(100)), 0);
    struct img_key key = volume_item(IMG_SECURITY, 0, value, &len);
    memset(value, 0, 4); /* nobody's */
    volume_damage(key, value, len);
    assert_int_equal(secure(f, descriptor(100)), LT_EUCLEAN);
    volume_damage(key, value, 3);
    assert_int_equal(security_length(f), LT_EUCLEAN);
    assert_int_equal(secure(f, lt_str("")), LT_EUCLEAN);
    volume_damage(key, NULL, 0);
    assert_int_equal(security_length(f), LT_EUCLEAN);
    assert_int_equal(secure(f, lt_str("")), LT_EUCLEAN);
    assert_int_equal(drop("f"), 0); /* but it can be removed */
    lt_node_put(f);
    assert_int_equal(volume_count(IMG_INODE), 1);
}

static void test_hostile__security_that_is_none(void **state)
{
    uint8_t value[IMG_CHUNK];
    size_t len;
    (void)state;
    struct lt_node *f = made_file("f");
    assert_int_equal(secure(f, descriptor(1)), 0);
    struct img_key key = volume_item(IMG_SECURITY, 0, value, &len);
    value[4 + 4] = 0xff; /* the owner, far outside */
    volume_damage(key, value, len);
    assert_int_equal(security_length(f), LT_EUCLEAN);
    lt_node_put(f);
}

static void test_hostile__xattrs(void **state)
{
    static const struct {
        size_t len;
        uint8_t value[8];
    } bad[] = {{0, {0}}, {1, {0}}, {4, {0, 'a', 'b', 'c'}}, {3, {3, 'a', 'b'}}, {2, {255, 'a'}}};
    uint8_t value[IMG_CHUNK];
    size_t len;
    (void)state;
    struct lt_node *f = made_file("f");
    assert_int_equal(set(f, "user.a", bytes(2500, 'a')), 0);
    struct img_key key = volume_item(IMG_XATTR, 0, value, &len);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        volume_damage(key, bad[i].value, bad[i].len);
        assert_int_equal(value_of(f, "user.a", 0), LT_EUCLEAN);
        assert_int_equal(set(f, "user.a", lt_str("new")), LT_EUCLEAN);
        assert_int_equal(lt_node_xattr_remove(NULL, f, lt_str("user.a")), LT_EUCLEAN);
        assert_int_equal(count_xattrs(f), LT_EUCLEAN);
    }
    volume_damage(key, NULL, 0); /* the pieces behind it stay */
    assert_int_equal(count_xattrs(f), LT_EUCLEAN);
    assert_int_equal(value_of(f, "user.a", 0), LT_EUCLEAN);
    assert_int_equal(drop("f"), 0);
    lt_node_put(f);
    assert_int_equal(volume_count(IMG_XATTR), 0);
}

static void test_hostile__eas_and_reparse_data(void **state)
{
    uint8_t value[IMG_CHUNK];
    size_t len;
    (void)state;
    struct lt_node *f = made_file("f");
    assert_int_equal(set_ea(f, "one", bytes(100, 1)), 0);
    struct img_key key = volume_item(IMG_EA, 0, value, &len);
    for (size_t cut = 0; cut < len; cut++) {
        volume_damage(key, value, cut);
        assert_int_equal(ea_bytes(f), cut ? LT_EUCLEAN : 0);
    }
    volume_damage(key, NULL, 0);
    assert_int_equal(ea_bytes(f), LT_EUCLEAN);
    assert_int_equal(set_ea(f, "one", lt_str("1")), LT_EUCLEAN);
    assert_int_equal(lt_node_ea_set(NULL, f, NULL, 0, true), 0);

    assert_int_equal(set_reparse(f, 0x80000013, 50), 0);
    key = volume_item(IMG_REPARSE, 0, value, &len);
    for (size_t cut = 0; cut < len; cut++) {
        volume_damage(key, value, cut);
        assert_int_equal(lt_node_reparse_get(NULL, f, NULL, 0), LT_EUCLEAN);
        assert_int_equal(lt_node_reparse_remove(NULL, f, lt_str("")), LT_EUCLEAN);
    }
    volume_damage(key, NULL, 0);
    assert_int_equal(lt_node_reparse_get(NULL, f, NULL, 0), LT_EUCLEAN);
    assert_int_equal(set_reparse(f, 0x80000013, 50), LT_EUCLEAN);
    lt_node_put(f);
}

/* A STREAM item with this id in it. */
static void lead_stream_to(struct img_key key, uint64_t id)
{
    uint8_t value[16];
    uint8_t *end = img_put_varint(value, id);
    *end++ = 's';
    volume_damage(key, value, (size_t)(end - value));
}

static void test_hostile__streams(void **state)
{
    uint8_t value[IMG_CHUNK];
    size_t len;
    (void)state;
    struct lt_node *f = made_file("f"), *g = made_file("g"), *other = stream(g, "s");
    write_text(g, "a file");
    write_text(other, "its stream");
    lt_node_put(stream(f, "s"));
    struct img_key key = volume_item(IMG_STREAM, 0, value, &len);
    assert_int_equal(key.id, f->id);
    const uint64_t ids[] = {0, 1, 5, f->id, g->id, other->id, 99999, UINT64_MAX};
    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
        lead_stream_to(key, ids[i]);
        assert_int_equal(find_stream(f, "s"), LT_EUCLEAN);
        assert_int_equal(find_stream(f, "t"), LT_ENOENT);
        assert_int_equal(count_streams(f), LT_EUCLEAN);
        assert_int_equal(lt_node_stream_remove(NULL, f, lt_str("s")), LT_EUCLEAN);
        assert_int_equal(lt_node_stream_rename(NULL, f, lt_str("s"), lt_str("t"), true),
                         LT_EUCLEAN);
    }
    for (size_t cut = 0; cut < 2; cut++) {
        volume_damage(key, value, cut);
        assert_int_equal(find_stream(f, "s"), LT_EUCLEAN);
        assert_int_equal(count_streams(f), LT_EUCLEAN);
    }
    lead_stream_to(key, other->id);
    assert_int_equal(drop("f"), 0); /* takes nothing along that is not its own */
    lt_node_put(f);
    expect_text(g, "a file");
    expect_text(other, "its stream");
    assert_int_equal(count_streams(g), 1);
    lt_node_put(other);
    lt_node_put(g);
}

/* Whatever the bytes of the items: errors perhaps, but no crash and no end. */
static void test_hostile__any_byte(void **state)
{
    static const uint8_t kinds[] = {IMG_XATTR, IMG_STREAM, IMG_EA, IMG_REPARSE, IMG_SECURITY};
    uint8_t value[IMG_CHUNK], changed[IMG_CHUNK];
    size_t len;
    (void)state;
    struct lt_node *f = made_file("f");
    assert_int_equal(set(f, "user.a", bytes(40, 'a')), 0);
    lt_node_put(stream(f, "s"));
    assert_int_equal(set_ea(f, "one", bytes(10, 1)), 0);
    assert_int_equal(set_reparse(f, 0x80000013, 10), 0);
    assert_int_equal(secure(f, descriptor(1)), 0);
    for (size_t k = 0; k < sizeof(kinds); k++) {
        struct img_key key = volume_item(kinds[k], 0, value, &len);
        for (size_t i = 0; i < 8 * len; i++) {
            memcpy(changed, value, len);
            changed[i / 8] ^= (uint8_t)(1u << i % 8);
            volume_damage(key, changed, len);
            (void)value_of(f, "user.b", 0);
            (void)count_xattrs(f);
            (void)find_stream(f, "s");
            (void)count_streams(f);
            (void)ea_bytes(f);
            (void)lt_node_reparse_get(NULL, f, NULL, 0);
            (void)security_length(f);
        }
        volume_damage(key, value, len);
    }
    assert_int_equal(value_of(f, "user.a", 'a'), 40);
    assert_int_equal(find_stream(f, "s"), 0);
    lt_node_put(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_xattr__survives),
        TEST(test_xattr__has_tells_what_is_left),
        TEST(test_xattr__go_with_their_file),
        TEST(test_stream__survives),
        TEST(test_stream__removed_while_open_goes_after_a_cut),
        TEST(test_stream__go_with_their_file),
        TEST(test_stream__of_a_removed_file_goes_after_a_cut),
        TEST(test_stream__replaced_by_rename_goes),
        TEST(test_ea_and_reparse__survive),
        TEST(test_security__is_stored_once),
        TEST(test_security__long_ones_survive),
        TEST(test_security__a_full_count_is_not_shared),
        TEST(test_create__with_all_of_it),
        TEST(test_nomem__changes_nothing),
        TEST(test_nospace__leaves_what_there_is_and_removing_works),
        TEST(test_ioerr__leaves_a_state_that_was),
        TEST(test_hostile__security_that_leads_nowhere),
        TEST(test_hostile__security_that_is_none),
        TEST(test_hostile__xattrs),
        TEST(test_hostile__eas_and_reparse_data),
        TEST(test_hostile__streams),
        TEST(test_hostile__any_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
