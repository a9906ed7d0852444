/* SPDX-License-Identifier: MIT */
/*
 * NTSTATUS ([MS-ERREF] 2.3.1) and Lintel's errors, each from the other. One table makes the
 * constants, their names and the way from a status to an error; the other way is in status.c.
 * A status that an error becomes leads back to an error of the same status.
 */
#ifndef LT_WIRE_FSP_STATUS_H
#define LT_WIRE_FSP_STATUS_H

#include <lintel/error.h>
#include <stdint.h>

/* X(NAME, value, error): what a status is to the rest of Lintel. In the order of the numbers. */
#define LT_STATUSES(X)                                       \
    X(SUCCESS, 0x00000000, LT_OK)                            \
    X(PENDING, 0x00000103, LT_OK)                            \
    X(REPARSE, 0x00000104, LT_OK)                            \
    X(OPLOCK_BREAK_IN_PROGRESS, 0x00000108, LT_OK)           \
    X(NOTIFY_CLEANUP, 0x0000010b, LT_OK)                     \
    X(NOTIFY_ENUM_DIR, 0x0000010c, LT_OK)                    \
    X(BUFFER_OVERFLOW, 0x80000005, LT_ERANGE)                \
    X(NO_MORE_FILES, 0x80000006, LT_ENODATA)                 \
    X(DEVICE_BUSY, 0x80000011, LT_EBUSY)                     \
    X(NO_MORE_EAS, 0x80000012, LT_ENODATA)                   \
    X(INVALID_EA_NAME, 0x80000013, LT_EINVAL)                \
    X(EA_LIST_INCONSISTENT, 0x80000014, LT_EINVAL)           \
    X(STOPPED_ON_SYMLINK, 0x8000002d, LT_ELOOP)              \
    X(UNSUCCESSFUL, 0xc0000001, LT_EIO)                      \
    X(NOT_IMPLEMENTED, 0xc0000002, LT_ENOSYS)                \
    X(INVALID_INFO_CLASS, 0xc0000003, LT_EINVAL)             \
    X(INFO_LENGTH_MISMATCH, 0xc0000004, LT_EINVAL)           \
    X(ACCESS_VIOLATION, 0xc0000005, LT_EFAULT)               \
    X(INVALID_HANDLE, 0xc0000008, LT_EBADF)                  \
    X(INVALID_PARAMETER, 0xc000000d, LT_EINVAL)              \
    X(NO_SUCH_DEVICE, 0xc000000e, LT_ENODEV)                 \
    X(NO_SUCH_FILE, 0xc000000f, LT_ENOENT)                   \
    X(INVALID_DEVICE_REQUEST, 0xc0000010, LT_ENOSYS)         \
    X(END_OF_FILE, 0xc0000011, LT_ENODATA)                   \
    X(NO_MEMORY, 0xc0000017, LT_ENOMEM)                      \
    X(ACCESS_DENIED, 0xc0000022, LT_EACCES)                  \
    X(BUFFER_TOO_SMALL, 0xc0000023, LT_ERANGE)               \
    X(OBJECT_NAME_INVALID, 0xc0000033, LT_EILSEQ)            \
    X(OBJECT_NAME_NOT_FOUND, 0xc0000034, LT_ENOENT)          \
    X(OBJECT_NAME_COLLISION, 0xc0000035, LT_EEXIST)          \
    X(OBJECT_PATH_INVALID, 0xc0000039, LT_EINVAL)            \
    X(OBJECT_PATH_NOT_FOUND, 0xc000003a, LT_ENOENT)          \
    X(SHARING_VIOLATION, 0xc0000043, LT_ETXTBSY)             \
    X(QUOTA_EXCEEDED, 0xc0000044, LT_EDQUOT)                 \
    X(EAS_NOT_SUPPORTED, 0xc000004f, LT_EOPNOTSUPP)          \
    X(EA_TOO_LARGE, 0xc0000050, LT_E2BIG)                    \
    X(NONEXISTENT_EA_ENTRY, 0xc0000051, LT_ENODATA)          \
    X(NO_EAS_ON_FILE, 0xc0000052, LT_ENODATA)                \
    X(EA_CORRUPT_ERROR, 0xc0000053, LT_EUCLEAN)              \
    X(FILE_LOCK_CONFLICT, 0xc0000054, LT_EAGAIN)             \
    X(LOCK_NOT_GRANTED, 0xc0000055, LT_ENOLCK)               \
    X(DELETE_PENDING, 0xc0000056, LT_EBUSY)                  \
    X(INVALID_OWNER, 0xc000005a, LT_EPERM)                   \
    X(PRIVILEGE_NOT_HELD, 0xc0000061, LT_EPERM)              \
    X(INVALID_ACL, 0xc0000077, LT_EINVAL)                    \
    X(INVALID_SID, 0xc0000078, LT_EINVAL)                    \
    X(INVALID_SECURITY_DESCR, 0xc0000079, LT_EINVAL)         \
    X(PROCEDURE_NOT_FOUND, 0xc000007a, LT_ESRCH)             \
    X(INVALID_IMAGE_FORMAT, 0xc000007b, LT_EINVAL)           \
    X(RANGE_NOT_LOCKED, 0xc000007e, LT_EINVAL)               \
    X(DISK_FULL, 0xc000007f, LT_ENOSPC)                      \
    X(FILE_INVALID, 0xc0000098, LT_ENXIO)                    \
    X(INSUFFICIENT_RESOURCES, 0xc000009a, LT_ENOMEM)         \
    X(MEDIA_WRITE_PROTECTED, 0xc00000a2, LT_EROFS)           \
    X(FILE_IS_A_DIRECTORY, 0xc00000ba, LT_EISDIR)            \
    X(NOT_SUPPORTED, 0xc00000bb, LT_EOPNOTSUPP)              \
    X(NOT_SAME_DEVICE, 0xc00000d4, LT_EXDEV)                 \
    X(FILE_RENAMED, 0xc00000d5, LT_EBUSY)                    \
    X(CANT_WAIT, 0xc00000d8, LT_EAGAIN)                      \
    X(OPLOCK_NOT_GRANTED, 0xc00000e2, LT_EAGAIN)             \
    X(INTERNAL_ERROR, 0xc00000e5, LT_EIO)                    \
    X(INVALID_USER_BUFFER, 0xc00000e8, LT_EFAULT)            \
    X(DIRECTORY_NOT_EMPTY, 0xc0000101, LT_ENOTEMPTY)         \
    X(FILE_CORRUPT_ERROR, 0xc0000102, LT_EUCLEAN)            \
    X(NOT_A_DIRECTORY, 0xc0000103, LT_ENOTDIR)               \
    X(NAME_TOO_LONG, 0xc0000106, LT_ENAMETOOLONG)            \
    X(TOO_MANY_OPENED_FILES, 0xc000011f, LT_EMFILE)          \
    X(CANCELLED, 0xc0000120, LT_ECANCELED)                   \
    X(CANNOT_DELETE, 0xc0000121, LT_EPERM)                   \
    X(FILE_DELETED, 0xc0000123, LT_ENOENT)                   \
    X(FILE_CLOSED, 0xc0000128, LT_EBADF)                     \
    X(PIPE_BROKEN, 0xc000014b, LT_EPIPE)                     \
    X(INVALID_DEVICE_STATE, 0xc0000184, LT_EBUSY)            \
    X(IO_DEVICE_ERROR, 0xc0000185, LT_EIO)                   \
    X(POSSIBLE_DEADLOCK, 0xc0000194, LT_EDEADLK)             \
    X(INVALID_BUFFER_SIZE, 0xc0000206, LT_EINVAL)            \
    X(CONNECTION_RESET, 0xc000020d, LT_ENOTCONN)             \
    X(TRANSACTION_TIMED_OUT, 0xc0000210, LT_ETIMEDOUT)       \
    X(NOT_FOUND, 0xc0000225, LT_ENOENT)                      \
    X(CONNECTION_REFUSED, 0xc0000236, LT_ECONNREFUSED)       \
    X(ADDRESS_ALREADY_ASSOCIATED, 0xc0000238, LT_EADDRINUSE) \
    X(CONNECTION_INVALID, 0xc000023a, LT_ENOTCONN)           \
    X(CONNECTION_ACTIVE, 0xc000023b, LT_EALREADY)            \
    X(NETWORK_UNREACHABLE, 0xc000023c, LT_ENOTCONN)          \
    X(HOST_UNREACHABLE, 0xc000023d, LT_ENOTCONN)             \
    X(CONNECTION_ABORTED, 0xc0000241, LT_ECANCELED)          \
    X(USER_MAPPED_FILE, 0xc0000243, LT_ETXTBSY)              \
    X(TOO_MANY_LINKS, 0xc0000265, LT_EMLINK)                 \
    X(VOLUME_DISMOUNTED, 0xc000026e, LT_ENODEV)              \
    X(NOT_A_REPARSE_POINT, 0xc0000275, LT_EINVAL)            \
    X(IO_REPARSE_TAG_INVALID, 0xc0000276, LT_EINVAL)         \
    X(IO_REPARSE_TAG_MISMATCH, 0xc0000277, LT_EINVAL)        \
    X(IO_REPARSE_DATA_INVALID, 0xc0000278, LT_EINVAL)        \
    X(REPARSE_POINT_NOT_RESOLVED, 0xc0000280, LT_ELOOP)      \
    X(REPARSE_ATTRIBUTE_CONFLICT, 0xc00002b2, LT_EINVAL)     \
    X(FILE_TOO_LARGE, 0xc0000904, LT_EFBIG)

enum lt_status {
#define LT_STATUS_CONSTANT(NAME, value, error) LT_STATUS_##NAME = (int32_t)(value),
    LT_STATUSES(LT_STATUS_CONSTANT)
#undef LT_STATUS_CONSTANT
};

/* What an error (0, or negative LT_E...) is in NT. What has no counterpart: ACCESS_DENIED. */
int32_t lt_status_from_error(int error);

/* The error that a status stands for; 0 for success and information, LT_EIO for what is unknown. */
int lt_status_to_error(int32_t status);

/* "STATUS_ACCESS_DENIED"; "0xc0001234" is said of those not above, in a buffer of the thread. */
const char *lt_status_name(int32_t status);

#endif
