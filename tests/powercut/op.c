// SPDX-License-Identifier: MIT
#include "op.h"

#include "../conformance/random.h"

#include <lintel/path.h>
#include <stdlib.h>

#define IO_MAX 150000u /* bytes */
#define SIZE_TOP 400000u

static const char *const names[] = {
#define OP_NAME(name, weight) #name,
    OP_KINDS(OP_NAME)
#undef OP_NAME
};

static const unsigned weights[] = {
#define OP_WEIGHT(name, weight) weight,
    OP_KINDS(OP_WEIGHT)
#undef OP_WEIGHT
};

#define KINDS (sizeof(weights) / sizeof(*weights))

/* ---- Choosing ------------------------------------------------------------------------------ */

static void pick_path(struct rnd *r, char *buf, size_t size)
{
    static const char *const dirs[] = {"", "", "", "d/", "d/", "e/", "d/x/"};
    static const char *const leaves[] = {"a", "b", "c", "f"};
    static const char *const places[] = {"d", "e", "d/x", "e/y"};
    if (rnd_once(r, 7)) {
        (void)snprintf(buf, size, "%s", places[rnd_below(r, 4)]);
    } else {
        const char *dir = dirs[rnd_below(r, 7)];
        (void)snprintf(buf, size, "%s%s", dir, leaves[rnd_below(r, 4)]);
    }
}

static enum op_kind pick_kind(struct rnd *r)
{
    unsigned total = 0, at;
    for (size_t i = 0; i < KINDS; i++)
        total += weights[i];
    at = rnd_below(r, total);
    for (size_t i = 0;; i++) {
        if (at < weights[i])
            return (enum op_kind)i;
        at -= weights[i];
    }
}

/* Offsets and lengths around the edges of blocks, and such that are not. */
static uint64_t pick_offset(struct rnd *r)
{
    switch (rnd_below(r, 4)) {
    case 0:
        return 0;
    case 1:
        return (uint64_t)rnd_below(r, 16) * 4096;
    case 2:
        return rnd_below(r, 3000);
    default:
        return rnd_below(r, SIZE_TOP / 2);
    }
}

static uint64_t pick_len(struct rnd *r)
{
    switch (rnd_below(r, 5)) {
    case 0:
        return 1 + rnd_below(r, 100);
    case 1:
        return (1 + (uint64_t)rnd_below(r, 8)) * 4096;
    case 2:
        return 1 + rnd_below(r, IO_MAX);
    default:
        return 1 + rnd_below(r, 9000);
    }
}

/* What every run begins with, so that most of the rest finds something. */
static const struct {
    enum op_kind kind;
    const char *path;
} first[] = {
    {OP_mkdir, "d"}, {OP_create, "a"},   {OP_write, "a"},   {OP_mkdir, "d/x"}, {OP_create, "d/b"},
    {OP_mkdir, "e"}, {OP_create, "e/c"}, {OP_write, "d/b"}, {OP_create, "b"},  {OP_write, "b"},
};

void op_make(struct op *op, uint64_t seed, uint64_t index)
{
    struct rnd r = {seed * UINT64_C(0x2545f4914f6cdd1d) + index};
    r.state = rnd_next(&r);
    *op = (struct op){.kind = pick_kind(&r)};
    pick_path(&r, op->a, sizeof(op->a));
    pick_path(&r, op->b, sizeof(op->b));
    op->offset = pick_offset(&r);
    op->len = pick_len(&r);
    op->seed = rnd_next(&r);
    op->number = rnd_below(&r, 1u << 30);
    if (index <= sizeof(first) / sizeof(*first)) {
        op->kind = first[index - 1].kind;
        (void)snprintf(op->a, sizeof(op->a), "%s", first[index - 1].path);
        op->number |= 1;
    }
}

void op_print(const struct op *op, FILE *to)
{
    (void)fprintf(to, "%s %s %s offset=%llu len=%llu number=%u", names[op->kind], op->a, op->b,
                  (unsigned long long)op->offset, (unsigned long long)op->len, op->number);
}

/* Whether a write of `fresh` or `stream` is followed by an fsync. */
static bool is_synced(const struct op *op)
{
    return op->number / 16 % 4 == 0;
}

static const char *stream_name(uint32_t number)
{
    static const char *const list[] = {"s", "zone", "third"};
    return list[number % 3];
}

bool op_is_fsync(const struct op *op, char *path, size_t size)
{
    if (op->kind == OP_stream && is_synced(op))
        (void)snprintf(path, size, "%s:%s", op->a, stream_name(op->number));
    else if (op->kind == OP_fresh && is_synced(op))
        (void)snprintf(path, size, "tmp");
    else if (op->kind == OP_fsync || op->kind == OP_fdatasync)
        (void)snprintf(path, size, "%s", op->a);
    else
        return false;
    return true;
}

/* ---- Data ---------------------------------------------------------------------------------- */

static unsigned char *content(uint64_t seed, size_t len)
{
    struct rnd r = {seed};
    unsigned char *bytes = malloc(len + 8);
    if (!bytes)
        abort();
    for (size_t i = 0; i < len; i += 8) {
        uint64_t word = rnd_next(&r) | 0x0101010101010101; /* no zeros: those are holes */
        memcpy(bytes + i, &word, 8);
    }
    return bytes;
}

static int64_t write_node(struct lt_node *node, uint64_t seed, uint64_t offset, size_t len,
                          uint32_t flags)
{
    unsigned char *bytes = content(seed, len);
    struct lt_seg seg = {bytes, len};
    struct lt_write w = {.offset = offset, .segs = &seg, .count = 1, .flags = flags};
    int64_t r = lt_node_write(NULL, node, &w);
    free(bytes);
    return r;
}

static int find(struct side *side, const char *path, struct lt_node **ret)
{
    struct lt_entry entry = {0};
    int r = lt_path_lookup(NULL, lt_fs_root(side->fs), path, LT_NOFOLLOW, &entry);
    *ret = entry.node;
    return r;
}

static int64_t write_path(struct side *side, const struct op *op, uint32_t flags)
{
    struct lt_node *node;
    int r = find(side, op->a, &node);
    if (r < 0)
        return r;
    int64_t n = write_node(node, op->seed, op->offset, (size_t)op->len, flags);
    lt_node_put(node);
    return n;
}

static int64_t allocate(struct side *side, const struct op *op, uint32_t mode)
{
    uint64_t offset = op->offset, len = op->len;
    struct lt_node *node;
    int r = find(side, op->a, &node);
    if (r < 0)
        return r;
    if (mode & (LT_FALLOC_COLLAPSE | LT_FALLOC_INSERT)) {
        offset = op->number % 3 * side->block_size;
        len = (1 + op->number / 3 % 2) * side->block_size;
    }
    r = lt_node_allocate(NULL, node, mode, offset, len);
    lt_node_put(node);
    return r;
}

static int64_t copy_all(const struct op *op, struct lt_node *from, struct lt_node *to)
{
    uint64_t done = 0, n = 1;
    int r = 0;
    while (r == 0 && n > 0 && done < op->len) {
        n = 0;
        r = lt_node_copy_range(NULL, from, op->offset + done, to, op->number % SIZE_TOP / 2 + done,
                               op->len - done, &n);
        done += n;
    }
    return r < 0 ? r : (int64_t)done;
}

static int64_t copy(struct side *side, const struct op *op)
{
    struct lt_node *from, *to;
    int r = find(side, op->a, &from);
    if (r < 0)
        return r;
    r = find(side, op->b, &to);
    int64_t n = r < 0 ? r : copy_all(op, from, to);
    if (r == 0)
        lt_node_put(to);
    lt_node_put(from);
    return n;
}

static int64_t sync_path(struct side *side, const char *path, bool data_only)
{
    struct lt_node *node;
    int r = find(side, path, &node);
    if (r < 0)
        return r;
    r = lt_node_sync(NULL, node, data_only);
    lt_node_put(node);
    return r;
}

/* The whole new content of "tmp", as a program writes it that will rename it. */
static int64_t fresh(struct side *side, const struct op *op)
{
    struct lt_node *root = lt_fs_root(side->fs), *node = NULL;
    int r = lt_path_mknod(NULL, root, "tmp", LT_S_IFREG | 0644, 0);
    if (r == LT_EEXIST)
        r = lt_path_truncate(NULL, root, "tmp", 0);
    if (r == 0)
        r = find(side, "tmp", &node);
    if (r < 0)
        return r;
    int64_t n = write_node(node, op->seed, 0, (size_t)op->len, 0);
    if (is_synced(op) && n >= 0)
        r = lt_node_sync(NULL, node, false);
    lt_node_put(node);
    return r < 0 ? r : n;
}

/* ---- Streams and other metadata ------------------------------------------------------------ */

static int64_t write_stream(struct side *side, const struct op *op)
{
    struct lt_node *node;
    int r = lt_path_stream_open(NULL, lt_fs_root(side->fs), op->a, stream_name(op->number),
                                LT_STREAM_CREATE, true, &node);
    if (r < 0)
        return r;
    int64_t n = write_node(node, op->seed, op->offset % 9000, (size_t)op->len % 20000 + 1, 0);
    if (is_synced(op) && n >= 0)
        r = lt_node_sync(NULL, node, false);
    lt_node_put(node);
    return r < 0 ? r : n;
}

static int64_t set_xattr(struct side *side, const struct op *op)
{
    static const char *const list[] = {"user.a", "user.b", "trusted.long", "security.x"};
    size_t len = op->len % (op->number % 7 ? 200 : 9000);
    unsigned char *value = content(op->seed, len);
    int r = lt_path_xattr_set(NULL, lt_fs_root(side->fs), op->a, LT_NOFOLLOW, list[op->number % 4],
                              lt_strn((char *)value, len), 0);
    free(value);
    return r;
}

static int64_t set_ea(struct side *side, const struct op *op)
{
    static const char *const list[] = {"ONE", "TWO", "LONG"};
    size_t len = op->len % (op->number % 5 ? 60 : 5000);
    unsigned char *value = content(op->seed, len);
    struct lt_ea ea = {lt_str(list[op->number % 3]), lt_strn((char *)value, len), 0};
    int r = lt_path_ea_set(NULL, lt_fs_root(side->fs), op->a, &ea, 1, op->number % 8 == 0);
    free(value);
    return r;
}

/* A REPARSE_DATA_BUFFER (MS-FSCC 2.1.2.1) of a Microsoft tag without meaning here. */
static int64_t set_reparse(struct side *side, const struct op *op)
{
    size_t len = op->len % 3000;
    unsigned char *data = content(op->seed, len + 8);
    uint32_t tag = 0x80000017;
    uint16_t data_len = (uint16_t)len, zero = 0;
    memcpy(data, &tag, 4);
    memcpy(data + 4, &data_len, 2);
    memcpy(data + 6, &zero, 2);
    int r = lt_path_reparse_set(NULL, lt_fs_root(side->fs), op->a, lt_strn((char *)data, len + 8));
    free(data);
    return r;
}

/* Descriptors that several files share, and long ones: an owner S-1-5-32-N and a DACL. */
static int64_t set_security(struct side *side, const struct op *op)
{
    unsigned char sd[20 + 16] = {1, 0, 0, 0x80, 20};
    unsigned char sid[16] = {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, (unsigned char)(op->number % 4)};
    memcpy(sd + 20, sid, sizeof(sid));
    size_t len = op->number % 5 ? sizeof(sd) : 0;
    return lt_path_security_set(NULL, lt_fs_root(side->fs), op->a, lt_strn((char *)sd, len));
}

static int64_t set_attributes(struct side *side, const struct op *op)
{
    struct lt_setattr set = {.mask = LT_SET_WIN_ATTRS, .win_attrs = op->number & 0x27};
    return lt_path_setattr(NULL, lt_fs_root(side->fs), op->a, LT_NOFOLLOW, &set);
}

static int64_t set_times(struct side *side, const struct op *op)
{
    struct lt_time t = {.sec = (int64_t)(op->number % 2000000), .nsec = op->number % 1000000};
    return lt_path_utimens(NULL, lt_fs_root(side->fs), op->a, LT_NOFOLLOW, &t, &t);
}

/* ---- Nodes without names ------------------------------------------------------------------- */

static int64_t hold(struct side *side, const struct op *op)
{
    unsigned slot = op->number % HELD;
    struct lt_node *node;
    int r = find(side, op->a, &node);
    if (r < 0)
        return r;
    lt_node_put(side->held[slot]);
    side->held[slot] = node;
    return 0;
}

static int64_t make_tmpfile(struct side *side, const struct op *op)
{
    struct lt_create spec = {.mode = LT_S_IFREG | 0600};
    struct lt_entry entry = {0};
    int r = lt_node_create(NULL, lt_fs_root(side->fs), lt_str(""), &spec, &entry);
    if (r < 0)
        return r;
    unsigned slot = op->number % HELD;
    lt_node_put(side->held[slot]);
    side->held[slot] = entry.node;
    return write_node(entry.node, op->seed, op->offset, (size_t)op->len, 0);
}

static int64_t link_held(struct side *side, const struct op *op)
{
    struct lt_node *node = side->held[op->number % HELD];
    struct lt_entry entry = {0};
    if (!node)
        return LT_EBADF;
    int r = lt_node_link(NULL, node, lt_fs_root(side->fs), lt_str("linked"), &entry);
    if (r == 0)
        lt_node_put(entry.node);
    return r;
}

static int64_t drop(struct side *side, unsigned slot)
{
    int64_t had = side->held[slot] != NULL;
    lt_node_put(side->held[slot]);
    side->held[slot] = NULL;
    return had;
}

void side_drop(struct side *side)
{
    for (unsigned i = 0; i < HELD; i++)
        (void)drop(side, i);
}

/* ---- Carrying out -------------------------------------------------------------------------- */

static int64_t apply_names(const struct op *op, struct side *side)
{
    struct lt_node *root = lt_fs_root(side->fs);
    switch (op->kind) {
    case OP_create:
        return lt_path_mknod(NULL, root, op->a, LT_S_IFREG | (op->number & 0777), 0);
    case OP_mkdir:
        return lt_path_mkdir(NULL, root, op->number % 2 ? op->a : "d", 0755);
    case OP_symlink:
        return lt_path_symlink(NULL, op->number % 3 ? op->b : "a/very/long/target/it/is", root,
                               op->a);
    case OP_mknod:
        return lt_path_mknod(NULL, root, op->a, LT_S_IFCHR | 0600, op->number % 1000);
    case OP_unlink:
        return lt_path_unlink(NULL, root, op->a);
    case OP_rmdir:
        return lt_path_rmdir(NULL, root, op->a);
    case OP_rename:
        return lt_path_rename(NULL, root, op->a, root, op->b, 0);
    case OP_exchange:
        return lt_path_rename(NULL, root, op->a, root, op->b, LT_RENAME_EXCHANGE);
    case OP_noreplace:
        return lt_path_rename(NULL, root, op->a, root, op->b, LT_RENAME_NOREPLACE);
    case OP_whiteout:
        return lt_path_rename(NULL, root, op->a, root, op->b, LT_RENAME_WHITEOUT);
    case OP_link:
        return lt_path_link(NULL, root, op->a, LT_NOFOLLOW, root, op->b);
    case OP_replace:
        return lt_path_rename(NULL, root, "tmp", root, op->a, 0);
    default:
        return LT_ENOSYS;
    }
}

static int64_t apply_data(const struct op *op, struct side *side)
{
    switch (op->kind) {
    case OP_write:
        return write_path(side, op, 0);
    case OP_append:
        return write_path(side, op, LT_WRITE_APPEND);
    case OP_truncate:
        return lt_path_truncate(NULL, lt_fs_root(side->fs), op->a, op->offset);
    case OP_allocate:
        return allocate(side, op, op->number % 2 ? LT_FALLOC_KEEP_SIZE : 0);
    case OP_punch:
        return allocate(side, op, LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE);
    case OP_zero:
        return allocate(side, op, LT_FALLOC_ZERO);
    case OP_collapse:
        return allocate(side, op, LT_FALLOC_COLLAPSE);
    case OP_insert:
        return allocate(side, op, LT_FALLOC_INSERT);
    case OP_copy:
        return copy(side, op);
    case OP_stream:
        return write_stream(side, op);
    case OP_fresh:
        return fresh(side, op);
    case OP_held_write:
        if (!side->held[op->number % HELD])
            return LT_EBADF;
        return write_node(side->held[op->number % HELD], op->seed, op->offset, (size_t)op->len, 0);
    case OP_fsync:
        return sync_path(side, op->a, false);
    case OP_fdatasync:
        return sync_path(side, op->a, true);
    case OP_sync:
        return lt_fs_sync(NULL, side->fs);
    default:
        return apply_names(op, side);
    }
}

int64_t op_apply(const struct op *op, struct side *side)
{
    struct lt_node *root = lt_fs_root(side->fs);
    switch (op->kind) {
    case OP_chmod:
        return lt_path_chmod(NULL, root, op->a, op->number & 07777);
    case OP_chown:
        return lt_path_chown(NULL, root, op->a, LT_NOFOLLOW, op->number % 5, op->number % 3);
    case OP_utimens:
        return set_times(side, op);
    case OP_attributes:
        return set_attributes(side, op);
    case OP_set_xattr:
        return set_xattr(side, op);
    case OP_del_xattr:
        return lt_path_xattr_remove(NULL, root, op->a, LT_NOFOLLOW, "user.a");
    case OP_del_stream:
        return lt_path_stream_remove(NULL, root, op->a, stream_name(op->number));
    case OP_mv_stream:
        return lt_path_stream_rename(NULL, root, op->a, stream_name(op->number),
                                     stream_name(op->number + 1), op->number % 5 < 3);
    case OP_set_ea:
        return set_ea(side, op);
    case OP_set_reparse:
        return set_reparse(side, op);
    case OP_del_reparse:
        return lt_path_reparse_remove(NULL, root, op->a, lt_str(""));
    case OP_security:
        return set_security(side, op);
    case OP_label:
        return lt_fs_set_label(NULL, side->fs, lt_strn("LABEL OF NINE", op->number % 13));
    case OP_hold:
        return hold(side, op);
    case OP_tmpfile:
        return make_tmpfile(side, op);
    case OP_held_link:
        return link_held(side, op);
    case OP_drop:
        return drop(side, op->number % HELD);
    default:
        return apply_data(op, side);
    }
}
