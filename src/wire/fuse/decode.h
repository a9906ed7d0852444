/* SPDX-License-Identifier: MIT */
/*
 * From the bytes of a FUSE request to a checked struct. Pure: no I/O, no memory.
 *
 * Messages come in pieces: from /dev/fuse in one buffer whose tail may lie in
 * pages of the file system, from io_uring in a header, an argument and a payload
 * buffer. A channel describes the pieces by struct lt_fuse_input, and nothing
 * behind the decoder knows the difference.
 */
#ifndef LT_WIRE_FUSE_DECODE_H
#define LT_WIRE_FUSE_DECODE_H

#include "ops.h"

#include <lintel/error.h>
#include <lintel/types.h>

/* A message as it was received. Borrowed; `rest` and `data` are 8-byte aligned at their start in
 * the stream. */
struct lt_fuse_input {
    const void *header; /* sizeof(struct lt_fuse_in_header) bytes */
    const void *args;   /* the fixed arguments, args_len bytes; NULL: they begin `rest` */
    size_t args_len;
    const void *rest; /* all else but `pages` */
    size_t rest_len;
    struct lt_seg *pages; /* the end of the payload of a WRITE, or none */
    size_t page_count;
    size_t pages_len; /* bytes in the pages */
};

struct lt_fuse_request {
    struct lt_fuse_in_header header;
    const struct lt_fuse_op *op;
    union lt_fuse_args args;   /* members that an older peer does not send are 0 */
    struct lt_str name, name2; /* NUL-terminated within the message */
    struct lt_str data;        /* LT_FUSE_DATA, as far as it is not in `pages` */
    struct lt_seg *pages;
    size_t page_count, pages_len;
    const uint8_t *groups; /* supplementary groups, uint32_t each, unaligned; NULL: none */
    uint32_t group_count;
};

enum { LT_FUSE_DECODE_SETXATTR_EXT = 0x1 /* LT_FUSE_SETXATTR_EXT was negotiated */ };

/*
 * Checks and splits a message. On success all of *ret is filled. Errors:
 * LT_ENOSYS (no such request; ret->header is filled, so that it can be answered),
 * LT_EPROTO (lengths, terminators; ret->header is filled if `in->header` was whole).
 */
int lt_fuse_decode(const struct lt_fuse_input *in, uint32_t flags, struct lt_fuse_request *ret);

/* Takes the i-th record of a BATCH_FORGET; false behind the last. */
bool lt_fuse_forget_at(const struct lt_fuse_request *request, uint32_t i,
                       struct lt_fuse_forget_one *ret);

#endif
