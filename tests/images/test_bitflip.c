// SPDX-License-Identifier: MIT
/*
 * One bit of an image is flipped, again and again somewhere else. Either a check finds it, or it
 * makes no difference. And whatever can still be read of any file is what was written to it.
 *
 *     images-test_bitflip [STEP]       every STEP-th byte; 1: all of them, each bit
 */
#include "../unit/test.h"

#include "damage.h"

#include <base/hash.h>
#include <device/memory.h>
#include <fs/image/check/check.h>
#include <fs/image/store/block.h>
#include <stdlib.h>

#define SIZE (UINT32_C(1) << 20)
#define BLOCK 4096u
#define FILES_MAX 1024u

static unsigned step = 211;

struct file {
    uint64_t path; /* hash */
    uint32_t crc;
};

/* What was seen of a file system. */
struct sight {
    struct file files[FILES_MAX];
    size_t count;
    unsigned errors;
};

/* ---- Looking ------------------------------------------------------------------------------- */

struct below {
    struct lt_node *nodes[256];
    uint64_t names[256];
    size_t count;
};

static int take_entry(void *arg, const struct lt_dirent *entry)
{
    struct below *below = arg;
    if (below->count == 256)
        return 1;
    below->names[below->count] = lt_crc32c(0, entry->name.s, entry->name.len);
    below->nodes[below->count++] = entry->node;
    return 0;
}

static int digest(struct lt_node *node, uint32_t *ret)
{
    static uint8_t buf[65536];
    uint64_t at = 0;
    int n;
    *ret = 0;
    while ((n = lt_node_pread(NULL, node, at, buf, sizeof(buf))) > 0) {
        *ret = lt_crc32c(*ret, buf, (size_t)n);
        at += (uint64_t)n;
    }
    return n;
}

static void look(struct sight *sight, struct lt_node *node, uint64_t path)
{
    uint32_t crc = 0;
    if (node->type == LT_S_IFREG && digest(node, &crc) < 0)
        sight->errors++;
    else if (sight->count < FILES_MAX)
        sight->files[sight->count++] = (struct file){path, crc};
    if (node->type != LT_S_IFDIR)
        return;
    struct below *below = calloc(1, sizeof(*below));
    assert_non_null(below);
    if (lt_node_readdir(NULL, node, 0, LT_READDIR_PLUS, take_entry, below) < 0)
        sight->errors++;
    for (size_t i = 0; i < below->count; i++) {
        look(sight, below->nodes[i], lt_hash_u64(path ^ below->names[i]) + node->id);
        lt_node_put(below->nodes[i]);
    }
    free(below);
}

/* False: it cannot even be opened. */
static bool look_at(struct lt_device *dev, struct sight *sight)
{
    struct lt_fs *fs;
    sight->count = sight->errors = 0;
    if (damage_open(dev, "ro", &fs, NULL) < 0)
        return false;
    look(sight, lt_fs_root(fs), 1);
    lt_fs_close(fs);
    return true;
}

/* ---- Flipping ------------------------------------------------------------------------------ */

static bool is_sound(struct lt_device *dev, bool data)
{
    struct lt_image_check check = {.data = data};
    struct lt_image_check_result result;
    return img_check_device(dev, &check, &result, NULL) == 0 && result.problems == 0;
}

/* Everything in `after` was in `before`. */
static void compare(const struct sight *before, const struct sight *after)
{
    for (size_t i = 0; i < after->count; i++) {
        size_t j = 0;
        while (j < before->count && before->files[j].path != after->files[i].path)
            j++;
        assert_true(j < before->count);
        assert_int_equal(before->files[j].crc, after->files[i].crc);
    }
}

static void flip(struct lt_device *dev, uint64_t byte, unsigned bit, const struct sight *before,
                 bool data)
{
    static struct sight after;
    damage_bit(dev, byte, bit);
    bool sound = is_sound(dev, data), open = look_at(dev, &after);
    if (open)
        compare(before, &after);
    if (sound) {
        assert_true(open);
        assert_int_equal(after.errors, 0);
        assert_int_equal(after.count, before->count);
    }
    damage_bit(dev, byte, bit);
}

static bool is_metadata(struct lt_device *dev, uint64_t block)
{
    struct img_block_header h;
    assert_int_equal(lt_device_read(dev, block * BLOCK, &h, sizeof(h)), 0);
    return block < 2 || lt_get_le32(h.magic) == IMG_BLOCK_MAGIC ||
           lt_get_le32(h.magic) == IMG_LOG_MAGIC;
}

/* Flips what is metadata or, with data checks, anything. */
static void flip_all(bool checks)
{
    static struct sight before;
    struct lt_device *dev = damage_image(SIZE, BLOCK, checks);
    assert_true(look_at(dev, &before));
    assert_int_equal(before.errors, 0);
    for (uint64_t byte = 0; byte < SIZE; byte += step) {
        if (!checks && !is_metadata(dev, byte / BLOCK))
            continue;
        for (unsigned bit = 0; bit < (step == 1 ? 8 : 1); bit++)
            flip(dev, byte, step == 1 ? bit : (unsigned)(byte % 8), &before, checks);
    }
    lt_device_close(dev);
}

static void test_bitflip__metadata(void **state)
{
    (void)state;
    flip_all(false);
}

static void test_bitflip__everything_with_data_checks(void **state)
{
    (void)state;
    flip_all(true);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bitflip__metadata),
        cmocka_unit_test(test_bitflip__everything_with_data_checks),
    };
    if (argc > 1)
        step = (unsigned)strtoul(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
