// SPDX-License-Identifier: MIT
#include "map.h"

#include "store/varint.h"

#include <assert.h>

/* Bytes that an encoded extent has at most: checks of 16 bytes are the largest. */
#define EXTENT_MAX (1 + 3 * IMG_VARINT_MAX + IMG_CHECKED_BLOCKS_MAX * IMG_CHECK_SIZE)

/* An extent and where in the file it begins. */
struct piece {
    uint64_t logical;
    struct img_extent extent; /* checks: borrowed, or in a struct copy */
};

static struct img_store *store_of(const struct img_node *node)
{
    return img_fs_of(node)->store;
}

static uint32_t check_size(const struct img_node *node)
{
    return store_of(node)->super.data_check_size;
}

static uint64_t end_of(const struct piece *p)
{
    return p->logical + p->extent.count;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t img_map_limit(const struct img_node *node)
{
    return (UINT64_C(1) << 63) / img_block_size(store_of(node));
}

/* ---- Finding ------------------------------------------------------------------------------- */

/* Whether a superblock, the log or a place of a bitmap is among the blocks. */
static bool is_metadata(const struct img_super *super, uint64_t block, uint64_t count)
{
    uint64_t group = img_group_blocks(super->block_size), within = block % group;
    uint64_t bitmap = block - within + IMG_BITMAP_PLACE;
    if (within == IMG_BITMAP_PLACE + 1)
        return true;
    if (within > IMG_BITMAP_PLACE)
        bitmap += group;
    return block < 2 || bitmap < block + count ||
           (block < super->log_block + super->log_blocks && super->log_block < block + count);
}

static int decode(const struct img_node *node, uint64_t logical, const void *value, size_t len,
                  struct piece *ret)
{
    struct piece p = {.logical = logical};
    const struct img_super *super = &store_of(node)->super;
    uint64_t limit = img_map_limit(node), blocks = super->blocks;
    int r = img_extent_decode(value, len, check_size(node), &p.extent);
    if (r < 0)
        return r;
    if (logical >= limit || p.extent.count > limit - logical || p.extent.block >= blocks ||
        p.extent.count > blocks - p.extent.block ||
        is_metadata(super, p.extent.block, p.extent.count))
        return LT_EUCLEAN;
    *ret = p;
    return 0;
}

static bool is_inline(const struct img_node *node)
{
    return node->inode.extent_len > 0;
}

/* Decodes an item if it is an EXTENT of this node. */
static int take_item(const struct img_node *node, struct img_key key, const void *value, size_t len,
                     struct piece *ret)
{
    if (key.id != node->base.id || key.kind != IMG_EXTENT)
        return LT_ENOENT;
    return decode(node, key.off, value, len, ret);
}

/* The last extent that begins at or before `at`. LT_ENOENT. */
static int piece_before(struct img_node *node, uint64_t at, struct piece *ret)
    REQUIRES_SHARED(img_items)
{
    const struct img_inode *inode = &node->inode;
    const void *value;
    size_t len;
    if (inode->blocks == 0)
        return LT_ENOENT;
    if (is_inline(node))
        return decode(node, 0, inode->extent, inode->extent_len, ret);
    struct img_key key = img_key(node->base.id, IMG_EXTENT, at);
    int r = img_prev(store_of(node), &key, &value, &len);
    return r < 0 ? r : take_item(node, key, value, len, ret);
}

/* The first extent that begins at or behind `at`. LT_ENOENT. */
static int piece_from(struct img_node *node, uint64_t at, struct piece *ret)
    REQUIRES_SHARED(img_items)
{
    const void *value;
    size_t len;
    if (node->inode.blocks == 0)
        return LT_ENOENT;
    if (is_inline(node))
        return at > 0 ? LT_ENOENT : piece_before(node, 0, ret);
    struct img_key key = img_key(node->base.id, IMG_EXTENT, at);
    int r = img_next(store_of(node), &key, &value, &len);
    return r < 0 ? r : take_item(node, key, value, len, ret);
}

/* The part of an extent from logical block `from` to `end`. */
static struct piece slice(const struct img_node *node, const struct piece *p, uint64_t from,
                          uint64_t end)
{
    struct piece part = *p;
    uint64_t skip = from - p->logical;
    part.logical = from;
    part.extent.block += skip;
    part.extent.count = end - from;
    if (part.extent.checks)
        part.extent.checks += skip * check_size(node);
    return part;
}

static void found(struct img_run *ret, const struct piece *p)
{
    *ret = (struct img_run){.logical = p->logical,
                            .count = p->extent.count,
                            .block = p->extent.block,
                            .unwritten = p->extent.unwritten,
                            .birth = p->extent.birth,
                            .checks = p->extent.checks};
}

int img_map_find(struct img_node *node, uint64_t at, struct img_run *ret)
{
    struct piece p;
    uint64_t limit = img_map_limit(node);
    assert(at < limit);
    int r = piece_before(node, at, &p);
    if (r == 0 && end_of(&p) > at) {
        p = slice(node, &p, at, end_of(&p));
        found(ret, &p);
        return 0;
    }
    if (r == 0 || r == LT_ENOENT)
        r = piece_from(node, at, &p);
    if (r < 0 && r != LT_ENOENT)
        return r;
    *ret = (struct img_run){.logical = at, .count = (r == 0 ? p.logical : limit) - at};
    return 0;
}

int img_map_end(struct img_node *node, uint64_t *ret)
{
    struct piece p;
    int r = piece_before(node, img_map_limit(node), &p);
    if (r < 0 && r != LT_ENOENT)
        return r;
    *ret = r == 0 ? end_of(&p) : 0;
    return 0;
}

int img_map_span(struct img_node *node, uint64_t at, uint64_t count, unsigned max, uint64_t *ret)
{
    uint64_t done = 0;
    struct img_run run;
    for (unsigned extents = 0; done < count; done += min_u64(run.count, count - done)) {
        int r = img_map_find(node, at + done, &run);
        if (r < 0)
            return r;
        if (run.block != 0 && ++extents > max)
            break;
    }
    *ret = done;
    return 0;
}

/* ---- Changing ------------------------------------------------------------------------------ */

/* A piece with checks of its own, which stay good while items change. */
struct copy {
    struct piece piece;
    uint8_t checks[IMG_CHECKED_BLOCKS_MAX * IMG_CHECK_SIZE];
};

static void copy_piece(const struct img_node *node, const struct piece *from, struct copy *to)
{
    to->piece = *from;
    if (!from->extent.checks)
        return;
    memcpy(to->checks, from->extent.checks, (size_t)from->extent.count * check_size(node));
    to->piece.extent.checks = to->checks;
}

static int put_item(struct img_txn *txn, struct img_node *node, const struct piece *p)
    REQUIRES(img_items)
{
    uint8_t buf[EXTENT_MAX];
    size_t len = img_extent_encode(&p->extent, check_size(node), buf);
    return img_put(txn, img_key(node->base.id, IMG_EXTENT, p->logical), buf, len);
}

static int delete_item(struct img_txn *txn, struct img_node *node, uint64_t logical)
    REQUIRES(img_items)
{
    return img_delete(txn, img_key(node->base.id, IMG_EXTENT, logical));
}

/* Puts an extent that begins at 0 into the inode. False: it is too long for that. */
static bool put_inline(struct img_node *node, const struct piece *p) REQUIRES(img_items)
{
    uint8_t buf[EXTENT_MAX];
    struct img_inode *inode = &node->inode;
    size_t len = img_extent_encode(&p->extent, check_size(node), buf);
    if (p->logical != 0 || len > sizeof(inode->extent))
        return false;
    memcpy(inode->extent, buf, len);
    inode->extent_len = (uint8_t)len;
    return true;
}

/* Makes an item of the extent in the inode. */
static int spill(struct img_txn *txn, struct img_node *node) REQUIRES(img_items)
{
    struct piece p;
    if (!is_inline(node))
        return 0;
    int r = piece_before(node, 0, &p);
    if (r == 0)
        r = put_item(txn, node, &p);
    if (r == 0)
        node->inode.extent_len = 0;
    return r;
}

/* Frees the blocks of a piece that `run` replaces, if it does not lay the same ones there. */
static int free_piece(struct img_txn *txn, const struct piece *p, const struct img_run *run)
{
    if (run->block != 0 && run->block + (p->logical - run->logical) == p->extent.block)
        return 0;
    return img_free(txn, p->extent.block, p->extent.count);
}

/* Takes the part out of an extent that `run` replaces. */
static int carve_piece(struct img_txn *txn, struct img_node *node, const struct piece *found_piece,
                       const struct img_run *run) REQUIRES(img_items)
{
    struct copy copy;
    copy_piece(node, found_piece, &copy);
    const struct piece *p = &copy.piece;
    uint64_t from = p->logical > run->logical ? p->logical : run->logical;
    uint64_t end = min_u64(end_of(p), run->logical + run->count);
    struct piece gone = slice(node, p, from, end);
    struct piece left = slice(node, p, p->logical, from);
    struct piece right = slice(node, p, end, end_of(p));
    int r = 0;
    if (left.extent.count > 0 && is_inline(node))
        put_inline(node, &left); /* shorter than it was */
    else if (left.extent.count > 0)
        r = put_item(txn, node, &left);
    else if (is_inline(node))
        node->inode.extent_len = 0;
    else
        r = delete_item(txn, node, p->logical);
    if (r == 0 && right.extent.count > 0)
        r = put_item(txn, node, &right);
    if (r == 0)
        r = free_piece(txn, &gone, run);
    if (r < 0)
        return r;
    if (node->inode.blocks < gone.extent.count)
        return LT_EUCLEAN;
    node->inode.blocks -= gone.extent.count;
    return 0;
}

/* Takes what `run` replaces out of the file. */
static int carve(struct img_txn *txn, struct img_node *node, const struct img_run *run)
    REQUIRES(img_items)
{
    uint64_t end = run->logical + run->count;
    struct piece p;
    for (;;) {
        int r = piece_before(node, end - 1, &p);
        if (r == LT_ENOENT || (r == 0 && end_of(&p) <= run->logical))
            return 0;
        /* In the inode it stays only if nothing follows it. */
        if (r == 0 && (end_of(&p) > end || (p.logical < run->logical && run->block != 0)))
            r = spill(txn, node);
        if (r == 0)
            r = piece_before(node, end - 1, &p);
        if (r == 0)
            r = carve_piece(txn, node, &p, run);
        if (r < 0)
            return r;
    }
}

/* Whether b continues a, in the file and on the image, and may be one extent with it. */
static bool joins(const struct img_node *node, const struct piece *a, const struct piece *b)
{
    uint64_t max = check_size(node) ? IMG_CHECKED_BLOCKS_MAX : IMG_EXTENT_BLOCKS_MAX;
    return end_of(a) == b->logical && a->extent.block + a->extent.count == b->extent.block &&
           a->extent.birth == b->extent.birth && a->extent.unwritten == b->extent.unwritten &&
           a->extent.count + b->extent.count <= max;
}

/* a becomes a and b. */
static void join(const struct img_node *node, struct copy *a, const struct piece *b)
{
    size_t size = check_size(node);
    if (b->extent.checks)
        memcpy(a->checks + a->piece.extent.count * size, b->extent.checks, b->extent.count * size);
    a->piece.extent.count += b->extent.count;
}

/* Adds an extent where there is none, and joins it with its neighbours. */
static int add_piece(struct img_txn *txn, struct img_node *node, const struct piece *added)
    REQUIRES(img_items)
{
    struct copy whole;
    struct piece near;
    int r = added->logical > 0 ? piece_before(node, added->logical - 1, &near) : LT_ENOENT;
    if (r == 0 && joins(node, &near, added)) {
        copy_piece(node, &near, &whole);
        join(node, &whole, added);
    } else {
        copy_piece(node, added, &whole);
    }
    if (r == 0 || r == LT_ENOENT)
        r = piece_from(node, end_of(added), &near);
    if (r == 0 && joins(node, &whole.piece, &near)) {
        uint64_t logical = near.logical;
        join(node, &whole, &near);
        r = delete_item(txn, node, logical);
    }
    if (r < 0 && r != LT_ENOENT)
        return r;
    bool only = node->inode.blocks == 0 || (is_inline(node) && whole.piece.logical == 0);
    node->inode.blocks += added->extent.count;
    if (only && put_inline(node, &whole.piece))
        return 0;
    r = spill(txn, node);
    return r < 0 ? r : put_item(txn, node, &whole.piece);
}

int img_map_set(struct img_txn *txn, struct img_node *node, const struct img_run *run)
{
    uint64_t max = check_size(node) ? IMG_CHECKED_BLOCKS_MAX : IMG_EXTENT_BLOCKS_MAX;
    struct piece all = {
        .logical = run->logical,
        .extent = {.count = run->count,
                   .block = run->block,
                   .birth = run->birth ? run->birth : img_generation(store_of(node)),
                   .unwritten = run->unwritten,
                   .checks = run->unwritten ? NULL : run->checks}};
    assert(run->count > 0 && run->count <= img_map_limit(node) - run->logical);
    int r = carve(txn, node, run);
    for (uint64_t at = all.logical; r == 0 && run->block != 0 && at < end_of(&all);) {
        struct piece part = slice(node, &all, at, min_u64(at + max, end_of(&all)));
        r = add_piece(txn, node, &part);
        at = end_of(&part);
    }
    return r;
}

int img_map_cut(struct img_txn *txn, struct img_node *node, uint64_t from, size_t max,
                bool *ret_more)
{
    struct piece p;
    int r = from == 0 ? img_map_set_inline(txn, node, NULL, 0) : 0;
    for (size_t n = 0; r == 0; n++) {
        r = piece_before(node, img_map_limit(node), &p);
        bool more = r == 0 && end_of(&p) > from;
        if (r == LT_ENOENT || (r == 0 && (!more || n == max))) {
            *ret_more = more;
            return 0;
        }
        if (r < 0)
            return r;
        uint64_t start = p.logical > from ? p.logical : from;
        struct img_run hole = {.logical = start, .count = end_of(&p) - start};
        r = carve(txn, node, &hole);
    }
    return r;
}

/* ---- Moving -------------------------------------------------------------------------------- */

/* Sees to it that an extent begins at `at` if one lies there. */
static int split(struct img_txn *txn, struct img_node *node, uint64_t at) REQUIRES(img_items)
{
    struct copy copy;
    struct piece p;
    int r = spill(txn, node);
    if (r == 0)
        r = piece_before(node, at, &p);
    if (r < 0 || p.logical == at || end_of(&p) <= at)
        return r == LT_ENOENT ? 0 : r;
    copy_piece(node, &p, &copy);
    struct piece left = slice(node, &copy.piece, p.logical, at);
    struct piece right = slice(node, &copy.piece, at, end_of(&copy.piece));
    r = put_item(txn, node, &left);
    return r < 0 ? r : put_item(txn, node, &right);
}

/* The next extent to be moved: upwards the last before *at, downwards the first from there. */
static int next_to_move(struct img_node *node, uint64_t from, bool up, uint64_t at,
                        struct piece *ret) REQUIRES_SHARED(img_items)
{
    if (!up)
        return piece_from(node, at > from ? at : from, ret);
    int r = piece_before(node, at > 0 ? at - 1 : img_map_limit(node), ret);
    return r == 0 && ret->logical < from ? LT_ENOENT : r;
}

static int move(struct img_txn *txn, struct img_node *node, const struct piece *p, int64_t by)
    REQUIRES(img_items)
{
    struct copy copy;
    if (by > 0 && (uint64_t)by > img_map_limit(node) - end_of(p))
        return LT_EFBIG;
    copy_piece(node, p, &copy);
    int r = delete_item(txn, node, copy.piece.logical);
    copy.piece.logical += (uint64_t)by;
    return r < 0 ? r : put_item(txn, node, &copy.piece);
}

int img_map_shift(struct img_txn *txn, struct img_node *node, uint64_t from, int64_t by, size_t max,
                  uint64_t *at, bool *ret_more)
{
    bool up = by > 0, begun = *at > 0;
    uint64_t next = *at;
    int r = split(txn, node, from);
    for (size_t n = 0; r == 0; n++) {
        struct piece p;
        r = up && begun && next <= from ? LT_ENOENT : next_to_move(node, from, up, next, &p);
        if (r == LT_ENOENT || n == max) {
            *ret_more = r == 0;
            *at = next;
            return r == LT_ENOENT ? 0 : r;
        }
        if (r == 0) {
            next = up ? p.logical : end_of(&p);
            begun = true;
            r = move(txn, node, &p, by);
        }
    }
    return r;
}

/* ---- Small files --------------------------------------------------------------------------- */

int img_map_inline(struct img_node *node, const void **ret, size_t *ret_len)
{
    if (node->inode.blocks > 0 || node->stable_size == 0)
        return LT_ENOENT;
    return img_get(store_of(node), img_key(node->base.id, IMG_INLINE, 0), ret, ret_len);
}

int img_map_set_inline(struct img_txn *txn, struct img_node *node, const void *data, size_t len)
{
    struct img_key key = img_key(node->base.id, IMG_INLINE, 0);
    const void *old;
    size_t old_len;
    if (len > 0)
        return img_put(txn, key, data, len);
    int r = img_map_inline(node, &old, &old_len);
    if (r == 0)
        r = img_delete(txn, key);
    return r == LT_ENOENT ? 0 : r;
}
