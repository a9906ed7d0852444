// SPDX-License-Identifier: MIT
/*
 * The table of openings. An opening's number is its slot and, in the upper half, the slot's
 * generation, which grows with every use: the driver's numbers come back to us from outside, and an
 * old one must not mean somebody else's file.
 */
#include "volume.h"

#include <base/unicode.h>
#include <stdlib.h>

#define SLOTS_MIN 64u
#define SLOTS_MAX UINT32_MAX

struct slot {
    struct fsp_file *file; /* NULL: free */
    uint32_t generation;
    uint32_t next_free; /* of a free slot: the next one, + 1; 0: none */
};

struct fsp_files {
    struct lt_mutex lock;
    struct slot *slots;
    uint32_t size, free; /* free: the first free slot, + 1 */
    size_t count;
};

int fsp_files_new(struct fsp_files **ret)
{
    *ret = calloc(1, sizeof(**ret));
    return *ret ? LT_OK : LT_ENOMEM;
}

void fsp_files_free(struct fsp_files *files)
{
    if (files == NULL)
        return;
    for (uint32_t i = 0; i < files->size; i++) {
        if (files->slots[i].file)
            fsp_file_put(files->slots[i].file);
    }
    free(files->slots);
    free(files);
}

static int grow_locked(struct fsp_files *files)
{
    if (files->size > SLOTS_MAX / 2)
        return LT_ENOMEM;
    uint32_t size = files->size ? 2 * files->size : SLOTS_MIN;
    struct slot *slots = realloc(files->slots, size * sizeof(*slots));
    if (slots == NULL)
        return LT_ENOMEM;
    for (uint32_t i = files->size; i < size; i++)
        slots[i] = (struct slot){.generation = 1, .next_free = i + 1 < size ? i + 2 : 0};
    files->slots = slots;
    files->free = files->size + 1;
    files->size = size;
    return LT_OK;
}

int fsp_files_add(struct lt_winfsp *v, struct fsp_file *file)
{
    struct fsp_files *files = v->files;
    lt_mutex_lock(&files->lock);
    int r = files->free ? LT_OK : grow_locked(files);
    if (r == LT_OK) {
        uint32_t i = files->free - 1;
        struct slot *slot = &files->slots[i];
        files->free = slot->next_free;
        files->count++;
        slot->file = file;
        file->user = file->node->id;
        file->user2 = (uint64_t)slot->generation << 32 | i;
        atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);
    }
    lt_mutex_unlock(&files->lock);
    return r;
}

/* The slot of a number, or NULL. */
static struct slot *slot_locked(struct fsp_files *files, uint64_t user2)
{
    uint32_t i = (uint32_t)user2;
    if (i >= files->size)
        return NULL;
    struct slot *slot = &files->slots[i];
    return slot->file && slot->generation == user2 >> 32 ? slot : NULL;
}

struct fsp_file *fsp_files_get(struct lt_winfsp *v, uint64_t user2)
{
    struct fsp_files *files = v->files;
    lt_mutex_lock(&files->lock);
    struct slot *slot = slot_locked(files, user2);
    struct fsp_file *file = slot ? slot->file : NULL;
    if (file)
        atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);
    lt_mutex_unlock(&files->lock);
    return file;
}

void fsp_files_remove(struct lt_winfsp *v, struct fsp_file *file)
{
    struct fsp_files *files = v->files;
    lt_mutex_lock(&files->lock);
    struct slot *slot = slot_locked(files, file->user2);
    if (slot) {
        slot->file = NULL;
        slot->generation++;
        slot->next_free = files->free;
        files->free = (uint32_t)file->user2 + 1;
        files->count--;
    }
    lt_mutex_unlock(&files->lock);
    if (slot)
        fsp_file_put(file);
}

size_t fsp_files_count(struct lt_winfsp *v)
{
    lt_mutex_lock(&v->files->lock);
    size_t count = v->files->count;
    lt_mutex_unlock(&v->files->lock);
    return count;
}

bool fsp_files_stream_open(struct lt_winfsp *v, const struct lt_node *owner, const char *stream)
{
    struct fsp_files *files = v->files;
    bool open = false;
    lt_mutex_lock(&files->lock);
    for (uint32_t i = 0; i < files->size && !open; i++) {
        const struct fsp_file *file = files->slots[i].file;
        open = file && file->owner == owner && file->stream && !atomic_load(&file->removed) &&
               lt_name_equal_nocase(lt_str(file->stream), lt_str(stream));
    }
    lt_mutex_unlock(&files->lock);
    return open;
}

void fsp_file_put(struct fsp_file *file)
{
    if (atomic_fetch_sub_explicit(&file->refs, 1, memory_order_acq_rel) != 1)
        return;
    struct lt_ctx ctx = {.uid = file->uid, .gid = file->gid, .pid = file->pid};
    if (file->open_flags)
        (void)lt_node_close(&ctx, file->node, file->open_flags);
    fsp_listing_free(file->listing);
    lt_node_put(file->node);
    lt_node_put(file->owner);
    lt_node_put(file->parent);
    free(file->giver);
    free(file->name);
    free(file->stream);
    free(file);
}
