// SPDX-License-Identifier: MIT
#include "interrupt.h"

#include <signal.h>

static atomic_bool interrupted;

static void note(int number)
{
    (void)number;
    atomic_store(&interrupted, true);
}

const atomic_bool *lt_interrupt_catch(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = note, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        sigaction(numbers[i], &action, NULL);
    return &interrupted;
}

bool lt_interrupted(void)
{
    return atomic_load(&interrupted);
}
