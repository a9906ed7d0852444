// SPDX-License-Identifier: MIT
/* Where a Lintel mount differs from tmpfs, and why: docs/design/differences.md says more. */
#include "suite.h"

#include <fnmatch.h>

static const struct {
    const char *name;     /* of the case, a pattern */
    const char *expected; /* the oracle's line, a pattern */
    const char *got;      /* the target's, a pattern */
    const char *why;
} known[] = {
    {"", "", "", ""},
};

bool known_difference(const char *name, const char *expected, const char *got, const char **ret_why)
{
    for (size_t i = 0; i < COUNT(known); i++) {
        if (fnmatch(known[i].name, name, 0) == 0 &&
            fnmatch(known[i].expected, expected ? expected : "", 0) == 0 &&
            fnmatch(known[i].got, got ? got : "", 0) == 0) {
            *ret_why = known[i].why;
            return true;
        }
    }
    return false;
}
