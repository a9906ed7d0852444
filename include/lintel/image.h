/* SPDX-License-Identifier: MIT */
/*
 * Disk images as files: making, checking, mending and resizing them. To use the
 * files in one, open it with lt_open_fs("image:PATH").
 *
 * Every function locks the image while it works: LT_EBUSY if somebody else has it
 * open for writing (or, for those that write, open at all); `diag` names the process.
 * LT_EINVAL: no Lintel image; LT_EUCLEAN: damaged; LT_EOPNOTSUPP: of a newer version.
 */
#ifndef LINTEL_IMAGE_H
#define LINTEL_IMAGE_H

#include <lintel/error.h>
#include <lintel/fs.h>

/* ---- Making -------------------------------------------------------------------------------- */

/* What lt_image_format() needs; zero-initialise for the defaults. */
struct lt_image_params {
    uint64_t size;          /* bytes; 0: the size that the file has */
    uint32_t block_size;    /* 4096 (default) to 65536, a power of two */
    enum lt_case name_case; /* fixed for the life of the image */
    const char *label;      /* UTF-8, or NULL */
    bool data_checks;       /* CRC-32C of file data, verified on every read */
    uint64_t log_size;      /* bytes; 0: a 64th of the size, 64 KiB to 64 MiB */
    uint64_t nodes_max;     /* 0: no limit but space */
    bool force;             /* overwrite what is there already; else LT_EEXIST */
    uint32_t root_mode;     /* permissions of the root; 0: 0755 */
    uint32_t root_uid, root_gid;
};

/* Makes an image of the file `path`, which is created if it is missing. Durable on return. */
int lt_image_format(const char *path, const struct lt_image_params *params, struct lt_diag *diag);

/* ---- Asking -------------------------------------------------------------------------------- */

struct lt_image_info {
    uint32_t version, block_size;
    uint64_t blocks, free_blocks; /* as of the last checkpoint */
    uint64_t nodes, nodes_max;
    uint64_t log_size;                                       /* bytes */
    uint64_t generation;                                     /* checkpoints so far */
    uint64_t compatible, read_only_compatible, incompatible; /* feature flags */
    uint64_t host_bytes;                                     /* that the host gives to the file */
    uint8_t uuid[16];
    uint32_t serial;
    struct lt_time created;
    enum lt_case name_case;
    bool data_checks;
    bool clean; /* closed in order: nothing to replay */
    char label[3 * LT_LABEL_UNITS_MAX + 1];
};
/* Reads the superblocks and the label; works on damaged images as far as it can. */
int lt_image_info(const char *path, struct lt_image_info *ret, struct lt_diag *diag);

/* Whether the file begins like an image: 1, 0 or an error. */
int lt_image_probe(const char *path);

/* ---- Checking ------------------------------------------------------------------------------ */

/* One thing that is wrong. */
struct lt_image_problem {
    unsigned number;  /* of the table in docs/format/problems.md */
    const char *name; /* a word for programs: "node-damaged" */
    const char *text; /* a sentence with the particulars; borrowed */
    uint64_t node;    /* object id, or 0 */
    uint64_t block;   /* or 0 */
    bool repaired;
};

struct lt_image_check {
    bool repair; /* mend; without it nothing is written */
    bool data;   /* read all file data, and verify the checks it has ("scrub") */
    int (*problem)(void *arg, const struct lt_image_problem *problem); /* non-zero ends it */
    /* Called now and then with what was done of how much; non-zero ends it with LT_EINTR. May be
     * NULL. */
    int (*progress)(void *arg, uint64_t done, uint64_t total);
    void *arg;
};

struct lt_image_check_result {
    uint64_t problems, repaired;
    uint64_t nodes, directories, files, streams; /* found */
    uint64_t items, tree_blocks, data_blocks, free_blocks;
    uint64_t replayed; /* batches of the log */
};

/* Returns 0 if it came to an end, whatever was found. */
int lt_image_check(const char *path, const struct lt_image_check *check,
                   struct lt_image_check_result *ret, struct lt_diag *diag);

/* ---- Changing ------------------------------------------------------------------------------ */

/* Grows or shrinks an image that is not in use; on shrinking, what lies behind is moved forward.
 * LT_ENOSPC. */
int lt_image_resize(const char *path, uint64_t size,
                    int (*progress)(void *arg, uint64_t done, uint64_t total), void *arg,
                    struct lt_diag *diag);

/* Lays the data of fragmented files in one piece, as far as there is room, and gives free space
 * back to the host. */
struct lt_image_defrag_result {
    uint64_t files, moved_files, extents_before, extents_after, trimmed_bytes;
};
int lt_image_defrag(const char *path, int (*progress)(void *arg, uint64_t done, uint64_t total),
                    void *arg, struct lt_image_defrag_result *ret, struct lt_diag *diag);

/* Calls fn with a line for people about each structure: superblocks, log batches, tree nodes and,
 * with `items`, every item; until it is non-zero. */
int lt_image_dump(const char *path, bool items, int (*fn)(void *arg, const char *line), void *arg,
                  struct lt_diag *diag);

#endif
