/* SPDX-License-Identifier: MIT */
/*
 * A device for tests: it keeps its bytes in memory, records every write and flush,
 * fails where it is told to, and makes of any moment in its history the devices
 * that a power cut at that moment could have left.
 *
 * What a cut leaves is a disk with a volatile cache, or the page cache of a host:
 *   - a write that a flush covers is there, and one that was written through;
 *   - any other is there, not there, or there in part, sector by sector, whatever became of those
 *     before and behind it; where two overlap, the later one wins if it is there;
 *   - a write that failed has left a part of its sectors, as if it were a shorter one;
 *   - a flush that failed covers nothing;
 *   - a discarded range holds its old bytes, zeros, or rubbish, flushed or not; on the live device
 *     it reads as rubbish.
 *
 * Not part of the library: only tests link it.
 */
#ifndef LT_DEVICE_SIM_H
#define LT_DEVICE_SIM_H

#include "device.h"

#define LT_SIM_SECTOR 512u /* bytes that are written whole or not at all */

/* Starts with `size` zero bytes. Closing it ends it. */
int lt_device_open_sim(uint64_t size, struct lt_device **ret);

/* Recorded calls so far: writes, flushes, discards and resizes each count one, a write through
 * two. */
uint64_t lt_sim_time(struct lt_device *sim);
/* Whether the call with this number, from 0, was a flush. */
bool lt_sim_is_flush(struct lt_device *sim, uint64_t time);

/*
 * A device of its own with what a cut after the first `time` calls could leave. What was not
 * covered by a flush is chosen by `seed`: 0: all of it, whole; 1: nothing; others: at random, the
 * same for the same seed. The new device is a sim too, with an empty history: cuts of cuts are
 * power failures during recovery. Cutting at ascending times is faster than back and forth.
 * LT_ENOMEM; LT_EINVAL: time is in the future, or before lt_sim_forget().
 */
int lt_sim_cut(struct lt_device *sim, uint64_t time, uint64_t seed, struct lt_device **ret);

/* Fails the n-th call from now (1: the next) with `error`, and with `for_good` all that follow. 0:
 * none. Reads and reserves count here too. */
void lt_sim_fail(struct lt_device *sim, uint64_t nth, int error, bool for_good);

/* Forgets the history so far: what is there now counts as durable. Time goes on counting. */
void lt_sim_forget(struct lt_device *sim);

#endif
