/* SPDX-License-Identifier: MIT */
/* The directory /lost+found, where objects without names get one: "#" and their id. */
#ifndef LT_FS_IMAGE_CHECK_LOST_H
#define LT_FS_IMAGE_CHECK_LOST_H

#include "census.h"

/* Zero-initialised. */
struct img_lost {
    uint64_t dir; /* its id, once known */
};

/* Gives the object a name there, and takes away all that it tells of other names. A stream becomes
 * a file. The view is settled but for changes of other objects. */
int img_lost_adopt(struct img_lost *lost, struct img_view *view, uint64_t id);

#endif
