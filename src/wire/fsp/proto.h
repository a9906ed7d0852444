/* SPDX-License-Identifier: MIT */
/*
 * The requests and responses that the WinFsp driver exchanges with a user-mode file
 * system (FSP_FSCTL_TRANSACT), as structs of our own.
 *
 * Both ends live on one machine; Windows is little-endian, and so are all machines that
 * this is built for. A message begins 8-byte aligned. Its fixed part is followed by a
 * variable part at LT_FSP_REQ_HEADER or LT_FSP_RSP_HEADER, into which struct lt_fsp_buf
 * points. Bit-fields of the protocol are plain integers with named bits here: compilers
 * disagree about the others.
 *
 * Sources: winfsp/fsctl.h (offsets, sizes and numbers are facts of the protocol), MS-FSCC
 * for the file information, [MS-ERREF] 2.3 for NTSTATUS.
 */
#ifndef LT_WIRE_FSP_PROTO_H
#define LT_WIRE_FSP_PROTO_H

#include <assert.h>
#include <lintel/security.h>
#include <stddef.h>
#include <stdint.h>

#define LT_FSP_LAYOUT(type, size) \
    static_assert(sizeof(struct type) == (size), #type " has the protocol's size")
#define LT_FSP_AT(type, member, offset) \
    static_assert(offsetof(struct type, member) == (offset), #type "." #member)

#define LT_FSP_REQ_HEADER 88u      /* bytes before the variable part of a request */
#define LT_FSP_RSP_HEADER 128u     /* and of a response */
#define LT_FSP_REQ_MAX 16320u      /* bytes of a whole request */
#define LT_FSP_RSP_MAX 16384u      /* and of a response */
#define LT_FSP_ALIGN 8u            /* of each message in a batch */
#define LT_FSP_BATCH_MIN 65536u    /* smallest buffer for a batch of requests */
#define LT_FSP_PATH_MAX 2048u      /* bytes of the normalized name that an open may return */
#define LT_FSP_CONTROL_MAX 4096u   /* bytes of either buffer of a device control */
#define LT_FSP_SECURITY_MAX 16256u /* bytes of a descriptor in a response */

enum lt_fsp_kind {
    LT_FSP_RESERVED = 0,
    LT_FSP_CREATE = 1,
    LT_FSP_OVERWRITE = 2,
    LT_FSP_CLEANUP = 3,
    LT_FSP_CLOSE = 4,
    LT_FSP_READ = 5,
    LT_FSP_WRITE = 6,
    LT_FSP_QUERY_INFORMATION = 7,
    LT_FSP_SET_INFORMATION = 8,
    LT_FSP_QUERY_EA = 9,
    LT_FSP_SET_EA = 10,
    LT_FSP_FLUSH_BUFFERS = 11,
    LT_FSP_QUERY_VOLUME = 12,
    LT_FSP_SET_VOLUME = 13,
    LT_FSP_QUERY_DIRECTORY = 14,
    LT_FSP_FILE_SYSTEM_CONTROL = 15,
    LT_FSP_DEVICE_CONTROL = 16,
    LT_FSP_SHUTDOWN = 17,
    LT_FSP_LOCK_CONTROL = 18,
    LT_FSP_QUERY_SECURITY = 19,
    LT_FSP_SET_SECURITY = 20,
    LT_FSP_QUERY_STREAMS = 21,
    LT_FSP_KIND_END = 22
};

/* A piece of the variable part: `size` bytes at `offset` behind its start. Size 0: absent. In
 * requests every text is UTF-16 with a NUL that counts (sys/iop.c, dirctl.c, fileinfo.c,
 * volinfo.c); in responses there is none. */
struct lt_fsp_buf {
    uint16_t offset, size;
};

/* ---- Numbers of NT that the protocol carries ----------------------------------------------- */

/* Access rights (MS-DTYP 2.4.3, MS-FSCC; winnt.h). */
enum {
    LT_FILE_READ_DATA = 0x1,
    LT_FILE_WRITE_DATA = 0x2,
    LT_FILE_APPEND_DATA = 0x4,
    LT_FILE_READ_EA = 0x8,
    LT_FILE_WRITE_EA = 0x10,
    LT_FILE_EXECUTE = 0x20,
    LT_FILE_DELETE_CHILD = 0x40,
    LT_FILE_READ_ATTRIBUTES = 0x80,
    LT_FILE_WRITE_ATTRIBUTES = 0x100,
    LT_FILE_LIST_DIRECTORY = LT_FILE_READ_DATA,
    LT_FILE_ADD_FILE = LT_FILE_WRITE_DATA,
    LT_FILE_ADD_SUBDIRECTORY = LT_FILE_APPEND_DATA,
    LT_FILE_TRAVERSE = LT_FILE_EXECUTE
};

/* CreateOptions; the disposition is in its top 8 bits. */
enum {
    LT_FILE_DIRECTORY_FILE = 0x1,
    LT_FILE_WRITE_THROUGH = 0x2,
    LT_FILE_SEQUENTIAL_ONLY = 0x4,
    LT_FILE_NO_INTERMEDIATE_BUFFERING = 0x8,
    LT_FILE_NON_DIRECTORY_FILE = 0x40,
    LT_FILE_NO_EA_KNOWLEDGE = 0x200,
    LT_FILE_RANDOM_ACCESS = 0x800,
    LT_FILE_DELETE_ON_CLOSE = 0x1000,
    LT_FILE_OPEN_BY_FILE_ID = 0x2000,
    LT_FILE_OPEN_FOR_BACKUP_INTENT = 0x4000,
    LT_FILE_OPEN_REPARSE_POINT = 0x200000,
    LT_FILE_OPTIONS_MASK = 0xffffff
};
#define LT_FSP_DISPOSITION(options) ((options) >> 24)

enum lt_fsp_disposition {
    LT_FILE_SUPERSEDE = 0,
    LT_FILE_OPEN = 1,
    LT_FILE_CREATE = 2,
    LT_FILE_OPEN_IF = 3,
    LT_FILE_OVERWRITE = 4,
    LT_FILE_OVERWRITE_IF = 5
};

/* IoStatus.Information of a successful Create. */
enum lt_fsp_result {
    LT_FILE_SUPERSEDED = 0,
    LT_FILE_OPENED = 1,
    LT_FILE_CREATED = 2,
    LT_FILE_OVERWRITTEN = 3,
    LT_FILE_EXISTS = 4, /* OpenTargetDirectory: what the last component names */
    LT_FILE_DOES_NOT_EXIST = 5
};

/* FileInformationClass of SetInformation (MS-FSCC 2.4). */
enum {
    LT_FSP_INFO_BASIC = 4,
    LT_FSP_INFO_RENAME = 10,
    LT_FSP_INFO_DISPOSITION = 13,
    LT_FSP_INFO_ALLOCATION = 19,
    LT_FSP_INFO_END_OF_FILE = 20,
    LT_FSP_INFO_DISPOSITION_EX = 64,
    LT_FSP_INFO_RENAME_EX = 65
};

enum {
    LT_DISPOSITION_DELETE = 0x1,
    LT_DISPOSITION_POSIX = 0x2,
    LT_DISPOSITION_FORCE_IMAGE_CHECK = 0x4,
    LT_DISPOSITION_ON_CLOSE = 0x8,
    LT_DISPOSITION_IGNORE_READONLY = 0x10
};

/* FileRenameInformation's ReplaceIfExists is bit 0 too. */
enum { LT_RENAME_REPLACE = 0x1, LT_RENAME_POSIX = 0x2, LT_RENAME_IGNORE_READONLY = 0x40 };

#define LT_FSP_ATTRS_KEEP UINT32_MAX /* INVALID_FILE_ATTRIBUTES: leave them as they are */

/* File-system controls (MS-FSCC 2.3). */
enum {
    LT_FSCTL_SET_REPARSE_POINT = 0x900a4,
    LT_FSCTL_GET_REPARSE_POINT = 0x900a8,
    LT_FSCTL_DELETE_REPARSE_POINT = 0x900ac
};

/* ---- What several messages carry ----------------------------------------------------------- */

/* Times are FILETIME: 100 ns since 1601-01-01 UTC. */
struct lt_fsp_file_info {
    uint32_t file_attributes, reparse_tag;
    uint64_t allocation_size, file_size;
    uint64_t creation_time, last_access_time, last_write_time, change_time;
    uint64_t index_number;
    uint32_t hard_links, ea_size;
};
LT_FSP_LAYOUT(lt_fsp_file_info, 72);
LT_FSP_AT(lt_fsp_file_info, index_number, 56);

struct lt_fsp_volume_info {
    uint64_t total_size, free_size;
    uint16_t label_length; /* bytes */
    uint16_t label[32];    /* UTF-16, no NUL */
    uint16_t padding[3];
};
LT_FSP_LAYOUT(lt_fsp_volume_info, 88);
LT_FSP_AT(lt_fsp_volume_info, label, 18);

/* Followed by the name, UTF-16 without NUL, up to `size`. Entries are 8-byte aligned, and the
 * padding of the last counts as well; a lone le16 0 behind it says that the directory ends
 * (FspFileSystem- AddDirInfo in dll/fsop.c). */
struct lt_fsp_dir_info {
    uint16_t size;
    uint16_t padding[3];
    struct lt_fsp_file_info info;
    uint64_t next_offset; /* of LT_FSP_VOLUME_MARKER_OFFSET */
    uint64_t padding2[2];
};
LT_FSP_LAYOUT(lt_fsp_dir_info, 104);
LT_FSP_AT(lt_fsp_dir_info, next_offset, 80);

/* Followed by the name; empty: the file's own data. Chained as above. */
struct lt_fsp_stream_info {
    uint16_t size;
    uint16_t padding[3];
    uint64_t stream_size, allocation_size;
};
LT_FSP_LAYOUT(lt_fsp_stream_info, 24);

/* Followed by the path, which begins with a backslash; one without is relative to the path before
 * it. No name: the end of the chain (sys/volume.c). */
struct lt_fsp_notify_info {
    uint16_t size;
    uint16_t padding;
    uint32_t filter, action;
};
LT_FSP_LAYOUT(lt_fsp_notify_info, 12);

/* ---- The volume ---------------------------------------------------------------------------- */

/* Bits of lt_fsp_volume_params.flags. */
enum {
    LT_FSP_VOLUME_CASE_SENSITIVE = 1u << 0,
    LT_FSP_VOLUME_CASE_PRESERVED = 1u << 1,
    LT_FSP_VOLUME_UNICODE = 1u << 2,
    LT_FSP_VOLUME_ACLS = 1u << 3,
    LT_FSP_VOLUME_REPARSE = 1u << 4,
    LT_FSP_VOLUME_REPARSE_PRIVILEGE = 1u << 5,
    LT_FSP_VOLUME_STREAMS = 1u << 6,
    LT_FSP_VOLUME_HARD_LINKS = 1u << 7,
    LT_FSP_VOLUME_EAS = 1u << 8,
    LT_FSP_VOLUME_READ_ONLY = 1u << 9,
    LT_FSP_VOLUME_CLEANUP_IF_MODIFIED = 1u << 10,
    LT_FSP_VOLUME_PASS_PATTERN = 1u << 11,
    LT_FSP_VOLUME_DOUBLE_BUFFER = 1u << 12,
    LT_FSP_VOLUME_PASS_NAME = 1u << 13, /* QueryDirectory of one name says PatternIsFileName */
    LT_FSP_VOLUME_FLUSH_AND_PURGE = 1u << 14,
    LT_FSP_VOLUME_DEVICE_CONTROL = 1u << 15,
    LT_FSP_VOLUME_CONTEXT2 = 1u << 16,
    LT_FSP_VOLUME_FULL_CONTEXT = 1u << 17,
    LT_FSP_VOLUME_NO_REPARSE_DIR_CHECK = 1u << 18,
    LT_FSP_VOLUME_ALLOW_KERNEL = 1u << 24,
    LT_FSP_VOLUME_EA_CASE = 1u << 25,
    LT_FSP_VOLUME_WSL = 1u << 26,
    LT_FSP_VOLUME_MARKER_OFFSET = 1u << 27, /* DirectoryMarkerAsNextOffset */
    LT_FSP_VOLUME_TRANSACT0 = 1u << 28,     /* no requests before a transact without buffers */
    LT_FSP_VOLUME_POSIX_UNLINK = 1u << 29,
    LT_FSP_VOLUME_DISPOSITION_IF_NEEDED = 1u << 30
};

struct lt_fsp_volume_params {
    uint16_t version; /* its size */
    uint16_t sector_size, sectors_per_unit, component_max;
    uint64_t created; /* FILETIME */
    uint32_t serial;
    uint32_t transact_timeout_ms, irp_timeout_ms, irp_capacity, file_info_timeout_ms;
    uint32_t flags;
    uint16_t prefix[192]; /* UTF-16 with NUL: \Server\Share */
    uint16_t fs_name[16];
    uint32_t valid; /* bits of the timeouts below, in their order */
    uint32_t volume_info_timeout_ms, dir_info_timeout_ms, security_timeout_ms,
        stream_info_timeout_ms, ea_timeout_ms;
    uint32_t fsext_control_code, reserved32;
    uint64_t reserved64[2];
};
LT_FSP_LAYOUT(lt_fsp_volume_params, 504);
LT_FSP_AT(lt_fsp_volume_params, transact_timeout_ms, 20);
LT_FSP_AT(lt_fsp_volume_params, flags, 36);
LT_FSP_AT(lt_fsp_volume_params, prefix, 40);
LT_FSP_AT(lt_fsp_volume_params, fs_name, 424);
LT_FSP_AT(lt_fsp_volume_params, valid, 456);
LT_FSP_AT(lt_fsp_volume_params, fsext_control_code, 480);

/* ---- Requests ------------------------------------------------------------------------------ */

/* What a request is about: numbers that the response to Create gave. */
struct lt_fsp_contexts {
    uint64_t user, user2;
};

/* Bits of lt_fsp_create_req.flags. */
enum {
    LT_FSP_CREATE_USER_MODE = 0x1,
    LT_FSP_CREATE_TRAVERSE = 0x2, /* the caller's token has SeChangeNotifyPrivilege */
    LT_FSP_CREATE_BACKUP = 0x4,   /* SeBackupPrivilege */
    LT_FSP_CREATE_RESTORE = 0x8,
    LT_FSP_CREATE_OPEN_TARGET = 0x10,
    LT_FSP_CREATE_CASE_SENSITIVE = 0x20,
    LT_FSP_CREATE_TRAILING_BACKSLASH = 0x40,
    LT_FSP_CREATE_ACCEPTS_SECURITY = 0x80,
    LT_FSP_CREATE_EA_IS_REPARSE = 0x100
};

struct lt_fsp_create_req {
    uint32_t options, file_attributes;
    struct lt_fsp_buf security;
    uint32_t reserved;
    uint64_t allocation_size;
    uint64_t token; /* low 32 bits: a handle in this process; high 32: the caller's process id */
    uint32_t desired_access, granted_access, share_access;
    struct lt_fsp_buf ea;
    uint32_t flags, reserved2;
    uint16_t named_stream; /* byte offset of the colon in the name; 0: none, or an empty one */
    uint16_t reserved3[3];
};
LT_FSP_LAYOUT(lt_fsp_create_req, 64);

struct lt_fsp_overwrite_req {
    struct lt_fsp_contexts of;
    uint32_t file_attributes, reserved;
    uint64_t allocation_size;
    uint32_t supersede; /* bit 0 */
    struct lt_fsp_buf ea;
};

/* Bits of lt_fsp_cleanup_req.flags. */
enum {
    LT_FSP_CLEANUP_DELETE = 0x1,
    LT_FSP_CLEANUP_ALLOCATION = 0x2,
    LT_FSP_CLEANUP_ARCHIVE = 0x4,
    LT_FSP_CLEANUP_ACCESS_TIME = 0x8,
    LT_FSP_CLEANUP_WRITE_TIME = 0x10,
    LT_FSP_CLEANUP_CHANGE_TIME = 0x20
};

struct lt_fsp_cleanup_req {
    struct lt_fsp_contexts of;
    uint32_t flags;
};

struct lt_fsp_read_req {
    struct lt_fsp_contexts of;
    uint64_t address; /* of the caller's buffer, in this process */
    uint64_t offset;
    uint32_t length, key;
};

#define LT_FSP_WRITE_APPEND UINT64_MAX /* offset: at the end of the file */

struct lt_fsp_write_req {
    struct lt_fsp_contexts of;
    uint64_t address;
    uint64_t offset;
    uint32_t length, key;
    uint32_t constrained; /* bit 0: never beyond the end of the file */
};

/* Times: 0 keeps one. */
struct lt_fsp_basic_info {
    uint32_t file_attributes, reserved;
    uint64_t creation_time, last_access_time, last_write_time, change_time;
};

struct lt_fsp_rename_info {
    struct lt_fsp_buf new_name;
    uint32_t reserved;
    uint64_t token; /* who asks; there only to replace something, else 0 (sys/fileinfo.c) */
    uint32_t flags; /* LT_RENAME_..., of FileRenameInformation too */
};

struct lt_fsp_set_information_req {
    struct lt_fsp_contexts of;
    uint32_t info_class, reserved;
    union {
        struct lt_fsp_basic_info basic;
        uint64_t size;        /* allocation, end of file */
        uint32_t disposition; /* LT_DISPOSITION_... */
        struct lt_fsp_rename_info rename;
    } info;
};

struct lt_fsp_set_ea_req {
    struct lt_fsp_contexts of;
    struct lt_fsp_buf ea;
};

struct lt_fsp_set_volume_req {
    uint32_t info_class; /* 2: FileFsLabelInformation */
    struct lt_fsp_buf label;
};

/* Bits of lt_fsp_query_directory_req.flags. */
enum { LT_FSP_QUERY_CASE_SENSITIVE = 0x1, LT_FSP_QUERY_IS_NAME = 0x2 };

struct lt_fsp_query_directory_req {
    struct lt_fsp_contexts of;
    uint64_t address;
    uint32_t length;
    struct lt_fsp_buf pattern, marker; /* the marker: a name, or 8 bytes, and the NUL */
    uint32_t flags;
};

struct lt_fsp_fs_control_req {
    struct lt_fsp_contexts of;
    uint32_t code;
    struct lt_fsp_buf buffer;
    uint16_t target_on_file_system; /* of a symbolic link that stays on the volume: where the path
                                       behind the volume begins in the target, in bytes */
};

struct lt_fsp_device_control_req {
    struct lt_fsp_contexts of;
    uint32_t code;
    struct lt_fsp_buf buffer;
    uint32_t output_length;
};

struct lt_fsp_set_security_req {
    struct lt_fsp_contexts of;
    uint32_t information; /* LT_OWNER_SECURITY and so on */
    struct lt_fsp_buf security;
};

struct lt_fsp_req {
    uint16_t version; /* 0: the driver does not set it (sys/iop.c) */
    uint16_t size;    /* of the whole message, without the padding to LT_FSP_ALIGN */
    uint32_t kind;
    uint64_t hint; /* goes back in the response */
    union {
        uint64_t room[8];
        struct lt_fsp_contexts of; /* all but Create, QueryVolume and SetVolume */
        struct lt_fsp_create_req create;
        struct lt_fsp_overwrite_req overwrite;
        struct lt_fsp_cleanup_req cleanup;
        struct lt_fsp_read_req read;
        struct lt_fsp_write_req write;
        struct lt_fsp_set_information_req set_information;
        struct lt_fsp_set_ea_req set_ea;
        struct lt_fsp_set_volume_req set_volume;
        struct lt_fsp_query_directory_req query_directory;
        struct lt_fsp_fs_control_req fs_control;
        struct lt_fsp_device_control_req device_control;
        struct lt_fsp_set_security_req set_security;
    } u;
    struct lt_fsp_buf file_name; /* with ":stream"; see request.c for the kinds */
    uint32_t padding;            /* so that the variable part is aligned */
};
LT_FSP_LAYOUT(lt_fsp_req, LT_FSP_REQ_HEADER);
LT_FSP_AT(lt_fsp_req, u, 16);
LT_FSP_AT(lt_fsp_req, u.create.security, 24);
LT_FSP_AT(lt_fsp_req, u.create.allocation_size, 32);
LT_FSP_AT(lt_fsp_req, u.create.token, 40);
LT_FSP_AT(lt_fsp_req, u.create.desired_access, 48);
LT_FSP_AT(lt_fsp_req, u.create.ea, 60);
LT_FSP_AT(lt_fsp_req, u.create.flags, 64);
LT_FSP_AT(lt_fsp_req, u.create.named_stream, 72);
LT_FSP_AT(lt_fsp_req, u.overwrite.allocation_size, 40);
LT_FSP_AT(lt_fsp_req, u.overwrite.supersede, 48);
LT_FSP_AT(lt_fsp_req, u.overwrite.ea, 52);
LT_FSP_AT(lt_fsp_req, u.cleanup.flags, 32);
LT_FSP_AT(lt_fsp_req, u.read.key, 52);
LT_FSP_AT(lt_fsp_req, u.write.constrained, 56);
LT_FSP_AT(lt_fsp_req, u.set_information.info, 40);
LT_FSP_AT(lt_fsp_req, u.set_information.info.basic.change_time, 72);
LT_FSP_AT(lt_fsp_req, u.set_information.info.rename.token, 48);
LT_FSP_AT(lt_fsp_req, u.set_information.info.rename.flags, 56);
LT_FSP_AT(lt_fsp_req, u.set_ea.ea, 32);
LT_FSP_AT(lt_fsp_req, u.set_volume.label, 20);
LT_FSP_AT(lt_fsp_req, u.query_directory.pattern, 44);
LT_FSP_AT(lt_fsp_req, u.query_directory.flags, 52);
LT_FSP_AT(lt_fsp_req, u.fs_control.buffer, 36);
LT_FSP_AT(lt_fsp_req, u.fs_control.target_on_file_system, 40);
LT_FSP_AT(lt_fsp_req, u.device_control.output_length, 40);
LT_FSP_AT(lt_fsp_req, u.set_security.security, 36);
LT_FSP_AT(lt_fsp_req, file_name, 80);

/* ---- Responses ----------------------------------------------------------------------------- */

/* Bits of lt_fsp_create_rsp.flags. */
enum { LT_FSP_OPENED_NO_CACHE = 0x1, LT_FSP_OPENED_HAS_SECURITY = 0x2 };

struct lt_fsp_create_rsp {
    struct lt_fsp_contexts as;
    uint32_t granted_access;
    struct lt_fsp_buf security;
    struct lt_fsp_file_info info;
    struct lt_fsp_buf file_name; /* normalized: the request's but for case; no NUL. At offset 0:
                                    the driver does not look at the offset (sys/create.c) */
    uint32_t flags;
};

/* IoStatus.Information of a Create with LT_STATUS_REPARSE: a tag, or this: `buffer` is a name. */
#define LT_FSP_IO_REPARSE 0u

struct lt_fsp_set_ea_rsp {
    struct lt_fsp_file_info info;
    struct lt_fsp_buf ea; /* all that the file has now, at offset 0; or absent */
};

struct lt_fsp_rsp {
    uint16_t version; /* 0, as in a request */
    uint16_t size;    /* a multiple of 8 */
    uint32_t kind;
    uint64_t hint;
    uint32_t information; /* IoStatus */
    int32_t status;       /* NTSTATUS: status.h */
    union {
        uint64_t room[13];
        struct lt_fsp_create_rsp create;
        struct lt_fsp_buf buffer; /* a Create's reparse data; FileSystemControl, DeviceControl;
                                     at offset 0 only: QueryEa, QuerySecurity, QueryStreams */
        struct lt_fsp_file_info
            info; /* Overwrite, Write, QueryInformation, SetInformation, Flush */
        struct lt_fsp_set_ea_rsp set_ea;
        struct lt_fsp_volume_info volume;
    } u;
};
LT_FSP_LAYOUT(lt_fsp_rsp, LT_FSP_RSP_HEADER);
LT_FSP_AT(lt_fsp_rsp, status, 20);
LT_FSP_AT(lt_fsp_rsp, u, 24);
LT_FSP_AT(lt_fsp_rsp, u.create.security, 44);
LT_FSP_AT(lt_fsp_rsp, u.create.info, 48);
LT_FSP_AT(lt_fsp_rsp, u.create.file_name, 120);
LT_FSP_AT(lt_fsp_rsp, u.create.flags, 124);
LT_FSP_AT(lt_fsp_rsp, u.set_ea.ea, 96);

#endif
