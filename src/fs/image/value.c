// SPDX-License-Identifier: MIT
#include "value.h"

#include "kinds.h"

#include <stdlib.h>

/* More than any value has: bounds what a damaged image can ask of a transaction. */
#define PIECES_MAX 128u

static struct img_key piece_key(struct img_key first, size_t i)
{
    first.off += i;
    return first;
}

/* Bytes of the value, at most `max`. */
static int value_length(struct img_store *store, struct img_key first, size_t max, size_t *ret)
    REQUIRES_SHARED(img_items)
{
    size_t total = 0, len = IMG_CHUNK;
    for (size_t i = 0; len == IMG_CHUNK; i++) {
        const void *piece;
        int r = img_get(store, piece_key(first, i), &piece, &len);
        if (r == LT_ENOENT && i > 0)
            break;
        if (r < 0)
            return r;
        if (len > IMG_CHUNK || total + len > max)
            return LT_EUCLEAN;
        total += len;
    }
    *ret = total;
    return 0;
}

int img_value_get(struct img_store *store, struct img_key first, size_t max, uint8_t **ret,
                  size_t *ret_len)
{
    size_t total, done = 0;
    int r = value_length(store, first, max, &total);
    if (r < 0)
        return r;
    uint8_t *value = malloc(total + 1); /* never 0 bytes */
    if (!value)
        return LT_ENOMEM;
    for (size_t i = 0; done < total; i++) {
        const void *piece;
        size_t len;
        r = img_get(store, piece_key(first, i), &piece, &len);
        if (r < 0) {
            free(value);
            return r;
        }
        memcpy(value + done, piece, len);
        done += len;
    }
    *ret = value;
    *ret_len = total;
    return 0;
}

/* Removes the pieces from number `i` on. */
static int cut(struct img_txn *txn, struct img_key first, size_t i)
{
    for (;; i++) {
        int r = img_delete(txn, piece_key(first, i));
        if (r < 0)
            return r == LT_ENOENT ? 0 : r;
        if (i >= PIECES_MAX)
            return LT_EUCLEAN;
    }
}

int img_value_put(struct img_txn *txn, struct img_key first, const void *value, size_t len)
{
    const uint8_t *from = value;
    size_t i = 0, left = len;
    do {
        size_t piece = left < IMG_CHUNK ? left : IMG_CHUNK;
        int r = img_put(txn, piece_key(first, i++), from, piece);
        if (r < 0)
            return r;
        from = piece ? from + piece : from;
        left -= piece;
    } while (left > 0);
    return cut(txn, first, i);
}

int img_value_delete(struct img_txn *txn, struct img_key first)
{
    int r = img_delete(txn, first);
    return r < 0 ? r : cut(txn, first, 1);
}
