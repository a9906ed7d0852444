/* SPDX-License-Identifier: MIT */
/*
 * bench-inproc: the file-system interface itself, without a kernel in between.
 * Prints one line of JSON per figure; each mode runs in a process of its own,
 * so that memory figures are not those of an earlier mode.
 */
#include <lintel/fs.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SOURCE "mem:size=20g"
#define IO_SIZE (256u << 20) /* bytes of the file that data operations work on */

static struct lt_fs *fs;
static struct lt_node *root;
static char buffer[LT_IO_MAX];

/* Processor time, which on a busy machine says more than the time on the wall. One thread: they are
 * the same on a quiet one. */
static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Every call here must succeed: a benchmark of failures measures nothing. */
static void must(int64_t result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "bench-inproc: %s: %s\n", what, lt_error_text((int)result));
    exit(1);
}

static struct lt_str name_of(char *name, uint64_t i)
{
    memcpy(name, "file-00000000", 13);
    for (size_t digit = 12; digit > 4; digit--) {
        name[digit] = (char)('0' + i % 10);
        i /= 10;
    }
    return lt_strn(name, 13);
}

static void report(const char *op, uint64_t entries, uint64_t count, uint64_t bytes, uint64_t ns)
{
    printf("{\"op\": \"%s\", \"entries\": %" PRIu64 ", \"count\": %" PRIu64 ", \"bytes\": %" PRIu64
           ", \"cpu_ns\": %" PRIu64 "}\n",
           op, entries, count, bytes, ns);
    fflush(stdout);
}

/* ---- Names --------------------------------------------------------------------------------- */

static void do_create(struct lt_node *dir, uint64_t i)
{
    char name[16];
    const struct lt_create spec = {.mode = LT_S_IFREG | 0644};
    struct lt_entry entry = {0};
    must(lt_node_create(NULL, dir, name_of(name, i), &spec, &entry), "create");
    lt_node_put(entry.node);
}

static void do_lookup(struct lt_node *dir, uint64_t i)
{
    char name[16];
    struct lt_entry entry = {0};
    must(lt_node_lookup(NULL, dir, name_of(name, i), &entry), "lookup");
    lt_node_put(entry.node);
}

static void do_missing(struct lt_node *dir, uint64_t i)
{
    char name[16];
    struct lt_entry entry = {0};
    struct lt_str missing = name_of(name, i);
    name[0] = 'x';
    if (lt_node_lookup(NULL, dir, missing, &entry) != LT_ENOENT)
        must(LT_EEXIST, "lookup of a missing name");
}

static void do_getattr(struct lt_node *dir, uint64_t i)
{
    struct lt_attr attr;
    (void)i;
    must(lt_node_getattr(NULL, dir, &attr), "getattr");
}

static void do_remove(struct lt_node *dir, uint64_t i)
{
    char name[16];
    must(lt_node_remove(NULL, dir, name_of(name, i), 0, NULL), "remove");
}

static int count_entry(void *arg, const struct lt_dirent *entry)
{
    (void)entry;
    ++*(uint64_t *)arg;
    return 0;
}

static void measure(const char *op, void (*run)(struct lt_node *dir, uint64_t i),
                    struct lt_node *dir, uint64_t entries, uint64_t count, bool scattered)
{
    uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t start = now_ns();
    for (uint64_t i = 0; i < count; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        run(dir, scattered ? (seed >> 32) % entries : i);
    }
    report(op, entries, count, 0, now_ns() - start);
}

static struct lt_node *make_file(const char *name, uint32_t mode)
{
    const struct lt_create spec = {.mode = mode};
    struct lt_entry entry = {0};
    must(lt_node_create(NULL, root, lt_str(name), &spec, &entry), name);
    return entry.node;
}

static void run_names(uint64_t entries)
{
    uint64_t some = entries < 1000000 ? entries : 1000000;
    struct lt_node *dir = make_file("names", LT_S_IFDIR | 0755);
    measure("create", do_create, dir, entries, entries, false);
    measure("lookup", do_lookup, dir, entries, some, true);
    measure("lookup, missing", do_missing, dir, entries, some, true);
    measure("getattr", do_getattr, dir, entries, some, false);
    uint64_t seen = 0, start = now_ns();
    must(lt_node_readdir(NULL, dir, 0, 0, count_entry, &seen), "readdir");
    if (seen != entries)
        must(LT_EIO, "readdir");
    report("readdir, per entry", entries, seen, 0, now_ns() - start);
    measure("unlink", do_remove, dir, entries, entries, false);
    lt_node_put(dir);
}

/* ---- Data ---------------------------------------------------------------------------------- */

static void write_all(const char *op, struct lt_node *file, size_t block)
{
    uint64_t start = now_ns();
    for (uint64_t at = 0; at < IO_SIZE; at += block)
        must(lt_node_pwrite(NULL, file, at, buffer, block), op);
    report(op, 0, IO_SIZE / block, IO_SIZE, now_ns() - start);
}

static void read_all(const char *op, struct lt_node *file, size_t block)
{
    uint64_t start = now_ns();
    for (uint64_t at = 0; at < IO_SIZE; at += block)
        must(lt_node_pread(NULL, file, at, buffer, block), op);
    report(op, 0, IO_SIZE / block, IO_SIZE, now_ns() - start);
}

static void run_data(void)
{
    for (int round = 0; round < 2; round++) {
        struct lt_node *file = make_file("data", LT_S_IFREG | 0644);
        size_t block = round ? LT_IO_MAX : 4096;
        write_all(round ? "write, fresh, 1 MiB" : "write, fresh, 4 KiB", file, block);
        write_all(round ? "write, over, 1 MiB" : "write, over, 4 KiB", file, block);
        read_all(round ? "read, 1 MiB" : "read, 4 KiB", file, block);
        must(lt_node_remove(NULL, root, lt_str("data"), 0, NULL), "remove");
        uint64_t start = now_ns();
        lt_node_put(file);
        report(round ? "free, per MiB" : "free, per 4 KiB", 0, IO_SIZE / block, IO_SIZE,
               now_ns() - start);
    }
}

/* ---- Memory -------------------------------------------------------------------------------- */

static uint64_t resident(void)
{
    unsigned long long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%*s %llu", &pages) != 1)
        must(LT_EIO, "statm");
    fclose(f);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t used(void)
{
    struct lt_statfs st;
    must(lt_fs_statfs(NULL, fs, &st), "statfs");
    return st.used;
}

static void do_write_one(struct lt_node *dir, uint64_t i, size_t bytes)
{
    char name[16];
    const struct lt_create spec = {.mode = LT_S_IFREG | 0644};
    struct lt_entry entry = {0};
    must(lt_node_create(NULL, dir, name_of(name, i), &spec, &entry), "create");
    if (bytes)
        must(lt_node_pwrite(NULL, entry.node, 0, buffer, bytes), "write");
    lt_node_put(entry.node);
}

static void run_memory(uint64_t files, size_t bytes)
{
    struct lt_node *dir = make_file("memory", LT_S_IFDIR | 0755);
    do_write_one(dir, 0, bytes);
    do_remove(dir, 0);
    uint64_t rss_before = resident(), used_before = used();
    for (uint64_t i = 0; i < files; i++)
        do_write_one(dir, i, bytes);
    uint64_t rss_full = resident(), used_full = used();
    for (uint64_t i = 0; i < files; i++)
        do_remove(dir, i);
    printf("{\"op\": \"memory\", \"files\": %" PRIu64
           ", \"file_bytes\": %zu, \"rss_before\": %" PRIu64 ", \"rss_full\": %" PRIu64
           ", \"rss_after\": %" PRIu64 ", \"used_before\": %" PRIu64 ", \"used_full\": %" PRIu64
           ", \"used_after\": %" PRIu64 "}\n",
           files, bytes, rss_before, rss_full, resident(), used_before, used_full, used());
    lt_node_put(dir);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    size_t bytes = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    struct lt_diag diag = {""};
    if (lt_open_fs(SOURCE, &fs, &diag)) {
        fprintf(stderr, "bench-inproc: %s\n", diag.text);
        return 1;
    }
    root = lt_fs_root(fs);
    for (size_t i = 0; i < sizeof buffer; i++)
        buffer[i] = (char)(i * 131 + 1);
    if (!strcmp(mode, "names") && count)
        run_names(count);
    else if (!strcmp(mode, "data"))
        run_data();
    else if (!strcmp(mode, "memory") && count && bytes <= sizeof buffer)
        run_memory(count, bytes);
    else
        fprintf(stderr, "usage: bench-inproc names ENTRIES | data | memory FILES BYTES\n");
    return lt_fs_close(fs) ? 1 : 0;
}
