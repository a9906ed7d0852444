/* SPDX-License-Identifier: MIT */
/* What it takes to undo the open transaction: a list of its changes, the last one last. */
#ifndef LT_FS_IMAGE_STORE_UNDO_H
#define LT_FS_IMAGE_STORE_UNDO_H

#include "store.h"

enum img_undo_op {
    IMG_UNDO_ITEM, /* put the old value, which follows */
    IMG_UNDO_NEW_ITEM,
    IMG_UNDO_USE,
    IMG_UNDO_FREE,
    IMG_UNDO_NODES
};

struct img_undo {
    size_t prev; /* where the entry before it begins */
    enum img_undo_op op;
    int change;
    struct img_key key;
    uint64_t block, count;
    size_t len; /* of the value behind it */
};

struct img_undo_list {
    uint8_t *bytes;
    size_t len, capacity;
    size_t last;    /* where the last entry begins */
    unsigned items; /* entries that change items */
};

/* Makes room for an entry with a value of `len` bytes. LT_ENOMEM. */
int img_undo_room(struct img_undo_list *list, size_t len);
/* There is room. */
void img_undo_push(struct img_undo_list *list, const struct img_undo *entry, const void *value);
/* Forgets the last entry: its change did not happen. */
void img_undo_drop(struct img_undo_list *list);

/* Undoes all of it, apart from the log. Cannot fail. */
void img_undo_all(struct img_store *store) REQUIRES(img_items);

#endif
