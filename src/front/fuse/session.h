/* SPDX-License-Identifier: MIT */
/*
 * What the files of the FUSE server share. A session serves one file system over
 * one channel; each request is a struct call on the stack of the worker that
 * received it, and goes through one handler of handlers.h.
 *
 * A handler returns a negative error, which becomes the reply, or 0 after it
 * has replied by one of the reply_... functions; 0 without a reply means an empty one.
 * So no request stays without an answer, and none gets two.
 *
 * Locks: the shards of `nodes` and the notifier's queue are leaves. No lock is
 * held while the channel sends, with one exception: a READ replies out of the file
 * system's memory, from within its sink.
 */
#ifndef LT_FRONT_FUSE_SESSION_H
#define LT_FRONT_FUSE_SESSION_H

#include "backing.h"
#include "nodes.h"
#include "opens.h"
#include "stats.h"

#include <channel/channel.h>
#include <lintel/event.h>
#include <lintel/mount.h>
#include <wire/fuse/encode.h>

#define LT_FUSE_GROUPS_MAX 32u

/* One thread of the server. */
struct lt_fuse_worker {
    struct lt_session *session; /* immutable */
    unsigned index;             /* immutable */
    struct lt_thread *thread;   /* of whoever started it */
    struct lt_stats stats;      /* written by this worker */
    char *scratch;              /* replies are built here: session->scratch_size bytes */
    _Atomic(uint64_t) unique;   /* the request in work; 0: none */
    atomic_bool cancel;         /* INTERRUPT came for it */
};

struct lt_notifier;

struct lt_session {
    struct lt_fs *fs;
    struct lt_volume volume;         /* immutable */
    struct lt_mount_options options; /* immutable */
    struct lt_channel *channel;      /* replaced once, by INIT, before there are threads */
    struct lt_channel_config config; /* immutable */
    struct lt_nodes nodes;

    /* Set by INIT, before there are threads; a second INIT is refused. */
    bool initialized;
    uint32_t minor;     /* of the peer */
    uint64_t features;  /* LT_FUSE_... accepted by both */
    uint32_t max_write; /* bytes; also the most that one READ asks for */
    bool use_open;      /* OPEN, CREATE and RELEASE are answered: state belongs to them */
    bool passthrough;   /* the kernel does the I/O of open files: backing.h */
    struct lt_backings backings;
    struct lt_opens opens;       /* where volume.has_open */
    struct lt_fuse_timeouts ttl; /* of names and attributes */
    bool cache_negative;

    struct lt_fuse_worker *workers;
    unsigned worker_count;
    size_t scratch_size;
    _Atomic(uint32_t) slow[LT_FUSE_OPCODE_END]; /* see dispatch.c; [0]: all private requests */
    atomic_ullong reply_failures;
    atomic_uint lock_waiters; /* workers that wait for a lock */

    struct lt_subscription *subscription;
    struct lt_notifier *notifier;

    struct lt_mutex end_lock; /* leaf */
    struct lt_cond ended;
    unsigned running GUARDED_BY(end_lock); /* worker threads */
    int end_reason GUARDED_BY(end_lock);   /* what the first of them ended with */
};

struct call {
    struct lt_session *s;
    struct lt_fuse_worker *w;
    struct lt_message *m;
    struct lt_fuse_request req;
    struct lt_ctx ctx;
    struct lt_node *node; /* header.nodeid with a reference; NULL where it has no meaning */
    bool replied;
    uint64_t bytes; /* moved, for the counters */
    uint32_t groups[LT_FUSE_GROUPS_MAX];
};

/* ---- session.c ------------------------------------------------------------------------------- */

/*
 * A server of fs over `channel`, which it takes over, also if it fails. The first
 * message has not been received yet. `options` is copied; the strings in it are not used.
 */
int lt_session_new(struct lt_fs *fs, const struct lt_mount_options *options,
                   struct lt_channel *channel, const struct lt_channel_config *config,
                   struct lt_session **ret);

/* What a channel of this file system should be made with. */
void lt_session_channel_config(struct lt_fs *fs, const struct lt_mount_options *options,
                               struct lt_channel_config *ret);

/* Answers requests on this thread until INIT is done. */
int lt_session_handshake(struct lt_session *s);

/* Starts the workers. */
int lt_session_start(struct lt_session *s);

/* Waits until all workers have ended. 0, LT_ENOTCONN (aborted), or another error of the channel. */
int lt_session_wait(struct lt_session *s);

/* Whether all workers have ended. */
bool lt_session_ended(struct lt_session *s);

/* Waits for that, but not for longer than `timeout_ns`. */
bool lt_session_wait_for(struct lt_session *s, uint64_t timeout_ns);

/* Makes the workers end. Async-signal-safe; any thread. */
void lt_session_stop(struct lt_session *s);

/* Joins the workers, gives all nodes back, closes the channel. NULL is ignored. */
void lt_session_free(struct lt_session *s);

/* ---- dispatch.c: from a message to its handler, and back ------------------------------------- */

void lt_session_answer(struct lt_fuse_worker *w, struct lt_message *m);

/* A reply has been sent, with this result. */
void note_reply(struct call *c, int r);
int reply_bytes(struct call *c, const void *body, size_t len);
int reply_segs(struct call *c, const struct lt_seg *segs, size_t count);
int reply_entry(struct call *c, struct lt_entry *entry); /* takes entry->node over, always */
int reply_attr(struct call *c, const struct lt_attr *attr);

/* The same with more behind it. Beside errors of its own: LT_ENOENT if nobody waits any more. */
int reply_entry_and(struct call *c, struct lt_entry *entry, const void *more, size_t len);

/* Whether the peer is a program, which may be another Lintel, and no kernel. */
static inline bool private_peer(const struct lt_session *s)
{
    return s->channel->reply_blocks;
}

/* The reply to CREATE and TMPFILE: an entry, opened (open.c). */
int reply_created(struct call *c, struct lt_entry *entry);

/* A node id that came as an argument, with a reference. LT_ESTALE. */
int call_node(struct call *c, uint64_t id, struct lt_node **ret);

/* ---- What of the attributes shows (view.c) --------------------------------------------------- */

/* Applies uid=, gid= and umask= to what the file system says. */
void view_attr(const struct lt_session *s, const struct lt_node *node, struct lt_attr *attr);

/* How long the peer may keep a name and the attributes of its node. */
struct lt_fuse_timeouts view_timeouts(const struct lt_session *s, const struct lt_node *node,
                                      bool exact);

/* Whether `name` is FILE:STREAM and streams show that way; splits it. */
bool view_stream(const struct lt_session *s, struct lt_str name, struct lt_str *ret_file,
                 struct lt_str *ret_stream);

/* ---- init.c ---------------------------------------------------------------------------------- */

/* The names of the accepted features, transport and limits, as members of the open object. */
void lt_session_features_json(const struct lt_session *s, struct lt_json *j);

/* ---- control.c: system.lintel.* of the root -------------------------------------------------- */

#define CONTROL_PREFIX "system.lintel."

bool control_is_name(const struct call *c);
int control_get(struct call *c);
int control_set(struct call *c);
int lt_session_stats(struct lt_session *s, char **ret_json);

/* ---- invalidate.c: what others changed ------------------------------------------------------- */

/* Starts to listen to the file system's events. */
int lt_notify_start(struct lt_session *s);
void lt_notify_stop(struct lt_session *s);

/* Says that the calling thread answers requests: it must not wait for a kernel. */
void notify_enter_worker(void);

/* Tells the peer that the attributes of a node are not what it thinks. Any thread, also within a
 * request: takes no lock of an inode. */
void notify_attr(struct lt_session *s, uint64_t id);

/* Before a name is removed or replaced on a case-insensitive volume under another spelling than the
 * stored one: whether the peer may know it by that. */
bool notify_has_alias(struct call *c, struct lt_node *dir, struct lt_str name);

/* All names are to be looked up again (7.44). Within a request too. */
void notify_epoch(struct lt_session *s);

#endif
