// SPDX-License-Identifier: MIT
/* The host as one end of a copy. */
#include "copy.h"

#include <stdio.h>
#include <stdlib.h>

static int host_open(struct tree_job *job, const struct lt_copy_place *place, const char *path,
                     struct copy_dir *ret)
{
    (void)job;
    (void)place;
    struct lt_host_dir *dir;
    int r = lt_host_dir_open(path, &dir);
    if (r < 0)
        return r;
    char *copy = strdup(path);
    if (!copy) {
        lt_host_dir_close(dir);
        return LT_ENOMEM;
    }
    *ret = (struct copy_dir){.ops = &copy_host_ops, .host = dir, .path = copy};
    return 0;
}

static void host_close(struct copy_dir *dir)
{
    lt_host_dir_close(dir->host);
    free(dir->path);
    *dir = (struct copy_dir){0};
}

/* Where an entry is on the host, malloc'd. */
static char *path_of(const struct copy_dir *dir, const struct copy_entry *entry)
{
    size_t size = strlen(dir->path) + strlen(entry->host) + 2;
    char *path = malloc(size);
    if (path)
        (void)snprintf(path, size, "%s/%s", dir->path, entry->host);
    return path;
}

static int host_enter(struct tree_job *job, struct copy_dir *dir, const struct copy_entry *entry,
                      struct copy_dir *ret)
{
    (void)job;
    struct lt_host_dir *inner = NULL;
    char *path = path_of(dir, entry);
    int r = path ? lt_host_dir_enter(dir->host, entry->len ? entry->host : ".", &inner) : LT_ENOMEM;
    if (r < 0)
        free(path);
    else
        *ret = (struct copy_dir){.ops = &copy_host_ops, .host = inner, .path = path};
    return r;
}

static int host_find(struct tree_job *job, struct copy_dir *dir, struct copy_entry *entry)
{
    (void)job;
    return lt_host_stat(dir->host, entry->len ? entry->host : NULL, &entry->attr, &entry->dev);
}

static void host_drop(struct copy_entry *entry)
{
    (void)lt_host_file_close(entry->file, false);
    entry->file = NULL;
}

/* ---- The source ---------------------------------------------------------------------------- */

static int host_next(struct tree_job *job, struct copy_dir *dir, struct copy_entry *ret)
{
    (void)job;
    const char *name;
    int r = lt_host_dir_next(dir->host, &name);
    if (r <= 0)
        return r;
    (void)snprintf(ret->host, sizeof(ret->host), "%s", name);
    struct lt_str own = tree_host_own_name(dir->host, ret->host, ret->name);
    if (own.s != ret->name)
        memcpy(ret->name, own.s, own.len);
    ret->len = own.len;
    ret->name[own.len] = 0;
    return 1;
}

static int host_target(struct tree_job *job, struct copy_dir *dir, const struct copy_entry *entry,
                       char *buf, size_t size)
{
    (void)job;
    return lt_host_readlink(dir->host, entry->host, buf, size);
}

static const char *host_name(const struct copy_entry *entry)
{
    return entry->len ? entry->host : NULL;
}

static int host_read_meta(struct tree_job *job, struct copy_dir *dir,
                          const struct copy_entry *entry)
{
    return tree_host_read_meta(job, dir->host, host_name(entry));
}

static int host_read_data(struct tree_job *job, struct copy_dir *dir,
                          const struct copy_entry *entry, tree_data_fn *fn, void *arg)
{
    return tree_host_read_data(job, dir->host, entry->host, entry->attr.size, fn, arg);
}

/* ---- The target ---------------------------------------------------------------------------- */

static int make_entry(struct copy_dir *dir, struct copy_entry *entry, const struct lt_attr *attr,
                      struct lt_str target)
{
    char text[LT_PATH_MAX];
    switch (attr->mode & LT_S_IFMT) {
    case LT_S_IFREG:
        return lt_host_file_create(dir->host, entry->host, &entry->file);
    case LT_S_IFDIR:
        return lt_host_mkdir(dir->host, entry->host);
    case LT_S_IFLNK:
        (void)snprintf(text, sizeof(text), "%.*s", (int)target.len, target.s);
        return lt_host_symlink(dir->host, entry->host, text);
    default:
        return lt_host_mknod(dir->host, entry->host, attr->mode, attr->rdev);
    }
}

static int host_make(struct tree_job *job, struct copy_dir *dir, struct copy_entry *entry,
                     const struct lt_attr *attr, struct lt_str target)
{
    (void)job;
    int r = make_entry(dir, entry, attr, target);
    if (r < 0)
        return r;
    entry->attr = *attr;
    return 0;
}

static int host_write(struct tree_job *job, struct copy_entry *entry, uint64_t offset,
                      const char *bytes, size_t len)
{
    (void)job;
    return lt_host_file_write(entry->file, offset, bytes, len);
}

static int host_set_size(struct tree_job *job, struct copy_entry *entry, uint64_t size)
{
    (void)job;
    return lt_host_file_set_size(entry->file, size);
}

/* A name that was cut goes into an attribute: the file keeps it whole on its way back. */
static int put_name(struct copy_dir *dir, const struct copy_entry *entry)
{
    if (entry->len <= HOST_NAME_MAX)
        return 0;
    int r = lt_host_xattr_set(dir->host, entry->host, HOST_NAME, entry->name, entry->len);
    return r < 0 && meta_is_skippable(r) ? 0 : r;
}

static int host_finish(struct tree_job *job, struct copy_dir *dir, struct copy_entry *entry,
                       const struct lt_attr *attr)
{
    int r = lt_host_file_close(entry->file, false);
    entry->file = NULL;
    if (r == 0)
        r = put_name(dir, entry);
    return r == 0 ? tree_host_put_meta(job, dir->host, host_name(entry), attr) : r;
}

static void *host_remember(struct copy_dir *dir, const struct copy_entry *entry)
{
    return path_of(dir, entry);
}

static int host_link(struct tree_job *job, struct copy_dir *dir, const struct copy_entry *entry,
                     void *memory)
{
    (void)job;
    return lt_host_link(NULL, memory, dir->host, entry->host);
}

static int host_rename(struct tree_job *job, struct copy_dir *dir, const struct copy_entry *from,
                       const struct copy_entry *to)
{
    (void)job;
    return lt_host_rename(dir->host, from->host, to->host);
}

static int host_remove(struct tree_job *job, struct copy_dir *dir, const struct copy_entry *entry)
{
    (void)job;
    return lt_host_remove(dir->host, entry->host);
}

const struct copy_ops copy_host_ops = {
    .open = host_open,
    .close = host_close,
    .enter = host_enter,
    .find = host_find,
    .drop = host_drop,
    .next = host_next,
    .target = host_target,
    .read_meta = host_read_meta,
    .read_data = host_read_data,
    .make = host_make,
    .write = host_write,
    .set_size = host_set_size,
    .finish = host_finish,
    .remember = host_remember,
    .forget = free,
    .link = host_link,
    .rename = host_rename,
    .remove = host_remove,
};
