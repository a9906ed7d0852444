// SPDX-License-Identifier: MIT
/* Completion scripts, from the table. */
#include "cli.h"

#include <registry.h>

/* Lists where Lintel has something mounted: works in every shell with awk and Linux' /proc. */
#define LIST_MOUNTS "awk '$3 == \"fuse.lintel\" { print $2 }' /proc/self/mounts 2>/dev/null"

/* Lists what is in $dir, which is IMAGE:/PATH/. */
#define LIST_PLACE "lintel find \"$dir\" -mindepth 1 -maxdepth 1 2>/dev/null"

static void print_sources(FILE *out, const char *before, const char *behind)
{
    for (const struct lt_fs_kind *k = lt_fs_kinds; k->name; k++)
        fprintf(out, "%s%s:%s", before, k->name, behind);
}

static void print_choices(FILE *out, const char *const *choices)
{
    for (size_t i = 0; choices[i]; i++)
        fprintf(out, "%s%s", i > 0 ? " " : "", choices[i]);
}

static void print_words(FILE *out, const struct lt_word *words, const char *between)
{
    for (size_t i = 0; words[i].name; i++)
        fprintf(out, "%s%s%s", i > 0 ? between : "", words[i].name, words[i].arg ? "=" : "");
}

/* ---- bash ------------------------------------------------------------------------------------ */

static void bash_hint(FILE *out, enum lt_hint hint)
{
    static const char *const actions[] = {
        [LT_HINT_FILE] = "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))",
        [LT_HINT_DIR] = "compopt -o filenames; COMPREPLY=($(compgen -d -- \"$cur\"))",
        [LT_HINT_MOUNT] = "COMPREPLY=($(compgen -W \"$(" LIST_MOUNTS ")\" -- \"$cur\"))",
        [LT_HINT_SOURCE] = "compopt -o nospace -o filenames; "
                           "COMPREPLY=($(compgen -f -W \"$sources\" -- \"$cur\"))",
        [LT_HINT_IMAGE] = "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))",
        [LT_HINT_PLACE] = "_lintel_place",
        [LT_HINT_SOURCE_OR_MOUNT] =
            "COMPREPLY=($(compgen -f -W \"$sources $(" LIST_MOUNTS ")\" -- \"$cur\"))",
        [LT_HINT_COMMAND] = "COMPREPLY=($(compgen -W \"$commands sources\" -- \"$cur\"))",
        [LT_HINT_SHELL] = "COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$cur\"))",
    };
    if (hint != LT_HINT_NONE)
        fputs(actions[hint], out);
    else
        fputs(":", out);
}

/* What may follow an option that takes an argument. */
static void bash_argument(FILE *out, const struct lt_cli_option *o)
{
    fputs("        --", out);
    fputs(o->name, out);
    if (o->letter)
        fprintf(out, "|-%c", o->letter);
    fputs(")\n            ", out);
    if (o->choices) {
        fputs("COMPREPLY=($(compgen -W '", out);
        print_choices(out, o->choices);
        fputs("' -- \"$cur\"))", out);
    } else if (o->words) {
        fputs("_lintel_list '", out);
        print_words(out, o->words, " ");
        fputs("'", out);
    } else {
        bash_hint(out, o->hint);
    }
    fputs("\n            return ;;\n", out);
}

static bool has_argument_option(const struct lt_command *c)
{
    for (const struct lt_cli_option *o = c->options; o && o->name; o++)
        if (o->arg)
            return true;
    return false;
}

static void bash_command(FILE *out, const struct lt_command *c)
{
    fprintf(out, "    %s)\n", c->name);
    if (has_argument_option(c)) {
        fputs("        case $prev in\n", out);
        for (const struct lt_cli_option *o = c->options; o->name; o++)
            if (o->arg)
                bash_argument(out, o);
        fputs("        esac\n", out);
    }
    fputs("        if [[ $cur == -* ]]; then\n            COMPREPLY=($(compgen -W '", out);
    for (const struct lt_cli_option *o = c->options; o && o->name; o++)
        fprintf(out, "--%s ", o->name);
    fputs("--help' -- \"$cur\"))\n            return\n        fi\n", out);
    if (c->operands[0].name) {
        fputs("        case $operand in\n", out);
        for (int i = 0; i < LT_OPERANDS_MAX && c->operands[i].name; i++) {
            if (c->operands[i].many)
                fputs("        *) ", out);
            else
                fprintf(out, "        %d) ", i);
            bash_hint(out, c->operands[i].hint);
            fputs(" ;;\n", out);
        }
        fputs("        esac\n", out);
    }
    fputs("        ;;\n", out);
}

/* "-o|--options|--load": every option that the next word belongs to. */
static void bash_argument_options(FILE *out)
{
    const char *bar = "";
    for (const struct lt_command *const *at = lt_commands, *c; (c = *at); at++) {
        for (const struct lt_cli_option *o = c->options; o && o->name; o++) {
            if (!o->arg)
                continue;
            fprintf(out, "%s--%s", bar, o->name);
            bar = "|";
            if (o->letter)
                fprintf(out, "|-%c", o->letter);
        }
    }
}

/*
 * bash breaks words at ':' and '=' too, and replaces only the last piece. So the
 * words are cut again at blanks, and what lies before the last piece is cut off the answers.
 */
static const char bash_frame[] =
    "_lintel()\n{\n"
    "    local line=${COMP_LINE:0:COMP_POINT} piece=${COMP_WORDS[COMP_CWORD]}\n"
    "    local -a words\n"
    "    read -ra words <<<\"$line\"\n"
    "    [[ $line == *[[:space:]] ]] && words+=('')\n"
    "    local cur=${words[-1]} prev=${words[-2]}\n"
    "    [[ $piece == [:=] ]] && piece=\n"
    "    COMPREPLY=()\n"
    "    _lintel_reply\n"
    "    COMPREPLY=(\"${COMPREPLY[@]#\"${cur%\"$piece\"}\"}\")\n"
    "}\ncomplete -F _lintel lintel\n";

static void print_bash(FILE *out)
{
    fputs("# bash completion for lintel, made by 'lintel completion bash'\n\n"
          "# Completes the last word of a comma-separated list.\n"
          "_lintel_list()\n{\n"
          "    local done= last=$cur\n"
          "    [[ $cur == *,* ]] && done=${cur%,*}, last=${cur##*,}\n"
          "    compopt -o nospace\n"
          "    COMPREPLY=($(compgen -P \"$done\" -W \"$1\" -- \"$last\"))\n}\n\n"
          "# Names in an image, or files. compgen -W would expand what names have in them.\n"
          "_lintel_place()\n{\n"
          "    local name dir=${cur%/*}/\n"
          "    compopt -o filenames -o nospace\n"
          "    if [[ $cur != *:/* ]]; then\n"
          "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
          "        return\n"
          "    fi\n"
          "    while IFS= read -r name; do\n"
          "        [[ $name == \"$cur\"* ]] && COMPREPLY+=(\"$name\")\n"
          "    done < <(" LIST_PLACE ")\n}\n\n"
          "# From words, cur and prev to COMPREPLY.\n"
          "_lintel_reply()\n{\n"
          "    local commands='",
          out);
    for (const struct lt_command *const *at = lt_commands, *c; (c = *at); at++)
        fprintf(out, "%s%s", at == lt_commands ? "" : " ", c->name);
    fputs("' sources='", out);
    print_sources(out, "", " ");
    fputs("' operand=0 i\n"
          "    if ((${#words[@]} == 2)); then\n"
          "        COMPREPLY=($(compgen -W \"$commands\" -- \"$cur\"))\n"
          "        return\n"
          "    fi\n"
          "    for ((i = 2; i < ${#words[@]} - 1; i++)); do\n"
          "        case ${words[i]} in\n        ",
          out);
    bash_argument_options(out);
    fputs(") ((i++)) ;;\n"
          "        -*) ;;\n"
          "        *) ((operand++)) ;;\n"
          "        esac\n"
          "    done\n"
          "    case ${words[1]} in\n",
          out);
    for (const struct lt_command *const *at = lt_commands, *c; (c = *at); at++)
        bash_command(out, c);
    fputs("    esac\n}\n\n", out);
    fputs(bash_frame, out);
}

/* ---- zsh ------------------------------------------------------------------------------------- */

/* Text within '...[...]': brackets, colons and quotes have meanings there. */
static void zsh_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("[]:", *text))
            fputc('\\', out);
        if (*text == '\'')
            fputs("'\\'", out);
        fputc(*text, out);
    }
}

/* A function that completes the list of an option with words. */
static void zsh_words(FILE *out, const struct lt_command *c, const struct lt_cli_option *o)
{
    fprintf(out, "_lintel_%s_%s()\n{\n    _values -s , option", c->name, o->name);
    for (const struct lt_word *w = o->words; w->name; w++) {
        fprintf(out, " \\\n        '%s[", w->name);
        zsh_text(out, w->help);
        fputc(']', out);
        if (w->arg)
            fputs(":value: ", out);
        fputc('\'', out);
    }
    fputs("\n}\n\n", out);
}

static const char *zsh_hint(enum lt_hint hint)
{
    static const char *const actions[] = {
        [LT_HINT_NONE] = " ",
        [LT_HINT_FILE] = "_files",
        [LT_HINT_DIR] = "_files -/",
        [LT_HINT_MOUNT] = "_lintel_mounts",
        [LT_HINT_SOURCE] = "_lintel_sources",
        [LT_HINT_IMAGE] = "_files",
        [LT_HINT_PLACE] = "_lintel_place",
        [LT_HINT_SOURCE_OR_MOUNT] = "_lintel_sources_or_mounts",
        [LT_HINT_COMMAND] = "_lintel_commands",
        [LT_HINT_SHELL] = "(bash zsh fish)",
    };
    return actions[hint];
}

static void zsh_option(FILE *out, const struct lt_command *c, const struct lt_cli_option *o)
{
    fputs(" \\\n            ", out);
    if (o->words)
        fputs("'*'", out); /* may be repeated */
    if (o->letter)
        fprintf(out, "{-%c,--%s}'[", o->letter, o->name);
    else
        fprintf(out, "'--%s[", o->name);
    zsh_text(out, o->help);
    fputc(']', out);
    if (o->arg) {
        fprintf(out, ":%s:", o->arg);
        if (o->choices) {
            fputc('(', out);
            print_choices(out, o->choices);
            fputc(')', out);
        } else if (o->words) {
            fprintf(out, "_lintel_%s_%s", c->name, o->name);
        } else {
            fputs(zsh_hint(o->hint), out);
        }
    }
    fputc('\'', out);
}

static void zsh_command(FILE *out, const struct lt_command *c)
{
    fprintf(out, "    %s)\n        _arguments -s", c->name);
    for (const struct lt_cli_option *o = c->options; o && o->name; o++)
        zsh_option(out, c, o);
    struct lt_cli_option help = lt_help_option_of(c);
    zsh_option(out, c, &help);
    for (int i = 0; i < LT_OPERANDS_MAX && c->operands[i].name; i++) {
        const struct lt_operand *o = &c->operands[i];
        fputs(" \\\n            '", out);
        if (o->many)
            fputc('*', out);
        else
            fprintf(out, "%d", i + 1);
        fprintf(out, ":%s:%s'", o->name, zsh_hint(o->hint));
        if (o->many) /* what follows is of the same sort */
            break;
    }
    fputs(" ;;\n", out);
}

static void print_zsh(FILE *out)
{
    fputs("#compdef lintel\n# zsh completion for lintel, made by 'lintel completion zsh'\n\n"
          "_lintel_mounts()\n{\n"
          "    local -a dirs=(${(f)\"$(" LIST_MOUNTS ")\"})\n    compadd -f -a dirs\n}\n\n"
          "_lintel_place()\n{\n"
          "    local dir=${PREFIX%/*}/\n"
          "    if [[ $PREFIX == *:/* ]]; then\n"
          "        local -a names=(${(f)\"$(" LIST_PLACE ")\"})\n"
          "        compadd -S '' -a names\n"
          "    else\n        _files\n    fi\n}\n\n"
          "_lintel_sources()\n{\n    _files\n    compadd -S '' --",
          out);
    print_sources(out, " ", "");
    fputs("\n}\n\n_lintel_sources_or_mounts()\n{\n    _lintel_sources\n    _lintel_mounts\n}\n\n"
          "_lintel_commands()\n{\n    local -a commands=(",
          out);
    for (const struct lt_command *const *at = lt_commands, *c; (c = *at); at++) {
        fprintf(out, "\n        '%s:", c->name);
        zsh_text(out, c->summary);
        fputc('\'', out);
    }
    fputs("\n    )\n    _describe command commands\n}\n\n", out);
    for (const struct lt_command *const *at = lt_commands, *c; (c = *at); at++)
        for (const struct lt_cli_option *o = c->options; o && o->name; o++)
            if (o->words)
                zsh_words(out, c, o);
    fputs("_lintel()\n{\n"
          "    if ((CURRENT == 2)); then\n        _lintel_commands\n        return\n    fi\n"
          "    shift words\n    ((CURRENT--))\n"
          "    case $words[1] in\n",
          out);
    for (const struct lt_command *const *at = lt_commands, *c; (c = *at); at++)
        zsh_command(out, c);
    fputs("    esac\n}\n\ncompdef _lintel lintel\n", out);
}

/* ---- fish ------------------------------------------------------------------------------------ */

/* A single-quoted word. */
static void fish_text(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('\'', out);
}

static const char *fish_hint(enum lt_hint hint)
{
    static const char *const actions[] = {
        [LT_HINT_NONE] = NULL,
        [LT_HINT_FILE] = "-F",
        [LT_HINT_DIR] = "-a '(__fish_complete_directories)'",
        [LT_HINT_MOUNT] = "-a '(__lintel_mounts)'",
        [LT_HINT_SOURCE] = "-F -a '(__lintel_sources)'",
        [LT_HINT_IMAGE] = "-F",
        [LT_HINT_PLACE] = "-F -a '(__lintel_place)'",
        [LT_HINT_SOURCE_OR_MOUNT] = "-F -a '(__lintel_sources) (__lintel_mounts)'",
        [LT_HINT_COMMAND] = "-a '(__lintel_commands) sources'",
        [LT_HINT_SHELL] = "-a 'bash zsh fish'",
    };
    return actions[hint];
}

static void fish_option(FILE *out, const struct lt_command *c, const struct lt_cli_option *o)
{
    fprintf(out, "complete -c lintel -n '__fish_seen_subcommand_from %s' -l %s", c->name, o->name);
    if (o->letter)
        fprintf(out, " -s %c", o->letter);
    fputs(" -d ", out);
    fish_text(out, o->help);
    if (o->arg)
        fputs(o->hint == LT_HINT_FILE ? " -r -F" : " -x", out);
    if (o->choices) {
        fputs(" -a '", out);
        print_choices(out, o->choices);
        fputc('\'', out);
    } else if (o->words) {
        fputs(" -a '(__fish_append , ", out);
        print_words(out, o->words, " ");
        fputs(")'", out);
    }
    fputc('\n', out);
}

static void fish_command(FILE *out, const struct lt_command *c)
{
    fprintf(out, "complete -c lintel -n __fish_use_subcommand -a %s -d ", c->name);
    fish_text(out, c->summary);
    fputc('\n', out);
    for (int i = 0; i < LT_OPERANDS_MAX && c->operands[i].name; i++)
        if (fish_hint(c->operands[i].hint))
            fprintf(out, "complete -c lintel -n '__fish_seen_subcommand_from %s' %s\n", c->name,
                    fish_hint(c->operands[i].hint));
    for (const struct lt_cli_option *o = c->options; o && o->name; o++)
        fish_option(out, c, o);
    struct lt_cli_option help = lt_help_option_of(c);
    fish_option(out, c, &help);
}

static void print_fish(FILE *out)
{
    fputs("# fish completion for lintel, made by 'lintel completion fish'\n\n"
          "function __lintel_mounts\n    " LIST_MOUNTS "\nend\n\n"
          "function __lintel_place\n"
          "    set -l dir (string replace -r '[^/]*$' '' -- (commandline -ct))\n"
          "    if string match -q '*:/*' -- $dir\n        " LIST_PLACE "\n    end\nend\n\n"
          "function __lintel_sources\n",
          out);
    print_sources(out, "    echo ", "\n");
    fputs("end\n\n"
          "function __lintel_commands\n    string split ' ' '",
          out);
    for (const struct lt_command *const *at = lt_commands, *c; (c = *at); at++)
        fprintf(out, "%s%s", at == lt_commands ? "" : " ", c->name);
    fputs("'\nend\n\ncomplete -c lintel -f\n", out);
    for (const struct lt_command *const *at = lt_commands, *c; (c = *at); at++)
        fish_command(out, c);
}

/* ---- lintel completion ----------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*print)(FILE *out);
} shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}, {NULL, NULL}};

bool lt_print_completion(FILE *out, const char *shell)
{
    for (size_t i = 0; shells[i].name; i++) {
        if (strcmp(shells[i].name, shell) == 0) {
            shells[i].print(out);
            return true;
        }
    }
    return false;
}

static const char *next_shell(const void *arg, size_t i)
{
    (void)arg;
    return shells[i].name;
}

static int run(const struct lt_args *args)
{
    const char *shell = args->operands[0];
    if (lt_print_completion(stdout, shell))
        return LT_EXIT_OK;
    return lt_usage_error(args->command, "no completion for '%s': bash, zsh and fish have one%s",
                          shell, lt_did_you_mean(shell, next_shell, NULL).text);
}

const struct lt_command lt_command_completion = {
    .name = "completion",
    .summary = "Print a completion script for a shell",
    .operands = {{"bash|zsh|fish", LT_HINT_SHELL, false}},
    .examples = {{". <(lintel completion bash)", "complete 'lintel' in this shell"}},
    .group = LT_GROUP_OTHER,
    .run = run,
};
