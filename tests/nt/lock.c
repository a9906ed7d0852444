// SPDX-License-Identifier: MIT
/* Byte-range locks, as FsRtlProcessFileLock has them: they bind reads and writes. */
#include "driver.h"

#include <stdlib.h>

/* STATUS_INVALID_LOCK_RANGE [MS-ERREF]; no file system answers it. */
#define INVALID_LOCK_RANGE ((int32_t)0xc00001a1)

struct drv_range {
    struct drv_range *next;
    struct nt_file *owner;
    uint64_t offset, len;
    bool exclusive;
};

/* A range of no bytes lies between two: it conflicts with what is around it. */
static bool overlap(const struct drv_range *r, uint64_t offset, uint64_t len)
{
    if (len == 0)
        return r->len != 0 && r->offset < offset && offset <= r->offset + (r->len - 1);
    if (r->len == 0)
        return offset < r->offset && r->offset <= offset + (len - 1);
    return offset <= r->offset + (r->len - 1) && r->offset <= offset + (len - 1);
}

static bool conflicts_locked(const struct drv_node *node, uint64_t offset, uint64_t len,
                             bool exclusive)
{
    for (const struct drv_range *r = node->ranges; r; r = r->next) {
        if (overlap(r, offset, len) && (exclusive || r->exclusive))
            return true;
    }
    return false;
}

static bool volume_ended(struct nt_volume *v)
{
    lt_mutex_lock(&v->io);
    bool ended = v->ended;
    lt_mutex_unlock(&v->io);
    return ended;
}

/* Often enough that the end of a volume is seen. */
#define WAIT_NS 20000000u

static int32_t wait_locked(struct drv_node *node, const struct drv_range *range, bool fail_now)
    REQUIRES(node->locks)
{
    while (conflicts_locked(node, range->offset, range->len, range->exclusive)) {
        if (fail_now)
            return LT_STATUS_LOCK_NOT_GRANTED;
        if (volume_ended(node->v))
            return LT_STATUS_CANCELLED;
        lt_cond_wait_for(&node->unlocked, &node->locks, WAIT_NS);
    }
    return LT_STATUS_SUCCESS;
}

int32_t nt_lock(struct nt_file *file, uint64_t offset, uint64_t len, bool exclusive, bool fail_now)
{
    struct drv_node *node = file->node;
    if (node->is_dir)
        return LT_STATUS_INVALID_PARAMETER;
    if (!(file->access & (LT_FILE_READ_DATA | LT_FILE_WRITE_DATA)))
        return LT_STATUS_ACCESS_DENIED;
    if (len != 0 && offset > UINT64_MAX - (len - 1))
        return INVALID_LOCK_RANGE;
    struct drv_range *range = malloc(sizeof(*range));
    if (!range)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    *range =
        (struct drv_range){.owner = file, .offset = offset, .len = len, .exclusive = exclusive};
    lt_mutex_lock(&node->locks);
    int32_t status = wait_locked(node, range, fail_now);
    if (status == LT_STATUS_SUCCESS) {
        range->next = node->ranges;
        node->ranges = range;
        range = NULL;
    }
    lt_mutex_unlock(&node->locks);
    free(range);
    return status;
}

int32_t nt_unlock(struct nt_file *file, uint64_t offset, uint64_t len)
{
    struct drv_node *node = file->node;
    if (node->is_dir)
        return LT_STATUS_INVALID_PARAMETER;
    lt_mutex_lock(&node->locks);
    struct drv_range **at = &node->ranges;
    while (*at && !((*at)->owner == file && (*at)->offset == offset && (*at)->len == len))
        at = &(*at)->next;
    struct drv_range *range = *at;
    if (range) {
        *at = range->next;
        lt_cond_wake_all(&node->unlocked);
    }
    lt_mutex_unlock(&node->locks);
    free(range);
    return range ? LT_STATUS_SUCCESS : LT_STATUS_RANGE_NOT_LOCKED;
}

/* FsRtlCheckLockForReadAccess and its pair: a shared lock keeps its owner from writing too. */
bool drv_range_allows(struct nt_file *file, uint64_t offset, uint64_t len, bool write)
{
    struct drv_node *node = file->node;
    bool allowed = true;
    lt_mutex_lock(&node->locks);
    for (const struct drv_range *r = node->ranges; r && allowed; r = r->next) {
        if (!overlap(r, offset, len))
            continue;
        allowed = r->exclusive ? r->owner == file : !write;
    }
    lt_mutex_unlock(&node->locks);
    return allowed;
}

void drv_ranges_end(struct nt_file *file)
{
    struct drv_node *node = file->node;
    lt_mutex_lock(&node->locks);
    struct drv_range **at = &node->ranges;
    while (*at) {
        struct drv_range *range = *at;
        if (range->owner == file) {
            *at = range->next;
            free(range);
        } else {
            at = &range->next;
        }
    }
    lt_cond_wake_all(&node->unlocked);
    lt_mutex_unlock(&node->locks);
}
