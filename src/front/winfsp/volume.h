/* SPDX-License-Identifier: MIT */
/*
 * What the files of the WinFsp front share. A request is a struct call on the stack of the thread
 * that received it and goes through one handler; the handler works on the file system as any
 * front does and may wait for it: others of `threads` go on.
 *
 * A handler returns an NTSTATUS and has filled the response. Names are turned into paths of
 * UTF-8 once, at the door (name.c), statuses into errors and back in status.h.
 *
 * User contexts: `user` numbers the node (the same number for all that have one node open), `user2`
 * the opening. Both are slots with a generation, never pointers: a request with an old number
 * answers LT_STATUS_INVALID_HANDLE.
 *
 * Locks: `names` orders what touches names as the protocol's guard does - exclusive for Create that
 * may make something, Overwrite, Cleanup with Delete, Rename and SetVolume; shared for openings,
 * Disposition and QueryDirectory. Files have a lock of their own for their listing. `files.lock` is
 * a leaf. On a remote file system `names` is taken for the shortest time that keeps the promise
 * of one change at a time per directory: see guard.c.
 */
#ifndef LT_FRONT_WINFSP_VOLUME_H
#define LT_FRONT_WINFSP_VOLUME_H

#include <lintel/path.h>
#include <lintel/security.h>
#include <lintel/winfsp.h>
#include <os/os.h>
#include <wire/fsp/message.h>
#include <wire/fsp/status.h>

/* One opening. */
struct fsp_file {
    struct lt_node *node;   /* what is open: the stream where `stream` is set */
    struct lt_node *owner;  /* the file of the stream; else the node once more */
    struct lt_node *parent; /* of the name it was opened by; NULL: the root */
    char *name;             /* last component as stored, malloc'd, UTF-8 */
    char *stream;           /* name of the stream, or NULL */
    uint32_t granted;       /* access */
    uint32_t options;       /* LT_FILE_... */
    uint32_t open_flags;    /* LT_OPEN_... given to lt_node_open() */
    bool is_dir, is_reparse;
    bool delete_pending; /* said by a disposition; the driver keeps the truth */
    bool removed;        /* its name is gone: Cleanup with Delete */

    struct lt_mutex lock;
    struct fsp_listing *listing GUARDED_BY(lock);
    uint64_t user, user2; /* its numbers */
    atomic_uint refs;
};

struct lt_winfsp {
    struct lt_fs *fs;
    struct lt_volume volume;          /* immutable */
    struct lt_winfsp_options options; /* strings are copies */
    struct lt_fsp_volume_params *params;
    struct lt_winfsp_port *port;
    struct lt_str root_security; /* malloc'd */
    struct fsp_files *files;
    struct fsp_guard *guard;
    struct fsp_worker *workers;
    unsigned worker_count;
    struct fsp_notifier *notifier;
};

struct call {
    struct lt_winfsp *v;
    struct lt_fsp_request in;
    struct lt_fsp_out out;
    struct lt_fsp_rsp *rsp; /* in `out` */
    struct fsp_file *file;  /* of the contexts, with a reference; NULL for Create and volumes */
    struct lt_token *token; /* Create and rename: who asks */
    struct lt_ctx ctx;      /* the same as a POSIX caller */
};

/* One handler a kind: create.c, close.c, data.c, info.c, rename.c, dir.c, ea.c, reparse.c,
 * security.c, streams.c, volume_info.c. */
#define FSP_HANDLERS(X)                        \
    X(LT_FSP_CREATE, create)                   \
    X(LT_FSP_OVERWRITE, overwrite)             \
    X(LT_FSP_CLEANUP, cleanup)                 \
    X(LT_FSP_CLOSE, close)                     \
    X(LT_FSP_READ, read)                       \
    X(LT_FSP_WRITE, write)                     \
    X(LT_FSP_QUERY_INFORMATION, query_info)    \
    X(LT_FSP_SET_INFORMATION, set_info)        \
    X(LT_FSP_QUERY_EA, query_ea)               \
    X(LT_FSP_SET_EA, set_ea)                   \
    X(LT_FSP_FLUSH_BUFFERS, flush)             \
    X(LT_FSP_QUERY_VOLUME, query_volume)       \
    X(LT_FSP_SET_VOLUME, set_volume)           \
    X(LT_FSP_QUERY_DIRECTORY, query_directory) \
    X(LT_FSP_FILE_SYSTEM_CONTROL, fs_control)  \
    X(LT_FSP_DEVICE_CONTROL, device_control)   \
    X(LT_FSP_QUERY_SECURITY, query_security)   \
    X(LT_FSP_SET_SECURITY, set_security)       \
    X(LT_FSP_QUERY_STREAMS, query_streams)
#define FSP_HANDLER(KIND, name) int32_t fsp_##name(struct call *c);
FSP_HANDLERS(FSP_HANDLER)
#undef FSP_HANDLER

/* ---- files.c ----------------------------------------------------------------------------------
 */

/* A new opening in the table; takes `file` over where it succeeds. LT_ENOMEM. */
int fsp_files_add(struct lt_winfsp *v, struct fsp_file *file);
/* With a reference, or NULL. */
struct fsp_file *fsp_files_get(struct lt_winfsp *v, uint64_t user2);
void fsp_files_remove(struct lt_winfsp *v, struct fsp_file *file);
void fsp_file_put(struct fsp_file *file); /* the last one closes the node */

/* ---- name.c: from a path of NT to one of ours, and back ---------------------------------------
 */

#define FSP_PATH_MAX (3 * 16384u)

/* A backslash path into UTF-8 with '/', which begins it and ends none but the root's: forbidden
 * characters come back from U+F000 + c. Without the stream. 0; LT_EILSEQ (surrogates),
 * LT_ENAMETOOLONG, LT_EINVAL (a component that cannot be a name; the last one with a backslash
 * behind it). */
int fsp_name_to_path(const struct lt_winfsp *v, struct lt_wide name, char *ret, size_t size);
/* One component or the name of a stream, with a NUL. Returns the bytes, or errors as above. */
int fsp_name_to_utf8(const struct lt_winfsp *v, struct lt_wide name, char *ret, size_t size);
/* One component, the other way. Returns the units; LT_ENAMETOOLONG, or LT_EINVAL for what Windows
 * cannot be shown: '/', NUL, and without posix_names the forbidden characters. */
int fsp_name_from_utf8(const struct lt_winfsp *v, struct lt_str name, uint16_t *ret, size_t max);

struct fsp_found {
    struct lt_node *parent;     /* directory of the last component, with a reference; NULL: root */
    struct lt_entry entry;      /* what is there; node NULL: nothing */
    char last[LT_NAME_MAX + 1]; /* the last component as given */
    char stored[LT_NAME_MAX + 1]; /* as stored, where there is something */
    size_t reparse_end;           /* a reparse point on the way: units of the name up to its end */
};

/* Walks: LT_STATUS_SUCCESS (also if the last component is not there), OBJECT_PATH_NOT_FOUND,
 * NOT_A_DIRECTORY, REPARSE with reparse_end, ACCESS_DENIED (traverse). */
int32_t fsp_walk(struct call *c, const char *path, bool open_reparse, struct fsp_found *ret);
void fsp_found_drop(struct fsp_found *found);

/* ---- attr.c -----------------------------------------------------------------------------------
 */

/* The attributes of an opening as the protocol has them. */
int fsp_file_info(struct call *c, const struct fsp_file *file, struct lt_fsp_file_info *ret);
void fsp_info_from_attr(const struct lt_winfsp *v, const struct lt_attr *attr,
                        struct lt_fsp_file_info *ret);

/* ---- security.c -------------------------------------------------------------------------------
 */

/* The descriptor of a node: the stored one, or one made of owner and mode. malloc'd. */
int fsp_security_of(struct call *c, struct lt_node *node, const struct lt_attr *attr, char **ret,
                    size_t *ret_len);

/* ---- What else the files give each other -------------------------------------------------------
 */

/* dir.c: frees what a listing keeps. NULL is ignored. */
void fsp_listing_free(struct fsp_listing *listing);

/* ea.c: a list as it comes from the driver, for lt_node_ea_set(): malloc'd, its texts lie in
 * `data`; NULL and 0 for an empty one. INVALID_EA_NAME, EA_LIST_INCONSISTENT,
 * INSUFFICIENT_RESOURCES. */
int32_t fsp_ea_decode(struct lt_str data, struct lt_ea **ret, size_t *ret_count);

/* reparse.c: the data of a reparse point, that of a file that POSIX made - a symbolic link, a
 * device, a pipe - included. Returns its length; LT_ENODATA, LT_ERANGE. */
int fsp_reparse_get(struct call *c, struct lt_node *node, void *buf, size_t size);

/* reparse.c: turns the file at a name into the reparse point that `data` describes. */
int32_t fsp_reparse_set(struct call *c, struct lt_node *node, struct lt_node *dir, const char *name,
                        struct lt_str data);

/* resolve.c: the answer to a Create that met a reparse point: fsp_walk() has found it, and it ends
 * at unit `end` of the request's name. LT_STATUS_REPARSE and the response filled, or an error. */
int32_t fsp_reparse_answer(struct call *c, size_t end);

/* notify.c: what others change becomes known to the driver. LT_ENOMEM. Stopping what was not
 * started does no harm. */
int fsp_notify_start(struct lt_winfsp *v);
void fsp_notify_stop(struct lt_winfsp *v);

#endif
