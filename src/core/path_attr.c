// SPDX-License-Identifier: MIT
/* lintel/path.h: attributes, extended attributes, and the Windows half. */
#include "value.h"
#include "walk.h"

#include <base/unicode.h>
#include <lintel/access.h>
#include <lintel/path.h>

/* Finds a path and checks for `want` on its node, which is then the caller's. */
static int find(const struct lt_ctx *ctx, struct lt_node *base, const char *path, uint32_t flags,
                uint32_t want, struct lt_entry *ret)
{
    ret->stored = NULL;
    int r = lt_path_lookup(ctx, base, path, flags, ret);
    if (r < 0 || want == 0)
        return r;
    r = lt_access_node(ctx_or_root(ctx), ret->node, &ret->attr, want);
    if (r < 0)
        lt_node_put(ret->node);
    return r;
}

/* ---- Attributes ---------------------------------------------------------------------------- */

static int setattr_checked(const struct lt_ctx *ctx, const struct lt_entry *entry,
                           const struct lt_setattr *set)
{
    struct lt_setattr full = *set;
    struct lt_value acl;
    if (entry->node->fs->read_only)
        return LT_EROFS;
    int r = lt_value_acl(ctx, entry->node, &entry->attr, &acl);
    if (r < 0)
        return r;
    r = lt_access_setattr(ctx, &entry->attr, lt_value_str(&acl), &full);
    lt_value_free(&acl);
    return r < 0 ? r : lt_node_setattr(ctx, entry->node, &full, NULL);
}

int lt_path_setattr(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                    uint32_t flags, const struct lt_setattr *set)
{
    struct lt_entry entry;
    int r = find(ctx, base, path, flags, 0, &entry);
    if (r < 0)
        return r;
    /* What can have no size says so before it says who may not. */
    if ((set->mask & LT_SET_SIZE) && !node_has_data(entry.node))
        r = entry.node->type == LT_S_IFDIR ? LT_EISDIR : LT_EINVAL;
    if (r == 0)
        r = setattr_checked(ctx_or_root(ctx), &entry, set);
    lt_node_put(entry.node);
    return r;
}

/* ---- Extended attributes ------------------------------------------------------------------- */

static int find_xattr(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                      uint32_t flags, const char *name, uint32_t want, struct lt_entry *ret)
{
    struct lt_value acl;
    int r = find(ctx, base, path, flags, 0, ret);
    if (r < 0)
        return r;
    ctx = ctx_or_root(ctx);
    if ((want & LT_MAY_WRITE) && ret->node->fs->read_only)
        r = LT_EROFS;
    if (r == 0)
        r = lt_value_acl(ctx, ret->node, &ret->attr, &acl);
    if (r == 0) {
        r = lt_access_xattr(ctx, &ret->attr, lt_value_str(&acl), lt_str(name), want);
        lt_value_free(&acl);
    }
    if (r < 0)
        lt_node_put(ret->node);
    return r;
}

int lt_path_xattr_get(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                      uint32_t flags, const char *name, void *buf, size_t size)
{
    struct lt_entry entry;
    int r = find_xattr(ctx, base, path, flags, name, LT_MAY_READ, &entry);
    if (r < 0)
        return r;
    r = lt_node_xattr_get(ctx, entry.node, lt_str(name), buf, size);
    lt_node_put(entry.node);
    return r;
}

int lt_path_xattr_set(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                      uint32_t flags, const char *name, struct lt_str value, uint32_t set_flags)
{
    struct lt_entry entry;
    int r = find_xattr(ctx, base, path, flags, name, LT_MAY_WRITE, &entry);
    if (r < 0)
        return r;
    const struct lt_ctx *who = ctx_or_root(ctx);
    if (who->uid != 0 && !lt_ctx_in_group(who, entry.attr.gid))
        set_flags |= LT_XATTR_KILL_SGID;
    r = lt_node_xattr_set(ctx, entry.node, lt_str(name), value, set_flags);
    lt_node_put(entry.node);
    return r;
}

int lt_path_xattr_remove(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                         uint32_t flags, const char *name)
{
    struct lt_entry entry;
    int r = find_xattr(ctx, base, path, flags, name, LT_MAY_WRITE, &entry);
    if (r < 0)
        return r;
    r = lt_node_xattr_remove(ctx, entry.node, lt_str(name));
    lt_node_put(entry.node);
    return r;
}

struct shown_names {
    int (*fn)(void *arg, struct lt_str name);
    void *arg;
};

static int show_untrusted(void *arg, struct lt_str name)
{
    const struct shown_names *shown = arg;
    static const char trusted[] = "trusted.";
    if (name.len >= sizeof(trusted) - 1 && memcmp(name.s, trusted, sizeof(trusted) - 1) == 0)
        return 0;
    return shown->fn(shown->arg, name);
}

int lt_path_xattr_list(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                       uint32_t flags, int (*fn)(void *arg, struct lt_str name), void *arg)
{
    struct lt_entry entry;
    struct shown_names shown = {fn, arg};
    int r = find(ctx, base, path, flags, 0, &entry);
    if (r < 0)
        return r;
    if (ctx_or_root(ctx)->uid == 0)
        r = lt_node_xattr_list(ctx, entry.node, fn, arg);
    else
        r = lt_node_xattr_list(ctx, entry.node, show_untrusted, &shown);
    lt_node_put(entry.node);
    return r;
}

/* ---- Streams ------------------------------------------------------------------------------- */

static bool ends_with_data(struct lt_str s)
{
    static const char type[] = ":$DATA";
    size_t len = sizeof(type) - 1;
    return s.len >= len && lt_name_equal_nocase(lt_strn(s.s + s.len - len, len), lt_str(type));
}

bool lt_path_split_stream(const char *path, struct lt_str *ret_file, struct lt_str *ret_stream)
{
    const char *slash = strrchr(path, '/');
    const char *last = slash ? slash + 1 : path;
    const char *colon = strchr(last, ':');
    if (!colon || colon == last)
        return false;
    struct lt_str stream = lt_str(colon + 1);
    if (ends_with_data(stream))
        stream.len -= strlen(":$DATA");
    else if (stream.len == 0)
        return false;
    if (stream.len && memchr(stream.s, ':', stream.len))
        return false;
    *ret_file = lt_strn(path, (size_t)(colon - path));
    *ret_stream = stream;
    return true;
}

int lt_path_stream_open(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                        const char *stream, uint32_t flags, bool write, struct lt_node **ret)
{
    struct lt_entry entry;
    uint32_t want = LT_MAY_READ | (write || (flags & LT_STREAM_CREATE) ? LT_MAY_WRITE : 0);
    int r = find(ctx, base, path, 0, want, &entry);
    if (r < 0)
        return r;
    r = lt_node_stream_open(ctx, entry.node, lt_str(stream), flags, ret);
    lt_node_put(entry.node);
    return r;
}

int lt_path_stream_remove(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                          const char *stream)
{
    struct lt_entry entry;
    int r = find(ctx, base, path, 0, LT_MAY_WRITE, &entry);
    if (r < 0)
        return r;
    r = lt_node_stream_remove(ctx, entry.node, lt_str(stream));
    lt_node_put(entry.node);
    return r;
}

int lt_path_stream_rename(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                          const char *stream, const char *new_stream, bool replace)
{
    struct lt_entry entry;
    int r = find(ctx, base, path, 0, LT_MAY_WRITE, &entry);
    if (r < 0)
        return r;
    r = lt_node_stream_rename(ctx, entry.node, lt_str(stream), lt_str(new_stream), replace);
    lt_node_put(entry.node);
    return r;
}

int lt_path_stream_list(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                        int (*fn)(void *arg, const struct lt_stream *stream), void *arg)
{
    struct lt_entry entry;
    int r = find(ctx, base, path, 0, 0, &entry);
    if (r < 0)
        return r;
    r = lt_node_stream_list(ctx, entry.node, fn, arg);
    lt_node_put(entry.node);
    return r;
}

/* ---- EAs, reparse data, security descriptors ------------------------------------------------- */

int lt_path_ea_set(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                   const struct lt_ea *list, size_t count, bool replace_all)
{
    struct lt_entry entry;
    int r = find(ctx, base, path, 0, LT_MAY_WRITE, &entry);
    if (r < 0)
        return r;
    r = lt_node_ea_set(ctx, entry.node, list, count, replace_all);
    lt_node_put(entry.node);
    return r;
}

int lt_path_ea_list(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                    int (*fn)(void *arg, const struct lt_ea *ea), void *arg)
{
    struct lt_entry entry;
    int r = find(ctx, base, path, 0, LT_MAY_READ, &entry);
    if (r < 0)
        return r;
    r = lt_node_ea_list(ctx, entry.node, fn, arg);
    lt_node_put(entry.node);
    return r;
}

int lt_path_reparse_set(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                        struct lt_str data)
{
    struct lt_entry entry;
    int r = find(ctx, base, path, 0, LT_MAY_WRITE, &entry);
    if (r < 0)
        return r;
    r = lt_node_reparse_set(ctx, entry.node, data);
    lt_node_put(entry.node);
    return r;
}

int lt_path_reparse_get(const struct lt_ctx *ctx, struct lt_node *base, const char *path, void *buf,
                        size_t size)
{
    struct lt_entry entry;
    int r = find(ctx, base, path, 0, 0, &entry);
    if (r < 0)
        return r;
    r = lt_node_reparse_get(ctx, entry.node, buf, size);
    lt_node_put(entry.node);
    return r;
}

int lt_path_reparse_remove(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                           struct lt_str header)
{
    struct lt_entry entry;
    int r = find(ctx, base, path, 0, LT_MAY_WRITE, &entry);
    if (r < 0)
        return r;
    r = lt_node_reparse_remove(ctx, entry.node, header);
    lt_node_put(entry.node);
    return r;
}

int lt_path_security_set(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                         struct lt_str descriptor)
{
    struct lt_entry entry;
    int r = find(ctx, base, path, LT_NOFOLLOW, 0, &entry);
    if (r < 0)
        return r;
    const struct lt_ctx *who = ctx_or_root(ctx);
    if (who->uid != 0 && who->uid != entry.attr.uid)
        r = LT_EPERM;
    if (r == 0)
        r = lt_node_security_set(ctx, entry.node, descriptor);
    lt_node_put(entry.node);
    return r;
}

int lt_path_security_get(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                         void *buf, size_t size)
{
    struct lt_entry entry;
    int r = find(ctx, base, path, LT_NOFOLLOW, 0, &entry);
    if (r < 0)
        return r;
    r = lt_node_security_get(ctx, entry.node, buf, size);
    lt_node_put(entry.node);
    return r;
}
