// SPDX-License-Identifier: MIT
/*
 * EAs: the dispatcher hands over all of a file, the driver picks (sys/ea.c of WinFsp; MS-FSCC
 * 2.4.16). Names compare without regard to ASCII case and are shown in upper case.
 */
#include "driver.h"
#include "reply.h"

#include <stdlib.h>

#define EA_NAME_MAX 254u
#define EA_BUFFER_MAX 65536u

static char upper(char c)
{
    return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

/* FsRtlIsAnsiCharacterLegalFat: what may be in a name. */
static bool name_is_valid(struct lt_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.s[i];
        if (c < 0x20 || strchr("\"*+,/:;<=>?[\\]|", c))
            return false;
    }
    return name.len > 0 && name.len <= EA_NAME_MAX;
}

int32_t drv_ea_check(struct lt_str list)
{
    struct lt_fsp_ea ea;
    size_t at = 0;
    int r;
    while ((r = lt_fsp_ea_next(list, &at, &ea)) > 0) {
        if (!name_is_valid(ea.name))
            return LT_STATUS_INVALID_EA_NAME;
    }
    return r < 0 ? LT_STATUS_EA_LIST_INCONSISTENT : LT_STATUS_SUCCESS;
}

/* ---- Picking -----------------------------------------------------------------------------------
 */

struct picking {
    struct lt_str all;
    bool keep_case, single;
    struct lt_fsp_entries out;
    size_t last;
};

static bool put(struct picking *p, struct lt_fsp_ea ea)
{
    char name[UINT8_MAX];
    for (size_t i = 0; i < ea.name.len; i++)
        name[i] = p->keep_case ? ea.name.s[i] : upper(ea.name.s[i]);
    ea.name.s = name;
    return lt_fsp_put_ea(&p->out, &p->last, &ea);
}

static bool name_equal(struct lt_str a, struct lt_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (upper(a.s[i]) != upper(b.s[i]))
            return false;
    }
    return true;
}

/* The next of a FILE_GET_EA_INFORMATION list. 1, 0, or LT_EPROTO. */
static int get_next(struct lt_str list, size_t *at, struct lt_str *ret)
{
    struct lt_le32 le;
    if (*at >= list.len)
        return 0;
    size_t left = list.len - *at;
    if (left < 6)
        return LT_EPROTO;
    memcpy(&le, list.s + *at, sizeof(le));
    size_t next = lt_get_le32(le), len = (uint8_t)list.s[*at + 4];
    if (len + 6 > left || (next && (next < len + 6 || next % 4 != 0 || next >= left)))
        return LT_EPROTO;
    *ret = lt_strn(list.s + *at + 5, len);
    *at = next ? *at + next : list.len;
    return 1;
}

static bool asked_before(struct lt_str names, size_t end, struct lt_str name)
{
    struct lt_str other;
    size_t at = 0;
    while (at < end && get_next(names, &at, &other) > 0) {
        if (other.s != name.s && name_equal(other, name))
            return true;
        if (other.s == name.s)
            return false;
    }
    return false;
}

static struct lt_fsp_ea find(struct lt_str all, struct lt_str name)
{
    struct lt_fsp_ea ea;
    size_t at = 0;
    while (lt_fsp_ea_next(all, &at, &ea) > 0) {
        if (name_equal(ea.name, name))
            return ea;
    }
    return (struct lt_fsp_ea){.name = name, .value = {"", 0}};
}

/* Those of a list of names, in its order; what is not there has no value. */
static int32_t pick_named(struct picking *p, struct lt_str names)
{
    struct lt_str name;
    size_t at = 0;
    int r;
    while ((r = get_next(names, &at, &name)) > 0) {
        if (asked_before(names, at, name))
            continue;
        if (!name_is_valid(name))
            return LT_STATUS_INVALID_EA_NAME;
        if (!put(p, find(p->all, name))) {
            p->out.len = 0;
            return LT_STATUS_BUFFER_OVERFLOW;
        }
        if (p->single)
            break;
    }
    return r < 0 ? LT_STATUS_EA_LIST_INCONSISTENT : LT_STATUS_SUCCESS;
}

/* From the one with this number on, which moves behind what was answered. */
static int32_t pick_from(struct picking *p, bool numbered, uint32_t *index)
{
    struct lt_fsp_ea ea;
    size_t at = 0;
    uint32_t i = 1;
    bool more = true;
    if (numbered && *index == 0)
        return LT_STATUS_NONEXISTENT_EA_ENTRY;
    while (i < *index && lt_fsp_ea_next(p->all, &at, &ea) > 0)
        i++;
    bool any = at != 0 || p->all.len != 0;
    while ((more = lt_fsp_ea_next(p->all, &at, &ea) > 0)) {
        if (!put(p, ea)) {
            if (p->last == SIZE_MAX)
                return LT_STATUS_BUFFER_TOO_SMALL;
            break;
        }
        i++;
        if (p->single)
            break;
    }
    if (p->last == SIZE_MAX && numbered)
        return *index == i ? LT_STATUS_NO_MORE_EAS : LT_STATUS_NONEXISTENT_EA_ENTRY;
    if (p->last == SIZE_MAX)
        return any ? LT_STATUS_NO_MORE_EAS : LT_STATUS_NO_EAS_ON_FILE;
    *index = i;
    return more && !p->single ? LT_STATUS_BUFFER_OVERFLOW : LT_STATUS_SUCCESS;
}

/* ---- Calls -------------------------------------------------------------------------------------
 */

/* All EAs of a file, in at most EA_BUFFER_MAX bytes. */
static int32_t query_all(struct nt_file *file, uint8_t *buf, size_t *ret_len)
{
    if (drv_kept(file->node, DRV_KEEP_EA, buf, EA_BUFFER_MAX, ret_len))
        return LT_STATUS_SUCCESS;
    struct drv_call *call = malloc(sizeof(*call));
    if (!call)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    drv_call_begin(call, file->v, LT_FSP_QUERY_EA);
    drv_call_of(call, file);
    int32_t status = drv_call(call);
    if (status == LT_STATUS_SUCCESS) {
        struct lt_str all = call->rsp.data;
        *ret_len = all.len;
        if (all.len)
            memcpy(buf, all.s, all.len);
        status = drv_ea_check(all);
        if (status != LT_STATUS_SUCCESS)
            drv_fault(file->v, "QueryEa: a list that is none (%s)", lt_status_name(status));
        else
            drv_keep(file->node, DRV_KEEP_EA, buf, *ret_len);
    }
    free(call);
    return status;
}

static int32_t pick(struct nt_file *file, struct picking *p, struct lt_str names, uint32_t index,
                    bool restart)
{
    if (names.len)
        return pick_named(p, names);
    lt_mutex_lock(&file->dir);
    bool numbered = index != NT_NO_INDEX;
    uint32_t from = numbered ? index : restart ? 0 : file->ea_index;
    int32_t status = pick_from(p, numbered, &from);
    if (status == LT_STATUS_SUCCESS || status == LT_STATUS_BUFFER_OVERFLOW)
        file->ea_index = from;
    lt_mutex_unlock(&file->dir);
    return status;
}

int32_t nt_query_ea(struct nt_file *file, struct lt_str names, uint32_t index, bool restart,
                    bool single, void *buf, size_t size, size_t *ret)
{
    uint32_t flags = file->v->params.flags;
    *ret = 0;
    if (!(flags & LT_FSP_VOLUME_EAS))
        return LT_STATUS_INVALID_DEVICE_REQUEST;
    if (!(file->access & LT_FILE_READ_EA))
        return LT_STATUS_ACCESS_DENIED;
    struct picking p = {.keep_case = flags & LT_FSP_VOLUME_EA_CASE,
                        .single = single,
                        .out = {.buf = buf, .size = size},
                        .last = SIZE_MAX};
    uint8_t *all = malloc(EA_BUFFER_MAX);
    if (!all)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    lt_rwlock_read(&file->node->lock);
    int32_t status = query_all(file, all, &p.all.len);
    p.all.s = (char *)all;
    if (status == LT_STATUS_SUCCESS)
        status = pick(file, &p, names, index, restart);
    lt_rwlock_read_unlock(&file->node->lock);
    free(all);
    *ret = p.out.len;
    return status;
}

static int32_t set_locked(struct nt_file *file, struct lt_str list)
{
    struct drv_node *node = file->node;
    struct drv_call *call = malloc(sizeof(*call));
    if (!call)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    drv_call_begin(call, file->v, LT_FSP_SET_EA);
    drv_call_of(call, file);
    call->req->u.set_ea.ea = lt_fsp_put(&call->out, list.s, list.len, 8);
    int32_t status = drv_call(call);
    if (status == LT_STATUS_SUCCESS) {
        struct lt_str all = call->rsp.data;
        drv_keep(node, DRV_KEEP_EA, all.len ? all.s : NULL, all.len);
        drv_keep_info(node, &call->rsp.rsp.u.set_ea.info, false);
        file->set_metadata = true;
        drv_changed(node, DRV_CHANGED_EA, DRV_ACTION_MODIFIED);
    }
    free(call);
    return status;
}

int32_t nt_set_ea(struct nt_file *file, struct lt_str list)
{
    if (!(file->v->params.flags & LT_FSP_VOLUME_EAS))
        return LT_STATUS_INVALID_DEVICE_REQUEST;
    if (!(file->access & LT_FILE_WRITE_EA))
        return LT_STATUS_ACCESS_DENIED;
    int32_t status = drv_ea_check(list);
    if (status != LT_STATUS_SUCCESS)
        return status;
    lt_rwlock_write(&file->node->lock);
    status = set_locked(file, list);
    lt_rwlock_write_unlock(&file->node->lock);
    return status;
}
