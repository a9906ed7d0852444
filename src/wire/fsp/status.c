// SPDX-License-Identifier: MIT
#include "status.h"

#include <stdio.h>

/*
 * X(error, status): every error of the list. Where error.h gives an error a narrower meaning than
 * POSIX, its status is narrower too: an invalid byte sequence is a name's, and a range is a
 * buffer's.
 */
#define ERROR_STATUSES(X)                     \
    X(EPERM, ACCESS_DENIED)                   \
    X(ENOENT, OBJECT_NAME_NOT_FOUND)          \
    X(ESRCH, PROCEDURE_NOT_FOUND)             \
    X(EINTR, CANCELLED)                       \
    X(EIO, IO_DEVICE_ERROR)                   \
    X(ENXIO, FILE_INVALID)                    \
    X(E2BIG, INSUFFICIENT_RESOURCES)          \
    X(EBADF, INVALID_HANDLE)                  \
    X(EAGAIN, CANT_WAIT)                      \
    X(ENOMEM, INSUFFICIENT_RESOURCES)         \
    X(EACCES, ACCESS_DENIED)                  \
    X(EFAULT, ACCESS_VIOLATION)               \
    X(EBUSY, DEVICE_BUSY)                     \
    X(EEXIST, OBJECT_NAME_COLLISION)          \
    X(EXDEV, NOT_SAME_DEVICE)                 \
    X(ENODEV, NO_SUCH_DEVICE)                 \
    X(ENOTDIR, NOT_A_DIRECTORY)               \
    X(EISDIR, FILE_IS_A_DIRECTORY)            \
    X(EINVAL, INVALID_PARAMETER)              \
    X(ENFILE, TOO_MANY_OPENED_FILES)          \
    X(EMFILE, TOO_MANY_OPENED_FILES)          \
    X(ENOTTY, INVALID_DEVICE_REQUEST)         \
    X(ETXTBSY, SHARING_VIOLATION)             \
    X(EFBIG, DISK_FULL)                       \
    X(ENOSPC, DISK_FULL)                      \
    X(ESPIPE, INVALID_PARAMETER)              \
    X(EROFS, MEDIA_WRITE_PROTECTED)           \
    X(EMLINK, TOO_MANY_LINKS)                 \
    X(EPIPE, PIPE_BROKEN)                     \
    X(ERANGE, BUFFER_TOO_SMALL)               \
    X(EDEADLK, POSSIBLE_DEADLOCK)             \
    X(ENAMETOOLONG, NAME_TOO_LONG)            \
    X(ENOLCK, LOCK_NOT_GRANTED)               \
    X(ENOSYS, INVALID_DEVICE_REQUEST)         \
    X(ENOTEMPTY, DIRECTORY_NOT_EMPTY)         \
    X(ELOOP, REPARSE_POINT_NOT_RESOLVED)      \
    X(ENODATA, END_OF_FILE)                   \
    X(ETIME, TRANSACTION_TIMED_OUT)           \
    X(EPROTO, IO_DEVICE_ERROR)                \
    X(EBADMSG, FILE_CORRUPT_ERROR)            \
    X(EOVERFLOW, INVALID_PARAMETER)           \
    X(EILSEQ, OBJECT_NAME_INVALID)            \
    X(EOPNOTSUPP, NOT_SUPPORTED)              \
    X(EADDRINUSE, ADDRESS_ALREADY_ASSOCIATED) \
    X(ENOTCONN, CONNECTION_INVALID)           \
    X(ETIMEDOUT, TRANSACTION_TIMED_OUT)       \
    X(ECONNREFUSED, CONNECTION_REFUSED)       \
    X(EALREADY, CONNECTION_ACTIVE)            \
    X(ESTALE, FILE_INVALID)                   \
    X(EUCLEAN, FILE_CORRUPT_ERROR)            \
    X(EDQUOT, DISK_FULL)                      \
    X(ECANCELED, CANCELLED)

/* By number; 0 where there is no error of the number. */
static const int32_t statuses[] = {
#define ROW(error, STATUS) [-LT_##error] = LT_STATUS_##STATUS,
    ERROR_STATUSES(ROW)
#undef ROW
};

static const struct known {
    const char *name;
    int32_t status;
    int error;
} known[] = {
#define ROW(NAME, value, error) {"STATUS_" #NAME, LT_STATUS_##NAME, error},
    LT_STATUSES(ROW)
#undef ROW
};

static const struct known *find(int32_t status)
{
    size_t low = 0, high = sizeof(known) / sizeof(known[0]);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (known[middle].status == status)
            return &known[middle];
        if ((uint32_t)known[middle].status < (uint32_t)status)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

int32_t lt_status_from_error(int error)
{
    if (error >= 0)
        return LT_STATUS_SUCCESS;
    size_t number = 0u - (unsigned)error;
    if (number >= sizeof(statuses) / sizeof(statuses[0]) || statuses[number] == 0)
        return LT_STATUS_ACCESS_DENIED;
    return statuses[number];
}

int lt_status_to_error(int32_t status)
{
    const struct known *k = find(status);
    if (k)
        return k->error;
    return status >= 0 ? LT_OK : LT_EIO;
}

const char *lt_status_name(int32_t status)
{
    static _Thread_local char number[sizeof("0x00000000")];
    const struct known *k = find(status);
    if (k)
        return k->name;
    snprintf(number, sizeof(number), "0x%08x", (unsigned)status);
    return number;
}
