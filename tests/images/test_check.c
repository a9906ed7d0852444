// SPDX-License-Identifier: MIT
/*
 * Every problem of docs/format/problems.md: an image with this damage and no other must be found to
 * have just this problem; after a repair it has none, can be opened, and all that is left can be
 * read.
 */
#include "../unit/test.h"

#include "damages.h"

#include <device/memory.h>
#include <fs/image/check/check.h>
#include <fs/image/image.h>
#include <stdio.h>
#include <stdlib.h>

#define SIZE DAMAGES_SIZE
#define BLOCK DAMAGES_BLOCK

/* ---- Finding and mending ------------------------------------------------------------------- */

struct found {
    unsigned numbers[64];
    size_t count;
    bool print;
};

static int take_problem(void *arg, const struct lt_image_problem *problem)
{
    struct found *found = arg;
    if (found->print)
        print_message("    %u %s: %s%s\n", problem->number, problem->name, problem->text,
                      problem->repaired ? " (mended)" : "");
    if (found->count < 64)
        found->numbers[found->count++] = problem->number;
    return 0;
}

static struct lt_image_check_result run_check(struct lt_device *dev, bool repair,
                                              struct found *found)
{
    struct lt_image_check check = {
        .repair = repair, .data = true, .problem = take_problem, .arg = found};
    struct lt_image_check_result result = {0};
    struct lt_diag diag = {0};
    found->count = 0;
    int r = img_check_device(dev, &check, &result, &diag);
    if (r < 0)
        print_message("    %s: %s\n", lt_error_text(r), diag.text);
    assert_int_equal(r, 0);
    return result;
}

static int read_below(void *arg, const struct lt_dirent *entry)
{
    struct lt_node **nodes = arg;
    while (*nodes)
        nodes++;
    *nodes = entry->node;
    return 0;
}

/* Reads what a node has. */
static void read_node(struct lt_node *node)
{
    static uint8_t buf[65536];
    struct lt_attr attr;
    assert_int_equal(lt_node_getattr(NULL, node, &attr), 0);
    if (node->type == LT_S_IFREG)
        for (uint64_t at = 0; at < attr.size; at += sizeof(buf))
            assert_true(lt_node_pread(NULL, node, at, buf, sizeof(buf)) >= 0);
    if (node->type == LT_S_IFLNK)
        assert_true(lt_node_readlink(NULL, node, (char *)buf, sizeof(buf)) > 0);
    if (node->type != LT_S_IFDIR)
        return;
    struct lt_node *nodes[512] = {NULL};
    assert_int_equal(lt_node_readdir(NULL, node, 0, LT_READDIR_PLUS, read_below, nodes), 0);
    for (size_t i = 0; nodes[i]; i++) {
        read_node(nodes[i]);
        lt_node_put(nodes[i]);
    }
}

/* The image can be opened and read, and written to. */
static void use(struct lt_device *dev)
{
    struct lt_entry entry = {0};
    struct lt_diag diag = {0};
    struct lt_fs *fs;
    int r = damage_open(dev, "", &fs, &diag);
    if (r < 0)
        print_message("    %s\n", diag.text);
    assert_int_equal(r, 0);
    read_node(lt_fs_root(fs));
    struct lt_create spec = {.mode = LT_S_IFREG | 0644};
    assert_int_equal(lt_node_create(NULL, lt_fs_root(fs), lt_str("afterwards"), &spec, &entry), 0);
    assert_int_equal(lt_node_pwrite(NULL, entry.node, 0, "content", 7), 7);
    lt_node_put(entry.node);
    assert_int_equal(lt_fs_close(fs), 0);
}

static void cannot_be_used(struct lt_device *dev)
{
    struct lt_diag diag = {0};
    struct lt_fs *fs;
    assert_int_equal(damage_open(dev, "", &fs, &diag), LT_EUCLEAN);
    assert_non_null(strstr(diag.text, "lintel check"));
}

static bool contains(const struct found *found, unsigned number)
{
    for (size_t i = 0; i < found->count; i++)
        if (found->numbers[i] == number)
            return true;
    return false;
}

static void run_case(const struct damage_case *c)
{
    struct lt_device *dev = damage_image(SIZE, BLOCK, c->checks);
    struct found found = {.print = true};
    c->damage(dev);
    print_message("  %s\n", c->name);
    if (c->closed)
        cannot_be_used(dev);
    if (c->number == 102)
        found.count = 1; /* looked for with repair alone */
    else
        run_check(dev, false, &found);
    if (c->number != 102) {
        assert_true(contains(&found, c->number));
        if (!c->more)
            for (size_t i = 0; i < found.count; i++)
                assert_int_equal(found.numbers[i], c->number);
    }
    found.print = getenv("VERBOSE");
    run_check(dev, true, &found);
    assert_true(contains(&found, c->number));
    found.print = true;
    struct lt_image_check_result result = run_check(dev, false, &found);
    assert_int_equal(result.problems, c->stays ? 1 : 0);
    if (!c->stays)
        use(dev);
    found.print = true;
    result = run_check(dev, false, &found);
    assert_int_equal(result.problems, c->stays ? 1 : 0);
    lt_device_close(dev);
}

static void test_check__finds_and_mends_each_damage(void **state)
{
    (void)state;
    const struct damage_case *c;
    for (size_t i = 0; (c = damages_at(i)) != NULL; i++)
        run_case(c);
}

static void test_check__finds_nothing_in_a_sound_image(void **state)
{
    (void)state;
    for (uint32_t size = 4096; size <= 65536; size *= 2) {
        struct lt_device *dev = damage_image(16 * SIZE, size, size % 3 == 0);
        struct found found = {.print = true};
        assert_int_equal(run_check(dev, false, &found).problems, 0);
        assert_int_equal(run_check(dev, true, &found).problems, 0);
        lt_device_close(dev);
    }
}

/* Files and streams that were open without a name when the power went are no problem. */
static void test_check__knows_orphans(void **state)
{
    struct lt_create spec = {.mode = LT_S_IFREG | 0644};
    struct lt_device *dev = damage_image(SIZE, BLOCK, false);
    struct lt_entry entry = {0}, unnamed = {0};
    struct lt_node *stream;
    struct lt_diag diag;
    struct lt_fs *fs;
    (void)state;
    assert_int_equal(damage_open(dev, "", &fs, &diag), 0);
    struct lt_node *root = lt_fs_root(fs);
    assert_int_equal(lt_node_create(NULL, root, lt_str("removed"), &spec, &entry), 0);
    assert_int_equal(lt_node_create(NULL, root, lt_str(""), &spec, &unnamed), 0);
    assert_int_equal(lt_node_pwrite(NULL, entry.node, 9000, "content", 7), 7);
    assert_int_equal(lt_node_pwrite(NULL, unnamed.node, 9000, "content", 7), 7);
    assert_int_equal(lt_node_stream_open(NULL, root, lt_str("s"), LT_STREAM_CREATE, &stream), 0);
    assert_int_equal(lt_node_pwrite(NULL, stream, 0, "content", 7), 7);
    assert_int_equal(lt_fs_sync(NULL, fs), 0);
    assert_int_equal(lt_node_remove(NULL, root, lt_str("removed"), 0, NULL), 0);
    assert_int_equal(lt_node_stream_remove(NULL, root, lt_str("s")), 0);
    assert_int_equal(lt_fs_sync(NULL, fs), 0);
    lt_node_put(stream);
    lt_node_put(entry.node);
    lt_node_put(unnamed.node);
    lt_imgfs_abandon(fs);
    struct found found = {.print = true};
    assert_int_equal(run_check(dev, false, &found).problems, 0);
    assert_int_equal(run_check(dev, true, &found).problems, 0);
    use(dev);
    assert_int_equal(run_check(dev, false, &found).problems, 0);
    lt_device_close(dev);
}

static void count_high(struct img_super *super)
{
    super->generation = (UINT64_C(1) << 62) - 2;
    super->free_blocks += 3;
}

/* Where no more checkpoints can be counted, nothing is written, and nothing is lost. */
static void test_check__refuses_to_write_what_counts_too_high(void **state)
{
    struct lt_image_check check = {.repair = true};
    struct lt_image_check_result result;
    struct lt_diag diag = {0};
    struct lt_fs *fs;
    (void)state;
    struct lt_device *dev = damage_image(SIZE, BLOCK, false);
    struct found found = {.print = true};
    damage_supers(dev, count_high);
    assert_int_equal(img_check_device(dev, &check, &result, &diag), LT_EOVERFLOW);
    assert_non_null(strstr(diag.text, "nothing can be written"));
    diag.text[0] = 0;
    assert_int_equal(damage_open(dev, "", &fs, &diag), LT_EOVERFLOW);
    assert_non_null(strstr(diag.text, "only be opened for reading"));
    assert_int_equal(run_check(dev, false, &found).problems, 1);
    assert_true(contains(&found, 705));
    assert_int_equal(damage_open(dev, "ro", &fs, &diag), 0);
    read_node(lt_fs_root(fs));
    assert_int_equal(lt_fs_close(fs), 0);
    lt_device_close(dev);
}

struct lines {
    size_t count, max, items, problems;
};

static int take_line(void *arg, const char *line)
{
    struct lines *lines = arg;
    lines->count++;
    lines->items += line[0] == ' ';
    lines->problems += strncmp(line, "problem", 7) == 0;
    return lines->count == lines->max;
}

static void test_dump__shows_everything_until_told_to_stop(void **state)
{
    struct lt_device *dev = damage_image(SIZE, BLOCK, true);
    struct lines lines = {0};
    struct lt_diag diag;
    (void)state;
    assert_int_equal(img_dump_device(dev, false, take_line, &lines, &diag), 0);
    assert_true(lines.count > 10 && lines.items < 10 && lines.problems == 0);
    lines = (struct lines){0};
    assert_int_equal(img_dump_device(dev, true, take_line, &lines, &diag), 0);
    assert_true(lines.items > 500);
    lines = (struct lines){.max = 100};
    assert_int_equal(img_dump_device(dev, true, take_line, &lines, &diag), 0);
    assert_int_equal(lines.count, 100);
    damage_bit(dev, 100, 1);
    lines = (struct lines){0};
    assert_int_equal(img_dump_device(dev, true, take_line, &lines, &diag), 0);
    assert_int_equal(lines.problems, 1);
    lt_device_close(dev);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check__finds_nothing_in_a_sound_image),
        cmocka_unit_test(test_check__knows_orphans),
        cmocka_unit_test(test_check__refuses_to_write_what_counts_too_high),
        cmocka_unit_test(test_dump__shows_everything_until_told_to_stop),
        cmocka_unit_test(test_check__finds_and_mends_each_damage),
    };
    if (argc > 1) {
        run_case(damages_at(strtoul(argv[1], NULL, 10)));
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
