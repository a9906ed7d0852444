/* SPDX-License-Identifier: MIT */
/*
 * bench-bridge: what a request costs on its way to a FUSE server, over each kind of channel.
 * The server is a RAM disk in a process of its own.
 *
 *     bench-bridge          sockets and pipes
 *     bench-bridge DIR      also the kernel's way, mounted at DIR with nothing cached
 *
 * Prints one line of JSON per figure: wall-clock time, and the processor time of both ends.
 */
#include <channel/client.h>
#include <lintel/fs.h>
#include <lintel/serving.h>

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <wire/fuse/ops.h>

#define FILE_SIZE (64u << 20)
#define READ_SIZE LT_IO_MAX
#define ROUNDS 100000u
#define READS 2048u
#define REST_MS 1000

static char buffer[READ_SIZE];

static void must(int64_t result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "bench-bridge: %s: %s\n", what, lt_error_text((int)result));
    exit(1);
}

static uint64_t clock_of(clockid_t id)
{
    struct timespec t = {0};
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- Figures --------------------------------------------------------------------------------- */

struct figure {
    const char *channel;
    unsigned workers;
    clockid_t server; /* processor time of the other process */
    uint64_t wall, cpu;
};

static void begin(struct figure *f)
{
    f->cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID) + clock_of(f->server);
    f->wall = clock_of(CLOCK_MONOTONIC);
}

static void end(const struct figure *f, const char *op, uint64_t count, uint64_t bytes)
{
    uint64_t wall = clock_of(CLOCK_MONOTONIC) - f->wall;
    uint64_t cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID) + clock_of(f->server) - f->cpu;
    printf("{\"channel\": \"%s\", \"workers\": %u, \"op\": \"%s\", \"count\": %" PRIu64
           ", \"bytes\": %" PRIu64 ", \"wall_ns\": %" PRIu64 ", \"cpu_ns\": %" PRIu64
           ", \"us_per_op\": %.2f, \"mib_per_s\": %.0f}\n",
           f->channel, f->workers, op, count, bytes, wall, cpu, (double)wall / 1e3 / (double)count,
           (double)bytes / 1048576 * 1e9 / (double)wall);
    fflush(stdout);
}

/* ---- The server ------------------------------------------------------------------------------ */

static struct lt_fs *make_fs(void)
{
    struct lt_fs *fs;
    struct lt_entry entry = {0};
    must(lt_open_fs("mem:", &fs, NULL), "mem:");
    struct lt_create spec = {.mode = LT_S_IFREG | 0644};
    must(lt_node_create(NULL, lt_fs_root(fs), lt_str("file"), &spec, &entry), "create");
    memset(buffer, 'x', sizeof(buffer));
    for (uint64_t at = 0; at < FILE_SIZE; at += sizeof(buffer))
        must(lt_node_pwrite(NULL, entry.node, at, buffer, sizeof(buffer)), "write");
    lt_node_put(entry.node);
    return fs;
}

static atomic_bool gone;

static void peer_left(void *arg)
{
    (void)arg;
    gone = true;
    kill(getpid(), SIGTERM);
}

/* In a child: serves until the other end closes. */
static pid_t start_server(const int client[2], const int own[2], bool packets, unsigned workers)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    close(client[0]);
    if (client[1] != client[0])
        close(client[1]);
    struct lt_mount_options options;
    struct lt_serving *serving;
    sigset_t set;
    int number;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    lt_mount_options_init(&options);
    options.threads = workers;
    must(lt_serving_start(make_fs(), own[0], own[1], packets, &options, peer_left, NULL, &serving),
         "serve");
    while (!gone && sigwait(&set, &number) == 0)
        continue;
    _exit(0);
}

/* ---- The client ------------------------------------------------------------------------------ */

static void call(struct lt_client *client, uint32_t opcode, uint64_t node, const void *in,
                 size_t in_len, void *out, size_t out_len)
{
    struct lt_seg from = {(void *)(uintptr_t)in, in_len}, to = {out, out_len};
    struct lt_client_call c = {
        .opcode = opcode, .nodeid = node, .in = &from, .in_count = 1, .out = &to, .out_count = 1};
    must(lt_client_call(client, &c), "call");
}

static void measure(struct lt_client *client, struct figure *f)
{
    struct lt_fuse_init_in init = {
        .major = 7, .minor = LT_FUSE_MINOR, .flags = (uint32_t)LT_FUSE_MAX_PAGES};
    struct lt_fuse_init_out init_out = {0};
    struct lt_fuse_entry_out entry;
    struct lt_fuse_attr_out attr;
    struct lt_fuse_getattr_in getattr = {0};
    struct timespec rest = {REST_MS / 1000, 0};
    call(client, LT_FUSE_INIT, 0, &init, sizeof(init), &init_out, sizeof(init_out));
    call(client, LT_FUSE_LOOKUP, LT_ROOT_ID, "file", 5, &entry, sizeof(entry));

    for (unsigned round = 0; round < 2; round++) { /* the first one teaches */
        begin(f);
        for (unsigned i = 0; i < ROUNDS; i++)
            call(client, LT_FUSE_GETATTR, entry.nodeid, &getattr, sizeof(getattr), &attr,
                 sizeof(attr));
    }
    end(f, "getattr", ROUNDS, 0);

    uint32_t size = init_out.max_write < READ_SIZE ? init_out.max_write : READ_SIZE;
    begin(f);
    for (unsigned i = 0; i < READS; i++) {
        struct lt_fuse_read_in read = {.offset = (uint64_t)i * size % (FILE_SIZE - size + 1),
                                       .size = size};
        call(client, LT_FUSE_READ, entry.nodeid, &read, sizeof(read), buffer, size);
    }
    end(f, "read", READS, (uint64_t)READS * size);

    begin(f);
    nanosleep(&rest, NULL);
    end(f, "rest", 1, 0);
}

static void bench_channel(const char *name, int type, unsigned workers)
{
    int a[2], b[2]; /* in and out: ours, and the server's */
    bool packets = type == SOCK_SEQPACKET;
    if (type == 0) {
        int there[2], back[2];
        must(pipe2(there, O_CLOEXEC), "pipe");
        must(pipe2(back, O_CLOEXEC), "pipe");
        a[0] = back[0], a[1] = there[1];
        b[0] = there[0], b[1] = back[1];
    } else {
        must(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, a), "socketpair");
        b[0] = b[1] = a[1];
        a[1] = a[0];
    }
    pid_t pid = start_server(a, b, packets, workers);
    close(b[0]);
    if (b[1] != b[0])
        close(b[1]);
    struct lt_client_config config = {.max_write = LT_IO_MAX, .poll_us = UINT32_MAX};
    struct lt_client *client;
    struct figure f = {.channel = name, .workers = workers};
    clock_getcpuclockid(pid, &f.server);
    must(lt_client_open(a[0], a[1], packets, &config, &client), "client");
    measure(client, &f);
    lt_client_close(client);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* ---- The kernel's way ------------------------------------------------------------------------ */

static pid_t start_mount(const char *dir, int ready)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    struct lt_mount_options options;
    struct lt_diag diag = {""};
    struct lt_mount *mount;
    sigset_t set;
    int number;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    lt_mount_options_init(&options);
    options.io_uring = options.passthrough = options.writeback = LT_OFF;
    options.timeout_ms = 0;
    must(lt_mount_start(make_fs(), dir, &options, &mount, &diag), diag.text);
    must(write(ready, "r", 1), "pipe");
    sigwait(&set, &number);
    lt_mount_end(mount);
    _exit(0);
}

static void bench_kernel(const char *dir)
{
    int ready[2];
    char path[4096], byte;
    struct stat st;
    struct figure f = {.channel = "/dev/fuse"};
    must(pipe2(ready, O_CLOEXEC), "pipe");
    pid_t pid = start_mount(dir, ready[1]);
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1)
        exit(1);
    close(ready[0]);
    clock_getcpuclockid(pid, &f.server);
    snprintf(path, sizeof(path), "%s/file", dir);
    int fd = open(path, O_RDONLY | O_DIRECT);
    char *aligned = aligned_alloc(4096, READ_SIZE);
    for (unsigned round = 0; round < 2; round++) {
        begin(&f);
        for (unsigned i = 0; i < ROUNDS; i++)
            must(fstat(fd, &st), "fstat");
    }
    end(&f, "getattr", ROUNDS, 0);
    begin(&f);
    for (unsigned i = 0; i < READS; i++)
        must(pread(fd, aligned, READ_SIZE, (off_t)i * READ_SIZE % FILE_SIZE), "pread");
    end(&f, "read", READS, (uint64_t)READS * READ_SIZE);
    free(aligned);
    close(fd);
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
    static const unsigned workers[] = {1, 2, 4};
    for (size_t i = 0; i < sizeof(workers) / sizeof(*workers); i++) {
        bench_channel("seqpacket", SOCK_SEQPACKET, workers[i]);
        bench_channel("stream", SOCK_STREAM, workers[i]);
        bench_channel("pipe", 0, workers[i]);
    }
    if (argc > 1)
        bench_kernel(argv[1]);
    return 0;
}
