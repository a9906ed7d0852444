// SPDX-License-Identifier: MIT
#include <os/os.h>

#include <errno.h>
#include <sys/random.h>

int lt_random(void *buf, size_t len)
{
    char *p = buf;

    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return LT_EIO;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}
