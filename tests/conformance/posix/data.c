// SPDX-License-Identifier: MIT
/* Data: sizes, holes, fallocate, mappings, appends, copies, unlinked and unnamed files. */
#include "suite.h"

#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>

/* A sum over the bytes of a file and where they are. */
static void rec_data(const char *what, int fd)
{
    unsigned char buf[65536];
    unsigned long long sum = 0;
    off_t at = 0;
    ssize_t got;
    while ((got = pread(fd, buf, sizeof(buf), at)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            sum = sum * 31 + buf[i];
        }
        at += got;
    }
    rec("%s: %lld bytes, sum %llx", what, (long long)at, sum);
}

static void fill(int fd, off_t at, size_t len, int byte)
{
    char *buf = malloc(len);
    memset(buf, byte, len);
    rec("fill %zu at %lld = %zd", len, (long long)at, pwrite(fd, buf, len, at));
    free(buf);
}

CASE(truncate_every_object)
{
    static const off_t sizes[] = {0, 1, 100, 4096, 1 << 20, -1};
    for (size_t i = 0; i < OBJECTS; i++) {
        for (size_t s = 0; s < COUNT(sizes); s++) {
            make_objects();
            rec("truncate %s %lld = %s", object_names[i], (long long)sizes[s],
                err_name(truncate(object_names[i], sizes[s]) < 0 ? errno : 0));
            rec_stat("file");
        }
    }
    int fd = open("file", O_RDONLY);
    E(EINVAL, ftruncate(fd, 0));
    E(EBADF, ftruncate(-1, 0));
    chmod("file", 0444);
    as_user(1);
    E(EACCES, truncate("file", 0));
}

CASE(truncate_and_grow)
{
    static const off_t sizes[] = {10000, 5000, 5001,  4096,  4095,  8192, 1,
                                  0,     3,    70000, 65536, 65537, 12345};
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        fill(fd, 0, 20000, 'a' + (int)i);
        ftruncate(fd, sizes[i]);
        rec_stat("f");
        rec_data("after", fd);
        ftruncate(fd, 30000);
        rec_data("grown", fd);
    }
}

CASE(sparse_beyond_4_gib)
{
    static const off_t places[] = {0, 1LL << 31, (1LL << 32) - 1, 1LL << 32, (1LL << 40) + 5};
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    for (size_t i = 0; i < COUNT(places); i++) {
        R(pwrite(fd, "here", 4, places[i]));
        rec_stat("f");
    }
    char buf[5] = "";
    for (size_t i = 0; i < COUNT(places); i++) {
        R(pread(fd, buf, 4, places[i]));
        rec("%s", buf);
    }
    R(ftruncate(fd, (1LL << 32) + 2));
    R(pread(fd, buf, 4, 1LL << 32));
    struct stat st;
    fstat(fd, &st);
    C(st.st_blocks < 1000);
    R(lseek(fd, 0, SEEK_END));
    R(lseek(fd, 1LL << 45, SEEK_SET));
    R(write(fd, "x", 1));
    rec_stat("f");
}

CASE(size_limits)
{
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    E(EINVAL, ftruncate(fd, -1));
    R(ftruncate(fd, INT64_MAX));
    rec_stat("f");
    R(pwrite(fd, "x", 1, INT64_MAX - 1));
    E(EINVAL, pwrite(fd, "x", 1, -1));
    R(pwrite(fd, "xy", 2, INT64_MAX - 1));
    R(pwrite(fd, "x", 1, INT64_MAX));
    R(lseek(fd, INT64_MAX, SEEK_SET));
    R(lseek(fd, 1, SEEK_CUR));
    E(EINVAL, lseek(fd, -1, SEEK_SET));
    E(EINVAL, lseek(fd, 0, 99));
    R(ftruncate(fd, 0));
}

CASE(seek_data_and_holes)
{
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    E(ENXIO, lseek(fd, 0, SEEK_DATA));
    E(ENXIO, lseek(fd, 0, SEEK_HOLE));
    fill(fd, 40960, 4096, 'x');
    fill(fd, 81920, 100, 'y');
    ftruncate(fd, 200000);
    static const off_t places[] = {0,     1,     4095,  40959, 40960,  41000,  45055,  45056, 81919,
                                   81920, 82019, 82020, 86016, 199999, 200000, 300000, -1};
    for (size_t i = 0; i < COUNT(places); i++) {
        off_t data = lseek(fd, places[i], SEEK_DATA);
        rec("data from %lld = %lld %s", (long long)places[i], (long long)data,
            err_name(data < 0 ? errno : 0));
        off_t hole = lseek(fd, places[i], SEEK_HOLE);
        rec("hole from %lld = %lld %s", (long long)places[i], (long long)hole,
            err_name(hole < 0 ? errno : 0));
    }
    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 40960, 4096);
    R(lseek(fd, 0, SEEK_DATA));
    mkdir("d", 0755);
    int dir = open("d", O_RDONLY);
    R(lseek(dir, 0, SEEK_DATA));
    R(lseek(dir, 0, SEEK_HOLE));
}

CASE(fallocate_modes)
{
    static const int modes[] = {0,
                                FALLOC_FL_KEEP_SIZE,
                                FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                FALLOC_FL_PUNCH_HOLE,
                                0x4000,
                                FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE};
    static const struct {
        off_t offset, len;
    } ranges[] = {{0, 100},       {0, 4096},  {10, 20},  {4096, 8192}, {5000, 10000},
                  {15000, 10000}, {30000, 5}, {0, 0},    {-1, 5},      {5, -1},
                  {0, 20000},     {19999, 1}, {20000, 1}};
    for (size_t m = 0; m < COUNT(modes); m++) {
        for (size_t r = 0; r < COUNT(ranges); r++) {
            int fd = open("f", O_CREAT | O_RDWR | O_TRUNC, 0644);
            fill(fd, 0, 20000, 'q');
            rec("fallocate %#x %lld %lld = %s", modes[m], (long long)ranges[r].offset,
                (long long)ranges[r].len,
                err_name(fallocate(fd, modes[m], ranges[r].offset, ranges[r].len) < 0 ? errno : 0));
            rec_stat("f");
            rec_data("after", fd);
            close(fd);
        }
    }
    int fd = open("f", O_RDONLY);
    E(EBADF, fallocate(fd, 0, 0, 100));
    int dir = open(".", O_RDONLY);
    R(fallocate(dir, 0, 0, 100));
    E(EFBIG, fallocate(open("f", O_RDWR), 0, INT64_MAX - 5, 100));
    mkfifo("p", 0644);
    int fifo = open("p", O_RDWR);
    E(ESPIPE, fallocate(fifo, 0, 0, 100));
}

CASE(fallocate_makes_room)
{
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    struct stat st;
    E(0, fallocate(fd, 0, 0, 1 << 20));
    fstat(fd, &st);
    V(st.st_blocks);
    E(0, fallocate(fd, FALLOC_FL_KEEP_SIZE, 1 << 20, 1 << 20));
    fstat(fd, &st);
    V(st.st_blocks);
    V(st.st_size);
    E(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1 << 19));
    fstat(fd, &st);
    V(st.st_blocks);
    E(0, ftruncate(fd, 0));
    fstat(fd, &st);
    V(st.st_blocks);
}

CASE(blocks_of_what_was_written)
{
    static const size_t sizes[] = {4096, 8192, 65536, 1 << 20};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        int fd = open("f", O_CREAT | O_RDWR | O_TRUNC, 0644);
        struct stat st;
        fill(fd, 0, sizes[i], 'b');
        fsync(fd);
        fstat(fd, &st);
        V(st.st_blocks);
        V(st.st_blksize);
        close(fd);
    }
}

CASE(append_from_several_processes)
{
    enum { WRITERS = 4, LINES = 200 };
    for (int w = 0; w < WRITERS; w++) {
        if (fork() == 0) {
            int fd = open("log", O_CREAT | O_WRONLY | O_APPEND, 0644);
            for (int i = 0; i < LINES; i++) {
                char line[64];
                int len = snprintf(line, sizeof(line), "%d:%04d:%.*s\n", w, i, w * 7 + 1,
                                   "abcdefghijklmnopqrstuvwxyz");
                if (write(fd, line, (size_t)len) != len) {
                    _exit(1);
                }
            }
            _exit(0);
        }
    }
    int bad = 0;
    for (int w = 0; w < WRITERS; w++) {
        int status;
        wait(&status);
        bad += status != 0;
    }
    V(bad);
    rec_stat("log");
    FILE *file = fopen("log", "r");
    int next[WRITERS] = {0};
    int w;
    int i;
    int wrong = 0;
    while (fscanf(file, "%d:%d:%*s\n", &w, &i) == 2) {
        wrong += w < 0 || w >= WRITERS || next[w]++ != i;
    }
    V(wrong);
    V(next[0] + next[1] + next[2] + next[3]);
    fclose(file);
}

CASE(append_ignores_the_offset)
{
    int fd = open("f", O_CREAT | O_RDWR | O_APPEND, 0644);
    R(write(fd, "one", 3));
    R(lseek(fd, 0, SEEK_SET));
    R(write(fd, "two", 3));
    R(lseek(fd, 0, SEEK_CUR));
    R(pwrite(fd, "three", 5, 0)); /* on Linux this appends too */
    rec_data("appended", fd);
    E(0, fcntl(fd, F_SETFL, 0));
    R(pwrite(fd, "ONE", 3, 0));
    rec_data("no longer", fd);
}

CASE(io_vectors_and_offsets)
{
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    char a[] = "first ";
    char b[] = "second";
    char c[20] = "";
    struct iovec out[3] = {{a, 6}, {NULL, 0}, {b, 6}};
    struct iovec in[2] = {{c, 3}, {c + 3, 10}};
    R(writev(fd, out, 3));
    R(pwritev(fd, out, 3, 100));
    R(preadv(fd, in, 2, 98));
    R(readv(fd, in, 2));
    R(lseek(fd, 0, SEEK_SET));
    R(readv(fd, in, 2));
    R(writev(fd, out, 0));
    E(EINVAL, writev(fd, out, -1));
    R(pwritev2(fd, out, 3, -1, RWF_APPEND));
    rec_data("vectors", fd);
    int dir = open(".", O_RDONLY);
    E(EISDIR, read(dir, c, 1));
    E(EBADF, write(open("f", O_RDONLY), c, 1));
    E(EBADF, read(open("f", O_WRONLY), c, 1));
}

CASE(mmap_shared_is_the_file)
{
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    fill(fd, 0, 10000, 'a');
    char *map = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    C(map != MAP_FAILED);
    memcpy(map + 100, "through the map", 15);
    char buf[16] = "";
    R(pread(fd, buf, 15, 100));
    rec("%s", buf);
    R(pwrite(fd, "through write", 13, 5000));
    C(memcmp(map + 5000, "through write", 13) == 0);
    memcpy(map + 9990, "beyond the end", 14); /* the last four are lost */
    R(msync(map, 12288, MS_SYNC));
    rec_data("mapped", fd);
    ftruncate(fd, 9995);
    C(map[9994] == 't' || map[9994] == 'n');
    C(map[9996] == 0);
    ftruncate(fd, 12000);
    C(map[9996] == 0 && map[11999] == 0);
    rec_data("grown again", fd);
    munmap(map, 12288);
    rec_data("unmapped", fd);
    struct stat st;
    fstat(fd, &st);
    V(st.st_size);
}

CASE(mmap_private_is_not)
{
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    fill(fd, 0, 8192, 'a');
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    C(map != MAP_FAILED);
    map[0] = 'X';
    rec_data("file", fd);
    R(pwrite(fd, "B", 1, 5000));
    V(map[5000]);
    V(map[0]);
    close(fd);
    unlink("f");
    V(map[4000]);
    munmap(map, 8192);
    fd = open("f", O_CREAT | O_RDONLY, 0644);
    C(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    V(errno);
    C(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) != MAP_FAILED);
}

CASE(mmap_between_processes)
{
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    fill(fd, 0, 4096, '0');
    volatile char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fork() == 0) {
        int again = open("f", O_RDWR);
        char *other = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0);
        other[10] = 'c';
        if (pwrite(again, "w", 1, 20) != 1) {
            _exit(1);
        }
        _exit(0);
    }
    wait(NULL);
    V(map[10]);
    V(map[20]);
    rec_data("seen", fd);
}

CASE(mmap_of_an_unlinked_file)
{
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    fill(fd, 0, 100000, 'u');
    unlink("f");
    char *map = mmap(NULL, 100000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    memset(map + 50000, 'v', 1000);
    rec_data("by descriptor", fd);
    close(fd);
    V(map[50500]);
    V(map[99999]);
    munmap(map, 100000);
}

CASE(unlinked_files_live_on)
{
    put_file("f", "content");
    int fd = open("f", O_RDWR);
    struct stat st;
    E(0, unlink("f"));
    E(0, fstat(fd, &st));
    V(st.st_nlink);
    V(st.st_size);
    fill(fd, 7, 100000, 'm');
    rec_data("unlinked", fd);
    E(0, fchmod(fd, 0600));
    E(0, fchown(fd, 65001, 65001));
    E(0, ftruncate(fd, 10));
    E(0, futimens(fd, NULL));
    E(0, fsync(fd));
    E(0, fstat(fd, &st));
    rec("mode %o uid %d size %lld", st.st_mode, (int)st.st_uid, (long long)st.st_size);
    put_file("f", "another");
    rec_data("still", fd);
    char proc[40];
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
    E(ENOENT, linkat(AT_FDCWD, proc, AT_FDCWD, "again", AT_SYMLINK_FOLLOW));
    int copy = (int)R(open(proc, O_RDONLY));
    rec_data("reopened", copy);
    put_file("g", "replaced");
    fd = open("g", O_RDONLY);
    put_file("h", "replaces");
    E(0, rename("h", "g"));
    rec_data("replaced", fd);
}

CASE(tmpfile_and_link)
{
    struct stat st;
    char proc[40];
    int fd = (int)R(open(".", O_TMPFILE | O_RDWR, 0640));
    E(0, fstat(fd, &st));
    rec("mode %o links %u", st.st_mode, (unsigned)st.st_nlink);
    fill(fd, 0, 5000, 't');
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
    E(0, linkat(AT_FDCWD, proc, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    rec_stat("named");
    E(0, linkat(AT_FDCWD, proc, AT_FDCWD, "twice", AT_SYMLINK_FOLLOW));
    rec_stat("named");
    fd = (int)R(open(".", O_TMPFILE | O_RDWR | O_EXCL, 0640));
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
    E(ENOENT, linkat(AT_FDCWD, proc, AT_FDCWD, "never", AT_SYMLINK_FOLLOW));
    E(EINVAL, open(".", O_TMPFILE | O_RDONLY, 0640));
    E(ENOENT, open("none", O_TMPFILE | O_RDWR, 0640));
    E(ENOTDIR, open("named", O_TMPFILE | O_RDWR, 0640));
    as_user(1);
    E(EACCES, open(".", O_TMPFILE | O_RDWR, 0640));
}

CASE(copy_file_range_rules)
{
    int a = open("a", O_CREAT | O_RDWR, 0644);
    int b = open("b", O_CREAT | O_RDWR, 0644);
    fill(a, 0, 10000, '1');
    fill(a, 50000, 10000, '2');
    R(copy_file_range(a, &(loff_t){0}, b, &(loff_t){0}, 100000, 0));
    rec_data("copied", b);
    R(copy_file_range(a, &(loff_t){9000}, b, &(loff_t){123}, 2000, 0));
    rec_data("again", b);
    R(copy_file_range(a, &(loff_t){60000}, b, &(loff_t){0}, 10, 0));
    R(copy_file_range(a, &(loff_t){70000}, b, &(loff_t){0}, 10, 0));
    E(EINVAL, copy_file_range(a, &(loff_t){0}, a, &(loff_t){50}, 100, 0));
    R(copy_file_range(a, &(loff_t){0}, a, &(loff_t){200000}, 100, 0));
    E(EINVAL, copy_file_range(a, &(loff_t){0}, b, &(loff_t){0}, 10, 1));
    E(EBADF, copy_file_range(a, &(loff_t){0}, open("b", O_RDONLY), &(loff_t){0}, 10, 0));
    E(EBADF, copy_file_range(open("a", O_WRONLY), &(loff_t){0}, b, &(loff_t){0}, 10, 0));
    E(EBADF, copy_file_range(a, &(loff_t){0}, open("b", O_RDWR | O_APPEND), &(loff_t){0}, 10, 0));
    E(EISDIR, copy_file_range(open(".", O_RDONLY), &(loff_t){0}, b, &(loff_t){0}, 10, 0));
    R(lseek(a, 100, SEEK_SET));
    R(lseek(b, 0, SEEK_END));
    R(copy_file_range(a, NULL, b, NULL, 50, 0));
    R(lseek(a, 0, SEEK_CUR));
    R(lseek(b, 0, SEEK_CUR));
    R(sendfile(b, a, NULL, 1000));
    rec_data("sent", b);
}

CASE(direct_io)
{
    void *page;
    if (posix_memalign(&page, 4096, 65536) != 0) {
        return;
    }
    memset(page, 'd', 65536);
    int fd = (int)R(open("f", O_CREAT | O_RDWR | O_DIRECT, 0644));
    R(pwrite(fd, page, 65536, 0));
    R(pread(fd, page, 4096, 61440));
    R(pread(fd, page, 8192, 61440));
    R(pread(fd, page, 4096, 65536));
    int cached = open("f", O_RDWR);
    R(pwrite(cached, "buffered", 8, 4096));
    R(pread(fd, page, 4096, 4096));
    C(memcmp(page, "buffered", 8) == 0);
    memset(page, 'e', 4096);
    R(pwrite(fd, page, 4096, 4096));
    char buf[9] = "";
    R(pread(cached, buf, 8, 4096));
    rec("%s", buf);
    char *map = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, cached, 0);
    memcpy(map + 8192, "mapped", 6);
    R(pread(fd, page, 4096, 8192));
    C(memcmp(page, "mapped", 6) == 0);
    rec_data("all", cached);
    rec_stat("f");
}

CASE(sockets_and_fifos)
{
    mkfifo("p", 0644);
    E(ENXIO, open("p", O_WRONLY | O_NONBLOCK));
    int in = (int)R(open("p", O_RDONLY | O_NONBLOCK));
    int to = (int)R(open("p", O_WRONLY | O_NONBLOCK));
    char buf[10] = "";
    R(write(to, "pipe", 4));
    R(read(in, buf, 10));
    rec("%s", buf);
    close(to);
    R(read(in, buf, 10));
    E(ESPIPE, lseek(in, 0, SEEK_SET));
    rec_stat("p");
    make_objects();
    E(ENXIO, open("sock", O_RDWR));
    E(0, chmod("sock", 0600));
    E(0, rename("sock", "sock2"));
    rec_stat("sock2");
    int null = (int)R(open("char", O_RDWR));
    R(write(null, "gone", 4));
    R(read(null, buf, 4));
}
