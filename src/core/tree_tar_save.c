// SPDX-License-Identifier: MIT
/* A tree of a Lintel file system into a tar archive (pax). */
#include "core.h"
#include "tree_tar.h"

#include <base/json.h>
#include <base/unicode.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define OUT_SIZE ((size_t)64 * 1024)

struct save {
    struct tree_sink sink; /* first */
    struct tree_job *job;
    struct lt_host_file *file;
    uint64_t written;
    size_t used; /* of `out` */
    char *out;   /* OUT_SIZE bytes not yet written */
    struct lt_buffer records;
    struct lt_buffer map;
    struct idmap links; /* node id -> malloc'd path, for files with several names */
};

/* ---- Output -------------------------------------------------------------------------------- */

static int flush(struct save *s)
{
    int r = lt_host_file_write(s->file, s->written, s->out, s->used);
    s->written += s->used;
    s->used = 0;
    return r;
}

static int put(struct save *s, const void *bytes, size_t len)
{
    const char *from = bytes;
    while (len) {
        size_t part = OUT_SIZE - s->used < len ? OUT_SIZE - s->used : len;
        memcpy(s->out + s->used, from, part);
        s->used += part;
        from += part;
        len -= part;
        int r = s->used == OUT_SIZE ? flush(s) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

static int put_zeros(struct save *s, uint64_t len)
{
    static const char zeros[TAR_BLOCK];
    int r = 0;
    for (; r == 0 && len >= sizeof(zeros); len -= sizeof(zeros))
        r = put(s, zeros, sizeof(zeros));
    return r < 0 ? r : put(s, zeros, (size_t)len);
}

/* Just `len` bytes of a node, zeros for what is gone meanwhile. */
static int put_range(struct save *s, struct lt_node *node, uint64_t offset, uint64_t len)
{
    while (len) {
        size_t want = len < TREE_BUFFER ? (size_t)len : TREE_BUFFER;
        int got = lt_node_pread(s->job->ctx, node, offset, s->job->buffer, want);
        if (got == 0)
            return put_zeros(s, len);
        int r = got < 0 ? got : put(s, s->job->buffer, (size_t)got);
        if (r == 0)
            r = tree_count(s->job, 0, (uint64_t)got);
        if (r < 0)
            return r;
        offset += (uint64_t)got;
        len -= (uint64_t)got;
    }
    return 0;
}

/* ---- pax records --------------------------------------------------------------------------- */

static int record(struct save *s, const char *prefix, struct lt_str key, struct lt_str value)
{
    char whole[LT_NAME_MAX + 64];
    int len = snprintf(whole, sizeof(whole), "%s%.*s", prefix, (int)key.len, key.s);
    if (len < 0 || (size_t)len >= sizeof(whole))
        return LT_ENAMETOOLONG;
    size_t size = tar_pax_size((size_t)len, value.len);
    char *text = malloc(size);
    if (!text)
        return LT_ENOMEM;
    tar_pax_put(text, lt_strn(whole, (size_t)len), value);
    int r = lt_buffer_write(&s->records, text, size);
    free(text);
    return r;
}

static int record_text(struct save *s, const char *key, struct lt_str value)
{
    return record(s, "", lt_str(key), value);
}

static int record_number(struct save *s, const char *key, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    return record_text(s, key, lt_str(text));
}

static int record_time(struct save *s, const char *key, struct lt_time time)
{
    char text[META_TIME_SIZE];
    meta_time_format(time, text);
    return record_text(s, key, lt_str(text));
}

static int record_times(struct save *s, const struct lt_attr *attr)
{
    int r = 0;
    if (attr->mtime.nsec || attr->mtime.sec < 0 || attr->mtime.sec >> 33)
        r = record_time(s, "mtime", attr->mtime);
    if (r == 0)
        r = record_time(s, "atime", attr->atime);
    return r < 0 ? r : record_time(s, "ctime", attr->ctime);
}

/* job->meta as records. */
static int record_meta(struct save *s)
{
    struct lt_str key, value;
    int r = 0;
    for (size_t at = 0; r == 0 && meta_next(&s->job->meta, &at, &key, &value);) {
        size_t skip = strlen(META_PREFIX);
        bool equals = memchr(key.s, '=', key.len) != NULL;
        if (equals) /* no record can say that */
            s->job->options->status.skipped++;
        else if (meta_has_prefix(key, META_PREFIX))
            r = record(s, TAR_META, lt_strn(key.s + skip, key.len - skip), value);
        else
            r = record(s, TAR_XATTR, key, value);
    }
    return r;
}

static int record_texts(struct save *s, const struct tar_member *m)
{
    bool binary = !lt_utf8_valid(m->name) || !lt_utf8_valid(m->link);
    int r = binary ? record_text(s, "hdrcharset", lt_str("BINARY")) : 0;
    if (r == 0 && m->name.len > sizeof(((struct tar_header *)0)->name))
        r = record_text(s, "path", m->name);
    if (r == 0 && m->link.len > sizeof(((struct tar_header *)0)->linkname))
        r = record_text(s, "linkpath", m->link);
    return r;
}

/* What the header of a member cannot say. */
static int record_misfits(struct save *s, const struct tar_member *m)
{
    int r = tar_fits(m) ? 0 : record_texts(s, m);
    if (r == 0 && !tar_fits(&(struct tar_member){.size = m->size}))
        r = record_number(s, "size", m->size);
    if (r == 0 && !tar_fits(&(struct tar_member){.uid = m->uid}))
        r = record_number(s, "uid", m->uid);
    if (r == 0 && !tar_fits(&(struct tar_member){.gid = m->gid}))
        r = record_number(s, "gid", m->gid);
    return r;
}

/* ---- Members ------------------------------------------------------------------------------- */

static int put_records(struct save *s)
{
    struct tar_header header;
    struct tar_member pax = {.type = TAR_PAX,
                             .mode = 0644,
                             .size = s->records.len,
                             .name = lt_str("./PaxHeaders/lintel")};
    tar_encode(&pax, &header);
    int r = put(s, &header, sizeof(header));
    if (r == 0)
        r = put(s, s->records.text, s->records.len);
    return r < 0 ? r : put_zeros(s, tar_padding(s->records.len));
}

/* Records and header of a member; its content follows. */
static int put_head(struct save *s, const struct tar_member *member)
{
    struct tar_header header;
    int r = record_misfits(s, member);
    if (r == 0 && s->records.len)
        r = put_records(s);
    s->records.len = 0;
    if (r < 0)
        return r;
    tar_encode(member, &header);
    return put(s, &header, sizeof(header));
}

static int add_run(struct save *s, uint64_t offset, uint64_t len, uint64_t *count)
{
    char line[48];
    int digits = snprintf(line, sizeof(line), "%" PRIu64 "\n%" PRIu64 "\n", offset, len);
    ++*count;
    return lt_buffer_write(&s->map, line, (size_t)digits);
}

/* The runs of data of a file as lines of GNU's map into s->map, their number and total. An empty
 * run marks the end of a file that ends in a hole. */
static int map_data(struct save *s, struct lt_node *node, uint64_t size, uint64_t *ret_count,
                    uint64_t *ret_total)
{
    uint64_t offset = 0, end = 0;
    *ret_count = *ret_total = 0;
    s->map.len = 0;
    while (offset < size) {
        int r = lt_node_seek(s->job->ctx, node, offset, LT_SEEK_DATA, &offset);
        if (r == 0)
            r = lt_node_seek(s->job->ctx, node, offset, LT_SEEK_HOLE, &end);
        if (r == LT_ENXIO || (r == 0 && offset >= size))
            return add_run(s, size, 0, ret_count);
        if (r < 0)
            return r;
        end = end < size ? end : size;
        r = add_run(s, offset, end - offset, ret_count);
        if (r < 0)
            return r;
        *ret_total += end - offset;
        offset = end;
    }
    return 0;
}

/* Writes the runs that s->map lists. */
static int put_runs(struct save *s, struct lt_node *node)
{
    uint64_t run[2];
    const char *at = s->map.text, *end = s->map.text + s->map.len;
    while (at < end) {
        for (int i = 0; i < 2; i++) {
            char *next;
            run[i] = strtoull(at, &next, 10);
            at = next + 1;
        }
        int r = put_range(s, node, run[0], run[1]);
        if (r < 0)
            return r;
    }
    return 0;
}

static int put_sparse(struct save *s, struct tar_member *m, struct lt_node *node, uint64_t count,
                      uint64_t total)
{
    char first[24];
    uint64_t real = m->size;
    int len = snprintf(first, sizeof(first), "%" PRIu64 "\n", count);
    uint64_t map = (uint64_t)len + s->map.len;
    int r = record_number(s, TAR_SPARSE_MAJOR, 1);
    if (r == 0)
        r = record_number(s, TAR_SPARSE_MINOR, 0);
    if (r == 0)
        r = record_text(s, TAR_SPARSE_NAME, m->name);
    if (r == 0)
        r = record_number(s, TAR_SPARSE_SIZE, real);
    m->size = map + tar_padding(map) + total;
    if (r == 0)
        r = put_head(s, m);
    if (r == 0)
        r = put(s, first, (size_t)len);
    if (r == 0)
        r = put(s, s->map.text, s->map.len);
    if (r == 0)
        r = put_zeros(s, tar_padding(map));
    if (r == 0 && count)
        r = put_runs(s, node);
    return r < 0 ? r : put_zeros(s, tar_padding(m->size));
}

static int put_plain(struct save *s, const struct tar_member *m, struct lt_node *node)
{
    int r = put_head(s, m);
    if (r == 0)
        r = put_range(s, node, 0, m->size);
    return r < 0 ? r : put_zeros(s, tar_padding(m->size));
}

static int put_file(struct save *s, struct tar_member *m, struct lt_node *node)
{
    uint64_t count = 1, total = m->size;
    int r = m->size ? map_data(s, node, m->size, &count, &total) : 0;
    if (r < 0 && r != LT_EOPNOTSUPP)
        return r;
    return r == 0 && total < m->size ? put_sparse(s, m, node, count, total) : put_plain(s, m, node);
}

/* A stream too long for a record: a member of its own. */
static int put_stream(struct save *s, struct lt_node *node, struct lt_str name)
{
    const struct lt_ctx *ctx = s->job->ctx;
    struct lt_node *stream;
    struct lt_attr attr;
    size_t before;
    struct lt_str of = {s->job->path, s->job->path_len};
    int r = lt_node_stream_open(ctx, node, name, 0, &stream);
    if (r < 0)
        return r == LT_ENOENT ? 0 : r;
    r = lt_node_getattr(ctx, stream, &attr);
    if (r == 0)
        r = record_text(s, TAR_STREAM_OF, of);
    if (r == 0)
        r = record_text(s, TAR_STREAM, name);
    if (r == 0)
        r = tree_path_push(s->job, name, &before);
    if (r == 0) {
        if (before)
            s->job->path[before] = ':';
        struct tar_member m = {.type = TAR_FILE, .mode = 0600, .size = attr.size};
        m.name = lt_strn(s->job->path, s->job->path_len);
        r = put_plain(s, &m, stream);
        tree_path_cut(s->job, before);
    }
    lt_node_put(stream);
    return r;
}

static int put_streams(struct save *s, struct lt_node *node, const struct lt_attr *attr)
{
    struct meta names = {0};
    struct lt_str name, value;
    int r = meta_streams(s->job->ctx, node, attr, META_STREAM_MAX + 1, &names);
    for (size_t at = 0; r == 0 && meta_next(&names, &at, &name, &value);)
        r = put_stream(s, node, name);
    meta_fini(&names);
    return r;
}

/* ---- The sink ------------------------------------------------------------------------------ */

static char type_of(const struct lt_node *node)
{
    switch (node->type) {
    case LT_S_IFDIR:
        return TAR_DIR;
    case LT_S_IFLNK:
        return TAR_SYMLINK;
    case LT_S_IFCHR:
        return TAR_CHAR;
    case LT_S_IFBLK:
        return TAR_BLOCK_DEVICE;
    case LT_S_IFIFO:
        return TAR_FIFO;
    default:
        return TAR_FILE;
    }
}

/* Further names of a file are links to the first. */
static int put_link(struct save *s, struct tar_member *m, const char *first)
{
    m->type = TAR_LINK;
    m->link = lt_str(first);
    m->size = 0;
    return put_head(s, m);
}

static int remember(struct save *s, struct lt_node *node)
{
    char *path = strdup(s->job->path);
    int r = path ? idmap_add(&s->links, node->id, 0, path) : LT_ENOMEM;
    if (r < 0)
        free(path);
    return r;
}

static int put_member(struct save *s, struct tar_member *m, struct lt_node *node,
                      const struct lt_attr *attr)
{
    meta_clear(&s->job->meta);
    int r = meta_read(s->job->ctx, node, attr, &s->job->meta);
    if (r == 0)
        r = record_times(s, attr);
    if (r == 0)
        r = record_meta(s);
    if (r == 0 && node->type == LT_S_IFSOCK)
        r = record_text(s, TAR_TYPE, lt_str("socket"));
    if (r == 0)
        r = node->type == LT_S_IFREG ? put_file(s, m, node) : put_head(s, m);
    return r < 0 ? r : put_streams(s, node, attr);
}

static int save_node(struct tree_sink *sink, struct lt_str name, struct lt_node *node,
                     const struct lt_attr *attr)
{
    struct save *s = (struct save *)sink;
    char target[LT_PATH_MAX];
    struct tar_member m = {.type = type_of(node),
                           .mode = attr->mode & LT_S_PERM,
                           .uid = attr->uid,
                           .gid = attr->gid,
                           .mtime = attr->mtime.sec,
                           .major = attr->rdev >> 8 & 0xfff,
                           .minor = (attr->rdev & 0xff) | (attr->rdev >> 12 & 0xfff00)};
    (void)name;
    if (node->type == LT_S_IFREG)
        m.size = attr->size;
    if (node->type == LT_S_IFLNK) {
        int len = lt_node_readlink(s->job->ctx, node, target, sizeof(target));
        if (len < 0)
            return len;
        m.link = lt_strn(target, (size_t)len);
    }
    bool links = attr->nlink > 1 && node->type != LT_S_IFDIR;
    const char *first = links ? idmap_get(&s->links, node->id, 0) : NULL;
    /* A directory's name ends in '/', behind the path for as long as this takes. */
    size_t len = s->job->path_len;
    char *path = malloc(len + 3);
    if (!path)
        return LT_ENOMEM;
    (void)snprintf(path, len + 3, "%s%s", len ? s->job->path : ".", m.type == TAR_DIR ? "/" : "");
    m.name = lt_str(path);
    int r = first ? put_link(s, &m, first) : put_member(s, &m, node, attr);
    if (r == 0 && links && !first)
        r = remember(s, node);
    free(path);
    return r;
}

static int put_end(struct save *s)
{
    int r = put_zeros(s, 2 * (uint64_t)TAR_BLOCK);
    return r < 0 ? r : flush(s);
}

int tree_tar_save(struct tree_job *job, struct lt_node *from, const char *path)
{
    struct save s = {.sink = {save_node, NULL}, .job = job};
    s.out = malloc(OUT_SIZE);
    int r = s.out ? lt_host_file_create(NULL, path, &s.file) : LT_ENOMEM;
    if (r == 0)
        r = tree_walk(job, from, &s.sink);
    if (r == 0)
        r = put_end(&s);
    int r2 = lt_host_file_close(s.file, r == 0);
    free(s.out);
    free(s.records.text);
    free(s.map.text);
    idmap_fini(&s.links, free);
    return r < 0 ? r : r2;
}
