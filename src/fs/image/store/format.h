/* SPDX-License-Identifier: MIT */
/* What lies on the device: docs/format/image.md, byte for byte. */
#ifndef LT_FS_IMAGE_STORE_FORMAT_H
#define LT_FS_IMAGE_STORE_FORMAT_H

#include <assert.h>
#include <base/wire.h>
#include <stddef.h>

#define IMG_VERSION 1u
#define IMG_MAGIC "Lintel\x1a\n"
#define IMG_BLOCK_MAGIC UINT32_C(0x626c744c) /* "Ltlb" */
#define IMG_LOG_MAGIC UINT32_C(0x676c744c)   /* "Ltlg" */
#define IMG_BLOCK_SIZE_MIN 4096u
#define IMG_BLOCK_SIZE_MAX 65536u
#define IMG_CHECK_SIZE 16u
#define IMG_CHECK_CRC32C 1u
#define IMG_SUPER_SIZE 512u
#define IMG_BITMAP_PLACE 2u /* of the first of a group's two bitmaps, within the group */
#define IMG_LOG_BLOCKS_MIN 16u
#define IMG_GROUP_BLOCKS_MIN 8u

/* Features that this program knows. */
#define IMG_COMPATIBLE UINT64_C(0)
#define IMG_READ_ONLY_COMPATIBLE UINT64_C(0)
#define IMG_INCOMPATIBLE UINT64_C(0)

struct img_super_disk {
    uint8_t magic[8];                    /*   0 */
    uint8_t check[IMG_CHECK_SIZE];       /*   8 */
    struct lt_le32 version;              /*  24 */
    uint8_t block_shift;                 /*  28 */
    uint8_t check_type;                  /*  29 */
    uint8_t data_check_size;             /*  30 */
    uint8_t name_case;                   /*  31 */
    struct lt_le64 compatible;           /*  32 */
    struct lt_le64 read_only_compatible; /*  40 */
    struct lt_le64 incompatible;         /*  48 */
    uint8_t uuid[16];                    /*  56 */
    struct lt_le64 hash_key[2];          /*  72 */
    struct lt_le64 generation;           /*  88 */
    struct lt_le64 epoch;                /*  96 */
    struct lt_le64 blocks;               /* 104 */
    struct lt_le64 root;                 /* 112 */
    struct lt_le64 root_birth;           /* 120 */
    struct lt_le64 log_block;            /* 128 */
    struct lt_le64 log_blocks;           /* 136 */
    struct lt_le64 log_start;            /* 144 */
    struct lt_le64 log_sequence;         /* 152 */
    struct lt_le64 next_id;              /* 160 */
    struct lt_le64 nodes;                /* 168 */
    struct lt_le64 nodes_max;            /* 176 */
    struct lt_le64 free_blocks;          /* 184 */
    struct lt_le64 created_sec;          /* 192 */
    struct lt_le32 created_nsec;         /* 200 */
    struct lt_le32 serial;               /* 204 */
    struct lt_le32 clean;                /* 208 */
    uint8_t root_level;                  /* 212 */
    uint8_t reserved[299];               /* 213 */
};
static_assert(sizeof(struct img_super_disk) == IMG_SUPER_SIZE, "superblock");
static_assert(offsetof(struct img_super_disk, uuid) == 56, "superblock");
static_assert(offsetof(struct img_super_disk, root_level) == 212, "superblock");

enum img_block_kind { IMG_BLOCK_NODE = 1, IMG_BLOCK_BITMAP = 2 };

struct img_block_header {
    struct lt_le32 magic;          /*  0 */
    uint8_t kind;                  /*  4 */
    uint8_t level;                 /*  5 */
    struct lt_le16 count;          /*  6 */
    uint8_t check[IMG_CHECK_SIZE]; /*  8 */
    struct lt_le64 volume;         /* 24 */
    struct lt_le64 block;          /* 32 */
    struct lt_le64 birth;          /* 40 */
    struct lt_le16 heap;           /* 48 */
    uint8_t prefix;                /* 50 */
    uint8_t reserved[13];          /* 51 */
};
static_assert(sizeof(struct img_block_header) == 64, "header of metadata blocks");
static_assert(offsetof(struct img_block_header, heap) == 48, "header of metadata blocks");

struct img_batch_header {
    struct lt_le32 magic;          /*  0 */
    struct lt_le32 length;         /*  4 */
    uint8_t check[IMG_CHECK_SIZE]; /*  8 */
    struct lt_le64 volume;         /* 24 */
    struct lt_le64 epoch;          /* 32 */
    struct lt_le64 sequence;       /* 40 */
    struct lt_le64 next_id;        /* 48 */
    struct lt_le64 nodes;          /* 56 */
};
static_assert(sizeof(struct img_batch_header) == 64, "header of log batches");

enum img_log_op { IMG_LOG_PUT = 1, IMG_LOG_DELETE, IMG_LOG_TAKE, IMG_LOG_FREE, IMG_LOG_DATA };

/* Item (0, SPACE, group) */
#define IMG_KIND_SPACE 32u
struct img_space_disk {
    struct lt_le64 birth;
    struct lt_le32 free;
    uint8_t place;
};
static_assert(sizeof(struct img_space_disk) == 13, "SPACE item");

/* Blocks of a group. */
static inline uint64_t img_group_blocks(uint32_t block_size)
{
    return ((uint64_t)block_size - sizeof(struct img_block_header)) * 8;
}

#endif
