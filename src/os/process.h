/* SPDX-License-Identifier: MIT */
/*
 * Programs that we start, and the connections between them and us.
 *
 * A program may put itself into the background: it forks, and the process that we started ends. So
 * that we know the one that goes on, a program may have a socket, its `life`: whoever sends
 * LT_PROCESS_SERVES on it is the process that counts from then on. While nobody has, any process
 * that has it open is taken for the program.
 */
#ifndef LT_OS_PROCESS_H
#define LT_OS_PROCESS_H

#include <lintel/error.h>
#include <lintel/types.h>

/* ---- Programs ------------------------------------------------------------------------------ */

struct lt_process;

#define LT_PROCESS_SERVES 'S'    /* I am the one */
#define LT_PROCESS_HANDED_ON 'H' /* I did my part; there is one */

#define LT_PROCESS_SAID_MAX 4096u /* of what a program says, the last so many bytes are kept */

struct lt_process_options {
    const char *command;    /* for the shell */
    const char *const *env; /* "NAME=VALUE" that go over our own environment; NULL ends them */
    int in, out;            /* its standard input, output; -1: nothing to read; where errors go */
    const int *keep;        /* more descriptors that it gets, under the same numbers */
    size_t keep_count;
    int life; /* our end of lt_process_life(), taken over, also on failure; -1: none. The other end
                 is to be in `keep` */
};

/*
 * Starts a program. It has no descriptors but those named and those that are not closed on exec,
 * and signals are as for a new program. If somebody sits at a terminal who could be asked for a
 * password, it is in our process group, else the leader of one of its own.
 *
 * What it writes to its standard error is kept and, after lt_process_settled(), goes on to ours.
 */
int lt_process_start(const struct lt_process_options *options, struct lt_process **ret);

/* Waits until a process has sent something on `life`. LT_ETIMEDOUT; LT_ENODEV: it ended before. */
int lt_process_wait_life(struct lt_process *process, unsigned timeout_ms);

/* The start went well: if it has complained, that is of interest to whoever looks at our standard
 * error, from now on. */
void lt_process_settled(struct lt_process *process);

/* Waits for its end: its exit status, or 128 and the number of the signal that ended it.
 * LT_ETIMEDOUT. */
int lt_process_wait(struct lt_process *process, unsigned timeout_ms);

/* Nanoseconds of processors that it has used, or 0 where that is not known. */
uint64_t lt_process_work(struct lt_process *process);

/* Asks it to end; with `now` it is not asked. */
void lt_process_end(struct lt_process *process, bool now);

int64_t lt_process_pid(struct lt_process *process);

/* The last that it wrote to its standard error, with a NUL: how many bytes. */
size_t lt_process_said(struct lt_process *process, char buf[LT_PROCESS_SAID_MAX + 1]);

/* Frees it, without a word to the program. NULL is ignored. */
void lt_process_free(struct lt_process *process);

/* ---- Connections: no other program inherits them ------------------------------------------- */

/* The two ends of a life. The numbers of the program's end of all connections are 100 or more, out
 * of the way of shell scripts. */
int lt_process_life(int *ret_ours, int *ret_theirs);

/* A pair of sockets that keep packets apart, of up to `message` bytes where we may have so much. */
int lt_process_packets(size_t message, int *ret_ours, int *ret_theirs);

/* A pair of pipes: `in` and `out` are ours, to read from what is written to `their_out`. */
int lt_process_pipes(int *ret_in, int *ret_out, int *ret_their_in, int *ret_their_out);

/* Connects to a Unix socket of either type. LT_ENOENT, LT_ECONNREFUSED, LT_ENAMETOOLONG. */
int lt_process_connect(const char *path, int *ret_fd, bool *ret_packets);

/* Closes it, if it is not -1. */
void lt_process_close(int *fd);

/* ---- Places -------------------------------------------------------------------------------- */

/* Makes an empty directory that is only ours. Its path has none but letters, digits and "/-_.". */
int lt_process_make_dir(char *buf, size_t size);

/* Removes that directory. If something has been mounted on it, takes that away first. */
void lt_process_remove_dir(const char *path);

/* Whether something is mounted on it. */
bool lt_process_is_mounted(const char *path);

/* The file `name` beside the program that we are, in a folder relative to its. LT_ENOENT. */
int lt_process_beside(const char *name, char *buf, size_t size);

#endif
