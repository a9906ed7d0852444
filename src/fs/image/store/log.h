/* SPDX-License-Identifier: MIT */
/*
 * The log: batches of records, one behind the other in a ring of blocks. docs/format/image.md,
 * "Log". Here are bytes and a reader of the ring; who writes what when is in store.h.
 */
#ifndef LT_FS_IMAGE_STORE_LOG_H
#define LT_FS_IMAGE_STORE_LOG_H

#include "key.h"
#include "super.h"
#include "varint.h"

/* ---- Making a batch ------------------------------------------------------------------------ */

/* Records that are being collected, behind room for a batch's header. */
struct img_log_buffer {
    uint8_t *bytes;
    size_t len; /* header included, once there is a record; 0: empty */
    size_t capacity;
};

/* Bytes of a record beside its value or data, at most. */
#define IMG_LOG_RECORD_MAX (2u + 3 * IMG_VARINT_MAX)

/* Makes room for `len` bytes more, so that adding records of that size cannot fail. LT_ENOMEM. */
int img_log_room(struct img_log_buffer *log, size_t len);

void img_log_put(struct img_log_buffer *log, struct img_key key, const void *value, size_t len);
void img_log_delete(struct img_log_buffer *log, struct img_key key);
/* IMG_LOG_TAKE, IMG_LOG_FREE. */
void img_log_range(struct img_log_buffer *log, enum img_log_op op, uint64_t block, uint64_t count);
void img_log_bytes(struct img_log_buffer *log, uint64_t block, uint32_t offset, const void *bytes,
                   size_t len);

/* Drops the first `len` bytes of records. */
void img_log_drop(struct img_log_buffer *log, size_t len);
/* Empty again; gives the memory back if it is more than `keep`. */
void img_log_reset(struct img_log_buffer *log, size_t keep);

/* What a batch's header says. */
struct img_batch {
    uint64_t volume, epoch, sequence;
    uint64_t next_id, nodes;
    const uint8_t *records; /* borrowed; only of a batch that was read */
    size_t length;          /* bytes, header included */
};

/* Makes the batch whole: header, check, and zeros up to the end of its last block, for which there
 * must be room. Returns the bytes to write. */
size_t img_log_seal(struct img_log_buffer *log, const struct img_batch *batch, uint32_t block_size);

/* ---- Reading ------------------------------------------------------------------------------- */

struct img_log_record {
    enum img_log_op op;
    struct img_key key;    /* PUT, DELETE */
    const uint8_t *bytes;  /* PUT: the value; DATA */
    size_t len;            /* of `bytes` */
    uint64_t block, count; /* TAKE, FREE, DATA (count: blocks that the data touches) */
    uint32_t offset;       /* DATA: within `block` */
};

/* The next record: 1; 0 at the end; LT_EUCLEAN if it is malformed or impossible on this volume. */
int img_log_record(struct img_reader *reader, const struct img_super *super,
                   struct img_log_record *ret);

/* Whether the `len` bytes begin with the batch that `expected` says (volume, epoch, sequence). Only
 * then *ret is filled in. */
bool img_log_decode(const void *bytes, size_t len, const struct img_batch *expected,
                    struct img_batch *ret);

/* Walks through the batches that follow a checkpoint. */
struct img_log_walk {
    struct lt_device *dev;
    const struct img_super *super;
    uint64_t at;       /* blocks from the start of the ring on, not wrapped */
    uint64_t sequence; /* of the next batch */
    uint8_t *bytes;    /* memory of the batch that was read last */
    size_t capacity;
};

void img_log_walk_init(struct img_log_walk *walk, struct lt_device *dev,
                       const struct img_super *super);
void img_log_walk_fini(struct img_log_walk *walk);
/* 1 and the next batch, borrowed until the next call; 0: the log ends here. LT_EIO, LT_ENOMEM. */
int img_log_walk_next(struct img_log_walk *walk, struct img_batch *ret);

/* Byte of the device where block `at` of the ring lies. */
uint64_t img_log_offset(const struct img_super *super, uint64_t at);

#endif
