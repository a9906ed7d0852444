// SPDX-License-Identifier: MIT
/* Listings of directories and of a node's names on a server that is a Lintel. */
#include "lintel.h"
#include "ops.h"
#include "table.h"

#define NAMES_MAX (UINT64_C(1) << 20)  /* of one node: a server that goes on does not end */
#define LIST_MAX (UINT64_C(1) << 40)   /* bytes of a directory: likewise */
#define COOKIE_MIN 3u                  /* see struct lt_dirent */
#define COOKIE_MAX (UINT64_C(1) << 63) /* excluded */

/* ---- Directories ----------------------------------------------------------------------------- */

struct listing {
    const struct lt_ctx *ctx;
    struct fuse_node *dir;
    uint32_t flags;
    uint64_t begun;
    int (*fn)(void *arg, const struct lt_dirent *entry);
    void *arg;
    uint64_t cookie; /* behind the last entry that fn took */
};

/* Takes the node of a record; one that came with a bad record, too, since it was counted. */
static int take_node(struct listing *l, const struct lintel_part *part, struct lt_str name,
                     struct lt_str value, struct lt_entry *ret)
{
    struct lt_lintel_entry_out out;
    if (value.len != sizeof(out))
        return LT_EPROTO;
    memcpy(&out, value.s, sizeof(out));
    bool good = lt_name_check(name) == 0;
    int r = lintel_learn(fuse_fs_of(l->dir), part->epoch, good ? l->dir : NULL, name, &out,
                         l->begun, 0, ret);
    if (r == 0 && !good) {
        lt_node_put(ret->node);
        r = LT_EPROTO;
    }
    return r;
}

static int list_record(struct listing *l, const struct lintel_part *part,
                       const struct lt_lintel_record *record, struct lt_str name,
                       struct lt_str value)
{
    struct lt_entry entry = {0};
    bool plus = l->flags & LT_READDIR_PLUS;
    int r = plus ? take_node(l, part, name, value, &entry) : lt_name_check(name);
    if (r == 0 && (record->second < COOKIE_MIN || record->second >= COOKIE_MAX))
        r = LT_EPROTO;
    if (r == 0) {
        struct lt_dirent d = {
            .name = name,
            .id = plus ? entry.node->id : record->first,
            .next = record->second,
            .mode = record->flags & LT_S_IFMT,
            .node = entry.node,
            .attr = plus ? &entry.attr : NULL,
        };
        r = l->fn(l->arg, &d) ? 1 : 0;
    }
    if (r == 0)
        l->cookie = record->second;
    else
        lt_node_put(entry.node);
    return r;
}

/* Hands the records to fn until it stops: 1. Nodes of the others go back. */
static int list_part(struct listing *l, struct lintel_part *part)
{
    struct lt_lintel_record record;
    struct lt_str name, value;
    int r = 0;
    while (lt_lintel_next_record(&part->rest, &record, &name, &value) > 0) {
        if (r == 0)
            r = list_record(l, part, &record, name, value);
        else if (l->flags & LT_READDIR_PLUS)
            lintel_give_back(fuse_fs_of(l->dir), part->epoch, value);
    }
    return r;
}

int lintel_readdir(const struct lt_ctx *ctx, struct lt_node *dir, uint64_t cookie, uint32_t flags,
                   int (*fn)(void *arg, const struct lt_dirent *entry), void *arg)
{
    struct listing l = {ctx, fuse_node(dir), flags, 0, fn, arg, cookie};
    uint64_t bytes = 0, mark = cookie, parts = 0;
    for (;;) {
        struct lintel_part part;
        l.begun = fuse_attr_begin(fuse_fs_of(l.dir));
        int r = lintel_part_get(ctx, l.dir, LT_LINTEL_READDIR, flags, l.cookie, &part);
        if (r < 0)
            return r;
        bool more = part.head.more;
        bytes += part.rest.len;
        r = list_part(&l, &part);
        lintel_part_free(&part);
        if (r != 0 || !more)
            return r;
        /* A cookie that comes again is a circle: Brent's way to find one. */
        if (l.cookie == mark || bytes > LIST_MAX)
            return LT_EIO;
        parts++;
        if ((parts & (parts - 1)) == 0)
            mark = l.cookie;
    }
}

int lintel_readdir_after(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                         uint64_t *ret_cookie)
{
    uint64_t cookie;
    struct lintel_call call = {
        .opcode = LT_LINTEL_READDIR_AFTER,
        .node = fuse_node(dir),
        .text = {name},
        .out = &cookie,
        .out_size = sizeof(cookie),
        .out_min = sizeof(cookie),
    };
    int r = lintel_call(ctx, &call);
    if (r == 0 && cookie >= COOKIE_MAX)
        r = LT_EPROTO;
    if (r == 0)
        *ret_cookie = cookie;
    return r;
}

/* ---- Names of a node ------------------------------------------------------------------------- */

struct naming {
    struct fuse_node *node;
    uint64_t begun;
    int (*fn)(void *arg, struct lt_node *dir, struct lt_str name);
    void *arg;
};

static int tell_name(const struct naming *n, const struct lintel_part *part, struct lt_str name,
                     struct lt_str value)
{
    struct lt_lintel_entry_out out;
    struct lt_entry entry = {0};
    if (value.len != sizeof(out))
        return LT_EPROTO;
    memcpy(&out, value.s, sizeof(out));
    int r = lintel_learn(fuse_fs_of(n->node), part->epoch, NULL, lt_strn(NULL, 0), &out, n->begun,
                         0, &entry);
    if (r < 0)
        return r;
    if (entry.node->type != LT_S_IFDIR || lt_name_check(name) < 0)
        r = LT_EPROTO;
    else
        r = n->fn(n->arg, entry.node, name);
    lt_node_put(entry.node);
    return r;
}

int lintel_names(const struct lt_ctx *ctx, struct lt_node *base,
                 int (*fn)(void *arg, struct lt_node *dir, struct lt_str name), void *arg)
{
    struct naming n = {fuse_node(base), 0, fn, arg};
    struct fuse_fs *fs = fuse_fs_of(n.node);
    uint64_t seen = 0;
    bool more = true;
    int r = 0;
    while (r == 0 && more) {
        struct lintel_part part;
        struct lt_lintel_record record;
        struct lt_str name, value;
        n.begun = fuse_attr_begin(fs);
        r = lintel_part_get(ctx, n.node, LT_LINTEL_NAMES, 0, seen, &part);
        if (r < 0)
            return r;
        while (lt_lintel_next_record(&part.rest, &record, &name, &value) > 0) {
            if (r == 0)
                r = tell_name(&n, &part, name, value);
            else
                lintel_give_back(fs, part.epoch, value);
        }
        seen += part.head.count;
        more = part.head.more;
        lintel_part_free(&part);
        if (r == 0 && seen > NAMES_MAX)
            r = LT_EIO;
    }
    return r;
}
