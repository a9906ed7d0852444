// SPDX-License-Identifier: MIT
/*
 * Patterns of directory queries, as FsRtlIsNameInExpression has them: beside * and ? there are the
 * three that Win32 makes of a DOS pattern (MS-FSA 2.1.4.4):
 *     <  any run, but not over the last dot
 *     >  one unit that is no dot; nothing before a dot or at the end
 *     "  a dot; nothing at the end
 */
#include "driver.h"

#define PATTERN_MAX 256u

static bool is_wild(uint16_t unit)
{
    return unit == '*' || unit == '?' || unit == '<' || unit == '>' || unit == '"';
}

bool drv_pattern_is_wild(const uint16_t *units, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (is_wild(units[i]))
            return true;
    }
    return false;
}

struct matcher {
    const uint16_t *pattern, *name; /* folded */
    size_t pattern_len, name_len;
    size_t last_dot; /* in the name; name_len: none */
};

/* Whether a wildcard may stand for nothing in front of name[j]. */
static bool may_be_empty(const struct matcher *m, uint16_t wild, size_t j)
{
    bool end = j == m->name_len;
    switch (wild) {
    case '*':
    case '<':
        return true;
    case '>':
        return end || m->name[j] == '.';
    case '"':
        return end;
    default:
        return false;
    }
}

/* Places in the pattern are marked in `at`: all that can be reached without a unit. */
static void close_over(const struct matcher *m, bool *at, size_t j)
{
    for (size_t i = 0; i < m->pattern_len; i++) {
        if (at[i] && may_be_empty(m, m->pattern[i], j))
            at[i + 1] = true;
    }
}

/* Where name[j] leads from place i: i itself (*ret_stay), or the next one. */
static bool step(const struct matcher *m, size_t i, size_t j, bool *ret_stay)
{
    uint16_t unit = m->name[j];
    *ret_stay = false;
    switch (m->pattern[i]) {
    case '*':
        *ret_stay = true;
        return false;
    case '<':
        *ret_stay = j != m->last_dot;
        return false;
    case '?':
        return true;
    case '>':
        return unit != '.';
    case '"':
        return unit == '.';
    default:
        return unit == m->pattern[i];
    }
}

static bool match(const struct matcher *m)
{
    bool at[PATTERN_MAX + 1] = {true}, next[PATTERN_MAX + 1];
    for (size_t j = 0; j < m->name_len; j++) {
        memset(next, 0, sizeof(next));
        close_over(m, at, j);
        for (size_t i = 0; i < m->pattern_len; i++) {
            bool stay;
            if (at[i] && step(m, i, j, &stay))
                next[i + 1] = true;
            else if (at[i] && stay)
                next[i] = true;
        }
        memcpy(at, next, sizeof(at));
    }
    close_over(m, at, m->name_len);
    return at[m->pattern_len];
}

bool drv_pattern_matches(const struct nt_volume *v, const uint16_t *pattern, size_t pattern_len,
                         const uint16_t *name, size_t name_len)
{
    uint16_t folded[2][PATTERN_MAX];
    if (pattern_len > PATTERN_MAX || name_len > PATTERN_MAX)
        return false;
    struct matcher m = {folded[0], folded[1], pattern_len, name_len, name_len};
    for (size_t i = 0; i < pattern_len; i++)
        folded[0][i] = drv_name_fold(v, pattern[i]);
    for (size_t i = 0; i < name_len; i++) {
        folded[1][i] = drv_name_fold(v, name[i]);
        if (name[i] == '.')
            m.last_dot = i;
    }
    return match(&m);
}
