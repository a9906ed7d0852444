// SPDX-License-Identifier: MIT
#include "suite.h"

#include <dirent.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

enum { CASES_MAX = 400, SECONDS_MAX = 60, SHOWN_MAX = 12 };

struct one_case {
    const char *file, *name;
    void (*run)(void);
};

/* The lines that one run of a case recorded. */
struct record {
    char *text;
    size_t len;
    char **lines;
    size_t count;
};

static struct one_case cases[CASES_MAX];
static size_t case_count;
static FILE *out; /* of the child: its records */

void suite_add(const char *file, const char *name, void (*run)(void))
{
    const char *slash = strrchr(file, '/');
    if (case_count == CASES_MAX) {
        abort();
    }
    cases[case_count++] = (struct one_case){slash ? slash + 1 : file, name, run};
}

/* ---- Recording ------------------------------------------------------------------------------- */

void rec(const char *format, ...)
{
    va_list args;
    int saved = errno;
    va_start(args, format);
    vfprintf(out, format, args);
    va_end(args);
    fputc('\n', out);
    errno = saved;
}

const char *err_name(int error)
{
    static char number[16];
    const char *name = error == 0 ? "0" : strerrorname_np(error);
    if (name == NULL) {
        snprintf(number, sizeof(number), "E%d", error);
        return number;
    }
    return name;
}

long long record_call(const char *expr, long long result)
{
    if (result < 0) {
        rec("%s = %s", expr, err_name(errno));
    } else {
        rec("%s = %lld", expr, result);
    }
    return result;
}

long long expect_call(const char *expr, long long result, int error, int line)
{
    int got = result < 0 ? errno : 0;
    rec("%s = %s", expr, err_name(got));
    if (got != error) {
        rec("! line %d: %s must be %s, is %s", line, expr, err_name(error), err_name(got));
    }
    errno = got;
    return result;
}

void expect_true(bool good, const char *cond, int line)
{
    rec("%s", cond);
    if (!good) {
        rec("! line %d: %s must hold", line, cond);
    }
}

void rec_stat(const char *path)
{
    struct stat st;
    if (lstat(path, &st) < 0) {
        rec("stat %s = %s", path, err_name(errno));
        return;
    }
    rec("stat %s = %06o links %u uid %d gid %d size %lld dev %u:%u", path, st.st_mode,
        (unsigned)st.st_nlink, (int)st.st_uid, (int)st.st_gid,
        S_ISDIR(st.st_mode) ? -1LL : (long long)st.st_size, major(st.st_rdev), minor(st.st_rdev));
}

/* ---- Times ----------------------------------------------------------------------------------- */

static struct timespec aged_at;

void age(const char *path)
{
    struct timespec old[2] = {{1000000000, 111}, {1100000000, 222}};
    utimensat(AT_FDCWD, path, old, AT_SYMLINK_NOFOLLOW);
    struct stat st;
    lstat(path, &st);
    aged_at = st.st_ctim;
    nanosleep(&(struct timespec){0, 40000000}, NULL);
}

void rec_stamps(const char *what, const char *path)
{
    struct stat st;
    if (lstat(path, &st) < 0) {
        rec("stamps %s %s = %s", what, path, err_name(errno));
        return;
    }
    bool changed = st.st_ctim.tv_sec > aged_at.tv_sec ||
                   (st.st_ctim.tv_sec == aged_at.tv_sec && st.st_ctim.tv_nsec > aged_at.tv_nsec);
    rec("stamps %s %s = %s%s%s", what, path, st.st_atim.tv_sec == 1000000000 ? "-" : "a",
        st.st_mtim.tv_sec == 1100000000 ? "-" : "m", changed ? "c" : "-");
}

/* ---- Users and objects ----------------------------------------------------------------------- */

void as_user(int user)
{
    if (seteuid(0) < 0 || setegid(0) < 0) {
        abort();
    }
    gid_t groups[2] = {GID(user), GID(1)};
    if (setgroups(user == 2   ? 2
                  : user == 0 ? 0
                              : 1,
                  groups) < 0 ||
        setegid(GID(user)) < 0 || seteuid(UID(user)) < 0) {
        abort();
    }
}

void in_child(int user, void (*run)(void))
{
    fflush(out);
    pid_t pid = fork();
    if (pid == 0) {
        gid_t groups[2] = {GID(user), GID(1)};
        if (setgroups(user == 2 ? 2 : 1, groups) < 0 ||
            setresgid(GID(user), GID(user), GID(user)) < 0 ||
            setresuid(UID(user), UID(user), UID(user)) < 0) {
            abort();
        }
        run();
        fflush(out);
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    rec("child = %#x", (unsigned)status);
}

void put_file(const char *path, const char *content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, content, strlen(content)) < 0) {
        rec("cannot write %s: %s", path, err_name(errno));
    }
    close(fd);
}

const char *const object_names[OBJECTS] = {"none", "file", "dir",  "fulldir", "link",   "dangling",
                                           "loop", "fifo", "sock", "char",    "linkdir"};

static void make_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    bind(fd, (struct sockaddr *)&address, sizeof(address));
    close(fd);
}

void make_objects(void)
{
    clear_here();
    put_file("file", "content");
    mkdir("dir", 0755);
    mkdir("fulldir", 0755);
    put_file("fulldir/inside", "x");
    symlink("file", "link");
    symlink("nowhere", "dangling");
    symlink("loop", "loop");
    symlink("dir", "linkdir");
    mkfifo("fifo", 0644);
    make_socket("sock");
    mknod("char", S_IFCHR | 0644, makedev(1, 3));
}

/* Removes everything in the directory `fd`, which is taken over. */
static void clear_fd(int fd)
{
    DIR *dir = fdopendir(fd);
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (unlinkat(fd, entry->d_name, 0) < 0) {
            int below = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (below >= 0) {
                clear_fd(below);
            }
            unlinkat(fd, entry->d_name, AT_REMOVEDIR);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

void clear_here(void)
{
    clear_fd(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

const char *name_of(size_t len, char c)
{
    static char names[2][8192];
    static int turn;
    char *name = names[turn ^= 1];
    memset(name, c, len);
    name[len] = '\0';
    return name;
}

/* ---- Running --------------------------------------------------------------------------------- */

/* The child: never returns. */
static void run_case(const struct one_case *c, const char *base, int fd)
{
    out = fdopen(fd, "w");
    setpgid(0, 0);
    umask(0);
    if (out == NULL || chdir(base) < 0 || (mkdir(c->name, 0755) < 0 && errno != EEXIST) ||
        chdir(c->name) < 0) {
        _exit(99);
    }
    clear_here();
    if (chmod(".", 0755) < 0) {
        _exit(99);
    }
    c->run();
    as_user(0);
    clear_here();
    fflush(out);
    _exit(0);
}

/* Reads all that the child records, for at most SECONDS_MAX. False if time was up. */
static bool read_record(int fd, struct record *record)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    time_t end = time(NULL) + SECONDS_MAX;
    for (;;) {
        record->text = realloc(record->text, record->len + 65537);
        if (record->text == NULL) {
            abort();
        }
        if (time(NULL) >= end || poll(&poller, 1, SECONDS_MAX * 1000) == 0) {
            record->text[record->len] = '\0';
            return false;
        }
        ssize_t got = read(fd, record->text + record->len, 65536);
        if (got <= 0) {
            record->text[record->len] = '\0';
            return true;
        }
        record->len += (size_t)got;
    }
}

static void split_lines(struct record *record)
{
    char *at = record->text;
    while (*at != '\0') {
        char *end = strchr(at, '\n');
        record->lines = realloc(record->lines, (record->count + 1) * sizeof(char *));
        record->lines[record->count++] = at;
        if (end == NULL) {
            break;
        }
        *end = '\0';
        at = end + 1;
    }
}

/* Adds a last line that says how the child ended. */
static struct record record_case(const struct one_case *c, const char *base)
{
    struct record record = {0};
    int pipes[2];
    int status = 0;
    if (pipe2(pipes, O_CLOEXEC) < 0) {
        abort();
    }
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(pipes[0]);
        run_case(c, base, pipes[1]);
    }
    close(pipes[1]);
    bool in_time = read_record(pipes[0], &record);
    close(pipes[0]);
    if (!in_time) {
        kill(-pid, SIGKILL);
        kill(pid, SIGKILL);
    }
    waitpid(pid, &status, 0);
    char end[64];
    snprintf(end, sizeof(end), "%send %s%#x\n", in_time && status == 0 ? "" : "! ",
             in_time ? "" : "after too long ", (unsigned)status);
    record.text = realloc(record.text, record.len + sizeof(end));
    memcpy(record.text + record.len, end, strlen(end) + 1);
    split_lines(&record);
    return record;
}

static void free_record(struct record *record)
{
    free(record->text);
    free(record->lines);
}

/* Lines that begin with '!' are failed checks; they count on the target only where the oracle
 * passes. */
static int compare(const char *name, const struct record *a, const struct record *b)
{
    int bad = 0;
    size_t most = a->count > b->count ? a->count : b->count;
    for (size_t i = 0; i < most; i++) {
        const char *expected = i < a->count ? a->lines[i] : NULL;
        const char *got = i < b->count ? b->lines[i] : NULL;
        const char *why = NULL;
        if (expected && expected[0] == '!') {
            printf("# the oracle itself: %s\n", expected + 2);
        }
        if (expected && got && strcmp(expected, got) == 0) {
            continue;
        }
        if (known_difference(name, expected, got, &why)) {
            printf("# known: %s: %s\n", why, got ? got : expected);
            if (got != NULL && got[0] == '!') {
                return bad; /* what follows is out of step */
            }
            continue;
        }
        if (bad++ < SHOWN_MAX) {
            printf("#   expected: %s\n#        got: %s\n", expected ? expected : "(nothing)",
                   got ? got : "(nothing)");
        }
        if (!expected || !got || expected[0] == '!' || got[0] == '!') {
            break; /* out of step */
        }
    }
    return bad;
}

static int by_name(const void *a, const void *b)
{
    const struct one_case *x = a;
    const struct one_case *y = b;
    int order = strcmp(x->file, y->file);
    return order ? order : strcmp(x->name, y->name);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strncmp(argv[1], "--", 2) == 0) {
        mount_kind = argv[1][2];
        argc--;
        argv++;
    }
    if (argc < 3) {
        fprintf(stderr, "posix [--passthrough | --writeback] ORACLE-DIR TARGET-DIR [CASE...]\n");
        return 2;
    }
    if (geteuid() != 0) {
        printf("1..0 # SKIP not root\n");
        return 0;
    }
    signal(SIGPIPE, SIG_IGN);
    qsort(cases, case_count, sizeof(cases[0]), by_name);
    int failed = 0;
    int number = 0;
    size_t checks = 0;
    for (size_t i = 0; i < case_count; i++) {
        bool chosen = argc == 3;
        for (int j = 3; j < argc; j++) {
            chosen = chosen || strcmp(argv[j], cases[i].name) == 0 ||
                     strcmp(argv[j], cases[i].file) == 0;
        }
        if (!chosen) {
            continue;
        }
        struct record a = record_case(&cases[i], argv[1]);
        struct record b = record_case(&cases[i], argv[2]);
        int bad = compare(cases[i].name, &a, &b);
        failed += bad > 0;
        checks += a.count;
        printf("%sok %d - %s %s (%zu checks)\n", bad ? "not " : "", ++number, cases[i].file,
               cases[i].name, a.count);
        free_record(&a);
        free_record(&b);
    }
    printf("1..%d\n# %zu checks\n", number, checks);
    return failed > 0;
}
