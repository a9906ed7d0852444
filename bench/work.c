/* SPDX-License-Identifier: MIT */
/*
 * Starts the clients, lets them go at the same moment, and prints one line of
 * JSON: the time of the whole and percentiles over every single repetition.
 */
#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct result {
    uint64_t start_ns, end_ns; /* CLOCK_MONOTONIC */
    uint64_t cpu_ns;           /* user and system time of the client between them */
    int error;                 /* 0 or negative errno */
};

/* Shared by parent and clients. */
struct shared {
    pthread_barrier_t ready;
    struct result result[WORK_CLIENTS_MAX];
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t work_random(struct client *c)
{
    c->seed ^= c->seed >> 12;
    c->seed ^= c->seed << 25;
    c->seed ^= c->seed >> 27;
    return c->seed * UINT64_C(0x2545f4914f6cdd1d);
}

int work_error(void)
{
    return errno ? -errno : -EIO;
}

static void *map_shared(size_t size)
{
    void *p =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static const struct operation *find_operation(const char *name)
{
    const struct operation *const tables[] = {work_names, work_data, work_files};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        for (const struct operation *op = tables[t]; op->name; op++) {
            if (!strcmp(op->name, name))
                return op;
        }
    }
    return NULL;
}

/* ---- One client ---------------------------------------------------------------------------- */

static int client_enter(struct client *c)
{
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/c%u", c->work->dir, c->index);
    if (len < 0 || (size_t)len >= sizeof path)
        return -ENAMETOOLONG;
    if (mkdir(path, 0755) && errno != EEXIST)
        return work_error();
    c->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (c->dir < 0)
        return work_error();
    c->buffer = mmap(NULL, WORK_BLOCK_MAX, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (c->buffer == MAP_FAILED)
        return -ENOMEM;
    for (size_t i = 0; i < WORK_BLOCK_MAX; i++)
        c->buffer[i] = (char)work_random(c);
    return 0;
}

/* One clock reading a repetition: the end of one is the start of the next. */
static int client_loop(struct client *c, const struct operation *op, uint32_t *ns,
                       struct result *result)
{
    uint64_t cpu = cpu_ns();
    uint64_t last = now_ns();
    result->start_ns = last;
    for (uint64_t i = 0; i < c->count; i++) {
        int error = op->run(c, i);
        if (error)
            return error;
        uint64_t t = now_ns();
        ns[i] = t - last > UINT32_MAX ? UINT32_MAX : (uint32_t)(t - last);
        last = t;
    }
    int error = op->finish ? op->finish(c) : 0;
    result->end_ns = now_ns();
    result->cpu_ns = cpu_ns() - cpu;
    return error;
}

static void client_main(struct client *c, const struct operation *op, uint32_t *ns,
                        struct shared *shared)
{
    struct result *result = &shared->result[c->index];
    result->error = client_enter(c);
    if (!result->error && op->setup)
        result->error = op->setup(c);
    pthread_barrier_wait(&shared->ready);
    if (!result->error)
        result->error = client_loop(c, op, ns, result);
}

/* ---- All clients --------------------------------------------------------------------------- */

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void report(const struct work *work, const struct operation *op, uint32_t *ns,
                   uint64_t count, const struct shared *shared)
{
    uint64_t start = UINT64_MAX, end = 0, cpu = 0;
    for (unsigned i = 0; i < work->clients; i++) {
        const struct result *r = &shared->result[i];
        start = r->start_ns < start ? r->start_ns : start;
        end = r->end_ns > end ? r->end_ns : end;
        cpu += r->cpu_ns;
    }
    qsort(ns, count, sizeof *ns, compare_u32);
    printf("{\"op\": \"%s\", \"clients\": %" PRIu64 ", \"count\": %" PRIu64 ", \"bytes\": %" PRIu64
           ", \"wall_ns\": %" PRIu64 ", \"cpu_ns\": %" PRIu64
           ", \"p50_ns\": %u, \"p99_ns\": %u, \"max_ns\": %u}\n",
           op->name, work->clients, count, op->data ? count * work->block : 0, end - start, cpu,
           ns[count / 2], ns[count - 1 - count / 100], ns[count - 1]);
}

static int start_clients(const struct work *work, const struct operation *op, uint64_t count,
                         uint32_t *ns, struct shared *shared)
{
    pthread_barrierattr_t attr;
    pthread_barrierattr_init(&attr);
    pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    if (pthread_barrier_init(&shared->ready, &attr, (unsigned)work->clients))
        return -EIO;
    for (unsigned i = 0; i < work->clients; i++) {
        pid_t pid = fork();
        if (pid < 0)
            return work_error();
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            struct client c = {.work = work,
                               .index = i,
                               .count = count,
                               .seed = UINT64_C(0x9e3779b97f4a7c15) + i,
                               .fd = -1};
            client_main(&c, op, ns + i * count, shared);
            _exit(0);
        }
    }
    int status;
    while (wait(&status) > 0) {
        if (status)
            return -ECHILD;
    }
    for (unsigned i = 0; i < work->clients; i++) {
        if (shared->result[i].error)
            return shared->result[i].error;
    }
    return 0;
}

static int run(const struct work *work, const struct operation *op)
{
    uint64_t count = work->count / work->clients;
    if (!work->count && op->data)
        count = work->bytes / work->block;
    if (!count)
        return -EINVAL;
    struct shared *shared = map_shared(sizeof *shared);
    uint32_t *ns = map_shared(count * work->clients * sizeof *ns);
    if (!shared || !ns)
        return -ENOMEM;
    int error = start_clients(work, op, count, ns, shared);
    if (!error)
        report(work, op, ns, count * work->clients, shared);
    return error;
}

/* ---- Command line -------------------------------------------------------------------------- */

static bool parse_word(struct work *work, const char *word)
{
    const struct {
        const char *name;
        bool *flag;
        uint64_t *number;
        const char **text;
    } words[] = {{"scattered", .flag = &work->scattered}, {"direct", .flag = &work->direct},
                 {"fresh", .flag = &work->fresh},         {"cold", .flag = &work->cold},
                 {"sync", .flag = &work->sync},           {"count=", .number = &work->count},
                 {"files=", .number = &work->files},      {"bytes=", .number = &work->bytes},
                 {"block=", .number = &work->block},      {"clients=", .number = &work->clients},
                 {"prefix=", .text = &work->prefix},      {"to=", .text = &work->to}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t len = strlen(words[i].name);
        if (strncmp(word, words[i].name, len))
            continue;
        char *end = NULL;
        if (words[i].flag)
            *words[i].flag = true;
        else if (words[i].text)
            *words[i].text = word + len;
        else
            *words[i].number = strtoull(word + len, &end, 10);
        return words[i].flag ? !word[len] : !end || (end != word + len && !*end);
    }
    return false;
}

static int usage(void)
{
    fprintf(stderr,
            "usage: bench-work DIR OPERATION [count=N] [files=N] [clients=N] [prefix=P] [to=P]\n"
            "                  [bytes=N] [block=N] [scattered] [direct] [fresh] [cold] [sync]\n\n");
    const struct operation *const tables[] = {work_names, work_data, work_files};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        for (const struct operation *op = tables[t]; op->name; op++)
            fprintf(stderr, "  %-12s %s\n", op->name, op->help);
    }
    return 2;
}

int main(int argc, char **argv)
{
    struct work work = {.prefix = "f", .to = "g", .clients = 1, .block = 4096, .bytes = 64u << 20};
    const struct operation *op = argc > 2 ? find_operation(argv[2]) : NULL;
    if (!op)
        return usage();
    work.dir = argv[1];
    for (int i = 3; i < argc; i++) {
        if (!parse_word(&work, argv[i]))
            return usage();
    }
    if (work.clients < 1 || work.clients > WORK_CLIENTS_MAX || !work.block ||
        work.block > WORK_BLOCK_MAX || strlen(work.prefix) > 16 || strlen(work.to) > 16)
        return usage();
    int error = run(&work, op);
    if (error) {
        printf("{\"op\": \"%s\", \"clients\": %" PRIu64 ", \"error\": \"%s\"}\n", op->name,
               work.clients, strerror(-error));
        return 1;
    }
    return 0;
}
