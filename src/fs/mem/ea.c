// SPDX-License-Identifier: MIT
/*
 * Extended attributes of Windows. All of a node lie in one blob, in the order of
 * their first setting: flags (1 byte), length of the name (1), length of the value (2),
 * name, value. A set builds the blob anew and then takes it over.
 */
#include "dir.h"
#include "ext.h"
#include "ops.h"

#define HEADER 4u
#define PACKED_HEADER 5u /* as EaSize counts one: flags, two lengths, and the NUL of the name */

static bool same_name(struct lt_str a, struct lt_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        unsigned char x = (unsigned char)a.s[i], y = (unsigned char)b.s[i];
        if (x != y && ((x ^ y) != 0x20 || (x | 0x20) < 'a' || (x | 0x20) > 'z'))
            return false;
    }
    return true;
}

/* The EA at *at in a blob; moves *at behind it. False at the end. */
static bool next_ea(struct lt_str blob, size_t *at, struct lt_ea *ret)
{
    if (*at >= blob.len)
        return false;
    const char *p = blob.s + *at;
    uint16_t value_len;
    memcpy(&value_len, p + 2, sizeof(value_len));
    ret->flags = (uint8_t)p[0];
    ret->name = lt_strn(p + HEADER, (uint8_t)p[1]);
    ret->value = lt_strn(p + HEADER + ret->name.len, value_len);
    *at += HEADER + ret->name.len + value_len;
    return true;
}

/* The last EA of this name in a list, for that one wins; NULL if there is none. */
static const struct lt_ea *listed(const struct lt_ea *list, size_t count, struct lt_str name)
{
    while (count-- > 0) {
        if (same_name(list[count].name, name))
            return &list[count];
    }
    return NULL;
}

static bool in_blob(struct lt_str blob, struct lt_str name)
{
    struct lt_ea ea;
    for (size_t at = 0; next_ea(blob, &at, &ea);) {
        if (same_name(ea.name, name))
            return true;
    }
    return false;
}

/* What a set comes to: first measured (out NULL), then written. */
struct packer {
    char *out;
    size_t len;    /* bytes in the blob */
    size_t packed; /* bytes as EaSize counts */
};

static void pack(struct packer *p, const struct lt_ea *ea)
{
    if (ea->value.len == 0)
        return;
    if (p->out) {
        char *to = p->out + p->len;
        uint16_t value_len = (uint16_t)ea->value.len;
        to[0] = (char)ea->flags;
        to[1] = (char)ea->name.len;
        memcpy(to + 2, &value_len, sizeof(value_len));
        memcpy(to + HEADER, ea->name.s, ea->name.len);
        memcpy(to + HEADER + ea->name.len, ea->value.s, ea->value.len);
    }
    p->len += HEADER + ea->name.len + ea->value.len;
    p->packed += PACKED_HEADER + ea->name.len + ea->value.len;
}

static void merge(struct packer *p, struct lt_str old, const struct lt_ea *list, size_t count)
{
    struct lt_ea ea;
    for (size_t at = 0; next_ea(old, &at, &ea);) {
        const struct lt_ea *other = listed(list, count, ea.name);
        pack(p, other ? other : &ea);
    }
    for (size_t i = 0; i < count; i++) {
        if (listed(list, count, list[i].name) == &list[i] && !in_blob(old, list[i].name))
            pack(p, &list[i]);
    }
}

static int set_locked(struct mem_node *node, const struct lt_ea *list, size_t count,
                      bool replace_all) REQUIRES(node->lock)
{
    struct mem_arena *arena = mem_arena_of(node);
    struct lt_str old = lt_strn("", 0);
    if (node->ext && !replace_all)
        old = mem_blob_str(node->ext->eas);
    struct packer size = {0};
    merge(&size, old, list, count);
    if (size.packed > LT_EA_SIZE_MAX)
        return LT_E2BIG;
    struct mem_blob *blob = NULL;
    if (size.len > 0) {
        int error = mem_ext_need(node);
        blob = error ? NULL : mem_blob_new(arena, size.len);
        if (!blob) {
            mem_ext_trim(node);
            return LT_ENOSPC;
        }
        struct packer writer = {.out = blob->bytes};
        merge(&writer, old, list, count);
    }
    if (node->ext) {
        mem_blob_free(arena, node->ext->eas);
        node->ext->eas = blob;
        node->ext->ea_size = (uint32_t)size.packed;
        mem_ext_trim(node);
    }
    mem_changed(node, mem_now());
    return 0;
}

int mem_ea_set(const struct lt_ctx *ctx, struct lt_node *base, const struct lt_ea *list,
               size_t count, bool replace_all)
{
    (void)ctx;
    struct mem_node *node = mem_main(mem_node(base));
    lt_rwlock_write(&node->lock);
    int error = mem_may_change(node);
    if (!error)
        error = set_locked(node, list, count, replace_all);
    lt_rwlock_write_unlock(&node->lock);
    return error;
}

int mem_ea_list(const struct lt_ctx *ctx, struct lt_node *base,
                int (*fn)(void *arg, const struct lt_ea *ea), void *arg)
{
    (void)ctx;
    struct mem_node *node = mem_main(mem_node(base));
    struct lt_ea ea;
    int result = 0;
    lt_rwlock_read(&node->lock);
    struct lt_str blob = node->ext ? mem_blob_str(node->ext->eas) : lt_strn("", 0);
    for (size_t at = 0; result == 0 && next_ea(blob, &at, &ea);)
        result = fn(arg, &ea);
    lt_rwlock_read_unlock(&node->lock);
    return result;
}
