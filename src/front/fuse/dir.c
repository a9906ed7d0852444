// SPDX-License-Identifier: MIT
/* Listings. Cookies 1 and 2 are behind "." and "..", all others are the file system's. */
#include "handlers.h"

#define COOKIE_DOT 1u
#define COOKIE_DOTDOT 2u

int on_opendir(struct call *c)
{
    struct lt_fuse_open_out out = {.open_flags = LT_FOPEN_KEEP_CACHE | LT_FOPEN_CACHE_DIR};
    return c->s->use_open ? reply_bytes(c, &out, sizeof(out)) : LT_ENOSYS;
}

int on_releasedir(struct call *c)
{
    (void)c;
    return 0;
}

int on_fsyncdir(struct call *c)
{
    return on_fsync(c);
}

struct listing {
    struct call *c;
    struct lt_fuse_dirents out;
    bool plus;
    bool full; /* an entry did not fit */
};

static bool put_dot(struct listing *l, const char *name, uint64_t id, uint64_t next)
{
    /* nodeid 0: the kernel takes it for an entry without a node. */
    struct lt_fuse_entry_out none = {.nodeid = 0};
    l->full =
        !lt_fuse_put_dirent(&l->out, lt_str(name), id, next, LT_S_IFDIR, l->plus ? &none : NULL);
    return !l->full;
}

/* "." and "..", as far as the listing has not passed them. */
static int put_dots(struct listing *l, uint64_t offset)
{
    struct call *c = l->c;
    if (offset < COOKIE_DOT && !put_dot(l, ".", c->node->id, COOKIE_DOT))
        return 0;
    if (offset >= COOKIE_DOTDOT)
        return 0;
    struct lt_node *parent;
    int r = lt_node_parent(&c->ctx, c->node, &parent);
    if (r < 0 && r != LT_ENOENT)
        return r;
    put_dot(l, "..", r < 0 ? c->node->id : parent->id, COOKIE_DOTDOT);
    if (r == 0)
        lt_node_put(parent);
    return 0;
}

static int put_entry(void *arg, const struct lt_dirent *entry)
{
    struct listing *l = arg;
    struct call *c = l->c;
    struct lt_fuse_entry_out out;
    if (lt_fuse_dirent_size(entry->name.len, l->plus) > l->out.size - l->out.len) {
        l->full = true;
        return 1;
    }
    if (l->plus) {
        struct lt_attr attr = *entry->attr;
        view_attr(c->s, entry->node, &attr);
        lt_fuse_put_entry(&attr, entry->node->id, view_timeouts(c->s, entry->node, true), &out);
        if (lt_nodes_add(&c->s->nodes, entry->node) < 0)
            return LT_ENOMEM;
    }
    lt_fuse_put_dirent(&l->out, entry->name, entry->id, entry->next, entry->mode,
                       l->plus ? &out : NULL);
    return 0;
}

/* Nobody took the reply: take back what was handed out in it. */
static void take_back(struct listing *l)
{
    size_t pos = 0;
    while (pos < l->out.len) {
        struct lt_fuse_entry_out entry;
        struct lt_fuse_dirent head;
        memcpy(&entry, l->out.buf + pos, sizeof(entry));
        memcpy(&head, l->out.buf + pos + sizeof(entry), sizeof(head));
        if (entry.nodeid)
            lt_nodes_forget(&l->c->s->nodes, entry.nodeid, 1);
        pos += lt_fuse_dirent_size(head.namelen, true);
    }
}

static int list(struct call *c, bool plus)
{
    const struct lt_fuse_read_in *in = &c->req.args.read;
    size_t size = in->size < c->s->scratch_size ? in->size : c->s->scratch_size;
    struct listing l = {.c = c, .out = {.buf = c->w->scratch, .size = size}, .plus = plus};
    if (c->node->type != LT_S_IFDIR)
        return LT_ENOTDIR;
    int r = in->offset < COOKIE_DOTDOT ? put_dots(&l, in->offset) : 0;
    if (r == 0 && !l.full) {
        uint64_t cookie = in->offset <= COOKIE_DOTDOT ? 0 : in->offset;
        r = lt_node_readdir(&c->ctx, c->node, cookie, plus ? LT_READDIR_PLUS : 0, put_entry, &l);
    }
    if (r < 0 && l.out.len == 0)
        return r;
    if (l.full && l.out.len == 0) /* not even one entry fits: an empty reply would be the end */
        return LT_EINVAL;
    c->bytes = l.out.len;
    struct lt_seg seg = {l.out.buf, l.out.len};
    if (reply_segs(c, &seg, 1) == LT_ENOENT && plus)
        take_back(&l);
    return 0;
}

int on_readdir(struct call *c)
{
    return list(c, false);
}

int on_readdirplus(struct call *c)
{
    return list(c, true);
}
