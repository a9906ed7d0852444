/* SPDX-License-Identifier: MIT */
/* What the tests of Windows security share: descriptors and tokens from text. */
#ifndef LT_TESTS_UNIT_CORE_SECURITY_KIT_H
#define LT_TESTS_UNIT_CORE_SECURITY_KIT_H

#include <core/descriptor.h>
#include <lintel/sddl.h>
#include <lintel/security.h>
#include <stdio.h>
#include <stdlib.h>

#define KIT_USER "S-1-5-21-1-2-3-1001"
#define KIT_TEAM "S-1-5-21-1-2-3-2001"
#define KIT_OTHER "S-1-5-21-1-2-3-1002"

/* malloc'd; free((char *)sd.s). NULL: no bytes. */
static inline struct lt_str kit_sd(const char *text)
{
    char *bytes = NULL;
    size_t len = 0;
    struct lt_diag diag = {""};
    if (!text)
        return (struct lt_str){NULL, 0};
    if (lt_sddl_parse(text, &bytes, &len, &diag) < 0)
        fail_msg("%s: %s", text, diag.text);
    return lt_strn(bytes, len);
}

static inline void kit_free(struct lt_str sd)
{
    free((void *)(uintptr_t)sd.s);
}

/* An SDDL alias or S-1-... */
static inline struct lt_sid kit_sid(const char *text)
{
    char sddl[200];
    struct lt_sid sid = {0};
    snprintf(sddl, sizeof(sddl), "O:%s", text);
    struct lt_str sd = kit_sd(sddl);
    assert_true(sd_owner(sd, &sid));
    kit_free(sd);
    return sid;
}

struct kit_token {
    struct lt_token token;
    struct lt_token_group groups[8];
};

/* "USER GROUP -DENY_ONLY_GROUP !DISABLED_GROUP ...": the user first; he owns what he makes, and his
 * primary group is the first one. */
static inline void kit_token(struct kit_token *kit, const char *text, uint32_t privileges)
{
    char words[400], *rest;
    snprintf(words, sizeof(words), "%s", text);
    *kit = (struct kit_token){.token.privileges = privileges};
    kit->token.user = kit->token.owner = kit_sid(strtok_r(words, " ", &rest));
    kit->token.primary_group = kit->token.user;
    for (char *word; (word = strtok_r(NULL, " ", &rest));) {
        struct lt_token_group *group = &kit->groups[kit->token.group_count++];
        group->flags = *word == '-' ? LT_SID_DENY_ONLY : *word == '!' ? 0 : LT_SID_ENABLED;
        group->sid = kit_sid(word + (*word == '-' || *word == '!'));
    }
    if (kit->token.group_count)
        kit->token.primary_group = kit->groups[0].sid;
    kit->token.groups = kit->groups;
}

/* Ends `got`. */
static inline void kit_expect(char *got, size_t len, const char *expected, const char *where)
{
    char *text = NULL;
    assert_int_equal(lt_security_check(lt_strn(got, len)), 0);
    assert_int_equal(lt_sddl_format(lt_strn(got, len), &text), 0);
    if (strcmp(text, expected) != 0)
        fail_msg("%s:\n  got  %s\n  want %s", where, text, expected);
    free(text);
    free(got);
}

/* A small generator of numbers, the same in each run. */
static inline uint32_t kit_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

#endif
