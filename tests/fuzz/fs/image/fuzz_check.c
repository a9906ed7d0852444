// SPDX-License-Identifier: MIT
/* A changed image is checked, repaired and checked again: then there is nothing left to mend, and
 * it can be used. */
#include "../../fuzz.h"
#include "mutate.h"

#include <fs/image/check/check.h>

static int take_problem(void *arg, const struct lt_image_problem *problem)
{
    (void)arg;
    if (getenv("FUZZ_VERBOSE"))
        fprintf(stderr, "%u %s%s\n", problem->number, problem->text,
                problem->repaired ? " (mended)" : "");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lt_image_check check = {.data = true, .problem = take_problem};
    struct lt_image_check_result result;
    struct lt_diag diag;
    struct lt_device *dev = mutate_image(data, size);
    img_check_device(dev, &check, &result, &diag);
    check.repair = true;
    int r = img_check_device(dev, &check, &result, &diag);
    FUZZ_CHECK(r <= 0);
    if (r == 0) {
        check.repair = check.data = false;
        FUZZ_CHECK(img_check_device(dev, &check, &result, &diag) == 0);
        FUZZ_CHECK(result.problems == 0);
    }
    mutate_use(dev);
    return 0;
}
