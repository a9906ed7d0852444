// SPDX-License-Identifier: MIT
/*
 * Who knows whom: every entry of a directory and every stream of a file beside the names
 * that objects tell of, sorted by object. For when the sums of census.c do not agree: it
 * takes 40 bytes a name. An object whose names are wrong gets all of them written anew, those that
 * directories have. One that no directory has goes to /lost+found.
 */
#include "census.h"
#include "lost.h"

#include <base/hash.h>
#include <fs/image/hashed.h>
#include <fs/image/store/varint.h>
#include <stdlib.h>

#define STREAM_TYPE (LT_S_STREAM >> 12)

/* An object, a name that an entry gives to it, or one that it tells of, in this order. */
struct knows {
    uint64_t child, dir, entry;
    enum { OBJECT, ENTRY, CLAIM } what;
    uint8_t type;
    bool orphan; /* OBJECT: it may be without names */
};

struct names {
    struct img_census *census;
    struct knows *list;
    size_t count, room;
    struct img_lost lost;
};

static int add(struct names *names, const struct knows *knows)
{
    int r = img_grow(&names->list, names->count, &names->room, sizeof(*names->list));
    if (r == 0)
        names->list[names->count++] = *knows;
    return r;
}

static int gather_inode(struct names *names, const struct img_item *item)
{
    struct img_inode inode;
    uint64_t id = item->key.id;
    if (img_inode_decode(item->value, item->len, &inode) < 0)
        return 0;
    uint8_t type = (uint8_t)(inode.mode >> 12);
    const struct img_orphan *orphans = names->census->orphans;
    bool orphan = false;
    for (size_t i = 0; inode.nlink == 0 && i < names->census->orphan_count && !orphan; i++)
        orphan = orphans[i].id == id;
    int r = add(names, &(struct knows){id, 0, 0, OBJECT, type, orphan});
    if (r == 0 && inode.parent && !orphan)
        r = add(names, &(struct knows){id, inode.parent, inode.entry, CLAIM, type, false});
    return r;
}

static int gather(void *arg, const struct img_item *item)
{
    struct names *names = arg;
    struct img_name name;
    uint64_t dir, entry;
    switch (item->key.kind) {
    case IMG_INODE:
        return gather_inode(names, item);
    case IMG_ENTRY:
    case IMG_STREAM:
        if (item->key.id == IMG_ID_VOLUME || img_name_decode(item, &name) < 0)
            return 0;
        return add(names, &(struct knows){name.child, item->key.id, item->key.off, ENTRY, name.type,
                                          false});
    case IMG_LINK:
        if (img_link_decode(item, &dir, &entry) < 0)
            return 0;
        return add(names, &(struct knows){item->key.id, dir, entry, CLAIM, 0, false});
    default:
        return 0;
    }
}

static int compare(const void *a, const void *b)
{
    const struct knows *x = a, *y = b;
    if (x->child != y->child)
        return x->child < y->child ? -1 : 1;
    if ((x->what == OBJECT) != (y->what == OBJECT))
        return x->what == OBJECT ? -1 : 1;
    if (x->dir != y->dir)
        return x->dir < y->dir ? -1 : 1;
    if (x->entry != y->entry)
        return x->entry < y->entry ? -1 : 1;
    return (int)x->what - (int)y->what;
}

/* ---- Mending ------------------------------------------------------------------------------- */

static int drop_entry(struct names *names, const struct knows *k)
{
    uint8_t kind = k->type == STREAM_TYPE ? IMG_STREAM : IMG_ENTRY;
    return img_census_drop(names->census, img_key(k->dir, kind, k->entry));
}

/* Corrects the type in an entry. */
static int retype_entry(struct names *names, struct knows *k, uint8_t type)
{
    struct img_key key = img_key(k->dir, IMG_ENTRY, k->entry);
    struct img_item item = {.key = key};
    struct img_name name;
    uint8_t *value;
    size_t len;
    int r = img_view_get(names->census->view, key, &value, &len);
    if (r < 0)
        return r;
    item.value = value;
    item.len = len;
    if (img_name_decode(&item, &name) == 0) {
        ((uint8_t *)(uintptr_t)name.name.s)[-1] = type;
        k->type = type;
        r = img_view_put(names->census->view, key, value, len);
    }
    free(value);
    return r;
}

static int drop_link(void *arg, const struct img_item *item)
{
    return img_census_drop(arg, item->key);
}

static int put_link(struct img_view *view, uint64_t id, const struct knows *k)
{
    uint8_t value[IMG_VARINT_MAX + sizeof(struct lt_le64)];
    struct lt_le64 entry = lt_put_le64(k->entry);
    uint8_t *end = img_put_varint(value, k->dir);
    memcpy(end, entry.b, sizeof(entry));
    end += sizeof(entry);
    return img_view_put(view, img_key(id, IMG_LINK, img_link_base(view, k->dir, k->entry)), value,
                        (size_t)(end - value));
}

/* Gives an object the names [entries, + count), as its inode and LINK items tell them. */
static int write_names(struct names *names, uint64_t id, const struct knows *entries, size_t count)
{
    struct img_view *view = names->census->view;
    struct img_inode inode;
    uint8_t *value, bytes[IMG_INODE_MAX];
    size_t len, first = 0;
    int r = img_view_get(view, img_key(id, IMG_INODE, 0), &value, &len);
    if (r < 0)
        return r;
    r = img_inode_decode(value, len, &inode);
    free(value);
    if (r == 0)
        r = img_view_each(view, img_key(id, IMG_LINK, 0), img_key(id, IMG_LINK, UINT64_MAX),
                          drop_link, names->census);
    for (size_t i = 0; i < count; i++)
        if (entries[i].dir == inode.parent && entries[i].entry == inode.entry)
            first = i;
    if (count > 0 && inode.nlink == 0)
        inode.nlink = 1; /* no orphan */
    inode.parent = count ? entries[first].dir : 0;
    inode.entry = count ? entries[first].entry : 0;
    for (size_t i = 0; r == 0 && i < count; i++)
        if (i != first)
            r = put_link(view, id, &entries[i]);
    if (r == 0)
        r = img_view_put(view, img_key(id, IMG_INODE, 0), bytes, img_inode_encode(&inode, bytes));
    return r;
}

/* ---- Looking ------------------------------------------------------------------------------- */

/* An object and all that was gathered of it: list[0] is it itself, if it exists. */
struct group {
    struct knows *list;
    size_t count;
    uint64_t id;
    bool exists, wrong;
    uint8_t type;
};

static int dangling(struct names *names, const struct knows *k)
{
    enum img_problem problem =
        k->type == STREAM_TYPE ? IMG_P_STREAM_DANGLING : IMG_P_ENTRY_DANGLING;
    bool mend = img_found(names->census->report, problem, k->dir, 0, "object %llu",
                          (unsigned long long)k->child);
    return mend ? drop_entry(names, k) : 0;
}

/* Takes an entry out of the group. */
static void forget(struct group *g, size_t i)
{
    for (g->count--; i < g->count; i++)
        g->list[i] = g->list[i + 1];
}

/* Entries whose type is not the object's. */
static int check_types(struct names *names, struct group *g)
{
    for (size_t i = 0; i < g->count;) {
        struct knows *k = &g->list[i];
        int r = 0;
        if (k->what != ENTRY || k->type == g->type) {
            i++;
            continue;
        }
        if (k->type == STREAM_TYPE || g->type == STREAM_TYPE) {
            r = dangling(names, k);
            forget(g, i);
        } else {
            bool mend = img_found(names->census->report, IMG_P_ENTRY_TYPE, k->dir, 0,
                                  "object %llu is of type %o, not %o", (unsigned long long)k->child,
                                  g->type, k->type);
            r = mend ? retype_entry(names, k, g->type) : 0;
            i++;
        }
        if (r < 0)
            return r;
    }
    return 0;
}

static bool is_pair(const struct group *g, size_t i)
{
    const struct knows *k = &g->list[i];
    return i + 1 < g->count && k[0].what == ENTRY && k[1].what == CLAIM && k[0].dir == k[1].dir &&
           k[0].entry == k[1].entry;
}

/* Matches entries with what the object tells; tells of each that has no other side. */
static void match(struct names *names, struct group *g)
{
    struct img_report *report = names->census->report;
    bool stream = g->type == STREAM_TYPE;
    for (size_t i = 0; i < g->count; i++) {
        const struct knows *k = &g->list[i];
        if (is_pair(g, i)) {
            i++;
        } else if (k->what == CLAIM) {
            g->wrong |= img_found(report, stream ? IMG_P_STREAM_LOST : IMG_P_NAME_GONE, g->id, 0,
                                  "in directory %llu", (unsigned long long)k->dir);
        } else if (k->what == ENTRY) {
            g->wrong |= img_found(report, stream ? IMG_P_STREAM_NAME : IMG_P_ENTRY_UNKNOWN, g->id,
                                  0, "in directory %llu", (unsigned long long)k->dir);
        }
    }
}

/* A directory or stream has one name: the one that it knows stays, or else the first. */
static int keep_one(struct names *names, struct group *g)
{
    size_t keep = g->count;
    int r = 0;
    for (size_t i = g->count; i-- > 0;)
        if (g->list[i].what == ENTRY && (keep == g->count || !is_pair(g, keep)))
            keep = i;
    for (size_t i = 0; r == 0 && i < g->count; i++)
        if (g->list[i].what == ENTRY && i != keep)
            r = drop_entry(names, &g->list[i]);
    g->list[0] = g->list[keep];
    g->count = 1;
    return r;
}

/* Leaves the entries alone in the group. */
static void only_entries(struct group *g)
{
    size_t n = 0;
    for (size_t i = 0; i < g->count; i++)
        if (g->list[i].what == ENTRY)
            g->list[n++] = g->list[i];
    g->count = n;
}

static size_t count_entries(const struct group *g)
{
    size_t n = 0;
    for (size_t i = 0; i < g->count; i++)
        n += g->list[i].what == ENTRY;
    return n;
}

static int nameless(struct names *names, const struct group *g, bool told)
{
    struct img_census *census = names->census;
    enum img_problem problem = g->type == STREAM_TYPE ? IMG_P_STREAM_LOST : IMG_P_NAMELESS;
    if (!told && !img_found(census->report, problem, g->id, 0, "%s", ""))
        return 0;
    if (!census->report->check->repair)
        return 0;
    return img_lost_adopt(&names->lost, census->view, g->id);
}

static int look(struct names *names, struct group *g)
{
    struct img_report *report = names->census->report;
    size_t entries = count_entries(g);
    int r = 0;
    if (!g->exists) {
        for (size_t i = 0; r == 0 && i < g->count; i++)
            r = g->list[i].what == ENTRY ? dangling(names, &g->list[i]) : 0;
        return r;
    }
    bool orphan = g->list[0].orphan, single = g->type == LT_S_IFDIR >> 12 || g->type == STREAM_TYPE;
    forget(g, 0);
    r = check_types(names, g);
    if (r < 0)
        return r;
    entries = count_entries(g);
    bool claims = g->count > entries;
    if (entries == 0 && (orphan || g->id == IMG_ID_ROOT))
        return 0;
    if (entries == 0) {
        match(names, g);
        return nameless(names, g, claims);
    }
    if (single && entries > 1) {
        if (!img_found(report, IMG_P_DIR_NAMES, g->id, 0, "it has %zu", entries))
            return 0;
        r = keep_one(names, g);
        return r < 0 ? r : write_names(names, g->id, g->list, g->count);
    }
    match(names, g);
    if (!g->wrong)
        return 0;
    only_entries(g);
    return write_names(names, g->id, g->list, g->count);
}

static int look_all(struct names *names)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < names->count;) {
        struct group g = {.list = names->list + i, .id = names->list[i].child};
        while (i < names->count && names->list[i].child == g.id) {
            g.count++;
            i++;
        }
        g.exists = g.list[0].what == OBJECT;
        g.type = g.list[0].type;
        r = look(names, &g);
    }
    return r;
}

int img_census_names(struct img_census *census)
{
    struct names names = {.census = census};
    int r = img_view_settle(census->view);
    if (r == 0)
        r = img_view_each(census->view, IMG_KEY_FIRST, IMG_KEY_LAST, gather, &names);
    if (r == 0) {
        qsort(names.list, names.count, sizeof(*names.list), compare);
        r = look_all(&names);
    }
    free(names.list);
    return r < 0 ? r : img_view_settle(census->view);
}
