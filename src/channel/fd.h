/* SPDX-License-Identifier: MIT */
/* Descriptors that carry messages: sockets and pipes. What both ends of a channel need of them. */
#ifndef LT_CHANNEL_FD_H
#define LT_CHANNEL_FD_H

#include <lintel/types.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Headers, fixed arguments, names and supplementary groups beside the payload, at most. */
#define LT_FD_FIXED_MAX 4096u

/*
 * Makes it non-blocking. Of a socket, tries to let one message of `message` bytes lie in its
 * buffers, in either direction; of a pipe, as much as is usual. *ret_socket: whether it is one.
 */
int lt_fd_prepare(int fd, size_t message, bool *ret_socket);

/*
 * How long a packet may be that is sent on this socket: what its send buffer holds. Without
 * privileges (CAP_NET_ADMIN) the system's limit, net.core.wmem_max, counts: often 416 KiB.
 */
size_t lt_fd_packet_max(int fd);

/* writev(2) without SIGPIPE. Bytes, or a negative error: LT_EAGAIN if it is full. */
ssize_t lt_fd_write(int fd, bool is_socket, const struct iovec *iov, size_t count);

/* As read(2), readv(2): bytes, 0 at the end, or a negative error: LT_EAGAIN if there is nothing. */
ssize_t lt_fd_read(int fd, const struct iovec *iov, size_t count);

/* Drops the first n bytes. */
void lt_iov_advance(struct iovec **iov, size_t *count, size_t n);

/* Fills iov with `segs` from byte `from` on. Returns how many it took. */
size_t lt_iov_fill(struct iovec *iov, const struct lt_seg *segs, size_t count, size_t from);

size_t lt_segs_size(const struct lt_seg *segs, size_t count);

#endif
