/* SPDX-License-Identifier: MIT */
/* What `mount -o` may say, sorted into who it is for. */
#ifndef LT_CLI_MOUNT_WORDS_H
#define LT_CLI_MOUNT_WORDS_H

#include <base/json.h>
#include <lintel/mount.h>

#define LT_KERNEL_SLOTS 8 /* groups of kernel options that exclude each other */

/* The words of one -o list. */
struct lt_mount_request {
    bool ro, nonempty, allow_other, default_permissions, debug, blkdev;
    int io_uring, passthrough, writeback; /* enum lt_choice */
    int streams;                          /* enum lt_streams */
    uint64_t threads, max_write;
    uint64_t poll; /* microseconds, UINT_MAX: adaptive */
    char timeout[24], uid[64], gid[64], umask[8];
    char fsname[256], subtype[32];
    char security[4096]; /* SDDL */
    char load[LT_PATH_MAX], save[LT_PATH_MAX], log[LT_PATH_MAX];
    const char *kernel[LT_KERNEL_SLOTS]; /* "noexec"; NULL: the kernel's default */
    char kernel_options[128];            /* all of them, joined */
    struct lt_buffer source_options;     /* what is left: for the source */
    struct lt_mount_options front;
};

/*
 * Parses `list` (or NULL). What is nobody's goes to the source, which knows best. On
 * failure LT_EINVAL, LT_ENOMEM and a sentence. lt_mount_request_fini() in either case;
 * ret->front points into *ret, which must not move.
 */
int lt_mount_request_parse(struct lt_mount_request *ret, const char *list, struct lt_diag *diag);
void lt_mount_request_fini(struct lt_mount_request *request);

/* SOURCE with the options that were meant for it, malloc'd. NULL for lack of memory. */
char *lt_mount_request_source(const struct lt_mount_request *request, const char *source);

/* Our word of which `word` looks like a slip, else NULL. */
const char *lt_mount_word_nearest(const char *word);

#endif
