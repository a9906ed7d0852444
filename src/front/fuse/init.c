// SPDX-License-Identifier: MIT
/* INIT: what both ends can do, and what we make of it. Why each feature is taken is told in
 * docs/design/fuse.md. */
#include "handlers.h"

#include <stdio.h>

#define MAX_BACKGROUND 64u /* asynchronous requests under way: readahead, writeback, direct I/O */
#define CONGESTION 48u
#define REMOTE_TTL_NS UINT64_C(1000000000)

/* Features that are always good, if the peer has them. */
static uint64_t plain_features(void)
{
    return LT_FUSE_ASYNC_READ | LT_FUSE_EXPORT_SUPPORT | LT_FUSE_BIG_WRITES | LT_FUSE_DONT_MASK |
           LT_FUSE_HAS_IOCTL_DIR | LT_FUSE_DO_READDIRPLUS | LT_FUSE_READDIRPLUS_AUTO |
           LT_FUSE_ASYNC_DIO | LT_FUSE_PARALLEL_DIROPS | LT_FUSE_ABORT_ERROR | LT_FUSE_MAX_PAGES |
           LT_FUSE_CACHE_SYMLINKS | LT_FUSE_HANDLE_KILLPRIV_V2 | LT_FUSE_SETXATTR_EXT |
           LT_FUSE_INIT_EXT | LT_FUSE_CREATE_SUPP_GROUP | LT_FUSE_HAS_EXPIRE_ONLY |
           LT_FUSE_DIRECT_IO_ALLOW_MMAP;
}

static uint64_t wanted_features(const struct lt_session *s)
{
    uint64_t want = plain_features();
    /* Pages go when somebody else changes a file and we say so; elsewhere the kernel has to guess.
     */
    want |= s->volume.remote ? LT_FUSE_AUTO_INVAL_DATA : LT_FUSE_EXPLICIT_INVAL_DATA;
    if (s->options.default_permissions)
        want |= LT_FUSE_POSIX_ACL;
    /* With both the kernel drops passthrough without a word. */
    if (s->passthrough)
        want |= LT_FUSE_PASSTHROUGH;
    else if (s->options.writeback == LT_ON)
        want |= LT_FUSE_WRITEBACK_CACHE;
    if (s->options.locks)
        want |= LT_FUSE_POSIX_LOCKS | LT_FUSE_FLOCK_LOCKS;
    if (s->use_open)
        want |= LT_FUSE_ATOMIC_O_TRUNC;
    else
        want |= LT_FUSE_NO_OPEN_SUPPORT | LT_FUSE_NO_OPENDIR_SUPPORT;
    return want;
}

static void set_caching(struct lt_session *s)
{
    uint64_t ns =
        s->options.timeout_ms > UINT64_MAX / 1000000 ? UINT64_MAX : s->options.timeout_ms * 1000000;
    bool sensitive = s->volume.name_case == LT_CASE_SENSITIVE;
    if (s->volume.remote && ns > REMOTE_TTL_NS)
        ns = REMOTE_TTL_NS;
    s->ttl = (struct lt_fuse_timeouts){ns, ns};
    s->cache_negative = sensitive;
    /*
     * One node may be known by several spellings, of which we cannot name all when it
     * goes: all names must be dropped at once (NOTIFY_INC_EPOCH), or none be kept.
     */
    if (!sensitive && s->minor < 44)
        s->ttl.entry_ns = 0;
}

/* Puts a channel over io_uring in the place of /dev/fuse. True if that went well. */
static bool try_uring(struct lt_session *s, uint64_t offered)
{
    struct lt_channel *uring;
    if (s->options.io_uring == LT_OFF || s->options.locks || !(offered & LT_FUSE_OVER_IO_URING))
        return false;
    if (lt_channel_uring(s->channel, &s->config, &uring) < 0)
        return false;
    s->channel = uring;
    return true;
}

static void fill_reply(const struct lt_session *s, const struct lt_fuse_init_in *in,
                       struct lt_fuse_init_out *out)
{
    *out = (struct lt_fuse_init_out){
        .major = LT_FUSE_MAJOR,
        .minor = LT_FUSE_MINOR,
        .max_readahead = in->max_readahead,
        .flags = (uint32_t)s->features,
        .flags2 = (uint32_t)(s->features >> 32),
        .max_background = MAX_BACKGROUND,
        .congestion_threshold = CONGESTION,
        .max_write = s->max_write,
        .time_gran = 1,
        .max_pages = (uint16_t)(s->max_write / LT_PAGE_SIZE),
        .max_stack_depth = s->passthrough ? 1 : 0,
    };
}

int on_init(struct call *c)
{
    const struct lt_fuse_init_in *in = &c->req.args.init;
    struct lt_session *s = c->s;
    struct lt_fuse_init_out out = {.major = LT_FUSE_MAJOR, .minor = LT_FUSE_MINOR};
    if (in->major > LT_FUSE_MAJOR) /* it will ask again, with ours */
        return reply_bytes(c, &out, sizeof(out));
    if (in->major < LT_FUSE_MAJOR || in->minor < LT_FUSE_MINOR_MIN)
        return LT_EPROTO;

    uint64_t offered = in->flags;
    if (in->flags & LT_FUSE_INIT_EXT)
        offered |= (uint64_t)in->flags2 << 32;
    s->minor = in->minor;
    s->features = offered & wanted_features(s);
    s->use_open |= !(s->features & LT_FUSE_NO_OPEN_SUPPORT);
    if (!(s->features & LT_FUSE_MAX_PAGES) && s->max_write > 32 * LT_PAGE_SIZE)
        s->max_write = 32 * LT_PAGE_SIZE; /* what the protocol had before 7.28 */
    s->passthrough = s->features & LT_FUSE_PASSTHROUGH;
    if (s->options.passthrough == LT_ON && !s->passthrough)
        return LT_EOPNOTSUPP;
    set_caching(s);
    if (try_uring(s, offered))
        s->features |= LT_FUSE_OVER_IO_URING;
    else if (s->options.io_uring == LT_ON)
        return LT_EOPNOTSUPP;
    fill_reply(s, in, &out);
    s->initialized = true;
    return reply_bytes(c, &out, sizeof(out));
}

void lt_session_features_json(const struct lt_session *s, struct lt_json *j)
{
    char version[16];
    uint32_t minor = s->minor < LT_FUSE_MINOR ? s->minor : LT_FUSE_MINOR;
    snprintf(version, sizeof(version), "%u.%u", LT_FUSE_MAJOR, minor);
    lt_json_text(j, "protocol", version);
    lt_json_text(j, "transport", s->channel->ops->name);
    lt_json_u64(j, "threads", s->worker_count);
    lt_json_u64(j, "max_write", s->max_write);
    lt_json_bool(j, "no_open", !s->use_open);
    lt_json_array(j, "features");
#define PUT(name, bit, text)                \
    if (s->features & UINT64_C(1) << (bit)) \
        lt_json_text(j, NULL, text);
    LT_FUSE_FEATURES(PUT)
#undef PUT
    lt_json_array_end(j);
}
