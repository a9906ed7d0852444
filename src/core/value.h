/* SPDX-License-Identifier: MIT */
/* Values of unknown length (ACLs, mostly) fetched into memory: short ones without the heap. */
#ifndef LT_CORE_VALUE_H
#define LT_CORE_VALUE_H

#include <lintel/fs.h>

struct lt_value {
    char *data; /* `room` or malloc'd */
    size_t len;
    char room[272]; /* an ACL of 33 entries */
};

/* The value of an extended attribute as the file system stores it, without any check of types or
 * names. LT_ENODATA, LT_ENOMEM. */
int lt_value_xattr(const struct lt_ctx *ctx, struct lt_node *node, const char *name,
                   struct lt_value *ret);

/* The access ACL of a node as lt_access_check() and its like want it: empty where it has none or
 * does not matter to ctx. LT_EUCLEAN: what is stored is none. */
int lt_value_acl(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_attr *attr,
                 struct lt_value *ret);

/* A copy of bytes. LT_ENOMEM. */
int lt_value_copy(struct lt_str bytes, struct lt_value *ret);

/* Does nothing where data is NULL, as it is after a failure and after this. */
void lt_value_free(struct lt_value *value);

static inline struct lt_str lt_value_str(const struct lt_value *value)
{
    return (struct lt_str){value->data, value->len};
}

#endif
