// SPDX-License-Identifier: MIT
/* The FUSE decoder: any bytes, in one piece, with pages, and as io_uring brings them. */
#include <wire/fuse/decode.h>

#include "../fuzz.h"

static void check_name(struct lt_str name)
{
    FUZZ_CHECK(name.s == NULL || (name.s[name.len] == 0 && strlen(name.s) == name.len));
}

static void touch(const void *data, size_t len)
{
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)data)[i]);
}

static void decode(const struct lt_fuse_input *in, uint32_t flags)
{
    struct lt_fuse_request r;
    struct lt_fuse_forget_one one;
    int error = lt_fuse_decode(in, flags, &r);
    FUZZ_CHECK(error == 0 || error == LT_EPROTO || error == LT_ENOSYS);
    if (error < 0)
        return;
    FUZZ_CHECK(r.op != NULL);
    check_name(r.name);
    check_name(r.name2);
    touch(r.data.s, r.data.len);
    touch(r.groups, r.group_count * sizeof(uint32_t));
    for (uint32_t i = 0; r.header.opcode == LT_FUSE_BATCH_FORGET && lt_fuse_forget_at(&r, i, &one);
         i++)
        touch(&one, sizeof(one));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t header = sizeof(struct lt_fuse_in_header);
    if (size < header)
        return 0;
    uint8_t *copy = malloc(size); /* of exactly its size: sanitizers see any step beyond */
    if (copy == NULL)
        return 0;
    memcpy(copy, data, size);
    /* Half of the inputs get a right length, or hardly any would come far. */
    if (size & 1)
        memcpy(copy, &(uint32_t){(uint32_t)size}, sizeof(uint32_t));
    struct lt_fuse_input in = {.header = copy, .rest = copy + header, .rest_len = size - header};
    decode(&in, 0);
    decode(&in, LT_FUSE_DECODE_SETXATTR_EXT);
    if (in.rest_len >= 128) {
        in.args = in.rest;
        in.args_len = 128;
        in.rest = copy + header + 128;
        in.rest_len -= 128;
        decode(&in, LT_FUSE_DECODE_SETXATTR_EXT);
    } else if (in.rest_len > 40) {
        struct lt_seg page = {copy + header + 40, in.rest_len - 40};
        in.rest_len = 40;
        in.pages = &page;
        in.page_count = 1;
        in.pages_len = page.len;
        decode(&in, 0);
    }
    free(copy);
    return 0;
}
