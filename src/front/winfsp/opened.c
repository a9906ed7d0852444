// SPDX-License-Identifier: MIT
/* The end of a Create: the opening in the table, and the response. */
#include "create.h"

#include <stdlib.h>

static uint32_t io_flags(const struct opening *o)
{
    uint32_t flags = 0;
    bool has_data = o->has_stream || o->node->type == LT_S_IFREG;
    if (has_data && (o->granted & (LT_FILE_READ_DATA | LT_FILE_EXECUTE)))
        flags |= LT_OPEN_READ;
    if (has_data && (o->granted & (LT_FILE_WRITE_DATA | LT_FILE_APPEND_DATA)))
        flags |= LT_OPEN_WRITE;
    return flags;
}

static struct fsp_file *file_new(struct call *c, const struct opening *o)
{
    struct fsp_file *file = calloc(1, sizeof(*file));
    if (file == NULL)
        return NULL;
    file->refs = 1;
    file->node = lt_node_get(o->node);
    file->owner = lt_node_get(o->found.entry.node);
    file->parent = o->found.parent ? lt_node_get(o->found.parent) : NULL;
    file->name = strdup(o->found.stored);
    file->stream = o->has_stream ? strdup(o->stream) : NULL;
    file->granted = o->granted;
    file->options = o->options;
    file->uid = c->ctx.uid;
    file->gid = c->ctx.gid;
    file->pid = c->ctx.pid;
    file->is_dir = !o->has_stream && o->node->type == LT_S_IFDIR;
    if (file->name == NULL || (o->has_stream && file->stream == NULL)) {
        fsp_file_put(file);
        return NULL;
    }
    return file;
}

/* The name as stored, which the driver is to know the file by; its stream as it was given. */
static void put_name(struct call *c, const struct opening *o)
{
    const struct fsp_found *found = &o->found;
    size_t units = found->full_units;
    struct lt_wide name = c->in.name;
    size_t colon = 0;
    while (colon < name.units && lt_wide_at(name, colon) != ':')
        colon++;
    if (!c->v->fold || units == 0 || units + (name.units - colon) > FSP_FULL_MAX)
        return;
    uint16_t full[FSP_FULL_MAX];
    memcpy(full, found->full, units * sizeof(full[0]));
    for (; colon < name.units; colon++)
        full[units++] = lt_wide_at(name, colon);
    c->rsp->u.create.file_name = lt_fsp_put_text(&c->out, full, units, false);
}

/* The descriptor is a present: without it the driver asks. */
static void put_security(struct call *c, const struct opening *o)
{
    char *descriptor;
    size_t len;
    const struct lt_entry *file = &o->found.entry;
    bool wanted = o->req->flags & LT_FSP_CREATE_ACCEPTS_SECURITY;
    if (!wanted || o->information == LT_FILE_EXISTS || o->information == LT_FILE_DOES_NOT_EXIST ||
        fsp_security_of(c, file->node, &file->attr, &descriptor, &len) < 0)
        return;
    size_t room;
    if (lt_fsp_room(&c->out, 4, &room) && len <= room) {
        c->rsp->u.create.security = lt_fsp_put(&c->out, descriptor, len, 4);
        c->rsp->u.create.flags |= LT_FSP_OPENED_HAS_SECURITY;
    }
    free(descriptor);
}

/* READONLY of a new file where it is a mode: the opening that made it may write all the same. */
static int take_writing(struct call *c, struct opening *o)
{
    struct lt_setattr set = {.mask = 0};
    int r = fsp_win_attrs_set(c->v, &o->attr, LT_WIN_READONLY, &set);
    if (r < 0 || set.mask == 0)
        return r;
    return lt_node_setattr(&c->ctx, o->node, &set, &o->attr);
}

/* A SetSecurity does not say who asks: it counts as who opened the file. */
static void take_token(struct call *c, struct fsp_file *file)
{
    bool user_mode = c->in.req.u.create.flags & LT_FSP_CREATE_USER_MODE;
    if (!user_mode || !(file->granted & LT_ACCESS_WRITE_OWNER))
        return;
    file->giver = c->token;
    c->token = NULL;
}

int32_t fsp_opened(struct call *c, struct opening *o)
{
    struct fsp_file *file = file_new(c, o);
    if (file == NULL)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    uint32_t flags = io_flags(o);
    int r = flags ? lt_node_open(&c->ctx, o->node, flags) : LT_OK;
    if (r == LT_OK) {
        file->open_flags = flags;
        r = o->read_only ? take_writing(c, o) : LT_OK;
    }
    if (r == LT_OK)
        r = fsp_files_add(c->v, file);
    if (r == LT_OK) {
        take_token(c, file);
        struct lt_fsp_create_rsp *rsp = &c->rsp->u.create;
        c->rsp->information = o->information;
        rsp->as = (struct lt_fsp_contexts){file->user, file->user2};
        rsp->granted_access = o->granted;
        fsp_file_info_from(c->v, file, &o->attr, &rsp->info);
        put_name(c, o);
        put_security(c, o);
    }
    fsp_file_put(file);
    return lt_status_from_error(r);
}
