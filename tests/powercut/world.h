/* SPDX-License-Identifier: MIT */
/* The file systems that the tests run on: an image on a simulated disk, and its model in memory. */
#ifndef POWERCUT_WORLD_H
#define POWERCUT_WORLD_H

#include "history.h"

#include <device/sim.h>

struct config {
    enum durability mode;
    uint32_t block_size;
    bool data_checks, insensitive;
    uint64_t size; /* of the image */
};

/* Anything, chosen by `seed`, but for the mode. */
struct config config_make(enum durability mode, uint64_t seed);
void config_print(const struct config *config, FILE *to);

/* A simulated disk with an empty image, which counts as durable. */
struct lt_device *world_format(const struct config *config);
/* Opens the image on a disk that outlives it. Nothing happens there but by calls of this thread. */
int world_open(const struct config *config, struct lt_device *sim, struct lt_fs **ret,
               struct lt_diag *diag);
/* The model: a RAM disk with what is in `fs` (NULL: nothing). */
struct lt_fs *world_model(const struct config *config, struct lt_fs *fs);

/*
 * Opens what a cut left, and compares it with what is allowed at `time`; then closes it in order
 * and looks again; sometimes (by `choice`) cuts the power during that, too, or has the check look.
 * Says why in `why`. The disk stays the caller's.
 */
bool world_verify(const struct config *config, struct lt_device *left, const struct history *h,
                  uint64_t time, uint64_t choice, FILE *why);

#endif
