// SPDX-License-Identifier: MIT
/*
 * Finding free blocks. A group is looked through word by word; groups where that would be
 * in vain are passed over by the bounds.
 */
#include "space_private.h"

/* A run at the goal itself is taken from this length on even if more is wanted. */
#define GOAL_RUN 8u
/* Groups that are looked through for a run as long as wanted, when shorter ones were seen. */
#define GROUPS_MAX 4u

/* A run of free blocks. */
struct run {
    uint64_t group;
    uint32_t at, len;
};

/* What is looked for, and the longest run seen so far. */
struct search {
    uint32_t want; /* the first run of at least so many blocks ends the search ... */
    uint32_t most; /* ... and more than this is no better */
    struct run best;
};

/* The first group from `from` on whose bound is at least `want`, or UINT64_MAX. */
static uint64_t next_group(const struct img_space *space, uint64_t from, uint32_t want)
{
    uint64_t i = space->leaves + from;
    if (from >= space->groups)
        return UINT64_MAX;
    while (space->bound[i] < want) {
        while (i & 1) /* a right child, or the root: nothing further right below this parent */
            i /= 2;
        if (i == 0)
            return UINT64_MAX;
        i++;
    }
    while (i < space->leaves) {
        i *= 2;
        if (space->bound[i] < want)
            i++;
    }
    return i - space->leaves;
}

/* Looks at the runs that begin in [at, end) of a group that is loaded. */
static bool look(const struct img_space *space, uint64_t number, uint32_t at, uint32_t end,
                 struct search *search) REQUIRES(space->lock)
{
    const struct img_group *group = &space->group[number];
    uint32_t behind = img_group_count(space, number);
    for (;;) {
        at = img_bits_find_clear(group->busy, at, end);
        if (at >= end)
            return false;
        uint32_t most = behind - at < search->most ? behind : at + search->most;
        uint32_t stop = img_bits_find_set(group->busy, at, most);
        if (stop - at > search->best.len)
            search->best = (struct run){number, at, stop - at};
        if (stop - at >= search->want)
            return true;
        at = stop;
    }
}

/* Looks through a group, from bit `at` to its end and then from its start: 1 if it has what is
 * wanted, 0, or an error. */
static int look_through(struct img_space *space, uint64_t number, uint32_t at,
                        struct search *search) REQUIRES(space->lock)
{
    int r = img_group_need(space, number);
    if (r < 0)
        return r;
    struct img_group *group = &space->group[number];
    struct run before = search->best;
    uint32_t end = img_group_count(space, number);
    group->first = img_bits_find_clear(group->busy, group->first, end);
    if (at < group->first)
        at = group->first;
    search->best.len = 0; /* the longest of this group is to be known */
    bool found =
        look(space, number, at, end, search) || look(space, number, group->first, at, search);
    if (!found)
        img_group_bound(space, number, search->best.len);
    if (search->best.len <= before.len)
        search->best = before;
    return found;
}

/* Looks through at most `groups` groups that may have what is wanted, from the goal's on and
 * around: 1, 0 or an error. */
static int look_around(struct img_space *space, uint64_t goal, uint64_t groups,
                       struct search *search) REQUIRES(space->lock)
{
    uint64_t start = goal / space->group_blocks, from = start;
    uint32_t at = (uint32_t)(goal % space->group_blocks);
    bool around = false;
    for (; groups; groups--) {
        uint64_t number = next_group(space, from, search->want);
        if (number == UINT64_MAX && !around) {
            around = true;
            number = next_group(space, 0, search->want);
        }
        if (number == UINT64_MAX || (around && number >= start))
            return 0;
        int r = look_through(space, number, number == start ? at : 0, search);
        if (r != 0)
            return r;
        from = number + 1;
    }
    return 0;
}

/* The free blocks at the goal: how many, at most `max`. */
static int look_at(struct img_space *space, uint64_t goal, uint32_t max, struct run *ret)
    REQUIRES(space->lock)
{
    uint64_t number = goal / space->group_blocks;
    uint32_t at = (uint32_t)(goal % space->group_blocks);
    *ret = (struct run){number, at, 0};
    if (space->group[number].free == 0)
        return 0;
    int r = img_group_need(space, number);
    if (r < 0)
        return r;
    const struct img_group *group = &space->group[number];
    uint32_t behind = img_group_count(space, number);
    uint32_t most = behind - at < max ? behind : at + max;
    ret->len = img_bits_find_set(group->busy, at, most) - at;
    return 0;
}

static int find(struct img_space *space, uint64_t goal, uint32_t min, uint32_t max, struct run *ret)
    REQUIRES(space->lock)
{
    int r = look_at(space, goal, max, ret);
    uint32_t enough = max < GOAL_RUN ? max : GOAL_RUN;
    if (r < 0 || ret->len >= (enough > min ? enough : min))
        return r;
    struct search search = {.want = max, .most = max, .best = *ret};
    r = look_around(space, goal, min == max ? UINT64_MAX : GROUPS_MAX, &search);
    if (r == 0 && search.best.len < min) {
        search.want = min;
        r = look_around(space, goal, UINT64_MAX, &search);
    }
    *ret = search.best;
    return r < 0 ? r : search.best.len < min ? LT_ENOSPC : 0;
}

static void take(struct img_space *space, struct run run) REQUIRES(space->lock)
{
    struct img_group *group = &space->group[run.group];
    img_bits_set(group->busy, run.at, run.at + run.len);
    if (run.at == group->first)
        group->first += run.len;
    group->free -= run.len;
    space->free -= run.len;
    space->in_flight += run.len;
    if (group->free == 0)
        img_group_bound(space, run.group, 0);
}

int img_space_alloc(struct img_space *space, uint64_t goal, uint64_t min, uint64_t max,
                    uint64_t *ret_block, uint64_t *ret_count)
{
    struct run run;
    assert(min > 0 && min <= max);
    if (min > space->group_blocks)
        return LT_ENOSPC;
    if (max > space->group_blocks)
        max = space->group_blocks;
    lt_mutex_lock(&space->lock);
    if (goal >= space->blocks)
        goal = 0;
    int r = find(space, goal, (uint32_t)min, (uint32_t)max, &run);
    if (r == 0)
        r = img_group_need(space, run.group);
    if (r == 0) {
        take(space, run);
        *ret_block = img_group_first(space, run.group) + run.at;
        *ret_count = run.len;
    }
    lt_mutex_unlock(&space->lock);
    return r;
}

void img_space_release(struct img_space *space, uint64_t block, uint64_t count)
{
    lt_mutex_lock(&space->lock);
    space->in_flight -= count;
    while (count)
        img_group_give_back(space, img_space_piece(space, &block, &count));
    lt_mutex_unlock(&space->lock);
}
