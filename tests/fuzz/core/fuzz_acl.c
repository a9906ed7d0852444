// SPDX-License-Identifier: MIT
/* Any bytes as a POSIX ACL: what passes the check can be worked with, and stays well-formed. */
#include "../fuzz.h"

#include <lintel/access.h>
#include <lintel/acl.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lt_str given = {(const char *)data, size};
    int count = lt_acl_check(given);
    if (count <= 0)
        return 0;
    FUZZ_CHECK(size == LT_ACL_SIZE((size_t)count));
    char *acl = malloc(size);
    FUZZ_CHECK(acl);
    memcpy(acl, data, size);
    struct lt_str own = {acl, size};
    struct lt_ctx ctx = {.uid = 1, .gid = 2};
    uint32_t mode = 0640, inherited = 0751;
    lt_acl_normalize(acl, size);
    lt_acl_set_mode(acl, size, mode);
    uint32_t back = 0;
    lt_acl_to_mode(own, &back);
    FUZZ_CHECK(back == mode);
    lt_acl_inherit(acl, size, &inherited);
    FUZZ_CHECK((inherited & ~(0751u & mode)) == 0);
    (void)lt_acl_permits(own, 3, 4, &ctx, 4);
    FUZZ_CHECK(lt_acl_check(own) == count);
    free(acl);
    return 0;
}
