// SPDX-License-Identifier: MIT
/* Usage lines and -h, from the table; `lintel help`. */
#include "cli.h"

#include <fcntl.h>
#include <registry.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WIDTH = 80, HELP_COLUMN = 26 };

static void print_option_usage(FILE *out, const struct lt_cli_option *o)
{
    if (o->letter && o->arg)
        fprintf(out, " [-%c %s]", o->letter, o->arg);
    else if (o->arg)
        fprintf(out, " [--%s %s]", o->name, o->arg);
    else
        fprintf(out, " [--%s]", o->name);
}

bool lt_spells_options(const struct lt_command *command)
{
    enum { MOST = 6 };
    size_t n = 0;
    for (const struct lt_cli_option *o = command->options; o && o->name; o++)
        n++;
    return n <= MOST;
}

void lt_print_usage(FILE *out, const struct lt_command *command)
{
    if (!command) {
        fputs("lintel COMMAND [ARGUMENTS]", out);
        return;
    }
    fprintf(out, "lintel %s", command->name);
    for (size_t i = 0; i < LT_OPERANDS_MAX && command->operands[i].name; i++) {
        const struct lt_operand *o = &command->operands[i];
        fprintf(out, o->optional ? " [%s]%s" : " %s%s", o->name, o->many ? "..." : "");
    }
    if (lt_spells_options(command))
        for (const struct lt_cli_option *o = command->options; o && o->name; o++)
            print_option_usage(out, o);
    else
        fputs(" [OPTIONS]", out);
}

/* Text from the present column `at` on, broken at words before WIDTH, further lines indented. */
static void print_wrapped(FILE *out, const char *text, int at, int indent)
{
    while (*text) {
        int word = (int)strcspn(text, " ");
        if (at > indent && at + 1 + word > WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            fputc(' ', out);
            at++;
        }
        fprintf(out, "%.*s", word, text);
        at += word;
        text += word + (text[word] == ' ');
    }
    fputc('\n', out);
}

/* "  LEFT          help", on two lines if LEFT is long. */
static void print_row(FILE *out, const char *left, const char *help)
{
    int width = fprintf(out, "  %s", left);
    if (width >= HELP_COLUMN - 1) {
        fputc('\n', out);
        width = 0;
    }
    fprintf(out, "%*s", HELP_COLUMN - width, "");
    print_wrapped(out, help, HELP_COLUMN, HELP_COLUMN);
}

static void print_option(FILE *out, const struct lt_cli_option *o)
{
    char left[64], letter[8] = "    ";
    if (o->letter)
        snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    snprintf(left, sizeof(left), "%s--%s%s%s", letter, o->name, o->arg ? " " : "",
             o->arg ? o->arg : "");
    print_row(out, left, o->help);
}

static void print_words(FILE *out, const struct lt_cli_option *o)
{
    fprintf(out, "\nwords of %s:\n", o->arg);
    for (const struct lt_word *w = o->words; w->name; w++) {
        char left[64];
        snprintf(left, sizeof(left), "%s%s%s", w->name, w->arg ? "=" : "", w->arg ? w->arg : "");
        print_row(out, left, w->help);
    }
}

static void print_examples(FILE *out, const struct lt_command *command)
{
    if (!command->examples[0].line)
        return;
    fputs("\nexamples:\n", out);
    for (size_t i = 0; i < LT_EXAMPLES_MAX && command->examples[i].line; i++)
        fprintf(out, "  # %s\n  %s\n", command->examples[i].what, command->examples[i].line);
}

void lt_print_help(FILE *out, const struct lt_command *command)
{
    fprintf(out, "%s.\n", command->summary);
    if (command->details)
        print_wrapped(out, command->details, 0, 0);
    fputs("\nusage: ", out);
    lt_print_usage(out, command);
    fputc('\n', out);
    print_examples(out, command);
    struct lt_cli_option help = lt_help_option_of(command);
    fputs("\noptions:\n", out);
    for (const struct lt_cli_option *o = command->options; o && o->name; o++)
        print_option(out, o);
    print_option(out, &help);
    for (const struct lt_cli_option *o = command->options; o && o->name; o++)
        if (o->words)
            print_words(out, o);
}

void lt_print_overview(FILE *out)
{
    static const char *const titles[] = {
        [LT_GROUP_MOUNT] = "volumes",
        [LT_GROUP_IMAGE] = "disk images",
        [LT_GROUP_FILES] = "files in images, without mounting (PLACE is IMAGE:/PATH)",
        [LT_GROUP_OTHER] = "about lintel",
    };
    fputs("Lintel: file systems in RAM and in disk images, mounted or not.\n\n"
          "examples:\n"
          "  # a RAM disk of at most 4 GiB, and away with it\n"
          "  lintel mount mem:size=4g /mnt\n"
          "  lintel umount /mnt\n"
          "  # a disk image, and files in it\n"
          "  lintel mkfs disk.img --size 10G\n"
          "  lintel cp -r ./tree disk.img:/\n"
          "  lintel mount disk.img /mnt\n\n"
          "usage: lintel COMMAND [ARGUMENTS]\n",
          out);
    enum lt_group group = LT_GROUP_OTHER;
    for (const struct lt_command *const *at = lt_commands, *c; (c = *at); at++) {
        if (at == lt_commands || c->group != group)
            fprintf(out, "\n%s:\n", titles[c->group]);
        group = c->group;
        print_row(out, c->name, c->summary);
    }
    fputs("\n'lintel help COMMAND' explains a command, 'lintel help sources' the kinds of file "
          "systems.\n",
          out);
}

/* ---- lintel help ----------------------------------------------------------------------------- */

/* Shows a manual page if there is a reader and the page is installed. */
static bool show_manual(const char *page)
{
    posix_spawn_file_actions_t quiet;
    char *argv[] = {(char *)"man", (char *)page, NULL};
    pid_t pid;
    int status = -1;
    if (!isatty(STDOUT_FILENO) || posix_spawn_file_actions_init(&quiet) != 0)
        return false;
    posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (posix_spawnp(&pid, "man", &quiet, NULL, argv, environ) == 0)
        waitpid(pid, &status, 0);
    posix_spawn_file_actions_destroy(&quiet);
    return status == 0;
}

static int help_sources(void)
{
    puts("A source is a kind and, behind a colon, comma-separated options:\n");
    for (const struct lt_fs_kind *k = lt_fs_kinds; k->name; k++) {
        char left[32];
        snprintf(left, sizeof(left), "%s:", k->name);
        print_row(stdout, left, k->summary);
    }
    puts("\nlintel-sources(7) lists their options.");
    return LT_EXIT_OK;
}

static const char *next_topic(const void *arg, size_t i)
{
    (void)arg;
    size_t commands = 0;
    while (lt_commands[commands])
        commands++;
    if (i < commands)
        return lt_commands[i] ? lt_commands[i]->name : NULL;
    return i == commands ? "sources" : NULL;
}

static int run(const struct lt_args *args)
{
    const char *topic = args->operands[0];
    if (!topic) {
        lt_print_overview(stdout);
        return LT_EXIT_OK;
    }
    if (strcmp(topic, "sources") == 0)
        return show_manual("lintel-sources") ? LT_EXIT_OK : help_sources();
    const struct lt_command *command = lt_command_named(topic);
    if (!command)
        return lt_usage_error(args->command, "nothing is known about '%s'%s", topic,
                              lt_did_you_mean(topic, next_topic, NULL).text);
    char page[64];
    snprintf(page, sizeof(page), "lintel-%s", command->name);
    if (!show_manual(page))
        lt_print_help(stdout, command);
    return LT_EXIT_OK;
}

const struct lt_command lt_command_help = {
    .name = "help",
    .summary = "Show how a command is used",
    .operands = {{"COMMAND", LT_HINT_COMMAND, true}},
    .examples = {{"lintel help mount", "the manual page of 'lintel mount'"},
                 {"lintel help sources", "the kinds of file systems"}},
    .group = LT_GROUP_OTHER,
    .run = run,
};
