// SPDX-License-Identifier: MIT
/* lintel/fs.h, the Windows half: streams, EAs, reparse data, security descriptors. */
#include "core.h"
#include "descriptor.h"
#include "reparse.h"

#include <base/unicode.h>

/* What the four sorts live on: files and directories, not streams themselves. */
static int check_owner(const struct lt_node *node)
{
    return node->type == LT_S_IFREG || node->type == LT_S_IFDIR ? 0 : LT_EINVAL;
}

/* ---- Streams ------------------------------------------------------------------------------- */

static int check_stream_name(struct lt_str name)
{
    if (name.len == 0)
        return LT_EINVAL;
    if (name.len > LT_NAME_MAX || lt_utf8_units(name) > LT_NAME_UNITS_MAX)
        return LT_ENAMETOOLONG;
    for (size_t i = 0; i < name.len; i++) {
        if (name.s[i] == ':' || name.s[i] == '/' || name.s[i] == '\\' || name.s[i] == 0)
            return LT_EINVAL;
    }
    return lt_utf8_valid(name) ? 0 : LT_EINVAL;
}

static int check_stream(const struct lt_node *node, struct lt_str name)
{
    int r = check_owner(node);
    return r < 0 ? r : check_stream_name(name);
}

static void changed_stream(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name)
{
    if (events_wanted(node->fs)) {
        lt_event_emit(node->fs, &(struct lt_event){.type = LT_EVENT_STREAM,
                                                   .origin = ctx->origin,
                                                   .node = node,
                                                   .name = name});
    }
}

/* Opens without making anything: on a read-only volume a missing stream that should be made says
 * LT_EROFS. */
static int open_read_only(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                          uint32_t flags, struct lt_node **ret)
{
    struct lt_node *stream;
    int r = node->fs->ops->stream_open(ctx, node, name, 0, &stream);
    if (r == LT_ENOENT && (flags & LT_STREAM_CREATE))
        return LT_EROFS;
    if (r < 0)
        return r;
    if (flags & LT_STREAM_EXCL) {
        lt_node_put(stream);
        return LT_EEXIST;
    }
    *ret = stream;
    return 0;
}

int lt_node_stream_open(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                        uint32_t flags, struct lt_node **ret)
{
    ctx = ctx_or_root(ctx);
    int r = check_stream(node, name);
    if (r < 0)
        return r;
    if (!only_flags(flags, LT_STREAM_CREATE | LT_STREAM_EXCL))
        return LT_EINVAL;
    if (!node->fs->ops->stream_open)
        return LT_EOPNOTSUPP;
    if (!(flags & LT_STREAM_CREATE))
        flags = 0;
    if (node->fs->read_only)
        return open_read_only(ctx, node, name, flags, ret);
    r = node->fs->ops->stream_open(ctx, node, name, flags, ret);
    /* Whether it was there before is not known here; a needless event does no harm. */
    if (r == 0 && (flags & LT_STREAM_CREATE))
        changed_stream(ctx, node, name);
    return r;
}

int lt_node_stream_remove(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name)
{
    ctx = ctx_or_root(ctx);
    int r = check_stream(node, name);
    if (r == 0)
        r = check_writable(node->fs);
    if (r < 0)
        return r;
    if (!node->fs->ops->stream_remove)
        return LT_EOPNOTSUPP;
    r = node->fs->ops->stream_remove(ctx, node, name);
    if (r == 0)
        changed_stream(ctx, node, name);
    return r;
}

int lt_node_stream_rename(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                          struct lt_str new_name, bool replace)
{
    ctx = ctx_or_root(ctx);
    int r = check_stream(node, name);
    if (r == 0)
        r = check_stream_name(new_name);
    if (r == 0)
        r = check_writable(node->fs);
    if (r < 0)
        return r;
    if (!node->fs->ops->stream_rename)
        return LT_EOPNOTSUPP;
    r = node->fs->ops->stream_rename(ctx, node, name, new_name, replace);
    if (r == 0) {
        changed_stream(ctx, node, name);
        changed_stream(ctx, node, new_name);
    }
    return r;
}

int lt_node_stream_list(const struct lt_ctx *ctx, struct lt_node *node,
                        int (*fn)(void *arg, const struct lt_stream *stream), void *arg)
{
    if (check_owner(node) < 0 || !node->fs->ops->stream_list)
        return 0;
    return node->fs->ops->stream_list(ctx_or_root(ctx), node, fn, arg);
}

/* ---- Extended attributes ------------------------------------------------------------------- */

/* Characters that MS-FSCC 2.4.16 allows in the name of an EA. */
static bool is_ea_char(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && !strchr("\\/:*?\"<>|,+=[];", c);
}

static int check_ea(const struct lt_ea *ea)
{
    if (ea->name.len == 0 || ea->name.len > 254)
        return LT_EINVAL;
    for (size_t i = 0; i < ea->name.len; i++) {
        if (!is_ea_char((unsigned char)ea->name.s[i]))
            return LT_EINVAL;
    }
    if (ea->flags & ~LT_EA_NEED)
        return LT_EINVAL;
    return ea->value.len > LT_EA_SIZE_MAX ? LT_E2BIG : 0;
}

int lt_node_ea_set(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_ea *list,
                   size_t count, bool replace_all)
{
    ctx = ctx_or_root(ctx);
    int r = check_owner(node);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = check_ea(&list[i]);
    if (r == 0)
        r = check_writable(node->fs);
    if (r < 0)
        return r;
    if (!node->fs->ops->ea_set)
        return LT_EOPNOTSUPP;
    r = node->fs->ops->ea_set(ctx, node, list, count, replace_all);
    if (r == 0)
        changed_attr(ctx, node);
    return r;
}

int lt_node_ea_list(const struct lt_ctx *ctx, struct lt_node *node,
                    int (*fn)(void *arg, const struct lt_ea *ea), void *arg)
{
    if (check_owner(node) < 0 || !node->fs->ops->ea_list)
        return 0;
    return node->fs->ops->ea_list(ctx_or_root(ctx), node, fn, arg);
}

/* ---- Reparse data -------------------------------------------------------------------------- */

int lt_node_reparse_set(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str data)
{
    ctx = ctx_or_root(ctx);
    int r = check_owner(node);
    if (r == 0)
        r = lt_reparse_check(data);
    if (r == 0)
        r = check_writable(node->fs);
    if (r < 0)
        return r;
    if (!node->fs->ops->reparse_set)
        return LT_EOPNOTSUPP;
    r = node->fs->ops->reparse_set(ctx, node, data);
    if (r == 0)
        changed_attr(ctx, node);
    return r;
}

int lt_node_reparse_get(const struct lt_ctx *ctx, struct lt_node *node, void *buf, size_t size)
{
    if (check_owner(node) < 0)
        return LT_ENODATA;
    if (!node->fs->ops->reparse_get)
        return LT_EOPNOTSUPP;
    return node->fs->ops->reparse_get(ctx_or_root(ctx), node, buf, size);
}

int lt_node_reparse_remove(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str header)
{
    ctx = ctx_or_root(ctx);
    int r = check_owner(node);
    if (r < 0)
        return LT_ENODATA;
    if (header.len)
        r = lt_reparse_check_header(header);
    if (r == 0)
        r = check_writable(node->fs);
    if (r < 0)
        return r;
    if (!node->fs->ops->reparse_remove)
        return LT_EOPNOTSUPP;
    r = node->fs->ops->reparse_remove(ctx, node, header);
    if (r == 0)
        changed_attr(ctx, node);
    return r;
}

/* ---- Security descriptors ------------------------------------------------------------------ */

int lt_node_security_set(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str descriptor)
{
    ctx = ctx_or_root(ctx);
    int r = node->type == LT_S_STREAM ? LT_EINVAL : 0;
    if (r == 0 && descriptor.len)
        r = lt_security_check(descriptor);
    if (r == 0)
        r = check_writable(node->fs);
    if (r < 0)
        return r;
    if (!node->fs->ops->security_set)
        return LT_EOPNOTSUPP;
    r = node->fs->ops->security_set(ctx, node, descriptor);
    if (r == 0)
        changed_attr(ctx, node);
    return r;
}

int lt_node_security_get(const struct lt_ctx *ctx, struct lt_node *node, void *buf, size_t size)
{
    if (!node->fs->ops->security_get)
        return LT_EOPNOTSUPP;
    return node->fs->ops->security_get(ctx_or_root(ctx), node, buf, size);
}
