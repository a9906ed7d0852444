/* SPDX-License-Identifier: MIT */
/* Running in the background: the fork, telling the waiting parent and the service manager, the log.
 */
#ifndef LT_CLI_DAEMON_H
#define LT_CLI_DAEMON_H

#include <stdbool.h>

/* Between the process that was called and the one that stays. */
struct lt_launch {
    bool foreground;
    int ready_fd; /* the parent reads an end of file or one byte from it; -1: nobody waits */
};

/*
 * Calls fn(arg, launch) in the foreground and returns its result, or in a child
 * process: then returns what the child made known by lt_launch_ready(), or the exit code
 * with which it ended before. No threads may run yet. LT_EXIT_...
 */
int lt_launch(bool foreground, int (*fn)(void *arg, struct lt_launch *launch), void *arg);

/*
 * The volume answers: lets the parent go with success, cuts the ties to its terminal and
 * directory, and tells systemd. Messages go to the log from now on.
 */
void lt_launch_ready(struct lt_launch *launch);

/* One or more lines NAME=VALUE to the service manager, if there is one: sd_notify(3). */
void lt_service_notify(const char *lines);

/* ---- The log --------------------------------------------------------------------------------- */

/*
 * Where lines go once the volume answers: `path` (appended to), stderr in the
 * foreground, else syslog. False if `path` cannot be opened (errno).
 */
bool lt_log_open(const char *path, bool foreground);

/* For lt_mount_options.log; any thread. */
void lt_log_line(void *arg, const char *line);

/* Any thread. */
void lt_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
