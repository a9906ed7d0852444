/* SPDX-License-Identifier: MIT */
/* The value of user.DOSATTRIB (Samba librpc/idl/xattr.idl, xattr_DOSATTRIB). */
#ifndef LT_CORE_DOSATTRIB_H
#define LT_CORE_DOSATTRIB_H

#include <lintel/error.h>
#include <lintel/types.h>

struct lt_dosattrib {
    uint32_t attrib;      /* LT_WIN_... */
    uint64_t create_time; /* FILETIME */
    bool has_attrib, has_create_time;
};

#define LT_DOSATTRIB_SIZE_MAX 64u

/* LT_EINVAL: neither a known version nor "0x" and hexadecimal digits. */
int lt_dosattrib_decode(struct lt_str value, struct lt_dosattrib *ret);

/* Version 3 into buf; returns its length. If `size`, less than that, is enough for the text alone,
 * just the text. LT_ERANGE. */
int lt_dosattrib_encode(const struct lt_dosattrib *info, uint64_t file_size, uint32_t ea_size,
                        char *buf, size_t size);

#endif
