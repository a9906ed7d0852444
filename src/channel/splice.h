/* SPDX-License-Identifier: MIT */
/*
 * Sends a message whose body lies in a file without reading it into memory of ours: a pipe
 * holds the header and references to pages of the system's cache, and the receiver
 * copies out of those. Used by one thread. Zero-initialised is closed.
 */
#ifndef LT_CHANNEL_SPLICE_H
#define LT_CHANNEL_SPLICE_H

#include <lintel/fs.h>

struct lt_splice {
    bool open;
    bool failed;     /* this system has no pipe that is large enough, or does not splice */
    int pipe[2];     /* if open: to read from, to write to; empty between messages */
    size_t capacity; /* slots: each takes up to a page */
    size_t filled;   /* bytes */
};

/* Makes a message of a header (of at most a page) and bytes of a file. LT_EOPNOTSUPP: it does not
 * fit, the file has fewer bytes, or cannot be spliced; then there is no message. */
int lt_splice_fill(struct lt_splice *splice, const void *header, size_t len, int fd,
                   const struct lt_file_range *ranges, size_t count);

/* Sends it in one piece. What cannot be sent is gone. */
int lt_splice_send(struct lt_splice *splice, int to);

void lt_splice_close(struct lt_splice *splice);

#endif
