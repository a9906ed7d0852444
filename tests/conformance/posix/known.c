// SPDX-License-Identifier: MIT
/* Where a Lintel mount differs from tmpfs, and why: docs/design/differences.md says more. */
#include "suite.h"

#include <fnmatch.h>

static const struct {
    const char *name;     /* of the case, a pattern */
    const char *expected; /* the oracle's line, a pattern */
    const char *got;      /* the target's, a pattern */
    const char *why;
    char only; /* 'p': with passthrough, 'w': with the writeback cache, 0: always */
} known[] = {
    {"chown_every_combination", "chown -1:-1 as [13] = EPERM", "chown -1:-1 as [13] = 0",
     "the kernel lets anybody do a chown that changes nothing; the file keeps its set-id bits"},
    {"suid_cleared_by_writers", "stat f = 100767*", "stat f = 102767*",
     "a server does not know the writer's groups: set-gid without group execution stays"},
    {"stamps_of_data", "stamps pread(fd, buf, 0, 0) f = a--", "stamps pread(fd, buf, 0, 0) f = ---",
     "the kernel does not ask for reads of nothing"},
    {"stamps_of_data", "stamps truncate(\"f\", 50) f = -mc", "stamps truncate(\"f\", 50) f = --c",
     "tmpfs sets mtime of a file with data even if its size stays; POSIX does not ask for it"},
    {"inode_flags", "open(\"f\", O_WRONLY) = EPERM", "open(\"f\", O_WRONLY) = *",
     "the kernel does not know the flags, nor ask to open: the write itself is EPERM"},
    {"seek_data_and_holes", "lseek(dir, 0, SEEK_*) = EINVAL", "lseek(dir, 0, SEEK_*) = *",
     "the kernel seeks in a FUSE directory without asking, as in a file"},
    {"chown_every_combination", "stat f = 10[246]*", "stat f = 10[02]*",
     "a chown that changes nothing looks like a write", 'p'},
    {"append_ignores_the_offset", "no longer: 11 bytes*", "no longer: 14 bytes*",
     "the kernel does not tell the backing file that O_APPEND was cleared", 'p'},
    {"seek_data_and_holes", "*", "*",
     "the kernel does not ask for holes of what it may have cached", 'w'},
    {"stamps_of_data", "*truncate(\"f\", 50) f = -mc", "*truncate(\"f\", 50) f = ---",
     "the kernel keeps the times", 'w'},
    {"stamps_of_reading", "*pread(fd, buf, 10, 0) f = a--", "*pread(fd, buf, 10, 0) f = ---",
     "what was written is read from the cache", 'w'},
    {"blocks_of_what_was_written", "st.st_blocks*", "st.st_blocks*",
     "the kernel asks for the blocks of a file again after a second", 'w'},
    {"fallocate_makes_room", "st.st_blocks*", "st.st_blocks*",
     "the kernel asks for the blocks of a file again after a second", 'w'},
};

char mount_kind;

bool known_difference(const char *name, const char *expected, const char *got, const char **ret_why)
{
    for (size_t i = 0; i < COUNT(known); i++) {
        if ((known[i].only == 0 || known[i].only == mount_kind) &&
            fnmatch(known[i].name, name, 0) == 0 &&
            fnmatch(known[i].expected, expected ? expected : "", 0) == 0 &&
            fnmatch(known[i].got, got ? got : "", 0) == 0) {
            *ret_why = known[i].why;
            return true;
        }
    }
    return false;
}
