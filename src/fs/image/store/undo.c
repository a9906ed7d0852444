// SPDX-License-Identifier: MIT
#include "private.h"

#include <stdlib.h>

int img_undo_room(struct img_undo_list *list, size_t len)
{
    size_t need = list->len + sizeof(struct img_undo) + len + 16;
    if (need <= list->capacity)
        return 0;
    size_t capacity = list->capacity ? list->capacity : 4096;
    while (capacity < need)
        capacity *= 2;
    uint8_t *bytes = realloc(list->bytes, capacity);
    if (!bytes)
        return LT_ENOMEM;
    list->bytes = bytes;
    list->capacity = capacity;
    return 0;
}

static struct img_undo *undo_at(struct img_undo_list *list, size_t at)
{
    return (struct img_undo *)(void *)(list->bytes + at);
}

void img_undo_push(struct img_undo_list *list, const struct img_undo *entry, const void *value)
{
    struct img_undo *to = undo_at(list, list->len);
    *to = *entry;
    to->prev = list->last;
    if (entry->len > 0)
        memcpy(to + 1, value, entry->len);
    list->last = list->len;
    list->len += (sizeof(*to) + entry->len + 15) & ~(size_t)15;
    list->items += entry->op == IMG_UNDO_ITEM || entry->op == IMG_UNDO_NEW_ITEM;
}

void img_undo_drop(struct img_undo_list *list)
{
    const struct img_undo *entry = undo_at(list, list->last);
    list->items -= entry->op == IMG_UNDO_ITEM || entry->op == IMG_UNDO_NEW_ITEM;
    list->len = list->last;
    list->last = entry->prev;
}

static int undo_one(struct img_store *store, const struct img_undo *entry)
{
    switch (entry->op) {
    case IMG_UNDO_ITEM:
        return img_tree_put(store->tree, entry->key, entry + 1, entry->len);
    case IMG_UNDO_NEW_ITEM:
        return img_tree_delete(store->tree, entry->key);
    case IMG_UNDO_USE:
        img_space_unuse(store->space, entry->block, entry->count);
        break;
    case IMG_UNDO_FREE:
        img_space_unfree(store->space, entry->block, entry->count);
        break;
    case IMG_UNDO_NODES:
        store->super.nodes -= (uint64_t)(int64_t)entry->change;
        break;
    }
    return 0;
}

void img_undo_all(struct img_store *store)
{
    struct img_undo_list *list = &store->priv->undo;
    img_tree_undoing(store->tree, true);
    while (list->len > 0) {
        int r = undo_one(store, undo_at(list, list->last));
        /* img_tree_reserve() saw to it that this does not happen; if it does, nothing of what is in
         * memory may reach the device. */
        if (r < 0)
            img_latch(store, LT_EIO);
        img_undo_drop(list);
    }
    img_tree_undoing(store->tree, false);
}
