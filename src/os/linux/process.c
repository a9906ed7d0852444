// SPDX-License-Identifier: MIT
/* Starting, waiting for and ending programs. What a program does meanwhile: process_watch.c. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SHELL "/bin/sh"

extern char **environ;

/* ---- Environment ----------------------------------------------------------------------------- */

static bool same_name(const char *one, const char *two)
{
    size_t len = strcspn(one, "=");
    return strncmp(one, two, len) == 0 && two[len] == '=';
}

static bool is_replaced(const char *entry, const char *const *env)
{
    for (; env && *env; env++)
        if (same_name(*env, entry))
            return true;
    return false;
}

/* Ours, with `env` over it: an array to be freed, of entries that are not. */
static char **merge_environment(const char *const *env)
{
    size_t count = 1, used = 0;
    for (char **e = environ; e && *e; e++)
        count++;
    for (const char *const *e = env; e && *e; e++)
        count++;
    char **merged = malloc(count * sizeof(*merged));
    if (!merged)
        return NULL;
    for (char **e = environ; e && *e; e++)
        if (!is_replaced(*e, env))
            merged[used++] = *e;
    for (const char *const *e = env; e && *e; e++)
        merged[used++] = (char *)*e;
    merged[used] = NULL;
    return merged;
}

/* ---- Starting -------------------------------------------------------------------------------- */

/* Whether a program in our process group could ask somebody for a password. */
static bool at_terminal(void)
{
    int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    bool ours = tty >= 0 && tcgetpgrp(tty) == getpgrp();
    if (tty >= 0)
        (void)close(tty);
    return ours;
}

static int set_attributes(posix_spawnattr_t *attr, bool own_group)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    int error = posix_spawnattr_setsigmask(attr, &none);
    if (!error)
        error = posix_spawnattr_setsigdefault(attr, &all);
    if (!error && own_group) {
        flags |= POSIX_SPAWN_SETPGROUP;
        error = posix_spawnattr_setpgroup(attr, 0);
    }
    return error ? error : posix_spawnattr_setflags(attr, (short)flags);
}

/* A descriptor that is put on its own number loses its close-on-exec flag. */
static int set_descriptors(posix_spawn_file_actions_t *actions, const struct lt_process_options *o,
                           int errors)
{
    int error = o->in < 0 ? posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0)
                          : posix_spawn_file_actions_adddup2(actions, o->in, 0);
    if (!error)
        error = posix_spawn_file_actions_adddup2(actions, o->out < 0 ? errors : o->out, 1);
    if (!error)
        error = posix_spawn_file_actions_adddup2(actions, errors, 2);
    for (size_t i = 0; !error && i < o->keep_count; i++)
        error = posix_spawn_file_actions_adddup2(actions, o->keep[i], o->keep[i]);
    return error;
}

static int spawn(struct lt_process *p, const struct lt_process_options *o, int errors)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    char *argv[] = {"sh", "-c", (char *)o->command, NULL};
    char **env = merge_environment(o->env);
    if (!env)
        return LT_ENOMEM;
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        goto out;
    error = posix_spawnattr_init(&attr);
    if (!error) {
        p->own_group = !at_terminal();
        error = set_attributes(&attr, p->own_group);
        if (!error)
            error = set_descriptors(&actions, o, errors);
        if (!error)
            error = posix_spawn(&p->pid, SHELL, &actions, &attr, argv, env);
        posix_spawnattr_destroy(&attr);
    }
    posix_spawn_file_actions_destroy(&actions);
out:
    free(env);
    return error ? lt_error_from_os(error) : 0;
}

/* A pipe end below 3 would be overwritten before it is used. */
static int make_pipe(int fds[2])
{
    int raw[2];
    if (pipe2(raw, O_CLOEXEC) < 0)
        return lt_error_last();
    for (int i = 0; i < 2; i++) {
        fds[i] = raw[i] > 2 ? raw[i] : fcntl(raw[i], F_DUPFD_CLOEXEC, 3);
        if (fds[i] != raw[i])
            (void)close(raw[i]);
    }
    if (fds[0] >= 0 && fds[1] >= 0 && fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0)
        return 0;
    int r = lt_error_last();
    lt_process_close(&fds[0]);
    lt_process_close(&fds[1]);
    return r;
}

static void ring(struct lt_process *p)
{
    uint64_t one = 1;
    ssize_t n = write(p->bell, &one, sizeof(one));
    (void)n; /* it can only be full, which does as well */
}

static void end_watch(struct lt_process *p)
{
    if (!p->watcher)
        return;
    p->leave = true;
    ring(p);
    lt_thread_join(p->watcher);
    p->watcher = NULL;
}

int lt_process_pidfd(pid_t pid)
{
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    return -1;
#endif
}

/* A program that nobody can watch is not to live. */
static void undo_spawn(struct lt_process *p)
{
    (void)kill(p->own_group ? -p->pid : p->pid, SIGKILL);
    while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    p->ended = true;
}

int lt_process_start(const struct lt_process_options *options, struct lt_process **ret)
{
    int errors[2] = {-1, -1};
    struct lt_process *p = calloc(1, sizeof(*p));
    if (!p) {
        int life = options->life;
        lt_process_close(&life);
        return LT_ENOMEM;
    }
    p->errors = p->bell = p->server_fd = p->child_fd = -1;
    p->life = options->life;
    int r = make_pipe(errors);
    if (r < 0)
        goto out;
    p->errors = errors[0];
    p->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r = p->bell < 0 ? lt_error_last() : spawn(p, options, errors[1]);
    lt_process_close(&errors[1]);
    if (r < 0)
        goto out;
    p->child_fd = lt_process_pidfd(p->pid);
    r = lt_thread_start(&p->watcher, "lintel-program", lt_process_watch, p);
    if (r < 0)
        undo_spawn(p);
out:
    if (r < 0)
        lt_process_free(p);
    else
        *ret = p;
    return r;
}

void lt_process_free(struct lt_process *p)
{
    if (!p)
        return;
    end_watch(p);
    lt_process_close(&p->errors);
    lt_process_close(&p->life);
    lt_process_close(&p->bell);
    lt_process_close(&p->child_fd);
    lt_process_close(&p->server_fd);
    free(p);
}

/* ---- Waiting and ending ---------------------------------------------------------------------- */

/* False if it is too late for more. */
static bool wait_until(struct lt_process *p, uint64_t until) REQUIRES(p->lock)
{
    uint64_t now = lt_clock_ns();
    return now < until && lt_cond_wait_for(&p->changed, &p->lock, until - now);
}

static uint64_t end_of(unsigned timeout_ms)
{
    return lt_clock_ns() + (uint64_t)timeout_ms * 1000000;
}

int lt_process_wait_life(struct lt_process *p, unsigned timeout_ms)
{
    uint64_t until = end_of(timeout_ms);
    lt_mutex_lock(&p->lock);
    bool in_time = true;
    while (in_time && !p->server && !p->handed_on && !p->ended)
        in_time = wait_until(p, until);
    int r = p->server || p->handed_on ? 0 : p->ended ? LT_ENODEV : LT_ETIMEDOUT;
    lt_mutex_unlock(&p->lock);
    return r;
}

int lt_process_wait(struct lt_process *p, unsigned timeout_ms)
{
    uint64_t until = end_of(timeout_ms);
    lt_mutex_lock(&p->lock);
    bool in_time = true;
    while (in_time && !p->ended)
        in_time = wait_until(p, until);
    int r = p->ended ? p->status : LT_ETIMEDOUT;
    lt_mutex_unlock(&p->lock);
    return r;
}

uint64_t lt_process_work(struct lt_process *p)
{
    clockid_t clock;
    struct timespec time;
    pid_t pid = (pid_t)lt_process_pid(p);
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0)
        return 0;
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Nothing is sent to a number that may be somebody else's by now: the child is not reaped while we
 * have the lock, and another process has its descriptor. */
void lt_process_end(struct lt_process *p, bool now)
{
    int number = now ? SIGKILL : SIGTERM;
    lt_mutex_lock(&p->lock);
    if (!p->child_ended)
        (void)kill(p->own_group ? -p->pid : p->pid, number);
    if (p->server && p->server != p->pid && !p->ended) {
#ifdef SYS_pidfd_send_signal
        if (p->server_fd >= 0)
            (void)syscall(SYS_pidfd_send_signal, p->server_fd, number, NULL, 0);
        else
#endif
            (void)kill(p->server, number);
    }
    lt_mutex_unlock(&p->lock);
}

int64_t lt_process_pid(struct lt_process *p)
{
    lt_mutex_lock(&p->lock);
    int64_t pid = p->server ? p->server : p->pid;
    lt_mutex_unlock(&p->lock);
    return pid;
}

void lt_process_settled(struct lt_process *p)
{
    p->settled = true;
    ring(p);
}

size_t lt_process_said(struct lt_process *p, char buf[LT_PROCESS_SAID_MAX + 1])
{
    lt_mutex_lock(&p->lock);
    size_t len = lt_process_copy_said_locked(p, NULL, buf);
    lt_mutex_unlock(&p->lock);
    buf[len] = '\0';
    return len;
}
