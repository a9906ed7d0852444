// SPDX-License-Identifier: MIT
#include "hashed.h"

int img_hashed_find(struct img_store *store, struct img_key base, uint64_t step,
                    int (*match)(void *arg, struct img_key key, const void *value, size_t len),
                    void *arg, uint64_t *ret_off)
{
    struct img_key key = base;
    uint64_t last = base.off + (IMG_TWINS - 1) * step, unused = base.off;
    const void *value;
    size_t len;
    for (;;) {
        int r = img_next(store, &key, &value, &len);
        if (r < 0 && r != LT_ENOENT)
            return r;
        if (r == LT_ENOENT || key.id != base.id || key.kind != base.kind ||
            key.off > last + step - 1)
            break;
        if ((key.off - base.off) % step != 0)
            return LT_EUCLEAN; /* a piece without the first */
        r = match(arg, key, value, len);
        if (r != 0) {
            if (r > 0)
                *ret_off = key.off;
            return r;
        }
        if (key.off == unused)
            unused += step;
        if (key.off == last)
            break;
        key.off += step;
    }
    *ret_off = unused <= last ? unused : 0;
    return 0;
}
