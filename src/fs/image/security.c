// SPDX-License-Identifier: MIT
/*
 * Security descriptors. Most files of a volume have one of a few, so equal ones are stored once:
 * a value in pieces under its hash, which begins with the number of objects that refer to it.
 */
#include "ext.h"
#include "hashed.h"
#include "ops.h"
#include "value.h"

#include <base/wire.h>
#include <core/descriptor.h>
#include <stdlib.h>

#define REFS_SIZE sizeof(struct lt_le32)
#define STORED_MAX (REFS_SIZE + LT_SECURITY_SIZE_MAX)

/* What a first piece begins with. LT_EUCLEAN. */
static int refs_of(const void *piece, size_t len, uint32_t *ret)
{
    struct lt_le32 refs;
    if (len <= sizeof(refs) || len > IMG_CHUNK)
        return LT_EUCLEAN;
    memcpy(&refs, piece, sizeof(refs));
    *ret = lt_get_le32(refs);
    return *ret > 0 ? 0 : LT_EUCLEAN;
}

/* ---- Sharing ------------------------------------------------------------------------------- */

struct wanted {
    struct img_store *store;
    struct lt_str descriptor;
};

/* Whether this is the descriptor that is wanted, and there is room for one more object. */
static int match(void *arg, struct img_key key, const void *value,
                 size_t len) NO_THREAD_SAFETY_ANALYSIS
{
    const struct wanted *wanted = arg;
    struct lt_str descriptor = wanted->descriptor;
    size_t first = len - REFS_SIZE; /* bytes of the descriptor in the first piece */
    uint32_t refs;
    int r = refs_of(value, len, &refs);
    if (r < 0)
        return r;
    if (refs == UINT32_MAX || descriptor.len < first ||
        memcmp((const uint8_t *)value + REFS_SIZE, descriptor.s, first) != 0)
        return 0;
    uint8_t *bytes;
    r = img_value_get(wanted->store, key, STORED_MAX, &bytes, &len);
    if (r < 0)
        return r;
    r = lt_str_equal(lt_strn((const char *)bytes + REFS_SIZE, len - REFS_SIZE), descriptor);
    free(bytes);
    return r;
}

/* Changes the count of a descriptor that is there. It goes with its last object. */
static int count(struct img_txn *txn, struct img_key key, bool more) REQUIRES(img_items)
{
    uint8_t piece[IMG_CHUNK];
    const void *value;
    size_t len;
    uint32_t refs = 0;
    int r = img_get(txn->store, key, &value, &len);
    if (r == 0)
        r = refs_of(value, len, &refs);
    if (r < 0)
        return r == LT_ENOENT ? LT_EUCLEAN : r;
    if (!more && refs == 1)
        return img_value_delete(txn, key);
    struct lt_le32 changed = lt_put_le32(more ? refs + 1 : refs - 1);
    memcpy(piece, value, len);
    memcpy(piece, &changed, sizeof(changed));
    return img_put(txn, key, piece, len);
}

static int add(struct img_txn *txn, struct img_key key, struct lt_str descriptor)
{
    struct lt_le32 refs = lt_put_le32(1);
    uint8_t *bytes = malloc(sizeof(refs) + descriptor.len);
    if (!bytes)
        return LT_ENOMEM;
    memcpy(bytes, &refs, sizeof(refs));
    memcpy(bytes + sizeof(refs), descriptor.s, descriptor.len);
    int r = img_value_put(txn, key, bytes, sizeof(refs) + descriptor.len);
    free(bytes);
    return r;
}

/* One more object has this descriptor: *ret becomes its key's `off`. */
static int share(struct img_txn *txn, struct lt_str descriptor, uint64_t *ret) REQUIRES(img_items)
{
    struct wanted wanted = {txn->store, descriptor};
    uint64_t hash = lt_hash_bytes(&txn->store->super.hash_key, descriptor.s, descriptor.len);
    struct img_key key =
        img_key(IMG_ID_VOLUME, IMG_SECURITY, img_hashed_base(hash, IMG_CHUNK_STEP));
    int r = img_hashed_find(txn->store, key, IMG_CHUNK_STEP, match, &wanted, &key.off);
    if (r < 0)
        return r;
    if (key.off == 0)
        return LT_ENOSPC;
    r = r > 0 ? count(txn, key, true) : add(txn, key, descriptor);
    if (r == 0)
        *ret = key.off;
    return r;
}

int img_security_store(struct img_txn *txn, struct img_node *node, struct lt_str descriptor)
{
    uint64_t fresh = 0, old = node->inode.security;
    int r = descriptor.len > 0 ? share(txn, descriptor, &fresh) : 0;
    if (r == 0 && old != 0)
        r = count(txn, img_key(IMG_ID_VOLUME, IMG_SECURITY, old), false);
    if (r < 0)
        return r;
    node->inode.security = fresh;
    if (fresh)
        node->inode.has |= LT_HAS_SECURITY;
    else
        node->inode.has &= ~(uint32_t)LT_HAS_SECURITY;
    return 0;
}

/* ---- Operations ---------------------------------------------------------------------------- */

static int set_locked(struct img_txn *txn, struct img_node *node, struct lt_str descriptor)
    REQUIRES(img_items)
{
    int r = img_may_change(node);
    if (r == 0)
        r = img_security_store(txn, node, descriptor);
    if (r == 0)
        img_changed(node, lt_clock_now());
    return r;
}

int imgfs_security_set(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str descriptor)
{
    (void)ctx;
    struct img_node *node = img_node(base);
    struct img_txn txn;
    enum img_purpose purpose = descriptor.len > 0 ? IMG_LONG : IMG_SHRINK;
    int r = img_begin(img_fs_of(node)->store, purpose, &txn);
    if (r)
        return r;
    return img_end(&txn, set_locked(&txn, node, descriptor));
}

/* The stored descriptor, in memory of malloc, behind its count. */
static int load(struct img_node *node, uint8_t **ret, size_t *ret_len) REQUIRES_SHARED(img_items)
{
    struct img_key key = img_key(IMG_ID_VOLUME, IMG_SECURITY, node->inode.security);
    if (node->inode.security == 0)
        return LT_ENODATA;
    uint8_t *bytes;
    size_t len;
    int r = img_value_get(img_fs_of(node)->store, key, STORED_MAX, &bytes, &len);
    if (r < 0)
        return r == LT_ENOENT ? LT_EUCLEAN : r;
    if (len <= REFS_SIZE ||
        lt_security_check(lt_strn((const char *)bytes + REFS_SIZE, len - REFS_SIZE)) < 0) {
        free(bytes);
        return LT_EUCLEAN;
    }
    *ret = bytes;
    *ret_len = len;
    return 0;
}

int imgfs_security_get(const struct lt_ctx *ctx, struct lt_node *base, void *buf, size_t size)
{
    (void)ctx;
    struct img_node *node = img_main(img_node(base));
    struct img_store *store = img_fs_of(node)->store;
    uint8_t *bytes;
    size_t len;
    img_read_lock(store);
    int r = load(node, &bytes, &len);
    img_read_unlock(store);
    if (r < 0)
        return r;
    r = lt_copy_out(lt_strn((const char *)bytes + REFS_SIZE, len - REFS_SIZE), buf, size);
    free(bytes);
    return r;
}
