/* SPDX-License-Identifier: MIT */
/* One handler an operation, named in the table of wire/fuse/ops.h. See session.h for what they
 * return. */
#ifndef LT_FRONT_FUSE_HANDLERS_H
#define LT_FRONT_FUSE_HANDLERS_H

#include "session.h"

/* init.c */
int on_init(struct call *c);

/* names.c */
int on_lookup(struct call *c);
int on_forget(struct call *c);
int on_batch_forget(struct call *c);
int on_symlink(struct call *c);
int on_mknod(struct call *c);
int on_mkdir(struct call *c);
int on_unlink(struct call *c);
int on_rmdir(struct call *c);
int on_rename(struct call *c);
int on_rename2(struct call *c);
int on_link(struct call *c);
int on_create(struct call *c);
int on_tmpfile(struct call *c);
int on_readlink(struct call *c);

/* attr.c */
int on_getattr(struct call *c);
int on_setattr(struct call *c);
int on_statx(struct call *c);
int on_statfs(struct call *c);
int on_access(struct call *c);

/* data.c */
int on_open(struct call *c);
int on_read(struct call *c);
int on_write(struct call *c);
int on_release(struct call *c);
int on_flush(struct call *c);
int on_fsync(struct call *c);
int on_fallocate(struct call *c);
int on_lseek(struct call *c);
int on_copy_file_range(struct call *c);
int on_copy_file_range_64(struct call *c);

/* dir.c */
int on_opendir(struct call *c);
int on_readdir(struct call *c);
int on_readdirplus(struct call *c);
int on_releasedir(struct call *c);
int on_fsyncdir(struct call *c);

/* xattr.c */
int on_setxattr(struct call *c);
int on_getxattr(struct call *c);
int on_listxattr(struct call *c);
int on_removexattr(struct call *c);

/* locks.c */
int on_getlk(struct call *c);
int on_setlk(struct call *c);
int on_setlkw(struct call *c);

/* private.c: what another Lintel asks beside FUSE */
bool private_is_known(const struct call *c);
int on_private(struct call *c);
int private_volume(struct call *c); /* GETXATTR of LT_LINTEL_VOLUME_XATTR */

/* misc.c */
int on_ioctl(struct call *c);
int on_poll(struct call *c);
int on_bmap(struct call *c);
int on_syncfs(struct call *c);
int on_destroy(struct call *c);
int on_interrupt(struct call *c);
int on_notify_reply(struct call *c);
int on_unsupported(struct call *c);

#endif
