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
    bool closed; /* cannot be opened before it is mended */
};

/* Case i, from 0; NULL behind the last. */
const struct damage_case *damages_at(size_t i);

/* By subject; a case without a name ends each. */
extern const struct damage_case damages_volume[];  /* superblocks, log, tree: 1xx, 2xx, 8xx */
extern const struct damage_case damages_objects[]; /* items and objects: 3xx, 4xx */
extern const struct damage_case damages_names[];   /* 5xx */
extern const struct damage_case damages_data[];    /* data, space and counts: 6xx, 7xx */

#endif
