// SPDX-License-Identifier: MIT
/* Attributes and how long they are good for; names of replies. */
#include "ops.h"
#include "request.h"
#include "table.h"

static uint64_t until(uint64_t ns)
{
    uint64_t now = ns == 0 ? 0 : lt_clock_ns();
    return ns == 0 ? 0 : ns > UINT64_MAX - now ? UINT64_MAX : now + ns;
}

static uint64_t ns_of(struct lt_time t)
{
    return t.sec < 0 ? 0 : (uint64_t)t.sec * 1000000000 + t.nsec;
}

static bool same_state(const struct lt_attr *a, const struct lt_attr *b)
{
    return a->size == b->size && a->mtime.sec == b->mtime.sec && a->mtime.nsec == b->mtime.nsec &&
           a->ctime.sec == b->ctime.sec && a->ctime.nsec == b->ctime.nsec && a->mode == b->mode &&
           a->nlink == b->nlink;
}

/* What FUSE does not say: a version grows with each change that we hear of. */
static void complete_locked(struct fuse_node *node, struct lt_attr *a) REQUIRES(node->lock)
{
    a->generation = (uint32_t)node->generation;
    a->version = node->attr.version;
    if (a->version == 0 || !same_state(a, &node->attr))
        a->version = ns_of(a->ctime) > a->version ? ns_of(a->ctime) : a->version + 1;
    a->btime = ns_of(a->mtime) < ns_of(a->ctime) ? a->mtime : a->ctime;
    if (node->node.type == LT_S_IFDIR)
        a->win_attrs = LT_WIN_DIRECTORY;
}

static void drop_one(struct fuse_node *node)
{
    struct fuse_fs *fs = fuse_fs_of(node);
    lt_mutex_lock(&node->lock);
    node->changed = atomic_fetch_add(&fs->changes, 1) + 1;
    node->attr_until_ns = 0;
    lt_mutex_unlock(&node->lock);
}

/* A stream shares all but its size with its file. */
static void drop_file(struct fuse_node *node)
{
    struct fuse_node *file = node->node.type == LT_S_STREAM ? fuse_stream_file(node) : NULL;
    if (file)
        drop_one(file);
}

int fuse_attr_learn(struct fuse_node *node, const struct lt_attr *attr, uint64_t ns, uint64_t begun,
                    uint32_t flags, struct lt_attr *ret)
{
    struct fuse_fs *fs = fuse_fs_of(node);
    struct lt_attr a = *attr;
    if (node->node.type != LT_S_STREAM && (a.mode & LT_S_IFMT) != node->node.type)
        return LT_ESTALE;
    ns = ns < fs->options.attr_ns ? ns : fs->options.attr_ns;
    a.id = node->node.id;
    lt_mutex_lock(&node->lock);
    if (!(flags & FUSE_ATTR_WHOLE))
        complete_locked(node, &a);
    /* Of a Lintel only whole attributes are kept. */
    bool news = begun >= node->changed && (flags & FUSE_ATTR_WHOLE || !fs->lintel);
    if (flags & FUSE_ATTR_OURS)
        node->changed = atomic_fetch_add(&fs->changes, 1) + 1;
    if (news)
        node->attr = a;
    if (news || flags & FUSE_ATTR_OURS)
        node->attr_until_ns = news ? until(ns) : 0;
    lt_mutex_unlock(&node->lock);
    if (flags & FUSE_ATTR_OURS)
        drop_file(node);
    if (ret)
        *ret = a;
    return 0;
}

int fuse_attr_out_learn(struct fuse_node *node, const struct lt_fuse_attr_out *out, uint64_t begun,
                        uint32_t flags, struct lt_attr *ret)
{
    struct lt_attr attr;
    int r = lt_fuse_get_attr(&out->attr, &attr);
    if (r < 0)
        return r;
    return fuse_attr_learn(node, &attr, lt_fuse_get_timeout(out->attr_valid, out->attr_valid_nsec),
                           begun, flags, ret);
}

uint64_t fuse_dir_change(struct fuse_node *dir, uint64_t begun)
{
    struct fuse_fs *fs = fuse_fs_of(dir);
    lt_mutex_lock(&dir->lock);
    bool alone = dir->changed <= begun;
    dir->changed = atomic_fetch_add(&fs->changes, 1) + 1;
    uint64_t now = alone ? dir->changed : 0;
    dir->attr_until_ns = 0;
    lt_mutex_unlock(&dir->lock);
    return now;
}

void fuse_attr_drop(struct fuse_node *node)
{
    drop_one(node);
    drop_file(node);
}

bool fuse_attr_cached(struct fuse_node *node, struct lt_attr *ret)
{
    uint64_t now = lt_clock_ns();
    lt_mutex_lock(&node->lock);
    bool good = node->attr_until_ns > now;
    if (good)
        *ret = node->attr;
    lt_mutex_unlock(&node->lock);
    return good;
}

int fuse_getattr(const struct lt_ctx *ctx, struct lt_node *base, struct lt_attr *ret)
{
    struct fuse_node *node = fuse_node(base);
    struct fuse_fs *fs = fuse_fs_of(node);
    if (fuse_attr_cached(node, ret))
        return 0;
    struct lt_fuse_getattr_in in = {.fh = 0};
    struct lt_fuse_attr_out out;
    struct fuse_request r = {
        .opcode = LT_FUSE_GETATTR,
        .node = node,
        .args = &in,
        .args_len = sizeof(in),
        .out = {{&out, sizeof(out)}},
        .out_count = 1,
        .out_min = sizeof(out),
    };
    uint64_t begun = fuse_attr_begin(fs);
    int e = fuse_call(ctx, fs, &r);
    return e < 0 ? e : fuse_attr_out_learn(node, &out, begun, 0, ret);
}

/* ---- Names of replies ------------------------------------------------------------------------ */

void fuse_entry_drop(struct fuse_fs *fs, uint32_t epoch, uint64_t nodeid)
{
    if (nodeid == 0 || nodeid == LT_ROOT_ID)
        return;
    atomic_fetch_add(&fs->looked_up, 1);
    fuse_forget(fs, epoch, nodeid, 1, false);
}

int fuse_seen_learn(struct fuse_fs *fs, struct fuse_node *dir, struct lt_str name,
                    const struct fuse_seen *seen, struct lt_entry *ret)
{
    struct fuse_node *node;
    uint64_t begun = seen->begun;
    if (dir && seen->flags & FUSE_ATTR_OURS)
        begun = fuse_dir_change(dir, begun);
    int r = seen->nodeid == 0 || seen->nodeid == LT_ROOT_ID ? LT_EIO : 0;
    if (r == 0)
        r = fuse_node_take(fs, seen->epoch, seen->nodeid, seen->generation, seen->type, &node);
    if (r < 0)
        return r;
    r = fuse_attr_learn(node, &seen->attr, seen->attr_ns, seen->begun, seen->flags, &ret->attr);
    if (r < 0) {
        lt_node_put(&node->node);
        return r;
    }
    if (dir)
        fuse_name_learn(fs, dir, name, node, seen->entry_ns, begun);
    ret->node = &node->node;
    return 0;
}

int fuse_entry_learn(struct fuse_fs *fs, uint32_t epoch, struct fuse_node *dir, struct lt_str name,
                     const struct lt_fuse_entry_out *out, uint64_t begun, uint32_t flags,
                     struct lt_entry *ret)
{
    struct fuse_seen seen = {
        .nodeid = out->nodeid,
        .generation = out->generation,
        .entry_ns = lt_fuse_get_timeout(out->entry_valid, out->entry_valid_nsec),
        .attr_ns = lt_fuse_get_timeout(out->attr_valid, out->attr_valid_nsec),
        .flags = flags,
        .begun = begun,
        .epoch = epoch,
    };
    int r = lt_fuse_get_attr(&out->attr, &seen.attr);
    if (r < 0) {
        fuse_entry_drop(fs, epoch, out->nodeid);
        return r;
    }
    seen.type = seen.attr.mode & LT_S_IFMT;
    return fuse_seen_learn(fs, dir, name, &seen, ret);
}

/* ---- Setting --------------------------------------------------------------------------------- */

/* What FUSE has no word for; a Lintel is asked in another way. */
#define BEYOND_FUSE (LT_SET_BTIME | LT_SET_WIN_ATTRS | LT_SET_INODE_FLAGS)

static void put_time(struct lt_time t, uint64_t *sec, uint32_t *nsec)
{
    *sec = (uint64_t)t.sec;
    *nsec = t.nsec;
}

static uint32_t valid_of(uint32_t mask)
{
    static const struct {
        uint32_t set, valid;
    } pairs[] = {
        {LT_SET_MODE, LT_FATTR_MODE},
        {LT_SET_UID, LT_FATTR_UID},
        {LT_SET_GID, LT_FATTR_GID},
        {LT_SET_SIZE, LT_FATTR_SIZE},
        {LT_SET_ATIME, LT_FATTR_ATIME},
        {LT_SET_MTIME, LT_FATTR_MTIME},
        {LT_SET_CTIME, LT_FATTR_CTIME},
        {LT_SET_ATIME_NOW, LT_FATTR_ATIME | LT_FATTR_ATIME_NOW},
        {LT_SET_MTIME_NOW, LT_FATTR_MTIME | LT_FATTR_MTIME_NOW},
    };
    uint32_t valid = 0;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        valid |= mask & pairs[i].set ? pairs[i].valid : 0;
    return valid;
}

static int send_setattr(const struct lt_ctx *ctx, struct fuse_node *node,
                        const struct lt_setattr *set, uint32_t valid, struct lt_attr *ret)
{
    struct fuse_fs *fs = fuse_fs_of(node);
    struct lt_fuse_attr_out out;
    struct lt_fuse_setattr_in in = {
        .valid = valid,
        .size = set->size,
        .mode = (set->mode & LT_S_PERM) | node->node.type,
        .uid = set->uid,
        .gid = set->gid,
    };
    put_time(set->atime, &in.atime, &in.atimensec);
    put_time(set->mtime, &in.mtime, &in.mtimensec);
    put_time(set->ctime, &in.ctime, &in.ctimensec);
    struct fuse_request r = {
        .opcode = LT_FUSE_SETATTR,
        .node = node,
        .args = &in,
        .args_len = sizeof(in),
        .out = {{&out, sizeof(out)}},
        .out_count = 1,
        .out_min = sizeof(out),
    };
    uint64_t begun = fuse_attr_begin(fs);
    int e = fuse_call(ctx, fs, &r);
    if (e == LT_ENOSYS)
        return LT_EOPNOTSUPP;
    return e < 0 ? e : fuse_attr_out_learn(node, &out, begun, FUSE_ATTR_OURS, ret);
}

/* The mode that LT_SET_KILL_PRIV leaves, for servers that do not see to it themselves. */
static int kill_priv(const struct lt_ctx *ctx, struct fuse_node *node, struct lt_setattr *set)
{
    struct lt_attr attr;
    int r = set->mask & LT_SET_MODE ? 0 : fuse_getattr(ctx, &node->node, &attr);
    if (r < 0)
        return r;
    uint32_t mode = set->mask & LT_SET_MODE ? set->mode : attr.mode, killed = mode;
    killed &= ~(uint32_t)LT_S_ISUID;
    if (mode & 0010)
        killed &= ~(uint32_t)LT_S_ISGID;
    if (killed != mode)
        set->mask |= LT_SET_MODE;
    set->mode = killed;
    return 0;
}

/* The access ACL is a request of its own, before the mode that goes with it. */
static int set_acl(const struct lt_ctx *ctx, struct fuse_node *node, struct lt_str acl)
{
    struct lt_str name = lt_str("system.posix_acl_access");
    int r = acl.len > 0 ? fuse_xattr_set(ctx, &node->node, name, acl, 0)
                        : fuse_xattr_remove(ctx, &node->node, name);
    /* Without ACLs there is none to take away. */
    return acl.len == 0 && (r == LT_ENODATA || r == LT_EOPNOTSUPP) ? 0 : r;
}

int fuse_setattr(const struct lt_ctx *ctx, struct lt_node *base, const struct lt_setattr *set,
                 struct lt_attr *ret)
{
    struct fuse_node *node = fuse_node(base);
    struct fuse_fs *fs = fuse_fs_of(node);
    struct lt_setattr own = *set;
    int r = 0;
    if (set->mask & BEYOND_FUSE)
        return LT_EOPNOTSUPP;
    bool kills = fs->features & LT_FUSE_HANDLE_KILLPRIV_V2;
    if (set->mask & LT_SET_KILL_PRIV && !kills)
        r = kill_priv(ctx, node, &own);
    if (r == 0 && set->mask & LT_SET_ACL)
        r = set_acl(ctx, node, set->acl);
    if (r < 0)
        return r;
    uint32_t valid = valid_of(own.mask);
    if (set->mask & LT_SET_KILL_PRIV && kills)
        valid |= LT_FATTR_KILL_SUIDGID;
    if (valid)
        return send_setattr(ctx, node, &own, valid, ret);
    fuse_attr_drop(node);
    return ret ? fuse_getattr(ctx, base, ret) : 0;
}
