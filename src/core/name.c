// SPDX-License-Identifier: MIT
/* lintel/fs.h, names: lookup, link, remove, rename, listings. Making nodes is create.c. */
#include "core.h"

#include <base/unicode.h>

int lt_name_check(struct lt_str name)
{
    if (name.len == 0 || memchr(name.s, '/', name.len) || memchr(name.s, 0, name.len))
        return LT_EINVAL;
    if (name.s[0] == '.' && (name.len == 1 || (name.len == 2 && name.s[1] == '.')))
        return LT_EINVAL;
    /* No name has more units than bytes. */
    if (name.len <= LT_NAME_UNITS_MAX)
        return 0;
    if (name.len > LT_NAME_MAX || lt_utf8_units(name) > LT_NAME_UNITS_MAX)
        return LT_ENAMETOOLONG;
    return 0;
}

static int check_dir_and_name(const struct lt_node *dir, struct lt_str name)
{
    int r = check_dir(dir);
    return r < 0 ? r : lt_name_check(name);
}

int lt_node_lookup(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                   struct lt_entry *ret)
{
    int r = check_dir_and_name(dir, name);
    return r < 0 ? r : dir->fs->ops->lookup(ctx_or_root(ctx), dir, name, ret);
}

int lt_node_parent(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_node **ret)
{
    int r = check_dir(dir);
    return r < 0 ? r : dir->fs->ops->parent(ctx_or_root(ctx), dir, ret);
}

int lt_node_link(const struct lt_ctx *ctx, struct lt_node *node, struct lt_node *dir,
                 struct lt_str name, struct lt_entry *ret)
{
    ctx = ctx_or_root(ctx);
    int r = check_dir_and_name(dir, name);
    if (r < 0)
        return r;
    if (node->fs != dir->fs)
        return LT_EXDEV;
    if (node->type == LT_S_IFDIR || node->type == LT_S_STREAM)
        return LT_EPERM;
    if (!dir->fs->ops->link)
        return LT_EOPNOTSUPP;
    r = check_writable(dir->fs);
    if (r == 0)
        r = dir->fs->ops->link(ctx, node, dir, name, ret);
    if (r == 0 && events_wanted(dir->fs)) {
        lt_event_emit(dir->fs, &(struct lt_event){.type = LT_EVENT_CREATE,
                                                  .origin = ctx->origin,
                                                  .node = node,
                                                  .dir = dir,
                                                  .name = name});
    }
    return r;
}

int lt_node_remove(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                   uint32_t flags, struct lt_node *expect)
{
    ctx = ctx_or_root(ctx);
    int r = check_dir_and_name(dir, name);
    if (r < 0)
        return r;
    if (!only_flags(flags, LT_REMOVE_DIR | LT_REMOVE_ANY | LT_REMOVE_SAME))
        return LT_EINVAL;
    if ((flags & LT_REMOVE_SAME) && (!expect || expect->fs != dir->fs))
        return LT_EINVAL;
    if (!dir->fs->ops->remove)
        return LT_EOPNOTSUPP;
    struct lt_gone gone = {0};
    r = check_writable(dir->fs);
    if (r == 0)
        r = dir->fs->ops->remove(ctx, dir, name, flags, expect, &gone);
    if (r < 0)
        return r;
    if (events_wanted(dir->fs)) {
        lt_event_emit(dir->fs, &(struct lt_event){.type = LT_EVENT_REMOVE,
                                                  .origin = ctx->origin,
                                                  .node = gone.node,
                                                  .dir = dir,
                                                  .name = name});
    }
    lt_node_put(gone.node);
    return r;
}

static int check_rename(const struct lt_node *dir, struct lt_str name,
                        const struct lt_node *new_dir, struct lt_str new_name, uint32_t flags)
{
    if (!only_flags(flags, LT_RENAME_NOREPLACE | LT_RENAME_EXCHANGE | LT_RENAME_WHITEOUT))
        return LT_EINVAL;
    if ((flags & LT_RENAME_EXCHANGE) && (flags & (LT_RENAME_NOREPLACE | LT_RENAME_WHITEOUT)))
        return LT_EINVAL;
    int r = check_dir_and_name(dir, name);
    if (r == 0)
        r = check_dir_and_name(new_dir, new_name);
    if (r < 0)
        return r;
    if (dir->fs != new_dir->fs)
        return LT_EXDEV;
    return dir->fs->ops->rename ? check_writable(dir->fs) : LT_EOPNOTSUPP;
}

int lt_node_rename(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                   struct lt_node *new_dir, struct lt_str new_name, uint32_t flags)
{
    ctx = ctx_or_root(ctx);
    struct lt_gone gone = {0};
    int r = check_rename(dir, name, new_dir, new_name, flags);
    if (r == 0)
        r = dir->fs->ops->rename(ctx, dir, name, new_dir, new_name, flags, &gone);
    if (r < 0)
        return r;
    /* No node: two names of one node, nothing happened. */
    if (gone.node && events_wanted(dir->fs)) {
        lt_event_emit(dir->fs, &(struct lt_event){.type = LT_EVENT_RENAME,
                                                  .origin = ctx->origin,
                                                  .node = gone.node,
                                                  .other = gone.other,
                                                  .dir = dir,
                                                  .new_dir = new_dir,
                                                  .name = name,
                                                  .new_name = new_name});
    }
    lt_node_put(gone.node);
    lt_node_put(gone.other);
    return r;
}

int lt_node_readlink(const struct lt_ctx *ctx, struct lt_node *node, char *buf, size_t size)
{
    if (node->type != LT_S_IFLNK)
        return LT_EINVAL;
    return node->fs->ops->readlink(ctx_or_root(ctx), node, buf, size);
}

int lt_node_readdir(const struct lt_ctx *ctx, struct lt_node *dir, uint64_t cookie, uint32_t flags,
                    int (*fn)(void *arg, const struct lt_dirent *entry), void *arg)
{
    int r = check_dir(dir);
    return r < 0 ? r : dir->fs->ops->readdir(ctx_or_root(ctx), dir, cookie, flags, fn, arg);
}

int lt_node_readdir_after(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                          uint64_t *ret_cookie)
{
    int r = check_dir_and_name(dir, name);
    if (r < 0)
        return r;
    if (!dir->fs->ops->readdir_after)
        return LT_EOPNOTSUPP;
    return dir->fs->ops->readdir_after(ctx_or_root(ctx), dir, name, ret_cookie);
}

int lt_node_names(const struct lt_ctx *ctx, struct lt_node *node,
                  int (*fn)(void *arg, struct lt_node *dir, struct lt_str name), void *arg)
{
    if (!node->fs->ops->names)
        return LT_EOPNOTSUPP;
    return node->fs->ops->names(ctx_or_root(ctx), node, fn, arg);
}
