/* SPDX-License-Identifier: MIT */
/* Saves a file system to a directory tree, tar file or disk image: now and then in a thread, and
 * once more at the end. */
#ifndef LT_CLI_SAVER_H
#define LT_CLI_SAVER_H

#include <base/json.h>
#include <lintel/fs.h>
#include <os/os.h>

struct lt_saver {
    /* immutable */
    struct lt_fs *fs;
    const char *path; /* absolute; NULL: there is nothing to save to */

    struct lt_mutex lock;
    struct lt_cond ended;
    bool running GUARDED_BY(lock);
    uint64_t count GUARDED_BY(lock);        /* complete saves */
    struct lt_time last GUARDED_BY(lock);   /* end of the last complete one */
    int error GUARDED_BY(lock);             /* of the last one; LT_OK */
    struct lt_diag reason GUARDED_BY(lock); /* of error */
    struct lt_thread *thread GUARDED_BY(lock);

    /* of the save that runs or ran last */
    atomic_ullong files, bytes, skipped;
    atomic_bool cancel;
};

/* Starts a save on a thread of its own. LT_EINVAL without a path, LT_EALREADY if one is running. */
int lt_saver_start(struct lt_saver *saver);

/* Fills a file system from a directory, tar file or disk image, with progress on stderr as
 * --progress says; complains. */
int lt_load(struct lt_fs *fs, const char *path, const char *when);

/* Waits for one that is running, and saves on the calling thread. Without a path nothing happens.
 */
int lt_saver_finish(struct lt_saver *saver);

/* Members of the object that is open: path, state ("never", "running", "done", "failed"), files,
 * bytes, count, last, error. */
void lt_saver_report(struct lt_saver *saver, struct lt_json *json);

#endif
