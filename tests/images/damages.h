/* SPDX-License-Identifier: MIT */
/* An image with a certain damage, for each problem that a check knows. */
#ifndef LT_TESTS_IMAGES_DAMAGES_H
#define LT_TESTS_IMAGES_DAMAGES_H

#include "damage.h"

#define DAMAGES_SIZE (UINT64_C(4) << 20) /* bytes of the image that they want, */
#define DAMAGES_BLOCK 4096u              /* and of its blocks */

struct damage_case {
    const char *name;
    unsigned number; /* found; and no other, unless `more` */
    void (*damage)(struct lt_device *dev);
    bool more;   /* what follows from it is found, too */
    bool stays;  /* cannot be mended */
    bool checks; /* needs data checks */
};

extern const struct damage_case damages[];
extern const size_t damages_count;

#endif
