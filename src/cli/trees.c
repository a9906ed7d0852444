// SPDX-License-Identifier: MIT
#include "trees.h"

#include "operand.h"

#include <base/options.h>
#include <lintel/image.h>
#include <os/host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room that a new image has besides twice what is in it: the host gives it only what it needs. */
#define ROOM (UINT64_C(64) << 20)
/* Room that an old image must have left, besides an eighth of what is in it, to keep its size. */
#define ROOM_MIN (UINT64_C(8) << 20)

static int open_image(const char *path, const char *options, struct lt_fs **ret,
                      struct lt_diag *diag)
{
    char *source = lt_image_source(path, options);
    int error = source ? lt_open_fs(source, ret, diag) : LT_ENOMEM;
    free(source);
    return error;
}

/* ---- Loading ------------------------------------------------------------------------------- */

int lt_trees_load(const char *path, struct lt_node *to, struct lt_tree_options *options,
                  struct lt_diag *diag)
{
    struct lt_fs *image;
    if (!lt_is_image_file(path) || lt_image_probe(path) != 1) /* what is a pipe is read once */
        return lt_tree_load(NULL, path, to, options, diag);
    int error = open_image(path, "ro", &image, diag);
    if (error)
        return error;
    error = lt_tree_copy(NULL, lt_fs_root(image), to, options, diag);
    int closed = lt_fs_close(image);
    return error ? error : closed;
}

/* ---- Saving -------------------------------------------------------------------------------- */

static bool wants_image(const char *path)
{
    size_t len = strlen(path);
    int type = lt_host_type_followed(path);
    if (type == LT_S_IFREG)
        return lt_image_probe(path) == 1;
    return type == LT_ENOENT && len > 4 && strcmp(path + len - 4, ".img") == 0;
}

/* What the new image is like. `old`: the one before, or NULL. */
static int choose(struct lt_fs *fs, const struct lt_image_info *old, const struct lt_volume *volume,
                  struct lt_image_params *ret)
{
    struct lt_statfs space;
    int error = lt_fs_statfs(NULL, fs, &space);
    if (error)
        return error;
    *ret = (struct lt_image_params){.name_case = volume->name_case, .label = volume->label};
    if (old) {
        ret->block_size = old->block_size;
        ret->data_checks = old->data_checks;
        ret->nodes_max = old->nodes_max > space.nodes ? old->nodes_max : 0;
        ret->size = old->blocks * old->block_size;
    }
    if (ret->size < space.used + space.used / 8 + ROOM_MIN)
        ret->size = 2 * space.used + ROOM;
    return 0;
}

static int fill_image(struct lt_node *from, const char *path, struct lt_tree_options *options,
                      struct lt_diag *diag)
{
    struct lt_fs *image;
    int error = open_image(path, "sync=none", &image, diag);
    if (error)
        return error;
    error = lt_tree_copy(NULL, from, lt_fs_root(image), options, diag);
    int closed = lt_fs_close(image);
    return error ? error : closed;
}

static int save_beside(struct lt_node *from, const char *path, const char *beside,
                       struct lt_tree_options *options, struct lt_diag *diag)
{
    struct lt_image_info old;
    struct lt_image_params params;
    struct lt_volume volume;
    bool replaces = lt_host_type_followed(path) > 0;
    int error = replaces ? lt_image_info(path, &old, diag) : 0;
    lt_fs_volume(from->fs, &volume);
    if (!error)
        error = choose(from->fs, replaces ? &old : NULL, &volume, &params);
    if (!error)
        error = lt_host_remove_tree(beside);
    if (!error)
        error = lt_image_format(beside, &params, diag);
    if (!error)
        error = fill_image(from, beside, options, diag);
    if (!error)
        error = lt_host_replace(beside, path);
    int removed = lt_host_remove_tree(beside);
    return error ? error : removed;
}

int lt_trees_save(struct lt_node *from, const char *path, struct lt_tree_options *options,
                  struct lt_diag *diag)
{
    static const char suffix[] = ".lintel-new";
    if (!wants_image(path))
        return lt_tree_save(NULL, from, path, options, diag);
    size_t room = strlen(path) + sizeof(suffix);
    char *beside = malloc(room);
    if (!beside)
        return LT_ENOMEM;
    (void)snprintf(beside, room, "%s%s", path, suffix);
    int error = save_beside(from, path, beside, options, diag);
    free(beside);
    if (error && !diag->text[0])
        lt_diag_set(diag, error, "cannot save to '%s': %s", path, lt_error_text(error));
    return error;
}
