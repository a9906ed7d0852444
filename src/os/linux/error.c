// SPDX-License-Identifier: MIT
/* errno to lt_error. Our numbers are Linux's own, where the architecture has the common ones. */
#include <os/os.h>

#include <errno.h>

int lt_error_from_os(int number)
{
    switch (number) {
#define SAME(name, number, text) \
    case name:                   \
        return LT_##name;
        LT_ERRORS(SAME)
#undef SAME
    case EBADFD:
        return LT_EBADF;
    case ENOBUFS:
        return LT_ENOMEM;
    case EDOM:
    case ENOPROTOOPT:
    case EAFNOSUPPORT:
        return LT_EINVAL;
    case EPROTONOSUPPORT:
        return LT_EOPNOTSUPP;
    case ECONNRESET:
    case ECONNABORTED:
    case ESHUTDOWN:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return LT_ENOTCONN;
    case EINPROGRESS:
        return LT_EALREADY;
    default:
        return LT_EIO;
    }
}

int lt_error_last(void)
{
    return lt_error_from_os(errno);
}
