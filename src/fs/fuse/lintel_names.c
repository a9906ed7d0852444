// SPDX-License-Identifier: MIT
/* Names on a server that is a Lintel. */
#include "lintel.h"
#include "ops.h"
#include "request.h"
#include "table.h"

#include <base/unicode.h>

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
        fuse_name_learn(fs, dir, name, NULL, found.out.entry_ns, begun);
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
    int r = call_entry(ctx, &call, name.len > 0 ? dir : NULL, name, FUSE_ATTR_OURS, ret);
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
        fuse_attr_drop(dir);
        if (r == 0 || r == LT_ESTALE)
            fuse_node_unname(fs, fuse_node(entry.node), dir, name);
        if (r == 0) {
            if (is_last(&entry))
                fuse_node(entry.node)->removed = true;
            fuse_attr_drop(fuse_node(entry.node));
            ret->node = entry.node;
        } else {
            lt_node_put(entry.node);
        }
    }
    return r;
}

/* ---- Renaming -------------------------------------------------------------------------------- */

struct rename {
    struct fuse_node *dir, *new_dir;
    struct lt_str name, new_name;
    uint32_t flags;
};

static int send_rename(const struct lt_ctx *ctx, const struct rename *m)
{
    struct lt_fuse_rename2_in in = {.flags = m->flags};
    struct fuse_request r = {
        .opcode = LT_FUSE_RENAME2,
        .node = m->dir,
        .args = &in,
        .args_len = sizeof(in),
        .node2 = m->new_dir,
        .node2_at = &in.newdir,
        .name = m->name,
        .name2 = m->new_name,
    };
    return fuse_call(ctx, fuse_fs_of(m->dir), &r);
}

/* What is known of both names follows. Nothing is known of spellings that differ in case. */
static void move_names(struct fuse_fs *fs, const struct rename *m, struct lt_entry *from,
                       struct lt_entry *to)
{
    struct fuse_node *node = fuse_node(from->node), *other = fuse_node(to->node);
    fuse_attr_drop(m->dir);
    fuse_attr_drop(m->new_dir);
    fuse_node_unname(fs, node, m->dir, m->name);
    fuse_name_drop(fs, m->dir, m->name);
    if (other)
        fuse_node_unname(fs, other, m->new_dir, m->new_name);
    fuse_name_learn(fs, m->new_dir, m->new_name, node, 0, 0);
    if (other && m->flags & LT_RENAME_EXCHANGE)
        fuse_name_learn(fs, m->dir, m->name, other, 0, 0);
    else if (other && other != node && is_last(to))
        other->removed = true;
    fuse_attr_drop(node);
    if (other)
        fuse_attr_drop(other);
}

/* Whether the names are one to the volume. */
static bool is_one_name(const struct fuse_fs *fs, const struct rename *m)
{
    return m->dir == m->new_dir && fs->volume.name_case == LT_CASE_INSENSITIVE &&
           lt_name_equal_nocase(m->name, m->new_name) && !lt_str_equal(m->name, m->new_name);
}

/* The nodes are those that the names meant before, for the events; somebody else may be quicker. */
int lintel_rename(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                  struct lt_node *new_dir, struct lt_str new_name, uint32_t flags,
                  struct lt_gone *ret)
{
    struct rename m = {fuse_node(dir), fuse_node(new_dir), name, new_name, flags};
    struct fuse_fs *fs = fuse_fs(dir->fs);
    struct lt_entry from = {0}, to = {0};
    int r = lintel_lookup(ctx, dir, name, &from);
    if (r == 0) {
        r = lintel_lookup(ctx, new_dir, new_name, &to);
        r = r == LT_ENOENT ? 0 : r;
    }
    if (r == 0)
        r = send_rename(ctx, &m);
    if (r == 0 && (from.node != to.node || is_one_name(fs, &m))) {
        move_names(fs, &m, &from, &to);
        if (to.node == from.node) {
            lt_node_put(to.node);
            to.node = NULL;
        }
        *ret = (struct lt_gone){from.node, to.node};
        return 0;
    }
    lt_node_put(from.node);
    lt_node_put(to.node);
    return r;
}
