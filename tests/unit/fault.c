// SPDX-License-Identifier: MIT
#include "fault.h"

#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>

static atomic_uint count;       /* allocations since the last arming */
static atomic_uint first, last; /* which of them fail; first 0: none */
static atomic_bool failed;

static void arm(unsigned from, unsigned to)
{
    atomic_store(&first, 0);
    atomic_store(&failed, false);
    atomic_store(&count, 0);
    atomic_store(&last, to);
    atomic_store(&first, from);
}

void fault_arm(unsigned n)
{
    arm(n, n);
}

void fault_arm_from(unsigned n)
{
    arm(n, UINT_MAX);
}

bool fault_disarm(void)
{
    atomic_store(&first, 0);
    return atomic_load(&failed);
}

unsigned fault_count(void)
{
    return atomic_load(&count);
}

/* Counts one allocation; returns whether it is to fail. */
static bool fails(void)
{
    unsigned n = atomic_fetch_add(&count, 1) + 1;
    unsigned from = atomic_load(&first);

    if (from == 0 || n < from || n > atomic_load(&last))
        return false;
    atomic_store(&failed, true);
    return true;
}

/* WRAP(what, its parameters, its arguments): the linker sends calls of `what` here. */
#define WRAP(name, parameters, arguments)                \
    void *__real_##name parameters;                      \
    void *__wrap_##name parameters;                      \
    void *__wrap_##name parameters                       \
    {                                                    \
        return fails() ? NULL : __real_##name arguments; \
    }

WRAP(malloc, (size_t size), (size))
WRAP(calloc, (size_t count_, size_t size), (count_, size))
WRAP(realloc, (void *old, size_t size), (old, size))
WRAP(aligned_alloc, (size_t align, size_t size), (align, size))
WRAP(strdup, (const char *text), (text))
WRAP(lt_pages_map, (size_t size, size_t align), (size, align))
