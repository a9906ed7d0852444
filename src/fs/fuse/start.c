// SPDX-License-Identifier: MIT
#include "start.h"

#include <os/host.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKET_MAX ((1u << 20) + 4 * LT_PAGE_SIZE) /* the longest reply that is asked for */
#define LOOK_MS 100u       /* how often to see whether a program went to the kernel */
#define END_MAX_MS 600000u /* what a program may do when all is over */
#define TERM_MS 2000u      /* what a program may do after SIGTERM */
#define KILL_MS 5000u      /* and the kernel after SIGKILL */
#define EXPLAIN_MS 200u    /* a program whose connection broke may need a moment to end */
#define SAID_SHOWN 320u    /* bytes of what it said that an explanation has */
#define PATH_SIZE 1024u
#define LIBRARY "liblintel-preload.so"

static const struct lt_server no_server = {.in = -1, .out = -1, .pid = -1};

static int complain(struct lt_diag *diag, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int complain(struct lt_diag *diag, int error, const char *format, ...)
{
    va_list args;
    if (diag) {
        va_start(args, format);
        (void)vsnprintf(diag->text, sizeof(diag->text), format, args);
        va_end(args);
    }
    return error;
}

/* ---- The command's mount point --------------------------------------------------------------- */

#define BETWEEN " \t\n'\"`;|&()<>=" /* what may stand beside a word */
#define BY_NUMBER "/dev/fd/"

/* The next `@` that is a word, or the end of BY_NUMBER as a word: *ret_word is where that begins.
 */
static const char *find_mark(const char *at, const char *command, const char **ret_word)
{
    size_t prefix = strlen(BY_NUMBER);
    for (at = strchr(at, '@'); at; at = strchr(at + 1, '@')) {
        const char *word = at;
        if ((size_t)(at - command) >= prefix && memcmp(at - prefix, BY_NUMBER, prefix) == 0)
            word -= prefix;
        bool begins = word == command || strchr(BETWEEN, word[-1]);
        if (begins && (at[1] == '\0' || strchr(BETWEEN, at[1]))) {
            *ret_word = word;
            return at;
        }
    }
    return NULL;
}

struct place {
    const char *dir;
    char number[24];
    bool by_number; /* found out by put_place(): the program uses the number */
    unsigned marks;
};

/* The command with the place in it: its length, and the text if `ret` is not NULL. */
static size_t put_place(const char *command, struct place *place, char *ret)
{
    const char *from = command, *word, *mark;
    size_t len = 0;
    place->marks = 0;
    for (; (mark = find_mark(from, command, &word)) != NULL; from = mark + 1, place->marks++) {
        size_t before = (size_t)((word < mark ? mark : word) - from);
        const char *what = word < mark ? place->number : place->dir;
        place->by_number |= word < mark;
        if (ret) {
            memcpy(ret + len, from, before);
            memcpy(ret + len + before, what, strlen(what));
        }
        len += before + strlen(what);
    }
    if (ret)
        memcpy(ret + len, from, strlen(from) + 1);
    return len + strlen(from);
}

static int place_command(const char *command, struct place *place, char **ret, struct lt_diag *diag)
{
    size_t len = put_place(command, place, NULL);
    if (place->marks == 0)
        return complain(diag, LT_EINVAL, "'%s' has no word '@' where its mount point would stand",
                        command);
    char *text = malloc(len + 1);
    if (!text)
        return LT_ENOMEM;
    put_place(command, place, text);
    *ret = text;
    return 0;
}

/* ---- Its environment ------------------------------------------------------------------------- */

struct surroundings {
    char fuse[PATH_SIZE + 64]; /* for the library: see preload/preload.c */
    char *preload, *path;
    const char *entries[4];
};

static int find_library(char *ret, size_t size)
{
    const char *beside[] = {"../fs/fuse/preload", "../libexec/lintel"}; /* built, installed */
    const char *chosen = getenv("LINTEL_LIBEXEC");
    for (size_t i = 0; !chosen && i < sizeof(beside) / sizeof(beside[0]); i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%s/" LIBRARY, beside[i]);
        if (lt_process_beside(name, ret, size) == 0)
            return 0;
    }
    int n = snprintf(ret, size, "%s/" LIBRARY, chosen ? chosen : lt_server_libexec);
    if (n < 0 || (size_t)n >= size)
        return LT_ENAMETOOLONG;
    return lt_host_type_followed(ret) == LT_S_IFREG ? 0 : LT_ENOENT;
}

/* "NAME=first:VALUE" or, where NAME is not set, "NAME=first". */
static char *before_others(const char *name, const char *first, size_t len)
{
    const char *others = getenv(name);
    size_t size = strlen(name) + len + (others ? strlen(others) : 0) + 3;
    char *text = malloc(size);
    if (text)
        (void)snprintf(text, size, "%s=%.*s%s%s", name, (int)len, first,
                       others && *others ? ":" : "", others ? others : "");
    return text;
}

static void surroundings_free(struct surroundings *s)
{
    free(s->preload);
    free(s->path);
}

static int surroundings_make(struct surroundings *s, int channel, int life, const char *dir,
                             struct lt_diag *diag)
{
    char library[PATH_SIZE];
    int r = find_library(library, sizeof(library));
    if (r < 0)
        return complain(diag, r, "%s is not where it belongs: %s", LIBRARY, library);
    (void)snprintf(s->fuse, sizeof(s->fuse), "LINTEL_FUSE=%d,%d,%s", channel, life, dir);
    s->preload = before_others("LD_PRELOAD", library, strlen(library));
    s->path = before_others("PATH", library, strlen(library) - strlen("/" LIBRARY));
    if (!s->preload || !s->path)
        return LT_ENOMEM;
    s->entries[0] = s->fuse;
    s->entries[1] = s->preload;
    s->entries[2] = s->path;
    s->entries[3] = NULL;
    return 0;
}

/* ---- Starting -------------------------------------------------------------------------------- */

/* The end of what was said, in one line. */
static void tell(char *to, size_t size, struct lt_process *process)
{
    char said[LT_PROCESS_SAID_MAX + 1];
    size_t len = lt_process_said(process, said);
    while (len > 0 && strchr(" \n\r\t", said[len - 1]))
        said[--len] = '\0';
    char *from = said;
    if (len > SAID_SHOWN) {
        from = said + len - SAID_SHOWN;
        char *line = strchr(from, '\n');
        from = line ? line + 1 : from;
    }
    size_t used = 0;
    for (const char *c = len > 0 ? ": " : ""; *c; c++)
        to[used++] = *c;
    for (; *from && used + 2 < size; from++) {
        if (*from == '\n')
            to[used++] = ';';
        to[used++] = (unsigned char)*from < ' ' ? ' ' : *from;
    }
    to[used] = '\0';
}

/* A program may have such a status of itself, but those of them all are rather 255. */
static bool is_signal(int status)
{
    return status > 128 && status <= 128 + 64;
}

static int ended(struct lt_process *process, const char *command, struct lt_diag *diag)
{
    char said[SAID_SHOWN + 32];
    int status = lt_process_wait(process, 0);
    tell(said, sizeof(said), process);
    if (is_signal(status))
        return complain(diag, LT_ENODEV, "'%.100s' was ended by signal %d%s", command, status - 128,
                        said);
    return complain(diag, LT_ENODEV, "'%.100s' ended with status %d%s", command,
                    status < 0 ? 0 : status, said);
}

static int wait_for_listener(struct lt_server *s, const char *command, struct lt_diag *diag)
{
    for (;;) {
        int r = lt_process_wait_life(s->process, LOOK_MS);
        if (r == LT_ENODEV)
            return ended(s->process, command, diag);
        if (r != LT_ETIMEDOUT)
            return r;
        if (lt_process_is_mounted(s->dir))
            return complain(diag, LT_ENODEV,
                            "'%.100s' mounts by itself; give it the mount point /dev/fd/@",
                            command);
    }
}

/* What the program inherits. */
struct inheritance {
    int channel, life, watched; /* `watched` is ours */
};

static void inheritance_close(struct inheritance *i)
{
    lt_process_close(&i->channel);
    lt_process_close(&i->life);
    lt_process_close(&i->watched);
}

static int start_placed(struct lt_server *s, const char *command, struct inheritance *i,
                        struct lt_diag *diag)
{
    struct place place = {.dir = s->dir};
    struct surroundings around = {.preload = NULL};
    char *text = NULL;
    (void)snprintf(place.number, sizeof(place.number), "%d", i->channel);
    int r = place_command(command, &place, &text, diag);
    if (r < 0)
        return r;
    r = surroundings_make(&around, i->channel, i->life, s->dir, diag);
    if (r < 0 && place.by_number && r != LT_ENOMEM)
        r = 0; /* it does without */
    if (r == 0) {
        struct lt_process_options options = {
            .command = text,
            .env = around.entries,
            .in = -1,
            .out = -1,
            .keep = (const int[]){i->channel, i->life},
            .keep_count = 2,
            .life = i->watched,
        };
        i->watched = -1;
        r = lt_process_start(&options, &s->process);
    }
    surroundings_free(&around);
    free(text);
    lt_process_close(&i->channel);
    lt_process_close(&i->life);
    if (r == 0 && !place.by_number)
        r = wait_for_listener(s, command, diag);
    return r;
}

int lt_server_command(const char *command, struct lt_server *ret, struct lt_diag *diag)
{
    char dir[PATH_SIZE];
    struct inheritance theirs = {-1, -1, -1};
    struct lt_server s = no_server;
    int r = lt_process_make_dir(dir, sizeof(dir));
    if (r < 0)
        return complain(diag, r, "no directory can be made for the mount point of '%.100s'",
                        command);
    s.dir = strdup(dir);
    if (!s.dir) {
        lt_process_remove_dir(dir);
        return LT_ENOMEM;
    }
    s.packets = true;
    r = lt_process_packets(PACKET_MAX, &s.in, &theirs.channel);
    s.out = s.in;
    if (r == 0)
        r = lt_process_life(&theirs.watched, &theirs.life);
    if (r == 0)
        r = start_placed(&s, command, &theirs, diag);
    inheritance_close(&theirs);
    if (r < 0) {
        lt_server_end(&s, 0);
        return r;
    }
    s.pid = lt_process_pid(s.process);
    lt_process_settled(s.process);
    *ret = s;
    return 0;
}

int lt_server_unix(const char *path, struct lt_server *ret, struct lt_diag *diag)
{
    struct lt_server s = no_server;
    int r = lt_process_connect(path, &s.in, &s.packets);
    if (r < 0)
        return complain(diag, r, "cannot connect to %s: %s", path, lt_error_text(r));
    s.out = s.in;
    *ret = s;
    return 0;
}

int lt_server_stdio(const char *command, struct lt_server *ret, struct lt_diag *diag)
{
    struct lt_server s = no_server;
    int in = -1, out = -1;
    int r = lt_process_pipes(&s.in, &s.out, &in, &out);
    if (r == 0) {
        struct lt_process_options options = {.command = command, .in = in, .out = out, .life = -1};
        r = lt_process_start(&options, &s.process);
    }
    lt_process_close(&in);
    lt_process_close(&out);
    if (r < 0) {
        lt_server_end(&s, 0);
        return complain(diag, r, "cannot start '%.100s': %s", command, lt_error_text(r));
    }
    s.pid = lt_process_pid(s.process);
    lt_process_settled(s.process);
    *ret = s;
    return 0;
}

/* ---- Afterwards ------------------------------------------------------------------------------ */

void lt_server_explain(struct lt_server *server, struct lt_diag *diag)
{
    char said[SAID_SHOWN + 32];
    if (!diag || !server->process)
        return;
    int status = lt_process_wait(server->process, EXPLAIN_MS);
    tell(said, sizeof(said), server->process);
    size_t len = strlen(diag->text);
    char end[64] = "";
    if (is_signal(status))
        (void)snprintf(end, sizeof(end), "the program was ended by signal %d", status - 128);
    else if (status >= 0)
        (void)snprintf(end, sizeof(end), "the program ended with status %d", status);
    (void)snprintf(diag->text + len, sizeof(diag->text) - len, "%s%s%s", len ? "; " : "", end,
                   said);
}

/* A program that uses a processor this part of the time, at least, is not idle. */
#define WORK_PART 256u

static int wait_while_it_works(struct lt_process *process, unsigned timeout_ms)
{
    uint64_t end = lt_clock_ns() + (uint64_t)END_MAX_MS * 1000000;
    uint64_t work = lt_process_work(process), before;
    int r;
    do {
        before = work;
        r = lt_process_wait(process, timeout_ms);
        work = lt_process_work(process);
    } while (r == LT_ETIMEDOUT && lt_clock_ns() < end &&
             work - before > (uint64_t)timeout_ms * 1000000 / WORK_PART);
    return r;
}

int lt_server_end(struct lt_server *server, unsigned timeout_ms)
{
    if (server->out != server->in)
        lt_process_close(&server->out);
    lt_process_close(&server->in);
    server->out = -1;
    int status = 0;
    if (server->process) {
        status = wait_while_it_works(server->process, timeout_ms);
        if (status == LT_ETIMEDOUT) {
            lt_process_end(server->process, false);
            status = lt_process_wait(server->process, TERM_MS);
        }
        if (status == LT_ETIMEDOUT) {
            lt_process_end(server->process, true);
            status = lt_process_wait(server->process, KILL_MS);
        }
        lt_process_free(server->process);
    }
    if (server->dir)
        lt_process_remove_dir(server->dir);
    free(server->dir);
    *server = no_server;
    return status;
}
