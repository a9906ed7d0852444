// SPDX-License-Identifier: MIT
/*
 * Named streams. A stream is a node of its own for its data; its main node lists it.
 *
 * Neither keeps the other alive by a reference of its own, which would be a ring.
 * Instead a stream with references holds one on its main node, and an idle stream
 * (no references) belongs to the list alone. An idle stream becomes active again only under
 * the main node's lock; between its last put and the moment when mem_stream_release() has marked it
 * idle it is neither, and whoever wants it waits for that short while. A stream that was removed
 * goes with its last reference.
 */
#include "dir.h"
#include "ext.h"
#include "ops.h"

#include <base/unicode.h>

static struct lt_str stream_name(const struct mem_stream *stream)
{
    return mem_blob_str(stream->name);
}

/* Where the stream of this name is listed, or where it would come. */
static struct mem_stream **stream_slot(struct mem_node *main, struct lt_str name, bool *ret_found)
    REQUIRES_SHARED(main->lock)
{
    struct mem_stream **at = &main->ext->streams;
    int order = 1;
    while (*at && (order = lt_name_compare_nocase(stream_name(*at), name)) < 0)
        at = &(*at)->next;
    *ret_found = *at && order == 0;
    return at;
}

static struct mem_stream *stream_find(struct mem_node *main, struct lt_str name)
    REQUIRES_SHARED(main->lock)
{
    bool found = false;
    struct mem_stream **at = main->ext ? stream_slot(main, name, &found) : NULL;
    return found ? *at : NULL;
}

static void stream_free(struct mem_arena *arena, struct mem_stream *stream)
{
    mem_data_fini(&stream->node.data, arena);
    mem_blob_free(arena, stream->name);
    mem_free(arena, stream, sizeof(*stream));
}

void mem_streams_free(struct mem_arena *arena, struct mem_stream *list)
{
    while (list) {
        struct mem_stream *next = list->next;
        stream_free(arena, list);
        list = next;
    }
}

static struct mem_blob *name_blob(struct mem_arena *arena, struct lt_str name)
{
    struct mem_blob *blob = mem_blob_new(arena, name.len);
    if (blob)
        memcpy(blob->bytes, name.s, name.len);
    return blob;
}

/* An idle stream that is not listed yet. */
static struct mem_stream *stream_new(struct mem_node *main, struct lt_str name)
{
    struct mem_fs *fs = mem_fs_of(main);
    struct mem_stream *stream = mem_alloc(&fs->arena, sizeof(*stream));
    if (!stream)
        return NULL;
    memset(stream, 0, sizeof(*stream));
    lt_node_init(&stream->node.base, &fs->base, 0, LT_S_STREAM);
    atomic_store(&stream->node.base.refs, 0);
    stream->main = main;
    stream->idle = true;
    stream->name = name_blob(&fs->arena, name);
    if (stream->name)
        return stream;
    mem_free(&fs->arena, stream, sizeof(*stream));
    return NULL;
}

static int stream_add(struct mem_node *main, struct lt_str name) REQUIRES(main->lock)
{
    int error = mem_may_change(main);
    if (!error && main->nlink == 0 && !(main->base.flags & MEM_LINKABLE))
        error = LT_ENOENT;
    if (!error)
        error = mem_ext_need(main);
    if (error)
        return error;
    struct mem_stream *stream = stream_new(main, name);
    if (!stream) {
        mem_ext_trim(main);
        return LT_ENOSPC;
    }
    bool found;
    struct mem_stream **at = stream_slot(main, name, &found);
    stream->node.base.id = mem_ids_take(&mem_fs_of(main)->ids);
    stream->next = *at;
    stream->listed = true;
    *at = stream;
    mem_modified(main, mem_now());
    return 0;
}

/* One more reference on a listed stream of `main`. False: it is just becoming idle, try again. */
static bool stream_get(struct mem_node *main, struct mem_stream *stream) REQUIRES(main->lock)
{
    if (stream->idle) {
        stream->idle = false;
        lt_node_get(&main->base);
        atomic_store(&stream->node.base.refs, 1);
        return true;
    }
    return mem_get_alive(&stream->node);
}

/* The last reference went. */
void mem_stream_release(struct mem_stream *stream)
{
    struct mem_node *main = stream->main;
    lt_rwlock_write(&main->lock);
    stream->idle = true;
    bool dead = !stream->listed;
    lt_rwlock_write_unlock(&main->lock);
    if (dead)
        stream_free(mem_arena_of(main), stream);
    lt_node_put(&main->base);
}

/* One try. LT_EAGAIN: see stream_get(). */
static int open_locked(struct mem_node *main, struct lt_str name, uint32_t flags,
                       struct mem_stream **ret) REQUIRES(main->lock)
{
    struct mem_stream *stream = stream_find(main, name);
    if (stream && (flags & LT_STREAM_EXCL))
        return LT_EEXIST;
    if (!stream && !(flags & LT_STREAM_CREATE))
        return LT_ENOENT;
    if (!stream) {
        int error = stream_add(main, name);
        if (error)
            return error;
        stream = stream_find(main, name);
    }
    *ret = stream;
    return stream_get(main, stream) ? 0 : LT_EAGAIN;
}

int mem_stream_open(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name,
                    uint32_t flags, struct lt_node **ret)
{
    (void)ctx;
    struct mem_node *main = mem_node(base);
    struct mem_stream *stream = NULL;
    int error;
    do {
        lt_rwlock_write(&main->lock);
        error = open_locked(main, name, flags, &stream);
        lt_rwlock_write_unlock(&main->lock);
        if (error == LT_EAGAIN)
            lt_cpu_relax();
    } while (error == LT_EAGAIN);
    if (!error)
        *ret = &stream->node.base;
    return error;
}

/* Takes a stream off the list; an idle one is freed. */
static void unlist(struct mem_node *main, struct mem_stream *stream) REQUIRES(main->lock)
{
    struct mem_stream **at = &main->ext->streams;
    while (*at != stream)
        at = &(*at)->next;
    *at = stream->next;
    stream->listed = false;
    if (stream->idle)
        stream_free(mem_arena_of(main), stream);
}

int mem_stream_remove(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name)
{
    (void)ctx;
    struct mem_node *main = mem_node(base);
    lt_rwlock_write(&main->lock);
    struct mem_stream *stream = stream_find(main, name);
    int error = stream ? mem_may_change(main) : LT_ENOENT;
    if (!error) {
        unlist(main, stream);
        mem_ext_trim(main);
        mem_modified(main, mem_now());
    }
    lt_rwlock_write_unlock(&main->lock);
    return error;
}

static int rename_locked(struct mem_node *main, struct lt_str name, struct lt_str new_name,
                         bool replace) REQUIRES(main->lock)
{
    struct mem_stream *stream = stream_find(main, name);
    struct mem_stream *target = stream_find(main, new_name);
    if (!stream)
        return LT_ENOENT;
    if (target && target != stream && !replace)
        return LT_EEXIST;
    int error = mem_may_change(main);
    if (error)
        return error;
    struct mem_blob *blob = name_blob(mem_arena_of(main), new_name);
    if (!blob)
        return LT_ENOSPC;
    if (target && target != stream)
        unlist(main, target);
    struct mem_stream **at = &main->ext->streams;
    while (*at != stream)
        at = &(*at)->next;
    *at = stream->next;
    mem_blob_free(mem_arena_of(main), stream->name);
    stream->name = blob;
    bool found;
    at = stream_slot(main, new_name, &found);
    stream->next = *at;
    *at = stream;
    mem_changed(main, mem_now());
    return 0;
}

int mem_stream_rename(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name,
                      struct lt_str new_name, bool replace)
{
    (void)ctx;
    struct mem_node *main = mem_node(base);
    lt_rwlock_write(&main->lock);
    int error = rename_locked(main, name, new_name, replace);
    lt_rwlock_write_unlock(&main->lock);
    return error;
}

int mem_stream_list(const struct lt_ctx *ctx, struct lt_node *base,
                    int (*fn)(void *arg, const struct lt_stream *stream), void *arg)
{
    (void)ctx;
    struct mem_node *main = mem_node(base);
    int result = 0;
    lt_rwlock_read(&main->lock);
    struct mem_stream *stream = main->ext ? main->ext->streams : NULL;
    for (; stream && result == 0; stream = stream->next) {
        struct lt_stream s = {.name = stream_name(stream)};
        lt_rwlock_read(&stream->node.lock);
        s.size = stream->node.data.size;
        s.allocated = mem_data_allocated(&stream->node.data);
        lt_rwlock_read_unlock(&stream->node.lock);
        result = fn(arg, &s);
    }
    lt_rwlock_read_unlock(&main->lock);
    return result;
}
