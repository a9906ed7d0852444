// SPDX-License-Identifier: MIT
#include "build.h"

#include <fs/image/store/block.h>
#include <fs/image/store/varint.h>
#include <stdlib.h>

#define SLOT sizeof(struct lt_le16)
#define HEADER sizeof(struct img_block_header)
#define RECORD_HEAD (1 + IMG_VARINT_MAX + IMG_KEY_BYTES)

int img_build_open(struct img_build *build, struct img_view *view, uint64_t birth,
                   const uint64_t *blocks, size_t count)
{
    *build =
        (struct img_build){.view = view, .birth = birth, .blocks = blocks, .block_count = count};
    return 0;
}

void img_build_close(struct img_build *build)
{
    for (unsigned i = 0; i < IMG_BUILD_LEVELS; i++)
        free(build->levels[i].page);
}

static int add_record(struct img_build *build, unsigned level, struct img_key key,
                      const void *value, size_t len);

/* Writes the node of a level out, and adds it to the level above. */
static int finish(struct img_build *build, unsigned level)
{
    struct img_build_node *node = &build->levels[level];
    struct img_block_header *h = (struct img_block_header *)node->page;
    struct img_view *view = build->view;
    struct img_block_id id = {view->volume, 0, build->birth, IMG_BLOCK_NODE};
    int r = 0;
    if (build->blocks) {
        if (build->written >= build->block_count)
            return LT_ENOSPC; /* cannot be: they were counted */
        id.block = build->blocks[build->written];
        h->level = (uint8_t)level;
        h->count = lt_put_le16(node->count);
        h->heap = lt_put_le16((uint16_t)node->heap);
        h->prefix = 0;
        img_block_seal(node->page, view->super.block_size, &id);
        r = lt_device_put(view->dev, id.block * view->super.block_size, node->page,
                          view->super.block_size);
    }
    build->written++;
    node->count = 0;
    node->finished++;
    node->block = id.block;
    node->birth = build->birth;
    return r;
}

static int add_child(struct img_build *build, unsigned level, struct img_key first, uint64_t block,
                     uint64_t birth)
{
    struct lt_le64 value[2] = {lt_put_le64(block), lt_put_le64(birth)};
    if (level >= IMG_BUILD_LEVELS)
        return LT_EUCLEAN;
    /* The first record of the leftmost nodes has the empty key. */
    if (build->levels[level].finished == 0 && build->levels[level].count == 0)
        first = IMG_KEY_FIRST;
    return add_record(build, level, first, value, sizeof(value));
}

static int finish_and_pass(struct img_build *build, unsigned level)
{
    struct img_build_node *node = &build->levels[level];
    if (node->count == 0)
        return 0;
    int r = finish(build, level);
    return r < 0 ? r : add_child(build, level + 1, node->first, node->block, node->birth);
}

static uint8_t *open_page(struct img_build *build, struct img_build_node *node)
{
    uint32_t size = build->view->super.block_size;
    if (!node->page)
        node->page = malloc(size);
    if (node->page && node->count == 0) {
        memset(node->page, 0, size);
        node->heap = size;
    }
    return node->page;
}

static int add_record(struct img_build *build, unsigned level, struct img_key key,
                      const void *value, size_t len)
{
    struct img_build_node *node = &build->levels[level];
    uint8_t head[RECORD_HEAD], bytes[IMG_KEY_BYTES];
    size_t n = IMG_KEY_BYTES;
    img_key_pack(key, bytes);
    while (n > 0 && bytes[n - 1] == 0)
        n--;
    head[0] = (uint8_t)n;
    uint8_t *end = img_put_varint(head + 1, len);
    memcpy(end, bytes, n);
    size_t head_len = (size_t)(end - head) + n;

    if (node->count > 0 && HEADER + SLOT * (node->count + 1u) + head_len + len > node->heap) {
        int r = finish_and_pass(build, level);
        if (r < 0)
            return r;
    }
    if (!open_page(build, node))
        return LT_ENOMEM;
    if (node->count == 0)
        node->first = key;
    node->heap -= (uint32_t)(head_len + len);
    memcpy(node->page + node->heap, head, head_len);
    memcpy(node->page + node->heap + head_len, value, len);
    struct lt_le16 slot = lt_put_le16((uint16_t)node->heap);
    memcpy(node->page + HEADER + SLOT * node->count, &slot, sizeof(slot));
    node->count++;
    return 0;
}

int img_build_item(void *arg, const struct img_item *item)
{
    return add_record(arg, 0, item->key, item->value, item->len);
}

int img_build_leaf(struct img_build *build, struct img_key first, uint64_t block, uint64_t birth)
{
    struct img_build_node *leaf = &build->levels[0];
    int r = finish_and_pass(build, 0);
    if (r < 0)
        return r;
    leaf->finished++;
    leaf->block = block;
    leaf->birth = birth;
    return add_child(build, 1, first, block, birth);
}

int img_build_end(struct img_build *build, struct img_root *ret)
{
    unsigned top = 0;
    for (;; top++) {
        struct img_build_node *node = &build->levels[top];
        if (node->finished + (node->count > 0) <= 1)
            break;
        int r = finish_and_pass(build, top);
        if (r < 0)
            return r;
    }
    struct img_build_node *node = &build->levels[top];
    int r = node->count > 0 ? finish(build, top) : 0;
    *ret = (struct img_root){node->block, node->birth, (uint8_t)top};
    return r;
}
