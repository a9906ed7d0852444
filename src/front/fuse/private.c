// SPDX-License-Identifier: MIT
/*
 * Requests of another Lintel (wire/fuse/lintel.h): each is the function of lintel/fs.h that it is
 * named after. Never from a kernel, to which such an opcode stays unknown.
 */
#include "handlers.h"

#include <stdlib.h>
#include <wire/fuse/lintel.h>

typedef int handler_fn(struct call *c, const struct lt_lintel_request *q);

/* ---- Replies --------------------------------------------------------------------------------- */

/* A stream shows the type of its file here: the peer knows streams. */
static void shown_attr(struct call *c, const struct lt_node *node, const struct lt_attr *attr,
                       struct lt_lintel_attr *ret)
{
    struct lt_attr shown = *attr;
    view_attr(c->s, node, &shown);
    shown.mode = (attr->mode & LT_S_IFMT) | (shown.mode & LT_S_PERM);
    lt_lintel_put_attr(&shown, ret);
}

static int reply_private_attr(struct call *c, const struct lt_attr *attr)
{
    struct lt_lintel_attr_out out;
    out.attr_ns = view_timeouts(c->s, c->node, true).attr_ns;
    shown_attr(c, c->node, attr, &out.attr);
    return reply_bytes(c, &out, sizeof(out));
}

static struct lt_lintel_entry_out entry_out(struct call *c, const struct lt_node *node,
                                            const struct lt_attr *attr, bool exact)
{
    struct lt_fuse_timeouts t = view_timeouts(c->s, node, exact);
    struct lt_lintel_entry_out out = {
        .nodeid = node->id,
        .entry_ns = t.entry_ns,
        .attr_ns = t.attr_ns,
        .flags =
            (exact ? LT_LINTEL_EXACT : 0u) | (node->type == LT_S_STREAM ? LT_LINTEL_STREAM : 0u),
    };
    shown_attr(c, node, attr, &out.attr);
    return out;
}

/* Takes entry->node over, always. The peer holds it from before the reply leaves. */
static int reply_private_entry(struct call *c, struct lt_entry *entry)
{
    struct lt_lintel_entry_out out = entry_out(c, entry->node, &entry->attr, entry->exact);
    out.stored_len = entry->stored ? (uint32_t)entry->stored_len : 0;
    int r = lt_nodes_add(&c->s->nodes, entry->node);
    if (r < 0) {
        lt_node_put(entry->node);
        return r;
    }
    struct lt_seg segs[2] = {{&out, sizeof(out)}, {entry->stored, out.stored_len}};
    if (reply_segs(c, segs, out.stored_len > 0 ? 2 : 1) == LT_ENOENT)
        lt_nodes_forget(&c->s->nodes, out.nodeid, 1);
    return 0;
}

/* The same with attributes that are still to be asked for. */
static int reply_node(struct call *c, struct lt_node *node)
{
    struct lt_entry entry = {.node = node, .exact = true};
    int r = lt_node_getattr(&c->ctx, node, &entry.attr);
    if (r < 0) {
        lt_node_put(node);
        return r;
    }
    return reply_private_entry(c, &entry);
}

/* A value of `r` bytes in the scratch buffer, or its length; or an error. */
static int reply_got(struct call *c, const struct lt_lintel_request *q, int r)
{
    uint64_t len = (uint64_t)(int64_t)r;
    if (r < 0)
        return r;
    return q->size == 0 ? reply_bytes(c, &len, sizeof(len))
                        : reply_bytes(c, c->w->scratch, (size_t)r);
}

static size_t room_of(const struct call *c, const struct lt_lintel_request *q)
{
    return q->size < c->s->scratch_size ? q->size : c->s->scratch_size;
}

/* ---- Attributes ------------------------------------------------------------------------------ */

static int do_getattr(struct call *c, const struct lt_lintel_request *q)
{
    struct lt_attr attr;
    (void)q;
    int r = lt_node_getattr(&c->ctx, c->node, &attr);
    return r < 0 ? r : reply_private_attr(c, &attr);
}

static int do_setattr(struct call *c, const struct lt_lintel_request *q)
{
    struct lt_setattr set;
    struct lt_attr attr;
    int r = lt_lintel_get_setattr(q->text[0], &set);
    if (r < 0)
        return r;
    set.acl = q->text[1];
    r = lt_node_setattr(&c->ctx, c->node, &set, &attr);
    return r < 0 ? r : reply_private_attr(c, &attr);
}

static int do_statfs(struct call *c, const struct lt_lintel_request *q)
{
    struct lt_statfs st;
    struct lt_lintel_statfs out;
    (void)q;
    int r = lt_fs_statfs(&c->ctx, c->s->fs, &st);
    if (r < 0)
        return r;
    lt_lintel_put_statfs(&st, &out);
    return reply_bytes(c, &out, sizeof(out));
}

static int do_set_label(struct call *c, const struct lt_lintel_request *q)
{
    return lt_fs_set_label(&c->ctx, c->s->fs, q->text[0]);
}

/* ---- Names ----------------------------------------------------------------------------------- */

static int do_lookup(struct call *c, const struct lt_lintel_request *q)
{
    char stored[LT_NAME_MAX + 1];
    struct lt_entry entry = {.stored = stored};
    int r = lt_node_lookup(&c->ctx, c->node, q->text[0], &entry);
    if (r == LT_ENOENT && c->s->cache_negative && c->s->ttl.entry_ns > 0) {
        struct lt_lintel_entry_out out = {.entry_ns = c->s->ttl.entry_ns};
        return reply_bytes(c, &out, sizeof(out));
    }
    return r < 0 ? r : reply_private_entry(c, &entry);
}

static int do_parent(struct call *c, const struct lt_lintel_request *q)
{
    struct lt_node *parent;
    (void)q;
    int r = lt_node_parent(&c->ctx, c->node, &parent);
    return r < 0 ? r : reply_node(c, parent);
}

static int do_node(struct call *c, const struct lt_lintel_request *q)
{
    struct lt_node *node;
    int r = lt_fs_node(&c->ctx, c->s->fs, q->value, q->size, &node);
    return r < 0 ? r : reply_node(c, node);
}

static int do_create(struct call *c, const struct lt_lintel_request *q)
{
    struct lt_create spec;
    struct lt_entry entry = {0};
    int r = lt_lintel_get_create(q->text[1], &spec);
    if (r < 0)
        return r;
    spec.target = q->text[2];
    spec.security = q->text[3];
    spec.acl = q->text[4];
    spec.default_acl = q->text[5];
    r = lt_node_create(&c->ctx, c->node, q->text[0], &spec, &entry);
    return r < 0 ? r : reply_private_entry(c, &entry);
}

static int do_link(struct call *c, const struct lt_lintel_request *q)
{
    struct lt_entry entry = {0};
    struct lt_node *node;
    int r = call_node(c, q->value, &node);
    if (r < 0)
        return r;
    r = lt_node_link(&c->ctx, node, c->node, q->text[0], &entry);
    lt_node_put(node);
    return r < 0 ? r : reply_private_entry(c, &entry);
}

static int do_remove(struct call *c, const struct lt_lintel_request *q)
{
    struct lt_node *expect = NULL;
    int r = q->flags & LT_REMOVE_SAME ? call_node(c, q->value, &expect) : 0;
    if (r < 0)
        return r;
    bool alias = notify_has_alias(c, c->node, q->text[0]);
    r = lt_node_remove(&c->ctx, c->node, q->text[0], q->flags, expect);
    if (r == 0 && alias)
        notify_epoch(c->s);
    lt_node_put(expect);
    return r;
}

/* ---- Lists ----------------------------------------------------------------------------------- */

struct private_list {
    struct call *c;
    struct lt_lintel_list_out head;
    struct lt_lintel_records records; /* in the scratch buffer */
    uint64_t skip;
    bool nodes; /* each value is an entry_out, and the peer holds its node */
};

static int list_begin(struct call *c, const struct lt_lintel_request *q, struct private_list *ret)
{
    struct lt_attr attr;
    size_t room = room_of(c, q);
    int r = lt_node_getattr(&c->ctx, c->node, &attr);
    if (r < 0)
        return r;
    if (room < sizeof(ret->head))
        return LT_EINVAL;
    *ret = (struct private_list){
        .c = c,
        .head = {.version = attr.version},
        .records = {.buf = c->w->scratch, .size = room - sizeof(ret->head)},
        .skip = q->value,
    };
    return 0;
}

/* Stops the listing where the record does not fit. */
static int list_add(struct private_list *l, struct lt_lintel_record record, struct lt_str name,
                    struct lt_str value)
{
    if (l->skip > 0) {
        l->skip--;
        return 0;
    }
    return lt_lintel_put_record(&l->records, record, name, value) ? 0 : 1;
}

/* The reply could not leave, or is none: what it names was not handed out. */
static void list_take_back(struct private_list *l)
{
    struct lt_str rest = lt_strn(l->records.buf, l->records.len), name, value;
    struct lt_lintel_record record;
    struct lt_lintel_entry_out out;
    while (l->nodes && lt_lintel_next_record(&rest, &record, &name, &value) > 0) {
        memcpy(&out, value.s, sizeof(out));
        lt_nodes_forget(&l->c->s->nodes, out.nodeid, 1);
    }
}

/* Replies with what was collected; `r` is what the listing returned. */
static int list_end(struct private_list *l, int r)
{
    if (r > 0 && l->records.count == 0) /* an empty part would be the end */
        r = LT_EINVAL;
    if (r < 0) {
        list_take_back(l);
        return r;
    }
    l->head.more = r > 0;
    l->head.count = l->records.count;
    l->c->bytes = l->records.len;
    struct lt_seg segs[2] = {{&l->head, sizeof(l->head)}, {l->records.buf, l->records.len}};
    if (reply_segs(l->c, segs, l->records.len > 0 ? 2 : 1) == LT_ENOENT)
        list_take_back(l);
    return 0;
}

static int put_dirent(void *arg, const struct lt_dirent *entry)
{
    struct private_list *l = arg;
    struct lt_lintel_record record = {
        .first = entry->id, .second = entry->next, .flags = entry->mode};
    struct lt_lintel_entry_out out;
    if (!l->nodes)
        return list_add(l, record, entry->name, lt_strn(NULL, 0));
    out = entry_out(l->c, entry->node, entry->attr, true);
    int r = list_add(l, record, entry->name, lt_strn((const char *)&out, sizeof(out)));
    if (r == 0 && lt_nodes_add(&l->c->s->nodes, entry->node) < 0) {
        l->records.count--;
        l->records.len -= lt_lintel_record_size(entry->name.len, sizeof(out));
        r = 1;
    }
    return r;
}

static int do_readdir(struct call *c, const struct lt_lintel_request *q)
{
    struct private_list l;
    int r = list_begin(c, q, &l);
    if (r < 0)
        return r;
    l.skip = 0;
    l.nodes = q->flags & LT_READDIR_PLUS;
    r = lt_node_readdir(&c->ctx, c->node, q->value, q->flags & LT_READDIR_PLUS, put_dirent, &l);
    return list_end(&l, r);
}

static int do_readdir_after(struct call *c, const struct lt_lintel_request *q)
{
    uint64_t cookie;
    int r = lt_node_readdir_after(&c->ctx, c->node, q->text[0], &cookie);
    return r < 0 ? r : reply_bytes(c, &cookie, sizeof(cookie));
}

/* Only what needs no call of the file system; list_fill_nodes() asks for the attributes. */
static int put_name(void *arg, struct lt_node *dir, struct lt_str name)
{
    struct private_list *l = arg;
    struct lt_lintel_entry_out out = {.nodeid = dir->id};
    uint32_t before = l->records.count;
    int r =
        list_add(l, (struct lt_lintel_record){0}, name, lt_strn((const char *)&out, sizeof(out)));
    if (l->records.count == before)
        return r;
    r = lt_nodes_add(&l->c->s->nodes, lt_node_get(dir));
    if (r < 0) {
        lt_node_put(dir);
        l->records.count--;
        l->records.len -= lt_lintel_record_size(name.len, sizeof(out));
    }
    return r;
}

static int list_fill_nodes(struct private_list *l)
{
    struct lt_str rest = lt_strn(l->records.buf, l->records.len), name, value;
    struct lt_lintel_record record;
    struct lt_lintel_entry_out out;
    struct lt_attr attr;
    int r = 0;
    while (r == 0 && lt_lintel_next_record(&rest, &record, &name, &value) > 0) {
        struct lt_node *dir;
        memcpy(&out, value.s, sizeof(out));
        r = call_node(l->c, out.nodeid, &dir);
        if (r < 0)
            return r;
        r = lt_node_getattr(&l->c->ctx, dir, &attr);
        if (r == 0) {
            out = entry_out(l->c, dir, &attr, true);
            memcpy(l->records.buf + (value.s - l->records.buf), &out, sizeof(out));
        }
        lt_node_put(dir);
    }
    return r;
}

static int do_names(struct call *c, const struct lt_lintel_request *q)
{
    struct private_list l;
    int r = list_begin(c, q, &l);
    if (r < 0)
        return r;
    l.nodes = true;
    r = lt_node_names(&c->ctx, c->node, put_name, &l);
    int filled = r >= 0 ? list_fill_nodes(&l) : 0;
    return list_end(&l, filled < 0 ? filled : r);
}

/* ---- Streams and EAs ------------------------------------------------------------------------- */

static int do_stream_open(struct call *c, const struct lt_lintel_request *q)
{
    struct lt_node *stream;
    int r = lt_node_stream_open(&c->ctx, c->node, q->text[0], q->flags, &stream);
    return r < 0 ? r : reply_node(c, stream);
}

static int do_stream_remove(struct call *c, const struct lt_lintel_request *q)
{
    return lt_node_stream_remove(&c->ctx, c->node, q->text[0]);
}

static int do_stream_rename(struct call *c, const struct lt_lintel_request *q)
{
    return lt_node_stream_rename(&c->ctx, c->node, q->text[0], q->text[1], q->flags & 1);
}

static int put_stream(void *arg, const struct lt_stream *stream)
{
    return list_add(arg,
                    (struct lt_lintel_record){.first = stream->size, .second = stream->allocated},
                    stream->name, lt_strn(NULL, 0));
}

static int do_stream_list(struct call *c, const struct lt_lintel_request *q)
{
    struct private_list l;
    int r = list_begin(c, q, &l);
    return r < 0 ? r : list_end(&l, lt_node_stream_list(&c->ctx, c->node, put_stream, &l));
}

static int put_ea(void *arg, const struct lt_ea *ea)
{
    return list_add(arg, (struct lt_lintel_record){.flags = ea->flags}, ea->name, ea->value);
}

static int do_ea_list(struct call *c, const struct lt_lintel_request *q)
{
    struct private_list l;
    int r = list_begin(c, q, &l);
    return r < 0 ? r : list_end(&l, lt_node_ea_list(&c->ctx, c->node, put_ea, &l));
}

static int do_ea_set(struct call *c, const struct lt_lintel_request *q)
{
    size_t most = q->text[0].len / sizeof(struct lt_lintel_record), count = 0;
    struct lt_str rest = q->text[0], name, value;
    struct lt_lintel_record record;
    int r;
    struct lt_ea *list = malloc((most + 1) * sizeof(*list));
    if (list == NULL)
        return LT_ENOMEM;
    while ((r = lt_lintel_next_record(&rest, &record, &name, &value)) > 0) {
        if (record.flags & ~(uint32_t)UINT8_MAX)
            r = LT_EINVAL;
        if (r < 0)
            break;
        list[count++] = (struct lt_ea){name, value, (uint8_t)record.flags};
    }
    if (r == 0)
        r = lt_node_ea_set(&c->ctx, c->node, list, count, q->flags & 1);
    free(list);
    return r;
}

/* ---- Values ---------------------------------------------------------------------------------- */

static int do_reparse_get(struct call *c, const struct lt_lintel_request *q)
{
    return reply_got(c, q, lt_node_reparse_get(&c->ctx, c->node, c->w->scratch, room_of(c, q)));
}

static int do_reparse_set(struct call *c, const struct lt_lintel_request *q)
{
    return lt_node_reparse_set(&c->ctx, c->node, q->text[0]);
}

static int do_reparse_remove(struct call *c, const struct lt_lintel_request *q)
{
    return lt_node_reparse_remove(&c->ctx, c->node, q->text[0]);
}

static int do_security_get(struct call *c, const struct lt_lintel_request *q)
{
    return reply_got(c, q, lt_node_security_get(&c->ctx, c->node, c->w->scratch, room_of(c, q)));
}

static int do_security_set(struct call *c, const struct lt_lintel_request *q)
{
    return lt_node_security_set(&c->ctx, c->node, q->text[0]);
}

/* ---- The table ------------------------------------------------------------------------------- */

static handler_fn *const handlers[] = {
#define ROW(NAME, number, handler, texts) [number] = do_##handler,
    LT_LINTEL_OPS(ROW)
#undef ROW
};

bool private_is_known(const struct call *c)
{
    uint32_t kind = c->req.header.opcode - LT_LINTEL_OPCODE;
    return kind < sizeof(handlers) / sizeof(handlers[0]) && handlers[kind] && private_peer(c->s);
}

int on_private(struct call *c)
{
    const struct lt_fuse_input *in = &c->m->in;
    struct lt_lintel_request q;
    if (in->args || in->pages_len || c->req.header.len != sizeof(c->req.header) + in->rest_len)
        return LT_EPROTO;
    int r = lt_lintel_decode(c->req.header.opcode, lt_strn(in->rest, in->rest_len), &q);
    if (r == 0)
        r = call_node(c, c->req.header.nodeid, &c->node);
    return r < 0 ? r : handlers[c->req.header.opcode - LT_LINTEL_OPCODE](c, &q);
}

int private_volume(struct call *c)
{
    struct lt_volume volume;
    struct lt_lintel_volume out;
    lt_fs_volume(c->s->fs, &volume);
    lt_lintel_put_volume(&volume, &out);
    uint32_t size = c->req.args.getxattr.size;
    if (size == 0) {
        struct lt_fuse_getxattr_out length = {.size = sizeof(out)};
        return reply_bytes(c, &length, sizeof(length));
    }
    return size < sizeof(out) ? LT_ERANGE : reply_bytes(c, &out, sizeof(out));
}
