// SPDX-License-Identifier: MIT
/* What of the file system's attributes and names shows on the mount. */
#include "session.h"

#define PERMISSIONS 0777u

void view_attr(const struct lt_session *s, const struct lt_node *node, struct lt_attr *attr)
{
    const struct lt_mount_options *o = &s->options;
    if (node->type == LT_S_STREAM)
        attr->mode = LT_S_IFREG | (attr->mode & LT_S_PERM);
    if (o->uid >= 0)
        attr->uid = (uint32_t)o->uid;
    if (o->gid >= 0)
        attr->gid = (uint32_t)o->gid;
    if (o->umask >= 0 && (attr->mode & LT_S_IFMT) != LT_S_IFLNK)
        attr->mode = (attr->mode & ~PERMISSIONS) | (PERMISSIONS & ~(uint32_t)o->umask);
}

struct lt_fuse_timeouts view_timeouts(const struct lt_session *s, const struct lt_node *node,
                                      bool exact)
{
    struct lt_fuse_timeouts t = s->ttl;
    const uint64_t blocks_ns = UINT64_C(1000000000);
    /* A stream shares attributes with its file, which the kernel takes for another inode. */
    if (node->type == LT_S_STREAM)
        return (struct lt_fuse_timeouts){0, 0};
    if (!exact)
        t.entry_ns = 0;
    /* What the kernel writes back later gets its blocks then, and it does not ask by itself. */
    if (node->type == LT_S_IFREG && s->features & LT_FUSE_WRITEBACK_CACHE && t.attr_ns > blocks_ns)
        t.attr_ns = blocks_ns;
    return t;
}

bool view_stream(const struct lt_session *s, struct lt_str name, struct lt_str *ret_file,
                 struct lt_str *ret_stream)
{
    if (s->options.streams != LT_STREAMS_COLON || !s->volume.has_windows || name.len == 0)
        return false;
    const char *colon = memchr(name.s, ':', name.len);
    if (colon == NULL)
        return false;
    *ret_file = lt_strn(name.s, (size_t)(colon - name.s));
    *ret_stream = lt_strn(colon + 1, name.len - ret_file->len - 1);
    return true;
}
