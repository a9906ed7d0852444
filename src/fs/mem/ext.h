/* SPDX-License-Identifier: MIT */
/*
 * What few nodes have: extended attributes, ACLs, streams, EAs, reparse data, a
 * security descriptor. One block behind mem_node.ext, there only while it holds something. Guarded
 * by the lock of its node.
 */
#ifndef LT_FS_MEM_EXT_H
#define LT_FS_MEM_EXT_H

#include "node.h"

/* Bytes of any length in one object of the arena. */
struct mem_blob {
    uint32_t len;
    char bytes[];
};

/* NULL at the limit. */
struct mem_blob *mem_blob_new(struct mem_arena *arena, size_t len);
void mem_blob_free(struct mem_arena *arena, struct mem_blob *blob);

static inline struct lt_str mem_blob_str(const struct mem_blob *blob)
{
    return blob ? lt_strn(blob->bytes, blob->len) : lt_strn("", 0);
}

/* A POSIX extended attribute; ACLs are kept under their names too. */
struct mem_xattr {
    struct mem_xattr *next;
    uint32_t value_len;
    uint16_t name_len;
    char bytes[]; /* name, value */
};

/* A descriptor that nodes share: see security.c. */
struct mem_security {
    uint64_t key;
    uint64_t refs; /* mem_fs.security.lock */
    uint32_t len;
    char bytes[];
};

struct mem_ext {
    struct mem_xattr *xattrs;   /* in order of setting */
    struct mem_stream *streams; /* in order of upper-cased names */
    struct mem_blob *eas;       /* see ea.c */
    struct mem_blob *reparse;
    struct mem_security *security;
    uint32_t ea_size; /* packed: see lt_attr.ea_size */
    uint32_t has;     /* LT_HAS_ACL, _DEFAULT_ACL, _XATTR, _CAPABILITY */
};

/* Makes sure that there is one. LT_ENOSPC. */
int mem_ext_need(struct mem_node *node) REQUIRES(node->lock);
/* Gives it back if it holds nothing. */
void mem_ext_trim(struct mem_node *node) REQUIRES(node->lock);
/* Gives everything back: the node is going. */
void mem_ext_free(struct mem_node *node);

/* LT_HAS_... of a node. */
uint32_t mem_ext_has(const struct mem_node *node) REQUIRES_SHARED(node->lock);

/* Stores an attribute, or removes it (value.s NULL). `flags` as lt_node_xattr_set. */
int mem_xattr_store(struct mem_node *node, struct lt_str name, struct lt_str value, uint32_t flags)
    REQUIRES(node->lock);
struct mem_xattr *mem_xattr_find(const struct mem_node *node, struct lt_str name)
    REQUIRES_SHARED(node->lock);
void mem_xattrs_free(struct mem_arena *arena, struct mem_xattr *list);

/* A shared descriptor with a reference; NULL at the limit. */
struct mem_security *mem_security_get(struct mem_fs *fs, struct lt_str descriptor);
void mem_security_put(struct mem_fs *fs, struct mem_security *security);

void mem_stream_release(struct mem_stream *stream);
void mem_streams_free(struct mem_arena *arena, struct mem_stream *list);

#endif
