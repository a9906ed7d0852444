// SPDX-License-Identifier: MIT
#include "shared.h"

#include "side.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { THREADS = 3, FILES_MAX = 4096 };

struct shared {
    char dir[512];
    pthread_t threads[THREADS];
    atomic_uint next;
    atomic_bool stop;
    uint64_t seed;
    atomic_int bad_error;
    char bad_op[900]; /* written once, by whoever set bad_error */
};

/* Errors that say that the file system lost its way, whatever the operation was. */
static bool is_bad(int error)
{
    return error == EIO || error == ESTALE || error == ENOTCONN || error == ENOMEM ||
           error == ENOSYS || error == EFAULT || error == ENOSPC;
}

static void *work(void *arg)
{
    struct shared *s = arg;
    struct side side;
    unshare(CLONE_FS);
    umask(0);
    side_open(&side, s->dir);
    uint64_t seed = s->seed * 77 + atomic_fetch_add(&s->next, 1);
    for (uint64_t i = 0; !atomic_load(&s->stop); i++) {
        struct op op;
        struct result result;
        op_make(seed, i, &op);
        if (op.kind == OP_map_read || op.kind == OP_map_write) {
            continue; /* another thread could cut the file under the mapping: SIGBUS */
        }
        side_run(&side, &op, &result);
        int none = 0;
        if (is_bad(result.error) &&
            atomic_compare_exchange_strong(&s->bad_error, &none, result.error)) {
            op_print(&op, s->bad_op, sizeof(s->bad_op));
        }
    }
    side_close(&side);
    return NULL;
}

struct shared *shared_start(const char *target, uint64_t seed)
{
    struct shared *s = calloc(1, sizeof(*s));
    snprintf(s->dir, sizeof(s->dir), "%s/shared", target);
    mkdir(s->dir, 0777);
    size_t len = strlen(s->dir);
    snprintf(s->dir + len, sizeof(s->dir) - len, "/in");
    mkdir(s->dir, 0777);
    s->seed = seed;
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&s->threads[i], NULL, work, s);
    }
    return s;
}

/* ---- Invariants ------------------------------------------------------------------------------ */

struct census {
    struct {
        ino_t ino;
        nlink_t nlink, seen;
    } files[FILES_MAX];
    size_t count;
    bool good;
    char *why;
    size_t size;
};

static void complain(struct census *c, const char *name, const char *what, long long a, long long b)
{
    if (c->good) {
        snprintf(c->why, c->size, "shared tree: %s: %s (%lld, %lld)", name, what, a, b);
    }
    c->good = false;
}

static void count_file(struct census *c, const struct stat *st)
{
    size_t i = 0;
    while (i < c->count && c->files[i].ino != st->st_ino) {
        i++;
    }
    if (i == FILES_MAX) {
        return;
    }
    if (i == c->count) {
        c->files[c->count++].ino = st->st_ino;
        c->files[i].nlink = st->st_nlink;
    }
    c->files[i].seen++;
}

/* Takes over dirfd. */
static void census_dir(struct census *c, int dirfd, const char *name)
{
    DIR *dir = fdopendir(dirfd);
    struct stat st;
    nlink_t subdirs = 0;
    if (dir == NULL || fstat(dirfd, &st) < 0) {
        complain(c, name, "cannot be listed", errno, 0);
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        struct stat below;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (fstatat(dirfd, entry->d_name, &below, AT_SYMLINK_NOFOLLOW) < 0) {
            complain(c, entry->d_name, "listed but not there", errno, 0);
        } else if (S_ISDIR(below.st_mode)) {
            subdirs++;
            census_dir(c, openat(dirfd, entry->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC),
                       entry->d_name);
        } else {
            count_file(c, &below);
        }
    }
    if (st.st_nlink != 2 + subdirs) {
        complain(c, name, "links of a directory, subdirectories", (long long)st.st_nlink,
                 (long long)subdirs);
    }
    closedir(dir);
}

bool shared_stop(struct shared *s, char *why, size_t size)
{
    struct census *c = calloc(1, sizeof(*c));
    c->good = true;
    c->why = why;
    c->size = size;
    atomic_store(&s->stop, true);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(s->threads[i], NULL);
    }
    s->dir[strlen(s->dir) - strlen("/in")] = '\0';
    if (s->bad_error != 0) {
        snprintf(why, size, "shared tree: %s from %s", strerrorname_np(s->bad_error), s->bad_op);
        c->good = false;
    }
    census_dir(c, open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "shared");
    for (size_t i = 0; i < c->count; i++) {
        if (c->files[i].nlink != c->files[i].seen) {
            complain(c, "a file", "links, names", (long long)c->files[i].nlink,
                     (long long)c->files[i].seen);
        }
    }
    tree_clear(s->dir);
    if (rmdir(s->dir) < 0) {
        complain(c, "all", "cannot be removed", errno, 0);
    }
    bool good = c->good;
    free(c);
    free(s);
    return good;
}
