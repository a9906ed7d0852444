/* SPDX-License-Identifier: MIT */
/*
 * What Lintel needs of an operating system: locks, threads, clocks, pages,
 * random bytes, error numbers. src/os/<platform>/ implements it; nothing else in
 * src/base, src/core, src/wire and src/fs knows a platform.
 */
#ifndef LT_OS_OS_H
#define LT_OS_OS_H

#include <base/annotate.h>
#include <lintel/error.h>
#include <lintel/types.h>

/* ---- Locks: 4 bytes each, zero-initialised is unlocked, never fail ------------------------- */

struct CAPABILITY("mutex") lt_mutex {
    _Atomic(uint32_t) state;
};

void lt_mutex_lock(struct lt_mutex *m) ACQUIRE(m);
bool lt_mutex_trylock(struct lt_mutex *m) TRY_ACQUIRE(true, m);
void lt_mutex_unlock(struct lt_mutex *m) RELEASE(m);

/* Many readers or one writer. Writers are not starved: a waiting writer keeps new readers out. Not
 * recursive. */
struct CAPABILITY("rwlock") lt_rwlock {
    _Atomic(uint32_t) state;
};

void lt_rwlock_read(struct lt_rwlock *l) ACQUIRE_SHARED(l);
void lt_rwlock_read_unlock(struct lt_rwlock *l) RELEASE_SHARED(l);
void lt_rwlock_write(struct lt_rwlock *l) ACQUIRE(l);
void lt_rwlock_write_unlock(struct lt_rwlock *l) RELEASE(l);

/* A condition variable: zero-initialised; spurious wake-ups happen. */
struct lt_cond {
    _Atomic(uint32_t) seq;
};

void lt_cond_wait(struct lt_cond *c, struct lt_mutex *m) REQUIRES(m);
/* False if `timeout_ns` passed first. */
bool lt_cond_wait_for(struct lt_cond *c, struct lt_mutex *m, uint64_t timeout_ns) REQUIRES(m);
void lt_cond_wake_one(struct lt_cond *c);
void lt_cond_wake_all(struct lt_cond *c);

/* ---- Threads ------------------------------------------------------------------------------- */

struct lt_thread;

/* Starts fn(arg) on a new thread with all signals blocked; `name` (15 bytes at most) is for
 * debuggers. LT_EAGAIN, LT_ENOMEM. */
int lt_thread_start(struct lt_thread **ret, const char *name, void (*fn)(void *arg), void *arg);
/* Waits for its end and frees it. */
void lt_thread_join(struct lt_thread *thread);
/* Keeps the calling thread on one processor; false if the system does not let us. */
bool lt_thread_pin(unsigned cpu);
/* Processors this process may run on, at least 1. */
unsigned lt_cpu_count(void);
/* Tells the processor that this is a wait loop. */
static inline void lt_cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* ---- Clocks -------------------------------------------------------------------------------- */

/* Wall-clock time as the kernel stamps files with it (CLOCK_REALTIME_COARSE on Linux), so that ours
 * and its times order. */
struct lt_time lt_clock_now(void);
/* Nanoseconds of a clock that only goes forward. */
uint64_t lt_clock_ns(void);

/* ---- Memory from the system ------------------------------------------------------------------ */

#define LT_PAGE_SIZE \
    4096u /* our unit; a multiple of or equal to the system's on the platforms we build for */

/* Zeroed pages: `size` and `align` multiples of LT_PAGE_SIZE, align a power of two. NULL for lack
 * of memory. */
void *lt_pages_map(size_t size, size_t align);
void lt_pages_unmap(void *base, size_t size);
/* Gives the memory of the pages back; they read as zeros afterwards and may be used again. */
void lt_pages_discard(void *base, size_t size);
/* Asks for large pages where that helps; a hint. */
void lt_pages_large(void *base, size_t size);

/* Bytes of physical memory of the machine. */
uint64_t lt_memory_total(void);

/* Fills buf with bytes that nobody can guess. LT_EIO if the system has none. */
int lt_random(void *buf, size_t len);

/* ---- Errors ---------------------------------------------------------------------------------- */

/* The lt_error for a system error number (errno; GetLastError on Windows). Never LT_OK: an unknown
 * number is LT_EIO. */
int lt_error_from_os(int number);
/* lt_error_from_os(errno). */
int lt_error_last(void);

#endif
