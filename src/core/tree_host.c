// SPDX-License-Identifier: MIT
#include "tree_host.h"

#include "core.h"

#include <base/hash.h>
#include <inttypes.h>
#include <stdio.h>

/* ---- Names --------------------------------------------------------------------------------- */

void tree_host_name(struct lt_str name, char ret[HOST_NAME_MAX + 1])
{
    static const struct lt_hash_key key = {0, 0};
    size_t len = name.len;
    if (len <= HOST_NAME_MAX) {
        memcpy(ret, name.s, len);
        ret[len] = 0;
        return;
    }
    len = 200;
    while (len > 190 && ((unsigned char)name.s[len] & 0xc0) == 0x80)
        len--; /* not in the middle of a character */
    memcpy(ret, name.s, len);
    (void)snprintf(ret + len, HOST_NAME_MAX + 1 - len, "~%016" PRIx64,
                   lt_hash_bytes(&key, name.s, name.len));
}

struct lt_str tree_host_own_name(struct lt_host_dir *dir, const char *name, char room[LT_NAME_MAX])
{
    int r = lt_host_xattr_get(dir, name, HOST_NAME, room, LT_NAME_MAX);
    if (r <= 0 || lt_name_check(lt_strn(room, (size_t)r)) < 0)
        return lt_str(name);
    return lt_strn(room, (size_t)r);
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* Halves of the job's buffer: names, and one value. */
#define HALF (TREE_BUFFER / 2)

static int read_value(struct tree_job *job, struct lt_host_dir *dir, const char *name,
                      const char *key)
{
    char *value = job->buffer + HALF;
    int r = lt_host_xattr_get(dir, name, key, value, HALF);
    if (r < 0) {
        job->options->status.skipped++;
        return 0;
    }
    struct lt_str ours = lt_str(key);
    if (lt_str_equal(ours, lt_str(HOST_NAME)))
        return 0;
    if (meta_has_prefix(ours, HOST_PREFIX META_PREFIX)) {
        ours.s += strlen(HOST_PREFIX);
        ours.len -= strlen(HOST_PREFIX);
    }
    return meta_add(&job->meta, ours, lt_strn(value, (size_t)r));
}

int tree_host_read_meta(struct tree_job *job, struct lt_host_dir *dir, const char *name)
{
    const char *names = job->buffer;
    meta_clear(&job->meta);
    int len = lt_host_xattr_list(dir, name, job->buffer, HALF - 1);
    if (len < 0) /* a host file system without any */
        return 0;
    job->buffer[len] = 0;
    int r = 0;
    for (const char *key = names; r == 0 && key < names + len; key += strlen(key) + 1)
        r = read_value(job, dir, name, key);
    return r;
}

static int read_run(struct tree_job *job, struct lt_host_file *from, uint64_t offset, uint64_t end,
                    tree_data_fn *fn, void *arg)
{
    while (offset < end) {
        uint64_t want = end - offset < TREE_BUFFER ? end - offset : TREE_BUFFER;
        int64_t got = lt_host_file_read(from, offset, job->buffer, (size_t)want);
        if (got <= 0)
            return (int)got;
        int r = fn(arg, offset, job->buffer, (size_t)got);
        if (r == 0)
            r = tree_count(job, 0, (uint64_t)got);
        if (r < 0)
            return r;
        offset += (uint64_t)got;
    }
    return 0;
}

static int read_runs(struct tree_job *job, struct lt_host_file *from, uint64_t size,
                     tree_data_fn *fn, void *arg)
{
    uint64_t offset = 0;
    while (offset < size) {
        uint64_t end = size;
        int r = lt_host_file_data(from, &offset, &end);
        if (r == LT_ENXIO) /* a hole to the end */
            return 0;
        if (r < 0 && r != LT_EINVAL && r != LT_EOPNOTSUPP)
            return r;
        if (end > size)
            end = size;
        r = read_run(job, from, offset, end, fn, arg);
        if (r < 0)
            return r;
        offset = end;
    }
    return 0;
}

int tree_host_read_data(struct tree_job *job, struct lt_host_dir *dir, const char *name,
                        uint64_t size, tree_data_fn *fn, void *arg)
{
    struct lt_host_file *from;
    int r = lt_host_file_open(dir, name, &from);
    if (r < 0)
        return r;
    r = read_runs(job, from, size, fn, arg);
    (void)lt_host_file_close(from, false);
    return r;
}

/* ---- Writing ------------------------------------------------------------------------------- */

/* Attributes of one sort: those in user., which need no more than a writable file, or the rest. */
static int put_xattrs(struct tree_job *job, struct lt_host_dir *dir, const char *name, bool user)
{
    struct lt_str key, value;
    char host_key[LT_XATTR_NAME_MAX + sizeof(HOST_PREFIX)];
    for (size_t at = 0; meta_next(&job->meta, &at, &key, &value);) {
        bool ours = meta_has_prefix(key, META_PREFIX);
        if ((ours || meta_has_prefix(key, HOST_PREFIX)) != user)
            continue;
        int r = LT_ENAMETOOLONG;
        if (key.len < LT_XATTR_NAME_MAX) {
            (void)snprintf(host_key, sizeof(host_key), "%s%s", ours ? HOST_PREFIX : "", key.s);
            r = lt_host_xattr_set(dir, name, host_key, value.s, value.len);
        }
        if (r == LT_ENOSPC && value.len > 1024) /* more than this host has room for beside a file */
            r = LT_E2BIG;
        if (r < 0 && !meta_is_skippable(r))
            return r;
        if (r < 0 && !lt_str_equal(key, lt_str(META_CREATED)))
            job->options->status.skipped++;
    }
    return 0;
}

int tree_host_put_meta(struct tree_job *job, struct lt_host_dir *dir, const char *name,
                       const struct lt_attr *attr)
{
    int r = put_xattrs(job, dir, name, true);
    if (r < 0)
        return r;
    r = lt_host_chown(dir, name, attr->uid, attr->gid);
    if (r < 0 && r != LT_EPERM && r != LT_EINVAL)
        return r;
    job->options->status.skipped += r < 0;
    if ((attr->mode & LT_S_IFMT) != LT_S_IFLNK)
        r = lt_host_chmod(dir, name, attr->mode);
    else
        r = 0;
    if (r == 0)
        r = put_xattrs(job, dir, name, false);
    return r < 0 ? r : lt_host_utimens(dir, name, attr->atime, attr->mtime);
}
