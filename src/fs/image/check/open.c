// SPDX-License-Identifier: MIT
/* From a device to a view: superblocks, tree, log, bitmaps. */
#include "salvage.h"
#include "view.h"

#include <fs/image/kinds.h>
#include <fs/image/store/block.h>
#include <fs/image/store/varint.h>
#include <stdlib.h>

#define LEVEL_MAX 16u /* nobody has 2^64 items */

/* ---- Superblocks --------------------------------------------------------------------------- */

struct supers {
    struct img_super found[2];
    bool valid[2];
    bool magic; /* one looks like a superblock, at least */
    int error;  /* why one that is whole cannot be used */
    struct lt_diag diag;
};

static void try_super(struct lt_device *dev, uint64_t at, unsigned place, struct supers *s)
{
    uint8_t bytes[IMG_SUPER_SIZE];
    struct img_super super;
    if (at + sizeof(bytes) > lt_device_size(dev) ||
        lt_device_read(dev, at, bytes, sizeof(bytes)) < 0)
        return;
    s->magic |= memcmp(bytes, IMG_MAGIC, sizeof(struct lt_le64)) == 0;
    int r = img_super_decode(bytes, 0, &super, &s->diag);
    if (r == LT_EOPNOTSUPP)
        s->error = r;
    if (r < 0 || (place == 1 && at != super.block_size))
        return;
    s->found[place] = super;
    s->valid[place] = true;
}

static bool same_volume(const struct img_super *a, const struct img_super *b)
{
    return memcmp(a->uuid, b->uuid, sizeof(a->uuid)) == 0 && a->block_size == b->block_size &&
           a->data_check_size == b->data_check_size && a->name_case == b->name_case;
}

static void read_supers(struct lt_device *dev, struct supers *s)
{
    *s = (struct supers){0};
    try_super(dev, 0, 0, s);
    for (uint32_t size = IMG_BLOCK_SIZE_MIN; size <= IMG_BLOCK_SIZE_MAX && !s->valid[1]; size *= 2)
        if (!s->valid[0] || size == s->found[0].block_size)
            try_super(dev, size, 1, s);
}

static int choose_super(struct img_view *view, struct lt_diag *diag)
{
    struct img_report *report = view->report;
    struct supers s;
    read_supers(view->dev, &s);
    if (!s.valid[0] && !s.valid[1] && s.error)
        return lt_diag_set(diag, s.error, "%s", s.diag.text);
    if (!s.valid[0] && !s.valid[1]) {
        if (!s.magic && !report->check->repair)
            return lt_diag_set(diag, LT_EINVAL, "this is no Lintel image");
        int r = img_salvage_super(view, diag);
        if (r < 0)
            return r;
        view->rebuilt_super = true;
        img_found(report, IMG_P_SUPER_LOST, 0, 0, "block size %u", view->super.block_size);
        return 0;
    }
    bool differ = s.valid[0] && s.valid[1] && !same_volume(&s.found[0], &s.found[1]);
    unsigned best = !s.valid[0] || (s.valid[1] && s.found[1].generation > s.found[0].generation);
    if (differ)
        img_found(report, IMG_P_SUPER_OTHER, 0, best ^ 1u, "%s", "");
    else if (!s.valid[best ^ 1u])
        img_found(report, IMG_P_SUPER_DAMAGED, 0, best ^ 1u, "generation %llu is used",
                  (unsigned long long)s.found[best].generation);
    view->super = s.found[best];
    return 0;
}

/* What follows from the superblock, and its memory. */
static int set_up(struct img_view *view)
{
    struct img_super *super = &view->super;
    view->volume = img_super_volume(super);
    view->group_blocks = img_group_blocks(super->block_size);
    view->groups = (super->blocks + view->group_blocks - 1) / view->group_blocks;
    view->bitmap_words = (size_t)(view->groups * view->group_blocks / 64 + 1);
    view->old_blocks = super->blocks;
    view->page = malloc(super->block_size);
    view->group = calloc(view->groups, sizeof(*view->group));
    view->reached = calloc(view->bitmap_words, sizeof(uint64_t));
    view->marked = calloc(view->bitmap_words, sizeof(uint64_t));
    if (!view->page || !view->group || !view->reached || !view->marked)
        return LT_ENOMEM;
    img_view_layout(view, view->reached);
    uint64_t have = lt_device_size(view->dev) / super->block_size;
    if (have < super->blocks)
        img_found(view->report, IMG_P_IMAGE_CUT, 0, have, "%llu of %llu blocks are left",
                  (unsigned long long)have, (unsigned long long)super->blocks);
    return 0;
}

/* ---- Tree ---------------------------------------------------------------------------------- */

/* The nodes of one level. */
struct level {
    struct img_leaf *nodes;
    size_t count, room;
};

static int add_node(struct level *level, const struct img_leaf *node)
{
    int r = img_grow(&level->nodes, level->count, &level->room, sizeof(*level->nodes));
    if (r == 0)
        level->nodes[level->count++] = *node;
    return r;
}

/* Whether a node can lie where it is said to. */
static bool is_possible(struct img_view *view, const struct img_leaf *node)
{
    if (node->block >= view->super.blocks) {
        img_found(view->report, IMG_P_NODE_PLACE, 0, node->block, "behind the end");
        return false;
    }
    if (img_bit(view->reached, node->block)) {
        img_found(view->report, IMG_P_NODE_SHARED, 0, node->block, "%s", "");
        return false;
    }
    return true;
}

/* What is wrong with a node's header, or NULL. */
static const char *wrong_header(const struct img_view *view, const struct img_page *page,
                                const struct img_leaf *node, unsigned level, bool is_root)
{
    if (page->level != level)
        return "its level is wrong";
    if (page->birth != node->birth)
        return "its birth is wrong";
    if (page->birth > view->super.generation)
        return "it is of the future";
    return page->count == 0 && !(is_root && level == 0) ? "it is empty" : NULL;
}

/* What is wrong with its keys, or NULL. */
static const char *wrong_keys(const struct img_page *page, const struct img_leaf *node)
{
    struct img_key key;
    const uint8_t *value;
    size_t len;
    if (page->count == 0)
        return NULL;
    img_page_record(page, 0, &key, &value, &len);
    if (img_key_compare(key, node->first) < 0)
        return "its keys are too low";
    img_page_record(page, page->count - 1u, &key, &value, &len);
    return img_key_compare(key, node->last) > 0 ? "its keys are too high" : NULL;
}

static int tell_node(struct img_view *view, enum img_problem problem, uint64_t block,
                     const char *why)
{
    img_found(view->report, problem, 0, block, "%s", why);
    return LT_EUCLEAN;
}

/* Reads and verifies a node, and marks its block; what it finds wrong it tells. LT_EUCLEAN. */
static int read_node(struct img_view *view, const struct img_leaf *node, unsigned level,
                     bool is_root, struct img_page *ret)
{
    struct img_page_place place = {view->volume, node->block, view->super.block_size};
    const char *why;
    if (img_view_block(view, node->block, view->page) < 0)
        return tell_node(view, IMG_P_NODE_DAMAGED, node->block, "it cannot be read");
    if (img_page_open(view->page, &place, ret, &why) < 0)
        return tell_node(view, IMG_P_NODE_DAMAGED, node->block, why);
    why = wrong_header(view, ret, node, level, is_root);
    if (why)
        return tell_node(view, IMG_P_NODE_PLACE, node->block, why);
    if (img_page_verify(ret, &why) < 0)
        return tell_node(view, IMG_P_NODE_DAMAGED, node->block, why);
    why = wrong_keys(ret, node);
    if (why)
        return tell_node(view, IMG_P_NODE_PLACE, node->block, why);
    img_bit_set(view->reached, node->block);
    return 0;
}

static int add_children(const struct img_page *page, const struct img_leaf *node,
                        struct level *below)
{
    int r = 0;
    for (unsigned i = 0; r == 0 && i < page->count; i++) {
        struct img_leaf child = {.last = node->last};
        struct lt_le64 words[2];
        struct img_key end;
        const uint8_t *value;
        size_t len;
        if (i + 1 < page->count) {
            img_page_record(page, i + 1, &end, &value, &len);
            child.last = img_key_before(end);
        }
        img_page_record(page, i, &child.first, &value, &len);
        if (i == 0)
            child.first = node->first;
        memcpy(words, value, sizeof(words));
        child.block = lt_get_le64(words[0]);
        child.birth = lt_get_le64(words[1]);
        r = add_node(below, &child);
    }
    return r;
}

static int keep_inner(struct img_view *view, const struct img_leaf *node, unsigned level)
{
    int r = img_grow(&view->inner, view->inner_count, &view->inner_room, sizeof(*view->inner));
    if (r == 0)
        view->inner[view->inner_count++] = (struct img_inner){*node, level};
    return r;
}

/* From the nodes of a level to those below it. */
static int descend(struct img_view *view, struct level *level, unsigned number, bool is_root)
{
    struct level below = {0};
    int r = 0;
    for (size_t i = 0; r == 0 && i < level->count; i++) {
        struct img_leaf *node = &level->nodes[i];
        struct img_page page;
        r = is_possible(view, node) ? read_node(view, node, number, is_root, &page) : LT_EUCLEAN;
        if (r == LT_EUCLEAN)
            r = img_view_hole(view, node->first, node->last, false);
        else if (r == 0)
            r = add_children(&page, node, &below);
        if (r == 0)
            r = keep_inner(view, node, number);
        if (r == 0)
            r = img_view_progress(view, 1);
    }
    free(level->nodes);
    *level = below;
    return r;
}

static int walk_tree(struct img_view *view)
{
    const struct img_root *root = &view->super.root;
    struct img_leaf node = {IMG_KEY_FIRST, IMG_KEY_LAST, root->block, root->birth, false, false};
    struct level level = {0};
    int r = 0;
    if (root->block == 0)
        return view->rebuilt_super ? img_view_hole(view, IMG_KEY_FIRST, IMG_KEY_LAST, false) : 0;
    if (root->level > LEVEL_MAX) {
        img_found(view->report, IMG_P_NODE_PLACE, 0, root->block, "its level is impossible");
        return img_view_hole(view, IMG_KEY_FIRST, IMG_KEY_LAST, false);
    }
    r = add_node(&level, &node);
    for (unsigned n = root->level; r == 0 && n > 0; n--)
        r = descend(view, &level, n, n == root->level);
    view->leaves = level.nodes;
    view->leaf_count = level.count;
    view->leaf_room = level.room;
    return r;
}

int img_view_verify(struct img_view *view)
{
    size_t kept = 0;
    int r = 0;
    view->total += 2 * view->leaf_count;
    for (size_t i = 0; r == 0 && i < view->leaf_count; i++) {
        struct img_leaf leaf = view->leaves[i];
        struct img_page page;
        bool is_root = view->super.root.level == 0;
        r = is_possible(view, &leaf) ? read_node(view, &leaf, 0, is_root, &page) : LT_EUCLEAN;
        if (r == 0)
            view->leaves[kept++] = leaf;
        else if (r == LT_EUCLEAN)
            r = img_view_hole(view, leaf.first, leaf.last, true);
        if (r == 0)
            r = img_view_progress(view, 1);
    }
    if (r == 0)
        view->leaf_count = kept;
    return r;
}

/* ---- Log ----------------------------------------------------------------------------------- */

/* Copies `len` bytes of the log from block `at` of it on, round its end. */
static int read_ring(struct img_view *view, uint64_t at, void *buf, size_t len)
{
    uint64_t size = view->super.block_size;
    uint64_t start = view->super.log_block * size, total = view->super.log_blocks * size;
    size_t first = total - at * size < len ? (size_t)(total - at * size) : len;
    int r = lt_device_read(view->dev, start + at * size, buf, first);
    if (r == 0 && first < len)
        r = lt_device_read(view->dev, start, (uint8_t *)buf + first, len - first);
    return r;
}

static bool batch_fits(const struct img_view *view, const struct img_batch_header *h,
                       uint64_t sequence)
{
    uint64_t size = view->super.log_blocks * view->super.block_size;
    return lt_get_le32(h->magic) == IMG_LOG_MAGIC && lt_get_le32(h->length) >= sizeof(*h) &&
           lt_get_le32(h->length) <= size && lt_get_le64(h->volume) == view->volume &&
           lt_get_le64(h->epoch) == view->super.epoch && lt_get_le64(h->sequence) == sequence;
}

static int log_item(struct img_view *view, struct img_reader *r, unsigned op)
{
    struct img_key key;
    key.id = img_take_varint(r);
    key.kind = img_take_u8(r);
    key.off = img_take_varint(r);
    uint64_t len = op == IMG_LOG_PUT ? img_take_varint(r) : 0;
    const uint8_t *value = img_take_bytes(r, len);
    if (r->bad)
        return 0;
    if (key.kind == IMG_SPACE || len > (view->super.block_size - 64) / 2 - 64) {
        img_found(view->report, IMG_P_LOG_RECORD, key.id, 0, "an item of kind %u and %llu bytes",
                  key.kind, (unsigned long long)len);
        return 0;
    }
    int error = img_view_put(view, key, op == IMG_LOG_PUT ? value : NULL, len);
    if (error == 0)
        view->changes[view->change_count - 1].needs_base = op == IMG_LOG_DELETE;
    return error;
}

/* TAKE and FREE are kept for later as changes of the bitmaps: see img_view_space(). */
static int log_blocks(struct img_view *view, struct img_reader *r, unsigned op)
{
    uint64_t block = img_take_varint(r), count = img_take_varint(r);
    if (r->bad)
        return 0;
    if (count == 0 || block >= view->super.blocks || count > view->super.blocks - block) {
        img_found(view->report, IMG_P_LOG_SPACE, 0, block, "%llu blocks from %llu",
                  (unsigned long long)count, (unsigned long long)block);
        return 0;
    }
    int error = img_grow(&view->moves, view->move_count, &view->move_room, sizeof(*view->moves));
    if (error == 0)
        view->moves[view->move_count++] = (struct img_move){block, count, op == IMG_LOG_TAKE};
    return error;
}

static int log_data(struct img_view *view, struct img_reader *r)
{
    uint64_t size = view->super.block_size;
    uint64_t block = img_take_varint(r), offset = img_take_varint(r), len = img_take_varint(r);
    const uint8_t *bytes = img_take_bytes(r, len);
    if (r->bad)
        return 0;
    uint64_t end = view->super.blocks * size;
    if (block >= view->super.blocks || offset > end - block * size ||
        len > end - block * size - offset) {
        img_found(view->report, IMG_P_LOG_RECORD, 0, block, "data behind the end");
        return 0;
    }
    int error =
        img_grow(&view->logged, view->logged_count, &view->logged_room, sizeof(*view->logged));
    if (error == 0)
        view->logged[view->logged_count++] =
            (struct img_logged){block * size + offset, bytes, (size_t)len};
    return error;
}

static int apply_batch(struct img_view *view, const uint8_t *batch, size_t len, uint64_t sequence)
{
    struct img_reader r = img_reader(batch, len);
    int error = 0;
    while (error == 0 && !r.bad && img_left(&r) > 0) {
        unsigned op = img_take_u8(&r);
        if (op == IMG_LOG_PUT || op == IMG_LOG_DELETE)
            error = log_item(view, &r, op);
        else if (op == IMG_LOG_TAKE || op == IMG_LOG_FREE)
            error = log_blocks(view, &r, op);
        else if (op == IMG_LOG_DATA)
            error = log_data(view, &r);
        else
            r.bad = true;
    }
    if (r.bad)
        img_found(view->report, IMG_P_LOG_RECORD, 0, 0, "batch %llu does not decode",
                  (unsigned long long)sequence);
    return error;
}

static void take_counters(struct img_view *view, const struct img_batch_header *h)
{
    uint64_t next_id = lt_get_le64(h->next_id), nodes = lt_get_le64(h->nodes);
    if (next_id < view->super.next_id || !img_counters_fit(next_id, nodes)) {
        img_found(view->report, IMG_P_LOG_RECORD, 0, 0, "next id %llu, nodes %llu",
                  (unsigned long long)next_id, (unsigned long long)nodes);
        return;
    }
    view->super.next_id = next_id;
    view->super.nodes = nodes;
}

/* Reads the batch at block `at` of the log: its length in blocks, 0 at the end of the log. */
static int64_t read_batch(struct img_view *view, uint64_t at, uint64_t sequence)
{
    struct img_batch_header h;
    int r = read_ring(view, at, &h, sizeof(h));
    if (r < 0 || !batch_fits(view, &h, sequence))
        return 0;
    size_t len = lt_get_le32(h.length);
    uint8_t *batch = img_view_memory(view, len);
    if (!batch)
        return LT_ENOMEM;
    if (read_ring(view, at, batch, len) < 0 || !img_check_right(batch, len))
        return 0;
    r = img_grow(&view->batches, view->batch_count, &view->batch_room, sizeof(*view->batches));
    if (r < 0)
        return r;
    view->batches[view->batch_count++] = (struct img_batch){at, sequence, batch, len};
    take_counters(view, &h);
    r = apply_batch(view, batch + sizeof(h), len - sizeof(h), sequence);
    return r < 0 ? r : (int64_t)((len + view->super.block_size - 1) / view->super.block_size);
}

static int replay(struct img_view *view)
{
    uint64_t at = view->super.log_start, sequence = view->super.log_sequence, done = 0;
    while (done < view->super.log_blocks) {
        int64_t n = read_batch(view, at, sequence);
        if (n < 0)
            return (int)n;
        if (n == 0)
            break;
        done += (uint64_t)n;
        at = (at + (uint64_t)n) % view->super.log_blocks;
        sequence++;
        view->report->result->replayed++;
    }
    return img_view_settle(view);
}

int img_view_open(struct img_view *view, struct lt_device *dev, struct img_report *report,
                  struct lt_diag *diag)
{
    *view = (struct img_view){.dev = dev, .report = report};
    int r = choose_super(view, diag);
    if (r == 0)
        r = set_up(view);
    if (r == 0)
        r = walk_tree(view);
    if (r == 0 && !view->rebuilt_super)
        r = replay(view);
    return r;
}
