// SPDX-License-Identifier: MIT
/* Attributes, extended attributes and ACLs. */
#include "model.h"

#include <lintel/acl.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <string.h>

static char value[2][LT_XATTR_SIZE_MAX];

static struct lt_time pick_time(void)
{
    int64_t sec = (int64_t)(rnd_next(&rnd) % UINT64_C(0x500000000)) - 0x80000000;
    return (struct lt_time){sec, rnd_below(&rnd, 1000000000)};
}

static void op_setattr(void)
{
    static const uint32_t inode_flags[] = {
        0, 0, 0, 0, LT_INODE_NODUMP, LT_INODE_NOATIME, LT_INODE_APPEND, LT_INODE_IMMUTABLE};
    static const uint32_t bits[] = {LT_SET_MODE,      LT_SET_UID,         LT_SET_GID,
                                    LT_SET_ATIME,     LT_SET_MTIME,       LT_SET_CTIME,
                                    LT_SET_BTIME,     LT_SET_ATIME_NOW,   LT_SET_MTIME_NOW,
                                    LT_SET_WIN_ATTRS, LT_SET_INODE_FLAGS, LT_SET_KILL_PRIV};
    struct pair node = pick();
    struct lt_setattr set = {.mode = rnd_below(&rnd, 010000),
                             .uid = rnd_below(&rnd, 100000),
                             .gid = rnd_below(&rnd, 3),
                             .win_attrs = rnd_below(&rnd, 0x4000),
                             .inode_flags = inode_flags[rnd_below(&rnd, 8)],
                             .atime = pick_time(),
                             .mtime = pick_time(),
                             .ctime = pick_time(),
                             .btime = pick_time()};
    for (unsigned i = 0; i < 1 + rnd_below(&rnd, 4); i++)
        set.mask |= bits[rnd_below(&rnd, 12)];
    struct lt_attr attr[SIDES];
    int r[SIDES];
    say("setattr, mask %x, flags %x", set.mask, set.inode_flags);
    for (int i = 0; i < SIDES; i++)
        r[i] = lt_node_setattr(NULL, node.node[i], &set, &attr[i]);
    same(r);
    if (r[MODEL] == 0)
        same_attr(attr[MODEL], attr[TESTED]);
}

/* Immutable and append-only nodes would become all there is. */
static void op_clear_flags(void)
{
    struct lt_setattr set = {.mask = LT_SET_INODE_FLAGS};
    say("clear flags");
    for (unsigned at = 0; at < SLOTS; at++) {
        int r[SIDES] = {0};
        for (int i = 0; i < SIDES && slots[at].node[i]; i++)
            r[i] = lt_node_setattr(NULL, slots[at].node[i], &set, NULL);
        same(r);
    }
}

static void op_getattr(void)
{
    say("compare a node");
    same_node(pick());
}

static struct lt_str pick_xattr(void)
{
    static const char *const names[] = {
        "user.a",     "user.b", "user.long",  "trusted.t", "security.capability",
        "security.s", "user.A", "system.none"};
    static char many[32];
    if (!rnd_once(&rnd, 3))
        return lt_str(names[rnd_below(&rnd, 8)]);
    (void)snprintf(many, sizeof(many), "user.n%u", rnd_below(&rnd, 40));
    return lt_str(many);
}

static void op_xattr_set(void)
{
    struct pair node = pick();
    struct lt_str name = pick_xattr();
    size_t len = rnd_below(&rnd, 60);
    if (rnd_once(&rnd, 4))
        len = rnd_below(&rnd, 5000);
    if (rnd_once(&rnd, 40))
        len = rnd_below(&rnd, LT_XATTR_SIZE_MAX + 1);
    memset(value[0], (int)(1 + rnd_below(&rnd, 250)), len);
    uint32_t flags = rnd_once(&rnd, 3) ? 1 + rnd_below(&rnd, 2) : 0;
    int r[SIDES];
    say("set xattr %s of %zu bytes, flags %u", name.s, len, flags);
    for (int i = 0; i < SIDES; i++)
        r[i] = lt_node_xattr_set(NULL, node.node[i], name, lt_strn(value[0], len), flags);
    same(r);
}

static void op_xattr_get(void)
{
    struct pair node = pick();
    struct lt_str name = pick_xattr();
    size_t size = rnd_once(&rnd, 2) ? sizeof(value[0]) : rnd_below(&rnd, 100);
    int r[SIDES];
    say("get xattr %s", name.s);
    for (int i = 0; i < SIDES; i++)
        r[i] = lt_node_xattr_get(NULL, node.node[i], name, value[i], size);
    same(r);
    if (r[MODEL] > 0 && size > 0 && memcmp(value[0], value[1], (size_t)r[MODEL]) != 0)
        differ("values");
}

static void op_xattr_remove(void)
{
    struct pair node = pick();
    struct lt_str name = pick_xattr();
    int r[SIDES];
    say("remove xattr %s", name.s);
    for (int i = 0; i < SIDES; i++)
        r[i] = lt_node_xattr_remove(NULL, node.node[i], name);
    same(r);
}

static void op_acl(void)
{
    struct {
        struct posix_acl_xattr_header header;
        struct posix_acl_xattr_entry entries[5];
    } acl = {.header = {POSIX_ACL_XATTR_VERSION}};
    static const uint16_t tags[] = {ACL_USER_OBJ, ACL_USER, ACL_GROUP_OBJ, ACL_MASK, ACL_OTHER};
    struct pair node = pick();
    struct lt_str name = lt_str(rnd_once(&rnd, 2) ? LT_ACL_ACCESS : LT_ACL_DEFAULT);
    for (unsigned i = 0; i < 5; i++)
        acl.entries[i] = (struct posix_acl_xattr_entry){
            tags[i], (uint16_t)rnd_below(&rnd, 8), tags[i] == ACL_USER ? rnd_below(&rnd, 9) : ~0u};
    bool remove = rnd_once(&rnd, 4);
    int r[SIDES];
    say("%s %s", remove ? "remove" : "set", name.s);
    for (int i = 0; i < SIDES; i++)
        r[i] = remove ? lt_node_xattr_remove(NULL, node.node[i], name)
                      : lt_node_xattr_set(NULL, node.node[i], name,
                                          lt_strn((const char *)&acl, sizeof(acl)), 0);
    same(r);
}

static void op_label(void)
{
    struct lt_str label = pick_name();
    struct lt_volume volume[SIDES];
    int r[SIDES];
    say("label");
    for (int i = 0; i < SIDES; i++) {
        r[i] = lt_fs_set_label(NULL, sides[i].fs, label);
        lt_fs_volume(sides[i].fs, &volume[i]);
    }
    same(r);
    if (strcmp(volume[MODEL].label, volume[TESTED].label) != 0)
        differ("label %s and %s", volume[MODEL].label, volume[TESTED].label);
}

const struct op attr_ops[] = {
    {"setattr", 30, op_setattr},
    {"clear flags", 4, op_clear_flags},
    {"getattr", 30, op_getattr},
    {"xattr set", 25, op_xattr_set},
    {"xattr get", 10, op_xattr_get},
    {"xattr remove", 12, op_xattr_remove},
    {"acl", 8, op_acl},
    {"label", 1, op_label},
    {NULL, 0, NULL},
};
