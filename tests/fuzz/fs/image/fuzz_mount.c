// SPDX-License-Identifier: MIT
/* A changed image is opened, read and written to. */
#include "../../fuzz.h"
#include "mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mutate_use(mutate_image(data, size));
    return 0;
}
