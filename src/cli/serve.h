/* SPDX-License-Identifier: MIT */
/* The process behind a mounted volume: opens, loads, mounts, serves, saves. */
#ifndef LT_CLI_SERVE_H
#define LT_CLI_SERVE_H

#include "mount_words.h"

/* What to serve. All is borrowed and absolute where it is a path. */
struct lt_serve {
    const char *name;   /* what the mount table shows as the device */
    const char *source; /* with its options */
    const char *dir;
    const char *load, *save; /* NULL: no */
    const char *progress;    /* as --progress */
    bool foreground;
    struct lt_mount_request *request;
};

/* Serves in the foreground until the volume is unmounted, or leaves a process behind that does.
 * Complains on stderr. Returns LT_EXIT_... */
int lt_serve(const struct lt_serve *what);

#endif
