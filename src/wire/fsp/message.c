// SPDX-License-Identifier: MIT
/* Batches of messages, and messages put together. */
#include "message.h"

static size_t aligned(size_t size, size_t align)
{
    return (size + align - 1) & ~(align - 1);
}

static uint16_t get_u16(const char *at)
{
    uint16_t v;
    memcpy(&v, at, sizeof(v));
    return v;
}

int lt_fsp_next(struct lt_str batch, size_t *at, size_t header, size_t max, struct lt_str *ret)
{
    if (*at >= batch.len)
        return 0;
    size_t left = batch.len - *at;
    if (left < header)
        return LT_EPROTO;
    size_t size = get_u16(batch.s + *at + offsetof(struct lt_fsp_req, size));
    if (size < header || size > max || aligned(size, LT_FSP_ALIGN) > left)
        return LT_EPROTO;
    *ret = lt_strn(batch.s + *at, size);
    *at += aligned(size, LT_FSP_ALIGN);
    return 1;
}

static void begin(struct lt_fsp_out *out, void *buf, size_t size, size_t header, size_t max)
{
    assert(size >= header && (uintptr_t)buf % LT_FSP_ALIGN == 0);
    memset(buf, 0, header);
    *out = (struct lt_fsp_out){
        .buf = buf, .size = size < max ? size : max, .len = header, .header = header};
}

struct lt_fsp_req *lt_fsp_request_begin(struct lt_fsp_out *out, void *buf, size_t size,
                                        uint32_t kind, uint64_t hint)
{
    struct lt_fsp_req *req = buf;
    begin(out, buf, size, LT_FSP_REQ_HEADER, LT_FSP_REQ_MAX);
    req->kind = kind;
    req->hint = hint;
    return req;
}

struct lt_fsp_rsp *lt_fsp_response_begin(struct lt_fsp_out *out, void *buf, size_t size,
                                         uint32_t kind, uint64_t hint)
{
    struct lt_fsp_rsp *rsp = buf;
    begin(out, buf, size, LT_FSP_RSP_HEADER, LT_FSP_RSP_MAX);
    rsp->kind = kind;
    rsp->hint = hint;
    return rsp;
}

void *lt_fsp_room(struct lt_fsp_out *out, size_t align, size_t *ret_len)
{
    size_t at = aligned(out->len, align);
    bool none = out->full || at >= out->size;
    *ret_len = none ? 0 : out->size - at;
    return none ? NULL : out->buf + at;
}

struct lt_fsp_buf lt_fsp_take(struct lt_fsp_out *out, size_t len, size_t align)
{
    size_t at = aligned(out->len, align), room;
    const struct lt_fsp_buf none = {0, 0};
    if (len == 0)
        return none;
    lt_fsp_room(out, align, &room);
    if (len > room) {
        out->full = true;
        return none;
    }
    memset(out->buf + out->len, 0, at - out->len);
    out->len = at + len;
    return (struct lt_fsp_buf){(uint16_t)(at - out->header), (uint16_t)len};
}

struct lt_fsp_buf lt_fsp_put(struct lt_fsp_out *out, const void *bytes, size_t len, size_t align)
{
    struct lt_fsp_buf buf = lt_fsp_take(out, len, align);
    if (buf.size)
        memcpy(out->buf + out->header + buf.offset, bytes, len);
    return buf;
}

struct lt_fsp_buf lt_fsp_put_text(struct lt_fsp_out *out, const uint16_t *units, size_t count,
                                  bool nul)
{
    if (count > SIZE_MAX / 2 - 1) {
        out->full = true;
        return (struct lt_fsp_buf){0, 0};
    }
    struct lt_fsp_buf buf = lt_fsp_take(out, 2 * (count + nul), 2);
    if (buf.size) {
        uint8_t *at = out->buf + out->header + buf.offset;
        if (count)
            memcpy(at, units, 2 * count);
        memset(at + 2 * count, 0, 2 * (size_t)nul);
    }
    return buf;
}

int64_t lt_fsp_end(struct lt_fsp_out *out)
{
    /* As long as the largest message is a multiple of 8, there is room for the padding, except in
     * a buffer whose size is none. */
    size_t padded = aligned(out->len, LT_FSP_ALIGN);
    if (out->full || padded > out->size)
        return LT_ERANGE;
    memset(out->buf + out->len, 0, padded - out->len);
    uint16_t size = (uint16_t)(out->header == LT_FSP_REQ_HEADER ? out->len : padded);
    memcpy(out->buf + offsetof(struct lt_fsp_req, size), &size, sizeof(size));
    return (int64_t)padded;
}
