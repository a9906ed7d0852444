// SPDX-License-Identifier: MIT
#include "kit.h"

#include <loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TESTS_MAX = 400, NODES_MAX = 4096, LIST_MAX = 65536 };

struct lt_fs *fs;
struct lt_node *root;
struct lt_volume volume;

static struct CMUnitTest tests[TESTS_MAX];
static size_t test_count;
static const char *source = "mem:";
static struct lt_statfs at_start;
static struct lt_node *kept[NODES_MAX];
static size_t kept_count;

void kit_check(int result, int expected, const char *expr, const char *file, int line)
{
    if (result != expected) {
        print_error("%s: expected %s (%d), got %s (%d)\n", expr,
                    expected < 0 ? lt_error_name(expected) : "success", expected,
                    result < 0 ? lt_error_name(result) : "success", result);
        _fail(file, line);
    }
}

void need_windows(void)
{
    if (!volume.has_windows) {
        skip();
    }
}

/* ---- Nodes ----------------------------------------------------------------------------------- */

struct lt_node *keep(struct lt_node *node)
{
    assert_non_null(node);
    assert_true(kept_count < NODES_MAX);
    kept[kept_count++] = node;
    return node;
}

void drop(struct lt_node *node)
{
    size_t i = 0;
    while (i < kept_count && kept[i] != node) {
        i++;
    }
    assert_true(i < kept_count);
    kept[i] = kept[--kept_count];
    lt_node_put(node);
}

struct lt_node *make(struct lt_node *dir, const char *name, uint32_t mode)
{
    struct lt_create spec = {.mode = mode};
    struct lt_entry entry = {0};
    ok(lt_node_create(NULL, dir, lt_str(name), &spec, &entry));
    return keep(entry.node);
}

struct lt_node *make_file(struct lt_node *dir, const char *name)
{
    return make(dir, name, LT_S_IFREG | 0644);
}

struct lt_node *make_dir(struct lt_node *dir, const char *name)
{
    return make(dir, name, LT_S_IFDIR | 0755);
}

struct lt_node *make_link(struct lt_node *dir, const char *name, const char *target)
{
    struct lt_create spec = {.mode = LT_S_IFLNK | 0777, .target = lt_str(target)};
    struct lt_entry entry = {0};
    ok(lt_node_create(NULL, dir, lt_str(name), &spec, &entry));
    return keep(entry.node);
}

struct lt_node *find(struct lt_node *dir, const char *name)
{
    struct lt_entry entry = {0};
    int result = lt_node_lookup(NULL, dir, lt_str(name), &entry);
    if (result == LT_ENOENT) {
        return NULL;
    }
    ok(result);
    return keep(entry.node);
}

struct lt_attr attr(struct lt_node *node)
{
    struct lt_attr ret;
    memset(&ret, 0xee, sizeof(ret));
    ok(lt_node_getattr(NULL, node, &ret));
    return ret;
}

int try_lookup(struct lt_node *dir, const char *name)
{
    struct lt_entry entry = {0};
    int result = lt_node_lookup(NULL, dir, lt_str(name), &entry);
    lt_node_put(entry.node);
    return result;
}

int try_create(struct lt_node *dir, const char *name, uint32_t mode)
{
    struct lt_create spec = {.mode = mode};
    struct lt_entry entry = {0};
    if ((mode & LT_S_IFMT) == LT_S_IFLNK) {
        spec.target = lt_str("target");
    }
    int result = lt_node_create(NULL, dir, lt_str(name), &spec, &entry);
    lt_node_put(entry.node);
    return result;
}

int try_link(struct lt_node *node, struct lt_node *dir, const char *name)
{
    struct lt_entry entry = {0};
    int result = lt_node_link(NULL, node, dir, lt_str(name), &entry);
    lt_node_put(entry.node);
    return result;
}

int try_remove(struct lt_node *dir, const char *name, uint32_t flags)
{
    return lt_node_remove(NULL, dir, lt_str(name), flags, NULL);
}

int try_rename(struct lt_node *dir, const char *name, struct lt_node *new_dir, const char *new_name,
               uint32_t flags)
{
    return lt_node_rename(NULL, dir, lt_str(name), new_dir, lt_str(new_name), flags);
}

int set_size(struct lt_node *node, uint64_t size)
{
    struct lt_setattr set = {.mask = LT_SET_SIZE, .size = size};
    return lt_node_setattr(NULL, node, &set, NULL);
}

int set_mode(struct lt_node *node, uint32_t mode)
{
    struct lt_setattr set = {.mask = LT_SET_MODE, .mode = mode};
    return lt_node_setattr(NULL, node, &set, NULL);
}

/* ---- Data ------------------------------------------------------------------------------------ */

void put_text(struct lt_node *node, uint64_t offset, const char *text)
{
    counts(strlen(text), lt_node_pwrite(NULL, node, offset, text, strlen(text)));
}

void expect_text(struct lt_node *node, uint64_t offset, const char *text)
{
    char buf[1024];
    size_t len = strlen(text);
    assert_true(len < sizeof(buf));
    counts(len, lt_node_pread(NULL, node, offset, buf, len));
    buf[len] = '\0';
    assert_string_equal(buf, text);
}

void put_bytes(struct lt_node *node, uint64_t offset, size_t len, unsigned char byte)
{
    unsigned char *buf = malloc(len);
    assert_non_null(buf);
    memset(buf, byte, len);
    counts(len, lt_node_pwrite(NULL, node, offset, buf, len));
    free(buf);
}

void expect_bytes(struct lt_node *node, uint64_t offset, size_t len, unsigned char byte)
{
    unsigned char *buf = malloc(len);
    assert_non_null(buf);
    memset(buf, byte + 1, len);
    counts(len, lt_node_pread(NULL, node, offset, buf, len));
    for (size_t i = 0; i < len; i++) {
        if (buf[i] != byte) {
            print_error("byte %zu is %d, not %d\n", (size_t)offset + i, buf[i], byte);
            free(buf);
            fail();
        }
    }
    free(buf);
}

/* ---- Lists ----------------------------------------------------------------------------------- */

struct list {
    char names[LIST_MAX];
    size_t used;
    char *index[4096];
    size_t count;
};
static struct list list;
static char joined[LIST_MAX];

static void list_add(struct lt_str name)
{
    assert_true(list.used + name.len + 1 < LIST_MAX && list.count < 4096);
    char *at = list.names + list.used;
    memcpy(at, name.s, name.len);
    at[name.len] = '\0';
    list.index[list.count++] = at;
    list.used += name.len + 1;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_reset(void)
{
    list.used = 0;
    list.count = 0;
}

static const char *list_join(bool sorted)
{
    size_t at = 0;
    if (sorted && list.count > 0) {
        qsort(list.index, list.count, sizeof(char *), compare_names);
    }
    joined[0] = '\0';
    for (size_t i = 0; i < list.count; i++) {
        at +=
            (size_t)snprintf(joined + at, sizeof(joined) - at, "%s%s", i ? "," : "", list.index[i]);
    }
    return joined;
}

static int on_dirent(void *arg, const struct lt_dirent *entry)
{
    (void)arg;
    list_add(entry->name);
    return 0;
}

static int on_name(void *arg, struct lt_str name)
{
    (void)arg;
    list_add(name);
    return 0;
}

static int on_stream(void *arg, const struct lt_stream *stream)
{
    (void)arg;
    list_add(stream->name);
    return 0;
}

static int on_ea(void *arg, const struct lt_ea *ea)
{
    (void)arg;
    list_add(ea->name);
    return 0;
}

const char *list_dir(struct lt_node *dir)
{
    list_reset();
    ok(lt_node_readdir(NULL, dir, 0, 0, on_dirent, NULL));
    return list_join(true);
}

const char *list_streams(struct lt_node *node)
{
    list_reset();
    ok(lt_node_stream_list(NULL, node, on_stream, NULL));
    return list_join(false);
}

const char *list_eas(struct lt_node *node)
{
    list_reset();
    ok(lt_node_ea_list(NULL, node, on_ea, NULL));
    return list_join(false);
}

const char *list_xattrs(struct lt_node *node)
{
    list_reset();
    ok(lt_node_xattr_list(NULL, node, on_name, NULL));
    return list_join(true);
}

/* ---- Time ------------------------------------------------------------------------------------ */

int time_order(struct lt_time a, struct lt_time b)
{
    if (a.sec != b.sec) {
        return a.sec < b.sec ? -1 : 1;
    }
    return a.nsec == b.nsec ? 0 : a.nsec < b.nsec ? -1 : 1;
}

void wait_tick(void)
{
    struct timespec before, now;
    clock_gettime(CLOCK_REALTIME_COARSE, &before);
    do {
        nanosleep(&(struct timespec){0, 1000000}, NULL);
        clock_gettime(CLOCK_REALTIME_COARSE, &now);
    } while (now.tv_sec == before.tv_sec && now.tv_nsec == before.tv_nsec);
}

/* ---- Running --------------------------------------------------------------------------------- */

static int set_up(void **state)
{
    struct lt_diag diag = {""};
    (void)state;
    kept_count = 0;
    int result = loop_open_fs(source, &fs, &diag);
    if (result < 0) {
        print_error("%s: %s: %s\n", source, lt_error_name(result), diag.text);
        return -1;
    }
    root = lt_fs_root(fs);
    lt_fs_volume(fs, &volume);
    return lt_fs_statfs(NULL, fs, &at_start);
}

struct first {
    char name[LT_NAME_MAX + 1];
    size_t len;
    struct lt_node *node;
};

static int take_first(void *arg, const struct lt_dirent *entry)
{
    struct first *first = arg;
    if (first->len > 0) {
        return 1;
    }
    memcpy(first->name, entry->name.s, entry->name.len);
    first->len = entry->name.len;
    first->node = entry->node;
    return 0;
}

/* No more immutable or append-only, if the file system can make it so. */
static void allow_changes(struct lt_node *node)
{
    struct lt_setattr set = {.mask = LT_SET_INODE_FLAGS};
    int result = lt_node_setattr(NULL, node, &set, NULL);
    if (result != LT_EOPNOTSUPP || volume.has_windows) {
        ok(result);
    }
}

/* Removes all that is in `dir`, with the flags that forbid it. */
static void clear(struct lt_node *dir)
{
    for (;;) {
        struct first first = {.len = 0};
        int result = lt_node_readdir(NULL, dir, 0, LT_READDIR_PLUS, take_first, &first);
        if (result < 0 || first.len == 0) {
            assert_true(result >= 0);
            return;
        }
        allow_changes(first.node);
        if (first.node->type == LT_S_IFDIR) {
            clear(first.node);
        }
        lt_node_put(first.node);
        ok(lt_node_remove(NULL, dir, lt_strn(first.name, first.len), LT_REMOVE_ANY, NULL));
    }
}

static int tear_down(void **state)
{
    struct lt_statfs at_end;
    (void)state;
    while (kept_count > 0) {
        lt_node_put(kept[--kept_count]);
    }
    allow_changes(root);
    clear(root);
    ok(lt_fs_statfs(NULL, fs, &at_end));
    assert_int_equal(at_end.nodes, at_start.nodes);
    if (!volume.remote) {
        assert_int_equal(at_end.data, at_start.data);
    }
    return loop_close_fs(fs);
}

void kit_add(const char *name, void (*test)(void **state))
{
    assert_true(test_count < TESTS_MAX);
    tests[test_count++] = (struct CMUnitTest){name, test, set_up, tear_down, NULL};
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        source = argv[1];
    }
    if (argc > 2) {
        cmocka_set_test_filter(argv[2]);
    }
    return _cmocka_run_group_tests(source, tests, test_count, NULL, NULL) != 0;
}
