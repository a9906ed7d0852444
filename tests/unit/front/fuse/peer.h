/* SPDX-License-Identifier: MIT */
/*
 * A peer that speaks the FUSE protocol over a socket pair, in the place of a
 * kernel: it says what it likes, and looks at every byte that comes back.
 */
#ifndef LT_TESTS_UNIT_FRONT_FUSE_PEER_H
#define LT_TESTS_UNIT_FRONT_FUSE_PEER_H

#include "test.h"

#include <front/fuse/session.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEER_BUFFER ((1u << 20) + 8192u)

struct peer {
    struct lt_fs *fs;
    struct lt_session *session;
    int fd;
    uint64_t unique;
    char *buf; /* the last message received */
    size_t len;
};

/* What a request consists of behind its header; up to two names, then data. */
struct ask {
    uint32_t opcode;
    uint64_t nodeid;
    const void *args;
    size_t args_len;
    const char *name, *name2;
    const void *data;
    size_t data_len;
    uint32_t uid;
};

static inline struct lt_fuse_out_header peer_header(const struct peer *p)
{
    struct lt_fuse_out_header h;
    memcpy(&h, p->buf, sizeof(h));
    return h;
}

static inline void *peer_body(struct peer *p)
{
    return p->buf + sizeof(struct lt_fuse_out_header);
}

static inline size_t peer_body_len(const struct peer *p)
{
    return p->len - sizeof(struct lt_fuse_out_header);
}

/* Sends bytes as they are. */
static inline void peer_raw(struct peer *p, const void *data, size_t len)
{
    assert_int_equal(send(p->fd, data, len, MSG_NOSIGNAL), len);
}

/* Sends a request; returns its unique. */
static inline uint64_t peer_send(struct peer *p, const struct ask *a)
{
    static char message[PEER_BUFFER];
    size_t len = sizeof(struct lt_fuse_in_header);
    const struct {
        const void *data;
        size_t len;
    } parts[] = {
        {a->args, a->args_len},
        {a->name, a->name ? strlen(a->name) + 1 : 0},
        {a->name2, a->name2 ? strlen(a->name2) + 1 : 0},
        {a->data, a->data_len},
    };
    for (size_t i = 0; i < 4; i++) {
        if (parts[i].len)
            memcpy(message + len, parts[i].data, parts[i].len);
        len += parts[i].len;
    }
    p->unique += 2;
    struct lt_fuse_in_header h = {.len = (uint32_t)len,
                                  .opcode = a->opcode,
                                  .unique = p->unique,
                                  .nodeid = a->nodeid,
                                  .uid = a->uid};
    memcpy(message, &h, sizeof(h));
    peer_raw(p, message, len);
    return p->unique;
}

/* Whether a message comes within `ms`. */
static inline bool peer_waiting(struct peer *p, int ms)
{
    struct pollfd fd = {.fd = p->fd, .events = POLLIN};
    return poll(&fd, 1, ms) > 0;
}

/* Receives one message. */
static inline void peer_receive(struct peer *p)
{
    struct lt_fuse_out_header h;
    assert_true(peer_waiting(p, 20000));
    ssize_t n = recv(p->fd, p->buf, PEER_BUFFER, 0);
    assert_true(n >= (ssize_t)sizeof(h));
    p->len = (size_t)n;
    h = peer_header(p);
    assert_int_equal(h.len, n);
}

/* Asks and waits for the answer to it, past notifications; returns its error. */
static inline int peer_ask(struct peer *p, const struct ask *a)
{
    uint64_t unique = peer_send(p, a);
    do
        peer_receive(p);
    while (peer_header(p).unique == 0);
    struct lt_fuse_out_header h = peer_header(p);
    assert_int_equal(h.unique, unique);
    assert_true(h.error <= 0 && h.error > -512);
    if (h.error)
        assert_int_equal(h.len, sizeof(h));
    return h.error;
}

#define ASK(...) peer_ask(p, &(struct ask){__VA_ARGS__})

/* Any reply's body as a struct. */
#define BODY(type) (*(struct type *)memcpy(&(struct type){0}, peer_body(p), sizeof(struct type)))

static inline int peer_init(struct peer *p, uint32_t minor, uint64_t features)
{
    struct lt_fuse_init_in in = {.major = 7,
                                 .minor = minor,
                                 .max_readahead = 131072,
                                 .flags = (uint32_t)features,
                                 .flags2 = (uint32_t)(features >> 32)};
    return ASK(.opcode = LT_FUSE_INIT, .args = &in, .args_len = sizeof(in));
}

/* `fs` is the peer's from now on. */
static inline void peer_connect_to(struct peer *p, struct lt_fs *fs,
                                   const struct lt_mount_options *options, bool packets)
{
    struct lt_channel_config config;
    struct lt_channel *channel;
    int pair[2], size = 4 << 20;
    memset(p, 0, sizeof(*p));
    p->fs = fs;
    assert_int_equal(socketpair(AF_UNIX, packets ? SOCK_SEQPACKET : SOCK_STREAM, 0, pair), 0);
    for (int i = 0; i < 2; i++)
        setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    p->fd = pair[0];
    p->buf = malloc(PEER_BUFFER);
    assert_non_null(p->buf);
    lt_session_channel_config(p->fs, options, &config);
    assert_int_equal(lt_channel_socket(pair[1], pair[1], packets, &config, &channel), 0);
    assert_int_equal(lt_session_new(p->fs, options, channel, &config, &p->session), 0);
}

static inline void peer_connect(struct peer *p, const char *source,
                                const struct lt_mount_options *options, bool packets)
{
    struct lt_fs *fs;
    assert_int_equal(lt_open_fs(source, &fs, NULL), 0);
    peer_connect_to(p, fs, options, packets);
}

/* Connected, INIT done, serving. */
static inline void peer_open_to(struct peer *p, struct lt_fs *fs,
                                const struct lt_mount_options *options, uint64_t features)
{
    struct lt_fuse_init_in in = {.major = 7, .minor = 45, .flags = (uint32_t)features};
    in.flags2 = (uint32_t)(features >> 32);
    peer_connect_to(p, fs, options, true);
    uint64_t unique =
        peer_send(p, &(struct ask){.opcode = LT_FUSE_INIT, .args = &in, .args_len = sizeof(in)});
    assert_int_equal(lt_session_handshake(p->session), 0);
    peer_receive(p);
    assert_int_equal(peer_header(p).unique, unique);
    assert_int_equal(peer_header(p).error, 0);
    assert_int_equal(lt_session_start(p->session), 0);
}

static inline void peer_open(struct peer *p, const char *source,
                             const struct lt_mount_options *options, uint64_t features)
{
    struct lt_fs *fs;
    assert_int_equal(lt_open_fs(source, &fs, NULL), 0);
    peer_open_to(p, fs, options, features);
}

static inline void peer_close(struct peer *p)
{
    close(p->fd);
    lt_session_free(p->session);
    assert_int_equal(lt_fs_close(p->fs), 0);
    free(p->buf);
}

/* All that a kernel of 7.45 offers. */
#define PEER_FEATURES (UINT64_MAX & ~LT_FUSE_OVER_IO_URING)

static inline struct lt_mount_options peer_options(void)
{
    struct lt_mount_options o;
    lt_mount_options_init(&o);
    return o;
}

/* ---- Requests that most tests need ----------------------------------------------------------- */

static inline uint64_t peer_mknod(struct peer *p, uint64_t dir, const char *name)
{
    struct lt_fuse_mknod_in in = {.mode = 0100644};
    assert_int_equal(ASK(.opcode = LT_FUSE_MKNOD, .nodeid = dir, .args = &in,
                         .args_len = sizeof(in), .name = name),
                     0);
    return BODY(lt_fuse_entry_out).nodeid;
}

static inline uint64_t peer_mkdir(struct peer *p, uint64_t dir, const char *name)
{
    struct lt_fuse_mkdir_in in = {.mode = 0755};
    assert_int_equal(ASK(.opcode = LT_FUSE_MKDIR, .nodeid = dir, .args = &in,
                         .args_len = sizeof(in), .name = name),
                     0);
    return BODY(lt_fuse_entry_out).nodeid;
}

static inline int peer_lookup(struct peer *p, uint64_t dir, const char *name)
{
    return ASK(.opcode = LT_FUSE_LOOKUP, .nodeid = dir, .name = name);
}

static inline void peer_forget(struct peer *p, uint64_t id, uint64_t count)
{
    struct lt_fuse_forget_in in = {.nlookup = count};
    peer_send(p, &(struct ask){
                     .opcode = LT_FUSE_FORGET, .nodeid = id, .args = &in, .args_len = sizeof(in)});
}

/* An answered request: all that was sent before it has been taken up. Two workers: ask each. */
static inline void peer_settle(struct peer *p)
{
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(ASK(.opcode = LT_FUSE_STATFS, .nodeid = 1), 0);
        if (lt_nodes_count(&p->session->nodes) == 0)
            return;
    }
}

static inline void peer_open_default(struct peer *p)
{
    struct lt_mount_options o = peer_options();
    peer_open(p, "mem:size=64m", &o, PEER_FEATURES);
}

#endif
