// SPDX-License-Identifier: MIT
/*
 * The order of a check:
 *
 *     superblocks, tree, log     img_view_open()
 *     leaves, bitmaps            img_view_verify(), img_view_space()
 *     (repair) holes filled      img_salvage_leaves()
 *     all items                  img_census_run(), in repair again and again until nothing is
 *                                found: only what the first round finds is told
 *     used against marked        compare()
 *     (repair) all written       img_rewrite()
 */
#include "check.h"

#include "census.h"
#include "rewrite.h"
#include "salvage.h"

#include <device/file.h>
#include <stdlib.h>

#define ROUNDS_MAX 12u
#define GROW_PART 16u                /* of its size, where there is no room for a repair, */
#define GROW_MIN (UINT64_C(1) << 20) /* but at least this, in bytes */

/* Where bit i and those behind it are in `these` and not in `those`: their count. */
static uint64_t run_of(const uint64_t *these, const uint64_t *those, uint64_t i, uint64_t end)
{
    uint64_t n = 0;
    while (i + n < end && img_bit(these, i + n) && !img_bit(those, i + n))
        n++;
    return n;
}

/* Tells of each run of blocks that is in `these` but not in `those`. */
static void tell_runs(struct img_view *view, enum img_problem problem, const uint64_t *these,
                      const uint64_t *those)
{
    uint64_t end = view->super.blocks;
    for (uint64_t i = 0; i < end;) {
        uint64_t odd = these[i / 64] & ~those[i / 64] & UINT64_MAX << (i % 64);
        if (!odd) {
            i = (i / 64 + 1) * 64;
            continue;
        }
        i = i / 64 * 64 + (uint64_t)__builtin_ctzll(odd);
        uint64_t n = run_of(these, those, i, end);
        if (n > 0)
            img_found(view->report, problem, 0, i, "%llu blocks", (unsigned long long)n);
        i += n ? n : 1;
    }
}

static void compare(const struct img_census *census)
{
    struct img_view *view = census->view;
    if (!census->whole)
        return; /* where the bitmaps are is not known either */
    tell_runs(view, IMG_P_BLOCK_FREE, census->used, view->marked);
    if (!census->blocks_doubtful && !view->salvaged)
        tell_runs(view, IMG_P_BLOCK_LEAKED, view->marked, census->used);
}

static void fill_result(const struct img_census *census, struct lt_image_check_result *ret)
{
    const struct img_view *view = census->view;
    ret->nodes = census->nodes;
    ret->directories = census->directories;
    ret->files = census->files;
    ret->streams = census->streams;
    ret->items = census->items;
    ret->tree_blocks = view->inner_count + view->leaf_count;
    if (!ret->data_blocks)
        ret->data_blocks = census->data_blocks;
    ret->free_blocks = 0;
    for (uint64_t b = 0; b < view->super.blocks; b++)
        ret->free_blocks += !img_bit(census->used, b);
}

/* Rounds until there is nothing to mend; *census is that of the last one. */
static int take_rounds(struct img_view *view, struct img_census *census)
{
    struct img_report *report = view->report;
    bool any = report->mending;
    int r = 0;
    for (unsigned round = 0; r == 0; round++) {
        report->mending = false;
        report->left = 0;
        img_census_fini(census);
        r = img_census_run(census, view);
        if (r == 0 && round == 0)
            compare(census);
        any |= report->mending;
        report->quiet = true;
        if (!report->mending || round >= ROUNDS_MAX)
            break;
    }
    report->mending = any;
    return r;
}

/* Writes what was mended. A volume without room for that grows. */
static int write_all(struct img_view *view, struct img_census *census)
{
    uint64_t size = view->super.blocks * view->super.block_size;
    int r = img_rewrite(view, census->used, census->used);
    if (r != LT_ENOSPC)
        return r;
    size += size / GROW_PART > GROW_MIN ? size / GROW_PART : GROW_MIN;
    r = img_view_extend(view, &census->used, img_view_blocks_in(view, size));
    return r < 0 ? r : img_rewrite(view, census->used, census->used);
}

static int check_view(struct img_view *view, struct lt_image_check_result *ret)
{
    struct img_census census = {0};
    if (view->report->check->data)
        view->total += view->super.blocks - view->super.free_blocks;
    int r = img_view_verify(view);
    if (r == 0 && view->report->check->repair && view->hole_count > 0)
        r = img_salvage_leaves(view);
    if (r == 0)
        r = img_view_space(view);
    if (r == 0)
        r = take_rounds(view, &census);
    if (r == 0)
        fill_result(&census, ret);
    if (r == 0 && view->report->mending)
        r = write_all(view, &census);
    img_census_fini(&census);
    return r;
}

int img_check_device(struct lt_device *dev, const struct lt_image_check *check,
                     struct lt_image_check_result *ret, struct lt_diag *diag)
{
    struct lt_image_check_result result = {0};
    struct img_report report = {.check = check, .result = &result};
    struct img_view view;
    if (dev->read_only && check->repair)
        return lt_diag_set(diag, LT_EROFS, "the image can only be read");
    if (diag)
        diag->text[0] = 0;
    int r = img_view_open(&view, dev, &report, diag);
    if (r == 0)
        r = check_view(&view, &result);
    img_view_close(&view);
    if (r == LT_EOVERFLOW)
        return lt_diag_set(diag, r,
                           "the image counts more checkpoints than can be: nothing can be "
                           "written to it");
    if (r == LT_ENOSPC)
        return lt_diag_set(diag, r, "there is no room to write what was mended");
    if (r < 0)
        return diag && diag->text[0] ? r : lt_diag_set(diag, r, "%s", lt_error_text(r));
    *ret = result;
    return 0;
}

int lt_image_check(const char *path, const struct lt_image_check *check,
                   struct lt_image_check_result *ret, struct lt_diag *diag)
{
    struct lt_device *dev;
    int r = lt_device_open_file(path, check->repair ? 0 : LT_DEVICE_READ_ONLY, &dev, diag);
    if (r < 0)
        return r;
    r = img_check_device(dev, check, ret, diag);
    lt_device_close(dev);
    return r;
}
