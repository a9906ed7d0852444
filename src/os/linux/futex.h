/* SPDX-License-Identifier: MIT */
/* futex(2) as the locks use it: on a word of this process, sleeping only while it has a value. */
#ifndef LT_OS_LINUX_FUTEX_H
#define LT_OS_LINUX_FUTEX_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LT_FUTEX_ALL UINT32_MAX /* wakes, and is woken by, every group */

/*
 * Sleeps while *word == value, until a wake of one of the `groups` (a bit set). `deadline`: a
 * CLOCK_MONOTONIC time, or NULL. Whatever ended the sleep, the caller looks at the word again.
 */
static inline long lt_futex_wait(_Atomic(uint32_t) *word, uint32_t value, uint32_t groups,
                                 const struct timespec *deadline)
{
    return syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, deadline, NULL, groups);
}

/* Wakes at most `count` sleepers of `groups`. */
static inline void lt_futex_wake(_Atomic(uint32_t) *word, int count, uint32_t groups)
{
    syscall(SYS_futex, word, FUTEX_WAKE_BITSET_PRIVATE, count, NULL, NULL, groups);
}

#endif
