// SPDX-License-Identifier: MIT
/*
 * Every block is looked at once. Of the leaves found, those count for a range of keys that are
 * newest; and before these, those whose block is marked as in use, for a block that the tree gave
 * up is marked free by the same checkpoint. So where only nodes above the leaves are
 * lost, nothing is, and nothing old comes back: given-up leaves are asked only in place of a leaf.
 */
#include "salvage.h"

#include <fs/image/kinds.h>
#include <fs/image/store/block.h>
#include <os/os.h>
#include <stdlib.h>

#define STRIDE IMG_BLOCK_SIZE_MIN
#define READ_BLOCKS 64u /* at once */

/* ---- Superblocks --------------------------------------------------------------------------- */

/* The size of blocks, by where this one lies and says it lies; 0: it is none. */
static uint32_t size_of_block(const struct img_block_header *h, uint64_t at)
{
    uint64_t block = lt_get_le64(h->block);
    if (lt_get_le32(h->magic) != IMG_BLOCK_MAGIC || block == 0 || at % block != 0)
        return 0;
    uint64_t size = at / block;
    bool power = (size & (size - 1)) == 0;
    return power && size >= IMG_BLOCK_SIZE_MIN && size <= IMG_BLOCK_SIZE_MAX ? (uint32_t)size : 0;
}

/* What the scan for a superblock knows. */
struct search {
    struct lt_device *dev;
    uint8_t *page; /* IMG_BLOCK_SIZE_MAX bytes */
    bool found;
    struct img_super super;
    uint64_t birth; /* of the leaf with the copy */
};

/* Calls fn if a tree node that is valid in itself begins at byte `at`; h: what is there. */
static void try_node(struct search *s, const struct img_block_header *h, uint64_t at,
                     void (*fn)(struct search *s, const struct img_page *page))
{
    struct img_page page;
    const char *why;
    uint32_t size = size_of_block(h, at);
    struct img_page_place place = {lt_get_le64(h->volume), lt_get_le64(h->block), size};
    if (size == 0 || at + size > lt_device_size(s->dev) ||
        lt_device_read(s->dev, at, s->page, size) < 0)
        return;
    if (img_page_open(s->page, &place, &page, &why) == 0 && img_page_verify(&page, &why) == 0)
        fn(s, &page);
}

/* Tries every place where a tree node can begin. What cannot be read has none. */
static int each_node(struct search *s, void (*fn)(struct search *s, const struct img_page *page))
{
    const size_t step = (size_t)READ_BLOCKS * STRIDE;
    uint64_t end = lt_device_size(s->dev) / STRIDE * STRIDE;
    uint8_t *buf = malloc(step);
    if (!buf)
        return LT_ENOMEM;
    for (uint64_t start = 0; start < end; start += step) {
        size_t len = end - start < step ? (size_t)(end - start) : step;
        bool all = lt_device_read(s->dev, start, buf, len) == 0;
        for (size_t i = 0; i < len; i += STRIDE)
            if (all || lt_device_read(s->dev, start + i, buf + i, STRIDE) == 0)
                try_node(s, (const struct img_block_header *)(buf + i), start + i, fn);
    }
    free(buf);
    return 0;
}

/* Takes the copy of the superblock that a leaf may hold. */
static void take_copy(struct search *s, const struct img_page *page)
{
    struct img_super super;
    struct img_key key = IMG_KEY_FIRST;
    const uint8_t *value = NULL;
    size_t len = 0;
    if (page->level > 0 || (s->found && page->birth < s->birth))
        return;
    for (unsigned i = 0; i < page->count && key.id == 0 && key.kind < IMG_VOLUME; i++)
        img_page_record(page, i, &key, &value, &len);
    if (key.id != 0 || key.kind != IMG_VOLUME || len != IMG_SUPER_SIZE)
        return;
    if (img_super_decode(value, 0, &super, NULL) < 0 || super.block_size != page->size)
        return;
    s->super = super;
    s->birth = page->birth;
    s->found = true;
}

/* The root is the highest of the newest nodes: every checkpoint writes it anew. */
static void take_root(struct search *s, const struct img_page *page)
{
    const struct img_block_header *h = (const struct img_block_header *)page->bytes;
    struct img_root *root = &s->super.root;
    if (page->size != s->super.block_size || lt_get_le64(h->volume) != img_super_volume(&s->super))
        return;
    if (page->birth > root->birth || (page->birth == root->birth && page->level > root->level))
        *root = (struct img_root){page->block, page->birth, page->level};
}

int img_salvage_super(struct img_view *view, struct lt_diag *diag)
{
    struct search s = {.dev = view->dev, .page = malloc(IMG_BLOCK_SIZE_MAX)};
    if (!s.page)
        return LT_ENOMEM;
    int r = each_node(&s, take_copy);
    if (s.found) {
        s.super.root = (struct img_root){0};
        r = each_node(&s, take_root);
        uint64_t blocks = lt_device_size(view->dev) / s.super.block_size;
        if (blocks % img_group_blocks(s.super.block_size) < IMG_GROUP_BLOCKS_MIN)
            blocks -= blocks % img_group_blocks(s.super.block_size);
        s.super.blocks = blocks; /* it may have grown since the copy was made */
        s.super.generation = s.super.root.birth;
        view->super = s.super;
    }
    free(s.page);
    if (!s.found)
        return lt_diag_set(diag, LT_EINVAL,
                           "both superblocks are lost, and no copy of them was found");
    return r;
}

/* ---- Leaves -------------------------------------------------------------------------------- */

struct candidates {
    struct img_leaf *list;
    size_t count, room;
    struct img_leaf **heap; /* of those whose range is open: the best is first */
    size_t heap_count;
};

/* Reads what the newest bitmaps of all groups say. Of a group without one everything counts as in
 * use. */
static void guess_marks(struct img_view *view, uint64_t *bits)
{
    for (uint64_t g = 0; g < view->groups; g++) {
        uint64_t first = g * view->group_blocks, best = 0, any;
        uint64_t size = img_view_group_size(view, g);
        for (unsigned i = 0; i < 2; i++) {
            struct img_block_header *h = (struct img_block_header *)view->page;
            uint64_t block = first + IMG_BITMAP_PLACE + i;
            if (img_view_block(view, block, view->page) < 0)
                continue;
            struct img_block_id id = {view->volume, block, lt_get_le64(h->birth), IMG_BLOCK_BITMAP};
            if (img_block_verify(view->page, view->super.block_size, &id) < 0 || id.birth <= best ||
                id.birth > view->super.generation)
                continue;
            best = id.birth;
            const uint8_t *map = view->page + sizeof(*h);
            for (uint64_t b = 0; b < size; b++) {
                if (map[b / 8] >> (b % 8) & 1)
                    img_bit_set(bits, first + b);
                else
                    img_bit_clear(bits, first + b);
            }
        }
        if (best == 0)
            img_bits_set(bits, first, size, &any);
    }
}

/* Notes a block that is a leaf. */
static int take_leaf(struct img_view *view, uint64_t block, const uint8_t *bytes, bool stale,
                     struct candidates *c)
{
    struct img_page_place place = {view->volume, block, view->super.block_size};
    struct img_leaf leaf = {.block = block, .salvaged = true, .stale = stale};
    struct img_page page;
    const char *why;
    const uint8_t *value;
    size_t len;
    if (img_page_open(bytes, &place, &page, &why) < 0 || page.level > 0 || page.count == 0 ||
        page.birth > view->super.generation || img_page_verify(&page, &why) < 0)
        return 0;
    img_page_record(&page, 0, &leaf.first, &value, &len);
    img_page_record(&page, page.count - 1u, &leaf.last, &value, &len);
    leaf.birth = page.birth;
    int r = img_grow(&c->list, c->count, &c->room, sizeof(*c->list));
    if (r == 0)
        c->list[c->count++] = leaf;
    return r;
}

/* Looks at `count` blocks, read at once or, where that fails, one by one. */
static int look_at(struct img_view *view, uint64_t first, uint64_t count, uint8_t *buf,
                   const uint64_t *marks, struct candidates *c)
{
    uint32_t size = view->super.block_size;
    bool all = lt_device_read(view->dev, first * size, buf, count * size) == 0;
    int r = 0;
    for (uint64_t i = 0; r == 0 && i < count; i++) {
        uint8_t *bytes = buf + i * size;
        if (img_bit(view->reached, first + i) ||
            (!all && img_view_block(view, first + i, bytes) < 0))
            continue;
        r = take_leaf(view, first + i, bytes, !img_bit(marks, first + i), c);
    }
    return r;
}

static int find_leaves(struct img_view *view, const uint64_t *marks, struct candidates *c)
{
    uint64_t blocks = view->super.blocks;
    uint8_t *buf = malloc((size_t)READ_BLOCKS * view->super.block_size);
    int r = buf ? 0 : LT_ENOMEM;
    view->total += blocks;
    for (uint64_t b = 0; r == 0 && b < blocks; b += READ_BLOCKS) {
        uint64_t n = blocks - b < READ_BLOCKS ? blocks - b : READ_BLOCKS;
        r = look_at(view, b, n, buf, marks, c);
        if (r == 0)
            r = img_view_progress(view, n);
    }
    free(buf);
    return r;
}

static int by_first(const void *a, const void *b)
{
    const struct img_leaf *x = a, *y = b;
    return img_key_compare(x->first, y->first);
}

static bool better(const struct img_leaf *a, const struct img_leaf *b)
{
    if (a->stale != b->stale)
        return b->stale;
    return a->birth > b->birth;
}

static void heap_push(struct candidates *c, struct img_leaf *leaf)
{
    size_t i = c->heap_count++;
    for (; i > 0 && better(leaf, c->heap[(i - 1) / 2]); i = (i - 1) / 2)
        c->heap[i] = c->heap[(i - 1) / 2];
    c->heap[i] = leaf;
}

static void heap_pop(struct candidates *c)
{
    struct img_leaf *last = c->heap[--c->heap_count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < c->heap_count; i = child) {
        if (child + 1 < c->heap_count && better(c->heap[child + 1], c->heap[child]))
            child++;
        if (!better(c->heap[child], last))
            break;
        c->heap[i] = c->heap[child];
    }
    c->heap[i] = last;
}

/* The key behind one that is not the last. */
static struct img_key key_after(struct img_key key)
{
    if (++key.off > 0)
        return key;
    if (++key.kind > 0)
        return key;
    key.id++;
    return key;
}

/* Fills one hole: at each key the best of the leaves whose records are on both sides of it. */
static int fill(struct img_view *view, struct candidates *c, const struct img_hole *hole)
{
    struct img_key at = hole->first;
    size_t next = 0;
    c->heap_count = 0;
    while (img_key_compare(at, hole->last) <= 0) {
        for (; next < c->count && img_key_compare(c->list[next].first, at) <= 0; next++)
            if (hole->leaf || !c->list[next].stale)
                heap_push(c, &c->list[next]);
        while (c->heap_count > 0 && img_key_compare(c->heap[0]->last, at) < 0)
            heap_pop(c);
        if (c->heap_count == 0 && next == c->count)
            return 0;
        if (c->heap_count == 0) {
            at = c->list[next].first;
            continue;
        }
        struct img_leaf piece = *c->heap[0];
        piece.first = at;
        for (; next < c->count && img_key_compare(c->list[next].first, piece.last) <= 0; next++) {
            if (!hole->leaf && c->list[next].stale)
                continue;
            if (better(&c->list[next], c->heap[0])) {
                piece.last = img_key_before(c->list[next].first);
                break;
            }
            heap_push(c, &c->list[next]);
        }
        if (img_key_compare(piece.last, hole->last) > 0)
            piece.last = hole->last;
        img_bit_set(view->reached, piece.block);
        int r = img_view_leaf(view, &piece);
        if (r < 0 || img_key_compare(piece.last, IMG_KEY_LAST) == 0)
            return r;
        at = key_after(piece.last);
    }
    return 0;
}

int img_salvage_leaves(struct img_view *view)
{
    struct candidates c = {0};
    uint64_t *marks = calloc(view->bitmap_words, sizeof(uint64_t));
    int r = marks ? 0 : LT_ENOMEM;
    if (r == 0) {
        guess_marks(view, marks);
        r = find_leaves(view, marks, &c);
    }
    if (r == 0 && c.count > 0) {
        qsort(c.list, c.count, sizeof(*c.list), by_first);
        c.heap = malloc(c.count * sizeof(struct img_leaf *));
        r = c.heap ? 0 : LT_ENOMEM;
        for (size_t i = 0; r == 0 && i < view->hole_count; i++)
            r = fill(view, &c, &view->holes[i]);
    }
    free(marks);
    free(c.list);
    free(c.heap);
    img_leaf_sort(view);
    view->hole_count = 0;
    view->salvaged = true;
    return r;
}
