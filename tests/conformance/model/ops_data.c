// SPDX-License-Identifier: MIT
/* Data: writing, reading, sizes, ranges, holes. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

static unsigned char buf[SIDES][FILE_MAX + 1];

/* Where and how much: often at page borders, mostly small, sometimes large. */
static uint64_t pick_offset(void)
{
    uint64_t at = rnd_below(&rnd, FILE_MAX / 2);
    if (rnd_once(&rnd, 3))
        at = rnd_below(&rnd, 5000);
    return rnd_once(&rnd, 4) ? at & ~UINT64_C(4095) : at;
}

static size_t pick_length(void)
{
    size_t len = rnd_below(&rnd, 6000);
    if (rnd_once(&rnd, 6))
        len = rnd_below(&rnd, FILE_MAX / 2);
    return rnd_once(&rnd, 4) ? len & ~(size_t)4095 : len;
}

static void fill(unsigned char *at, size_t len)
{
    uint64_t x = rnd_next(&rnd);
    for (size_t i = 0; i < len; i++)
        at[i] = (unsigned char)(x >> (i % 8 * 8)) | 1;
}

static void op_write(void)
{
    struct pair file = pick_file();
    uint64_t offset = pick_offset();
    size_t len = pick_length();
    uint32_t flags = rnd_once(&rnd, 4) ? rnd_below(&rnd, 8) : 0;
    int r[SIDES];
    fill(buf[0], len);
    say("write %zu bytes at %llu, flags %u", len, (unsigned long long)offset, flags);
    struct lt_attr attr[SIDES];
    uint64_t at[SIDES] = {0};
    struct lt_attr now;
    /* Files stay small enough to be compared in one go. */
    if (lt_node_getattr(NULL, file.node[MODEL], &now) == 0 && (flags & LT_WRITE_APPEND) &&
        now.size > FILE_MAX / 2)
        return;
    for (int i = 0; i < SIDES; i++) {
        struct lt_seg segs[2] = {{buf[0], len / 3}, {buf[0] + len / 3, len - len / 3}};
        struct lt_write w = {.offset = offset, .segs = segs, .count = 2, .flags = flags};
        w.ret_attr = &attr[i];
        r[i] = lt_node_write(NULL, file.node[i], &w);
        at[i] = w.ret_offset;
    }
    same(r);
    if (r[MODEL] < 0)
        return;
    if (at[MODEL] != at[TESTED])
        differ("written at %llu and %llu", (unsigned long long)at[MODEL],
               (unsigned long long)at[TESTED]);
    same_attr(attr[MODEL], attr[TESTED]);
}

static void op_read(void)
{
    struct pair file = pick_file();
    uint64_t offset = pick_offset();
    size_t len = pick_length();
    int r[SIDES];
    say("read %zu bytes at %llu", len, (unsigned long long)offset);
    for (int i = 0; i < SIDES; i++) {
        memset(buf[i], 0xee, len);
        r[i] = lt_node_pread(NULL, file.node[i], offset, buf[i], len);
    }
    same(r);
    if (memcmp(buf[MODEL], buf[TESTED], len) != 0)
        differ("data");
}

static void op_truncate(void)
{
    struct pair file = pick_file();
    struct lt_setattr set = {.mask = LT_SET_SIZE, .size = pick_offset()};
    struct lt_attr attr[SIDES];
    int r[SIDES];
    say("truncate to %llu", (unsigned long long)set.size);
    for (int i = 0; i < SIDES; i++)
        r[i] = lt_node_setattr(NULL, file.node[i], &set, &attr[i]);
    same(r);
    if (r[MODEL] == 0)
        same_attr(attr[MODEL], attr[TESTED]);
}

/* Blocks of the tested may be larger: to whole ones, or now and then to none of either. */
static void round_to_blocks(uint64_t *offset, uint64_t *len)
{
    struct lt_statfs s = {.block_size = 4096};
    (void)lt_fs_statfs(NULL, sides[TESTED].fs, &s);
    *offset -= *offset % s.block_size;
    *len -= *len % s.block_size;
    if (rnd_once(&rnd, 4))
        *offset |= 1;
}

static void op_allocate(void)
{
    static const uint32_t modes[] = {0,
                                     LT_FALLOC_KEEP_SIZE,
                                     LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE,
                                     LT_FALLOC_COLLAPSE,
                                     LT_FALLOC_ZERO,
                                     LT_FALLOC_ZERO | LT_FALLOC_KEEP_SIZE,
                                     LT_FALLOC_INSERT,
                                     LT_FALLOC_COLLAPSE | LT_FALLOC_INSERT};
    struct pair file = pick_file();
    uint32_t mode = modes[rnd_below(&rnd, 8)];
    uint64_t offset = pick_offset(), len = pick_length();
    struct lt_attr now;
    if (mode & (LT_FALLOC_COLLAPSE | LT_FALLOC_INSERT))
        round_to_blocks(&offset, &len);
    if (lt_node_getattr(NULL, file.node[MODEL], &now) == 0 && (mode & LT_FALLOC_INSERT) &&
        now.size > FILE_MAX / 2)
        return;
    int r[SIDES];
    say("allocate mode %u, %llu bytes at %llu", mode, (unsigned long long)len,
        (unsigned long long)offset);
    for (int i = 0; i < SIDES; i++)
        r[i] = lt_node_allocate(NULL, file.node[i], mode, offset, len);
    same(r);
}

/* Where the first byte that is not 0 is in buf[side], from `at` on; `size` if there is none. */
static uint64_t next_byte(int side, uint64_t at, uint64_t size)
{
    while (at < size && buf[side][at] == 0)
        at++;
    return at;
}

static void seek_data(const struct pair *file, int side, uint64_t offset, uint64_t size)
{
    uint64_t at = 0, byte = next_byte(side, offset, size);
    int r = lt_node_seek(NULL, file->node[side], offset, LT_SEEK_DATA, &at);
    if (r == LT_ENXIO ? byte < size : r != 0 || at < offset || at > byte)
        differ("side %d: data at %llu (%d), byte at %llu", side, (unsigned long long)at, r,
               (unsigned long long)byte);
}

static void seek_hole(const struct pair *file, int side, uint64_t offset, uint64_t size)
{
    uint64_t at = 0;
    int r = lt_node_seek(NULL, file->node[side], offset, LT_SEEK_HOLE, &at);
    bool wrong = r != 0 || at < offset || at > size;
    if (!wrong && at < size)
        wrong = buf[side][at] != 0;
    if (offset < size ? wrong : r != LT_ENXIO)
        differ("side %d: hole at %llu (%d)", side, (unsigned long long)at, r);
}

/* What is a hole may differ, but never hide data. */
static void op_seek(void)
{
    struct pair file = pick_file();
    uint64_t offset = pick_offset();
    int r[SIDES];
    say("seek from %llu", (unsigned long long)offset);
    for (int i = 0; i < SIDES; i++)
        r[i] = lt_node_pread(NULL, file.node[i], 0, buf[i], FILE_MAX);
    same(r);
    for (int i = 0; i < SIDES && r[i] >= 0; i++) {
        seek_data(&file, i, offset, (uint64_t)r[i]);
        seek_hole(&file, i, offset, (uint64_t)r[i]);
    }
}

static void op_copy_range(void)
{
    struct pair from = pick_file(), to = rnd_once(&rnd, 3) ? from : pick_file();
    uint64_t from_offset = pick_offset(), to_offset = pick_offset();
    size_t len = pick_length() % 60000;
    uint64_t done[SIDES] = {0};
    int r[SIDES];
    say("copy %zu bytes from %llu to %llu", len, (unsigned long long)from_offset,
        (unsigned long long)to_offset);
    for (int i = 0; i < SIDES; i++)
        r[i] = lt_node_copy_range(NULL, from.node[i], from_offset, to.node[i], to_offset, len,
                                  &done[i]);
    same(r);
    if (done[MODEL] != done[TESTED])
        differ("copied %llu and %llu bytes", (unsigned long long)done[MODEL],
               (unsigned long long)done[TESTED]);
}

static void op_sync(void)
{
    struct pair node = pick();
    int r[SIDES];
    bool data_only = rnd_once(&rnd, 2);
    say("sync");
    for (int i = 0; i < SIDES; i++)
        r[i] = lt_node_sync(NULL, node.node[i], data_only);
    same(r);
}

const struct op data_ops[] = {
    {"write", 80, op_write},       {"read", 40, op_read}, {"truncate", 15, op_truncate},
    {"allocate", 20, op_allocate}, {"seek", 10, op_seek}, {"copy", 15, op_copy_range},
    {"sync", 3, op_sync},          {NULL, 0, NULL},
};
