// SPDX-License-Identifier: MIT
/*
 * Directory queries: the dispatcher lists, the driver picks what the pattern asks for and remembers
 * the last name to go on behind it (sys/dirctl.c of WinFsp; MS-FSCC 2.4 for the entries).
 */
#include "driver.h"
#include "reply.h"

#include <stdlib.h>

enum {
    DIR_DIRECTORY = 1,
    DIR_FULL = 2,
    DIR_BOTH = 3,
    DIR_NAMES = 12,
    DIR_ID_BOTH = 37,
    DIR_ID_FULL = 38
};

#define QUERY_MAX 65536u /* bytes that are asked for at once (FspFsvolQueryDirectoryLengthMax) */
#define NAME_GUESS 48u   /* bytes of a name, on average */
#define SHORT_NAME_FIELD 26u /* ShortNameLength, a byte of padding, ShortName */

/* What a handle has listed so far. */
struct drv_listing {
    uint16_t pattern[256];
    size_t pattern_len; /* 0: everything */
    uint16_t marker[256];
    size_t marker_len;      /* 0: from the start */
    uint64_t marker_offset; /* of the same entry, with LT_FSP_VOLUME_MARKER_OFFSET */
    bool found;             /* something was answered */
};

struct query {
    struct nt_file *file;
    struct drv_listing *listing;
    unsigned info_class;
    size_t fixed; /* bytes before the name */
    bool single;
    struct reply reply;
    size_t last;
    bool complete; /* the end of the directory was seen */
    uint8_t *chain;
    size_t chain_len;
};

static const struct {
    unsigned info_class;
    size_t fixed, least; /* the least that NtQueryDirectoryFile takes: sizeof the struct */
} classes[] = {
    {DIR_DIRECTORY, 64, 72}, {DIR_FULL, 68, 72},      {DIR_BOTH, 94, 96},
    {DIR_NAMES, 12, 16},     {DIR_ID_BOTH, 104, 112}, {DIR_ID_FULL, 80, 88},
};

/* ---- Entries as the program sees them ----------------------------------------------------------
 */

static uint32_t ea_field(const struct query *q, const struct lt_fsp_file_info *info)
{
    if (info->file_attributes & LT_WIN_REPARSE_POINT)
        return info->reparse_tag;
    if (!(q->file->v->params.flags & LT_FSP_VOLUME_EAS) || info->ea_size == 0)
        return 0;
    return info->ea_size + 4; /* as NTFS counts */
}

static void put_common(struct reply *r, const struct lt_fsp_file_info *info, size_t name_bytes)
{
    reply_put64(r, info->creation_time);
    reply_put64(r, info->last_access_time);
    reply_put64(r, info->last_write_time);
    reply_put64(r, info->change_time);
    reply_put64(r, info->file_size);
    reply_put64(r, info->allocation_size);
    reply_put32(r, info->file_attributes ? info->file_attributes : LT_WIN_NORMAL);
    reply_put32(r, (uint32_t)name_bytes);
}

static void put_entry(struct query *q, const struct lt_fsp_file_info *info, const uint16_t *name,
                      size_t units)
{
    struct reply *r = &q->reply;
    reply_link(r, &q->last, 8);
    reply_put32(r, 0);
    reply_put32(r, 0);
    if (q->info_class == DIR_NAMES)
        reply_put32(r, (uint32_t)(2 * units));
    else
        put_common(r, info, 2 * units);
    if (q->info_class != DIR_NAMES && q->info_class != DIR_DIRECTORY)
        reply_put32(r, ea_field(q, info));
    if (q->info_class == DIR_BOTH || q->info_class == DIR_ID_BOTH)
        reply_zeros(r, SHORT_NAME_FIELD);
    if (q->info_class == DIR_ID_BOTH)
        reply_zeros(r, 2);
    if (q->info_class == DIR_ID_FULL)
        reply_zeros(r, 4);
    if (q->info_class == DIR_ID_BOTH || q->info_class == DIR_ID_FULL)
        reply_put64(r, info->index_number);
    reply_put(r, name, 2 * units);
}

static bool fits(const struct query *q, size_t units)
{
    size_t start = q->last == SIZE_MAX ? 0 : (q->reply.len + 7) & ~(size_t)7;
    return start + q->fixed + 2 * units <= q->reply.size;
}

/* ---- Entries as they come ----------------------------------------------------------------------
 */

struct entry {
    struct lt_fsp_dir_info head;
    uint16_t name[256];
    size_t units;
};

static bool is_dots(const struct entry *e)
{
    return e->name[0] == '.' && (e->units == 1 || (e->units == 2 && e->name[1] == '.'));
}

static bool check_entry(const struct query *q, const struct entry *e)
{
    struct nt_volume *v = q->file->v;
    const struct drv_listing *l = q->listing;
    for (size_t i = 0; i < e->units; i++) {
        if (e->name[i] == 0 || e->name[i] == '\\' || e->name[i] == ':') {
            drv_fault(v, "QueryDirectory: a name with unit %#x", e->name[i]);
            return false;
        }
    }
    if (is_dots(e) && q->file->node->is_root) {
        drv_fault(v, "QueryDirectory: the root lists . or ..");
        return false;
    }
    if (e->units == l->marker_len && memcmp(e->name, l->marker, 2 * e->units) == 0) {
        drv_fault(v, "QueryDirectory: a name twice, or the marker itself");
        return false;
    }
    return drv_check_info(v, "QueryDirectory", &e->head.info);
}

static bool take_entry(const struct query *q, struct lt_str bytes, struct entry *ret)
{
    size_t name_len = bytes.len - sizeof(ret->head);
    if (name_len == 0 || name_len / 2 > q->file->v->params.component_max) {
        drv_fault(q->file->v, "QueryDirectory: a name of %zu units", name_len / 2);
        return false;
    }
    memcpy(&ret->head, bytes.s, sizeof(ret->head));
    memcpy(ret->name, bytes.s + sizeof(ret->head), name_len);
    ret->units = name_len / 2;
    return check_entry(q, ret);
}

static void move_marker(struct drv_listing *l, const struct entry *e)
{
    memcpy(l->marker, e->name, 2 * e->units);
    l->marker_len = e->units;
    l->marker_offset = e->head.next_offset;
}

/* One entry; 1 to go on, 0 to stop before it, or behind it with q->single. */
static int answer_entry(struct query *q, const struct entry *e, int32_t *ret_status)
{
    struct drv_listing *l = q->listing;
    if (l->pattern_len &&
        !drv_pattern_matches(q->file->v, l->pattern, l->pattern_len, e->name, e->units)) {
        move_marker(l, e);
        return 1;
    }
    if (!fits(q, e->units) && q->last != SIZE_MAX)
        return 0;
    put_entry(q, &e->head.info, e->name, e->units);
    move_marker(l, e);
    l->found = true;
    if (q->reply.full) {
        *ret_status = LT_STATUS_BUFFER_OVERFLOW;
        return 0;
    }
    return q->single ? 0 : 1;
}

/* All of a chain behind `at`. */
static int32_t answer_chain(struct query *q, size_t at)
{
    struct lt_str bytes, chain = lt_strn((char *)q->chain, q->chain_len);
    struct entry e;
    int32_t status = LT_STATUS_SUCCESS;
    int r;
    while ((r = lt_fsp_next_entry(chain, &at, sizeof(e.head), &bytes)) > 0) {
        if (!take_entry(q, bytes, &e))
            return LT_STATUS_INTERNAL_ERROR;
        if (answer_entry(q, &e, &status) == 0)
            return status;
    }
    if (r == LT_EPROTO) {
        drv_fault(q->file->v, "QueryDirectory: %zu bytes hold no entry at %zu", q->chain_len, at);
        return LT_STATUS_INTERNAL_ERROR;
    }
    q->complete = r == 0;
    return status;
}

/* ---- Where the chain comes from ----------------------------------------------------------------
 */

/* The kept listing, if it goes as far as the marker: where to go on in it. */
static bool find_kept(struct query *q, size_t *ret_at)
{
    const struct drv_listing *l = q->listing;
    struct lt_str bytes;
    *ret_at = 0;
    if (!drv_kept(q->file->node, DRV_KEEP_DIR, q->chain, QUERY_MAX, &q->chain_len))
        return false;
    if (l->marker_len == 0)
        return true;
    struct lt_str chain = lt_strn((char *)q->chain, q->chain_len);
    while (lt_fsp_next_entry(chain, ret_at, sizeof(struct lt_fsp_dir_info), &bytes) > 0) {
        const char *name = bytes.s + sizeof(struct lt_fsp_dir_info);
        if (bytes.len - sizeof(struct lt_fsp_dir_info) == 2 * l->marker_len &&
            memcmp(name, l->marker, 2 * l->marker_len) == 0)
            return true;
    }
    return false;
}

static uint32_t query_length(const struct query *q, bool by_name, bool passed)
{
    const struct lt_fsp_volume_params *p = &q->file->v->params;
    size_t head = sizeof(struct lt_fsp_dir_info);
    size_t least = (head + 2u * p->component_max + 7) & ~(size_t)7;
    bool all = q->listing->pattern_len == 0;
    if (by_name)
        return (uint32_t)least;
    /* A first listing that can be kept is asked for in one go; and one that the driver has to look
     * through by itself. */
    if (!passed && (!all || (p->file_info_timeout_ms != 0 && q->listing->marker_len == 0)))
        return QUERY_MAX;
    size_t len = q->reply.size * (head + NAME_GUESS) / (q->fixed + NAME_GUESS);
    len = (len + 7) & ~(size_t)7;
    return (uint32_t)(len < least ? least : len > QUERY_MAX ? QUERY_MAX : len);
}

static void put_marker(const struct query *q, struct drv_call *call)
{
    const struct drv_listing *l = q->listing;
    uint16_t number[4];
    struct lt_fsp_buf *marker = &call->req->u.query_directory.marker;
    if (l->marker_len == 0)
        return;
    memcpy(number, &l->marker_offset, sizeof(number));
    *marker = q->file->v->params.flags & LT_FSP_VOLUME_MARKER_OFFSET
                  ? lt_fsp_put_text(&call->out, number, 4, true)
                  : lt_fsp_put_text(&call->out, l->marker, l->marker_len, true);
}

static int32_t send_query(struct query *q, struct drv_call *call, struct drv_region *region)
{
    const struct drv_listing *l = q->listing;
    uint32_t flags = q->file->v->params.flags;
    bool wild = drv_pattern_is_wild(l->pattern, l->pattern_len);
    bool by_name = l->pattern_len && !wild && (flags & LT_FSP_VOLUME_PASS_NAME);
    bool passed = by_name || (l->pattern_len && (flags & LT_FSP_VOLUME_PASS_PATTERN));
    uint32_t len = query_length(q, by_name, passed);
    int32_t status = drv_region_open(q->file->v, NULL, len, region);
    if (status != LT_STATUS_SUCCESS)
        return status;
    drv_call_begin(call, q->file->v, LT_FSP_QUERY_DIRECTORY);
    drv_call_of(call, q->file);
    struct lt_fsp_query_directory_req *req = &call->req->u.query_directory;
    req->address = region->address;
    req->length = len;
    req->flags = flags & LT_FSP_VOLUME_CASE_SENSITIVE ? LT_FSP_QUERY_CASE_SENSITIVE : 0;
    req->flags |= by_name ? LT_FSP_QUERY_IS_NAME : 0;
    if (passed)
        req->pattern = lt_fsp_put_text(&call->out, l->pattern, l->pattern_len, true);
    put_marker(q, call);
    status = drv_call(call);
    if (status == LT_STATUS_SUCCESS) {
        q->chain_len = call->rsp.rsp.information;
        memcpy(q->chain, region->memory, q->chain_len);
        if (!passed && l->marker_len == 0)
            drv_keep(q->file->node, DRV_KEEP_DIR, q->chain, q->chain_len);
    }
    drv_region_close(q->file->v, region);
    return status;
}

static int32_t request_chain(struct query *q)
{
    struct drv_region region;
    struct drv_call *call = malloc(sizeof(*call));
    if (!call)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    int32_t status = send_query(q, call, &region);
    free(call);
    return status;
}

/* ---- NtQueryDirectoryFile ----------------------------------------------------------------------
 */

static int32_t query_entries(struct query *q)
{
    struct drv_listing *l = q->listing;
    size_t at;
    if (l->found && l->pattern_len && !drv_pattern_is_wild(l->pattern, l->pattern_len))
        return LT_STATUS_NO_MORE_FILES;
    int32_t status = LT_STATUS_SUCCESS;
    if (find_kept(q, &at))
        status = answer_chain(q, at);
    while (status == LT_STATUS_SUCCESS && q->last == SIZE_MAX && !q->complete) {
        status = request_chain(q);
        if (status == LT_STATUS_SUCCESS && q->chain_len == 0)
            q->complete = true;
        else if (status == LT_STATUS_SUCCESS)
            status = answer_chain(q, 0);
    }
    if (status == LT_STATUS_SUCCESS && q->last == SIZE_MAX)
        return l->found ? LT_STATUS_NO_MORE_FILES : LT_STATUS_NO_SUCH_FILE;
    return status;
}

static bool pattern_is_valid(const uint16_t *units, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (units[i] < 0x20 || (units[i] < 0x80 && strchr("/\\:|", (char)units[i])))
            return false;
    }
    return len < 256;
}

/* The pattern counts the first time, and with a restart that has one. */
static int32_t reset(struct nt_file *file, const char *pattern, bool restart)
{
    uint16_t *units = NULL;
    size_t len = 0;
    int32_t status = pattern ? drv_name_widen(pattern, &units, &len) : LT_STATUS_SUCCESS;
    if (status == LT_STATUS_SUCCESS && !pattern_is_valid(units, len))
        status = LT_STATUS_INVALID_PARAMETER;
    if (status == LT_STATUS_SUCCESS && (!file->listing || restart)) {
        bool fresh = !file->listing;
        if (fresh)
            file->listing = calloc(1, sizeof(*file->listing));
        struct drv_listing *l = file->listing;
        if (!l) {
            free(units);
            return LT_STATUS_INSUFFICIENT_RESOURCES;
        }
        bool all = len == 0 || (len == 1 && units[0] == '*');
        if (len && !all)
            memcpy(l->pattern, units, 2 * len);
        if (fresh || len)
            l->pattern_len = all ? 0 : len;
        l->marker_len = 0;
        l->found = false;
    }
    free(units);
    return status;
}

static int32_t query_locked(struct query *q, const char *pattern, bool restart)
{
    lt_mutex_lock(&q->file->dir);
    int32_t status = reset(q->file, pattern, restart);
    q->listing = q->file->listing;
    if (status == LT_STATUS_SUCCESS)
        status = query_entries(q);
    lt_mutex_unlock(&q->file->dir);
    return status;
}

int32_t nt_query_dir(struct nt_file *file, unsigned info_class, const char *pattern, bool restart,
                     bool single, void *buf, size_t size, size_t *ret)
{
    size_t i = 0;
    *ret = 0;
    while (i < sizeof(classes) / sizeof(*classes) && classes[i].info_class != info_class)
        i++;
    if (i == sizeof(classes) / sizeof(*classes))
        return LT_STATUS_INVALID_INFO_CLASS;
    if (size < classes[i].least)
        return LT_STATUS_INFO_LENGTH_MISMATCH;
    if (!file->node->is_dir)
        return LT_STATUS_INVALID_PARAMETER;
    if (!(file->access & LT_FILE_LIST_DIRECTORY))
        return LT_STATUS_ACCESS_DENIED;
    struct query q = {.file = file,
                      .info_class = info_class,
                      .fixed = classes[i].fixed,
                      .single = single,
                      .reply = {.buf = buf, .size = size},
                      .last = SIZE_MAX,
                      .chain = malloc(QUERY_MAX)};
    if (!q.chain)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    lt_rwlock_write(&file->node->lock);
    int32_t status = query_locked(&q, pattern, restart);
    lt_rwlock_write_unlock(&file->node->lock);
    free(q.chain);
    *ret = q.reply.len;
    return status;
}

void drv_listing_free(struct nt_file *file)
{
    free(file->listing);
    file->listing = NULL;
}
