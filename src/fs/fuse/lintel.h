/* SPDX-License-Identifier: MIT */
/*
 * A server that is a Lintel itself: what FUSE has no words for goes by private requests
 * (wire/fuse/lintel.h), and so do names and attributes, because its attributes are whole.
 */
#ifndef LT_FS_FUSE_LINTEL_H
#define LT_FS_FUSE_LINTEL_H

#include "fusefs.h"

#include <wire/fuse/lintel.h>

/*
 * Asks the server whether it is one, and if so fills fs->lintel, fs->volume and the operations.
 * Before anybody uses fs. 0 also if it is none; LT_ENOTCONN and so on.
 */
int fuse_lintel_probe(struct fuse_fs *fs);

/* A reply to a private request that nobody waits for any more: nodes in it go back. From the
 * client's callback. */
void fuse_lintel_late(struct fuse_fs *fs, uint32_t epoch, uint32_t opcode, struct lt_str body);

/* ---- Requests -------------------------------------------------------------------------------- */

/* A private request, and what its reply said. Members that are not set are 0. */
struct lintel_call {
    uint32_t opcode; /* LT_LINTEL_... */
    struct fuse_node *node;
    struct fuse_node *other; /* NULL, or the node whose id is `value` */
    uint32_t flags, size;
    uint64_t value;
    struct lt_str text[LT_LINTEL_TEXTS];
    void *out; /* where the reply goes */
    size_t out_size, out_min;
    size_t out_len;      /* out */
    uint32_t sent_epoch; /* out: see struct fuse_request */
};

/* Sends it and waits. LT_E2BIG: more than a message takes. */
int lintel_call(const struct lt_ctx *ctx, struct lintel_call *call);

/*
 * The node of an entry in a reply, with a reference and its attributes learnt. `dir` (or NULL): a
 * directory in which it is called `name`. `flags`: FUSE_ATTR_OURS or 0. The root is an answer only
 * without. On failure the lookup was given back.
 */
int lintel_learn(struct fuse_fs *fs, uint32_t epoch, struct fuse_node *dir, struct lt_str name,
                 const struct lt_lintel_entry_out *out, uint64_t begun, uint32_t flags,
                 struct lt_entry *ret);

/* `value` is an entry in a reply that nobody looks at: its node goes back. */
void lintel_give_back(struct fuse_fs *fs, uint32_t epoch, struct lt_str value);

/* One part of a list. */
struct lintel_part {
    struct lt_lintel_list_out head;
    uint32_t epoch;
    struct lt_str rest; /* records that lt_lintel_next_record() has not taken yet */
    char *buf;          /* malloc'd */
};

/* Fetches the part behind `value` (a cookie, or how many records to skip). LT_ENOMEM. */
int lintel_part_get(const struct lt_ctx *ctx, struct fuse_node *node, uint32_t opcode,
                    uint32_t flags, uint64_t value, struct lintel_part *ret);
void lintel_part_free(struct lintel_part *part);

/* ---- Operations ------------------------------------------------------------------------------ */

/* lintel.c: attributes and the volume */
int lintel_getattr(const struct lt_ctx *ctx, struct lt_node *node, struct lt_attr *ret);
int lintel_setattr(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_setattr *set,
                   struct lt_attr *ret);
int lintel_statfs(const struct lt_ctx *ctx, struct lt_fs *fs, struct lt_statfs *ret);
int lintel_set_label(const struct lt_ctx *ctx, struct lt_fs *fs, struct lt_str label);

/* lintel_names.c */
int lintel_lookup(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                  struct lt_entry *ret);
int lintel_parent(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_node **ret);
int lintel_by_id(const struct lt_ctx *ctx, struct lt_fs *fs, uint64_t id, uint32_t generation,
                 struct lt_node **ret);
int lintel_create(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                  const struct lt_create *spec, struct lt_entry *ret);
int lintel_link(const struct lt_ctx *ctx, struct lt_node *node, struct lt_node *dir,
                struct lt_str name, struct lt_entry *ret);
int lintel_remove(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name, uint32_t flags,
                  struct lt_node *expect, struct lt_gone *ret);
int lintel_rename(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                  struct lt_node *new_dir, struct lt_str new_name, uint32_t flags,
                  struct lt_gone *ret);

/* lintel_dir.c */
int lintel_readdir(const struct lt_ctx *ctx, struct lt_node *dir, uint64_t cookie, uint32_t flags,
                   int (*fn)(void *arg, const struct lt_dirent *entry), void *arg);
int lintel_readdir_after(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                         uint64_t *ret_cookie);
int lintel_names(const struct lt_ctx *ctx, struct lt_node *node,
                 int (*fn)(void *arg, struct lt_node *dir, struct lt_str name), void *arg);

/* windows.c */
int lintel_stream_open(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                       uint32_t flags, struct lt_node **ret);
int lintel_stream_remove(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name);
int lintel_stream_rename(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                         struct lt_str new_name, bool replace);
int lintel_stream_list(const struct lt_ctx *ctx, struct lt_node *node,
                       int (*fn)(void *arg, const struct lt_stream *stream), void *arg);
int lintel_ea_set(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_ea *list,
                  size_t count, bool replace_all);
int lintel_ea_list(const struct lt_ctx *ctx, struct lt_node *node,
                   int (*fn)(void *arg, const struct lt_ea *ea), void *arg);
int lintel_reparse_set(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str data);
int lintel_reparse_get(const struct lt_ctx *ctx, struct lt_node *node, void *buf, size_t size);
int lintel_reparse_remove(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str header);
int lintel_security_set(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str descriptor);
int lintel_security_get(const struct lt_ctx *ctx, struct lt_node *node, void *buf, size_t size);

#endif
