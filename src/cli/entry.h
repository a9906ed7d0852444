/* SPDX-License-Identifier: MIT */
/* Files as text and JSON: what ls, find, stat and du print of one. */
#ifndef LT_CLI_ENTRY_H
#define LT_CLI_ENTRY_H

#include "output.h"

#include <lintel/types.h>

/* "drwxr-xr-x", with a '+' behind where there is an ACL. */
struct lt_text lt_text_mode(const struct lt_attr *attr);

/* "file", "directory", "symlink", "fifo", "socket", "character device", "block device". */
const char *lt_type_name(uint32_t mode);
/* The letter of find -type: f, d, l, p, s, c, b. */
char lt_type_letter(uint32_t mode);

/* Names of users and groups of the host, or numbers with `numeric` or where they have none. */
struct lt_text lt_text_user(uint32_t uid, bool numeric);
struct lt_text lt_text_group(uint32_t gid, bool numeric);

/* "1.5K", as -h of GNU's tools has it: rounded up, powers of 1024. */
struct lt_text lt_text_human(uint64_t bytes);

/* "2026-11-21 06:24:34.123456789 +0000" */
struct lt_text lt_text_time(struct lt_time time);

/* "Nov 21 06:24", and with the year instead of the hour for what is half a year away. */
struct lt_text lt_text_time_short(struct lt_time time, struct lt_time now);

/* One member or, with key NULL, one element per file: path, type, mode, owner, sizes, times.
 * `target` is a symlink's, or NULL. */
void lt_json_entry(struct lt_json *json, const char *key, const char *path,
                   const struct lt_attr *attr, const char *target);

/* The members of the above in the object that is open. */
void lt_json_attr(struct lt_json *json, const char *path, const struct lt_attr *attr,
                  const char *target);

/* A member with text that may not be UTF-8: then its bytes too, as KEY_hex. */
void lt_json_name(struct lt_json *json, const char *key, const char *text);

/* A symlink's target, malloc'd; NULL for lack of memory or on error. */
struct lt_node;
char *lt_read_target(struct lt_node *node);

/* Prints a name: with \ooo for control characters if stdout is a terminal. */
void lt_print_name(const char *name);

/* "8, 1" */
struct lt_text lt_text_device(uint32_t rdev);

#endif
