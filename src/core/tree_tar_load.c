// SPDX-License-Identifier: MIT
/* A tar archive (ustar, pax, GNU) into a Lintel file system. Nothing in it is trusted. */
#include "core.h"
#include "tree_tar.h"

#include <stdlib.h>

#define RECORDS_MAX (64u << 20) /* bytes of one set of pax records */
#define RUNS_MAX (1u << 20)     /* of a sparse file */

/* What comes last for a directory, which is not full before the end. */
struct later {
    struct later *next;
    struct lt_node *node;
    struct lt_setattr late;
};

struct run {
    uint64_t offset, len;
};

/* A member with all that records say of it. Texts borrow from `load`. */
struct member {
    struct tar_member head;
    struct lt_attr attr;
    struct lt_str path, link;
    struct lt_str stream, stream_of;
    uint64_t real_size; /* of a sparse file */
    bool sparse;        /* GNU's 1.0 form: the map is in the content */
    bool listed;        /* GNU's other forms: the runs are known */
    bool has_real_size, has_sparse_name;
};

struct load {
    struct tree_job *job;
    struct tar_source *source;
    struct lt_node *top;
    uint64_t left;                                  /* of the member's content, padding included */
    char *records, *global, *long_name, *long_link; /* malloc'd, or NULL */
    size_t records_len, global_len;
    struct run *runs; /* RUNS_MAX at most, or NULL */
    size_t run_count;
    struct later *later;
};

/* ---- Input --------------------------------------------------------------------------------- */

/* All of it, or LT_EBADMSG; 1 at the very end. */
static int read_full(struct load *l, void *buf, size_t len)
{
    size_t done = 0;
    while (done < len) {
        int64_t n = l->source->read(l->source, (char *)buf + done, len - done);
        if (n < 0)
            return (int)n;
        if (n == 0)
            return done == 0 ? 1 : LT_EBADMSG;
        done += (size_t)n;
    }
    return 0;
}

/* The next bytes of the content. */
static int read_content(struct load *l, void *buf, size_t len)
{
    if (len > l->left)
        return LT_EBADMSG;
    l->left -= len;
    int r = read_full(l, buf, len);
    return r > 0 ? LT_EBADMSG : r;
}

static int skip_content(struct load *l)
{
    int r = 0;
    while (r == 0 && l->left) {
        r = read_content(l, l->job->buffer, l->left < TREE_BUFFER ? (size_t)l->left : TREE_BUFFER);
        if (r == 0)
            r = tree_count(l->job, 0, 0);
    }
    return r;
}

/* The whole content as malloc'd text with NUL, in place of *text. */
static int take_content(struct load *l, uint64_t size, uint64_t max, char **text)
{
    if (size > max)
        return LT_EBADMSG;
    char *bytes = malloc((size_t)size + 1);
    if (!bytes)
        return LT_ENOMEM;
    int r = read_content(l, bytes, (size_t)size);
    if (r < 0) {
        free(bytes);
        return r;
    }
    bytes[size] = 0;
    free(*text);
    *text = bytes;
    return 0;
}

/* ---- Records ------------------------------------------------------------------------------- */

static bool is(struct lt_str key, const char *name)
{
    return lt_str_equal(key, lt_str(name));
}

static int take_id(struct lt_str value, uint32_t *ret)
{
    uint64_t id;
    int r = tar_number(value, UINT32_MAX, &id);
    if (r == 0)
        *ret = (uint32_t)id;
    return r;
}

static int take_time(struct lt_str value, struct lt_time *ret)
{
    return meta_time_parse(value, ret) < 0 ? LT_EBADMSG : 0;
}

static int add_run(struct load *l, uint64_t offset, uint64_t len)
{
    if (l->run_count == RUNS_MAX)
        return LT_EBADMSG;
    if ((l->run_count & (l->run_count - 1)) == 0) {
        size_t capacity = l->run_count ? 2 * l->run_count : 1;
        struct run *runs = realloc(l->runs, capacity * sizeof(*runs));
        if (!runs)
            return LT_ENOMEM;
        l->runs = runs;
    }
    l->runs[l->run_count++] = (struct run){offset, len};
    return 0;
}

/* GNU's 0.1 form: "offset,size,offset,size". */
static int take_map(struct load *l, struct lt_str map)
{
    uint64_t numbers[2];
    int r = 0;
    for (unsigned i = 0; r == 0 && map.len; i++) {
        const char *comma = memchr(map.s, ',', map.len);
        size_t len = comma ? (size_t)(comma - map.s) : map.len;
        size_t used = comma ? len + 1 : len;
        r = tar_number(lt_strn(map.s, len), LT_SIZE_MAX, &numbers[i & 1]);
        if (r == 0 && (i & 1))
            r = add_run(l, numbers[0], numbers[1]);
        map = lt_strn(map.s + used, map.len - used);
    }
    return r;
}

static int take_sparse(struct load *l, struct lt_str key, struct lt_str value, struct member *m)
{
    uint64_t number;
    if (is(key, TAR_SPARSE_MAJOR)) {
        m->sparse = is(value, "1");
    } else if (is(key, TAR_SPARSE_NAME)) {
        m->has_sparse_name = true;
        m->path = value;
    } else if (is(key, TAR_SPARSE_SIZE) || is(key, "GNU.sparse.size")) {
        m->has_real_size = true;
        return tar_number(value, LT_SIZE_MAX, &m->real_size);
    } else if (is(key, "GNU.sparse.map")) {
        m->listed = true;
        return take_map(l, value);
    } else if (is(key, "GNU.sparse.offset")) {
        m->listed = true;
        int r = tar_number(value, LT_SIZE_MAX, &number);
        return r < 0 ? r : add_run(l, number, 0);
    } else if (is(key, "GNU.sparse.numbytes")) {
        int r = l->run_count ? tar_number(value, LT_SIZE_MAX, &number) : LT_EBADMSG;
        if (r == 0)
            l->runs[l->run_count - 1].len = number;
        return r;
    }
    return 0;
}

/* Ours: metadata under the name that meta_apply() knows. */
static int take_meta(struct load *l, struct lt_str key, struct lt_str value)
{
    char name[sizeof(META_PREFIX) + sizeof(META_STREAM) + LT_NAME_MAX];
    size_t skip = strlen(TAR_META), prefix = strlen(META_PREFIX);
    size_t len = prefix + key.len - skip;
    if (len > sizeof(name))
        return 0;
    memcpy(name, META_PREFIX, prefix);
    memcpy(name + prefix, key.s + skip, key.len - skip);
    return meta_add(&l->job->meta, lt_strn(name, len), value);
}

static int take_record(struct load *l, struct lt_str key, struct lt_str value, struct member *m)
{
    if (is(key, "path")) {
        if (!m->has_sparse_name)
            m->path = value;
    } else if (is(key, "linkpath")) {
        m->link = value;
    } else if (is(key, "size")) {
        return tar_number(value, LT_SIZE_MAX, &m->head.size);
    } else if (is(key, "uid")) {
        return take_id(value, &m->attr.uid);
    } else if (is(key, "gid")) {
        return take_id(value, &m->attr.gid);
    } else if (is(key, "mtime")) {
        return take_time(value, &m->attr.mtime);
    } else if (is(key, "atime")) {
        return take_time(value, &m->attr.atime);
    } else if (is(key, "ctime")) {
        return take_time(value, &m->attr.ctime);
    } else if (is(key, TAR_STREAM)) {
        m->stream = value;
    } else if (is(key, TAR_STREAM_OF)) {
        m->stream_of = value;
    } else if (is(key, TAR_TYPE)) {
        m->attr.mode = is(value, "socket") ? LT_S_IFSOCK : 0;
    } else if (meta_has_prefix(key, TAR_META)) {
        return take_meta(l, key, value);
    } else if (meta_has_prefix(key, TAR_XATTR)) {
        size_t skip = strlen(TAR_XATTR);
        return meta_add(&l->job->meta, lt_strn(key.s + skip, key.len - skip), value);
    } else if (meta_has_prefix(key, "GNU.sparse.")) {
        return take_sparse(l, key, value, m);
    }
    return 0;
}

static int take_records(struct load *l, struct lt_str records, struct member *m)
{
    struct lt_str key, value;
    int r;
    while ((r = tar_pax_next(&records, &key, &value)) > 0) {
        r = take_record(l, key, value, m);
        if (r < 0)
            return r;
    }
    return r;
}

/* ---- Places -------------------------------------------------------------------------------- */

/* The next component of a path, "." left out; length 0 at the end. LT_EBADMSG: "..". */
static int next_component(struct lt_str *path, struct lt_str *ret)
{
    do {
        while (path->len && path->s[0] == '/')
            *path = lt_strn(path->s + 1, path->len - 1);
        const char *slash = path->len ? memchr(path->s, '/', path->len) : NULL;
        size_t len = slash ? (size_t)(slash - path->s) : path->len;
        *ret = lt_strn(path->s, len);
        *path = lt_strn(path->s + len, path->len - len);
    } while (is(*ret, "."));
    return is(*ret, "..") ? LT_EBADMSG : 0;
}

/* The directory `name` in `dir`, made if need be; takes over the reference to `dir`. */
static int descend(struct load *l, struct lt_node *dir, struct lt_str name, struct lt_node **ret)
{
    struct lt_entry entry = {.stored = NULL};
    struct lt_attr attr = {
        .mode = LT_S_IFDIR | 0755, .uid = l->job->ctx->uid, .gid = l->job->ctx->gid};
    int r = lt_node_lookup(l->job->ctx, dir, name, &entry);
    if (r == LT_ENOENT)
        r = tree_make(l->job, dir, name, &attr, lt_strn(NULL, 0), &entry.node);
    lt_node_put(dir);
    if (r < 0)
        return r;
    *ret = entry.node;
    return 0;
}

/* The directory that a member goes into, referenced, and its name there; length 0: the top. */
static int find_place(struct load *l, struct lt_str path, struct lt_node **ret_dir,
                      struct lt_str *ret_name)
{
    struct lt_node *dir = lt_node_get(l->top);
    struct lt_str name, next;
    int r = next_component(&path, &name);
    while (r == 0) {
        r = next_component(&path, &next);
        if (r == 0 && next.len == 0) {
            *ret_dir = dir;
            *ret_name = name;
            return 0;
        }
        if (r < 0)
            break;
        r = descend(l, dir, name, &dir);
        if (r < 0)
            return r;
        name = next;
    }
    lt_node_put(dir);
    return r;
}

/* What is there under a path; never through a symbolic link. */
static int find_node(struct load *l, struct lt_str path, struct lt_node **ret)
{
    struct lt_node *dir = NULL;
    struct lt_str name = {NULL, 0};
    struct lt_entry entry = {.stored = NULL};
    int r = find_place(l, path, &dir, &name);
    if (r < 0)
        return r;
    if (name.len == 0) {
        *ret = dir;
        return 0;
    }
    r = lt_node_lookup(l->job->ctx, dir, name, &entry);
    lt_node_put(dir);
    if (r == 0)
        *ret = entry.node;
    return r;
}

/* ---- Content ------------------------------------------------------------------------------- */

static int load_run(struct load *l, struct lt_node *node, uint64_t offset, uint64_t len)
{
    int r = 0;
    while (r == 0 && len) {
        size_t part = len < TREE_BUFFER ? (size_t)len : TREE_BUFFER;
        r = read_content(l, l->job->buffer, part);
        if (r == 0)
            r = tree_write(l->job, node, offset, l->job->buffer, part);
        if (r == 0)
            r = tree_count(l->job, 0, part);
        offset += part;
        len -= part;
    }
    return r;
}

/* The decimal lines at the start of the content, block by block. */
struct map_reader {
    struct load *load;
    char block[TAR_BLOCK];
    size_t at; /* in block */
};

static int next_line(struct map_reader *m, uint64_t *ret)
{
    char digits[24];
    size_t len = 0;
    for (;;) {
        if (m->at == TAR_BLOCK) {
            int r = read_content(m->load, m->block, TAR_BLOCK);
            if (r < 0)
                return r;
            m->at = 0;
        }
        char c = m->block[m->at++];
        if (c == '\n')
            return tar_number(lt_strn(digits, len), LT_SIZE_MAX, ret);
        if (len == sizeof(digits))
            return LT_EBADMSG;
        digits[len++] = c;
    }
}

static int read_map(struct load *l)
{
    struct map_reader reader = {.load = l, .at = TAR_BLOCK};
    uint64_t count, offset, len;
    int r = next_line(&reader, &count);
    l->run_count = 0;
    for (uint64_t i = 0; r == 0 && i < count; i++) {
        r = next_line(&reader, &offset);
        if (r == 0)
            r = next_line(&reader, &len);
        if (r == 0)
            r = add_run(l, offset, len);
    }
    return r;
}

static int add_gnu_runs(struct load *l, const struct tar_gnu_run *list, size_t count)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < count && list[i].len[0]; i++) {
        uint64_t offset, len;
        r = tar_field(list[i].offset, sizeof(list[i].offset), &offset);
        if (r == 0)
            r = tar_field(list[i].len, sizeof(list[i].len), &len);
        if (r == 0)
            r = add_run(l, offset, len);
    }
    return r;
}

/* The runs of GNU's older form: some in the header, the rest in blocks before the content, which do
 * not count as content. */
static int read_gnu_map(struct load *l, const struct tar_header *header, struct member *m)
{
    const struct tar_gnu *gnu = (const struct tar_gnu *)header;
    struct tar_gnu_more block;
    int r = tar_field(gnu->real_size, sizeof(gnu->real_size), &m->real_size);
    if (r == 0)
        r = add_gnu_runs(l, gnu->runs, TAR_GNU_RUNS);
    for (bool more = gnu->more; r == 0 && more; more = block.more) {
        r = read_full(l, &block, sizeof(block));
        if (r > 0)
            r = LT_EBADMSG;
        if (r == 0)
            r = add_gnu_runs(l, block.runs, TAR_GNU_RUNS_MORE);
    }
    m->has_real_size = m->listed = true;
    return r;
}

static int load_runs(struct load *l, struct lt_node *node, uint64_t size)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < l->run_count; i++) {
        const struct run *run = &l->runs[i];
        if (run->offset > size || run->len > size - run->offset)
            return LT_EBADMSG;
        r = load_run(l, node, run->offset, run->len);
    }
    return r;
}

static int write_content(struct load *l, const struct member *m, struct lt_node *node,
                         uint64_t size)
{
    struct lt_setattr set = {.mask = LT_SET_SIZE, .size = size};
    int r = 0;
    if (m->sparse)
        r = read_map(l);
    if (r == 0 && (m->sparse || m->listed))
        r = load_runs(l, node, size);
    else if (r == 0)
        r = load_run(l, node, 0, m->head.size);
    return r < 0 || size == 0 ? r : lt_node_setattr(l->job->ctx, node, &set, NULL);
}

static int load_content(struct load *l, const struct member *m, struct lt_node *node)
{
    uint64_t size = m->has_real_size ? m->real_size : m->head.size;
    if (size > LT_SIZE_MAX)
        return LT_EBADMSG;
    int r = lt_node_open(l->job->ctx, node, LT_OPEN_WRITE);
    if (r < 0)
        return r;
    r = write_content(l, m, node, size);
    int closed = lt_node_close(l->job->ctx, node, LT_OPEN_WRITE);
    return r < 0 ? r : closed;
}

/* ---- Members ------------------------------------------------------------------------------- */

static int defer(struct load *l, struct lt_node *node, const struct lt_setattr *late)
{
    struct later *later = malloc(sizeof(*later));
    if (!later)
        return LT_ENOMEM;
    *later = (struct later){l->later, lt_node_get(node), *late};
    l->later = later;
    return 0;
}

/* A later member of the same name takes the place of an earlier one, but for directories. */
static int make_room(struct load *l, struct lt_node *dir, struct lt_str name)
{
    int r = lt_node_remove(l->job->ctx, dir, name, 0, NULL);
    return r == LT_ENOENT ? 0 : r;
}

static int make_node(struct load *l, const struct member *m, struct lt_node *dir,
                     struct lt_str name, struct lt_node **ret)
{
    struct lt_entry entry = {.stored = NULL};
    if ((m->attr.mode & LT_S_IFMT) == LT_S_IFDIR) {
        int r = lt_node_lookup(l->job->ctx, dir, name, &entry);
        if (r == 0 && entry.node->type == LT_S_IFDIR) {
            *ret = entry.node;
            return 0;
        }
        lt_node_put(entry.node);
    }
    int r = make_room(l, dir, name);
    return r < 0 ? r : tree_make(l->job, dir, name, &m->attr, m->link, ret);
}

static int set_owner(struct load *l, struct lt_node *node, const struct lt_attr *attr)
{
    struct lt_setattr set = {.mask = LT_SET_MODE | LT_SET_UID | LT_SET_GID,
                             .mode = attr->mode & LT_S_PERM,
                             .uid = attr->uid,
                             .gid = attr->gid};
    return lt_node_setattr(l->job->ctx, node, &set, NULL);
}

static int fill_node(struct load *l, const struct member *m, struct lt_node *node)
{
    struct lt_setattr late;
    int r = 0;
    if (node->type == LT_S_IFDIR)
        r = set_owner(l, node, &m->attr);
    else if (node->type == LT_S_IFREG)
        r = load_content(l, m, node);
    if (r == 0)
        r = tree_apply_meta(l->job, node, &m->attr, &late);
    if (r < 0)
        return r;
    return node->type == LT_S_IFDIR ? defer(l, node, &late) : tree_finish(l->job, node, &late);
}

static int load_node(struct load *l, const struct member *m)
{
    struct lt_node *dir, *node;
    struct lt_str name;
    int r = find_place(l, m->path, &dir, &name);
    if (r < 0)
        return r;
    if (name.len == 0)
        node = lt_node_get(dir);
    else
        r = make_node(l, m, dir, name, &node);
    lt_node_put(dir);
    if (r < 0)
        return r;
    r = fill_node(l, m, node);
    lt_node_put(node);
    return r;
}

static int load_link(struct load *l, const struct member *m)
{
    struct lt_node *dir, *node;
    struct lt_str name;
    int r = find_node(l, m->link, &node);
    if (r < 0)
        return r == LT_ENOENT ? LT_EBADMSG : r;
    r = find_place(l, m->path, &dir, &name);
    if (r == 0) {
        r = make_room(l, dir, name);
        if (r == 0)
            r = tree_link(l->job, node, dir, name);
        lt_node_put(dir);
    }
    lt_node_put(node);
    return r;
}

/* The stream of a file that went before, whose times stay as they are. */
static int load_stream(struct load *l, const struct member *m)
{
    struct lt_node *node, *stream = NULL;
    struct lt_attr attr;
    int r = find_node(l, m->stream_of, &node);
    if (r < 0)
        return r == LT_ENOENT ? LT_EBADMSG : r;
    r = lt_node_getattr(l->job->ctx, node, &attr);
    if (r == 0)
        r = lt_node_stream_open(l->job->ctx, node, m->stream, LT_STREAM_CREATE, &stream);
    if (r == 0)
        r = load_content(l, m, stream);
    if (r == 0) {
        struct lt_setattr times = {.mask = LT_SET_ATIME | LT_SET_MTIME | LT_SET_CTIME,
                                   .atime = attr.atime,
                                   .mtime = attr.mtime,
                                   .ctime = attr.ctime};
        r = tree_finish(l->job, node, &times);
    }
    lt_node_put(stream);
    lt_node_put(node);
    return r;
}

/* The type bits of the mode, or 0 for a type that is left out. */
static uint32_t type_of(const struct tar_member *head)
{
    switch (head->type) {
    case TAR_FILE:
    case TAR_FILE_OLD:
    case TAR_FILE_CONTIGUOUS:
    case TAR_GNU_SPARSE:
        /* Before ustar a name with '/' at its end was the way to say directory. */
        return head->name.len && head->name.s[head->name.len - 1] == '/' ? LT_S_IFDIR : LT_S_IFREG;
    case TAR_LINK:
        return LT_S_IFREG;
    case TAR_SYMLINK:
        return LT_S_IFLNK;
    case TAR_CHAR:
        return LT_S_IFCHR;
    case TAR_BLOCK_DEVICE:
        return LT_S_IFBLK;
    case TAR_DIR:
        return LT_S_IFDIR;
    case TAR_FIFO:
        return LT_S_IFIFO;
    default:
        return 0;
    }
}

static void from_head(struct member *m)
{
    const struct tar_member *h = &m->head;
    struct lt_time time = {.sec = h->mtime};
    m->attr = (struct lt_attr){.uid = (uint32_t)h->uid,
                               .gid = (uint32_t)h->gid,
                               .atime = time,
                               .mtime = time,
                               .ctime = time};
    m->attr.rdev =
        (uint32_t)((h->minor & 0xff) | (h->major & 0xfff) << 8 | (h->minor & 0xfff00) << 12);
}

/* The path as the header has it: prefix '/' name, in the job's buffer. */
static struct lt_str head_path(struct load *l, const struct tar_member *h)
{
    char *to = l->job->buffer;
    size_t len = 0;
    if (h->prefix.len) {
        memcpy(to, h->prefix.s, h->prefix.len);
        len = h->prefix.len;
        to[len++] = '/';
    }
    memcpy(to + len, h->name.s, h->name.len);
    return lt_strn(to, len + h->name.len);
}

/* Header, GNU's long texts, and records, each going before the ones named earlier. */
static int complete(struct load *l, struct member *m, char path[256])
{
    struct lt_str from_header = head_path(l, &m->head);
    memcpy(path, from_header.s, from_header.len);
    m->path = lt_strn(path, from_header.len);
    m->link = m->head.link;
    from_head(m);
    uint32_t type = type_of(&m->head);
    if (l->long_name)
        m->path = lt_str(l->long_name);
    if (l->long_link)
        m->link = lt_str(l->long_link);
    meta_clear(&l->job->meta);
    l->run_count = 0;
    int r = take_records(l, lt_strn(l->global, l->global_len), m);
    if (r == 0)
        r = take_records(l, lt_strn(l->records, l->records_len), m);
    if (m->attr.mode != LT_S_IFSOCK)
        m->attr.mode = type;
    m->attr.mode |= (uint32_t)m->head.mode & LT_S_PERM;
    return r;
}

static int load_member(struct load *l, const struct tar_header *header, struct member *m)
{
    char path[256];
    size_t before;
    int r = complete(l, m, path);
    if (r < 0)
        return r;
    r = tree_path_push(l->job, m->path, &before);
    if (r == 0 && m->head.type == TAR_GNU_SPARSE)
        r = read_gnu_map(l, header, m);
    if (r < 0)
        return r;
    l->left = m->head.size + tar_padding(m->head.size);
    if (type_of(&m->head) == 0)
        l->job->options->status.skipped++;
    else if (m->stream_of.len)
        r = load_stream(l, m);
    else
        r = m->head.type == TAR_LINK ? load_link(l, m) : load_node(l, m);
    if (r == 0)
        r = tree_count(l->job, 1, 0);
    tree_fail(l->job, r);
    tree_path_cut(l->job, before);
    return r;
}

/* What belonged to the last member only. */
static void forget(struct load *l)
{
    free(l->records);
    free(l->long_name);
    free(l->long_link);
    l->records = l->long_name = l->long_link = NULL;
    l->records_len = 0;
}

static int take_block(struct load *l, const struct tar_header *header)
{
    struct member m = {0};
    int r = tar_decode(header, &m.head);
    if (r == 0 && m.head.size > LT_SIZE_MAX - TAR_BLOCK)
        r = LT_EBADMSG;
    if (r < 0)
        return r;
    uint64_t size = m.head.size;
    l->left = size + tar_padding(size);
    switch (m.head.type) {
    case TAR_PAX:
        l->records_len = 0;
        r = take_content(l, size, RECORDS_MAX, &l->records);
        l->records_len = r == 0 ? (size_t)size : 0;
        break;
    case TAR_PAX_GLOBAL:
        l->global_len = 0;
        r = take_content(l, size, RECORDS_MAX, &l->global);
        l->global_len = r == 0 ? (size_t)size : 0;
        break;
    case TAR_GNU_LONG_NAME:
        r = take_content(l, size, 16 * (uint64_t)LT_PATH_MAX, &l->long_name);
        break;
    case TAR_GNU_LONG_LINK:
        r = take_content(l, size, 16 * (uint64_t)LT_PATH_MAX, &l->long_link);
        break;
    default:
        r = load_member(l, header, &m);
        forget(l);
        break;
    }
    return r < 0 ? r : skip_content(l);
}

/* Sets what had to wait, the last member first: directories after their content. */
static int finish(struct load *l, int r)
{
    while (l->later) {
        struct later *later = l->later;
        if (r == 0)
            r = tree_finish(l->job, later->node, &later->late);
        l->later = later->next;
        lt_node_put(later->node);
        free(later);
    }
    return r;
}

int tree_tar_read(struct tree_job *job, struct tar_source *source, struct lt_node *to)
{
    struct load l = {.job = job, .source = source, .top = to};
    struct tar_header header;
    int r = read_full(&l, &header, sizeof(header));
    if (r > 0) /* not even one block */
        r = LT_EBADMSG;
    while (r == 0 && !tar_is_end(&header)) {
        r = take_block(&l, &header);
        if (r == 0)
            r = read_full(&l, &header, sizeof(header));
    }
    r = finish(&l, r < 0 ? r : 0);
    forget(&l);
    free(l.global);
    free(l.runs);
    return tree_fail(job, r);
}

/* ---- From a file --------------------------------------------------------------------------- */

struct file_source {
    struct tar_source source;
    struct lt_host_file *file;
    uint64_t offset;
};

static int64_t read_file(struct tar_source *source, void *buf, size_t len)
{
    struct file_source *s = (struct file_source *)source;
    int64_t n = lt_host_file_read(s->file, s->offset, buf, len);
    if (n > 0)
        s->offset += (uint64_t)n;
    return n;
}

int tree_tar_load(struct tree_job *job, const char *path, struct lt_node *to)
{
    struct file_source s = {.source = {read_file}};
    int r = lt_host_file_open(NULL, path, &s.file);
    if (r < 0)
        return r;
    r = tree_tar_read(job, &s.source, to);
    (void)lt_host_file_close(s.file, false);
    return r;
}
