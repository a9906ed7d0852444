// SPDX-License-Identifier: MIT
#include "view.h"

#include <fs/image/store/varint.h>
#include <stdlib.h>

struct img_blob {
    struct img_blob *next;
    size_t used, room;
    uint8_t bytes[];
};

#define BLOB_SIZE 65536u

int img_grow(void *list, size_t count, size_t *room, size_t size)
{
    void **p = list;
    if (count < *room)
        return 0;
    size_t more = *room ? *room * 2 : 64;
    void *grown = realloc(*p, more * size);
    if (!grown)
        return LT_ENOMEM;
    *p = grown;
    *room = more;
    return 0;
}

void *img_view_memory(struct img_view *view, size_t size)
{
    struct img_blob *blob = view->blobs;
    if (!blob || blob->room - blob->used < size) {
        size_t room = size > BLOB_SIZE / 4 ? size : BLOB_SIZE;
        blob = malloc(sizeof(*blob) + room);
        if (!blob)
            return NULL;
        *blob = (struct img_blob){view->blobs, 0, room};
        view->blobs = blob;
    }
    void *p = blob->bytes + blob->used;
    blob->used += size;
    return p;
}

int img_view_block(struct img_view *view, uint64_t block, void *buf)
{
    uint32_t size = view->super.block_size;
    if (block >= view->old_blocks)
        return LT_EINVAL;
    return lt_device_read(view->dev, block * size, buf, size);
}

int img_view_progress(struct img_view *view, uint64_t blocks)
{
    const struct lt_image_check *check = view->report->check;
    uint64_t before = view->done;
    view->done += blocks;
    if (view->report->stopped)
        return LT_EINTR;
    if (!check->progress || before / 256 == view->done / 256)
        return 0;
    if (view->total < view->done)
        view->total = view->done;
    return check->progress(check->arg, view->done, view->total) ? LT_EINTR : 0;
}

/* ---- Bitmaps ------------------------------------------------------------------------------- */

uint64_t img_bits_set(uint64_t *bits, uint64_t from, uint64_t count, uint64_t *ret_first)
{
    uint64_t end = from + count, before = 0;
    for (uint64_t at = from; at < end;) {
        uint64_t n = 64 - at % 64 < end - at ? 64 - at % 64 : end - at;
        uint64_t mask = (n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1) << (at % 64);
        uint64_t old = bits[at / 64] & mask;
        if (old && !before)
            *ret_first = at / 64 * 64 + (uint64_t)__builtin_ctzll(old);
        before += (uint64_t)__builtin_popcountll(old);
        bits[at / 64] |= mask;
        at += n;
    }
    return before;
}

uint64_t img_view_group_size(const struct img_view *view, uint64_t g)
{
    uint64_t first = g * view->group_blocks;
    uint64_t left = view->super.blocks - first;
    return left < view->group_blocks ? left : view->group_blocks;
}

void img_view_layout(const struct img_view *view, uint64_t *bits)
{
    uint64_t first;
    img_bits_set(bits, 0, IMG_BITMAP_PLACE, &first);
    for (uint64_t g = 0; g < view->groups; g++)
        img_bits_set(bits, g * view->group_blocks + IMG_BITMAP_PLACE, 2, &first);
    img_bits_set(bits, view->super.log_block, view->super.log_blocks, &first);
}

/* ---- Growing ------------------------------------------------------------------------------- */

uint64_t img_view_blocks_in(const struct img_view *view, uint64_t size)
{
    uint64_t blocks = size / view->super.block_size;
    uint64_t rest = blocks % view->group_blocks;
    return rest < IMG_GROUP_BLOCKS_MIN ? blocks - rest : blocks;
}

static int extend_map(uint64_t **map, size_t old, size_t words)
{
    uint64_t *more = realloc(*map, words * sizeof(*more));
    if (!more)
        return LT_ENOMEM;
    memset(more + old, 0, (words - old) * sizeof(*more));
    *map = more;
    return 0;
}

int img_view_extend(struct img_view *view, uint64_t **used, uint64_t blocks)
{
    uint64_t groups = (blocks + view->group_blocks - 1) / view->group_blocks, first;
    size_t words = (size_t)(groups * view->group_blocks / 64 + 1), old = view->bitmap_words;
    int r = 0;
    if (groups > view->groups) {
        struct img_group *group = realloc(view->group, groups * sizeof(*group));
        if (!group)
            return LT_ENOMEM;
        memset(group + view->groups, 0, (groups - view->groups) * sizeof(*group));
        view->group = group;
        r = extend_map(&view->reached, old, words);
        if (r == 0)
            r = extend_map(&view->marked, old, words);
        if (r == 0)
            r = extend_map(used, old, words);
        if (r < 0)
            return r;
        view->bitmap_words = words;
    }
    view->groups = groups;
    view->super.blocks = blocks;
    for (uint64_t g = 0; g < groups; g++)
        img_bits_set(*used, g * view->group_blocks + IMG_BITMAP_PLACE, 2, &first);
    return 0;
}

/* ---- Leaves and holes ---------------------------------------------------------------------- */

int img_view_hole(struct img_view *view, struct img_key first, struct img_key last, bool leaf)
{
    int r = img_grow(&view->holes, view->hole_count, &view->hole_room, sizeof(*view->holes));
    if (r < 0)
        return r;
    view->holes[view->hole_count++] = (struct img_hole){first, last, leaf};
    return 0;
}

int img_view_leaf(struct img_view *view, const struct img_leaf *leaf)
{
    int r = img_grow(&view->leaves, view->leaf_count, &view->leaf_room, sizeof(*view->leaves));
    if (r < 0)
        return r;
    view->leaves[view->leaf_count++] = *leaf;
    return 0;
}

static int compare_leaves(const void *a, const void *b)
{
    const struct img_leaf *x = a, *y = b;
    return img_key_compare(x->first, y->first);
}

void img_leaf_sort(struct img_view *view)
{
    if (view->leaf_count > 1)
        qsort(view->leaves, view->leaf_count, sizeof(*view->leaves), compare_leaves);
}

/* The page of a leaf, verified before, in view->page. */
static int load_leaf(struct img_view *view, const struct img_leaf *leaf, struct img_page *ret)
{
    const struct img_block_header *h = (const void *)view->page;
    const char *why;
    int r = img_view_block(view, leaf->block, view->page);
    if (r < 0)
        return r;
    *ret = (struct img_page){
        view->page, view->super.block_size, lt_get_le16(h->count), h->level, h->prefix, leaf->block,
        leaf->birth};
    return img_page_verify(ret, &why); /* the device may have changed behind our back */
}

/* ---- Changes ------------------------------------------------------------------------------- */

int img_view_put(struct img_view *view, struct img_key key, const void *value, size_t len)
{
    uint8_t *copy = NULL;
    int r =
        img_grow(&view->changes, view->change_count, &view->change_room, sizeof(*view->changes));
    if (r < 0)
        return r;
    if (value) {
        copy = img_view_memory(view, len + 1);
        if (!copy)
            return LT_ENOMEM;
        memcpy(copy, value, len);
    }
    struct img_change *change = &view->changes[view->change_count];
    *change = (struct img_change){key, copy, (uint32_t)len, (uint32_t)view->change_count, false};
    view->change_count++;
    return 0;
}

static int compare_changes(const void *a, const void *b)
{
    const struct img_change *x = a, *y = b;
    int c = img_key_compare(x->key, y->key);
    return c ? c : (x->order > y->order) - (x->order < y->order);
}

int img_view_settle(struct img_view *view)
{
    size_t kept = 0;
    if (view->change_count == 0)
        return 0;
    qsort(view->changes, view->change_count, sizeof(*view->changes), compare_changes);
    for (size_t i = 0; i < view->change_count; i++) {
        struct img_change *c = &view->changes[i];
        bool same = kept > 0 && img_key_compare(view->changes[kept - 1].key, c->key) == 0;
        bool needs = same ? view->changes[kept - 1].needs_base : c->needs_base;
        kept += !same;
        view->changes[kept - 1] = *c;
        view->changes[kept - 1].needs_base = needs;
    }
    view->change_count = view->settled = kept;
    for (size_t i = 0; i < kept; i++)
        view->changes[i].order = (uint32_t)i;
    return 0;
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* Where img_view_each() stands. */
struct walk {
    struct img_view *view;
    struct img_key first, last;
    size_t change, changes; /* the next one, and their end */
    int (*fn)(void *arg, const struct img_item *item);
    void *arg;
};

/* Gives out the changes before `end` (with `with_end`, up to it). */
static int give_changes(struct walk *w, struct img_key end, bool with_end)
{
    while (w->change < w->changes) {
        struct img_change c = w->view->changes[w->change]; /* fn may add to the list */
        int order = img_key_compare(c.key, end);
        if (order > 0 || (order == 0 && !with_end))
            return 0;
        w->view->changes[w->change++].needs_base = false;
        if (c.needs_base && w->view->hole_count == 0)
            img_found(w->view->report, IMG_P_LOG_RECORD, c.key.id, 0,
                      "it removes an item that is not there");
        struct img_item item = {c.key, c.value, c.len, false};
        int r = c.value ? w->fn(w->arg, &item) : 0;
        if (r)
            return r;
    }
    return 0;
}

static int give_record(struct walk *w, const struct img_item *item)
{
    struct img_view *view = w->view;
    int r = give_changes(w, item->key, false);
    if (r)
        return r;
    if (w->change < w->changes && img_key_compare(view->changes[w->change].key, item->key) == 0) {
        struct img_change c = view->changes[w->change++];
        struct img_item changed = {c.key, c.value, c.len, false};
        return c.value ? w->fn(w->arg, &changed) : 0;
    }
    return w->fn(w->arg, item);
}

static int give_leaf(struct walk *w, const struct img_leaf *leaf)
{
    struct img_page page;
    int r = load_leaf(w->view, leaf, &page);
    for (unsigned i = 0; r == 0 && i < page.count; i++) {
        struct img_item item = {.stale = leaf->stale};
        img_page_record(&page, i, &item.key, &item.value, &item.len);
        if (img_key_compare(item.key, w->last) > 0 || img_key_compare(item.key, leaf->last) > 0)
            break;
        if (img_key_compare(item.key, w->first) >= 0 && img_key_compare(item.key, leaf->first) >= 0)
            r = give_record(w, &item);
    }
    return r;
}

/* The first leaf whose range ends at `key` or behind. */
static size_t leaf_at(const struct img_view *view, struct img_key key)
{
    size_t lo = 0, hi = view->leaf_count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (img_key_compare(view->leaves[mid].last, key) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

size_t img_view_change_at(const struct img_view *view, struct img_key key)
{
    size_t lo = 0, hi = view->settled;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (img_key_compare(view->changes[mid].key, key) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

int img_view_each(struct img_view *view, struct img_key first, struct img_key last,
                  int (*fn)(void *arg, const struct img_item *item), void *arg)
{
    struct walk w = {view, first, last, img_view_change_at(view, first), view->settled, fn, arg};
    int r = 0;
    for (size_t i = leaf_at(view, first); r == 0 && i < view->leaf_count; i++) {
        struct img_leaf leaf = view->leaves[i];
        if (img_key_compare(leaf.first, last) > 0)
            break;
        r = give_leaf(&w, &leaf);
        if (r == 0)
            r = img_view_progress(view, 1);
    }
    return r ? r : give_changes(&w, last, true);
}

struct copy {
    uint8_t *bytes;
    size_t len;
};

static int copy_item(void *arg, const struct img_item *item)
{
    struct copy *copy = arg;
    copy->bytes = malloc(item->len + 1);
    if (!copy->bytes)
        return LT_ENOMEM;
    memcpy(copy->bytes, item->value, item->len);
    copy->len = item->len;
    return 0;
}

int img_view_get(struct img_view *view, struct img_key key, uint8_t **ret, size_t *ret_len)
{
    struct copy copy = {0};
    int r = img_view_each(view, key, key, copy_item, &copy);
    if (r < 0)
        return r;
    if (!copy.bytes)
        return LT_ENOENT;
    *ret = copy.bytes;
    *ret_len = copy.len;
    return 0;
}

void img_view_close(struct img_view *view)
{
    while (view->blobs) {
        struct img_blob *next = view->blobs->next;
        free(view->blobs);
        view->blobs = next;
    }
    free(view->leaves);
    free(view->holes);
    free(view->changes);
    free(view->logged);
    free(view->moves);
    free(view->inner);
    free(view->batches);
    free(view->group);
    free(view->reached);
    free(view->marked);
    free(view->page);
}
