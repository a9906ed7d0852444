/* SPDX-License-Identifier: MIT */
/* Modes as chmod(1) writes them. */
#ifndef LT_CLI_MODE_H
#define LT_CLI_MODE_H

#include <lintel/types.h>

/*
 * "0644", or clauses such as "u=rw,go-w,a+X". *ret: what becomes of the permission bits
 * `mode` (type included: X asks). Clauses without u, g, o, a leave out what `umask`
 * has. False if the text is none.
 */
bool lt_mode_parse(const char *text, uint32_t mode, uint32_t umask, uint32_t *ret);

#endif
