// SPDX-License-Identifier: MIT
/*
 * src/core/access.c against the kernel: random files on a tmpfs (modes, owners,
 * ACLs), random callers (seteuid, setgroups), and for each question both answers.
 * Needs root; without it only the fixed cases run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <lintel/access.h>
#include <lintel/acl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define FILES 96u
#define CALLERS 150u
#define CHANGES 6000u
#define IDS 6u /* few ids, so that they meet: 0 and 1001 to 1005 */

static char dir[64];
static uint64_t seed = 0x243f6a8885a308d3;

static uint32_t rnd(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

static uint32_t random_id(void)
{
    uint32_t id = rnd(IDS);
    return id ? 1000 + id : 0;
}

struct file {
    char path[96];
    struct lt_attr attr;
    unsigned char acl[LT_ACL_SIZE(16)];
    size_t acl_len;
};

static struct lt_str acl_of(const struct file *f)
{
    return lt_strn((const char *)f->acl, f->acl_len);
}

static void add_named(struct lt_acl_entry *list, size_t *count, uint16_t tag)
{
    for (uint32_t i = rnd(3); i > 0; i--)
        list[(*count)++] = (struct lt_acl_entry){tag, (uint16_t)rnd(8), random_id()};
}

static void random_acl(struct file *f)
{
    struct lt_acl_entry list[16];
    size_t n = 0;
    list[n++] = (struct lt_acl_entry){LT_ACL_USER_OBJ, (uint16_t)rnd(8), LT_ACL_NO_ID};
    add_named(list, &n, LT_ACL_USER);
    list[n++] = (struct lt_acl_entry){LT_ACL_GROUP_OBJ, (uint16_t)rnd(8), LT_ACL_NO_ID};
    add_named(list, &n, LT_ACL_GROUP);
    if (n > 2 || rnd(2))
        list[n++] = (struct lt_acl_entry){LT_ACL_MASK, (uint16_t)rnd(8), LT_ACL_NO_ID};
    list[n++] = (struct lt_acl_entry){LT_ACL_OTHER, (uint16_t)rnd(8), LT_ACL_NO_ID};
    f->acl_len = (size_t)lt_acl_put(f->acl, sizeof(f->acl), list, n);
}

/* Reads back what the kernel made of it. */
static void refresh(struct file *f)
{
    struct stat st;
    assert_int_equal(lstat(f->path, &st), 0);
    f->attr.mode = st.st_mode;
    f->attr.uid = st.st_uid;
    f->attr.gid = st.st_gid;
    ssize_t len = getxattr(f->path, LT_ACL_ACCESS, f->acl, sizeof(f->acl));
    f->acl_len = len > 0 ? (size_t)len : 0;
    f->attr.has = f->acl_len ? LT_HAS_ACL : 0;
}

static void make_file(struct file *f, unsigned index)
{
    snprintf(f->path, sizeof(f->path), "%s/%u", dir, index);
    if (index % 4 == 0) {
        rmdir(f->path);
        assert_int_equal(mkdir(f->path, 0700), 0);
    } else {
        unlink(f->path);
        int fd = open(f->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        close(fd);
    }
    assert_int_equal(chown(f->path, random_id(), random_id()), 0);
    assert_int_equal(chmod(f->path, rnd(2) ? rnd(01000) : rnd(010000)), 0);
    if (rnd(2)) {
        random_acl(f);
        assert_int_equal(setxattr(f->path, LT_ACL_ACCESS, f->acl, f->acl_len, 0), 0);
    }
    refresh(f);
}

struct caller {
    struct lt_ctx ctx;
    uint32_t groups[4];
};

static void random_caller(struct caller *c)
{
    gid_t groups[4];
    c->ctx = (struct lt_ctx){.uid = random_id(), .gid = random_id(), .group_count = rnd(4)};
    c->ctx.groups = c->groups;
    for (uint32_t i = 0; i < c->ctx.group_count; i++)
        groups[i] = c->groups[i] = random_id();
    assert_int_equal(setgroups(c->ctx.group_count, groups), 0);
    assert_int_equal(setegid(c->ctx.gid), 0);
}

static void become(const struct caller *c)
{
    assert_int_equal(seteuid(c->ctx.uid), 0);
}

static void become_root(void)
{
    assert_int_equal(seteuid(0), 0);
}

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/dev/shm/lintel-access-XXXXXX");
    if (!mkdtemp(dir) || chmod(dir, 0755) < 0)
        return -1;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FILES; i++) {
        char path[96];
        snprintf(path, sizeof(path), "%s/%u", dir, i);
        remove(path);
    }
    return rmdir(dir);
}

static void compare_access(const struct caller *c, const struct file *f)
{
    for (uint32_t want = 1; want <= 7; want++) {
        become(c);
        int kernel = faccessat(AT_FDCWD, f->path, (int)want, AT_EACCESS) == 0 ? 0 : -errno;
        become_root();
        int ours = lt_access_check(&c->ctx, &f->attr, acl_of(f), want);
        if (ours != kernel)
            fail_msg("mode %o owner %u:%u acl %zu, caller %u:%u, want %u: %d, kernel %d",
                     f->attr.mode, f->attr.uid, f->attr.gid, f->acl_len, c->ctx.uid, c->ctx.gid,
                     want, ours, kernel);
    }
}

static void test_access__agrees_with_the_kernel(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    static struct file files[FILES];
    for (unsigned i = 0; i < FILES; i++)
        make_file(&files[i], i);
    for (unsigned n = 0; n < CALLERS; n++) {
        struct caller c;
        random_caller(&c);
        for (unsigned i = 0; i < FILES; i++)
            compare_access(&c, &files[i]);
    }
    assert_int_equal(setegid(0), 0);
}

enum change { CHMOD, CHOWN, TRUNCATE, TOUCH, UTIMES, SETACL, CHANGE_COUNT };

static void random_change(enum change kind, struct lt_setattr *set, struct file *acl)
{
    *set = (struct lt_setattr){0};
    if (kind == CHMOD) {
        set->mask = LT_SET_MODE;
        set->mode = rnd(010000);
    } else if (kind == CHOWN) {
        set->mask = (rnd(2) ? LT_SET_UID : 0) | (rnd(4) ? LT_SET_GID : 0);
        set->uid = random_id();
        set->gid = random_id();
    } else if (kind == TRUNCATE) {
        set->mask = LT_SET_SIZE;
    } else if (kind == TOUCH) {
        set->mask = LT_SET_ATIME_NOW | LT_SET_MTIME_NOW;
    } else if (kind == UTIMES) {
        set->mask = rnd(2) ? LT_SET_ATIME_NOW : LT_SET_MTIME;
    } else {
        set->mask = LT_SET_ACL;
        random_acl(acl);
        set->acl = acl_of(acl);
    }
}

static int utimes_as(const char *path, uint32_t mask)
{
    struct timespec times[2] = {{5, UTIME_OMIT}, {5, UTIME_OMIT}};
    if (mask & LT_SET_ATIME_NOW)
        times[0].tv_nsec = UTIME_NOW;
    if (mask & LT_SET_MTIME_NOW)
        times[1].tv_nsec = UTIME_NOW;
    if (mask & LT_SET_MTIME)
        times[1].tv_nsec = 6;
    return utimensat(AT_FDCWD, path, times, 0);
}

static int kernel_change(const char *path, const struct lt_setattr *set)
{
    int r;
    if (set->mask & LT_SET_MODE)
        r = chmod(path, set->mode);
    else if (set->mask & LT_SET_SIZE)
        r = truncate(path, 0);
    else if (set->mask & LT_SET_ACL)
        r = setxattr(path, LT_ACL_ACCESS, set->acl.s, set->acl.len, 0);
    else if (set->mask & (LT_SET_ATIME_NOW | LT_SET_MTIME))
        r = utimes_as(path, set->mask);
    else
        r = chown(path, set->mask & LT_SET_UID ? set->uid : (uid_t)-1,
                  set->mask & LT_SET_GID ? set->gid : (gid_t)-1);
    return r == 0 ? 0 : -errno;
}

/* What *set makes of the mode: as lintel/fs.h does it. */
static uint32_t mode_after(const struct file *f, const struct lt_setattr *set)
{
    uint32_t mode = f->attr.mode;
    if (set->mask & LT_SET_MODE)
        mode = (mode & LT_S_IFMT) | (set->mode & LT_S_PERM);
    if (set->mask & LT_SET_ACL)
        lt_acl_to_mode(set->acl, &mode);
    return mode;
}

static void compare_change(struct file *f, unsigned index)
{
    static struct file acl;
    struct caller c;
    struct lt_setattr set, asked;
    make_file(f, index);
    enum change kind = (enum change)rnd(CHANGE_COUNT);
    if (kind == TRUNCATE && S_ISDIR(f->attr.mode))
        kind = CHMOD;
    random_change(kind, &set, &acl);
    asked = set;
    random_caller(&c);
    become(&c);
    int kernel = kernel_change(f->path, &asked);
    become_root();
    int ours = set.mask ? lt_access_setattr(&c.ctx, &f->attr, acl_of(f), &set) : kernel;
    uint32_t expected = ours == 0 && set.mask ? mode_after(f, &set) : f->attr.mode;
    struct lt_attr before = f->attr;
    refresh(f);
    if (ours != kernel || (asked.mask && f->attr.mode != expected))
        fail_msg("change %d mask %x of mode %o owner %u:%u acl %d to mode %o owner %d:%d by %u:%u: "
                 "%d mode %o, kernel %d mode %o",
                 kind, asked.mask, before.mode, before.uid, before.gid, before.has, asked.mode,
                 asked.uid, asked.gid, c.ctx.uid, c.ctx.gid, ours, expected, kernel, f->attr.mode);
}

static void test_access__changes_end_as_in_the_kernel(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    static struct file f;
    for (unsigned n = 0; n < CHANGES; n++)
        compare_change(&f, n % FILES);
    assert_int_equal(setegid(0), 0);
}

static void test_access__sticky_directories_keep_what_is_not_ours(void **state)
{
    (void)state;
    struct lt_attr sticky = {.mode = LT_S_IFDIR | LT_S_ISVTX | 0777, .uid = 1};
    struct lt_attr file = {.mode = LT_S_IFREG | 0666, .uid = 2};
    struct lt_ctx root = {.uid = 0}, one = {.uid = 1}, two = {.uid = 2}, three = {.uid = 3};
    assert_int_equal(lt_access_remove(&root, &sticky, &file), 0);
    assert_int_equal(lt_access_remove(&one, &sticky, &file), 0);
    assert_int_equal(lt_access_remove(&two, &sticky, &file), 0);
    assert_int_equal(lt_access_remove(&three, &sticky, &file), LT_EPERM);
    sticky.mode &= ~(uint32_t)LT_S_ISVTX;
    assert_int_equal(lt_access_remove(&three, &sticky, &file), 0);
    file.inode_flags = LT_INODE_IMMUTABLE;
    assert_int_equal(lt_access_remove(&root, &sticky, &file), LT_EPERM);
}

static void test_access__xattr_namespaces(void **state)
{
    (void)state;
    struct lt_attr file = {.mode = LT_S_IFREG | 0644, .uid = 1};
    struct lt_attr link = {.mode = LT_S_IFLNK | 0777, .uid = 1};
    struct lt_ctx root = {.uid = 0}, owner = {.uid = 1}, other = {.uid = 2, .gid = 2};
    struct lt_str none = {NULL, 0}, user = lt_str("user.x"), trusted = lt_str("trusted.x");
    assert_int_equal(lt_access_xattr(&owner, &file, none, user, LT_MAY_WRITE), 0);
    assert_int_equal(lt_access_xattr(&other, &file, none, user, LT_MAY_READ), 0);
    assert_int_equal(lt_access_xattr(&other, &file, none, user, LT_MAY_WRITE), LT_EACCES);
    assert_int_equal(lt_access_xattr(&owner, &link, none, user, LT_MAY_WRITE), LT_EPERM);
    assert_int_equal(lt_access_xattr(&owner, &link, none, user, LT_MAY_READ), LT_ENODATA);
    assert_int_equal(lt_access_xattr(&owner, &file, none, trusted, LT_MAY_READ), LT_ENODATA);
    assert_int_equal(lt_access_xattr(&owner, &file, none, trusted, LT_MAY_WRITE), LT_EPERM);
    assert_int_equal(lt_access_xattr(&root, &file, none, trusted, LT_MAY_WRITE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_access__agrees_with_the_kernel),
        cmocka_unit_test(test_access__changes_end_as_in_the_kernel),
        cmocka_unit_test(test_access__sticky_directories_keep_what_is_not_ours),
        cmocka_unit_test(test_access__xattr_namespaces),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
