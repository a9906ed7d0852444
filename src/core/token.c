// SPDX-License-Identifier: MIT
/* Tokens: who asks, and what that makes him. */
#include "token.h"

#include "security_build.h"

#include <stdlib.h>

#define ALL_PRIVILEGES 0x7fu

bool token_has(const struct lt_token *token, const struct lt_sid *sid, bool deny)
{
    if (lt_sid_equal(&token->user, sid))
        return true;
    uint32_t wanted = deny ? LT_SID_ENABLED | LT_SID_DENY_ONLY : LT_SID_ENABLED;
    for (size_t i = 0; i < token->group_count; i++) {
        uint32_t flags = token->groups[i].flags;
        /* A group that only denies never grants, whatever else it says of itself. */
        if (!deny && (flags & LT_SID_DENY_ONLY))
            continue;
        if ((flags & wanted) && lt_sid_equal(&token->groups[i].sid, sid))
            return true;
    }
    return false;
}

uint32_t token_integrity(const struct lt_token *token)
{
    for (size_t i = 0; i < token->group_count; i++) {
        const struct lt_sid *sid = &token->groups[i].sid;
        if (sid->authority == INTEGRITY_AUTHORITY && sid->sub_count == 1)
            return sid->subs[0];
    }
    return INTEGRITY_MEDIUM;
}

bool lt_token_may_give(const struct lt_token *token, const struct lt_sid *owner)
{
    return (token->privileges & LT_PRIVILEGE_RESTORE) || lt_sid_equal(owner, &token->user) ||
           lt_sid_equal(owner, &token->owner);
}

/* ---- Callers of POSIX ---------------------------------------------------------------------- */

/* Of new objects: the owner and the system may everything, as Windows has it. */
static int make_default_dacl(const struct lt_token *token, char **ret, size_t *ret_len)
{
    struct lt_sid system = sd_well_known(5, 18);
    struct sd_builder b;
    sd_build_begin(&b);
    sd_list_begin(&b);
    sd_list_put(&b, SD_ACE_ALLOW, LT_ACCESS_GENERIC_ALL, &token->owner);
    if (!lt_sid_equal(&token->owner, &system))
        sd_list_put(&b, SD_ACE_ALLOW, LT_ACCESS_GENERIC_ALL, &system);
    return sd_list_end_alone(&b, ret, ret_len);
}

static void add_group(struct lt_token_group *groups, size_t *count, struct lt_sid sid)
{
    groups[(*count)++] = (struct lt_token_group){sid, LT_SID_ENABLED};
}

static size_t fill_groups(const struct lt_ctx *ctx, struct lt_token_group *groups)
{
    size_t count = 0;
    struct lt_sid sid;
    lt_sid_from_id(ctx->gid, true, &sid);
    add_group(groups, &count, sid);
    for (uint32_t i = 0; i < ctx->group_count; i++) {
        lt_sid_from_id(ctx->groups[i], true, &sid);
        add_group(groups, &count, sid);
    }
    add_group(groups, &count, sd_well_known(1, 0));  /* Everyone */
    add_group(groups, &count, sd_well_known(5, 11)); /* Authenticated Users */
    if (ctx->uid == 0) {
        lt_sid_from_id(0, false, &sid); /* what root owns */
        add_group(groups, &count, sid);
        add_group(groups, &count, sd_builtin(544)); /* Administrators */
    }
    add_group(
        groups, &count,
        sd_well_known(INTEGRITY_AUTHORITY, ctx->uid == 0 ? INTEGRITY_SYSTEM : INTEGRITY_MEDIUM));
    return count;
}

int lt_token_from_ctx(const struct lt_ctx *ctx, struct lt_token **ret)
{
    static const struct lt_ctx root = {0};
    ctx = ctx ? ctx : &root;
    struct lt_token token = {.pid = ctx->pid, .privileges = LT_PRIVILEGE_TRAVERSE};
    size_t groups_size = ((size_t)ctx->group_count + 6) * sizeof(struct lt_token_group);
    lt_sid_from_id(ctx->gid, true, &token.primary_group);
    lt_sid_from_id(ctx->uid, false, &token.user);
    token.owner = token.user;
    if (ctx->uid == 0) {
        token.user = sd_well_known(5, 18); /* LocalSystem */
        token.privileges = ALL_PRIVILEGES;
    }

    char *dacl;
    size_t dacl_len;
    int r = make_default_dacl(&token, &dacl, &dacl_len);
    if (r < 0)
        return r;
    struct lt_token *made = malloc(sizeof(*made) + groups_size + dacl_len);
    if (made) {
        struct lt_token_group *groups = (struct lt_token_group *)(made + 1);
        char *at = (char *)groups + groups_size;
        token.group_count = fill_groups(ctx, groups);
        token.groups = groups;
        token.default_dacl = lt_strn(memcpy(at, dacl, dacl_len), dacl_len);
        *made = token;
        *ret = made;
    }
    free(dacl);
    return made ? 0 : LT_ENOMEM;
}
