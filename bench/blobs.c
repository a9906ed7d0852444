/* SPDX-License-Identifier: MIT */
/*
 * bench-blobs DIR COUNT [SYSTEM]: small files in an image, in process, beside rows of a table in
 * SQLite, and beside the least that any of this can cost: plain calls of the same sizes on one file
 * that is there already, each object at its place. All systems, or the one that is named.
 *
 * Both are to lose at most the last moments after a power cut and never to be damaged: the image
 * with sync=fsync, SQLite with a write-ahead log and synchronous=NORMAL. Each operation is a
 * transaction of its own; at the end of each kind all is made durable, which counts. SQLite has
 * prepared statements, and both 64 MiB of cache. Prints one line of JSON per figure.
 */
#include <lintel/fs.h>
#include <lintel/image.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_SQLITE
#include <sqlite3.h>
#endif

#define SIZE_MIN 1024u
#define SIZE_SPAN (19u * 1024 + 1)

static unsigned char bytes[SIZE_MIN + SIZE_SPAN + 256];

/* What is measured: `sync` makes all durable; NULL where there is no such thing. */
struct system {
    const char *name;
    void (*open)(const char *dir, uint64_t count);
    void (*create)(uint64_t i);
    void (*read)(uint64_t i);
    void (*overwrite)(uint64_t i);
    void (*delete)(uint64_t i);
    void (*sync)(void);
    void (*close)(void);
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench-blobs: %s: %s\n", what, why);
    exit(1);
}

static size_t size_of(uint64_t i)
{
    return SIZE_MIN + (size_t)(i * UINT64_C(2654435761) % SIZE_SPAN);
}

static int name_of(char name[16], uint64_t i)
{
    return snprintf(name, 16, "file-%07u", (unsigned)i);
}

static void path_in(char *path, size_t size, const char *dir, const char *name)
{
    (void)snprintf(path, size, "%s/%s", dir, name);
}

/* ---- The image ----------------------------------------------------------------------------- */

static struct lt_fs *fs;
static char image[4096];

static void must(int64_t result, const char *what)
{
    if (result < 0)
        fail(what, lt_error_text((int)result));
}

static void image_open(const char *dir, uint64_t count)
{
    char source[4200];
    struct lt_diag diag = {""};
    const struct lt_image_params params = {.size = (count * 32 << 10) + (256 << 20), .force = true};
    path_in(image, sizeof(image), dir, "blobs.img");
    if (lt_image_format(image, &params, &diag) < 0)
        fail(image, diag.text);
    (void)snprintf(source, sizeof(source), "image:%s,cache=64m", image);
    if (lt_open_fs(source, &fs, &diag) < 0)
        fail(source, diag.text);
}

static struct lt_node *image_find(uint64_t i)
{
    char name[16];
    struct lt_entry entry = {.node = NULL};
    int len = name_of(name, i);
    must(lt_node_lookup(NULL, lt_fs_root(fs), lt_strn(name, (size_t)len), &entry), "lookup");
    return entry.node;
}

static void image_put(struct lt_node *node, uint64_t i)
{
    must(lt_node_pwrite(NULL, node, 0, bytes + i % 256, size_of(i)), "write");
    lt_node_put(node);
}

static void image_create(uint64_t i)
{
    char name[16];
    const struct lt_create spec = {.mode = LT_S_IFREG | 0644};
    struct lt_entry entry = {.node = NULL};
    int len = name_of(name, i);
    must(lt_node_create(NULL, lt_fs_root(fs), lt_strn(name, (size_t)len), &spec, &entry), "create");
    image_put(entry.node, i);
}

static void image_read(uint64_t i)
{
    static char buf[sizeof(bytes)];
    struct lt_node *node = image_find(i);
    if (lt_node_pread(NULL, node, 0, buf, sizeof(buf)) != (int)size_of(i))
        fail("read", "wrong length");
    lt_node_put(node);
}

static void image_overwrite(uint64_t i)
{
    image_put(image_find(i), i);
}

static void image_delete(uint64_t i)
{
    char name[16];
    int len = name_of(name, i);
    must(lt_node_remove(NULL, lt_fs_root(fs), lt_strn(name, (size_t)len), 0, NULL), "remove");
}

static void image_sync(void)
{
    must(lt_fs_sync(NULL, fs), "sync");
}

static void image_close(void)
{
    must(lt_fs_close(fs), "close");
    (void)unlink(image);
}

/* ---- SQLite -------------------------------------------------------------------------------- */

#ifdef HAVE_SQLITE
static sqlite3 *db;
static sqlite3_stmt *insert, *query, *update, *erase;
static char database[4096];

static void sql_must(int result, int expected)
{
    if (result != expected)
        fail("sqlite", sqlite3_errmsg(db));
}

static void sql(const char *text)
{
    sql_must(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
}

static sqlite3_stmt *statement(const char *text)
{
    sqlite3_stmt *ret;
    sql_must(sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, &ret, NULL), SQLITE_OK);
    return ret;
}

static void sqlite_open(const char *dir, uint64_t count)
{
    (void)count;
    path_in(database, sizeof(database), dir, "blobs.db");
    (void)unlink(database);
    if (sqlite3_open(database, &db) != SQLITE_OK)
        fail(database, sqlite3_errmsg(db));
    sql("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536;"
        "CREATE TABLE blobs(name TEXT PRIMARY KEY, data BLOB)");
    insert = statement("INSERT INTO blobs VALUES(?1, ?2)");
    query = statement("SELECT data FROM blobs WHERE name = ?1");
    update = statement("UPDATE blobs SET data = ?2 WHERE name = ?1");
    erase = statement("DELETE FROM blobs WHERE name = ?1");
}

static void sqlite_run(sqlite3_stmt *s, uint64_t i, bool with_data, int expected)
{
    char name[16];
    int len = name_of(name, i);
    sqlite3_bind_text(s, 1, name, len, SQLITE_STATIC);
    if (with_data)
        sqlite3_bind_blob(s, 2, bytes + i % 256, (int)size_of(i), SQLITE_STATIC);
    sql_must(sqlite3_step(s), expected);
}

static void sqlite_create(uint64_t i)
{
    sqlite_run(insert, i, true, SQLITE_DONE);
    sqlite3_reset(insert);
}

static void sqlite_read(uint64_t i)
{
    static char buf[sizeof(bytes)];
    sqlite_run(query, i, false, SQLITE_ROW);
    const void *data = sqlite3_column_blob(query, 0);
    int len = sqlite3_column_bytes(query, 0);
    if (len != (int)size_of(i))
        fail("read", "wrong length");
    memcpy(buf, data, (size_t)len);
    sqlite3_reset(query);
}

static void sqlite_overwrite(uint64_t i)
{
    sqlite_run(update, i, true, SQLITE_DONE);
    sqlite3_reset(update);
}

static void sqlite_delete(uint64_t i)
{
    sqlite_run(erase, i, false, SQLITE_DONE);
    sqlite3_reset(erase);
}

static void sqlite_sync(void)
{
    sql("PRAGMA wal_checkpoint(FULL)");
}

static void sqlite_end(void)
{
    sqlite3_finalize(insert);
    sqlite3_finalize(query);
    sqlite3_finalize(update);
    sqlite3_finalize(erase);
    sqlite3_close(db);
    (void)unlink(database);
}
#endif

/* ---- One file ------------------------------------------------------------------------------ */

#define STRIDE (24u << 10) /* bytes between two objects: whole pages */

static int plain = -1;
static char plain_path[4096];

static void plain_open(const char *dir, uint64_t count)
{
    path_in(plain_path, sizeof(plain_path), dir, "blobs.bin");
    plain = open(plain_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (plain < 0 || posix_fallocate(plain, 0, (off_t)(count * STRIDE)) != 0)
        fail(plain_path, "cannot be made");
}

static void plain_write(uint64_t i)
{
    if (pwrite(plain, bytes + i % 256, size_of(i), (off_t)(i * STRIDE)) != (ssize_t)size_of(i))
        fail(plain_path, "cannot be written");
}

static void plain_read(uint64_t i)
{
    static char buf[sizeof(bytes)];
    if (pread(plain, buf, size_of(i), (off_t)(i * STRIDE)) != (ssize_t)size_of(i))
        fail(plain_path, "cannot be read");
}

static void plain_sync(void)
{
    if (fdatasync(plain) < 0)
        fail(plain_path, "cannot be flushed");
}

static void plain_close(void)
{
    close(plain);
    (void)unlink(plain_path);
}

/* ---- The run ------------------------------------------------------------------------------- */

static const struct system systems[] = {
    {"imgfs", image_open, image_create, image_read, image_overwrite, image_delete, image_sync,
     image_close},
#ifdef HAVE_SQLITE
    {"sqlite", sqlite_open, sqlite_create, sqlite_read, sqlite_overwrite, sqlite_delete,
     sqlite_sync, sqlite_end},
#endif
    {"file", plain_open, plain_write, plain_read, plain_write, NULL, plain_sync, plain_close},
};

static void measure(const struct system *system, const char *op, void (*run)(uint64_t i),
                    uint64_t count, bool scattered)
{
    uint64_t seed = UINT64_C(0x9e3779b97f4a7c15), start = now_ns();
    if (!run)
        return;
    for (uint64_t i = 0; i < count; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        run(scattered ? (seed >> 32) % count : i);
    }
    system->sync();
    printf("{\"op\": \"%s\", \"system\": \"%s\", \"count\": %" PRIu64 ", \"wall_ns\": %" PRIu64
           "}\n",
           op, system->name, count, now_ns() - start);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    if (count == 0) {
        fprintf(stderr, "usage: bench-blobs DIR COUNT [SYSTEM]\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * i >> 3);
    for (size_t i = 0; i < sizeof(systems) / sizeof(*systems); i++) {
        const struct system *s = &systems[i];
        if (argc > 3 && strcmp(argv[3], s->name) != 0)
            continue;
        s->open(argv[1], count);
        measure(s, "create", s->create, count, false);
        measure(s, "read", s->read, count, true);
        measure(s, "overwrite", s->overwrite, count, true);
        measure(s, "delete", s->delete, count, false);
        s->close();
    }
    return 0;
}
