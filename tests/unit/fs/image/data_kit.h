/* SPDX-License-Identifier: MIT */
/* What tests of file data share: a volume on a device that can fail, and files with a model each.
 */
#ifndef DATA_KIT_H
#define DATA_KIT_H

#include "keeper.h"
#include <core/fs_ops.h>
#include <fault.h>
#include <fs/image/check/check.h>
#include <fs/image/data.h>
#include <fs/image/format.h>
#include <fs/image/image.h>
#include <lintel/fs.h>
#include <os/os.h>
#include <stdio.h>
#include <stdlib.h>
#include <test.h>

#define FILES 4u
#define MODEL_MAX (6u << 20) /* bytes of a file in the model */

struct model {
    struct lt_node *node;
    uint64_t size;
    uint8_t *bytes; /* MODEL_MAX of them, zeros behind the size */
};

static struct keeper keeper;
static struct lt_fs *fs;
static struct model files[FILES];
static uint64_t seed;
static uint8_t *scratch; /* MODEL_MAX bytes */
static const char *options;

static inline uint64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static inline void ok_at(int r, int line)
{
    if (r < 0) {
        print_error("line %d: %s\n", line, lt_error_name(r));
        fail();
    }
}
#define ok(r) ok_at(r, __LINE__)

/* ---- The volume ---------------------------------------------------------------------------- */

static inline void open_volume(void)
{
    struct lt_diag diag = {""};
    int r = lt_imgfs_open_device(&keeper.dev, options, &fs, &diag);
    if (r < 0)
        print_error("%s\n", diag.text);
    ok(r);
}

static inline void make_volume(const struct lt_image_params *params, const char *opts)
{
    struct lt_diag diag = {""};
    scratch = malloc(MODEL_MAX);
    keeper_open(&keeper, params->size);
    ok(img_fs_format(&keeper.dev, params, &diag));
    options = opts;
    open_volume();
}

static inline int tell(void *arg, const struct lt_image_problem *problem)
{
    (void)arg;
    print_error("%s\n", problem->text);
    return 0;
}

/* Nothing is wrong with the image, and no block is used that nobody has. */
static inline void check_image(void)
{
    const struct lt_image_check check = {.data = true, .problem = tell};
    struct lt_image_check_result result = {0};
    struct lt_diag diag = {""};
    ok(img_check_device(&keeper.dev, &check, &result, &diag));
    assert_int_equal(result.problems, 0);
}

/* With everything written out nothing is promised or on its way. */
static inline void check_space(void)
{
    struct img_space_counts c;
    ok(lt_fs_sync(NULL, fs));
    img_space_counts(img_fs(fs)->store->space, &c);
    assert_int_equal(c.promised, 0);
    assert_int_equal(c.in_flight, 0);
    assert_int_equal(img_data_pending(img_fs(fs)), 0);
}

static inline void end_volume(void)
{
    check_space();
    ok(lt_fs_close(fs));
    check_image();
    keeper_end(&keeper);
    free(scratch);
}

static inline const char *name_of(size_t i)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    return names[i];
}

static inline struct lt_node *create(const char *name)
{
    struct lt_create spec = {.mode = LT_S_IFREG | 0644};
    struct lt_entry entry = {0};
    ok(lt_node_create(NULL, lt_fs_root(fs), lt_str(name), &spec, &entry));
    return entry.node;
}

static inline struct lt_node *look_up(const char *name)
{
    struct lt_entry entry = {0};
    ok(lt_node_lookup(NULL, lt_fs_root(fs), lt_str(name), &entry));
    return entry.node;
}

static inline void make_files(void)
{
    for (size_t i = 0; i < FILES; i++)
        files[i] =
            (struct model){.node = create(name_of(i)), .bytes = calloc(1, MODEL_MAX), .size = 0};
}

static inline void end_files(void)
{
    for (size_t i = 0; i < FILES; i++) {
        lt_node_put(files[i].node);
        free(files[i].bytes);
    }
}

static inline void reopen(void)
{
    for (size_t i = 0; i < FILES; i++)
        lt_node_put(files[i].node);
    ok(lt_fs_close(fs));
    check_image();
    open_volume();
    for (size_t i = 0; i < FILES; i++)
        files[i].node = look_up(name_of(i));
}

/* ---- Comparing ----------------------------------------------------------------------------- */

static inline struct lt_attr attr_of(struct lt_node *node)
{
    struct lt_attr attr;
    ok(lt_node_getattr(NULL, node, &attr));
    return attr;
}

static inline void compare(const struct model *m, uint64_t offset, size_t len)
{
    size_t want = offset < m->size ? (size_t)(m->size - offset) : 0;
    want = want < len ? want : len;
    for (size_t done = 0; done < want;) {
        int got = lt_node_pread(NULL, m->node, offset + done, scratch + done, want - done);
        ok(got);
        assert_true(got > 0);
        done += (size_t)got;
    }
    for (size_t i = 0; i < want; i++) {
        if (scratch[i] == m->bytes[offset + i])
            continue;
        print_error("%s: byte %llu of %llu is %u, not %u\n", name_of((size_t)(m - files)),
                    (unsigned long long)(offset + i), (unsigned long long)m->size, scratch[i],
                    m->bytes[offset + i]);
        fail();
    }
}

static inline void compare_all(void)
{
    for (size_t i = 0; i < FILES; i++) {
        assert_int_equal(attr_of(files[i].node).size, files[i].size);
        compare(&files[i], 0, MODEL_MAX);
    }
}

static inline uint64_t any_offset(void)
{
    switch (draw(6)) {
    case 0:
        return draw(8) * 65536;
    case 1:
        return draw(2000);
    case 2:
        return draw(512) * 4096;
    default:
        return draw(2u << 20);
    }
}

static inline uint64_t any_len(void)
{
    switch (draw(8)) {
    case 0:
        return 1 + draw(100);
    case 1:
        return (1 + draw(16)) * 4096;
    case 2:
        return (1 + draw(8)) * 65536;
    case 3:
        return 1 + draw(1500000);
    default:
        return 1 + draw(20000);
    }
}

static inline void put(struct lt_node *node, uint64_t offset, const void *bytes, size_t len)
{
    assert_int_equal(lt_node_pwrite(NULL, node, offset, bytes, len), len);
}

static inline void fill(uint8_t *to, size_t len, unsigned start)
{
    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)(start + i * 7 + i / 256);
}

static inline void expect(struct lt_node *node, const void *bytes, size_t len)
{
    assert_int_equal(attr_of(node).size, len);
    assert_int_equal(lt_node_pread(NULL, node, 0, scratch, len + 1), len);
    assert_memory_equal(scratch, bytes, len);
}

#endif
