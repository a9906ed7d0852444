// SPDX-License-Identifier: MIT
/*
 * The answer to a Create that met a reparse point, as WinFsp's library gives it: symbolic links are
 * followed as long as they stay on the volume, and the driver gets one link to where they lead,
 * with what follows in the name behind it. Whether that is there it finds out by coming again. A
 * link that leaves the volume, and a reparse point of another tag, are the I/O manager's affair: it
 * gets the path, or the data.
 */
#include "symlink.h"

#include <stdlib.h>

#define LINKS_MAX 32u /* followed at most, as in WinFsp */

/* A path on the way: "done" is what was gone through, "rest" lies at the end of its array, so that
 * a link's target is put before it. */
struct way {
    struct call *c;
    bool follow_last;      /* the last component too */
    struct lt_wide stream; /* behind the path, with its colon */
    unsigned links;
    struct lt_node *dir; /* where `done` ends, with a reference */
    size_t done_units, rest_begin;
    uint16_t done[FSP_TARGET_MAX], rest[FSP_TARGET_MAX];
    char data[LT_REPARSE_SIZE_MAX]; /* of the reparse point in work */
};

static bool put_rest(struct way *w, struct lt_wide text)
{
    if (text.units + 1 > w->rest_begin)
        return false;
    /* What it is put before begins with a backslash, or is nothing. */
    w->rest_begin -= text.units;
    for (size_t i = 0; i < text.units; i++)
        w->rest[w->rest_begin + i] = lt_wide_at(text, i);
    return true;
}

static bool add_done(struct way *w, const uint16_t *units, size_t count)
{
    if (count > FSP_TARGET_MAX - w->done_units)
        return false;
    memcpy(w->done + w->done_units, units, count * sizeof(units[0]));
    w->done_units += count;
    return true;
}

static void go_to(struct way *w, struct lt_node *dir)
{
    lt_node_put(w->dir);
    w->dir = dir;
}

static void go_to_root(struct way *w)
{
    go_to(w, lt_node_get(lt_fs_root(w->c->v->fs)));
    w->done_units = 0;
}

/* ".." of the root is the root. */
static int go_up(struct way *w)
{
    struct lt_node *parent;
    int r = lt_node_parent(&w->c->ctx, w->dir, &parent);
    if (r < 0)
        return r;
    go_to(w, parent);
    while (w->done_units > 0 && w->done[--w->done_units] != '\\')
        continue;
    return LT_OK;
}

/* The next component of the rest, which is not taken off it; units 0 at the end. */
static struct lt_wide next_component(struct way *w)
{
    while (w->rest_begin < FSP_TARGET_MAX && w->rest[w->rest_begin] == '\\')
        w->rest_begin++;
    size_t end = w->rest_begin;
    while (end < FSP_TARGET_MAX && w->rest[end] != '\\')
        end++;
    return (struct lt_wide){(const uint8_t *)(w->rest + w->rest_begin), end - w->rest_begin};
}

static size_t dots(struct lt_wide w)
{
    bool all = (w.units == 1 || w.units == 2) && lt_wide_at(w, 0) == '.' &&
               lt_wide_at(w, w.units - 1) == '.';
    return all ? w.units : 0;
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* A link to `done`, the rest and the stream. */
static int32_t answer_path(struct way *w, bool relative)
{
    static const uint16_t backslash = '\\';
    struct call *c = w->c;
    size_t size;
    uint16_t stream[LT_NAME_UNITS_MAX + 16];
    struct lt_wide rest = next_component(w);
    bool fits = w->stream.units <= LT_NAME_UNITS_MAX + 16;
    if (rest.units > 0 || w->done_units == 0)
        fits = fits && add_done(w, &backslash, 1) &&
               add_done(w, w->rest + w->rest_begin, FSP_TARGET_MAX - w->rest_begin);
    for (size_t i = 0; fits && i < w->stream.units; i++)
        stream[i] = lt_wide_at(w->stream, i);
    fits = fits && add_done(w, stream, w->stream.units);
    void *room = lt_fsp_room(&c->out, 8, &size);
    int len = fits ? fsp_symlink_encode(w->done, w->done_units, relative, room, size) : LT_ERANGE;
    if (len < 0)
        return LT_STATUS_REPARSE_POINT_NOT_RESOLVED;
    c->rsp->information = FSP_TAG_SYMLINK;
    c->rsp->u.buffer = lt_fsp_take(&c->out, (size_t)len, 8);
    return LT_STATUS_REPARSE;
}

static int32_t answer_data(struct call *c, struct lt_str data)
{
    c->rsp->information = fsp_reparse_tag_of(data);
    c->rsp->u.buffer = lt_fsp_put(&c->out, data.s, data.len, 8);
    return c->out.full ? LT_STATUS_IO_REPARSE_DATA_INVALID : LT_STATUS_REPARSE;
}

/* ---- Going ----------------------------------------------------------------------------------- */

/* What a step found: LT_STATUS_SUCCESS is to go on, all else the answer. */

static int32_t follow_link(struct way *w, struct lt_wide name, struct lt_str data)
{
    struct fsp_symlink link;
    if (fsp_symlink_decode(data, &link) < 0 || link.target.units == 0 || ++w->links >= LINKS_MAX)
        return LT_STATUS_REPARSE_POINT_NOT_RESOLVED;
    bool from_root = lt_wide_at(link.target, 0) == '\\';
    w->rest_begin += name.units;
    if (from_root)
        go_to_root(w);
    if (!put_rest(w, link.target))
        return LT_STATUS_REPARSE_POINT_NOT_RESOLVED;
    if (link.relative || !from_root)
        return LT_STATUS_SUCCESS;
    /* A path of NT's namespace: as it is. */
    size_t begin = w->rest_begin;
    w->rest_begin = FSP_TARGET_MAX;
    if (!add_done(w, w->rest + begin, FSP_TARGET_MAX - begin))
        return LT_STATUS_REPARSE_POINT_NOT_RESOLVED;
    return answer_path(w, false);
}

static int32_t follow(struct way *w, struct lt_wide name, struct lt_node *node)
{
    int r = fsp_reparse_get(w->c, node, w->data, sizeof(w->data));
    if (r < 0)
        return lt_status_from_error(r);
    struct lt_str data = lt_strn(w->data, (size_t)r);
    if (data.len < 4)
        return LT_STATUS_IO_REPARSE_DATA_INVALID;
    return fsp_reparse_tag_of(data) == FSP_TAG_SYMLINK ? follow_link(w, name, data)
                                                       : answer_data(w->c, data);
}

static int32_t step_into(struct way *w, struct lt_wide name, const struct lt_entry *entry)
{
    bool last = w->rest_begin + name.units == FSP_TARGET_MAX;
    if (last && !w->follow_last)
        return answer_path(w, true);
    if (fsp_is_reparse(&entry->attr))
        return follow(w, name, entry->node);
    if (last || entry->node->type != LT_S_IFDIR)
        return answer_path(w, true);
    if (!add_done(w, &(uint16_t){'\\'}, 1) || !add_done(w, w->rest + w->rest_begin, name.units))
        return LT_STATUS_REPARSE_POINT_NOT_RESOLVED;
    w->rest_begin += name.units;
    go_to(w, lt_node_get(entry->node));
    return LT_STATUS_SUCCESS;
}

static int32_t step(struct way *w)
{
    char name[LT_NAME_MAX + 1], stored[LT_NAME_MAX + 1];
    struct lt_entry entry = {.stored = stored};
    struct lt_wide part = next_component(w);
    if (part.units == 0)
        return answer_path(w, true);
    if (dots(part)) {
        w->rest_begin += part.units;
        return dots(part) == 2 ? lt_status_from_error(go_up(w)) : LT_STATUS_SUCCESS;
    }
    int r = fsp_name_to_utf8(w->c->v, part, name, sizeof(name));
    if (r >= 0)
        r = fsp_lookup(w->c, w->dir, lt_str(name), &entry);
    if (r < 0) /* the driver comes again with this name, and gets the error */
        return answer_path(w, true);
    int32_t status = step_into(w, part, &entry);
    lt_node_put(entry.node);
    return status;
}

int32_t fsp_resolve(struct call *c)
{
    struct lt_wide name = c->in.name;
    size_t colon = 0;
    while (colon < name.units && lt_wide_at(name, colon) != ':')
        colon++;
    struct way *w = malloc(sizeof(*w));
    if (w == NULL)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    w->c = c;
    w->follow_last = !(c->in.req.u.create.options & LT_FILE_OPEN_REPARSE_POINT);
    w->stream = (struct lt_wide){name.bytes + 2 * colon, name.units - colon};
    w->links = 0;
    w->dir = lt_node_get(lt_fs_root(c->v->fs));
    w->done_units = 0;
    w->rest_begin = FSP_TARGET_MAX;
    int32_t status = LT_STATUS_REPARSE_POINT_NOT_RESOLVED;
    if (put_rest(w, (struct lt_wide){name.bytes, colon})) {
        do
            status = step(w);
        while (status == LT_STATUS_SUCCESS);
    }
    lt_node_put(w->dir);
    free(w);
    return status;
}
