/* SPDX-License-Identifier: MIT */
/* A disk image to test with: on a simulated disk, without a thread of its own, opened again at
 * will, and with its items within reach. */
#ifndef LT_TESTS_UNIT_FS_IMAGE_VOLUME_H
#define LT_TESTS_UNIT_FS_IMAGE_VOLUME_H

#include <device/sim.h>
#include <fs/image/format.h>
#include <fs/image/image.h>
#include <fs/image/node.h>
#include <stdlib.h>
#include <test.h>

static struct lt_fs *fs;
static struct lt_node *root;
static struct lt_device *disk; /* the file system's */

static inline struct img_store *volume_store(void)
{
    return img_fs(fs)->store;
}

static inline int volume_try_open(struct lt_device *dev, const char *options)
{
    struct lt_diag diag = {""};
    int r = lt_imgfs_open_device(dev, options, &fs, &diag);
    if (r < 0)
        return r;
    disk = dev;
    root = lt_fs_root(fs);
    return 0;
}

static inline void volume_open_with(const struct lt_image_params *params, const char *options)
{
    struct lt_diag diag = {""};
    struct lt_device *dev;
    assert_int_equal(lt_device_open_sim(params->size, &dev), 0);
    int r = img_fs_format(dev, params, &diag);
    if (r < 0)
        fail_msg("%s", diag.text);
    assert_int_equal(volume_try_open(dev, options), 0);
}

static inline void volume_open(uint64_t size)
{
    volume_open_with(&(struct lt_image_params){.size = size}, "commit=0");
}

static inline void volume_close(void)
{
    assert_int_equal(lt_fs_close(fs), 0);
    fs = NULL;
}

/* Ends it without another write, and opens what is on the disk then; nodes have been put. */
static inline int volume_cut(void)
{
    struct lt_device *copy;
    assert_int_equal(lt_sim_cut(disk, lt_sim_time(disk), 0, &copy), 0);
    lt_imgfs_abandon(fs);
    return volume_try_open(copy, "commit=0");
}

/* What is durable now is opened again: out of the log, or with `checkpoint` out of the tree. */
static inline void volume_reopen(bool checkpoint)
{
    assert_int_equal(lt_fs_sync(NULL, fs), 0);
    if (checkpoint)
        assert_int_equal(img_checkpoint(volume_store()), 0);
    assert_int_equal(volume_cut(), 0);
}

/* ---- Items --------------------------------------------------------------------------------- */

/* How many items of a kind there are; 0: of all but SPACE. What is lazy is put first. */
static inline size_t volume_count(uint8_t kind)
{
    struct img_key key = img_key(0, 0, 0);
    const void *value;
    size_t len, count = 0;
    assert_int_equal(lt_fs_sync(NULL, fs), 0);
    img_read_lock(volume_store());
    for (; img_next(volume_store(), &key, &value, &len) == 0; key.off++)
        count += kind ? key.kind == kind : key.kind != IMG_SPACE;
    img_read_unlock(volume_store());
    return count;
}

/* The n-th item of a kind. */
static inline struct img_key volume_item(uint8_t kind, size_t n, uint8_t *ret_value,
                                         size_t *ret_len)
{
    struct img_key key = img_key(0, 0, 0);
    const void *value;
    size_t len;
    img_read_lock(volume_store());
    for (;; key.off++) {
        assert_int_equal(img_next(volume_store(), &key, &value, &len), 0);
        if (key.kind == kind && n-- == 0)
            break;
    }
    memcpy(ret_value, value, len);
    *ret_len = len;
    img_read_unlock(volume_store());
    return key;
}

/* Puts an item as damage would; with value NULL it goes. */
static inline void volume_damage(struct img_key key, const void *value, size_t len)
{
    struct img_txn txn;
    int r = img_begin(volume_store(), IMG_GROW, &txn);
    assert_int_equal(r, 0);
    if (r)
        return;
    r = value ? img_put(&txn, key, value, len) : img_delete(&txn, key);
    assert_int_equal(img_end(&txn, r), 0);
}

/* ---- Nodes --------------------------------------------------------------------------------- */

static inline int make(struct lt_node *dir, const char *name, uint32_t mode, struct lt_node **ret)
{
    struct lt_create spec = {.mode = mode, .target = lt_str("target"), .exact = true};
    struct lt_entry e = {.node = NULL};
    int error = lt_node_create(NULL, dir, lt_str(name), &spec, &e);
    if (!error)
        *ret = e.node;
    return error;
}

/* The node must come about. */
static inline struct lt_node *made(struct lt_node *dir, const char *name, uint32_t mode)
{
    struct lt_node *node = NULL;
    assert_int_equal(make(dir, name, mode, &node), 0);
    if (!node)
        abort(); /* not reached */
    return node;
}

static inline struct lt_node *made_file(const char *name)
{
    return made(root, name, LT_S_IFREG | 0644);
}

/* The node must be there. */
static inline struct lt_node *found(const char *name)
{
    struct lt_entry e = {.node = NULL};
    assert_int_equal(lt_node_lookup(NULL, root, lt_str(name), &e), 0);
    if (!e.node)
        abort(); /* not reached */
    return e.node;
}

static inline int drop(const char *name)
{
    return lt_node_remove(NULL, root, lt_str(name), LT_REMOVE_ANY, NULL);
}

static inline struct lt_attr attr_of(struct lt_node *node)
{
    struct lt_attr attr;
    assert_int_equal(lt_node_getattr(NULL, node, &attr), 0);
    return attr;
}

#endif
