/* SPDX-License-Identifier: MIT */
/*
 * Byte-range locks on nodes, for all file systems alike. Locks belong to an
 * owner, any number that a front chooses, and are kept by node id; they are gone
 * once released, and nothing of a node without locks stays in memory.
 *
 * Three kinds:
 *  - POSIX (fcntl F_SETLK): advisory; an owner's locks replace, split and join each
 *    other; waiting for one is refused where it would close a circle of owners that
 *    wait for each other (LT_EDEADLK).
 *  - Open-file (F_OFD_SETLK, and flock with the whole range): the same without the
 *    search for circles. The owner is the open file.
 *  - Windows (LockFileEx): mandatory; every lock stands for itself, is released by
 *    exactly its range, an owner's exclusive lock shuts that owner out of nothing
 *    but of a second lock; I/O asks lt_lock_check_io().
 * POSIX and open-file locks meet each other; Windows locks meet only their like,
 * and all I/O that asks.
 */
#ifndef LINTEL_LOCK_H
#define LINTEL_LOCK_H

#include <lintel/fs.h>

enum lt_lock_type { LT_LOCK_SHARED = 0, LT_LOCK_EXCLUSIVE = 1, LT_LOCK_NONE = 2 }; /* F_RDLCK... */
enum lt_lock_kind { LT_LOCK_POSIX, LT_LOCK_OFD, LT_LOCK_WINDOWS };

struct lt_lock {
    enum lt_lock_kind kind;
    enum lt_lock_type type;
    uint64_t start;
    uint64_t end;   /* last byte, inclusive; UINT64_MAX: to the end of all files */
    uint64_t owner; /* what a front chooses; owners of different kinds are different */
    uint32_t pid;   /* reported by lt_lock_test(); 0: unknown */
};

/*
 * POSIX, open-file: makes [start, end] of the node the owner's, of the given type,
 * or with LT_LOCK_NONE nobody's. Windows: adds one more lock, or with LT_LOCK_NONE takes away the
 * one with exactly this range (LT_ENOENT if there is none).
 * Who holds it against us: with `wait` waits until he lets go or *ctx->cancel and
 * lt_lock_interrupt() say otherwise (LT_EINTR), else LT_EAGAIN. LT_EDEADLK, LT_EINVAL (end <
 * start), LT_ENOMEM. A waiter's place is not kept: whoever comes first after a release, gets it.
 */
int lt_lock_set(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_lock *lock,
                bool wait);

/* The first lock of another owner that `lock` would have to wait for, into *ret; type LT_LOCK_NONE
 * where there is none. */
int lt_lock_test(struct lt_node *node, const struct lt_lock *lock, struct lt_lock *ret);

/* Takes away all locks of one kind and owner: a process closed the file, or a handle is closed. */
void lt_lock_release(struct lt_node *node, enum lt_lock_kind kind, uint64_t owner);

/* Wakes all waiters on this file system, so that they look at *ctx->cancel again. */
void lt_lock_interrupt(struct lt_fs *fs);

/* Whether Windows locks let `owner` read or write [offset, offset + len): 0 or LT_EAGAIN. Costs one
 * load where there are no Windows locks at all. */
int lt_lock_check_io(struct lt_node *node, uint64_t owner, uint64_t offset, uint64_t len,
                     bool write);

#endif
