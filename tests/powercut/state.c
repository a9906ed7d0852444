// SPDX-License-Identifier: MIT
#include "state.h"

#include <base/hash.h>

#include <inttypes.h>
#include <lintel/path.h>
#include <stdlib.h>

#define NAMES_MAX 64u
#define VALUE_MAX 66000u

/* The reading of one file system. */
struct reader {
    struct lt_fs *fs;
    struct state *state;
    FILE *text;
    char (*paths)[64]; /* all paths found so far; the first `done` have been read */
    size_t count, done, room;
    uint64_t *ids; /* of the paths, for hard links */
    char *what;
    size_t what_size;
};

/* Names that a listing gives, to be sorted. */
struct names {
    char name[NAMES_MAX][64];
    size_t count;
};

static int failed(struct reader *r, int error, const char *what, const char *path)
{
    (void)snprintf(r->what, r->what_size, "%s of %s: %s", what, path, lt_error_text(error));
    return error;
}

static void add_name(struct names *names, struct lt_str name)
{
    if (names->count < NAMES_MAX)
        (void)snprintf(names->name[names->count++], 64, "%.*s", (int)name.len, name.s);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void sort_names(struct names *names)
{
    qsort(names->name, names->count, sizeof(*names->name), by_name);
}

static uint32_t sum(const void *bytes, size_t len)
{
    return lt_crc32c(0, bytes, len);
}

/* ---- Data ---------------------------------------------------------------------------------- */

static int read_all(struct lt_node *node, uint64_t size, uint8_t *bytes)
{
    uint64_t at = 0;
    while (at < size) {
        int n = lt_node_pread(NULL, node, at, bytes + at, (size_t)(size - at));
        if (n <= 0)
            return n < 0 ? n : LT_EIO;
        at += (uint64_t)n;
    }
    return 0;
}

static int append_file(struct state *state, const char *path, struct lt_node *node)
{
    struct lt_attr attr;
    int error = lt_node_getattr(NULL, node, &attr);
    if (error < 0)
        return error;
    uint8_t *bytes = malloc(attr.size + 1);
    error = bytes ? read_all(node, attr.size, bytes) : LT_ENOMEM;
    if (error < 0) {
        free(bytes);
        return error;
    }
    size_t count = state->count + state->held;
    struct state_file *files = realloc(state->files, (count + 1) * sizeof(*files));
    if (!files)
        abort();
    state->files = files;
    struct state_file *file = &files[count];
    *file = (struct state_file){.size = (size_t)attr.size, .bytes = bytes};
    file->id = node->id << 20 | (attr.generation & 0xfffff);
    (void)snprintf(file->path, sizeof(file->path), "%s", path);
    return 0;
}

static int add_file(struct reader *r, const char *path, struct lt_node *node)
{
    int error = append_file(r->state, path, node);
    if (error < 0)
        return failed(r, error, "data", path);
    r->state->count++;
    return 0;
}

int state_add_held(struct state *state, struct lt_node *node)
{
    int error = append_file(state, "", node);
    if (error == 0)
        state->held++;
    return error;
}

/* ---- Metadata ------------------------------------------------------------------------------ */

static int on_xattr(void *arg, struct lt_str name)
{
    add_name(arg, name);
    return 0;
}

static int read_xattrs(struct reader *r, const char *path, struct lt_node *node, void *value)
{
    struct names names = {.count = 0};
    int error = lt_node_xattr_list(NULL, node, on_xattr, &names);
    if (error < 0)
        return failed(r, error, "xattrs", path);
    sort_names(&names);
    for (size_t i = 0; i < names.count; i++) {
        int n = lt_node_xattr_get(NULL, node, lt_str(names.name[i]), value, VALUE_MAX);
        if (n < 0)
            return failed(r, n, names.name[i], path);
        (void)fprintf(r->text, " xattr:%s=%d:%08x", names.name[i], n, sum(value, (size_t)n));
    }
    return 0;
}

static int on_ea(void *arg, const struct lt_ea *ea)
{
    (void)fprintf(arg, " ea:%.*s=%zu:%08x", (int)ea->name.len, ea->name.s, ea->value.len,
                  sum(ea->value.s, ea->value.len));
    return 0;
}

static int read_windows(struct reader *r, const char *path, struct lt_node *node, void *value)
{
    int error = lt_node_ea_list(NULL, node, on_ea, r->text);
    if (error < 0)
        return failed(r, error, "EAs", path);
    int n = lt_node_reparse_get(NULL, node, value, VALUE_MAX);
    if (n >= 0)
        (void)fprintf(r->text, " reparse=%d:%08x", n, sum(value, (size_t)n));
    else if (n != LT_ENODATA)
        return failed(r, n, "reparse data", path);
    n = lt_node_security_get(NULL, node, value, VALUE_MAX);
    if (n >= 0)
        (void)fprintf(r->text, " security=%d:%08x", n, sum(value, (size_t)n));
    else if (n != LT_ENODATA)
        return failed(r, n, "security", path);
    return 0;
}

static int on_stream(void *arg, const struct lt_stream *stream)
{
    add_name(arg, stream->name);
    return 0;
}

static int read_streams(struct reader *r, const char *path, struct lt_node *node)
{
    struct names names = {.count = 0};
    int error = lt_node_stream_list(NULL, node, on_stream, &names);
    if (error < 0)
        return failed(r, error, "streams", path);
    for (size_t i = 0; error == 0 && i < names.count; i++) {
        char full[64 + 64];
        struct lt_node *stream;
        (void)snprintf(full, sizeof(full), "%s:%s", path, names.name[i]);
        error = lt_node_stream_open(NULL, node, lt_str(names.name[i]), 0, &stream);
        if (error < 0)
            return failed(r, error, "stream", full);
        (void)fprintf(r->text, " stream:%s", names.name[i]);
        error = add_file(r, full, stream);
        lt_node_put(stream);
    }
    return error;
}

/* "=PATH" of an earlier name of the same node. */
static void note_link(struct reader *r, size_t at, const struct lt_attr *attr)
{
    r->ids[at] = attr->id;
    for (size_t i = 0; i < at; i++) {
        if (r->ids[i] == attr->id) {
            (void)fprintf(r->text, " =%s", r->paths[i]);
            return;
        }
    }
    r->state->nodes++;
}

static int read_target(struct reader *r, const char *path, struct lt_node *node, char *value)
{
    int n = lt_node_readlink(NULL, node, value, VALUE_MAX);
    if (n < 0)
        return failed(r, n, "target", path);
    (void)fprintf(r->text, " -> %.*s", n, value);
    return 0;
}

static int read_node(struct reader *r, size_t at, struct lt_node *node, const struct lt_attr *attr)
{
    static char value[VALUE_MAX];
    const char *path = r->paths[at];
    (void)fprintf(r->text, "%s %o nlink=%u uid=%u gid=%u rdev=%x win=%x flags=%x ea=%u has=%x",
                  path, attr->mode, attr->nlink, attr->uid, attr->gid, attr->rdev, attr->win_attrs,
                  attr->inode_flags, attr->ea_size, attr->has);
    note_link(r, at, attr);
    int error = read_xattrs(r, path, node, value);
    if (error == 0)
        error = read_windows(r, path, node, value);
    if (error == 0 && (attr->mode & LT_S_IFMT) == LT_S_IFLNK)
        error = read_target(r, path, node, value);
    if (error == 0 && (attr->mode & LT_S_IFMT) == LT_S_IFREG)
        error = add_file(r, path, node);
    if (error == 0)
        error = read_streams(r, path, node);
    (void)fputc('\n', r->text);
    return error;
}

/* ---- The tree ------------------------------------------------------------------------------ */

static int on_entry(void *arg, const struct lt_dirent *entry)
{
    add_name(arg, entry->name);
    return 0;
}

static void add_path(struct reader *r, const char *dir, const char *name)
{
    if (r->count == r->room) {
        r->room = r->room ? 2 * r->room : 64;
        r->paths = realloc(r->paths, r->room * sizeof(*r->paths));
        r->ids = realloc(r->ids, r->room * sizeof(*r->ids));
        if (!r->paths || !r->ids)
            abort();
    }
    (void)snprintf(r->paths[r->count++], 64, "%.40s%s%.20s", dir, *dir ? "/" : "", name);
}

static int list_dir(struct reader *r, const char *path, struct lt_node *node)
{
    struct names names = {.count = 0};
    int error = lt_node_readdir(NULL, node, 0, 0, on_entry, &names);
    if (error < 0)
        return failed(r, error, "listing", path);
    sort_names(&names);
    for (size_t i = 0; i < names.count; i++)
        add_path(r, path, names.name[i]);
    return 0;
}

static int read_path(struct reader *r, size_t at)
{
    struct lt_entry entry = {0};
    char path[64];
    (void)snprintf(path, sizeof(path), "%s", r->paths[at]);
    int error = lt_path_lookup(NULL, lt_fs_root(r->fs), *path ? path : "/", LT_NOFOLLOW, &entry);
    if (error < 0)
        return failed(r, error, "lookup", path);
    error = read_node(r, at, entry.node, &entry.attr);
    if (error == 0 && (entry.attr.mode & LT_S_IFMT) == LT_S_IFDIR)
        error = list_dir(r, path, entry.node);
    lt_node_put(entry.node);
    return error;
}

int state_read(struct lt_fs *fs, struct state *ret, char *what, size_t what_size)
{
    size_t len;
    struct lt_volume volume;
    *ret = (struct state){0};
    struct reader r = {.fs = fs, .state = ret, .what = what, .what_size = what_size};
    r.text = open_memstream(&ret->text, &len);
    if (!r.text)
        abort();
    lt_fs_volume(fs, &volume);
    (void)fprintf(r.text, "label=%s\n", volume.label);
    add_path(&r, "", "");
    int error = 0;
    while (error == 0 && r.done < r.count)
        error = read_path(&r, r.done++);
    (void)fclose(r.text);
    free(r.paths);
    free(r.ids);
    if (error < 0)
        state_fini(ret);
    return error;
}

void state_fini(struct state *state)
{
    for (size_t i = 0; i < state->count + state->held; i++)
        free(state->files[i].bytes);
    free(state->files);
    free(state->text);
    *state = (struct state){0};
}

const struct state_file *state_find(const struct state *state, const char *path)
{
    for (size_t i = 0; i < state->count; i++) {
        if (strcmp(state->files[i].path, path) == 0)
            return &state->files[i];
    }
    return NULL;
}

/* ---- Differences --------------------------------------------------------------------------- */

static bool has_line(const char *text, const char *line, size_t len)
{
    while (*text) {
        const char *end = strchr(text, '\n');
        if ((size_t)(end - text) == len && memcmp(text, line, len) == 0)
            return true;
        text = end + 1;
    }
    return false;
}

static void print_missing(const char *of, const char *in, const char *mark, FILE *to)
{
    while (*of) {
        size_t len = (size_t)(strchr(of, '\n') - of);
        if (!has_line(in, of, len))
            (void)fprintf(to, "#   %s %.*s\n", mark, (int)len, of);
        of += len + 1;
    }
}

void state_diff(const char *expected, const char *found, FILE *to)
{
    print_missing(expected, found, "expected:", to);
    print_missing(found, expected, "found:   ", to);
}
