/* SPDX-License-Identifier: MIT */
/*
 * What a file system implements: one function for each of lintel/fs.h, reached
 * only through it. The core has then already
 *  - checked that names are well-formed (length, '/', NUL, ".", ".."),
 *  - applied umask, default ACL and set-gid inheritance to a struct lt_create,
 *  - checked that nodes given together belong to one file system and are of the
 *    type the operation needs where that is fixed for a node's life (directory, stream, ...),
 *  - translated POSIX ACL xattrs into setattr (LT_SET_ACL) and EA, reparse and
 *    security values into valid ones,
 *  - turned away changes on a read-only volume,
 * and it sends the events afterwards. A NULL function answers LT_EOPNOTSUPP.
 *
 * `ctx` is never NULL here. The file system locks for itself and never calls back
 * into lintel/fs.h while it holds a lock.
 */
#ifndef LT_CORE_FS_OPS_H
#define LT_CORE_FS_OPS_H

#include <lintel/event.h>
#include <lintel/fs.h>

/* What a remove or rename did, for the events: nodes with a reference each, or NULL. */
struct lt_gone {
    struct lt_node *node;  /* removed or renamed */
    struct lt_node *other; /* replaced or exchanged by a rename */
};

struct lt_fs_ops {
    /* The whole */
    int (*close)(struct lt_fs *fs); /* frees fs too */
    void (*volume)(struct lt_fs *fs, struct lt_volume *ret);
    int (*set_label)(const struct lt_ctx *ctx, struct lt_fs *fs, struct lt_str label);
    int (*statfs)(const struct lt_ctx *ctx, struct lt_fs *fs, struct lt_statfs *ret);
    int (*sync_fs)(const struct lt_ctx *ctx, struct lt_fs *fs);
    int (*shutdown)(const struct lt_ctx *ctx, struct lt_fs *fs);
    int (*trim)(const struct lt_ctx *ctx, struct lt_fs *fs, uint64_t *ret_bytes);
    int (*node)(const struct lt_ctx *ctx, struct lt_fs *fs, uint64_t id, uint32_t generation,
                struct lt_node **ret);
    int (*facts)(struct lt_fs *fs, int (*fn)(void *arg, const char *name, uint64_t value),
                 void *arg);
    int (*pages_get)(struct lt_fs *fs, struct lt_seg *segs, size_t count);
    void (*pages_put)(struct lt_fs *fs, struct lt_seg *segs, size_t count);
    void (*release)(struct lt_node *node); /* the last reference went */

    /* Names */
    int (*lookup)(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                  struct lt_entry *ret);
    int (*parent)(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_node **ret);
    int (*create)(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                  const struct lt_create *spec, struct lt_entry *ret);
    int (*link)(const struct lt_ctx *ctx, struct lt_node *node, struct lt_node *dir,
                struct lt_str name, struct lt_entry *ret);
    int (*remove)(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name, uint32_t flags,
                  struct lt_node *expect, struct lt_gone *ret);
    int (*rename)(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                  struct lt_node *new_dir, struct lt_str new_name, uint32_t flags,
                  struct lt_gone *ret);
    int (*readlink)(const struct lt_ctx *ctx, struct lt_node *node, char *buf, size_t size);
    int (*readdir)(const struct lt_ctx *ctx, struct lt_node *dir, uint64_t cookie, uint32_t flags,
                   int (*fn)(void *arg, const struct lt_dirent *entry), void *arg);
    int (*readdir_after)(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                         uint64_t *ret_cookie);
    int (*names)(const struct lt_ctx *ctx, struct lt_node *node,
                 int (*fn)(void *arg, struct lt_node *dir, struct lt_str name), void *arg);

    /* Attributes */
    int (*getattr)(const struct lt_ctx *ctx, struct lt_node *node, struct lt_attr *ret);
    int (*setattr)(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_setattr *set,
                   struct lt_attr *ret); /* ret may be NULL */
    int (*sync)(const struct lt_ctx *ctx, struct lt_node *node, bool data_only);

    /* Data; nodes are regular files or streams. open_node and close_node NULL: nothing to do */
    int (*open_node)(const struct lt_ctx *ctx, struct lt_node *node, uint32_t flags);
    int (*close_node)(const struct lt_ctx *ctx, struct lt_node *node, uint32_t flags);
    int (*read)(const struct lt_ctx *ctx, struct lt_node *node, uint64_t offset, size_t len,
                struct lt_sink *sink);
    int (*write)(const struct lt_ctx *ctx, struct lt_node *node, struct lt_write *write);
    int (*allocate)(const struct lt_ctx *ctx, struct lt_node *node, uint32_t mode, uint64_t offset,
                    uint64_t len);
    int (*seek)(const struct lt_ctx *ctx, struct lt_node *node, uint64_t offset,
                enum lt_seek whence, uint64_t *ret);
    int (*copy_range)(const struct lt_ctx *ctx, struct lt_node *from, uint64_t from_offset,
                      struct lt_node *to, uint64_t to_offset, uint64_t len, uint64_t *ret);
    int (*backing_get)(const struct lt_ctx *ctx, struct lt_node *node, int *ret_fd);
    void (*backing_put)(struct lt_node *node);

    /* Extended attributes: plain storage by name; xattr_set never sees the access ACL */
    int (*xattr_get)(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name, void *buf,
                     size_t size);
    int (*xattr_set)(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                     struct lt_str value, uint32_t flags);
    int (*xattr_remove)(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name);
    int (*xattr_list)(const struct lt_ctx *ctx, struct lt_node *node,
                      int (*fn)(void *arg, struct lt_str name), void *arg);

    /* Windows */
    int (*stream_open)(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                       uint32_t flags, struct lt_node **ret);
    int (*stream_remove)(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name);
    int (*stream_rename)(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                         struct lt_str new_name, bool replace);
    int (*stream_list)(const struct lt_ctx *ctx, struct lt_node *node,
                       int (*fn)(void *arg, const struct lt_stream *stream), void *arg);
    int (*ea_set)(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_ea *list,
                  size_t count, bool replace_all);
    int (*ea_list)(const struct lt_ctx *ctx, struct lt_node *node,
                   int (*fn)(void *arg, const struct lt_ea *ea), void *arg);
    int (*reparse_set)(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str data);
    int (*reparse_get)(const struct lt_ctx *ctx, struct lt_node *node, void *buf, size_t size);
    int (*reparse_remove)(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str header);
    int (*security_set)(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str descriptor);
    int (*security_get)(const struct lt_ctx *ctx, struct lt_node *node, void *buf, size_t size);
};

struct lt_core; /* events and locks of one file system: src/core/ */

/* The part of a file system that the core needs; theirs begins with it. */
struct lt_fs {
    const struct lt_fs_ops *ops; /* immutable */
    struct lt_node *root;        /* immutable; holds one reference */
    struct lt_core *core;        /* immutable; made by lt_fs_init */
    bool read_only;              /* immutable: changes are refused with LT_EROFS */
};

/* Sets up the core's part; the file system then sets root. lt_fs_fini undoes it, called by
 * ops->close. LT_ENOMEM. */
int lt_fs_init(struct lt_fs *fs, const struct lt_fs_ops *ops);
void lt_fs_fini(struct lt_fs *fs);

/* 0, LT_EINVAL or LT_ENAMETOOLONG: see the common errors of lintel/fs.h. For names that a file
 * system reads from elsewhere; those that it is given are checked. */
int lt_name_check(struct lt_str name);

/* Sets up the shared part of a fresh node with one reference. */
static inline void lt_node_init(struct lt_node *node, struct lt_fs *fs, uint64_t id, uint32_t type)
{
    node->fs = fs;
    node->id = id;
    atomic_init(&node->refs, 1);
    node->type = (uint16_t)type;
    node->flags = 0;
}

/* What a getter of values does with one that it has found: its bytes into buf, or only the length
 * with size 0. LT_ERANGE. */
static inline int lt_copy_out(struct lt_str from, void *buf, size_t size)
{
    if (size == 0)
        return (int)from.len;
    if (from.len > size)
        return LT_ERANGE;
    if (from.len > 0)
        memcpy(buf, from.s, from.len);
    return (int)from.len;
}

#endif
