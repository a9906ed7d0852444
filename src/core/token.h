/* SPDX-License-Identifier: MIT */
/* What tokens say of SIDs. */
#ifndef LT_CORE_TOKEN_H
#define LT_CORE_TOKEN_H

#include "descriptor.h"

/* Whether the token stands for this SID: to be granted something, or (`deny`) to be denied it,
 * where groups that are for denying only count too. */
bool token_has(const struct lt_token *token, const struct lt_sid *sid, bool deny);

/* The level of integrity, MS-DTYP 2.4.2.4: S-1-16-level. */
uint32_t token_integrity(const struct lt_token *token);

#define INTEGRITY_AUTHORITY 16u
#define INTEGRITY_MEDIUM 0x2000u
#define INTEGRITY_SYSTEM 0x4000u

#endif
