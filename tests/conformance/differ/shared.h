/* SPDX-License-Identifier: MIT */
/*
 * The shared tree: several threads run random operations in one directory. What
 * comes out of a single operation cannot be told, but invariants can.
 */
#ifndef DIFFER_SHARED_H
#define DIFFER_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shared;

/* Starts the threads, in a directory "shared" below `target`. */
struct shared *shared_start(const char *target, uint64_t seed);

/*
 * Ends them, checks the tree and removes it. True if no operation failed in a
 * way that none may, every directory has 2 + subdirectories links, every listed
 * name can be looked up, every file as many names as links, and all could be removed.
 */
bool shared_stop(struct shared *shared, char *why, size_t size);

#endif
