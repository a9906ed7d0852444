// SPDX-License-Identifier: MIT
/*
 * Many threads of random operations on one file system, in process. Nothing is
 * compared: it is for the sanitizers, for deadlocks, and for what must hold when all is over:
 * the tree can be emptied and the volume is as it was.
 *
 *     threads [SOURCE [THREADS [SECONDS]]]
 */
#include <lintel/fs.h>

#include "../conformance/random.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HELD = 4, IO_MAX = 40000 };

static struct lt_fs *fs;
static atomic_bool stop;
static atomic_int bad_error;
static _Atomic(uint64_t) operations;

/* What one thread holds: some nodes, where it goes on from. */
struct worker {
    pthread_t thread;
    struct rnd r;
    struct lt_node *held[HELD];
    unsigned char buf[IO_MAX];
};

static struct lt_str pick_name(struct rnd *r)
{
    static const char names[] = "abcdefghijklmnop";
    return lt_strn(names + rnd_below(r, 16), 1);
}

static struct lt_node *pick(struct worker *w)
{
    struct lt_node *node = w->held[rnd_below(&w->r, HELD)];
    return node ? node : lt_fs_root(fs);
}

static void hold(struct worker *w, struct lt_node *node)
{
    unsigned i = rnd_below(&w->r, HELD);
    lt_node_put(w->held[i]);
    w->held[i] = node;
}

static int on_entry(void *arg, const struct lt_dirent *entry)
{
    struct worker *w = arg;
    (void)entry;
    return rnd_once(&w->r, 30);
}

static int do_create(struct worker *w)
{
    static const uint32_t types[] = {LT_S_IFREG, LT_S_IFREG, LT_S_IFDIR,
                                     LT_S_IFDIR, LT_S_IFLNK, LT_S_IFIFO};
    struct lt_create spec = {.mode = types[rnd_below(&w->r, 6)] | 0755, .target = lt_str("a/b")};
    struct lt_entry entry = {0};
    struct lt_str name = rnd_once(&w->r, 20) ? lt_str("") : pick_name(&w->r);
    int result = lt_node_create(NULL, pick(w), name, &spec, &entry);
    if (result == 0) {
        hold(w, entry.node);
    }
    return result;
}

static int do_lookup(struct worker *w)
{
    struct lt_entry entry = {0};
    int result = lt_node_lookup(NULL, pick(w), pick_name(&w->r), &entry);
    if (result == 0) {
        hold(w, entry.node);
    }
    return result;
}

static int do_link(struct worker *w)
{
    struct lt_entry entry = {0};
    int result = lt_node_link(NULL, pick(w), pick(w), pick_name(&w->r), &entry);
    lt_node_put(entry.node);
    return result;
}

static int do_setattr(struct worker *w)
{
    struct lt_setattr set = {.mode = rnd_below(&w->r, 07777), .size = rnd_below(&w->r, 100000)};
    set.mask = rnd_once(&w->r, 2) ? LT_SET_MODE : LT_SET_SIZE | LT_SET_KILL_PRIV;
    return lt_node_setattr(NULL, pick(w), &set, NULL);
}

static int do_data(struct worker *w)
{
    uint64_t offset = rnd_below(&w->r, 200000);
    size_t len = rnd_below(&w->r, IO_MAX);
    uint64_t out;
    switch (rnd_below(&w->r, 5)) {
    case 0:
        return lt_node_pwrite(NULL, pick(w), offset, w->buf, len);
    case 1:
        return lt_node_pread(NULL, pick(w), offset, w->buf, len);
    case 2:
        return lt_node_allocate(NULL, pick(w), rnd_once(&w->r, 2) ? 0 : 3, offset, len + 1);
    case 3:
        return lt_node_seek(NULL, pick(w), offset, LT_SEEK_DATA, &out);
    default:
        return lt_node_copy_range(NULL, pick(w), offset, pick(w), rnd_below(&w->r, 200000), len,
                                  &out);
    }
}

static int do_xattr(struct worker *w)
{
    static const char *const names[] = {"user.a", "user.b", "trusted.c"};
    struct lt_str name = lt_str(names[rnd_below(&w->r, 3)]);
    switch (rnd_below(&w->r, 3)) {
    case 0:
        return lt_node_xattr_set(NULL, pick(w), name,
                                 lt_strn((char *)w->buf, rnd_below(&w->r, 600)), 0);
    case 1:
        return lt_node_xattr_remove(NULL, pick(w), name);
    default:
        return lt_node_xattr_get(NULL, pick(w), name, w->buf, sizeof(w->buf));
    }
}

static int do_windows(struct worker *w)
{
    struct lt_ea ea = {pick_name(&w->r), lt_strn((char *)w->buf, rnd_below(&w->r, 50)), 0};
    struct lt_node *stream = NULL;
    int result;
    switch (rnd_below(&w->r, 4)) {
    case 0:
        return lt_node_ea_set(NULL, pick(w), &ea, 1, false);
    case 1:
        return lt_node_stream_remove(NULL, pick(w), pick_name(&w->r));
    case 2:
        return lt_node_stream_rename(NULL, pick(w), pick_name(&w->r), pick_name(&w->r), true);
    default:
        result = lt_node_stream_open(NULL, pick(w), pick_name(&w->r), LT_STREAM_CREATE, &stream);
        if (result == 0) {
            hold(w, stream);
        }
        return result;
    }
}

static int do_one(struct worker *w)
{
    struct lt_attr attr;
    struct lt_node *node = NULL;
    uint32_t choice = rnd_below(&w->r, 100);
    if (choice < 15) {
        return do_create(w);
    } else if (choice < 27) {
        return do_lookup(w);
    } else if (choice < 32) {
        return do_link(w);
    } else if (choice < 44) {
        return lt_node_remove(NULL, pick(w), pick_name(&w->r), LT_REMOVE_ANY, NULL);
    } else if (choice < 56) {
        return lt_node_rename(NULL, pick(w), pick_name(&w->r), pick(w), pick_name(&w->r),
                              rnd_below(&w->r, 4));
    } else if (choice < 62) {
        return lt_node_getattr(NULL, pick(w), &attr);
    } else if (choice < 68) {
        return do_setattr(w);
    } else if (choice < 80) {
        return do_data(w);
    } else if (choice < 85) {
        return do_xattr(w);
    } else if (choice < 90) {
        return do_windows(w);
    } else if (choice < 93) {
        return lt_node_readdir(NULL, pick(w), 0, 0, on_entry, w);
    } else if (choice < 97) {
        int result = lt_node_parent(NULL, pick(w), &node);
        lt_node_put(node);
        return result;
    }
    hold(w, NULL);
    return 0;
}

/* Errors that no operation may give here. */
static bool is_bad(int error)
{
    return error == LT_EIO || error == LT_ENOMEM || error == LT_ESTALE || error == LT_EFAULT ||
           error == LT_ENOSYS || error == LT_EUCLEAN || error == LT_ENOTCONN;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    uint64_t count = 0;
    while (!atomic_load(&stop)) {
        int result = do_one(w);
        if (is_bad(result)) {
            atomic_store(&bad_error, result);
        }
        count++;
    }
    for (unsigned i = 0; i < HELD; i++) {
        lt_node_put(w->held[i]);
    }
    atomic_fetch_add(&operations, count);
    return NULL;
}

static int collect(void *arg, const struct lt_dirent *entry)
{
    struct lt_entry *first = arg;
    if (first->node != NULL) {
        return 1;
    }
    first->node = entry->node;
    memcpy(first->stored, entry->name.s, entry->name.len);
    first->stored_len = entry->name.len;
    return 0;
}

/*
 * Empties the volume. False if something cannot be removed. Directories were renamed into each
 * other for as long as the test took and may lie thousands deep, so it walks instead of recursing.
 */
static bool clear(struct lt_node *root)
{
    struct lt_node *dir = lt_node_get(root);
    int result = 0;
    while (result >= 0) {
        char name[LT_NAME_MAX];
        struct lt_entry first = {.stored = name};
        struct lt_node *next = NULL;
        result = lt_node_readdir(NULL, dir, 0, LT_READDIR_PLUS, collect, &first);
        if (result < 0 || (first.node == NULL && dir == root)) {
            break;
        }
        if (first.node == NULL) {
            result = lt_node_parent(NULL, dir, &next);
        } else {
            struct lt_str last = lt_strn(name, first.stored_len);
            result = lt_node_remove(NULL, dir, last, LT_REMOVE_ANY, NULL);
            if (result == LT_ENOTEMPTY) {
                next = lt_node_get(first.node);
                result = 0;
            }
            lt_node_put(first.node);
        }
        if (next != NULL) {
            lt_node_put(dir);
            dir = next;
        }
    }
    lt_node_put(dir);
    return result >= 0;
}

static int report(bool good, int number, const char *what)
{
    printf("%sok %d - %s\n", good ? "" : "not ", number, what);
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *source = argc > 1 ? argv[1] : "mem:size=64m";
    unsigned threads = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 64;
    unsigned seconds = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 8;
    struct lt_diag diag = {""};
    struct lt_statfs before;
    struct lt_statfs after;
    if (lt_open_fs(source, &fs, &diag) < 0 || lt_fs_statfs(NULL, fs, &before) < 0) {
        printf("Bail out! %s: %s\n", source, diag.text);
        return 1;
    }
    struct worker *workers = calloc(threads, sizeof(*workers));
    for (unsigned i = 0; i < threads; i++) {
        workers[i].r.state = i * 7919 + 1;
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    nanosleep(&(struct timespec){seconds, 0}, NULL);
    atomic_store(&stop, true);
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    free(workers);
    printf("1..4\n# %llu operations by %u threads\n", (unsigned long long)operations, threads);
    int failed = report(bad_error == 0, 1, "no operation fails in a way that none may");
    if (bad_error != 0) {
        printf("# %s\n", lt_error_name(bad_error));
    }
    failed += report(clear(lt_fs_root(fs)), 2, "the tree can be emptied");
    for (char name = 'a'; name <= 'p'; name++) { /* the root keeps its own streams */
        (void)lt_node_stream_remove(NULL, lt_fs_root(fs), lt_strn(&name, 1));
    }
    lt_fs_statfs(NULL, fs, &after);
    failed += report(after.nodes == before.nodes && after.data == before.data, 3,
                     "all nodes and data are gone");
    if (after.nodes != before.nodes || after.data != before.data) {
        printf("# nodes %llu, data %llu\n", (unsigned long long)after.nodes,
               (unsigned long long)after.data);
    }
    failed += report(lt_fs_close(fs) == 0, 4, "the file system closes");
    return failed > 0;
}
