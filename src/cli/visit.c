// SPDX-License-Identifier: MIT
#include "visit.h"

#include "operand.h"

#include <base/json.h>
#include <stdlib.h>

/* ---- One directory --------------------------------------------------------------------------- */

struct reading {
    struct lt_listing *listing;
    size_t room; /* how many more are wanted */
    int error;
};

static int reserve(struct lt_listing *l)
{
    if (l->count < l->capacity)
        return LT_OK;
    size_t capacity = l->capacity ? 2 * l->capacity : 64;
    struct lt_listed *entries = realloc(l->entries, capacity * sizeof(*entries));
    if (!entries)
        return LT_ENOMEM;
    l->entries = entries;
    l->capacity = capacity;
    return LT_OK;
}

static int take_entry(void *arg, const struct lt_dirent *entry)
{
    struct reading *r = arg;
    if (r->room == 0)
        return 1;
    r->error = reserve(r->listing);
    char *name = r->error == LT_OK ? malloc(entry->name.len + 1) : NULL;
    if (!name) {
        r->error = LT_ENOMEM;
        return 1;
    }
    memcpy(name, entry->name.s, entry->name.len);
    name[entry->name.len] = '\0';
    r->listing->entries[r->listing->count++] =
        (struct lt_listed){name, entry->name.len, entry->node, *entry->attr};
    r->listing->cookie = entry->next;
    r->room--;
    return 0;
}

int lt_listing_read(struct lt_listing *listing, struct lt_node *dir, size_t max)
{
    struct reading r = {.listing = listing, .room = max ? max : SIZE_MAX};
    int result =
        lt_node_readdir(lt_cli_ctx(), dir, listing->cookie, LT_READDIR_PLUS, take_entry, &r);
    if (r.error != LT_OK)
        return r.error;
    listing->ended = result <= 0;
    return result < 0 ? result : LT_OK;
}

void lt_listing_clear(struct lt_listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        free(listing->entries[i].name);
        lt_node_put(listing->entries[i].node);
    }
    listing->count = 0;
}

void lt_listing_fini(struct lt_listing *listing)
{
    lt_listing_clear(listing);
    free(listing->entries);
    *listing = (struct lt_listing){0};
}

/* ---- The walk -------------------------------------------------------------------------------- */

/* A directory on the way, whose content is read in pieces. */
struct frame {
    struct frame *up;
    struct lt_node *dir, *node; /* the directory above (NULL: none), and itself: referenced */
    struct lt_attr attr;
    struct lt_str name; /* within the listing above */
    struct lt_listing listing;
    size_t at;       /* in the listing */
    size_t path_len; /* of its own path */
};

struct walk {
    struct lt_visitor *visitor;
    struct frame *top;
    struct lt_buffer path;
    unsigned depth;
};

static int set_path(struct walk *w, size_t dir_len, struct lt_str name)
{
    w->path.len = dir_len;
    int error = LT_OK;
    if (dir_len > 0 && w->path.text[dir_len - 1] != '/')
        error = lt_buffer_write(&w->path, "/", 1);
    return error == LT_OK ? lt_buffer_write(&w->path, name.s, name.len) : error;
}

static void cut_path(struct walk *w, size_t len)
{
    w->path.len = len;
    w->path.text[len] = '\0';
}

static struct lt_visit visit_of(const struct walk *w, const struct frame *f, unsigned depth)
{
    return (struct lt_visit){.path = w->path.text,
                             .name = f->name,
                             .dir = f->dir,
                             .node = f->node,
                             .attr = &f->attr,
                             .depth = depth};
}

/* Shows an entry to the visitor, and goes into it where it is a directory. */
static int enter(struct walk *w, struct lt_node *dir, const struct lt_listed *e)
{
    struct frame f = {.up = w->top,
                      .dir = dir,
                      .node = e->node,
                      .attr = e->attr,
                      .name = {e->name, e->name_len},
                      .path_len = w->path.len};
    struct lt_visit visit = visit_of(w, &f, w->depth);
    int r = w->visitor->enter(w->visitor, &visit);
    if (r != 0 || f.node->type != LT_S_IFDIR)
        return r < 0 ? r : 0;
    struct frame *top = malloc(sizeof(*top));
    if (!top)
        return LT_ENOMEM;
    *top = f;
    lt_node_get(top->node);
    w->top = top;
    w->depth++;
    return 0;
}

static void pop(struct walk *w)
{
    struct frame *f = w->top;
    w->top = f->up;
    w->depth--;
    lt_listing_fini(&f->listing);
    lt_node_put(f->node);
    free(f);
}

static int leave(struct walk *w)
{
    struct lt_visit visit = visit_of(w, w->top, w->depth - 1);
    cut_path(w, w->top->path_len);
    visit.path = w->path.text;
    int r = w->visitor->leave ? w->visitor->leave(w->visitor, &visit) : 0;
    pop(w);
    return r;
}

/* The next piece of the directory on top; what was left out is said. */
static void read_more(struct walk *w)
{
    enum { PIECE = 256 };
    struct frame *f = w->top;
    lt_listing_clear(&f->listing);
    f->at = 0;
    int error = lt_listing_read(&f->listing, f->node, PIECE);
    if (error == LT_OK)
        return;
    f->listing.ended = true;
    cut_path(w, f->path_len);
    if (w->visitor->failed)
        w->visitor->failed(w->visitor, w->path.text, error);
}

static int step(struct walk *w)
{
    struct frame *f = w->top;
    if (f->at == f->listing.count && !f->listing.ended)
        read_more(w);
    if (f->at == f->listing.count)
        return f->listing.ended ? leave(w) : 0;
    const struct lt_listed *e = &f->listing.entries[f->at++];
    int error = set_path(w, f->path_len, lt_strn(e->name, e->name_len));
    return error == LT_OK ? enter(w, f->node, e) : error;
}

int lt_visit_tree(struct lt_visitor *visitor, struct lt_node *node, const char *path)
{
    struct walk w = {.visitor = visitor};
    struct lt_listed start = {.name = (char *)"", .node = node};
    int r = lt_buffer_write(&w.path, path, strlen(path));
    if (r == LT_OK)
        r = lt_node_getattr(lt_cli_ctx(), node, &start.attr);
    if (r == LT_OK)
        r = enter(&w, NULL, &start);
    while (r == LT_OK && w.top)
        r = step(&w);
    while (w.top)
        pop(&w);
    free(w.path.text);
    return r;
}
