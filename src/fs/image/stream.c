// SPDX-License-Identifier: MIT
/*
 * Named streams: objects of their own, listed by their file under the hash of their names, always
 * without case. While a stream is referenced it keeps its file; one that was removed goes with its
 * last reference, like any node without names.
 */
#include "ext.h"
#include "hashed.h"
#include "ops.h"
#include "store/varint.h"

#include <base/unicode.h>
#include <stdlib.h>

/* ---- STREAM items -------------------------------------------------------------------------- */

#define RECORD_MAX (IMG_VARINT_MAX + LT_NAME_MAX)

/* LT_EUCLEAN. */
static int decode(const void *value, size_t len, uint64_t *ret_id, struct lt_str *ret_name)
{
    struct img_reader r = img_reader(value, len);
    uint64_t id = img_take_varint(&r);
    if (r.bad || id < IMG_ID_FIRST || img_left(&r) == 0 || img_left(&r) > LT_NAME_MAX)
        return LT_EUCLEAN;
    *ret_id = id;
    *ret_name = lt_strn((const char *)r.at, img_left(&r));
    return 0;
}

static int put_record(struct img_txn *txn, struct img_key key, uint64_t id, struct lt_str name)
{
    uint8_t record[RECORD_MAX];
    uint8_t *end = img_put_varint(record, id);
    memcpy(end, name.s, name.len);
    return img_put(txn, key, record, (size_t)(end - record) + name.len);
}

struct sought {
    struct lt_str name;
    uint64_t id; /* out */
};

static int match(void *arg, struct img_key key, const void *value, size_t len)
{
    struct sought *sought = arg;
    struct lt_str name;
    uint64_t id;
    (void)key;
    int r = decode(value, len, &id, &name);
    if (r < 0 || !lt_name_equal_nocase(name, sought->name))
        return r;
    sought->id = id;
    return 1;
}

/* 1, the item's key and the stream's id; or 0 and the key for a new one (off 0: none is left). */
static int find(struct img_node *file, struct lt_str name, struct img_key *ret_key,
                uint64_t *ret_id) REQUIRES_SHARED(img_items)
{
    struct img_store *store = img_fs_of(file)->store;
    uint64_t hash = lt_hash_name_nocase(&store->super.hash_key, name);
    struct sought sought = {.name = name};
    *ret_key = img_key(file->base.id, IMG_STREAM, img_hashed_base(hash, IMG_ENTRY_STEP));
    int r = img_hashed_find(store, *ret_key, IMG_ENTRY_STEP, match, &sought, &ret_key->off);
    *ret_id = sought.id;
    return r;
}

/* Whether what a STREAM item of `file` leads to is a stream of it. */
static int check(const struct img_node *file, const struct img_node *stream)
    REQUIRES_SHARED(img_items)
{
    return img_is_stream(stream) && stream->inode.parent == file->base.id ? 0 : LT_EUCLEAN;
}

/* The stream with this id. *ret is to be put without the store's lock, also after a failure. */
static int get(struct img_node *file, uint64_t id, struct img_node **ret) REQUIRES_SHARED(img_items)
{
    int r = img_node_get(img_fs_of(file), id, ret);
    if (r < 0)
        return r == LT_ENOENT ? LT_EUCLEAN : r;
    return check(file, *ret);
}

static void put(struct img_node *stream)
{
    if (stream)
        lt_node_put(&stream->base);
}

/* Takes a stream off its file's list. */
static int unlist(struct img_txn *txn, struct img_node *file, struct img_key key,
                  struct img_node *stream) REQUIRES(img_items)
{
    struct img_key next = img_key(file->base.id, IMG_STREAM, 0);
    const void *value;
    size_t len;
    int r = img_delete(txn, key);
    if (r < 0)
        return r;
    r = img_next(txn->store, &next, &value, &len);
    if (r < 0 && r != LT_ENOENT)
        return r;
    if (r == LT_ENOENT || next.id != file->base.id || next.kind != IMG_STREAM)
        file->inode.has &= ~(uint32_t)LT_HAS_STREAM;
    stream->inode.nlink = 0;
    img_node_dirty(stream);
    return 0;
}

/* ---- Opening ------------------------------------------------------------------------------- */

static int find_locked(struct img_node *file, struct lt_str name, uint32_t flags,
                       struct img_node **ret) REQUIRES_SHARED(img_items)
{
    struct img_key key;
    uint64_t id;
    if (!(file->inode.has & LT_HAS_STREAM))
        return LT_ENOENT;
    int r = find(file, name, &key, &id);
    if (r < 0)
        return r;
    if (r == 0)
        return LT_ENOENT;
    return flags & LT_STREAM_EXCL ? LT_EEXIST : get(file, id, ret);
}

static int add_locked(struct img_txn *txn, struct img_node *file, struct lt_str name,
                      struct img_node **ret) REQUIRES(img_items)
{
    struct img_key key;
    uint64_t id;
    int r = img_may_change(file);
    if (r == 0 && file->inode.nlink == 0 && !(file->state & IMG_LINKABLE))
        r = LT_ENOENT;
    if (r == 0)
        r = find(file, name, &key, &id);
    if (r < 0)
        return r;
    if (key.off == 0)
        return LT_ENOSPC;
    struct img_node *stream;
    r = img_stream_new(file, txn, &stream);
    if (r < 0)
        return r;
    r = put_record(txn, key, stream->base.id, name);
    if (r < 0) {
        img_node_forget(stream);
        return r;
    }
    stream->inode.parent = file->base.id;
    stream->inode.entry = key.off;
    stream->inode.nlink = 1;
    file->inode.has |= LT_HAS_STREAM;
    img_modified(file, lt_clock_now());
    *ret = stream;
    return 0;
}

static int create(struct img_node *file, struct lt_str name, uint32_t flags, struct img_node **ret)
{
    struct img_txn txn;
    int r = img_begin(img_fs_of(file)->store, IMG_GROW, &txn);
    if (r)
        return r;
    r = find_locked(file, name, flags, ret); /* somebody may have been faster */
    if (r == LT_ENOENT)
        r = add_locked(&txn, file, name, ret);
    return img_end(&txn, r);
}

int imgfs_stream_open(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name,
                      uint32_t flags, struct lt_node **ret)
{
    (void)ctx;
    struct img_node *file = img_node(base), *stream = NULL;
    struct img_store *store = img_fs_of(file)->store;
    img_read_lock(store);
    int r = find_locked(file, name, flags, &stream);
    img_read_unlock(store);
    if (r == LT_ENOENT && (flags & LT_STREAM_CREATE))
        r = create(file, name, flags, &stream);
    if (r < 0)
        put(stream);
    else
        *ret = &stream->base;
    return r;
}

/* ---- Removing and renaming ----------------------------------------------------------------- */

static int remove_locked(struct img_txn *txn, struct img_node *file, struct lt_str name,
                         struct img_node **ret) REQUIRES(img_items)
{
    struct img_key key;
    uint64_t id;
    int r = find(file, name, &key, &id);
    if (r <= 0)
        return r < 0 ? r : LT_ENOENT;
    r = img_may_change(file);
    if (r == 0)
        r = get(file, id, ret);
    if (r == 0)
        r = unlist(txn, file, key, *ret);
    if (r == 0)
        img_modified(file, lt_clock_now());
    return r;
}

int imgfs_stream_remove(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name)
{
    (void)ctx;
    struct img_node *file = img_node(base), *stream = NULL;
    struct img_txn txn;
    int r = img_begin(img_fs_of(file)->store, IMG_SHRINK, &txn);
    if (r)
        return r;
    r = img_end(&txn, remove_locked(&txn, file, name, &stream));
    put(stream);
    return r;
}

/* Where a stream is, and where it goes. Nodes that are set are put by the caller. */
struct move {
    struct img_key from, to;
    struct img_node *stream;
    struct img_node *replaced; /* or NULL */
};

static int plan_move(struct img_node *file, struct lt_str name, struct lt_str new_name,
                     bool replace, struct move *ret) REQUIRES_SHARED(img_items)
{
    uint64_t id, other;
    int found = find(file, name, &ret->from, &id);
    if (found <= 0)
        return found < 0 ? found : LT_ENOENT;
    found = find(file, new_name, &ret->to, &other);
    if (found < 0)
        return found;
    bool replaces = found && other != id;
    if (replaces && !replace)
        return LT_EEXIST;
    if (ret->to.off == 0)
        return LT_ENOSPC;
    int r = img_may_change(file);
    if (r == 0)
        r = get(file, id, &ret->stream);
    if (r == 0 && replaces)
        r = get(file, other, &ret->replaced);
    return r;
}

static int rename_locked(struct img_txn *txn, struct img_node *file, struct lt_str new_name,
                         const struct move *move) REQUIRES(img_items)
{
    int r = img_delete(txn, move->from);
    if (r == 0)
        r = put_record(txn, move->to, move->stream->base.id, new_name);
    if (r < 0)
        return r;
    if (move->replaced) {
        move->replaced->inode.nlink = 0;
        img_node_dirty(move->replaced);
    }
    move->stream->inode.entry = move->to.off;
    img_node_dirty(move->stream);
    img_changed(file, lt_clock_now());
    return 0;
}

int imgfs_stream_rename(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name,
                        struct lt_str new_name, bool replace)
{
    (void)ctx;
    struct img_node *file = img_node(base);
    struct move move = {.replaced = NULL};
    struct img_txn txn;
    int r = img_begin(img_fs_of(file)->store, IMG_GROW, &txn);
    if (r)
        return r;
    r = plan_move(file, name, new_name, replace, &move);
    if (r == 0)
        r = rename_locked(&txn, file, new_name, &move);
    r = img_end(&txn, r);
    put(move.stream);
    put(move.replaced);
    return r;
}

/* ---- Listing ------------------------------------------------------------------------------- */

struct listed {
    struct img_node *node;
    uint64_t size, allocated;
    size_t len;
    char *name;
};

struct list {
    struct listed *streams;
    size_t count, room;
};

static void list_free(struct list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        put(list->streams[i].node);
        free(list->streams[i].name);
    }
    free(list->streams);
}

static int list_add(struct list *list, struct img_node *file, const void *value, size_t len)
    REQUIRES_SHARED(img_items)
{
    struct lt_str name;
    uint64_t id;
    int r = decode(value, len, &id, &name);
    if (r < 0)
        return r;
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 8;
        struct listed *streams = realloc(list->streams, room * sizeof(*streams));
        if (!streams)
            return LT_ENOMEM;
        list->streams = streams;
        list->room = room;
    }
    struct listed *stream = &list->streams[list->count];
    *stream = (struct listed){.len = name.len, .name = malloc(name.len)};
    if (!stream->name)
        return LT_ENOMEM;
    memcpy(stream->name, name.s, name.len);
    list->count++;
    r = get(file, id, &stream->node);
    if (r < 0)
        return r;
    struct lt_attr attr;
    img_node_attr(stream->node, &attr);
    stream->size = attr.size;
    stream->allocated = attr.allocated;
    return 0;
}

static int list_fill(struct list *list, struct img_node *file) REQUIRES_SHARED(img_items)
{
    struct img_key key = img_key(file->base.id, IMG_STREAM, 0);
    const void *value;
    size_t len;
    int r = 0;
    while (r == 0) {
        r = img_next(img_fs_of(file)->store, &key, &value, &len);
        if (r == LT_ENOENT || (r == 0 && (key.id != file->base.id || key.kind != IMG_STREAM)))
            return 0;
        if (r == 0)
            r = list_add(list, file, value, len);
        key.off++;
    }
    return r;
}

static int by_name(const void *a, const void *b)
{
    const struct listed *x = a, *y = b;
    return lt_name_compare_nocase(lt_strn(x->name, x->len), lt_strn(y->name, y->len));
}

int imgfs_stream_list(const struct lt_ctx *ctx, struct lt_node *base,
                      int (*fn)(void *arg, const struct lt_stream *stream), void *arg)
{
    (void)ctx;
    struct img_node *file = img_node(base);
    struct img_store *store = img_fs_of(file)->store;
    struct list list = {.streams = NULL};
    int r = 0;
    img_read_lock(store);
    if (file->inode.has & LT_HAS_STREAM)
        r = list_fill(&list, file);
    img_read_unlock(store);
    if (r == 0 && list.count > 1)
        qsort(list.streams, list.count, sizeof(*list.streams), by_name);
    for (size_t i = 0; r == 0 && i < list.count; i++) {
        const struct listed *l = &list.streams[i];
        r = fn(arg, &(struct lt_stream){lt_strn(l->name, l->len), l->size, l->allocated});
    }
    list_free(&list);
    return r;
}

/* ---- The end of a file --------------------------------------------------------------------- */

#define REMOVED_AT_ONCE 32u /* streams in one transaction */

/* Takes the next streams of `file` off its list: a stream then has no names either. Items that lead
 * nowhere just go. */
static int unlist_some(struct img_txn *txn, struct img_node *file, struct img_node **streams,
                       size_t *ret_count) REQUIRES(img_items)
{
    size_t count = 0;
    for (; count < REMOVED_AT_ONCE; count++) {
        struct img_key key = img_key(file->base.id, IMG_STREAM, 0);
        const void *value;
        size_t len;
        uint64_t id;
        struct lt_str name;
        int r = img_next(txn->store, &key, &value, &len);
        if (r == LT_ENOENT || (r == 0 && (key.id != file->base.id || key.kind != IMG_STREAM)))
            break;
        if (r < 0)
            return r;
        r = decode(value, len, &id, &name);
        if (r == 0)
            r = get(file, id, &streams[count]);
        *ret_count = count + 1;
        if (r == LT_EUCLEAN)
            r = img_delete(txn, key);
        else if (r == 0)
            r = unlist(txn, file, key, streams[count]);
        if (r < 0)
            return r;
    }
    *ret_count = count;
    return 0;
}

int img_streams_remove(struct img_node *file)
{
    size_t count;
    do {
        struct img_node *streams[REMOVED_AT_ONCE] = {NULL};
        struct img_txn txn;
        count = 0;
        int r = img_begin(img_fs_of(file)->store, IMG_SHRINK, &txn);
        if (r)
            return r;
        r = img_end(&txn, unlist_some(&txn, file, streams, &count));
        for (size_t i = 0; i < count; i++)
            put(streams[i]);
        if (r < 0)
            return r;
    } while (count == REMOVED_AT_ONCE);
    return 0;
}
