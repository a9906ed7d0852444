// SPDX-License-Identifier: MIT
/* chmod, chown, times: who may, what is cleared, what is stamped. */
#include "suite.h"

#include <linux/fs.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>

CASE(chmod_every_object_by_every_user)
{
    static const mode_t modes[] = {0, 0644, 0777, 01777, 02755, 04755, 07777, 02744};
    for (size_t i = 0; i < OBJECTS; i++) {
        for (int user = 0; user < 4; user++) {
            for (size_t m = 0; m < COUNT(modes); m++) {
                make_objects();
                lchown(object_names[i], UID(1), GID(user == 2 ? 3 : 1));
                as_user(user);
                rec("chmod %s %04o as %d = %s", object_names[i], modes[m], user,
                    err_name(chmod(object_names[i], modes[m]) < 0 ? errno : 0));
                as_user(0);
                rec_stat(object_names[i]);
                rec_stat("file");
            }
        }
    }
}

CASE(chown_every_combination)
{
    static const uid_t uids[] = {0, 65001, 65002, (uid_t)-1};
    static const gid_t gids[] = {0, 65001, 65002, (gid_t)-1};
    static const mode_t modes[] = {06755, 06744, 02711, 04700, 0777};
    for (int user = 0; user < 4; user++) {
        for (size_t m = 0; m < COUNT(modes); m++) {
            for (size_t u = 0; u < COUNT(uids); u++) {
                for (size_t g = 0; g < COUNT(gids); g++) {
                    unlink("f");
                    rmdir("d");
                    put_file("f", "x");
                    mkdir("d", 0755);
                    chown("f", UID(2), GID(2));
                    chown("d", UID(2), GID(2));
                    chmod("f", modes[m]);
                    chmod("d", modes[m]);
                    as_user(user);
                    rec("chown %d:%d as %d = %s", (int)uids[u], (int)gids[g], user,
                        err_name(chown("f", uids[u], gids[g]) < 0 ? errno : 0));
                    rec("chown dir = %s", err_name(chown("d", uids[u], gids[g]) < 0 ? errno : 0));
                    as_user(0);
                    rec_stat("f");
                    rec_stat("d");
                }
            }
        }
    }
}

CASE(chown_links)
{
    make_objects();
    for (size_t i = 0; i < OBJECTS; i++) {
        rec("lchown %s = %s", object_names[i],
            err_name(lchown(object_names[i], 65001, 65002) < 0 ? errno : 0));
        rec("chown %s = %s", object_names[i],
            err_name(chown(object_names[i], 65003, 65003) < 0 ? errno : 0));
        rec_stat(object_names[i]);
        rec_stat("file");
        rec_stat("dir");
    }
}

CASE(suid_cleared_by_writers)
{
    static const mode_t modes[] = {06777, 06767, 04777, 02777, 02767};
    for (size_t m = 0; m < COUNT(modes); m++) {
        for (int user = 0; user < 3; user++) {
            for (int what = 0; what < 6; what++) {
                unlink("f");
                put_file("f", "some content");
                chmod("f", modes[m]);
                as_user(user);
                int fd = open("f", O_RDWR);
                switch (what) {
                case 0:
                    R(write(fd, "x", 1));
                    break;
                case 1:
                    R(ftruncate(fd, 3));
                    break;
                case 2:
                    R(truncate("f", 30));
                    break;
                case 3:
                    close(open("f", O_WRONLY | O_TRUNC));
                    break;
                case 4:
                    R(fallocate(fd, 0, 0, 100));
                    break;
                default:
                    R(pwrite(fd, "", 0, 0));
                    break;
                }
                close(fd);
                as_user(0);
                rec("%04o by user %d, way %d", modes[m], user, what);
                rec_stat("f");
            }
        }
    }
}

CASE(sgid_chmod_needs_the_group)
{
    put_file("f", "x");
    mkdir("d", 0755);
    chown("f", UID(1), GID(3));
    chown("d", UID(1), GID(3));
    as_user(1);
    E(0, chmod("f", 02755));
    E(0, chmod("d", 02755));
    rec_stat("f");
    rec_stat("d");
    as_user(0);
    chown("f", UID(2), GID(1));
    as_user(2); /* in group 1 */
    E(0, chmod("f", 02755));
    rec_stat("f");
}

CASE(sgid_directories)
{
    static const mode_t modes[] = {0644, 0755, 02755, 06755, 02644};
    for (int user = 0; user < 3; user++) {
        for (size_t m = 0; m < COUNT(modes); m++) {
            clear_here();
            mkdir("d", 0777);
            chown("d", 0, GID(3));
            chmod("d", 02777);
            as_user(user);
            close(open("d/file", O_CREAT | O_RDWR, modes[m]));
            mkdir("d/dir", modes[m]);
            mkfifo("d/fifo", modes[m]);
            symlink("x", "d/link");
            int fd = open("d", O_TMPFILE | O_RDWR, modes[m]);
            struct stat st;
            fstat(fd, &st);
            rec("tmpfile %o gid %d", st.st_mode, (int)st.st_gid);
            close(fd);
            as_user(0);
            rec_stat("d/file");
            rec_stat("d/dir");
            rec_stat("d/fifo");
            rec_stat("d/link");
        }
    }
}

CASE(sticky_directories)
{
    for (int owner = 0; owner < 3; owner++) {
        for (int dir_owner = 0; dir_owner < 3; dir_owner++) {
            for (int user = 0; user < 3; user++) {
                clear_here();
                mkdir("d", 0777);
                chown("d", UID(dir_owner), GID(dir_owner));
                chmod("d", 01777);
                put_file("d/f", "x");
                put_file("d/g", "x");
                mkdir("d/sub", 0777);
                put_file("d/mine", "x");
                chown("d/f", UID(owner), GID(owner));
                chown("d/g", UID(owner), GID(owner));
                chown("d/sub", UID(owner), GID(owner));
                chown("d/mine", UID(user), GID(user));
                as_user(user);
                rec("file of %d in sticky dir of %d by %d", owner, dir_owner, user);
                R(rename("d/f", "d/h"));
                R(rename("d/h", "d/f"));
                R(rename("d/mine", "d/g"));
                R(unlink("d/f"));
                R(rmdir("d/sub"));
                as_user(0);
            }
        }
    }
}

CASE(utimens_permissions)
{
    static const struct timespec cases[][2] = {
        {{5, 5}, {6, 6}},
        {{0, UTIME_NOW}, {0, UTIME_NOW}},
        {{0, UTIME_OMIT}, {0, UTIME_OMIT}},
        {{0, UTIME_NOW}, {0, UTIME_OMIT}},
        {{0, UTIME_OMIT}, {7, 7}},
        {{0, UTIME_NOW}, {7, 7}},
        {{0, 1000000000}, {0, 0}},
        {{0, -1}, {0, 0}},
    };
    for (int user = 0; user < 4; user++) {
        for (mode_t mode = 0600; mode <= 0666; mode += 066) {
            for (size_t c = 0; c <= COUNT(cases); c++) {
                as_user(0);
                unlink("f");
                put_file("f", "x");
                chown("f", UID(1), GID(1));
                chmod("f", mode);
                age("f");
                as_user(user);
                rec("utimens %zu of %o as %d = %s", c, mode, user,
                    err_name(utimensat(AT_FDCWD, "f", c < COUNT(cases) ? cases[c] : NULL, 0) < 0
                                 ? errno
                                 : 0));
                struct stat st;
                stat("f", &st);
                rec("times %lld %lld",
                    st.st_atim.tv_sec > 1700000000 ? -1LL : (long long)st.st_atim.tv_sec,
                    st.st_mtim.tv_sec > 1700000000 ? -1LL : (long long)st.st_mtim.tv_sec);
                rec_stamps("utimens", "f");
            }
        }
    }
}

CASE(utimens_values)
{
    static const long long seconds[] = {0,
                                        1,
                                        -1,
                                        -2147483648LL,
                                        2147483647LL,
                                        2147483648LL,
                                        4294967295LL,
                                        4294967296LL,
                                        253402300799LL,
                                        -62135596800LL};
    static const long nanos[] = {0, 1, 999, 1000, 999999999};
    put_file("f", "x");
    symlink("f", "l");
    for (size_t s = 0; s < COUNT(seconds); s++) {
        for (size_t n = 0; n < COUNT(nanos); n++) {
            struct timespec ts[2] = {{seconds[s], nanos[n]}, {seconds[s] + 1, nanos[n]}};
            struct stat st;
            R(utimensat(AT_FDCWD, "f", ts, 0));
            stat("f", &st);
            rec("%lld.%09ld %lld.%09ld", (long long)st.st_atim.tv_sec, st.st_atim.tv_nsec,
                (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
            R(utimensat(AT_FDCWD, "l", ts, AT_SYMLINK_NOFOLLOW));
            lstat("l", &st);
            rec("%lld.%09ld", (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
        }
    }
    E(ENOENT, utimensat(AT_FDCWD, "none", NULL, 0));
    E(ENOTDIR, utimensat(AT_FDCWD, "f/x", NULL, 0));
}

/* One operation, and the stamps of everything that it could touch. */
#define STAMPS(call, ...)                                   \
    do {                                                    \
        static const char *const objects[] = {__VA_ARGS__}; \
        for (size_t i_ = 0; i_ < COUNT(objects); i_++) {    \
            age(objects[i_]);                               \
        }                                                   \
        (void)R(call);                                      \
        for (size_t i_ = 0; i_ < COUNT(objects); i_++) {    \
            rec_stamps(#call, objects[i_]);                 \
        }                                                   \
    } while (0)

CASE(stamps_of_names)
{
    mkdir("d", 0755);
    mkdir("e", 0755);
    put_file("f", "x");
    STAMPS(mkdir("d/sub", 0755), "d");
    STAMPS(mknod("d/node", S_IFREG | 0644, 0), "d");
    STAMPS(symlink("x", "d/l"), "d");
    STAMPS(link("f", "d/f"), "d", "f");
    STAMPS(rename("d/f", "d/g"), "d", "f");
    STAMPS(rename("d/g", "e/g"), "d", "e", "f");
    STAMPS(rename("d/sub", "e/sub"), "d", "e", "d/sub");
    rec_stamps("the moved directory", "e/sub");
    put_file("over", "x");
    STAMPS(rename("over", "e/g"), "e", "f", ".");
    STAMPS(unlink("d/node"), "d");
    STAMPS(rmdir("e/sub"), "e");
    STAMPS(mkdir("d/l", 0755), "d");
    STAMPS(rename("d/none", "d/x"), "d");
    STAMPS(open("d/new", O_CREAT | O_RDWR, 0644), "d");
    STAMPS(open("d/new", O_CREAT | O_RDWR, 0644), "d", "d/new");
    STAMPS(renameat2(AT_FDCWD, "d/new", AT_FDCWD, "e/g", RENAME_EXCHANGE), "d", "e", "d/new",
           "e/g");
    STAMPS(renameat2(AT_FDCWD, "d/new", AT_FDCWD, "d/w", RENAME_WHITEOUT), "d");
    STAMPS(rename("f", "f"), ".", "f");
}

CASE(stamps_of_attributes)
{
    put_file("f", "x");
    mkdir("d", 0755);
    symlink("f", "l");
    STAMPS(chmod("f", 0600), "f");
    STAMPS(chmod("f", 0600), "f");
    STAMPS(chmod("d", 0700), "d");
    STAMPS(chown("f", 65001, 65001), "f");
    STAMPS(chown("f", (uid_t)-1, (gid_t)-1), "f");
    STAMPS(lchown("l", 65001, 65001), "l", "f");
    STAMPS(setxattr("f", "user.a", "x", 1, 0), "f");
    STAMPS(removexattr("f", "user.a"), "f");
    STAMPS(removexattr("f", "user.a"), "f");
    STAMPS(utimensat(AT_FDCWD, "f", NULL, 0), "f");
    STAMPS(access("f", R_OK), "f");
}

CASE(stamps_of_data)
{
    char buf[100];
    put_file("f", "some content that is read");
    int fd = open("f", O_RDWR);
    STAMPS(write(fd, "x", 1), "f");
    STAMPS(write(fd, "x", 0), "f");
    STAMPS(pwrite(fd, "x", 1, 100), "f");
    STAMPS(ftruncate(fd, 50), "f");
    STAMPS(ftruncate(fd, 50), "f");
    STAMPS(truncate("f", 50), "f");
    STAMPS(truncate("f", 60), "f");
    STAMPS(fallocate(fd, 0, 0, 200), "f");
    STAMPS(fallocate(fd, 0, 0, 10), "f");
    STAMPS(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 1000), "f");
    STAMPS(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 10), "f");
    STAMPS(fsync(fd), "f");
    STAMPS(lseek(fd, 0, SEEK_DATA), "f");
    STAMPS(pread(fd, buf, 0, 0), "f");
    put_file("g", "");
    int to = open("g", O_RDWR);
    STAMPS(copy_file_range(fd, &(loff_t){0}, to, &(loff_t){0}, 10, 0), "g");
    STAMPS(open("f", O_WRONLY | O_APPEND), "f");
}

/* Reading is known to be different: the kernel reads from its cache without asking. */
CASE(stamps_of_reading)
{
    char buf[100];
    put_file("f", "some content that is read");
    mkdir("d", 0755);
    symlink("f", "l");
    int fd = open("f", O_RDWR);
    STAMPS(pread(fd, buf, 10, 0), "f");
    STAMPS(readlink("l", buf, 10), "l");
    STAMPS(open("d", O_RDONLY), "d");
    STAMPS(open("f", O_RDONLY), "f");
}

CASE(statx_birth_time)
{
    struct statx before;
    struct statx after;
    put_file("f", "x");
    E(0, statx(AT_FDCWD, "f", 0, STATX_BTIME | STATX_BASIC_STATS, &before));
    V((before.stx_mask & STATX_BTIME) != 0);
    usleep(40000);
    chmod("f", 0600);
    put_file("f", "xyz");
    E(0, statx(AT_FDCWD, "f", 0, STATX_BTIME | STATX_BASIC_STATS, &after));
    C(before.stx_btime.tv_sec == after.stx_btime.tv_sec &&
      before.stx_btime.tv_nsec == after.stx_btime.tv_nsec);
    C(after.stx_btime.tv_sec > 1700000000);
    C(after.stx_ctime.tv_sec > before.stx_ctime.tv_sec ||
      after.stx_ctime.tv_nsec != before.stx_ctime.tv_nsec);
}

static void try_faccess(void)
{
    unsigned result = 0;
    for (int mode = 1; mode < 8; mode++) {
        result = result * 2 + (access("f", mode) == 0);
        result = result * 2 + (access("d", mode) == 0);
    }
    rec("access = %04x", result);
}

CASE(access_by_real_ids)
{
    static const mode_t modes[] = {0, 0111, 0222, 0444, 0700, 0070, 0007, 0751, 0640, 0604};
    put_file("f", "x");
    mkdir("d", 0755);
    chown("f", UID(1), GID(1));
    chown("d", UID(1), GID(1));
    for (size_t m = 0; m < COUNT(modes); m++) {
        chmod("f", modes[m]);
        chmod("d", modes[m]);
        for (int user = 0; user < 4; user++) {
            rec("mode %o user %d", modes[m], user);
            in_child(user, try_faccess);
        }
    }
}

CASE(exclusive_rights_of_the_first_class_that_matches)
{
    put_file("f", "x");
    chown("f", UID(1), GID(1));
    chmod("f", 0077);
    as_user(1);
    E(EACCES, open("f", O_RDONLY)); /* the owner is not also others */
    as_user(2);
    E(0, open("f", O_RDWR));
    as_user(0);
    chmod("f", 0707);
    as_user(2);
    E(EACCES, open("f", O_RDONLY)); /* the group neither */
    as_user(3);
    E(0, open("f", O_RDWR));
}
