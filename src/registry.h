/* SPDX-License-Identifier: MIT */
/* The one place that names the kinds of file systems: see registry.c. */
#ifndef LT_REGISTRY_H
#define LT_REGISTRY_H

#include <lintel/fs.h>

struct lt_fs_kind {
    const char *name;    /* the word before the colon of a source */
    const char *summary; /* one line for `lintel help sources` */
    int (*open)(const char *options, struct lt_fs **ret, struct lt_diag *diag);
    /*
     * The rest of the line is a command, with colons and commas of its own: options stand before
     * the colon ("fuse,timeout=5:bindfs /usr @"), and open() gets what is behind the name:
     * ",timeout=5:bindfs /usr @".
     */
    bool line;
    /* Whether `options`, standing alone, mean something of this kind that exists, so that the kind
     * need not be said: 1, 0 or an error. NULL: they never do. */
    int (*probe)(const char *options);
};

/* All kinds, ended by name NULL. */
extern const struct lt_fs_kind lt_fs_kinds[];

/* The kind that a source names, or NULL; *ret_options (or NULL): what its open() is to be given. */
const struct lt_fs_kind *lt_fs_kind_of(const char *source, const char **ret_options);

#endif
