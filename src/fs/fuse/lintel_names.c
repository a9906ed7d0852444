// SPDX-License-Identifier: MIT
/* Names on a server that is a Lintel. */
#include "lintel.h"
#include "ops.h"
#include "table.h"

#include <stdlib.h>

#define NAMES_MAX (UINT64_C(1) << 20)  /* of one node: a server that goes on does not end */
#define LIST_MAX (UINT64_C(1) << 40)   /* bytes of a directory: likewise */
#define COOKIE_MIN 3u                  /* see struct lt_dirent */
#define COOKIE_MAX (UINT64_C(1) << 63) /* excluded */
#define REMOVE_TRIES 16u

/* ---- Entries --------------------------------------------------------------------------------- */

/* Sends a request that is answered with an entry, which is `name` in `dir` (or NULL). */
static int call_entry(const struct lt_ctx *ctx, struct lintel_call *call, struct fuse_node *dir,
                      struct lt_str name, uint32_t flags, struct lt_entry *ret)
{
    struct fuse_fs *fs = fuse_fs_of(call->node);
    struct lt_lintel_entry_out out;
    uint64_t begun = fuse_attr_begin(fs);
    call->out = &out;
    call->out_size = call->out_min = sizeof(out);
    int r = lintel_call(ctx, call);
    return r < 0 ? r : lintel_learn(fs, call->sent_epoch, dir, name, &out, begun, flags, ret);
}

/* The reply to a LOOKUP. */
struct found {
    struct lt_lintel_entry_out out;
    char stored[LT_NAME_MAX];
};

static void put_stored(struct lt_str stored, struct lt_entry *ret)
{
    if (!ret->stored)
        return;
    if (stored.len > 0)
        memcpy(ret->stored, stored.s, stored.len);
    ret->stored[stored.len] = 0;
    ret->stored_len = stored.len;
}

static int lookup_server(const struct lt_ctx *ctx, struct fuse_fs *fs, struct fuse_node *dir,
                         struct lt_str name, struct lt_entry *ret)
{
    struct found found;
    struct lintel_call call = {
        .opcode = LT_LINTEL_LOOKUP,
        .node = dir,
        .text = {name},
        .out = &found,
        .out_size = sizeof(found),
        .out_min = sizeof(found.out),
    };
    uint64_t begun = fuse_attr_begin(fs);
    int r = lintel_call(ctx, &call);
    if (r == 0 && found.out.nodeid == 0) {
        fuse_name_learn(fs, dir, name, NULL, found.out.entry_ns);
        return LT_ENOENT;
    }
    if (r == LT_ENOENT)
        fuse_name_drop(fs, dir, name);
    if (r < 0)
        return r;
    struct lt_str stored = lt_strn(found.stored, call.out_len - sizeof(found.out));
    r = lintel_learn(fs, call.sent_epoch, dir, name, &found.out, begun, 0, ret);
    if (r == 0 && (found.out.stored_len != stored.len || lt_name_check(stored) < 0)) {
        lt_node_put(ret->node);
        r = LT_EPROTO;
    }
    if (r == 0)
        put_stored(stored, ret);
    return r;
}

/* What is known without asking: 1 if so, else 0; LT_ENOENT. Only exact names are kept. */
static int lookup_cached(struct fuse_fs *fs, struct fuse_node *dir, struct lt_str name,
                         struct lt_entry *ret)
{
    struct fuse_node *node;
    enum fuse_known known = fuse_name_find(fs, dir, name, false, &node);
    if (known != FUSE_PRESENT)
        return known == FUSE_ABSENT ? LT_ENOENT : 0;
    if (!fuse_attr_cached(node, &ret->attr)) {
        lt_node_put(&node->node);
        return 0;
    }
    ret->node = &node->node;
    ret->exact = true;
    put_stored(name, ret);
    return 1;
}

int lintel_lookup(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name,
                  struct lt_entry *ret)
{
    struct fuse_node *dir = fuse_node(base);
    struct fuse_fs *fs = fuse_fs_of(dir);
    int r = lookup_cached(fs, dir, name, ret);
    if (r == 0)
        r = lookup_server(ctx, fs, dir, name, ret);
    return r < 0 ? r : 0;
}

int lintel_parent(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_node **ret)
{
    struct lt_entry entry = {0};
    struct lintel_call call = {.opcode = LT_LINTEL_PARENT, .node = fuse_node(dir)};
    int r = call_entry(ctx, &call, NULL, lt_strn(NULL, 0), 0, &entry);
    if (r < 0)
        return r;
    if (entry.node->type != LT_S_IFDIR) {
        lt_node_put(entry.node);
        return LT_EPROTO;
    }
    *ret = entry.node;
    return 0;
}

int lintel_by_id(const struct lt_ctx *ctx, struct lt_fs *base, uint64_t id, uint32_t generation,
                 struct lt_node **ret)
{
    struct fuse_fs *fs = fuse_fs(base);
    struct lt_entry entry = {0};
    struct lintel_call call = {
        .opcode = LT_LINTEL_NODE, .node = fs->root, .size = generation, .value = id};
    int r = call_entry(ctx, &call, NULL, lt_strn(NULL, 0), 0, &entry);
    if (r < 0)
        return r;
    if (entry.node->id != id || (generation && entry.attr.generation != generation)) {
        lt_node_put(entry.node);
        return LT_ESTALE;
    }
    *ret = entry.node;
    return 0;
}

/* ---- Changes --------------------------------------------------------------------------------- */

int lintel_create(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name,
                  const struct lt_create *spec, struct lt_entry *ret)
{
    struct fuse_node *dir = fuse_node(base);
    struct lt_lintel_create in;
    lt_lintel_put_create(spec, &in);
    struct lintel_call call = {
        .opcode = LT_LINTEL_CREATE,
        .node = dir,
        .text = {name, lt_strn((const char *)&in, sizeof(in)), spec->target, spec->security,
                 spec->acl, spec->default_acl},
    };
    if (name.len > 0)
        fuse_name_drop(fuse_fs_of(dir), dir, name);
    int r = call_entry(ctx, &call, name.len > 0 ? dir : NULL, name, 0, ret);
    fuse_attr_drop(dir);
    if (r == 0)
        put_stored(name, ret);
    if (r == 0 && name.len == 0)
        fuse_node(ret->node)->removed = true; /* until it is linked */
    return r;
}

int lintel_link(const struct lt_ctx *ctx, struct lt_node *base, struct lt_node *base_dir,
                struct lt_str name, struct lt_entry *ret)
{
    struct fuse_node *dir = fuse_node(base_dir), *node = fuse_node(base);
    struct lintel_call call = {
        .opcode = LT_LINTEL_LINK, .node = dir, .other = node, .text = {name}};
    fuse_name_drop(fuse_fs_of(dir), dir, name);
    int r = call_entry(ctx, &call, dir, name, FUSE_ATTR_OURS, ret);
    fuse_attr_drop(dir);
    if (r == 0 && ret->node != base) {
        lt_node_put(ret->node);
        r = LT_EPROTO;
    }
    if (r == 0) {
        node->removed = false;
        put_stored(name, ret);
    }
    return r;
}

/* Removes what the name means, if that is still `node`. */
static int remove_node(const struct lt_ctx *ctx, struct fuse_node *dir, struct lt_str name,
                       uint32_t flags, struct fuse_node *node)
{
    struct lintel_call call = {
        .opcode = LT_LINTEL_REMOVE,
        .node = dir,
        .other = node,
        .flags = flags | LT_REMOVE_SAME,
        .text = {name},
    };
    return lintel_call(ctx, &call);
}

/* As far as we know: a node that is taken for removed is only forgotten sooner. */
static bool is_last(const struct lt_entry *entry)
{
    return entry->node->type == LT_S_IFDIR || entry->attr.nlink <= 1;
}

/* The node is known before it goes, for the events and so that no name of it is believed any more:
 * on a case-insensitive volume it may be known by other spellings than this one. */
int lintel_remove(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name,
                  uint32_t flags, struct lt_node *expect, struct lt_gone *ret)
{
    struct fuse_node *dir = fuse_node(base);
    struct fuse_fs *fs = fuse_fs_of(dir);
    int r = LT_ESTALE;
    for (unsigned i = 0; i < REMOVE_TRIES && r == LT_ESTALE; i++) {
        struct lt_entry entry = {0};
        r = lintel_lookup(ctx, base, name, &entry);
        if (r < 0)
            break;
        bool other = flags & LT_REMOVE_SAME && entry.node != expect;
        r = other ? LT_ESTALE : remove_node(ctx, dir, name, flags, fuse_node(entry.node));
        if (r == 0 || r == LT_ESTALE)
            fuse_node_unname(fs, fuse_node(entry.node), dir, name);
        if (r == 0) {
            if (is_last(&entry))
                fuse_node(entry.node)->removed = true;
            fuse_attr_drop(fuse_node(entry.node));
            fuse_attr_drop(dir);
            ret->node = entry.node;
        } else {
            lt_node_put(entry.node);
        }
    }
    return r;
}

/* ---- Listings -------------------------------------------------------------------------------- */

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
