// SPDX-License-Identifier: MIT
/* Requests of the WinFsp protocol: any bytes as a batch; what a request is taken apart into, put
 * together again, is taken apart into the same. EAs and batches too. */
#include <wire/fsp/message.h>

#include "../fuzz.h"

static void touch(const void *data, size_t len)
{
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)data)[i]);
}

static void check_path(struct lt_wide path)
{
    FUZZ_CHECK(path.units == 0 || lt_wide_at(path, 0) == '\\');
    for (size_t i = 0; i < path.units; i++)
        FUZZ_CHECK(lt_wide_at(path, i) != 0);
}

static void walk_eas(struct lt_str list)
{
    struct lt_fsp_ea ea;
    size_t at = 0, before = 0;
    int r;
    while ((r = lt_fsp_ea_next(list, &at, &ea)) == 1) {
        touch(ea.name.s, ea.name.len);
        touch(ea.value.s, ea.value.len);
        FUZZ_CHECK(at > before);
        before = at;
    }
    FUZZ_CHECK(r == 0 || (r == LT_EPROTO && at < list.len));
}

static struct lt_fsp_buf put_text(struct lt_fsp_out *out, struct lt_wide w, bool present)
{
    uint16_t units[LT_FSP_REQ_MAX / 2];
    if (!present)
        return (struct lt_fsp_buf){0, 0};
    for (size_t i = 0; i < w.units; i++)
        units[i] = lt_wide_at(w, i);
    return lt_fsp_put_text(out, units, w.units, true);
}

static void put_pieces(struct lt_fsp_out *out, const struct lt_fsp_request *r,
                       struct lt_fsp_req *req)
{
    struct lt_fsp_set_information_req *set = &req->u.set_information;
    req->file_name = put_text(out, r->name, r->name.units != 0);
    switch (req->kind) {
    case LT_FSP_CREATE:
        req->u.create.security = lt_fsp_put(out, r->security.s, r->security.len, 8);
        req->u.create.ea = lt_fsp_put(out, r->data.s, r->data.len, 8);
        break;
    case LT_FSP_OVERWRITE:
        req->u.overwrite.ea = lt_fsp_put(out, r->data.s, r->data.len, 8);
        break;
    case LT_FSP_SET_INFORMATION:
        if (set->info_class == LT_FSP_INFO_RENAME || set->info_class == LT_FSP_INFO_RENAME_EX)
            set->info.rename.new_name = put_text(out, r->new_name, true);
        break;
    case LT_FSP_SET_EA:
        req->u.set_ea.ea = lt_fsp_put(out, r->data.s, r->data.len, 8);
        break;
    case LT_FSP_SET_VOLUME:
        if (req->u.set_volume.info_class == 2)
            req->u.set_volume.label = put_text(out, r->label, true);
        break;
    case LT_FSP_QUERY_DIRECTORY:
        req->u.query_directory.pattern = put_text(out, r->pattern, r->has_pattern);
        req->u.query_directory.marker = put_text(out, r->marker, r->has_marker);
        break;
    case LT_FSP_FILE_SYSTEM_CONTROL:
        req->u.fs_control.buffer = lt_fsp_put(out, r->data.s, r->data.len, 8);
        break;
    case LT_FSP_DEVICE_CONTROL:
        req->u.device_control.buffer = lt_fsp_put(out, r->data.s, r->data.len, 8);
        break;
    case LT_FSP_SET_SECURITY:
        req->u.set_security.security = lt_fsp_put(out, r->security.s, r->security.len, 8);
        break;
    default:
        break;
    }
}

static bool same_text(struct lt_wide a, struct lt_wide b)
{
    return a.units == b.units && (a.units == 0 || memcmp(a.bytes, b.bytes, 2 * a.units) == 0);
}

static void check_again(const struct lt_fsp_request *r)
{
    static _Alignas(8) uint8_t bytes[LT_FSP_REQ_MAX];
    struct lt_fsp_out out;
    struct lt_fsp_request again;
    struct lt_fsp_req *req =
        lt_fsp_request_begin(&out, bytes, sizeof(bytes), r->req.kind, r->req.hint);
    req->u = r->req.u;
    put_pieces(&out, r, req);
    int64_t len = lt_fsp_end(&out);
    if (len < 0)
        return; /* pieces that overlapped may be too much apart */
    FUZZ_CHECK(lt_fsp_request_decode(lt_strn((char *)bytes, (size_t)len), &again) == 0);
    FUZZ_CHECK(again.req.kind == r->req.kind && again.req.hint == r->req.hint);
    FUZZ_CHECK(same_text(again.name, r->name) && same_text(again.stream, r->stream));
    FUZZ_CHECK(same_text(again.new_name, r->new_name) && same_text(again.label, r->label));
    FUZZ_CHECK(same_text(again.pattern, r->pattern) && same_text(again.marker, r->marker));
    FUZZ_CHECK(again.has_pattern == r->has_pattern && again.has_marker == r->has_marker);
    FUZZ_CHECK(lt_str_equal(again.security, r->security) && lt_str_equal(again.data, r->data));
}

static void decode(struct lt_str message)
{
    struct lt_fsp_request r;
    int error = lt_fsp_request_decode(message, &r);
    FUZZ_CHECK(error == 0 || error == LT_EPROTO || error == LT_ENOSYS || error == LT_EBADMSG);
    FUZZ_CHECK((error == LT_EBADMSG) == (message.len < 16));
    if (error < 0)
        return;
    check_path(r.name);
    check_path(r.new_name);
    touch(r.marker.bytes, 2 * r.marker.units);
    touch(r.security.s, r.security.len);
    touch(r.data.s, r.data.len);
    walk_eas(r.data);
    check_again(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Of exactly its size, at an odd address: sanitizers see any step beyond. */
    char *copy = malloc(size + 1);
    struct lt_str message;
    size_t at = 0;
    if (copy == NULL)
        return 0;
    struct lt_str batch = lt_strn(copy + 1, size);
    if (size)
        memcpy(copy + 1, data, size);
    while (lt_fsp_next(batch, &at, LT_FSP_REQ_HEADER, LT_FSP_REQ_MAX, &message) == 1)
        decode(message);
    FUZZ_CHECK(at <= size);
    /* Most changes of the length end there: once more with a right size. */
    if (size >= LT_FSP_REQ_HEADER && size <= LT_FSP_REQ_MAX)
        memcpy(copy + 1 + offsetof(struct lt_fsp_req, size), &(uint16_t){(uint16_t)size}, 2);
    decode(batch);
    free(copy);
    return 0;
}
