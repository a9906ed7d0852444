// SPDX-License-Identifier: MIT
/*
 * Owner, group and mode as a descriptor and back; docs/design/windows.md has the table.
 *
 * The list that is made: what the owner may; what he may not although group or others may; the
 * same of the group; what Everyone may. Each class so gets its own bits and no others, whoever else
 * one is. Where owner and group are one SID, the second allowing entry without WRITE_DAC begins the
 * group's part.
 *
 * The sticky bit shows as a class that may write but not delete children. If nobody but the owner
 * may write there is no such class; then, and on files, the group is denied DELETE_CHILD.
 */
#include "security_build.h"

/* Rights of files and directories (MS-FSCC, winnt.h). */
enum {
    READ_DATA = 0x1,
    WRITE_DATA = 0x2,
    APPEND_DATA = 0x4,
    WRITE_EA = 0x10,
    EXECUTE = 0x20,
    DELETE_CHILD = 0x40,
    WRITE_ATTRIBUTES = 0x100,

    /* What every class has: SYNCHRONIZE, READ_CONTROL, FILE_READ_ATTRIBUTES, FILE_READ_EA. */
    ALWAYS = 0x120088,
    OWNER_ALWAYS = ALWAYS | LT_ACCESS_DELETE | LT_ACCESS_WRITE_DAC | LT_ACCESS_WRITE_OWNER |
                   WRITE_ATTRIBUTES | WRITE_EA,
    WRITES = WRITE_DATA | APPEND_DATA | WRITE_ATTRIBUTES | WRITE_EA
};

static bool is_dir(uint32_t mode)
{
    return (mode & LT_S_IFMT) == LT_S_IFDIR;
}

/* ---- From a mode --------------------------------------------------------------------------- */

/* Rights that one class has by its rwx. */
static uint32_t rights_of(uint32_t rwx, uint32_t delete_child)
{
    return (rwx & 4 ? (uint32_t)READ_DATA : 0) | (rwx & 2 ? WRITES | delete_child : 0) |
           (rwx & 1 ? (uint32_t)EXECUTE : 0);
}

int lt_security_from_mode(uint32_t uid, uint32_t gid, uint32_t mode, char **ret, size_t *ret_len)
{
    uint32_t owner = mode >> 6 & 7, group = mode >> 3 & 7, other = mode & 7;
    bool sticky = mode & LT_S_ISVTX;
    uint32_t delete_child = is_dir(mode) && !sticky ? DELETE_CHILD : 0;
    uint32_t owner_may = rights_of(owner, DELETE_CHILD); /* of files: so that rwx is everything */
    uint32_t group_may = rights_of(group, delete_child), other_may = rights_of(other, delete_child);
    uint32_t owner_not = (group_may | other_may) & ~owner_may & ~(uint32_t)OWNER_ALWAYS;
    uint32_t group_not = other_may & ~group_may;
    if (sticky && (!is_dir(mode) || !((group | other) & 2)))
        group_not |= DELETE_CHILD;

    struct lt_sid user, team, world = sd_well_known(1, 0);
    lt_sid_from_id(uid, false, &user);
    lt_sid_from_id(gid, true, &team);
    struct sd_builder b;
    sd_build_begin(&b);
    sd_build_owner(&b, &user);
    sd_build_group(&b, &team);
    sd_list_begin(&b);
    sd_list_put(&b, SD_ACE_ALLOW, OWNER_ALWAYS | owner_may, &user);
    if (owner_not)
        sd_list_put(&b, SD_ACE_DENY, owner_not, &user);
    sd_list_put(&b, SD_ACE_ALLOW, ALWAYS | group_may, &team);
    if (group_not)
        sd_list_put(&b, SD_ACE_DENY, group_not, &team);
    sd_list_put(&b, SD_ACE_ALLOW, ALWAYS | other_may, &world);
    sd_list_end_dacl(&b);
    b.control |= SD_DACL_PROTECTED;
    return sd_build_end(&b, ret, ret_len);
}

/* ---- To a mode ----------------------------------------------------------------------------- */

enum who { OWNER = 0x1, GROUP = 0x2, OTHER = 0x4 };

/* One walk through a list for all three classes. */
struct reading {
    struct lt_sid owner, group;
    bool same;        /* they are one SID */
    bool owners_seen; /* of that: an entry that allows what only owners may */
    bool groups_part; /* and another that does not: from here on it is the group's */
    bool mark;        /* the group is denied DELETE_CHILD */
    uint32_t granted[3], denied[3];
};

static uint32_t whose(const struct reading *r, const struct lt_sid *sid)
{
    if (sd_is_well_known(sid, 1, 0))
        return OWNER | GROUP | OTHER;
    if (sd_is_well_known(sid, 3, 4)) /* OWNER RIGHTS */
        return OWNER;
    return (lt_sid_equal(sid, &r->owner) ? (uint32_t)OWNER : 0) |
           (lt_sid_equal(sid, &r->group) ? (uint32_t)GROUP : 0);
}

/* What the group has got so far was the owner's, if now its own part begins. */
static void look_for_group(struct reading *r, uint32_t mask, uint32_t classes)
{
    if (!r->same || classes != (OWNER | GROUP))
        return;
    if (mask & LT_ACCESS_WRITE_DAC) {
        r->owners_seen = true;
    } else if (r->owners_seen && !r->groups_part) {
        r->groups_part = true;
        r->mark = false;
        r->granted[1] = r->denied[1] = 0;
    }
}

static void read_entry(struct reading *r, const struct sd_ace *ace)
{
    struct lt_sid sid;
    bool deny = ace->type == SD_ACE_DENY;
    if ((ace->type != SD_ACE_ALLOW && !deny) || (ace->flags & SD_ACE_INHERIT_ONLY) ||
        !sd_ace_sid(ace, &sid))
        return;
    uint32_t mask = lt_access_map_generic(lt_get_le32(ace->mask)), classes = whose(r, &sid);
    if (!deny)
        look_for_group(r, mask, classes);
    else if ((classes & GROUP) && (mask & DELETE_CHILD))
        r->mark = true;
    for (unsigned i = 0; i < 3; i++) {
        if (!(classes & 1u << i))
            continue;
        if (deny)
            r->denied[i] |= mask & ~r->granted[i];
        else
            r->granted[i] |= mask & ~r->denied[i];
    }
}

static uint32_t rwx_of(uint32_t rights)
{
    const uint32_t write = WRITE_DATA | APPEND_DATA;
    return (rights & READ_DATA ? 4u : 0) | ((rights & write) == write ? 2u : 0) |
           (rights & EXECUTE ? 1u : 0);
}

static bool is_sticky(const struct reading *r, bool dir)
{
    bool writable = false;
    for (unsigned i = 1; dir && i < 3; i++) {
        if (!(rwx_of(r->granted[i]) & 2))
            continue;
        if (!(r->granted[i] & DELETE_CHILD))
            return true;
        writable = true;
    }
    return !writable && r->mark;
}

static uint32_t mode_of_list(struct lt_str dacl, struct reading *r, bool dir)
{
    struct sd_aces aces = sd_aces(dacl);
    const struct sd_ace *ace;
    while ((ace = sd_aces_next(&aces)))
        read_entry(r, ace);
    return rwx_of(r->granted[0]) << 6 | rwx_of(r->granted[1]) << 3 | rwx_of(r->granted[2]) |
           (is_sticky(r, dir) ? (uint32_t)LT_S_ISVTX : 0);
}

/* The id of a SID in its own role: a user's is nobody's group, and the other way round. */
static uint32_t id_as(const struct lt_sid *sid, bool group)
{
    struct lt_sid back;
    uint32_t id = lt_sid_to_id(sid, NULL);
    lt_sid_from_id(id, group, &back);
    return lt_sid_equal(&back, sid) ? id : 65534;
}

int lt_security_to_mode(struct lt_str descriptor, uint32_t *uid, uint32_t *gid, uint32_t *mode)
{
    struct reading r = {0};
    if (lt_security_check(descriptor) < 0)
        return LT_EINVAL;
    if (sd_owner(descriptor, &r.owner))
        *uid = id_as(&r.owner, false);
    else
        lt_sid_from_id(*uid, false, &r.owner);
    if (sd_group(descriptor, &r.group))
        *gid = id_as(&r.group, true);
    else
        lt_sid_from_id(*gid, true, &r.group);
    r.same = lt_sid_equal(&r.owner, &r.group);

    struct lt_str dacl = sd_dacl(descriptor);
    if (!(sd_control(descriptor) & SD_DACL_PRESENT))
        return 0;
    uint32_t bits = dacl.s ? mode_of_list(dacl, &r, is_dir(*mode)) : 0777;
    *mode = (*mode & ~(uint32_t)(LT_S_ISVTX | 0777)) | bits;
    return 0;
}
