// SPDX-License-Identifier: MIT
/*
 * Random operations on an image whose disk loses its power: at every call to the disk, with
 * everything, nothing, or any choice of what was not flushed, torn sectors and all. What
 * is left is opened, checked, and compared with what is allowed: history.h.
 *
 *     powercut [--cuts N] [--seed N] [--mode fsync|always|none] [--ops N] [--pairs EVERY]
 *
 * A run is several lives of one image: each goes on from what one of the cuts of the last has left.
 * A failure prints how to repeat it; with --life, --time and --choice only that cut is looked at.
 */
#include "world.h"

#include "../conformance/random.h"

#include <fs/image/image.h>
#include <stdlib.h>

#define LIVES 3u
#define NONE UINT64_MAX

struct settings {
    uint64_t cuts; /* of each mode */
    uint64_t seed;
    uint64_t ops; /* of each life */
    int mode;     /* -1: all */
    uint64_t pairs, first;
    uint64_t life, time, choice;
};

struct run {
    const struct settings *settings;
    struct config config;
    uint64_t seed, life;
    uint64_t done;  /* cuts */
    uint64_t begin; /* of this life: calls before it are forgotten */
    struct lt_device *sim;
    struct side image, model;
    struct history history;
    const struct op *script; /* instead of random operations; NULL */
    size_t length;           /* of it, or of the random ones */
    bool faulty;             /* a call to the disk fails in this life */
    bool failed;
};

static struct op op_of(const struct run *run, size_t index)
{
    struct op op;
    if (run->script)
        return run->script[index - 1];
    op_make(&op, run->seed * LIVES + run->life, index);
    return op;
}

static void print_ops(const struct run *run)
{
    for (size_t i = 1; i < run->history.count; i++) {
        struct op op = op_of(run, i);
        (void)printf("# op %zu (calls %llu to %llu): ", i,
                     (unsigned long long)run->history.begin[i],
                     (unsigned long long)run->history.end[i]);
        op_print(&op, stdout);
        (void)printf("\n");
    }
}

static void print_failure(struct run *run, uint64_t time, uint64_t choice, const char *why)
{
    run->failed = true;
    print_ops(run);
    (void)printf("# after a cut at call %llu, choice %llu:\n%s", (unsigned long long)time,
                 (unsigned long long)choice, why);
    (void)printf("# repeat: powercut --seed %llu --ops %llu --mode %d --life %llu --time %llu "
                 "--choice %llu   (",
                 (unsigned long long)run->seed, (unsigned long long)run->settings->ops,
                 (int)run->config.mode, (unsigned long long)run->life, (unsigned long long)time,
                 (unsigned long long)choice);
    config_print(&run->config, stdout);
    (void)printf(")\n");
}

/* ---- One cut ------------------------------------------------------------------------------- */

static void try_cut(struct run *run, uint64_t time, uint64_t choice)
{
    const struct settings *s = run->settings;
    if ((s->time != NONE && s->time != time) || (s->choice != NONE && s->choice != choice) ||
        (s->life != NONE && s->life != run->life))
        return;
    char *text = NULL;
    size_t len;
    struct lt_device *left;
    FILE *why = open_memstream(&text, &len);
    if (!why || lt_sim_cut(run->sim, time, choice, &left) < 0)
        abort();
    bool good = world_verify(&run->config, left, &run->history, time, choice, why);
    (void)fclose(why);
    if (!good)
        print_failure(run, time, choice, text);
    free(text);
    lt_device_close(left);
    run->done++;
}

/* Every moment, with everything and with nothing of what was not flushed, and two other choices. */
static void try_all_cuts(struct run *run)
{
    struct rnd r = {run->seed ^ run->life << 20};
    for (uint64_t time = run->begin; !run->failed && time <= lt_sim_time(run->sim); time++) {
        uint64_t choices[4] = {0, 1, 2 + rnd_below(&r, 1u << 30), 2 + rnd_below(&r, 1u << 30)};
        for (int i = 0; !run->failed && i < 4; i++)
            try_cut(run, time, choices[i]);
    }
}

/* ---- One life ------------------------------------------------------------------------------ */

static void print_difference(const struct run *run, uint64_t index, int64_t found, int64_t expected)
{
    print_ops(run);
    (void)printf("# op %llu: %lld (%s), the model says %lld (%s); repeat: powercut --seed %llu "
                 "--ops %llu --mode %d   (",
                 (unsigned long long)index, (long long)found,
                 found < 0 ? lt_error_name((int)found) : "", (long long)expected,
                 expected < 0 ? lt_error_name((int)expected) : "", (unsigned long long)run->seed,
                 (unsigned long long)run->settings->ops, (int)run->config.mode);
    config_print(&run->config, stdout);
    (void)printf(")\n");
}

/* Whether to go on. An operation that the disk let fail has happened or not, and is the last. */
static bool do_op(struct run *run, uint64_t index)
{
    struct op op = op_of(run, index);
    uint64_t begin = lt_sim_time(run->sim);
    int64_t found = op_apply(&op, &run->image);
    uint64_t end = lt_sim_time(run->sim);
    int64_t expected = op_apply(&op, &run->model);
    bool part = found >= 0 && found < expected; /* of a write: what came before the fault */
    bool fault = run->faulty && found != expected && (found < 0 || part);
    int64_t result = part ? LT_EIO : found;
    history_add(&run->history, &run->model, &op, fault ? result : expected, run->config.mode, begin,
                end);
    if (found == expected)
        return true;
    if (!fault) {
        run->failed = true;
        print_difference(run, index, found, expected);
    }
    return false;
}

/* In one life of four the disk fails: once or for good, for want of space or another reason. */
static void choose_fault(struct run *run)
{
    struct rnd r = {run->seed * LIVES + run->life};
    run->faulty = !run->script && rnd_once(&r, 4);
    if (run->faulty)
        lt_sim_fail(run->sim, 1 + rnd_below(&r, 100), rnd_once(&r, 3) ? LT_ENOSPC : LT_EIO,
                    rnd_once(&r, 2));
}

/* What is there at the end equals the model, in every byte. */
static void compare_at_end(struct run *run)
{
    char what[200] = "", *text = NULL;
    size_t len;
    struct state state;
    FILE *why = open_memstream(&text, &len);
    if (!why)
        abort();
    struct history now; /* one state, all of it durable */
    history_init(&now);
    history_add(&now, &run->model, NULL, 0, ALWAYS, 0, 0);
    bool good = state_read(run->image.fs, &state, what, sizeof(what)) == 0;
    if (!good)
        (void)fprintf(why, "#   it cannot be read: %s\n", what);
    else
        good = history_allows(&now, &state, 0, why);
    (void)fclose(why);
    if (!good)
        print_failure(run, NONE, NONE, text);
    free(text);
    state_fini(&state);
    history_fini(&now);
}

static void run_life(struct run *run)
{
    struct lt_diag diag = {.text = ""};
    history_init(&run->history);
    run->begin = lt_sim_time(run->sim);
    uint32_t model_block = 4096, block = run->config.block_size;
    run->image = (struct side){.block_size = block > model_block ? block : model_block};
    run->model = run->image;
    int r = world_open(&run->config, run->sim, &run->image.fs, &diag);
    if (r < 0) {
        print_failure(run, 0, 0, diag.text);
        history_fini(&run->history);
        return;
    }
    run->model.fs = world_model(&run->config, run->image.fs);
    history_add(&run->history, &run->model, NULL, 0, run->config.mode, 0, lt_sim_time(run->sim));
    choose_fault(run);
    bool good = true;
    for (uint64_t i = 1; good && i <= run->length; i++)
        good = do_op(run, i);
    lt_sim_fail(run->sim, 0, 0, false);
    if (good && !run->faulty)
        compare_at_end(run);
    side_drop(&run->image);
    side_drop(&run->model);
    lt_imgfs_abandon(run->image.fs);
    (void)lt_fs_close(run->model.fs);
    if (!run->failed)
        try_all_cuts(run);
    history_fini(&run->history);
}

/* The disk of the next life. */
static void die(struct run *run)
{
    struct rnd r = {run->seed ^ run->life << 40};
    struct lt_device *left;
    uint64_t time = run->begin + rnd_next(&r) % (lt_sim_time(run->sim) - run->begin + 1);
    if (lt_sim_cut(run->sim, time, rnd_below(&r, 1000), &left) < 0)
        abort();
    lt_device_close(run->sim);
    run->sim = left;
}

static bool run_lives(const struct settings *s, enum durability mode, uint64_t seed, uint64_t *cuts)
{
    struct run run = {
        .settings = s, .config = config_make(mode, seed), .seed = seed, .length = s->ops};
    run.sim = world_format(&run.config);
    for (run.life = 0; !run.failed && run.life < LIVES; run.life++) {
        if (run.life > 0)
            die(&run);
        run_life(&run);
    }
    lt_device_close(run.sim);
    *cuts += run.done;
    return !run.failed;
}

/* ---- Pairs --------------------------------------------------------------------------------- */

/* What two are taken of. There are d/, d/x/, d/b, e/, e/c, a and b. */
static const struct op singles[] = {
    {.kind = OP_create, .a = "f", .number = 0644},
    {.kind = OP_mkdir, .a = "f", .number = 1},
    {.kind = OP_symlink, .a = "d/f", .b = "a", .number = 1},
    {.kind = OP_unlink, .a = "a"},
    {.kind = OP_unlink, .a = "e/c"},
    {.kind = OP_rmdir, .a = "d/x"},
    {.kind = OP_rename, .a = "a", .b = "b"},
    {.kind = OP_rename, .a = "a", .b = "d/f"},
    {.kind = OP_rename, .a = "d/b", .b = "a"},
    {.kind = OP_rename, .a = "d", .b = "e/y"},
    {.kind = OP_rename, .a = "b", .b = "a"},
    {.kind = OP_exchange, .a = "a", .b = "d/b"},
    {.kind = OP_link, .a = "a", .b = "d/f"},
    {.kind = OP_link, .a = "d/b", .b = "f"},
    {.kind = OP_append, .a = "a", .len = 5000, .seed = 1},
    {.kind = OP_write, .a = "a", .offset = 100, .len = 9000, .seed = 2},
    {.kind = OP_write, .a = "d/b", .len = 70000, .seed = 3},
    {.kind = OP_truncate, .a = "a", .offset = 700},
    {.kind = OP_punch, .a = "d/b", .offset = 0, .len = 8192},
    {.kind = OP_fresh, .len = 6000, .seed = 4, .number = 16},
    {.kind = OP_replace, .a = "a"},
    {.kind = OP_set_xattr, .a = "a", .len = 150, .seed = 5},
    {.kind = OP_stream, .a = "a", .len = 5000, .seed = 6, .number = 16},
    {.kind = OP_security, .a = "a", .number = 1},
    {.kind = OP_hold, .a = "a"},
};

static const struct op syncs[] = {
    {.kind = OP_hold, .a = "none"}, /* nothing: there is no such file */
    {.kind = OP_fsync, .a = "a"},
    {.kind = OP_fsync, .a = "d/b"},
    {.kind = OP_sync},
};

#define SINGLES (sizeof(singles) / sizeof(*singles))
#define SYNCS (sizeof(syncs) / sizeof(*syncs))
#define PAIRS (SINGLES * SINGLES * SYNCS * SYNCS)
#define BEGINNING 10u /* operations that op_make() always begins with */

static bool run_pair(const struct settings *s, uint64_t number, uint64_t *cuts)
{
    struct op script[BEGINNING + 5];
    uint64_t n = number;
    for (size_t i = 0; i < BEGINNING; i++)
        op_make(&script[i], 1, i + 1);
    struct op *at = script + BEGINNING;
    *at++ = (struct op){.kind = OP_sync};
    for (int i = 0; i < 2; i++) {
        *at++ = singles[n % SINGLES];
        n /= SINGLES;
        *at++ = syncs[n % SYNCS];
        n /= SYNCS;
    }
    struct run run = {.settings = s, .seed = number, .script = script, .length = BEGINNING + 5};
    run.config = config_make(BY_FSYNC, number);
    run.sim = world_format(&run.config);
    run_life(&run);
    lt_device_close(run.sim);
    *cuts += run.done;
    if (run.failed)
        (void)printf("# pair %llu; repeat: powercut --cuts 0 --first %llu --pairs %llu\n",
                     (unsigned long long)number, (unsigned long long)number,
                     (unsigned long long)PAIRS);
    return !run.failed;
}

static bool run_pairs(const struct settings *s)
{
    bool good = true;
    uint64_t cuts = 0;
    for (uint64_t i = s->first; good && i < PAIRS; i += s->pairs)
        good = run_pair(s, i, &cuts);
    (void)printf("%sok %d - pairs of operations, with syncs behind each: %llu cuts\n",
                 good ? "" : "not ", s->cuts == 0 ? 1 : 4, (unsigned long long)cuts);
    return good;
}

/* ---- All ----------------------------------------------------------------------------------- */

static bool parse(int argc, char **argv, struct settings *s)
{
    static const char *const modes[] = {"fsync", "always", "none"};
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t *numbers[] = {&s->cuts, &s->seed,   &s->ops,   &s->life,
                               &s->time, &s->choice, &s->pairs, &s->first};
        static const char *const words[] = {"--cuts", "--seed",   "--ops",   "--life",
                                            "--time", "--choice", "--pairs", "--first"};
        bool known = strcmp(argv[i], "--mode") == 0;
        for (int m = 0; known && m < 3; m++) {
            if (strcmp(argv[i + 1], modes[m]) == 0 || argv[i + 1][0] == '0' + m)
                s->mode = m;
        }
        for (int n = 0; n < 8; n++) {
            if (strcmp(argv[i], words[n]) == 0) {
                *numbers[n] = strtoull(argv[i + 1], NULL, 0);
                known = true;
            }
        }
        if (!known)
            return false;
    }
    return argc % 2 == 1;
}

int main(int argc, char **argv)
{
    static const char *const promises[] = {
        "sync=fsync: metadata is a prefix, what was synced is there",
        "sync=always: every operation is there when it has returned",
        "sync=none: some prefix is there, all up to the last sync"};
    struct settings s = {.cuts = 2000, .seed = NONE, .ops = 40, .mode = -1, .pairs = 47};
    s.life = s.time = s.choice = NONE;
    if (!parse(argc, argv, &s)) {
        (void)fprintf(stderr,
                      "usage: powercut [--cuts N] [--seed N] [--mode M] [--ops N] [--pairs N]\n");
        return 2;
    }
    bool one = s.seed != NONE, good = true;
    bool pairs = s.mode < 0 && !one && s.pairs > 0;
    (void)printf("1..%d\n", s.cuts == 0 ? 1 : s.mode < 0 ? 3 + pairs : 1);
    for (int mode = 0, n = 1; mode < 3; mode++) {
        if ((s.mode >= 0 && s.mode != mode) || s.cuts == 0)
            continue;
        uint64_t cuts = 0, seed = one ? s.seed : (uint64_t)mode * 1000000 + 1;
        bool fine = true;
        do {
            fine = run_lives(&s, (enum durability)mode, seed++, &cuts);
        } while (fine && !one && cuts < s.cuts);
        (void)printf("%sok %d - %s: %llu cuts\n", fine ? "" : "not ", n++, promises[mode],
                     (unsigned long long)cuts);
        (void)fflush(stdout);
        good = good && fine;
    }
    if (pairs)
        good = run_pairs(&s) && good;
    return good ? 0 : 1;
}
