/* SPDX-License-Identifier: MIT */
/* The form of reparse data (MS-FSCC 2.1.2). */
#ifndef LT_CORE_REPARSE_H
#define LT_CORE_REPARSE_H

#include <lintel/fs.h>

/* Whether data is a whole REPARSE_DATA_BUFFER or REPARSE_GUID_DATA_BUFFER: 0 or LT_EINVAL. */
int lt_reparse_check(struct lt_str data);

/* The same for what FSCTL_DELETE_REPARSE_POINT takes: a header with no data behind it. */
int lt_reparse_check_header(struct lt_str data);

/* The tag of reparse data of good form. */
uint32_t lt_reparse_tag(struct lt_str data);

/* Whether both (data, or a header) have the same tag, and the same GUID where the tag is somebody's
 * own. */
bool lt_reparse_same_sort(struct lt_str a, struct lt_str b);

#endif
