// SPDX-License-Identifier: MIT
/* Data of files where the device or the memory fails, and with many threads. */
#include "data_kit.h"

/* ---- Failures -------------------------------------------------------------------------------- */

/* Writes a little of everything. Returns how much of `bytes` was taken before the first error. */
static size_t write_parts(struct lt_node *node, const uint8_t *bytes, int *ret_error)
{
    static const size_t parts[] = {1000, 3000, 200000, 10, 4096, 300000, 100};
    size_t done = 0;
    *ret_error = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        int r = lt_node_pwrite(NULL, node, done, bytes + done, parts[i]);
        if (r < 0) {
            *ret_error = r;
            return done;
        }
        done += (size_t)r;
        if ((size_t)r < parts[i])
            return done;
    }
    return done;
}

static void test_data__survives_failing_devices(void **state)
{
    (void)state;
    static uint8_t bytes[600000];
    bool failed = true;
    fill(bytes, sizeof(bytes), 77);
    for (unsigned n = 1; failed; n++) {
        make_volume(&(struct lt_image_params){.size = 64u << 20, .data_checks = n & 1}, "commit=0");
        struct lt_node *node = create("file");
        int error;
        keeper_fail(&keeper, n, LT_EIO, false);
        size_t done = write_parts(node, bytes, &error);
        int synced = lt_node_sync(NULL, node, false);
        keeper_fail(&keeper, 0, 0, false);
        failed = atomic_load(&keeper.failed) || error < 0 || synced < 0;
        /* What was taken is there to be read, unless reading it back is what failed. */
        int got = lt_node_pread(NULL, node, 0, scratch, sizeof(bytes));
        assert_int_equal(got, done);
        assert_memory_equal(scratch, bytes, done);
        lt_node_put(node);
        int closed = lt_fs_close(fs);
        if (error == 0 && synced == 0 && closed == 0) {
            open_volume();
            node = look_up("file");
            expect(node, bytes, done);
            lt_node_put(node);
            ok(lt_fs_close(fs));
        }
        keeper_end(&keeper);
        free(scratch);
        assert_true(n < 200);
        failed = failed && n < 60;
    }
}

/* Operations of which any device call may fail: what they did is unknown, but the image is sound,
 * and no space is lost. */
static void step_carelessly(void)
{
    static const uint32_t modes[] = {0, LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE, LT_FALLOC_ZERO,
                                     LT_FALLOC_COLLAPSE, LT_FALLOC_INSERT};
    struct lt_node *node = files[draw(FILES)].node, *other = files[draw(FILES)].node;
    struct lt_setattr set = {.mask = LT_SET_SIZE, .size = any_offset()};
    uint64_t offset = any_offset(), len = any_len(), done;
    switch (draw(12)) {
    case 0:
        (void)lt_node_setattr(NULL, node, &set, NULL);
        break;
    case 1:
    case 2:
        (void)lt_node_allocate(NULL, node, modes[draw(5)], offset & ~UINT64_C(4095),
                               4096 * (1 + draw(40)));
        break;
    case 3:
        (void)lt_node_copy_range(NULL, node, offset, other, any_offset() + (4u << 20), len, &done);
        break;
    case 4:
        (void)lt_node_sync(NULL, node, false);
        break;
    case 5:
        (void)lt_fs_sync(NULL, fs);
        break;
    case 6:
        (void)lt_node_pread(NULL, node, offset, scratch, (size_t)len);
        break;
    default:
        (void)lt_node_pwrite(NULL, node, offset, scratch, (size_t)len);
    }
}

static void run_carelessly(unsigned round, int error)
{
    seed = 1000 + round;
    make_volume(&(struct lt_image_params){.size = 32u << 20, .data_checks = round & 1},
                round & 2 ? "commit=0,cache=1m" : "commit=0");
    make_files();
    for (unsigned i = 0; i < 120; i++) {
        keeper_fail(&keeper, 1 + draw(6), error, false);
        step_carelessly();
    }
    keeper_fail(&keeper, 0, 0, false);
    bool alive = lt_fs_sync(NULL, fs) == 0;
    if (alive)
        check_space();
    end_files();
    int r = lt_fs_close(fs);
    assert_true(alive ? r == 0 : r <= 0);
    check_image();
    keeper_end(&keeper);
    free(scratch);
}

static void test_data__leaves_a_sound_image_whatever_fails(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 24; round++)
        run_carelessly(round, round % 3 == 0 ? LT_EIO : LT_ENOSPC);
}

static void test_data__that_cannot_be_written_out_is_told_of(void **state)
{
    (void)state;
    static uint8_t bytes[30000];
    for (unsigned round = 0; round < 3; round++) {
        make_volume(&(struct lt_image_params){.size = 64u << 20}, "commit=0");
        fill(bytes, sizeof(bytes), 1);
        struct lt_node *node = create("file");
        put(node, 0, bytes, sizeof(bytes));
        keeper_fail(&keeper, 1, LT_ENOSPC, true);
        if (round == 0)
            assert_int_equal(lt_node_sync(NULL, node, true), LT_ENOSPC);
        if (round == 1)
            assert_int_equal(lt_fs_sync(NULL, fs), LT_ENOSPC);
        if (round < 2) {
            keeper_fail(&keeper, 0, 0, false); /* and goes as soon as there is room */
            ok(lt_node_sync(NULL, node, true));
        }
        if (round < 2)
            expect(node, bytes, sizeof(bytes));
        lt_node_put(node);
        assert_int_equal(lt_fs_close(fs), round == 2 ? LT_ENOSPC : 0);
        keeper_end(&keeper);
        free(scratch);
    }
}

static void test_data__survives_lack_of_memory(void **state)
{
    (void)state;
    static uint8_t bytes[600000];
    fill(bytes, sizeof(bytes), 33);
    bool hit = true;
    unsigned n = 0;
    while (hit) {
        int error;
        make_volume(&(struct lt_image_params){.size = 64u << 20, .data_checks = ++n & 1},
                    "commit=0");
        struct lt_node *node = create("file");
        fault_arm(n);
        size_t done = write_parts(node, bytes, &error);
        int synced = lt_node_sync(NULL, node, false);
        int punched = lt_node_allocate(NULL, node, LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE, 4000,
                                       0 + 3000);
        hit = fault_disarm();
        if (!hit) {
            ok(error);
            ok(synced);
            ok(punched);
        }
        int got = lt_node_pread(NULL, node, 0, scratch, sizeof(bytes));
        assert_int_equal(got, done);
        assert_memory_equal(scratch, bytes, done < 4000 ? done : 4000);
        if (done > 7000)
            assert_memory_equal(scratch + 7000, bytes + 7000, done - 7000);
        ok(lt_node_sync(NULL, node, false));
        lt_node_put(node);
        end_volume();
    }
    assert_true(n > 5);
}

/* ---- Threads --------------------------------------------------------------------------------- */

#define THREADS 4

struct job {
    struct lt_node *nodes[2];
    unsigned seed;
    uint8_t *buf, *reads;
};

/* A small file of this thread's own: made, written, perhaps found again and removed. */
static void small_file(struct job *job, unsigned s)
{
    char name[16];
    struct lt_create spec = {.mode = LT_S_IFREG | 0600};
    struct lt_entry entry = {0};
    struct lt_fs *volume = job->nodes[0]->fs;
    (void)snprintf(name, sizeof(name), "%u-%u", job->seed, (s >> 8) % 10);
    if (lt_node_create(NULL, lt_fs_root(volume), lt_str(name), &spec, &entry) == 0) {
        (void)lt_node_pwrite(NULL, entry.node, 0, job->buf, 1 + (s >> 5) % 20000);
        lt_node_put(entry.node);
    } else {
        (void)lt_node_remove(NULL, lt_fs_root(volume), lt_str(name), 0, NULL);
    }
}

static void work(void *arg)
{
    struct job *job = arg;
    unsigned s = job->seed;
    for (unsigned i = 0; i < 400; i++) {
        s = s * 1103515245u + 12345u;
        struct lt_node *node = job->nodes[(s >> 8) & 1];
        uint64_t offset = (s >> 9) % 300000, done;
        size_t len = 1 + (s >> 5) % ((s >> 10) % 8 == 0 ? 200000 : 9000);
        struct lt_setattr set = {.mask = LT_SET_SIZE, .size = offset};
        switch ((s >> 16) % 12) {
        case 0:
            (void)lt_node_allocate(NULL, node, LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE, offset,
                                   len);
            break;
        case 1:
            (void)lt_node_sync(NULL, node, false);
            break;
        case 2:
            (void)lt_node_copy_range(NULL, node, offset, job->nodes[(s >> 3) & 1], offset + 400000,
                                     len, &done);
            break;
        case 3:
            (void)lt_fs_sync(NULL, node->fs);
            break;
        case 4:
        case 5:
            (void)lt_node_pread(NULL, node, offset, job->reads, len);
            break;
        case 6:
            small_file(job, s);
            break;
        case 7:
            (void)lt_node_setattr(NULL, node, &set, NULL);
            break;
        default:
            (void)lt_node_pwrite(NULL, node, offset, job->buf, len);
        }
    }
}

static void run_threads(bool checks)
{
    struct lt_thread *threads[THREADS];
    struct job jobs[THREADS];
    make_volume(&(struct lt_image_params){.size = 64u << 20, .data_checks = checks},
                "commit=1,cache=1m");
    struct lt_node *a = create("a"), *b = create("b");
    for (unsigned i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){{a, b}, 7 * i + 1, malloc(300000), malloc(300000)};
        memset(jobs[i].buf, (int)i + 1, 300000);
        ok(lt_thread_start(&threads[i], "writer", work, &jobs[i]));
    }
    for (unsigned i = 0; i < THREADS; i++) {
        lt_thread_join(threads[i]);
        free(jobs[i].buf);
        free(jobs[i].reads);
    }
    ok(lt_fs_sync(NULL, fs));
    lt_node_put(a);
    lt_node_put(b);
    end_volume();
}

static void test_data__of_many_threads(void **state)
{
    (void)state;
    run_threads(false);
    run_threads(true);
}

/* A pattern as an argument chooses tests. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data__survives_failing_devices),
        cmocka_unit_test(test_data__leaves_a_sound_image_whatever_fails),
        cmocka_unit_test(test_data__that_cannot_be_written_out_is_told_of),
        cmocka_unit_test(test_data__survives_lack_of_memory),
        cmocka_unit_test(test_data__of_many_threads),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
