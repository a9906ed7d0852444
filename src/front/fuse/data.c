// SPDX-License-Identifier: MIT
/* Requests about the content of files. */
#include "handlers.h"

/* ---- Reading --------------------------------------------------------------------------------- */

/* Replies with the segments of the file as they lie, from within the file system's read. */
struct read_sink {
    struct lt_sink sink;
    struct call *c;
    char *room; /* the channel's for this reply, or the scratch buffer */
    /* Bytes in it: the file system put them there, or a reply must not be sent
     * under a lock. */
    size_t copied;
    size_t rest; /* bytes in it that a reply which has begun is still to send */
};

/* Replies under the file system's lock, if that goes without waiting for the peer. */
static bool reply_soon(struct read_sink *rs, const struct lt_seg *segs, size_t count)
{
    struct call *c = rs->c;
    int r = lt_channel_reply_soon(c->s->channel, c->m, segs, count, rs->room);
    if (r == LT_EAGAIN)
        return false;
    note_reply(c, r);
    rs->rest = r > 0 ? (size_t)r : 0;
    return true;
}

static int put_read(struct lt_sink *sink, const struct lt_seg *segs, size_t count, size_t total)
{
    struct read_sink *rs = (struct read_sink *)sink;
    rs->c->bytes = total;
    if (count == 1 && segs[0].base == sink->room) {
        rs->copied = total;
        return 0;
    }
    if (total > sink->room_len)
        return LT_EIO;
    if (count <= LT_CHANNEL_SEGS_MAX && reply_soon(rs, segs, count))
        return 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(rs->room + rs->copied, segs[i].base, segs[i].len);
        rs->copied += segs[i].len;
    }
    return 0;
}

static int put_read_file(struct lt_sink *sink, int fd, const struct lt_file_range *ranges,
                         size_t count, size_t total)
{
    struct call *c = ((struct read_sink *)sink)->c;
    int r = lt_channel_reply_file(c->s->channel, c->m, fd, ranges, count);
    if (r == LT_EOPNOTSUPP)
        return r;
    c->bytes = total;
    note_reply(c, r);
    return 0;
}

int on_read(struct call *c)
{
    const struct lt_fuse_read_in *in = &c->req.args.read;
    struct read_sink rs = {.sink.put = put_read, .c = c, .room = c->m->room};
    if (!rs.room)
        rs.room = c->w->scratch;
    rs.sink.room = rs.room;
    rs.sink.room_len = c->m->room ? c->m->room_len : c->s->scratch_size;
    if (lt_channel_replies_files(c->s->channel))
        rs.sink.put_file = put_read_file;
    size_t size = in->size < c->s->max_write ? in->size : c->s->max_write;
    int r = lt_node_read(&c->ctx, c->node, in->offset, size, &rs.sink);
    if (rs.rest > 0)
        note_reply(c, lt_channel_reply_rest(c->s->channel, c->m, rs.room, rs.rest));
    if (r < 0 || c->replied)
        return r < 0 ? r : 0;
    return reply_bytes(c, rs.room, rs.copied);
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* Any write takes a file's capabilities away; the kernel leaves that to HANDLE_KILLPRIV_V2. */
static void drop_capability(struct call *c, const struct lt_attr *after)
{
    if (after->has & LT_HAS_CAPABILITY && c->s->features & LT_FUSE_HANDLE_KILLPRIV_V2)
        lt_node_xattr_remove(&c->ctx, c->node, lt_str("security.capability"));
}

int on_write(struct call *c)
{
    const struct lt_fuse_write_in *in = &c->req.args.write;
    struct lt_seg one = {(void *)(uintptr_t)c->req.data.s, c->req.data.len};
    struct lt_attr after = {.has = 0};
    struct lt_write write = {.offset = in->offset, .ret_attr = &after};
    if (c->req.pages_len > 0) {
        write.segs = c->req.pages;
        write.count = c->req.page_count;
        write.flags = LT_WRITE_ADOPT;
    } else {
        write.segs = &one;
        write.count = 1;
    }
    if (in->write_flags & LT_FUSE_WRITE_KILL_SUIDGID)
        write.flags |= LT_WRITE_KILL_PRIV;
    int r = lt_node_write(&c->ctx, c->node, &write);
    if (r < 0)
        return r;
    drop_capability(c, &after);
    c->bytes = (uint64_t)r;
    struct lt_fuse_write_out out = {.size = (uint32_t)r};
    return reply_bytes(c, &out, sizeof(out));
}

/* ---- Closing and keeping --------------------------------------------------------------------- */

int on_fsync(struct call *c)
{
    bool data_only = c->req.args.fsync.fsync_flags & LT_FUSE_FSYNC_DATA;
    return lt_node_sync(&c->ctx, c->node, data_only);
}

/* ---- Ranges ---------------------------------------------------------------------------------- */

int on_fallocate(struct call *c)
{
    const struct lt_fuse_fallocate_in *in = &c->req.args.fallocate;
    return lt_node_allocate(&c->ctx, c->node, in->mode, in->offset, in->length);
}

int on_lseek(struct call *c)
{
    const struct lt_fuse_lseek_in *in = &c->req.args.lseek;
    struct lt_fuse_lseek_out out;
    /* The kernel does not write back before it asks: data would seem to be holes. So it shall not
     * ask, and take all for data. */
    if (c->s->features & LT_FUSE_WRITEBACK_CACHE)
        return LT_ENOSYS;
    if (in->whence != LT_SEEK_DATA && in->whence != LT_SEEK_HOLE)
        return LT_EINVAL;
    int r = lt_node_seek(&c->ctx, c->node, in->offset, (enum lt_seek)in->whence, &out.offset);
    return r < 0 ? r : reply_bytes(c, &out, sizeof(out));
}

static int copy_range(struct call *c, uint64_t most, uint64_t *ret)
{
    const struct lt_fuse_copy_file_range_in *in = &c->req.args.copy_file_range;
    struct lt_node *to;
    if (in->flags != 0)
        return LT_EINVAL;
    int r = call_node(c, in->nodeid_out, &to);
    if (r < 0)
        return r;
    uint64_t len = in->len < most ? in->len : most;
    r = lt_node_copy_range(&c->ctx, c->node, in->off_in, to, in->off_out, len, ret);
    lt_node_put(to);
    c->bytes = r < 0 ? 0 : *ret;
    return r;
}

/* The older form has 32 bits for the count in its reply. */
int on_copy_file_range(struct call *c)
{
    uint64_t copied = 0;
    int r = copy_range(c, UINT32_MAX & ~(uint64_t)(LT_PAGE_SIZE - 1), &copied);
    struct lt_fuse_write_out out = {.size = (uint32_t)copied};
    return r < 0 ? r : reply_bytes(c, &out, sizeof(out));
}

int on_copy_file_range_64(struct call *c)
{
    struct lt_fuse_copy_file_range_out out = {0};
    int r = copy_range(c, LT_SIZE_MAX, &out.bytes_copied);
    return r < 0 ? r : reply_bytes(c, &out, sizeof(out));
}
