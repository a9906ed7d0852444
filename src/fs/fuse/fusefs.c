// SPDX-License-Identifier: MIT
/* The volume: opening and closing, its facts, and the table of operations. */
#include "dir.h"
#include "lintel.h"
#include "ops.h"
#include "request.h"
#include "table.h"
#include "table_private.h"

#include <assert.h>
#include <base/options.h>
#include <stdio.h>
#include <stdlib.h>

#define CACHE_NODES 65536u
#define TIMEOUT_NS UINT64_C(0)

void lt_fusefs_options_init(struct lt_fusefs_options *ret)
{
    *ret = (struct lt_fusefs_options){
        .entry_ns = UINT64_MAX,
        .attr_ns = UINT64_MAX,
        .timeout_ns = TIMEOUT_NS,
        .max_write = LT_IO_MAX,
        .cache_nodes = CACHE_NODES,
    };
}

/* ---- The volume as a whole ------------------------------------------------------------------- */

static void free_fs(struct fuse_fs *fs)
{
    fuse_link_free(fs->link);
    fuse_forgets_fini(fs);
    fuse_table_fini(fs);
    lt_fs_fini(&fs->fs);
    free(fs->start_what);
    free(fs);
}

static int fuse_close(struct lt_fs *base)
{
    struct fuse_fs *fs = fuse_fs(base);
    fuse_listings_drop(fs, NULL);
    fuse_table_trim(fs, 0);
    assert(atomic_load(&base->root->refs) == 1);
    struct fuse_request r = {.opcode = LT_FUSE_DESTROY};
    int e = fuse_sync_fs(&(struct lt_ctx){.uid = 0}, base);
    fuse_forgets_flush(fs);
    (void)fuse_call(NULL, fs, &r); /* some servers end without an answer */
    free(fs->root);
    free_fs(fs);
    return e == LT_EOPNOTSUPP ? 0 : e;
}

static void fuse_volume(struct lt_fs *base, struct lt_volume *ret)
{
    struct fuse_fs *fs = fuse_fs(base);
    lt_mutex_lock(&fs->link_lock);
    *ret = fs->volume;
    lt_mutex_unlock(&fs->link_lock);
}

static int fuse_by_id(const struct lt_ctx *ctx, struct lt_fs *base, uint64_t id,
                      uint32_t generation, struct lt_node **ret)
{
    (void)ctx;
    struct fuse_node *node = fuse_table_by_id(fuse_fs(base), id);
    if (!node)
        return LT_ESTALE;
    if (generation != 0 && (uint32_t)node->generation != generation) {
        lt_node_put(&node->node);
        return LT_ESTALE;
    }
    *ret = &node->node;
    return 0;
}

/* Of a server of which nothing is known; lintel.c and ntfs.c know more. */
static const struct lt_fs_ops plain_ops = {
    .close = fuse_close,
    .volume = fuse_volume,
    .statfs = fuse_statfs,
    .sync_fs = fuse_sync_fs,
    .node = fuse_by_id,
    .release = fuse_release,
    .lookup = fuse_lookup,
    .parent = fuse_parent,
    .create = fuse_create,
    .link = fuse_link,
    .remove = fuse_remove,
    .rename = fuse_rename,
    .readlink = fuse_readlink,
    .readdir = fuse_readdir,
    .readdir_after = fuse_readdir_after,
    .names = fuse_names,
    .getattr = fuse_getattr,
    .setattr = fuse_setattr,
    .sync = fuse_sync,
    .open_node = fuse_open_node,
    .close_node = fuse_close_node,
    .read = fuse_read,
    .write = fuse_write,
    .allocate = fuse_allocate,
    .seek = fuse_seek,
    .copy_range = fuse_copy_range,
    .xattr_get = fuse_xattr_get,
    .xattr_set = fuse_xattr_set,
    .xattr_remove = fuse_xattr_remove,
    .xattr_list = fuse_xattr_list,
};

/* ---- Opening --------------------------------------------------------------------------------- */

static void describe(struct fuse_fs *fs)
{
    struct lt_volume *v = &fs->volume;
    v->name_case = fs->options.name_case;
    v->read_only = fs->fs.read_only = fs->options.read_only;
    v->remote = true;
    v->io_best = fs->max_write;
    (void)snprintf(v->kind, sizeof(v->kind), "fuse");
    (void)snprintf(v->fs_name, sizeof(v->fs_name), "LINTEL");
}

static int init(struct fuse_fs *fs)
{
    int r = lt_random(&fs->hash_key, sizeof(fs->hash_key));
    if (r == 0)
        r = fuse_table_init(fs);
    if (r == 0)
        r = fuse_forgets_init(fs);
    if (r == 0)
        r = fuse_root_new(fs, &fs->root);
    if (r == 0)
        fs->fs.root = &fs->root->node;
    return r;
}

static int refuse(const struct lt_server *server, int error, struct lt_diag *diag)
{
    struct lt_server taken = *server;
    lt_server_end(&taken, 0);
    return lt_diag_set(diag, error, "fuse: %s", lt_error_text(error));
}

int lt_fusefs_open(const struct lt_server *server, const struct lt_fusefs_options *options,
                   struct lt_fs **ret, struct lt_diag *diag)
{
    return lt_fusefs_open_restartable(server, options, NULL, "", ret, diag);
}

int lt_fusefs_open_restartable(const struct lt_server *server,
                               const struct lt_fusefs_options *options,
                               int (*start)(const char *what, struct lt_server *ret,
                                            struct lt_diag *diag),
                               const char *what, struct lt_fs **ret, struct lt_diag *diag)
{
    struct fuse_fs *fs = calloc(1, sizeof(*fs));
    if (!fs || lt_fs_init(&fs->fs, &fs->ops) < 0) {
        free(fs);
        return refuse(server, LT_ENOMEM, diag);
    }
    fs->ops = plain_ops;
    fs->options = *options;
    fs->start = options->restart ? start : NULL;
    fs->start_what = strdup(what);
    int r = fs->start_what ? init(fs) : LT_ENOMEM;
    r = r < 0 ? refuse(server, r, diag) : fuse_link_new(fs, server, &fs->link, diag);
    if (r == 0) {
        describe(fs);
        r = options->plain ? 0 : fuse_lintel_probe(fs);
    }
    if (r < 0) {
        free(fs->root);
        free_fs(fs);
        return r;
    }
    *ret = &fs->fs;
    return 0;
}
