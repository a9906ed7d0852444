// SPDX-License-Identifier: MIT
/*
 * Security descriptors. Most files of a volume have one of a few, so equal ones
 * are stored once: in a tree by 55 bits of their hash and a number that tells
 * different ones with the same hash apart, each with a count of its users.
 */
#include "dir.h"
#include "ext.h"
#include "ops.h"

#define TWINS 256u

static size_t security_size(size_t len)
{
    return sizeof(struct mem_security) + len;
}

/* A new descriptor with no users, at a key that is free. */
static struct mem_security *security_add(struct mem_fs *fs, struct lt_str bytes, uint64_t key)
    REQUIRES(fs->security.lock)
{
    struct mem_security *security = mem_alloc(&fs->arena, security_size(bytes.len));
    if (!security)
        return NULL;
    *security = (struct mem_security){.key = key, .len = (uint32_t)bytes.len};
    memcpy(security->bytes, bytes.s, bytes.len);
    if (mem_tree_insert(&fs->security.tree, &fs->arena, key, security) == 0)
        return security;
    mem_free(&fs->arena, security, security_size(bytes.len));
    return NULL;
}

static struct mem_security *security_find(struct mem_fs *fs, struct lt_str bytes)
    REQUIRES(fs->security.lock)
{
    uint64_t hash = (lt_hash_bytes(&fs->hash_key, bytes.s, bytes.len) >> 9) * TWINS;
    uint64_t unused = hash, key = hash;
    struct mem_security *security;
    for (; (security = mem_tree_next(&fs->security.tree, &key)) && key < hash + TWINS; key++) {
        if (lt_str_equal(lt_strn(security->bytes, security->len), bytes))
            return security;
        if (key == unused)
            unused++;
    }
    return unused < hash + TWINS ? security_add(fs, bytes, unused) : NULL;
}

struct mem_security *mem_security_get(struct mem_fs *fs, struct lt_str descriptor)
{
    lt_mutex_lock(&fs->security.lock);
    struct mem_security *security = security_find(fs, descriptor);
    if (security)
        security->refs++;
    lt_mutex_unlock(&fs->security.lock);
    return security;
}

void mem_security_put(struct mem_fs *fs, struct mem_security *security)
{
    lt_mutex_lock(&fs->security.lock);
    if (--security->refs == 0) {
        mem_tree_remove(&fs->security.tree, &fs->arena, security->key);
        mem_free(&fs->arena, security, security_size(security->len));
    }
    lt_mutex_unlock(&fs->security.lock);
}

/* Takes over a reference on `fresh`, or removes the descriptor (NULL). */
static int store(struct mem_node *node, struct mem_security *fresh) REQUIRES(node->lock)
{
    int error = mem_may_change(node);
    if (!error && fresh)
        error = mem_ext_need(node);
    if (error)
        return error;
    if (node->ext) {
        if (node->ext->security)
            mem_security_put(mem_fs_of(node), node->ext->security);
        node->ext->security = fresh;
        mem_ext_trim(node);
    }
    mem_changed(node, mem_now());
    return 0;
}

int mem_security_set(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str descriptor)
{
    (void)ctx;
    struct mem_node *node = mem_node(base);
    struct mem_security *fresh = NULL;
    if (descriptor.len > 0 && !(fresh = mem_security_get(mem_fs_of(node), descriptor)))
        return LT_ENOSPC;
    lt_rwlock_write(&node->lock);
    int error = store(node, fresh);
    lt_rwlock_write_unlock(&node->lock);
    if (error && fresh)
        mem_security_put(mem_fs_of(node), fresh);
    return error;
}

int mem_security_read(const struct lt_ctx *ctx, struct lt_node *base, void *buf, size_t size)
{
    (void)ctx;
    struct mem_node *node = mem_main(mem_node(base));
    lt_rwlock_read(&node->lock);
    const struct mem_security *s = node->ext ? node->ext->security : NULL;
    int result = s ? lt_copy_out(lt_strn(s->bytes, s->len), buf, size) : LT_ENODATA;
    lt_rwlock_read_unlock(&node->lock);
    return result;
}
