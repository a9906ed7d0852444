// SPDX-License-Identifier: MIT
/* Where a Lintel mount differs from tmpfs, and why: docs/design/differences.md says more. */
#include "suite.h"

#include <fnmatch.h>

static const struct {
    const char *name;     /* of the case, a pattern */
    const char *expected; /* the oracle's line, a pattern */
    const char *got;      /* the target's, a pattern */
    const char *why;
} known[] = {
    {"chown_every_combination", "chown -1:-1 as [13] = EPERM", "chown -1:-1 as [13] = 0",
     "the kernel lets anybody do a chown that changes nothing; the file keeps its set-id bits"},
    {"suid_cleared_by_writers", "stat f = 100767*", "stat f = 102767*",
     "a server does not know the writer's groups: set-gid without group execution stays"},
    {"stamps_of_data", "stamps pread(fd, buf, 0, 0) f = a--", "stamps pread(fd, buf, 0, 0) f = ---",
     "the kernel does not ask for reads of nothing"},
    {"stamps_of_data", "stamps truncate(\"f\", 50) f = -mc", "stamps truncate(\"f\", 50) f = --c",
     "tmpfs sets mtime of a file with data even if its size stays; POSIX does not ask for it"},
    {"seek_data_and_holes", "lseek(dir, 0, SEEK_*) = EINVAL", "lseek(dir, 0, SEEK_*) = *",
     "the kernel seeks in a FUSE directory without asking, as in a file"},
};

bool known_difference(const char *name, const char *expected, const char *got, const char **ret_why)
{
    for (size_t i = 0; i < COUNT(known); i++) {
        if (fnmatch(known[i].name, name, 0) == 0 &&
            fnmatch(known[i].expected, expected ? expected : "", 0) == 0 &&
            fnmatch(known[i].got, got ? got : "", 0) == 0) {
            *ret_why = known[i].why;
            return true;
        }
    }
    return false;
}
