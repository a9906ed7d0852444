// SPDX-License-Identifier: MIT
/* Lays files in one piece, in rounds: what a round left becomes free room for the next one. */
#include "check.h"
#include "relocate.h"
#include "rewrite.h"

#include <base/options.h>
#include <device/file.h>
#include <stdlib.h>

#define ROUNDS_MAX 16u

/* One round; *ret_again: another one may find more room. */
static int run_round(struct lt_device *dev, struct img_sound *s, bool first,
                     struct lt_image_defrag_result *ret, bool *ret_again)
{
    struct img_view *view = &s->view;
    struct img_mover m;
    (void)dev;
    int r = img_mover_init(&m, s, view->super.blocks);
    m.defrag = true;
    if (r == 0)
        r = img_view_write_logged(view);
    if (r == 0)
        r = img_mover_run(&m);
    if (r == 0 && (m.moved_files > 0 || view->batch_count > 0))
        r = img_rewrite(view, m.used, m.busy);
    if (r == 0) {
        ret->files = m.files;
        ret->moved_files += m.moved_files;
        ret->extents_before = first ? m.extents_before : ret->extents_before;
        ret->extents_after = m.extents_after;
        *ret_again = m.too_large > 0 && m.moved_files > 0;
    }
    img_mover_fini(&m);
    return r;
}

/* Gives all that is free back to the host. */
static int trim(struct lt_device *dev, const struct img_sound *s, uint64_t *ret_bytes)
{
    uint64_t size = s->view.super.block_size, blocks = s->view.super.blocks;
    for (uint64_t b = 0; b < blocks;) {
        uint64_t n = 0;
        while (b + n < blocks && !img_bit(s->census.used, b + n))
            n++;
        int r = n > 0 ? lt_device_discard(dev, b * size, n * size) : 0;
        if (r < 0)
            return r == LT_EOPNOTSUPP ? 0 : r;
        *ret_bytes += n * size;
        b += n ? n : 1;
    }
    return 0;
}

int img_defrag_device(struct lt_device *dev,
                      int (*progress)(void *arg, uint64_t done, uint64_t total), void *arg,
                      struct lt_image_defrag_result *ret, struct lt_diag *diag)
{
    struct lt_image_defrag_result result = {0};
    struct img_sound s;
    bool again = true;
    int r = 0;
    for (unsigned round = 0; r == 0 && again && round < ROUNDS_MAX; round++) {
        again = false;
        r = img_sound_open(&s, dev, progress, arg, diag);
        if (r == 0)
            r = run_round(dev, &s, round == 0, &result, &again);
        img_sound_close(&s);
    }
    if (r < 0)
        return r;
    r = img_sound_open(&s, dev, progress, arg, diag);
    if (r == 0)
        r = trim(dev, &s, &result.trimmed_bytes);
    img_sound_close(&s);
    if (r == 0)
        *ret = result;
    return r;
}

int lt_image_defrag(const char *path, int (*progress)(void *arg, uint64_t done, uint64_t total),
                    void *arg, struct lt_image_defrag_result *ret, struct lt_diag *diag)
{
    struct lt_device *dev;
    int r = lt_device_open_file(path, 0, &dev, diag);
    if (r < 0)
        return r;
    r = img_defrag_device(dev, progress, arg, ret, diag);
    lt_device_close(dev);
    return r;
}
