/* SPDX-License-Identifier: MIT */
/*
 * Symbolic links as reparse data (MS-FSCC 2.1.2.4), and their targets as POSIX has them.
 *
 * A target of POSIX becomes a relative one of Windows: what begins with '/' there begins with a
 * backslash here, which Windows takes from the root of the volume that the link is on.
 */
#ifndef LT_FRONT_WINFSP_SYMLINK_H
#define LT_FRONT_WINFSP_SYMLINK_H

#include "volume.h"

#define FSP_TAG_MOUNT_POINT 0xa0000003u
#define FSP_TAG_SYMLINK 0xa000000cu
#define FSP_TAG_NFS 0x80000014u

/* Units of a target; what LT_REPARSE_SIZE_MAX has room for. */
#define FSP_TARGET_MAX ((LT_REPARSE_SIZE_MAX - 20) / 2)

struct fsp_symlink {
    struct lt_wide target; /* the substitute name: where it leads */
    bool relative;         /* to the directory, or with a leading backslash to the volume's root;
                              else a path of NT's whole namespace */
};

/* The tag of reparse data of at least four bytes. */
uint32_t fsp_reparse_tag_of(struct lt_str data);

/* Reparse data of a link to `target`; returns its length. LT_ERANGE. */
int fsp_symlink_encode(const uint16_t *target, size_t units, bool relative, void *buf, size_t size);
/* LT_EINVAL: no symbolic link, or of bad form. The target lies in `data`. */
int fsp_symlink_decode(struct lt_str data, struct fsp_symlink *ret);

/* Targets, of at most LT_PATH_MAX - 1 bytes and FSP_TARGET_MAX units. Return bytes (a NUL is added)
 * and units; errors as those of names. */
int fsp_target_to_posix(const struct lt_winfsp *v, struct lt_wide target, char *ret, size_t size);
int fsp_target_from_posix(const struct lt_winfsp *v, struct lt_str target, uint16_t *ret,
                          size_t max);

#endif
