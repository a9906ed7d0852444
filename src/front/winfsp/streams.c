// SPDX-License-Identifier: MIT
/* The streams of a file: first its own data, which has no name, then the named ones in their order.
 */
#include "volume.h"

struct listing {
    const struct lt_winfsp *v;
    struct lt_fsp_entries out;
};

/* A stream whose name Windows cannot show is left out. What does not fit ends the list. */
static int put_stream(void *arg, const struct lt_stream *stream)
{
    struct listing *l = arg;
    const struct lt_attr attr = {
        .mode = LT_S_IFREG, .size = stream->size, .allocated = stream->allocated};
    struct lt_fsp_file_info info;
    uint16_t name[LT_NAME_UNITS_MAX];
    fsp_info_from_attr(l->v, &attr, &info);
    int units = fsp_name_from_utf8(l->v, stream->name, name, LT_NAME_UNITS_MAX);
    if (units < 0)
        return 0;
    return lt_fsp_put_stream_info(&l->out, info.file_size, info.allocation_size, name,
                                  (size_t)units)
               ? 0
               : 1;
}

static int put_data(struct call *c, struct listing *l)
{
    struct lt_attr attr;
    struct lt_fsp_file_info info;
    if (c->file->owner->type == LT_S_IFDIR)
        return LT_OK;
    int r = lt_node_getattr(&c->ctx, c->file->owner, &attr);
    if (r < 0)
        return r;
    fsp_info_from_attr(c->v, &attr, &info);
    lt_fsp_put_stream_info(&l->out, info.file_size, info.allocation_size, NULL, 0);
    return LT_OK;
}

int32_t fsp_query_streams(struct call *c)
{
    struct listing l = {.v = c->v};
    l.out.buf = lt_fsp_room(&c->out, 8, &l.out.size);
    int r = put_data(c, &l);
    if (r == 0)
        r = lt_node_stream_list(&c->ctx, c->file->owner, put_stream, &l);
    if (r < 0)
        return lt_status_from_error(r);
    if (r == 0)
        lt_fsp_put_entries_end(&l.out);
    c->rsp->u.buffer = lt_fsp_take(&c->out, l.out.len, 8);
    return LT_STATUS_SUCCESS;
}
