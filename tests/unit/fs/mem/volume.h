/* SPDX-License-Identifier: MIT */
/* A RAM disk to test with, and short forms of what tests do with it all the time. */
#ifndef LT_TESTS_UNIT_FS_MEM_VOLUME_H
#define LT_TESTS_UNIT_FS_MEM_VOLUME_H

#include <fs/mem/mem.h>
#include <fs/mem/node.h>
#include <test.h>

static struct lt_fs *fs;
static struct lt_node *root;

static inline void volume_open(const char *options)
{
    struct lt_diag diag = {{0}};
    int error = lt_memfs_open(options, &fs, &diag);
    if (error)
        fail_msg("%s", diag.text);
    root = lt_fs_root(fs);
}

static inline void volume_close(void)
{
    assert_int_equal(lt_fs_close(fs), 0);
    fs = NULL;
}

static inline uint64_t volume_used(void)
{
    struct lt_statfs s;
    assert_int_equal(lt_fs_statfs(NULL, fs, &s), 0);
    assert_int_equal(s.used + s.free, s.total);
    assert_int_equal(s.data + s.metadata, s.used);
    return s.used;
}

/* How many pages more than now the volume may have. */
static inline void volume_limit(uint64_t more)
{
    struct mem_arena *arena = &mem_fs(fs)->arena;
    arena->limit = more == UINT64_MAX ? UINT64_MAX : mem_arena_used(arena) + more;
}

static inline int make(struct lt_node *dir, const char *name, uint32_t mode, struct lt_node **ret)
{
    struct lt_create spec = {.mode = mode, .target = lt_str("target"), .exact = true};
    struct lt_entry e = {.node = NULL};
    int error = lt_node_create(NULL, dir, lt_str(name), &spec, &e);
    if (!error && ret)
        *ret = e.node;
    else if (!error)
        lt_node_put(e.node);
    return error;
}

/* The node must come about. */
static inline struct lt_node *made(struct lt_node *dir, const char *name, uint32_t mode)
{
    struct lt_node *node = NULL;
    assert_int_equal(make(dir, name, mode, &node), 0);
    return node;
}

static inline void make_file(struct lt_node *dir, const char *name)
{
    assert_int_equal(make(dir, name, LT_S_IFREG | 0644, NULL), 0);
}

static inline int drop(struct lt_node *dir, const char *name)
{
    return lt_node_remove(NULL, dir, lt_str(name), LT_REMOVE_ANY, NULL);
}

/* The id behind a name, or the error. */
static inline int64_t find(struct lt_node *dir, const char *name)
{
    struct lt_entry e = {.node = NULL};
    int error = lt_node_lookup(NULL, dir, lt_str(name), &e);
    if (error)
        return error;
    int64_t id = (int64_t)e.node->id;
    assert_int_equal(id, e.attr.id);
    lt_node_put(e.node);
    return id;
}

static inline struct lt_attr attr_of(struct lt_node *node)
{
    struct lt_attr attr;
    assert_int_equal(lt_node_getattr(NULL, node, &attr), 0);
    return attr;
}

static inline int move(struct lt_node *from, const char *name, struct lt_node *to,
                       const char *new_name, uint32_t flags)
{
    return lt_node_rename(NULL, from, lt_str(name), to, lt_str(new_name), flags);
}

#endif
