// SPDX-License-Identifier: MIT
#include <cli.h>
#include <stdlib.h>
#include <unistd.h>

#include "../fault.h"
#include "../test.h"

#define ARGC(argv) ((int)(sizeof(argv) / sizeof(*(argv))) - 1)

/* stderr goes to a file meanwhile, so that what is said can be looked at. */
static char said[4096];

static int parse(int argc, char **argv, struct lt_args *args)
{
    FILE *out = tmpfile();
    int saved = dup(STDERR_FILENO), status;
    assert_non_null(out);
    dup2(fileno(out), STDERR_FILENO);
    status = lt_args_parse(lt_command_named(argv[0]), argc, argv, args);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(out);
    said[fread(said, 1, sizeof(said) - 1, out)] = '\0';
    fclose(out);
    return status;
}

static void test_args__takes_options_and_operands_in_any_order(void **state)
{
    char *argv[] = {"mount", "mem:", "--foreground", "/mnt", "--load=a b", "--save", "c", NULL};
    struct lt_args args;
    (void)state;
    assert_int_equal(parse(ARGC(argv), argv, &args), LT_EXIT_OK);
    assert_string_equal(args.operands[0], "mem:");
    assert_string_equal(args.operands[1], "/mnt");
    assert_true(lt_args_flag(&args, "foreground"));
    assert_string_equal(lt_args_value(&args, "load"), "a b");
    assert_string_equal(lt_args_value(&args, "save"), "c");
    assert_null(lt_args_value(&args, "options"));
    assert_string_equal(said, "");
    lt_args_free(&args);
}

static void test_args__joins_lists(void **state)
{
    char *argv[] = {"mount", "-o", "a,b=1", "mem:", "-oc", "/mnt", "--options=d", NULL};
    struct lt_args args;
    (void)state;
    assert_int_equal(parse(ARGC(argv), argv, &args), LT_EXIT_OK);
    assert_string_equal(lt_args_value(&args, "options"), "a,b=1,c,d");
    lt_args_free(&args);
}

static void test_args__accepts_the_beginning_of_an_option(void **state)
{
    char *argv[] = {"mount", "--fore", "mem:", "/mnt", NULL};
    struct lt_args args;
    (void)state;
    assert_int_equal(parse(ARGC(argv), argv, &args), LT_EXIT_OK);
    assert_true(lt_args_flag(&args, "foreground"));
    lt_args_free(&args);
}

static void test_args__can_be_called_again(void **state)
{
    char *first[] = {"info", "--json", "a", NULL}, *second[] = {"umount", "-l", "b", NULL};
    struct lt_args args;
    (void)state;
    assert_int_equal(parse(ARGC(first), first, &args), LT_EXIT_OK);
    lt_args_free(&args);
    assert_int_equal(parse(ARGC(second), second, &args), LT_EXIT_OK);
    assert_true(lt_args_flag(&args, "lazy"));
    assert_string_equal(args.operands[0], "b");
    lt_args_free(&args);
}

/* A command line, and what must be said of it. */
static const struct {
    char *argv[6];
    const char *said;
} mistakes[] = {
    {{"info", NULL}, "IMAGE|SOURCE|DIR is missing"},
    {{"info", "a", "b", NULL}, "too many arguments, from 'b' on"},
    {{"info", "--jsno", "a", NULL}, "unknown option '--jsno'; did you mean '--json'?"},
    {{"info", "--json=1", "a", NULL}, "option '--json' takes no argument"},
    {{"info", "--help=1", "a", NULL}, "option '--help' takes no argument"},
    {{"info", "-q", "a", NULL}, "unknown option '-q'"},
    {{"save", "--progress", NULL}, "option '--progress' needs an argument"},
    {{"save", "--progress=maybe", "a", NULL}, "--progress cannot be 'maybe'"},
    {{"mount", "a", "b", "-o", NULL}, "option '-o' needs an argument"},
};

static void test_args__names_every_mistake(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
        char *argv[6];
        struct lt_args args;
        int argc = 0;
        memcpy(argv, mistakes[i].argv, sizeof(argv));
        while (argv[argc])
            argc++;
        assert_int_equal(parse(argc, argv, &args), LT_EXIT_USAGE);
        if (!strstr(said, mistakes[i].said))
            fail_msg("'%s' is not in '%s'", mistakes[i].said, said);
        lt_args_free(&args);
    }
}

static void test_args__fit_every_command(void **state)
{
    (void)state;
    for (const struct lt_command *const *at = lt_commands, *c; (c = *at); at++) {
        size_t n = 0;
        assert_non_null(c->summary);
        assert_non_null(c->run);
        for (const struct lt_cli_option *o = c->options; o && o->name; o++, n++)
            assert_true(o->help && !(o->words && !o->arg));
        assert_true(n <= LT_CLI_OPTIONS_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_args__takes_options_and_operands_in_any_order),
        cmocka_unit_test(test_args__joins_lists),
        cmocka_unit_test(test_args__accepts_the_beginning_of_an_option),
        cmocka_unit_test(test_args__can_be_called_again),
        cmocka_unit_test(test_args__names_every_mistake),
        cmocka_unit_test(test_args__fit_every_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
