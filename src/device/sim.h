/* SPDX-License-Identifier: MIT */
/*
 * A device for tests: it keeps its bytes in memory, records every write and flush,
 * fails where it is told to, and makes of any moment in its history the devices
 * that a power cut at that moment could have left.
 */
#ifndef LT_DEVICE_SIM_H
#define LT_DEVICE_SIM_H

#include "device.h"

/* Starts with `size` zero bytes. Closing it ends it. */
int lt_device_open_sim(uint64_t size, struct lt_device **ret);

/* Recorded calls so far: writes, flushes, discards and resizes each count one. */
uint64_t lt_sim_time(struct lt_device *sim);
/* Whether the call with this number was a flush. */
bool lt_sim_is_flush(struct lt_device *sim, uint64_t time);

/*
 * A device of its own with what a cut after the first `time` calls could leave: every
 * write that a flush covered, and of the later ones a choice that `seed` makes. Seed 0: all of
 * them, whole. Seed 1: none. Others: each is there, not there or, cut at sectors of 512 bytes,
 * there in part, in any order. Discarded ranges hold their old bytes, zeros, or rubbish.
 */
int lt_sim_cut(struct lt_device *sim, uint64_t time, uint64_t seed, struct lt_device **ret);

/* Fails the n-th call from now (1: the next) with `error`, and with `for_good` all that follow. 0:
 * none. Reads count here too. */
void lt_sim_fail(struct lt_device *sim, uint64_t nth, int error, bool for_good);

/* Forgets the history so far: what is there now counts as durable. */
void lt_sim_forget(struct lt_device *sim);

#endif
