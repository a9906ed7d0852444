/* SPDX-License-Identifier: MIT */
/*
 * Security descriptors as text: the Security Descriptor Definition Language
 * (MS-DTYP 2.5.1), "O:BAG:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;WD)".
 *
 * Understood: O: G: D: S:, the flags P, AR and AI, the entry types A D AU AL OA OD
 * OU and ML, all inheritance and audit flags, rights as letters or numbers (hex,
 * octal, decimal), GUIDs of object entries, SIDs in S-1-... form, also with hex, and
 * the aliases of MS-DTYP 2.5.1.1 that need no domain. Conditional entries are not.
 */
#ifndef LINTEL_SDDL_H
#define LINTEL_SDDL_H

#include <lintel/error.h>
#include <lintel/types.h>

/* Text into a self-relative security descriptor in malloc'd memory. LT_EINVAL: diag says where;
 * LT_ENOMEM. */
int lt_sddl_parse(const char *text, char **ret_descriptor, size_t *ret_len, struct lt_diag *diag);

/* A self-relative security descriptor into malloc'd text. LT_EINVAL (its form; entries that SDDL
 * text here cannot say), LT_ENOMEM. */
int lt_sddl_format(struct lt_str descriptor, char **ret_text);

#endif
