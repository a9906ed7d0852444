/* SPDX-License-Identifier: MIT */
/* FILETIME (MS-DTYP 2.3.3): 100 ns since 1601-01-01 UTC. */
#ifndef LT_CORE_FILETIME_H
#define LT_CORE_FILETIME_H

#include <lintel/types.h>

#define FILETIME_SECOND UINT64_C(10000000)
#define FILETIME_EPOCH INT64_C(11644473600) /* seconds from 1601 to 1970 */

/* Times out of range become the nearest in it. */
static inline uint64_t filetime_from(struct lt_time t)
{
    if (t.sec < -FILETIME_EPOCH)
        return 0;
    uint64_t sec = (uint64_t)t.sec + (uint64_t)FILETIME_EPOCH;
    if (sec >= INT64_MAX / FILETIME_SECOND)
        return INT64_MAX;
    return sec * FILETIME_SECOND + t.nsec / 100;
}

static inline struct lt_time filetime_to(uint64_t ft)
{
    return (struct lt_time){.sec = (int64_t)(ft / FILETIME_SECOND) - FILETIME_EPOCH,
                            .nsec = (uint32_t)(ft % FILETIME_SECOND) * 100};
}

#endif
