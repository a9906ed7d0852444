// SPDX-License-Identifier: MIT
/* Whatever is done to an image is done as to the RAM disk, and is still there when the image is
 * opened again: after it was closed, and after a crash behind a sync. */
#include "describe.h"
#include "twins.h"

#include <fs/image/image.h>
#include <lintel/image.h>
#include <unistd.h>

#define ROUNDS 6u
#define STEPS 700u

static char path[64];

static int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/lintel-remount-%d.img", (int)getpid());
    return 0;
}

static int remove_path(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static struct lt_fs *open_source(const char *source)
{
    struct lt_diag diag = {{0}};
    struct lt_fs *fs = NULL;
    if (lt_open_fs(source, &fs, &diag) < 0)
        fail_msg("%s: %s", source, diag.text);
    return fs;
}

static struct lt_fs *open_image(const char *options)
{
    char source[128];
    snprintf(source, sizeof(source), "image:%s,%s", path, options);
    return open_source(source);
}

/* Ends it, in order or as a crash does, and opens it again. */
static struct lt_fs *again(struct lt_fs *fs, bool crash, const char *options)
{
    if (crash) {
        assert_int_equal(lt_fs_sync(NULL, fs), 0);
        lt_imgfs_abandon(fs);
    } else {
        assert_int_equal(lt_fs_close(fs), 0);
    }
    return open_image(options);
}

static void compare(struct lt_fs *one, struct lt_fs *two, bool times)
{
    char *a = describe(one, times), *b = describe(two, times);
    assert_same_text(a, b);
    free(a);
    free(b);
}

static int print_problem(void *arg, const struct lt_image_problem *problem)
{
    (void)arg;
    print_error("%s: %s\n", problem->name, problem->text);
    return 0;
}

/* The image is closed. */
static void check(void)
{
    const struct lt_image_check check = {.data = true, .problem = print_problem};
    struct lt_image_check_result result;
    assert_int_equal(lt_image_check(path, &check, &result, NULL), 0);
    assert_int_equal(result.problems, 0);
}

static void survive(const struct lt_image_params *params, const char *options, uint64_t seed)
{
    struct lt_diag diag = {{0}};
    if (lt_image_format(path, params, &diag) < 0)
        fail_msg("%s", diag.text);
    struct lt_fs *model = open_source(params->name_case == LT_CASE_INSENSITIVE
                                          ? "mem:size=512m,case=insensitive,label=Twin"
                                          : "mem:size=512m,label=Twin");
    struct lt_fs *image = open_image(options);
    for (unsigned round = 0; round < ROUNDS; round++) {
        twins_step(model, image, &seed, STEPS);
        compare(model, image, false);
        char *before = describe(image, true);
        image = again(image, round % 2, options);
        char *after = describe(image, true);
        assert_same_text(before, after);
        free(before);
        free(after);
    }
    assert_int_equal(lt_fs_close(image), 0);
    assert_int_equal(lt_fs_close(model), 0);
    check();
}

static struct lt_image_params usual(void)
{
    return (struct lt_image_params){.size = 512u << 20, .label = "Twin", .force = true};
}

static void test_remount__everything_survives(void **state)
{
    (void)state;
    struct lt_image_params params = usual();
    survive(&params, "commit=0", 1);
    survive(&params, "", 2);
}

static void test_remount__everything_survives_without_case(void **state)
{
    (void)state;
    struct lt_image_params params = usual();
    params.name_case = LT_CASE_INSENSITIVE;
    survive(&params, "commit=0", 3);
}

static void test_remount__everything_survives_with_data_checks(void **state)
{
    (void)state;
    struct lt_image_params params = usual();
    params.data_checks = true;
    survive(&params, "commit=0", 4);
}

static void test_remount__everything_survives_with_large_blocks_and_a_tiny_cache(void **state)
{
    (void)state;
    struct lt_image_params params = usual();
    params.block_size = 65536;
    survive(&params, "cache=1m,sync=none", 5);
    params.block_size = 4096;
    survive(&params, "cache=1m", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remount__everything_survives),
        cmocka_unit_test(test_remount__everything_survives_without_case),
        cmocka_unit_test(test_remount__everything_survives_with_data_checks),
        cmocka_unit_test(test_remount__everything_survives_with_large_blocks_and_a_tiny_cache),
    };
    return cmocka_run_group_tests_name("remount", tests, make_path, remove_path);
}
