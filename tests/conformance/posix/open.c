// SPDX-License-Identifier: MIT
/* open, creat and what O_ flags mean for every sort of object. */
#include "suite.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

CASE(open_every_flag_on_every_object)
{
    static const int ways[] = {O_RDONLY, O_WRONLY, O_RDWR};
    static const int more[] = {0,
                               O_CREAT,
                               O_CREAT | O_EXCL,
                               O_TRUNC,
                               O_NOFOLLOW,
                               O_DIRECTORY,
                               O_APPEND,
                               O_CREAT | O_TRUNC,
                               O_PATH,
                               O_PATH | O_NOFOLLOW,
                               O_DIRECTORY | O_NOFOLLOW,
                               O_CREAT | O_NOFOLLOW,
                               O_EXCL,
                               O_NOATIME,
                               O_DIRECT,
                               O_SYNC,
                               O_DSYNC};
    for (size_t object = 0; object < OBJECTS; object++) {
        for (size_t way = 0; way < COUNT(ways); way++) {
            for (size_t flag = 0; flag < COUNT(more); flag++) {
                make_objects();
                int fd = open(object_names[object], ways[way] | more[flag] | O_NONBLOCK, 0640);
                rec("open %s %#x %#x = %s", object_names[object], ways[way], more[flag],
                    err_name(fd < 0 ? errno : 0));
                close(fd);
                rec_stat(object_names[object]);
                rec_stat("nowhere");
            }
        }
    }
}

CASE(open_trailing_slashes)
{
    make_objects();
    for (size_t i = 0; i < OBJECTS; i++) {
        char path[64];
        snprintf(path, sizeof(path), "%s/", object_names[i]);
        int fd = open(path, O_RDONLY | O_NONBLOCK);
        rec("open %s = %s", path, err_name(fd < 0 ? errno : 0));
        close(fd);
        fd = open(path, O_RDWR | O_CREAT | O_NONBLOCK, 0644);
        rec("open O_CREAT %s = %s", path, err_name(fd < 0 ? errno : 0));
        close(fd);
        rec("mkdir %s = %s", path, err_name(mkdir(path, 0755) < 0 ? errno : 0));
        rec("unlink %s = %s", path, err_name(unlink(path) < 0 ? errno : 0));
        rec("rmdir %s = %s", path, err_name(rmdir(path) < 0 ? errno : 0));
        char below[66];
        snprintf(below, sizeof(below), "%sx", path);
        rec("stat below %s = %s", path, err_name(access(below, F_OK) < 0 ? errno : 0));
    }
}

CASE(open_modes_and_umask)
{
    static const mode_t umasks[] = {0, 022, 077, 0777, 0111};
    static const mode_t modes[] = {0, 0644, 0777, 07777, 04755, 02755, 01644};
    for (size_t u = 0; u < COUNT(umasks); u++) {
        for (size_t m = 0; m < COUNT(modes); m++) {
            for (int user = 0; user < 3; user++) {
                clear_here();
                chmod(".", 0777);
                as_user(user);
                umask(umasks[u]);
                close(open("file", O_CREAT | O_WRONLY, modes[m]));
                mkdir("dir", modes[m]);
                mkfifo("fifo", modes[m]);
                mknod("node", S_IFREG | modes[m], 0);
                symlink("x", "link");
                umask(0);
                as_user(0);
                rec_stat("file");
                rec_stat("dir");
                rec_stat("fifo");
                rec_stat("node");
                rec_stat("link");
            }
        }
    }
}

CASE(open_mode_does_not_bind_the_creator)
{
    chmod(".", 0777);
    as_user(1);
    int fd = (int)R(open("none", O_CREAT | O_RDWR | O_EXCL, 0));
    E(0, write(fd, "still writable", 14));
    E(0, pread(fd, (char[4]){0}, 4, 0));
    close(fd);
    E(EACCES, open("none", O_RDONLY));
    E(EACCES, open("none", O_WRONLY));
    E(EACCES, open("none", O_CREAT | O_RDWR, 0666));
    E(EEXIST, open("none", O_CREAT | O_RDWR | O_EXCL, 0666));
}

CASE(open_access_for_every_mode_and_user)
{
    chmod(".", 0777);
    for (mode_t mode = 0; mode <= 0777; mode++) {
        int result = 0;
        as_user(0);
        unlink("f");
        close(open("f", O_CREAT | O_WRONLY, mode));
        chown("f", UID(1), GID(1));
        for (int user = 1; user < 4; user++) {
            for (int way = 0; way < 3; way++) {
                as_user(user);
                int fd = open("f", way);
                result = result * 2 + (fd >= 0);
                close(fd);
            }
        }
        rec("access to mode %03o = %03x", mode, (unsigned)result);
    }
}

CASE(open_directory_access_for_every_mode_and_user)
{
    mkdir("d", 0777);
    put_file("d/f", "x");
    chmod("d/f", 0666);
    chown("d", UID(1), GID(1));
    for (mode_t mode = 0; mode <= 0777; mode++) {
        unsigned result = 0;
        as_user(0);
        chmod("d", mode);
        for (int user = 1; user < 4; user++) {
            as_user(user);
            int fd = open("d", O_RDONLY);
            result = result * 2 + (fd >= 0);
            close(fd);
            fd = open("d/f", O_RDWR);
            result = result * 2 + (fd >= 0);
            close(fd);
            fd = open("d/new", O_CREAT | O_RDWR, 0666);
            result = result * 2 + (fd >= 0);
            close(fd);
            result = result * 2 + (unlink("d/new") == 0);
            result = result * 2 + (access("d/none", F_OK) < 0 && errno == ENOENT);
        }
        rec("access to directory %03o = %05x", mode, result);
    }
}

CASE(open_trunc)
{
    put_file("f", "something");
    age("f");
    int fd = (int)R(open("f", O_WRONLY | O_TRUNC));
    rec_stamps("O_TRUNC", "f");
    rec_stat("f");
    close(fd);
    age("f");
    fd = (int)R(open("f", O_WRONLY | O_TRUNC)); /* of an empty file */
    rec_stamps("O_TRUNC of nothing", "f");
    close(fd);
    put_file("g", "something");
    chmod("g", 0444);
    chmod(".", 0777);
    as_user(1);
    E(EACCES, open("g", O_RDONLY | O_TRUNC));
    E(EACCES, open("g", O_WRONLY | O_TRUNC));
    rec_stat("g");
}

CASE(open_noatime_needs_the_owner)
{
    put_file("f", "x");
    chmod("f", 0666);
    as_user(1);
    E(EPERM, open("f", O_RDONLY | O_NOATIME));
    as_user(0);
    chown("f", UID(1), GID(1));
    as_user(1);
    E(0, open("f", O_RDONLY | O_NOATIME));
}

CASE(open_path_only)
{
    put_file("f", "x");
    symlink("f", "l");
    char buf[8];
    struct stat st;
    int fd = (int)R(open("f", O_PATH));
    E(EBADF, read(fd, buf, 1));
    E(EBADF, write(fd, buf, 1));
    E(EBADF, fchmod(fd, 0600));
    E(EBADF, fchown(fd, 1, 1));
    E(EBADF, ftruncate(fd, 0));
    E(0, fstat(fd, &st));
    V(st.st_size);
    int link = (int)R(open("l", O_PATH | O_NOFOLLOW));
    E(0, fstat(link, &st));
    V(S_ISLNK(st.st_mode));
    E(0, readlinkat(link, "", buf, sizeof(buf)));
    char proc[40];
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
    C(open(proc, O_RDWR) >= 0);
}

CASE(open_deep_paths)
{
    int made = 0;
    for (int i = 0; i < 300 && mkdir("d", 0755) == 0 && chdir("d") == 0; i++) {
        made++;
    }
    V(made);
    put_file("bottom", "x");
    rec_stat("bottom");
    C(access("../../../d/d/d/bottom", F_OK) == 0);
}

CASE(open_path_length_limits)
{
    char path[5000] = "";
    for (size_t i = 0; i < 2047; i++) {
        memcpy(path + 2 * i, "./", 2);
    }
    V(strlen(path));
    path[strlen(path)] = 'f';
    E(ENOENT, open(path, O_RDONLY));
    E(0, open(path, O_RDWR | O_CREAT, 0644)); /* 4095 bytes */
    memmove(path + 1, path, strlen(path) + 1);
    path[0] = '.';
    E(ENAMETOOLONG, open(path, O_RDONLY));
    E(ENAMETOOLONG, open(path, O_RDWR | O_CREAT, 0644));
    E(ENAMETOOLONG, mkdir(path, 0755));
    E(ENAMETOOLONG, unlink(path));
    E(ENAMETOOLONG, rename(path, "g"));
    E(ENAMETOOLONG, rename("f", path));
    E(ENAMETOOLONG, symlink("x", path));
    E(ENAMETOOLONG, symlink(path, "long"));
    E(ENAMETOOLONG, chmod(path, 0644));
    E(ENAMETOOLONG, truncate(path, 0));
}

CASE(open_bad_addresses)
{
    char *bad = (char *)-4096;
    put_file("f", "x");
    int fd = open("f", O_RDWR);
    E(EFAULT, open(bad, O_RDONLY));
    E(EFAULT, mkdir(bad, 0755));
    E(EFAULT, unlink(bad));
    E(EFAULT, rename("f", bad));
    E(EFAULT, rename(bad, "f"));
    E(EFAULT, link("f", bad));
    E(EFAULT, symlink(bad, "l"));
    E(EFAULT, read(fd, bad, 1));
    E(EFAULT, write(fd, bad, 1));
    E(EFAULT, pwrite(fd, bad, 10000, 0));
    E(EFAULT, pread(fd, bad, 1, 0));
    rec_stat("f");
    E(ENOENT, open("", O_RDONLY));
    E(ENOENT, mkdir("", 0755));
    E(ENOENT, unlink(""));
    E(ENOENT, rename("f", ""));
    E(ENOENT, symlink("", "l"));
}

CASE(open_executes_from_the_mount)
{
    static const char script[] = "#!/bin/sh\nexit 42\n";
    put_file("script", script);
    char self[4096];
    E(EACCES, access("script", X_OK));
    chmod("script", 0755);
    E(0, access("script", X_OK));
    rec("script ends with %#x", (unsigned)system("./script"));
    ssize_t len = readlink("/bin/true", self, sizeof(self) - 1);
    (void)len;
    rec("copy = %d", system("cp /bin/true ./binary && ./binary"));
    int fd = open("binary", O_WRONLY);
    rec("running a file open for writing = %#x", (unsigned)system("./binary 2>/dev/null"));
    close(fd);
}

CASE(open_text_busy)
{
    rec("copy = %d", system("cp /bin/sleep ./sleeper"));
    int ready[2];
    if (pipe(ready) < 0) {
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        execl("./sleeper", "sleeper", "5", NULL);
        _exit(1);
    }
    usleep(100000);
    E(ETXTBSY, open("sleeper", O_WRONLY));
    E(ETXTBSY, open("sleeper", O_RDWR));
    E(ETXTBSY, truncate("sleeper", 0));
    E(0, open("sleeper", O_RDONLY));
    E(0, unlink("sleeper"));
    kill(pid, 9);
    waitpid(pid, NULL, 0);
}

CASE(open_file_size_limit)
{
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {10000, 10000};
    setrlimit(RLIMIT_FSIZE, &limit);
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    E(EFBIG, ftruncate(fd, 10001));
    E(0, ftruncate(fd, 10000));
    E(EFBIG, pwrite(fd, "x", 1, 10000));
    R(pwrite(fd, "xyz", 3, 9998));
    E(EFBIG, posix_fallocate(fd, 0, 20000) ? (errno = EFBIG, -1) : 0);
    rec_stat("f");
}
