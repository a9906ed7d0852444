// SPDX-License-Identifier: MIT
/* Which program this is, and which command is wanted. */
#include "cli.h"
#include "mkfs.h"

#include <libgen.h>

static const char *next_command(const void *arg, size_t i)
{
    (void)arg;
    return lt_commands[i] ? lt_commands[i]->name : NULL;
}

static int run_command(const struct lt_command *command, int argc, char **argv)
{
    char name[64];
    struct lt_args args;
    snprintf(name, sizeof(name), "lintel %s", command->name);
    lt_talk_as(name);
    int status = lt_args_parse(command, argc, argv, &args);
    if (status == LT_EXIT_OK && args.help)
        lt_print_help(stdout, command);
    else if (status == LT_EXIT_OK)
        status = command->run(&args);
    lt_args_free(&args);
    return status;
}

/* What people try before they know the commands. */
static const char *alias(const char *word)
{
    if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0)
        return "help";
    if (strcmp(word, "-V") == 0 || strcmp(word, "--version") == 0)
        return "version";
    if (strcmp(word, "unmount") == 0)
        return "umount";
    return word;
}

static int run_lintel(int argc, char **argv)
{
    if (argc < 2) {
        lt_print_overview(stderr);
        return LT_EXIT_USAGE;
    }
    const char *word = alias(argv[1]);
    const struct lt_command *command = lt_command_named(word);
    if (command)
        return run_command(command, argc - 1, argv + 1);
    if (word[0] == '-')
        return lt_usage_error(NULL, "unknown option '%s'", word);
    return lt_usage_error(NULL, "unknown command '%s'%s", word,
                          lt_did_you_mean(word, next_command, NULL).text);
}

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* mount(8), mkfs(8) and fsck(8) call us by other names. */
static int run_as(const char *name, int argc, char **argv)
{
    if (begins_with(name, "mount."))
        return lt_mount_helper(argc, argv);
    if (begins_with(name, "mkfs."))
        return lt_mkfs_helper(argc, argv);
    if (begins_with(name, "fsck."))
        return lt_fsck_helper(argc, argv);
    return run_lintel(argc, argv);
}

int main(int argc, char **argv)
{
    int status = run_as(argc > 0 ? basename(argv[0]) : "lintel", argc, argv);
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == LT_EXIT_OK)
        status = LT_EXIT_FAILED;
    return status;
}
