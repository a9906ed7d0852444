// SPDX-License-Identifier: MIT
/*
 * Names without regard to case on a volume that has it. Whoever asks by a name that is not there as
 * it is gets the stored one that is equal but for case, the first of the listing if there are
 * several. To find it, or to know that there is none, the directory has to be listed: the names of
 * the directories that were asked for last are kept.
 *
 * What is kept follows the events of the file system. Changes on the far side of a remote one come
 * without events, so there it is good for a second.
 */
#include "volume.h"

#include <stdlib.h>

#include <base/hash.h>
#include <base/unicode.h>
#include <lintel/event.h>

#define DIRS 16u          /* whose names are kept */
#define BUCKETS 1024u     /* of one directory */
#define NAMES_MAX 200000u /* of one directory; a larger one is listed each time */
#define REMOTE_NS UINT64_C(1000000000)

struct name {
    struct name *next;
    uint64_t hash; /* of the name without case */
    uint16_t len;
    char text[];
};

struct dir {
    uint64_t id;        /* of the node; 0: free */
    uint64_t listed_ns; /* when its listing began */
    uint64_t used;      /* grows: the one used longest ago makes room */
    size_t count;
    struct name **buckets; /* BUCKETS of them */
};

struct fsp_folder {
    struct lt_hash_key key;
    struct lt_subscription *events;
    bool remote;
    struct lt_mutex lock; /* a leaf; of all below */
    struct dir dirs[DIRS];
    uint64_t clock;
    uint64_t changes; /* events so far: a listing that one falls into is not kept */
};

static void dir_clear(struct dir *dir)
{
    for (unsigned i = 0; dir->buckets && i < BUCKETS; i++) {
        for (struct name *n = dir->buckets[i], *next; n; n = next) {
            next = n->next;
            free(n);
        }
    }
    free(dir->buckets);
    *dir = (struct dir){.id = 0};
}

/* At the end of its chain: the first of several is found first. */
static int dir_add(struct dir *dir, uint64_t hash, struct lt_str text)
{
    struct name **at = &dir->buckets[hash % BUCKETS];
    for (; *at; at = &(*at)->next) {
        if (lt_str_equal(lt_strn((*at)->text, (*at)->len), text))
            return LT_OK;
    }
    if (dir->count >= NAMES_MAX)
        return LT_ENOMEM;
    struct name *n = malloc(sizeof(*n) + text.len);
    if (n == NULL)
        return LT_ENOMEM;
    *n = (struct name){.hash = hash, .len = (uint16_t)text.len};
    memcpy(n->text, text.s, text.len);
    *at = n;
    dir->count++;
    return LT_OK;
}

static void dir_remove(struct dir *dir, uint64_t hash, struct lt_str text)
{
    for (struct name **at = &dir->buckets[hash % BUCKETS]; *at; at = &(*at)->next) {
        struct name *n = *at;
        if (!lt_str_equal(lt_strn(n->text, n->len), text))
            continue;
        *at = n->next;
        free(n);
        dir->count--;
        return;
    }
}

static int dir_find(const struct dir *dir, uint64_t hash, struct lt_str name, char *ret)
{
    for (const struct name *n = dir->buckets[hash % BUCKETS]; n; n = n->next) {
        if (n->hash != hash || !lt_name_equal_nocase(lt_strn(n->text, n->len), name))
            continue;
        memcpy(ret, n->text, n->len);
        ret[n->len] = 0;
        return LT_OK;
    }
    return LT_ENOENT;
}

/* ---- Events ------------------------------------------------------------------------------------
 */

static struct dir *kept_locked(struct fsp_folder *folder, uint64_t id)
{
    for (unsigned i = 0; i < DIRS; i++) {
        if (folder->dirs[i].id == id)
            return &folder->dirs[i];
    }
    return NULL;
}

static void forget_locked(struct fsp_folder *folder, const struct lt_node *node)
{
    struct dir *dir = node ? kept_locked(folder, node->id) : NULL;
    if (dir)
        dir_clear(dir);
}

static void on_event(void *arg, const struct lt_event *event)
{
    struct fsp_folder *folder = arg;
    bool one_name = event->type == LT_EVENT_CREATE || event->type == LT_EVENT_REMOVE;
    if ((!one_name && event->type != LT_EVENT_RENAME) || event->dir == NULL)
        return;
    uint64_t hash = lt_hash_name_nocase(&folder->key, event->name);
    lt_mutex_lock(&folder->lock);
    folder->changes++;
    struct dir *dir = kept_locked(folder, event->dir->id);
    if (!one_name) { /* it may have exchanged two */
        forget_locked(folder, event->dir);
        forget_locked(folder, event->new_dir);
    } else if (dir && event->type == LT_EVENT_REMOVE) {
        dir_remove(dir, hash, event->name);
    } else if (dir && dir_add(dir, hash, event->name) < 0) {
        dir_clear(dir);
    }
    lt_mutex_unlock(&folder->lock);
}

/* ---- Listing -----------------------------------------------------------------------------------
 */

struct listing {
    struct fsp_folder *folder;
    struct dir dir;     /* being filled; without buckets once it is too large to be kept */
    struct lt_str name; /* looked for */
    char *ret;
    bool found;
};

static int list_name(void *arg, const struct lt_dirent *entry)
{
    struct listing *l = arg;
    if (entry->name.len > LT_NAME_MAX)
        return 0;
    if (!l->found && lt_name_equal_nocase(entry->name, l->name)) {
        memcpy(l->ret, entry->name.s, entry->name.len);
        l->ret[entry->name.len] = 0;
        l->found = true;
    }
    uint64_t hash = lt_hash_name_nocase(&l->folder->key, entry->name);
    if (l->dir.buckets && dir_add(&l->dir, hash, entry->name) < 0)
        dir_clear(&l->dir);
    return l->found && l->dir.buckets == NULL;
}

/* Takes the place of the one used longest ago. */
static void keep_locked(struct fsp_folder *folder, const struct dir *dir)
{
    struct dir *oldest = &folder->dirs[0];
    for (unsigned i = 0; i < DIRS; i++) {
        if (folder->dirs[i].id == dir->id || folder->dirs[i].used < oldest->used)
            oldest = &folder->dirs[i];
        if (folder->dirs[i].id == dir->id)
            break;
    }
    dir_clear(oldest);
    *oldest = *dir;
    oldest->used = ++folder->clock;
}

static int find_by_listing(struct call *c, struct lt_node *dir, struct lt_str name, char *ret)
{
    struct fsp_folder *folder = c->v->folder;
    struct listing l = {.folder = folder, .name = name, .ret = ret};
    l.dir.id = dir->id;
    l.dir.listed_ns = lt_clock_ns();
    l.dir.buckets = calloc(BUCKETS, sizeof(struct name *)); /* without: not kept */
    lt_mutex_lock(&folder->lock);
    uint64_t changes = folder->changes;
    lt_mutex_unlock(&folder->lock);
    int r = lt_node_readdir(&c->ctx, dir, 0, 0, list_name, &l);
    lt_mutex_lock(&folder->lock);
    if (r == 0 && l.dir.buckets && folder->changes == changes)
        keep_locked(folder, &l.dir);
    else
        dir_clear(&l.dir);
    lt_mutex_unlock(&folder->lock);
    if (r < 0)
        return r;
    return l.found ? LT_OK : LT_ENOENT;
}

int fsp_folder_find(struct call *c, struct lt_node *dir, struct lt_str name, char *ret)
{
    struct fsp_folder *folder = c->v->folder;
    uint64_t hash = lt_hash_name_nocase(&folder->key, name);
    lt_mutex_lock(&folder->lock);
    struct dir *kept = kept_locked(folder, dir->id);
    bool fresh = kept && (!folder->remote || lt_clock_ns() - kept->listed_ns < REMOTE_NS);
    int r = fresh ? dir_find(kept, hash, name, ret) : LT_EAGAIN;
    if (fresh)
        kept->used = ++folder->clock;
    lt_mutex_unlock(&folder->lock);
    return r == LT_EAGAIN ? find_by_listing(c, dir, name, ret) : r;
}

/* ---- Life --------------------------------------------------------------------------------------
 */

int fsp_folder_new(struct lt_winfsp *v, struct fsp_folder **ret)
{
    struct fsp_folder *folder = calloc(1, sizeof(*folder));
    if (folder == NULL)
        return LT_ENOMEM;
    folder->remote = v->volume.remote;
    int r = lt_random(&folder->key, sizeof(folder->key));
    if (r == LT_OK)
        r = lt_event_subscribe(v->fs, on_event, folder, &folder->events);
    if (r < 0) {
        free(folder);
        return r;
    }
    *ret = folder;
    return LT_OK;
}

void fsp_folder_free(struct fsp_folder *folder)
{
    if (folder == NULL)
        return;
    lt_event_unsubscribe(folder->events);
    for (unsigned i = 0; i < DIRS; i++)
        dir_clear(&folder->dirs[i]);
    free(folder);
}
