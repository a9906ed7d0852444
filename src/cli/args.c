// SPDX-License-Identifier: MIT
/* Takes a command line apart by the command's row of the table. */
#include "cli.h"

#include <assert.h>
#include <base/options.h>
#include <getopt.h>
#include <stdlib.h>

/* getopt_long's `val` for the options of a command: beyond any character. */
enum { OPTION_HELP = 255, OPTION_BASE = 256 };

static size_t option_count(const struct lt_command *command)
{
    size_t n = 0;
    for (const struct lt_cli_option *o = command->options; o && o->name; o++)
        n++;
    assert(n <= LT_CLI_OPTIONS_MAX);
    return n;
}

struct lt_cli_option lt_help_option_of(const struct lt_command *command)
{
    struct lt_cli_option help = lt_help_option;
    for (const struct lt_cli_option *o = command->options; o && o->name; o++)
        if (o->letter == help.letter)
            help.letter = '\0';
    return help;
}

/* getopt's two tables; "+" would stop at the first operand, which we do not want: options may
 * follow. ":" tells a missing argument apart. */
static void getopt_tables(const struct lt_command *command, struct option *longs, char *shorts)
{
    size_t n = option_count(command);
    *shorts++ = ':';
    if (lt_help_option_of(command).letter)
        *shorts++ = 'h';
    for (size_t i = 0; i < n; i++) {
        const struct lt_cli_option *o = &command->options[i];
        longs[i] = (struct option){o->name, o->arg ? required_argument : no_argument, NULL,
                                   OPTION_BASE + (int)i};
        if (o->letter) {
            *shorts++ = o->letter;
            if (o->arg)
                *shorts++ = ':';
        }
    }
    longs[n] = (struct option){lt_help_option.name, no_argument, NULL, OPTION_HELP};
    longs[n + 1] = (struct option){NULL, 0, NULL, 0};
    *shorts = '\0';
}

static const char *next_option(const void *arg, size_t i)
{
    const struct lt_command *command = arg;
    size_t n = option_count(command);
    if (i < n)
        return command->options[i].name;
    return i == n ? lt_help_option.name : NULL;
}

static int unknown_option(const struct lt_command *command, const char *word, int letter)
{
    char name[64];
    size_t dashes = strncmp(word, "--", 2) == 0 ? 2 : 1;
    if (dashes == 1 && !command->long_only)
        return lt_usage_error(command, "unknown option '-%c'", letter);
    const char *dash = dashes == 2 ? "--" : "-";
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + dashes, "="), word + dashes);
    const char *nearest = lt_word_nearest(name, next_option, command);
    if (nearest)
        return lt_usage_error(command, "unknown option '%s%s'; did you mean '%s%s'?", dash, name,
                              dash, nearest);
    return lt_usage_error(command, "unknown option '%s%s'", dash, name);
}

static const char *next_choice(const void *arg, size_t i)
{
    const char *const *choices = arg;
    return choices[i];
}

static int check_choice(const struct lt_command *command, const struct lt_cli_option *o,
                        const char *value)
{
    for (const char *const *c = o->choices; c && *c; c++)
        if (strcmp(*c, value) == 0)
            return LT_EXIT_OK;
    if (!o->choices)
        return LT_EXIT_OK;
    return lt_usage_error(command, "--%s cannot be '%s'%s", o->name, value,
                          lt_did_you_mean(value, next_choice, o->choices).text);
}

/* Lists given several times are one list. */
static const char *join(struct lt_args *args, const char *old, const char *value)
{
    char *text;
    if (asprintf(&text, "%s%s%s", old ? old : "", old && *old ? "," : "", value) < 0)
        return NULL;
    free(args->joined);
    return args->joined = text;
}

static int take_option(struct lt_args *args, size_t i, const char *value)
{
    const struct lt_cli_option *o = &args->command->options[i];
    if (o->words) {
        args->values[i] = join(args, args->values[i], value);
        return args->values[i] ? LT_EXIT_OK : LT_EXIT_FAILED;
    }
    args->values[i] = value ? value : "";
    return check_choice(args->command, o, args->values[i]);
}

/* The letter or number that getopt returned for option i of the table, or a complaint. */
static int take(struct lt_args *args, int c, const char *word)
{
    const struct lt_command *command = args->command;
    if (c == OPTION_HELP || (c == 'h' && lt_help_option_of(command).letter)) {
        args->help = true;
        return LT_EXIT_OK;
    }
    /* With the number of an option it is one that takes no argument and was given one. */
    if (c == '?' && (optopt >= OPTION_HELP))
        return lt_usage_error(command, "option '%.*s' takes no argument", (int)strcspn(word, "="),
                              word);
    if (c == '?')
        return unknown_option(command, word, optopt);
    if (c == ':')
        return lt_usage_error(command, "option '%s' needs an argument", word);
    for (size_t i = 0; i < option_count(command); i++)
        if (c == OPTION_BASE + (int)i || c == command->options[i].letter)
            return take_option(args, i, optarg);
    return unknown_option(command, word, c);
}

/* The operand that is missing where only `given` were given; NULL: none is. */
static const struct lt_operand *missing_operand(const struct lt_command *command, size_t given)
{
    size_t needed = 0;
    for (size_t i = 0; i < LT_OPERANDS_MAX && command->operands[i].name; i++) {
        needed += !command->operands[i].optional;
        if (needed > given)
            return &command->operands[i];
    }
    return NULL;
}

static size_t operands_max(const struct lt_command *command)
{
    size_t n = 0;
    for (; n < LT_OPERANDS_MAX && command->operands[n].name; n++)
        if (command->operands[n].many)
            return SIZE_MAX;
    return n;
}

static int take_operands(struct lt_args *args, int argc, char **argv)
{
    const struct lt_command *command = args->command;
    size_t max = operands_max(command);
    args->operands = argv + optind;
    args->operand_count = (size_t)(argc - optind);
    if (args->operand_count > max)
        return lt_usage_error(command, "too many arguments, from '%s' on", args->operands[max]);
    const struct lt_operand *missing = missing_operand(command, args->operand_count);
    if (missing)
        return lt_usage_error(command, "%s is missing", missing->name);
    return LT_EXIT_OK;
}

int lt_args_parse(const struct lt_command *command, int argc, char **argv, struct lt_args *ret)
{
    struct option longs[LT_CLI_OPTIONS_MAX + 2];
    char shorts[2 * LT_CLI_OPTIONS_MAX + 3];
    int c, status;

    *ret = (struct lt_args){.command = command};
    getopt_tables(command, longs, shorts);
    optind = 0; /* glibc: start afresh */
    opterr = 0;
    int (*next)(int, char *const *, const char *, const struct option *, int *) =
        command->long_only ? getopt_long_only : getopt_long;
    while ((c = next(argc, argv, shorts, longs, NULL)) != -1) {
        status = take(ret, c, argv[optind - 1]);
        if (status != LT_EXIT_OK)
            return status;
    }
    return ret->help ? LT_EXIT_OK : take_operands(ret, argc, argv);
}

void lt_args_free(struct lt_args *args)
{
    free(args->joined);
}

const char *lt_args_value(const struct lt_args *args, const char *option)
{
    size_t n = option_count(args->command);
    for (size_t i = 0; i < n; i++)
        if (strcmp(args->command->options[i].name, option) == 0)
            return args->values[i];
    assert(false && "no such option in the table");
    return NULL;
}

bool lt_args_flag(const struct lt_args *args, const char *option)
{
    return lt_args_value(args, option) != NULL;
}
