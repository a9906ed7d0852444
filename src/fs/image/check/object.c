// SPDX-License-Identifier: MIT
/* INODE items, and what an object must be once all its items were seen. */
#include "census.h"

#include <os/os.h>
#include <stdlib.h>

static bool is_dir(const struct img_object *object)
{
    return (object->inode.mode & LT_S_IFMT) == LT_S_IFDIR;
}

static bool is_stream(const struct img_object *object)
{
    return (object->inode.mode & LT_S_IFMT) == LT_S_STREAM;
}

/* ---- INODE --------------------------------------------------------------------------------- */

/* What an inode cannot say, or NULL; mends it. */
static const char *impossible(struct img_inode *inode, uint64_t id)
{
    uint16_t type = inode->mode & LT_S_IFMT;
    bool device = type == LT_S_IFCHR || type == LT_S_IFBLK;
    if (id == IMG_ID_ROOT && inode->parent) {
        inode->parent = inode->entry = 0;
        return "the root has a name";
    }
    if (inode->rdev && !device) {
        inode->rdev = 0;
        return "a device number";
    }
    if (inode->win_attrs & ~(uint32_t)LT_WIN_SETTABLE) {
        inode->win_attrs &= LT_WIN_SETTABLE;
        return "unknown attributes";
    }
    if (inode->inode_flags & ~(uint32_t)LT_INODE_SETTABLE) {
        inode->inode_flags &= LT_INODE_SETTABLE;
        return "unknown flags";
    }
    return NULL;
}

static bool find_orphan(struct img_census *census, uint64_t id)
{
    size_t lo = 0, hi = census->orphan_count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (census->orphans[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == census->orphan_count || census->orphans[lo].id != id)
        return false;
    census->orphans[lo].found = true;
    return true;
}

static int add_dir(struct img_census *census)
{
    struct img_object *object = &census->object;
    int r = img_grow(&census->dirs, census->dir_count, &census->dir_room, sizeof(*census->dirs));
    if (r == 0)
        census->dirs[census->dir_count++] =
            (struct img_dir){object->id, object->inode.parent, object->inode.entry};
    return r;
}

int img_census_inode(struct img_census *census, const struct img_item *item)
{
    struct img_object *object = &census->object;
    if (item->key.off != 0 || img_inode_decode(item->value, item->len, &object->inode) < 0) {
        bool mend = img_census_found(census, IMG_P_ITEM_DAMAGED, object->id, 0, "an inode");
        return mend ? img_census_drop(census, item->key) : 0;
    }
    object->has_inode = true;
    object->stale = item->stale;
    object->orphan = find_orphan(census, object->id);
    if (object->id == IMG_ID_ROOT && !is_dir(object) &&
        img_census_found(census, IMG_P_ROOT, IMG_ID_ROOT, 0, "%s", "")) {
        object->inode = (struct img_inode){.mode = LT_S_IFDIR | 0755, .nlink = 2};
        object->change = true;
    }
    const char *why = impossible(&object->inode, object->id);
    if (why)
        object->change = img_census_found(census, IMG_P_INODE_FIELD, object->id, 0, "%s", why);
    if (object->inode.parent && !(object->orphan && object->inode.nlink == 0)) {
        object->names++;
        img_census_name(census, object->inode.parent, object->inode.entry, object->id,
                        object->inode.mode >> 12, -1);
    }
    census->nodes += !is_stream(object);
    census->streams += is_stream(object);
    census->files += (object->inode.mode & LT_S_IFMT) == LT_S_IFREG;
    if (is_dir(object)) {
        census->directories++;
        if (!object->orphan) {
            int r = add_dir(census);
            if (r < 0)
                return r;
        }
    }
    return img_census_inode_extent(census);
}

/* ---- The end of an object ------------------------------------------------------------------ */

/* An object with items but no inode: it gets one, if it has anything to lose. */
static int end_lost(struct img_census *census)
{
    struct img_object *object = &census->object;
    struct img_inode inode = {.mode = LT_S_IFREG | 0600, .nlink = 1};
    bool mend = img_found(census->report, IMG_P_ITEM_LOST, object->id, 0, "%s", "");
    uint8_t bytes[IMG_INODE_MAX];
    census->names_doubtful = census->blocks_doubtful = true;
    if (!mend)
        return 0;
    if (object->entries > 0 || object->id == IMG_ID_ROOT)
        inode.mode = LT_S_IFDIR | 0700;
    else if (object->target)
        inode.mode = LT_S_IFLNK | 0777;
    else if (!object->blocks && !object->inlined && !(object->has & LT_HAS_STREAM)) {
        int r = img_grow(&census->doomed, census->doomed_count, &census->doomed_room,
                         sizeof(*census->doomed));
        if (r == 0)
            census->doomed[census->doomed_count++] = object->id;
        return r;
    }
    inode.size = object->end ? object->end * census->view->super.block_size : object->inline_len;
    inode.btime = inode.mtime = inode.ctime = inode.atime = lt_clock_now();
    return img_view_put(census->view, img_key(object->id, IMG_INODE, 0), bytes,
                        img_inode_encode(&inode, bytes));
}

static bool differs(struct img_census *census, enum img_problem problem, uint64_t told,
                    uint64_t found)
{
    struct img_object *object = &census->object;
    if (told == found)
        return false;
    bool mend = img_found(census->report, problem, object->id, 0, "%llu instead of %llu",
                          (unsigned long long)told, (unsigned long long)found);
    object->change |= mend;
    return mend;
}

static void check_links(struct img_census *census)
{
    struct img_object *object = &census->object;
    struct img_inode *inode = &object->inode;
    bool root = object->id == IMG_ID_ROOT;
    uint64_t links = is_dir(object) ? 2 + object->subdirs : object->names;
    if (object->orphan && object->names > 0)
        object->foundling = img_found(census->report, IMG_P_ORPHAN_ITEM, object->id, 0, "%s", "");
    if (object->names == 0 && !root) {
        census->nameless += !object->orphan;
        if (!object->orphan)
            return; /* names.c gives it one */
        links = 0;
    }
    if (differs(census, IMG_P_LINKS, inode->nlink, links))
        inode->nlink = (uint32_t)links;
    if (is_dir(object) && differs(census, IMG_P_DIR_SIZE, inode->size, object->entries))
        inode->size = object->entries;
}

/* The descriptor that the object refers to gets one reference more. */
static void check_security(struct img_census *census)
{
    struct img_object *object = &census->object;
    uint64_t off = object->inode.security;
    size_t lo = 0, hi = census->descriptor_count;
    if (off == 0)
        return;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (census->descriptors[mid].off < off)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo < census->descriptor_count && census->descriptors[lo].off == off) {
        census->descriptors[lo].found++;
        object->has |= LT_HAS_SECURITY;
        return;
    }
    if (img_found(census->report, IMG_P_SECURITY_GONE, object->id, 0, "%s", "")) {
        object->inode.security = 0;
        object->change = true;
    } else {
        object->has |= LT_HAS_SECURITY; /* that it is missing was said */
    }
}

/* What the inode tells of its items. An object without names goes piece by piece, in several
 * transactions: nobody will ask it any more. */
static void check_told(struct img_census *census)
{
    struct img_object *object = &census->object;
    struct img_inode *inode = &object->inode;
    if (object->orphan && object->names == 0)
        return;
    if (differs(census, IMG_P_HAS, inode->has, object->has))
        inode->has = object->has;
    if (differs(census, IMG_P_EA_SIZE, inode->ea_size, object->ea_size))
        inode->ea_size = object->ea_size;
    if (differs(census, IMG_P_REPARSE_TAG, inode->reparse_tag, object->reparse_tag))
        inode->reparse_tag = object->reparse_tag;
}

static void check_values(struct img_census *census)
{
    struct img_object *object = &census->object;
    struct img_inode *inode = &object->inode;
    check_security(census);
    check_told(census);
    if (differs(census, IMG_P_BLOCKS, inode->blocks, object->blocks))
        inode->blocks = object->blocks;
}

static int check_target(struct img_census *census)
{
    struct img_object *object = &census->object;
    if ((object->inode.mode & LT_S_IFMT) != LT_S_IFLNK)
        return 0;
    if (object->target) {
        if (differs(census, IMG_P_INODE_FIELD, object->inode.size, object->inline_len))
            object->inode.size = object->inline_len;
        return 0;
    }
    if (!img_found(census->report, IMG_P_TARGET_GONE, object->id, 0, "%s", ""))
        return 0;
    int r = img_grow(&census->doomed, census->doomed_count, &census->doomed_room,
                     sizeof(*census->doomed));
    if (r == 0)
        census->doomed[census->doomed_count++] = object->id;
    return r;
}

int img_census_object_end(struct img_census *census)
{
    struct img_object *object = &census->object;
    uint8_t bytes[IMG_INODE_MAX];
    int r = img_census_piece_end(census);
    if (r < 0 || object->id == IMG_ID_VOLUME)
        return r;
    if (object->id > census->max_id && object->id <= IMG_ID_LAST)
        census->max_id = object->id;
    if (!object->has_inode)
        return object->broken || !census->whole ? 0 : end_lost(census);
    if (census->whole && !object->broken) {
        check_links(census);
        check_values(census);
        r = check_target(census);
    } else if (census->whole) {
        check_security(census);
    }
    if (r == 0 && object->foundling)
        r = img_census_drop(census, img_key(IMG_ID_VOLUME, IMG_ORPHAN, object->id));
    if (r < 0 || !object->change)
        return r;
    return img_view_put(census->view, img_key(object->id, IMG_INODE, 0), bytes,
                        img_inode_encode(&object->inode, bytes));
}
