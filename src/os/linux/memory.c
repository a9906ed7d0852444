// SPDX-License-Identifier: MIT
/* How much memory the machine has. */
#include <os/os.h>

#include <unistd.h>

uint64_t lt_memory_total(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}
