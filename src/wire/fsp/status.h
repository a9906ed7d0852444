/* SPDX-License-Identifier: MIT */
/*
 * NTSTATUS ([MS-ERREF] 2.3.1) and Lintel's errors, each from the other. One table makes the
 * constants, their names and the first direction; the second has the errors that stand for a
 * status which no error becomes.
 */
#ifndef LT_WIRE_FSP_STATUS_H
#define LT_WIRE_FSP_STATUS_H

#include <stdint.h>

/* X(NAME, value) */
#define LT_STATUSES(X)                            \
    X(SUCCESS, 0x00000000)                        \
    X(PENDING, 0x00000103)                        \
    X(REPARSE, 0x00000104)                        \
    X(NOTIFY_ENUM_DIR, 0x0000010c)                \
    X(BUFFER_OVERFLOW, 0x80000005)                \
    X(NO_MORE_FILES, 0x80000006)                  \
    X(INVALID_EA_NAME, 0x80000013)                \
    X(EA_LIST_INCONSISTENT, 0x80000014)           \
    X(NO_MORE_EAS, 0x80000012)                    \
    X(STOPPED_ON_SYMLINK, 0x8000002d)             \
    X(UNSUCCESSFUL, 0xc0000001)                   \
    X(NOT_IMPLEMENTED, 0xc0000002)                \
    X(INVALID_INFO_CLASS, 0xc0000003)             \
    X(INFO_LENGTH_MISMATCH, 0xc0000004)           \
    X(ACCESS_VIOLATION, 0xc0000005)               \
    X(INVALID_HANDLE, 0xc0000008)                 \
    X(INVALID_PARAMETER, 0xc000000d)              \
    X(NO_SUCH_DEVICE, 0xc000000e)                 \
    X(NO_SUCH_FILE, 0xc000000f)                   \
    X(INVALID_DEVICE_REQUEST, 0xc0000010)         \
    X(END_OF_FILE, 0xc0000011)                    \
    X(NO_MEMORY, 0xc0000017)                      \
    X(ACCESS_DENIED, 0xc0000022)                  \
    X(BUFFER_TOO_SMALL, 0xc0000023)               \
    X(OBJECT_NAME_INVALID, 0xc0000033)            \
    X(OBJECT_NAME_NOT_FOUND, 0xc0000034)          \
    X(OBJECT_NAME_COLLISION, 0xc0000035)          \
    X(OBJECT_PATH_INVALID, 0xc0000039)            \
    X(OBJECT_PATH_NOT_FOUND, 0xc000003a)          \
    X(SHARING_VIOLATION, 0xc0000043)              \
    X(EAS_NOT_SUPPORTED, 0xc000004f)              \
    X(EA_TOO_LARGE, 0xc0000050)                   \
    X(NONEXISTENT_EA_ENTRY, 0xc0000051)           \
    X(NO_EAS_ON_FILE, 0xc0000052)                 \
    X(FILE_LOCK_CONFLICT, 0xc0000054)             \
    X(LOCK_NOT_GRANTED, 0xc0000055)               \
    X(DELETE_PENDING, 0xc0000056)                 \
    X(PRIVILEGE_NOT_HELD, 0xc0000061)             \
    X(INVALID_OWNER, 0xc000005a)                  \
    X(INVALID_ACL, 0xc0000077)                    \
    X(INVALID_SECURITY_DESCR, 0xc0000079)         \
    X(INVALID_SID, 0xc0000078)                    \
    X(RANGE_NOT_LOCKED, 0xc000007e)               \
    X(DISK_FULL, 0xc000007f)                      \
    X(FILE_INVALID, 0xc0000098)                   \
    X(INSUFFICIENT_RESOURCES, 0xc000009a)         \
    X(MEDIA_WRITE_PROTECTED, 0xc00000a2)          \
    X(FILE_IS_A_DIRECTORY, 0xc00000ba)            \
    X(NOT_SUPPORTED, 0xc00000bb)                  \
    X(NOT_SAME_DEVICE, 0xc00000d4)                \
    X(FILE_RENAMED, 0xc00000d5)                   \
    X(CANT_WAIT, 0xc00000d8)                      \
    X(OPLOCK_NOT_GRANTED, 0xc00000e2)             \
    X(DIRECTORY_NOT_EMPTY, 0xc0000101)            \
    X(FILE_CORRUPT, 0xc0000102)                   \
    X(NOT_A_DIRECTORY, 0xc0000103)                \
    X(NAME_TOO_LONG, 0xc0000106)                  \
    X(TOO_MANY_OPENED_FILES, 0xc000011f)          \
    X(CANCELLED, 0xc0000120)                      \
    X(CANNOT_DELETE, 0xc0000121)                  \
    X(FILE_DELETED, 0xc0000123)                   \
    X(FILE_CLOSED, 0xc0000128)                    \
    X(INVALID_IMAGE_FORMAT, 0xc000007b)           \
    X(PIPE_BROKEN, 0xc000014b)                    \
    X(IO_DEVICE_ERROR, 0xc0000185)                \
    X(POSSIBLE_DEADLOCK, 0xc0000194)              \
    X(USER_MAPPED_FILE, 0xc0000243)               \
    X(TOO_MANY_LINKS, 0xc0000265)                 \
    X(NOT_A_REPARSE_POINT, 0xc0000275)            \
    X(IO_REPARSE_TAG_INVALID, 0xc0000276)         \
    X(IO_REPARSE_TAG_MISMATCH, 0xc0000277)        \
    X(IO_REPARSE_DATA_INVALID, 0xc0000278)        \
    X(REPARSE_POINT_NOT_RESOLVED, 0xc0000280)     \
    X(REPARSE_ATTRIBUTE_CONFLICT, 0xc00002b2)     \
    X(INVALID_DEVICE_STATE, 0xc0000184)           \
    X(DEVICE_BUSY, 0x80000011)                    \
    X(CONNECTION_INVALID, 0xc000023a)             \
    X(CONNECTION_ACTIVE, 0xc000023b)              \
    X(CONNECTION_REFUSED, 0xc0000236)             \
    X(CONNECTION_RESET, 0xc000020d)               \
    X(CONNECTION_ABORTED, 0xc0000241)             \
    X(NETWORK_UNREACHABLE, 0xc000023c)            \
    X(HOST_UNREACHABLE, 0xc000023d)               \
    X(TRANSACTION_TIMED_OUT, 0xc0000210)          \
    X(PROCEDURE_NOT_FOUND, 0xc000007a)            \
    X(FILE_TOO_LARGE, 0xc0000904)

enum lt_status {
#define LT_STATUS_CONSTANT(NAME, value) LT_STATUS_##NAME = (int32_t)(value),
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
