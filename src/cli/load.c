// SPDX-License-Identifier: MIT
/* lintel mount --load: fills a volume before it is mounted. */
#include "cli.h"
#include "progress.h"
#include "saver.h"
#include "trees.h"

#include <lintel/image.h>
#include <sys/stat.h>

struct loading {
    struct lt_progress progress;
    uint64_t total; /* bytes; 0: not known */
};

static void show(void *arg, const struct lt_tree_status *status)
{
    struct loading *loading = arg;
    lt_progress_show(&loading->progress, status->files, status->bytes, loading->total);
}

/* An archive is about as large as what is in it; of a directory nobody knows before. */
static uint64_t expected_bytes(const char *path)
{
    struct lt_image_info image;
    struct stat st;
    if (lt_image_probe(path) == 1 && lt_image_info(path, &image, NULL) == 0)
        return (image.blocks - image.free_blocks) * image.block_size;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

int lt_load(struct lt_fs *fs, const char *path, const char *when)
{
    struct lt_diag diag = {""};
    struct loading loading = {.total = expected_bytes(path)};
    struct lt_tree_options options = {.progress = show, .arg = &loading};
    lt_progress_begin(&loading.progress, when, "loading");
    int error = lt_trees_load(path, lt_fs_root(fs), &options, &diag);
    lt_progress_end(&loading.progress, options.status.files, options.status.bytes, error == LT_OK);
    if (error != LT_OK)
        lt_complain_why("load", path, error, &diag);
    return error;
}
