// SPDX-License-Identifier: MIT
/* Whether two nodes, and two trees, are the same. */
#include "model.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void same_time(const char *name, struct lt_time a, struct lt_time b)
{
    if (a.sec != b.sec || a.nsec != b.nsec)
        differ("%s %lld.%09u and %lld.%09u", name, (long long)a.sec, a.nsec, (long long)b.sec,
               b.nsec);
}

#define SAME(member)                                                       \
    do {                                                                   \
        if (a.member != b.member)                                          \
            differ(#member " %llx and %llx", (unsigned long long)a.member, \
                   (unsigned long long)b.member);                          \
    } while (0)

void same_attr(struct lt_attr a, struct lt_attr b)
{
    SAME(mode);
    SAME(nlink);
    SAME(uid);
    SAME(gid);
    SAME(rdev);
    SAME(win_attrs);
    SAME(inode_flags);
    SAME(reparse_tag);
    SAME(ea_size);
    SAME(has);
    if ((a.mode & LT_S_IFMT) != LT_S_IFDIR)
        SAME(size);
    same_time("atime", a.atime, b.atime);
    same_time("mtime", a.mtime, b.mtime);
    same_time("ctime", a.ctime, b.ctime);
    same_time("btime", a.btime, b.btime);
}

/* ---- Lists: each as one text ----------------------------------------------------------------- */

struct text {
    char *lines[8192];
    size_t count;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (text->count == 8192 || vasprintf(&text->lines[text->count], format, args) < 0)
        differ("too much of it");
    va_end(args);
    text->count++;
}

static int by_line(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Compares two lists, whose lines are freed. */
static void same_text(const char *what, struct text *texts, bool sorted)
{
    size_t count = texts[MODEL].count;
    for (int i = 0; i < SIDES && sorted; i++)
        qsort(texts[i].lines, texts[i].count, sizeof(char *), by_line);
    for (size_t at = 0; at < count || at < texts[TESTED].count; at++) {
        const char *a = at < count ? texts[MODEL].lines[at] : "nothing";
        const char *b = at < texts[TESTED].count ? texts[TESTED].lines[at] : "nothing";
        if (strcmp(a, b) != 0)
            differ("%s: %s and %s", what, a, b);
    }
    for (int i = 0; i < SIDES; i++) {
        while (texts[i].count > 0)
            free(texts[i].lines[--texts[i].count]);
    }
}

static uint32_t sum(const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    uint32_t h = 2166136261u; /* FNV-1a */
    while (len-- > 0)
        h = (h ^ *p++) * 16777619u;
    return h;
}

static int on_xattr(void *arg, struct lt_str name)
{
    add(arg, "%.*s", (int)name.len, name.s);
    return 0;
}

static int on_stream(void *arg, const struct lt_stream *stream)
{
    add(arg, "%.*s %llu", (int)stream->name.len, stream->name.s, (unsigned long long)stream->size);
    return 0;
}

static int on_ea(void *arg, const struct lt_ea *ea)
{
    add(arg, "%.*s %u %zu %x", (int)ea->name.len, ea->name.s, ea->flags, ea->value.len,
        sum(ea->value.s, ea->value.len));
    return 0;
}

static int on_name(void *arg, struct lt_node *dir, struct lt_str name)
{
    (void)dir;
    add(arg, "%.*s", (int)name.len, name.s);
    return 0;
}

/* ---- Nodes ----------------------------------------------------------------------------------- */

static void same_data(struct pair node)
{
    static unsigned char buf[SIDES][FILE_MAX + 1];
    int r[SIDES];
    if (node.node[MODEL]->type != LT_S_IFREG && node.node[MODEL]->type != LT_S_STREAM)
        return;
    for (int i = 0; i < SIDES; i++)
        r[i] = lt_node_pread(NULL, node.node[i], 0, buf[i], sizeof(buf[i]));
    same(r);
    if (memcmp(buf[MODEL], buf[TESTED], (size_t)r[MODEL]) != 0)
        differ("data");
}

static void same_xattrs(struct pair node)
{
    static struct text texts[SIDES];
    static char value[LT_XATTR_SIZE_MAX];
    int r[SIDES];
    for (int i = 0; i < SIDES; i++) {
        r[i] = lt_node_xattr_list(NULL, node.node[i], on_xattr, &texts[i]);
        for (size_t at = 0; at < texts[i].count; at++) {
            char *name = texts[i].lines[at];
            int len = lt_node_xattr_get(NULL, node.node[i], lt_str(name), value, sizeof(value));
            if (asprintf(&texts[i].lines[at], "%s %d %x", name, len,
                         sum(value, len > 0 ? (size_t)len : 0)) < 0)
                differ("memory");
            free(name);
        }
    }
    same(r);
    same_text("xattrs", texts, true);
}

static void same_windows(struct pair node)
{
    static struct text streams[SIDES], eas[SIDES];
    static char value[LT_SECURITY_SIZE_MAX];
    int r[SIDES], reparse[SIDES], security[SIDES];
    uint32_t sums[SIDES] = {0};
    for (int i = 0; i < SIDES; i++) {
        r[i] = lt_node_stream_list(NULL, node.node[i], on_stream, &streams[i]);
        if (r[i] == 0)
            r[i] = lt_node_ea_list(NULL, node.node[i], on_ea, &eas[i]);
        reparse[i] = lt_node_reparse_get(NULL, node.node[i], value, sizeof(value));
        if (reparse[i] > 0)
            sums[i] = sum(value, (size_t)reparse[i]);
        security[i] = lt_node_security_get(NULL, node.node[i], value, sizeof(value));
        if (security[i] > 0)
            sums[i] += sum(value, (size_t)security[i]);
    }
    same(r);
    same(reparse);
    same(security);
    if (sums[MODEL] != sums[TESTED])
        differ("reparse data or security");
    same_text("streams", streams, false);
    same_text("EAs", eas, false);
}

void same_node(struct pair node)
{
    static struct text names[SIDES];
    struct lt_attr attr[SIDES];
    int r[SIDES];
    for (int i = 0; i < SIDES; i++)
        r[i] = lt_node_getattr(NULL, node.node[i], &attr[i]);
    same(r);
    same_attr(attr[MODEL], attr[TESTED]);
    same_data(node);
    same_xattrs(node);
    if (node.node[MODEL]->type != LT_S_STREAM) {
        for (int i = 0; i < SIDES; i++)
            r[i] = lt_node_names(NULL, node.node[i], on_name, &names[i]);
        same(r);
        same_text("names", names, true);
    }
    same_windows(node);
}

/* ---- Trees ----------------------------------------------------------------------------------- */

static int on_entry(void *arg, const struct lt_dirent *entry)
{
    add(arg, "%.*s", (int)entry->name.len, entry->name.s);
    return 0;
}

static void same_streams(struct pair node)
{
    static const char *const names[] = {"s", "two", "three", "\xc3\xa4"};
    for (size_t n = 0; n < 4; n++) {
        struct pair stream = {{NULL}};
        int r[SIDES];
        for (int i = 0; i < SIDES; i++)
            r[i] = lt_node_stream_open(NULL, node.node[i], lt_str(names[n]), 0, &stream.node[i]);
        same(r);
        if (r[MODEL] == 0)
            same_node(stream);
        for (int i = 0; i < SIDES; i++)
            lt_node_put(stream.node[i]);
    }
}

static void same_entry(struct pair dir, const char *name, unsigned depth)
{
    struct lt_entry entry[SIDES] = {{.node = NULL}};
    int r[SIDES];
    for (int i = 0; i < SIDES; i++)
        r[i] = lt_node_lookup(NULL, dir.node[i], lt_str(name), &entry[i]);
    same(r);
    struct pair pair = {{entry[MODEL].node, entry[TESTED].node}};
    if (r[MODEL] == 0)
        same_tree(pair, depth);
    for (int i = 0; i < SIDES; i++)
        lt_node_put(pair.node[i]);
}

void same_tree(struct pair node, unsigned depth)
{
    struct text *texts = calloc(SIDES, sizeof(*texts)), *names = calloc(1, sizeof(*names));
    int r[SIDES];
    same_node(node);
    same_streams(node);
    if (node.node[MODEL]->type == LT_S_IFDIR) {
        for (int i = 0; i < SIDES; i++)
            r[i] = lt_node_readdir(NULL, node.node[i], 0, 0, on_entry, &texts[i]);
        same(r);
        for (size_t at = 0; at < texts[MODEL].count; at++)
            add(names, "%s", texts[MODEL].lines[at]);
        same_text("entries", texts, true);
        for (size_t at = 0; at < names->count; at++) {
            say("%*sin %s", (int)depth, "", names->lines[at]);
            same_entry(node, names->lines[at], depth + 1);
            free(names->lines[at]);
        }
    }
    free(texts);
    free(names);
}
