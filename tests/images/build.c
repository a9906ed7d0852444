// SPDX-License-Identifier: MIT
/*
 * Makes images for the tests, and says what lintel/fs.h says of one.
 *
 *     images-build make FILE SIZE BLOCK_SIZE CASE CHECKS FILES END
 *     images-build describe FILE
 *     images-build check FILE [repair]
 *
 * CASE and CHECKS are 0 or 1. END: "clean" closes it, "log" goes on with changes and
 * ends as a power cut does, with a log to be replayed. What is printed is JSON; bytes are in hex.
 */
#include "rich.h"

#include <base/hash.h>
#include <base/json.h>
#include <device/file.h>
#include <fs/image/check/check.h>
#include <fs/image/format.h>
#include <fs/image/image.h>
#include <lintel/acl.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const char *what, int error, const struct lt_diag *diag)
{
    fprintf(stderr, "%s: %s: %s\n", what, lt_error_text(error), diag ? diag->text : "");
    return 1;
}

/* ---- Making -------------------------------------------------------------------------------- */

static int open_fs(const char *path, const char *options, struct lt_fs **ret)
{
    struct lt_diag diag = {0};
    struct lt_device *dev;
    int r = lt_device_open_file(path, 0, &dev, &diag);
    if (r == 0)
        r = lt_imgfs_open_device(dev, options, ret, &diag);
    return r < 0 ? fail(path, r, &diag) : 0;
}

static int format(const char *path, const struct lt_image_params *params)
{
    struct lt_diag diag = {0};
    struct lt_device *dev;
    int r = lt_device_open_file(path, LT_DEVICE_CREATE, &dev, &diag);
    if (r < 0)
        return fail(path, r, &diag);
    r = lt_device_resize(dev, params->size);
    if (r == 0)
        r = img_fs_format(dev, params, &diag);
    lt_device_close(dev);
    return r < 0 ? fail(path, r, &diag) : 0;
}

static int make(char **args)
{
    struct lt_image_params params = {.size = strtoull(args[1], NULL, 10),
                                     .block_size = (uint32_t)strtoul(args[2], NULL, 10),
                                     .name_case = args[3][0] == '1' ? LT_CASE_INSENSITIVE
                                                                    : LT_CASE_SENSITIVE,
                                     .data_checks = args[4][0] == '1'};
    struct lt_fs *fs;
    if (format(args[0], &params) || open_fs(args[0], "", &fs))
        return 1;
    rich_fill(fs, (unsigned)strtoul(args[5], NULL, 10));
    int r = lt_fs_close(fs);
    if (r < 0)
        return fail("close", r, NULL);
    if (strcmp(args[6], "log") != 0)
        return 0;
    if (open_fs(args[0], "", &fs))
        return 1;
    rich_change(fs);
    r = lt_fs_sync(NULL, fs);
    lt_imgfs_abandon(fs);
    return r < 0 ? fail("sync", r, NULL) : 0;
}

/* ---- Describing ---------------------------------------------------------------------------- */

static int put_out(void *arg, const char *text, size_t len)
{
    (void)arg;
    return fwrite(text, 1, len, stdout) == len ? 0 : LT_EIO;
}

static void put_hex(struct lt_json *j, const char *key, const void *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = bytes;
    char *text = malloc(2 * len + 1);
    if (!text)
        abort();
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[p[i] >> 4];
        text[2 * i + 1] = digits[p[i] & 15];
    }
    lt_json_str(j, key, lt_strn(text, 2 * len));
    free(text);
}

/* For keys of objects: bytes as hex. */
static const char *hex_key(struct lt_str s)
{
    static char text[2 * LT_PATH_MAX + 1];
    for (size_t i = 0; i < s.len && 2 * i + 2 < sizeof(text); i++)
        snprintf(text + 2 * i, 3, "%02x", (unsigned)(uint8_t)s.s[i]);
    text[2 * s.len] = 0;
    return text;
}

static void put_time(struct lt_json *j, const char *key, struct lt_time time)
{
    lt_json_array(j, key);
    lt_json_i64(j, NULL, time.sec);
    lt_json_u64(j, NULL, time.nsec);
    lt_json_array_end(j);
}

static void put_data(struct lt_json *j, struct lt_node *node)
{
    static uint8_t buf[65536];
    uint64_t at = 0;
    uint32_t crc = 0;
    int n;
    while ((n = lt_node_pread(NULL, node, at, buf, sizeof(buf))) > 0) {
        crc = lt_crc32c(crc, buf, (size_t)n);
        at += (uint64_t)n;
    }
    lt_json_i64(j, "data", n < 0 ? n : (int64_t)crc);
}

/* Values as long as they may be; getters have one shape. */
static uint8_t value[LT_XATTR_SIZE_MAX];

struct names {
    char names[64][LT_NAME_MAX + 1];
    size_t lens[64], count;
};

static int take_name(void *arg, struct lt_str name)
{
    struct names *names = arg;
    if (names->count == 64)
        abort();
    memcpy(names->names[names->count], name.s, name.len);
    names->lens[names->count++] = name.len;
    return 0;
}

static int take_stream(void *arg, const struct lt_stream *stream)
{
    return take_name(arg, stream->name);
}

static void put_xattrs(struct lt_json *j, struct lt_node *node)
{
    static struct names names;
    names.count = 0;
    if (lt_node_xattr_list(NULL, node, take_name, &names) < 0)
        abort();
    lt_json_object(j, "xattrs");
    for (size_t i = 0; i < names.count; i++) {
        struct lt_str name = lt_strn(names.names[i], names.lens[i]);
        int n = lt_node_xattr_get(NULL, node, name, value, sizeof(value));
        put_hex(j, hex_key(name), value, n < 0 ? 0 : (size_t)n);
    }
    lt_json_object_end(j);
}

static void put_streams(struct lt_json *j, struct lt_node *node)
{
    static struct names names;
    names.count = 0;
    if (lt_node_stream_list(NULL, node, take_stream, &names) < 0)
        abort();
    lt_json_object(j, "streams");
    for (size_t i = 0; i < names.count; i++) {
        struct lt_str name = lt_strn(names.names[i], names.lens[i]);
        struct lt_node *stream;
        struct lt_attr attr;
        if (lt_node_stream_open(NULL, node, name, 0, &stream) < 0 ||
            lt_node_getattr(NULL, stream, &attr) < 0)
            abort();
        lt_json_object(j, hex_key(name));
        lt_json_u64(j, "size", attr.size);
        put_data(j, stream);
        lt_json_object_end(j);
        lt_node_put(stream);
    }
    lt_json_object_end(j);
}

static int put_ea(void *arg, const struct lt_ea *ea)
{
    struct lt_json *j = arg;
    lt_json_array(j, NULL);
    put_hex(j, NULL, ea->name.s, ea->name.len);
    lt_json_u64(j, NULL, ea->flags);
    put_hex(j, NULL, ea->value.s, ea->value.len);
    lt_json_array_end(j);
    return 0;
}

static void put_windows(struct lt_json *j, struct lt_node *node)
{
    int n = lt_node_reparse_get(NULL, node, value, sizeof(value));
    put_hex(j, "reparse", value, n < 0 ? 0 : (size_t)n);
    n = lt_node_security_get(NULL, node, value, sizeof(value));
    put_hex(j, "security", value, n < 0 ? 0 : (size_t)n);
    lt_json_array(j, "eas");
    if (lt_node_ea_list(NULL, node, put_ea, j) < 0)
        abort();
    lt_json_array_end(j);
}

static void put_attr(struct lt_json *j, const struct lt_attr *attr)
{
    lt_json_u64(j, "id", attr->id);
    lt_json_u64(j, "mode", attr->mode);
    lt_json_u64(j, "nlink", attr->nlink);
    lt_json_u64(j, "uid", attr->uid);
    lt_json_u64(j, "gid", attr->gid);
    lt_json_u64(j, "size", attr->size);
    lt_json_u64(j, "rdev", attr->rdev);
    lt_json_u64(j, "attributes", attr->win_attrs & LT_WIN_SETTABLE);
    lt_json_u64(j, "flags", attr->inode_flags);
    lt_json_u64(j, "version", attr->version);
    lt_json_u64(j, "has", attr->has);
    lt_json_u64(j, "ea_size", attr->ea_size);
    lt_json_u64(j, "reparse_tag", attr->reparse_tag);
    put_time(j, "btime", attr->btime);
    put_time(j, "mtime", attr->mtime);
    put_time(j, "ctime", attr->ctime);
    put_time(j, "atime", attr->atime);
}

static void put_node(struct lt_json *j, const char *path, struct lt_node *node);

struct listing {
    struct lt_json *j;
    const char *path;
    struct lt_node *dir;
    char (*names)[LT_NAME_MAX + 1];
    size_t count;
};

static int take_entry(void *arg, const struct lt_dirent *entry)
{
    struct listing *l = arg;
    l->names = realloc(l->names, (l->count + 1) * sizeof(*l->names));
    if (!l->names)
        abort();
    memcpy(l->names[l->count], entry->name.s, entry->name.len);
    l->names[l->count++][entry->name.len] = 0;
    return 0;
}

static void put_below(struct lt_json *j, const char *path, struct lt_node *dir)
{
    struct listing l = {j, path, dir, NULL, 0};
    if (lt_node_readdir(NULL, dir, 0, 0, take_entry, &l) < 0)
        abort();
    for (size_t i = 0; i < l.count; i++) {
        struct lt_entry entry = {0};
        char below[LT_PATH_MAX];
        if (lt_node_lookup(NULL, dir, lt_str(l.names[i]), &entry) < 0)
            abort();
        snprintf(below, sizeof(below), "%s/%s", path, l.names[i]);
        put_node(j, below, entry.node);
        lt_node_put(entry.node);
    }
    free(l.names);
}

static void put_node(struct lt_json *j, const char *path, struct lt_node *node)
{
    struct lt_attr attr;
    if (lt_node_getattr(NULL, node, &attr) < 0)
        abort();
    lt_json_object(j, hex_key(lt_str(*path ? path : "/")));
    put_attr(j, &attr);
    put_xattrs(j, node);
    put_streams(j, node);
    put_windows(j, node);
    if (node->type == LT_S_IFREG)
        put_data(j, node);
    if (node->type == LT_S_IFLNK) {
        int n = lt_node_readlink(NULL, node, (char *)value, sizeof(value));
        put_hex(j, "target", value, n < 0 ? 0 : (size_t)n);
    }
    lt_json_object_end(j);
    if (node->type == LT_S_IFDIR)
        put_below(j, path, node);
}

static int describe(const char *path)
{
    struct lt_diag diag = {0};
    struct lt_volume volume;
    struct lt_statfs statfs;
    struct lt_device *dev;
    struct lt_fs *fs;
    struct lt_json j;
    int r = lt_device_open_file(path, LT_DEVICE_READ_ONLY, &dev, &diag);
    if (r == 0)
        r = lt_imgfs_open_device(dev, "ro", &fs, &diag);
    if (r < 0)
        return fail(path, r, &diag);
    lt_fs_volume(fs, &volume);
    if (lt_fs_statfs(NULL, fs, &statfs) < 0)
        abort();
    lt_json_init(&j, put_out, NULL, true);
    lt_json_object(&j, NULL);
    lt_json_text(&j, "label", volume.label);
    lt_json_u64(&j, "serial", volume.serial);
    lt_json_u64(&j, "nodes", statfs.nodes);
    lt_json_u64(&j, "block_size", statfs.block_size);
    lt_json_object(&j, "files");
    put_node(&j, "", lt_fs_root(fs));
    lt_json_object_end(&j);
    lt_json_object_end(&j);
    puts("");
    r = lt_fs_close(fs);
    return r < 0 ? fail("close", r, NULL) : 0;
}

/* ---- Checking ------------------------------------------------------------------------------ */

static int tell(void *arg, const struct lt_image_problem *problem)
{
    (void)arg;
    printf("%u %s: %s%s\n", problem->number, problem->name, problem->text,
           problem->repaired ? " (mended)" : "");
    return 0;
}

static int check(const char *path, bool repair)
{
    struct lt_image_check check = {.repair = repair, .data = true, .problem = tell};
    struct lt_image_check_result result;
    struct lt_diag diag = {0};
    int r = lt_image_check(path, &check, &result, &diag);
    if (r < 0)
        return fail(path, r, &diag);
    printf("%llu problems, %llu mended, %llu nodes, %llu items, %llu batches\n",
           (unsigned long long)result.problems, (unsigned long long)result.repaired,
           (unsigned long long)result.nodes, (unsigned long long)result.items,
           (unsigned long long)result.replayed);
    return result.problems > 0;
}

int main(int argc, char **argv)
{
    if (argc == 9 && strcmp(argv[1], "make") == 0)
        return make(argv + 2);
    if (argc == 3 && strcmp(argv[1], "describe") == 0)
        return describe(argv[2]);
    if (argc >= 3 && strcmp(argv[1], "check") == 0)
        return check(argv[2], argc > 3);
    fprintf(stderr, "usage: images-build make|describe|check ...\n");
    return 2;
}
