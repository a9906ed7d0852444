/* SPDX-License-Identifier: MIT */
/* The form of reparse data (MS-FSCC 2.1.2). */
#ifndef LT_CORE_REPARSE_H
#define LT_CORE_REPARSE_H

#include <lintel/fs.h>

/* Whether data is a whole REPARSE_DATA_BUFFER or REPARSE_GUID_DATA_BUFFER: 0 or LT_EINVAL. */
int lt_reparse_check(struct lt_str data);

/* The same for what FSCTL_DELETE_REPARSE_POINT takes: a header with no data behind it. */
int lt_reparse_check_header(struct lt_str data);

#endif
