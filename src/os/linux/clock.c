// SPDX-License-Identifier: MIT
#include <os/os.h>

#include <time.h>

struct lt_time lt_clock_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return (struct lt_time){.sec = now.tv_sec, .nsec = (uint32_t)now.tv_nsec};
}

uint64_t lt_clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
