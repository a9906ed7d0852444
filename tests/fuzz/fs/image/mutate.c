// SPDX-License-Identifier: MIT
#include "mutate.h"

#include "../../../images/damage.h"
#include "../../../images/rich.h"
#include "../../fuzz.h"

#include <device/memory.h>
#include <fs/image/image.h>
#include <fs/image/store/block.h>
#include <string.h>

#define SIZE (UINT32_C(1) << 20)
#define BLOCK 4096u
#define BLOCKS (SIZE / BLOCK)
#define IMAGES 3u

/* ---- Chance and time: the same in every run, so that what fails fails again -------------------
 */

int __wrap_lt_random(void *buf, size_t len);
struct lt_time __wrap_lt_clock_now(void);

static uint64_t ticks;

int __wrap_lt_random(void *buf, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)buf)[i] = (uint8_t)((++ticks * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
    return 0;
}

struct lt_time __wrap_lt_clock_now(void)
{
    return (struct lt_time){1700000000, (uint32_t)(++ticks % 1000000000)};
}

/* ---- Images -------------------------------------------------------------------------------- */

/* The images, and which of their blocks hold metadata. */
struct seed {
    uint8_t *bytes;
    uint16_t blocks[BLOCKS];
    size_t count;
};

static struct seed seeds[IMAGES];

static void note_blocks(struct seed *seed)
{
    for (uint16_t b = 0; b < BLOCKS; b++) {
        const struct img_block_header *h = (const void *)(seed->bytes + b * BLOCK);
        uint32_t magic = lt_get_le32(h->magic);
        if (b < 2 || magic == IMG_BLOCK_MAGIC || magic == IMG_LOG_MAGIC)
            seed->blocks[seed->count++] = b;
    }
}

/* 0: clean. 1: data checks, and a log to replay. 2: clean, then a few changes more. */
static void make_seed(struct seed *seed, unsigned number)
{
    struct lt_device *dev = damage_image(SIZE, BLOCK, number == 1);
    struct lt_fs *fs;
    if (number > 0) {
        FUZZ_CHECK(lt_imgfs_open_device(damage_lend(dev), "", &fs, NULL) == 0);
        rich_change(fs);
        FUZZ_CHECK(lt_fs_sync(NULL, fs) == 0);
        if (number == 1)
            lt_imgfs_abandon(fs);
        else
            FUZZ_CHECK(lt_fs_close(fs) == 0);
    }
    seed->bytes = malloc(SIZE);
    FUZZ_CHECK(seed->bytes && lt_device_read(dev, 0, seed->bytes, SIZE) == 0);
    lt_device_close(dev);
    note_blocks(seed);
}

/* ---- Changing ------------------------------------------------------------------------------ */

enum { SET, ADD, FLIP, WIDE, COPY, FILL, OPS };

static void change(uint8_t *block, unsigned at, unsigned op, uint8_t a, uint8_t b)
{
    static const uint64_t edges[] = {0,          1,          0x7f,       0x80,
                                     0xffff,     0x7fffffff, 0xffffffff, INT64_MAX,
                                     UINT64_MAX, BLOCKS - 1, BLOCKS,     BLOCK};
    uint64_t value = edges[a % (sizeof(edges) / sizeof(edges[0]))];
    unsigned width = 1u << (b % 4);
    switch (op % OPS) {
    case SET:
        block[at] = a;
        break;
    case ADD:
        block[at] = (uint8_t)(block[at] + (int8_t)a);
        break;
    case FLIP:
        block[at] ^= (uint8_t)(1u << (a % 8));
        break;
    case WIDE:
        for (unsigned i = 0; i < width && at + i < BLOCK; i++)
            block[at + i] = (uint8_t)(value >> (8 * i));
        break;
    case COPY:
        memmove(block + at, block + ((unsigned)a * 16 + b) % BLOCK,
                BLOCK - at < 16 || ((unsigned)a * 16 + b) % BLOCK > BLOCK - 16 ? 1 : 16);
        break;
    default:
        memset(block + at, a, BLOCK - at < b ? BLOCK - at : b);
    }
}

static void put_right(uint8_t *image, uint16_t b)
{
    uint8_t *block = image + b * BLOCK;
    const struct img_batch_header *batch = (const void *)block;
    uint32_t magic = lt_get_le32(batch->magic), length = lt_get_le32(batch->length);
    if (b < 2)
        img_check_seal(block, IMG_SUPER_SIZE);
    else if (magic == IMG_BLOCK_MAGIC)
        img_check_seal(block, BLOCK);
    else if (magic == IMG_LOG_MAGIC && length >= sizeof(*batch) &&
             length <= SIZE - (size_t)b * BLOCK)
        img_check_seal(block, length);
}

struct lt_device *mutate_image(const uint8_t *data, size_t size)
{
    unsigned number = size > 0 ? data[0] % IMAGES : 0;
    struct seed *seed = &seeds[number];
    struct lt_device *dev;
    if (!seed->bytes) {
        ticks = number;
        make_seed(seed, number);
    }
    uint8_t *image = malloc(SIZE);
    FUZZ_CHECK(image);
    memcpy(image, seed->bytes, SIZE);
    for (size_t at = 1; at + 6 <= size; at += 6) {
        const uint8_t *p = data + at;
        uint16_t b = seed->blocks[p[0] % seed->count];
        change(image + b * BLOCK, (p[1] | (unsigned)p[2] << 8) % BLOCK, p[3], p[4], p[5]);
        if (p[3] < 0xf0) /* else the check stays wrong */
            put_right(image, b);
    }
    FUZZ_CHECK(lt_device_open_memory(SIZE, &dev) == 0);
    FUZZ_CHECK(lt_device_put(dev, 0, image, SIZE) == 0);
    free(image);
    ticks = size;
    return dev;
}

/* ---- Using --------------------------------------------------------------------------------- */

static int take_name(void *arg, struct lt_str name)
{
    (void)arg;
    FUZZ_CHECK(name.len <= LT_XATTR_NAME_MAX);
    return 0;
}

static int take_stream(void *arg, const struct lt_stream *stream)
{
    (void)arg;
    FUZZ_CHECK(stream->name.len <= LT_NAME_MAX);
    return 0;
}

static int take_ea(void *arg, const struct lt_ea *ea)
{
    (void)arg;
    FUZZ_CHECK(ea->value.len <= LT_EA_SIZE_MAX);
    return 0;
}

struct below {
    struct lt_node *nodes[256];
    size_t count;
};

static int take_entry(void *arg, const struct lt_dirent *entry)
{
    struct below *below = arg;
    FUZZ_CHECK(entry->name.len <= LT_NAME_MAX);
    if (below->count == 256)
        return 1;
    below->nodes[below->count++] = entry->node;
    return 0;
}

static void use_node(struct lt_node *node, unsigned depth);

static void use_below(struct lt_node *node, unsigned depth)
{
    struct below *below = calloc(1, sizeof(*below));
    FUZZ_CHECK(below);
    lt_node_readdir(NULL, node, 0, LT_READDIR_PLUS, take_entry, below);
    for (size_t i = 0; i < below->count; i++) {
        use_node(below->nodes[i], depth + 1);
        lt_node_put(below->nodes[i]);
    }
    free(below);
}

static void use_node(struct lt_node *node, unsigned depth)
{
    static uint8_t buf[65536];
    struct lt_attr attr;
    lt_node_getattr(NULL, node, &attr);
    lt_node_xattr_list(NULL, node, take_name, NULL);
    lt_node_xattr_get(NULL, node, lt_str("user.exact"), buf, sizeof(buf));
    lt_node_stream_list(NULL, node, take_stream, NULL);
    lt_node_ea_list(NULL, node, take_ea, NULL);
    lt_node_reparse_get(NULL, node, buf, sizeof(buf));
    lt_node_security_get(NULL, node, buf, sizeof(buf));
    if (node->type == LT_S_IFREG) {
        lt_node_pread(NULL, node, 0, buf, sizeof(buf));
        lt_node_pread(NULL, node, attr.size / 2, buf, sizeof(buf));
        lt_node_pwrite(NULL, node, attr.size / 3, "changed", 7);
    }
    if (node->type == LT_S_IFLNK)
        lt_node_readlink(NULL, node, (char *)buf, sizeof(buf));
    if (node->type == LT_S_IFDIR && depth < 24)
        use_below(node, depth);
}

void mutate_use(struct lt_device *dev)
{
    struct lt_create spec = {.mode = LT_S_IFREG | 0644};
    struct lt_entry entry = {0};
    struct lt_fs *fs;
    if (lt_imgfs_open_device(dev, "commit=0", &fs, NULL) < 0) {
        lt_device_close(dev);
        return;
    }
    struct lt_node *root = lt_fs_root(fs);
    use_node(root, 0);
    if (lt_node_create(NULL, root, lt_str("new"), &spec, &entry) == 0) {
        lt_node_pwrite(NULL, entry.node, 0, "content", 7);
        lt_node_put(entry.node);
    }
    if (lt_node_lookup(NULL, root, lt_str("data"), &entry) == 0) {
        static const char *const names[] = {"sparse", "size-70000", "size-100", "allocated"};
        for (size_t i = 0; i < 4; i++)
            lt_node_remove(NULL, entry.node, lt_str(names[i]), LT_REMOVE_ANY, NULL);
        lt_node_rename(NULL, entry.node, lt_str("size-4096"), root, lt_str("moved"), 0);
        lt_node_put(entry.node);
    }
    lt_fs_sync(NULL, fs);
    lt_fs_close(fs);
}
