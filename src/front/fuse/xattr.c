// SPDX-License-Identifier: MIT
/* Requests about extended attributes. */
#include "handlers.h"

#include <lintel/winmeta.h>

/* Windows metadata shows on every mount, streams as attributes if that was asked for. */
static uint32_t winmeta_flags(const struct call *c)
{
    return c->s->options.streams == LT_STREAMS_XATTR ? LT_WINMETA_STREAMS : 0;
}

static bool starts_with(struct lt_str name, const char *start)
{
    size_t len = strlen(start);
    return name.len >= len && memcmp(name.s, start, len) == 0;
}

/* The kernel thinks that an attribute changes nothing but ctime; these set other times, too. */
static void changed(struct call *c)
{
    if (starts_with(c->req.name, "system.ntfs_") || starts_with(c->req.name, "user.DOSATTRIB"))
        notify_attr(c->s, c->node->id);
}

/* Replies with a value of `len` bytes in the scratch buffer, or with its length if that was asked.
 */
static int reply_value(struct call *c, size_t len)
{
    uint32_t size = c->req.args.getxattr.size;
    if (size == 0) {
        struct lt_fuse_getxattr_out out = {.size = (uint32_t)len};
        return reply_bytes(c, &out, sizeof(out));
    }
    return len > size ? LT_ERANGE : reply_bytes(c, c->w->scratch, len);
}

int on_getxattr(struct call *c)
{
    uint32_t size = c->req.args.getxattr.size;
    if (control_is_name(c))
        return control_get(c);
    if (size > c->s->scratch_size)
        size = (uint32_t)c->s->scratch_size;
    int r = lt_winmeta_get(&c->ctx, c->node, c->req.name, c->w->scratch, size, winmeta_flags(c));
    return r < 0 ? r : reply_value(c, (size_t)r);
}

int on_setxattr(struct call *c)
{
    const struct lt_fuse_setxattr_in *in = &c->req.args.setxattr;
    uint32_t flags = in->flags & (LT_XATTR_CREATE | LT_XATTR_REPLACE);
    if (control_is_name(c))
        return control_set(c);
    if (in->setxattr_flags & LT_FUSE_SETXATTR_ACL_KILL_SGID)
        flags |= LT_XATTR_KILL_SGID;
    int r = lt_winmeta_set(&c->ctx, c->node, c->req.name, c->req.data, flags, winmeta_flags(c));
    if (r == 0)
        changed(c);
    return r;
}

int on_removexattr(struct call *c)
{
    if (control_is_name(c))
        return LT_EPERM;
    return lt_winmeta_remove(&c->ctx, c->node, c->req.name, winmeta_flags(c));
}

struct names {
    char *buf;
    size_t len, size;
    bool trusted; /* the caller may see trusted. ones: the kernel does not filter a FUSE list */
};

static int put_name(void *arg, struct lt_str name)
{
    struct names *names = arg;
    if (!names->trusted && name.len >= 8 && memcmp(name.s, "trusted.", 8) == 0)
        return 0;
    if (name.len + 1 > names->size - names->len)
        return LT_ERANGE;
    memcpy(names->buf + names->len, name.s, name.len);
    names->buf[names->len + name.len] = 0;
    names->len += name.len + 1;
    return 0;
}

int on_listxattr(struct call *c)
{
    struct names names = {
        .buf = c->w->scratch, .size = LT_XATTR_SIZE_MAX, .trusted = c->ctx.uid == 0};
    int r = lt_winmeta_list(&c->ctx, c->node, winmeta_flags(c), put_name, &names);
    /* Longer than the system can pass on (XATTR_LIST_MAX). */
    if (r == LT_ERANGE)
        r = LT_E2BIG;
    return r < 0 ? r : reply_value(c, names.len);
}
