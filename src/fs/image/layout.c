// SPDX-License-Identifier: MIT
#include "layout.h"

#include <assert.h>
#include <base/hash.h>

void img_layout_init(struct img_layout *layout, struct img_fs *fs)
{
    layout->store = fs->store;
    layout->data = fs->data;
    layout->unwritten = false;
    layout->count = 0;
    layout->seg_count = 0;
}

static bool has_checks(const struct img_layout *layout)
{
    return layout->store->super.data_check_size > 0;
}

/* ---- Planning ------------------------------------------------------------------------------ */

static enum img_piece_kind kind_of(const struct img_layout *layout, const struct img_run *run)
{
    if (run->block == 0)
        return IMG_NEW;
    if (run->unwritten)
        return IMG_FILL;
    return has_checks(layout) ? IMG_NEW : IMG_OVERWRITE;
}

/* The block behind that of the file's logical block before `at`, or 0. */
static int find_goal(struct img_node *node, uint64_t at, uint64_t *ret) REQUIRES_SHARED(img_items)
{
    struct img_run run;
    *ret = 0;
    if (at == 0 || node->inode.blocks == 0)
        return 0;
    int r = img_map_find(node, at - 1, &run);
    if (r == 0 && run.block != 0)
        *ret = run.block + 1;
    return r;
}

static uint64_t planned(const struct img_layout *layout)
{
    uint64_t blocks = 0;
    for (size_t i = 0; i < layout->count; i++)
        blocks += layout->pieces[i].count;
    return blocks;
}

int img_layout_plan(struct img_layout *layout, struct img_node *node, uint64_t at, uint64_t count,
                    uint64_t *ret_count)
{
    uint64_t done = 0, max = has_checks(layout) ? IMG_LAYOUT_BLOCKS - planned(layout) : count;
    uint32_t size = img_block_size(layout->store);
    struct img_run run;
    count = img_min(count, max);
    while (done < count && layout->count < IMG_LAYOUT_PIECES) {
        struct img_piece piece = {.node = node, .logical = at + done};
        int r = img_map_find(node, piece.logical, &run);
        if (r < 0)
            return r;
        piece.kind = kind_of(layout, &run);
        piece.count = img_min(run.count, count - done);
        if (has_checks(layout))
            piece.count = img_min(piece.count, IMG_CHECKED_BLOCKS_MAX);
        piece.len = piece.count * size;
        piece.birth = piece.kind == IMG_NEW ? 0 : run.birth;
        if (piece.kind != IMG_NEW)
            piece.block = run.block;
        else if (done == 0)
            r = find_goal(node, at, &piece.goal);
        if (r < 0)
            return r;
        layout->pieces[layout->count++] = piece;
        done += piece.count;
    }
    *ret_count = done;
    return 0;
}

/* ---- Allocating ---------------------------------------------------------------------------- */

uint64_t img_layout_new(const struct img_layout *layout)
{
    uint64_t blocks = 0;
    for (size_t i = 0; i < layout->count; i++)
        blocks += layout->pieces[i].kind == IMG_NEW ? layout->pieces[i].count : 0;
    return blocks;
}

/* Cuts piece i off behind `count` blocks; the rest becomes a piece of its own if there is room,
 * else it and all that follow go. */
static void split(struct img_layout *layout, size_t i, uint64_t count)
{
    struct img_piece *piece = &layout->pieces[i];
    struct img_piece rest = *piece;
    uint64_t len = count * img_block_size(layout->store);
    assert(piece->skip == 0);
    piece->count = count;
    piece->len = len;
    if (layout->count == IMG_LAYOUT_PIECES) {
        layout->count = i + 1;
        return;
    }
    rest.logical += count;
    rest.count -= count;
    rest.len -= len;
    rest.goal = 0;
    memmove(piece + 2, piece + 1, (layout->count - i - 1) * sizeof(*piece));
    piece[1] = rest;
    layout->count++;
}

/* Blocks that the new pieces from i on need up to the next that has a goal of its own. */
static uint64_t needed(const struct img_layout *layout, size_t i)
{
    uint64_t blocks = layout->pieces[i].count;
    while (++i < layout->count && layout->pieces[i].goal == 0)
        blocks += layout->pieces[i].kind == IMG_NEW ? layout->pieces[i].count : 0;
    return blocks;
}

/* Gives `count` blocks to the pieces from *i on. */
static void give(struct img_layout *layout, size_t *i, uint64_t block, uint64_t count)
{
    while (count > 0) {
        struct img_piece *piece = &layout->pieces[*i];
        if (piece->kind == IMG_NEW) {
            if (piece->count > count)
                split(layout, *i, count);
            piece->block = block;
            block += piece->count;
            count -= piece->count;
        }
        ++*i;
    }
}

int img_layout_allocate(struct img_layout *layout)
{
    struct img_space *space = layout->store->space;
    uint64_t goal = atomic_load_explicit(&layout->data->goal, memory_order_relaxed);
    for (size_t i = 0; i < layout->count;) {
        uint64_t block, got;
        if (layout->pieces[i].kind != IMG_NEW) {
            i++;
            continue;
        }
        if (layout->pieces[i].goal > 0)
            goal = layout->pieces[i].goal;
        int r = img_space_alloc(space, goal, 1, needed(layout, i), &block, &got);
        if (r < 0) {
            img_layout_release(layout);
            return r;
        }
        goal = block + got;
        give(layout, &i, block, got);
    }
    atomic_store_explicit(&layout->data->goal, goal, memory_order_relaxed);
    return 0;
}

void img_layout_release(struct img_layout *layout)
{
    for (size_t i = 0; i < layout->count; i++) {
        struct img_piece *piece = &layout->pieces[i];
        if (piece->kind == IMG_NEW && piece->block != 0)
            img_space_release(layout->store->space, piece->block, piece->count);
    }
    layout->count = 0;
}

/* ---- Writing ------------------------------------------------------------------------------- */

/* Goes along the segments of a layout. */
struct cursor {
    const struct lt_seg *seg;
    size_t done; /* bytes of it */
};

/* The next run of memory, of at most `len` bytes. */
static struct lt_seg cursor_take(struct cursor *c, uint64_t len)
{
    while (c->done == c->seg->len) {
        c->seg++;
        c->done = 0;
    }
    struct lt_seg part = {(uint8_t *)c->seg->base + c->done,
                          (size_t)img_min(len, c->seg->len - c->done)};
    c->done += part.len;
    return part;
}

static uint32_t block_check(struct cursor *c, uint32_t size)
{
    uint32_t crc = 0;
    while (size > 0) {
        struct lt_seg part = cursor_take(c, size);
        crc = lt_crc32c(crc, part.base, part.len);
        size -= (uint32_t)part.len;
    }
    return crc;
}

/* With data checks pieces are whole blocks. */
static void compute_checks(struct img_layout *layout)
{
    uint32_t size = img_block_size(layout->store);
    struct cursor cursor = {layout->segs, 0};
    size_t n = 0;
    for (size_t i = 0; i < layout->count; i++) {
        const struct img_piece *piece = &layout->pieces[i];
        for (uint64_t b = 0; b < piece->count && piece->kind != IMG_TINY; b++)
            layout->checks[n++] = lt_put_le32(block_check(&cursor, size));
    }
}

static uint64_t start_of(const struct img_layout *layout, const struct img_piece *piece)
{
    return piece->block * img_block_size(layout->store) + piece->skip;
}

/* Pieces from i on that lie behind one another on the device: returns the first that does not. */
static size_t row_end(const struct img_layout *layout, size_t i)
{
    uint64_t end = start_of(layout, &layout->pieces[i]) + layout->pieces[i].len;
    while (++i < layout->count && layout->pieces[i].kind != IMG_TINY &&
           start_of(layout, &layout->pieces[i]) == end)
        end += layout->pieces[i].len;
    return i;
}

int img_layout_write(struct img_layout *layout, bool logged)
{
    struct cursor cursor = {layout->segs, 0};
    if (has_checks(layout))
        compute_checks(layout);
    for (size_t i = 0, next; i < layout->count; i = next) {
        struct lt_seg segs[IMG_LAYOUT_SEGS];
        const struct img_piece *piece = &layout->pieces[i];
        uint64_t len = 0;
        size_t count = 0;
        next = i + 1;
        if (piece->kind == IMG_TINY)
            continue;
        next = row_end(layout, i);
        for (size_t k = i; k < next; k++)
            len += layout->pieces[k].len;
        while (len > 0) {
            segs[count] = cursor_take(&cursor, len);
            len -= segs[count++].len;
        }
        int r = count == 0
                    ? 0
                    : img_data_write(layout->store, piece->block, piece->skip, segs, count, logged);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- In a transaction ---------------------------------------------------------------------- */

/* Blocks of new pieces from *i on that lie in one row on the device. */
static struct img_piece new_row(const struct img_layout *layout, size_t *i)
{
    struct img_piece row = layout->pieces[*i];
    while (++*i < layout->count) {
        const struct img_piece *piece = &layout->pieces[*i];
        if (piece->kind != IMG_NEW || piece->block != row.block + row.count)
            break;
        row.count += piece->count;
    }
    return row;
}

static int use_new(struct img_layout *layout, struct img_txn *txn) REQUIRES(img_items)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < layout->count;) {
        if (layout->pieces[i].kind == IMG_NEW) {
            struct img_piece row = new_row(layout, &i);
            r = img_use(txn, row.block, row.count);
        } else {
            i++;
        }
    }
    return r;
}

int img_layout_apply(struct img_layout *layout, struct img_txn *txn)
{
    const struct lt_le32 *checks = has_checks(layout) ? layout->checks : NULL;
    int r = use_new(layout, txn);
    for (size_t i = 0; r == 0 && i < layout->count; i++) {
        const struct img_piece *piece = &layout->pieces[i];
        struct img_run run = {.logical = piece->logical,
                              .count = piece->count,
                              .block = piece->block,
                              .birth = piece->birth,
                              .unwritten = layout->unwritten,
                              .checks = checks ? checks->b : NULL};
        if (piece->kind == IMG_NEW || piece->kind == IMG_FILL)
            r = img_map_set(txn, piece->node, &run);
        if (checks && piece->kind != IMG_TINY)
            checks += piece->count;
    }
    return r;
}

/* How many bytes of a piece have to be in the log. */
static uint64_t logged_len(const struct img_layout *layout, const struct img_piece *piece)
    REQUIRES_SHARED(img_items)
{
    uint64_t start = piece->logical * img_block_size(layout->store) + piece->skip;
    uint64_t size = piece->node->inode.size;
    if (has_checks(layout))
        return piece->len;
    return start < size ? img_min(piece->len, size - start) : 0;
}

int img_layout_log(struct img_layout *layout, struct img_txn *txn)
{
    uint32_t size = img_block_size(layout->store);
    struct cursor cursor = {layout->segs, 0};
    for (size_t i = 0; i < layout->count; i++) {
        const struct img_piece *piece = &layout->pieces[i];
        uint64_t at = piece->skip, end = at + logged_len(layout, piece);
        uint64_t all = piece->kind == IMG_TINY ? at : at + piece->len;
        while (at < all) {
            struct lt_seg part = cursor_take(&cursor, all - at);
            size_t len = at < end ? (size_t)img_min(part.len, end - at) : 0;
            int r = len == 0 ? 0
                             : img_log_data(txn, piece->block + at / size, (uint32_t)(at % size),
                                            part.base, len);
            if (r < 0)
                return r;
            at += part.len;
        }
    }
    return 0;
}
