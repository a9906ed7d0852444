// SPDX-License-Identifier: MIT
/* Requests about names: finding, making, linking, renaming and removing them. */
#include "handlers.h"

/* ---- Finding --------------------------------------------------------------------------------- */

static int entry_of(struct call *c, struct lt_node *node, struct lt_entry *ret)
{
    *ret = (struct lt_entry){.node = node, .exact = true};
    int r = lt_node_getattr(&c->ctx, node, &ret->attr);
    if (r < 0)
        lt_node_put(node);
    return r;
}

/* LOOKUP of "." and "..": how an NFS server finds what the kernel has forgotten (EXPORT_SUPPORT).
 */
static int lookup_dots(struct call *c, bool parent, struct lt_entry *ret)
{
    struct lt_node *node = c->node ? lt_node_get(c->node) : NULL;
    int r = 0;
    if (node == NULL)
        r = lt_fs_node(&c->ctx, c->s->fs, c->req.header.nodeid, 0, &node);
    if (r < 0)
        return r;
    if (parent) {
        struct lt_node *dir = node;
        r = lt_node_parent(&c->ctx, dir, &node);
        lt_node_put(dir);
    }
    if (r == 0)
        r = entry_of(c, node, ret);
    if (r == 0 && ret->attr.nlink == 0) {
        lt_node_put(node);
        r = LT_ESTALE;
    }
    return r;
}

/* The file of FILE:STREAM in the directory; a stream of the directory itself has no FILE. */
static int stream_file(struct call *c, struct lt_str file, struct lt_node **ret)
{
    struct lt_entry entry = {0};
    if (file.len == 0) {
        *ret = lt_node_get(c->node);
        return 0;
    }
    int r = lt_node_lookup(&c->ctx, c->node, file, &entry);
    if (r == 0)
        *ret = entry.node;
    return r;
}

static int open_stream(struct call *c, struct lt_str file, struct lt_str stream, uint32_t flags,
                       struct lt_entry *ret)
{
    struct lt_node *base, *node;
    int r = stream_file(c, file, &base);
    if (r < 0)
        return r;
    r = lt_node_stream_open(&c->ctx, base, stream, flags, &node);
    lt_node_put(base);
    return r < 0 ? r : entry_of(c, node, ret);
}

static int lookup(struct call *c, struct lt_str name, struct lt_entry *ret)
{
    struct lt_str file, stream;
    if (name.len > 0 && name.s[0] == '.' && (name.len == 1 || (name.len == 2 && name.s[1] == '.')))
        return lookup_dots(c, name.len == 2, ret);
    if (c->node == NULL)
        return LT_ESTALE;
    if (view_stream(c->s, name, &file, &stream))
        return open_stream(c, file, stream, 0, ret);
    return lt_node_lookup(&c->ctx, c->node, name, ret);
}

int on_lookup(struct call *c)
{
    struct lt_entry entry = {0};
    int r = lookup(c, c->req.name, &entry);
    if (r == LT_ENOENT && c->s->cache_negative && c->s->ttl.entry_ns > 0) {
        struct lt_fuse_entry_out out;
        lt_fuse_put_no_entry(c->s->ttl, &out);
        return reply_bytes(c, &out, sizeof(out));
    }
    return r < 0 ? r : reply_entry(c, &entry);
}

/* ---- Forgetting ------------------------------------------------------------------------------ */

int on_forget(struct call *c)
{
    bool known = lt_nodes_forget(&c->s->nodes, c->req.header.nodeid, c->req.args.forget.nlookup);
    return known ? 0 : LT_ESTALE;
}

int on_batch_forget(struct call *c)
{
    struct lt_fuse_forget_one one;
    int r = 0;
    for (uint32_t i = 0; lt_fuse_forget_at(&c->req, i, &one); i++) {
        if (!lt_nodes_forget(&c->s->nodes, one.nodeid, one.nlookup))
            r = LT_ESTALE;
    }
    return r;
}

/* ---- Making ---------------------------------------------------------------------------------- */

static int create(struct call *c, struct lt_str name, const struct lt_create *spec,
                  struct lt_entry *ret)
{
    struct lt_str file, stream;
    *ret = (struct lt_entry){0};
    if (name.len == 0 && c->req.header.opcode != LT_FUSE_TMPFILE)
        return LT_EINVAL; /* no kernel asks so; it would make a file without a name */
    if (name.len > 0 && view_stream(c->s, name, &file, &stream)) {
        if ((spec->mode & LT_S_IFMT) != LT_S_IFREG)
            return LT_EINVAL;
        return open_stream(c, file, stream, LT_STREAM_CREATE | LT_STREAM_EXCL, ret);
    }
    return lt_node_create(&c->ctx, c->node, name, spec, ret);
}

static int create_and_reply(struct call *c, const struct lt_create *spec)
{
    struct lt_entry entry;
    int r = create(c, c->req.name, spec, &entry);
    return r < 0 ? r : reply_entry(c, &entry);
}

int on_mknod(struct call *c)
{
    const struct lt_fuse_mknod_in *in = &c->req.args.mknod;
    return create_and_reply(c, &(struct lt_create){.mode = in->mode, .rdev = in->rdev});
}

int on_mkdir(struct call *c)
{
    uint32_t mode = (c->req.args.mkdir.mode & LT_S_PERM) | LT_S_IFDIR;
    return create_and_reply(c, &(struct lt_create){.mode = mode});
}

int on_symlink(struct call *c)
{
    return create_and_reply(c,
                            &(struct lt_create){.mode = LT_S_IFLNK | 0777, .target = c->req.name2});
}

static uint32_t regular_mode(uint32_t mode)
{
    return (mode & LT_S_PERM) | LT_S_IFREG;
}

/* Without a state for open files the kernel makes a file by MKNOD, and needs no RELEASE. */
int on_create(struct call *c)
{
    struct lt_entry entry;
    if (!c->s->use_open)
        return LT_ENOSYS;
    struct lt_create spec = {.mode = regular_mode(c->req.args.create.mode)};
    int r = create(c, c->req.name, &spec, &entry);
    return r < 0 ? r : reply_created(c, &entry);
}

/* The name that comes with it means nothing. */
int on_tmpfile(struct call *c)
{
    struct lt_entry entry;
    struct lt_create spec = {.mode = regular_mode(c->req.args.create.mode)};
    int r = create(c, lt_strn("", 0), &spec, &entry);
    return r < 0 ? r : reply_created(c, &entry);
}

int on_link(struct call *c)
{
    struct lt_entry entry = {0};
    struct lt_str file, stream;
    struct lt_node *node;
    if (view_stream(c->s, c->req.name, &file, &stream))
        return LT_EPERM;
    int r = call_node(c, c->req.args.link.oldnodeid, &node);
    if (r < 0)
        return r;
    r = lt_node_link(&c->ctx, node, c->node, c->req.name, &entry);
    lt_node_put(node);
    return r < 0 ? r : reply_entry(c, &entry);
}

int on_readlink(struct call *c)
{
    int r = lt_node_readlink(&c->ctx, c->node, c->w->scratch, LT_PATH_MAX);
    return r < 0 ? r : reply_bytes(c, c->w->scratch, (size_t)r);
}

/* ---- Removing -------------------------------------------------------------------------------- */

static int remove_stream(struct call *c, struct lt_str file, struct lt_str stream)
{
    struct lt_node *base;
    int r = stream_file(c, file, &base);
    if (r < 0)
        return r;
    r = lt_node_stream_remove(&c->ctx, base, stream);
    lt_node_put(base);
    return r;
}

static int remove_name(struct call *c, uint32_t flags)
{
    struct lt_str file, stream;
    if (view_stream(c->s, c->req.name, &file, &stream))
        return flags & LT_REMOVE_DIR ? LT_ENOTDIR : remove_stream(c, file, stream);
    bool alias = notify_has_alias(c, c->node, c->req.name);
    int r = lt_node_remove(&c->ctx, c->node, c->req.name, flags, NULL);
    if (r == 0 && alias)
        notify_epoch(c->s);
    return r;
}

int on_unlink(struct call *c)
{
    return remove_name(c, 0);
}

int on_rmdir(struct call *c)
{
    return remove_name(c, LT_REMOVE_DIR);
}

/* ---- Renaming -------------------------------------------------------------------------------- */

/* A stream changes its name within its file only. */
static int rename_stream(struct call *c, struct lt_node *new_dir, uint32_t flags,
                         struct lt_str file, struct lt_str stream)
{
    struct lt_str new_file, new_stream;
    struct lt_node *base;
    if (flags & ~(uint32_t)LT_RENAME_NOREPLACE)
        return LT_EINVAL;
    if (new_dir != c->node || !view_stream(c->s, c->req.name2, &new_file, &new_stream) ||
        !lt_str_equal(file, new_file))
        return LT_EXDEV;
    int r = stream_file(c, file, &base);
    if (r < 0)
        return r;
    r = lt_node_stream_rename(&c->ctx, base, stream, new_stream, !(flags & LT_RENAME_NOREPLACE));
    lt_node_put(base);
    return r;
}

static int rename_to(struct call *c, struct lt_node *new_dir, uint32_t flags)
{
    struct lt_str file, stream;
    if (view_stream(c->s, c->req.name, &file, &stream))
        return rename_stream(c, new_dir, flags, file, stream);
    if (view_stream(c->s, c->req.name2, &file, &stream))
        return LT_EXDEV;
    bool alias =
        notify_has_alias(c, c->node, c->req.name) || notify_has_alias(c, new_dir, c->req.name2);
    int r = lt_node_rename(&c->ctx, c->node, c->req.name, new_dir, c->req.name2, flags);
    if (r == 0 && alias)
        notify_epoch(c->s);
    return r;
}

static int rename_id(struct call *c, uint64_t new_dir_id, uint32_t flags)
{
    struct lt_node *new_dir;
    int r = call_node(c, new_dir_id, &new_dir);
    if (r < 0)
        return r;
    r = rename_to(c, new_dir, flags);
    lt_node_put(new_dir);
    return r;
}

int on_rename(struct call *c)
{
    return rename_id(c, c->req.args.rename.newdir, 0);
}

int on_rename2(struct call *c)
{
    return rename_id(c, c->req.args.rename2.newdir, c->req.args.rename2.flags);
}
