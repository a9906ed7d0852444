/* SPDX-License-Identifier: MIT */
/*
 * All EAs of a node as one blob, for file systems that keep them so: in the order of their first
 * setting, each as flags (1 byte), length of the name (1), length of the value (le16), name, value.
 */
#ifndef LT_CORE_EA_BLOB_H
#define LT_CORE_EA_BLOB_H

#include <lintel/fs.h>

/* Whether the blob is well formed: 0 or LT_EUCLEAN. What was merged here is. */
int lt_ea_blob_check(struct lt_str blob);

/* The EA at *at in a well-formed blob, borrowed; moves *at behind it. False at the end. */
bool lt_ea_blob_next(struct lt_str blob, size_t *at, struct lt_ea *ret);

/* What a merge comes to. */
struct lt_ea_merge {
    char *out;     /* NULL: it is only measured; else `len` bytes as measured before */
    size_t len;    /* bytes of the blob */
    size_t packed; /* as lt_attr.ea_size counts */
};

/* Merges a list, as lt_node_ea_set() has it, into the EAs of `old`. Start with zeros beside `out`.
 */
void lt_ea_blob_merge(struct lt_ea_merge *merge, struct lt_str old, const struct lt_ea *list,
                      size_t count);

#endif
