// SPDX-License-Identifier: MIT
#include "meta.h"

#include "ea.h"
#include "value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- The list ------------------------------------------------------------------------------ */

struct head {
    size_t name_len, value_len;
};

void meta_fini(struct meta *meta)
{
    free(meta->bytes);
    *meta = (struct meta){0};
}

void meta_clear(struct meta *meta)
{
    meta->len = 0;
}

static int reserve(struct meta *meta, size_t more)
{
    if (more <= meta->capacity - meta->len)
        return 0;
    size_t capacity = 2 * meta->capacity + more;
    char *bytes = realloc(meta->bytes, capacity);
    if (!bytes)
        return LT_ENOMEM;
    meta->bytes = bytes;
    meta->capacity = capacity;
    return 0;
}

/* Room for a value of value_len bytes at *ret, to be filled in at once. */
static int add_unfilled(struct meta *meta, struct lt_str prefix, struct lt_str name,
                        size_t value_len, char **ret)
{
    struct head head = {prefix.len + name.len, value_len};
    int r = reserve(meta, sizeof(head) + head.name_len + 1 + value_len);
    if (r < 0)
        return r;
    char *to = meta->bytes + meta->len;
    memcpy(to, &head, sizeof(head));
    to += sizeof(head);
    memcpy(to, prefix.s, prefix.len);
    memcpy(to + prefix.len, name.s, name.len);
    to[head.name_len] = 0;
    *ret = to + head.name_len + 1;
    meta->len = (size_t)(*ret - meta->bytes) + value_len;
    return 0;
}

int meta_add(struct meta *meta, struct lt_str name, struct lt_str value)
{
    char *to;
    int r = add_unfilled(meta, lt_str(""), name, value.len, &to);
    if (r == 0 && value.len)
        memcpy(to, value.s, value.len);
    return r;
}

bool meta_next(const struct meta *meta, size_t *at, struct lt_str *name, struct lt_str *value)
{
    struct head head;
    if (*at >= meta->len)
        return false;
    const char *from = meta->bytes + *at;
    memcpy(&head, from, sizeof(head));
    *name = lt_strn(from + sizeof(head), head.name_len);
    *value = lt_strn(name->s + head.name_len + 1, head.value_len);
    *at = (size_t)(value->s - meta->bytes) + head.value_len;
    return true;
}

/* ---- Times --------------------------------------------------------------------------------- */

void meta_time_format(struct lt_time time, char buf[META_TIME_SIZE])
{
    /* Seconds count down below 1970 and nanoseconds up: -1.25 s is sec -2, nsec 750000000. */
    bool negative = time.sec < 0;
    uint64_t sec = negative ? (uint64_t) - (time.sec + 1) + 1 : (uint64_t)time.sec;
    uint32_t nsec = time.nsec;
    if (negative && nsec) {
        sec--;
        nsec = 1000000000 - nsec;
    }
    int len =
        snprintf(buf, META_TIME_SIZE, "%s%" PRIu64 ".%09" PRIu32, negative ? "-" : "", sec, nsec);
    while (len > 0 && buf[len - 1] == '0')
        buf[--len] = 0;
    if (len > 0 && buf[len - 1] == '.')
        buf[--len] = 0;
}

static bool parse_digits(struct lt_str text, size_t *at, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;
    size_t start = *at;
    for (; *at < text.len && text.s[*at] >= '0' && text.s[*at] <= '9'; ++*at) {
        uint64_t digit = (uint64_t)(text.s[*at] - '0');
        if (value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *ret = value;
    return *at > start;
}

/* The digits behind the point as nanoseconds; further ones are cut off. */
static bool parse_fraction(struct lt_str text, size_t at, uint32_t *ret)
{
    uint32_t nsec = 0, unit = 100000000;
    for (; at < text.len; at++, unit /= 10) {
        if (text.s[at] < '0' || text.s[at] > '9')
            return false;
        nsec += (uint32_t)(text.s[at] - '0') * unit;
    }
    *ret = nsec;
    return true;
}

int meta_time_parse(struct lt_str text, struct lt_time *ret)
{
    bool negative = text.len && text.s[0] == '-';
    size_t at = negative ? 1 : 0;
    uint64_t sec = 0;
    uint32_t nsec = 0;
    if (!parse_digits(text, &at, INT64_MAX / 2, &sec))
        return LT_EINVAL;
    if (at < text.len && (text.s[at] != '.' || !parse_fraction(text, at + 1, &nsec)))
        return LT_EINVAL;
    struct lt_time time = {.sec = (int64_t)sec, .nsec = nsec};
    if (negative) {
        time.sec = -time.sec - (nsec ? 1 : 0);
        time.nsec = nsec ? 1000000000 - nsec : 0;
    }
    *ret = time;
    return 0;
}

/* ---- Reading ------------------------------------------------------------------------------- */

static int add_name(void *arg, struct lt_str name)
{
    return meta_add(arg, name, lt_strn(NULL, 0));
}

/* Calls that write a value into a buffer, or say its length for size 0. */
typedef int get_fn(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name, void *buf,
                   size_t size);

static int get_xattr(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name, void *buf,
                     size_t size)
{
    return lt_node_xattr_get(ctx, node, name, buf, size);
}

static int get_reparse(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                       void *buf, size_t size)
{
    (void)name;
    return lt_node_reparse_get(ctx, node, buf, size);
}

static int get_security(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                        void *buf, size_t size)
{
    (void)name;
    return lt_node_security_get(ctx, node, buf, size);
}

/* Adds what `get` says; nothing where it is gone meanwhile. */
static int add_value(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                     get_fn *get, struct meta *ret)
{
    for (;;) {
        size_t before = ret->len;
        char *to;
        int r = get(ctx, node, name, NULL, 0);
        if (r == LT_ENODATA)
            return 0;
        size_t size = r > 0 ? (size_t)r : 0;
        if (r >= 0)
            r = add_unfilled(ret, lt_str(""), name, size, &to);
        if (r == 0 && size)
            r = get(ctx, node, name, to, size);
        if (r >= 0 && (size_t)r == size)
            return 0;
        /* It changed in between. */
        ret->len = before;
        if (r < 0 && r != LT_ERANGE && r != LT_ENODATA)
            return r;
    }
}

static int add_xattrs(const struct lt_ctx *ctx, struct lt_node *node, struct meta *ret)
{
    struct meta names = {0};
    struct lt_str name, value;
    int r = lt_node_xattr_list(ctx, node, add_name, &names);
    for (size_t at = 0; r == 0 && meta_next(&names, &at, &name, &value);)
        r = add_value(ctx, node, name, get_xattr, ret);
    meta_fini(&names);
    return r;
}

struct stream_filter {
    struct meta *names;
    uint64_t above, up_to; /* sizes wanted */
};

static int add_stream_name(void *arg, const struct lt_stream *stream)
{
    const struct stream_filter *f = arg;
    if (stream->size < f->above || stream->size > f->up_to)
        return 0;
    return meta_add(f->names, stream->name, lt_strn(NULL, 0));
}

int meta_streams(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_attr *attr,
                 uint64_t above, struct meta *ret)
{
    struct stream_filter filter = {ret, above, UINT64_MAX};
    return attr->has & LT_HAS_STREAM ? lt_node_stream_list(ctx, node, add_stream_name, &filter) : 0;
}

static int add_stream(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                      struct meta *ret)
{
    struct lt_node *stream;
    struct lt_attr attr;
    char *to;
    int r = lt_node_stream_open(ctx, node, name, 0, &stream);
    if (r < 0)
        return r == LT_ENOENT ? 0 : r;
    r = lt_node_getattr(ctx, stream, &attr);
    if (r == 0 && attr.size <= META_STREAM_MAX) {
        size_t before = ret->len, size = (size_t)attr.size;
        r = add_unfilled(ret, lt_str(META_STREAM), name, size, &to);
        if (r == 0)
            r = lt_node_pread(ctx, stream, 0, to, size);
        if (r >= 0 && (size_t)r < size) /* cut short meanwhile */
            memset(to + r, 0, size - (size_t)r);
        if (r < 0)
            ret->len = before;
    }
    lt_node_put(stream);
    return r < 0 ? r : 0;
}

static int add_streams(const struct lt_ctx *ctx, struct lt_node *node, struct meta *ret)
{
    struct meta names = {0};
    struct lt_str name, value;
    struct stream_filter filter = {&names, 0, META_STREAM_MAX};
    int r = lt_node_stream_list(ctx, node, add_stream_name, &filter);
    for (size_t at = 0; r == 0 && meta_next(&names, &at, &name, &value);)
        r = add_stream(ctx, node, name, ret);
    meta_fini(&names);
    return r;
}

static int add_text(struct meta *ret, const char *name, const char *text)
{
    return meta_add(ret, lt_str(name), lt_str(text));
}

static int add_numbers(const struct lt_attr *attr, struct meta *ret)
{
    char text[META_TIME_SIZE];
    uint32_t attrs = attr->win_attrs & LT_WIN_SETTABLE;
    uint32_t flags = attr->inode_flags & LT_INODE_SETTABLE;
    meta_time_format(attr->btime, text);
    int r = add_text(ret, META_CREATED, text);
    if (r == 0 && attrs) {
        (void)snprintf(text, sizeof(text), "0x%x", (unsigned)attrs);
        r = add_text(ret, META_ATTRIBUTES, text);
    }
    if (r == 0 && flags) {
        (void)snprintf(text, sizeof(text), "0x%x", (unsigned)flags);
        r = add_text(ret, META_FLAGS, text);
    }
    return r;
}

static int add_eas(const struct lt_ctx *ctx, struct lt_node *node, struct meta *ret)
{
    char *chain = NULL;
    size_t len = 0;
    int r = lt_ea_chain_read(ctx, node, &chain, &len);
    if (r == 0 && len)
        r = meta_add(ret, lt_str(META_EA), lt_strn(chain, len));
    free(chain);
    return r;
}

int meta_read(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_attr *attr,
              struct meta *ret)
{
    uint32_t xattrs = LT_HAS_XATTR | LT_HAS_ACL | LT_HAS_DEFAULT_ACL | LT_HAS_CAPABILITY;
    int r = add_numbers(attr, ret);
    if (r == 0 && (attr->has & xattrs))
        r = add_xattrs(ctx, node, ret);
    if (r == 0 && (attr->has & LT_HAS_EA))
        r = add_eas(ctx, node, ret);
    if (r == 0 && (attr->has & LT_HAS_REPARSE))
        r = add_value(ctx, node, lt_str(META_REPARSE), get_reparse, ret);
    if (r == 0 && (attr->has & LT_HAS_SECURITY))
        r = add_value(ctx, node, lt_str(META_SECURITY), get_security, ret);
    if (r == 0 && (attr->has & LT_HAS_STREAM))
        r = add_streams(ctx, node, ret);
    return r;
}

/* ---- Applying ------------------------------------------------------------------------------ */

static int parse_hex(struct lt_str text, uint32_t *ret)
{
    char copy[16];
    char *end;
    if (text.len < 3 || text.len >= sizeof(copy) || text.s[0] != '0' || text.s[1] != 'x')
        return LT_EINVAL;
    memcpy(copy, text.s, text.len);
    copy[text.len] = 0;
    unsigned long value = strtoul(copy, &end, 16);
    if (*end || value > UINT32_MAX)
        return LT_EINVAL;
    *ret = (uint32_t)value;
    return 0;
}

static int apply_eas(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str chain)
{
    struct lt_ea *list;
    size_t count;
    int r = lt_ea_chain_decode(chain, &list, &count);
    if (r < 0)
        return r;
    r = lt_node_ea_set(ctx, node, list, count, true);
    free(list);
    return r;
}

static int apply_stream(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                        struct lt_str content)
{
    struct lt_node *stream;
    int r = lt_node_stream_open(ctx, node, name, LT_STREAM_CREATE, &stream);
    if (r < 0)
        return r;
    if (content.len)
        r = lt_node_pwrite(ctx, stream, 0, content.s, content.len);
    if (r >= 0)
        r = (size_t)r == content.len ? 0 : LT_ENOSPC;
    lt_node_put(stream);
    return r;
}

/* Numbers, which wait for the end. LT_EOPNOTSUPP: `name` is none of them. */
static int note_late(struct lt_str name, struct lt_str value, struct lt_setattr *late)
{
    int r;
    if (lt_str_equal(name, lt_str(META_CREATED))) {
        r = meta_time_parse(value, &late->btime);
        late->mask |= r == 0 ? LT_SET_BTIME : 0;
    } else if (lt_str_equal(name, lt_str(META_ATTRIBUTES))) {
        r = parse_hex(value, &late->win_attrs);
        late->mask |= r == 0 ? LT_SET_WIN_ATTRS : 0;
    } else if (lt_str_equal(name, lt_str(META_FLAGS))) {
        r = parse_hex(value, &late->inode_flags);
        late->inode_flags &= LT_INODE_SETTABLE;
        late->mask |= r == 0 ? LT_SET_INODE_FLAGS : 0;
    } else {
        r = LT_EOPNOTSUPP;
    }
    return r;
}

int meta_apply(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
               struct lt_str value, struct lt_setattr *late)
{
    if (!meta_has_prefix(name, META_PREFIX))
        return lt_node_xattr_set(ctx, node, name, value, 0);
    if (lt_str_equal(name, lt_str(META_EA)))
        return apply_eas(ctx, node, value);
    if (lt_str_equal(name, lt_str(META_REPARSE)))
        return lt_node_reparse_set(ctx, node, value);
    if (lt_str_equal(name, lt_str(META_SECURITY)))
        return lt_node_security_set(ctx, node, value);
    if (meta_has_prefix(name, META_STREAM)) {
        size_t skip = strlen(META_STREAM);
        return apply_stream(ctx, node, lt_strn(name.s + skip, name.len - skip), value);
    }
    return note_late(name, value, late);
}

bool meta_is_skippable(int error)
{
    switch (error) {
    case LT_EOPNOTSUPP:
    case LT_EPERM:
    case LT_EACCES:
    case LT_EINVAL:
    case LT_ERANGE:
    case LT_E2BIG:
    case LT_ENAMETOOLONG:
    case LT_ENODATA:
        return true;
    default:
        return false;
    }
}
