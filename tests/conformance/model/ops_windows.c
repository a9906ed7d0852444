// SPDX-License-Identifier: MIT
/* The Windows half: streams, EAs, reparse data, security descriptors. */
#include "model.h"

#include <string.h>

/* ---- Streams ------------------------------------------------------------------------------- */

static struct lt_str pick_stream(void)
{
    static const char *const names[] = {"s", "S", "two", "Three", "\xc3\xa4", "\xc3\x84", "x:y"};
    return lt_str(names[rnd_below(&rnd, 7)]);
}

static void op_stream_open(void)
{
    struct pair node = pick(), stream = {{NULL}};
    struct lt_str name = pick_stream();
    uint32_t flags = rnd_below(&rnd, 4);
    int r[SIDES];
    say("open stream %s, flags %u", name.s, flags);
    for (int i = 0; i < SIDES; i++)
        r[i] = lt_node_stream_open(NULL, node.node[i], name, flags, &stream.node[i]);
    same(r);
    if (r[MODEL] == 0)
        hold(stream);
}

static void op_stream_remove(void)
{
    struct pair node = pick();
    struct lt_str name = pick_stream();
    int r[SIDES];
    say("remove stream %s", name.s);
    for (int i = 0; i < SIDES; i++)
        r[i] = lt_node_stream_remove(NULL, node.node[i], name);
    same(r);
}

static void op_stream_rename(void)
{
    struct pair node = pick();
    struct lt_str name = pick_stream(), new_name = pick_stream();
    bool replace = rnd_once(&rnd, 2);
    int r[SIDES];
    say("rename stream %s to %s", name.s, new_name.s);
    for (int i = 0; i < SIDES; i++)
        r[i] = lt_node_stream_rename(NULL, node.node[i], name, new_name, replace);
    same(r);
}

/* ---- EAs ----------------------------------------------------------------------------------- */

static void op_ea_set(void)
{
    static char bytes[LT_EA_SIZE_MAX + 1];
    static const char *const names[] = {"one", "ONE", "two", "three", "four.5", "bad*"};
    struct pair node = pick();
    struct lt_ea list[4];
    size_t count = rnd_below(&rnd, 5);
    bool replace_all = rnd_once(&rnd, 5);
    memset(bytes, (int)rnd_below(&rnd, 256), sizeof(bytes));
    for (size_t i = 0; i < count; i++) {
        size_t len = rnd_below(&rnd, rnd_once(&rnd, 30) ? sizeof(bytes) : 30);
        list[i] = (struct lt_ea){lt_str(names[rnd_below(&rnd, rnd_once(&rnd, 20) ? 6 : 5)]),
                                 lt_strn(bytes, rnd_once(&rnd, 4) ? 0 : len),
                                 rnd_once(&rnd, 3) ? LT_EA_NEED : 0};
    }
    int r[SIDES];
    say("set %zu EAs", count);
    for (int i = 0; i < SIDES; i++)
        r[i] = lt_node_ea_set(NULL, node.node[i], list, count, replace_all);
    same(r);
}

/* ---- Reparse data -------------------------------------------------------------------------- */

/* Two tags of Microsoft's and two of others. Returns the length. */
static size_t pick_reparse(unsigned char *buf, size_t len)
{
    static const uint32_t tags[] = {0x80000013, 0x80000017, 0x42, 0x43};
    uint32_t tag = tags[rnd_below(&rnd, 4)];
    size_t head = tag & 0x80000000 ? 8 : 24;
    memset(buf, (int)rnd_below(&rnd, 2), head + len);
    memcpy(buf, &tag, 4);
    buf[4] = (unsigned char)len;
    buf[5] = (unsigned char)(len >> 8);
    buf[6] = buf[7] = 0;
    return head + len;
}

static void op_reparse(void)
{
    static unsigned char buf[LT_REPARSE_SIZE_MAX + 32];
    struct pair node = pick();
    bool remove = rnd_once(&rnd, 3);
    size_t max = rnd_once(&rnd, 10) ? LT_REPARSE_SIZE_MAX : 40;
    size_t len = pick_reparse(buf, remove ? 0 : rnd_below(&rnd, (uint32_t)max));
    if (remove && rnd_once(&rnd, 2))
        len = 0;
    struct lt_str data = lt_strn((const char *)buf, len);
    int r[SIDES];
    say("%s reparse data of %zu bytes", remove ? "remove" : "set", len);
    for (int i = 0; i < SIDES; i++)
        r[i] = remove ? lt_node_reparse_remove(NULL, node.node[i], data)
                      : lt_node_reparse_set(NULL, node.node[i], data);
    same(r);
}

/* ---- Security ------------------------------------------------------------------------------ */

/* Descriptors of a few users with ACLs of different lengths. Returns the length. */
static size_t pick_descriptor(unsigned char *buf)
{
    static const unsigned char head[] = {1, 0, 4, 0x80, 20, 0, 0,  0, 0, 0,
                                         0, 0, 0, 0,    0,  0, 36, 0, 0, 0};
    static const unsigned char sid[] = {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0};
    size_t aces = rnd_below(&rnd, rnd_once(&rnd, 8) ? 3000 : 4), at = sizeof(head);
    memcpy(buf, head, sizeof(head));
    memcpy(buf + at, sid, sizeof(sid));
    memset(buf + at + sizeof(sid), 0, 4);
    buf[at + sizeof(sid)] = (unsigned char)rnd_below(&rnd, 3);
    at += 16;
    size_t acl = 8 + 20 * aces;
    memset(buf + at, 0, acl);
    buf[at] = 2;
    buf[at + 2] = (unsigned char)acl;
    buf[at + 3] = (unsigned char)(acl >> 8);
    buf[at + 4] = (unsigned char)aces;
    buf[at + 5] = (unsigned char)(aces >> 8);
    for (size_t i = 0; i < aces; i++) {
        unsigned char *ace = buf + at + 8 + 20 * i;
        ace[2] = 20;
        ace[4] = 1;
        ace[8] = ace[9] = 1;
        ace[15] = 1;
    }
    return at + acl;
}

static void op_security(void)
{
    static unsigned char buf[LT_SECURITY_SIZE_MAX];
    struct pair node = pick();
    size_t len = rnd_once(&rnd, 4) ? 0 : pick_descriptor(buf);
    int r[SIDES];
    say("set security of %zu bytes", len);
    for (int i = 0; i < SIDES; i++)
        r[i] = lt_node_security_set(NULL, node.node[i], lt_strn((const char *)buf, len));
    same(r);
}

const struct op windows_ops[] = {
    {"stream open", 20, op_stream_open},
    {"stream remove", 6, op_stream_remove},
    {"stream rename", 6, op_stream_rename},
    {"EAs", 10, op_ea_set},
    {"reparse", 8, op_reparse},
    {"security", 10, op_security},
    {NULL, 0, NULL},
};
