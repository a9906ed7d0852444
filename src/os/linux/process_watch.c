// SPDX-License-Identifier: MIT
/*
 * A thread for each program that was started: it takes what the program says, learns which process
 * serves, and sees both end.
 */
#include "process.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLIND_MS 50 /* how often to look where there are no pidfds */

enum { BELL, ERRORS, LIFE, CHILD, SERVER, WATCHED };

/* ---- What it says ---------------------------------------------------------------------------- */

size_t lt_process_copy_said_locked(struct lt_process *p, uint64_t *from, char *buf)
{
    uint64_t first = p->said_end > sizeof(p->said) ? p->said_end - sizeof(p->said) : 0;
    if (from && *from > first)
        first = *from;
    size_t len = (size_t)(p->said_end - first);
    for (size_t i = 0; i < len; i++)
        buf[i] = p->said[(first + i) % sizeof(p->said)];
    if (from)
        *from = p->said_end;
    return len;
}

static void keep(struct lt_process *p, const char *text, size_t len)
{
    lt_mutex_lock(&p->lock);
    for (size_t i = 0; i < len; i++)
        p->said[p->said_end++ % sizeof(p->said)] = text[i];
    lt_mutex_unlock(&p->lock);
}

/* To our own standard error, as long as somebody takes it there. */
static void forward(struct lt_process *p)
{
    char buf[LT_PROCESS_SAID_MAX];
    lt_mutex_lock(&p->lock);
    size_t len = lt_process_copy_said_locked(p, &p->forwarded, buf);
    lt_mutex_unlock(&p->lock);
    for (size_t done = 0; done < len && !p->leave;) {
        struct pollfd fds[] = {{.fd = STDERR_FILENO, .events = POLLOUT},
                               {.fd = p->bell, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return;
        if (!(fds[0].revents & POLLOUT)) {
            if (fds[0].revents || p->leave)
                return;
            continue;
        }
        ssize_t n = write(STDERR_FILENO, buf + done, len - done);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return;
        done += n > 0 ? (size_t)n : 0;
    }
}

/* All that is there to be read. */
static void hear(struct lt_process *p)
{
    char buf[LT_PROCESS_SAID_MAX];
    for (;;) {
        ssize_t n = p->errors < 0 ? 0 : read(p->errors, buf, sizeof(buf));
        if (n == 0)
            lt_process_close(&p->errors);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        keep(p, buf, (size_t)n);
        if (p->settled)
            forward(p);
    }
}

/* ---- Who it is ------------------------------------------------------------------------------- */

static void end_locked(struct lt_process *p) REQUIRES(p->lock)
{
    p->ended = true;
    lt_cond_wake_all(&p->changed);
}

/* A background process that nobody knows yet may still come, if somebody is there at all. */
static void consider_end_locked(struct lt_process *p) REQUIRES(p->lock)
{
    if (p->child_ended && (p->server ? p->server == p->pid : p->life < 0 || p->status != 0))
        end_locked(p);
}

static void meet_locked(struct lt_process *p, pid_t pid) REQUIRES(p->lock)
{
    if (pid == p->server)
        return;
    lt_process_close(&p->server_fd);
    p->server = pid;
    p->server_fd = pid == p->pid ? -1 : lt_process_pidfd(pid);
}

/* The sender's number is the kernel's word (SCM_CREDENTIALS), translated into our name space; 0
 * where it has none there. */
static void hear_life(struct lt_process *p)
{
    char byte;
    char control[CMSG_SPACE(sizeof(struct ucred))];
    struct iovec iov = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(p->life, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    struct ucred cred = {0};
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
        memcpy(&cred, CMSG_DATA(c), sizeof(cred));
    lt_mutex_lock(&p->lock);
    if (n > 0 && byte == LT_PROCESS_SERVES)
        meet_locked(p, cred.pid > 0 ? cred.pid : p->pid);
    else if (n > 0)
        p->handed_on = true;
    else
        lt_process_close(&p->life);
    lt_cond_wake_all(&p->changed);
    consider_end_locked(p);
    lt_mutex_unlock(&p->lock);
}

/* As the shell tells it. */
static int status_of(const siginfo_t *info)
{
    return info->si_code == CLD_EXITED ? info->si_status : 128 + info->si_status;
}

static void look_for_child(struct lt_process *p)
{
    siginfo_t info = {0};
    int r = waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    if (r == 0 && info.si_pid == 0)
        return;
    hear(p); /* its last words */
    lt_mutex_lock(&p->lock);
    p->status = r == 0 ? status_of(&info) : 0; /* or somebody else took it */
    (void)waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG);
    p->child_ended = true;
    consider_end_locked(p);
    lt_mutex_unlock(&p->lock);
}

static void look_for_server(struct lt_process *p, bool gone)
{
    hear(p);
    lt_mutex_lock(&p->lock);
    if (gone || (p->server_fd < 0 && kill(p->server, 0) < 0 && errno == ESRCH)) {
        lt_process_close(&p->server_fd);
        end_locked(p);
    }
    lt_mutex_unlock(&p->lock);
}

/* ---- The thread ------------------------------------------------------------------------------ */

static void attend(struct lt_process *p, const struct pollfd *fds)
{
    uint64_t rings;
    if (fds[BELL].revents && read(p->bell, &rings, sizeof(rings)) > 0 && p->settled)
        forward(p);
    if (fds[ERRORS].revents)
        hear(p);
    if (fds[LIFE].revents)
        hear_life(p);
    if (!p->child_ended && (fds[CHILD].revents || p->child_fd < 0))
        look_for_child(p);
    bool other = p->server && p->server != p->pid && !p->ended;
    if (other && p->child_ended && (fds[SERVER].revents || p->server_fd < 0))
        look_for_server(p, fds[SERVER].revents != 0);
}

void lt_process_watch(void *process)
{
    struct lt_process *p = process;
    while (!p->leave) {
        bool other = p->server && p->server != p->pid && !p->ended;
        bool blind = (p->child_fd < 0 && !p->child_ended) || (p->server_fd < 0 && other);
        struct pollfd fds[WATCHED] = {
            [BELL] = {.fd = p->bell, .events = POLLIN},
            [ERRORS] = {.fd = p->errors, .events = POLLIN},
            [LIFE] = {.fd = p->life, .events = POLLIN},
            [CHILD] = {.fd = p->child_ended ? -1 : p->child_fd, .events = POLLIN},
            [SERVER] = {.fd = p->child_ended ? p->server_fd : -1, .events = POLLIN},
        };
        if (poll(fds, WATCHED, blind ? BLIND_MS : -1) > 0 || blind)
            attend(p, fds);
    }
}
