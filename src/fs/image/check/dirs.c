// SPDX-License-Identifier: MIT
/* Whether every directory hangs, through its parents, under the root. */
#include "census.h"
#include "lost.h"

#include <stdlib.h>

struct way {
    struct img_census *census;
    uint8_t *state; /* per directory */
    struct img_lost lost;
};

enum { UNKNOWN, ON_THE_WAY, REACHED };

/* Directories are in the order of ids: so they were met. */
static size_t find(const struct img_census *census, uint64_t id)
{
    size_t lo = 0, hi = census->dir_count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (census->dirs[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < census->dir_count && census->dirs[lo].id == id ? lo : SIZE_MAX;
}

/* A loop is cut where it was entered: the directory goes to /lost+found. */
static int cut(struct way *way, const struct img_dir *dir)
{
    struct img_census *census = way->census;
    if (!img_found(census->report, IMG_P_DIR_LOOP, dir->id, 0, "%s", ""))
        return 0;
    int r = img_census_drop(census, img_key(dir->parent, IMG_ENTRY, dir->entry));
    return r < 0 ? r : img_lost_adopt(&way->lost, census->view, dir->id);
}

/* Marks the way from directory i up, until one that is reached. */
static void mark(struct way *way, size_t i, uint8_t state)
{
    const struct img_census *census = way->census;
    while (i != SIZE_MAX && way->state[i] == ON_THE_WAY) {
        way->state[i] = state;
        i = find(census, census->dirs[i].parent);
    }
}

static int climb(struct way *way, size_t start)
{
    const struct img_census *census = way->census;
    size_t i = start;
    int r = 0;
    while (i != SIZE_MAX && way->state[i] == UNKNOWN && census->dirs[i].id != IMG_ID_ROOT) {
        way->state[i] = ON_THE_WAY;
        i = find(census, census->dirs[i].parent);
    }
    if (i != SIZE_MAX && way->state[i] == ON_THE_WAY)
        r = cut(way, &census->dirs[i]);
    mark(way, start, REACHED);
    return r;
}

int img_census_dirs(struct img_census *census)
{
    struct way way = {.census = census, .state = calloc(census->dir_count + 1, 1)};
    int r = way.state ? 0 : LT_ENOMEM;
    for (size_t i = 0; r == 0 && i < census->dir_count; i++)
        if (way.state[i] == UNKNOWN)
            r = climb(&way, i);
    free(way.state);
    return r;
}
