// SPDX-License-Identifier: MIT
#include "rich.h"

#include <base/hash.h>
#include <lintel/acl.h>
#include <lintel/path.h>
#include <stdio.h>
#include <stdlib.h>

/* Aborts unless it worked. */
static void must(int64_t r, const char *what)
{
    if (r < 0) {
        fprintf(stderr, "%s: %s\n", what, lt_error_text((int)r));
        abort();
    }
}

static struct lt_node *lookup(struct lt_node *dir, const char *path)
{
    struct lt_entry entry = {0};
    must(lt_path_lookup(NULL, dir, path, LT_NOFOLLOW, &entry), path);
    return entry.node;
}

static struct lt_node *make(struct lt_node *dir, struct lt_str name, const struct lt_create *spec)
{
    struct lt_entry entry = {0};
    must(lt_node_create(NULL, dir, name, spec, &entry), name.s);
    return entry.node;
}

static struct lt_node *make_file(struct lt_node *dir, const char *name)
{
    return make(dir, lt_str(name), &(struct lt_create){.mode = LT_S_IFREG | 0644});
}

static struct lt_node *make_dir(struct lt_node *dir, const char *name)
{
    return make(dir, lt_str(name), &(struct lt_create){.mode = LT_S_IFDIR | 0755});
}

/* Bytes that no block has in common with another. */
static void fill(uint8_t *buf, size_t len, uint64_t seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        buf[i] = (uint8_t)(seed >> 56);
    }
}

static void write_at(struct lt_node *node, uint64_t offset, size_t len, uint64_t seed)
{
    uint8_t *buf = malloc(len);
    if (!buf)
        abort();
    fill(buf, len, seed);
    must(lt_node_pwrite(NULL, node, offset, buf, len) == (int)len ? 0 : LT_EIO, "write");
    free(buf);
}

/* ---- Data ---------------------------------------------------------------------------------- */

static void fill_data(struct lt_node *root)
{
    static const size_t sizes[] = {0, 1, 100, 1000, 2000, 4095, 4096, 4097, 20000, 70000};
    struct lt_node *dir = make_dir(root, "data");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char name[32];
        snprintf(name, sizeof(name), "size-%zu", sizes[i]);
        struct lt_node *node = make_file(dir, name);
        if (sizes[i])
            write_at(node, 0, sizes[i], i);
        lt_node_put(node);
    }
    struct lt_node *sparse = make_file(dir, "sparse");
    for (unsigned i = 0; i < 8; i++)
        write_at(sparse, (uint64_t)i * 40960 + 100 * i, 5000, i);
    struct lt_setattr grow = {.mask = LT_SET_SIZE, .size = UINT64_C(500000)};
    must(lt_node_setattr(NULL, sparse, &grow, NULL), "grow");
    lt_node_put(sparse);

    struct lt_node *allocated = make_file(dir, "allocated");
    must(lt_node_allocate(NULL, allocated, 0, 0, 50000), "allocate");
    write_at(allocated, 9000, 3000, 77);
    must(lt_node_allocate(NULL, allocated, LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE, 24576, 8192),
         "punch");
    lt_node_put(allocated);
    lt_node_put(dir);
}

/* ---- Names --------------------------------------------------------------------------------- */

static void fill_names(struct lt_node *root, unsigned files)
{
    static const char *const odd[] = {"\xff\xfe bytes", "gr\xc3\xbc\xc3\x9f", "\xf0\x9f\x98\x80",
                                      " leading blank", "new\nline",          "\xce\x91\xce\xb1"};
    char name[LT_NAME_UNITS_MAX + 1];
    struct lt_node *dir = make_dir(root, "names"), *many = make_dir(dir, "many");
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
        lt_node_put(make_file(dir, odd[i]));
    memset(name, 'n', LT_NAME_UNITS_MAX);
    name[LT_NAME_UNITS_MAX] = 0;
    lt_node_put(make_file(dir, name));
    for (unsigned i = 0; i < files; i++) {
        snprintf(name, sizeof(name), "file number %u", i);
        struct lt_node *node = make_file(many, name);
        if (i % 3 == 0)
            write_at(node, 0, 10 + i, i);
        lt_node_put(node);
    }
    struct lt_node *deep = lt_node_get(dir);
    for (unsigned i = 0; i < 20; i++) {
        struct lt_node *next = make_dir(deep, "deeper");
        lt_node_put(deep);
        deep = next;
    }
    struct lt_node *first = make_file(deep, "linked");
    write_at(first, 0, 6000, 5);
    for (unsigned i = 0; i < 5; i++) {
        struct lt_entry entry = {0};
        snprintf(name, sizeof(name), "link %u", i);
        must(lt_node_link(NULL, first, i % 2 ? dir : many, lt_str(name), &entry), "link");
        lt_node_put(entry.node);
    }
    lt_node_put(first);
    lt_node_put(deep);
    lt_node_put(many);
    lt_node_put(dir);
}

static void fill_types(struct lt_node *root)
{
    static const struct {
        const char *name;
        uint32_t mode, rdev;
    } types[] = {{"char", LT_S_IFCHR | 0600, 0x0103},
                 {"block", LT_S_IFBLK | 0660, 0x80007},
                 {"pipe", LT_S_IFIFO | 0666, 0},
                 {"socket", LT_S_IFSOCK | 0777, 0}};
    char target[3000];
    struct lt_node *dir = make_dir(root, "types");
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        lt_node_put(make(dir, lt_str(types[i].name),
                         &(struct lt_create){.mode = types[i].mode, .rdev = types[i].rdev}));
    memset(target, 't', sizeof(target));
    struct lt_create link = {.mode = LT_S_IFLNK | 0777, .target = lt_str("../data/size-100")};
    lt_node_put(make(dir, lt_str("short link"), &link));
    link.target = lt_strn(target, 2048);
    lt_node_put(make(dir, lt_str("long link"), &link));
    link.target = lt_strn(target, sizeof(target));
    lt_node_put(make(dir, lt_str("longer link"), &link));
    lt_node_put(dir);
}

/* ---- Attributes ---------------------------------------------------------------------------- */

static void set_xattr(struct lt_node *node, const char *name, size_t len)
{
    char *value = malloc(len + 1);
    if (!value)
        abort();
    fill((uint8_t *)value, len, len);
    must(lt_node_xattr_set(NULL, node, lt_str(name), lt_strn(value, len), 0), name);
    free(value);
}

static void fill_xattrs(struct lt_node *root)
{
    struct lt_acl_entry entries[] = {{LT_ACL_USER_OBJ, 6, LT_ACL_NO_ID},
                                     {LT_ACL_USER, 4, 1000},
                                     {LT_ACL_GROUP_OBJ, 4, LT_ACL_NO_ID},
                                     {LT_ACL_MASK, 6, LT_ACL_NO_ID},
                                     {LT_ACL_OTHER, 0, LT_ACL_NO_ID}};
    uint8_t acl[LT_ACL_SIZE(5)];
    struct lt_node *dir = make_dir(root, "xattrs"), *node = make_file(dir, "many");
    char name[64];
    for (unsigned i = 0; i < 12; i++) {
        snprintf(name, sizeof(name), "user.attribute number %u", i);
        set_xattr(node, name, i * i * 30);
    }
    set_xattr(node, "user.exact", 1024 - 11); /* a whole piece */
    set_xattr(node, "user.exact2", 2048 - 12);
    set_xattr(node, "security.capability", 20);
    lt_node_put(node);
    struct lt_str value = {(const char *)acl, sizeof(acl)};
    acl[0] = 2;
    acl[1] = acl[2] = acl[3] = 0;
    for (size_t i = 0; i < 5; i++) {
        uint8_t *e = acl + LT_ACL_SIZE(i);
        e[0] = (uint8_t)entries[i].tag;
        e[1] = e[3] = 0;
        e[2] = (uint8_t)entries[i].perm;
        for (unsigned b = 0; b < 4; b++)
            e[4 + b] = (uint8_t)(entries[i].id >> (8 * b));
    }
    node = make_file(dir, "acl");
    must(lt_node_xattr_set(NULL, node, lt_str(LT_ACL_ACCESS), value, 0), "acl");
    lt_node_put(node);
    must(lt_node_xattr_set(NULL, dir, lt_str(LT_ACL_DEFAULT), value, 0), "acl");
    lt_node_put(dir);
}

static void fill_times(struct lt_node *root)
{
    static const struct lt_time times[] = {
        {0, 0}, {-1, 999999999}, {-20000000000, 5}, {1700000000, 123456789}, {253402300799, 1}};
    struct lt_node *dir = make_dir(root, "times");
    for (size_t i = 0; i < 25; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%zu", i);
        struct lt_node *node = make_file(dir, name);
        struct lt_setattr set = {.mask = LT_SET_ATIME | LT_SET_MTIME | LT_SET_CTIME | LT_SET_BTIME |
                                         LT_SET_UID | LT_SET_GID | LT_SET_MODE,
                                 .atime = times[i % 5],
                                 .mtime = times[i / 5],
                                 .ctime = times[(i + i / 5) % 5],
                                 .btime = times[(2 * i) % 5],
                                 .uid = (uint32_t)i * 178956970u,
                                 .gid = (uint32_t)i,
                                 .mode = 0100 * (uint32_t)i & LT_S_PERM};
        must(lt_node_setattr(NULL, node, &set, NULL), "times");
        lt_node_put(node);
    }
    lt_node_put(dir);
}

/* ---- Windows ------------------------------------------------------------------------------- */

static void add_stream(struct lt_node *node, const char *name, size_t len)
{
    struct lt_node *stream;
    must(lt_node_stream_open(NULL, node, lt_str(name), LT_STREAM_CREATE, &stream), name);
    if (len)
        write_at(stream, 0, len, len);
    lt_node_put(stream);
}

static void fill_windows(struct lt_node *root)
{
    static const char descriptor[] = "\x01\x00\x00\x80\x14\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
                                     "\x00\x00\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\x05\x12\x00"
                                     "\x00";
    static const char reparse[] = "\x17\x00\x00\x80\x08\x00\x00\x00"
                                  "12345678";
    struct lt_ea eas[] = {{lt_str("FIRST"), lt_str("value"), 0},
                          {lt_str("SECOND"), lt_strn(descriptor, 20), LT_EA_NEED}};
    struct lt_node *dir = make_dir(root, "windows"), *node = make_file(dir, "streams");
    add_stream(node, "empty", 0);
    add_stream(node, "Small", 100);
    add_stream(node, "large", 30000);
    lt_node_put(node);
    add_stream(dir, "of a directory", 5000);
    node = make_file(dir, "eas");
    must(lt_node_ea_set(NULL, node, eas, 2, false), "EAs");
    lt_node_put(node);
    node = make_file(dir, "reparse");
    must(lt_node_reparse_set(NULL, node, lt_strn(reparse, 16)), "reparse");
    lt_node_put(node);
    for (unsigned i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof(name), "secured %u", i);
        node = make_file(dir, name);
        must(lt_node_security_set(NULL, node, lt_strn(descriptor, sizeof(descriptor))), "security");
        struct lt_setattr set = {.mask = LT_SET_WIN_ATTRS | LT_SET_INODE_FLAGS,
                                 .win_attrs = (uint32_t)LT_WIN_HIDDEN << i,
                                 .inode_flags = LT_INODE_NODUMP};
        must(lt_node_setattr(NULL, node, &set, NULL), "attributes");
        lt_node_put(node);
    }
    lt_node_put(dir);
}

void rich_fill(struct lt_fs *fs, unsigned files)
{
    struct lt_node *root = lt_fs_root(fs);
    must(lt_fs_set_label(NULL, fs, lt_str("a rich volume")), "label");
    fill_data(root);
    fill_names(root, files);
    fill_types(root);
    fill_xattrs(root);
    fill_times(root);
    fill_windows(root);
}

void rich_change(struct lt_fs *fs)
{
    struct lt_node *root = lt_fs_root(fs);
    struct lt_node *data = lookup(root, "data"), *names = lookup(root, "names");
    struct lt_node *node = lookup(data, "size-20000");
    write_at(node, 5000, 3000, 1234);
    lt_node_put(node);
    node = lookup(data, "size-100");
    write_at(node, 50, 9000, 4321);
    lt_node_put(node);
    must(lt_node_rename(NULL, data, lt_str("size-1000"), names, lt_str("renamed"), 0), "rename");
    must(lt_node_rename(NULL, data, lt_str("size-1"), data, lt_str("size-4097"), 0), "replace");
    must(lt_node_remove(NULL, data, lt_str("sparse"), 0, NULL), "remove");
    must(lt_node_remove(NULL, names, lt_str("link 1"), 0, NULL), "unlink");
    lt_node_put(make_file(names, "new"));
    lt_node_put(make_dir(names, "new directory"));
    lt_node_put(data);
    lt_node_put(names);
}

/* ---- A digest ------------------------------------------------------------------------------ */

static uint32_t digest_data(struct lt_node *node)
{
    static uint8_t buf[65536];
    uint32_t crc = 0;
    uint64_t at = 0;
    int n;
    while ((n = lt_node_pread(NULL, node, at, buf, sizeof(buf))) > 0) {
        crc = lt_crc32c(crc, buf, (size_t)n);
        at += (uint64_t)n;
    }
    must(n, "read");
    return crc;
}

static int add_stream_digest(void *arg, const struct lt_stream *stream)
{
    uint64_t *sum = arg;
    *sum += lt_hash_u64(lt_crc32c(0, stream->name.s, stream->name.len) + stream->size);
    return 0;
}

struct below {
    struct lt_node **nodes;
    uint32_t *names;
    size_t count;
};

static int take_below(void *arg, const struct lt_dirent *entry)
{
    struct below *b = arg;
    b->nodes = realloc(b->nodes, (b->count + 1) * sizeof(*b->nodes));
    b->names = realloc(b->names, (b->count + 1) * sizeof(*b->names));
    if (!b->nodes || !b->names)
        abort();
    b->names[b->count] = lt_crc32c(0, entry->name.s, entry->name.len);
    b->nodes[b->count++] = entry->node;
    return 0;
}

static uint64_t digest_node(struct lt_node *node, uint32_t name)
{
    struct lt_attr attr;
    struct below below = {0};
    must(lt_node_getattr(NULL, node, &attr), "getattr");
    uint64_t sum = lt_hash_u64(name + attr.id) + lt_hash_u64(attr.size + attr.mode) +
                   lt_hash_u64(attr.nlink * UINT64_C(7919) + attr.has);
    must(lt_node_stream_list(NULL, node, add_stream_digest, &sum), "streams");
    if (node->type == LT_S_IFREG)
        sum += lt_hash_u64(digest_data(node));
    if (node->type == LT_S_IFDIR)
        must(lt_node_readdir(NULL, node, 0, LT_READDIR_PLUS, take_below, &below), "list");
    for (size_t i = 0; i < below.count; i++) {
        sum += lt_hash_u64(digest_node(below.nodes[i], below.names[i]) ^ attr.id);
        lt_node_put(below.nodes[i]);
    }
    free(below.nodes);
    free(below.names);
    return sum;
}

uint64_t rich_digest(struct lt_fs *fs)
{
    return digest_node(lt_fs_root(fs), 0);
}
