/* SPDX-License-Identifier: MIT */
/* Values that may be long, in pieces of IMG_CHUNK bytes: docs/format/image.md, "Chunks". */
#ifndef LT_FS_IMAGE_VALUE_H
#define LT_FS_IMAGE_VALUE_H

#include "store/store.h"

/* Reads the whole value whose first piece is `first` into memory of malloc; at most `max` bytes,
 * more is LT_EUCLEAN. LT_ENOENT. */
int img_value_get(struct img_store *store, struct img_key first, size_t max, uint8_t **ret,
                  size_t *ret_len) REQUIRES_SHARED(img_items);

/* Writes the value, replacing one that may be there. */
int img_value_put(struct img_txn *txn, struct img_key first, const void *value, size_t len);

/* Removes all pieces. LT_ENOENT. */
int img_value_delete(struct img_txn *txn, struct img_key first);

#endif
