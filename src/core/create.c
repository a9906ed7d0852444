// SPDX-License-Identifier: MIT
/* lintel/fs.h, lt_node_create: what a new node inherits (inode_init_owner, posix_acl_create). */
#include "core.h"
#include "descriptor.h"
#include "value.h"

#include <lintel/access.h>
#include <lintel/acl.h>

static int check_target(struct lt_str target)
{
    if (target.len == 0)
        return LT_ENOENT;
    if (target.len >= LT_PATH_MAX)
        return LT_ENAMETOOLONG;
    return memchr(target.s, 0, target.len) ? LT_EINVAL : 0;
}

static int check_acl(struct lt_str acl)
{
    if (acl.len == 0)
        return 0;
    int count = lt_acl_check(acl);
    if (count < 0)
        return count;
    return count == 0 ? LT_EINVAL : 0;
}

static int check_type(uint32_t type, bool named)
{
    switch (type) {
    case LT_S_IFREG:
        return 0;
    case LT_S_IFDIR:
    case LT_S_IFLNK:
    case LT_S_IFCHR:
    case LT_S_IFBLK:
    case LT_S_IFIFO:
    case LT_S_IFSOCK:
        return named ? 0 : LT_EINVAL;
    default:
        return LT_EINVAL;
    }
}

/* Checks a specification and strips it of what its type does not have. */
static int check_spec(struct lt_create *spec, bool named)
{
    uint32_t type = spec->mode & LT_S_IFMT;
    int r = check_type(type, named);
    if (r == 0 && type == LT_S_IFLNK)
        r = check_target(spec->target);
    if (r == 0 && spec->security.len)
        r = lt_security_check(spec->security);
    if (r == 0 && spec->exact)
        r = check_acl(spec->acl);
    if (r == 0 && spec->exact)
        r = check_acl(spec->default_acl);
    if (r < 0)
        return r;
    spec->mode &= LT_S_IFMT | LT_S_PERM;
    spec->win_attrs &= LT_WIN_SETTABLE;
    if (type != LT_S_IFLNK)
        spec->target = lt_strn(NULL, 0);
    if (type != LT_S_IFCHR && type != LT_S_IFBLK)
        spec->rdev = 0;
    if (type == LT_S_IFLNK)
        spec->acl = lt_strn(NULL, 0);
    if (type != LT_S_IFDIR)
        spec->default_acl = lt_strn(NULL, 0);
    return 0;
}

/* Owner, group and set-gid bit of a new node. */
static void inherit_owner(const struct lt_ctx *ctx, const struct lt_attr *dir,
                          struct lt_create *spec)
{
    spec->uid = ctx->uid;
    spec->gid = ctx->gid;
    if (!(dir->mode & LT_S_ISGID))
        return;
    spec->gid = dir->gid;
    uint32_t executable = LT_S_ISGID | 0010;
    if ((spec->mode & LT_S_IFMT) == LT_S_IFDIR)
        spec->mode |= LT_S_ISGID;
    else if ((spec->mode & executable) == executable && ctx->uid != 0 &&
             !lt_ctx_in_group(ctx, dir->gid))
        spec->mode &= ~(uint32_t)LT_S_ISGID;
}

/* The ACLs of a new node and its mode: from the default ACL of `dir`, or from the umask. `acls`
 * holds the values that spec then borrows. */
static int inherit_acl(const struct lt_ctx *ctx, struct lt_node *dir, const struct lt_attr *attr,
                       struct lt_create *spec, struct lt_value acls[2])
{
    if ((spec->mode & LT_S_IFMT) == LT_S_IFLNK) {
        spec->mode |= 0777;
        return 0;
    }
    int r = LT_ENODATA;
    if (attr->has & LT_HAS_DEFAULT_ACL)
        r = lt_value_xattr(ctx, dir, LT_ACL_DEFAULT, &acls[0]);
    if (r == LT_ENODATA) {
        spec->mode &= ~(ctx->umask & 0777);
        return 0;
    }
    if (r == 0 && lt_acl_check(lt_value_str(&acls[0])) <= 0)
        r = LT_EUCLEAN;
    if (r == 0)
        r = lt_value_copy(lt_value_str(&acls[0]), &acls[1]);
    if (r < 0)
        return r;
    if ((spec->mode & LT_S_IFMT) == LT_S_IFDIR)
        spec->default_acl = lt_value_str(&acls[0]);
    if (lt_acl_inherit(acls[1].data, acls[1].len, &spec->mode))
        spec->acl = lt_value_str(&acls[1]);
    return 0;
}

static int inherit(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_create *spec,
                   struct lt_value acls[2])
{
    struct lt_attr attr;
    int r = dir->fs->ops->getattr(ctx, dir, &attr);
    if (r < 0)
        return r;
    spec->acl = spec->default_acl = lt_strn(NULL, 0);
    inherit_owner(ctx, &attr, spec);
    return inherit_acl(ctx, dir, &attr, spec, acls);
}

/* ACLs as given: the mode says what the access ACL says. */
static int take_acls(struct lt_create *spec, struct lt_value acls[2])
{
    int r = lt_value_copy(spec->default_acl, &acls[0]);
    if (r == 0)
        r = lt_value_copy(spec->acl, &acls[1]);
    if (r < 0)
        return r;
    if (spec->default_acl.len)
        lt_acl_normalize(acls[0].data, acls[0].len);
    spec->default_acl = lt_value_str(&acls[0]);
    if (spec->acl.len == 0)
        return 0;
    lt_acl_normalize(acls[1].data, acls[1].len);
    spec->acl = lt_value_str(&acls[1]);
    if (!lt_acl_to_mode(spec->acl, &spec->mode))
        spec->acl = lt_strn(NULL, 0);
    return 0;
}

static void created(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                    struct lt_node *node)
{
    lt_event_emit(dir->fs, &(struct lt_event){.type = LT_EVENT_CREATE,
                                              .origin = ctx->origin,
                                              .node = node,
                                              .dir = dir,
                                              .name = name});
}

int lt_node_create(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                   const struct lt_create *spec, struct lt_entry *ret)
{
    ctx = ctx_or_root(ctx);
    int r = check_dir(dir);
    if (r == 0 && name.len)
        r = lt_name_check(name);
    if (r == 0)
        r = check_writable(dir->fs);
    if (r < 0)
        return r;
    if (!dir->fs->ops->create)
        return LT_EOPNOTSUPP;
    struct lt_create full = *spec;
    struct lt_value acls[2];
    acls[0].data = acls[1].data = NULL;
    r = check_spec(&full, name.len != 0);
    if (r == 0)
        r = spec->exact ? take_acls(&full, acls) : inherit(ctx, dir, &full, acls);
    if (r == 0)
        r = dir->fs->ops->create(ctx, dir, name, &full, ret);
    lt_value_free(&acls[0]);
    lt_value_free(&acls[1]);
    if (r == 0 && name.len && events_wanted(dir->fs))
        created(ctx, dir, name, ret->node);
    return r;
}
