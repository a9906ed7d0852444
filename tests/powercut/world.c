// SPDX-License-Identifier: MIT
#include "world.h"

#include "../conformance/random.h"

#include <device/lend.h>
#include <fs/image/check/check.h>
#include <fs/image/format.h>
#include <fs/image/image.h>
#include <lintel/tree.h>
#include <stdlib.h>

/* ---- Configurations ------------------------------------------------------------------------ */

struct config config_make(enum durability mode, uint64_t seed)
{
    static const uint32_t block_sizes[] = {4096, 4096, 4096, 8192, 16384, 65536};
    struct rnd r = {seed};
    struct config config = {.mode = mode};
    config.block_size = block_sizes[rnd_below(&r, 6)];
    config.data_checks = rnd_once(&r, 2);
    config.insensitive = rnd_once(&r, 4);
    config.size = (uint64_t)config.block_size * (2048 + rnd_below(&r, 500));
    return config;
}

static const char *mode_name(enum durability mode)
{
    static const char *const list[] = {"fsync", "always", "none"};
    return list[mode];
}

void config_print(const struct config *config, FILE *to)
{
    (void)fprintf(to, "sync=%s block_size=%u size=%llu%s%s", mode_name(config->mode),
                  config->block_size, (unsigned long long)config->size,
                  config->data_checks ? " data_checks" : "",
                  config->insensitive ? " case=insensitive" : "");
}

/* ---- Opening ------------------------------------------------------------------------------- */

struct lt_device *world_format(const struct config *config)
{
    struct lt_device *sim;
    struct lt_image_params params = {
        .block_size = config->block_size,
        .data_checks = config->data_checks,
        .name_case = config->insensitive ? LT_CASE_INSENSITIVE : LT_CASE_SENSITIVE,
        .log_size = (uint64_t)16 * config->block_size,
    };
    if (lt_device_open_sim(config->size, &sim) < 0 || img_fs_format(sim, &params, NULL) < 0)
        abort();
    lt_sim_forget(sim);
    return sim;
}

int world_open(const struct config *config, struct lt_device *sim, struct lt_fs **ret,
               struct lt_diag *diag)
{
    char options[64];
    struct lt_device *dev = lt_device_lend(sim);
    if (!dev)
        abort();
    (void)snprintf(options, sizeof(options), "commit=0,cache=1m,sync=%s", mode_name(config->mode));
    int r = lt_imgfs_open_device(dev, options, ret, diag);
    if (r < 0)
        lt_device_close(dev);
    return r;
}

struct lt_fs *world_model(const struct config *config, struct lt_fs *fs)
{
    struct lt_fs *model;
    struct lt_tree_options options = {0};
    if (lt_open_fs(config->insensitive ? "mem:size=256m,case=insensitive" : "mem:size=256m", &model,
                   NULL) < 0)
        abort();
    struct lt_volume volume;
    if (fs) {
        lt_fs_volume(fs, &volume);
        if (lt_tree_copy(NULL, lt_fs_root(fs), lt_fs_root(model), &options, NULL) < 0 ||
            lt_fs_set_label(NULL, model, lt_str(volume.label)) < 0)
            abort();
    }
    return model;
}

/* ---- Looking at what a cut left ------------------------------------------------------------- */

static int on_problem(void *arg, const struct lt_image_problem *problem)
{
    (void)fprintf(arg, "#   check: %s: %s\n", problem->name, problem->text);
    return 0;
}

static bool is_sound(struct lt_device *dev, FILE *why)
{
    struct lt_image_check check = {.data = true, .problem = on_problem, .arg = why};
    struct lt_image_check_result result;
    struct lt_diag diag = {.text = ""};
    int r = img_check_device(dev, &check, &result, &diag);
    if (r < 0)
        (void)fprintf(why, "#   check: %s %s\n", lt_error_text(r), diag.text);
    return r == 0 && result.problems == 0;
}

/* The state of the image on `dev`; afterwards it is closed in order, or just left. */
static bool look(const struct config *config, struct lt_device *dev, bool in_order,
                 struct state *ret, FILE *why)
{
    char what[200];
    struct lt_fs *fs;
    struct lt_diag diag = {.text = ""};
    struct lt_statfs st = {0};
    int r = world_open(config, dev, &fs, &diag);
    if (r < 0) {
        (void)fprintf(why, "#   it cannot be opened: %s: %s\n", lt_error_text(r), diag.text);
        return false;
    }
    r = state_read(fs, ret, what, sizeof(what));
    if (r < 0)
        (void)fprintf(why, "#   it cannot be read: %s\n", what);
    bool good = r == 0;
    if (good && (lt_fs_statfs(NULL, fs, &st) < 0 || st.nodes != ret->nodes)) {
        (void)fprintf(why, "#   %llu nodes counted, %llu found\n", (unsigned long long)st.nodes,
                      (unsigned long long)ret->nodes);
        good = false;
    }
    if (in_order && (r = lt_fs_close(fs)) < 0) {
        (void)fprintf(why, "#   it cannot be closed: %s\n", lt_error_text(r));
        good = false;
    } else if (!in_order) {
        lt_imgfs_abandon(fs);
    }
    return good;
}

static bool is_same(const struct state *a, const struct state *b)
{
    if (strcmp(a->text, b->text) != 0 || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (a->files[i].size != b->files[i].size ||
            memcmp(a->files[i].bytes, b->files[i].bytes, a->files[i].size) != 0)
            return false;
    }
    return true;
}

/* Whatever the first look saw, the second sees too. */
static bool look_again(const struct config *config, struct lt_device *dev,
                       const struct state *before, FILE *why)
{
    struct state now = {0};
    bool good = look(config, dev, false, &now, why);
    if (good && !is_same(before, &now)) {
        (void)fprintf(why, "#   it changed while it was closed\n");
        state_diff(before->text, now.text, why);
        good = false;
    }
    state_fini(&now);
    return good;
}

/* The power fails once more, while what the first cut left is opened and closed. */
static bool cut_again(const struct config *config, struct lt_device *left, const struct history *h,
                      uint64_t time, uint64_t choice, FILE *why)
{
    struct rnd r = {choice};
    struct lt_device *dev;
    struct state state = {0};
    uint64_t at = rnd_next(&r) % (lt_sim_time(left) + 1);
    if (lt_sim_cut(left, at, rnd_below(&r, 50), &dev) < 0)
        abort();
    bool good = look(config, dev, false, &state, why) && history_allows(h, &state, time, why);
    if (!good)
        (void)fprintf(why, "#   (after a second cut, call %llu of the recovery)\n",
                      (unsigned long long)at);
    state_fini(&state);
    lt_device_close(dev);
    return good;
}

bool world_verify(const struct config *config, struct lt_device *left, const struct history *h,
                  uint64_t time, uint64_t choice, FILE *why)
{
    struct rnd r = {choice ^ time << 32};
    struct state state = {0};
    bool in_order = rnd_once(&r, 3);
    bool good = !rnd_once(&r, 4) || is_sound(left, why);
    good =
        good && look(config, left, in_order, &state, why) && history_allows(h, &state, time, why);
    if (good && in_order)
        good = look_again(config, left, &state, why);
    if (good && rnd_once(&r, 4))
        good = is_sound(left, why);
    if (good && rnd_once(&r, 3))
        good = cut_again(config, left, h, time, rnd_next(&r), why);
    state_fini(&state);
    return good;
}
