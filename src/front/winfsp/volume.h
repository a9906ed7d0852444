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
 * the opening. `user2` is a slot with a generation, never a pointer: a request with an old number,
 * or whose two numbers do not belong together, answers LT_STATUS_INVALID_HANDLE.
 *
 * Locks: a hold (guard.c) on each directory whose names a request looks up and changes in several
 * steps, and on a file whose streams it does; then the lock of one file; then the mutexes inside
 * files.c and guard.c, which are leaves. A hold may be kept across calls to the file system.
 */
#ifndef LT_FRONT_WINFSP_VOLUME_H
#define LT_FRONT_WINFSP_VOLUME_H

#include <lintel/path.h>
#include <lintel/security.h>
#include <lintel/winfsp.h>
#include <os/os.h>
#include <wire/fsp/message.h>
#include <wire/fsp/status.h>

/* One opening. What its name is now, after renames, only the driver knows: requests that need it
 * bring it along. */
struct fsp_file {
    struct lt_node *node;   /* what is open: the stream where `stream` is set */
    struct lt_node *owner;  /* the file of the stream; else the node once more */
    struct lt_node *parent; /* of the name it was opened by; NULL: the root */
    char *name;             /* last component as stored, malloc'd, UTF-8; "" for the root */
    char *stream;           /* name of the stream, or NULL */
    uint32_t granted;       /* access */
    uint32_t options;       /* LT_FILE_... */
    uint32_t open_flags;    /* LT_OPEN_... given to lt_node_open() */
    uint32_t uid, gid, pid; /* who opened it: on whose behalf requests without a token run */
    struct lt_token
        *giver;          /* of an opening that may set the owner: who has to be allowed to give */
    bool is_dir;         /* immutable, as all above */
    atomic_bool removed; /* its name is gone: Cleanup with Delete */

    struct lt_mutex lock;
    struct fsp_listing *listing GUARDED_BY(lock); /* dir.c; freed by fsp_listing_free() */
    uint64_t user, user2;                         /* its numbers; immutable */
    atomic_uint refs;
};

static inline bool fsp_has_data(const struct fsp_file *file)
{
    return file->node->type == LT_S_IFREG || file->node->type == LT_S_STREAM;
}

struct lt_winfsp {
    struct lt_fs *fs;
    struct lt_volume volume;             /* immutable */
    struct lt_winfsp_options options;    /* immutable; strings are copies */
    struct lt_fsp_volume_params *params; /* immutable */
    uint32_t unit;                       /* immutable: bytes in which space is handed out */
    bool fold;                           /* immutable: names are found without regard to case */
    struct lt_winfsp_port *port;
    struct lt_str root_security; /* immutable; malloc'd */
    struct fsp_files *files;
    struct fsp_guard *guard;
    struct fsp_folder *folder; /* case.c; NULL unless a case-sensitive volume is to fold */
    struct fsp_worker *workers;
    unsigned worker_count;
    struct fsp_notifier *notifier;

    struct lt_mutex end_lock;
    struct lt_cond end_cond;
    unsigned running GUARDED_BY(end_lock); /* workers that have not ended */
    int end_reason GUARDED_BY(end_lock);
};

#define FSP_GROUPS_MAX 64u /* groups of a caller that a file system hears of */

struct call {
    struct lt_winfsp *v;
    struct lt_fsp_request in;
    struct lt_fsp_out out;
    struct lt_fsp_rsp *rsp; /* in `out` */
    struct fsp_file *file;  /* of the contexts, with a reference; NULL for Create and volumes */
    struct lt_token *token; /* who asks: see fsp_call_token() */
    struct lt_ctx ctx;      /* the same as a POSIX caller; without a token, who opened the file */
    uint32_t groups[FSP_GROUPS_MAX];
};

/* Fills c->token and c->ctx from the token of a Create or rename. Freed with the call. A status. */
int32_t fsp_call_token(struct call *c, uint64_t token);

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

int fsp_files_new(struct fsp_files **ret);
/* Gives the table's references back and frees it. */
void fsp_files_free(struct fsp_files *files);
/* A new opening in the table, which has a reference of its own from then on: fills its numbers.
 * LT_ENOMEM. */
int fsp_files_add(struct lt_winfsp *v, struct fsp_file *file);
/* With a reference, or NULL. */
struct fsp_file *fsp_files_get(struct lt_winfsp *v, uint64_t user2);
/* Takes it out of the table and gives the table's reference back. */
void fsp_files_remove(struct lt_winfsp *v, struct fsp_file *file);
/* How many openings there are. */
size_t fsp_files_count(struct lt_winfsp *v);
/* Whether a stream of this file is open by anybody: looks at all of them. */
bool fsp_files_stream_open(struct lt_winfsp *v, const struct lt_node *owner, const char *stream);
void fsp_file_put(struct fsp_file *file); /* the last one closes the node */

/* ---- guard.c: one change at a time per directory -----------------------------------------------
 */

/* On the stack of who holds. */
struct fsp_hold {
    uint64_t ids[2]; /* of the nodes whose names are looked at or changed; 0: none */
    bool exclusive;
    struct fsp_hold *next;
};

int fsp_guard_new(struct fsp_guard **ret);
void fsp_guard_free(struct fsp_guard *guard);
/* Waits until nobody who came before holds one of the nodes in a way that conflicts. `a` and `b`
 * may be NULL or the same. Nobody who holds takes a second hold. */
void fsp_hold(struct lt_winfsp *v, struct fsp_hold *hold, const struct lt_node *a,
              const struct lt_node *b, bool exclusive);
void fsp_release(struct lt_winfsp *v, struct fsp_hold *hold);

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

#define FSP_FULL_MAX (LT_FSP_PATH_MAX / 2)

struct fsp_found {
    struct lt_node *parent;     /* directory of the last component, with a reference; NULL: root */
    struct lt_entry entry;      /* what is there, with a reference; node NULL: nothing */
    char last[LT_NAME_MAX + 1]; /* the last component as given; "" for the root */
    char stored[LT_NAME_MAX + 1]; /* as stored, where there is something; else as given */
    size_t reparse_end; /* a reparse point on the way: units of the name up to its end. `entry` is
                           the reparse point then */
    /* Where names are found without regard to case: the path as stored, in units of NT; 0: longer
     * than a response can have. */
    uint16_t full[FSP_FULL_MAX];
    size_t full_units;
};

/*
 * Walks a path of fsp_name_to_path(): LT_STATUS_SUCCESS (also if the last component is not there:
 * entry.node is NULL), OBJECT_PATH_NOT_FOUND, NOT_A_DIRECTORY (a component on the way is a file),
 * REPARSE with reparse_end (only of a component on the way: what the last one is, its attributes
 * say), ACCESS_DENIED (traverse, for a caller without the privilege), or that of an error. To be
 * dropped in each case.
 */
int32_t fsp_walk(struct call *c, const char *path, struct fsp_found *ret);
void fsp_found_drop(struct fsp_found *found);
/* What the last component is now, under a hold of its directory, in place of what the walk saw.
 * An error other than LT_ENOENT. */
int fsp_found_again(struct call *c, struct fsp_found *found);

/* Makes the directory of the last component what was found: its attributes are not filled, nor is
 * its name. */
int fsp_found_up(struct call *c, struct fsp_found *found);

/* One component in a directory, as the volume finds names: entry->stored is set (LT_NAME_MAX + 1
 * bytes) in and filled. */
int fsp_lookup(struct call *c, struct lt_node *dir, struct lt_str name, struct lt_entry *ret);

/* ---- case.c: names without regard to case on a volume that has it -------------------------------
 */

int fsp_folder_new(struct lt_winfsp *v, struct fsp_folder **ret);
void fsp_folder_free(struct fsp_folder *folder);
/* The stored name that `name` means in `dir`, which has not got it as it is: into ret, of
 * LT_NAME_MAX
 * + 1 bytes. LT_ENOENT. */
int fsp_folder_find(struct call *c, struct lt_node *dir, struct lt_str name, char *ret);

/* ---- attr.c -----------------------------------------------------------------------------------
 */

/* The attributes of an opening as the protocol has them. */
int fsp_file_info(struct call *c, const struct fsp_file *file, struct lt_fsp_file_info *ret);
/* Of attributes that one has already: of file->node, after a write or a setattr. */
void fsp_file_info_from(struct lt_winfsp *v, const struct fsp_file *file,
                        const struct lt_attr *attr, struct lt_fsp_file_info *ret);
void fsp_info_from_attr(const struct lt_winfsp *v, const struct lt_attr *attr,
                        struct lt_fsp_file_info *ret);

/* Whether Windows sees a reparse point: one that is stored, or a symbolic link, FIFO, socket or
 * device of POSIX; and its tag (0: none). */
uint32_t fsp_reparse_tag(const struct lt_attr *attr);
static inline bool fsp_is_reparse(const struct lt_attr *attr)
{
    return fsp_reparse_tag(attr) != 0;
}
/* LT_WIN_..., with DIRECTORY and REPARSE_POINT, without NORMAL. On a volume that does not store
 * them READONLY is a file that nobody may write. */
uint32_t fsp_win_attrs(const struct lt_winfsp *v, const struct lt_attr *attr);
/* What sets the attributes to these, added to `set`. LT_EOPNOTSUPP: the volume does not store them
 * (it has READONLY; ARCHIVE and others without a meaning are passed over), and *set is as it was.
 */
int fsp_win_attrs_set(const struct lt_winfsp *v, const struct lt_attr *attr, uint32_t win_attrs,
                      struct lt_setattr *set);

/* ---- security.c -------------------------------------------------------------------------------
 */

/* The descriptor of a node (the file, of a stream): the stored one, or one made of owner and mode.
 * malloc'd. */
int fsp_security_of(struct call *c, struct lt_node *node, const struct lt_attr *attr, char **ret,
                    size_t *ret_len);
/* Checks access to a node for the caller of a Create or rename; *ret (or NULL): what is granted. A
 * caller in kernel mode gets all that it wants. A status. */
int32_t fsp_access(struct call *c, struct lt_node *node, const struct lt_attr *attr,
                   uint32_t desired, uint32_t *ret);

/* ---- What else the files give each other -------------------------------------------------------
 */

/* dir.c: frees what a listing keeps. NULL is ignored. */
void fsp_listing_free(struct fsp_listing *listing);

/* rename.c: SetInformation's rename; `flags` are LT_RENAME_REPLACE, POSIX, IGNORE_READONLY. */
int32_t fsp_rename(struct call *c, uint32_t flags);

/* ea.c: a list as it comes from the driver, for lt_node_ea_set(): malloc'd, its texts lie in
 * `data`; NULL and 0 for an empty one. INVALID_EA_NAME, EA_LIST_INCONSISTENT,
 * INSUFFICIENT_RESOURCES. */
int32_t fsp_ea_decode(struct lt_str data, struct lt_ea **ret, size_t *ret_count);

/* reparse.c: the data of a reparse point, that of a file that POSIX made - a symbolic link, a
 * device, a pipe - included. Returns its length; LT_ENODATA, LT_ERANGE. */
int fsp_reparse_get(struct call *c, struct lt_node *node, void *buf, size_t size);

/* reparse.c: turns the file at a name into the reparse point that `data` describes. A volume that
 * stores no reparse data gets a special file of POSIX in its place, and `node` loses its name; dir
 * and name are only used there, and held. */
int32_t fsp_reparse_set(struct call *c, struct lt_node *node, struct lt_node *dir, const char *name,
                        struct lt_str data);

/* reparse.c: what to make on a volume that stores no reparse data instead of a file with `data`, of
 * which lt_reparse_check() thinks well: mode, numbers, target (into `target`, LT_PATH_MAX bytes).
 * IO_REPARSE_DATA_INVALID; NOT_SUPPORTED for what POSIX has not. */
int32_t fsp_reparse_spec(struct call *c, struct lt_str data, struct lt_create *spec, char *target);

/* resolve.c: the answer to a Create whose name has a reparse point on the way, or is one that is to
 * be followed. LT_STATUS_REPARSE and the response filled, or an error. */
int32_t fsp_resolve(struct call *c);

/* notify.c: what others change becomes known to the driver. LT_ENOMEM. Stopping what was not
 * started does no harm. */
int fsp_notify_start(struct lt_winfsp *v);
void fsp_notify_stop(struct lt_winfsp *v);

#endif
