/* SPDX-License-Identifier: MIT */
/*
 * Damages images in one thing and nothing else: items are changed and the tree written
 * anew around them, blocks are patched and their checks computed again.
 */
#ifndef LT_TESTS_IMAGES_DAMAGE_H
#define LT_TESTS_IMAGES_DAMAGE_H

#include <fs/image/check/census.h>

/* A fresh image of `size` bytes in memory, filled by rich_fill(). */
struct lt_device *damage_image(uint64_t size, uint32_t block_size, bool data_checks);

/* Opens a file system on `dev`, which stays the caller's. */
int damage_open(struct lt_device *dev, const char *options, struct lt_fs **ret,
                struct lt_diag *diag);

/* A device that points to `dev`: closing it leaves that open. */
struct lt_device *damage_lend(struct lt_device *dev);

/* ---- Items --------------------------------------------------------------------------------- */

struct damage {
    struct img_view view;
    struct img_report report;
    struct lt_image_check check;
    struct lt_image_check_result result;
};

/* Opens; between these, the view can be read and changed (settled by damage_put and _drop). */
void damage_begin(struct damage *damage, struct lt_device *dev);
/* Writes the changes; free space is as it must be for them. */
void damage_end(struct damage *damage);

void damage_put(struct damage *damage, struct img_key key, const void *value, size_t len);
void damage_drop(struct damage *damage, struct img_key key);
/* Gives an item another key. */
void damage_move(struct damage *damage, struct img_key from, struct img_key to);
/* The value of an item, in memory of malloc. */
uint8_t *damage_get(struct damage *damage, struct img_key key, size_t *ret_len);

/* The entry (or, with `stream`, the named stream) of this name anywhere: its key and what it says.
 */
struct img_key damage_find(struct damage *damage, const char *name, bool stream,
                           uint64_t *ret_child);
/* The object with this name. */
uint64_t damage_child(struct damage *damage, const char *name);
/* The first item of this kind of any object with an id from `id` on. */
struct img_key damage_first(struct damage *damage, uint64_t id, uint8_t kind);

void damage_get_inode(struct damage *damage, uint64_t id, struct img_inode *ret);
void damage_put_inode(struct damage *damage, uint64_t id, const struct img_inode *inode);

/* ---- Blocks -------------------------------------------------------------------------------- */

/* Reads, lets fn change, and writes a block; its check is made right again. */
void damage_block(struct lt_device *dev, uint32_t block_size, uint64_t block,
                  void (*fn)(void *page));
/* Changes both superblocks. */
void damage_supers(struct lt_device *dev, void (*fn)(struct img_super *super));
/* Flips a bit. */
void damage_bit(struct lt_device *dev, uint64_t byte, unsigned bit);
/* From now on nothing of these bytes of the device can be read. One device at a time. */
void damage_unreadable(struct lt_device *dev, uint64_t byte, uint64_t len);

#endif
