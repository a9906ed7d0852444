/* SPDX-License-Identifier: MIT */
/*
 * Writing a view with its changes as a new checkpoint: the leaves that changes fall into are
 * written anew, and all nodes above the leaves, all to free blocks; then the bitmaps, to the places
 * that do not count now; then, after a flush, both superblocks. Until the first of these everything
 * is as it was: a crash leaves the old volume or the new one.
 */
#ifndef LT_FS_IMAGE_CHECK_REWRITE_H
#define LT_FS_IMAGE_CHECK_REWRITE_H

#include "view.h"

/*
 * `used`: bitmap of all blocks that will be in use, those of the old tree too; `busy`: bitmap of
 * those that must not be written to before the new checkpoint is there; both may be the same.
 * view->super as it will be (blocks, log_block, nodes, next_id); leaves at or behind its last block
 * are written anew. LT_ENOSPC: not enough free blocks.
 */
int img_rewrite(struct img_view *view, uint64_t *used, const uint64_t *busy);

/* Writes file data that is in the log alone to its place: once the log is empty it must be there.
 * Part of img_rewrite(). */
int img_view_write_logged(struct img_view *view);

#endif
