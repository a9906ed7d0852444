// SPDX-License-Identifier: MIT
/*
 * The table of commands: help, usage, completion and man pages are made from it.
 * What a command takes stands beside what it does: lt_command_NAME in NAME.c.
 */
#include "cli.h"

#define COMMANDS(X) \
    X(mount)        \
    X(umount)       \
    X(serve)        \
    X(save)         \
    X(info)         \
    X(mkfs)         \
    X(check)        \
    X(scrub)        \
    X(resize)       \
    X(defrag)       \
    X(dump)         \
    X(ls)           \
    X(cat)          \
    X(write)        \
    X(stat)         \
    X(find)         \
    X(du)           \
    X(df)           \
    X(cp)           \
    X(mv)           \
    X(import)       \
    X(export)       \
    X(rm)           \
    X(mkdir)        \
    X(rmdir)        \
    X(ln)           \
    X(touch)        \
    X(truncate)     \
    X(chmod)        \
    X(version)      \
    X(help)         \
    X(completion)

const char *const lt_progress_choices[] = {"auto", "always", "never", "json", NULL};

const struct lt_cli_option lt_help_option = {
    .name = "help", .letter = 'h', .help = "Show this help and exit"};

#define DECLARE(name) extern const struct lt_command lt_command_##name;
COMMANDS(DECLARE)

#define ROW(name) &lt_command_##name,
const struct lt_command *const lt_commands[] = {COMMANDS(ROW) NULL};

const struct lt_command *lt_command_named(const char *name)
{
    for (size_t i = 0; lt_commands[i]; i++)
        if (strcmp(lt_commands[i]->name, name) == 0)
            return lt_commands[i];
    return NULL;
}
