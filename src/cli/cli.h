/* SPDX-License-Identifier: MIT */
/*
 * The `lintel` command: its vocabulary as data.
 *
 * One table (commands.c) says which commands there are and what they take.
 * Parsing, help, usage errors, completion scripts and the reference parts of the
 * man pages are all made from it, so that none of them can drift.
 */
#ifndef LT_CLI_CLI_H
#define LT_CLI_CLI_H

#include <lintel/error.h>
#include <lintel/types.h>

#include <stdio.h>

enum lt_exit { LT_EXIT_OK = 0, LT_EXIT_FAILED = 1, LT_EXIT_USAGE = 2 };

/* What a word on the command line stands for: tells a shell how to complete it. */
enum lt_hint {
    LT_HINT_NONE,
    LT_HINT_FILE,
    LT_HINT_DIR,
    LT_HINT_MOUNT, /* a directory at which Lintel has something mounted */
    LT_HINT_SOURCE,
    LT_HINT_IMAGE, /* an image file */
    LT_HINT_PLACE, /* IMAGE:PATH, or a file of the host: operand.h */
    LT_HINT_SOURCE_OR_MOUNT,
    LT_HINT_COMMAND,
    LT_HINT_SHELL
};

/* A word of a comma-separated list, as in mount -o. */
struct lt_word {
    const char *name;
    const char *arg; /* what follows the '=', NULL for none */
    const char *help;
};

struct lt_cli_option {
    const char *name; /* the long form */
    char letter;      /* the short form, or 0 */
    const char *arg;  /* what its argument is called; NULL: it takes none */
    const char *help;
    const char *const *choices;  /* the possible arguments, ended by NULL; or NULL: any */
    const struct lt_word *words; /* the argument is a list of these, and several are joined */
    enum lt_hint hint;
};

struct lt_example {
    const char *line, *what;
};

struct lt_operand {
    const char *name; /* "SOURCE" */
    enum lt_hint hint;
    bool optional;
    bool many; /* one or more of them; with `optional` any number */
};

/* How help lists the commands. */
enum lt_group { LT_GROUP_MOUNT, LT_GROUP_IMAGE, LT_GROUP_FILES, LT_GROUP_OTHER };

struct lt_args;

#define LT_OPERANDS_MAX 2
#define LT_EXAMPLES_MAX 5

struct lt_command {
    const char *name;
    const char *summary; /* one line, no full stop */
    const char *details; /* a few sentences for -h, or NULL */
    struct lt_operand operands[LT_OPERANDS_MAX];
    const struct lt_cli_option *options; /* ended by name NULL; NULL: only --help */
    struct lt_example examples[LT_EXAMPLES_MAX];
    int (*run)(const struct lt_args *args); /* returns the exit code */
    enum lt_group group;
    bool long_only;   /* long options have one dash or two, as those of find(1) */
    int usage_status; /* exit code of wrong usage; 0: LT_EXIT_USAGE */
};

/* Every command, ended by NULL, in the order in which help lists them. */
extern const struct lt_command *const lt_commands[];

/* The words that `mount -o` knows beside those of the source, ended by name NULL. */
extern const struct lt_word lt_mount_words[];

/* NULL if there is none. */
const struct lt_command *lt_command_named(const char *name);

/* Every command has this one too. */
extern const struct lt_cli_option lt_help_option;
/* It has no letter where the command itself uses that. */
struct lt_cli_option lt_help_option_of(const struct lt_command *command);

/* What several commands have. */
extern const char *const lt_progress_choices[];
#define LT_WITH_JSON                                                  \
    {                                                                 \
        .name = "json", .help = "Print one JSON object, for programs" \
    }
#define LT_WITH_QUIET                                                             \
    {                                                                             \
        .name = "quiet", .letter = 'q', .help = "Print nothing but what is wrong" \
    }
#define LT_WITH_PROGRESS                                                                        \
    {                                                                                           \
        .name = "progress", .arg = "WHEN", .choices = lt_progress_choices,                      \
        .help = "Show progress on stderr: auto (if it is a terminal), always, never, or json, " \
                "one object a line"                                                             \
    }

/* ---- A command line, taken apart (args.c) ---------------------------------------------------- */

#define LT_CLI_OPTIONS_MAX 32

struct lt_args {
    const struct lt_command *command;
    char **operands; /* borrowed from argv; NULL behind the last one given */
    size_t operand_count;
    const char *values[LT_CLI_OPTIONS_MAX]; /* by place in command->options; NULL: not given */
    bool help;
    char *joined; /* owned: the text of an option with words */
};

/*
 * Takes argv (argv[0] is the command's name) apart. On a mistake it says so on
 * stderr, in three lines, and returns LT_EXIT_USAGE. lt_args_free() in either case.
 */
int lt_args_parse(const struct lt_command *command, int argc, char **argv, struct lt_args *ret);
void lt_args_free(struct lt_args *args);

/* The option's argument ("" for one without), or NULL if it was not given. The name must exist. */
const char *lt_args_value(const struct lt_args *args, const char *option);
bool lt_args_flag(const struct lt_args *args, const char *option);

/* ---- Talking to the user (talk.c) ------------------------------------------------------------ */

/* What messages begin with: "lintel mount". Borrowed. */
void lt_talk_as(const char *name);
const char *lt_talk_name(void);

/* "NAME: TEXT" and a new line on stderr. */
void lt_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "cannot VERB NAME: WHY", where `diag` says why, if it does not say all of it itself. */
void lt_complain_why(const char *verb, const char *name, int error, const struct lt_diag *diag);

/* A usage error: what is wrong, how it is used (of `command`, or of lintel itself if NULL), where
 * help is. Returns LT_EXIT_USAGE. */
int lt_usage_error(const struct lt_command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "; did you mean 'WORD'?" for what lt_word_nearest() finds, or "". */
struct lt_hint_text {
    char text[96];
};
struct lt_hint_text
lt_did_you_mean(const char *word, const char *(*next)(const void *arg, size_t i), const void *arg);

/* ---- Made from the table --------------------------------------------------------------------- */

/* Whether usage lines spell out the options of a command: there are few. */
bool lt_spells_options(const struct lt_command *command);

/* "lintel mount SOURCE DIR [-o LIST] [--foreground]", without a new line. */
void lt_print_usage(FILE *out, const struct lt_command *command);
void lt_print_help(FILE *out, const struct lt_command *command);
void lt_print_overview(FILE *out);

/* The completion script of a shell: "bash", "zsh", "fish". False if the shell is unknown. */
bool lt_print_completion(FILE *out, const char *shell);

/*
 * Copies a man page in scdoc's language, and puts the reference parts in the place
 * of the lines "@synopsis COMMAND@", "@options COMMAND@", "@words COMMAND@",
 * "@examples COMMAND@" and "@commands@". LT_EINVAL for a line that it does not understand.
 */
int lt_print_manual(FILE *out, FILE *template);

/* ---- Other names of the program ---------------------------------------------------------------
 */

/* The external helper of mount(8): `mount.lintel SPEC DIR [-sfnv] [-N ns] [-o opts] [-t type]`. */
int lt_mount_helper(int argc, char **argv);

#endif
