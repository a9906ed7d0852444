// SPDX-License-Identifier: MIT
/*
 * Listings. The first query of an opening, and each that starts over, takes all entries with their
 * attributes in one go and sorts them as NTFS does, by their upper-cased names behind "." and "..".
 * The others go on behind the name that the driver says, be it there or not: whatever happens to
 * the directory meanwhile, nothing comes twice and nothing that stays is left out.
 *
 * Patterns are the driver's work; it matches again whatever it gets. Only a pattern that is a name
 * is looked up instead of listing all.
 */
#include "volume.h"

#include <base/unicode.h>
#include <stdlib.h>

struct entry {
    struct lt_fsp_file_info info;
    struct lt_node *node; /* from the listing, until it is done */
    uint16_t units;       /* 0: its name cannot be shown */
    uint16_t name[];
};

struct fsp_listing {
    char *bytes; /* entries, one behind the other, 8-byte aligned */
    size_t len, capacity;
    struct entry **sorted; /* those that can be shown */
    size_t count;
};

void fsp_listing_free(struct fsp_listing *listing)
{
    if (listing == NULL)
        return;
    free(listing->bytes);
    free(listing->sorted);
    free(listing);
}

/* ---- Order ----------------------------------------------------------------------------------- */

/* 0 and 1 for "." and "..", which come first, 2 for all others. */
static int rank(const uint16_t *name, size_t units)
{
    if (units == 1 && name[0] == '.')
        return 0;
    return units == 2 && name[0] == '.' && name[1] == '.' ? 1 : 2;
}

static int compare_units(const uint16_t *a, size_t a_units, const uint16_t *b, size_t b_units)
{
    size_t shorter = a_units < b_units ? a_units : b_units;
    int exact = 0;
    for (size_t i = 0; i < shorter; i++) {
        if (a[i] == b[i])
            continue;
        int upper = (int)lt_upcase(a[i]) - (int)lt_upcase(b[i]);
        if (upper)
            return upper;
        if (exact == 0)
            exact = (int)a[i] - (int)b[i];
    }
    if (a_units != b_units)
        return a_units < b_units ? -1 : 1;
    return exact;
}

static int compare_names(const uint16_t *a, size_t a_units, const uint16_t *b, size_t b_units)
{
    int ranks = rank(a, a_units) - rank(b, b_units);
    return ranks ? ranks : compare_units(a, a_units, b, b_units);
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *const *left = a, *const *right = b;
    return compare_names((*left)->name, (*left)->units, (*right)->name, (*right)->units);
}

/* Where the first entry behind `name` is. */
static size_t find_behind(const struct fsp_listing *l, const uint16_t *name, size_t units)
{
    size_t low = 0, high = l->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare_names(l->sorted[middle]->name, l->sorted[middle]->units, name, units) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- Taking a listing ------------------------------------------------------------------------ */

static size_t entry_size(size_t units)
{
    return (sizeof(struct entry) + 2 * units + 7) & ~(size_t)7;
}

/* Entries are 8-byte aligned, as the memory is. */
static struct entry *entry_at(const struct fsp_listing *l, size_t at)
{
    return (struct entry *)(void *)(l->bytes + at);
}

static bool make_room(struct fsp_listing *l, size_t size)
{
    if (size <= l->capacity - l->len)
        return true;
    size_t capacity = 2 * l->capacity + size;
    char *bytes = realloc(l->bytes, capacity);
    if (bytes == NULL)
        return false;
    l->bytes = bytes;
    l->capacity = capacity;
    return true;
}

struct taking {
    const struct lt_winfsp *v;
    struct fsp_listing *listing;
};

static int add_entry(struct taking *t, struct lt_str name, const struct lt_attr *attr,
                     struct lt_node *node)
{
    struct fsp_listing *l = t->listing;
    if (!make_room(l, entry_size(LT_NAME_UNITS_MAX)))
        return LT_ENOMEM;
    struct entry *e = entry_at(l, l->len);
    int units = fsp_name_from_utf8(t->v, name, e->name, LT_NAME_UNITS_MAX);
    e->units = units < 0 ? 0 : (uint16_t)units;
    e->node = node;
    fsp_info_from_attr(t->v, attr, &e->info);
    l->len += entry_size(e->units);
    return LT_OK;
}

static int take_entry(void *arg, const struct lt_dirent *entry)
{
    return add_entry(arg, entry->name, entry->attr, entry->node);
}

/* "." and "..", which the root does not have. */
static int take_dots(struct call *c, struct taking *t)
{
    struct lt_attr attr;
    struct lt_node *parent;
    if (c->file->node == lt_fs_root(c->v->fs))
        return LT_OK;
    int r = lt_node_getattr(&c->ctx, c->file->node, &attr);
    if (r == 0)
        r = add_entry(t, lt_str("."), &attr, NULL);
    if (r < 0)
        return r;
    /* Of a directory that was removed, ".." is what "." is. */
    if (lt_node_parent(&c->ctx, c->file->node, &parent) == 0) {
        r = lt_node_getattr(&c->ctx, parent, &attr);
        lt_node_put(parent);
    }
    return r < 0 ? r : add_entry(t, lt_str(".."), &attr, NULL);
}

/* Gives the nodes back and puts the entries in order. */
static int sort(struct fsp_listing *l)
{
    size_t all = 0;
    for (size_t at = 0; at < l->len; all++) {
        struct entry *e = entry_at(l, at);
        lt_node_put(e->node);
        e->node = NULL;
        at += entry_size(e->units);
    }
    l->sorted = malloc((all ? all : 1) * sizeof(struct entry *));
    if (l->sorted == NULL)
        return LT_ENOMEM;
    for (size_t at = 0; at < l->len;) {
        struct entry *e = entry_at(l, at);
        if (e->units)
            l->sorted[l->count++] = e;
        at += entry_size(e->units);
    }
    qsort(l->sorted, l->count, sizeof(struct entry *), compare_entries);
    return LT_OK;
}

static int take_listing(struct call *c, struct fsp_listing **ret)
{
    struct taking t = {.v = c->v, .listing = calloc(1, sizeof(struct fsp_listing))};
    if (t.listing == NULL)
        return LT_ENOMEM;
    int r = take_dots(c, &t);
    if (r == 0)
        r = lt_node_readdir(&c->ctx, c->file->node, 0, LT_READDIR_PLUS, take_entry, &t);
    if (r > 0) /* stopped: there is only one reason to */
        r = LT_ENOMEM;
    int sorted = sort(t.listing);
    if (r == 0)
        r = sorted;
    if (r < 0) {
        fsp_listing_free(t.listing);
        return r;
    }
    *ret = t.listing;
    return LT_OK;
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* Entries from `at` on, as many as there is room for, and the mark of the end behind the last. */
static int32_t put_entries(const struct fsp_listing *l, size_t at, struct lt_fsp_entries *out)
{
    for (; at < l->count; at++) {
        const struct entry *e = l->sorted[at];
        if (!lt_fsp_put_dir_info(out, &e->info, 0, e->name, e->units))
            return out->len ? LT_STATUS_SUCCESS : LT_STATUS_BUFFER_TOO_SMALL;
    }
    /* Without room for the mark the driver asks again, and gets it then. */
    lt_fsp_put_entries_end(out);
    return LT_STATUS_SUCCESS;
}

static int32_t query_listing_locked(struct call *c, struct lt_fsp_entries *out)
    REQUIRES(c->file->lock)
{
    uint16_t marker[LT_NAME_UNITS_MAX];
    struct fsp_file *file = c->file;
    struct lt_wide name = c->in.marker;
    if (name.units > LT_NAME_UNITS_MAX)
        return LT_STATUS_INVALID_PARAMETER;
    if (file->listing == NULL || name.units == 0) {
        struct fsp_listing *listing;
        int r = take_listing(c, &listing);
        if (r < 0)
            return lt_status_from_error(r);
        fsp_listing_free(file->listing);
        file->listing = listing;
    }
    for (size_t i = 0; i < name.units; i++)
        marker[i] = lt_wide_at(name, i);
    size_t at = name.units ? find_behind(file->listing, marker, name.units) : 0;
    return put_entries(file->listing, at, out);
}

static bool is_dots(struct lt_wide w)
{
    return (w.units == 1 || w.units == 2) && lt_wide_at(w, 0) == '.' &&
           lt_wide_at(w, w.units - 1) == '.';
}

/* One entry by its name, and the end; only the end if there is none, or the driver has it. */
static int32_t query_name(struct call *c, struct lt_fsp_entries *out)
{
    char name[LT_NAME_MAX + 1], stored[LT_NAME_MAX + 1];
    struct lt_entry entry = {.stored = stored};
    int r =
        c->in.has_marker ? LT_ENOENT : fsp_name_to_utf8(c->v, c->in.pattern, name, sizeof(name));
    if (r >= 0)
        r = fsp_lookup(c, c->file->node, lt_str(name), &entry);
    if (r == LT_ENOENT || r == LT_EINVAL || r == LT_ENAMETOOLONG || r == LT_EILSEQ) {
        lt_fsp_put_entries_end(out);
        return LT_STATUS_SUCCESS;
    }
    if (r < 0)
        return lt_status_from_error(r);
    bool fits = true;
    uint16_t units[LT_NAME_UNITS_MAX];
    struct lt_fsp_file_info info;
    int count =
        fsp_name_from_utf8(c->v, lt_strn(stored, entry.stored_len), units, LT_NAME_UNITS_MAX);
    if (count > 0 &&
        (entry.exact || !(c->in.req.u.query_directory.flags & LT_FSP_QUERY_CASE_SENSITIVE))) {
        fsp_info_from_attr(c->v, &entry.attr, &info);
        fits = lt_fsp_put_dir_info(out, &info, 0, units, (size_t)count);
    }
    lt_node_put(entry.node);
    if (fits)
        lt_fsp_put_entries_end(out);
    return fits ? LT_STATUS_SUCCESS : LT_STATUS_BUFFER_TOO_SMALL;
}

int32_t fsp_query_directory(struct call *c)
{
    const struct lt_fsp_query_directory_req *in = &c->in.req.u.query_directory;
    struct lt_fsp_entries out = {.size = in->length};
    int32_t status;
    if (c->file->node->type != LT_S_IFDIR)
        return LT_STATUS_INVALID_PARAMETER;
    if (in->length)
        out.buf = c->v->port->map(c->v->port, in->address, in->length, true);
    if (out.buf == NULL)
        return LT_STATUS_INVALID_USER_BUFFER;
    if ((in->flags & LT_FSP_QUERY_IS_NAME) && !is_dots(c->in.pattern)) {
        status = query_name(c, &out);
    } else {
        lt_mutex_lock(&c->file->lock);
        status = query_listing_locked(c, &out);
        lt_mutex_unlock(&c->file->lock);
    }
    c->rsp->information = (uint32_t)out.len;
    return status;
}
