// SPDX-License-Identifier: MIT
/* A server that is a Lintel: how it is found, asked, and its attributes. */
#include "lintel.h"

#include "ops.h"
#include "request.h"
#include "table.h"

#include <stdlib.h>

#define PART_SIZE 65536u /* bytes of a list that are asked for at a time */

/* ---- Requests -------------------------------------------------------------------------------- */

/* The texts as segments; returns their bytes. */
static size_t fill_texts(const struct lintel_call *call, struct lt_lintel_in *in,
                         struct lt_seg segs[LT_LINTEL_TEXTS])
{
    size_t total = 0;
    for (unsigned i = 0; i < LT_LINTEL_TEXTS; i++) {
        struct lt_str text = call->text[i];
        segs[i] = (struct lt_seg){(void *)(uintptr_t)text.s, text.len};
        in->len[i] = (uint32_t)text.len;
        total += text.len;
    }
    return total;
}

int lintel_call(const struct lt_ctx *ctx, struct lintel_call *call)
{
    struct fuse_fs *fs = fuse_fs_of(call->node);
    struct lt_seg texts[LT_LINTEL_TEXTS];
    struct lt_lintel_in in = {.flags = call->flags, .size = call->size, .value = call->value};
    if (fill_texts(call, &in, texts) > fs->max_write)
        return LT_E2BIG;
    struct fuse_request r = {
        .opcode = call->opcode,
        .node = call->node,
        .args = &in,
        .args_len = sizeof(in),
        .node2 = call->other,
        .node2_at = &in.value,
        .data = texts,
        .data_count = LT_LINTEL_TEXTS,
        .out = {{call->out, call->out_size}},
        .out_count = call->out_size > 0,
        .out_min = call->out_min,
    };
    int e = fuse_call(ctx, fs, &r);
    call->out_len = r.out_len;
    call->sent_epoch = r.sent_epoch;
    return e == LT_ENOSYS ? LT_EOPNOTSUPP : e;
}

/* ---- Nodes in replies ------------------------------------------------------------------------ */

static int learn_root(struct fuse_fs *fs, const struct lt_attr *attr, struct lt_entry *ret)
{
    if (attr->id != LT_ROOT_ID || (attr->mode & LT_S_IFMT) != LT_S_IFDIR)
        return LT_EIO;
    ret->node = lt_node_get(&fs->root->node);
    ret->attr = *attr;
    return 0;
}

int lintel_learn(struct fuse_fs *fs, uint32_t epoch, struct fuse_node *dir, struct lt_str name,
                 const struct lt_lintel_entry_out *out, uint64_t begun, uint32_t flags,
                 struct lt_entry *ret)
{
    struct lt_attr attr;
    if (out->nodeid == 0 || (out->nodeid == LT_ROOT_ID && dir))
        return LT_EIO;
    int r = lt_lintel_get_attr(&out->attr, &attr);
    if (out->nodeid == LT_ROOT_ID)
        return r < 0 ? r : learn_root(fs, &attr, ret);
    if (r < 0) {
        fuse_entry_drop(fs, epoch, out->nodeid);
        return r;
    }
    struct fuse_seen seen = {
        .nodeid = out->nodeid,
        .generation = attr.generation,
        .entry_ns = out->entry_ns,
        .attr_ns = out->attr_ns,
        .type = out->flags & LT_LINTEL_STREAM ? LT_S_STREAM : attr.mode & LT_S_IFMT,
        .flags = FUSE_ATTR_WHOLE | flags,
        .begun = begun,
        .epoch = epoch,
        .attr = attr,
    };
    r = fuse_seen_learn(fs, dir, name, &seen, ret);
    if (r == 0)
        ret->exact = out->flags & LT_LINTEL_EXACT;
    return r;
}

void lintel_give_back(struct fuse_fs *fs, uint32_t epoch, struct lt_str entry)
{
    struct lt_lintel_entry_out out;
    if (entry.len < sizeof(out))
        return;
    memcpy(&out, entry.s, sizeof(out));
    if (out.nodeid == 0 || out.nodeid == LT_ROOT_ID)
        return;
    atomic_fetch_add(&fs->looked_up, 1);
    fuse_forget_later(fs, epoch, out.nodeid, 1);
}

static void forget_entries(struct fuse_fs *fs, uint32_t epoch, struct lt_str records)
{
    struct lt_lintel_record record;
    struct lt_str name, value;
    while (lt_lintel_next_record(&records, &record, &name, &value) > 0)
        lintel_give_back(fs, epoch, value);
}

void fuse_lintel_late(struct fuse_fs *fs, uint32_t epoch, uint32_t opcode, struct lt_str body)
{
    const size_t head = sizeof(struct lt_lintel_list_out);
    switch (opcode) {
    case LT_LINTEL_LOOKUP:
    case LT_LINTEL_PARENT:
    case LT_LINTEL_NODE:
    case LT_LINTEL_CREATE:
    case LT_LINTEL_LINK:
    case LT_LINTEL_STREAM_OPEN:
        lintel_give_back(fs, epoch, body);
        break;
    case LT_LINTEL_READDIR:
    case LT_LINTEL_NAMES:
        if (body.len > head)
            forget_entries(fs, epoch, lt_strn(body.s + head, body.len - head));
        break;
    default:
        break;
    }
}

/* ---- Lists ----------------------------------------------------------------------------------- */

/* Whether the records are whole, and as many as the head says: then nobody need look again. */
static bool part_is_good(const struct lintel_part *part)
{
    struct lt_str rest = part->rest, name, value;
    struct lt_lintel_record record;
    uint32_t count = 0;
    int r;
    while ((r = lt_lintel_next_record(&rest, &record, &name, &value)) > 0)
        count++;
    return r == 0 && count == part->head.count && (count > 0 || !part->head.more);
}

int lintel_part_get(const struct lt_ctx *ctx, struct fuse_node *node, uint32_t opcode,
                    uint32_t flags, uint64_t value, struct lintel_part *ret)
{
    struct lintel_part part = {.buf = malloc(PART_SIZE)};
    if (!part.buf)
        return LT_ENOMEM;
    struct lintel_call call = {
        .opcode = opcode,
        .node = node,
        .flags = flags,
        .size = PART_SIZE,
        .value = value,
        .out = part.buf,
        .out_size = PART_SIZE,
        .out_min = sizeof(part.head),
    };
    int r = lintel_call(ctx, &call);
    if (r < 0) {
        free(part.buf);
        return r;
    }
    part.epoch = call.sent_epoch;
    memcpy(&part.head, part.buf, sizeof(part.head));
    part.rest = lt_strn(part.buf + sizeof(part.head), call.out_len - sizeof(part.head));
    if (!part_is_good(&part)) {
        fuse_lintel_late(fuse_fs_of(node), part.epoch, opcode, lt_strn(part.buf, call.out_len));
        free(part.buf);
        return LT_EPROTO;
    }
    *ret = part;
    return 0;
}

void lintel_part_free(struct lintel_part *part)
{
    free(part->buf);
    part->buf = NULL;
}

/* ---- Attributes ------------------------------------------------------------------------------ */

/* Sends a request that is answered with attributes, and learns them. `flags`: FUSE_ATTR_... */
static int call_attr(const struct lt_ctx *ctx, struct lintel_call *call, uint32_t flags,
                     struct lt_attr *ret)
{
    struct lt_lintel_attr_out out;
    struct lt_attr attr;
    uint64_t begun = fuse_attr_begin(fuse_fs_of(call->node));
    call->out = &out;
    call->out_size = call->out_min = sizeof(out);
    int r = lintel_call(ctx, call);
    if (r == 0)
        r = lt_lintel_get_attr(&out.attr, &attr);
    if (r == 0)
        r = fuse_attr_learn(call->node, &attr, out.attr_ns, begun, FUSE_ATTR_WHOLE | flags, ret);
    return r;
}

int lintel_getattr(const struct lt_ctx *ctx, struct lt_node *node, struct lt_attr *ret)
{
    if (fuse_attr_cached(fuse_node(node), ret))
        return 0;
    struct lintel_call call = {.opcode = LT_LINTEL_GETATTR, .node = fuse_node(node)};
    return call_attr(ctx, &call, 0, ret);
}

int lintel_setattr(const struct lt_ctx *ctx, struct lt_node *base, const struct lt_setattr *set,
                   struct lt_attr *ret)
{
    struct lt_lintel_setattr in;
    lt_lintel_put_setattr(set, &in);
    struct lintel_call call = {
        .opcode = LT_LINTEL_SETATTR,
        .node = fuse_node(base),
        .text = {lt_strn((const char *)&in, sizeof(in)), set->acl},
    };
    if (!(set->mask & LT_SET_ACL))
        call.text[1] = lt_strn(NULL, 0);
    return call_attr(ctx, &call, FUSE_ATTR_OURS, ret);
}

/* ---- The volume ------------------------------------------------------------------------------ */

int lintel_statfs(const struct lt_ctx *ctx, struct lt_fs *base, struct lt_statfs *ret)
{
    struct lt_lintel_statfs out;
    struct lintel_call call = {
        .opcode = LT_LINTEL_STATFS,
        .node = fuse_fs(base)->root,
        .out = &out,
        .out_size = sizeof(out),
        .out_min = sizeof(out),
    };
    int r = lintel_call(ctx, &call);
    return r < 0 ? r : lt_lintel_get_statfs(&out, ret);
}

int lintel_set_label(const struct lt_ctx *ctx, struct lt_fs *base, struct lt_str label)
{
    struct fuse_fs *fs = fuse_fs(base);
    struct lintel_call call = {.opcode = LT_LINTEL_SET_LABEL, .node = fs->root, .text = {label}};
    int r = lintel_call(ctx, &call);
    if (r < 0)
        return r;
    lt_mutex_lock(&fs->link_lock);
    memset(fs->volume.label, 0, sizeof(fs->volume.label));
    if (label.len > 0)
        memcpy(fs->volume.label, label.s, label.len);
    lt_mutex_unlock(&fs->link_lock);
    return 0;
}

/* ---- Finding out ----------------------------------------------------------------------------- */

static int get_volume(struct fuse_fs *fs, struct lt_lintel_volume *ret)
{
    struct lt_fuse_getxattr_in in = {.size = sizeof(*ret)};
    struct fuse_request r = {
        .opcode = LT_FUSE_GETXATTR,
        .node = fs->root,
        .args = &in,
        .args_len = sizeof(in),
        .name = lt_str(LT_LINTEL_VOLUME_XATTR),
        .out = {{ret, sizeof(*ret)}},
        .out_count = 1,
        .out_min = sizeof(*ret),
    };
    return fuse_call(NULL, fs, &r);
}

static void set_ops(struct lt_fs_ops *ops)
{
    ops->set_label = lintel_set_label;
    ops->statfs = lintel_statfs;
    ops->node = lintel_by_id;
    ops->lookup = lintel_lookup;
    ops->parent = lintel_parent;
    ops->create = lintel_create;
    ops->link = lintel_link;
    ops->remove = lintel_remove;
    ops->rename = lintel_rename;
    ops->readdir = lintel_readdir;
    ops->readdir_after = lintel_readdir_after;
    ops->names = lintel_names;
    ops->getattr = lintel_getattr;
    ops->setattr = lintel_setattr;
    ops->stream_open = lintel_stream_open;
    ops->stream_remove = lintel_stream_remove;
    ops->stream_rename = lintel_stream_rename;
    ops->stream_list = lintel_stream_list;
    ops->ea_set = lintel_ea_set;
    ops->ea_list = lintel_ea_list;
    ops->reparse_set = lintel_reparse_set;
    ops->reparse_get = lintel_reparse_get;
    ops->reparse_remove = lintel_reparse_remove;
    ops->security_set = lintel_security_set;
    ops->security_get = lintel_security_get;
}

int fuse_lintel_probe(struct fuse_fs *fs)
{
    struct lt_lintel_volume volume;
    int r = get_volume(fs, &volume);
    if (r == LT_ENOTCONN || r == LT_ETIMEDOUT || r == LT_ENOMEM)
        return r;
    if (r < 0 || lt_lintel_get_volume(&volume, &fs->volume) < 0)
        return 0; /* some other server, whatever it says */
    fs->lintel = true;
    fs->volume.read_only |= fs->options.read_only;
    fs->fs.read_only = fs->volume.read_only;
    set_ops(&fs->ops);
    return 0;
}
