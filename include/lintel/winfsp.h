/* SPDX-License-Identifier: MIT */
/*
 * The WinFsp front: answers the requests of the WinFsp driver (FSP_FSCTL_TRANSACT) out of any
 * Lintel file system.
 *
 *     lt_winfsp_options_init(&options);
 *     lt_winfsp_start(fs, port, &options, &volume, &diag);
 *     lt_winfsp_wait(volume);
 *     lt_winfsp_end(volume);
 *
 * The driver is reached through a port. On Windows that is the driver's device; the tests have one
 * whose other end is a simulated driver.
 */
#ifndef LINTEL_WINFSP_H
#define LINTEL_WINFSP_H

#include <lintel/fs.h>
#include <lintel/security.h>

struct lt_winfsp;
struct lt_fsp_volume_params; /* wire/fsp/proto.h */

/*
 * Where requests come from. `transact` is called by several threads at once and does both halves
 * of the driver's control: it takes `in_len` bytes of responses (0: none) and waits for
 * requests, at most `size` bytes of them into `out`, 8-byte aligned, one after the other. Returns
 * their length; 0: nothing came within the driver's time, ask again; LT_ECANCELED: the volume was
 * stopped; LT_ENODEV: the driver is gone. With out == NULL it only hands responses over, and with
 * neither says that this thread will ask from now on (Transact0). A `size` of LT_FSP_REQ_MAX asks
 * for one request (FSP_FSCTL_TRANSACT), LT_FSP_BATCH_MIN and more for as many as there are.
 *
 * `map` turns the address of a Read, Write or QueryDirectory into memory of this process that is
 * there until the request is answered; NULL if no such memory was announced. A token handle is
 * turned into who it is by `token`: malloc'd, LT_ENOENT for an unknown one.
 *
 * `notify` sends changes (entries of struct lt_fsp_notify_info, without an end) to the driver.
 * LT_EAGAIN: it is renaming something, and takes none for now.
 */
struct lt_winfsp_port {
    int64_t (*transact)(struct lt_winfsp_port *port, const void *in, size_t in_len, void *out,
                        size_t size);
    void *(*map)(struct lt_winfsp_port *port, uint64_t address, size_t len, bool write);
    int (*token)(struct lt_winfsp_port *port, uint64_t handle, struct lt_token **ret);
    int (*notify)(struct lt_winfsp_port *port, const void *entries, size_t len);
    void (*stop)(struct lt_winfsp_port *port); /* every transact returns LT_ECANCELED */
    void (*close)(struct lt_winfsp_port *port);
};

struct lt_winfsp_options {
    const char *fs_name;       /* file-system name as Windows shows it; NULL: the volume's */
    const char *prefix;        /* "\\Server\\Share" of a network volume, or NULL */
    const char *root_security; /* SDDL of the root where none is stored; NULL: Everyone has all on a
                                  volume that stores descriptors, and else what the mode says */
    bool read_only;
    bool flush_and_purge;  /* nothing stays in the driver's cache behind the last close */
    bool posix_names;      /* characters that Windows forbids are mapped to U+F000 + c and back;
                              true by default */
    bool case_insensitive; /* names are found without regard to case on a case-sensitive volume too
                            */
    uint32_t info_timeout_ms; /* how long the driver may keep metadata; UINT32_MAX: data too. 1000
                                 by default, 0 on a remote file system */
    uint32_t sector_size;     /* bytes; 512 by default */
    unsigned threads;         /* requests in work at the same time; 0: 8 */
    int uid, gid;             /* owner of what is made; -1: as the caller's token says */
    int file_mask, dir_mask;  /* permission bits taken from what is made on a file system without
                                 descriptors; 022 by default */
    bool debug;
    void (*log)(void *arg, const char *line);
    void *arg;
};

void lt_winfsp_options_init(struct lt_winfsp_options *options);

/* What the volume of this file system is to be made with: for the driver. */
int lt_winfsp_params(struct lt_fs *fs, const struct lt_winfsp_options *options,
                     struct lt_fsp_volume_params *ret, struct lt_diag *diag);

/* Starts to answer. Takes the port over, also if it fails. fs must outlive it. */
int lt_winfsp_start(struct lt_fs *fs, struct lt_winfsp_port *port,
                    const struct lt_winfsp_options *options, struct lt_winfsp **ret,
                    struct lt_diag *diag);

/* Waits until the driver has ended it, or lt_winfsp_stop(). 0, or LT_ENODEV. */
int lt_winfsp_wait(struct lt_winfsp *volume);

/* Any thread. */
void lt_winfsp_stop(struct lt_winfsp *volume);

/* Joins the threads, closes what is open, closes the port. NULL is ignored. */
void lt_winfsp_end(struct lt_winfsp *volume);

/* Counters as one JSON object: per kind of request the count, errors, and latencies. malloc'd. */
int lt_winfsp_stats(struct lt_winfsp *volume, char **ret_json);

#endif
