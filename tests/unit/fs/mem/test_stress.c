// SPDX-License-Identifier: MIT
/*
 * Many threads do anything to a small tree. There is nothing to compare with: the
 * point is that sanitizers, assertions and the accounting find nothing wrong.
 * LINTEL_STRESS=threads,seconds makes it heavier than the default.
 */
#include "random.h"
#include "volume.h"

#include <stdio.h>
#include <stdlib.h>

#define NAMES 12u
#define THREADS_MAX 128u
#define KINDS 24u

struct worker {
    uint64_t seed;
    struct lt_thread *thread;
    uint64_t done;
};

static atomic_bool stop;

static struct lt_str pick_name(uint64_t *seed, char buf[8])
{
    int len = snprintf(buf, 8, random_below(seed, 4) ? "n%u" : "N%u",
                       (unsigned)random_below(seed, NAMES));
    return lt_strn(buf, (size_t)len);
}

/* Some node, with a reference: walks down for a few steps. */
static struct lt_node *pick_node(uint64_t *seed, bool dir_only)
{
    struct lt_node *node = lt_node_get(root);
    for (unsigned depth = 0; depth < 4; depth++) {
        struct lt_entry e = {.node = NULL};
        char buf[8];
        if (node->type != LT_S_IFDIR || random_below(seed, 3) == 0)
            break;
        if (lt_node_lookup(NULL, node, pick_name(seed, buf), &e) < 0)
            continue;
        if (dir_only && e.node->type != LT_S_IFDIR) {
            lt_node_put(e.node);
            continue;
        }
        lt_node_put(node);
        node = e.node;
    }
    return node;
}

static void do_create(uint64_t *seed, struct lt_node *dir, bool named)
{
    static const uint32_t types[] = {LT_S_IFREG, LT_S_IFREG, LT_S_IFREG, LT_S_IFDIR,
                                     LT_S_IFDIR, LT_S_IFLNK, LT_S_IFIFO};
    char buf[8], sd[20] = {1, 0, 0, (char)0x80};
    struct lt_create spec = {.mode = types[random_below(seed, named ? 7 : 3)] | 0755,
                             .target = lt_str("somewhere")};
    struct lt_entry e = {.node = NULL};
    if (random_below(seed, 4) == 0)
        spec.security = lt_strn(sd, sizeof(sd));
    struct lt_str name = named ? pick_name(seed, buf) : lt_strn(NULL, 0);
    if (lt_node_create(NULL, dir, name, &spec, &e) < 0)
        return;
    if (!named && random_below(seed, 2)) {
        struct lt_entry linked = {.node = NULL};
        if (lt_node_link(NULL, e.node, dir, pick_name(seed, buf), &linked) == 0)
            lt_node_put(linked.node);
    }
    lt_node_put(e.node);
}

static void do_rename(uint64_t *seed, struct lt_node *dir)
{
    static const uint32_t flags[] = {
        0, 0, 0, LT_RENAME_EXCHANGE, LT_RENAME_NOREPLACE, LT_RENAME_WHITEOUT};
    char a[8], b[8];
    struct lt_node *to = random_below(seed, 3) ? pick_node(seed, true) : lt_node_get(dir);
    (void)lt_node_rename(NULL, dir, pick_name(seed, a), to, pick_name(seed, b),
                         flags[random_below(seed, 6)]);
    lt_node_put(to);
}

static int take_entry(void *arg, const struct lt_dirent *e)
{
    unsigned *left = arg;
    assert(e->next > 2 && e->next < INT64_MAX);
    if (--*left == 0)
        return 1;
    lt_node_put(e->node);
    return 0;
}

static int take_name(void *arg, struct lt_node *dir, struct lt_str name)
{
    assert(dir->type == LT_S_IFDIR && name.len > 0 && name.len < 8);
    return --*(unsigned *)arg == 0;
}

static int take_stream(void *arg, const struct lt_stream *s)
{
    (void)arg;
    assert(s->name.len > 0);
    return 0;
}

static void do_data(uint64_t *seed, struct lt_node *node)
{
    static _Thread_local char buf[40000];
    uint64_t offset = random_below(seed, 20) * 3001;
    size_t len = 1 + random_below(seed, random_below(seed, 2) ? 300 : sizeof(buf) - 1);
    uint64_t done;
    struct lt_seg segs[8];
    switch (random_below(seed, 9)) {
    case 0:
    case 1:
        (void)lt_node_pwrite(NULL, node, offset, buf, len);
        break;
    case 2:
    case 3:
        (void)lt_node_pread(NULL, node, offset, buf, len);
        break;
    case 4:
        (void)lt_node_setattr(NULL, node, &(struct lt_setattr){.mask = LT_SET_SIZE, .size = offset},
                              NULL);
        break;
    case 5:
        (void)lt_node_allocate(NULL, node, LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE, offset, len);
        break;
    case 6:
        (void)lt_node_allocate(NULL, node, random_below(seed, 2) ? LT_FALLOC_INSERT : 0,
                               offset / MEM_PAGE * MEM_PAGE, MEM_PAGE);
        break;
    case 7: {
        int count = lt_fs_pages_get(fs, segs, 8);
        struct lt_write w = {.offset = offset / MEM_PAGE * MEM_PAGE,
                             .segs = segs,
                             .count = (size_t)count,
                             .flags = LT_WRITE_ADOPT};
        (void)lt_node_write(NULL, node, &w);
        lt_fs_pages_put(fs, segs, (size_t)count);
        break;
    }
    default: {
        struct lt_node *other = pick_node(seed, false);
        (void)lt_node_copy_range(NULL, node, offset, other, 5000, len, &done);
        lt_node_put(other);
        break;
    }
    }
}

/* The data moves into the kernel and back, if the system lets us have that. */
static void do_backing(uint64_t *seed, struct lt_node *node)
{
    int fd;
    if (lt_node_backing_get(NULL, node, &fd) < 0)
        return;
    do_data(seed, node);
    (void)attr_of(node);
    lt_node_backing_put(node);
}

static void do_stream(uint64_t *seed, struct lt_node *node)
{
    char a[8], b[8];
    struct lt_node *stream;
    switch (random_below(seed, 6)) {
    case 0:
        (void)lt_node_stream_remove(NULL, node, pick_name(seed, a));
        break;
    case 1:
        (void)lt_node_stream_rename(NULL, node, pick_name(seed, a), pick_name(seed, b),
                                    random_below(seed, 2));
        break;
    case 2:
        (void)lt_node_stream_list(NULL, node, take_stream, NULL);
        break;
    default:
        if (lt_node_stream_open(NULL, node, pick_name(seed, a), LT_STREAM_CREATE, &stream) < 0)
            return;
        do_data(seed, stream);
        (void)attr_of(stream);
        lt_node_put(stream);
        break;
    }
}

static void do_extras(uint64_t *seed, struct lt_node *node)
{
    static const char zeros[3000];
    char sd[20] = {1, 0, 0, (char)0x80}, buf[8];
    unsigned char reparse[24 + 4] = {[0] = 9, [4] = 4};
    struct lt_str name = random_below(seed, 2) ? lt_str("user.a") : lt_str("security.b");
    struct lt_ea ea = {.name = pick_name(seed, buf),
                       .value = lt_strn(zeros, random_below(seed, 100))};
    switch (random_below(seed, 8)) {
    case 0:
        (void)lt_node_xattr_set(NULL, node, name, lt_strn(zeros, random_below(seed, 3000)), 0);
        break;
    case 1:
        (void)lt_node_xattr_remove(NULL, node, name);
        break;
    case 2:
        (void)lt_node_ea_set(NULL, node, &ea, 1, random_below(seed, 4) == 0);
        break;
    case 3:
        (void)lt_node_reparse_set(NULL, node, lt_strn((const char *)reparse, sizeof(reparse)));
        break;
    case 4:
        (void)lt_node_reparse_remove(NULL, node, lt_strn(NULL, 0));
        break;
    case 5:
        sd[1] = (char)random_below(seed, 3);
        (void)lt_node_security_set(NULL, node, lt_strn(sd, random_below(seed, 3) ? sizeof(sd) : 0));
        break;
    default:
        (void)lt_node_setattr(NULL, node,
                              &(struct lt_setattr){.mask = LT_SET_MODE | LT_SET_UID | LT_SET_MTIME,
                                                   .mode = 0700,
                                                   .uid = 5},
                              NULL);
        break;
    }
}

static void do_list(uint64_t *seed, struct lt_node *dir)
{
    unsigned left = 1 + (unsigned)random_below(seed, 20);
    (void)lt_node_readdir(NULL, dir, 0, random_below(seed, 2) ? LT_READDIR_PLUS : 0, take_entry,
                          &left);
}

static void do_tree(uint64_t *seed, struct lt_node *dir)
{
    char buf[8];
    struct lt_node *parent, *node;
    unsigned left = 3;
    switch (random_below(seed, 5)) {
    case 0:
        do_list(seed, dir);
        break;
    case 1:
        if (lt_node_parent(NULL, dir, &parent) == 0)
            lt_node_put(parent);
        break;
    case 2:
        node = pick_node(seed, false);
        (void)lt_node_names(NULL, node, take_name, &left);
        lt_node_put(node);
        break;
    case 3:
        if (lt_fs_node(NULL, fs, random_below(seed, 5000), mem_fs(fs)->generation, &node) == 0)
            lt_node_put(node);
        break;
    default: {
        struct lt_entry e = {.node = NULL};
        node = pick_node(seed, false);
        if (lt_node_link(NULL, node, dir, pick_name(seed, buf), &e) == 0)
            lt_node_put(e.node);
        lt_node_put(node);
        break;
    }
    }
}

static void step(uint64_t *seed)
{
    char buf[8];
    unsigned kind = (unsigned)random_below(seed, KINDS);
    struct lt_node *node = pick_node(seed, kind < 14);
    if (kind < 4)
        do_create(seed, node, kind > 0);
    else if (kind < 8)
        (void)lt_node_remove(NULL, node, pick_name(seed, buf), LT_REMOVE_ANY, NULL);
    else if (kind < 11)
        do_rename(seed, node);
    else if (kind < 14)
        do_tree(seed, node);
    else if (kind < 18)
        do_data(seed, node);
    else if (kind < 19)
        do_backing(seed, node);
    else if (node == root)
        (void)attr_of(node); /* what the root gets would outlive wipe() */
    else if (kind < 21)
        do_stream(seed, node);
    else
        do_extras(seed, node);
    lt_node_put(node);
}

static void work(void *arg)
{
    struct worker *w = arg;
    while (!atomic_load(&stop)) {
        step(&w->seed);
        w->done++;
    }
}

static int pick_first(void *arg, const struct lt_dirent *e)
{
    char *name = arg;
    memcpy(name, e->name.s, e->name.len);
    name[e->name.len] = 0;
    return 1;
}

/* Recursive: the tree has few levels. */
static void wipe(struct lt_node *dir)
{
    char name[LT_NAME_MAX + 1];
    while (lt_node_readdir(NULL, dir, 0, 0, pick_first, name) == 1) {
        struct lt_entry e = {.node = NULL};
        assert_int_equal(lt_node_lookup(NULL, dir, lt_str(name), &e), 0);
        if (e.node->type == LT_S_IFDIR)
            wipe(e.node);
        lt_node_put(e.node);
        assert_int_equal(drop(dir, name), 0);
    }
}

static void run(const char *options, unsigned threads, unsigned milliseconds)
{
    static struct worker workers[THREADS_MAX];
    volume_open(options);
    uint64_t before = volume_used(), total = 0;
    atomic_store(&stop, false);
    for (unsigned i = 0; i < threads; i++) {
        workers[i] = (struct worker){.seed = i * 7919u};
        assert_int_equal(lt_thread_start(&workers[i].thread, "stress", work, &workers[i]), 0);
    }
    struct lt_mutex m = {0};
    struct lt_cond c = {0};
    lt_mutex_lock(&m);
    uint64_t end = lt_clock_ns() + milliseconds * UINT64_C(1000000);
    while (lt_clock_ns() < end)
        (void)lt_cond_wait_for(&c, &m, UINT64_C(10000000));
    lt_mutex_unlock(&m);
    atomic_store(&stop, true);
    for (unsigned i = 0; i < threads; i++) {
        lt_thread_join(workers[i].thread);
        total += workers[i].done;
    }
    print_message("%s: %llu operations\n", options, (unsigned long long)total);
    assert_true(mem_arena_used(&mem_fs(fs)->arena) <= mem_fs(fs)->arena.limit);
    wipe(root);
    assert_int_equal(volume_used(), before);
    assert_int_equal(attr_of(root).nlink, 2);
    assert_int_equal(mem_fs(fs)->arena.loaned, 0);
    volume_close();
}

static void load(unsigned *threads, unsigned *milliseconds)
{
    const char *text = getenv("LINTEL_STRESS");
    unsigned seconds;
    *threads = 16;
    *milliseconds = 1500;
    if (text && sscanf(text, "%u,%u", threads, &seconds) == 2)
        *milliseconds = seconds * 1000;
    if (*threads > THREADS_MAX)
        *threads = THREADS_MAX;
}

static void test_stress__case_sensitive(void **state)
{
    (void)state;
    unsigned threads, milliseconds;
    load(&threads, &milliseconds);
    run("size=1g", threads, milliseconds);
}

static void test_stress__case_insensitive_with_little_room(void **state)
{
    (void)state;
    unsigned threads, milliseconds;
    load(&threads, &milliseconds);
    run("size=400k,case=insensitive,nodes=120", threads, milliseconds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stress__case_sensitive),
        cmocka_unit_test(test_stress__case_insensitive_with_little_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
