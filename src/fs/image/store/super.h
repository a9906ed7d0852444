/* SPDX-License-Identifier: MIT */
/* The superblocks. */
#ifndef LT_FS_IMAGE_STORE_SUPER_H
#define LT_FS_IMAGE_STORE_SUPER_H

#include "format.h"
#include "tree.h"

#include <base/hash.h>
#include <base/options.h>
#include <device/device.h>

/* One superblock, decoded. Field by field as in docs/format/image.md. */
struct img_super {
    uint32_t block_size;
    uint8_t data_check_size;
    uint8_t name_case;
    uint64_t compatible, read_only_compatible, incompatible;
    uint8_t uuid[16];
    struct lt_hash_key hash_key;
    uint64_t generation, epoch;
    uint64_t blocks;
    struct img_root root;
    uint64_t log_block, log_blocks, log_start, log_sequence;
    uint64_t next_id, nodes, nodes_max, free_blocks;
    struct lt_time created;
    uint32_t serial;
    bool clean;
};

/* The le64 that other structures carry. */
uint64_t img_super_volume(const struct img_super *super);

/* Whether counters of a superblock or a batch can be: none comes near to overflowing. */
bool img_counters_fit(uint64_t next_id, uint64_t nodes);

/* Whether so many checkpoints or batches are counted that no more can be written. No use makes that
 * many: somebody made the image so. */
bool img_super_used_up(const struct img_super *super);

/* Decodes 512 bytes and checks every field against the others, and against `device_size`
 * (0: unknown). LT_EINVAL: no Lintel image; LT_EUCLEAN: damaged; LT_EOPNOTSUPP: a newer version or
 * an unknown incompatible feature. `diag` says what. */
int img_super_decode(const void *bytes, uint64_t device_size, struct img_super *ret,
                     struct lt_diag *diag);
void img_super_encode(const struct img_super *super, void *bytes);

/* The newest valid superblock of a device. Errors as above. The second one is found even if the
 * first is destroyed, whatever the block size. */
int img_super_read(struct lt_device *dev, struct img_super *ret, struct lt_diag *diag);

/* The same if both are valid and belong together, else LT_EUCLEAN: nobody knows whether a damaged
 * one was the newer. */
int img_super_read_both(struct lt_device *dev, struct img_super *ret, struct lt_diag *diag);

/* Writes it to the place that its generation has; LT_EOVERFLOW, and nothing is written, if its
 * fields are such that img_super_decode() would refuse it. Does not flush. */
int img_super_write(struct lt_device *dev, const struct img_super *super);

#endif
