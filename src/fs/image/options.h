/* SPDX-License-Identifier: MIT */
/* The options of a source "image:PATH,option,...". */
#ifndef LT_FS_IMAGE_OPTIONS_H
#define LT_FS_IMAGE_OPTIONS_H

#include "store/store.h"

#include <lintel/image.h>

struct img_options {
    struct img_store_options store; /* the hooks are the caller's */
    uint64_t pending;               /* bytes of data that may wait in memory */
    struct lt_image_params format;  /* of ":memory:" */
    char label[3 * LT_LABEL_UNITS_MAX + 1];
    char fs_name[32];
};

#define IMG_MEMORY ":memory:" /* instead of a path: a fresh image in memory */

/* Takes the path off the front of a source: what is before the first comma, without its
 * backslashes. *ret is to be freed, *ret_rest are the options. LT_ENOMEM. */
int img_options_path(const char *source, char **ret, const char **ret_rest);

/* `fresh`: options of mkfs are allowed too. LT_EINVAL with diag. */
int img_options_parse(const char *text, bool fresh, struct img_options *ret, struct lt_diag *diag);

#endif
