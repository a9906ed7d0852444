// SPDX-License-Identifier: MIT
/* Names: lengths, bytes, and the calls that make and remove them, on every sort of object. */
#include "suite.h"

#include <linux/fs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

CASE(name_every_length)
{
    for (size_t len = 1; len <= 260; len++) {
        const char *name = name_of(len, 'n');
        int fd = open(name, O_CREAT | O_EXCL | O_RDWR, 0644);
        rec("create %zu = %s", len, err_name(fd < 0 ? errno : 0));
        close(fd);
        rec("mkdir %zu = %s", len, err_name(mkdir(name_of(len, 'd'), 0755) < 0 ? errno : 0));
        rec("rename %zu = %s", len, err_name(rename(name, name_of(len, 'r')) < 0 ? errno : 0));
        rec("link %zu = %s", len,
            err_name(link(name_of(len, 'r'), name_of(len, 'l')) < 0 ? errno : 0));
        rec("symlink %zu = %s", len, err_name(symlink("x", name_of(len, 's')) < 0 ? errno : 0));
        rec("lookup %zu = %s", len, err_name(access(name_of(len, 'z'), F_OK) < 0 ? errno : 0));
        clear_here();
    }
}

CASE(name_every_byte)
{
    for (int c = 1; c < 256; c++) {
        char name[4] = {'x', (char)c, 'y', '\0'};
        if (c != '/') {
            rec("create with byte %d = %s", c,
                err_name(mknod(name, S_IFREG | 0644, 0) < 0 ? errno : 0));
            rec("lookup with byte %d = %s", c, err_name(access(name, F_OK) < 0 ? errno : 0));
        }
    }
    for (int c = 1; c < 256; c++) {
        char name[2] = {(char)c, '\0'};
        if (c != '/' && c != '.') {
            rec("create byte %d = %s", c, err_name(mkdir(name, 0755) < 0 ? errno : 0));
        }
    }
}

CASE(name_multi_byte)
{
    static const char *const units[] = {"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    for (size_t i = 0; i < COUNT(units); i++) {
        size_t len = strlen(units[i]);
        for (size_t n = 1; n <= 255 / len; n++) {
            char name[300] = "";
            for (size_t k = 0; k < n; k++) {
                memcpy(name + k * len, units[i], len);
            }
            rec("%zu of %zu bytes = %s", n, len, err_name(mkdir(name, 0755) < 0 ? errno : 0));
            rec("remove = %s", err_name(rmdir(name) < 0 ? errno : 0));
        }
    }
}

CASE(name_case_matters)
{
    put_file("name", "1");
    put_file("NAME", "2");
    put_file("Name", "3");
    E(EEXIST, mkdir("Name", 0755));
    E(ENOENT, access("nAME", F_OK));
    E(0, rename("name", "nAME"));
    E(0, access("NAME", F_OK));
}

/* Every pair of objects, under every call that takes two names. */
static void two_names(const char *what, int (*call)(const char *, const char *))
{
    for (size_t i = 0; i < OBJECTS; i++) {
        for (size_t j = 0; j < OBJECTS; j++) {
            make_objects();
            int error = call(object_names[i], object_names[j]) < 0 ? errno : 0;
            rec("%s %s %s = %s", what, object_names[i], object_names[j], err_name(error));
            rec_stat(object_names[i]);
            rec_stat(object_names[j]);
            rec_stat(".");
        }
    }
}

static int noreplace(const char *a, const char *b)
{
    return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_NOREPLACE);
}

static int exchange(const char *a, const char *b)
{
    return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}

static int whiteout(const char *a, const char *b)
{
    return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_WHITEOUT);
}

static int link_follow(const char *a, const char *b)
{
    return linkat(AT_FDCWD, a, AT_FDCWD, b, AT_SYMLINK_FOLLOW);
}

CASE(two_names_rename)
{
    two_names("rename", rename);
}

CASE(two_names_rename_noreplace)
{
    two_names("noreplace", noreplace);
}

CASE(two_names_rename_exchange)
{
    two_names("exchange", exchange);
}

CASE(two_names_rename_whiteout)
{
    two_names("whiteout", whiteout);
}

CASE(two_names_link)
{
    two_names("link", link);
}

CASE(two_names_link_follow)
{
    two_names("link follow", link_follow);
}

CASE(two_names_symlink)
{
    two_names("symlink", symlink);
}

CASE(rename_flags)
{
    put_file("a", "a");
    put_file("b", "b");
    E(EINVAL, renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE | RENAME_EXCHANGE));
    E(EINVAL, renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_WHITEOUT | RENAME_EXCHANGE));
    E(EINVAL, renameat2(AT_FDCWD, "a", AT_FDCWD, "b", 8));
    E(EEXIST, renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_WHITEOUT | RENAME_NOREPLACE));
    E(0, renameat2(AT_FDCWD, "a", AT_FDCWD, "c", RENAME_WHITEOUT | RENAME_NOREPLACE));
    rec_stat("a");
    chmod(".", 0777);
    chown("c", UID(1), GID(1));
    as_user(1);
    R(renameat2(AT_FDCWD, "c", AT_FDCWD, "d", RENAME_WHITEOUT));
    rec_stat("c");
}

CASE(rename_subtree)
{
    E(0, mkdir("a", 0755));
    E(0, mkdir("a/b", 0755));
    E(0, mkdir("a/b/c", 0755));
    E(EINVAL, rename("a", "a/x"));
    E(EINVAL, rename("a", "a/b/c/x"));
    E(EINVAL, rename("a", "a/b"));
    E(ENOTEMPTY, rename("a/b", "a"));
    E(ENOTEMPTY, rename("a/b/c", "a"));
    E(EINVAL, renameat2(AT_FDCWD, "a", AT_FDCWD, "a/b/c", RENAME_EXCHANGE));
    E(EBUSY, rename("a/.", "x"));
    E(EBUSY, rename("a/..", "x"));
    E(EBUSY, rename("a", "a/b/."));
    E(EBUSY, rename(".", "x"));
    E(EBUSY, rename("..", "x"));
    E(0, rename("a/b/c", "c"));
    rec_stat("a");
    rec_stat("a/b");
    rec_stat("c");
    rec_stat(".");
    E(0, mkdir("e", 0755));
    E(0, rename("c", "e"));
    rec_stat(".");
    C(access("e/..", F_OK) == 0);
}

CASE(rename_dotdot_follows)
{
    struct stat a;
    struct stat b;
    mkdir("one", 0755);
    mkdir("two", 0755);
    mkdir("one/sub", 0755);
    rename("one/sub", "two/sub");
    stat("two", &a);
    E(0, stat("two/sub/..", &b));
    V(a.st_ino == b.st_ino);
    rec_stat("one");
    rec_stat("two");
    E(0, renameat2(AT_FDCWD, "two/sub", AT_FDCWD, "one", RENAME_EXCHANGE));
    stat(".", &a);
    E(0, stat("one/..", &b));
    V(a.st_ino == b.st_ino);
    stat("two", &a);
    E(0, stat("two/sub/..", &b));
    V(a.st_ino == b.st_ino);
    rec_stat("two");
}

CASE(rmdir_errors)
{
    make_objects();
    for (size_t i = 0; i < OBJECTS; i++) {
        rec("rmdir %s = %s", object_names[i], err_name(rmdir(object_names[i]) < 0 ? errno : 0));
    }
    make_objects();
    for (size_t i = 0; i < OBJECTS; i++) {
        rec("unlink %s = %s", object_names[i], err_name(unlink(object_names[i]) < 0 ? errno : 0));
    }
    mkdir("d", 0755);
    mkdir("d/e", 0755);
    E(EINVAL, rmdir("."));
    E(ENOTEMPTY, rmdir("d/e/.."));
    E(EINVAL, rmdir("d/e/."));
    E(EISDIR, unlink("d"));
    E(EISDIR, unlink("d/."));
    E(EISDIR, unlink("d/.."));
}

CASE(mkdir_links)
{
    rec_stat(".");
    for (int i = 0; i < 50; i++) {
        char name[16];
        snprintf(name, sizeof(name), "d%d", i);
        mkdir(name, 0755);
        rec_stat(".");
    }
    for (int i = 0; i < 50; i += 3) {
        char name[16];
        snprintf(name, sizeof(name), "d%d", i);
        rmdir(name);
        rec_stat(".");
    }
}

CASE(mknod_every_type)
{
    static const mode_t types[] = {S_IFREG,  S_IFDIR, S_IFCHR, S_IFBLK, S_IFIFO,
                                   S_IFSOCK, S_IFLNK, 0,       0030000};
    static const dev_t devices[] = {0, 0x103, 0xfffff, 0x12345678};
    chmod(".", 0777);
    for (int user = 0; user < 2; user++) {
        for (size_t t = 0; t < COUNT(types); t++) {
            for (size_t d = 0; d < COUNT(devices); d++) {
                as_user(user);
                rec("mknod %o %llx as %d = %s", types[t], (unsigned long long)devices[d], user,
                    err_name(mknod("n", types[t] | 0644, devices[d]) < 0 ? errno : 0));
                as_user(0);
                rec_stat("n");
                unlink("n");
            }
        }
    }
}

CASE(link_counts)
{
    put_file("f", "x");
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof(name), "l%d", i);
        link("f", name);
        rec_stat("f");
    }
    for (int i = 0; i < 100; i += 2) {
        char name[16];
        snprintf(name, sizeof(name), "l%d", i);
        unlink(name);
        rec_stat("f");
    }
    symlink("f", "s");
    E(0, link("s", "s2"));
    rec_stat("s2");
    E(0, linkat(AT_FDCWD, "s", AT_FDCWD, "f2", AT_SYMLINK_FOLLOW));
    rec_stat("f2");
}

CASE(symlink_targets)
{
    static const size_t lengths[] = {1,   2,   59,  60,   61,   100,  127,
                                     128, 255, 256, 1000, 4000, 4094, 4095};
    char buf[5000];
    for (size_t i = 0; i < COUNT(lengths); i++) {
        rec("target of %zu = %s", lengths[i],
            err_name(symlink(name_of(lengths[i], 't'), "l") < 0 ? errno : 0));
        rec_stat("l");
        rec("readlink = %zd", readlink("l", buf, sizeof(buf)));
        rec("readlink cut = %zd", readlink("l", buf, 50));
        rec("open = %s", err_name(open("l", O_RDONLY) < 0 ? errno : 0));
        unlink("l");
    }
    E(ENOENT, symlink("", "l"));
    E(ENAMETOOLONG, symlink(name_of(4096, 't'), "l"));
    E(EINVAL, readlink(".", buf, 10));
    E(ENOENT, readlink("none", buf, 10));
}

CASE(symlink_chains)
{
    put_file("l0", "end");
    for (int i = 1; i < 50; i++) {
        char name[16];
        char to[16];
        snprintf(name, sizeof(name), "l%d", i);
        snprintf(to, sizeof(to), "l%d", i - 1);
        symlink(to, name);
        rec("chain of %d = %s", i, err_name(access(name, F_OK) < 0 ? errno : 0));
    }
    symlink("b", "a");
    symlink("a", "b");
    E(ELOOP, open("a", O_RDONLY));
    E(ELOOP, chmod("a", 0644));
    E(ELOOP, mkdir("a/x", 0755));
    E(ELOOP, truncate("a", 0));
    E(EEXIST, mkdir("a", 0755));
    E(ELOOP, open("a", O_RDWR | O_CREAT, 0644));
}

CASE(names_below_what_is_no_directory)
{
    make_objects();
    for (size_t i = 0; i < OBJECTS; i++) {
        char path[64];
        char here[64];
        snprintf(path, sizeof(path), "%s/x", object_names[i]);
        snprintf(here, sizeof(here), "%s/../file", object_names[i]);
        rec("open %s = %s", path, err_name(open(path, O_RDONLY) < 0 ? errno : 0));
        rec("mkdir %s = %s", path, err_name(mkdir(path, 0755) < 0 ? errno : 0));
        rec("rename to %s = %s", path, err_name(rename("file", path) < 0 ? errno : 0));
        put_file("file", "x");
        rec("rename from %s = %s", path, err_name(rename(path, "y") < 0 ? errno : 0));
        rec("symlink %s = %s", path, err_name(symlink("x", path) < 0 ? errno : 0));
        rec("unlink %s = %s", path, err_name(unlink(path) < 0 ? errno : 0));
        rec("rmdir %s = %s", path, err_name(rmdir(path) < 0 ? errno : 0));
        rec("access %s = %s", here, err_name(access(here, F_OK) < 0 ? errno : 0));
        unlink("y");
    }
}

CASE(names_in_a_removed_directory)
{
    mkdir("d", 0755);
    put_file("f", "x");
    int dir = open("d", O_RDONLY | O_DIRECTORY);
    int here = open(".", O_RDONLY | O_DIRECTORY);
    struct stat st;
    rmdir("d");
    E(0, fstat(dir, &st));
    V(st.st_nlink);
    E(ENOENT, openat(dir, "x", O_CREAT | O_RDWR, 0644));
    E(ENOENT, mkdirat(dir, "x", 0755));
    E(ENOENT, symlinkat("x", dir, "x"));
    E(ENOENT, linkat(here, "f", dir, "x", 0));
    E(ENOENT, renameat(here, "f", dir, "x"));
    E(ENOENT, mknodat(dir, "x", S_IFIFO | 0644, 0));
    E(ENOENT, faccessat(dir, "x", F_OK, 0));
    E(0, fchmod(dir, 0700));
    E(0, fchdir(dir));
    char cwd[4096];
    E(ENOENT, getcwd(cwd, sizeof(cwd)) ? 0 : -1);
    R(openat(dir, ".", O_RDONLY));
    R(openat(dir, "..", O_RDONLY));
    E(0, fchdir(here));
}

CASE(pathconf_and_statvfs)
{
    struct statvfs sv;
    put_file("f", "x");
    V(pathconf(".", _PC_LINK_MAX));
    V(pathconf(".", _PC_NAME_MAX));
    V(pathconf(".", _PC_PATH_MAX));
    V(pathconf(".", _PC_CHOWN_RESTRICTED));
    V(pathconf(".", _PC_NO_TRUNC));
    E(0, statvfs(".", &sv));
    V(sv.f_bsize);
    V(sv.f_frsize);
    V(sv.f_namemax);
    C(sv.f_bfree <= sv.f_blocks && sv.f_bavail <= sv.f_bfree && sv.f_ffree <= sv.f_files);
    C(sv.f_blocks > 0);
    E(ENOENT, statvfs("none", &sv));
    E(ENOTDIR, statvfs("f/x", &sv));
}
