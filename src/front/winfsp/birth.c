// SPDX-License-Identifier: MIT
/*
 * What a new file or directory begins with: owner, permissions and attributes.
 *
 * Where descriptors are stored, the new one is what NT makes of the one asked for, the parent's and
 * the token's, and mode and owner say the same as it, as well as they can. Where they are not, mode
 * and owner come from the descriptor that was asked for, and without any from the caller and the
 * masks of the options.
 */
#include "create.h"

#include <stdlib.h>

#define MODE_ALL 0777u

static int32_t inherit_status(struct call *c, int error)
{
    if (error == LT_EINVAL)
        return LT_STATUS_INVALID_SECURITY_DESCR;
    if (error != LT_EPERM)
        return lt_status_from_error(error);
    uint32_t part = LT_SACL_SECURITY | LT_LABEL_SECURITY;
    char *sacl;
    size_t len;
    /* An owner that may not be given, or a list that takes a privilege: the same asked again,
     * without the second, says which. */
    int r = lt_security_extract(c->in.security, ~part, &sacl, &len);
    if (r < 0)
        return lt_status_from_error(r);
    char *made;
    size_t made_len;
    r = lt_security_inherit(lt_strn(sacl, len), lt_strn(NULL, 0), false, c->token, &made,
                            &made_len);
    free(sacl);
    if (r == LT_OK)
        free(made);
    return r == LT_EPERM ? LT_STATUS_INVALID_OWNER : LT_STATUS_PRIVILEGE_NOT_HELD;
}

/* The descriptor of the new object, malloc'd. */
static int32_t make_descriptor(struct call *c, struct lt_node *parent, bool is_dir, char **ret,
                               size_t *ret_len)
{
    struct lt_attr attr;
    char *above;
    size_t above_len;
    int r = lt_node_getattr(&c->ctx, parent, &attr);
    if (r == LT_OK && c->token == NULL) /* a caller in kernel mode: the system itself */
        r = lt_token_from_ctx(NULL, &c->token);
    if (r == LT_OK)
        r = fsp_security_of(c, parent, &attr, &above, &above_len);
    if (r < 0)
        return lt_status_from_error(r);
    r = lt_security_inherit(c->in.security, lt_strn(above, above_len), is_dir, c->token, ret,
                            ret_len);
    free(above);
    return r < 0 ? inherit_status(c, r) : LT_STATUS_SUCCESS;
}

static int32_t by_descriptor(struct call *c, const struct opening *o, struct birth *birth)
{
    struct lt_create *spec = &birth->spec;
    size_t len;
    int32_t status = make_descriptor(c, o->found.parent, o->dir_only, &birth->security, &len);
    if (status != LT_STATUS_SUCCESS)
        return status;
    spec->uid = c->ctx.uid;
    spec->gid = c->ctx.gid;
    spec->exact = true;
    int r = lt_security_to_mode(lt_strn(birth->security, len), &spec->uid, &spec->gid, &spec->mode);
    if (c->v->options.uid >= 0)
        spec->uid = c->ctx.uid;
    if (c->v->options.gid >= 0)
        spec->gid = c->ctx.gid;
    if (c->v->volume.has_windows)
        spec->security = lt_strn(birth->security, len);
    return lt_status_from_error(r);
}

int32_t fsp_birth(struct call *c, const struct opening *o, struct birth *ret)
{
    bool stored = c->v->volume.has_windows;
    struct lt_create *spec = &ret->spec;
    *ret = (struct birth){.spec.mode = (o->dir_only ? LT_S_IFDIR : LT_S_IFREG) | MODE_ALL};
    uint32_t attrs = o->req->file_attributes & LT_WIN_SETTABLE;
    if (stored)
        spec->win_attrs = attrs | (o->dir_only ? 0 : LT_WIN_ARCHIVE);
    else
        ret->read_only = !o->dir_only && (attrs & LT_WIN_READONLY);
    if (stored || c->in.security.len > 0)
        return by_descriptor(c, o, ret);
    int mask = o->dir_only ? c->v->options.dir_mask : c->v->options.file_mask;
    c->ctx.umask = (uint32_t)mask;
    return LT_STATUS_SUCCESS;
}

void fsp_birth_drop(struct birth *birth)
{
    free(birth->security);
    birth->security = NULL;
}
