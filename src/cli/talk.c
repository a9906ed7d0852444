// SPDX-License-Identifier: MIT
/* Messages to the user, and guesses at what was meant. */
#include "cli.h"

#include <base/options.h>

#include <stdarg.h>

static const char *talk_name = "lintel";

void lt_talk_as(const char *name)
{
    talk_name = name;
}

const char *lt_talk_name(void)
{
    return talk_name;
}

/* One write, so that lines of several processes do not mix. */
static void __attribute__((format(printf, 1, 0))) complain(const char *format, va_list ap)
{
    char text[2048];
    vsnprintf(text, sizeof(text), format, ap);
    fflush(stdout);
    fprintf(stderr, "%s: %s\n", talk_name, text);
}

void lt_complain(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    complain(format, ap);
    va_end(ap);
}

void lt_complain_why(const char *verb, const char *name, int error, const struct lt_diag *diag)
{
    const char *why = diag->text[0] ? diag->text : lt_error_text(error);
    if (strncmp(why, "cannot ", strlen("cannot ")) == 0 && strstr(why, name))
        lt_complain("%s", why);
    else
        lt_complain("cannot %s %s: %s", verb, name, why);
}

int lt_usage_error(const struct lt_command *command, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    complain(format, ap);
    va_end(ap);
    fputs("usage: ", stderr);
    lt_print_usage(stderr, command);
    if (command)
        fprintf(stderr, "\n'lintel %s --help' explains the options.\n", command->name);
    else
        fputs("\n'lintel help' lists the commands.\n", stderr);
    return command && command->usage_status ? command->usage_status : LT_EXIT_USAGE;
}

struct lt_hint_text lt_did_you_mean(const char *word,
                                    const char *(*next)(const void *arg, size_t i), const void *arg)
{
    struct lt_hint_text hint = {""};
    const char *nearest = lt_word_nearest(word, next, arg);
    if (nearest)
        snprintf(hint.text, sizeof(hint.text), "; did you mean '%s'?", nearest);
    return hint;
}
