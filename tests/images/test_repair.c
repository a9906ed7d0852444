// SPDX-License-Identifier: MIT
/* Repairs that do not come to their end: whatever is cut or fails when, the next one does it all.
 */
#include "../unit/test.h"

#include "../unit/fault.h"
#include "damages.h"

#include <device/sim.h>
#include <fs/image/check/check.h>
#include <stdlib.h>

static int repair(struct lt_device *dev, bool really, uint64_t *ret_problems)
{
    struct lt_image_check check = {.repair = really};
    struct lt_image_check_result result = {0};
    struct lt_diag diag;
    int r = img_check_device(dev, &check, &result, &diag);
    *ret_problems = result.problems;
    return r;
}

/* A repair makes it sound. */
static void can_be_repaired(struct lt_device *dev)
{
    uint64_t problems;
    assert_int_equal(repair(dev, true, &problems), 0);
    assert_int_equal(repair(dev, false, &problems), 0);
    assert_int_equal(problems, 0);
}

/* A simulated disk with a damaged image on it. */
static struct lt_device *damaged(const struct damage_case *c)
{
    struct lt_device *dev = damage_image(DAMAGES_SIZE, DAMAGES_BLOCK, c->checks), *sim;
    c->damage(dev);
    uint64_t size = lt_device_size(dev);
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    assert_int_equal(lt_device_read(dev, 0, bytes, size), 0);
    assert_int_equal(lt_device_open_sim(size, &sim), 0);
    assert_int_equal(lt_device_put(sim, 0, bytes, size), 0);
    assert_int_equal(lt_device_flush(sim), 0);
    lt_sim_forget(sim);
    free(bytes);
    lt_device_close(dev);
    return sim;
}

static void test_repair__powerloss(void **state)
{
    (void)state;
    const struct damage_case *c;
    for (size_t i = 0; (c = damages_at(i)) != NULL; i++) {
        uint64_t problems;
        if (c->stays)
            continue;
        struct lt_device *sim = damaged(c);
        uint64_t start = lt_sim_time(sim);
        assert_int_equal(repair(sim, true, &problems), 0);
        for (uint64_t time = start; time <= lt_sim_time(sim); time++) {
            struct lt_device *dev;
            assert_int_equal(lt_sim_cut(sim, time, time % 4, &dev), 0);
            can_be_repaired(dev);
            lt_device_close(dev);
        }
        lt_device_close(sim);
    }
}

static void test_repair__ioerr(void **state)
{
    (void)state;
    const struct damage_case *c;
    for (size_t i = 0; (c = damages_at(i)) != NULL; i += 5) {
        if (c->stays)
            continue;
        struct lt_device *sim = damaged(c);
        for (unsigned n = 1 + (unsigned)i; n < 400; n += 23) {
            uint64_t problems;
            struct lt_device *dev;
            assert_int_equal(lt_sim_cut(sim, lt_sim_time(sim), 0, &dev), 0);
            lt_sim_fail(dev, n, LT_EIO, n % 2);
            repair(dev, true, &problems);
            lt_sim_fail(dev, 0, 0, false);
            can_be_repaired(dev);
            lt_device_close(dev);
        }
        lt_device_close(sim);
    }
}

static void test_repair__nomem(void **state)
{
    (void)state;
    const struct damage_case *c;
    for (size_t i = 3; (c = damages_at(i)) != NULL; i += 9) {
        if (c->stays)
            continue;
        struct lt_device *sim = damaged(c);
        struct lt_device *dev;
        uint64_t problems;
        assert_int_equal(lt_sim_cut(sim, lt_sim_time(sim), 0, &dev), 0);
        FAULT_EACH(n)
        {
            int r = repair(dev, true, &problems);
            if (fault_disarm())
                assert_true(r == LT_ENOMEM || r == LT_ENOSPC || r == LT_EINVAL || r == LT_EIO ||
                            r == 0);
            else
                assert_int_equal(r, 0);
        }
        can_be_repaired(dev);
        lt_device_close(dev);
        lt_device_close(sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_repair__powerloss),
        cmocka_unit_test(test_repair__ioerr),
        cmocka_unit_test(test_repair__nomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
