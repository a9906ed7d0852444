/* SPDX-License-Identifier: MIT */
/*
 * The kit of the NT conformance suite: what a Windows program would write down at length, said in
 * a word. Every test gets a fresh volume over the source that the program was given, and ends with
 * all handles closed, an empty file system and no fault of the driver.
 *
 * A case is named after the behaviour it is about: N001 to N126, docs/design/windows.md.
 * On a plain FUSE server, which has neither streams nor attributes nor descriptors, some of them
 * cannot be had: there the case names a second status.
 */
#ifndef NT_KIT_H
#define NT_KIT_H

#include "nt.h"

/* cmocka.h needs these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>

/* The volume under test, what its file system says of itself, and what it cannot be asked. */
extern struct nt_volume *vol;
extern struct lt_volume volume;
extern bool plain; /* a FUSE server of POSIX only */

/* Registers and begins a test. */
#define TEST(name)                                            \
    static void name(void **state);                           \
    __attribute__((constructor)) static void add_##name(void) \
    {                                                         \
        kit_add(#name, name);                                 \
    }                                                         \
    static void name(void **state __attribute__((unused)))

void kit_add(const char *name, void (*test)(void **state));

/* For what only a file system with the Windows half has. */
void need_windows(void);
void need_case_sensitive(void);
void need_case_insensitive(void);

/* ---- Statuses -------------------------------------------------------------------------------- */

/* A call must answer this; where it does not, both names are said. */
#define is(STATUS, expr) kit_status((expr), LT_STATUS_##STATUS, #expr, __FILE__, __LINE__)
#define ok(expr) is(SUCCESS, expr)
/* One on Windows file systems, another on plain FUSE servers. */
#define is_or(STATUS, PLAIN, expr)                                                              \
    kit_status((expr), plain ? (int32_t)LT_STATUS_##PLAIN : (int32_t)LT_STATUS_##STATUS, #expr, \
               __FILE__, __LINE__)
void kit_status(int32_t status, int32_t expected, const char *expr, const char *file, int line);

/* ---- Opening --------------------------------------------------------------------------------- */

/*
 * The arguments of an opening in words:
 *     open (the default) create open_if overwrite overwrite_if supersede
 *     r w d a        generic read and write, DELETE, FILE_ALL_ACCESS; attributes and synchronize
 *                    if no access is named
 *     read_data write_data append exec read_ea write_ea read_attr write_attr list
 *     delete_child read_control write_dac write_owner sync max system_security 0x...
 *     share=rwd      of those letters; all three if not said
 *     dir file doc reparse backup no_ea by_id through unbuffered
 *     +readonly +hidden +system +archive +normal +temporary +directory +sparse
 *     alloc=N
 */
struct nt_create how(const char *path, const char *words);

/* Opens; the handle is closed by close_file() or at the end of the test. `information` is what
 * the last opening by any of these said. */
extern uint64_t information;
#define open_file(path, words) kit_open(how(path, words), __FILE__, __LINE__)
#define open_with(how) kit_open(how, __FILE__, __LINE__)
#define open_at(at, path, words) kit_open(kit_at(how(path, words), at), __FILE__, __LINE__)
struct nt_create kit_at(struct nt_create how, struct nt_file *at);
struct nt_file *kit_open(struct nt_create how, const char *file, int line);
/* What an opening answers; it is closed at once. */
int32_t try_open(const char *path, const char *words);
int32_t try_at(struct nt_file *at, const char *path, const char *words);
int32_t try_with(struct nt_create how);
void close_file(struct nt_file *file);

/* Makes and closes. */
void make_file(const char *path);
void make_dir(const char *path);
void make_text(const char *path, const char *text);

/* Whether an opening for attributes finds it; what else it answers is a fault. */
bool exists(const char *path);

/* ---- Threads: what they are given must be static, as a test may fail while they run ------------
 */

extern atomic_bool stopping; /* they are to end */
void start_thread(void (*fn)(void *arg), void *arg);
/* Waits for all of them; `stop` first. Done at the end of a test if not before. */
void join_threads(bool stop);

/* ---- Data ------------------------------------------------------------------------------------ */

void put_text(struct nt_file *file, uint64_t offset, const char *text);
void put_bytes(struct nt_file *file, uint64_t offset, size_t len, unsigned char byte);
void expect_text(struct nt_file *file, uint64_t offset, const char *text);
void expect_bytes(struct nt_file *file, uint64_t offset, size_t len, unsigned char byte);
/* The whole of a file, by its name. */
void expect_content(const char *path, const char *text);

/* ---- Information (MS-FSCC 2.4) -----------------------------------------------------------------
 */

enum {
    NT_DIRECTORY_INFO = 1,
    NT_FULL_DIRECTORY_INFO = 2,
    NT_BOTH_DIRECTORY_INFO = 3,
    NT_BASIC_INFO = 4,
    NT_STANDARD_INFO = 5,
    NT_INTERNAL_INFO = 6,
    NT_EA_INFO = 7,
    NT_ACCESS_INFO = 8,
    NT_NAME_INFO = 9,
    NT_RENAME_INFO = 10,
    NT_LINK_INFO = 11,
    NT_NAMES_INFO = 12,
    NT_DISPOSITION_INFO = 13,
    NT_POSITION_INFO = 14,
    NT_MODE_INFO = 16,
    NT_ALIGNMENT_INFO = 17,
    NT_ALL_INFO = 18,
    NT_ALLOCATION_INFO = 19,
    NT_END_OF_FILE_INFO = 20,
    NT_ALTERNATE_NAME_INFO = 21,
    NT_STREAM_INFO = 22,
    NT_COMPRESSION_INFO = 28,
    NT_NETWORK_OPEN_INFO = 34,
    NT_ATTRIBUTE_TAG_INFO = 35,
    NT_ID_BOTH_DIRECTORY_INFO = 37,
    NT_ID_FULL_DIRECTORY_INFO = 38,
    NT_VALID_DATA_LENGTH_INFO = 39,
    NT_HARD_LINK_INFO = 46,
    NT_NORMALIZED_NAME_INFO = 48,
    NT_DISPOSITION_INFO_EX = 64,
    NT_RENAME_INFO_EX = 65,

    NT_FS_VOLUME_INFO = 1,
    NT_FS_SIZE_INFO = 3,
    NT_FS_DEVICE_INFO = 4,
    NT_FS_ATTRIBUTE_INFO = 5,
    NT_FS_FULL_SIZE_INFO = 7
};

struct kit_basic {
    uint64_t created, accessed, written, changed;
    uint32_t attributes;
};
struct kit_standard {
    uint64_t allocation, size;
    uint32_t links;
    bool delete_pending, is_dir;
};

struct kit_basic basic(struct nt_file *file);
struct kit_standard standard(struct nt_file *file);
uint32_t attributes(struct nt_file *file);
uint64_t size_of(struct nt_file *file);
uint64_t index_of(struct nt_file *file);
uint32_t ea_size_of(struct nt_file *file);
uint32_t reparse_tag_of(struct nt_file *file);
uint32_t access_of(struct nt_file *file);
/* FileNameInformation: the path within the volume; static storage. */
const char *name_of(struct nt_file *file);

int32_t set_basic(struct nt_file *file, const struct kit_basic *to);
int32_t set_attributes(struct nt_file *file, uint32_t to);
int32_t set_size(struct nt_file *file, uint64_t size);
int32_t set_allocation(struct nt_file *file, uint64_t size);
int32_t dispose(struct nt_file *file, bool remove);
int32_t dispose_ex(struct nt_file *file, uint32_t flags);
int32_t rename_to(struct nt_file *file, const char *path, bool replace);
int32_t rename_at(struct nt_file *file, struct nt_file *dir, const char *path, bool replace);
int32_t rename_ex(struct nt_file *file, const char *path, uint32_t flags);
int32_t link_to(struct nt_file *file, const char *path);
/* By name: opens for DELETE, does it, closes. */
int32_t remove_file(const char *path);
int32_t move(const char *from, const char *to, bool replace);

/* Now, as FILETIME. */
uint64_t now(void);

/* ---- Bytes of a struct being put together ------------------------------------------------------
 */

struct bytes {
    uint8_t at[8192];
    size_t len;
    size_t last; /* the entry before, of a chain */
};

void add_bytes(struct bytes *b, const void *from, size_t len);
void add_le(struct bytes *b, uint64_t value, unsigned width);
/* UTF-16; returns its bytes. */
size_t add_wide(struct bytes *b, const char *text);
struct lt_str str_of(const struct bytes *b);
uint64_t get_le(const uint8_t *from, unsigned width);
/* UTF-16 as UTF-8 with a NUL. */
void get_wide(const uint8_t *from, size_t bytes, char *ret, size_t size);

/* ---- EAs, reparse data, descriptors ------------------------------------------------------------
 */

/* One more FILE_FULL_EA_INFORMATION, or a FILE_GET_EA_INFORMATION of names. */
void add_ea(struct bytes *b, const char *name, const char *value, uint8_t flags);
void add_ea_name(struct bytes *b, const char *name);
/* "NAME=value,OTHER=x" of a FILE_FULL_EA_INFORMATION list; static storage. */
const char *ea_text(const void *list, size_t len);
const char *eas_of(struct nt_file *file);

#define TAG_MOUNT_POINT 0xa0000003u
#define TAG_SYMLINK 0xa000000cu
#define TAG_NFS 0x80000014u
#define TAG_FOREIGN 0x00000042u /* not of Microsoft: with a GUID */
#define TAG_OTHER 0x00000043u

/* REPARSE_DATA_BUFFER, with a GUID where guid is one; the one of a symbolic link. */
void add_reparse(struct bytes *b, uint32_t tag, const char *guid, const void *data, size_t len);
void add_symlink(struct bytes *b, const char *target, bool relative);
int32_t set_reparse(struct nt_file *file, const struct bytes *b);
int32_t delete_reparse(struct nt_file *file, uint32_t tag, const char *guid);
/* Makes a file or directory that is a symbolic link. */
int32_t make_symlink(const char *path, const char *target, bool relative, bool dir);

/* A descriptor out of SDDL, until the end of the test, and back. */
struct lt_str sd(const char *sddl);
const char *sddl_of(struct nt_file *file, uint32_t info);
int32_t set_sd(struct nt_file *file, uint32_t info, const char *sddl);

/* From now on the test is this user, an S-1-..., with these privileges; NULL: LocalSystem. */
void become(const char *sid, uint32_t privileges);
#define ALICE "S-1-5-21-1-2-3-1001"
#define BOB "S-1-5-21-1-2-3-1002"
/* Everybody has all rights, with inheritance; nobody has any. */
#define SD_OPEN "O:SYG:SYD:P(A;OICI;FA;;;WD)"

/* ---- Directories -------------------------------------------------------------------------------
 */

/* The names that match, sorted, joined by commas, "." and ".." left out; static storage. */
const char *list(const char *dir, const char *pattern);
/* Through a handle from its start, in their order, dots and all; `size` of the buffer of each call.
 */
const char *list_handle(struct nt_file *dir, const char *pattern, size_t size);
/* The names of one buffer of any class of listing, joined by commas; static storage. */
const char *names_in(const void *buf, size_t len, unsigned info_class);
/* Sorts words joined by commas, in place, and returns them. */
char *sort_names(char *names);
/* ":s:$DATA=3,..." of a FileStreamInformation list; static storage. */
const char *streams_of(struct nt_file *file);

#endif
