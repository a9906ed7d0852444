// SPDX-License-Identifier: MIT
/* Names: looked up, made, linked, read. What takes names away is in remove.c. */
#include "names.h"

#include "handle.h"
#include "ops.h"
#include "request.h"

/* ---- Looking up ------------------------------------------------------------------------------ */

/* The name as given is the name as stored. */
static void name_entry(struct lt_str name, struct lt_entry *ret)
{
    ret->exact = true;
    if (!ret->stored)
        return;
    memcpy(ret->stored, name.s, name.len);
    ret->stored[name.len] = 0;
    ret->stored_len = name.len;
}

/* What is known without asking: 1 if so, else 0; LT_ENOENT. */
static int lookup_cached(struct fuse_fs *fs, struct fuse_node *dir, struct lt_str name,
                         struct lt_entry *ret)
{
    struct fuse_node *node;
    switch (fuse_name_find(fs, dir, name, false, &node)) {
    case FUSE_ABSENT:
        return LT_ENOENT;
    case FUSE_UNKNOWN:
        return 0;
    case FUSE_PRESENT:
        break;
    }
    if (!fuse_attr_cached(node, &ret->attr)) {
        lt_node_put(&node->node);
        return 0;
    }
    ret->node = &node->node;
    return 1;
}

static int lookup_server(const struct lt_ctx *ctx, struct fuse_fs *fs, struct fuse_node *dir,
                         struct lt_str name, struct lt_entry *ret)
{
    struct lt_fuse_entry_out out;
    struct fuse_request r = {
        .opcode = LT_FUSE_LOOKUP,
        .node = dir,
        .name = name,
        .out = {{&out, sizeof(out)}},
        .out_count = 1,
        .out_min = sizeof(out),
    };
    uint64_t begun = fuse_attr_begin(fs);
    int e = fuse_call(ctx, fs, &r);
    if (e == 0 && out.nodeid == 0) {
        fuse_name_learn(fs, dir, name, NULL,
                        lt_fuse_get_timeout(out.entry_valid, out.entry_valid_nsec), begun);
        return LT_ENOENT;
    }
    if (e == LT_ENOENT)
        fuse_name_drop(fs, dir, name);
    return e < 0 ? e : fuse_entry_learn(fs, r.sent_epoch, dir, name, &out, begun, 0, ret);
}

int fuse_lookup(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name,
                struct lt_entry *ret)
{
    struct fuse_node *dir = fuse_node(base);
    struct fuse_fs *fs = fuse_fs_of(dir);
    int r = lookup_cached(fs, dir, name, ret);
    if (r == 0)
        r = lookup_server(ctx, fs, dir, name, ret);
    if (r >= 0)
        name_entry(name, ret);
    return r < 0 ? r : 0;
}

int fuse_parent(const struct lt_ctx *ctx, struct lt_node *base, struct lt_node **ret)
{
    char name[LT_NAME_MAX];
    size_t len;
    struct fuse_node *dir;
    (void)ctx;
    if (base->id == LT_ROOT_ID) {
        *ret = lt_node_get(base);
        return 0;
    }
    int r = fuse_node_name(fuse_node(base), &dir, name, &len);
    if (r == 0)
        *ret = &dir->node;
    return r;
}

/* Only the names by which it was seen. */
int fuse_names(const struct lt_ctx *ctx, struct lt_node *base,
               int (*fn)(void *arg, struct lt_node *dir, struct lt_str name), void *arg)
{
    char name[LT_NAME_MAX];
    size_t len;
    struct fuse_node *dir;
    (void)ctx;
    if (base->id == LT_ROOT_ID || fuse_node_name(fuse_node(base), &dir, name, &len) < 0)
        return 0;
    int r = fn(arg, &dir->node, lt_strn(name, len));
    lt_node_put(&dir->node);
    return r;
}

/* ---- Making ---------------------------------------------------------------------------------- */

/* A reply to a request that makes a node: the entry, and with CREATE and TMPFILE a handle. */
struct created {
    struct lt_fuse_entry_out entry;
    struct lt_fuse_open_out open;
};

static int send_create(const struct lt_ctx *ctx, struct fuse_fs *fs, struct fuse_request *r,
                       struct created *out, bool opened)
{
    /* The core has applied the umask; it is for servers that would do so again. */
    struct lt_ctx own = *ctx;
    own.umask = 0;
    r->out[0] = (struct lt_seg){&out->entry, sizeof(out->entry)};
    r->out[1] = (struct lt_seg){&out->open, sizeof(out->open)};
    r->out_count = opened ? 2 : 1;
    r->out_min = sizeof(out->entry) + (opened ? sizeof(out->open) : 0);
    return fuse_call(&own, fs, r);
}

static int learn_created(struct fuse_fs *fs, const struct fuse_request *r, struct lt_str name,
                         const struct created *out, uint64_t begun, bool opened,
                         struct lt_entry *ret)
{
    int e = fuse_entry_learn(fs, r->sent_epoch, name.len ? r->node : NULL, name, &out->entry, begun,
                             FUSE_ATTR_OURS, ret);
    if (opened && e == 0)
        fuse_handle_take(fuse_node(ret->node), r->sent_epoch, &out->open, LT_FUSE_O_RDWR);
    return e;
}

/* CREATE: the only way to a file that may be written although its mode says that nobody may. */
static int create_open(const struct lt_ctx *ctx, struct fuse_node *dir, struct lt_str name,
                       uint32_t mode, struct lt_entry *ret)
{
    struct fuse_fs *fs = fuse_fs_of(dir);
    struct created out;
    struct lt_fuse_create_in in = {.flags = LT_FUSE_O_RDWR | LT_FUSE_O_CREAT | LT_FUSE_O_EXCL,
                                   .mode = mode};
    struct fuse_request r = {
        .opcode = LT_FUSE_CREATE, .node = dir, .args = &in, .args_len = sizeof(in), .name = name};
    uint64_t begun = fuse_attr_begin(fs);
    int e = send_create(ctx, fs, &r, &out, true);
    return e < 0 ? e : learn_created(fs, &r, name, &out, begun, true, ret);
}

static int create_tmpfile(const struct lt_ctx *ctx, struct fuse_node *dir, uint32_t mode,
                          struct lt_entry *ret)
{
    struct fuse_fs *fs = fuse_fs_of(dir);
    struct created out;
    struct lt_fuse_create_in in = {.flags = LT_FUSE_O_RDWR | LT_FUSE_O_TMPFILE, .mode = mode};
    struct fuse_request r = {.opcode = LT_FUSE_TMPFILE,
                             .node = dir,
                             .args = &in,
                             .args_len = sizeof(in),
                             .name = lt_str("/")}; /* what Linux sends; it means nothing */
    uint64_t begun = fuse_attr_begin(fs);
    int e = fs->minor < 37 ? LT_ENOSYS : send_create(ctx, fs, &r, &out, true);
    if (e == LT_ENOSYS)
        return LT_EOPNOTSUPP;
    return e < 0 ? e : learn_created(fs, &r, lt_strn("", 0), &out, begun, true, ret);
}

/* MKNOD, MKDIR and SYMLINK. */
static int create_plain(const struct lt_ctx *ctx, struct fuse_node *dir, struct lt_str name,
                        const struct lt_create *spec, struct lt_entry *ret)
{
    struct fuse_fs *fs = fuse_fs_of(dir);
    struct created out;
    struct lt_fuse_mknod_in mknod = {.mode = spec->mode, .rdev = spec->rdev};
    struct lt_fuse_mkdir_in mkdir = {.mode = spec->mode & LT_S_PERM};
    char target[LT_PATH_MAX];
    struct fuse_request r = {.opcode = LT_FUSE_MKNOD, .node = dir, .name = name};
    switch (spec->mode & LT_S_IFMT) {
    case LT_S_IFDIR:
        r.opcode = LT_FUSE_MKDIR;
        r.args = &mkdir;
        r.args_len = sizeof(mkdir);
        break;
    case LT_S_IFLNK:
        r.opcode = LT_FUSE_SYMLINK;
        memcpy(target, spec->target.s, spec->target.len);
        r.name2 = lt_strn(target, spec->target.len);
        break;
    default:
        r.args = &mknod;
        r.args_len = sizeof(mknod);
        break;
    }
    uint64_t begun = fuse_attr_begin(fs);
    int e = send_create(ctx, fs, &r, &out, false);
    if (e == LT_ENOSYS)
        return LT_EOPNOTSUPP;
    return e < 0 ? e : learn_created(fs, &r, name, &out, begun, false, ret);
}

static int create(const struct lt_ctx *ctx, struct fuse_node *dir, struct lt_str name,
                  const struct lt_create *spec, struct lt_entry *ret)
{
    bool file = (spec->mode & LT_S_IFMT) == LT_S_IFREG;
    if (name.len == 0)
        return create_tmpfile(ctx, dir, spec->mode, ret);
    int r = file ? create_open(ctx, dir, name, spec->mode, ret) : LT_ENOSYS;
    if (r == LT_ENOSYS)
        r = create_plain(ctx, dir, name, spec, ret);
    return r;
}

/* What the request could not say: with `exact`, whatever the server made of owner and mode. */
static int finish(const struct lt_ctx *ctx, const struct lt_create *spec, struct lt_entry *entry)
{
    const struct lt_attr *attr = &entry->attr;
    struct lt_setattr set = {.mode = spec->mode, .uid = spec->uid, .gid = spec->gid};
    if (!spec->exact)
        return 0;
    if (attr->uid != spec->uid)
        set.mask |= LT_SET_UID;
    if (attr->gid != spec->gid)
        set.mask |= LT_SET_GID;
    bool mode = set.mask || (attr->mode & LT_S_PERM) != (spec->mode & LT_S_PERM);
    if (mode && (spec->mode & LT_S_IFMT) != LT_S_IFLNK)
        set.mask |= LT_SET_MODE;
    if (spec->acl.len > 0) {
        set.mask |= LT_SET_ACL;
        set.acl = spec->acl;
    }
    int r = set.mask ? fuse_setattr(ctx, entry->node, &set, &entry->attr) : 0;
    if (r == 0 && spec->default_acl.len > 0)
        r = fuse_xattr_set(ctx, entry->node, lt_str("system.posix_acl_default"), spec->default_acl,
                           0);
    return r;
}

int fuse_create(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name,
                const struct lt_create *spec, struct lt_entry *ret)
{
    struct fuse_node *dir = fuse_node(base);
    struct lt_entry entry = *ret;
    if (spec->security.len > 0)
        return LT_EOPNOTSUPP;
    int r = create(ctx, dir, name, spec, &entry);
    if (r < 0)
        return r;
    r = finish(ctx, spec, &entry);
    if (r < 0) {
        if (name.len > 0)
            (void)fuse_name_remove(ctx, dir, name, fuse_node(entry.node));
        lt_node_put(entry.node);
        return r;
    }
    name_entry(name, &entry);
    *ret = entry;
    return 0;
}

int fuse_link(const struct lt_ctx *ctx, struct lt_node *base, struct lt_node *dir,
              struct lt_str name, struct lt_entry *ret)
{
    struct fuse_node *node = fuse_node(base);
    struct fuse_fs *fs = fuse_fs_of(node);
    struct lt_fuse_link_in in;
    struct lt_fuse_entry_out out;
    struct fuse_request r = {
        .opcode = LT_FUSE_LINK,
        .node = fuse_node(dir),
        .args = &in,
        .args_len = sizeof(in),
        .node2 = node,
        .node2_at = &in.oldnodeid,
        .name = name,
        .out = {{&out, sizeof(out)}},
        .out_count = 1,
        .out_min = sizeof(out),
    };
    uint64_t begun = fuse_attr_begin(fs);
    int e = fuse_call(ctx, fs, &r);
    if (e == 0)
        e = fuse_entry_learn(fs, r.sent_epoch, fuse_node(dir), name, &out, begun, FUSE_ATTR_OURS,
                             ret);
    if (e < 0)
        return e == LT_ENOSYS ? LT_EPERM : e; /* as link(2) says it */
    atomic_store(&node->removed, false);
    name_entry(name, ret);
    return 0;
}

/* ---- Reading a link -------------------------------------------------------------------------- */

int fuse_readlink(const struct lt_ctx *ctx, struct lt_node *base, char *buf, size_t size)
{
    struct fuse_node *node = fuse_node(base);
    char target[LT_PATH_MAX];
    struct fuse_request r = {
        .opcode = LT_FUSE_READLINK,
        .node = node,
        .out = {{target, sizeof(target)}},
        .out_count = 1,
        .out_min = 1,
    };
    int e = fuse_call(ctx, fuse_fs_of(node), &r);
    if (e < 0)
        return e == LT_ENOSYS ? LT_EINVAL : e;
    if (r.out_len >= LT_PATH_MAX || memchr(target, 0, r.out_len))
        return LT_EIO;
    size_t n = r.out_len < size ? r.out_len : size;
    memcpy(buf, target, n);
    return (int)n;
}
