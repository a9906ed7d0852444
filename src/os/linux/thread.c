// SPDX-License-Identifier: MIT
/* Threads and processors. */
#include <os/os.h>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

struct lt_thread {
    pthread_t id;
    void (*fn)(void *arg);
    void *arg;
    char name[16]; /* TASK_COMM_LEN (linux/sched.h), NUL included */
};

static void *thread_main(void *arg)
{
    struct lt_thread *thread = arg;

    pthread_setname_np(pthread_self(), thread->name);
    thread->fn(thread->arg);
    return NULL;
}

int lt_thread_start(struct lt_thread **ret, const char *name, void (*fn)(void *arg), void *arg)
{
    struct lt_thread *thread = calloc(1, sizeof(*thread));
    sigset_t all, old;
    int error;

    if (!thread)
        return LT_ENOMEM;
    thread->fn = fn;
    thread->arg = arg;
    strncpy(thread->name, name, sizeof(thread->name) - 1);

    /* A new thread inherits the mask: blocked here, no signal reaches it even at its very start. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    error = pthread_create(&thread->id, NULL, thread_main, thread);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error) {
        free(thread);
        return lt_error_from_os(error);
    }
    *ret = thread;
    return 0;
}

void lt_thread_join(struct lt_thread *thread)
{
    pthread_join(thread->id, NULL);
    free(thread);
}

bool lt_thread_pin(unsigned cpu)
{
    cpu_set_t set;

    if (cpu >= CPU_SETSIZE)
        return false;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof(set), &set) == 0;
}

unsigned lt_cpu_count(void)
{
    cpu_set_t set;
    int count;

    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1; /* more processors than a cpu_set_t holds, or forbidden */
    count = CPU_COUNT(&set);
    return count > 0 ? (unsigned)count : 1;
}
