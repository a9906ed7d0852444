// SPDX-License-Identifier: MIT
/* The table of commands: help, usage, completion and man pages are made from it. */
#include "cli.h"

static const char *const progress_choices[] = {"auto", "always", "never", "json", NULL};

#define JSON_OPTION                                                   \
    {                                                                 \
        .name = "json", .help = "Print one JSON object, for programs" \
    }
#define PROGRESS_OPTION                                                                         \
    {                                                                                           \
        .name = "progress", .arg = "WHEN", .choices = progress_choices,                         \
        .help = "Show progress on stderr: auto (if it is a terminal), always, never, or json, " \
                "one object a line"                                                             \
    }

const struct lt_cli_option lt_help_option = {
    .name = "help", .letter = 'h', .help = "Show this help and exit"};

static const struct lt_cli_option mount_options[] = {
    {.name = "options",
     .letter = 'o',
     .arg = "LIST",
     .words = lt_mount_words,
     .help = "Comma-separated mount options; words that are not listed below go to SOURCE"},
    {.name = "foreground",
     .letter = 'f',
     .help = "Stay in the foreground until the volume is unmounted; messages go to stderr"},
    {.name = "load",
     .arg = "TREE",
     .hint = LT_HINT_FILE,
     .help = "Fill the volume from a directory or a tar file before it is mounted"},
    {.name = "save",
     .arg = "TREE",
     .hint = LT_HINT_FILE,
     .help = "Save the volume to a directory, or to a file if TREE ends in .tar, when it is "
             "unmounted and on 'lintel save'"},
    PROGRESS_OPTION,
    {.name = NULL},
};

static const struct lt_cli_option umount_options[] = {
    {.name = "lazy",
     .letter = 'l',
     .help = "Detach a busy volume now; it ends when its last file is closed. Does not wait"},
    {.name = NULL},
};

static const struct lt_cli_option save_options[] = {PROGRESS_OPTION, {.name = NULL}};

static const struct lt_cli_option info_options[] = {JSON_OPTION, {.name = NULL}};

static const struct lt_cli_option version_options[] = {JSON_OPTION, {.name = NULL}};

const struct lt_command lt_commands[] = {
    {.name = "mount",
     .summary = "Mount a file system at a directory",
     .details = "Returns when the volume answers, and leaves a process behind that serves it.",
     .operands = {{"SOURCE", LT_HINT_SOURCE, false}, {"DIR", LT_HINT_DIR, false}},
     .options = mount_options,
     .examples = {{"lintel mount mem: /mnt", "a RAM disk that grows and shrinks with its files"},
                  {"lintel mount mem:size=4g /mnt", "one that never takes more than 4 GiB"},
                  {"lintel mount mem:case=insensitive /mnt", "one where README and readme are one"},
                  {"lintel mount mem: /mnt --load t.tar --save t.tar",
                   "one that is kept in a tar file"}},
     .run = lt_cmd_mount},
    {.name = "umount",
     .summary = "Unmount a volume and wait until its process has ended",
     .details = "What is saved at unmount is on disk when this returns.",
     .operands = {{"DIR", LT_HINT_MOUNT, false}},
     .options = umount_options,
     .examples = {{"lintel umount /mnt", "unmount, save if so mounted"},
                  {"lintel umount --lazy /mnt", "although files are open"}},
     .run = lt_cmd_umount},
    {.name = "save",
     .summary = "Save a mounted volume now",
     .details =
         "The volume must have been mounted with --save, which says where to. The tree saved "
         "before is replaced at once and only when the new one is complete.",
     .operands = {{"DIR", LT_HINT_MOUNT, false}},
     .options = save_options,
     .examples = {{"lintel save /mnt", "save, with a progress bar on a terminal"}},
     .run = lt_cmd_save},
    {.name = "info",
     .summary = "Show facts about a mounted volume or a source",
     .operands = {{"SOURCE|DIR", LT_HINT_SOURCE_OR_MOUNT, false}},
     .options = info_options,
     .examples = {{"lintel info /mnt", "sizes, limits, operations and their latencies"},
                  {"lintel info --json /mnt", "the same for programs"}},
     .run = lt_cmd_info},
    {.name = "version",
     .summary = "Show the version and what is built in",
     .options = version_options,
     .examples = {{"lintel version --json", "for programs"}},
     .run = lt_cmd_version},
    {.name = "help",
     .summary = "Show how a command is used",
     .operands = {{"COMMAND", LT_HINT_COMMAND, true}},
     .examples = {{"lintel help mount", "the manual page of 'lintel mount'"},
                  {"lintel help sources", "the kinds of file systems"}},
     .run = lt_cmd_help},
    {.name = "completion",
     .summary = "Print a completion script for a shell",
     .operands = {{"bash|zsh|fish", LT_HINT_SHELL, false}},
     .examples = {{". <(lintel completion bash)", "complete 'lintel' in this shell"}},
     .run = lt_cmd_completion},
    {.name = NULL},
};

const struct lt_command *lt_command_find(const char *name)
{
    for (const struct lt_command *c = lt_commands; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}
