// SPDX-License-Identifier: MIT
/* Windows metadata as extended attributes: one row a name. */
#include "core.h"
#include "dosattrib.h"
#include "ea.h"
#include "filetime.h"

#include <base/wire.h>
#include <lintel/access.h>
#include <lintel/winmeta.h>
#include <stdlib.h>

/* What the functions of a row are given. */
struct op {
    const struct lt_ctx *ctx; /* never NULL */
    struct lt_node *node;
    bool big_endian; /* of the row */
};

struct row {
    const char *name;
    bool big_endian;
    int (*get)(const struct op *op, void *buf, size_t size);
    int (*set)(const struct op *op, struct lt_str value);
    int (*remove)(const struct op *op);
};

static int give(const void *value, size_t len, void *buf, size_t size)
{
    if (size && size < len)
        return LT_ERANGE;
    if (size && len)
        memcpy(buf, value, len);
    return (int)len;
}

/* The owner may always, others with write permission. */
static int may_change(const struct op *op)
{
    struct lt_attr attr;
    int r = lt_node_getattr(op->ctx, op->node, &attr);
    if (r < 0 || op->ctx->uid == attr.uid)
        return r;
    return lt_access_node(op->ctx, op->node, &attr, LT_MAY_WRITE);
}

static int only_owner(const struct op *op)
{
    struct lt_attr attr;
    int r = lt_node_getattr(op->ctx, op->node, &attr);
    if (r < 0)
        return r;
    return op->ctx->uid == 0 || op->ctx->uid == attr.uid ? 0 : LT_EPERM;
}

static int change(const struct op *op, const struct lt_setattr *set)
{
    int r = may_change(op);
    return r < 0 ? r : lt_node_setattr(op->ctx, op->node, set, NULL);
}

/* ---- system.ntfs_attrib -------------------------------------------------------------------- */

static int get_attrib(const struct op *op, void *buf, size_t size)
{
    struct lt_attr attr;
    int r = lt_node_getattr(op->ctx, op->node, &attr);
    if (r < 0)
        return r;
    uint32_t attrs = attr.win_attrs ? attr.win_attrs : LT_WIN_NORMAL;
    struct lt_le32 le = lt_put_le32(attrs);
    struct lt_be32 be = lt_put_be32(attrs);
    return give(op->big_endian ? be.b : le.b, sizeof(le), buf, size);
}

static int set_attrib(const struct op *op, struct lt_str value)
{
    struct lt_le32 le;
    struct lt_be32 be;
    if (value.len != sizeof(le))
        return LT_EINVAL;
    memcpy(&le, value.s, sizeof(le));
    memcpy(&be, value.s, sizeof(be));
    struct lt_setattr set = {.mask = LT_SET_WIN_ATTRS};
    set.win_attrs = op->big_endian ? lt_get_be32(be) : lt_get_le32(le);
    return change(op, &set);
}

/* ---- system.ntfs_crtime, system.ntfs_times ------------------------------------------------- */

#define TIMES ((size_t)4)

static int give_times(const struct op *op, size_t count, void *buf, size_t size)
{
    struct lt_attr attr;
    int r = lt_node_getattr(op->ctx, op->node, &attr);
    if (r < 0)
        return r;
    struct lt_time times[TIMES] = {attr.btime, attr.mtime, attr.atime, attr.ctime};
    char out[TIMES * 8];
    for (size_t i = 0; i < count; i++) {
        struct lt_le64 le = lt_put_le64(filetime_from(times[i]));
        struct lt_be64 be = lt_put_be64(filetime_from(times[i]));
        memcpy(out + 8 * i, op->big_endian ? be.b : le.b, 8);
    }
    /* As many as fit, but one at least. */
    size_t fit = size / 8;
    if (size && fit == 0)
        return LT_ERANGE;
    if (size && fit < count)
        count = fit;
    return give(out, 8 * count, buf, size);
}

static struct lt_time time_at(const struct op *op, struct lt_str value, size_t index)
{
    struct lt_le64 le;
    struct lt_be64 be;
    memcpy(&le, value.s + 8 * index, sizeof(le));
    memcpy(&be, value.s + 8 * index, sizeof(be));
    return filetime_to(op->big_endian ? lt_get_be64(be) : lt_get_le64(le));
}

static int set_times(const struct op *op, struct lt_str value)
{
    if (value.len == 0 || value.len % 8 != 0 || value.len > 8 * TIMES)
        return LT_EINVAL;
    struct lt_setattr set = {.mask = LT_SET_BTIME, .btime = time_at(op, value, 0)};
    if (value.len >= 16) {
        set.mask |= LT_SET_MTIME;
        set.mtime = time_at(op, value, 1);
    }
    if (value.len >= 24) {
        set.mask |= LT_SET_ATIME;
        set.atime = time_at(op, value, 2);
    }
    return change(op, &set);
}

static int get_times(const struct op *op, void *buf, size_t size)
{
    return give_times(op, TIMES, buf, size);
}

static int get_crtime(const struct op *op, void *buf, size_t size)
{
    return give_times(op, 1, buf, size);
}

static int set_crtime(const struct op *op, struct lt_str value)
{
    return value.len == 8 ? set_times(op, value) : LT_EINVAL;
}

static int refuse_remove(const struct op *op)
{
    (void)op;
    return LT_EPERM;
}

/* ---- system.ntfs_acl, _reparse_data, _ea ----------------------------------------------------- */

static int get_acl(const struct op *op, void *buf, size_t size)
{
    return lt_node_security_get(op->ctx, op->node, buf, size);
}

static int set_acl(const struct op *op, struct lt_str value)
{
    int r = value.len ? only_owner(op) : LT_EINVAL;
    return r < 0 ? r : lt_node_security_set(op->ctx, op->node, value);
}

static int remove_acl(const struct op *op)
{
    int r = only_owner(op);
    if (r == 0)
        r = lt_node_security_get(op->ctx, op->node, NULL, 0);
    return r < 0 ? r : lt_node_security_set(op->ctx, op->node, lt_strn(NULL, 0));
}

static int get_reparse(const struct op *op, void *buf, size_t size)
{
    return lt_node_reparse_get(op->ctx, op->node, buf, size);
}

static int set_reparse(const struct op *op, struct lt_str value)
{
    int r = may_change(op);
    return r < 0 ? r : lt_node_reparse_set(op->ctx, op->node, value);
}

static int remove_reparse(const struct op *op)
{
    int r = may_change(op);
    return r < 0 ? r : lt_node_reparse_remove(op->ctx, op->node, lt_strn(NULL, 0));
}

static int get_ea(const struct op *op, void *buf, size_t size)
{
    char *chain = NULL;
    size_t len = 0;
    int r = lt_access_node(op->ctx, op->node, NULL, LT_MAY_READ);
    if (r == 0)
        r = lt_ea_chain_read(op->ctx, op->node, &chain, &len);
    if (r == 0)
        r = len ? give(chain, len, buf, size) : LT_ENODATA;
    free(chain);
    return r;
}

static int set_ea(const struct op *op, struct lt_str value)
{
    struct lt_ea *list = NULL;
    size_t count = 0;
    int r = may_change(op);
    if (r == 0)
        r = lt_ea_chain_decode(value, &list, &count);
    if (r == 0)
        r = lt_node_ea_set(op->ctx, op->node, list, count, true);
    free(list);
    return r;
}

static int remove_ea(const struct op *op)
{
    int r = get_ea(op, NULL, 0);
    if (r > 0)
        r = may_change(op);
    return r < 0 ? r : lt_node_ea_set(op->ctx, op->node, NULL, 0, true);
}

/* ---- user.DOSATTRIB -------------------------------------------------------------------------- */

static int get_dosattrib(const struct op *op, void *buf, size_t size)
{
    struct lt_attr attr;
    int r = lt_node_getattr(op->ctx, op->node, &attr);
    if (r < 0)
        return r;
    if (!(attr.win_attrs & LT_WIN_SETTABLE))
        return LT_ENODATA;
    struct lt_dosattrib info = {.attrib = attr.win_attrs, .create_time = filetime_from(attr.btime)};
    return lt_dosattrib_encode(&info, attr.size, attr.ea_size, buf, size);
}

static int set_dosattrib(const struct op *op, struct lt_str value)
{
    struct lt_dosattrib info;
    int r = lt_dosattrib_decode(value, &info);
    if (r < 0)
        return r;
    struct lt_setattr set = {.win_attrs = info.attrib, .btime = filetime_to(info.create_time)};
    set.mask |= info.has_attrib ? LT_SET_WIN_ATTRS : 0;
    set.mask |= info.has_create_time ? LT_SET_BTIME : 0;
    return set.mask ? lt_node_setattr(op->ctx, op->node, &set, NULL) : 0;
}

static int remove_dosattrib(const struct op *op)
{
    struct lt_setattr set = {.mask = LT_SET_WIN_ATTRS};
    return lt_node_setattr(op->ctx, op->node, &set, NULL);
}

/* ---- The table ----------------------------------------------------------------------------- */

static const struct row rows[] = {
    {"system.ntfs_acl", false, get_acl, set_acl, remove_acl},
    {"system.ntfs_attrib", false, get_attrib, set_attrib, refuse_remove},
    {"system.ntfs_attrib_be", true, get_attrib, set_attrib, refuse_remove},
    {"system.ntfs_crtime", false, get_crtime, set_crtime, refuse_remove},
    {"system.ntfs_crtime_be", true, get_crtime, set_crtime, refuse_remove},
    {"system.ntfs_ea", false, get_ea, set_ea, remove_ea},
    {"system.ntfs_reparse_data", false, get_reparse, set_reparse, remove_reparse},
    {"system.ntfs_times", false, get_times, set_times, refuse_remove},
    {"system.ntfs_times_be", true, get_times, set_times, refuse_remove},
};

static const struct row dosattrib = {"user.DOSATTRIB", false, get_dosattrib, set_dosattrib,
                                     remove_dosattrib};

static bool has_prefix(struct lt_str name, const char *prefix, size_t len)
{
    return name.len > len && memcmp(name.s, prefix, len) == 0;
}

#define HAS_PREFIX(name, prefix) has_prefix(name, prefix, sizeof(prefix) - 1)

static bool has_windows(struct lt_node *node)
{
    struct lt_volume volume;
    lt_fs_volume(node->fs, &volume);
    return volume.has_windows;
}

/* The row of a name, or NULL. Most names are told apart by their first bytes. */
static const struct row *find_row(struct lt_node *node, struct lt_str name)
{
    const struct row *found = NULL;
    if (HAS_PREFIX(name, "system.ntfs_")) {
        for (size_t i = 0; !found && i < sizeof(rows) / sizeof(rows[0]); i++)
            found = lt_str_equal(name, lt_str(rows[i].name)) ? &rows[i] : NULL;
    } else if (HAS_PREFIX(name, "user.D") && lt_str_equal(name, lt_str(dosattrib.name))) {
        bool has_data = node_has_data(node) || node->type == LT_S_IFDIR;
        found = has_data ? &dosattrib : NULL;
    }
    return found && has_windows(node) ? found : NULL;
}

/* ---- Streams ------------------------------------------------------------------------------- */

#define USER_PREFIX "user."

/* The stream that a name stands for, with a reference, or NULL. */
static int find_stream(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                       uint32_t flags, struct lt_node **ret)
{
    struct lt_attr attr;
    *ret = NULL;
    if (!(flags & LT_WINMETA_STREAMS) || !HAS_PREFIX(name, USER_PREFIX))
        return 0;
    if (node->type != LT_S_IFREG && node->type != LT_S_IFDIR)
        return 0;
    int r = lt_node_getattr(ctx, node, &attr);
    if (r < 0 || !(attr.has & LT_HAS_STREAM))
        return r;
    size_t skip = sizeof(USER_PREFIX) - 1;
    r = lt_node_stream_open(ctx, node, lt_strn(name.s + skip, name.len - skip), 0, ret);
    /* Not every attribute's name is a stream's. */
    return r == LT_ENOENT || r == LT_EINVAL || r == LT_ENAMETOOLONG ? 0 : r;
}

static int get_stream(const struct lt_ctx *ctx, struct lt_node *stream, void *buf, size_t size)
{
    struct lt_attr attr;
    int r = lt_node_getattr(ctx, stream, &attr);
    if (r < 0)
        return r;
    if (attr.size > LT_XATTR_SIZE_MAX)
        return LT_E2BIG;
    if (size == 0)
        return (int)attr.size;
    if (size < attr.size)
        return LT_ERANGE;
    return lt_node_pread(ctx, stream, 0, buf, (size_t)attr.size);
}

static int set_stream(const struct lt_ctx *ctx, struct lt_node *stream, struct lt_str value,
                      uint32_t set_flags)
{
    if (set_flags & LT_XATTR_CREATE)
        return LT_EEXIST;
    if (value.len > LT_XATTR_SIZE_MAX)
        return LT_E2BIG;
    int r = lt_node_pwrite(ctx, stream, 0, value.s, value.len);
    if (r >= 0 && (size_t)r < value.len)
        r = LT_ENOSPC;
    if (r < 0)
        return r;
    struct lt_setattr set = {.mask = LT_SET_SIZE, .size = value.len};
    return lt_node_setattr(ctx, stream, &set, NULL);
}

/* ---- lintel/winmeta.h ---------------------------------------------------------------------- */

int lt_winmeta_get(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name, void *buf,
                   size_t size, uint32_t flags)
{
    ctx = ctx_or_root(ctx);
    const struct row *row = find_row(node, name);
    if (row)
        return row->get(&(struct op){ctx, node, row->big_endian}, buf, size);
    struct lt_node *stream;
    int r = find_stream(ctx, node, name, flags, &stream);
    if (r < 0)
        return r;
    if (!stream)
        return lt_node_xattr_get(ctx, node, name, buf, size);
    r = get_stream(ctx, stream, buf, size);
    lt_node_put(stream);
    return r;
}

/* XATTR_CREATE and XATTR_REPLACE, for names that this file answers for. */
static int check_existence(const struct op *op, const struct row *row, uint32_t set_flags)
{
    if (!(set_flags & (LT_XATTR_CREATE | LT_XATTR_REPLACE)))
        return 0;
    int r = row->get(op, NULL, 0);
    if (r >= 0)
        return set_flags & LT_XATTR_CREATE ? LT_EEXIST : 0;
    if (r != LT_ENODATA)
        return r;
    return set_flags & LT_XATTR_REPLACE ? LT_ENODATA : 0;
}

int lt_winmeta_set(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                   struct lt_str value, uint32_t set_flags, uint32_t flags)
{
    ctx = ctx_or_root(ctx);
    const struct row *row = find_row(node, name);
    if (row) {
        struct op op = {ctx, node, row->big_endian};
        int r = check_existence(&op, row, set_flags);
        return r < 0 ? r : row->set(&op, value);
    }
    struct lt_node *stream;
    int r = find_stream(ctx, node, name, flags, &stream);
    if (r < 0)
        return r;
    if (!stream)
        return lt_node_xattr_set(ctx, node, name, value, set_flags);
    r = set_stream(ctx, stream, value, set_flags);
    lt_node_put(stream);
    return r;
}

int lt_winmeta_remove(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                      uint32_t flags)
{
    ctx = ctx_or_root(ctx);
    const struct row *row = find_row(node, name);
    if (row) {
        struct op op = {ctx, node, row->big_endian};
        int r = row->get(&op, NULL, 0);
        return r < 0 ? r : row->remove(&op);
    }
    struct lt_node *stream;
    int r = find_stream(ctx, node, name, flags, &stream);
    if (r < 0)
        return r;
    if (!stream)
        return lt_node_xattr_remove(ctx, node, name);
    lt_node_put(stream);
    size_t skip = sizeof(USER_PREFIX) - 1;
    return lt_node_stream_remove(ctx, node, lt_strn(name.s + skip, name.len - skip));
}

/* ---- The list ------------------------------------------------------------------------------ */

struct listing {
    int (*fn)(void *arg, struct lt_str name);
    void *arg;
    char *streams; /* names already given, each with NUL, where attributes could repeat them */
    size_t len, capacity;
    bool remember;
    int error;
};

static int remember(struct listing *l, struct lt_str name)
{
    if (name.len + 1 > l->capacity - l->len) {
        size_t capacity = 2 * l->capacity + name.len + 1;
        char *streams = realloc(l->streams, capacity);
        if (!streams)
            return LT_ENOMEM;
        l->streams = streams;
        l->capacity = capacity;
    }
    memcpy(l->streams + l->len, name.s, name.len);
    l->streams[l->len + name.len] = 0;
    l->len += name.len + 1;
    return 0;
}

static int list_stream(void *arg, const struct lt_stream *stream)
{
    struct listing *l = arg;
    char name[LT_XATTR_NAME_MAX];
    size_t skip = sizeof(USER_PREFIX) - 1;
    if (skip + stream->name.len > sizeof(name))
        return 0;
    memcpy(name, USER_PREFIX, skip);
    memcpy(name + skip, stream->name.s, stream->name.len);
    struct lt_str whole = {name, skip + stream->name.len};
    if (l->remember)
        l->error = remember(l, whole);
    return l->error < 0 ? l->error : l->fn(l->arg, whole);
}

static int list_plain(void *arg, struct lt_str name)
{
    struct listing *l = arg;
    for (size_t at = 0; at < l->len; at += strlen(l->streams + at) + 1) {
        if (lt_str_equal(name, lt_str(l->streams + at)))
            return 0;
    }
    return l->fn(l->arg, name);
}

int lt_winmeta_list(const struct lt_ctx *ctx, struct lt_node *node, uint32_t flags,
                    int (*fn)(void *arg, struct lt_str name), void *arg)
{
    struct lt_attr attr;
    int r = lt_node_getattr(ctx, node, &attr);
    if (r < 0)
        return r;
    struct listing l = {.fn = fn, .arg = arg};
    if ((attr.win_attrs & LT_WIN_SETTABLE) && find_row(node, lt_str(dosattrib.name)))
        r = fn(arg, lt_str(dosattrib.name));
    bool streams = (flags & LT_WINMETA_STREAMS) && (attr.has & LT_HAS_STREAM);
    l.remember = attr.has & LT_HAS_XATTR;
    if (r == 0 && streams)
        r = lt_node_stream_list(ctx, node, list_stream, &l);
    if (r == 0)
        r = lt_node_xattr_list(ctx, node, list_plain, &l);
    free(l.streams);
    return r;
}
