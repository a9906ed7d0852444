// SPDX-License-Identifier: MIT
/* The Windows half of a server that is a Lintel. */
#include "lintel.h"
#include "ops.h"
#include "table.h"

#include <stdlib.h>

#define RECORDS_MAX (16u << 20) /* bytes of a list of one node: a server that goes on is wrong */
#define RESTARTS_MAX 8u         /* of a list that changes while it is fetched */

/* A change of a node, answered without a body. */
static int change(const struct lt_ctx *ctx, struct lintel_call *call)
{
    int r = lintel_call(ctx, call);
    if (r == 0)
        fuse_attr_drop(call->node);
    return r;
}

/* ---- Lists ----------------------------------------------------------------------------------- */

/* All records of a list. */
struct records {
    char *buf; /* malloc'd */
    size_t len;
    uint64_t count, version;
};

static int append(struct records *all, const struct lintel_part *part)
{
    size_t len = part->rest.len;
    if (len > RECORDS_MAX - all->len)
        return LT_EIO;
    char *buf = realloc(all->buf, all->len + len + 1);
    if (!buf)
        return LT_ENOMEM;
    memcpy(buf + all->len, part->rest.s, len);
    all->buf = buf;
    all->len += len;
    all->count += part->head.count;
    return 0;
}

/* Fetches part after part. 1: the list is another than it was at the first. */
static int fetch(const struct lt_ctx *ctx, struct fuse_node *node, uint32_t opcode,
                 struct records *all, bool strict)
{
    bool more = true;
    int r = 0;
    while (r == 0 && more) {
        struct lintel_part part;
        r = lintel_part_get(ctx, node, opcode, 0, all->count, &part);
        if (r < 0)
            return r;
        if (all->count == 0)
            all->version = part.head.version;
        more = part.head.more;
        r = strict && part.head.version != all->version ? 1 : append(all, &part);
        lintel_part_free(&part);
    }
    return r;
}

/* One that changes all the time is taken as it comes. */
static int fetch_all(const struct lt_ctx *ctx, struct lt_node *node, uint32_t opcode,
                     struct records *ret)
{
    int r = 1;
    for (unsigned i = 0; r == 1 && i <= RESTARTS_MAX; i++) {
        free(ret->buf);
        *ret = (struct records){.buf = NULL};
        r = fetch(ctx, fuse_node(node), opcode, ret, i < RESTARTS_MAX);
    }
    if (r < 0) {
        free(ret->buf);
        ret->buf = NULL;
    }
    return r;
}

/* ---- Streams --------------------------------------------------------------------------------- */

static int open_stream(const struct lt_ctx *ctx, struct fuse_node *node, struct lt_str name,
                       uint32_t flags, struct lt_entry *ret)
{
    struct lt_lintel_entry_out out;
    uint64_t begun = fuse_attr_begin(fuse_fs_of(node));
    struct lintel_call call = {
        .opcode = LT_LINTEL_STREAM_OPEN,
        .node = node,
        .flags = flags,
        .text = {name},
        .out = &out,
        .out_size = sizeof(out),
        .out_min = sizeof(out),
    };
    int r = lintel_call(ctx, &call);
    if (r == 0)
        r = lintel_learn(fuse_fs_of(node), call.sent_epoch, NULL, lt_strn(NULL, 0), &out, begun, 0,
                         ret);
    if (r == 0 && ret->node->type != LT_S_STREAM) {
        lt_node_put(ret->node);
        r = LT_EPROTO;
    }
    return r;
}

int lintel_stream_open(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name,
                       uint32_t flags, struct lt_node **ret)
{
    struct fuse_node *node = fuse_node(base);
    struct lt_entry entry = {0};
    int r = open_stream(ctx, node, name, flags, &entry);
    if (r < 0)
        return r;
    fuse_stream_of(fuse_node(entry.node), node);
    if (flags & LT_STREAM_CREATE)
        fuse_attr_drop(node);
    *ret = entry.node;
    return 0;
}

int lintel_stream_remove(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name)
{
    struct lintel_call call = {
        .opcode = LT_LINTEL_STREAM_REMOVE, .node = fuse_node(node), .text = {name}};
    return change(ctx, &call);
}

int lintel_stream_rename(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                         struct lt_str new_name, bool replace)
{
    struct lintel_call call = {
        .opcode = LT_LINTEL_STREAM_RENAME,
        .node = fuse_node(node),
        .flags = replace,
        .text = {name, new_name},
    };
    return change(ctx, &call);
}

int lintel_stream_list(const struct lt_ctx *ctx, struct lt_node *node,
                       int (*fn)(void *arg, const struct lt_stream *stream), void *arg)
{
    struct records all = {.buf = NULL};
    struct lt_lintel_record record;
    struct lt_stream stream;
    struct lt_str value;
    int r = fetch_all(ctx, node, LT_LINTEL_STREAM_LIST, &all);
    struct lt_str rest = lt_strn(all.buf, all.len);
    while (r == 0 && lt_lintel_next_record(&rest, &record, &stream.name, &value) > 0) {
        stream.size = record.first;
        stream.allocated = record.second;
        r = lt_name_check(stream.name) < 0 || stream.size > LT_SIZE_MAX ? LT_EPROTO
                                                                        : fn(arg, &stream);
    }
    free(all.buf);
    return r;
}

/* ---- EAs ------------------------------------------------------------------------------------- */

static struct lt_lintel_records pack(const struct lt_ea *list, size_t count)
{
    struct lt_lintel_records ret = {.buf = NULL};
    for (size_t i = 0; i < count; i++)
        ret.size += lt_lintel_record_size(list[i].name.len, list[i].value.len);
    ret.buf = malloc(ret.size + 1);
    for (size_t i = 0; ret.buf && i < count; i++)
        lt_lintel_put_record(&ret, (struct lt_lintel_record){.flags = list[i].flags}, list[i].name,
                             list[i].value);
    return ret;
}

int lintel_ea_set(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_ea *list,
                  size_t count, bool replace_all)
{
    struct lt_lintel_records records = pack(list, count);
    struct lintel_call call = {
        .opcode = LT_LINTEL_EA_SET,
        .node = fuse_node(node),
        .flags = replace_all,
        .text = {lt_strn(records.buf, records.len)},
    };
    int r = records.buf ? change(ctx, &call) : LT_ENOMEM;
    free(records.buf);
    return r;
}

int lintel_ea_list(const struct lt_ctx *ctx, struct lt_node *node,
                   int (*fn)(void *arg, const struct lt_ea *ea), void *arg)
{
    struct records all = {.buf = NULL};
    struct lt_lintel_record record;
    struct lt_ea ea;
    int r = fetch_all(ctx, node, LT_LINTEL_EA_LIST, &all);
    struct lt_str rest = lt_strn(all.buf, all.len);
    while (r == 0 && lt_lintel_next_record(&rest, &record, &ea.name, &ea.value) > 0) {
        bool bad = ea.name.len == 0 || ea.name.len > 254 || ea.value.len > LT_EA_SIZE_MAX ||
                   record.flags & ~(uint32_t)LT_EA_NEED;
        ea.flags = (uint8_t)record.flags;
        r = bad ? LT_EPROTO : fn(arg, &ea);
    }
    free(all.buf);
    return r;
}

/* ---- Reparse data and security descriptors --------------------------------------------------- */

/* A value into buf, or with size 0 its length. */
static int get_value(const struct lt_ctx *ctx, struct lt_node *node, uint32_t opcode, void *buf,
                     size_t size)
{
    uint64_t len = 0;
    size_t room = size < LT_SECURITY_SIZE_MAX ? size : LT_SECURITY_SIZE_MAX;
    struct lintel_call call = {
        .opcode = opcode,
        .node = fuse_node(node),
        .size = (uint32_t)room,
        .out = size ? buf : &len,
        .out_size = size ? room : sizeof(len),
        .out_min = size ? 0 : sizeof(len),
    };
    int r = lintel_call(ctx, &call);
    if (r < 0)
        return r;
    if (size)
        return (int)call.out_len;
    return len <= LT_SECURITY_SIZE_MAX ? (int)len : LT_EPROTO;
}

static int set_value(const struct lt_ctx *ctx, struct lt_node *node, uint32_t opcode,
                     struct lt_str value)
{
    struct lintel_call call = {.opcode = opcode, .node = fuse_node(node), .text = {value}};
    return change(ctx, &call);
}

int lintel_reparse_set(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str data)
{
    return set_value(ctx, node, LT_LINTEL_REPARSE_SET, data);
}

int lintel_reparse_get(const struct lt_ctx *ctx, struct lt_node *node, void *buf, size_t size)
{
    return get_value(ctx, node, LT_LINTEL_REPARSE_GET, buf, size);
}

int lintel_reparse_remove(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str header)
{
    return set_value(ctx, node, LT_LINTEL_REPARSE_REMOVE, header);
}

int lintel_security_set(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str descriptor)
{
    return set_value(ctx, node, LT_LINTEL_SECURITY_SET, descriptor);
}

int lintel_security_get(const struct lt_ctx *ctx, struct lt_node *node, void *buf, size_t size)
{
    return get_value(ctx, node, LT_LINTEL_SECURITY_GET, buf, size);
}
