// SPDX-License-Identifier: MIT
/*
 * What is left of file data after power cuts: what was synced is there, and a file that was only
 * appended to is a beginning of itself, never zeros or somebody else's bytes.
 */
#include <core/fs_ops.h>
#include <device/sim.h>
#include <fs/image/check/check.h>
#include <fs/image/format.h>
#include <fs/image/image.h>
#include <fs/image/node.h>
#include <stdio.h>
#include <stdlib.h>
#include <test.h>

#define FILES 6u
#define SIZE_MAX_OF_FILE (2u << 20)
#define STEPS 150u
#define CUTS 150u
#define MARKS_MAX 256u

/* What was durable from a time on. */
struct mark {
    uint64_t time;
    uint64_t sizes[FILES];
};

static struct lt_device *sim;
static struct lt_fs *fs; /* on it */
static struct mark marks[MARKS_MAX];
static size_t mark_count;
static uint64_t sizes[FILES], durable[FILES];
static uint8_t *bytes, *scratch;
static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static uint8_t byte_of(size_t file, uint64_t offset)
{
    return (uint8_t)(1 + (offset * 13 + offset / 251 + file * 83) % 255);
}

static struct lt_str name_of(size_t file, char *buf)
{
    buf[0] = (char)('a' + file);
    return lt_strn(buf, 1);
}

static void note(void)
{
    marks[mark_count].time = lt_sim_time(sim);
    memcpy(marks[mark_count++].sizes, durable, sizeof(durable));
}

/* ---- The history --------------------------------------------------------------------------- */

static uint64_t any_len(void)
{
    switch (draw(6)) {
    case 0:
        return 1 + draw(200000);
    case 1:
        return 4096 * (1 + draw(4));
    default:
        return 1 + draw(5000);
    }
}

static void append(struct lt_node *node, size_t file)
{
    uint64_t len = any_len();
    if (sizes[file] + len > SIZE_MAX_OF_FILE)
        return;
    for (uint64_t i = 0; i < len; i++)
        bytes[i] = byte_of(file, sizes[file] + i);
    int r = lt_node_pwrite(NULL, node, sizes[file], bytes, (size_t)len);
    assert_int_equal(r, len);
    sizes[file] += len;
}

static void step(struct lt_node **nodes)
{
    size_t file = (size_t)draw(FILES);
    switch (draw(8)) {
    case 0:
        assert_int_equal(lt_node_sync(NULL, nodes[file], true), 0);
        durable[file] = sizes[file];
        break;
    case 1:
        if (draw(4) > 0)
            break;
        assert_int_equal(lt_fs_sync(NULL, fs), 0);
        memcpy(durable, sizes, sizeof(durable));
        break;
    default:
        append(nodes[file], file);
    }
    note();
}

static void live(const char *options)
{
    struct lt_diag diag = {""};
    struct lt_node *nodes[FILES];
    char name[2];
    memset(sizes, 0, sizeof(sizes));
    memset(durable, 0, sizeof(durable));
    mark_count = 0;
    note();
    assert_int_equal(lt_imgfs_open_device(sim, options, &fs, &diag), 0);
    for (size_t i = 0; i < FILES; i++) {
        struct lt_create spec = {.mode = LT_S_IFREG | 0600};
        struct lt_entry entry = {0};
        assert_int_equal(lt_node_create(NULL, lt_fs_root(fs), name_of(i, name), &spec, &entry), 0);
        nodes[i] = entry.node;
    }
    for (unsigned i = 0; i < STEPS - 1; i++)
        step(nodes);
    /* The device has to outlive this: the cuts are made of it while it is open. */
    for (size_t i = 0; i < FILES; i++)
        lt_node_put(nodes[i]);
}

/* ---- The cuts ------------------------------------------------------------------------------ */

static const struct mark *mark_at(uint64_t time)
{
    const struct mark *found = &marks[0];
    for (size_t i = 0; i < mark_count && marks[i].time <= time; i++)
        found = &marks[i];
    return found;
}

static void check_file(struct lt_fs *cut, size_t file, uint64_t least)
{
    struct lt_entry entry = {0};
    char name[2];
    int r = lt_node_lookup(NULL, lt_fs_root(cut), name_of(file, name), &entry);
    if (r == LT_ENOENT) {
        assert_int_equal(least, 0);
        return;
    }
    assert_int_equal(r, 0);
    uint64_t size = entry.attr.size;
    assert_true(size >= least && size <= sizes[file]);
    for (uint64_t at = 0; at < size;) {
        int got = lt_node_pread(NULL, entry.node, at, scratch, 1u << 20);
        assert_true(got > 0);
        for (int i = 0; i < got; i++, at++) {
            if (scratch[i] == byte_of(file, at))
                continue;
            print_error("file %zu of %llu bytes: at %llu %u\n", file, (unsigned long long)size,
                        (unsigned long long)at, scratch[i]);
            fail();
        }
    }
    lt_node_put(entry.node);
}

static int tell(void *arg, const struct lt_image_problem *problem)
{
    (void)arg;
    print_error("%s\n", problem->text);
    return 0;
}

/* What a cut left: nothing is wrong with it, the data's checks included. */
static struct lt_device *cut_at(uint64_t time, uint64_t choice)
{
    const struct lt_image_check check = {.data = true, .problem = tell};
    struct lt_image_check_result result = {0};
    struct lt_diag diag = {""};
    struct lt_device *dev;
    assert_int_equal(lt_sim_cut(sim, time, choice, &dev), 0);
    assert_int_equal(img_check_device(dev, &check, &result, &diag), 0);
    assert_int_equal(result.problems, 0);
    return dev;
}

static void check_cut(uint64_t time, uint64_t choice, const char *options)
{
    const struct mark *mark = mark_at(time);
    struct lt_diag diag = {""};
    struct lt_device *dev = cut_at(time, choice);
    struct lt_fs *cut;
    int r = lt_imgfs_open_device(dev, options, &cut, &diag);
    if (r < 0)
        print_error("cut at %llu, %llu: %s\n", (unsigned long long)time, (unsigned long long)choice,
                    diag.text);
    assert_int_equal(r, 0);
    for (size_t i = 0; i < FILES; i++)
        check_file(cut, i, mark->sizes[i]);
    lt_imgfs_abandon(cut);
}

static void run(const struct lt_image_params *params, const char *options, uint64_t start)
{
    struct lt_diag diag = {""};
    seed = start;
    bytes = malloc(SIZE_MAX_OF_FILE);
    scratch = malloc(1u << 20);
    assert_int_equal(lt_device_open_sim(params->size, &sim), 0);
    assert_int_equal(img_fs_format(sim, params, &diag), 0);
    lt_sim_forget(sim);
    live(options);
    uint64_t first = marks[0].time, end = lt_sim_time(sim);
    for (unsigned i = 0; i < CUTS; i++)
        check_cut(first + draw(end + 1 - first), i < 20 ? i % 2 : draw(UINT32_MAX), "commit=0");
    lt_imgfs_abandon(fs);
    free(bytes);
    free(scratch);
}

static void test_flush__loses_nothing_that_was_synced(void **state)
{
    (void)state;
    run(&(struct lt_image_params){.size = 24u << 20}, "commit=0", 88172645463325252u);
}

static void test_flush__loses_nothing_with_checks(void **state)
{
    (void)state;
    run(&(struct lt_image_params){.size = 24u << 20, .data_checks = true}, "commit=0", 4711);
}

static void test_flush__loses_nothing_with_little_memory(void **state)
{
    (void)state;
    run(&(struct lt_image_params){.size = 24u << 20}, "commit=0,cache=1m", 815);
}

/* ---- Writing over ---------------------------------------------------------------------------- */

#define SECTOR 512u /* bytes: what a device writes whole */
#define SECTORS 1024u
#define ROUNDS 250u /* a sector's bytes are the round that wrote it */

static uint8_t rounds[SECTORS];
static uint8_t kept[ROUNDS + 1][SECTORS]; /* what was durable from marks[i].time on */

static void write_sectors(struct lt_node *node, size_t round)
{
    size_t count = (size_t)(draw(5) == 0 ? 1 + draw(400) : 1 + draw(40)), at = draw(SECTORS);
    if (draw(2) == 0) {
        at &= ~(size_t)7;
        count = (count + 7) & ~(size_t)7;
    }
    count = count < SECTORS - at ? count : SECTORS - at;
    memset(bytes, (int)round, count * SECTOR);
    memset(&rounds[at], (int)round, count);
    assert_int_equal(lt_node_pwrite(NULL, node, at * SECTOR, bytes, count * SECTOR),
                     count * SECTOR);
}

static void write_over(const char *opts)
{
    struct lt_create spec = {.mode = LT_S_IFREG | 0600};
    struct lt_entry entry = {0};
    struct lt_diag diag = {""};
    mark_count = 0;
    memset(rounds, 0, sizeof(rounds));
    assert_int_equal(lt_imgfs_open_device(sim, opts, &fs, &diag), 0);
    assert_int_equal(lt_node_create(NULL, lt_fs_root(fs), lt_str("a"), &spec, &entry), 0);
    memset(kept[0], 0, SECTORS);
    note();
    for (size_t i = 1; i < ROUNDS; i++) {
        write_sectors(entry.node, i);
        memcpy(kept[mark_count], kept[mark_count - 1], SECTORS);
        if (draw(3) == 0) {
            assert_int_equal(lt_node_sync(NULL, entry.node, true), 0);
            memcpy(kept[mark_count], rounds, SECTORS);
        }
        if (draw(20) == 0)
            assert_int_equal(lt_fs_sync(NULL, fs), 0);
        note();
    }
    lt_node_put(entry.node);
}

/* Every sector is whole, and not older than when it was last synced. */
static void check_sectors(uint64_t time, uint64_t choice)
{
    const uint8_t *least = kept[mark_at(time) - marks];
    struct lt_entry entry = {0};
    struct lt_diag diag = {""};
    struct lt_device *dev = cut_at(time, choice);
    struct lt_fs *cut;
    assert_int_equal(lt_imgfs_open_device(dev, "commit=0", &cut, &diag), 0);
    memset(scratch, 0, SECTORS * SECTOR);
    int r = lt_node_lookup(NULL, lt_fs_root(cut), lt_str("a"), &entry);
    if (r == 0)
        r = lt_node_pread(NULL, entry.node, 0, scratch, SECTORS * SECTOR);
    assert_true(r >= 0 || r == LT_ENOENT);
    for (size_t i = 0; i < SECTORS; i++) {
        const uint8_t *sector = scratch + i * SECTOR;
        assert_true(sector[0] >= least[i]);
        for (size_t k = 1; k < SECTOR; k++)
            assert_int_equal(sector[k], sector[0]);
    }
    lt_node_put(entry.node);
    lt_imgfs_abandon(cut);
}

static void run_over(const struct lt_image_params *params, uint64_t start)
{
    struct lt_diag diag = {""};
    seed = start;
    bytes = malloc(SIZE_MAX_OF_FILE);
    scratch = malloc(1u << 20);
    assert_int_equal(lt_device_open_sim(params->size, &sim), 0);
    assert_int_equal(img_fs_format(sim, params, &diag), 0);
    lt_sim_forget(sim);
    write_over("commit=0");
    uint64_t first = marks[0].time, end = lt_sim_time(sim);
    for (unsigned i = 0; i < CUTS; i++)
        check_sectors(first + draw(end + 1 - first), i < 20 ? i % 2 : draw(UINT32_MAX));
    lt_imgfs_abandon(fs);
    free(bytes);
    free(scratch);
}

static void test_flush__keeps_what_was_written_over_and_synced(void **state)
{
    (void)state;
    run_over(&(struct lt_image_params){.size = 24u << 20}, 1234567);
    run_over(&(struct lt_image_params){.size = 24u << 20, .log_size = 65536}, 7654321);
}

static void test_flush__keeps_what_was_written_over_with_checks(void **state)
{
    (void)state;
    run_over(&(struct lt_image_params){.size = 24u << 20, .data_checks = true}, 77);
}

/* ---- Ranges ---------------------------------------------------------------------------------- */

static void change_range(struct lt_node *node)
{
    static const uint32_t modes[] = {0,
                                     LT_FALLOC_KEEP_SIZE,
                                     LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE,
                                     LT_FALLOC_ZERO,
                                     LT_FALLOC_COLLAPSE,
                                     LT_FALLOC_INSERT};
    struct lt_setattr set = {.mask = LT_SET_SIZE, .size = draw(1u << 20)};
    uint64_t offset = draw(256) * 4096, len = (1 + draw(64)) * 4096, skew = draw(2) * 777;
    uint32_t mode = modes[draw(6)];
    if (draw(4) == 0) {
        assert_int_equal(lt_node_setattr(NULL, node, &set, NULL), 0);
        return;
    }
    if (mode & (LT_FALLOC_COLLAPSE | LT_FALLOC_INSERT))
        skew = 0;
    int r = lt_node_allocate(NULL, node, mode, offset + skew, len);
    assert_true(r == 0 || r == LT_EINVAL);
}

/* All that is asked of what is left is that the check finds nothing. */
static void run_ranges(const struct lt_image_params *params, uint64_t start)
{
    struct lt_create spec = {.mode = LT_S_IFREG | 0600};
    struct lt_entry entry = {0};
    struct lt_diag diag = {""};
    seed = start;
    bytes = calloc(1, SIZE_MAX_OF_FILE);
    assert_int_equal(lt_device_open_sim(params->size, &sim), 0);
    assert_int_equal(img_fs_format(sim, params, &diag), 0);
    lt_sim_forget(sim);
    uint64_t first = lt_sim_time(sim);
    assert_int_equal(lt_imgfs_open_device(sim, "commit=0", &fs, &diag), 0);
    assert_int_equal(lt_node_create(NULL, lt_fs_root(fs), lt_str("a"), &spec, &entry), 0);
    for (size_t i = 0; i < 300; i++) {
        if (draw(2) == 0)
            change_range(entry.node);
        else
            assert_true(lt_node_pwrite(NULL, entry.node, draw(1u << 20), bytes, (size_t)any_len()) >
                        0);
        if (draw(6) == 0)
            assert_int_equal(lt_node_sync(NULL, entry.node, true), 0);
        if (draw(30) == 0)
            assert_int_equal(lt_fs_sync(NULL, fs), 0);
    }
    lt_node_put(entry.node);
    uint64_t end = lt_sim_time(sim);
    for (unsigned i = 0; i < CUTS; i++)
        lt_device_close(cut_at(first + draw(end + 1 - first), i < 20 ? i % 2 : draw(UINT32_MAX)));
    lt_imgfs_abandon(fs);
    free(bytes);
}

static void test_flush__leaves_ranges_sound(void **state)
{
    (void)state;
    run_ranges(&(struct lt_image_params){.size = 24u << 20}, 1234567);
    run_ranges(&(struct lt_image_params){.size = 24u << 20, .data_checks = true}, 7654321);
}

/* ---- What a sync costs ----------------------------------------------------------------------- */

static struct img_store_stats stats_of(struct lt_fs *volume)
{
    struct img_store_stats stats;
    img_store_stats(img_fs(volume)->store, &stats);
    return stats;
}

static void test_flush__of_a_small_append_logs_little_and_flushes_once(void **state)
{
    (void)state;
    static uint8_t line[100] = "a line of a log";
    const struct lt_image_params params = {.size = 24u << 20};
    struct lt_create spec = {.mode = LT_S_IFREG | 0600};
    struct lt_entry entry = {0};
    struct lt_diag diag = {""};
    assert_int_equal(lt_device_open_sim(params.size, &sim), 0);
    assert_int_equal(img_fs_format(sim, &params, &diag), 0);
    assert_int_equal(lt_imgfs_open_device(sim, "commit=0", &fs, &diag), 0);
    assert_int_equal(lt_node_create(NULL, lt_fs_root(fs), lt_str("log"), &spec, &entry), 0);
    for (unsigned i = 0; i < 200; i++) {
        struct img_store_stats before = stats_of(fs);
        assert_int_equal(lt_node_pwrite(NULL, entry.node, i * 100, line, 100), 100);
        assert_int_equal(lt_node_sync(NULL, entry.node, true), 0);
        struct img_store_stats after = stats_of(fs);
        if (after.checkpoints != before.checkpoints)
            continue; /* the log was full */
        assert_int_equal(after.flushes - before.flushes, 1);
        if (i > 21 && i * 100 / 4096 == (i * 100 + 99) / 4096)
            assert_int_equal(after.log_bytes - before.log_bytes, 4096); /* not the block, too */
    }
    lt_node_put(entry.node);
    lt_imgfs_abandon(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flush__loses_nothing_that_was_synced),
        cmocka_unit_test(test_flush__loses_nothing_with_checks),
        cmocka_unit_test(test_flush__loses_nothing_with_little_memory),
        cmocka_unit_test(test_flush__keeps_what_was_written_over_and_synced),
        cmocka_unit_test(test_flush__keeps_what_was_written_over_with_checks),
        cmocka_unit_test(test_flush__leaves_ranges_sound),
        cmocka_unit_test(test_flush__of_a_small_append_logs_little_and_flushes_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
