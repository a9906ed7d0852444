// SPDX-License-Identifier: MIT
/* Extended attributes: values in pieces under the hash of their names, which is also the order in
 * which they are listed. Those of a stream are its file's. */
#include "ext.h"
#include "hashed.h"
#include "ops.h"
#include "value.h"

#include <lintel/acl.h>
#include <stdlib.h>

/* Bytes of a stored attribute at most: length of the name, name, value. */
#define STORED_MAX (1 + (size_t)LT_XATTR_NAME_MAX + LT_XATTR_SIZE_MAX)

/* What inode.has says of an attribute of this name. */
static uint32_t has_bits(struct lt_str name)
{
    if (lt_str_equal(name, lt_str(LT_ACL_ACCESS)))
        return LT_HAS_ACL;
    if (lt_str_equal(name, lt_str(LT_ACL_DEFAULT)))
        return LT_HAS_DEFAULT_ACL;
    if (lt_str_equal(name, lt_str("security.capability")))
        return LT_HAS_XATTR | LT_HAS_CAPABILITY;
    return LT_HAS_XATTR;
}

/* The name that a first piece begins with. LT_EUCLEAN. */
static int stored_name(const void *piece, size_t len, struct lt_str *ret)
{
    const uint8_t *p = piece;
    if (len < 1 || p[0] == 0 || len < 1 + (size_t)p[0])
        return LT_EUCLEAN;
    *ret = lt_strn((const char *)p + 1, p[0]);
    return 0;
}

static int match(void *arg, struct img_key key, const void *value, size_t len)
{
    struct lt_str name;
    (void)key;
    int r = stored_name(value, len, &name);
    return r < 0 ? r : lt_str_equal(name, *(const struct lt_str *)arg);
}

/* 1 and the attribute's key; or 0 and the key for a new one (off 0: there is none left). */
static int find(struct img_node *node, struct lt_str name, struct img_key *ret)
    REQUIRES_SHARED(img_items)
{
    struct img_store *store = img_fs_of(node)->store;
    uint64_t hash = lt_hash_bytes(&store->super.hash_key, name.s, name.len);
    *ret = img_key(node->base.id, IMG_XATTR, img_hashed_base(hash, IMG_CHUNK_STEP));
    return img_hashed_find(store, *ret, IMG_CHUNK_STEP, match, &name, &ret->off);
}

/* Calls fn with the name of each attribute until it is non-zero, which is then returned. */
static int each(struct img_node *node, int (*fn)(void *arg, struct lt_str name), void *arg)
    REQUIRES_SHARED(img_items)
{
    struct img_key key = img_key(node->base.id, IMG_XATTR, 0);
    struct lt_str name;
    const void *value;
    size_t len;
    int r = 0;
    while (r == 0) {
        r = img_next(img_fs_of(node)->store, &key, &value, &len);
        if (r == LT_ENOENT || (r == 0 && (key.id != node->base.id || key.kind != IMG_XATTR)))
            return 0;
        if (r == 0)
            r = key.off % IMG_CHUNK_STEP ? LT_EUCLEAN : stored_name(value, len, &name);
        if (r == 0)
            r = fn(arg, name);
        key.off += IMG_CHUNK_STEP;
    }
    return r;
}

/* ---- Changing ------------------------------------------------------------------------------ */

static int put(struct img_txn *txn, struct img_key key, struct lt_str name, struct lt_str value)
{
    size_t len = 1 + name.len + value.len;
    uint8_t *bytes = malloc(len);
    if (!bytes)
        return LT_ENOMEM;
    bytes[0] = (uint8_t)name.len;
    memcpy(bytes + 1, name.s, name.len);
    if (value.len > 0)
        memcpy(bytes + 1 + name.len, value.s, value.len);
    int r = img_value_put(txn, key, bytes, len);
    free(bytes);
    return r;
}

static int is_plain(void *arg, struct lt_str name)
{
    (void)arg;
    return (has_bits(name) & LT_HAS_XATTR) != 0;
}

/* inode.has after the attribute went. */
static int has_without(struct img_node *node, struct lt_str name) REQUIRES_SHARED(img_items)
{
    uint32_t has = node->inode.has & ~has_bits(name);
    int r = each(node, is_plain, NULL);
    return r < 0 ? r : (int)(has | (r ? (uint32_t)LT_HAS_XATTR : 0));
}

int img_xattr_store(struct img_txn *txn, struct img_node *node, struct lt_str name,
                    struct lt_str value, uint32_t flags)
{
    struct img_key key;
    int r = find(node, name, &key);
    if (r < 0)
        return r;
    if (r == 0 && (!value.s || (flags & LT_XATTR_REPLACE)))
        return LT_ENODATA;
    if (r == 1 && (flags & LT_XATTR_CREATE))
        return LT_EEXIST;
    if (key.off == 0)
        return LT_ENOSPC;
    uint32_t has = node->inode.has | has_bits(name);
    r = value.s ? put(txn, key, name, value) : img_value_delete(txn, key);
    if (r == 0 && !value.s) {
        r = has_without(node, name);
        has = (uint32_t)r;
    }
    if (r < 0)
        return r;
    node->inode.has = has;
    return 0;
}

int img_xattr_test(struct img_node *node, struct lt_str name)
{
    struct img_key key;
    return find(node, name, &key);
}

/* Sets, or with value.s NULL removes. */
static int change(struct lt_node *base, struct lt_str name, struct lt_str value, uint32_t flags)
{
    struct img_node *node = img_main(img_node(base));
    struct img_txn txn;
    enum img_purpose purpose = value.s ? img_purpose_of(value.len) : IMG_SHRINK;
    int r = img_begin(img_fs_of(node)->store, purpose, &txn);
    if (r)
        return r;
    r = img_may_change(node);
    if (r == 0)
        r = img_xattr_store(&txn, node, name, value, flags);
    if (r == 0)
        img_changed(node, lt_clock_now());
    return img_end(&txn, r);
}

int imgfs_xattr_set(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name,
                    struct lt_str value, uint32_t flags)
{
    (void)ctx;
    return change(base, name, lt_strn(value.s ? value.s : "", value.len), flags);
}

int imgfs_xattr_remove(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name)
{
    (void)ctx;
    return change(base, name, lt_strn(NULL, 0), 0);
}

/* ---- Reading ------------------------------------------------------------------------------- */

static int get_locked(struct img_node *node, struct lt_str name, void *buf, size_t size)
    REQUIRES_SHARED(img_items)
{
    struct img_key key;
    uint8_t *bytes;
    size_t len;
    if (!(node->inode.has & has_bits(name)))
        return LT_ENODATA; /* the kernel asks for security.capability at every write */
    int r = find(node, name, &key);
    if (r <= 0)
        return r < 0 ? r : LT_ENODATA;
    r = img_value_get(img_fs_of(node)->store, key, STORED_MAX, &bytes, &len);
    if (r < 0)
        return r;
    size_t at = 1 + name.len; /* find() saw the name in the first piece */
    r = lt_copy_out(lt_strn((const char *)bytes + at, len - at), buf, size);
    free(bytes);
    return r;
}

int imgfs_xattr_get(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name, void *buf,
                    size_t size)
{
    (void)ctx;
    struct img_node *node = img_main(img_node(base));
    struct img_store *store = img_fs_of(node)->store;
    img_read_lock(store);
    int r = get_locked(node, name, buf, size);
    img_read_unlock(store);
    return r;
}

int imgfs_xattr_list(const struct lt_ctx *ctx, struct lt_node *base,
                     int (*fn)(void *arg, struct lt_str name), void *arg)
{
    (void)ctx;
    struct img_node *node = img_main(img_node(base));
    struct img_store *store = img_fs_of(node)->store;
    img_read_lock(store);
    int r = each(node, fn, arg);
    img_read_unlock(store);
    return r;
}
