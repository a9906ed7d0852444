/* SPDX-License-Identifier: MIT */
/*
 * What the files of the simulated driver share.
 *
 * A program's call becomes requests of struct drv_call: built, sent, waited for and checked by
 * driver.c, which knows nothing of files. A file node (fcb.c) is there once for each name that
 * is open; a handle (struct nt_file) refers to one. The other files are one group of calls each.
 *
 * Locks, in this order:
 *   volume.names  exclusive for renames; shared for whatever looks a name up or sends one
 *   node.lock     exclusive for what changes data, sizes or attributes; shared for what reads them
 *   volume.table  the file nodes, their counts and share modes
 *   file.dir
 *   node.locks, node.keep, volume.watch, volume.info  leaves
 *   volume.io     requests on their way
 */
#ifndef LT_TESTS_NT_DRIVER_H
#define LT_TESTS_NT_DRIVER_H

#include "nt.h"

#include <os/os.h>
#include <stdalign.h>
#include <wire/fsp/message.h>

/* ---- Names: names.c ---------------------------------------------------------------------------
 */

/* A path of the volume, UTF-16: begins with a backslash, ends with none but the root's. */
struct drv_name {
    uint16_t *units; /* malloc'd */
    size_t len;
};

struct drv_parsed {
    struct drv_name name; /* with ":stream", but without ":$DATA" */
    size_t colon;         /* before the name of the stream; 0: none */
    bool is_data;         /* it said ":$DATA": no directory */
    bool trailing_backslash;
};

/* The name that `path` means, from `base` (NULL: the volume). Frees nothing of `base`. */
int32_t drv_name_parse(struct nt_volume *v, const struct drv_name *base, const uint16_t *path,
                       size_t len, struct drv_parsed *ret);
int32_t drv_name_copy(const uint16_t *units, size_t len, struct drv_name *ret);
void drv_name_free(struct drv_name *name);
bool drv_name_is_root(const struct drv_name *name);
/* Takes NT_DRIVE off; false for a path of another device. */
bool drv_name_strip(struct drv_name *name);
/* Units before the last backslash; 0 where the parent is the root. */
size_t drv_name_parent(const struct drv_name *name);
/* What a unit is compared by. */
uint16_t drv_name_fold(const struct nt_volume *v, uint16_t unit);
bool drv_name_equal(const struct nt_volume *v, const uint16_t *a, size_t a_len, const uint16_t *b,
                    size_t b_len);
/* Equal, or below: `name` goes on with a backslash or a colon behind `above`. */
bool drv_name_is_below(const struct nt_volume *v, const struct drv_name *name,
                       const struct drv_name *above);
/* UTF-8 of the program as UTF-16, malloc'd. LT_STATUS_OBJECT_NAME_INVALID, INSUFFICIENT_RESOURCES.
 */
int32_t drv_name_widen(const char *text, uint16_t **ret, size_t *ret_len);

/* Patterns of directories: pattern.c. */
bool drv_pattern_is_wild(const uint16_t *units, size_t len);
bool drv_pattern_matches(const struct nt_volume *v, const uint16_t *pattern, size_t pattern_len,
                         const uint16_t *name, size_t name_len);

/* ---- Requests: driver.c ------------------------------------------------------------------------
 */

struct drv_call {
    struct nt_volume *v;
    struct lt_fsp_out out;
    struct lt_fsp_req *req;
    struct lt_fsp_response rsp; /* once it was answered; points into `answer` */
    /* guarded by v->io: */
    struct drv_call *next;
    struct lt_cond cond;
    size_t answer_len;
    int32_t failed; /* without an answer: CANCELLED */
    bool done;
    alignas(8) uint8_t request[LT_FSP_REQ_MAX];
    alignas(8) uint8_t answer[LT_FSP_RSP_MAX];
};

void drv_call_begin(struct drv_call *c, struct nt_volume *v, uint32_t kind);
/* Puts the numbers of a handle in. */
void drv_call_of(struct drv_call *c, const struct nt_file *file);
/* Sends it and waits: the status of the response, which has been checked. */
int32_t drv_call(struct drv_call *c);

/* Something that the dispatcher did and may not do. */
void drv_fault(struct nt_volume *v, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- What the dispatcher maps: port.c ----------------------------------------------------------
 */

/* Memory of a program for the time of a request: a buffer of its own of that very length. */
struct drv_region {
    struct drv_region *next; /* guarded by v->io */
    uint64_t address;
    uint8_t *memory;
    size_t len;
    bool writable; /* by the dispatcher */
};

/* data NULL: zeros. LT_STATUS_INSUFFICIENT_RESOURCES. */
int32_t drv_region_open(struct nt_volume *v, const void *data, size_t len, struct drv_region *ret);
void drv_region_close(struct nt_volume *v, struct drv_region *region);

struct drv_token_handle {
    struct drv_token_handle *next; /* guarded by v->io */
    uint32_t handle;
    const struct lt_token *token;
};

/* On whose behalf this thread calls; LocalSystem by default. */
const struct lt_token *drv_token(void);
/* The token of this thread as a number for a request. */
uint64_t drv_token_open(struct nt_volume *v, struct drv_token_handle *handle);
void drv_token_close(struct nt_volume *v, struct drv_token_handle *handle);

/* ---- The volume --------------------------------------------------------------------------------
 */

struct drv_port {
    struct lt_winfsp_port port;
    struct nt_volume *v;
    int fd;
    atomic_bool stopped;
};

struct nt_volume {
    struct lt_fs *fs; /* of the dispatcher; NULL where a test answers by itself */
    struct lt_winfsp *dispatcher;
    struct lt_fsp_volume_params params; /* immutable, with the driver's defaults */
    uint32_t unit;                      /* bytes of allocation */
    bool check_every;
    unsigned batch;
    void (*fault)(void *arg, const char *text);
    void *fault_arg;
    atomic_uint refs; /* the mount and each handle */

    struct lt_rwlock names;
    struct lt_mutex table;
    struct drv_node *nodes GUARDED_BY(table);
    struct lt_mutex watch; /* leaf */
    struct drv_watch *watches GUARDED_BY(watch);
    struct lt_mutex info; /* leaf */
    struct lt_fsp_volume_info volume_info GUARDED_BY(info);
    uint64_t volume_info_until GUARDED_BY(info); /* lt_clock_ns() */

    struct lt_mutex io;
    struct drv_call *waiting GUARDED_BY(io);
    struct drv_region *regions GUARDED_BY(io);
    struct drv_token_handle *tokens GUARDED_BY(io);
    uint64_t next_hint GUARDED_BY(io);
    uint64_t next_address GUARDED_BY(io);
    uint32_t next_token GUARDED_BY(io);
    uint64_t counts[LT_FSP_KIND_END] GUARDED_BY(io);
    bool ended GUARDED_BY(io); /* unmounted: every request is CANCELLED */
    int fd;                    /* our end of the pair */
    struct lt_thread *reader;
    struct drv_port *port; /* until the dispatcher closes it */
};

struct drv_options {
    bool check_every;
    unsigned batch;                             /* requests that one transact may take; 0: 1 */
    void (*fault)(void *arg, const char *text); /* NULL: says it and aborts */
    void *fault_arg;
};

/* A volume whose dispatcher is yet to start; *ret_port is for it. */
int drv_volume_new(const struct lt_fsp_volume_params *params, const struct drv_options *options,
                   struct nt_volume **ret, struct lt_winfsp_port **ret_port);
/* Cancels everything; returns how many requests were waiting. */
int drv_volume_end(struct nt_volume *v);
void drv_volume_put(struct nt_volume *v);
int drv_port_new(struct nt_volume *v, int fd, struct drv_port **ret);

/* ---- File nodes: fcb.c ------------------------------------------------------------------------
 */

/* Who has a file open for what (IoCheckShareAccess). */
struct drv_share {
    unsigned open, readers, writers, deleters, shared_read, shared_write, shared_delete;
};

/* What the driver keeps of a file until it expires. */
struct drv_kept {
    void *bytes; /* malloc'd */
    size_t len;
    uint64_t until; /* lt_clock_ns(); 0: nothing is kept */
};

enum {
    DRV_KEEP_INFO,
    DRV_KEEP_SECURITY,
    DRV_KEEP_DIR,
    DRV_KEEP_STREAMS,
    DRV_KEEP_EA,
    DRV_KEEP_END
};

struct drv_node {
    struct nt_volume *v;
    struct drv_name name;  /* changes with `names` and `table` held: either is enough to read it */
    size_t colon;          /* of a stream; 0: none */
    bool is_root, is_dir;  /* immutable */
    uint64_t user;         /* immutable */
    struct drv_node *main; /* of a stream, with a reference; immutable */

    /* table: */
    struct drv_node *next;
    unsigned refs;    /* handles and sections, and streams of it */
    unsigned handles; /* that are not yet cleaned up */
    unsigned opens;   /* that are not yet closed */
    bool listed;      /* to be found by its name */
    struct drv_share share;
    unsigned stream_deny_delete; /* of a main file: handles of its streams that do not share it */
    unsigned main_deny_delete;   /* of a main file: handles with DELETE */
    bool delete_pending, posix_delete;
    uint64_t size, allocation; /* as last heard: the best guess where nothing is kept */
    bool truncate_on_close;    /* the last Cleanup gives back what was allocated ahead */
    unsigned images, sections; /* mapped as a program; mapped at all */
    uint64_t mapped;           /* bytes that a section covers */

    struct lt_rwlock lock;
    struct lt_mutex keep;
    struct drv_kept kept[DRV_KEEP_END]; /* keep */
    struct lt_mutex locks;
    struct drv_range *ranges; /* locks */
    struct lt_cond unlocked;
};

/* A file object: a handle refers to it, and sections made from the handle. */
struct nt_file {
    struct nt_volume *v;
    struct drv_node *node;
    struct nt_file *main; /* of a stream: its file, held open */
    uint64_t user2;
    uint32_t access, share, options;
    bool delete_on_close;
    bool closed; /* the handle is: no call may come any more */
    atomic_uint refs;

    /* node->lock: */
    bool posix_delete; /* it is this handle whose close removes the name */
    bool modified, set_metadata, set_security, set_attributes;
    bool set_access_time, set_write_time, set_change_time;
    int32_t disposition; /* the status of the last try to delete it */
    uint64_t position;

    struct lt_mutex dir;
    struct drv_listing *listing; /* dir */
    uint32_t ea_index;           /* dir */
    struct drv_watch *watch;     /* dir */
};

/* A successful Create as it arrived. */
struct drv_opened {
    const struct lt_fsp_rsp *rsp;
    size_t colon; /* of the name */
};

/* Makes `file` one of the openings of `name`, which it takes over where it succeeds.
 * DELETE_PENDING, SHARING_VIOLATION, INSUFFICIENT_RESOURCES. `extra` is access that counts for the
 * check only. */
int32_t drv_node_open(struct nt_file *file, struct drv_name *name, const struct drv_opened *opened,
                      uint32_t extra);
/* The end of a handle: it no longer excludes others. `gone`: its name was removed. */
void drv_node_cleanup(struct nt_file *file, bool gone);
/* The end of a file object. */
void drv_node_close(struct nt_file *file);
/* Its file was overwritten: streams that are open are as good as deleted. */
void drv_streams_overwritten(struct drv_node *node);
/* The node of this name, with a reference, or NULL. */
/* The size as last heard. */
uint64_t drv_node_size(struct drv_node *node);
bool drv_node_delete_pending(struct drv_node *node);
struct drv_node *drv_node_find(struct nt_volume *v, const struct drv_name *name);
void drv_node_put(struct drv_node *node);

/* ---- What is kept: keep.c ----------------------------------------------------------------------
 */

/* Keeps a copy for as long as the volume allows; NULL forgets. */
void drv_keep(struct drv_node *node, unsigned what, const void *bytes, size_t len);
/* Whether something is kept: up to `size` bytes of it into buf, its length in *ret. */
bool drv_kept(struct drv_node *node, unsigned what, void *buf, size_t size, size_t *ret);
/* The directory that `name` is in has changed. */
void drv_forget_parent(struct nt_volume *v, const struct drv_name *name);
/* `truncate`: the driver asked for what it says of sizes, and may have to take it back. */
void drv_keep_info(struct drv_node *node, const struct lt_fsp_file_info *info, bool truncate);
/* What a Create said, unless the file is open already: then it may be late. */
void drv_keep_opened(struct drv_node *node, const struct lt_fsp_file_info *info,
                     struct lt_str security, bool created);

/* ---- Creation: create.c, close.c ----------------------------------------------------------------
 */

/* The Close of something that was opened but may not stay. */
void drv_post_close(struct nt_volume *v, uint64_t user, uint64_t user2);
void drv_file_put(struct nt_file *file);
/* Opens the directory that `name` (of how->at, or of the volume) is to be in. */
int32_t drv_create_target(struct nt_volume *v, struct nt_create *how, const struct drv_name *name,
                          struct nt_file **ret);
/* nt_close() with `names` held. */
int32_t drv_close_locked(struct nt_file *file);

/* Where a REPARSE leads: a name of the volume in *ret, or none if it is not for the I/O manager to
 * follow. */
int32_t drv_reparse(struct nt_volume *v, const struct lt_fsp_response *rsp, struct drv_name *ret);

/* ---- Sections: section.c -----------------------------------------------------------------------
 */

/* Whether a section covers something behind `size`; whether one is a running program. */
bool drv_mapped_beyond(struct drv_node *node, uint64_t size);
bool drv_is_image(struct drv_node *node);

/* ---- Changes: notify.c -------------------------------------------------------------------------
 */

/* FILE_NOTIFY_CHANGE_... and FILE_ACTION_... (MS-FSCC 2.7.1, MS-SMB2 2.2.35). */
enum {
    DRV_CHANGED_FILE_NAME = 0x1,
    DRV_CHANGED_DIR_NAME = 0x2,
    DRV_CHANGED_NAME = 0x3, /* either, as the node is */
    DRV_CHANGED_ATTRIBUTES = 0x4,
    DRV_CHANGED_SIZE = 0x8,
    DRV_CHANGED_WRITE = 0x10,
    DRV_CHANGED_ACCESS = 0x20,
    DRV_CHANGED_CREATION = 0x40,
    DRV_CHANGED_EA = 0x80,
    DRV_CHANGED_SECURITY = 0x100,
    DRV_CHANGED_STREAM_NAME = 0x200,
    DRV_CHANGED_STREAM_SIZE = 0x400,
    DRV_CHANGED_STREAM_WRITE = 0x800
};

enum {
    DRV_ACTION_ADDED = 1,
    DRV_ACTION_REMOVED = 2,
    DRV_ACTION_MODIFIED = 3,
    DRV_ACTION_RENAMED_OLD = 4,
    DRV_ACTION_RENAMED_NEW = 5,
    DRV_ACTION_ADDED_STREAM = 6,
    DRV_ACTION_REMOVED_STREAM = 7,
    DRV_ACTION_MODIFIED_STREAM = 8
};

/* Tells those who watch; what is kept of the parent's listing goes. */
void drv_changed(struct drv_node *node, uint32_t filter, uint32_t action);
/* Changes that a file system of the dispatcher saw: entries of struct lt_fsp_notify_info. */
int drv_notify(struct nt_volume *v, const void *entries, size_t len);
/* The end of a handle that may have watched. */
void drv_watch_end(struct nt_file *file);
/* The directory is going. */
void drv_watch_deleted(struct drv_node *node);

/* ---- Others ------------------------------------------------------------------------------------
 */

/* What is kept of the space of the volume. */
void drv_volume_info_keep(struct nt_volume *v, const struct lt_fsp_volume_info *info);
/* FsRtlValidateReparsePointBuffer. */
int32_t drv_reparse_check(struct lt_str data);
/* FSCTL_SET_REPARSE_POINT and its two relatives. */
int32_t drv_reparse_control(struct nt_file *file, uint32_t code, struct lt_str in, void *out,
                            size_t size, size_t *ret);
/* The attributes of an open file: kept ones, or the dispatcher's. */
int32_t drv_query_info(struct nt_file *file, struct lt_fsp_file_info *ret);
/* Whether a FILE_INFO can be true; a fault if not. */
bool drv_check_info(struct nt_volume *v, const char *where, const struct lt_fsp_file_info *info);
uint64_t drv_round_up(const struct nt_volume *v, uint64_t size);
uint16_t drv_upcase(uint16_t unit);
int32_t drv_rename(struct nt_file *file, unsigned info_class, const void *buf, size_t len);
/* The form of an EA list, and its names: EA_LIST_INCONSISTENT, INVALID_EA_NAME. */
int32_t drv_ea_check(struct lt_str list);
/* Whether this handle may read or write these bytes. */
bool drv_range_allows(struct nt_file *file, uint64_t offset, uint64_t len, bool write);
void drv_ranges_end(struct nt_file *file);
/* What a handle's listing holds. */
void drv_listing_free(struct nt_file *file);

#endif
