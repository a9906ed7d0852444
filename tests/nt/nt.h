/* SPDX-License-Identifier: MIT */
/*
 * Windows, as far as a file system sees it: a simulated I/O manager and WinFsp driver over a
 * dispatcher of ours. What a program would call (NtCreateFile and so on) is called here by
 * the same arguments, and answers with the NTSTATUS that the program would see.
 *
 * driver.c plays the driver as docs/design/windows.md says: names and their validity, file control
 * blocks by name, share modes, delete-pending, cleanup and close, byte-range locks, directory
 * patterns, the caches, the two phases of an overwrite. It speaks transact buffers over a socket
 * pair, byte for byte as the device would; data goes through an arena that the port of the
 * dispatcher maps.
 *
 * All functions may be called by several threads. Text is UTF-8 here and becomes UTF-16 on the way.
 * Handles within structs (RootDirectory of FileRenameInformation) are the struct nt_file itself.
 */
#ifndef LT_TESTS_NT_NT_H
#define LT_TESTS_NT_NT_H

#include <lintel/fs.h>
#include <lintel/security.h>
#include <lintel/winfsp.h>
#include <wire/fsp/proto.h>
#include <wire/fsp/status.h>

struct nt_volume; /* a mounted volume, its driver and its dispatcher */
struct nt_file;   /* a handle */

struct nt_options {
    struct lt_winfsp_options winfsp;
    bool check_every; /* the driver keeps nothing: each query becomes a request */
    unsigned batch;   /* requests that one transact may take; 0: 1, as of WinFsp's own library */
    /* The dispatcher broke the protocol. NULL: says so and aborts. */
    void (*fault)(void *arg, const char *text);
    void *fault_arg;
};

/* Mounts a file system: starts dispatcher and driver. */
int nt_mount(struct lt_fs *fs, const struct nt_options *options, struct nt_volume **ret);
/* Unmounts; with handles open, they answer from now on as N126 says. Returns how many requests were
 * still in work. */
int nt_unmount(struct nt_volume *volume);
struct lt_fs *nt_fs(struct nt_volume *volume);

/* On whose behalf this thread calls; NULL: LocalSystem. */
void nt_impersonate(const struct lt_token *token);

/* What an absolute name of the object manager begins with for the volume at hand: in the target of
 * a symbolic link, in a rename. Any other "\\??\\" is another volume. */
#define NT_DRIVE "\\??\\L:"

struct nt_create {
    const char *path; /* backslashes; from the volume's root, or relative to `at` */
    struct nt_file *at;
    uint32_t access, attributes, share, options; /* options without the disposition */
    enum lt_fsp_disposition disposition;
    uint64_t allocation;
    struct lt_str security, ea;
    uint64_t information; /* out: LT_FILE_CREATED and so on; with REPARSE the tag */
};

enum { NT_SHARE_READ = 1, NT_SHARE_WRITE = 2, NT_SHARE_DELETE = 4, NT_SHARE_ALL = 7 };

int32_t nt_create(struct nt_volume *volume, struct nt_create *how, struct nt_file **ret);
/* Cleanup and, once nothing refers to it, Close. */
int32_t nt_close(struct nt_file *file);

#define NT_END UINT64_MAX /* offset of a write: at the end */
int32_t nt_read(struct nt_file *file, void *buf, size_t len, uint64_t offset, size_t *ret);
int32_t nt_write(struct nt_file *file, const void *buf, size_t len, uint64_t offset, size_t *ret);
int32_t nt_flush(struct nt_file *file);
int32_t nt_flush_volume(struct nt_volume *volume);
int32_t nt_lock(struct nt_file *file, uint64_t offset, uint64_t len, bool exclusive, bool fail_now);
int32_t nt_unlock(struct nt_file *file, uint64_t offset, uint64_t len);

/* FileInformationClass and the structs of MS-FSCC 2.4, little-endian bytes. */
int32_t nt_query_info(struct nt_file *file, unsigned info_class, void *buf, size_t size,
                      size_t *ret);
int32_t nt_set_info(struct nt_file *file, unsigned info_class, const void *buf, size_t len);
int32_t nt_query_volume(struct nt_file *file, unsigned info_class, void *buf, size_t size,
                        size_t *ret);
int32_t nt_set_label(struct nt_file *file, const char *label);

/* pattern NULL: all, or the one of the first call. */
int32_t nt_query_dir(struct nt_file *file, unsigned info_class, const char *pattern, bool restart,
                     bool single, void *buf, size_t size, size_t *ret);

/* `names`: FILE_GET_EA_INFORMATION (MS-FSCC 2.4.16), or none; `index` from 1, or NT_NO_INDEX. */
#define NT_NO_INDEX UINT32_MAX
int32_t nt_query_ea(struct nt_file *file, struct lt_str names, uint32_t index, bool restart,
                    bool single, void *buf, size_t size, size_t *ret);
int32_t nt_set_ea(struct nt_file *file, struct lt_str list);
int32_t nt_query_security(struct nt_file *file, uint32_t information, void *buf, size_t size,
                          size_t *ret);
int32_t nt_set_security(struct nt_file *file, uint32_t information, struct lt_str descriptor);
int32_t nt_fs_control(struct nt_file *file, uint32_t code, struct lt_str in, void *out, size_t size,
                      size_t *ret);
int32_t nt_device_control(struct nt_file *file, uint32_t code, struct lt_str in, void *out,
                          size_t size, size_t *ret);
int32_t nt_query_streams(struct nt_file *file, void *buf, size_t size, size_t *ret);

/*
 * A section over the whole file as it is now, mapped: of data, or as the image of a running
 * program. It outlives the handle and the name, and keeps the file open for the driver in the way
 * NT does: no truncation below it, no deletion of an image.
 */
struct nt_section;
int32_t nt_section_open(struct nt_file *file, bool image, struct nt_section **ret);
const void *nt_section_view(struct nt_section *section, size_t *ret_len);
void nt_section_close(struct nt_section *section);

/*
 * Changes of a directory, FILE_NOTIFY_INFORMATION (MS-FSCC 2.7.1). The first call begins to watch
 * (its filter, FILE_NOTIFY_CHANGE_..., and `tree` hold for the handle's life); every call gives
 * what has come since the one before. LT_STATUS_PENDING: nothing yet. LT_STATUS_NOTIFY_ENUM_DIR:
 * more than fits.
 */
int32_t nt_notify(struct nt_file *dir, uint32_t filter, bool tree, void *buf, size_t size,
                  size_t *ret);

/* Counts of requests that reached the dispatcher, by kind. */
void nt_counts(struct nt_volume *volume, uint64_t ret[LT_FSP_KIND_END]);

#endif
