// SPDX-License-Identifier: MIT
#include "op.h"

#include "../random.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define OP_NAME(name, weight) #name,
static const char *const names[] = {OP_KINDS(OP_NAME)};
#undef OP_NAME
#define OP_WEIGHT(name, weight) weight,
static const unsigned weights[] = {OP_KINDS(OP_WEIGHT)};
#undef OP_WEIGHT

const char *op_name(enum op_kind kind)
{
    return names[kind];
}

static enum op_kind pick_kind(struct rnd *r)
{
    unsigned total = 0;
    for (int i = 0; i < OP_COUNT; i++) {
        total += weights[i];
    }
    unsigned at = rnd_below(r, total);
    int kind = 0;
    while (at >= weights[kind]) {
        at -= weights[kind++];
    }
    return (enum op_kind)kind;
}

static size_t put_text(char *out, const char *text)
{
    size_t len = strlen(text);

    memcpy(out, text, len + 1);
    return len;
}

/* A name: mostly one of few, so that operations meet; sometimes a strange one. */
static size_t make_name(struct rnd *r, char *out)
{
    static const char *const strange[] = {
        " ",
        "...",
        "a\\b",
        "new\nline",
        "-rf",
        "\x01\x7f",
        "\xff\xfe\x80",
        "tab\t",
        "A",
        "file:stream",
        "\xc3\xa4\xc3\x9f",
        "a\xcc\x88",
        "\xe2\x82\xac",
        "\xf0\x9f\x98\x80",
        "*?[",
        "CON",
        "x.",
        "\"quote'",
    };
    if (!rnd_once(r, 24)) {
        out[0] = (char)('a' + rnd_below(r, 6));
        out[1] = '\0';
        return 1;
    }
    if (rnd_once(r, 3)) { /* long: up to, and now and then beyond, the limit of 255 bytes */
        size_t len = 250 + rnd_below(r, 7);
        memset(out, 'L', len);
        out[len] = '\0';
        return len;
    }
    return put_text(out, strange[rnd_below(r, sizeof(strange) / sizeof(strange[0]))]);
}

static void make_path(struct rnd *r, char *out)
{
    if (rnd_once(r, 200)) {
        static const char *const odd[] = {".",      "a/",  "a//b", "a/.", "a/..",
                                          "b/../c", "./d", "",     "e/f/"};
        put_text(out, odd[rnd_below(r, sizeof(odd) / sizeof(odd[0]))]);
        return;
    }
    unsigned at_depth = rnd_below(r, 20);
    unsigned depth = at_depth < 10 ? 1 : at_depth < 17 ? 2 : 3;
    size_t at = 0;
    for (unsigned i = 0; i < depth; i++) {
        if (i > 0) {
            out[at++] = '/';
        }
        at += make_name(r, out + at);
    }
}

static uint64_t make_offset(struct rnd *r)
{
    switch (rnd_below(r, 12)) {
    case 0:
        return (UINT64_C(1) << 32) - 5000 + rnd_below(r, 10000);
    case 1:
        return rnd_below(r, 40) * UINT64_C(4096);
    case 2:
        return rnd_below(r, 40) * UINT64_C(4096) + 4095;
    case 3:
    case 4:
        return 0;
    case 5:
        return rnd_below(r, 3000000);
    default:
        return rnd_below(r, 150000);
    }
}

static uint32_t make_len(struct rnd *r)
{
    switch (rnd_below(r, 6)) {
    case 0:
        return 1 + rnd_below(r, 16);
    case 1:
        return rnd_below(r, 2);
    case 2:
        return 4096u * (1 + rnd_below(r, 16));
    case 3:
        return rnd_below(r, OP_IO_MAX);
    default:
        return rnd_below(r, 9000);
    }
}

static uint32_t make_mode(struct rnd *r)
{
    static const uint32_t modes[] = {0644,  0755,  0777,  0600, 0700, 0666, 04755, 02755,
                                     01777, 02777, 06711, 0,    0444, 0070, 0007};
    return rnd_once(r, 4) ? rnd_below(r, 010000)
                          : modes[rnd_below(r, sizeof(modes) / sizeof(modes[0]))];
}

static uint32_t make_open_flags(struct rnd *r)
{
    static const uint32_t how[] = {O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY};
    uint32_t flags = how[rnd_below(r, 5)] | O_NONBLOCK | O_CLOEXEC;
    flags |= rnd_once(r, 3) ? 0 : (uint32_t)O_CREAT;
    flags |= rnd_once(r, 8) ? (uint32_t)O_EXCL : 0;
    flags |= rnd_once(r, 10) ? (uint32_t)O_TRUNC : 0;
    flags |= rnd_once(r, 6) ? (uint32_t)O_APPEND : 0;
    flags |= rnd_once(r, 20) ? (uint32_t)O_NOFOLLOW : 0;
    flags |= rnd_once(r, 40) ? (uint32_t)O_DIRECTORY : 0;
    if ((flags & O_CREAT) && (flags & O_DIRECTORY)) {
        flags &= ~(uint32_t)O_CREAT; /* means different things in different kernels */
    }
    return flags;
}

static uint32_t make_rename_flags(struct rnd *r)
{
    static const uint32_t flags[] = {0,
                                     0,
                                     0,
                                     0,
                                     RENAME_NOREPLACE,
                                     RENAME_EXCHANGE,
                                     RENAME_EXCHANGE,
                                     RENAME_WHITEOUT,
                                     RENAME_NOREPLACE | RENAME_EXCHANGE,
                                     0x80};
    return flags[rnd_below(r, sizeof(flags) / sizeof(flags[0]))];
}

static uint32_t make_falloc_mode(struct rnd *r)
{
    static const uint32_t modes[] = {
        0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
        FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE};
    return modes[rnd_below(r, sizeof(modes) / sizeof(modes[0]))];
}

/* What the kinds make of `flags` and `mode`. */
static void make_flags(struct rnd *r, struct op *op)
{
    op->mode = make_mode(r);
    op->flags = rnd_below(r, 4);
    switch (op->kind) {
    case OP_open:
    case OP_tmpfile:
        op->flags = make_open_flags(r);
        break;
    case OP_rename:
        op->flags = make_rename_flags(r);
        break;
    case OP_fallocate:
        op->flags = make_falloc_mode(r);
        op->offset %= UINT64_C(400000);
        break;
    case OP_seek:
        op->flags = rnd_once(r, 2) ? SEEK_DATA : SEEK_HOLE;
        break;
    case OP_xattr_set:
        op->flags = rnd_once(r, 3) ? 1 + rnd_below(r, 2) : 0; /* XATTR_CREATE, XATTR_REPLACE */
        break;
    case OP_mknod: {
        static const uint32_t types[] = {S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK, S_IFREG, S_IFDIR, 0};
        op->mode = (op->mode & 07777) | types[rnd_below(r, sizeof(types) / sizeof(types[0]))];
        break;
    }
    default:
        break;
    }
}

void op_make(uint64_t seed, uint64_t index, struct op *ret)
{
    static const uint32_t ids[] = {0, 1000, 1001, 1000, 2000, UINT32_MAX};
    struct rnd mix = {seed};
    struct rnd r = {rnd_next(&mix) ^ (index * UINT64_C(0x2545f4914f6cdd1d))};
    r.state = rnd_next(&r); /* or the sequences of two operations would overlap */
    memset(ret, 0, offsetof(struct op, path));
    ret->kind = pick_kind(&r);
    ret->user = rnd_once(&r, 4) ? 1 + rnd_below(&r, 2) : 0;
    ret->slot = rnd_below(&r, OP_SLOTS);
    ret->slot2 = rnd_below(&r, OP_SLOTS);
    make_path(&r, ret->path);
    make_path(&r, ret->path2);
    ret->offset = make_offset(&r);
    ret->offset2 = make_offset(&r);
    ret->len = make_len(&r);
    ret->uid = ids[rnd_below(&r, 6)];
    ret->gid = ids[rnd_below(&r, 6)];
    if (ret->kind == OP_symlink && strstr(ret->path2, "..") != NULL) {
        put_text(ret->path2, "a"); /* links that go up could add up to leave the lane */
    }
    make_flags(&r, ret);
    ret->seed = rnd_next(&r);
    if (ret->kind == OP_acl_set && ret->seed % 6 == 0) {
        ret->user =
            0; /* removing an ACL clears set-gid for outsiders on tmpfs, not on ext4 and FUSE */
    }
    if (ret->uid == UINT32_MAX && ret->gid == UINT32_MAX) {
        ret->gid =
            1000; /* the kernel lets anybody do a chown of a FUSE file that changes nothing */
    }
}

/* A path with its unprintable bytes escaped and long runs cut. */
static void quote(const char *path, char *out, size_t size)
{
    size_t at = 0;
    for (const char *p = path; *p && at + 16 < size; p++) {
        unsigned char c = (unsigned char)*p;
        size_t run = strspn(p, "L");
        if (run > 8) {
            at += (size_t)snprintf(out + at, size - at, "L{%zu}", run);
            p += run - 1;
        } else if (c < 0x20 || c >= 0x7f) {
            at += (size_t)snprintf(out + at, size - at, "\\x%02x", c);
        } else {
            out[at++] = (char)c;
        }
    }
    out[at] = '\0';
}

void op_print(const struct op *op, char *buf, size_t size)
{
    char path[200];
    char path2[200];
    quote(op->path, path, sizeof(path));
    quote(op->path2, path2, sizeof(path2));
    snprintf(buf, size,
             "%-12s user=%u slot=%u,%u path='%s' path2='%s' off=%llu,%llu len=%u mode=%o flags=%#x "
             "ids=%d:%d",
             op_name(op->kind), op->user, op->slot, op->slot2, path, path2,
             (unsigned long long)op->offset, (unsigned long long)op->offset2, op->len, op->mode,
             op->flags, (int)op->uid, (int)op->gid);
}
