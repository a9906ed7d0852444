// SPDX-License-Identifier: MIT
/*
 * differ: the same random operations on two directories, compared one by one.
 *
 *     differ --oracle DIR --target DIR [--seed N] [--steps N] [--threads N] [--atime] [--holes] ...
 *
 * The oracle is a directory of a file system that is trusted (tmpfs). Every
 * thread is a lane: it has a directory on each side, and does each step on the
 * oracle and on the target before the next, so that a difference is found at the
 * step that makes it. With several lanes one more directory of the target is
 * shared, where all lanes meet and only invariants are checked. At the end the
 * trees are compared in full, then once more after the kernel's caches were dropped.
 * A failing run is shrunk: steps that do not matter are left out.
 */
#include "side.h"

#include "../random.h"
#include "shared.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TAIL = 25, SHRINK_SECONDS = 25, COMPARE_EVERY = 20000 };

struct options {
    const char *oracle, *target;
    uint64_t seed, steps;
    unsigned threads;
    bool shrink, verbose;
};
static struct options options = {.seed = 1, .steps = 20000, .threads = 1, .shrink = true};

struct lane {
    pthread_t thread;
    unsigned number;
    uint64_t seed;
    bool failed;
    char why[4000];
    uint64_t failed_at;
};

/* Which steps a run does: those of list (all below `end` if NULL). */
struct plan {
    const uint64_t *list;
    uint64_t end;
};

static void make_dirs(char *out, size_t size, const char *base, const char *name)
{
    snprintf(out, size, "%s/%s", base, name);
    if (mkdir(out, 0777) < 0 && errno != EEXIST) {
        perror(out);
        exit(1);
    }
    /* One level more than needed: "a/.." through a link to "." goes up by one. */
    size_t len = strlen(out);
    snprintf(out + len, size - len, "/in");
    mkdir(out, 0777);
    chmod(out, 0777);
}

static bool step(struct side sides[2], uint64_t seed, uint64_t index, char *why, size_t size)
{
    struct op op;
    struct result a;
    struct result b;
    op_make(seed, index, &op);
    side_run(&sides[0], &op, &a);
    if (options.verbose) {
        char line[900];
        op_print(&op, line, sizeof(line));
        fprintf(stderr, "%llu %s = %lld %s\n", (unsigned long long)index, line, (long long)a.value,
                strerrorname_np(a.error));
    }
    side_run(&sides[1], &op, &b);
    return result_compare(&a, &b, why, size) == 0;
}

/* Runs a plan in fresh directories called `name`. True if the sides agreed throughout. */
static bool run_plan(const char *name, uint64_t seed, struct plan plan, uint64_t *ret_at, char *why,
                     size_t size)
{
    struct side sides[2];
    char path[500];
    const char *bases[2] = {options.oracle, options.target};
    for (int i = 0; i < 2; i++) {
        make_dirs(path, sizeof(path), bases[i], name);
        side_open(&sides[i], path);
    }
    bool good = true;
    for (uint64_t i = 0; i < plan.end && good; i++) {
        *ret_at = i;
        good = step(sides, seed, plan.list ? plan.list[i] : i, why, size);
        if (good && (i + 1) % COMPARE_EVERY == 0) {
            good = tree_compare(sides[0].root, sides[1].root, why, size) == 0;
        }
    }
    if (good) {
        *ret_at = plan.end;
        good = tree_compare(sides[0].root, sides[1].root, why, size) == 0;
    }
    side_close(&sides[0]);
    side_close(&sides[1]);
    return good;
}

static void clear_lane(const char *name)
{
    char path[500];
    const char *bases[2] = {options.oracle, options.target};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s", bases[i], name);
        tree_clear(path);
        rmdir(path);
    }
}

static bool plan_fails(uint64_t seed, struct plan plan, char *why, size_t size)
{
    uint64_t at;
    clear_lane("shrink");
    return !run_plan("shrink", seed, plan, &at, why, size);
}

/*
 * Leaves out steps while the run still fails (delta debugging, greedy), for a
 * bounded time. `list` is shortened in place.
 */
static void shrink(struct lane *lane, uint64_t *list, uint64_t *count)
{
    time_t end = time(NULL) + SHRINK_SECONDS;
    char why[sizeof(lane->why)];
    for (uint64_t keep = 100; keep < *count; keep *= 4) { /* the last steps may do */
        if (plan_fails(lane->seed, (struct plan){list + (*count - keep), keep}, why, sizeof(why))) {
            memmove(list, list + (*count - keep), keep * sizeof(*list));
            *count = keep;
        }
    }
    uint64_t *trial = malloc(*count * sizeof(*trial));
    for (uint64_t chunk = *count / 2; chunk > 0 && time(NULL) < end; chunk /= 2) {
        for (uint64_t at = 0; at + chunk <= *count && time(NULL) < end;) {
            uint64_t rest = *count - at - chunk;
            memcpy(trial, list, at * sizeof(*list));
            memcpy(trial + at, list + at + chunk, rest * sizeof(*list));
            if (plan_fails(lane->seed, (struct plan){trial, at + rest}, why, sizeof(why))) {
                memcpy(list, trial, (at + rest) * sizeof(*list));
                *count = at + rest;
                snprintf(lane->why, sizeof(lane->why), "%s", why);
            } else {
                at += chunk;
            }
        }
    }
    free(trial);
}

static void report(struct lane *lane)
{
    uint64_t count = lane->failed_at + 1 < options.steps ? lane->failed_at + 1 : options.steps;
    printf("# lane %u differs at step %llu of --seed %llu:\n#   %s\n", lane->number,
           (unsigned long long)lane->failed_at, (unsigned long long)lane->seed, lane->why);
    uint64_t *list = malloc(count * sizeof(*list));
    for (uint64_t i = 0; i < count; i++) {
        list[i] = i;
    }
    if (options.shrink) {
        shrink(lane, list, &count);
        printf("# shrunk to %llu steps:\n#   %s\n", (unsigned long long)count, lane->why);
    }
    for (uint64_t i = count > TAIL ? count - TAIL : 0; i < count; i++) {
        struct op op;
        char line[900];
        op_make(lane->seed, list[i], &op);
        op_print(&op, line, sizeof(line));
        printf("#   %6llu %s\n", (unsigned long long)list[i], line);
    }
    free(list);
}

static void *lane_run(void *arg)
{
    struct lane *lane = arg;
    char name[32];
    unshare(CLONE_FS); /* an own umask */
    umask(0);
    snprintf(name, sizeof(name), "lane%u", lane->number);
    clear_lane(name); /* what an earlier run left */
    struct plan plan = {NULL, options.steps};
    lane->failed =
        !run_plan(name, lane->seed, plan, &lane->failed_at, lane->why, sizeof(lane->why));
    return NULL;
}

static bool drop_caches(void)
{
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
    sync();
    bool done = fd >= 0 && write(fd, "2", 1) == 1;
    close(fd);
    return done;
}

static int result_line(bool good, int number, const char *what)
{
    printf("%sok %d - %s\n", good ? "" : "not ", number, what);
    fflush(stdout);
    return good ? 0 : 1;
}

static int run_lanes(void)
{
    struct lane *lanes = calloc(options.threads, sizeof(*lanes));
    struct shared *shared = options.threads > 1 ? shared_start(options.target, options.seed) : NULL;
    char why[4000];
    bool agreed = true;
    for (unsigned i = 0; i < options.threads; i++) {
        lanes[i].number = i;
        lanes[i].seed = options.seed * 1000 + i;
        pthread_create(&lanes[i].thread, NULL, lane_run, &lanes[i]);
    }
    for (unsigned i = 0; i < options.threads; i++) {
        pthread_join(lanes[i].thread, NULL);
        agreed = agreed && !lanes[i].failed;
    }
    bool invariants = shared == NULL || shared_stop(shared, why, sizeof(why));
    if (!invariants) {
        printf("# %s\n", why);
    }
    for (unsigned i = 0; i < options.threads; i++) {
        if (lanes[i].failed) {
            report(&lanes[i]);
        }
    }
    clear_lane("shrink");
    free(lanes);
    int failed = result_line(agreed, 1, "every step does the same on both sides");
    failed += result_line(invariants, 2, "the shared tree keeps its invariants");
    bool dropped = drop_caches();
    bool same = !agreed || tree_compare(options.oracle, options.target, why, sizeof(why)) == 0;
    if (!same) {
        printf("# %s\n", why);
    }
    failed += result_line(same, 3,
                          dropped ? "both trees are equal without caches" : "both trees are equal");
    return failed;
}

static void parse(int argc, char **argv)
{
    static const struct option longs[] = {
        {"oracle", 1, NULL, 'o'},  {"target", 1, NULL, 't'},    {"seed", 1, NULL, 's'},
        {"steps", 1, NULL, 'n'},   {"threads", 1, NULL, 'j'},   {"atime", 0, NULL, 'a'},
        {"holes", 0, NULL, 'h'},   {"no-shrink", 0, NULL, 'S'}, {"no-mtime", 0, NULL, 'm'},
        {"verbose", 0, NULL, 'v'}, {NULL, 0, NULL, 0},
    };
    int c;
    tolerance.atime = true;
    tolerance.holes = true;
    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (c) {
        case 'o':
            options.oracle = optarg;
            break;
        case 't':
            options.target = optarg;
            break;
        case 's':
            options.seed = strtoull(optarg, NULL, 0);
            break;
        case 'n':
            options.steps = strtoull(optarg, NULL, 0);
            break;
        case 'j':
            options.threads = (unsigned)strtoul(optarg, NULL, 0);
            break;
        case 'a':
            tolerance.atime = false;
            break;
        case 'h':
            tolerance.holes = false;
            break;
        case 'm':
            tolerance.mtime = true;
            break;
        case 'S':
            options.shrink = false;
            break;
        case 'v':
            options.verbose = true;
            break;
        default:
            exit(2);
        }
    }
    if (options.oracle == NULL || options.target == NULL || options.threads == 0) {
        fprintf(stderr, "differ: needs --oracle DIR and --target DIR\n");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    if (geteuid() != 0) {
        printf("1..0 # SKIP not root\n");
        return 0;
    }
    umask(0);
    signal(SIGPIPE, SIG_IGN); /* there are FIFOs among the files */
    printf("1..3\n# seed %llu, %llu steps, %u threads\n", (unsigned long long)options.seed,
           (unsigned long long)options.steps, options.threads);
    fflush(stdout);
    return run_lanes() > 0;
}
