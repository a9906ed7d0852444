/* SPDX-License-Identifier: MIT */
/*
 * The bridge in one process: a file system served over a socket pair, and fusefs at the other end.
 * For tests: everything of fusefs that needs no foreign program is tried over it.
 */
#ifndef LT_TESTS_LOOP_H
#define LT_TESTS_LOOP_H

#include <lintel/fs.h>
#include <lintel/serving.h>

struct lt_fusefs_options; /* fs/fuse/fusefs.h */

struct loop {
    struct lt_fs *served; /* what is at the far end */
    struct lt_serving *serving;
    struct lt_fs *fs; /* fusefs over it */
};

/* Serves the file system of this source; `options` may be NULL, and `packets` as of lt_serving. */
int loop_open(const char *source, const struct lt_fusefs_options *options, bool packets,
              struct loop *ret, struct lt_diag *diag);

/* Ends all of it. The error of lt_fs_close(fs), or of the serving end. */
int loop_close(struct loop *loop);

/* As lt_open_fs(), but "loop:SOURCE" and "loop+stream:SOURCE" stand for fusefs over SOURCE,
 * "loop+plain:SOURCE" for one that takes it for any FUSE server; as lt_fs_close(), for what that
 * opened. Not from several threads at once. */
int loop_open_fs(const char *source, struct lt_fs **ret, struct lt_diag *diag);
int loop_close_fs(struct lt_fs *fs);

#endif
