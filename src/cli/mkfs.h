/* SPDX-License-Identifier: MIT */
/* The names mkfs(8) and fsck(8) call us by, and the places they share with lintel's own commands.
 */
#ifndef LT_CLI_MKFS_H
#define LT_CLI_MKFS_H

/* mkfs.lintel [-L LABEL] [-b SIZE] [-n] [-q] [-v] DEVICE [SIZE] */
int lt_mkfs_helper(int argc, char **argv);

/* fsck.lintel [-apynfv] [-C FD] DEVICE */
int lt_fsck_helper(int argc, char **argv);

#endif
