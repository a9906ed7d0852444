// SPDX-License-Identifier: MIT
/* Extended attributes, listings under change, locks, inotify. */
#include "suite.h"

#include <dirent.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include <linux/fs.h>

CASE(xattr_every_name_space_and_object)
{
    static const char *const names[] = {"user.a", "trusted.a", "security.a", "system.a",
                                        "user.",  "user",      "x.y",        ""};
    char buf[64];
    for (int user = 0; user < 3; user++) {
        for (size_t i = 0; i < OBJECTS; i++) {
            make_objects();
            lchown(object_names[i], UID(1), GID(1));
            chmod(object_names[i], 0644);
            as_user(user);
            for (size_t n = 0; n < COUNT(names); n++) {
                rec("set %s %s as %d = %s", object_names[i], names[n], user,
                    err_name(lsetxattr(object_names[i], names[n], "value", 5, 0) < 0 ? errno : 0));
                rec("get = %s",
                    err_name(lgetxattr(object_names[i], names[n], buf, 64) < 0 ? errno : 0));
                rec("remove = %s",
                    err_name(lremovexattr(object_names[i], names[n]) < 0 ? errno : 0));
            }
            as_user(0);
        }
    }
}

CASE(xattr_flags_and_sizes)
{
    static char value[70000];
    char buf[16];
    put_file("f", "x");
    E(ENODATA, setxattr("f", "user.a", "1", 1, XATTR_REPLACE));
    E(0, setxattr("f", "user.a", "1", 1, XATTR_CREATE));
    E(EEXIST, setxattr("f", "user.a", "1", 1, XATTR_CREATE));
    E(EINVAL, setxattr("f", "user.a", "1", 1, 4));
    E(0, setxattr("f", "user.a", "123456", 6, 0));
    E(ERANGE, getxattr("f", "user.a", buf, 5));
    R(getxattr("f", "user.a", buf, 0));
    R(getxattr("f", "user.a", buf, 6));
    E(0, setxattr("f", "user.empty", "", 0, 0));
    R(getxattr("f", "user.empty", buf, 6));
    E(0, setxattr("f", "user.big", value, 65536, 0));
    R(getxattr("f", "user.big", value, 65536));
    E(E2BIG, setxattr("f", "user.big", value, 65537, 0));
    E(ERANGE, listxattr("f", buf, 3));
    E(ENODATA, getxattr("f", "user.none", buf, 6));
    char name[300] = "user.";
    memset(name + 5, 'n', 250);
    E(0, setxattr("f", name, "1", 1, 0));
    name[255] = 'n';
    E(ERANGE, setxattr("f", name, "1", 1, 0));
}

/* Every entry that stays is seen once, whatever comes and goes. */
CASE(readdir_while_it_changes)
{
    enum { STAY = 3000 };
    static unsigned char seen[STAY];
    char name[32];
    memset(seen, 0, sizeof(seen));
    for (int i = 0; i < STAY; i++) {
        snprintf(name, sizeof(name), "stay%d", i);
        mknod(name, S_IFREG | 0644, 0);
        snprintf(name, sizeof(name), "go%d", i);
        mknod(name, S_IFREG | 0644, 0);
    }
    DIR *dir = opendir(".");
    struct dirent *entry;
    int step = 0;
    while ((entry = readdir(dir)) != NULL) {
        int number;
        if (sscanf(entry->d_name, "stay%d", &number) == 1) {
            seen[number]++;
        }
        if (step < STAY) {
            snprintf(name, sizeof(name), "go%d", step);
            unlink(name);
            snprintf(name, sizeof(name), "new%d", step);
            mknod(name, S_IFREG | 0644, 0);
        }
        step++;
    }
    closedir(dir);
    int wrong = 0;
    for (int i = 0; i < STAY; i++) {
        wrong += seen[i] != 1;
    }
    C(wrong == 0);
}

CASE(readdir_positions)
{
    char name[32];
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        mknod(name, S_IFREG | 0644, 0);
    }
    DIR *dir = opendir(".");
    long place[502];
    char names[502][32];
    int count = 0;
    struct dirent *entry;
    for (;;) {
        place[count] = telldir(dir);
        if ((entry = readdir(dir)) == NULL) {
            break;
        }
        snprintf(names[count++], 32, "%.31s", entry->d_name);
    }
    V(count);
    int wrong = 0;
    for (int i = count - 1; i >= 0; i -= 7) {
        seekdir(dir, place[i]);
        entry = readdir(dir);
        wrong += entry == NULL || strcmp(entry->d_name, names[i]) != 0;
    }
    C(wrong == 0);
    mknod("later", S_IFREG | 0644, 0);
    rewinddir(dir);
    int again = 0;
    int later = 0;
    while ((entry = readdir(dir)) != NULL) {
        again++;
        later += strcmp(entry->d_name, "later") == 0;
    }
    V(again);
    C(later == 1);
    closedir(dir);
}

static int lock_of_another(int type, off_t start, off_t len)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        struct flock lock = {
            .l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
        int fd = open("f", O_RDWR);
        _exit(fcntl(fd, F_SETLK, &lock) == 0 ? 0 : errno);
    }
    waitpid(pid, &status, 0);
    errno = WEXITSTATUS(status);
    return errno ? -1 : 0;
}

CASE(locks)
{
    put_file("f", "0123456789");
    int fd = open("f", O_RDWR);
    int other = open("f", O_RDWR);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 3};
    E(0, fcntl(fd, F_SETLK, &lock));
    E(EAGAIN, lock_of_another(F_RDLCK, 0, 0));
    E(0, lock_of_another(F_WRLCK, 5, 10));
    lock.l_type = F_RDLCK;
    E(0, fcntl(fd, F_SETLK, &lock));
    E(0, lock_of_another(F_RDLCK, 0, 0));
    E(EAGAIN, lock_of_another(F_WRLCK, 4, 1));
    close(other); /* lets go of all locks of the process */
    E(0, lock_of_another(F_WRLCK, 0, 0));
    other = open("f", O_RDWR);
    E(0, flock(fd, LOCK_EX));
    E(EAGAIN, flock(other, LOCK_SH | LOCK_NB));
    E(0, flock(fd, LOCK_SH));
    E(0, flock(other, LOCK_SH | LOCK_NB));
    lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
    E(0, fcntl(fd, F_OFD_SETLK, &lock));
    E(EAGAIN, fcntl(other, F_OFD_SETLK, &lock));
}

CASE(inotify_hears_of_changes)
{
    char buf[4096] __attribute__((aligned(8)));
    mkdir("d", 0755);
    int fd = inotify_init1(IN_NONBLOCK);
    C(inotify_add_watch(fd, "d", IN_ALL_EVENTS) >= 0);
    put_file("d/f", "x");
    chmod("d/f", 0600);
    rename("d/f", "d/g");
    unlink("d/g");
    ssize_t len = read(fd, buf, sizeof(buf));
    for (char *at = buf; at < buf + len;) {
        struct inotify_event *event = (struct inotify_event *)(void *)at;
        rec("event %#x %s", event->mask, event->len ? event->name : "");
        at += sizeof(*event) + event->len;
    }
}

CASE(inode_flags)
{
    int flags = 0;
    put_file("f", "x");
    int fd = open("f", O_RDWR);
    R(ioctl(fd, FS_IOC_GETFLAGS, &flags));
    flags |= FS_IMMUTABLE_FL;
    R(ioctl(fd, FS_IOC_SETFLAGS, &flags));
    R(unlink("f"));
    R(chmod("f", 0600));
    R(rename("f", "g"));
    R(link("f", "g"));
    R(open("f", O_WRONLY));
    R(utimensat(AT_FDCWD, "f", NULL, 0));
    flags = 0;
    R(ioctl(fd, FS_IOC_SETFLAGS, &flags));
    R(unlink("f"));
}
