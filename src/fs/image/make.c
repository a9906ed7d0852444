// SPDX-License-Identifier: MIT
/* lintel/image.h: making image files, and asking them. */
#include "format.h"
#include "kinds.h"
#include "store/store.h"

#include <base/unicode.h>
#include <device/file.h>
#include <os/host.h>
#include <stdlib.h>

/* What a superblock can lie behind: two blocks of the largest size. */
#define HEAD_SIZE (2 * (size_t)IMG_BLOCK_SIZE_MAX)

static bool is_magic(const uint8_t *bytes)
{
    return memcmp(bytes, IMG_MAGIC, sizeof(((struct img_super_disk *)0)->magic)) == 0;
}

/* Whether one of the two superblocks may be there. */
static bool looks_like_image(const uint8_t *head, size_t len)
{
    const size_t need = sizeof(((struct img_super_disk *)0)->magic);
    if (len >= need && is_magic(head))
        return true;
    for (size_t at = IMG_BLOCK_SIZE_MIN; at <= IMG_BLOCK_SIZE_MAX; at *= 2) {
        if (len >= at + need && is_magic(head + at))
            return true;
    }
    return false;
}

int lt_image_probe(const char *path)
{
    struct lt_host_file *file;
    int r = lt_host_file_open(NULL, path, &file);
    if (r < 0)
        return r;
    uint8_t *head = malloc(HEAD_SIZE);
    int64_t len = head ? lt_host_file_read(file, 0, head, HEAD_SIZE) : LT_ENOMEM;
    r = len < 0 ? (int)len : looks_like_image(head, (size_t)len);
    free(head);
    (void)lt_host_file_close(file, false);
    return r;
}

/* ---- Making -------------------------------------------------------------------------------- */

/* Whether the device may be overwritten: LT_EEXIST if anything lies at its beginning. */
static int check_empty(struct lt_device *dev, const char *path, struct lt_diag *diag)
{
    uint64_t size = lt_device_size(dev);
    size_t len = size < HEAD_SIZE ? (size_t)size : HEAD_SIZE, i = 0;
    uint8_t *head = malloc(HEAD_SIZE);
    if (!head)
        return lt_diag_set(diag, LT_ENOMEM, "%s", lt_error_text(LT_ENOMEM));
    int r = lt_device_read(dev, 0, head, len);
    if (r < 0) {
        lt_diag_set(diag, r, "cannot read %s: %s", path, lt_error_text(r));
    } else {
        while (i < len && head[i] == 0)
            i++;
        if (i < len)
            r = lt_diag_set(diag, LT_EEXIST, "%s holds %s already", path,
                            looks_like_image(head, len) ? "an image" : "something");
    }
    free(head);
    return r;
}

/* The file gets its size; nothing of what was in it stays. */
static int prepare(struct lt_device *dev, const char *path, const struct lt_image_params *params,
                   struct lt_diag *diag)
{
    uint64_t size = lt_device_size(dev);
    int r = size > 0 ? lt_device_discard(dev, 0, size) : 0;
    if (r == 0 && params->size > 0 && params->size != size)
        r = lt_device_resize(dev, params->size);
    if (r == LT_EOPNOTSUPP && params->size <= size)
        r = 0; /* a block device that is larger */
    if (r < 0)
        return lt_diag_set(diag, r, "cannot give %s its size: %s", path, lt_error_text(r));
    if (params->size == 0 && size == 0)
        return lt_diag_set(diag, LT_EINVAL, "%s is empty: it needs a size", path);
    return 0;
}

/* *ret_fresh: the file was missing. */
static int open_for_format(const char *path, struct lt_device **ret, bool *ret_fresh,
                           struct lt_diag *diag)
{
    int r = lt_device_open_file(path, LT_DEVICE_CREATE | LT_DEVICE_EXCL, ret, diag);
    *ret_fresh = r == 0;
    return r == LT_EEXIST ? lt_device_open_file(path, 0, ret, diag) : r;
}

int lt_image_format(const char *path, const struct lt_image_params *params, struct lt_diag *diag)
{
    struct lt_device *dev;
    bool fresh;
    int r = open_for_format(path, &dev, &fresh, diag);
    if (r < 0)
        return r;
    if (!fresh && !params->force)
        r = check_empty(dev, path, diag);
    if (r == 0)
        r = prepare(dev, path, params, diag);
    if (r == 0)
        r = img_fs_format(dev, params, diag);
    lt_device_close(dev);
    if (r < 0 && fresh)
        (void)lt_host_remove_tree(path);
    return r;
}

/* ---- Asking -------------------------------------------------------------------------------- */

/* What the host gives to the file; 0 if it cannot be told. */
static uint64_t host_bytes(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *parent = strdup(slash ? path : ".");
    struct lt_host_dir *dir;
    struct lt_attr attr = {.allocated = 0};
    uint64_t dev;
    if (!parent)
        return 0;
    if (slash)
        parent[slash == path ? 1 : slash - path] = 0;
    if (lt_host_dir_open(parent, &dir) == 0) {
        if (lt_host_stat(dir, slash ? slash + 1 : path, &attr, &dev) < 0)
            attr.allocated = 0;
        lt_host_dir_close(dir);
    }
    free(parent);
    return attr.allocated;
}

static void read_label(struct img_store *store, char *label, size_t size)
{
    const void *value;
    size_t len;
    img_read_lock(store);
    int r = img_get(store, img_key(IMG_ID_VOLUME, IMG_LABEL, 0), &value, &len);
    if (r == 0 && len < size && lt_utf8_valid(lt_strn(value, len)))
        memcpy(label, value, len);
    img_read_unlock(store);
}

static void describe(const struct img_super *s, struct lt_image_info *ret)
{
    *ret = (struct lt_image_info){
        .version = IMG_VERSION,
        .block_size = s->block_size,
        .blocks = s->blocks,
        .free_blocks = s->free_blocks,
        .nodes = s->nodes,
        .nodes_max = s->nodes_max,
        .log_size = s->log_blocks * s->block_size,
        .generation = s->generation,
        .compatible = s->compatible,
        .read_only_compatible = s->read_only_compatible,
        .incompatible = s->incompatible,
        .serial = s->serial,
        .created = s->created,
        .name_case = s->name_case ? LT_CASE_INSENSITIVE : LT_CASE_SENSITIVE,
        .data_checks = s->data_check_size > 0,
        .clean = s->clean,
    };
    memcpy(ret->uuid, s->uuid, sizeof(ret->uuid));
}

int lt_image_info(const char *path, struct lt_image_info *ret, struct lt_diag *diag)
{
    const struct img_store_options options = {.read_only = true, .cache = UINT64_C(1) << 20};
    struct lt_device *dev;
    struct img_super super;
    struct img_store *store;
    struct img_store_stats stats;
    int r = lt_device_open_file(path, LT_DEVICE_READ_ONLY, &dev, diag);
    if (r < 0)
        return r;
    r = img_super_read(dev, &super, diag);
    if (r < 0) {
        lt_device_close(dev);
        return r;
    }
    describe(&super, ret);
    ret->host_bytes = host_bytes(path);
    if (img_store_open(dev, &options, &store, NULL) < 0) {
        lt_device_close(dev); /* damaged: without its label then */
        ret->clean = false;
        return 0;
    }
    read_label(store, ret->label, sizeof(ret->label));
    img_store_stats(store, &stats);
    /* A life that ended before its first checkpoint left the superblock as it was. */
    ret->clean = super.clean && stats.replayed == 0;
    (void)img_store_close(store);
    return 0;
}
