// SPDX-License-Identifier: MIT
#include "overlay.h"

#include <stdlib.h>

void img_overlay_fini(struct img_overlay *overlay)
{
    free(overlay->patches);
    free(overlay->bytes);
    *overlay = (struct img_overlay){.block_size = overlay->block_size};
}

static int add_bytes(struct img_overlay *overlay, const void *bytes, size_t len)
{
    if (len > overlay->room - overlay->len) {
        size_t room = overlay->room ? overlay->room : 65536;
        while (room - overlay->len < len)
            room *= 2;
        uint8_t *grown = realloc(overlay->bytes, room);
        if (!grown)
            return LT_ENOMEM;
        overlay->bytes = grown;
        overlay->room = room;
    }
    memcpy(overlay->bytes + overlay->len, bytes, len);
    overlay->len += len;
    return 0;
}

static int add_patch(struct img_overlay *overlay, const struct img_patch *patch)
{
    if (overlay->count == overlay->capacity) {
        size_t capacity = overlay->capacity ? 2 * overlay->capacity : 64;
        struct img_patch *patches = realloc(overlay->patches, capacity * sizeof(*patches));
        if (!patches)
            return LT_ENOMEM;
        overlay->patches = patches;
        overlay->capacity = capacity;
    }
    overlay->patches[overlay->count++] = *patch;
    return 0;
}

int img_overlay_add(struct img_overlay *overlay, uint64_t start, const void *bytes, size_t len)
{
    size_t at = overlay->len;
    int r = add_bytes(overlay, bytes, len);
    while (len > 0 && r == 0) {
        uint32_t rest = overlay->block_size - (uint32_t)(start % overlay->block_size);
        uint32_t n = len < rest ? (uint32_t)len : rest;
        r = add_patch(overlay, &(struct img_patch){.start = start, .at = at, .len = n});
        start += n;
        at += n;
        len -= n;
    }
    return r;
}

static void swap(struct img_patch *a, struct img_patch *b)
{
    struct img_patch keep = *a;
    *a = *b;
    *b = keep;
}

/* By block, then by age. */
static bool before(const struct img_overlay *overlay, size_t a, size_t b)
{
    uint64_t block_a = overlay->patches[a].start / overlay->block_size;
    uint64_t block_b = overlay->patches[b].start / overlay->block_size;
    return block_a != block_b ? block_a < block_b : overlay->patches[a].at < overlay->patches[b].at;
}

static void sift(struct img_overlay *overlay, size_t root, size_t count)
{
    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= count)
            return;
        if (child + 1 < count && before(overlay, child, child + 1))
            child++;
        if (!before(overlay, root, child))
            return;
        swap(&overlay->patches[root], &overlay->patches[child]);
        root = child;
    }
}

/* A heap sort: n log n whatever the log holds. */
void img_overlay_sort(struct img_overlay *overlay)
{
    for (size_t i = overlay->count / 2; i-- > 0;)
        sift(overlay, i, overlay->count);
    for (size_t left = overlay->count; left-- > 1;) {
        swap(&overlay->patches[0], &overlay->patches[left]);
        sift(overlay, 0, left);
    }
}

/* The first patch of this block or a later one. */
static size_t find(const struct img_overlay *overlay, uint64_t block)
{
    size_t low = 0, high = overlay->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (overlay->patches[middle].start / overlay->block_size < block)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void img_overlay_apply(const struct img_overlay *overlay, uint64_t start, void *buf, size_t len)
{
    if (overlay->count == 0 || len == 0)
        return;
    uint64_t end = start + len;
    uint64_t last = (end - 1) / overlay->block_size;
    for (size_t i = find(overlay, start / overlay->block_size); i < overlay->count; i++) {
        const struct img_patch *patch = &overlay->patches[i];
        if (patch->start / overlay->block_size > last)
            break;
        uint64_t from = patch->start > start ? patch->start : start;
        uint64_t stop = patch->start + patch->len < end ? patch->start + patch->len : end;
        if (from < stop)
            memcpy((uint8_t *)buf + (from - start),
                   overlay->bytes + patch->at + (from - patch->start), (size_t)(stop - from));
    }
}
