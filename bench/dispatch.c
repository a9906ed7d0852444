/* SPDX-License-Identifier: MIT */
/*
 * bench-dispatch: what the translation of a WinFsp request costs in process, over what it asks of
 * the file system.
 *
 *     bench-dispatch [SOURCE [COUNT]]
 *
 * The driver is played by the port itself: it hands the one worker a request, takes the response,
 * and so on, without a system call in between. What the file system alone takes for the
 * same is measured beside it. Prints one line of JSON a figure.
 */
#include <lintel/fs.h>
#include <lintel/security.h>
#include <lintel/winfsp.h>
#include <wire/fsp/message.h>
#include <wire/fsp/status.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>

#define IO_SIZE 4096u
#define FILES 100u /* in the directory that is listed */
#define LIST_SIZE 65536u

static _Alignas(8) char io[LIST_SIZE]; /* what the addresses of requests mean */

static void must(int64_t result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "bench-dispatch: %s: %s\n", what, lt_error_text((int)result));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t = {0};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- Requests -------------------------------------------------------------------------------- */

enum op { OPEN, QUERY, READ, WRITE, LIST, OPS };

static const char *const op_names[OPS] = {"open+cleanup+close", "query information", "read 4 KiB",
                                          "write 4 KiB", "list 100 entries"};

/* The driver: what goes out next, and what came back. */
struct driver {
    struct lt_winfsp_port port;
    struct lt_fsp_contexts file, dir; /* openings that stay */
    struct lt_fsp_contexts last;      /* the one that OPEN made */
    unsigned step;                    /* of one operation */
    enum op op;
    uint64_t left, count; /* of this operation */
    uint64_t started, took[OPS];
    uint32_t kind; /* of the request under way; 0: none */
    bool opened, done;
    mtx_t lock;
    cnd_t ended;
    bool stopped;
};

static int64_t make_create(void *out, size_t size, const char *name)
{
    struct lt_fsp_out o;
    uint16_t wide[64];
    size_t units = strlen(name);
    struct lt_fsp_req *req = lt_fsp_request_begin(&o, out, size, LT_FSP_CREATE, 1);
    req->u.create.options = (uint32_t)LT_FILE_OPEN << 24;
    req->u.create.desired_access = LT_ACCESS_FILE_READ | LT_ACCESS_FILE_WRITE;
    req->u.create.share_access = 7;
    req->u.create.token = 1;
    req->u.create.flags = LT_FSP_CREATE_USER_MODE | LT_FSP_CREATE_TRAVERSE;
    for (size_t i = 0; i < units; i++)
        wide[i] = (uint16_t)name[i];
    req->file_name = lt_fsp_put_text(&o, wide, units, true);
    return lt_fsp_end(&o);
}

static int64_t make_other(void *out, size_t size, uint32_t kind, struct lt_fsp_contexts of)
{
    struct lt_fsp_out o;
    struct lt_fsp_req *req = lt_fsp_request_begin(&o, out, size, kind, 1);
    req->u.of = of;
    if (kind == LT_FSP_READ || kind == LT_FSP_WRITE) {
        req->u.read.address = 1;
        req->u.read.length = IO_SIZE;
    } else if (kind == LT_FSP_QUERY_DIRECTORY) {
        req->u.query_directory.address = 1;
        req->u.query_directory.length = sizeof(io);
    }
    return lt_fsp_end(&o);
}

static int64_t next_of(struct driver *d, void *out, size_t size)
{
    static const uint32_t open_steps[] = {LT_FSP_CREATE, LT_FSP_CLEANUP, LT_FSP_CLOSE};
    static const uint32_t kinds[OPS] = {0, LT_FSP_QUERY_INFORMATION, LT_FSP_READ, LT_FSP_WRITE,
                                        LT_FSP_QUERY_DIRECTORY};
    d->kind = d->op == OPEN ? open_steps[d->step] : kinds[d->op];
    if (d->kind == LT_FSP_CREATE)
        return make_create(out, size, "\\dir\\file");
    return make_other(out, size, d->kind,
                      d->op == OPEN   ? d->last
                      : d->op == LIST ? d->dir
                                      : d->file);
}

/* The two openings that the measured requests use. */
static int64_t set_up(struct driver *d, void *out, size_t size)
{
    d->kind = LT_FSP_CREATE;
    return make_create(out, size, d->file.user2 ? "\\dir" : "\\dir\\file");
}

static int64_t next(struct driver *d, void *out, size_t size)
{
    if (!d->opened)
        return set_up(d, out, size);
    if (d->left == 0) {
        uint64_t now = now_ns();
        if (d->started)
            d->took[d->op++] = now - d->started;
        if (d->op == OPS)
            return 0;
        d->left = d->op == LIST ? d->count / FILES + 1 : d->count;
        d->started = now_ns();
    }
    return next_of(d, out, size);
}

static void took_one(struct driver *d)
{
    d->step = d->op == OPEN ? (d->step + 1) % 3 : 0;
    d->left -= d->step == 0;
}

static void take(struct driver *d, struct lt_str message)
{
    const struct lt_fsp_rsp *rsp = (const struct lt_fsp_rsp *)(const void *)message.s;
    if (rsp->status != LT_STATUS_SUCCESS) {
        fprintf(stderr, "bench-dispatch: request %u: status %08x\n", rsp->kind,
                (unsigned)rsp->status);
        exit(1);
    }
    if (d->kind == LT_FSP_CREATE)
        d->last = rsp->u.create.as;
    if (!d->opened) {
        struct lt_fsp_contexts *to = d->file.user2 ? &d->dir : &d->file;
        *to = d->last;
        d->opened = to == &d->dir;
        return;
    }
    took_one(d);
}

/* ---- The port -------------------------------------------------------------------------------- */

/* All is done: the worker rests until it is stopped. */
static int64_t rest(struct driver *d)
{
    mtx_lock(&d->lock);
    d->done = true;
    cnd_broadcast(&d->ended);
    while (!d->stopped)
        cnd_wait(&d->ended, &d->lock);
    mtx_unlock(&d->lock);
    return LT_ECANCELED;
}

static int64_t transact(struct lt_winfsp_port *port, const void *in, size_t in_len, void *out,
                        size_t size)
{
    struct driver *d = (struct driver *)port;
    if (in_len > 0)
        take(d, lt_strn(in, in_len));
    else if (d->kind == LT_FSP_CLOSE) /* has no response */
        took_one(d);
    else if (d->kind != 0) {
        fprintf(stderr, "bench-dispatch: request %u was not answered\n", d->kind);
        exit(1);
    }
    if (!out)
        return 0;
    int64_t len = next(d, out, size);
    return len == 0 ? rest(d) : len;
}

static void *map(struct lt_winfsp_port *port, uint64_t address, size_t len, bool write)
{
    (void)port;
    (void)address;
    (void)write;
    return len <= sizeof(io) ? io : NULL;
}

static int token(struct lt_winfsp_port *port, uint64_t handle, struct lt_token **ret)
{
    (void)port;
    (void)handle;
    struct lt_ctx ctx = {.uid = 1000, .gid = 1000};
    return lt_token_from_ctx(&ctx, ret);
}

static int notify(struct lt_winfsp_port *port, const void *entries, size_t len)
{
    (void)port;
    (void)entries;
    (void)len;
    return 0;
}

static void stop(struct lt_winfsp_port *port)
{
    struct driver *d = (struct driver *)port;
    mtx_lock(&d->lock);
    d->stopped = true;
    cnd_broadcast(&d->ended);
    mtx_unlock(&d->lock);
}

static void close_port(struct lt_winfsp_port *port)
{
    (void)port;
}

/* ---- The same without the dispatcher --------------------------------------------------------- */

static int skip(void *arg, const struct lt_dirent *entry)
{
    (void)arg;
    lt_node_put(entry->node);
    return 0;
}

static void bare_once(struct lt_node *root, struct lt_node *dir, struct lt_node *file, enum op op)
{
    struct lt_entry a = {0}, b = {0};
    struct lt_attr attr;
    switch (op) {
    case OPEN:
        must(lt_node_lookup(NULL, root, lt_str("dir"), &a), "lookup");
        must(lt_node_lookup(NULL, a.node, lt_str("file"), &b), "lookup");
        lt_node_put(b.node);
        lt_node_put(a.node);
        break;
    case QUERY:
        must(lt_node_getattr(NULL, file, &attr), "getattr");
        break;
    case READ:
        must(lt_node_pread(NULL, file, 0, io, IO_SIZE), "read");
        break;
    case WRITE:
        must(lt_node_pwrite(NULL, file, 0, io, IO_SIZE), "write");
        must(lt_node_getattr(NULL, file, &attr), "getattr");
        break;
    case LIST:
    case OPS:
        must(lt_node_readdir(NULL, dir, 0, LT_READDIR_PLUS, skip, NULL), "readdir");
    }
}

static void measure_bare(struct lt_fs *fs, uint64_t count, uint64_t took[OPS])
{
    struct lt_node *root = lt_fs_root(fs);
    struct lt_entry dir = {0}, file = {0};
    must(lt_node_lookup(NULL, root, lt_str("dir"), &dir), "lookup");
    must(lt_node_lookup(NULL, dir.node, lt_str("file"), &file), "lookup");
    for (enum op op = OPEN; op < OPS; op++) {
        uint64_t rounds = op == LIST ? count / FILES + 1 : count;
        uint64_t started = now_ns();
        for (uint64_t i = 0; i < rounds; i++)
            bare_once(root, dir.node, file.node, op);
        took[op] = now_ns() - started;
    }
    lt_node_put(file.node);
    lt_node_put(dir.node);
}

/* ---- Running --------------------------------------------------------------------------------- */

static void fill(struct lt_fs *fs)
{
    struct lt_create of_dir = {.mode = LT_S_IFDIR | 0777}, of_file = {.mode = LT_S_IFREG | 0666};
    struct lt_entry dir = {0}, file = {0};
    struct lt_ctx ctx = {.umask = 0};
    char name[16] = "file";
    must(lt_node_create(&ctx, lt_fs_root(fs), lt_str("dir"), &of_dir, &dir), "mkdir");
    for (unsigned i = 0; i < FILES; i++) {
        must(lt_node_create(&ctx, dir.node, lt_str(name), &of_file, &file), "create");
        must(lt_node_pwrite(NULL, file.node, 0, io, IO_SIZE), "write");
        lt_node_put(file.node);
        snprintf(name, sizeof(name), "file%u", i);
    }
    lt_node_put(dir.node);
}

static void print_figures(const struct driver *d, const uint64_t bare[OPS])
{
    for (enum op op = OPEN; op < OPS; op++) {
        uint64_t rounds = op == LIST ? d->count / FILES + 1 : d->count;
        double requests = op == OPEN ? 3 : 1;
        double us = (double)d->took[op] / 1e3 / (double)rounds;
        double alone = (double)bare[op] / 1e3 / (double)rounds;
        printf("{\"op\": \"%s\", \"requests\": %.0f, \"count\": %" PRIu64
               ", \"us_per_op\": %.2f, \"us_alone\": %.2f, \"us_over_per_request\": %.2f}\n",
               op_names[op], requests, rounds, us, alone, (us - alone) / requests);
    }
}

int main(int argc, char **argv)
{
    struct driver d = {.port = {transact, map, token, notify, stop, close_port},
                       .count = argc > 2 ? strtoull(argv[2], NULL, 10) : 200000};
    struct lt_winfsp_options options;
    struct lt_diag diag = {""};
    struct lt_winfsp *volume;
    uint64_t bare[OPS];
    struct lt_fs *fs;
    must(lt_open_fs(argc > 1 ? argv[1] : "mem:", &fs, &diag), diag.text);
    fill(fs);
    measure_bare(fs, d.count, bare);
    lt_winfsp_options_init(&options);
    options.threads = 1;
    mtx_init(&d.lock, mtx_plain);
    cnd_init(&d.ended);
    must(lt_winfsp_start(fs, &d.port, &options, &volume, &diag), "start");
    mtx_lock(&d.lock);
    while (!d.done)
        cnd_wait(&d.ended, &d.lock);
    mtx_unlock(&d.lock);
    lt_winfsp_end(volume);
    print_figures(&d, bare);
    must(lt_fs_close(fs), "close");
    return 0;
}
