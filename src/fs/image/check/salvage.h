/* SPDX-License-Identifier: MIT */
/* What can be had of a damaged tree: leaves that no damage reached, found by looking into every
 * block. */
#ifndef LT_FS_IMAGE_CHECK_SALVAGE_H
#define LT_FS_IMAGE_CHECK_SALVAGE_H

#include "view.h"

/* Makes up view->super from what the metadata blocks tell. LT_EINVAL: there are none. */
int img_salvage_super(struct img_view *view, struct lt_diag *diag);

/* Fills the holes of the view with the newest leaves that can be found. */
int img_salvage_leaves(struct img_view *view);

#endif
