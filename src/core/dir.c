// SPDX-License-Identifier: MIT
/*
 * Listings held open. Entries are fetched in batches, because a file system is
 * locked while it lists and the caller may do anything between two entries.
 */
#include "core.h"

#include <lintel/access.h>
#include <lintel/file.h>
#include <lintel/path.h>
#include <stdlib.h>

#define BATCH_BYTES 8192u /* of names; at least one of the longest fits */
#define BATCH_ENTRIES 128u

struct item {
    uint64_t id, next;
    uint32_t mode;
    uint16_t at, len; /* of the name in lt_dir.names */
};

struct lt_dir {
    struct lt_node *node; /* referenced */
    struct lt_ctx ctx;    /* the opener, without groups, which a listing does not need */
    uint64_t cookie;      /* behind the entry last handed out */
    unsigned count, used; /* of items */
    size_t bytes;         /* of names */
    bool ended;           /* the items are the last */
    struct item items[BATCH_ENTRIES];
    char names[BATCH_BYTES];
};

int lt_dir_open_node(const struct lt_ctx *ctx, struct lt_node *node, struct lt_dir **ret)
{
    ctx = ctx_or_root(ctx);
    int r = check_dir(node);
    if (r < 0)
        return r;
    struct lt_dir *dir = malloc(sizeof(*dir));
    if (!dir)
        return LT_ENOMEM;
    dir->node = lt_node_get(node);
    dir->ctx = (struct lt_ctx){.uid = ctx->uid, .gid = ctx->gid, .origin = ctx->origin};
    lt_dir_seek(dir, 0);
    *ret = dir;
    return 0;
}

int lt_dir_open(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                struct lt_dir **ret)
{
    struct lt_entry entry = {.stored = NULL};
    int r = lt_path_lookup(ctx, base, path, 0, &entry);
    if (r < 0)
        return r;
    r = check_dir(entry.node);
    if (r == 0)
        r = lt_access_node(ctx_or_root(ctx), entry.node, &entry.attr, LT_MAY_READ);
    if (r == 0)
        r = lt_dir_open_node(ctx, entry.node, ret);
    lt_node_put(entry.node);
    return r;
}

void lt_dir_close(struct lt_dir *dir)
{
    if (!dir)
        return;
    lt_node_put(dir->node);
    free(dir);
}

static int take(void *arg, const struct lt_dirent *entry)
{
    struct lt_dir *dir = arg;
    if (dir->count == BATCH_ENTRIES || entry->name.len > BATCH_BYTES - dir->bytes)
        return 1;
    dir->items[dir->count++] = (struct item){.id = entry->id,
                                             .next = entry->next,
                                             .mode = entry->mode,
                                             .at = (uint16_t)dir->bytes,
                                             .len = (uint16_t)entry->name.len};
    memcpy(dir->names + dir->bytes, entry->name.s, entry->name.len);
    dir->bytes += entry->name.len;
    return 0;
}

int lt_dir_next(struct lt_dir *dir, struct lt_dirent *ret)
{
    if (dir->used == dir->count) {
        dir->used = dir->count = 0;
        dir->bytes = 0;
        int r = dir->ended ? 0 : lt_node_readdir(&dir->ctx, dir->node, dir->cookie, 0, take, dir);
        if (r < 0)
            return r;
        dir->ended = r == 0;
    }
    if (dir->count == 0)
        return 0;
    const struct item *item = &dir->items[dir->used++];
    dir->cookie = item->next;
    *ret = (struct lt_dirent){.name = lt_strn(dir->names + item->at, item->len),
                              .id = item->id,
                              .next = item->next,
                              .mode = item->mode};
    return 1;
}

uint64_t lt_dir_tell(struct lt_dir *dir)
{
    return dir->cookie;
}

void lt_dir_seek(struct lt_dir *dir, uint64_t cookie)
{
    dir->cookie = cookie;
    dir->used = dir->count = 0;
    dir->ended = false;
}

int lt_path_list(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                 int (*fn)(void *arg, const struct lt_dirent *entry), void *arg)
{
    struct lt_dir *dir = NULL;
    struct lt_dirent entry;
    int r = lt_dir_open(ctx, base, path, &dir);
    if (r < 0)
        return r;
    do {
        r = lt_dir_next(dir, &entry);
        if (r > 0)
            r = fn(arg, &entry);
        else
            break;
    } while (r == 0);
    lt_dir_close(dir);
    return r;
}
