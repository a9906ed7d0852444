// SPDX-License-Identifier: MIT
/*
 * Extended attributes. The driver has checked lists and names and made the names upper case; it
 * also picks what a program asked for out of all the EAs that a query gives it.
 */
#include "volume.h"

#include <stdlib.h>

static size_t count_eas(struct lt_str data)
{
    struct lt_fsp_ea ea;
    size_t at = 0, count = 0;
    int r;
    while ((r = lt_fsp_ea_next(data, &at, &ea)) > 0)
        count++;
    return r < 0 ? SIZE_MAX : count;
}

/* As MS-FSCC 2.4.16 has them; the file system checks once more and says nothing of the reason. */
static bool is_name(struct lt_str name)
{
    if (name.len == 0 || name.len > 254)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char ch = (unsigned char)name.s[i];
        if (ch < 0x20 || ch >= 0x7f || strchr("\\/:*?\"<>|,+=[];", ch))
            return false;
    }
    return true;
}

int32_t fsp_ea_decode(struct lt_str data, struct lt_ea **ret, size_t *ret_count)
{
    size_t count = count_eas(data), at = 0;
    struct lt_ea *list = NULL;
    if (count == SIZE_MAX)
        return LT_STATUS_EA_LIST_INCONSISTENT;
    if (count) {
        list = calloc(count, sizeof(*list));
        if (list == NULL)
            return LT_STATUS_INSUFFICIENT_RESOURCES;
    }
    for (size_t i = 0; i < count; i++) {
        struct lt_fsp_ea ea;
        lt_fsp_ea_next(data, &at, &ea);
        if (!is_name(ea.name) || (ea.flags & ~LT_EA_NEED)) {
            free(list);
            return LT_STATUS_INVALID_EA_NAME;
        }
        list[i] = (struct lt_ea){ea.name, ea.value, ea.flags};
    }
    *ret = list;
    *ret_count = count;
    return LT_STATUS_SUCCESS;
}

struct listing {
    struct lt_fsp_entries out;
    size_t last;
};

static int put_ea(void *arg, const struct lt_ea *ea)
{
    struct listing *l = arg;
    struct lt_fsp_ea entry = {.name = ea->name, .value = ea->value, .flags = ea->flags};
    return lt_fsp_put_ea(&l->out, &l->last, &entry) ? 0 : LT_ERANGE;
}

/* All EAs into the response. LT_ERANGE: more than it holds. */
static int put_eas(struct call *c, struct lt_fsp_buf *ret)
{
    struct listing l = {.last = SIZE_MAX};
    l.out.buf = lt_fsp_room(&c->out, 8, &l.out.size);
    int r = lt_node_ea_list(&c->ctx, c->file->owner, put_ea, &l);
    if (r == 0)
        *ret = lt_fsp_take(&c->out, l.out.len, 8);
    return r;
}

int32_t fsp_query_ea(struct call *c)
{
    int r = put_eas(c, &c->rsp->u.buffer);
    return r == LT_ERANGE ? LT_STATUS_EA_LIST_INCONSISTENT : lt_status_from_error(r);
}

static int32_t set_status(int error)
{
    switch (error) {
    case LT_E2BIG:
        return LT_STATUS_EA_TOO_LARGE;
    case LT_EOPNOTSUPP:
        return LT_STATUS_EAS_NOT_SUPPORTED;
    default:
        return lt_status_from_error(error);
    }
}

int32_t fsp_set_ea(struct call *c)
{
    struct lt_ea *list;
    size_t count;
    int32_t status = fsp_ea_decode(c->in.data, &list, &count);
    if (status < 0)
        return status;
    int r = lt_node_ea_set(&c->ctx, c->file->owner, list, count, false);
    free(list);
    if (r == 0)
        r = fsp_file_info(c, c->file, &c->rsp->u.set_ea.info);
    /* They are set. If not all of them fit the response, the driver has to ask. */
    if (r == 0)
        put_eas(c, &c->rsp->u.set_ea.ea);
    return set_status(r);
}
