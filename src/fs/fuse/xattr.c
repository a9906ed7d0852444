// SPDX-License-Identifier: MIT
/*
 * Extended attributes. A value is asked for with a guess of its length, so that most take one
 * request; its length alone is asked for the same way, since the value mostly follows.
 */
#include "ops.h"
#include "request.h"
#include "table.h"

#include <stdlib.h>

#define LIST_GUESS 4096u /* bytes of a list of names */

/* What a server says that has no attributes at all. */
static int without_xattrs(int r)
{
    return r == LT_ENOSYS ? LT_EOPNOTSUPP : r;
}

/* ---- Getting --------------------------------------------------------------------------------- */

/* GETXATTR or LISTXATTR into `size` bytes (none: the length). The length, or LT_ERANGE. */
static int ask(const struct lt_ctx *ctx, struct fuse_node *node, struct lt_str name, void *buf,
               size_t size)
{
    struct lt_fuse_getxattr_in in = {.size = (uint32_t)size};
    struct lt_fuse_getxattr_out out = {.size = 0};
    struct fuse_request r = {
        .opcode = name.s ? LT_FUSE_GETXATTR : LT_FUSE_LISTXATTR,
        .node = node,
        .args = &in,
        .args_len = sizeof(in),
        .name = name,
        .out = {{size ? buf : &out, size ? size : sizeof(out)}},
        .out_count = 1,
        .out_min = size ? 0 : sizeof(out),
    };
    int e = without_xattrs(fuse_call(ctx, fuse_fs_of(node), &r));
    if (e < 0)
        return e;
    uint64_t len = size ? r.out_len : out.size;
    return len <= LT_XATTR_SIZE_MAX ? (int)len : LT_E2BIG;
}

int fuse_xattr_get(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name, void *buf,
                   size_t size)
{
    size_t room = size < LT_XATTR_SIZE_MAX ? size : LT_XATTR_SIZE_MAX;
    return ask(ctx, fuse_node(node), name, buf, room);
}

/* The whole list in malloc'd memory: a guess first, then as much as the server says, which may
 * have become too little meanwhile. */
static int fetch_list(const struct lt_ctx *ctx, struct fuse_node *node, char **ret)
{
    struct lt_str none = {NULL, 0};
    for (size_t size = LIST_GUESS;;) {
        char *buf = malloc(size);
        if (!buf)
            return LT_ENOMEM;
        int r = ask(ctx, node, none, buf, size);
        if (r >= 0) {
            *ret = buf;
            return r;
        }
        free(buf);
        if (r != LT_ERANGE || size == LT_XATTR_SIZE_MAX)
            return r == LT_ERANGE ? LT_E2BIG : r;
        size = size * 4 < LT_XATTR_SIZE_MAX ? size * 4 : LT_XATTR_SIZE_MAX;
    }
}

int fuse_xattr_list(const struct lt_ctx *ctx, struct lt_node *node,
                    int (*fn)(void *arg, struct lt_str name), void *arg)
{
    char *list;
    int len = fetch_list(ctx, fuse_node(node), &list);
    if (len < 0)
        return len == LT_EOPNOTSUPP ? 0 : len;
    int r = 0;
    for (const char *at = list, *end = list + len; r == 0 && at < end;) {
        const char *nul = memchr(at, 0, (size_t)(end - at));
        size_t name_len = nul ? (size_t)(nul - at) : 0;
        if (!nul || name_len == 0 || name_len > LT_XATTR_NAME_MAX)
            r = LT_EIO;
        else
            r = fn(arg, lt_strn(at, name_len));
        at += name_len + 1;
    }
    free(list);
    return r;
}

/* ---- Setting --------------------------------------------------------------------------------- */

static int set(const struct lt_ctx *ctx, struct fuse_node *node, struct lt_str name,
               struct lt_str value, uint32_t flags)
{
    struct fuse_fs *fs = fuse_fs_of(node);
    bool extended = fs->features & LT_FUSE_SETXATTR_EXT;
    struct lt_fuse_setxattr_in in = {
        .size = (uint32_t)value.len,
        .flags = flags & (LT_XATTR_CREATE | LT_XATTR_REPLACE),
        .setxattr_flags = flags & LT_XATTR_KILL_SGID ? LT_FUSE_SETXATTR_ACL_KILL_SGID : 0,
    };
    struct lt_seg data = {(void *)(uintptr_t)value.s, value.len};
    struct fuse_request r = {
        .opcode = LT_FUSE_SETXATTR,
        .node = node,
        .args = &in,
        .args_len = extended ? sizeof(in) : LT_FUSE_SETXATTR_IN_OLD,
        .name = name,
        .data = &data,
        .data_count = 1,
    };
    if (value.len > fs->max_write)
        return LT_E2BIG;
    return without_xattrs(fuse_call(ctx, fs, &r));
}

static int remove_one(const struct lt_ctx *ctx, struct fuse_node *node, struct lt_str name)
{
    struct fuse_request r = {.opcode = LT_FUSE_REMOVEXATTR, .node = node, .name = name};
    return without_xattrs(fuse_call(ctx, fuse_fs_of(node), &r));
}

int fuse_xattr_set(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                   struct lt_str value, uint32_t flags)
{
    int r = set(ctx, fuse_node(node), name, value, flags);
    fuse_attr_drop(fuse_node(node)); /* ctime, and what an ACL makes of the mode */
    return r;
}

int fuse_xattr_remove(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name)
{
    int r = remove_one(ctx, fuse_node(node), name);
    fuse_attr_drop(fuse_node(node));
    return r;
}
