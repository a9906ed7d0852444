// SPDX-License-Identifier: MIT
#include "rewrite.h"

#include "build.h"

#include <fs/image/kinds.h>
#include <fs/image/store/block.h>
#include <os/os.h>
#include <stdlib.h>

/* The plan, worked out before anything is written. */
struct plan {
    struct img_view *view;
    const uint64_t *used; /* the caller's */
    const uint64_t *busy; /* likewise: nothing is written to these */
    uint64_t *final;      /* bitmap: what is in use afterwards */
    bool *accounts;       /* per group: it gets a new bitmap and SPACE item */
    uint64_t *blocks;     /* for new nodes */
    size_t block_count;
    uint64_t birth;
    struct img_root root;
};

/* ---- Which leaves stay --------------------------------------------------------------------- */

static bool changes_between(const struct img_view *view, struct img_key first, struct img_key last)
{
    size_t i = img_view_change_at(view, first);
    return i < view->settled && img_key_compare(view->changes[i].key, last) <= 0;
}

/* The keys for which leaf i is the place: up to the next leaf. */
static struct img_hole range_of(const struct img_view *view, size_t i)
{
    struct img_hole range = {IMG_KEY_FIRST, IMG_KEY_LAST, false};
    if (i > 0)
        range.first = view->leaves[i].first;
    if (i + 1 < view->leaf_count)
        range.last = img_key_before(view->leaves[i + 1].first);
    return range;
}

static bool stays(const struct img_view *view, size_t i)
{
    const struct img_leaf *leaf = &view->leaves[i];
    struct img_hole range = range_of(view, i);
    if (leaf->salvaged || leaf->block >= view->super.blocks)
        return false;
    return !changes_between(view, range.first, range.last);
}

/* Gives all leaves and items to a builder. */
static int build(struct plan *plan, struct img_build *build)
{
    struct img_view *view = plan->view;
    int r = 0;
    if (view->leaf_count == 0)
        r = img_view_each(view, IMG_KEY_FIRST, IMG_KEY_LAST, img_build_item, build);
    for (size_t i = 0; r == 0 && i < view->leaf_count; i++) {
        const struct img_leaf *leaf = &view->leaves[i];
        struct img_hole range = range_of(view, i);
        if (stays(view, i))
            r = img_build_leaf(build, range.first, leaf->block, leaf->birth);
        else
            r = img_view_each(view, range.first, range.last, img_build_item, build);
    }
    return r < 0 ? r : img_build_end(build, &plan->root);
}

/* How many nodes there will be to write. */
static int count_nodes(struct plan *plan, size_t *ret)
{
    struct img_build b;
    int r = img_build_open(&b, plan->view, plan->birth, NULL, 0);
    if (r == 0)
        r = build(plan, &b);
    *ret = b.written;
    img_build_close(&b);
    return r;
}

/* ---- Blocks -------------------------------------------------------------------------------- */

/* Takes free blocks; those that the image says are in use only if there are no others: whatever
 * they hold may be wanted yet. */
static int take_blocks(struct plan *plan, size_t count)
{
    struct img_view *view = plan->view;
    uint64_t *blocks = realloc(plan->blocks, (count + 1) * sizeof(*blocks));
    if (!blocks)
        return LT_ENOMEM;
    plan->blocks = blocks;
    plan->block_count = 0;
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint64_t b = 0; b < view->super.blocks && plan->block_count < count; b++) {
            bool marked = b < view->old_blocks && img_bit(view->marked, b);
            if (!img_bit(plan->used, b) && !img_bit(plan->busy, b) && marked == (pass == 1))
                plan->blocks[plan->block_count++] = b;
        }
    }
    return plan->block_count < count ? LT_ENOSPC : 0;
}

/* What is in use afterwards: data, layout, the leaves that stay, the new nodes. */
static void mark_final(struct plan *plan)
{
    struct img_view *view = plan->view;
    for (size_t w = 0; w < view->bitmap_words; w++)
        plan->final[w] = plan->used[w] & ~view->reached[w];
    img_view_layout(view, plan->final);
    for (size_t i = 0; i < view->leaf_count; i++)
        if (stays(view, i))
            img_bit_set(plan->final, view->leaves[i].block);
    for (size_t i = 0; i < plan->block_count; i++)
        img_bit_set(plan->final, plan->blocks[i]);
}

static uint64_t group_free(const struct plan *plan, uint64_t g)
{
    uint64_t first = g * plan->view->group_blocks, free = 0;
    for (uint64_t b = first; b < first + img_view_group_size(plan->view, g); b++)
        free += !img_bit(plan->final, b);
    return free;
}

/* Blocks of a group that are taken by their place. */
static uint64_t group_layout(const struct img_view *view, uint64_t g)
{
    uint64_t log = view->super.log_block;
    uint64_t n = g == 0 ? IMG_BITMAP_PLACE + 2 : 2;
    return log / view->group_blocks == g ? n + view->super.log_blocks : n;
}

/* Which groups need an account; whether there are more than before. */
static bool choose_accounts(struct plan *plan)
{
    const struct img_view *view = plan->view;
    bool more = false;
    for (uint64_t g = 0; g < view->groups; g++) {
        uint64_t taken = img_view_group_size(view, g) - group_free(plan, g);
        bool needed = view->group[g].present || taken > group_layout(view, g);
        more |= needed && !plan->accounts[g];
        plan->accounts[g] |= needed;
    }
    return more;
}

static uint8_t next_place(const struct img_view *view, uint64_t g)
{
    return view->group[g].present ? !(view->group[g].place & 1u) : 0;
}

/* SPACE items as changes; before the blocks are known, with any number. */
static int put_accounts(struct plan *plan)
{
    struct img_view *view = plan->view;
    int r = 0;
    for (uint64_t g = 0; r == 0 && g < view->groups; g++) {
        struct img_space_disk disk = {lt_put_le64(plan->birth),
                                      lt_put_le32((uint32_t)group_free(plan, g)),
                                      next_place(view, g)};
        if (plan->accounts[g])
            r = img_view_put(view, img_key(0, IMG_SPACE, g), &disk, sizeof(disk));
    }
    return r < 0 ? r : img_view_settle(view);
}

static int make_plan(struct plan *plan)
{
    struct img_view *view = plan->view;
    size_t count;
    int r = 0;
    plan->final = calloc(view->bitmap_words, sizeof(uint64_t));
    plan->accounts = calloc(view->groups, sizeof(bool));
    if (!plan->final || !plan->accounts)
        return LT_ENOMEM;
    do {
        r = put_accounts(plan);
        if (r == 0)
            r = count_nodes(plan, &count);
        if (r == 0)
            r = take_blocks(plan, count);
        if (r < 0)
            return r;
        mark_final(plan);
    } while (choose_accounts(plan));
    return put_accounts(plan);
}

/* ---- Writing ------------------------------------------------------------------------------- */

int img_view_write_logged(struct img_view *view)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < view->logged_count; i++)
        r = lt_device_put(view->dev, view->logged[i].at, view->logged[i].bytes,
                          view->logged[i].len);
    return r;
}

static int write_bitmap(struct plan *plan, uint64_t g)
{
    struct img_view *view = plan->view;
    uint64_t first = g * view->group_blocks, size = img_view_group_size(view, g);
    uint64_t block = first + IMG_BITMAP_PLACE + next_place(view, g);
    struct img_block_id id = {view->volume, block, plan->birth, IMG_BLOCK_BITMAP};
    uint8_t *bits = view->page + sizeof(struct img_block_header);
    memset(view->page, 0, sizeof(struct img_block_header));
    memset(bits, 0xff, view->group_blocks / 8);
    for (uint64_t i = 0; i < size; i++)
        if (!img_bit(plan->final, first + i))
            bits[i / 8] &= (uint8_t) ~(1u << (i % 8));
    img_block_seal(view->page, view->super.block_size, &id);
    return lt_device_put(view->dev, block * view->super.block_size, view->page,
                         view->super.block_size);
}

static int write_tree(struct plan *plan)
{
    struct img_build b;
    int r = img_build_open(&b, plan->view, plan->birth, plan->blocks, plan->block_count);
    if (r == 0)
        r = build(plan, &b);
    img_build_close(&b);
    return r;
}

static int write_supers(struct plan *plan)
{
    struct img_view *view = plan->view;
    struct img_super *super = &view->super;
    int r = lt_random(&super->epoch, sizeof(super->epoch));
    super->root = plan->root;
    super->log_start = 0;
    super->clean = true;
    super->free_blocks = 0;
    for (uint64_t g = 0; g < view->groups; g++)
        super->free_blocks += group_free(plan, g);
    super->generation = plan->birth - 1;
    for (unsigned i = 0; r == 0 && i < 2; i++) {
        super->generation++;
        r = img_super_write(view->dev, super);
        if (r == 0)
            r = lt_device_flush(view->dev);
    }
    return r;
}

int img_rewrite(struct img_view *view, uint64_t *used, const uint64_t *busy)
{
    struct plan plan = {
        .view = view, .used = used, .busy = busy, .birth = view->super.generation + 1};
    uint64_t size = view->super.blocks * view->super.block_size;
    if (img_super_used_up(&view->super))
        return LT_EOVERFLOW;
    int r = lt_device_size(view->dev) < size ? lt_device_resize(view->dev, size) : 0;
    if (r == 0)
        r = make_plan(&plan);
    if (r == 0)
        r = img_view_write_logged(view);
    if (r == 0)
        r = write_tree(&plan);
    for (uint64_t g = 0; r == 0 && g < view->groups; g++)
        r = plan.accounts[g] ? write_bitmap(&plan, g) : 0;
    if (r == 0)
        r = lt_device_flush(view->dev);
    if (r == 0)
        r = write_supers(&plan);
    free(plan.final);
    free(plan.accounts);
    free(plan.blocks);
    return r;
}
