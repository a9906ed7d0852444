/* SPDX-License-Identifier: MIT */
/* What process.c and process_watch.c share. */
#ifndef LT_OS_LINUX_PROCESS_H
#define LT_OS_LINUX_PROCESS_H

#include <os/os.h>
#include <os/process.h>
#include <sys/types.h>
#include <sys/wait.h>

struct lt_process {
    pid_t pid;        /* immutable: what we started */
    bool own_group;   /* immutable */
    int bell;         /* immutable: an eventfd that wakes the watcher */
    int child_fd;     /* immutable: a pidfd, or -1 where there are none */
    int errors, life; /* the watcher's; -1: at their ends */
    struct lt_thread *watcher;
    atomic_bool leave;   /* the watcher is to */
    atomic_bool settled; /* what is said goes on */
    uint64_t forwarded;  /* the watcher's: how much of what was said went on */

    struct lt_mutex lock;
    struct lt_cond changed;

    /* Under the lock, written by the watcher alone */
    pid_t server;   /* who wrote to `life`, or 0 */
    int server_fd;  /* its pidfd, if it is not `pid` */
    bool handed_on; /* somebody serves, but it is not known who */
    bool child_ended, ended;
    int status;        /* of the child */
    uint64_t said_end; /* bytes that it ever said; the last of them are in `said`, a ring */
    char said[LT_PROCESS_SAID_MAX];
};

int lt_process_pidfd(pid_t pid);

/* The watcher's thread. */
void lt_process_watch(void *process);

/* What was said from byte *from on, or all, as far as it is still known; *from goes on to its end.
 * `buf` has LT_PROCESS_SAID_MAX bytes. */
size_t lt_process_copy_said_locked(struct lt_process *p, uint64_t *from, char *buf)
    REQUIRES(p->lock);

#endif
