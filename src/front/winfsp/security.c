// SPDX-License-Identifier: MIT
/*
 * Who may do what. Access is decided by security descriptors, also on file systems that have none:
 * there one is made of owner, group and mode. It is decided once, when a file is opened, and when a
 * rename replaces something.
 */
#include "volume.h"

#include <stdlib.h>

int32_t fsp_call_token(struct call *c, uint64_t token)
{
    struct lt_winfsp *v = c->v;
    c->ctx.pid = (uint32_t)(token >> 32);
    if (token != 0) {
        int r = v->port->token(v->port, (uint32_t)token, &c->token);
        if (r < 0)
            return r == LT_ENOMEM ? LT_STATUS_INSUFFICIENT_RESOURCES : LT_STATUS_ACCESS_DENIED;
        c->ctx.uid = lt_sid_to_id(&c->token->user, NULL);
        c->ctx.gid = lt_sid_to_id(&c->token->primary_group, NULL);
        for (size_t i = 0; i < c->token->group_count && c->ctx.group_count < FSP_GROUPS_MAX; i++) {
            if (c->token->groups[i].flags & LT_SID_ENABLED)
                c->groups[c->ctx.group_count++] = lt_sid_to_id(&c->token->groups[i].sid, NULL);
        }
    }
    if (v->options.uid >= 0)
        c->ctx.uid = (uint32_t)v->options.uid;
    if (v->options.gid >= 0)
        c->ctx.gid = (uint32_t)v->options.gid;
    return LT_STATUS_SUCCESS;
}

static int copy(struct lt_str bytes, char **ret, size_t *ret_len)
{
    char *buf = malloc(bytes.len);
    if (buf == NULL)
        return LT_ENOMEM;
    memcpy(buf, bytes.s, bytes.len);
    *ret = buf;
    *ret_len = bytes.len;
    return LT_OK;
}

#define SECURITY_USUAL 512u /* bytes in which most descriptors fit */

/* The stored descriptor. LT_ENODATA if there is none. */
static int stored_security(struct call *c, struct lt_node *node, char **ret, size_t *ret_len)
{
    char usual[SECURITY_USUAL];
    int n = lt_node_security_get(&c->ctx, node, usual, sizeof(usual));
    if (n >= 0)
        return copy(lt_strn(usual, (size_t)n), ret, ret_len);
    if (n != LT_ERANGE)
        return n == LT_EOPNOTSUPP ? LT_ENODATA : n;
    char *buf = malloc(LT_SECURITY_SIZE_MAX);
    if (buf == NULL)
        return LT_ENOMEM;
    n = lt_node_security_get(&c->ctx, node, buf, LT_SECURITY_SIZE_MAX);
    if (n < 0) {
        free(buf);
        return n;
    }
    *ret = buf;
    *ret_len = (size_t)n;
    return LT_OK;
}

int fsp_security_of(struct call *c, struct lt_node *node, const struct lt_attr *attr, char **ret,
                    size_t *ret_len)
{
    struct lt_winfsp *v = c->v;
    if (v->volume.has_windows && (attr->has & LT_HAS_SECURITY)) {
        int r = stored_security(c, node, ret, ret_len);
        if (r != LT_ENODATA)
            return r;
    }
    if (node == lt_fs_root(v->fs) && v->root_security.len > 0)
        return copy(v->root_security, ret, ret_len);
    return lt_security_from_mode(attr->uid, attr->gid, attr->mode, ret, ret_len);
}

static bool is_trusted(const struct call *c)
{
    return c->token == NULL || (c->in.req.kind == LT_FSP_CREATE &&
                                !(c->in.req.u.create.flags & LT_FSP_CREATE_USER_MODE));
}

int32_t fsp_access(struct call *c, struct lt_node *node, const struct lt_attr *attr,
                   uint32_t desired, uint32_t *ret)
{
    uint32_t granted = lt_access_map_generic(desired);
    if (is_trusted(c)) {
        if (granted & LT_ACCESS_MAXIMUM_ALLOWED)
            granted = (granted & ~(uint32_t)LT_ACCESS_MAXIMUM_ALLOWED) | LT_ACCESS_FILE_ALL;
    } else {
        char *descriptor;
        size_t len;
        int r = fsp_security_of(c, node, attr, &descriptor, &len);
        if (r < 0)
            return lt_status_from_error(r);
        bool intent = c->in.req.kind == LT_FSP_CREATE &&
                      (c->in.req.u.create.options & LT_FILE_OPEN_FOR_BACKUP_INTENT);
        r = lt_security_access(lt_strn(descriptor, len), c->token, desired, intent, &granted);
        free(descriptor);
        if (r < 0)
            return r == LT_EPERM ? LT_STATUS_PRIVILEGE_NOT_HELD : lt_status_from_error(r);
    }
    if (ret)
        *ret = granted;
    return LT_STATUS_SUCCESS;
}
