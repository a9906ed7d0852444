/* SPDX-License-Identifier: MIT */
/*
 * The kit of the interface's conformance suite. Every test starts with a fresh
 * file system made from the source string that the program was given, and ends
 * with an empty one that must use as much space as at the start.
 */
#ifndef FS_KIT_H
#define FS_KIT_H

#include <lintel/event.h>
#include <lintel/fs.h>

/* cmocka.h needs these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The file system under test, its root (no reference), and what it says of itself. */
extern struct lt_fs *fs;
extern struct lt_node *root;
extern struct lt_volume volume;

/* Registers and begins a test. */
#define TEST(name)                                            \
    static void name(void **state);                           \
    __attribute__((constructor)) static void add_##name(void) \
    {                                                         \
        kit_add(#name, name);                                 \
    }                                                         \
    static void name(void **state)

void kit_add(const char *name, void (*test)(void **state));

/* For tests of the Windows half: skips where the file system has none. */
void need_windows(void);

/* A result must be 0, a certain error, or a certain count. Says which it was if not. */
#define ok(expr) kit_check((expr), 0, #expr, __FILE__, __LINE__)
#define fails(error, expr) kit_check((expr), (error), #expr, __FILE__, __LINE__)
#define counts(count, expr) kit_check((expr), (int)(count), #expr, __FILE__, __LINE__)
void kit_check(int result, int expected, const char *expr, const char *file, int line);

/* ---- Nodes: those handed out are put back at the end of the test, unless dropped before ------ */

struct lt_node *keep(struct lt_node *node);
void drop(struct lt_node *node);

/* Creates with mode 0644, 0755 or as given. The call must succeed. */
struct lt_node *make_file(struct lt_node *dir, const char *name);
struct lt_node *make_dir(struct lt_node *dir, const char *name);
struct lt_node *make(struct lt_node *dir, const char *name, uint32_t mode);
struct lt_node *make_link(struct lt_node *dir, const char *name, const char *target);

/* The node of this name, or NULL. */
struct lt_node *find(struct lt_node *dir, const char *name);

struct lt_attr attr(struct lt_node *node);

/* What lookup, create and so on answer for a plain name, without keeping the node. */
int try_lookup(struct lt_node *dir, const char *name);
int try_create(struct lt_node *dir, const char *name, uint32_t mode);
int try_link(struct lt_node *node, struct lt_node *dir, const char *name);
int try_remove(struct lt_node *dir, const char *name, uint32_t flags);
int try_rename(struct lt_node *dir, const char *name, struct lt_node *new_dir, const char *new_name,
               uint32_t flags);
int set_size(struct lt_node *node, uint64_t size);
int set_mode(struct lt_node *node, uint32_t mode);

/* ---- Data and lists -------------------------------------------------------------------------- */

/* Writes a string, which must fit; reads and compares. */
void put_text(struct lt_node *node, uint64_t offset, const char *text);
void expect_text(struct lt_node *node, uint64_t offset, const char *text);
/* Bytes [offset, offset + len) are all `byte`. */
void put_bytes(struct lt_node *node, uint64_t offset, size_t len, unsigned char byte);
void expect_bytes(struct lt_node *node, uint64_t offset, size_t len, unsigned char byte);

/* The sorted names of a directory, a node's streams, EAs or xattrs, joined by commas; static
 * storage. */
const char *list_dir(struct lt_node *dir);
const char *list_streams(struct lt_node *node);
const char *list_eas(struct lt_node *node);
const char *list_xattrs(struct lt_node *node);

/* Compares times. */
int time_order(struct lt_time a, struct lt_time b);
/* Waits until the clock that stamps files has moved on. */
void wait_tick(void);

#endif
