// SPDX-License-Identifier: MIT
/* Responses of the WinFsp protocol: any bytes as a batch; what a response is taken apart into, put
 * together again, is taken apart into the same. Chains of entries and EAs too. */
#include <wire/fsp/message.h>
#include <wire/fsp/status.h>

#include "../fuzz.h"

static void touch(const void *data, size_t len)
{
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)data)[i]);
}

static void walk_entries(struct lt_str chain, size_t fixed)
{
    struct lt_str entry;
    size_t at = 0, before = 0;
    int r;
    while ((r = lt_fsp_next_entry(chain, &at, fixed, &entry)) == 1) {
        FUZZ_CHECK(entry.len >= fixed && at > before);
        touch(entry.s, entry.len);
        before = at;
    }
    FUZZ_CHECK(r == 0 || r == LT_ENODATA || r == LT_EPROTO);
}

/* Adds what was read; reads the same out of it. */
static void copy_eas(struct lt_str list)
{
    static uint8_t bytes[2 * LT_FSP_RSP_MAX];
    struct lt_fsp_entries e = {.buf = bytes, .size = sizeof(bytes)};
    struct lt_fsp_ea ea, again;
    size_t at = 0, at_again = 0, last = SIZE_MAX, count = 0;
    for (; lt_fsp_ea_next(list, &at, &ea) == 1; count++)
        FUZZ_CHECK(lt_fsp_put_ea(&e, &last, &ea));
    struct lt_str copy = lt_strn((char *)bytes, e.len);
    for (at = 0; count > 0; count--) {
        FUZZ_CHECK(lt_fsp_ea_next(list, &at, &ea) == 1);
        FUZZ_CHECK(lt_fsp_ea_next(copy, &at_again, &again) == 1);
        FUZZ_CHECK(lt_str_equal(ea.name, again.name) && lt_str_equal(ea.value, again.value));
        FUZZ_CHECK(ea.flags == again.flags);
    }
    FUZZ_CHECK(lt_fsp_ea_next(copy, &at_again, &again) == 0);
}

static void put_pieces(struct lt_fsp_out *out, const struct lt_fsp_response *r,
                       struct lt_fsp_rsp *rsp)
{
    uint16_t name[LT_FSP_PATH_MAX / 2];
    if (rsp->status < 0)
        return;
    if (rsp->kind == LT_FSP_CREATE && rsp->status == LT_STATUS_SUCCESS) {
        for (size_t i = 0; i < r->name.units; i++)
            name[i] = lt_wide_at(r->name, i);
        rsp->u.create.file_name = lt_fsp_put_text(out, name, r->name.units, false);
        rsp->u.create.security = lt_fsp_put(out, r->security.s, r->security.len, 8);
    } else if (rsp->kind == LT_FSP_SET_EA) {
        rsp->u.set_ea.ea = lt_fsp_put(out, r->data.s, r->data.len, 8);
    } else if (r->data.len) {
        rsp->u.buffer = lt_fsp_put(out, r->data.s, r->data.len, 8);
    }
}

static void check_again(const struct lt_fsp_response *r)
{
    static _Alignas(8) uint8_t bytes[LT_FSP_RSP_MAX];
    struct lt_fsp_out out;
    struct lt_fsp_response again;
    struct lt_fsp_rsp *rsp =
        lt_fsp_response_begin(&out, bytes, sizeof(bytes), r->rsp.kind, r->rsp.hint);
    rsp->status = r->rsp.status;
    rsp->u = r->rsp.u;
    put_pieces(&out, r, rsp);
    int64_t len = lt_fsp_end(&out);
    if (len < 0)
        return; /* pieces that overlapped may be too much apart */
    FUZZ_CHECK(lt_fsp_response_decode(lt_strn((char *)bytes, (size_t)len), &again) == 0);
    FUZZ_CHECK(again.name.units == r->name.units);
    for (size_t i = 0; i < r->name.units; i++)
        FUZZ_CHECK(lt_wide_at(again.name, i) == lt_wide_at(r->name, i));
    FUZZ_CHECK(lt_str_equal(again.security, r->security) && lt_str_equal(again.data, r->data));
}

static void decode(struct lt_str message)
{
    struct lt_fsp_response r;
    int error = lt_fsp_response_decode(message, &r);
    FUZZ_CHECK(error == 0 || error == LT_EPROTO || error == LT_EBADMSG);
    FUZZ_CHECK((error == LT_EBADMSG) == (message.len < LT_FSP_RSP_HEADER));
    if (error < 0)
        return;
    touch(r.name.bytes, 2 * r.name.units);
    touch(r.security.s, r.security.len);
    touch(r.data.s, r.data.len);
    walk_entries(r.data, sizeof(struct lt_fsp_stream_info));
    walk_entries(r.data, sizeof(struct lt_fsp_dir_info));
    walk_entries(r.data, sizeof(struct lt_fsp_notify_info));
    copy_eas(r.data);
    check_again(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Of exactly its size, at an odd address: sanitizers see any step beyond. */
    char *copy = malloc(size + 1);
    struct lt_str message;
    size_t at = 0, right = size & ~(size_t)7;
    if (copy == NULL)
        return 0;
    struct lt_str batch = lt_strn(copy + 1, size);
    if (size)
        memcpy(copy + 1, data, size);
    while (lt_fsp_next(batch, &at, LT_FSP_RSP_HEADER, LT_FSP_RSP_MAX, &message) == 1)
        decode(message);
    FUZZ_CHECK(at <= size);
    /* Most changes of the length end there: once more with a right size. */
    if (right >= LT_FSP_RSP_HEADER && right <= LT_FSP_RSP_MAX)
        memcpy(copy + 1 + offsetof(struct lt_fsp_rsp, size), &(uint16_t){(uint16_t)right}, 2);
    decode(batch);
    free(copy);
    return 0;
}
