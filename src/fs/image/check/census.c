// SPDX-License-Identifier: MIT
#include "census.h"

#include <base/unicode.h>
#include <os/os.h>
#include <stdlib.h>

bool img_census_found(struct img_census *census, enum img_problem problem, uint64_t node,
                      uint64_t block, const char *format, ...)
{
    va_list args;
    census->object.broken = true;
    census->names_doubtful |= problem < IMG_P_EXTENT_RANGE;
    census->blocks_doubtful |= problem < IMG_P_ENTRY_DANGLING || problem >= IMG_P_EXTENT_RANGE;
    va_start(args, format);
    bool mend = img_found_v(census->report, problem, node, block, format, args);
    va_end(args);
    return mend;
}

int img_census_drop(struct img_census *census, struct img_key key)
{
    return img_view_put(census->view, key, NULL, 0);
}

/* ---- Items of the volume ------------------------------------------------------------------- */

static int take_orphan(struct img_census *census, const struct img_item *item)
{
    if (item->len > 0 || item->key.off < IMG_ID_FIRST) {
        bool mend = img_census_found(census, IMG_P_ITEM_DAMAGED, 0, 0, "a list of orphans");
        return mend ? img_census_drop(census, item->key) : 0;
    }
    int r = img_grow(&census->orphans, census->orphan_count, &census->orphan_room,
                     sizeof(*census->orphans));
    if (r == 0)
        census->orphans[census->orphan_count++] = (struct img_orphan){item->key.off, false};
    return r;
}

static int take_label(struct img_census *census, const struct img_item *item)
{
    struct lt_str label = lt_strn((const char *)item->value, item->len);
    const char *why = NULL;
    if (item->key.off != 0)
        why = "at the wrong key";
    else if (!lt_utf8_valid(label) || memchr(label.s, 0, label.len))
        why = "no text";
    else if (lt_utf8_units(label) > LT_LABEL_UNITS_MAX)
        why = "too long";
    if (!why || !img_census_found(census, IMG_P_LABEL, 0, 0, "%s", why))
        return 0;
    return img_census_drop(census, item->key);
}

static int unknown(struct img_census *census, const struct img_item *item)
{
    bool mend = img_census_found(census, IMG_P_ITEM_UNKNOWN, item->key.id, 0, "%u", item->key.kind);
    return mend ? img_census_drop(census, item->key) : 0;
}

/* Whether an item is what img_salvage_super() needs. */
static bool is_copy(const struct img_view *view, const struct img_item *item)
{
    const struct img_super *super = &view->super;
    struct img_super copy;
    if (item->len != IMG_SUPER_SIZE || img_super_decode(item->value, 0, &copy, NULL) < 0)
        return false;
    return memcmp(copy.uuid, super->uuid, sizeof(copy.uuid)) == 0 &&
           copy.hash_key.k0 == super->hash_key.k0 && copy.hash_key.k1 == super->hash_key.k1 &&
           copy.block_size == super->block_size && copy.name_case == super->name_case &&
           copy.data_check_size == super->data_check_size && copy.log_block == super->log_block &&
           copy.log_blocks == super->log_blocks;
}

static int volume_item(struct img_census *census, const struct img_item *item)
{
    switch (item->key.kind) {
    case IMG_SPACE:
        return 0; /* space.c */
    case IMG_ORPHAN:
        return take_orphan(census, item);
    case IMG_SECURITY:
        return img_census_piece(census, item);
    case IMG_LABEL:
        return take_label(census, item);
    case IMG_VOLUME:
        census->copy |= item->key.off == 0 && is_copy(census->view, item);
        return item->key.off == 0 ? 0 : unknown(census, item);
    default:
        return unknown(census, item);
    }
}

/* ---- Items of objects ---------------------------------------------------------------------- */

/* Whether an object of this type can have an item of this kind. */
static bool may_have(uint16_t mode, uint8_t kind)
{
    uint16_t type = mode & LT_S_IFMT;
    switch (kind) {
    case IMG_ENTRY:
        return type == LT_S_IFDIR;
    case IMG_LINK:
        return type != LT_S_IFDIR && type != LT_S_STREAM;
    case IMG_TARGET:
        return type == LT_S_IFLNK;
    case IMG_INLINE:
    case IMG_EXTENT:
        return type == LT_S_IFREG || type == LT_S_STREAM;
    default:
        return type != LT_S_STREAM;
    }
}

static int object_item(struct img_census *census, const struct img_item *item)
{
    struct img_object *object = &census->object;
    uint8_t kind = item->key.kind;
    if (kind == IMG_INODE)
        return img_census_inode(census, item);
    if (kind == 0 || kind > IMG_EXTENT)
        return unknown(census, item);
    if (object->has_inode && !may_have(object->inode.mode, kind)) {
        bool mend =
            img_census_found(census, IMG_P_ITEM_FOREIGN, object->id, 0, "an item of kind %u", kind);
        return mend ? img_census_drop(census, item->key) : 0;
    }
    switch (kind) {
    case IMG_ENTRY:
        return img_census_entry(census, item);
    case IMG_LINK:
        return img_census_link(census, item);
    case IMG_STREAM:
        return img_census_stream(census, item);
    case IMG_INLINE:
        return img_census_inline(census, item);
    case IMG_EXTENT:
        return img_census_extent(census, item);
    default:
        return img_census_piece(census, item);
    }
}

static int take_item(void *arg, const struct img_item *item)
{
    struct img_census *census = arg;
    int r = 0;
    if (census->report->stopped)
        return LT_EINTR;
    census->items++;
    census->root |= item->key.id == IMG_ID_ROOT; /* lost or not: that is said elsewhere */
    if (item->key.id != census->object.id) {
        r = img_census_object_end(census);
        census->object = (struct img_object){.id = item->key.id};
    }
    if (r < 0)
        return r;
    if (census->pieces.kind && census->pieces.kind != item->key.kind) {
        r = img_census_piece_end(census);
        if (r < 0)
            return r;
    }
    if (item->key.id == IMG_ID_VOLUME)
        return volume_item(census, item);
    if ((item->key.id != IMG_ID_ROOT && item->key.id < IMG_ID_FIRST) || item->key.id > IMG_ID_LAST)
        return unknown(census, item);
    return object_item(census, item);
}

/* ---- The end ------------------------------------------------------------------------------- */

/* Writes the right number of references into a descriptor, or takes it away. */
static int recount(struct img_census *census, const struct img_descriptor *descriptor)
{
    struct img_key key = img_key(0, IMG_SECURITY, descriptor->off);
    struct lt_le32 count = lt_put_le32(descriptor->found);
    uint8_t *piece;
    size_t len = IMG_CHUNK;
    int r = 0;
    if (descriptor->found > 0) {
        r = img_view_get(census->view, key, &piece, &len);
        if (r < 0)
            return r;
        memcpy(piece, &count, sizeof(count)); /* a whole one: it was looked at */
        r = img_view_put(census->view, key, piece, len);
        free(piece);
        return r;
    }
    for (; r == 0 && len == IMG_CHUNK; key.off++) {
        r = img_view_get(census->view, key, &piece, &len);
        if (r < 0)
            return r == LT_ENOENT ? 0 : r;
        free(piece);
        r = img_census_drop(census, key);
        if (r == 0)
            r = img_view_settle(census->view);
    }
    return r;
}

/* What the orphans and descriptors came to. */
static int end_volume(struct img_census *census)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < census->orphan_count; i++) {
        const struct img_orphan *o = &census->orphans[i];
        if (!o->found && img_found(census->report, IMG_P_ORPHAN_ITEM, o->id, 0, "%s", ""))
            r = img_census_drop(census, img_key(0, IMG_ORPHAN, o->id));
    }
    for (size_t i = 0; r == 0 && i < census->descriptor_count; i++) {
        const struct img_descriptor *d = &census->descriptors[i];
        if (d->told != d->found && img_found(census->report, IMG_P_SECURITY_COUNT, 0, 0,
                                             "%u instead of %u", d->told, d->found))
            r = recount(census, d);
        if (r == 0)
            r = img_view_settle(census->view);
    }
    return r;
}

static int drop_item(void *arg, const struct img_item *item)
{
    struct img_census *census = arg;
    return img_census_drop(census, item->key);
}

static int put_copy(struct img_census *census)
{
    uint8_t copy[IMG_SUPER_SIZE];
    img_super_encode(&census->view->super, copy);
    return img_view_put(census->view, img_key(IMG_ID_VOLUME, IMG_VOLUME, 0), copy, sizeof(copy));
}

static int make_root(struct img_census *census)
{
    struct img_inode inode = {.mode = LT_S_IFDIR | 0755, .nlink = 2};
    uint8_t bytes[IMG_INODE_MAX];
    if (!img_found(census->report, IMG_P_ROOT, IMG_ID_ROOT, 0, "%s", ""))
        return 0;
    inode.btime = inode.mtime = inode.ctime = inode.atime = lt_clock_now();
    census->names_doubtful = true;
    return img_view_put(census->view, img_key(IMG_ID_ROOT, IMG_INODE, 0), bytes,
                        img_inode_encode(&inode, bytes));
}

static int drop_doomed(struct img_census *census)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < census->doomed_count; i++) {
        uint64_t id = census->doomed[i];
        r = img_view_each(census->view, img_key(id, 0, 0), img_key(id, UINT8_MAX, UINT64_MAX),
                          drop_item, census);
        if (r == 0)
            r = img_view_settle(census->view);
    }
    return r;
}

/* Counts of the superblock. */
static void check_counts(struct img_census *census)
{
    struct img_super *super = &census->view->super;
    if (super->nodes != census->nodes &&
        img_found(census->report, IMG_P_NODE_COUNT, 0, 0, "%llu instead of %llu",
                  (unsigned long long)super->nodes, (unsigned long long)census->nodes))
        super->nodes = census->nodes;
    if (census->max_id >= super->next_id &&
        img_found(census->report, IMG_P_NEXT_ID, census->max_id, 0, "%s", ""))
        super->next_id = census->max_id + 1;
}

static int prepare(struct img_census *census, struct img_view *view)
{
    *census = (struct img_census){.view = view, .report = view->report};
    census->whole = view->hole_count == 0;
    census->object.id = IMG_ID_VOLUME;
    census->used = malloc(view->bitmap_words * sizeof(uint64_t));
    if (!census->used)
        return LT_ENOMEM;
    memcpy(census->used, view->reached, view->bitmap_words * sizeof(uint64_t));
    return lt_random(&census->sum_key, sizeof(census->sum_key));
}

int img_census_run(struct img_census *census, struct img_view *view)
{
    int r = prepare(census, view);
    if (r == 0)
        r = img_view_each(view, IMG_KEY_FIRST, IMG_KEY_LAST, take_item, census);
    if (r == 0)
        r = img_census_object_end(census);
    if (r == 0)
        r = img_view_settle(view);
    if (r < 0 || !census->whole)
        return r;
    r = end_volume(census);
    if (r == 0 && !census->root)
        r = make_root(census);
    if (r == 0 && !census->copy && img_found(census->report, IMG_P_SUPER_COPY, 0, 0, "%s", ""))
        r = put_copy(census);
    if (r == 0)
        r = drop_doomed(census);
    if (!census->names_doubtful)
        check_counts(census);
    if (r == 0 && !census->names_doubtful && (census->names_sum != 0 || census->nameless > 0))
        r = img_census_names(census);
    else if (r == 0 && !census->names_doubtful)
        r = img_census_dirs(census);
    return r < 0 ? r : img_view_settle(view);
}

void img_census_fini(struct img_census *census)
{
    free(census->used);
    free(census->dirs);
    free(census->descriptors);
    free(census->orphans);
    free(census->doomed);
    free(census->twins);
    free(census->buffer);
}
