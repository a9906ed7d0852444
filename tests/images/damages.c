// SPDX-License-Identifier: MIT
#include "damages.h"

static const struct damage_case *const subjects[] = {damages_volume, damages_objects, damages_names,
                                                     damages_data};

const struct damage_case *damages_at(size_t i)
{
    for (size_t s = 0; s < sizeof(subjects) / sizeof(subjects[0]); s++) {
        for (const struct damage_case *c = subjects[s]; c->name; c++) {
            if (i-- == 0)
                return c;
        }
    }
    return NULL;
}
