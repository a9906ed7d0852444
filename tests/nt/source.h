/* SPDX-License-Identifier: MIT */
/*
 * What the suite runs over, by a word on the command line: a source of lintel (mem:,
 * image::memory:); "served:SOURCE", the same behind a FUSE session of ours at the far end of a
 * socket pair; "bindfs:", the program bindfs over an empty directory.
 */
#ifndef NT_SOURCE_H
#define NT_SOURCE_H

#include <lintel/fs.h>

struct kit_source {
    struct lt_fs *fs;
    struct lt_fs *behind; /* of "served:" */
    void *server;
    char dir[64]; /* of "bindfs:", removed at the end */
};

/* A negative error, said on standard error. */
int kit_source_open(const char *source, struct kit_source *ret);
int kit_source_close(struct kit_source *s);

#endif
