// SPDX-License-Identifier: MIT
/*
 *     model MODEL TESTED [--steps N] [--seed S] [--reopen N] [--image SIZE]
 *
 * TESTED may contain {image}: the path of an image that is made first. Every so many steps the
 * trees are compared as a whole; with --reopen the tested file system is closed and opened again
 * then, or, once in three times, synced and cut off as by a power failure.
 */
#include "model.h"

#include <fs/image/image.h>
#include <lintel/image.h>

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct side sides[SIDES];
struct pair slots[SLOTS];
struct rnd rnd;

/* ---- Reporting ----------------------------------------------------------------------------- */

enum { LINES = 30 };
static char history[LINES][160];
static unsigned long step, seed = 1;
static char image[256];

void say(const char *format, ...)
{
    va_list args;
    char *line = history[step % LINES];
    va_start(args, format);
    int n = snprintf(line, sizeof(history[0]), "%lu: ", step);
    (void)vsnprintf(line + n, sizeof(history[0]) - (size_t)n, format, args);
    va_end(args);
}

void differ(const char *format, ...)
{
    va_list args;
    printf("not ok 1 - %s\n", sides[TESTED].source);
    for (unsigned long at = step < LINES ? 0 : step - LINES + 1; at <= step; at++)
        printf("# %s\n", history[at % LINES]);
    printf("# model and tested differ, seed %lu: ", seed);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    printf("\n");
    if (image[0])
        (void)unlink(image);
    fflush(stdout);
    _exit(1);
}

void same(const int r[SIDES])
{
    if (r[MODEL] != r[TESTED])
        differ("result %d (%s) and %d (%s)", r[MODEL], r[MODEL] < 0 ? lt_error_name(r[MODEL]) : "",
               r[TESTED], r[TESTED] < 0 ? lt_error_name(r[TESTED]) : "");
}

/* ---- The clock of the test: a step is a tick ------------------------------------------------- */

struct lt_time __wrap_lt_clock_now(void);

struct lt_time __wrap_lt_clock_now(void)
{
    uint64_t ns = (uint64_t)step * 7000123;
    return (struct lt_time){1700000000 + (int64_t)(ns / 1000000000), (uint32_t)(ns % 1000000000)};
}

/* ---- Picking ------------------------------------------------------------------------------- */

struct lt_str pick_name(void)
{
    static char longest[LT_NAME_MAX];
    static const char *const names[NAMES] = {"a",        "b",        "c",   "d",   "e",
                                             "f",        "A",        "dir", "Dir", "\xc3\xa4",
                                             "\xc3\x84", "\xff odd", NULL,  NULL};
    unsigned i = rnd_below(&rnd, NAMES);
    if (names[i])
        return lt_str(names[i]);
    memset(longest, 'n', sizeof(longest));
    return lt_strn(longest, i == NAMES - 1 ? LT_NAME_UNITS_MAX : LT_NAME_UNITS_MAX + 1);
}

static struct pair roots(void)
{
    return (struct pair){{lt_fs_root(sides[MODEL].fs), lt_fs_root(sides[TESTED].fs)}};
}

struct pair pick(void)
{
    struct pair pair = slots[rnd_below(&rnd, SLOTS)];
    return pair.node[MODEL] ? pair : roots();
}

struct pair pick_dir(void)
{
    for (int tries = 0; tries < 6; tries++) {
        struct pair pair = pick();
        if (pair.node[MODEL]->type == LT_S_IFDIR)
            return pair;
    }
    return rnd_once(&rnd, 3) ? pick() : roots();
}

struct pair pick_file(void)
{
    for (int tries = 0; tries < 12; tries++) {
        struct pair pair = pick();
        if (pair.node[MODEL]->type == LT_S_IFREG || pair.node[MODEL]->type == LT_S_STREAM)
            return pair;
    }
    return pick();
}

void drop(unsigned slot)
{
    for (int i = 0; i < SIDES; i++) {
        lt_node_put(slots[slot].node[i]);
        slots[slot].node[i] = NULL;
    }
}

void drop_all(void)
{
    for (unsigned i = 0; i < SLOTS; i++)
        drop(i);
}

void hold(struct pair pair)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        bool a = slots[i].node[MODEL] == pair.node[MODEL];
        bool b = slots[i].node[TESTED] == pair.node[TESTED];
        if (a != b)
            differ("another node than before");
    }
    if (pair.node[MODEL]->type != pair.node[TESTED]->type)
        differ("type %o and %o", pair.node[MODEL]->type, pair.node[TESTED]->type);
    unsigned slot = rnd_below(&rnd, SLOTS);
    drop(slot);
    slots[slot] = pair;
}

/* ---- Steps --------------------------------------------------------------------------------- */

static const struct op *const all_ops[] = {name_ops, data_ops, attr_ops, windows_ops};

/* By weight. */
static const struct op *pick_op(void)
{
    unsigned total = 0, at;
    for (size_t i = 0; i < 4; i++) {
        for (const struct op *op = all_ops[i]; op->run; op++)
            total += op->weight;
    }
    at = rnd_below(&rnd, total);
    for (size_t i = 0; i < 4; i++) {
        for (const struct op *op = all_ops[i]; op->run; op++) {
            if (at < op->weight)
                return op;
            at -= op->weight;
        }
    }
    return name_ops; /* not reached */
}

static void versions(struct pair pair, uint64_t ret[SIDES])
{
    struct lt_attr attr = {.version = 0};
    for (int i = 0; i < SIDES; i++) {
        (void)lt_node_getattr(NULL, pair.node[i], &attr);
        ret[i] = attr.version;
    }
}

/* One operation; of one node it is seen that its version changes whenever the model's does. */
static void run_step(void)
{
    unsigned slot = rnd_below(&rnd, SLOTS);
    struct pair watched = slots[slot];
    uint64_t before[SIDES] = {0}, after[SIDES] = {0};
    if (watched.node[MODEL]) {
        for (int i = 0; i < SIDES; i++)
            lt_node_get(watched.node[i]);
        versions(watched, before);
    }
    pick_op()->run();
    if (!watched.node[MODEL])
        return;
    versions(watched, after);
    if (after[TESTED] < before[TESTED] ||
        (after[MODEL] != before[MODEL] && after[TESTED] == before[TESTED]))
        differ("versions: %llu became %llu in the model, %llu became %llu",
               (unsigned long long)before[MODEL], (unsigned long long)after[MODEL],
               (unsigned long long)before[TESTED], (unsigned long long)after[TESTED]);
    for (int i = 0; i < SIDES; i++)
        lt_node_put(watched.node[i]);
}

static void open_side(struct side *side)
{
    struct lt_diag diag = {""};
    int r = lt_open_fs(side->source, &side->fs, &diag);
    if (r < 0)
        differ("cannot open %s: %s", side->source, diag.text);
}

static void reopen(void)
{
    struct side *side = &sides[TESTED];
    bool cut = rnd_once(&rnd, 3);
    say(cut ? "sync, cut, open" : "close, open");
    drop_all();
    int r = cut ? lt_fs_sync(NULL, side->fs) : lt_fs_close(side->fs);
    if (r < 0)
        differ("it failed: %s", lt_error_name(r));
    if (cut)
        lt_imgfs_abandon(side->fs);
    open_side(side);
}

static void compare(bool again)
{
    struct lt_statfs s[SIDES];
    say("compare all");
    same_tree(roots(), 0);
    if (again) {
        reopen();
        same_tree(roots(), 0);
    }
    for (int i = 0; i < SIDES; i++)
        (void)lt_fs_statfs(NULL, sides[i].fs, &s[i]);
    if (s[TESTED].used + s[TESTED].free != s[TESTED].total)
        differ("used + free != total");
    if (again && s[MODEL].nodes != s[TESTED].nodes)
        differ("%llu and %llu nodes", (unsigned long long)s[MODEL].nodes,
               (unsigned long long)s[TESTED].nodes);
}

/* ---- The run ------------------------------------------------------------------------------- */

static void make_image(const char *source, uint64_t size, char *ret_source, size_t room)
{
    const char *at = strstr(source, "{image}");
    struct lt_diag diag = {""};
    struct lt_image_params params = {.size = size, .force = true};
    const char *dir = getenv("TMPDIR");
    if (strstr(source, "case=insensitive"))
        params.name_case = LT_CASE_INSENSITIVE;
    (void)snprintf(image, sizeof(image), "%s/lintel-model.%d", dir ? dir : "/tmp", (int)getpid());
    (void)snprintf(ret_source, room, "%.*s%s%s", (int)(at - source), source, image, at + 7);
    int r = lt_image_format(image, &params, &diag);
    if (r < 0)
        differ("cannot make an image: %s", diag.text);
}

int main(int argc, char **argv)
{
    static char source[512];
    unsigned long steps = 20000, every = 0;
    uint64_t size = UINT64_C(256) << 20;
    if (argc < 3)
        return 2;
    for (int i = 3; i + 1 < argc; i += 2) {
        unsigned long n = strtoul(argv[i + 1], NULL, 10);
        steps = strcmp(argv[i], "--steps") == 0 ? n : steps;
        seed = strcmp(argv[i], "--seed") == 0 ? n : seed;
        every = strcmp(argv[i], "--reopen") == 0 ? n : every;
        size = strcmp(argv[i], "--image") == 0 ? n << 20 : size;
    }
    rnd.state = seed;
    sides[MODEL].source = argv[1];
    sides[TESTED].source = argv[2];
    printf("1..1\n");
    if (strstr(argv[2], "{image}")) {
        make_image(argv[2], size, source, sizeof(source));
        sides[TESTED].source = source;
    }
    for (int i = 0; i < SIDES; i++)
        open_side(&sides[i]);
    for (step = 1; step <= steps; step++) {
        run_step();
        if (step % (every ? every : 2000) == 0)
            compare(every != 0);
    }
    drop_all();
    for (int i = 0; i < SIDES; i++) {
        if (lt_fs_close(sides[i].fs) < 0)
            differ("cannot close");
    }
    if (image[0])
        (void)unlink(image);
    printf("ok 1 - %s\n# %lu steps\n", argv[2], steps);
    return 0;
}
