// SPDX-License-Identifier: MIT
#include "daemon.h"

#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Fork ------------------------------------------------------------------------------------ */

/* In the parent: what became of the child. */
static int wait_until_ready(pid_t child, int fd)
{
    char byte;
    int status;
    ssize_t n;
    do
        n = read(fd, &byte, 1);
    while (n < 0 && errno == EINTR);
    if (n == 1)
        return LT_EXIT_OK;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    lt_complain("the process that should serve the volume was ended by signal %d (%s)",
                WTERMSIG(status), strsignal(WTERMSIG(status)));
    return LT_EXIT_FAILED;
}

/*
 * A volume's memory is its own; the heap holds little, of small things that come and go. One heap
 * for all threads that gives back what lies free at its end does better for us than one for each.
 */
static void keep_heap_small(void)
{
#ifdef M_ARENA_MAX
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TRIM_THRESHOLD, 64 * 1024);
    mallopt(M_TOP_PAD, 16 * 1024);
#endif
}

int lt_launch(bool foreground, int (*fn)(void *arg, struct lt_launch *launch), void *arg)
{
    struct lt_launch launch = {.foreground = foreground, .ready_fd = -1};
    int fds[2];
    keep_heap_small();
    if (foreground)
        return fn(arg, &launch);
    if (pipe2(fds, O_CLOEXEC) != 0) {
        lt_complain("cannot go to the background: %s", strerror(errno));
        return LT_EXIT_FAILED;
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        close(fds[0]);
        launch.ready_fd = fds[1];
        exit(fn(arg, &launch));
    }
    close(fds[1]);
    int status = LT_EXIT_FAILED;
    if (child < 0)
        lt_complain("cannot go to the background: %s", strerror(errno));
    else
        status = wait_until_ready(child, fds[0]);
    close(fds[0]);
    return status;
}

/* Nothing of the terminal, directory and session that started us may keep us or be kept by us. */
static void detach(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
        dup2(null, fd);
    if (null > STDERR_FILENO)
        close(null);
    setsid();
    if (chdir("/") != 0)
        lt_log("cannot leave the present directory: %s", strerror(errno));
}

void lt_launch_ready(struct lt_launch *launch)
{
    char lines[64];
    snprintf(lines, sizeof(lines), "READY=1\nMAINPID=%ld", (long)getpid());
    lt_service_notify(lines);
    if (launch->foreground)
        return;
    detach();
    if (write(launch->ready_fd, "", 1) != 1)
        lt_log("nobody waited for the volume to be ready");
    close(launch->ready_fd);
    launch->ready_fd = -1;
}

/* ---- Service manager ------------------------------------------------------------------------- */

void lt_service_notify(const char *lines)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(to.sun_path))
        return;
    size_t len = strlen(path);
    memcpy(to.sun_path, path, len);
    if (path[0] == '@')
        to.sun_path[0] = '\0'; /* an abstract name */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    sendto(fd, lines, strlen(lines), MSG_NOSIGNAL, (const struct sockaddr *)&to,
           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    close(fd);
}
