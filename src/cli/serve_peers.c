// SPDX-License-Identifier: MIT
/*
 * lintel serve: a file system for peers that speak FUSE over a socket or a pipe.
 *
 * One thread waits for connections, for signals, and for peers that have left; each peer is served
 * by threads of its own.
 */
#include "cli.h"
#include "daemon.h"
#include "operand.h"

#include <base/json.h>
#include <errno.h>
#include <fcntl.h>
#include <lintel/serving.h>
#include <os/os.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PEERS_MAX 64 /* at the same time */
#define BACKLOG 16

struct peer {
    struct lt_serving *serving; /* NULL: the place is free */
    int bell;                   /* of the table */
    atomic_bool left;
};

struct table {
    struct lt_fs *fs;
    struct lt_mount_options options;
    bool packets;
    int bell;    /* eventfd: a peer has left */
    int signals; /* signalfd */
    struct peer peers[PEERS_MAX];
};

/* ---- Peers ----------------------------------------------------------------------------------- */

static void peer_left(void *arg)
{
    struct peer *p = arg;
    uint64_t one = 1;
    p->left = true;
    ssize_t n = write(p->bell, &one, sizeof(one));
    (void)n; /* it can only be full, which does as well */
}

/* Takes the descriptors over. */
static int peer_add(struct table *t, int in, int out)
{
    struct peer *p = t->peers;
    while (p < t->peers + PEERS_MAX && p->serving)
        p++;
    if (p == t->peers + PEERS_MAX) {
        close(in);
        if (out != in)
            close(out);
        return LT_EBUSY;
    }
    p->bell = t->bell;
    p->left = false;
    return lt_serving_start(t->fs, in, out, t->packets, &t->options, peer_left, p, &p->serving);
}

/* Frees the places of those who left, or of all. Returns the last error that one ended with. */
static int peers_end(struct table *t, bool all)
{
    int error = LT_OK;
    uint64_t rings;
    if (all) {
        for (size_t i = 0; i < PEERS_MAX; i++)
            if (t->peers[i].serving)
                lt_serving_stop(t->peers[i].serving);
    } else if (read(t->bell, &rings, sizeof(rings)) < 0) {
        return LT_OK;
    }
    for (size_t i = 0; i < PEERS_MAX; i++) {
        struct peer *p = &t->peers[i];
        if (!p->serving || !(all || p->left))
            continue;
        int r = lt_serving_end(p->serving);
        p->serving = NULL;
        error = r < 0 ? r : error;
        if (r < 0)
            lt_complain("a peer was turned away: %s", lt_error_text(r));
    }
    return error;
}

/* ---- The two ways ---------------------------------------------------------------------------- */

/* Until a signal comes or, without a socket, the peer has left. */
static int attend(struct table *t, int listener)
{
    struct pollfd fds[3] = {{.fd = t->signals, .events = POLLIN},
                            {.fd = t->bell, .events = POLLIN},
                            {.fd = listener, .events = POLLIN}};
    int error = LT_OK;
    for (;;) {
        if (poll(fds, 3, -1) < 0 && errno != EINTR)
            return lt_error_last();
        if (fds[0].revents)
            break;
        if (fds[1].revents)
            error = peers_end(t, false);
        if (fds[1].revents && listener < 0)
            return error;
        int fd = fds[2].revents ? accept4(listener, NULL, NULL, SOCK_CLOEXEC) : -1;
        int r = fd < 0 ? LT_OK : peer_add(t, fd, fd);
        if (r < 0)
            lt_complain("a peer was turned away: %s", lt_error_text(r));
    }
    peers_end(t, true);
    return LT_OK;
}

/* The channel is ours alone: whatever else writes to standard output must not reach the peer. */
static int serve_stdio(struct table *t)
{
    int type, in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    socklen_t len = sizeof(type);
    if (isatty(in) || isatty(out)) {
        lt_complain("--stdio wants a peer at the other end of standard input and output, not a "
                    "terminal");
        return LT_EXIT_USAGE;
    }
    if (in < 0 || out < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 ||
        dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
        lt_complain("cannot use standard input and output: %s", strerror(errno));
        return LT_EXIT_FAILED;
    }
    close(null);
    t->packets = getsockopt(in, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
    int error = peer_add(t, in, out);
    if (error < 0)
        lt_complain("cannot serve: %s", lt_error_text(error));
    else
        error = attend(t, -1);
    return error < 0 ? LT_EXIT_FAILED : LT_EXIT_OK;
}

/* A socket that nobody listens on any more is in the way of a new one. */
static bool clear_path(const struct sockaddr_un *address)
{
    struct stat st;
    if (lstat(address->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return true; /* bind() says what is wrong */
    for (int type = SOCK_STREAM; type <= SOCK_SEQPACKET; type += SOCK_SEQPACKET - SOCK_STREAM) {
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
        int r = fd < 0 ? -1 : connect(fd, (const struct sockaddr *)address, sizeof(*address));
        bool alive = r == 0 || errno != ECONNREFUSED;
        if (fd >= 0)
            close(fd);
        if (r < 0 && errno == EPROTOTYPE)
            continue;
        if (alive)
            return false;
        return unlink(address->sun_path) == 0;
    }
    return false;
}

/* A listening socket that only its owner may connect to, or -1 after a complaint. */
static int listen_at(const char *path, int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        lt_complain("the path of a socket has at most %zu bytes: %s", sizeof(address.sun_path) - 1,
                    path);
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (!clear_path(&address)) {
        lt_complain("%s is in use: somebody serves there", path);
        return -1;
    }
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t old = umask(0177);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    umask(old);
    if (ok && listen(fd, BACKLOG) == 0)
        return fd;
    lt_complain("cannot listen at %s: %s", path, strerror(errno));
    if (ok)
        unlink(path);
    if (fd >= 0)
        close(fd);
    return -1;
}

static int write_stdout(void *arg, const char *text, size_t len)
{
    (void)arg;
    return fwrite(text, 1, len, stdout) == len ? LT_OK : LT_EIO;
}

/* One line that says that peers may come. */
static void report_ready(const char *path, bool packets)
{
    struct lt_json json;
    lt_json_init(&json, write_stdout, NULL, false);
    lt_json_object(&json, NULL);
    lt_json_text(&json, "socket", path);
    lt_json_text(&json, "type", packets ? "seqpacket" : "stream");
    lt_json_u64(&json, "pid", (uint64_t)getpid());
    lt_json_object_end(&json);
    putchar('\n');
    fflush(stdout);
}

static int serve_socket(struct table *t, const char *path, bool json)
{
    struct stat own, now;
    int fd = listen_at(path, t->packets ? SOCK_SEQPACKET : SOCK_STREAM);
    if (fd < 0)
        return LT_EXIT_FAILED;
    bool known = stat(path, &own) == 0;
    if (json)
        report_ready(path, t->packets);
    lt_service_notify("READY=1");
    int error = attend(t, fd);
    lt_service_notify("STOPPING=1");
    close(fd);
    if (known && stat(path, &now) == 0 && now.st_dev == own.st_dev && now.st_ino == own.st_ino)
        unlink(path);
    return error < 0 ? LT_EXIT_FAILED : LT_EXIT_OK;
}

/* ---- The command ----------------------------------------------------------------------------- */

static int prepare(struct table *t, const char *source)
{
    struct lt_diag diag = {""};
    struct lt_volume volume;
    sigset_t set;
    int error = lt_open_fs(source, &t->fs, &diag);
    if (error != LT_OK) {
        lt_complain_why("open", source, error, &diag);
        return error == LT_EINVAL ? LT_EXIT_USAGE : LT_EXIT_FAILED;
    }
    lt_mount_options_init(&t->options);
    lt_fs_volume(t->fs, &volume);
    t->options.read_only = volume.read_only;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    t->signals = signalfd(-1, &set, SFD_CLOEXEC);
    t->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (t->signals >= 0 && t->bell >= 0)
        return LT_EXIT_OK;
    lt_complain("cannot serve: %s", strerror(errno));
    return LT_EXIT_FAILED;
}

static int run_table(struct table *t, const char *source, const char *path, bool json)
{
    int status = prepare(t, source);
    if (status == LT_EXIT_OK)
        status = path ? serve_socket(t, path, json) : serve_stdio(t);
    int error = t->fs ? lt_fs_close(t->fs) : LT_OK;
    if (error != LT_OK) {
        lt_complain("%s: not all that was written is on disk: %s", source, lt_error_text(error));
        status = LT_EXIT_FAILED;
    }
    if (t->signals >= 0)
        close(t->signals);
    if (t->bell >= 0)
        close(t->bell);
    return status;
}

static int run(const struct lt_args *args)
{
    const char *path = lt_args_value(args, "socket");
    bool stdio = lt_args_flag(args, "stdio"), stream = lt_args_flag(args, "stream");
    char *source, *name;
    if ((path != NULL) == stdio)
        return lt_usage_error(args->command, "either --socket or --stdio says where");
    if (stdio && (stream || lt_args_flag(args, "json")))
        return lt_usage_error(args->command, "--stream and --json go with --socket only");
    if (!lt_source_take(args->operands[0], &source, &name))
        return LT_EXIT_USAGE;
    struct table *t = calloc(1, sizeof(*t));
    int status = LT_EXIT_FAILED;
    if (t) {
        t->packets = !stream;
        t->signals = t->bell = -1;
        status = run_table(t, source, path, lt_args_flag(args, "json"));
    } else {
        lt_complain("%s", lt_error_text(LT_ENOMEM));
    }
    free(t);
    free(source);
    free(name);
    return status;
}

static const struct lt_cli_option options[] = {
    {.name = "socket",
     .arg = "PATH",
     .hint = LT_HINT_FILE,
     .help = "Listen at a Unix socket, which only its owner may use, until SIGTERM or Ctrl-C"},
    {.name = "stdio", .help = "Serve one peer on standard input and output, until it leaves"},
    {.name = "stream", .help = "Make the socket one of streams, not of packets (SOCK_SEQPACKET)"},
    LT_WITH_JSON,
    {.name = NULL},
};

const struct lt_command lt_command_serve = {
    .name = "serve",
    .summary = "Serve a file system over a socket or a pipe",
    .details =
        "Speaks the FUSE protocol, without a kernel, to whoever speaks the kernel's part of it "
        "at the other end.",
    .operands = {{"SOURCE", LT_HINT_SOURCE, false}},
    .options = options,
    .examples = {{"lintel serve disk.img --socket /run/disk", "for others on this machine"}},
    .group = LT_GROUP_MOUNT,
    .run = run,
};
