// SPDX-License-Identifier: MIT
/*
 * Growing and shrinking an image that nobody uses. To shrink it, data and log behind the new end
 * are copied forward, and a checkpoint of the smaller volume takes the place of the old one; only
 * then is the device cut. A crash leaves the old volume, or the new one in a file that is too long.
 */
#include "check.h"
#include "relocate.h"
#include "rewrite.h"

#include <base/options.h>
#include <device/file.h>
#include <stdlib.h>

/* Takes away the SPACE items of groups that are no more. */
static int drop_groups(struct img_view *view, uint64_t groups)
{
    int r = 0;
    for (uint64_t g = groups; r == 0 && g < view->groups; g++)
        if (view->group[g].present)
            r = img_view_put(view, img_key(IMG_ID_VOLUME, IMG_SPACE, g), NULL, 0);
    return r < 0 ? r : img_view_settle(view);
}

/* A place for the log within one group. */
static bool find_log(const struct img_mover *m, uint64_t count, uint64_t *ret)
{
    uint64_t group = m->view->group_blocks, n = 0;
    for (uint64_t b = 0; b < m->limit; b++) {
        n = b % group == 0 || img_bit(m->busy, b) ? 0 : n + 1;
        if (n == count) {
            *ret = b + 1 - count;
            return true;
        }
    }
    return false;
}

/* Moves the log before the limit, where it is not; a smaller one if there is no room. */
static int move_log(struct img_mover *m)
{
    struct img_super *super = &m->view->super;
    uint8_t copy[IMG_SUPER_SIZE];
    uint64_t place, any;
    if (super->log_block + super->log_blocks <= m->limit)
        return 0;
    for (uint64_t count = super->log_blocks; count >= IMG_LOG_BLOCKS_MIN; count /= 2)
        if (find_log(m, count, &place)) {
            super->log_block = place;
            super->log_blocks = count;
            img_bits_set(m->busy, place, count, &any);
            img_bits_set(m->used, place, count, &any);
            img_super_encode(super, copy);
            return img_view_put(m->view, img_key(IMG_ID_VOLUME, IMG_VOLUME, 0), copy, sizeof(copy));
        }
    return LT_ENOSPC;
}

static int shrink(struct img_sound *s, uint64_t blocks)
{
    struct img_view *view = &s->view;
    struct img_mover m;
    uint64_t groups = (blocks + view->group_blocks - 1) / view->group_blocks;
    int r = img_mover_init(&m, s, blocks);
    if (r == 0)
        r = img_view_write_logged(view);
    if (r == 0)
        r = move_log(&m);
    if (r == 0)
        r = img_mover_run(&m);
    if (r == 0)
        r = drop_groups(view, groups);
    if (r == 0) {
        view->groups = groups;
        view->super.blocks = blocks;
        r = img_rewrite(view, m.used, m.busy);
    }
    img_mover_fini(&m);
    return r;
}

static int grow(struct img_sound *s, uint64_t blocks)
{
    int r = img_view_extend(&s->view, &s->census.used, blocks);
    return r < 0 ? r : img_rewrite(&s->view, s->census.used, s->census.used);
}

int img_resize_device(struct lt_device *dev, uint64_t size,
                      int (*progress)(void *arg, uint64_t done, uint64_t total), void *arg,
                      struct lt_diag *diag)
{
    struct img_sound s;
    uint64_t before = lt_device_size(dev);
    int r = img_sound_open(&s, dev, progress, arg, diag);
    if (r == 0) {
        uint64_t blocks = img_view_blocks_in(&s.view, size), old = s.view.super.blocks;
        if (blocks < 2 * IMG_LOG_BLOCKS_MIN)
            r = lt_diag_set(diag, LT_EINVAL, "an image of this size can hold nothing");
        else if (blocks < old)
            r = shrink(&s, blocks);
        if (r == 0 && size > before)
            r = lt_device_resize(dev, size);
        if (r == 0 && blocks > old)
            r = grow(&s, blocks);
        if (r == 0 && size < before)
            r = lt_device_resize(dev, size);
    }
    img_sound_close(&s);
    if (r == LT_ENOSPC)
        return lt_diag_set(diag, r, "what the image holds does not fit");
    return r < 0 ? r : lt_device_flush(dev);
}

int lt_image_resize(const char *path, uint64_t size,
                    int (*progress)(void *arg, uint64_t done, uint64_t total), void *arg,
                    struct lt_diag *diag)
{
    struct lt_device *dev;
    int r = lt_device_open_file(path, 0, &dev, diag);
    if (r < 0)
        return r;
    r = img_resize_device(dev, size, progress, arg, diag);
    lt_device_close(dev);
    return r;
}
