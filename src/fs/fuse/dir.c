// SPDX-License-Identifier: MIT
/*
 * Listing directories.
 *
 * Callers list in pieces and hold nothing open in between, but to many servers an offset means
 * something only with the handle that gave it. So a listing that was left in the middle is kept,
 * with its handle and what it had already read, and found again by directory and cookie. Who comes
 * with a cookie of which nothing is known any more gets a new handle, and the server's word for it.
 */
#include "dir.h"

#include "ops.h"
#include "request.h"
#include "table.h"

#include <stdlib.h>

#define BUFFER_SIZE 65536u
#define LISTINGS_MAX 32u
#define FRESH_NS UINT64_C(1000000000) /* how long what was read ahead may be handed out */
#define BYTES_MAX (UINT64_C(1) << 40) /* of one listing: no directory is so large */

struct fuse_listing {
    struct fuse_listing *older;
    struct fuse_node *dir; /* a reference */
    uint64_t cookie;       /* the caller's, of what comes next */

    uint64_t fh;
    uint32_t epoch;
    bool opened;     /* fh is to be released */
    bool begun_at_0; /* it was read from its start: then libfuse knows what an offset means */
    bool ended;      /* nothing comes behind the cookie */
    bool failed;     /* the handle is of a server that is gone */

    /* Offsets that go in a circle (Brent): each is compared with one that was seen before, of
     * which there is a new one after 1, 2, 4 ... steps. */
    uint64_t mark, steps, power, bytes;

    /* What was read: records from `at` on have not been handed out. */
    uint64_t read_ns, begun;
    bool plus;
    size_t at, len;

    uint64_t last_cookie; /* behind the entry handed out last, whose name is: */
    size_t last_len;
    char last[LT_NAME_MAX];
    char buffer[BUFFER_SIZE];
};

/* ---- Cookies --------------------------------------------------------------------------------- */

/*
 * Offsets are the server's own, from 1 up, where 2^63 - 1 is the end of the directory on ext4 and
 * others. Cookies begin at 3.
 */
#define COOKIE_SHIFT 3u
#define COOKIE_LAST 3u

static int cookie_of(uint64_t offset, uint64_t *ret)
{
    if (offset == INT64_MAX)
        *ret = COOKIE_LAST;
    else if (offset > 0 && offset < INT64_MAX - COOKIE_SHIFT)
        *ret = offset + COOKIE_SHIFT;
    else
        return LT_EIO;
    return 0;
}

static uint64_t offset_of(uint64_t cookie)
{
    if (cookie == COOKIE_LAST)
        return INT64_MAX;
    return cookie > COOKIE_SHIFT ? cookie - COOKIE_SHIFT : 0;
}

/* ---- Listings -------------------------------------------------------------------------------- */

/* What was read ahead will not be handed out: the lookups in it go back. */
static void forget_rest(struct fuse_fs *fs, struct fuse_listing *l)
{
    struct lt_fuse_record record;
    while (l->plus && lt_fuse_get_record(l->buffer, l->len, true, &l->at, &record) == 1)
        fuse_entry_drop(fs, l->epoch, record.entry.nodeid);
    l->at = l->len = 0;
}

static void close_handle(struct fuse_fs *fs, struct fuse_listing *l)
{
    struct lt_fuse_release_in in = {.fh = l->fh, .flags = LT_FUSE_O_DIRECTORY};
    struct fuse_request r = {.opcode = LT_FUSE_RELEASEDIR,
                             .node = l->dir,
                             .args = &in,
                             .args_len = sizeof(in),
                             .epoch = &l->epoch};
    forget_rest(fs, l);
    if (l->opened)
        (void)fuse_call(NULL, fs, &r); /* nothing can be done about a failure */
    l->opened = false;
}

static void close_listing(struct fuse_fs *fs, struct fuse_listing *l)
{
    close_handle(fs, l);
    lt_node_put(&l->dir->node);
    free(l);
}

static int open_handle(const struct lt_ctx *ctx, struct fuse_fs *fs, struct fuse_listing *l)
{
    struct lt_fuse_open_in in = {.flags = LT_FUSE_O_DIRECTORY};
    struct lt_fuse_open_out out;
    struct fuse_request r = {
        .opcode = LT_FUSE_OPENDIR,
        .node = l->dir,
        .args = &in,
        .args_len = sizeof(in),
        .out = {{&out, sizeof(out)}},
        .out_count = 1,
        .out_min = sizeof(out),
    };
    int e = fuse_call(ctx, fs, &r);
    l->opened = e == 0;
    l->begun_at_0 = false;
    l->fh = e == 0 ? out.fh : 0;
    l->epoch = r.sent_epoch;
    return e == LT_ENOSYS ? 0 : e;
}

static int open_listing(const struct lt_ctx *ctx, struct fuse_node *dir, uint64_t cookie,
                        struct fuse_listing **ret)
{
    struct fuse_fs *fs = fuse_fs_of(dir);
    struct fuse_listing *l = malloc(sizeof(*l));
    if (!l)
        return LT_ENOMEM;
    memset(l, 0, offsetof(struct fuse_listing, last));
    l->dir = fuse_node(lt_node_get(&dir->node));
    l->cookie = cookie;
    l->power = 1;
    int r = open_handle(ctx, fs, l);
    if (r < 0) {
        lt_node_put(&dir->node);
        free(l);
        return r;
    }
    *ret = l;
    return 0;
}

/* Takes one that waits out of the list: that which was left at the cookie. */
static struct fuse_listing *resume(struct fuse_fs *fs, const struct fuse_node *dir, uint64_t cookie)
{
    struct fuse_listings *list = &fs->listings;
    lt_mutex_lock(&list->lock);
    struct fuse_listing **at = &list->newest, *l;
    while (*at && ((*at)->dir != dir || (*at)->cookie != cookie))
        at = &(*at)->older;
    l = *at;
    if (l) {
        *at = l->older;
        list->count--;
    }
    lt_mutex_unlock(&list->lock);
    return l;
}

/* Puts it into the list; the oldest of too many ends. */
static void leave(struct fuse_fs *fs, struct fuse_listing *l)
{
    struct fuse_listings *list = &fs->listings;
    struct fuse_listing *oldest = NULL;
    lt_mutex_lock(&list->lock);
    l->older = list->newest;
    list->newest = l;
    if (++list->count > LISTINGS_MAX) {
        struct fuse_listing **at = &list->newest;
        while ((*at)->older)
            at = &(*at)->older;
        oldest = *at;
        *at = NULL;
        list->count--;
    }
    lt_mutex_unlock(&list->lock);
    if (oldest)
        close_listing(fs, oldest);
}

void fuse_listings_drop(struct fuse_fs *fs, const struct fuse_node *dir)
{
    struct fuse_listings *list = &fs->listings;
    struct fuse_listing *gone = NULL;
    lt_mutex_lock(&list->lock);
    for (struct fuse_listing **at = &list->newest, *l; (l = *at);) {
        if (dir && l->dir != dir) {
            at = &l->older;
            continue;
        }
        *at = l->older;
        l->older = gone;
        gone = l;
        list->count--;
    }
    lt_mutex_unlock(&list->lock);
    while (gone) {
        struct fuse_listing *l = gone;
        gone = l->older;
        close_listing(fs, l);
    }
}

/* ---- Reading --------------------------------------------------------------------------------- */

static int read_at(const struct lt_ctx *ctx, struct fuse_fs *fs, struct fuse_listing *l,
                   uint64_t offset, bool plus)
{
    uint32_t size = fs->max_read < BUFFER_SIZE ? fs->max_read : BUFFER_SIZE;
    struct lt_fuse_read_in in = {.fh = l->fh, .offset = offset, .size = size};
    struct fuse_request r = {
        .opcode = plus ? LT_FUSE_READDIRPLUS : LT_FUSE_READDIR,
        .node = l->dir,
        .args = &in,
        .args_len = sizeof(in),
        .epoch = &l->epoch,
        .out = {{l->buffer, size}},
        .out_count = 1,
    };
    l->begun = fuse_attr_begin(fs);
    int e = fuse_call(ctx, fs, &r);
    if (e < 0)
        return e;
    l->plus = plus;
    l->read_ns = lt_clock_ns();
    l->at = 0;
    l->len = r.out_len;
    l->bytes += r.out_len;
    return l->bytes > BYTES_MAX ? LT_EIO : 0;
}

/* A new handle is read from its start first: programs that list a directory in one go (libfuse's
 * fuse_fill_dir_t with offset 0) do it then, and some end themselves if it is not so (sshfs). */
static int read_once(const struct lt_ctx *ctx, struct fuse_fs *fs, struct fuse_listing *l,
                     bool plus)
{
    uint64_t offset = offset_of(l->cookie);
    if (offset > 0 && l->opened && !l->begun_at_0) {
        int r = read_at(ctx, fs, l, 0, false);
        l->at = l->len = 0;
        if (r < 0)
            return r;
    }
    l->begun_at_0 = true;
    return read_at(ctx, fs, l, offset, plus);
}

/* The next records. Once more with a new handle if the server was started again. */
static int read_records(const struct lt_ctx *ctx, struct fuse_fs *fs, struct fuse_listing *l,
                        bool plus)
{
    forget_rest(fs, l);
    plus = plus && fs->features & LT_FUSE_DO_READDIRPLUS && fs->minor >= 21;
    int r = read_once(ctx, fs, l, plus);
    if (r == LT_ENOSYS && plus)
        r = read_once(ctx, fs, l, false);
    if (r != LT_ESTALE || !fuse_epoch_is_old(fs, l->epoch))
        return r;
    r = open_handle(ctx, fs, l);
    return r < 0 ? r : read_once(ctx, fs, l, plus);
}

/* Whether what was read ahead may still be handed out. */
static bool is_fresh(const struct fuse_listing *l)
{
    return lt_clock_ns() - l->read_ns <= FRESH_NS && atomic_load(&l->dir->changed) <= l->begun;
}

/* ---- Handing out ----------------------------------------------------------------------------- */

struct taker {
    const struct lt_ctx *ctx;
    bool plus;
    int (*fn)(void *arg, const struct lt_dirent *entry);
    void *arg;
};

static bool is_dots(struct lt_str name)
{
    return name.s[0] == '.' && (name.len == 1 || (name.len == 2 && name.s[1] == '.'));
}

/* An offset of the server's, on the way through the directory: LT_EIO if it has been there. */
static int step(struct fuse_listing *l, uint64_t offset)
{
    if (offset == l->mark)
        return LT_EIO;
    if (++l->steps == l->power) {
        l->mark = offset;
        l->steps = 0;
        l->power *= 2;
    }
    return 0;
}

/* The node of a record: looked up with it, or now. LT_ENOENT: it has gone meanwhile. */
static int node_of(const struct taker *t, struct fuse_fs *fs, struct fuse_listing *l,
                   const struct lt_fuse_record *record, struct lt_entry *ret)
{
    *ret = (struct lt_entry){.stored = NULL};
    if (record->entry.nodeid != 0)
        return fuse_entry_learn(fs, l->epoch, l->dir, record->name, &record->entry, l->begun, 0,
                                ret);
    return fuse_lookup(t->ctx, &l->dir->node, record->name, ret);
}

/* Shows one record to the caller. 0: taken, or skipped; what fn says: not taken. */
static int show(const struct taker *t, struct fuse_fs *fs, struct fuse_listing *l,
                const struct lt_fuse_record *record, uint64_t cookie)
{
    struct lt_entry entry = {.node = NULL};
    bool needed = t->plus || record->type == 0;
    int r = 0;
    if (needed || record->entry.nodeid != 0)
        r = node_of(t, fs, l, record, &entry);
    if (r == LT_ENOENT)
        return 0;
    if (r < 0)
        return r;
    struct lt_dirent dirent = {.name = record->name,
                               .id = entry.node ? entry.node->id : record->ino,
                               .next = cookie,
                               .mode = entry.node ? entry.attr.mode & LT_S_IFMT : record->type};
    if (t->plus) {
        dirent.node = entry.node;
        dirent.attr = &entry.attr;
    }
    r = t->fn(t->arg, &dirent);
    if (r != 0 || !t->plus)
        lt_node_put(entry.node);
    return r;
}

static void note_last(struct fuse_listing *l, struct lt_str name, uint64_t cookie)
{
    l->cookie = l->last_cookie = cookie;
    l->last_len = name.len;
    memcpy(l->last, name.s, name.len);
}

/* Hands out what was read. 0: all of it; 1: the caller stopped. */
static int hand_out(const struct taker *t, struct fuse_fs *fs, struct fuse_listing *l)
{
    struct lt_fuse_record record;
    for (;;) {
        size_t at = l->at;
        uint64_t cookie;
        int r = lt_fuse_get_record(l->buffer, l->len, l->plus, &l->at, &record);
        if (r <= 0)
            return r;
        bool dots = is_dots(record.name);
        r = cookie_of(record.off, &cookie);
        if (r == 0 && !dots)
            r = lt_name_check(record.name) < 0 ? LT_EIO : 0;
        if (r < 0) {
            fuse_entry_drop(fs, l->epoch, dots ? 0 : record.entry.nodeid);
            return r;
        }
        r = dots ? 0 : show(t, fs, l, &record, cookie);
        if (r > 0) { /* it comes again, but its lookup has been counted */
            l->at = at;
            if (l->plus)
                memset(l->buffer + at, 0, sizeof(record.entry));
            return 1;
        }
        if (r == 0)
            r = step(l, record.off);
        if (r < 0)
            return r;
        note_last(l, record.name, cookie);
    }
}

static int list(const struct taker *t, struct fuse_fs *fs, struct fuse_listing *l)
{
    bool fresh = is_fresh(l);
    for (;;) {
        if (l->at == l->len || !fresh) {
            int r = read_records(t->ctx, fs, l, t->plus);
            if (r < 0 || l->len == 0)
                return r;
            fresh = true;
        }
        uint64_t before = l->cookie;
        int r = hand_out(t, fs, l);
        if (r != 0)
            return r;
        if (l->cookie == before) /* not even one record */
            return l->len == 0 ? 0 : LT_EIO;
        l->at = l->len = 0;
        if (t->ctx->cancel && atomic_load(t->ctx->cancel))
            return LT_EINTR;
    }
}

/* Callers often come once more to hear that nothing is left: that needs no handle. */
static void leave_ended(struct fuse_fs *fs, struct fuse_listing *l)
{
    close_handle(fs, l);
    l->ended = true;
    leave(fs, l);
}

int fuse_readdir(const struct lt_ctx *ctx, struct lt_node *base, uint64_t cookie, uint32_t flags,
                 int (*fn)(void *arg, const struct lt_dirent *entry), void *arg)
{
    struct fuse_node *dir = fuse_node(base);
    struct fuse_fs *fs = fuse_fs_of(dir);
    struct taker t = {ctx, flags & LT_READDIR_PLUS, fn, arg};
    struct fuse_listing *l = cookie ? resume(fs, dir, cookie) : NULL;
    if (l && l->ended) {
        bool fresh = is_fresh(l);
        close_listing(fs, l);
        if (fresh)
            return 0;
        l = NULL;
    }
    int r = l ? 0 : open_listing(ctx, dir, cookie, &l);
    if (r < 0)
        return r;
    r = list(&t, fs, l);
    if (r == 1)
        leave(fs, l);
    else if (r == 0 && l->cookie > 0)
        leave_ended(fs, l);
    else
        close_listing(fs, l);
    return r;
}

/* ---- Going on behind a name ------------------------------------------------------------------ */

struct search {
    struct lt_str name;
    bool found;
    uint64_t cookie;
};

static int search_entry(void *arg, const struct lt_dirent *entry)
{
    struct search *s = arg;
    if (s->found)
        return 1;
    s->found = lt_str_equal(entry->name, s->name);
    s->cookie = entry->next;
    return 0;
}

/* The name that a listing handed out last needs no search. */
static bool search_listings(struct fuse_fs *fs, const struct fuse_node *dir, struct search *s)
{
    struct fuse_listings *list = &fs->listings;
    lt_mutex_lock(&list->lock);
    for (struct fuse_listing *l = list->newest; l && !s->found; l = l->older) {
        s->found = l->dir == dir && l->last_cookie != 0 &&
                   lt_str_equal(lt_strn(l->last, l->last_len), s->name);
        s->cookie = l->last_cookie;
    }
    lt_mutex_unlock(&list->lock);
    return s->found;
}

/* LT_ENOENT for a name that is gone, where nothing remembers it: FUSE has no order of names. */
int fuse_readdir_after(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name,
                       uint64_t *ret_cookie)
{
    struct fuse_node *dir = fuse_node(base);
    struct search s = {.name = name};
    int r = search_listings(fuse_fs_of(dir), dir, &s)
                ? 0
                : fuse_readdir(ctx, base, 0, 0, search_entry, &s);
    if (r < 0)
        return r;
    if (!s.found)
        return LT_ENOENT;
    *ret_cookie = s.cookie;
    return 0;
}
