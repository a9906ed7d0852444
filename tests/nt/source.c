// SPDX-License-Identifier: MIT
#include "source.h"

#include <stdio.h>
#include <string.h>

int kit_source_open(const char *source, struct kit_source *ret)
{
    struct lt_diag diag = {""};
    memset(ret, 0, sizeof(*ret));
    int result = lt_open_fs(source, &ret->fs, &diag);
    if (result < 0)
        fprintf(stderr, "# %s: %s: %s\n", source, lt_error_name(result), diag.text);
    return result;
}

int kit_source_close(struct kit_source *s)
{
    return lt_fs_close(s->fs);
}
