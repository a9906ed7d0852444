/* SPDX-License-Identifier: MIT */
/* Progress on stderr: a line that is drawn again, or JSON, one object a line. */
#ifndef LT_CLI_PROGRESS_H
#define LT_CLI_PROGRESS_H

#include <lintel/types.h>

struct lt_progress {
    enum { LT_PROGRESS_NONE, LT_PROGRESS_LINE, LT_PROGRESS_JSON } form;
    const char *what; /* "saving" */
    uint64_t started_ns, shown_ns;
    bool drawn;
    bool patient; /* lt_progress_patient() was called */
    bool shares;  /* lt_progress_share() was called, last with these: */
    uint64_t done, total;
};

/* `when`: "auto", "always", "never", "json", or NULL for auto. `what` is borrowed. */
void lt_progress_begin(struct lt_progress *progress, const char *when, const char *what);

/* Without being asked for it shows only what takes longer than a second. */
void lt_progress_patient(struct lt_progress *progress, const char *when);

/* Shows it, if the last time was long enough ago. `of_bytes` 0: not known. */
void lt_progress_show(struct lt_progress *progress, uint64_t files, uint64_t bytes,
                      uint64_t of_bytes);

/* The same for what has no files and bytes: how much of all is done. */
void lt_progress_share(struct lt_progress *progress, uint64_t done, uint64_t total);

/* The last word: always shown. */
void lt_progress_end(struct lt_progress *progress, uint64_t files, uint64_t bytes, bool ok);

#endif
