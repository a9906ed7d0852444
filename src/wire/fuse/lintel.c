// SPDX-License-Identifier: MIT
#include "lintel.h"

#define NS_PER_S 1000000000u

/* Texts a request has, by the low half of its opcode. */
static const struct {
    bool known;
    uint8_t texts;
} kinds[] = {
#define KIND(NAME, number, handler, texts) [number] = {true, (texts)},
    LT_LINTEL_OPS(KIND)
#undef KIND
};

/* ---- Requests -------------------------------------------------------------------------------- */

int lt_lintel_decode(uint32_t opcode, struct lt_str body, struct lt_lintel_request *ret)
{
    struct lt_lintel_in in;
    uint32_t kind = opcode - LT_LINTEL_OPCODE;
    if (kind >= sizeof(kinds) / sizeof(kinds[0]) || !kinds[kind].known)
        return LT_ENOSYS;
    if (body.len < sizeof(in))
        return LT_EPROTO;
    memcpy(&in, body.s, sizeof(in));
    struct lt_lintel_request r = {.flags = in.flags, .size = in.size, .value = in.value};
    size_t at = sizeof(in);
    for (unsigned i = 0; i < LT_LINTEL_TEXTS; i++) {
        if (in.len[i] > body.len - at || (in.len[i] > 0 && i >= kinds[kind].texts))
            return LT_EPROTO;
        r.text[i] = lt_strn(body.s + at, in.len[i]);
        at += in.len[i];
    }
    if (at != body.len)
        return LT_EPROTO;
    *ret = r;
    return 0;
}

/* ---- Attributes ------------------------------------------------------------------------------ */

static void put_times(struct lt_time a, struct lt_time m, struct lt_time c, struct lt_time b,
                      struct lt_lintel_times *ret)
{
    *ret = (struct lt_lintel_times){{a.sec, m.sec, c.sec, b.sec}, {a.nsec, m.nsec, c.nsec, b.nsec}};
}

static bool times_are_good(const struct lt_lintel_times *t)
{
    return t->nsec[0] < NS_PER_S && t->nsec[1] < NS_PER_S && t->nsec[2] < NS_PER_S &&
           t->nsec[3] < NS_PER_S;
}

static struct lt_time time_at(const struct lt_lintel_times *t, unsigned i)
{
    return (struct lt_time){t->sec[i], t->nsec[i]};
}

void lt_lintel_put_attr(const struct lt_attr *a, struct lt_lintel_attr *ret)
{
    *ret = (struct lt_lintel_attr){
        .id = a->id,
        .size = a->size,
        .allocated = a->allocated,
        .version = a->version,
        .mode = a->mode,
        .nlink = a->nlink,
        .uid = a->uid,
        .gid = a->gid,
        .rdev = a->rdev,
        .block_size = a->block_size,
        .generation = a->generation,
        .win_attrs = a->win_attrs,
        .inode_flags = a->inode_flags,
        .reparse_tag = a->reparse_tag,
        .ea_size = a->ea_size,
        .has = a->has,
    };
    put_times(a->atime, a->mtime, a->ctime, a->btime, &ret->times);
}

static bool is_type(uint32_t mode)
{
    switch (mode & LT_S_IFMT) {
    case LT_S_IFREG:
    case LT_S_IFDIR:
    case LT_S_IFLNK:
    case LT_S_IFCHR:
    case LT_S_IFBLK:
    case LT_S_IFIFO:
    case LT_S_IFSOCK:
        return true;
    default:
        return false;
    }
}

static bool attr_is_good(const struct lt_lintel_attr *a)
{
    bool block_is_good = a->block_size > 0 && (a->block_size & (a->block_size - 1)) == 0;
    return is_type(a->mode) && !(a->mode & ~(uint32_t)(LT_S_IFMT | LT_S_PERM)) &&
           a->size <= LT_SIZE_MAX && a->allocated <= LT_SIZE_MAX && block_is_good &&
           times_are_good(&a->times);
}

int lt_lintel_get_attr(const struct lt_lintel_attr *a, struct lt_attr *ret)
{
    if (!attr_is_good(a))
        return LT_EPROTO;
    *ret = (struct lt_attr){
        .id = a->id,
        .size = a->size,
        .allocated = a->allocated,
        .version = a->version,
        .atime = time_at(&a->times, 0),
        .mtime = time_at(&a->times, 1),
        .ctime = time_at(&a->times, 2),
        .btime = time_at(&a->times, 3),
        .mode = a->mode,
        .nlink = a->nlink,
        .uid = a->uid,
        .gid = a->gid,
        .rdev = a->rdev,
        .block_size = a->block_size,
        .generation = a->generation,
        .win_attrs = a->win_attrs,
        .inode_flags = a->inode_flags,
        .reparse_tag = a->reparse_tag,
        .ea_size = a->ea_size,
        .has = a->has,
    };
    return 0;
}

void lt_lintel_put_setattr(const struct lt_setattr *s, struct lt_lintel_setattr *ret)
{
    *ret = (struct lt_lintel_setattr){
        .mask = s->mask,
        .mode = s->mode,
        .uid = s->uid,
        .gid = s->gid,
        .win_attrs = s->win_attrs,
        .inode_flags = s->inode_flags,
        .size = s->size,
    };
    put_times(s->atime, s->mtime, s->ctime, s->btime, &ret->times);
}

#define SET_KNOWN 0x3fffu /* all LT_SET_... */

int lt_lintel_get_setattr(struct lt_str text, struct lt_setattr *ret)
{
    struct lt_lintel_setattr s;
    if (text.len != sizeof(s))
        return LT_EPROTO;
    memcpy(&s, text.s, sizeof(s));
    if (s.mask & ~SET_KNOWN || !times_are_good(&s.times))
        return LT_EPROTO;
    *ret = (struct lt_setattr){
        .mask = s.mask,
        .mode = s.mode,
        .uid = s.uid,
        .gid = s.gid,
        .win_attrs = s.win_attrs,
        .inode_flags = s.inode_flags,
        .size = s.size,
        .atime = time_at(&s.times, 0),
        .mtime = time_at(&s.times, 1),
        .ctime = time_at(&s.times, 2),
        .btime = time_at(&s.times, 3),
    };
    return 0;
}

/* ---- The rest -------------------------------------------------------------------------------- */

void lt_lintel_put_create(const struct lt_create *spec, struct lt_lintel_create *ret)
{
    *ret = (struct lt_lintel_create){
        .mode = spec->mode,
        .rdev = spec->rdev,
        .win_attrs = spec->win_attrs,
        .uid = spec->uid,
        .gid = spec->gid,
    };
}

int lt_lintel_get_create(struct lt_str text, struct lt_create *ret)
{
    struct lt_lintel_create c;
    if (text.len != sizeof(c))
        return LT_EPROTO;
    memcpy(&c, text.s, sizeof(c));
    *ret = (struct lt_create){
        .mode = c.mode,
        .rdev = c.rdev,
        .win_attrs = c.win_attrs,
        .uid = c.uid,
        .gid = c.gid,
        .exact = true,
    };
    return 0;
}

void lt_lintel_put_volume(const struct lt_volume *v, struct lt_lintel_volume *ret)
{
    *ret = (struct lt_lintel_volume){
        .protocol = LT_LINTEL_VERSION,
        .flags = (v->name_case == LT_CASE_INSENSITIVE ? LT_LINTEL_INSENSITIVE : 0u) |
                 (v->read_only ? LT_LINTEL_READ_ONLY : 0u) | (v->remote ? LT_LINTEL_REMOTE : 0u) |
                 (v->has_windows ? LT_LINTEL_WINDOWS : 0u),
        .serial = v->serial,
        .io_best = v->io_best,
        .created_sec = v->created.sec,
        .created_nsec = v->created.nsec,
    };
    static_assert(sizeof(v->fs_name) == sizeof(ret->fs_name), "names of one size");
    static_assert(sizeof(v->label) <= sizeof(ret->label), "every label fits");
    memcpy(ret->fs_name, v->fs_name, strnlen(v->fs_name, sizeof(ret->fs_name) - 1));
    memcpy(ret->label, v->label, strnlen(v->label, sizeof(v->label) - 1));
}

int lt_lintel_get_volume(const struct lt_lintel_volume *v, struct lt_volume *ret)
{
    size_t name_len = strnlen(v->fs_name, sizeof(v->fs_name));
    size_t label_len = strnlen(v->label, sizeof(v->label));
    if (v->protocol != LT_LINTEL_VERSION || v->created_nsec >= NS_PER_S)
        return LT_EPROTO;
    if (name_len >= sizeof(ret->fs_name) || label_len >= sizeof(ret->label))
        return LT_EPROTO;
    ret->name_case = v->flags & LT_LINTEL_INSENSITIVE ? LT_CASE_INSENSITIVE : LT_CASE_SENSITIVE;
    ret->read_only = v->flags & LT_LINTEL_READ_ONLY;
    ret->remote = v->flags & LT_LINTEL_REMOTE;
    ret->has_windows = v->flags & LT_LINTEL_WINDOWS;
    ret->serial = v->serial;
    ret->io_best = v->io_best;
    ret->created = (struct lt_time){v->created_sec, v->created_nsec};
    memset(ret->fs_name, 0, sizeof(ret->fs_name));
    memset(ret->label, 0, sizeof(ret->label));
    memcpy(ret->fs_name, v->fs_name, name_len);
    memcpy(ret->label, v->label, label_len);
    return 0;
}

void lt_lintel_put_statfs(const struct lt_statfs *st, struct lt_lintel_statfs *ret)
{
    *ret = (struct lt_lintel_statfs){st->total,      st->free,     st->used,  st->available,
                                     st->data,       st->metadata, st->nodes, st->nodes_max,
                                     st->block_size, st->name_max};
}

int lt_lintel_get_statfs(const struct lt_lintel_statfs *st, struct lt_statfs *ret)
{
    if (st->block_size == 0 || (st->block_size & (st->block_size - 1)) != 0)
        return LT_EPROTO;
    *ret = (struct lt_statfs){
        .total = st->total,
        .free = st->free,
        .used = st->used,
        .available = st->available,
        .data = st->data,
        .metadata = st->metadata,
        .nodes = st->nodes,
        .nodes_max = st->nodes_max,
        .block_size = st->block_size,
        .name_max = st->name_max,
    };
    return 0;
}

/* ---- Lists ----------------------------------------------------------------------------------- */

size_t lt_lintel_record_size(size_t name_len, size_t value_len)
{
    return LT_FUSE_ALIGN(sizeof(struct lt_lintel_record) + name_len + value_len);
}

static void put_bytes(char *to, struct lt_str from)
{
    if (from.len > 0)
        memcpy(to, from.s, from.len);
}

bool lt_lintel_put_record(struct lt_lintel_records *r, struct lt_lintel_record record,
                          struct lt_str name, struct lt_str value)
{
    size_t used = sizeof(record) + name.len + value.len;
    size_t size = lt_lintel_record_size(name.len, value.len);
    if (size > r->size - r->len)
        return false;
    char *at = r->buf + r->len;
    record.name_len = (uint32_t)name.len;
    record.value_len = (uint32_t)value.len;
    record.padding = 0;
    memcpy(at, &record, sizeof(record));
    put_bytes(at + sizeof(record), name);
    put_bytes(at + sizeof(record) + name.len, value);
    memset(at + used, 0, size - used);
    r->len += size;
    r->count++;
    return true;
}

int lt_lintel_next_record(struct lt_str *rest, struct lt_lintel_record *ret, struct lt_str *name,
                          struct lt_str *value)
{
    struct lt_lintel_record record;
    if (rest->len == 0)
        return 0;
    if (rest->len < sizeof(record))
        return LT_EPROTO;
    memcpy(&record, rest->s, sizeof(record));
    size_t left = rest->len - sizeof(record);
    if (record.name_len > left || record.value_len > left - record.name_len)
        return LT_EPROTO;
    size_t size = lt_lintel_record_size(record.name_len, record.value_len);
    if (size > rest->len)
        return LT_EPROTO;
    *ret = record;
    *name = lt_strn(rest->s + sizeof(record), record.name_len);
    *value = lt_strn(name->s + name->len, record.value_len);
    *rest = lt_strn(rest->s + size, rest->len - size);
    return 1;
}
