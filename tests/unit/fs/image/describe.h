/* SPDX-License-Identifier: MIT */
/* All that a file system says of itself, as text: two of them are equal if their texts are. */
#ifndef LT_TESTS_UNIT_FS_IMAGE_DESCRIBE_H
#define LT_TESTS_UNIT_FS_IMAGE_DESCRIBE_H

#include <base/hash.h>
#include <inttypes.h>
#include <lintel/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <test.h>

struct description {
    char *text;
    size_t len;
    bool times; /* in: those too, but for atime, which describing moves; and ids and versions */
    FILE *out;
    char path[4096];
    size_t path_len;
};

static inline void say(struct description *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline void say(struct description *d, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(d->out, format, args);
    va_end(args);
}

static inline void say_bytes(struct description *d, const char *what, const void *bytes, size_t len)
{
    say(d, " %s:%zu/%08x", what, len, lt_crc32c(0, bytes, len));
}

static inline void say_data(struct description *d, struct lt_node *node)
{
    static uint8_t buf[LT_IO_MAX];
    uint64_t offset = 0;
    uint32_t crc = 0;
    int n;
    while ((n = lt_node_pread(NULL, node, offset, buf, sizeof(buf))) > 0) {
        crc = lt_crc32c(crc, buf, (size_t)n);
        offset += (uint64_t)n;
    }
    assert_int_equal(n, 0);
    say(d, " data:%" PRIu64 "/%08x", offset, crc);
}

static inline void say_time(struct description *d, const char *what, struct lt_time t)
{
    say(d, " %s:%" PRId64 ".%09u", what, t.sec, t.nsec);
}

static inline void say_attr(struct description *d, const struct lt_attr *a)
{
    say(d, " mode:%o nlink:%u owner:%u:%u rdev:%x win:%x flags:%x tag:%x ea:%u has:%x", a->mode,
        a->nlink, a->uid, a->gid, a->rdev, a->win_attrs, a->inode_flags, a->reparse_tag, a->ea_size,
        a->has);
    say(d, " size:%" PRIu64, a->size);
    if (!d->times)
        return;
    say(d, " id:%" PRIu64 " version:%" PRIu64, a->id, a->version);
    say_time(d, "mtime", a->mtime);
    say_time(d, "ctime", a->ctime);
    say_time(d, "btime", a->btime);
}

/* ---- What is listed in an order of its own: sorted ---------------------------------------------
 */

struct names {
    char **names;
    size_t *lens, count;
};

static inline int names_add(void *arg, struct lt_str name)
{
    struct names *n = arg;
    size_t at = n->count++;
    n->names = realloc(n->names, n->count * sizeof(char *));
    n->lens = realloc(n->lens, n->count * sizeof(size_t));
    char *copy = malloc(name.len + 1);
    memcpy(copy, name.s, name.len);
    copy[name.len] = 0;
    for (; at > 0 && strcmp(n->names[at - 1], copy) > 0; at--) {
        n->names[at] = n->names[at - 1];
        n->lens[at] = n->lens[at - 1];
    }
    n->names[at] = copy;
    n->lens[at] = name.len;
    return 0;
}

static inline void names_free(struct names *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->names[i]);
    free(n->names);
    free(n->lens);
}

static inline int names_add_entry(void *arg, const struct lt_dirent *entry)
{
    return names_add(arg, entry->name);
}

static inline int names_add_stream(void *arg, const struct lt_stream *stream)
{
    return names_add(arg, stream->name);
}

static inline void say_xattrs(struct description *d, struct lt_node *node)
{
    struct names n = {0};
    static char value[LT_XATTR_SIZE_MAX];
    int r = lt_node_xattr_list(NULL, node, names_add, &n);
    assert_int_equal(r, 0);
    for (size_t i = 0; i < n.count; i++) {
        r = lt_node_xattr_get(NULL, node, lt_strn(n.names[i], n.lens[i]), value, sizeof(value));
        assert_true(r >= 0);
        say(d, " %s=", n.names[i]);
        say_bytes(d, "", value, (size_t)r);
    }
    names_free(&n);
}

static inline int say_ea(void *arg, const struct lt_ea *ea)
{
    struct description *d = arg;
    say(d, " ea:%.*s/%x", (int)ea->name.len, ea->name.s, ea->flags);
    say_bytes(d, "", ea->value.s, ea->value.len);
    return 0;
}

static inline void say_windows(struct description *d, struct lt_node *node)
{
    static char value[LT_SECURITY_SIZE_MAX];
    struct names n = {0};
    int r = lt_node_stream_list(NULL, node, names_add_stream, &n);
    assert_int_equal(r, 0);
    for (size_t i = 0; i < n.count; i++) {
        struct lt_node *stream;
        r = lt_node_stream_open(NULL, node, lt_strn(n.names[i], n.lens[i]), 0, &stream);
        assert_int_equal(r, 0);
        say(d, " :%s", n.names[i]);
        say_data(d, stream);
        lt_node_put(stream);
    }
    names_free(&n);
    assert_int_equal(lt_node_ea_list(NULL, node, say_ea, d), 0);
    r = lt_node_reparse_get(NULL, node, value, sizeof(value));
    if (r > 0)
        say_bytes(d, "reparse", value, (size_t)r);
    r = lt_node_security_get(NULL, node, value, sizeof(value));
    if (r > 0)
        say_bytes(d, "security", value, (size_t)r);
}

static inline int say_name(void *arg, struct lt_node *dir, struct lt_str name)
{
    (void)dir;
    return names_add(arg, name);
}

/* The other names of a file with several. */
static inline void say_names(struct description *d, struct lt_node *node)
{
    struct names n = {0};
    assert_int_equal(lt_node_names(NULL, node, say_name, &n), 0);
    say(d, " names:%zu", n.count);
    for (size_t i = 0; i < n.count; i++)
        say(d, "/%s", n.names[i]);
    names_free(&n);
}

/* ---- The tree ------------------------------------------------------------------------------ */

static inline void say_node(struct description *d, struct lt_node *node)
{
    struct lt_attr attr;
    assert_int_equal(lt_node_getattr(NULL, node, &attr), 0);
    say(d, "%.*s", (int)d->path_len, d->path);
    say_attr(d, &attr);
    if (node->type == LT_S_IFREG)
        say_data(d, node);
    if (node->type == LT_S_IFLNK) {
        char target[LT_PATH_MAX];
        int len = lt_node_readlink(NULL, node, target, sizeof(target));
        assert_true(len > 0);
        say(d, " -> %.*s", len, target);
    }
    if (node->type != LT_S_IFDIR)
        say_names(d, node);
    say_xattrs(d, node);
    say_windows(d, node);
    say(d, "\n");
}

static inline void say_tree(struct description *d, struct lt_node *dir) /* recurses */
{
    struct names n = {0};
    size_t len = d->path_len;
    say_node(d, dir);
    assert_int_equal(lt_node_readdir(NULL, dir, 0, 0, names_add_entry, &n), 0);
    for (size_t i = 0; i < n.count; i++) {
        struct lt_entry e = {.node = NULL};
        assert_int_equal(lt_node_lookup(NULL, dir, lt_strn(n.names[i], n.lens[i]), &e), 0);
        d->path_len += (size_t)snprintf(d->path + len, sizeof(d->path) - len, "/%s", n.names[i]);
        if (e.node->type == LT_S_IFDIR)
            say_tree(d, e.node);
        else
            say_node(d, e.node);
        d->path_len = len;
        lt_node_put(e.node);
    }
    names_free(&n);
}

/* The text, to be freed. */
static inline char *describe(struct lt_fs *fs, bool times)
{
    struct description d = {.times = times};
    struct lt_statfs s;
    struct lt_volume v;
    d.out = open_memstream(&d.text, &d.len);
    assert_non_null(d.out);
    lt_fs_volume(fs, &v);
    assert_int_equal(lt_fs_statfs(NULL, fs, &s), 0);
    say(&d, "label:%s case:%d nodes:%" PRIu64 "\n", v.label, v.name_case, s.nodes);
    say_tree(&d, lt_fs_root(fs));
    fclose(d.out);
    return d.text;
}

/* Fails with the first line that differs. */
static inline void assert_same_text(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    if (*a == *b)
        return;
    fail_msg("they differ at:\n%.300s\n----\n%.300s", a, b);
}

#endif
