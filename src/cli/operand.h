/* SPDX-License-Identifier: MIT */
/*
 * Operands that name files: the one rule, and the file systems behind them.
 *
 *     IMAGE:/PATH        a file in the disk image IMAGE, an existing file or block device
 *     IMAGE:             its root directory
 *     KIND:OPTIONS:/PATH a file in any other source (lintel-sources(7))
 *     KIND:OPTIONS       its root directory
 *     anything else      a file of the host
 *
 * A colon counts only before a '/' or at the end; of several the last one before
 * which the name of an image stands. `./a:b` is therefore always the host's.
 */
#ifndef LT_CLI_OPERAND_H
#define LT_CLI_OPERAND_H

#include "cli.h"

#include <lintel/fs.h>

struct lt_place {
    const char *text; /* as it was given */
    const char *path; /* absolute in its file system, or of the host */
    struct lt_fs *fs; /* NULL: the host */
    char *shown;      /* owned: "disk.img:/a", for messages and output; usable as an operand */
};

/* A file system that places lie in. */
struct lt_opened {
    char *source;      /* owned; for lt_open_fs(), without what is read-only */
    const char *name;  /* as it was given, for messages; owned */
    uint64_t dev, ino; /* of the image; 0: none */
    struct lt_fs *fs;
    bool writes;
};

struct lt_places {
    struct lt_place *list;
    size_t count;
    struct lt_opened *opened; /* each file system once */
    size_t opened_count;
};

enum lt_places_how {
    LT_PLACES_READ = 0,
    LT_PLACES_WRITE = 0x1,      /* all of them are written to */
    LT_PLACES_WRITE_LAST = 0x2, /* the last one is */
    LT_PLACES_HOST = 0x4        /* files of the host will do */
};

/*
 * Opens what `count` operands name, each file system once, read-only where nothing
 * is written. Returns an exit code; complains. lt_places_close() in either case.
 */
int lt_places_open(struct lt_places *ret, char **operands, size_t count, unsigned how);

/* Ends them. Returns `status`, or LT_EXIT_FAILED with a complaint if what was written could not be
 * made durable. */
int lt_places_close(struct lt_places *places, int status);

/* The root of a place's file system. */
static inline struct lt_node *lt_place_root(const struct lt_place *place)
{
    return lt_fs_root(place->fs);
}

/* "cannot VERB 'disk.img:/a': no such file or directory". Returns LT_EXIT_FAILED. */
int lt_place_complain(const struct lt_place *place, const char *verb, int error);

/* On whose behalf files are touched: whoever may open an image may do all in it; the umask counts.
 */
const struct lt_ctx *lt_cli_ctx(void);

/* Gives a new node to the user of this process. */
int lt_cli_own(struct lt_node *node);
int lt_place_own(const struct lt_place *place);

/* The last component of a path, without slashes at its end; "" for a root. */
struct lt_str lt_path_base(const char *path);

/* DIR and NAME as one path, malloc'd. NULL for lack of memory. */
char *lt_path_join(const char *dir, struct lt_str name);

/* ---- Sources --------------------------------------------------------------------------------- */

/* Whether `path` is what can hold an image: a regular file or a block device. */
bool lt_is_image_file(const char *path);

/* "image:PATH,OPTIONS" with PATH escaped, malloc'd; `options` may be NULL. */
char *lt_image_source(const char *path, const char *options);

/* Whether `text` begins with a kind of source and a colon. */
bool lt_is_source(const char *text);

/*
 * The source that `text` names, an image or any other, in the form of lt_open_fs(), malloc'd; and
 * what mount(8) is to show of it, of an image its absolute path, so that it can be found by it.
 * False after a complaint.
 */
bool lt_source_take(const char *text, char **ret, char **ret_name);

#endif
