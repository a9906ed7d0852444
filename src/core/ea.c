// SPDX-License-Identifier: MIT
#include "ea.h"

#include <base/wire.h>
#include <stdlib.h>

/* FILE_FULL_EA_INFORMATION, followed by the name, NUL, and the value; entries start at multiples
 * of 4 bytes. */
struct ea_entry {
    struct lt_le32 next; /* bytes to the next entry, 0: the last */
    uint8_t flags;
    uint8_t name_len;
    struct lt_le16 value_len;
};
_Static_assert(sizeof(struct ea_entry) == 8, "MS-FSCC 2.4.16");

static size_t entry_size(size_t name_len, size_t value_len)
{
    return sizeof(struct ea_entry) + name_len + 1 + value_len;
}

static size_t aligned(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

struct chain {
    char *data;
    size_t len, capacity; /* len is aligned */
    size_t last;          /* where the last entry starts */
    int error;
};

static int append(void *arg, const struct lt_ea *ea)
{
    struct chain *c = arg;
    size_t size = aligned(entry_size(ea->name.len, ea->value.len));
    if (size > c->capacity - c->len) {
        size_t capacity = 2 * c->capacity + size;
        char *data = realloc(c->data, capacity);
        if (!data) {
            c->error = LT_ENOMEM;
            return 1;
        }
        c->data = data;
        c->capacity = capacity;
    }
    struct ea_entry *e = (struct ea_entry *)(c->data + c->len);
    memset(e, 0, size);
    e->flags = ea->flags;
    e->name_len = (uint8_t)ea->name.len;
    e->value_len = lt_put_le16((uint16_t)ea->value.len);
    char *bytes = (char *)(e + 1);
    memcpy(bytes, ea->name.s, ea->name.len);
    memcpy(bytes + ea->name.len + 1, ea->value.s, ea->value.len);
    if (c->len)
        ((struct ea_entry *)(c->data + c->last))->next = lt_put_le32((uint32_t)(c->len - c->last));
    c->last = c->len;
    c->len += size;
    return 0;
}

int lt_ea_chain_read(const struct lt_ctx *ctx, struct lt_node *node, char **ret, size_t *ret_len)
{
    struct chain c = {0};
    int r = lt_node_ea_list(ctx, node, append, &c);
    if (r > 0)
        r = c.error;
    if (r < 0) {
        free(c.data);
        return r;
    }
    if (c.len) {
        /* The last entry is not padded. */
        const struct ea_entry *e = (const struct ea_entry *)(c.data + c.last);
        c.len = c.last + entry_size(e->name_len, lt_get_le16(e->value_len));
    }
    *ret = c.data;
    *ret_len = c.len;
    return 0;
}

/* Reads the entry at *at and moves on; *at becomes SIZE_MAX behind the last one. */
static int next_entry(struct lt_str chain, size_t *at, struct lt_ea *ret)
{
    if (*at > chain.len || chain.len - *at < sizeof(struct ea_entry))
        return LT_EINVAL;
    const struct ea_entry *e = (const struct ea_entry *)(chain.s + *at);
    const char *bytes = (const char *)(e + 1);
    size_t value_len = lt_get_le16(e->value_len), next = lt_get_le32(e->next);
    size_t size = entry_size(e->name_len, value_len);
    if (size > chain.len - *at || bytes[e->name_len] != 0)
        return LT_EINVAL;
    if (next != 0 && (next < size || next % 4 != 0))
        return LT_EINVAL;
    *ret = (struct lt_ea){.name = lt_strn(bytes, e->name_len),
                          .value = lt_strn(bytes + e->name_len + 1, value_len),
                          .flags = e->flags};
    *at = next ? *at + next : SIZE_MAX;
    return 0;
}

int lt_ea_chain_decode(struct lt_str chain, struct lt_ea **ret, size_t *ret_count)
{
    struct lt_ea ea;
    size_t count = 0;
    for (size_t at = 0; at != SIZE_MAX; count++) {
        int r = next_entry(chain, &at, &ea);
        if (r < 0)
            return r;
    }
    struct lt_ea *list = malloc(count * sizeof(*list));
    if (!list)
        return LT_ENOMEM;
    size_t at = 0;
    for (size_t i = 0; i < count; i++)
        (void)next_entry(chain, &at, &list[i]); /* checked above */
    *ret = list;
    *ret_count = count;
    return 0;
}
