// SPDX-License-Identifier: MIT
/* Names: making, finding, linking, renaming, removing, listing. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

static struct lt_entry entries[SIDES];

/* Bytes of a name in a message. */
static int shown(struct lt_str name)
{
    return name.len < 20 ? (int)name.len : 20;
}

/* Takes over what lookup, create and link gave. */
static void take(const int r[SIDES])
{
    same(r);
    if (r[MODEL] != 0)
        return;
    same_attr(entries[MODEL].attr, entries[TESTED].attr);
    if (entries[MODEL].exact != entries[TESTED].exact)
        differ("exact is %d and %d", entries[MODEL].exact, entries[TESTED].exact);
    hold((struct pair){{entries[MODEL].node, entries[TESTED].node}});
}

static void op_lookup(void)
{
    struct pair dir = pick();
    struct lt_str name = pick_name();
    char stored[SIDES][LT_NAME_MAX + 1] = {{0}};
    int r[SIDES];
    say("lookup %.*s", shown(name), name.s);
    for (int i = 0; i < SIDES; i++) {
        entries[i] = (struct lt_entry){.stored = stored[i]};
        r[i] = lt_node_lookup(NULL, dir.node[i], name, &entries[i]);
    }
    take(r);
    if (strcmp(stored[MODEL], stored[TESTED]) != 0)
        differ("stored as %s and %s", stored[MODEL], stored[TESTED]);
}

static void op_create(void)
{
    static const uint32_t types[] = {LT_S_IFREG, LT_S_IFREG, LT_S_IFREG, LT_S_IFDIR,
                                     LT_S_IFDIR, LT_S_IFLNK, LT_S_IFIFO, LT_S_IFCHR};
    static const unsigned char descriptor[] = {1, 0, 0, 0x80, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                               0, 0, 0, 0,    1,  1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};
    static char target[3000];
    struct pair dir = pick_dir();
    struct lt_str name = rnd_once(&rnd, 25) ? lt_str("") : pick_name();
    struct lt_ctx ctx = {.uid = rnd_below(&rnd, 3), .gid = rnd_below(&rnd, 3), .umask = 022};
    memset(target, 't', sizeof(target));
    struct lt_create spec = {.mode = types[rnd_below(&rnd, 8)] | rnd_below(&rnd, 010000),
                             .rdev = rnd_below(&rnd, 5),
                             .win_attrs = rnd_once(&rnd, 4) ? rnd_below(&rnd, 0x4000) : 0,
                             .exact = rnd_once(&rnd, 10)};
    spec.target = lt_strn(target, 1 + rnd_below(&rnd, rnd_once(&rnd, 5) ? sizeof(target) : 50));
    if (rnd_once(&rnd, 8))
        spec.security = lt_strn((const char *)descriptor, sizeof(descriptor));
    say("create %.*s, mode %o", shown(name), name.s, spec.mode);
    int r[SIDES];
    for (int i = 0; i < SIDES; i++) {
        entries[i] = (struct lt_entry){.node = NULL};
        r[i] = lt_node_create(&ctx, dir.node[i], name, &spec, &entries[i]);
    }
    take(r);
}

static void op_link(void)
{
    struct pair node = pick(), dir = pick_dir();
    struct lt_str name = pick_name();
    int r[SIDES];
    say("link as %.*s", shown(name), name.s);
    for (int i = 0; i < SIDES; i++) {
        entries[i] = (struct lt_entry){.node = NULL};
        r[i] = lt_node_link(NULL, node.node[i], dir.node[i], name, &entries[i]);
    }
    take(r);
}

static void op_remove(void)
{
    struct pair dir = pick_dir(), expect = pick();
    struct lt_str name = pick_name();
    uint32_t flags = rnd_below(&rnd, 4);
    if (rnd_once(&rnd, 20))
        flags |= LT_REMOVE_SAME;
    int r[SIDES];
    say("remove %.*s, flags %u", shown(name), name.s, flags);
    for (int i = 0; i < SIDES; i++)
        r[i] = lt_node_remove(NULL, dir.node[i], name, flags, expect.node[i]);
    same(r);
}

static void op_rename(void)
{
    static const uint32_t all_flags[] = {
        0, 0, 0, LT_RENAME_NOREPLACE, LT_RENAME_EXCHANGE, LT_RENAME_WHITEOUT};
    struct pair from = pick_dir(), to = rnd_once(&rnd, 2) ? from : pick_dir();
    struct lt_str name = pick_name(), new_name = pick_name();
    uint32_t flags = all_flags[rnd_below(&rnd, 6)];
    int r[SIDES];
    say("rename %.*s to %.*s, flags %u", shown(name), name.s, shown(new_name), new_name.s, flags);
    for (int i = 0; i < SIDES; i++)
        r[i] = lt_node_rename(NULL, from.node[i], name, to.node[i], new_name, flags);
    same(r);
}

static void op_readlink(void)
{
    static char target[SIDES][LT_PATH_MAX];
    struct pair node = pick();
    size_t size = rnd_below(&rnd, LT_PATH_MAX);
    int r[SIDES];
    say("readlink");
    for (int i = 0; i < SIDES; i++)
        r[i] = lt_node_readlink(NULL, node.node[i], target[i], size);
    same(r);
    if (r[MODEL] > 0 && memcmp(target[MODEL], target[TESTED], (size_t)r[MODEL]) != 0)
        differ("targets");
}

static void op_parent(void)
{
    struct pair dir = pick(), parent = {{NULL}};
    int r[SIDES];
    say("parent");
    for (int i = 0; i < SIDES; i++)
        r[i] = lt_node_parent(NULL, dir.node[i], &parent.node[i]);
    same(r);
    if (r[MODEL] == 0)
        hold(parent);
}

/* The node of its own id. */
static void op_node(void)
{
    struct pair node = pick(), found = {{NULL}};
    struct lt_attr attr;
    int r[SIDES];
    if (node.node[MODEL]->type == LT_S_STREAM)
        return;
    say("node of an id");
    for (int i = 0; i < SIDES; i++) {
        r[i] = lt_node_getattr(NULL, node.node[i], &attr);
        if (r[i] == 0)
            r[i] = lt_fs_node(NULL, sides[i].fs, attr.id, attr.generation, &found.node[i]);
    }
    same(r);
    if (r[MODEL] == 0)
        hold(found);
}

static void op_drop(void)
{
    say("drop");
    drop(rnd_below(&rnd, SLOTS));
}

/* ---- Listings that are interrupted --------------------------------------------------------- */

struct listing {
    uint64_t cookies[4096];
    char names[4096][8]; /* the beginning of each */
    size_t count, stop;
};

static int on_entry(void *arg, const struct lt_dirent *entry)
{
    struct listing *l = arg;
    if (l->count == l->stop || l->count == 4096)
        return 1;
    l->cookies[l->count] = entry->next;
    memset(l->names[l->count], 0, 8);
    memcpy(l->names[l->count], entry->name.s, entry->name.len < 8 ? entry->name.len : 8);
    l->count++;
    return 0;
}

/* Each side by itself: a listing that goes on from a cookie sees the rest. */
static void op_resume(void)
{
    static struct listing whole, rest;
    struct pair dir = pick_dir();
    say("list, and go on");
    for (int i = 0; i < SIDES; i++) {
        whole.count = rest.count = 0;
        whole.stop = rest.stop = SIZE_MAX;
        int r = lt_node_readdir(NULL, dir.node[i], 0, 0, on_entry, &whole);
        if (r != 0 || whole.count == 0)
            continue;
        size_t at = rnd_below(&rnd, (uint32_t)whole.count);
        r = lt_node_readdir(NULL, dir.node[i], whole.cookies[at], 0, on_entry, &rest);
        if (r != 0 || rest.count != whole.count - at - 1)
            differ("side %d: %zu of %zu entries behind %zu", i, rest.count, whole.count, at);
        if (memcmp(rest.names, whole.names[at + 1], 8 * rest.count) != 0)
            differ("side %d: other names behind %zu", i, at);
    }
}

const struct op name_ops[] = {
    {"lookup", 60, op_lookup}, {"create", 60, op_create}, {"link", 15, op_link},
    {"remove", 30, op_remove}, {"rename", 30, op_rename}, {"readlink", 5, op_readlink},
    {"parent", 5, op_parent},  {"node", 10, op_node},     {"drop", 20, op_drop},
    {"resume", 5, op_resume},  {NULL, 0, NULL},
};
