/* SPDX-License-Identifier: MIT */
/*
 * One of the two sides that are compared: a directory of some file system, the
 * files that the lane keeps open in it, and how an operation is carried out
 * there. A result is everything that the two sides must agree on.
 */
#ifndef DIFFER_SIDE_H
#define DIFFER_SIDE_H

#include "op.h"

#include <stdbool.h>
#include <stdint.h>

struct result {
    int64_t value;  /* what the call returned; -1 with `error` */
    int error;      /* errno, 0 if it succeeded */
    uint64_t hash;  /* of what it read or listed */
    char text[600]; /* the attributes of the objects that it touched, and other notes */
};

/* What can differ between sides without being a fault. */
struct tolerance {
    bool atime; /* times of last access are not compared */
    bool holes; /* where holes are is the file system's choice, as long as they read as zeros */
    bool mtime; /* times of change are not compared */
};
extern struct tolerance tolerance;

/*
 * The mode as it is compared. Whether a write clears set-gid of a file that its
 * group may not execute depends on the writer's groups, which a FUSE server does
 * not know: the bit of regular files is left out. (The POSIX suite looks at it.)
 */
static inline unsigned mode_compared(unsigned mode)
{
    return (mode & 0170000) == 0100000 ? mode & ~02000u : mode;
}

struct side {
    char root[512]; /* absolute, ends without '/' */
    int fds[OP_SLOTS];
};

void side_open(struct side *side, const char *root);
void side_close(struct side *side);

/* Carries out one operation. Any thread, one at a time for a side. */
void side_run(struct side *side, const struct op *op, struct result *ret);

/* Makes the calling thread act as the user number `user` (0: root), alone of the process. */
void side_user(unsigned user);

/* 0 if both results agree; otherwise 1, and why. */
int result_compare(const struct result *a, const struct result *b, char *why, size_t size);

/*
 * Compares two trees as root: names, types, attributes, data, links, extended
 * attributes, ACLs, hard links. Returns the number of differences; `why` is the first.
 */
int tree_compare(const char *a, const char *b, char *why, size_t size);

/* Removes everything below (and not) `path`. */
void tree_clear(const char *path);

/* FNV-1a, 64 bits. */
static inline uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
    const unsigned char *p = (const unsigned char *)data;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

#endif
