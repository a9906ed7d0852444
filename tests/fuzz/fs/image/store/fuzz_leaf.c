// SPDX-License-Identifier: MIT
/* Any bytes as a page of a tree node: what passes the check can be searched and changed. */
#include "../../../fuzz.h"

#include <fs/image/store/leaf.h>
#include <string.h>

#define SIZE 4096u
#define HEADS 100u

struct page {
    struct img_leaf leaf;
    uint32_t heads[HEADS];
    uint8_t bytes[SIZE];
};

static uint8_t scratch[SIZE];

static void page_init(struct page *page)
{
    memset(page, 0, sizeof(*page));
    page->leaf.page = page->bytes;
    page->leaf.heads = page->heads;
    page->leaf.heads_max = HEADS;
    page->leaf.size = SIZE;
    img_leaf_clear(&page->leaf);
}

static void find_all(const struct img_leaf *leaf)
{
    for (unsigned i = 0; i < leaf->count; i++) {
        struct img_key_bytes key;
        bool found;
        size_t len;
        img_leaf_key(leaf, i, &key);
        FUZZ_CHECK(img_leaf_search(leaf, &key, &found) == i && found);
        const uint8_t *value = img_leaf_value(leaf, i, &len);
        FUZZ_CHECK(value >= leaf->page + 64 && value + len <= leaf->page + SIZE);
    }
}

/* Puts, changes and removes one item; moves half of all elsewhere. */
static void change(struct page *page, const struct img_key_bytes *key, size_t len)
{
    static struct page other;
    struct img_leaf *leaf = &page->leaf;
    bool found;
    unsigned i = img_leaf_search(leaf, key, &found);
    if (found && img_leaf_fits_at(leaf, i, len))
        memset(img_leaf_resize(leaf, i, len, scratch), 1, len);
    else if (!found && img_leaf_fits(leaf, key, len))
        memset(img_leaf_insert(leaf, i, key, len, scratch), 2, len);
    find_all(leaf);
    img_leaf_tighten(leaf, scratch);
    page_init(&other);
    img_leaf_move_last(&other.leaf, leaf, leaf->count / 2, scratch);
    find_all(leaf);
    find_all(&other.leaf);
    if (leaf->count > 0)
        img_leaf_remove(leaf, leaf->count / 2);
    find_all(leaf);
}

/* The first bytes are what the header says; then come the bytes from the header on, and what is
 * missing is taken from their end. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct page page;
    static const struct img_key_bytes low;
    struct img_leaf_limits limits = {.root = true, .low = &low};
    struct img_key_bytes key = {{0}};
    if (size < 8)
        return 0;
    page_init(&page);
    struct img_block_header *header = (struct img_block_header *)page.bytes;
    header->level = limits.level = data[0] & 1;
    header->count = lt_put_le16((uint16_t)(data[1] + (data[0] & 6) * 128));
    memcpy(header->heap.b, data + 2, 2);
    header->prefix = data[4];
    size_t front = size - 8 < (SIZE - 64) / 2 ? size - 8 : (SIZE - 64) / 2;
    memcpy(page.bytes + 64, data + 8, front);
    size_t back = size - 8 < SIZE - 64 ? size - 8 : SIZE - 64;
    for (size_t i = 0; i < back && SIZE - 1 - i >= 64 + front; i++)
        page.bytes[SIZE - 1 - i] = data[size - 1 - i];
    if (img_leaf_check(&page.leaf, &limits) < 0)
        return 0;
    find_all(&page.leaf);
    memcpy(key.b, data + size - 8, 8);
    key.b[8] = data[5];
    change(&page, &key, limits.level > 0 ? IMG_LINK_SIZE : data[6] * 7u);
    img_leaf_finish(&page.leaf, limits.level);
    limits.root = true;
    FUZZ_CHECK(img_leaf_check(&page.leaf, &limits) == 0 ||
               (page.leaf.count == 0 && limits.level > 0));
    return 0;
}
