// SPDX-License-Identifier: MIT
/*
 * Two descriptors of any bytes: asked of an access check, turned into modes, inherited, merged and
 * cut into parts. What comes out is always a well-formed descriptor.
 *
 * Input: u8 what to do, le32 a mask of any meaning, le16 length of the first descriptor, that, and
 * the second.
 */
#include "../fuzz.h"

#include <core/descriptor.h>
#include <string.h>

enum { HEAD = 7, ALL_PARTS = 0x1f };

/* A token in which the wilder SIDs occur too: the first owner is its user, the second group one of
 * its groups. */
static void make_token(struct lt_str first, struct lt_str second, uint32_t bits,
                       struct lt_token_group groups[3], struct lt_token *token)
{
    *token = (struct lt_token){
        .groups = groups, .group_count = 3, .privileges = bits & 0x7f, .default_dacl = second};
    groups[0] = (struct lt_token_group){sd_well_known(1, 0), LT_SID_ENABLED};
    groups[1] = (struct lt_token_group){sd_builtin(544), bits >> 8 & 3};
    groups[2] = (struct lt_token_group){sd_well_known(16, bits >> 10 & 0x7000), LT_SID_ENABLED};
    token->user = sd_well_known(5, 18);
    if (lt_security_check(first) == 0)
        sd_owner(first, &token->user);
    if (lt_security_check(second) == 0)
        sd_group(second, &groups[1].sid);
    token->owner = token->primary_group = token->user;
}

static void try_access(struct lt_str sd, const struct lt_token *token, uint32_t desired,
                       bool intent)
{
    uint32_t granted, again;
    int r = lt_security_access(sd, token, desired, intent, &granted);
    FUZZ_CHECK((r == LT_EINVAL) == (lt_security_check(sd) < 0));
    if (r < 0)
        return;
    /* What was granted can be asked for. */
    FUZZ_CHECK(!(lt_access_map_generic(desired) & ~granted & LT_ACCESS_FILE_ALL));
    FUZZ_CHECK(lt_security_access(sd, token, granted, intent, &again) == 0 && again == granted);
}

static void try_mode(struct lt_str sd, uint32_t bits)
{
    uint32_t uid = bits, gid = bits >> 8, mode = (bits & 1 ? LT_S_IFDIR : LT_S_IFREG);
    char *made;
    size_t len;
    if (lt_security_to_mode(sd, &uid, &gid, &mode) < 0)
        return;
    uint32_t uid2 = 0, gid2 = 0, mode2 = mode & LT_S_IFMT;
    FUZZ_CHECK(!(mode & 06000));
    FUZZ_CHECK(lt_security_from_mode(uid, gid, mode, &made, &len) == 0);
    FUZZ_CHECK(lt_security_check(lt_strn(made, len)) == 0);
    FUZZ_CHECK(lt_security_to_mode(lt_strn(made, len), &uid2, &gid2, &mode2) == 0);
    FUZZ_CHECK(mode2 == mode);
    FUZZ_CHECK((uid2 == uid || uid == UINT32_MAX) && (gid2 == gid || gid == UINT32_MAX));
    free(made);
}

/* Ends `made` where r says that there is one. */
static void check_made(int r, char *made, size_t len)
{
    if (r < 0) {
        FUZZ_CHECK(r == LT_EINVAL || r == LT_EPERM);
        return;
    }
    FUZZ_CHECK(lt_security_check(lt_strn(made, len)) == 0);
    free(made);
}

/* Cut into its parts and put together again, a descriptor means the same. */
static void try_parts(struct lt_str sd, const struct lt_token *token)
{
    struct lt_str whole = {NULL, 0};
    uint32_t max1 = 0, max2 = 0;
    bool fits = true; /* parts that overlapped do not any more */
    if (lt_security_check(sd) < 0)
        return;
    for (uint32_t part = 1; part & ALL_PARTS; part <<= 1) {
        char *cut, *put;
        size_t cut_len, put_len;
        FUZZ_CHECK(lt_security_extract(sd, part, &cut, &cut_len) == 0);
        int r = lt_security_merge(whole, lt_strn(cut, cut_len), part, &put, &put_len);
        free(cut);
        if (r == 0) {
            free((void *)(uintptr_t)whole.s);
            whole = lt_strn(put, put_len);
        } else if (part >= LT_DACL_SECURITY) {
            fits = false;
        }
    }
    if (whole.len && fits) {
        int r1 = lt_security_access(sd, token, LT_ACCESS_MAXIMUM_ALLOWED, false, &max1);
        int r2 = lt_security_access(whole, token, LT_ACCESS_MAXIMUM_ALLOWED, false, &max2);
        FUZZ_CHECK(r1 == r2 && max1 == max2);
    }
    free((void *)(uintptr_t)whole.s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lt_token_group groups[3];
    struct lt_token token;
    char *made = NULL;
    size_t len = 0;
    if (size < HEAD)
        return 0;
    uint32_t mask =
        data[1] | (uint32_t)data[2] << 8 | (uint32_t)data[3] << 16 | (uint32_t)data[4] << 24;
    size_t split = data[5] | (size_t)data[6] << 8;
    struct lt_str rest = lt_strn((const char *)data + HEAD, size - HEAD);
    if (split > rest.len)
        split = rest.len;
    struct lt_str first = lt_strn(rest.s, split);
    struct lt_str second = lt_strn(rest.s + split, rest.len - split);

    make_token(first, second, mask, groups, &token);
    try_access(first, &token, mask, data[0] & 1);
    try_access(second, &token, mask | LT_ACCESS_MAXIMUM_ALLOWED, data[0] & 1);
    try_mode(first, mask);
    try_parts(first, &token);
    int r = lt_security_merge(first, second, mask, &made, &len);
    check_made(r, made, len);
    r = lt_security_extract(second, mask, &made, &len);
    check_made(r, made, len);
    token.default_dacl = (struct lt_str){NULL, 0};
    if (lt_security_check(second) == 0 && (data[0] & 4))
        token.default_dacl = sd_dacl(second);
    r = lt_security_inherit(first, second, data[0] & 2, &token, &made, &len);
    check_made(r, made, len);
    token.default_dacl = rest; /* any bytes */
    r = lt_security_inherit((struct lt_str){NULL, 0}, first, data[0] & 2, &token, &made, &len);
    check_made(r, made, len);
    return 0;
}
