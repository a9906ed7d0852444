// SPDX-License-Identifier: MIT
/*
 * Nodes by id.
 *
 * The table gives references to nodes that have none any more (the cache). So lt_node_put() may
 * call fuse_release() for a node that somebody has just taken up again, and perhaps put once more,
 * which makes two releases. `revived` counts how many releases are still to come that do not
 * count: a node that has no references, and is not idle, has one under way. The last of them finds
 * revived == 0, and lays the node with the idle ones; only those are ever freed.
 */
#include "table.h"

#include "handle.h"
#include "table_private.h"

#include <assert.h>
#include <base/hash.h>
#include <stdlib.h>

/* Ids that no server of ours counts up to, for nodes whose nodeid is another one's id. */
#define OWN_IDS (UINT64_C(1) << 62)

static size_t bucket_of(const struct fuse_table *t, uint64_t id)
{
    return (size_t)lt_hash_u64(id) & (t->buckets - 1);
}

int fuse_table_init(struct fuse_fs *fs)
{
    struct fuse_table *t = &fs->table;
    t->buckets = FUSE_TABLE_BUCKETS_MIN;
    t->next_id = OWN_IDS;
    t->by_nodeid = calloc(t->buckets, sizeof(struct fuse_node *));
    t->by_id = calloc(t->buckets, sizeof(struct fuse_node *));
    t->by_name = calloc(t->buckets, sizeof(struct fuse_name *));
    return t->by_nodeid && t->by_id && t->by_name ? 0 : LT_ENOMEM;
}

void fuse_table_fini(struct fuse_fs *fs)
{
    free(fs->table.by_nodeid);
    free(fs->table.by_id);
    free(fs->table.by_name);
}

/* ---- Chains ---------------------------------------------------------------------------------- */

static struct fuse_node *find_nodeid_locked(struct fuse_table *t, uint64_t nodeid) REQUIRES(t->lock)
{
    struct fuse_node *n = t->by_nodeid[bucket_of(t, nodeid)];
    while (n && n->nodeid != nodeid)
        n = n->by_nodeid;
    return n;
}

static struct fuse_node *find_id_locked(struct fuse_table *t, uint64_t id) REQUIRES(t->lock)
{
    struct fuse_node *n = t->by_id[bucket_of(t, id)];
    while (n && n->node.id != id)
        n = n->by_id;
    return n;
}

void fuse_list_locked(struct fuse_table *t, struct fuse_node *node)
{
    struct fuse_node **at = &t->by_nodeid[bucket_of(t, node->nodeid)];
    node->by_nodeid = *at;
    *at = node;
    node->listed = true;
}

void fuse_unlist_locked(struct fuse_table *t, struct fuse_node *node)
{
    if (!node->listed)
        return;
    struct fuse_node **at = &t->by_nodeid[bucket_of(t, node->nodeid)];
    while (*at != node)
        at = &(*at)->by_nodeid;
    *at = node->by_nodeid;
    node->listed = false;
}

static void add_id_locked(struct fuse_table *t, struct fuse_node *node) REQUIRES(t->lock)
{
    struct fuse_node **at = &t->by_id[bucket_of(t, node->node.id)];
    node->by_id = *at;
    *at = node;
    t->count++;
}

static void remove_id_locked(struct fuse_table *t, struct fuse_node *node) REQUIRES(t->lock)
{
    struct fuse_node **at = &t->by_id[bucket_of(t, node->node.id)];
    while (*at != node)
        at = &(*at)->by_id;
    *at = node->by_id;
    t->count--;
}

/* Twice the buckets, if there is memory; longer chains if not. */
static void grow_locked(struct fuse_table *t) REQUIRES(t->lock)
{
    size_t old = t->buckets, size = 2 * old;
    struct fuse_node **by_nodeid = calloc(size, sizeof(struct fuse_node *));
    struct fuse_node **by_id = calloc(size, sizeof(struct fuse_node *));
    struct fuse_name **by_name = calloc(size, sizeof(struct fuse_name *));
    if (!by_nodeid || !by_id || !by_name) {
        free(by_nodeid);
        free(by_id);
        free(by_name);
        return;
    }
    t->buckets = size;
    for (size_t i = 0; i < old; i++) {
        for (struct fuse_node *n = t->by_nodeid[i], *next; n; n = next) {
            size_t to = bucket_of(t, n->nodeid);
            next = n->by_nodeid;
            n->by_nodeid = by_nodeid[to];
            by_nodeid[to] = n;
        }
        for (struct fuse_node *n = t->by_id[i], *next; n; n = next) {
            size_t to = bucket_of(t, n->node.id);
            next = n->by_id;
            n->by_id = by_id[to];
            by_id[to] = n;
        }
        for (struct fuse_name *n = t->by_name[i], *next; n; n = next) {
            size_t to = n->key & (size - 1);
            next = n->hash;
            n->hash = by_name[to];
            by_name[to] = n;
        }
    }
    free(t->by_nodeid);
    free(t->by_id);
    free(t->by_name);
    t->by_nodeid = by_nodeid;
    t->by_id = by_id;
    t->by_name = by_name;
}

/* ---- References ------------------------------------------------------------------------------ */

static void unidle_locked(struct fuse_table *t, struct fuse_node *node) REQUIRES(t->lock)
{
    *(node->newer ? &node->newer->older : &t->newest) = node->older;
    *(node->older ? &node->older->newer : &t->oldest) = node->newer;
    node->idle = false;
    t->idle--;
}

void fuse_get_locked(struct fuse_table *t, struct fuse_node *node)
{
    if (atomic_fetch_add_explicit(&node->node.refs, 1, memory_order_relaxed) > 0)
        return;
    if (node->idle)
        unidle_locked(t, node);
    else
        node->revived++;
}

/* A release has come in: the node has no references, or had none when it was called for. */
static void released_locked(struct fuse_table *t, struct fuse_node *node) REQUIRES(t->lock)
{
    if (node->revived > 0) {
        node->revived--;
        return;
    }
    assert(!node->idle && node->node.refs == 0);
    node->idle = true;
    node->newer = NULL;
    node->older = t->newest;
    *(t->newest ? &t->newest->newer : &t->oldest) = node;
    t->newest = node;
    t->idle++;
}

void fuse_put_locked(struct fuse_table *t, struct fuse_node *node)
{
    if (atomic_fetch_sub_explicit(&node->node.refs, 1, memory_order_acq_rel) == 1)
        released_locked(t, node);
}

void fuse_stream_of(struct fuse_node *stream, struct fuse_node *file)
{
    struct fuse_table *t = &fuse_fs_of(stream)->table;
    lt_mutex_lock(&t->lock);
    if (!stream->file) {
        fuse_get_locked(t, file);
        stream->file = file;
    }
    lt_mutex_unlock(&t->lock);
}

struct fuse_node *fuse_stream_file(struct fuse_node *stream)
{
    struct fuse_table *t = &fuse_fs_of(stream)->table;
    lt_mutex_lock(&t->lock);
    struct fuse_node *file = stream->file;
    lt_mutex_unlock(&t->lock);
    return file;
}

/* Takes an idle node out of everything. Its memory is the caller's. */
static void detach_locked(struct fuse_table *t, struct fuse_node *node) REQUIRES(t->lock)
{
    unidle_locked(t, node);
    fuse_unlist_locked(t, node);
    remove_id_locked(t, node);
    fuse_names_clear_locked(t, node);
    if (node->file)
        fuse_put_locked(t, node->file);
}

/* A detached node goes: handles first, then what the server counts. */
static void discard(struct fuse_fs *fs, struct fuse_node *node)
{
    fuse_handles_fini(fs, node);
    if (node->lookups > 0)
        fuse_forget(fs, node->epoch, node->nodeid, node->lookups, node->removed || node->file);
    free(node);
}

/* Until `keep` idle nodes are left. With each that goes its parent may become idle too. */
void fuse_table_trim(struct fuse_fs *fs, size_t keep)
{
    struct fuse_table *t = &fs->table;
    struct fuse_node *gone = NULL;
    lt_mutex_lock(&t->lock);
    while (t->idle > keep) {
        struct fuse_node *node = t->oldest;
        detach_locked(t, node);
        node->by_id = gone;
        gone = node;
    }
    lt_mutex_unlock(&t->lock);
    while (gone) {
        struct fuse_node *node = gone;
        gone = node->by_id;
        discard(fs, node);
    }
}

/* Nobody comes back for what has no name, nor for a stream without asking the server: which may
 * free it now. With a stream its file may have nobody left. */
static struct fuse_node *drop_locked(struct fuse_table *t, struct fuse_node *node) REQUIRES(t->lock)
{
    struct fuse_node *gone = NULL, *next;
    for (; node && node->idle && (node->removed || node->file || !node->listed); node = next) {
        next = node->file;
        detach_locked(t, node);
        node->by_id = gone;
        gone = node;
    }
    return gone;
}

static void discard_all(struct fuse_fs *fs, struct fuse_node *gone)
{
    while (gone) {
        struct fuse_node *node = gone;
        gone = node->by_id;
        discard(fs, node);
    }
}

void fuse_release(struct lt_node *base)
{
    struct fuse_node *node = fuse_node(base);
    struct fuse_fs *fs = fuse_fs_of(node);
    struct fuse_table *t = &fs->table;
    fuse_handles_rest(node);
    lt_mutex_lock(&t->lock);
    released_locked(t, node);
    struct fuse_node *gone = drop_locked(t, node);
    bool full = t->idle > fs->options.cache_nodes;
    lt_mutex_unlock(&t->lock);
    discard_all(fs, gone);
    if (full)
        fuse_table_trim(fs, fs->options.cache_nodes);
}

/* ---- Nodes ----------------------------------------------------------------------------------- */

static struct fuse_node *node_new(struct fuse_fs *fs, uint64_t nodeid, uint64_t generation,
                                  uint32_t type)
{
    struct fuse_node *node = calloc(1, sizeof(*node));
    if (!node)
        return NULL;
    lt_node_init(&node->node, &fs->fs, nodeid, type);
    node->nodeid = nodeid;
    node->generation = generation;
    return node;
}

static void add_locked(struct fuse_table *t, struct fuse_node *node) REQUIRES(t->lock)
{
    if (find_id_locked(t, node->node.id))
        node->node.id = t->next_id++;
    if (t->count >= t->buckets)
        grow_locked(t);
    add_id_locked(t, node);
    fuse_list_locked(t, node);
}

int fuse_node_take(struct fuse_fs *fs, uint32_t epoch, uint64_t nodeid, uint64_t generation,
                   uint32_t type, struct fuse_node **ret)
{
    struct fuse_table *t = &fs->table;
    atomic_fetch_add(&fs->looked_up, 1);
    struct fuse_node *fresh = NULL, *node;
    for (;;) {
        lt_mutex_lock(&t->lock);
        node = epoch == t->epoch ? find_nodeid_locked(t, nodeid) : NULL;
        if (node && (node->generation != generation || node->node.type != type)) {
            fuse_unlist_locked(t, node);
            node = NULL;
        }
        if (node || fresh || epoch != t->epoch)
            break;
        lt_mutex_unlock(&t->lock);
        fresh = node_new(fs, nodeid, generation, type);
        if (!fresh) {
            fuse_forget(fs, epoch, nodeid, 1, false);
            return LT_ENOMEM;
        }
        fresh->epoch = epoch;
    }
    if (node) {
        fuse_get_locked(t, node);
    } else if (fresh && epoch == t->epoch) {
        node = fresh;
        fresh = NULL;
        add_locked(t, node);
    }
    if (node)
        node->lookups++;
    lt_mutex_unlock(&t->lock);
    free(fresh);
    if (!node) { /* the server that counted it is gone */
        atomic_fetch_add(&fs->forgotten, 1);
        return LT_ESTALE;
    }
    *ret = node;
    return 0;
}

int fuse_root_new(struct fuse_fs *fs, struct fuse_node **ret)
{
    struct fuse_node *node = node_new(fs, LT_ROOT_ID, 0, LT_S_IFDIR);
    if (!node)
        return LT_ENOMEM;
    lt_mutex_lock(&fs->table.lock);
    add_locked(&fs->table, node);
    lt_mutex_unlock(&fs->table.lock);
    *ret = node;
    return 0;
}

struct fuse_node *fuse_table_by_id(struct fuse_fs *fs, uint64_t id)
{
    lt_mutex_lock(&fs->table.lock);
    struct fuse_node *node = find_id_locked(&fs->table, id);
    if (node)
        fuse_get_locked(&fs->table, node);
    lt_mutex_unlock(&fs->table.lock);
    return node;
}

struct fuse_node *fuse_table_by_nodeid(struct fuse_fs *fs, uint64_t nodeid)
{
    lt_mutex_lock(&fs->table.lock);
    struct fuse_node *node = find_nodeid_locked(&fs->table, nodeid);
    if (node)
        fuse_get_locked(&fs->table, node);
    lt_mutex_unlock(&fs->table.lock);
    return node;
}
