/* SPDX-License-Identifier: MIT */
/*
 * Create, in pieces. The handler (create.c) turns the request into a struct opening; then one of
 *
 *     open.c     opens what is there, whatever the disposition: what the driver overwrites it first
 *                opens, and sends an Overwrite then
 *     make.c     makes a file, directory or stream and opens it
 *     target.c   opens the directory of a name, for a rename
 *
 * does it under a hold on the directory, or on the file whose stream it is, and opened.c puts the
 * opening into the table and the response.
 */
#ifndef LT_FRONT_WINFSP_CREATE_H
#define LT_FRONT_WINFSP_CREATE_H

#include "volume.h"

struct opening {
    const struct lt_fsp_create_req *req;
    uint32_t options; /* LT_FILE_..., without the disposition */
    enum lt_fsp_disposition disposition;
    bool dir_only, file_only, delete_on_close, trailing_backslash;
    bool has_stream;
    char stream[LT_NAME_MAX + 1];
    struct fsp_found found;

    /* What becomes of it */
    struct lt_node *node; /* with a reference; `found` has the file */
    struct lt_attr attr;  /* of the node */
    uint32_t granted;
    uint32_t information; /* LT_FILE_OPENED and so on */
};

/* Each: a status. */
int32_t fsp_open_existing(struct call *c, struct opening *o);
int32_t fsp_make(struct call *c, struct opening *o);
int32_t fsp_open_target(struct call *c, struct opening *o);

/* Opens o->node for I/O, adds it to the table and fills the response. */
int32_t fsp_opened(struct call *c, struct opening *o);

#endif
