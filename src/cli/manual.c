// SPDX-License-Identifier: MIT
/*
 * The reference parts of the man pages: joins prose in scdoc's language with what
 * the table says. Run at build time by manual_main.c.
 */
#include "cli.h"

/* Text in which scdoc would see markup. */
static void print_plain(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("_*\\", *text))
            fputc('\\', out);
        fputc(*text, out);
    }
}

/* "*--save* _TREE_" */
static void print_option_name(FILE *out, const struct lt_cli_option *o)
{
    if (o->letter)
        fprintf(out, "*-%c*, ", o->letter);
    fprintf(out, "*--%s*", o->name);
    if (o->arg)
        fprintf(out, " _%s_", o->arg);
}

static void print_synopsis(FILE *out, const struct lt_command *c)
{
    fprintf(out, "*lintel %s*", c->name);
    for (int i = 0; i < LT_OPERANDS_MAX && c->operands[i].name; i++) {
        const struct lt_operand *o = &c->operands[i];
        fprintf(out, o->optional ? " [_%s_]%s" : " _%s_%s", o->name, o->many ? "..." : "");
    }
    bool spelt = lt_spells_options(c);
    if (!spelt)
        fputs(" [_OPTIONS_]", out);
    for (const struct lt_cli_option *o = c->options; spelt && o && o->name; o++) {
        if (o->letter && o->arg)
            fprintf(out, " [*-%c* _%s_]", o->letter, o->arg);
        else if (o->arg)
            fprintf(out, " [*--%s* _%s_]", o->name, o->arg);
        else
            fprintf(out, " [*--%s*]", o->name);
    }
    fputc('\n', out);
}

static void print_option(FILE *out, const struct lt_cli_option *o)
{
    print_option_name(out, o);
    fputs("\n\t", out);
    print_plain(out, o->help);
    fputs(".\n\n", out);
}

static void print_options(FILE *out, const struct lt_command *c)
{
    for (const struct lt_cli_option *o = c->options; o && o->name; o++)
        print_option(out, o);
    struct lt_cli_option help = lt_help_option_of(c);
    print_option(out, &help);
}

static void print_words(FILE *out, const struct lt_command *c)
{
    for (const struct lt_cli_option *o = c->options; o && o->name; o++) {
        for (const struct lt_word *w = o->words; w && w->name; w++) {
            fputc('*', out);
            print_plain(out, w->name);
            fputs(w->arg ? "=*_" : "*", out);
            print_plain(out, w->arg ? w->arg : "");
            fputs(w->arg ? "_\n\t" : "\n\t", out);
            print_plain(out, w->help);
            fputs(".\n\n", out);
        }
    }
}

static void print_examples(FILE *out, const struct lt_command *c)
{
    fputs("```\n", out);
    for (size_t i = 0; i < LT_EXAMPLES_MAX && c->examples[i].line; i++)
        fprintf(out, "%s# %s\n%s\n", i > 0 ? "\n" : "", c->examples[i].what, c->examples[i].line);
    fputs("```\n", out);
}

static void print_commands(FILE *out)
{
    for (const struct lt_command *const *at = lt_commands, *c; (c = *at); at++) {
        print_synopsis(out, c);
        fputc('\t', out);
        print_plain(out, c->summary);
        fputs(".\n\n", out);
    }
}

static const struct {
    const char *name;
    void (*print)(FILE *out, const struct lt_command *command);
} parts[] = {
    {"synopsis", print_synopsis},
    {"options", print_options},
    {"words", print_words},
    {"examples", print_examples},
};

/* A line "@PART COMMAND@" or "@commands@". */
static int print_part(FILE *out, const char *line)
{
    char part[16], name[16];
    if (strcmp(line, "@commands@\n") == 0) {
        print_commands(out);
        return LT_OK;
    }
    if (sscanf(line, "@%15[a-z] %15[a-z]@", part, name) != 2)
        return LT_EINVAL;
    const struct lt_command *command = lt_command_named(name);
    for (size_t i = 0; command && i < sizeof(parts) / sizeof(*parts); i++) {
        if (strcmp(parts[i].name, part) == 0) {
            parts[i].print(out, command);
            return LT_OK;
        }
    }
    return LT_EINVAL;
}

int lt_print_manual(FILE *out, FILE *template)
{
    char line[1024];
    while (fgets(line, sizeof(line), template)) {
        if (line[0] != '@')
            fputs(line, out);
        else if (print_part(out, line) != LT_OK)
            return LT_EINVAL;
    }
    return ferror(template) || ferror(out) ? LT_EIO : LT_OK;
}
