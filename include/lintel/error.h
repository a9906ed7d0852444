/* SPDX-License-Identifier: MIT */
/*
 * Errors: one closed list, with Linux numbers on every platform.
 *
 * Every Lintel function that can fail returns a negative LT_E... value, or 0 or
 * a count on success. The numbers are those of Linux x86-64 and arm64
 * (include/uapi/asm-generic/errno*.h), also on Windows, whose own errno.h
 * disagrees on several of them; a FUSE reply can therefore carry a Lintel error
 * as it is. One file a platform (src/os/) translates from the system's errors.
 */
#ifndef LINTEL_ERROR_H
#define LINTEL_ERROR_H

/* X(name, number, text): the whole list, in the order of the numbers. */
#define LT_ERRORS(X)                                    \
    X(EPERM, 1, "operation not permitted")              \
    X(ENOENT, 2, "no such file or directory")           \
    X(ESRCH, 3, "no such process")                      \
    X(EINTR, 4, "interrupted")                          \
    X(EIO, 5, "input/output error")                     \
    X(ENXIO, 6, "no such device or address")            \
    X(E2BIG, 7, "argument too large")                   \
    X(EBADF, 9, "bad file handle")                      \
    X(EAGAIN, 11, "temporarily unavailable, try again") \
    X(ENOMEM, 12, "out of memory")                      \
    X(EACCES, 13, "permission denied")                  \
    X(EFAULT, 14, "bad address")                        \
    X(EBUSY, 16, "busy")                                \
    X(EEXIST, 17, "already exists")                     \
    X(EXDEV, 18, "not on the same file system")         \
    X(ENODEV, 19, "no such device")                     \
    X(ENOTDIR, 20, "not a directory")                   \
    X(EISDIR, 21, "is a directory")                     \
    X(EINVAL, 22, "invalid argument")                   \
    X(ENFILE, 23, "too many open files in the system")  \
    X(EMFILE, 24, "too many open files")                \
    X(ENOTTY, 25, "not supported by this file")         \
    X(ETXTBSY, 26, "text file busy")                    \
    X(EFBIG, 27, "file too large")                      \
    X(ENOSPC, 28, "no space left on the volume")        \
    X(ESPIPE, 29, "cannot seek")                        \
    X(EROFS, 30, "read-only file system")               \
    X(EMLINK, 31, "too many links")                     \
    X(EPIPE, 32, "broken pipe")                         \
    X(ERANGE, 34, "result does not fit the buffer")     \
    X(EDEADLK, 35, "would deadlock")                    \
    X(ENAMETOOLONG, 36, "name too long")                \
    X(ENOLCK, 37, "no locks available")                 \
    X(ENOSYS, 38, "not implemented")                    \
    X(ENOTEMPTY, 39, "directory not empty")             \
    X(ELOOP, 40, "too many symbolic links")             \
    X(ENODATA, 61, "no such attribute")                 \
    X(ETIME, 62, "timer expired")                       \
    X(EPROTO, 71, "protocol error")                     \
    X(EBADMSG, 74, "bad message")                       \
    X(EOVERFLOW, 75, "value too large")                 \
    X(EILSEQ, 84, "invalid byte sequence")              \
    X(EOPNOTSUPP, 95, "operation not supported")        \
    X(EADDRINUSE, 98, "address in use")                 \
    X(ENOTCONN, 107, "not connected")                   \
    X(ETIMEDOUT, 110, "timed out")                      \
    X(ECONNREFUSED, 111, "connection refused")          \
    X(EALREADY, 114, "already in progress")             \
    X(ESTALE, 116, "stale file handle")                 \
    X(EUCLEAN, 117, "structure needs cleaning")         \
    X(EDQUOT, 122, "quota exceeded")                    \
    X(ECANCELED, 125, "cancelled")

#define LT_ERROR_ENUM(name, number, text) LT_##name = -(number),
enum lt_error { LT_OK = 0, LT_ERRORS(LT_ERROR_ENUM) };
#undef LT_ERROR_ENUM

/* The symbol of an error ("ENOENT"), or "E?" if `error` is not in the list. Any thread; static
 * storage. */
const char *lt_error_name(int error);

/* What an error says to a person, without a full stop. Any thread; static storage. */
const char *lt_error_text(int error);

/*
 * Where a function that can explain itself (opening a file system, parsing
 * options) puts one sentence: what failed, on what, and what to do. The caller
 * provides it, or passes NULL; it is written only on failure and always ends in NUL.
 */
struct lt_diag {
    char text[512];
};

#endif
