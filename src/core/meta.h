/* SPDX-License-Identifier: MIT */
/*
 * All metadata of a node that stat does not show, as one list of names and values:
 * extended attributes under their own names, and the Windows half as
 *
 *     lintel.attributes    "0x27", LT_WIN_...
 *     lintel.created       "1700000000.123456789", birth
 *     lintel.flags         "0x10", LT_INODE_...
 *     lintel.ea            chain of FILE_FULL_EA_INFORMATION
 *     lintel.reparse       REPARSE_DATA_BUFFER
 *     lintel.security      self-relative security descriptor
 *     lintel.stream.NAME   content of the stream NAME
 *
 * A host directory keeps the latter as user.lintel.*, a tar archive as LINTEL.*.
 */
#ifndef LT_CORE_META_H
#define LT_CORE_META_H

#include <lintel/fs.h>

#define META_PREFIX "lintel."
#define META_ATTRIBUTES "lintel.attributes"
#define META_CREATED "lintel.created"
#define META_FLAGS "lintel.flags"
#define META_EA "lintel.ea"
#define META_REPARSE "lintel.reparse"
#define META_SECURITY "lintel.security"
#define META_STREAM "lintel.stream."

#define META_STREAM_MAX LT_XATTR_SIZE_MAX /* bytes of a stream that goes into such a list */

/* Zero-initialised is empty; ended by meta_fini(), also after a failure. */
struct meta {
    char *bytes;
    size_t len, capacity;
};

void meta_fini(struct meta *meta);
void meta_clear(struct meta *meta);

/* Appends a pair. LT_ENOMEM. */
int meta_add(struct meta *meta, struct lt_str name, struct lt_str value);

/* The pair at *at (0: the first), which moves on; false at the end. `name` is followed by NUL. */
bool meta_next(const struct meta *meta, size_t *at, struct lt_str *name, struct lt_str *value);

/* Reads all of a node. Streams longer than META_STREAM_MAX are left out. `attr` are the node's. */
int meta_read(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_attr *attr,
              struct meta *ret);

/* Appends name and empty value per stream of a node that is longer than `above` bytes. */
int meta_streams(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_attr *attr,
                 uint64_t above, struct meta *ret);

/* Gives a node one piece of metadata, or notes in *late what has to wait for lt_node_setattr() at
 * the end. Unknown lintel. names: LT_EOPNOTSUPP. */
int meta_apply(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
               struct lt_str value, struct lt_setattr *late);

/* Whether a piece of metadata that failed so is left out and counted, instead of ending it all. */
bool meta_is_skippable(int error);

static inline bool meta_has_prefix(struct lt_str name, const char *prefix)
{
    size_t len = strlen(prefix);
    return name.len > len && memcmp(name.s, prefix, len) == 0;
}

/* "1700000000.123456789": as many digits as there are count. LT_EINVAL. */
#define META_TIME_SIZE 40u
void meta_time_format(struct lt_time time, char buf[META_TIME_SIZE]);
int meta_time_parse(struct lt_str text, struct lt_time *ret);

#endif
