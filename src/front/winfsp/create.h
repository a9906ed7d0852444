/* SPDX-License-Identifier: MIT */
/*
 * Create, in pieces. The handler (create.c) turns the request into a struct opening; then one of
 *
 *     open.c     opens what is there, whatever the disposition: what the driver overwrites it first
 *                opens, and sends an Overwrite then
 *     make.c     makes a file, directory or stream and opens it; birth.c says with which owner,
 *                permissions and attributes
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

    /* What becomes of it */
    struct lt_node *node; /* with a reference; `found` has the file */
    struct lt_attr attr;  /* of the node */
    uint32_t granted;
    uint32_t information; /* LT_FILE_OPENED and so on */
    bool read_only;       /* nobody may write it once this opening may */

    struct fsp_found found; /* the last: it is large, and fsp_walk() fills it */
};

/* Each: a status. */
int32_t fsp_open_existing(struct call *c, struct opening *o);
int32_t fsp_make(struct call *c, struct opening *o);
int32_t fsp_open_target(struct call *c, struct opening *o);

/* Undoes what fsp_make() made, if it was that. */
void fsp_unmake(struct call *c, struct opening *o);

/* Whether the caller gets `extra` of the file in o->found and what he wants of it: fills
 * o->granted, without the extra. Says so too if it is READONLY and is to be changed. A status. */
int32_t fsp_check_file(struct call *c, struct opening *o, uint32_t extra);
/* Whether the caller may make something in a directory. A status. */
int32_t fsp_may_make(struct call *c, struct opening *o, struct lt_node *dir);

/* Room for `size` bytes of data, the size unchanged: reserved where that is possible. LT_ENOSPC. */
int fsp_reserve(struct call *c, struct lt_node *node, uint64_t size);

struct birth {
    struct lt_create spec;
    char *security; /* what spec.security lies in, malloc'd, or NULL */
    bool read_only; /* is to become so once it is open */
};

/* Sets c->ctx.umask besides. A status; to be dropped in each case. */
int32_t fsp_birth(struct call *c, const struct opening *o, struct birth *ret);
void fsp_birth_drop(struct birth *birth);

/* Opens o->node for I/O, adds it to the table and fills the response. */
int32_t fsp_opened(struct call *c, struct opening *o);

#endif
