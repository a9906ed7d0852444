// SPDX-License-Identifier: MIT
/* The log of a volume that is served: a file, stderr, or syslog. */
#include "daemon.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static int log_fd = STDERR_FILENO; /* -1: syslog */

bool lt_log_open(const char *path, bool foreground)
{
    if (path) {
        int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
        if (fd < 0)
            return false;
        log_fd = fd;
        return true;
    }
    if (!foreground) {
        openlog("lintel", LOG_PID, LOG_DAEMON);
        log_fd = -1;
    }
    return true;
}

/* One write a line, so that those of several threads do not mix. */
static void write_line(const char *line)
{
    char text[1100], when[32];
    struct timespec now;
    struct tm local;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &local);
    strftime(when, sizeof(when), "%F %T", &local);
    int len = snprintf(text, sizeof(text), "%s.%03ld lintel[%ld]: %s\n", when,
                       now.tv_nsec / 1000000, (long)getpid(), line);
    if (len >= (int)sizeof(text)) {
        len = (int)sizeof(text) - 1;
        text[len - 1] = '\n';
    }
    if (write(log_fd, text, (size_t)len) < 0)
        return; /* nobody is left to tell */
}

void lt_log_line(void *arg, const char *line)
{
    (void)arg;
    if (log_fd < 0)
        syslog(LOG_NOTICE, "%s", line);
    else
        write_line(line);
}

void lt_log(const char *format, ...)
{
    char line[1024];
    va_list ap;
    va_start(ap, format);
    vsnprintf(line, sizeof(line), format, ap);
    va_end(ap);
    lt_log_line(NULL, line);
}
