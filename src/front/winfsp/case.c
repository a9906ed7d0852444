// SPDX-License-Identifier: MIT
/* Names without regard to case on a volume that has it. */
#include "volume.h"

#include <stdlib.h>

#include <base/unicode.h>

struct fsp_folder {
    struct lt_mutex lock;
};

int fsp_folder_new(struct fsp_folder **ret)
{
    *ret = calloc(1, sizeof(**ret));
    return *ret ? LT_OK : LT_ENOMEM;
}

void fsp_folder_free(struct fsp_folder *folder)
{
    free(folder);
}

struct search {
    struct lt_str name;
    char *ret;
};

static int compare(void *arg, const struct lt_dirent *entry)
{
    struct search *s = arg;
    if (entry->name.len > LT_NAME_MAX || !lt_name_equal_nocase(entry->name, s->name))
        return 0;
    memcpy(s->ret, entry->name.s, entry->name.len);
    s->ret[entry->name.len] = 0;
    return 1;
}

int fsp_folder_find(struct call *c, struct lt_node *dir, struct lt_str name, char *ret)
{
    struct search s = {.name = name, .ret = ret};
    int r = lt_node_readdir(&c->ctx, dir, 0, 0, compare, &s);
    return r == 0 ? LT_ENOENT : r < 0 ? r : LT_OK;
}
