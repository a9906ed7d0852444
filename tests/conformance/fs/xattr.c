// SPDX-License-Identifier: MIT
/* Extended attributes and POSIX ACLs. */
#include "kit.h"

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

static int set(struct lt_node *node, const char *name, const char *value, uint32_t flags)
{
    return lt_node_xattr_set(NULL, node, lt_str(name), lt_str(value), flags);
}

static void expect(struct lt_node *node, const char *name, const char *value)
{
    char buf[256] = "";
    counts(strlen(value), lt_node_xattr_get(NULL, node, lt_str(name), buf, sizeof(buf)));
    assert_memory_equal(buf, value, strlen(value));
}

TEST(xattr__set_get_replace_remove)
{
    (void)state;
    struct lt_node *f = make_file(root, "f");
    fails(LT_ENODATA, lt_node_xattr_get(NULL, f, lt_str("user.a"), NULL, 0));
    ok(set(f, "user.a", "one", 0));
    ok(set(f, "user.b", "", 0));
    ok(set(f, "user.a", "another", 0));
    expect(f, "user.a", "another");
    expect(f, "user.b", "");
    assert_string_equal(list_xattrs(f), "user.a,user.b");
    assert_true(attr(f).has & LT_HAS_XATTR);
    ok(lt_node_xattr_remove(NULL, f, lt_str("user.a")));
    fails(LT_ENODATA, lt_node_xattr_remove(NULL, f, lt_str("user.a")));
    ok(lt_node_xattr_remove(NULL, f, lt_str("user.b")));
    assert_string_equal(list_xattrs(f), "");
    assert_false(attr(f).has & LT_HAS_XATTR);
}

TEST(xattr__create_and_replace_flags)
{
    (void)state;
    struct lt_node *f = make_file(root, "f");
    fails(LT_ENODATA, set(f, "user.a", "x", LT_XATTR_REPLACE));
    ok(set(f, "user.a", "x", LT_XATTR_CREATE));
    fails(LT_EEXIST, set(f, "user.a", "y", LT_XATTR_CREATE));
    ok(set(f, "user.a", "y", LT_XATTR_REPLACE));
    expect(f, "user.a", "y");
}

TEST(xattr__buffer_sizes)
{
    (void)state;
    struct lt_node *f = make_file(root, "f");
    char buf[8];
    ok(set(f, "user.a", "1234", 0));
    counts(4, lt_node_xattr_get(NULL, f, lt_str("user.a"), NULL, 0));
    counts(4, lt_node_xattr_get(NULL, f, lt_str("user.a"), buf, 4));
    fails(LT_ERANGE, lt_node_xattr_get(NULL, f, lt_str("user.a"), buf, 3));
}

TEST(xattr__name_spaces)
{
    (void)state;
    struct lt_node *f = make_file(root, "f");
    ok(set(f, "trusted.t", "1", 0));
    ok(set(f, "security.s", "1", 0));
    fails(LT_EOPNOTSUPP, set(f, "nonsense.n", "1", 0));
    fails(LT_EOPNOTSUPP, set(f, "user", "1", 0));
    fails(LT_EOPNOTSUPP, set(f, "system.other", "1", 0));
    assert_string_equal(list_xattrs(f), "security.s,trusted.t");
    int result = set(f, "user.", "1", 0);
    assert_true(result == LT_EINVAL || result == LT_EOPNOTSUPP);
}

TEST(xattr__user_only_on_files_and_directories)
{
    (void)state;
    ok(set(make_dir(root, "d"), "user.a", "1", 0));
    fails(LT_EPERM, set(make_link(root, "l", "x"), "user.a", "1", 0));
    fails(LT_EPERM, set(make(root, "p", LT_S_IFIFO | 0600), "user.a", "1", 0));
    ok(set(find(root, "l"), "trusted.a", "1", 0));
}

TEST(xattr__limits)
{
    (void)state;
    struct lt_node *f = make_file(root, "f");
    char name[LT_XATTR_NAME_MAX + 2] = "user.";
    char *value = calloc(1, LT_XATTR_SIZE_MAX + 1);
    assert_non_null(value);
    memset(name + 5, 'n', LT_XATTR_NAME_MAX - 5);
    ok(set(f, name, "longest name", 0));
    name[LT_XATTR_NAME_MAX] = 'n';
    fails(LT_ERANGE, set(f, name, "too long", 0));
    fails(LT_ERANGE, set(f, "", "no name", 0));
    memset(value, 'v', LT_XATTR_SIZE_MAX + 1);
    ok(lt_node_xattr_set(NULL, f, lt_str("user.big"), lt_strn(value, LT_XATTR_SIZE_MAX), 0));
    counts(LT_XATTR_SIZE_MAX,
           lt_node_xattr_get(NULL, f, lt_str("user.big"), value, LT_XATTR_SIZE_MAX));
    fails(LT_E2BIG,
          lt_node_xattr_set(NULL, f, lt_str("user.big"), lt_strn(value, LT_XATTR_SIZE_MAX + 1), 0));
    counts(LT_XATTR_SIZE_MAX, lt_node_xattr_get(NULL, f, lt_str("user.big"), NULL, 0));
    free(value);
}

TEST(xattr__many_on_one_file)
{
    (void)state;
    struct lt_node *f = make_file(root, "f");
    char name[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "user.n%d", i);
        ok(set(f, name, name, 0));
    }
    for (int i = 0; i < 1000; i += 2) {
        snprintf(name, sizeof(name), "user.n%d", i);
        ok(lt_node_xattr_remove(NULL, f, lt_str(name)));
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "user.n%d", i);
        if (i % 2) {
            expect(f, name, name);
        } else {
            fails(LT_ENODATA, lt_node_xattr_get(NULL, f, lt_str(name), NULL, 0));
        }
    }
}

TEST(xattr__shared_by_links_and_kept_by_rename)
{
    (void)state;
    struct lt_node *f = make_file(root, "f");
    ok(set(f, "user.a", "1", 0));
    ok(try_link(f, root, "g"));
    ok(try_rename(root, "f", root, "h", 0));
    expect(find(root, "g"), "user.a", "1");
}

static int stop_at_second(void *arg, struct lt_str name)
{
    (void)name;
    return ++*(int *)arg == 2 ? 42 : 0;
}

TEST(xattr_list__stops_with_the_callbacks_result)
{
    (void)state;
    struct lt_node *f = make_file(root, "f");
    int calls = 0;
    ok(set(f, "user.a", "1", 0));
    ok(set(f, "user.b", "1", 0));
    ok(set(f, "user.c", "1", 0));
    counts(42, lt_node_xattr_list(NULL, f, stop_at_second, &calls));
    assert_int_equal(calls, 2);
}

/* ---- ACLs ------------------------------------------------------------------------------------ */

struct acl {
    struct posix_acl_xattr_header header;
    struct posix_acl_xattr_entry entries[8];
    size_t count;
};

static void add(struct acl *acl, uint16_t tag, uint16_t perm, uint32_t id)
{
    acl->header.a_version = POSIX_ACL_XATTR_VERSION;
    acl->entries[acl->count++] = (struct posix_acl_xattr_entry){tag, perm, id};
}

static struct lt_str acl_value(const struct acl *acl)
{
    return lt_strn((const char *)acl, sizeof(acl->header) + acl->count * sizeof(acl->entries[0]));
}

static const uint32_t none = (uint32_t)ACL_UNDEFINED_ID;

/* user::u,user:1000:n,group::g,mask::m,other::o */
static struct acl extended(uint16_t u, uint16_t n, uint16_t g, uint16_t m, uint16_t o)
{
    struct acl acl = {.count = 0};
    add(&acl, ACL_USER_OBJ, u, none);
    add(&acl, ACL_USER, n, 1000);
    add(&acl, ACL_GROUP_OBJ, g, none);
    add(&acl, ACL_MASK, m, none);
    add(&acl, ACL_OTHER, o, none);
    return acl;
}

static struct acl minimal(uint16_t u, uint16_t g, uint16_t o)
{
    struct acl acl = {.count = 0};
    add(&acl, ACL_USER_OBJ, u, none);
    add(&acl, ACL_GROUP_OBJ, g, none);
    add(&acl, ACL_OTHER, o, none);
    return acl;
}

static int set_acl(struct lt_node *node, const char *name, struct acl acl)
{
    return lt_node_xattr_set(NULL, node, lt_str(name), acl_value(&acl), 0);
}

static void expect_acl(struct lt_node *node, const char *name, struct acl acl)
{
    struct lt_str value = acl_value(&acl);
    char buf[256];
    counts(value.len, lt_node_xattr_get(NULL, node, lt_str(name), buf, sizeof(buf)));
    assert_memory_equal(buf, value.s, value.len);
}

TEST(acl__access_sets_the_mode)
{
    (void)state;
    struct lt_node *f = make_file(root, "f");
    ok(set_acl(f, ACCESS, extended(6, 7, 4, 5, 1)));
    assert_int_equal(attr(f).mode, LT_S_IFREG | 0651); /* the mask shows as the group's bits */
    assert_true(attr(f).has & LT_HAS_ACL);
    expect_acl(f, ACCESS, extended(6, 7, 4, 5, 1));
}

TEST(acl__chmod_sets_the_mask)
{
    (void)state;
    struct lt_node *f = make_file(root, "f");
    ok(set_acl(f, ACCESS, extended(6, 7, 4, 5, 1)));
    ok(set_mode(f, 0734));
    expect_acl(f, ACCESS, extended(7, 7, 4, 3, 4));
    assert_int_equal(attr(f).mode, LT_S_IFREG | 0734);
}

TEST(acl__minimal_is_only_a_mode)
{
    (void)state;
    struct lt_node *f = make_file(root, "f");
    ok(set_acl(f, ACCESS, extended(6, 7, 4, 5, 1)));
    ok(set_acl(f, ACCESS, minimal(7, 5, 0)));
    assert_int_equal(attr(f).mode, LT_S_IFREG | 0750);
    assert_false(attr(f).has & LT_HAS_ACL);
    fails(LT_ENODATA, lt_node_xattr_get(NULL, f, lt_str(ACCESS), NULL, 0));
}

TEST(acl__removed)
{
    (void)state;
    struct lt_node *d = make_dir(root, "d");
    ok(set_acl(d, ACCESS, extended(6, 7, 4, 5, 1)));
    ok(set_acl(d, DEFAULT, extended(6, 7, 4, 5, 1)));
    assert_int_equal(attr(d).has & (LT_HAS_ACL | LT_HAS_DEFAULT_ACL),
                     LT_HAS_ACL | LT_HAS_DEFAULT_ACL);
    ok(lt_node_xattr_remove(NULL, d, lt_str(ACCESS)));
    ok(lt_node_xattr_remove(NULL, d, lt_str(DEFAULT)));
    assert_int_equal(attr(d).has & (LT_HAS_ACL | LT_HAS_DEFAULT_ACL), 0);
    assert_int_equal(attr(d).mode, LT_S_IFDIR | 0651);
}

TEST(acl__malformed_is_refused)
{
    (void)state;
    struct lt_node *f = make_file(root, "f");
    struct acl acl = extended(6, 7, 4, 5, 1);
    acl.header.a_version = 1;
    int result = set_acl(f, ACCESS, acl);
    assert_true(result == LT_EOPNOTSUPP || result == LT_EINVAL);
    acl = extended(6, 7, 4, 5, 1);
    acl.count = 4; /* no other */
    fails(LT_EINVAL, set_acl(f, ACCESS, acl));
    acl = minimal(6, 4, 4);
    add(&acl, ACL_OTHER, 1, none); /* twice */
    fails(LT_EINVAL, set_acl(f, ACCESS, acl));
    acl = extended(6, 7, 4, 5, 1);
    acl.entries[3].e_tag = 0x77;
    fails(LT_EINVAL, set_acl(f, ACCESS, acl));
    acl = extended(6, 8, 4, 5, 1); /* no such permission */
    fails(LT_EINVAL, set_acl(f, ACCESS, acl));
    acl = extended(6, 7, 4, 5, 1);
    acl.entries[3] = acl.entries[4]; /* named user without a mask */
    acl.count = 4;
    fails(LT_EINVAL, set_acl(f, ACCESS, acl));
    fails(LT_EINVAL, lt_node_xattr_set(NULL, f, lt_str(ACCESS), lt_strn((const char *)&acl, 7), 0));
    assert_int_equal(attr(f).mode, LT_S_IFREG | 0644);
}

TEST(acl__default_only_on_directories)
{
    (void)state;
    fails(LT_EACCES, set_acl(make_file(root, "f"), DEFAULT, extended(6, 7, 4, 5, 1)));
    int result = set_acl(make_link(root, "l", "x"), ACCESS, extended(6, 7, 4, 5, 1));
    fails(LT_EOPNOTSUPP, result);
}

TEST(acl__default_is_inherited)
{
    (void)state;
    struct lt_node *d = make_dir(root, "d");
    struct lt_ctx ctx = {.umask = 077}; /* does not count where there is a default ACL */
    struct lt_create spec = {.mode = LT_S_IFREG | 0666};
    struct lt_entry entry = {0};
    ok(set_acl(d, DEFAULT, extended(7, 7, 5, 7, 4)));
    ok(lt_node_create(&ctx, d, lt_str("f"), &spec, &entry));
    keep(entry.node);
    expect_acl(entry.node, ACCESS, extended(6, 7, 5, 6, 4));
    assert_int_equal(entry.attr.mode, LT_S_IFREG | 0664);
    fails(LT_ENODATA, lt_node_xattr_get(NULL, entry.node, lt_str(DEFAULT), NULL, 0));
    spec.mode = LT_S_IFDIR | 0750;
    ok(lt_node_create(&ctx, d, lt_str("sub"), &spec, &entry));
    keep(entry.node);
    expect_acl(entry.node, DEFAULT, extended(7, 7, 5, 7, 4));
    expect_acl(entry.node, ACCESS, extended(7, 7, 5, 5, 0));
    assert_int_equal(entry.attr.mode, LT_S_IFDIR | 0750);
    spec = (struct lt_create){.mode = LT_S_IFLNK | 0777, .target = lt_str("x")};
    ok(lt_node_create(&ctx, d, lt_str("link"), &spec, &entry));
    keep(entry.node);
    assert_int_equal(entry.attr.mode, LT_S_IFLNK | 0777);
}

TEST(acl__minimal_default_only_masks)
{
    (void)state;
    struct lt_node *d = make_dir(root, "d");
    struct lt_ctx ctx = {.umask = 0777};
    struct lt_create spec = {.mode = LT_S_IFREG | 0666};
    struct lt_entry entry = {0};
    ok(set_acl(d, DEFAULT, minimal(7, 5, 0)));
    ok(lt_node_create(&ctx, d, lt_str("f"), &spec, &entry));
    keep(entry.node);
    assert_int_equal(entry.attr.mode, LT_S_IFREG | 0640);
    assert_false(entry.attr.has & LT_HAS_ACL);
}

TEST(acl__set_together_with_the_mode)
{
    (void)state;
    struct lt_node *f = make_file(root, "f");
    struct acl acl = extended(6, 7, 4, 5, 1);
    struct lt_setattr set_both = {
        .mask = LT_SET_ACL | LT_SET_MODE, .mode = 0651, .acl = acl_value(&acl)};
    ok(lt_node_setattr(NULL, f, &set_both, NULL));
    expect_acl(f, ACCESS, acl);
    assert_int_equal(attr(f).mode, LT_S_IFREG | 0651);
    struct lt_setattr remove = {.mask = LT_SET_ACL};
    ok(lt_node_setattr(NULL, f, &remove, NULL));
    fails(LT_ENODATA, lt_node_xattr_get(NULL, f, lt_str(ACCESS), NULL, 0));
}
