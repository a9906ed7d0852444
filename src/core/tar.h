/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a tar archive: 512-byte headers (POSIX.1-1988 ustar, with GNU's
 * base-256 numbers) and pax records (POSIX.1-2001). No I/O.
 */
#ifndef LT_CORE_TAR_H
#define LT_CORE_TAR_H

#include <lintel/error.h>
#include <lintel/types.h>

#define TAR_BLOCK 512u

/* struct posix_header, pax(1) "ustar Interchange Format". */
struct tar_header {
    char name[100];
    char mode[8]; /* octal, as all numbers */
    char uid[8];
    char gid[8];
    char size[12];
    char mtime[12];
    char checksum[8];
    char type; /* TAR_... */
    char linkname[100];
    char magic[6];   /* "ustar\0", or "ustar " of GNU, which has no prefix */
    char version[2]; /* "00" */
    char uname[32];
    char gname[32];
    char major[8];
    char minor[8];
    char prefix[155];
    char pad[12];
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "pax(1), ustar");
_Static_assert(offsetof(struct tar_header, magic) == 257, "pax(1), ustar");
_Static_assert(offsetof(struct tar_header, prefix) == 345, "pax(1), ustar");

/* What GNU's format has from offset 345 on in a TAR_GNU_SPARSE header (GNU tar manual, "Basic Tar
 * Format"); further runs come in blocks of TAR_GNU_RUNS_MORE and such a flag. */
#define TAR_GNU_RUNS 4u
#define TAR_GNU_RUNS_MORE 21u
struct tar_gnu_run {
    char offset[12], len[12]; /* len[0] is NUL in those not used */
};
struct tar_gnu {
    char other[386];
    struct tar_gnu_run runs[TAR_GNU_RUNS];
    char more; /* not 0: blocks of runs follow */
    char real_size[12];
    char pad[17];
};
_Static_assert(sizeof(struct tar_gnu) == TAR_BLOCK, "oldgnu_header");
struct tar_gnu_more {
    struct tar_gnu_run runs[TAR_GNU_RUNS_MORE];
    char more;
    char pad[7];
};
_Static_assert(sizeof(struct tar_gnu_more) == TAR_BLOCK, "sparse_header");

enum {
    TAR_FILE = '0',
    TAR_FILE_OLD = '\0',
    TAR_LINK = '1',
    TAR_SYMLINK = '2',
    TAR_CHAR = '3',
    TAR_BLOCK_DEVICE = '4',
    TAR_DIR = '5',
    TAR_FIFO = '6',
    TAR_FILE_CONTIGUOUS = '7',
    TAR_PAX = 'x',
    TAR_PAX_GLOBAL = 'g',
    TAR_GNU_LONG_NAME = 'L',
    TAR_GNU_LONG_LINK = 'K',
    TAR_GNU_SPARSE = 'S'
};

/* One member as its header says, before pax records change it. Texts borrow from the header. */
struct tar_member {
    char type;
    uint64_t size; /* bytes of content in the archive */
    uint64_t uid, gid, mode, major, minor;
    int64_t mtime;
    struct lt_str name, prefix, link;
};

/* Whether all bytes are 0: the end of an archive has two such blocks. */
bool tar_is_end(const struct tar_header *header);

/* LT_EBADMSG: checksum or a number is wrong. */
int tar_decode(const struct tar_header *header, struct tar_member *ret);

/* One number of a header: octal, or GNU's base 256. LT_EBADMSG; negative ones too. */
int tar_field(const char *field, size_t size, uint64_t *ret);

/* A header; numbers that do not fit become 0 and have to be in pax records, as have longer texts.
 */
void tar_encode(const struct tar_member *member, struct tar_header *ret);

/* Whether a number or text fits the header. */
bool tar_fits(const struct tar_member *member);

/* The next "LEN KEY=VALUE\n" of *records, which moves on: 1, or 0 at the end. LT_EBADMSG. */
int tar_pax_next(struct lt_str *records, struct lt_str *key, struct lt_str *value);

/* The length of a record, and the record into `to`, which has that room. */
size_t tar_pax_size(size_t key_len, size_t value_len);
void tar_pax_put(char *to, struct lt_str key, struct lt_str value);

/* Decimal digits. LT_EBADMSG. */
int tar_number(struct lt_str text, uint64_t max, uint64_t *ret);

#endif
