// SPDX-License-Identifier: MIT
/* Extended attributes: a list, for few nodes have many. Those of a stream are its main node's. */
#include "dir.h"
#include "ext.h"
#include "ops.h"

#include <lintel/acl.h>

static size_t xattr_size(const struct mem_xattr *x)
{
    return sizeof(*x) + x->name_len + x->value_len;
}

static struct lt_str xattr_name(const struct mem_xattr *x)
{
    return lt_strn(x->bytes, x->name_len);
}

static struct lt_str xattr_value(const struct mem_xattr *x)
{
    return lt_strn(x->bytes + x->name_len, x->value_len);
}

void mem_xattrs_free(struct mem_arena *arena, struct mem_xattr *list)
{
    while (list) {
        struct mem_xattr *next = list->next;
        mem_free(arena, list, xattr_size(list));
        list = next;
    }
}

struct mem_xattr *mem_xattr_find(const struct mem_node *node, struct lt_str name)
{
    struct mem_xattr *x = node->ext ? node->ext->xattrs : NULL;
    while (x && !lt_str_equal(xattr_name(x), name))
        x = x->next;
    return x;
}

static struct mem_xattr *xattr_new(struct mem_arena *arena, struct lt_str name, struct lt_str value)
{
    struct mem_xattr *x = mem_alloc(arena, sizeof(*x) + name.len + value.len);
    if (!x)
        return NULL;
    x->next = NULL;
    x->name_len = (uint16_t)name.len;
    x->value_len = (uint32_t)value.len;
    memcpy(x->bytes, name.s, name.len);
    if (value.len > 0)
        memcpy(x->bytes + name.len, value.s, value.len);
    return x;
}

static uint32_t has_bit(struct lt_str name)
{
    if (lt_str_equal(name, lt_str(LT_ACL_ACCESS)))
        return LT_HAS_ACL;
    if (lt_str_equal(name, lt_str(LT_ACL_DEFAULT)))
        return LT_HAS_DEFAULT_ACL;
    if (lt_str_equal(name, lt_str("security.capability")))
        return LT_HAS_XATTR | LT_HAS_CAPABILITY;
    return LT_HAS_XATTR;
}

/* Puts `fresh` where the attribute of this name is, or at the end; NULL takes it out. */
static void xattr_replace(struct mem_node *node, struct lt_str name, struct mem_xattr *fresh)
    REQUIRES(node->lock)
{
    struct mem_ext *ext = node->ext;
    struct mem_xattr **at = &ext->xattrs;
    while (*at && !lt_str_equal(xattr_name(*at), name))
        at = &(*at)->next;
    struct mem_xattr *old = *at, *next = old ? old->next : NULL;
    if (fresh)
        fresh->next = next;
    *at = fresh ? fresh : next;
    if (old)
        mem_free(mem_arena_of(node), old, xattr_size(old));
    ext->has = 0;
    for (const struct mem_xattr *x = ext->xattrs; x; x = x->next)
        ext->has |= has_bit(xattr_name(x));
}

int mem_xattr_store(struct mem_node *node, struct lt_str name, struct lt_str value, uint32_t flags)
{
    const struct mem_xattr *old = mem_xattr_find(node, name);
    struct mem_xattr *fresh = NULL;
    if (!old && (!value.s || (flags & LT_XATTR_REPLACE)))
        return LT_ENODATA;
    if (old && (flags & LT_XATTR_CREATE))
        return LT_EEXIST;
    if (value.s) {
        int error = mem_ext_need(node);
        fresh = error ? NULL : xattr_new(mem_arena_of(node), name, value);
        if (!fresh) {
            mem_ext_trim(node);
            return LT_ENOSPC;
        }
    }
    xattr_replace(node, name, fresh);
    mem_ext_trim(node);
    return 0;
}

int mem_xattr_get(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name, void *buf,
                  size_t size)
{
    (void)ctx;
    struct mem_node *node = mem_main(mem_node(base));
    lt_rwlock_read(&node->lock);
    const struct mem_xattr *x = mem_xattr_find(node, name);
    int result = x ? lt_copy_out(xattr_value(x), buf, size) : LT_ENODATA;
    lt_rwlock_read_unlock(&node->lock);
    return result;
}

/* Sets, or with value.s NULL removes. */
static int change(struct lt_node *base, struct lt_str name, struct lt_str value, uint32_t flags)
{
    struct mem_node *node = mem_main(mem_node(base));
    lt_rwlock_write(&node->lock);
    int error = mem_may_change(node);
    if (!error)
        error = mem_xattr_store(node, name, value, flags);
    if (!error)
        mem_changed(node, mem_now());
    lt_rwlock_write_unlock(&node->lock);
    return error;
}

int mem_xattr_set(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name,
                  struct lt_str value, uint32_t flags)
{
    (void)ctx;
    return change(base, name, lt_strn(value.s ? value.s : "", value.len), flags);
}

int mem_xattr_remove(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name)
{
    (void)ctx;
    return change(base, name, lt_strn(NULL, 0), 0);
}

int mem_xattr_list(const struct lt_ctx *ctx, struct lt_node *base,
                   int (*fn)(void *arg, struct lt_str name), void *arg)
{
    (void)ctx;
    struct mem_node *node = mem_main(mem_node(base));
    int result = 0;
    lt_rwlock_read(&node->lock);
    const struct mem_xattr *x = node->ext ? node->ext->xattrs : NULL;
    for (; x && result == 0; x = x->next)
        result = fn(arg, xattr_name(x));
    lt_rwlock_read_unlock(&node->lock);
    return result;
}
