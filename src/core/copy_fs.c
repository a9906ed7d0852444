// SPDX-License-Identifier: MIT
/* A Lintel file system as one end of a copy. */
#include "copy.h"

#include "core.h"

#include <lintel/file.h>
#include <lintel/path.h>
#include <stdlib.h>

static int wrap(const struct lt_entry *entry, struct copy_dir *ret)
{
    int r = check_dir(entry->node);
    if (r < 0)
        lt_node_put(entry->node);
    else
        *ret = (struct copy_dir){.ops = &copy_fs_ops, .node = entry->node};
    return r;
}

static int fs_open(struct tree_job *job, const struct lt_copy_place *place, const char *path,
                   struct copy_dir *ret)
{
    struct lt_entry entry = {.stored = NULL};
    int r = lt_path_lookup(job->ctx, place->base, path, 0, &entry);
    return r < 0 ? r : wrap(&entry, ret);
}

static void fs_close(struct copy_dir *dir)
{
    lt_dir_close(dir->listing);
    lt_node_put(dir->node);
    *dir = (struct copy_dir){0};
}

static int fs_enter(struct tree_job *job, struct copy_dir *dir, const struct copy_entry *entry,
                    struct copy_dir *ret)
{
    (void)job;
    (void)dir;
    struct lt_entry found = {.node = lt_node_get(entry->node)};
    return wrap(&found, ret);
}

static int fs_find(struct tree_job *job, struct copy_dir *dir, struct copy_entry *entry)
{
    struct lt_entry found = {.stored = NULL};
    int r;
    if (entry->len == 0) {
        r = lt_node_getattr(job->ctx, dir->node, &found.attr);
        found.node = r == 0 ? lt_node_get(dir->node) : NULL;
    } else {
        r = lt_node_lookup(job->ctx, dir->node, copy_name(entry), &found);
    }
    if (r < 0)
        return r;
    entry->node = found.node;
    entry->attr = found.attr;
    return 0;
}

/* What was kept back is written now. */
static int close_made(const struct lt_ctx *ctx, struct copy_entry *entry)
{
    bool opened = entry->opened;
    entry->opened = false;
    return opened ? lt_node_close(ctx, entry->node, LT_OPEN_WRITE) : 0;
}

static void fs_drop(struct copy_entry *entry)
{
    close_made(NULL, entry);
    lt_node_put(entry->node);
    entry->node = NULL;
}

/* ---- The source ---------------------------------------------------------------------------- */

static int fs_next(struct tree_job *job, struct copy_dir *dir, struct copy_entry *ret)
{
    struct lt_dirent entry;
    int r = dir->listing ? 0 : lt_dir_open_node(job->ctx, dir->node, &dir->listing);
    if (r == 0)
        r = lt_dir_next(dir->listing, &entry);
    if (r <= 0)
        return r;
    r = copy_entry_name(ret, entry.name);
    return r < 0 ? r : 1;
}

static int fs_target(struct tree_job *job, struct copy_dir *dir, const struct copy_entry *entry,
                     char *buf, size_t size)
{
    (void)dir;
    return lt_node_readlink(job->ctx, entry->node, buf, size);
}

static int fs_read_meta(struct tree_job *job, struct copy_dir *dir, const struct copy_entry *entry)
{
    (void)dir;
    meta_clear(&job->meta);
    return meta_read(job->ctx, entry->node, &entry->attr, &job->meta);
}

static int fs_read_data(struct tree_job *job, struct copy_dir *dir, const struct copy_entry *entry,
                        tree_data_fn *fn, void *arg)
{
    (void)dir;
    return tree_read_data(job, entry->node, entry->attr.size, fn, arg);
}

/* ---- The target ---------------------------------------------------------------------------- */

static int fs_make(struct tree_job *job, struct copy_dir *dir, struct copy_entry *entry,
                   const struct lt_attr *attr, struct lt_str target)
{
    int r = tree_make(job, dir->node, copy_name(entry), attr, target, &entry->node);
    if (r < 0)
        return r;
    entry->attr = *attr;
    if (entry->node->type != LT_S_IFREG)
        return 0;
    r = lt_node_open(job->ctx, entry->node, LT_OPEN_WRITE);
    entry->opened = r == 0;
    if (r < 0) {
        fs_drop(entry);
        (void)lt_node_remove(job->ctx, dir->node, copy_name(entry), 0, NULL);
    }
    return r;
}

static int fs_write(struct tree_job *job, struct copy_entry *entry, uint64_t offset,
                    const char *bytes, size_t len)
{
    return tree_write(job, entry->node, offset, bytes, len);
}

static int fs_set_size(struct tree_job *job, struct copy_entry *entry, uint64_t size)
{
    struct lt_setattr set = {.mask = LT_SET_SIZE, .size = size};
    return lt_node_setattr(job->ctx, entry->node, &set, NULL);
}

static int fs_finish(struct tree_job *job, struct copy_dir *dir, struct copy_entry *entry,
                     const struct lt_attr *attr)
{
    (void)dir;
    struct lt_setattr late, owner = {.mask = LT_SET_UID | LT_SET_GID | LT_SET_MODE,
                                     .uid = attr->uid,
                                     .gid = attr->gid,
                                     .mode = attr->mode & LT_S_PERM};
    if (entry->node->type == LT_S_IFLNK)
        owner.mask &= ~(uint32_t)LT_SET_MODE;
    int r = close_made(job->ctx, entry);
    if (r == 0)
        r = lt_node_setattr(job->ctx, entry->node, &owner, NULL);
    if (r == 0)
        r = tree_apply_meta(job, entry->node, attr, &late);
    return r == 0 ? tree_finish(job, entry->node, &late) : r;
}

static void *fs_remember(struct copy_dir *dir, const struct copy_entry *entry)
{
    (void)dir;
    return lt_node_get(entry->node);
}

static void fs_forget(void *memory)
{
    lt_node_put(memory);
}

static int fs_link(struct tree_job *job, struct copy_dir *dir, const struct copy_entry *entry,
                   void *memory)
{
    return tree_link(job, memory, dir->node, copy_name(entry));
}

static int fs_rename(struct tree_job *job, struct copy_dir *dir, const struct copy_entry *from,
                     const struct copy_entry *to)
{
    return lt_node_rename(job->ctx, dir->node, copy_name(from), dir->node, copy_name(to), 0);
}

static int fs_remove(struct tree_job *job, struct copy_dir *dir, const struct copy_entry *entry)
{
    return lt_node_remove(job->ctx, dir->node, copy_name(entry), 0, NULL);
}

const struct copy_ops copy_fs_ops = {
    .open = fs_open,
    .close = fs_close,
    .enter = fs_enter,
    .find = fs_find,
    .drop = fs_drop,
    .next = fs_next,
    .target = fs_target,
    .read_meta = fs_read_meta,
    .read_data = fs_read_data,
    .make = fs_make,
    .write = fs_write,
    .set_size = fs_set_size,
    .finish = fs_finish,
    .remember = fs_remember,
    .forget = fs_forget,
    .link = fs_link,
    .rename = fs_rename,
    .remove = fs_remove,
};
