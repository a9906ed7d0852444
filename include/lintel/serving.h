/* SPDX-License-Identifier: MIT */
/*
 * Serving a Lintel file system over a socket or a pair of pipes to whoever speaks the FUSE protocol
 * at the other end, as a kernel does: another Lintel (fuse+unix:, fuse+stdio:), a virtual machine
 * monitor, a test. No privileges are needed, and nothing that the peer says is trusted.
 *
 * Several peers may be served one file system at the same time; each hears of what the others
 * change.
 */
#ifndef LINTEL_SERVING_H
#define LINTEL_SERVING_H

#include <lintel/mount.h>

struct lt_serving;

/*
 * Serves fs on `in` and `out` (the same descriptor for a socket), which it takes over, also if it
 * fails. With `packets` each message is one packet (SOCK_SEQPACKET). Returns at once; what is about
 * the kernel in `options` is ignored. ended(arg) is called once when the peer has left or
 * lt_serving_stop() was called, on a thread of its own; it must not call lt_serving_end(). fs must
 * outlive it.
 */
int lt_serving_start(struct lt_fs *fs, int in, int out, bool packets,
                     const struct lt_mount_options *options, void (*ended)(void *arg), void *arg,
                     struct lt_serving **ret);

/* Takes leave of the peer: what has begun is answered, no more is received. Any thread. */
void lt_serving_stop(struct lt_serving *serving);

/* Stops if that has not happened, joins all threads, frees everything. 0, or why it ended if the
 * peer broke the protocol (LT_EPROTO). NULL is ignored. */
int lt_serving_end(struct lt_serving *serving);

#endif
