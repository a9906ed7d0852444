// SPDX-License-Identifier: MIT
#include "decode.h"

/* Requests whose fixed arguments were shorter once: INIT up to 7.35 had no flags2. */
#define INIT_IN_OLD 16u

/* The size of a member of the union; `none`, the only array, counts as nothing. */
#define ARGS(type) ((union lt_fuse_args *)0)->type
#define ARGS_SIZE(type) _Generic(&ARGS(type), uint64_t(*)[14] : 0, default : sizeof(ARGS(type)))

static const struct lt_fuse_op ops[LT_FUSE_OPCODE_END] = {
#define ROW(NAME, number, handler, type, follows) [number] = {#NAME, ARGS_SIZE(type), (follows)},
    LT_FUSE_OPS(ROW)
#undef ROW
};

const struct lt_fuse_op *lt_fuse_op(uint32_t opcode)
{
    if (opcode >= LT_FUSE_OPCODE_END || ops[opcode].name == NULL)
        return NULL;
    return &ops[opcode];
}

/* The unread rest of a message. */
struct cursor {
    const uint8_t *at;
    size_t left;
};

static const uint8_t *take(struct cursor *c, size_t len)
{
    const uint8_t *at = c->at;
    if (len > c->left)
        return NULL;
    c->at += len;
    c->left -= len;
    return at;
}

static bool take_name(struct cursor *c, struct lt_str *ret)
{
    const uint8_t *end = c->left ? memchr(c->at, 0, c->left) : NULL;
    if (end == NULL)
        return false;
    ret->s = (const char *)c->at;
    ret->len = (size_t)(end - c->at);
    take(c, ret->len + 1);
    return true;
}

/* How many bytes of fixed arguments this message has. */
static size_t args_size(const struct lt_fuse_request *r, uint32_t flags, size_t available)
{
    if (r->header.opcode == LT_FUSE_SETXATTR && !(flags & LT_FUSE_DECODE_SETXATTR_EXT))
        return LT_FUSE_SETXATTR_IN_OLD;
    if (r->header.opcode == LT_FUSE_INIT && available >= INIT_IN_OLD && available < r->op->args)
        return available; /* what a future kernel adds is ignored, what an old one lacks is 0 */
    return r->op->args;
}

static bool take_args(const struct lt_fuse_input *in, uint32_t flags, struct cursor *c,
                      struct lt_fuse_request *r)
{
    size_t size = args_size(r, flags, in->args ? in->args_len : c->left);
    if (size == 0)
        return true;
    const void *from = in->args == NULL ? take(c, size) : size <= in->args_len ? in->args : NULL;
    if (from == NULL)
        return false;
    memcpy(&r->args, from, size);
    return true;
}

/* Extensions: a run of records, each with its own length. Only the groups matter to us. */
static bool read_extensions(struct cursor c, struct lt_fuse_request *r)
{
    while (c.left > 0) {
        struct lt_fuse_ext_header ext;
        const uint8_t *at = c.at;
        if (c.left < sizeof(ext))
            return false;
        memcpy(&ext, at, sizeof(ext));
        if (ext.size < sizeof(ext) || take(&c, LT_FUSE_ALIGN((size_t)ext.size)) == NULL)
            return false;
        if (ext.type != LT_FUSE_EXT_GROUPS)
            continue;
        uint32_t count;
        if (ext.size < sizeof(ext) + sizeof(count))
            return false;
        memcpy(&count, at + sizeof(ext), sizeof(count));
        if (count > (ext.size - sizeof(ext) - sizeof(count)) / sizeof(uint32_t))
            return false;
        r->groups = at + sizeof(ext) + sizeof(count);
        r->group_count = count;
    }
    return true;
}

/* Whether the payload is as long as the fixed arguments say. */
static bool data_is_whole(const struct lt_fuse_request *r)
{
    size_t len = r->data.len + r->pages_len;
    switch (r->header.opcode) {
    case LT_FUSE_WRITE:
        return r->args.write.size == len;
    case LT_FUSE_SETXATTR:
        return r->args.setxattr.size == len;
    case LT_FUSE_IOCTL:
        return r->args.ioctl.in_size == len;
    case LT_FUSE_NOTIFY_REPLY:
        return r->args.notify_retrieve.size == len;
    case LT_FUSE_BATCH_FORGET:
        return len / sizeof(struct lt_fuse_forget_one) >= r->args.batch_forget.count;
    default:
        return true;
    }
}

/* Whether header.len is what was received. With io_uring the length of the payload comes apart. */
static bool length_is_right(const struct lt_fuse_input *in, const struct lt_fuse_request *r)
{
    return in->args || r->header.len == sizeof(r->header) + in->rest_len + in->pages_len;
}

int lt_fuse_decode(const struct lt_fuse_input *in, uint32_t flags, struct lt_fuse_request *r)
{
    memset(r, 0, sizeof(*r));
    memcpy(&r->header, in->header, sizeof(r->header));
    r->op = lt_fuse_op(r->header.opcode);
    if (r->op == NULL)
        return LT_ENOSYS;

    struct cursor c = {in->rest, in->rest_len};
    size_t extensions = (size_t)r->header.total_extlen * 8;
    if (!length_is_right(in, r) || extensions > c.left || (extensions && in->pages_len))
        return LT_EPROTO;
    c.left -= extensions;
    if (!take_args(in, flags, &c, r) ||
        !read_extensions((struct cursor){c.at + c.left, extensions}, r))
        return LT_EPROTO;
    if ((r->op->follows & LT_FUSE_NAME) && !take_name(&c, &r->name))
        return LT_EPROTO;
    if ((r->op->follows & LT_FUSE_NAME2) && !take_name(&c, &r->name2))
        return LT_EPROTO;
    if (r->op->follows & LT_FUSE_DATA) {
        r->data = lt_strn((const char *)c.at, c.left);
        r->pages = in->pages;
        r->page_count = in->page_count;
        r->pages_len = in->pages_len;
    } else if (in->pages_len) {
        return LT_EPROTO;
    }
    return data_is_whole(r) ? LT_OK : LT_EPROTO;
}

bool lt_fuse_forget_at(const struct lt_fuse_request *request, uint32_t i,
                       struct lt_fuse_forget_one *ret)
{
    if (i >= request->args.batch_forget.count)
        return false;
    memcpy(ret, request->data.s + (size_t)i * sizeof(*ret), sizeof(*ret));
    return true;
}
