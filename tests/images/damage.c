// SPDX-License-Identifier: MIT
#include "damage.h"

#include "rich.h"

#include <device/lend.h>
#include <device/memory.h>
#include <fs/image/check/rewrite.h>
#include <fs/image/format.h>
#include <fs/image/image.h>
#include <fs/image/store/block.h>
#include <stdio.h>
#include <stdlib.h>

static void must(int r, const char *what)
{
    if (r < 0) {
        fprintf(stderr, "%s: %s\n", what, lt_error_text(r));
        abort();
    }
}

struct lt_device *damage_lend(struct lt_device *dev)
{
    struct lt_device *lent = lt_device_lend(dev);
    if (!lent)
        abort();
    return lent;
}

int damage_open(struct lt_device *dev, const char *options, struct lt_fs **ret,
                struct lt_diag *diag)
{
    struct lt_device *lent = damage_lend(dev);
    int r = lt_imgfs_open_device(lent, options, ret, diag);
    if (r < 0)
        lt_device_close(lent);
    return r;
}

struct lt_device *damage_image(uint64_t size, uint32_t block_size, bool data_checks)
{
    struct lt_image_params params = {
        .size = size, .block_size = block_size, .data_checks = data_checks};
    struct lt_device *dev;
    struct lt_diag diag;
    struct lt_fs *fs;
    must(lt_device_open_memory(size, &dev), "memory");
    must(img_fs_format(dev, &params, &diag), "format");
    must(damage_open(dev, "", &fs, &diag), "open");
    rich_fill(fs, 100);
    must(lt_fs_close(fs), "close");
    return dev;
}

/* ---- Items --------------------------------------------------------------------------------- */

void damage_begin(struct damage *damage, struct lt_device *dev)
{
    *damage = (struct damage){.report = {.check = &damage->check, .result = &damage->result}};
    must(img_view_open(&damage->view, dev, &damage->report, NULL), "open");
    must(img_view_verify(&damage->view), "verify");
    must(img_view_space(&damage->view), "space");
}

void damage_end(struct damage *damage)
{
    struct img_census census = {0};
    uint64_t nodes = damage->view.super.nodes;
    must(img_census_run(&census, &damage->view), "census");
    damage->view.super.nodes = nodes;
    must(img_rewrite(&damage->view, census.used, census.used), "rewrite");
    img_census_fini(&census);
    img_view_close(&damage->view);
}

void damage_put(struct damage *damage, struct img_key key, const void *value, size_t len)
{
    must(img_view_put(&damage->view, key, value ? value : "", len), "put");
    must(img_view_settle(&damage->view), "settle");
}

void damage_drop(struct damage *damage, struct img_key key)
{
    must(img_view_put(&damage->view, key, NULL, 0), "drop");
    must(img_view_settle(&damage->view), "settle");
}

uint8_t *damage_get(struct damage *damage, struct img_key key, size_t *ret_len)
{
    uint8_t *value;
    must(img_view_get(&damage->view, key, &value, ret_len), "get");
    return value;
}

void damage_move(struct damage *damage, struct img_key from, struct img_key to)
{
    size_t len;
    uint8_t *value = damage_get(damage, from, &len);
    damage_drop(damage, from);
    damage_put(damage, to, value, len);
    free(value);
}

struct sought {
    struct lt_str name;
    uint64_t id, child;
    uint8_t kind;
    struct img_key key;
};

static int match_name(void *arg, const struct img_item *item)
{
    struct sought *s = arg;
    struct img_name name;
    if (item->key.kind != s->kind || item->key.id == 0 || img_name_decode(item, &name) < 0 ||
        !lt_str_equal(name.name, s->name))
        return 0;
    s->key = item->key;
    s->child = name.child;
    return 1;
}

struct img_key damage_find(struct damage *damage, const char *name, bool stream,
                           uint64_t *ret_child)
{
    struct sought s = {.name = lt_str(name), .kind = stream ? IMG_STREAM : IMG_ENTRY};
    if (img_view_each(&damage->view, IMG_KEY_FIRST, IMG_KEY_LAST, match_name, &s) != 1) {
        fprintf(stderr, "%s is not there\n", name);
        abort();
    }
    *ret_child = s.child;
    return s.key;
}

uint64_t damage_child(struct damage *damage, const char *name)
{
    uint64_t child;
    damage_find(damage, name, false, &child);
    return child;
}

static int match_kind(void *arg, const struct img_item *item)
{
    struct sought *s = arg;
    if (item->key.kind != s->kind)
        return 0;
    s->key = item->key;
    return 1;
}

struct img_key damage_first(struct damage *damage, uint64_t id, uint8_t kind)
{
    struct sought s = {.kind = kind};
    if (img_view_each(&damage->view, img_key(id, 0, 0), IMG_KEY_LAST, match_kind, &s) != 1) {
        fprintf(stderr, "no item of kind %u\n", kind);
        abort();
    }
    return s.key;
}

void damage_get_inode(struct damage *damage, uint64_t id, struct img_inode *ret)
{
    size_t len;
    uint8_t *value = damage_get(damage, img_key(id, IMG_INODE, 0), &len);
    must(img_inode_decode(value, len, ret), "inode");
    free(value);
}

void damage_put_inode(struct damage *damage, uint64_t id, const struct img_inode *inode)
{
    uint8_t value[IMG_INODE_MAX];
    damage_put(damage, img_key(id, IMG_INODE, 0), value, img_inode_encode(inode, value));
}

/* ---- Blocks -------------------------------------------------------------------------------- */

void damage_block(struct lt_device *dev, uint32_t block_size, uint64_t block,
                  void (*fn)(void *page))
{
    uint8_t *page = malloc(block_size);
    if (!page)
        abort();
    must(lt_device_read(dev, block * block_size, page, block_size), "read");
    fn(page);
    img_check_seal(page, block_size);
    must(lt_device_put(dev, block * block_size, page, block_size), "write");
    free(page);
}

void damage_supers(struct lt_device *dev, void (*fn)(struct img_super *super))
{
    struct img_super super;
    must(img_super_read(dev, &super, NULL), "superblock");
    fn(&super);
    for (unsigned i = 0; i < 2; i++) {
        super.generation++;
        must(img_super_write(dev, &super), "superblock");
    }
}

void damage_bit(struct lt_device *dev, uint64_t byte, unsigned bit)
{
    uint8_t b;
    must(lt_device_read(dev, byte, &b, 1), "read");
    b ^= (uint8_t)(1u << bit);
    must(lt_device_put(dev, byte, &b, 1), "write");
}

static struct {
    const struct lt_device_ops *ops; /* the device's own */
    struct lt_device_ops with;       /* those that it has instead */
    uint64_t start, end;
} unreadable;

static int read_all_but(struct lt_device *dev, uint64_t offset, void *buf, size_t len)
{
    if (offset < unreadable.end && unreadable.start < offset + len)
        return LT_EIO;
    return unreadable.ops->read(dev, offset, buf, len);
}

void damage_unreadable(struct lt_device *dev, uint64_t byte, uint64_t len)
{
    unreadable.ops = dev->ops;
    unreadable.with = *dev->ops;
    unreadable.with.read = read_all_but;
    unreadable.start = byte;
    unreadable.end = byte + len;
    dev->ops = &unreadable.with;
}
