// SPDX-License-Identifier: MIT
#include "node.h"

#include "backed.h"
#include "ext.h"
#include "ops.h"

#include <assert.h>
#include <core/reparse.h>
#include <lintel/acl.h>

/* ---- Birth and death ----------------------------------------------------------------------- */

static int store_target(struct mem_node *node, struct lt_str target)
{
    node->target = mem_alloc(mem_arena_of(node), target.len);
    if (!node->target)
        return LT_ENOSPC;
    memcpy(node->target, target.s, target.len);
    node->target_len = (uint16_t)target.len;
    return 0;
}

static int store_security(struct mem_node *node, struct lt_str descriptor) REQUIRES(node->lock)
{
    int error = mem_ext_need(node);
    if (error)
        return error;
    node->ext->security = mem_security_get(mem_fs_of(node), descriptor);
    return node->ext->security ? 0 : LT_ENOSPC;
}

/* What needs more memory than the node itself. */
static int fill_node(struct mem_node *node, const struct lt_create *spec) REQUIRES(node->lock)
{
    int error = 0;
    if (node->base.type == LT_S_IFLNK)
        error = store_target(node, spec->target);
    if (!error && spec->acl.len > 0)
        error = mem_xattr_store(node, lt_str(LT_ACL_ACCESS), spec->acl, 0);
    if (!error && spec->default_acl.len > 0)
        error = mem_xattr_store(node, lt_str(LT_ACL_DEFAULT), spec->default_acl, 0);
    if (!error && spec->security.len > 0)
        error = store_security(node, spec->security);
    return error;
}

/* Nobody else can reach the node. */
static void free_node(struct mem_node *node) NO_THREAD_SAFETY_ANALYSIS
{
    struct mem_arena *arena = mem_arena_of(node);
    assert(!node->names);
    mem_ext_free(node);
    if (mem_is_backed(node))
        mem_backed_fini(node);
    else if (node->base.type == LT_S_IFREG)
        mem_data_fini(&node->data, arena);
    else if (node->base.type == LT_S_IFLNK)
        mem_free(arena, node->target, node->target_len);
    else if (mem_is_dir(node))
        assert(node->tree.count == 0);
    mem_free(arena, node, sizeof(*node));
}

/* Nobody else knows the node yet. */
int mem_node_new(struct mem_fs *fs, const struct lt_create *spec,
                 struct mem_node **ret) NO_THREAD_SAFETY_ANALYSIS
{
    struct mem_node *node = mem_alloc(&fs->arena, sizeof(*node));
    if (!node)
        return LT_ENOSPC;
    memset(node, 0, sizeof(*node));
    lt_node_init(&node->base, &fs->base, 0, spec->mode & LT_S_IFMT);
    node->mode = (uint16_t)(spec->mode & LT_S_PERM);
    node->uid = spec->uid;
    node->gid = spec->gid;
    node->win_attrs = (uint16_t)(spec->win_attrs & LT_WIN_SETTABLE);
    node->atime = node->mtime = node->ctime = node->btime = mem_now();
    node->version = 1;
    if (node->base.type == LT_S_IFCHR || node->base.type == LT_S_IFBLK)
        node->rdev = spec->rdev;
    int error = fill_node(node, spec);
    if (!error)
        error = mem_ids_add(&fs->ids, &fs->arena, node);
    if (error) {
        free_node(node);
        return error;
    }
    *ret = node;
    return 0;
}

void mem_node_release(struct lt_node *base)
{
    struct mem_node *node = mem_node(base);
    struct mem_fs *fs = mem_fs_of(node);
    if (mem_is_stream(node)) {
        mem_stream_release((struct mem_stream *)node);
        return;
    }
    mem_ids_remove(&fs->ids, &fs->arena, node);
    free_node(node);
}

/* ---- Attributes ---------------------------------------------------------------------------- */

/* What tmpfs gives a directory: 20 bytes an entry, "." and ".." among them. */
#define DIRENT_SIZE 20u

static void size_of(const struct mem_node *node, struct lt_attr *ret) REQUIRES_SHARED(node->lock)
{
    switch (node->base.type) {
    case LT_S_IFREG:
        ret->size = node->data.size;
        ret->allocated = mem_data_allocated(&node->data);
        break;
    case LT_S_IFDIR:
        ret->size = (node->tree.count + 2) * DIRENT_SIZE;
        break;
    case LT_S_IFLNK:
        ret->size = node->target_len;
        break;
    case LT_S_IFCHR:
    case LT_S_IFBLK:
        ret->rdev = node->rdev;
        break;
    default:
        break;
    }
}

void mem_node_attr(const struct mem_node *node, struct lt_attr *ret)
{
    *ret = (struct lt_attr){
        .id = node->base.id,
        .version = node->version,
        .atime = lt_time_of(node->atime),
        .mtime = lt_time_of(node->mtime),
        .ctime = lt_time_of(node->ctime),
        .btime = lt_time_of(node->btime),
        .mode = (uint32_t)node->base.type | node->mode,
        .nlink = node->nlink,
        .uid = node->uid,
        .gid = node->gid,
        .block_size = MEM_PAGE,
        .generation = mem_fs_of(node)->generation,
        .win_attrs = node->win_attrs | (mem_is_dir(node) ? LT_WIN_DIRECTORY : 0u),
        .inode_flags = node->inode_flags,
        .has = mem_ext_has(node),
    };
    size_of(node, ret);
    if (mem_is_backed(node))
        mem_backed_attr(node, ret);
    if (!node->ext)
        return;
    ret->ea_size = node->ext->ea_size;
    if (node->ext->reparse) {
        ret->reparse_tag = lt_reparse_tag(mem_blob_str(node->ext->reparse));
        ret->win_attrs |= LT_WIN_REPARSE_POINT;
    }
}

void mem_attr(struct mem_node *node, struct lt_attr *ret)
{
    struct mem_node *main = mem_main(node);
    lt_rwlock_read(&main->lock);
    mem_node_attr(main, ret);
    lt_rwlock_read_unlock(&main->lock);
    if (!mem_is_stream(node))
        return;
    lt_rwlock_read(&node->lock);
    ret->size = node->data.size;
    ret->allocated = mem_data_allocated(&node->data);
    ret->version += node->version;
    lt_rwlock_read_unlock(&node->lock);
    ret->mode = LT_S_IFREG | (ret->mode & LT_S_PERM);
    ret->win_attrs &= ~(uint32_t)LT_WIN_DIRECTORY;
    if (mem_is_dir(main))
        ret->nlink = ret->nlink > 0;
}

/* ---- Reads --------------------------------------------------------------------------------- */

/* The rule of relatime: older than the last change, or than a day. */
static bool atime_due(const struct mem_node *node, struct mem_time now) REQUIRES_SHARED(node->lock)
{
    if (node->inode_flags & LT_INODE_NOATIME)
        return false;
    struct lt_time atime = lt_time_of(node->atime);
    if (mem_time_order(atime, lt_time_of(node->mtime)) <= 0 ||
        mem_time_order(atime, lt_time_of(node->ctime)) <= 0)
        return mem_time_order(atime, lt_time_of(now)) != 0;
    return lt_time_of(now).sec - atime.sec >= 24 * 60 * 60;
}

void mem_accessed(struct mem_node *node)
{
    if (node->base.fs->read_only)
        return;
    struct mem_time now = mem_now();
    lt_rwlock_read(&node->lock);
    bool due = atime_due(node, now);
    lt_rwlock_read_unlock(&node->lock);
    if (!due)
        return;
    lt_rwlock_write(&node->lock);
    if (atime_due(node, now))
        node->atime = now;
    lt_rwlock_write_unlock(&node->lock);
}

void mem_kill_priv(struct mem_node *node)
{
    uint16_t mode = node->mode & (uint16_t)~LT_S_ISUID;
    if ((mode & (LT_S_ISGID | 0010)) == (LT_S_ISGID | 0010))
        mode &= (uint16_t)~LT_S_ISGID;
    node->mode = mode;
    if (node->ext && (node->ext->has & LT_HAS_CAPABILITY))
        (void)mem_xattr_store(node, lt_str("security.capability"), lt_strn(NULL, 0), 0);
}
