// SPDX-License-Identifier: MIT
/* FileStreamInformation (MS-FSCC 2.4.44): the dispatcher says "name", a program sees
 * ":name:$DATA". */
#include "driver.h"
#include "reply.h"

#include <stdlib.h>

#define STREAMS_MAX LT_FSP_RSP_MAX
#define STREAM_FIXED 24u /* bytes before the name */

/* All streams of a file as a chain, in at most STREAMS_MAX bytes. */
static int32_t query_chain(struct nt_file *file, char *buf, size_t *ret_len)
{
    if (drv_kept(file->node, DRV_KEEP_STREAMS, buf, STREAMS_MAX, ret_len))
        return LT_STATUS_SUCCESS;
    struct drv_call *call = malloc(sizeof(*call));
    if (!call)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    drv_call_begin(call, file->v, LT_FSP_QUERY_STREAMS);
    drv_call_of(call, file);
    int32_t status = drv_call(call);
    if (status == LT_STATUS_SUCCESS) {
        *ret_len = call->rsp.data.len;
        if (*ret_len)
            memcpy(buf, call->rsp.data.s, *ret_len);
        drv_keep(file->node, DRV_KEEP_STREAMS, buf, *ret_len);
    }
    free(call);
    return status;
}

static void put_stream(struct reply *r, size_t *last, const struct lt_fsp_stream_info *info,
                       const char *name, size_t name_len)
{
    static const uint16_t type[] = {':', '$', 'D', 'A', 'T', 'A'};
    reply_link(r, last, 8);
    reply_put32(r, 0);
    reply_put32(r, (uint32_t)(name_len + sizeof(*type) + sizeof(type)));
    reply_put64(r, info->stream_size);
    reply_put64(r, info->allocation_size);
    reply_put(r, type, sizeof(*type));
    reply_put(r, name, name_len);
    reply_put(r, type, sizeof(type));
}

static int32_t put_streams(struct nt_file *file, struct lt_str chain, struct reply *reply)
{
    struct lt_fsp_stream_info info;
    struct lt_str bytes;
    size_t at = 0, last = SIZE_MAX;
    int r;
    while ((r = lt_fsp_next_entry(chain, &at, sizeof(info), &bytes)) > 0) {
        memcpy(&info, bytes.s, sizeof(info));
        if (info.allocation_size < info.stream_size || info.allocation_size % file->v->unit != 0)
            drv_fault(file->v, "QueryStreams: a stream's allocation does not fit its size");
        size_t start = last == SIZE_MAX ? 0 : (reply->len + 7) & ~(size_t)7;
        if (start + STREAM_FIXED > reply->size)
            return LT_STATUS_BUFFER_OVERFLOW;
        put_stream(reply, &last, &info, bytes.s + sizeof(info), bytes.len - sizeof(info));
        if (reply->full)
            return LT_STATUS_BUFFER_OVERFLOW;
    }
    if (r == LT_EPROTO || (r == LT_ENODATA && chain.len != 0 && at < chain.len))
        drv_fault(file->v, "QueryStreams: %zu bytes hold no entry at %zu", chain.len, at);
    return LT_STATUS_SUCCESS;
}

int32_t nt_query_streams(struct nt_file *file, void *buf, size_t size, size_t *ret)
{
    struct reply reply = {.buf = buf, .size = size};
    size_t len = 0;
    *ret = 0;
    if (!(file->v->params.flags & LT_FSP_VOLUME_STREAMS))
        return LT_STATUS_INVALID_PARAMETER;
    if (size < STREAM_FIXED)
        return LT_STATUS_INFO_LENGTH_MISMATCH;
    char *chain = malloc(STREAMS_MAX);
    if (!chain)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    lt_rwlock_read(&file->node->lock);
    int32_t status = query_chain(file, chain, &len);
    lt_rwlock_read_unlock(&file->node->lock);
    if (status == LT_STATUS_SUCCESS)
        status = put_streams(file, lt_strn(chain, len), &reply);
    free(chain);
    *ret = reply.len;
    return status;
}
