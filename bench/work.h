/* SPDX-License-Identifier: MIT */
/*
 * bench-work: one operation, done many times on one directory by one or several
 * processes at once, each repetition timed. bench/run calls it once per operation,
 * round and file system, so that the file systems take turns and what is left
 * behind (files, warm caches) is there for the next operation.
 */
#ifndef LT_BENCH_WORK_H
#define LT_BENCH_WORK_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What to do, from the command line; the same for all clients. */
struct work {
    const char *dir;    /* each client works in the directory c0, c1, ... below it */
    const char *prefix; /* of the names of files: prefix-0000000 and so on */
    const char *to;     /* prefix of the second name: rename, link, symlink */
    uint64_t count;     /* repetitions, all clients together; data operations: 0 for once over */
    uint64_t files;     /* names to choose from where they exist already; 0: as many as count */
    uint64_t bytes;     /* of the file that data operations work on, per client */
    uint64_t block;     /* bytes per read or write, at most WORK_BLOCK_MAX */
    uint64_t clients;   /* at most WORK_CLIENTS_MAX */
    bool scattered;     /* names and offsets in random order instead of ascending */
    bool direct;        /* O_DIRECT */
    bool fresh;         /* into an empty file; otherwise over existing data */
    bool cold;          /* nothing of the file in the page cache */
    bool sync;          /* fsync after each write, not only at the end */
};

#define WORK_BLOCK_MAX (1u << 20)
#define WORK_CLIENTS_MAX 64
#define WORK_NAME_MAX 64

/* One process's view. */
struct client {
    const struct work *work;
    unsigned index;
    uint64_t count; /* repetitions of this client */
    uint64_t seed;
    int dir; /* descriptor of its directory */
    int fd;  /* the file of data operations, or -1 */
    char *map;
    char *buffer; /* WORK_BLOCK_MAX bytes, page-aligned, not zero */
    DIR *listing;
};

/* An operation. All functions return 0 or a negative errno. */
struct operation {
    const char *name;
    const char *help;
    bool data;                                /* moves work->block bytes a time */
    int (*setup)(struct client *c);           /* untimed; or NULL */
    int (*run)(struct client *c, uint64_t i); /* timed once for each i below c->count */
    int (*finish)(struct client *c); /* timed within the whole, not with any one; or NULL */
};

extern const struct operation work_names[]; /* each ends with name NULL */
extern const struct operation work_data[];
extern const struct operation work_files[];

/* The next number of a client's own reproducible sequence (xorshift64*). */
uint64_t work_random(struct client *c);

/* -errno of the call that just failed; never 0. */
int work_error(void);

#endif
