/* SPDX-License-Identifier: MIT */
/*
 * POSIX conformance by comparison. Every case runs twice, each time in a child
 * process in an empty directory of its own: on a tmpfs, which is the oracle, and
 * on the file system under test. What a case records must be equal on both;
 * where POSIX is clear, a case checks it too. A difference that cannot be avoided
 * is listed in known.c, and is then expected.
 */
#ifndef POSIX_SUITE_H
#define POSIX_SUITE_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* Begins a case. It starts as root with umask 0 in an empty directory of mode 0755. */
#define CASE(name)                                            \
    static void name(void);                                   \
    __attribute__((constructor)) static void add_##name(void) \
    {                                                         \
        suite_add(__FILE__, #name, name);                     \
    }                                                         \
    static void name(void)

void suite_add(const char *file, const char *name, void (*run)(void));

/* Records a line of one's own. */
__attribute__((format(printf, 1, 2))) void rec(const char *format, ...);

/* Records "expr = result" or "expr = ERRNO", and returns the result. For calls that return -1 and
 * errno. */
#define R(expr) record_call(#expr, (errno = 0, (long long)(expr)))
long long record_call(const char *expr, long long result);

/* The same, and it must be this error (0: success). */
#define E(error, expr) expect_call(#expr, (errno = 0, (long long)(expr)), (error), __LINE__)
long long expect_call(const char *expr, long long result, int error, int line);

/* A condition that must hold. */
#define C(cond) expect_true((cond), #cond, __LINE__)
void expect_true(bool good, const char *cond, int line);

/* Records the value of an integer expression. */
#define V(expr) rec("%s = %lld", #expr, (long long)(expr))

/* Records what lstat says: type, mode, links, ids, size (not of directories), device. */
void rec_stat(const char *path);

/* The name of an error number, "0" for success. */
const char *err_name(int error);

/* Users: 0 root, 1 to 3 ordinary; user 2 is in the group of user 1, too. Ids are UID(n) = GID(n).
 */
#define UID(user) ((uid_t)((user) == 0 ? 0 : 65000 + (user)))
#define GID(user) ((gid_t)((user) == 0 ? 0 : 65000 + (user)))
void as_user(int user);

/* Runs a function in a child with the real ids of a user. */
void in_child(int user, void (*run)(void));

/* Creates a file with a content; every type of object under a name of its own. */
void put_file(const char *path, const char *content);
/* "none", "file", "dir", "fulldir", "link" (to file), "dangling", "loop", "fifo", "sock", "char",
 * "linkdir". */
extern const char *const object_names[];
enum { OBJECTS = 11 };
void make_objects(void);
void clear_here(void);

/* Sets all times of an object back, and records which of them a later call moved to now. */
void age(const char *path);
void rec_stamps(const char *what, const char *path);

/* A name of `len` times `c`; static storage, two at a time. */
const char *name_of(size_t len, char c);

/* How many elements an array has. */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- Differences that cannot be avoided (known.c) -------------------------------------------- */

extern char mount_kind; /* 'p': passthrough=on, 'w': writeback=on, 0: neither */

/*
 * True if the two lines of a case may differ, and then *ret_why says why. `expected`
 * comes from the oracle; either is NULL if one side has fewer lines.
 */
bool known_difference(const char *name, const char *expected, const char *got,
                      const char **ret_why);

#endif
